"""What one can do to a lesson that is played: a row a command, for the full screen and for line mode.

From one row come the binding of the full screen, its key bar, its help, the command palette, README's table, and what
the same is called in line mode.
"""

from __future__ import annotations

from typing import NamedTuple


class Key(NamedTuple):
    """A command of a screen. A row without a label is not in the key bar, one without help is a second way to another.

    `keys` are bound, by the names that Textual has for them, with commas between; `shown` is the key as a person
    reads it. `line` is the command of line mode that does the same, or, in brackets, why there is none.
    """

    keys: str
    action: str
    shown: str = ""
    label: str = ""
    help: str = ""
    line: str = ""
    first: bool = False  # before the widget that has the focus, which would take the key for itself

    @property
    def title(self) -> str:
        """What the command palette calls it."""
        return self.help[:1].upper() + self.help[1:]


ARROWS_AND_PANES = "(a screen has panes and cells; lines are read in their order)"
AS_IT_IS = "(a terminal in line mode has its own colours, and scrolls by itself)"

PLAYER = [
    Key("n,space", "forward", "n/b", "step", "the next step", "next"),
    Key("b,backspace", "back", "b", "", "the step before", "back"),
    Key("pagedown", "equation(1)", "PgDn", "", "the next symbol, past this one's other elements", "symbol"),
    Key("pageup", "equation(-1)", "PgUp", "", "the symbol before", "-symbol"),
    Key("right_square_bracket", "phase(1)", "]/[", "phase", "the next phase", "phase"),
    Key("left_square_bracket", "phase(-1)", "[", "", "the start of this phase, then the one before", "-phase"),
    Key("home", "first", "home/end", "", "the first step", "first"),
    Key("end", "last", "end", "", "the last step", "last"),
    Key("c", "chain", "c", "chain", "take the gradient apart: its chain, a matrix cell by cell, a derivation", "chain"),
    Key("g", "go", "g", "", "go to a step by its id, such as dL/dW2[1,2]", "go"),
    Key("r", "return", "r", "", "back to where the last jump began", "return"),
    Key("l", "level(1)", "l", "level", "the next level: 1 story, 2 scalar, 3 matrix", "level"),
    Key("t", "notation(1)", "t", "names", "the next textbook's notation (T: one back)", "notation"),
    Key("full_stop", "iteration(1)", ",/.", "iter", "the next iteration of training", "iteration"),
    Key("comma", "iteration(-1)", ",", "", "the iteration before", "iteration"),
    Key("I", "go_iteration", "I", "", "go to any iteration", "iteration"),
    Key("x", "train", "x", "train", "train on: losses, evaluation, decision boundary", "train"),
    Key("e", "example(1)", "e", "example", "the next example of the batch (E: one back)", "example"),
    Key("w", "what_if", "w", "what if", "change any number or setting; everything follows at once", "set"),
    Key("u", "undo", "u", "", "take the last change back (U: make it again)", "undo"),
    Key("y", "compare", "y", "", "compare runs: learning rates, optimisers, activations …", "compare"),
    Key("m", "map", "m", "map", "the network over the whole screen: select a unit or a weight, go to its step", "map"),
    Key(
        "p", "predict", "p", "predict", "predict mode in this lesson: the tutor asks before it shows a value", "predict"
    ),
    Key("P", "always", "P", "", "predict mode in every lesson, or in none", "predict"),
    Key("v", "pictures", "v", "see", "pictures of the step: slope, gradient check, activation, sizes", "slope"),
    Key("tab", "pane(1)", "tab", "pane", "the next pane; in it ↑ ↓ choose, Enter jumps", ARROWS_AND_PANES),
    Key("shift+down,ctrl+down", "scroll_card(2)", "⇧↑↓", "", "scroll the card, at any level", AS_IT_IS),
    Key("f5", "names", "f5", "", "the names of this lesson, and what each stands for", "names"),
    Key("i", "intro", "i", "", "the introduction and this lesson's conventions", "intro"),
    Key("f", "glossary", "f", "terms", "the glossary: what the terms mean, those of this step first", "glossary"),
    Key("d", "app.toggle_dark", "d", "", "light or dark", AS_IT_IS),
    Key("h", "home", "h", "home", "the list of lessons", "(line mode is one lesson: `backprop-tutor list` has all)"),
    Key("question_mark", "help", "?", "help", "this help", "help"),
    Key("q", "quit", "q", "quit", "leave; your place is kept", "quit"),
    # Second ways.
    Key("E", "example(-1)"),
    Key("T", "notation(-1)"),
    Key("L", "level(-1)"),
    Key("U", "redo", line="redo"),
    Key("shift+tab", "pane(-1)"),
    Key("1", "set_level('story')"),
    Key("2", "set_level('scalar')"),
    Key("3", "set_level('matrix')"),
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
]

# What line mode has a command for, and the full screen no key of its own: where it is to be seen there.
LINES_ONLY = {
    "from": "a pane of the player",
    "state": "a pane of the player",
    "steps": "a pane of the player",
    "again": "the step stays on the screen",
    "reuse": "the card of each step, and the chain",
    "losses": "the screen that trains",
    "evaluate": "the screen that trains",
    "changes": "the list of what can change",
    "save": "s in the list of what can change",
    "check": "a picture of the step",
    "activation": "a picture of the step",
    "sizes": "a picture of the step",
}


def table() -> str:
    """README's table of the player's keys, in Markdown: the key, what it does, what line mode calls it."""
    rows = [f"| `{key.shown}` | {key.help} | {_in_lines(key)} |" for key in PLAYER if key.help]
    return "\n".join(["| key | what it does | in line mode |", "|---|---|---|", *rows])


def _in_lines(key: Key) -> str:
    return key.line[1:-1] if key.line.startswith("(") else f"`{key.line}`"
