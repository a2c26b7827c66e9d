"""What one can do to a lesson that is played: a row a command, for the full screen and for line mode.

From one row come the binding of the full screen, its key bar, its help, the command palette, the tables of README and
docs/keys.md, and what the same is called in line mode.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from tutor.text.language import N_, say


class Key(NamedTuple):
    """A command of a screen. A row without a label is not in the key bar, one without help is a second way to another.

    `keys` are bound, by the names that Textual has for them, with commas between; `shown` is the key as a person
    reads it. `line` is the command of line mode that does the same, or, in brackets, why there is none. Line mode's
    help shows it as `usage` (the command itself, where that is all) with the words `says` (else those of `help`); what
    the usage of another row shows is shown once. A row without `keys` and `action` is of line mode alone;
    `screen` says where the full screen has the same.
    """

    keys: str
    action: str
    shown: str = ""
    label: str = ""
    help: str = ""
    line: str = ""
    first: bool = False  # before the widget that has the focus, which would take the key for itself
    usage: str = ""
    says: str = ""
    screen: str = ""

    @property
    def title(self) -> str:
        """What the command palette calls it."""
        text = say(self.help)
        return text[:1].upper() + text[1:]


ARROWS_AND_PANES = N_("(a screen has panes and cells; lines are read in their order)")
AS_IT_IS = N_("(a terminal in line mode has its own colours, and scrolls by itself)")

ON_A_PANE = "a pane of the player"
ON_A_PICTURE = "a picture of the step"
WHERE_IT_TRAINS = "the screen that trains"


def _in_lines(usage: str, says: str, screen: str) -> Key:
    """What line mode has a command for, and the full screen no key of its own."""
    return Key("", "", line=usage.partition(" ")[0], usage=usage, says=says, screen=screen)


# fmt: off
PLAYER = [
    Key("n,space", "forward", "n/b", "step", "the next step", "next", usage="Enter, next"),
    Key("b,backspace", "back", "b", "", "the step before", "back"),
    Key(
        "pagedown", "equation(1)", "PgDn", "", "the next symbol, past this one's other elements", "symbol",
        usage="symbol, -symbol", says="the next symbol, past this one's other elements; the one before",
    ),
    Key("pageup", "equation(-1)", "PgUp", "", "the symbol before", "-symbol"),
    Key(
        "right_square_bracket", "phase(1)", "]/[", "phase", "the next phase", "phase", usage="phase, -phase",
        says="the start of the next phase, of this one",
    ),
    Key("left_square_bracket", "phase(-1)", "[", "", "the start of this phase, then the one before", "-phase"),
    Key(
        "home", "first", "home/end", "", "the first step", "first", usage="first, last",
        says="the first step, the last step",
    ),
    Key("end", "last", "end", "", "the last step", "last"),
    Key(
        "c", "chain", "c", "chain", "take the gradient apart: its chain, a matrix cell by cell, a derivation", "chain",
        usage="chain [ID]",
        says="this gradient (or that of ID) path by path, factor by factor; how a combined error is derived",
    ),
    _in_lines(
        "build [ID]", "put this gradient (or that of ID) together yourself: its factors, their values, the product",
        "the chain (`c`), and there `p`",
    ),
    Key(
        "plus", "unfold", "+/-", "", "write out the operands of the formula (or the one chosen in its list), and on",
        "unfold",
        usage="unfold [NAME]", says="all operands of the formula (or one of them) written out, further each time",
    ),
    Key("minus", "fold", "-", "", "fold it again: the names in place of what was written out last", "fold"),
    Key(
        "Y", "copy", "Y", "", "copy the step, how it comes about or the whole pass: text, Markdown, LaTeX", "copy",
        usage="copy [WHAT FORM]", says="step, derivation or pass as text, markdown or latex: shown, and in a file",
    ),
    Key(
        "N", "note", "N", "", "a note of your own at this step; it is kept, and stands below the card", "note",
        usage="note [TEXT]",
        says="a note of your own at this step; note - takes it away; without a text all in this lesson",
    ),
    _in_lines("from", "what this step is made from, and which step made it", ON_A_PANE),
    _in_lines(
        "reuse", "how many multiplications backpropagation saves in this lesson", "the card of each step, and the chain"
    ),
    Key(
        "g", "go", "g", "", "go to a step by its id, such as dL/dW2[1,2]", "go", usage="go ID",
        says="the step with this id: go dL/dW2, go dL/dW2[1,2], go L@3; the id alone does it, too",
    ),
    Key("r", "return", "r", "", "back to where the last jump began", "return", says="back to where the last go began"),
    Key(
        "l", "level(1)", "l", "level", "the next level: 1 story, 2 scalar, 3 matrix", "level", usage="level [NAME]",
        says="story, scalar or matrix; without a name the next of them",
    ),
    Key(
        "t", "notation(1)", "t", "names", "the next textbook's notation (T: one back)", "notation",
        usage="notation [NAME]", says="{notations}; without a name the next of them",
    ),
    Key(
        "full_stop", "iteration(1)", ",/.", "iter", "the next iteration of training", "iteration", usage="iteration N",
        says="the same step in iteration N of the training",
    ),
    Key("comma", "iteration(-1)", ",", "", "the iteration before", "iteration"),
    Key("I", "go_iteration", "I", "", "go to any iteration", "iteration"),
    Key(
        "x", "train", "x", "train", "train on: losses, evaluation, decision boundary", "train", usage="train N",
        says="train on to iteration N; any of them can be stepped then",
    ),
    _in_lines("train epoch N", "train on to the end of epoch N", WHERE_IT_TRAINS),
    _in_lines(
        "train converge", "train until an epoch changes loss and parameters by less than {tolerance}", WHERE_IT_TRAINS,
    ),
    _in_lines("losses", "the losses of what is trained", WHERE_IT_TRAINS),
    _in_lines(
        "landscape [X Y]", "the loss over two parameters, W1[1,1] W2[1,1] or those that moved most: training's path",
        WHERE_IT_TRAINS,
    ),
    _in_lines(
        "evaluate [N]", "what is predicted right for all rows, after the last iteration trained, or after iteration N",
        WHERE_IT_TRAINS,
    ),
    Key(
        "e", "example(1)", "e", "example", "the next example of the batch (E: one back)", "example", usage="example N",
        says="the same step for example N of the batch",
    ),
    Key(
        "w", "what_if", "w", "what if", "change any number or setting; everything follows at once", "set",
        usage="set NAME = VALUE", says="what if: set W1[1,2] = 0.3 or set optimizer = adam; all follows",
    ),
    Key(
        "u", "undo", "u", "", "take the last change back (U: make it again)", "undo", usage="undo, redo",
        says="take the last change back, make it again",
    ),
    _in_lines("changes", "what is changed, and all that can be", "the list of what can change"),
    _in_lines("save FILE", "the lesson with the changes as a lesson file", "s in the list of what can change"),
    Key(
        "y", "compare", "y", "", "compare runs: learning rates, optimisers, activations …", "compare",
        usage="compare NAME V W", says="runs side by side: compare learning_rate 0.1 0.5",
    ),
    Key(
        "W", "sweep", "W", "", "sweep: many runs over a range of one setting or two, and what becomes of them", "sweep",
        usage="sweep NAME A..B", says="many runs over a range: sweep learning_rate 0.01..10; with and … over two",
    ),
    Key(
        "D", "diagnose", "D", "", "your own numbers, from a file or pasted: the first that is wrong, and its slip",
        "diagnose", usage="diagnose FILE", says="your own numbers, from a file: the first that is wrong, and its slip",
    ),
    Key(
        "s", "paper", "s", "", "paper: an empty table of the whole pass, to fill in and to be checked", "paper",
        usage="paper [N]", says="the whole pass to fill in, of a batch example N alone; checked when you want",
    ),
    Key(
        "S", "exam", "S", "", "an exam: a paper with fresh numbers, marked at the end",
        "(a command of its own: `backprop-tutor exam LESSON`)",
    ),
    Key(
        "m", "map", "m", "map", "the network over the whole screen: select a unit or a weight, go to its step", "map",
        says="the network layer by layer, or the circuit: units, values, gradients; > marks what the step uses",
    ),
    Key(
        "p", "predict", "p", "predict", "predict mode in this lesson: the tutor asks before it shows a value",
        "predict", usage="predict [always]",
        says="predict mode on or off in this lesson, or on in all: values are asked for before they are shown; "
        "predict all asks at every step, predict new only what you do not know yet",
    ),
    Key("A", "everything", "A", "", "ask at every step in predict mode, or what you do not know yet", "predict"),
    Key("P", "always", "P", "", "predict mode in every lesson, or in none", "predict"),
    Key(
        "v", "pictures", "v", "see", "pictures of the step: slope, check, activation, sizes; of arrays cells, heat …",
        "slope",
        usage="slope [ID]", says="the loss as a function of a parameter: its slope, the update, where it lands",
    ),
    _in_lines("check [ID]", "the step's gradient held against differences; check W2[1,1] or any other", ON_A_PICTURE),
    _in_lines("activation [ID]", "the activation of the step's units and its slope at each", ON_A_PICTURE),
    _in_lines("sizes", "how large the gradients are in each layer; dead and saturated units", ON_A_PICTURE),
    _in_lines("cells [ID]", "of an array: the cells that an element is made from; cells c[1,2]", ON_A_PICTURE),
    _in_lines("heat [ID]", "of an array: its largest and smallest, its zeros", ON_A_PICTURE),
    _in_lines("spread [ID]", "of a norm: the numbers of a row before and after it", ON_A_PICTURE),
    _in_lines("image [ID]", "where the inputs are an image: it, and the weights of a unit", ON_A_PICTURE),
    _in_lines("sheet [ID]", "of two hidden units over two inputs: what they make of each row", ON_A_PICTURE),
    _in_lines("uses [ID]", "of a value used in several places: what comes back from each", ON_A_PICTURE),
    Key("tab", "pane(1)", "tab", "pane", "the next pane; in it ↑ ↓ choose, Enter jumps", ARROWS_AND_PANES),
    _in_lines("state", "parameters and what has been computed so far", ON_A_PANE),
    _in_lines("steps", "all steps; > marks this one", ON_A_PANE),
    _in_lines("again", "this step once more", "the step stays on the screen"),
    Key("shift+down,ctrl+down", "scroll_card(2)", "⇧↑↓", "", "scroll the card, at any level", AS_IT_IS),
    Key(
        "a", "algorithm", "a", "", "the whole algorithm on one page: its formulas for any layer, its letters",
        "algorithm",
    ),
    Key("f5", "names", "f5", "", "the names of this lesson, and what each stands for", "names"),
    Key("i", "intro", "i", "", "the introduction and this lesson's conventions", "intro", says="the introduction"),
    Key(
        "f", "glossary", "f", "terms", "the glossary: what the terms mean, those of this step first", "glossary",
        usage="glossary [TERM]", says="what a term means; without one all terms, those of this step first",
    ),
    Key("d", "app.toggle_dark", "d", "", "light or dark", AS_IT_IS),
    Key(
        "f9", "app.language", "f9", "", "another language: English or German (Deutsch)", "language",
        usage="language [NAME]", says="en or de: English or German (Deutsch); without a name the next of them",
    ),
    Key("h", "home", "h", "home", "the list of lessons", "(line mode is one lesson: `backprop-tutor list` has all)"),
    Key("question_mark", "help", "?", "help", "this help", "help", says="this list"),
    Key("q", "quit", "q", "quit", "leave; your place is kept", "quit"),
    # Second ways.
    Key("E", "example(-1)"),
    Key("T", "notation(-1)"),
    Key("L", "level(-1)"),
    Key("U", "redo", line="redo"),
    Key("shift+tab", "pane(-1)"),
    Key("1", "set_level('story')", line="level story"),
    Key("2", "set_level('scalar')", line="level scalar"),
    Key("3", "set_level('matrix')", line="level matrix"),
    Key("shift+up,ctrl+up", "scroll_card(-2)"),
    Key("right", "arrow(0, 1)"),
    Key("left", "arrow(0, -1)"),
    Key("down", "arrow(1, 0)"),
    Key("up", "arrow(-1, 0)"),
    Key("f1", "help"),
    Key("escape", "stop_seek"),
    Key("enter", "to_question"),
    Key("f2", "show_answer"),
    Key("f3", "glossary"),
    Key("f4", "map"),
    Key("f6", "ask_again"),
]

# A question of practice; in line mode one of predict mode, too.
PRACTICE = [
    Key(
        "", "answer", "enter", "answer, then the next", "answer; after the verdict the next question",
        "(what is no command is an answer)",
    ),
    Key(
        "tab", "hint", "tab", "hint", "a hint: the rule, then the formula, then the numbers, then the answer", "hint",
        says="the rule, then the formula, then the numbers, then the answer",
    ),
    Key(
        "", "answer", "=…", "compute without answering", "compute an expression, which costs nothing", "=",
        usage="= EXPRESSION", says="computes it, which costs nothing",
    ),
    Key("", "scroll_card(2)", "⇧↑↓", "scroll", "scroll the question", AS_IT_IS),
    Key("f2", "show", "f2", "show me", "the answer: given up", "show"),
    Key("f6", "again", "f6", "", "a question that is done once more, with new numbers", "again"),
    Key("f7", "skip", "f7", "skip", "another question first; this one comes back", "skip"),
    _in_lines("known", "the values that it is worked out from, and all that is known besides", "beside the question"),
    Key(
        "", "glossary", "f3", "terms", "the glossary: what the terms mean, those of this step first", "glossary",
        usage="glossary [TERM]", says="what a term means",
    ),
    Key(
        "", "map", "f4", "network", "the network over the whole screen, as far as it is known", "map",
        says="the picture in words, as far as it is known",
    ),
    _in_lines("intro", "the introduction", "i in the player"),
    Key("", "names", "f5", "names", "the names of this lesson, and what each stands for", "names"),
    Key("f1", "help", "f1", "", "this help", "help", says="this list"),
    Key(
        "escape", "leave", "esc", "leave", "leave; what was answered is kept", "quit", first=True,
        says="leaves; what was answered is kept",
    ),
]

QUIZ = [
    Key("", "answer", "enter", "answer", "answer, in one try; the verdicts come at the end", "(a line is an answer)"),
    Key("tab", "skip(1)", "tab", "skip", "the next question that is open", "skip"),
    Key("shift+tab", "skip(-1)", "⇧tab", "back", "the one before", "back"),
    _in_lines("known", "what is known", "beside the question"),
    Key("", "scroll_card(2)", "⇧↑↓", "scroll", "scroll the question", AS_IT_IS),
    Key(
        "", "glossary", "f3", "terms", "the glossary: what the terms mean, those of this step first",
        "(`backprop-tutor glossary TERM` says what a term means)",
    ),
    Key("", "map", "f4", "network", "the network over the whole screen, as far as it is known", "map"),
    Key("", "names", "f5", "names", "the names of this lesson, and what each stands for", "(`known` has them)"),
    Key("f8", "end", "f8", "end", "end it here: the report, with the open questions as not answered", "end"),
    Key("f1", "help", "f1", "", "this help", "(the commands are said at the beginning)"),
    Key(
        "escape", "leave", "esc", "leave, go on later", "leave; the quiz goes on where it was left", "quit", first=True,
    ),
]

WHAT_IF = [
    Key("down", "move(1)", "↑↓", "choose", "another number or setting", "changes"),
    Key("up", "move(-1)"),
    Key("pagedown", "move(8)"),
    Key("pageup", "move(-8)"),
    Key("right", "nudge(1)", "←→", "a little", "a little more, a little less; the next word", "set"),
    Key("left", "nudge(-1)"),
    Key("tab", "column(1)", "tab", "number", "the next number in a row of an array (⇧tab: the one before)", "set"),
    Key("shift+tab", "column(-1)"),
    Key("enter", "edit", "Enter", "type", "type a value, or anything in full: W1[1,2] = 0.3", "set"),
    Key("u", "undo", "u/U", "undo", "take the last change back (U: make it again)", "undo"),
    Key("U", "redo", line="redo"),
    Key("s", "save", "s", "save", "write the lesson with its changes as a lesson file", "save"),
    Key("y", "compare", "y", "compare", "compare runs: learning rates, optimisers, activations …", "compare"),
    Key("question_mark,f1", "help", "?", "", "this help", "help"),
    Key("escape,w,q", "leave", "Esc", "back", "back to the step; the changes stay", "(a command is over at once)"),
]

GLOSSARY = [
    Key("", "", N_("Type"), "to search", "type a term, or words of what it means", "glossary"),
    Key("down", "scroll(1)", "↑ ↓", "scroll", "scroll the terms", AS_IT_IS, first=True),
    Key("up", "scroll(-1)", first=True),
    Key("pagedown", "scroll(8)", first=True),
    Key("pageup", "scroll(-8)", first=True),
    Key("escape,f1", "dismiss", "Esc", "goes back", "back to where it was opened", "(it says its terms and is over)"),
]

DIAGNOSE = [
    Key("", "", N_("Type"), "a file", "type the name of a file, or paste a table or JSON", "diagnose"),
    Key("", "", "Enter", "judge", "judge it; on an empty line go to the first step that is wrong", "diagnose"),
    Key("f8", "clear", "f8", "", "take the marks away", "(line mode marks nothing)", first=True),
    Key("down", "scroll(1)", "↑ ↓", "scroll", "scroll the verdicts", AS_IT_IS, first=True),
    Key("up", "scroll(-1)", first=True),
    Key("pagedown", "scroll(8)", first=True),
    Key("pageup", "scroll(-8)", first=True),
    Key("escape,f1", "dismiss", "Esc", "goes back", "back to the step", "(it says its verdicts and is over)"),
]

MISTAKES = [
    Key("", "", "↑↓", "choose", "another question", "(a question is named by its number)"),
    Key("", "replay", "enter", "again", "ask the question again, with the same numbers", "again", usage="again N",
        says="asks question N again, with the same numbers"),
    Key("n", "replay(True)", "n", "new numbers", "ask it with new numbers", "new", usage="new N",
        says="asks it with new numbers"),
    Key("a", "replay_all", "a", "all", "all that were not right since, one after the other", "all"),
    Key("f1,question_mark", "help", "f1", "", "this help", "help", says="this list"),
    Key("escape,q,h", "leave", "esc", "back", "back", "quit", says="leaves"),
]

LAB = [
    Key("r", "run_again", "r", "run", "run the file once more, on other numbers", "run"),
    Key("tab", "hint", "tab", "hint", "a hint: what it is about, then where to look, then the formula", "hint"),
    Key(
        "e", "edit", "e", "edit", "open the file in your editor ($VISUAL or $EDITOR)",
        "(an editor has a window of its own)",
    ),
    Key("l", "lesson", "l", "lesson", "the lesson that has the theory", "(`backprop-tutor play ID` opens it)"),
    Key("down", "scroll(1)", "↑↓", "scroll", "scroll what is said", AS_IT_IS),
    Key("up", "scroll(-1)"),
    Key("pagedown", "scroll(8)"),
    Key("pageup", "scroll(-8)"),
    Key("n", "following", "n", "next", "the next exercise", "(`backprop-tutor lab start ID` begins it)"),
    Key("f1", "help", "f1", "", "this help", "help"),
    Key("escape,q", "leave", "esc", "back", "back; the file stays, and what was right is kept", "quit"),
]

DOCTOR = [
    Key("down", "move(1)", "↑↓", "choose", "another illness, or another way to mend it", "(a choice has a number)"),
    Key("up", "move(-1)"),
    Key(
        "enter", "choose", "enter", "take it", "name the illness; then try what mends it", "NUMBER",
        says="names what is wrong; then tries what mends it",
    ),
    Key(
        "tab", "look(1)", "tab", "look", "what else was found: the check, the sizes, the rows, the curve", "check",
        usage="check, sizes, rows, curve", says="what was found; the loss in numbers",
    ),
    Key("shift+tab", "look(-1)"),
    Key("n", "patient(1)", "n/b", "patient", "the next patient", "next"),
    Key("b", "patient(-1)", "b", "", "the patient before", "back"),
    Key("l", "log", "l", "log scale", "the loss on a logarithmic scale, or not", "(a curve is told in numbers)"),
    Key("f2", "tell", "f2", "tell me", "what it suffers from; once more: what mends it", "show"),
    Key("f1,question_mark", "help", "f1", "", "this help", "help"),
    Key("escape,q", "leave", "esc", "leave", "leave the doctor", "quit"),
]

PAPER = [
    Key(
        "", "answer", "enter", "write", "write it down, and go to the next blank", "fill", usage="fill NAME VALUES",
        says="write numbers down: fill z1[2] 0.8, or all of an array, row by row: fill z1 0.38 0.8",
    ),
    Key(
        "", "answer", "=…", "compute", "compute the cell; what is given and what is filled in may be used", "=",
        usage="= EXPRESSION", says="computes it; what is given and what is filled in may be used",
    ),
    Key("", "", "↑↓←→", "choose", "another cell", "(a cell is named)"),
    Key(
        "tab", "blank(1)", "tab", "next blank", "the next blank (⇧tab: the one before)", "table",
        usage="table [PHASE]", says="what is filled in, and what was said of it",
    ),
    Key("shift+tab", "blank(-1)"),
    Key("pagedown", "array(1)", "PgDn", "", "the next array (PgUp: the one before)", "table"),
    Key("pageup", "array(-1)"),
    _in_lines("clear NAME", "takes what is written there away; clear all", "delete in a cell; ctrl+n"),
    Key("ctrl+n", "clear", "ctrl+n", "", "begin anew: all of it blank", "clear"),
    Key("f2", "given", "f2", "given", "what is given", "given"),
    Key(
        "f3", "glossary", "f3", "", "the glossary: what the terms mean, those of this cell first; not in an exam",
        "(`backprop-tutor glossary TERM` says what a term means)",
    ),
    Key("f4", "map", "f4", "network", "the network over the whole screen, without what is to be worked out", "map"),
    Key(
        "f6", "example", "f6", "", "of a batch: all of it, or one example alone", "example", usage="example N, all",
        says="of a batch one example alone, or all of it",
    ),
    Key("f7", "check", "f7", "check", "check what is filled in: the first that is wrong, and its slip", "check"),
    Key(
        "f8", "hand_in", "f8", "hand in", "an exam: hand it in; what is blank has no marks", "hand",
        usage="hand in", says="an exam: hand it in; what is blank has no marks",
    ),
    _in_lines("time", "an exam: how much time is left", "in the first line"),
    Key("", "names", "f5", "", "the names of this lesson, and what each stands for", "names"),
    Key("f1", "help", "f1", "", "this help", "help", says="this list"),
    Key(
        "escape", "leave", "esc", "leave", "leave, as q does on a cell; what is filled in is kept", "quit", first=True,
        says="leaves; what is filled in is kept",
    ),
    # Second ways; the last three where nothing is typed.
    Key("f5", "names"),
    Key("q", "leave"),
    Key("down", "scroll(3)"),
    Key("up", "scroll(-3)"),
]

# fmt: on
# The tables, by what they are called, in the order of docs/keys.md. README has the first.
TABLES = {
    "The player": PLAYER,
    "A question of practice, a drill or a review": PRACTICE,
    "A quiz and the placement": QUIZ,
    "What if": WHAT_IF,
    "The glossary": GLOSSARY,
    "Your own numbers": DIAGNOSE,
    "My mistakes": MISTAKES,
    "An exercise of the lab": LAB,
    "A paper and an exam": PAPER,
    "The doctor": DOCTOR,
}


def alone(key: Key, keys: Sequence[Key]) -> str:
    """A key as a person reads it where each of a pair, n/b in the key bar, has a line of its own."""
    others = {other.shown for other in keys if other is not key}
    return "/".join(part for part in key.shown.split("/") if part not in others) or key.shown


def table(keys: Sequence[Key] = PLAYER) -> str:
    """A table of keys in Markdown: the key, what it does, what line mode calls it."""
    rows = [f"| `{alone(key, keys)}` | {key.help} | {_called(key)} |" for key in keys if key.help]
    return "\n".join(["| key | what it does | in line mode |", "|---|---|---|", *rows])


def with_tables(text: str) -> str:
    """A document with these tables in place of its own, which stand in the same order."""
    tables = iter(TABLES.values())
    own = r"^\| key \| what it does \| in line mode \|\n(?:\|.*\n)+"
    return re.sub(own, lambda _: table(next(tables)) + "\n", text, flags=re.MULTILINE)


def _called(key: Key) -> str:
    return key.line[1:-1] if key.line.startswith("(") else f"`{key.line}`"


def named_in(text: str) -> dict[str, str]:
    """The keys of the player that a text names, as `x`, with their actions."""
    letters = set(re.findall(r"`([A-Za-z0-9])`", text))
    return {key: row.action for row in PLAYER for key in row.keys.split(",") if key in letters}


def said_of_key(pressed: str) -> str:
    """What to say of a key of the player that is typed in line mode, as a lesson says it; "" of any other word."""
    rows = [key for key in PLAYER if key.keys and key.line]
    own = (key for key in rows if pressed in (key.shown, *key.keys.split(",")))
    row = next(own, None) or next((key for key in rows if pressed in key.shown.split("/")), None)
    if row is None:
        return ""
    if row.line.startswith("("):
        return say("`{key}` is a key of the full screen: {why}.", key=pressed, why=say(row.line)[1:-1])
    told = N_("`{key}` is a key of the full screen: in line mode it is `{command}`.")
    return say(told, key=pressed, command=row.usage or row.line)


def in_lines(keys: Sequence[Key]) -> dict[str, str]:
    """The commands that line mode has of a table, as its help shows them, with what each does."""
    listed = [key for key in keys if key.line and not key.line.startswith("(") and (key.says or key.help)]
    said = {name.split()[0] for key in listed for name in key.usage.split(", ") if name}
    return {key.usage or key.line: say(key.says or key.help) for key in listed if key.usage or key.line not in said}
