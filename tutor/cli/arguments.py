"""What can be said on the command line: the commands, their options and what `--help` says of them.

Imported only where there is something to parse: the first frame of the home screen does not wait for it. Of a command
that is not asked for, no more is made than its line in the list.
"""

from __future__ import annotations

import argparse
from argparse import ArgumentParser, Namespace
from collections import namedtuple

from tutor.cli import examples
from tutor.cli.errors import UsageError
from tutor.cli.parsers import Formatter, Parser, translate_all
from tutor.text.language import say

TYPE_CHECKING = False  # as in `tutor`: typing's own would be a fifth of what --help takes
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

LEVELS = ("story", "scalar", "matrix")
FORMATS = ("text", "json", "markdown", "latex")
FIGURES = ("network", "step", "chain", "slope", "losses", "landscape")  # as in `handouts.figures`, which needs NumPy
PLATFORMS = ("moodle", "gift", "qti", "anki", "csv", "json")  # as in `handouts.platforms`, which needs NumPy

LESSON = "a lesson's id (see backprop-tutor list), or the path of a lesson file"
LESSONS = f"{LESSON}, or a folder of them"
WHOSE = "whose progress, on a shared machine"
OWN_LESSONS = "a folder with lessons of your own, beside those that come with the tutor; may be given several times"
KEEPS = frozenset(  # that take --profile
    "play list quiz placement drill review mistakes goal paper exam progress doctor".split()
)
READS = frozenset(  # that take --lessons
    "play list trace train check compare sweep quiz drill paper exam grade diagnose code questions figure"
    " worksheet page serve".split()
)

Command = namedtuple("Command", "summary description examples options")
COMMANDS: dict[str, Command] = {}  # in the order of --help


def parser(
    run: Mapping[str, Callable[[Namespace], int]], word: str | None, translate: Callable[[str], str] = say
) -> ArgumentParser:
    """The parser of the command line; `run` has what carries out each command, and under "" the home screen.

    `word` is the command that is asked for: it alone has options; None: all are in the list, and none has options.
    What is written below is English; a parser says it as `translate` has it, message by message.
    Raises UsageError, of itself and from what it makes.
    """
    found = Parser(
        prog="backprop-tutor",
        description="Backpropagation in the terminal, one chain-rule step at a time.",
        epilog=examples.EXAMPLES,
        formatter_class=Formatter,
        allow_abbrev=False,
    )
    found.add_argument("--version", action="store_true", dest="asks_version", help="the version; with -v how it trains")
    found.add_argument("-v", action="store_true", dest="says_more", help=argparse.SUPPRESS)
    _lessons(found, "folders_first")  # before the command, or without one
    found.add_argument("--profile", metavar="NAME", default=None, type=_profile, dest="at_home", help=WHOSE)
    found.set_defaults(run=run[""], folders=[])
    made: Any = Parser if word else _only_listed
    commands: Any = found.add_subparsers(title="commands", metavar="COMMAND", parser_class=made)
    for name, command in COMMANDS.items():
        if word in (None, name):
            sub = commands.add_parser(
                name,
                help=command.summary,
                description=command.description,
                epilog=command.examples,
                formatter_class=Formatter,
                allow_abbrev=False,
            )
        if word == name:
            sub.set_defaults(run=run[name])
            command.options(sub)
            if name in KEEPS:
                sub.add_argument("--profile", metavar="NAME", default=None, type=_profile, help=WHOSE)
            if name in READS:
                _lessons(sub, "folders")
    translate_all(found, translate)
    return found


def _only_listed(**_: object) -> None:
    """No parser: there is no command to be parsed, and making all of them is most of what --help would take."""


def _lessons(where: ArgumentParser, dest: str) -> None:
    where.add_argument("--lessons", metavar="DIR", action="append", default=[], dest=dest, help=OWN_LESSONS)


def _profile(name: str) -> str:
    from tutor.lessonfiles.catalogue import one_line

    if not name.strip() or len(name) > 40 or one_line(name) != name:
        raise UsageError(say("a profile's name has 1 to 40 printable characters"))
    return name


def _notations() -> dict[str, str]:
    from tutor.text.notations import NOTATIONS

    return {name: entry.title for name, entry in NOTATIONS.items()}


def _command(
    name: str, summary: str, description: str, examples: str
) -> Callable[[Callable[[ArgumentParser], None]], Callable[[ArgumentParser], None]]:
    """A row of COMMANDS; what it decorates gives the command's parser its options."""

    def row(options: Callable[[ArgumentParser], None]) -> Callable[[ArgumentParser], None]:
        COMMANDS[name] = Command(summary, description, examples, options)
        return options

    return row


@_command("play", "play a lesson", "Play a lesson, a step at a time.", examples.PLAY_EXAMPLES)
def _play(sub: ArgumentParser) -> None:
    sub.add_argument("lesson", metavar="LESSON", help=LESSON)
    sub.add_argument(
        "--plain",
        action="store_true",
        help="line mode: no full screen, Enter for the next step; what happens anyway where there is no terminal",
    )
    notation = sub.add_argument("--notation", metavar="NAME", help="of this lesson and of those to come: %(names)s")
    vars(notation)["names"] = ", ".join(_notations())  # argparse puts in whatever an argument has
    sub.add_argument("--watch", action="store_true", help="play each save of the file at once, at the same step")


@_command("list", "the lessons there are", "The lessons that come with the tutor.", examples.LIST_EXAMPLES)
def _list(sub: ArgumentParser) -> None:
    sub.add_argument("--format", choices=("text", "json"), default="text", help="default: text")


@_command(
    "trace",
    "every step of an iteration, with its numbers",
    "Every step of one iteration (forward, backward, update) with its formula and its numbers.",
    examples.TRACE_EXAMPLES,
)
def _trace(sub: ArgumentParser) -> None:
    sub.add_argument("lesson", metavar="LESSON", help=LESSON)
    sub.add_argument("--format", choices=FORMATS, default="text", help="default: text")
    sub.add_argument(
        "--general", action="store_true", help="the whole algorithm on one page: its formulas for any layer, as a loop"
    )
    sub.add_argument(
        "--level",
        choices=LEVELS,
        default="matrix",
        help="default: matrix; scalar is a step an element; story has no formulas",
    )
    sub.add_argument("--notation", metavar="NAME", help="one of those below; default: the lesson's own")
    sub.add_argument("--iteration", metavar="N", default="1", help="the Nth update of the parameters; default: 1")
    sub.add_argument("--step", metavar="ID", help="one step and how it comes about, with --format latex")
    listed = "".join(f"  {name:10} {title}\n" for name, title in _notations().items())
    sub.epilog = f"{sub.epilog}\nnotations:\n{listed}"


@_command(
    "train",
    "train on, and see the losses and the parameters",
    "Train a lesson without stopping at steps: prints losses, the final parameters and what happened.",
    examples.TRAIN_EXAMPLES,
)
def _train(sub: ArgumentParser) -> None:
    sub.add_argument("lesson", metavar="LESSON", help=LESSON)
    length = sub.add_mutually_exclusive_group()
    length.add_argument("--epochs", metavar="N", help="so many times through the examples; default: 100")
    length.add_argument("--iterations", metavar="N", help="so many updates of the parameters")
    length.add_argument(
        "--until-converged",
        action="store_true",
        help="until over an epoch neither the mean loss nor any parameter changes by 0.000001",
    )
    sub.add_argument("--format", choices=("text", "json"), default="text", help="default: text")
    sub.add_argument("--losses", choices=("some", "all"), default="some", help="default: some; all: every single one")
    sub.add_argument("--notation", metavar="NAME", help="of the text; default: the lesson's own")


@_command(
    "check",
    "everything wrong with lesson files",
    "Everything wrong with lesson files: each problem with its line, and what to do.",
    examples.CHECK_EXAMPLES,
)
def _check(sub: ArgumentParser) -> None:
    sub.add_argument("paths", metavar="PATH", nargs="+", help="a lesson file, or a folder of them")


@_command(
    "compare",
    "runs that differ in one setting, side by side",
    "Two to four runs of a lesson that differ in one setting, from the same seed: their losses, and what they get "
    "right.",
    examples.COMPARE_EXAMPLES,
)
def _compare(sub: ArgumentParser) -> None:
    sub.add_argument("lesson", metavar="LESSON", help=LESSON)
    sub.add_argument("setting", metavar="SETTING", help="learning_rate, optimizer, activation, seed, W1[1,2] ...")
    sub.add_argument("values", metavar="VALUE", nargs="+", help="two to four")
    sub.add_argument("--epochs", metavar="N", default="100", help="default: 100")


_SWEPT = "learning_rate, momentum, seed, start (the seed of weights that are drawn), initial_scale, W1[1,2] ..."


@_command(
    "sweep",
    "many runs over a range of one setting, or of two",
    "Many runs of a lesson over a range of one setting, from the same seed: where each ends, and for which values "
    "it is too slow, converges, oscillates, stands still or diverges. With --and a map over two settings.",
    examples.SWEEP_EXAMPLES,
)
def _sweep(sub: ArgumentParser) -> None:
    sub.add_argument("lesson", metavar="LESSON", help=LESSON)
    sub.add_argument("setting", metavar="SETTING", help=_SWEPT)
    sub.add_argument("range", metavar="LOW..HIGH", help="its values, as in 0.01..10")
    second = "a second setting and its values: a map of 24 × 12 runs"
    sub.add_argument("--and", dest="second", nargs=2, metavar=("SETTING", "LOW..HIGH"), help=second)
    sub.add_argument("--runs", metavar="N", help="default: 100, of whole numbers one each; of a map along each setting")
    sub.add_argument("--epochs", metavar="N", default="500", help="default: 500")
    scales = "of the (first) setting; log: each value so many times the one before; default: where ends are far apart"
    sub.add_argument("--scale", choices=("log", "linear"), help=scales)
    sub.add_argument("--format", choices=("text", "json"), default="text", help="default: text")


@_command(
    "quiz",
    "questions on one or more lessons",
    "Questions on one or more lessons: no hints, one try each, a report with the worked steps at the end.",
    examples.QUIZ_EXAMPLES,
)
def _quiz(sub: ArgumentParser) -> None:
    sub.add_argument("lessons", metavar="LESSON", nargs="+", help=LESSON)
    sub.add_argument("--count", metavar="N", help="how many questions; default: what the lesson says, or 10")
    sub.add_argument("--seed", metavar="N", help="the same seed gives the same questions; default: drawn")
    sub.add_argument("--notation", metavar="NAME", help="of all questions; default: the one you chose last")
    sub.add_argument("--new", action="store_true", help="begin another, even if one was left")
    sub.add_argument("--as", metavar="NAME", dest="as_", help="a quiz that was handed out: the name gives the seed")
    sub.add_argument("--attempts", metavar="N", help="how often a quiz of that name may be begun")
    sub.add_argument("--plain", action="store_true", help="line mode: no full screen")


@_command(
    "placement",
    "where on the path to begin",
    "A five-minute quiz along the path of the lessons: what you know already is marked, and can be skipped.",
    examples.PLACEMENT_EXAMPLES,
)
def _placement(sub: ArgumentParser) -> None:
    sub.add_argument("--notation", metavar="NAME", help="of all questions; default: the one you chose last")
    sub.add_argument("--new", action="store_true", help="begin anew, even if one was left")
    sub.add_argument("--plain", action="store_true", help="line mode: no full screen")


@_command(
    "drill",
    "one skill, with new numbers each time",
    "One skill of a lesson, with new numbers each time; three tries, hints, then the worked step.",
    examples.DRILL_EXAMPLES,
)
def _drill(sub: ArgumentParser) -> None:
    sub.add_argument("lesson", metavar="LESSON", help=LESSON)
    sub.add_argument("--skill", metavar="NAME", help="which; default: the weakest that is not too far ahead")
    sub.add_argument("--skills", action="store_true", help="list the lesson's skills and leave")
    sub.add_argument("--seed", metavar="N", default="1", help="of the first numbers, shown with each; default: 1")
    sub.add_argument("--plain", action="store_true", help="line mode: no full screen")


@_command(
    "review",
    "what is due today",
    "A question on each skill that is due today, over all lessons.",
    examples.REVIEW_EXAMPLES,
)
def _review(sub: ArgumentParser) -> None:
    sub.add_argument("--plain", action="store_true", help="line mode: no full screen")


@_command(
    "mistakes",
    "what you answered wrongly, to answer again",
    "Every question that was answered wrongly: what was typed, what it shows; to answer again.",
    examples.MISTAKES_EXAMPLES,
)
def _mistakes(sub: ArgumentParser) -> None:
    sub.add_argument("--list", action="store_true", help="print them and leave; with --plain, or into a pipe")
    sub.add_argument("--plain", action="store_true", help="line mode: no full screen")


@_command(
    "goal",
    "a goal for the day, and what is due",
    "A goal for each day, in questions or in lessons: how far it is today, and what is due. Without one: as it is.",
    examples.GOAL_EXAMPLES,
)
def _goal(sub: ArgumentParser) -> None:
    sub.add_argument("goal", metavar="GOAL", nargs="*", help="10 questions, 1 lesson, none; default: leave it")


@_command(
    "paper",
    "the whole pass to fill in",
    "An empty table of every value of the pass, to fill in in any order; checked when you want, kept as you go.",
    examples.PAPER_EXAMPLES,
)
def _paper(sub: ArgumentParser) -> None:
    sub.add_argument("lesson", metavar="LESSON", help=LESSON)
    sub.add_argument("--iteration", metavar="N", default="1", help="the Nth update; default: 1")
    sub.add_argument("--example", metavar="N", help="the Nth example of the batch alone; default: all of it")
    sub.add_argument("--notation", metavar="NAME", help="of the names; default: the one you chose last")
    sub.add_argument("--plain", action="store_true", help="line mode: no full screen")


@_command(
    "exam",
    "a paper with fresh numbers, marked at the end",
    "A paper with fresh numbers from a seed: nothing is said before it is handed in, then the marks by phase.",
    examples.EXAM_EXAMPLES,
)
def _exam(sub: ArgumentParser) -> None:
    sub.add_argument("lesson", metavar="LESSON", help=LESSON)
    sub.add_argument("--seed", metavar="N", help="of the numbers, the same on every machine; default: drawn")
    sub.add_argument("--minutes", metavar="N", help="how much time there is; default: no clock")
    sub.add_argument("--example", metavar="N", help="the Nth example of the batch alone; default: all of it")
    sub.add_argument("--notation", metavar="NAME", help="of the names; default: the one you chose last")
    sub.add_argument("--new", action="store_true", help="begin another, even if one was left")
    sub.add_argument("--plain", action="store_true", help="line mode: no full screen")
    scripted = sub.add_mutually_exclusive_group()
    scripted.add_argument("--print", action="store_true", help="print the blank paper, as a table to fill in")
    scripted.add_argument("--answers", metavar="FILE", help="mark a file: what `diagnose` reads; -: standard input")
    sub.add_argument("--format", choices=("text", "json"), default="text", help="of the marks; default: text")


@_command(
    "progress",
    "what you know, and the mistakes you met",
    "What the answers say: mastery by skill, misconceptions met, lessons finished, what is due.",
    examples.PROGRESS_EXAMPLES,
)
def _progress(sub: ArgumentParser) -> None:
    sub.add_argument("--format", choices=("text", "json", "csv"), default="text", help="default: text")
    rows = ("skill", "question")
    sub.add_argument("--by", choices=rows, default="skill", help="question: a row for each answer given")
    what = sub.add_mutually_exclusive_group()
    what.add_argument("--export", metavar="FILE", help="write all of it to a file")
    what.add_argument("--import", metavar="FILE", dest="import_", help="add what a file has; nothing is lost")
    what.add_argument("--reset", action="store_true", help="forget it; asks first")


@_command(
    "report",
    "what a class got wrong",
    "A page and tables made of the exported progress of many learners: by question, by skill, by slip.",
    examples.REPORT_EXAMPLES,
)
def _report(sub: ArgumentParser) -> None:
    sub.add_argument("paths", metavar="PATH", nargs="+", help="exports, a file each learner, or folders of them")
    sub.add_argument("-o", dest="output", metavar="DIR", default="report", help="default: report")
    sub.add_argument("--no-names", action="store_true", help="learners have numbers")


@_command("glossary", "what the terms mean", "The glossary: what the field's terms mean.", examples.GLOSSARY_EXAMPLES)
def _glossary(sub: ArgumentParser) -> None:
    sub.add_argument("term", metavar="TERM", nargs="*", help="a term, or words of its definition; default: all names")


@_command("new", "begin a lesson of your own", "Write a commented lesson to begin from.", examples.NEW_EXAMPLES)
def _new(sub: ArgumentParser) -> None:
    sub.add_argument("file", metavar="FILE", help="where to write it; an existing file is left alone")
    sub.add_argument("--arrays", action="store_true", help="lines over arrays with names of your own, not a network")
    model = sub.add_argument_group("from a network of your own (dense layers)")
    model.add_argument("--from", metavar="MODEL", dest="from_", help="its weights by name: .npz .safetensors .pt .pth")
    model.add_argument(
        "--activation", metavar="NAMES", help="one a layer, with commas; or two: of the hidden layers and of the output"
    )
    model.add_argument("--loss", metavar="NAME", help="what is minimised")
    model.add_argument("--layers", metavar="NAMES", help="their order, where neither names nor file say it")
    lie = model.add_mutually_exclusive_group()
    lie.add_argument(
        "--in-by-out",
        action="store_true",
        default=None,
        help="the matrices have a row a unit that feeds the layer (Keras, x·W), where their shapes leave it open",
    )
    lie.add_argument(
        "--out-by-in", action="store_false", default=None, dest="in_by_out", help="a row a unit of the layer (PyTorch)"
    )
    model.add_argument("--data", metavar="FILE", help="its examples: a .csv or .npz")
    model.add_argument("--class", metavar="NAME", dest="class_", help="the column, or array, with the classes")
    model.add_argument("--classes", metavar="NAMES", help="the classes in the order of the outputs, with commas")
    model.add_argument("--scale", metavar="N", help="divide the inputs by it: 255 for images in bytes")
    model.add_argument("--held-out", metavar="SHARE", help="rows that training never sees: 0.2, or a file of their own")


@_command("schema", "the lesson format, for editors", "The JSON Schema of lesson files.", examples.SCHEMA_EXAMPLES)
def _schema(sub: ArgumentParser) -> None:
    pass


@_command(
    "grade",
    "grade one answer",
    "Grade an answer to the question for a step's value: which mistake gives exactly this number?",
    examples.GRADE_EXAMPLES,
)
def _grade(sub: ArgumentParser) -> None:
    sub.add_argument("lesson", metavar="LESSON", help=LESSON)
    asked = "a step's id, such as dL/dW2[1,2], or the number of an author's question"
    one_step = sub.add_argument("step", metavar="STEP", help=asked)
    one_answer = sub.add_argument(
        "answer",
        metavar="ANSWER",
        help="a number, an expression, or all of an array: [[1, 2], [3, 4]]; -- before one that begins with -",
    )
    sub.add_argument("--notation", metavar="NAME", help="whose names the answer uses; default: the lesson's own")
    sub.add_argument(
        "--given", metavar="STEP=VALUE", action="append", default=[], help="an earlier answer of the learner's own"
    )

    class Instead(argparse.Action):
        """An option in whose presence one step and one answer need not be there."""

        def __call__(self, parser: object, namespace: Namespace, value: object, option: str | None = None) -> None:
            setattr(namespace, self.dest, value)
            one_step.required = one_answer.required = False

    many = "a CSV file instead: who, question, answer; a row each"
    sub.add_argument("--answers", metavar="FILE", action=Instead, help=many)
    sub.add_argument("--iteration", metavar="N", default="1", help="the Nth update; default: 1")
    sub.add_argument("--format", choices=("text", "json", "csv"), default="text", help="csv: with --answers")


@_command(
    "diagnose",
    "find the slip in a whole solution",
    "Hold the arrays of a whole solution against the lesson: which is the first that is wrong, and by which slip?",
    examples.DIAGNOSE_EXAMPLES,
)
def _diagnose(sub: ArgumentParser) -> None:
    sub.add_argument("lesson", metavar="LESSON", help=LESSON)
    sub.add_argument(
        "file", metavar="FILE", help="arrays by name: .json .csv .tsv .npz .safetensors .pt .pth; -: standard input"
    )
    names = sub.add_argument("--names", metavar="MAP", help="a JSON file for names that do not tell: %(example)s")
    vars(names)["example"] = "{" + say('"name": "step id"') + "}"  # what is in braces is no place of a message
    sub.add_argument("--iteration", metavar="N", default="1", help="the Nth update; default: 1")
    sub.add_argument("--example", metavar="N", help="the arrays are those of the Nth example of the batch")
    sub.add_argument("--format", choices=("text", "json"), default="text", help="default: text")


@_command(
    "code",
    "a lesson as a program",
    "Write a program that computes an iteration by hand-written steps, each with its id, and compares the numbers.",
    examples.CODE_EXAMPLES,
)
def _code(sub: ArgumentParser) -> None:
    sub.add_argument("lesson", metavar="LESSON", help=LESSON)
    to = ("numpy", "torch", "jax", "notebook")
    sub.add_argument("--to", choices=to, default="numpy", help="torch and jax have autograd beside; default: numpy")
    sub.add_argument("--iteration", metavar="N", default="1", help="the Nth update; default: 1")
    sub.add_argument("-o", dest="output", metavar="FILE", help="where to write it; an existing file is left alone")


@_command(
    "questions",
    "a question bank for a learning platform",
    "Questions as a file that a learning platform reads, with a feedback for each mistake that has a name.",
    examples.QUESTIONS_EXAMPLES,
)
def _questions(sub: ArgumentParser) -> None:
    sub.add_argument("lesson", metavar="LESSON", nargs="+", help=LESSON)
    sub.add_argument("--format", choices=PLATFORMS, default="moodle", help="default: moodle")
    sub.add_argument("--variants", metavar="N", default="0", help="sets of drawn numbers; default: the lesson's own")
    sub.add_argument("--seed", metavar="N", default="1", help="of the numbers and the choice; default: 1")
    sub.add_argument("--count", metavar="N", help="questions from each variant; default: the lesson's, or 10")
    sub.add_argument("--notation", metavar="NAME", help="default: the lesson's own")
    sub.add_argument("-o", dest="output", metavar="FILE", help="where to write it; an existing file is left alone")


@_command(
    "worksheet",
    "sheets to print, and their key",
    "Blank sheets: the network's picture, what is given, room for the answers. The key is a file of its own.",
    examples.WORKSHEET_EXAMPLES,
)
def _worksheet(sub: ArgumentParser) -> None:
    sub.add_argument("lesson", metavar="LESSON", nargs="+", help=LESSON)
    sub.add_argument("--variants", metavar="N", default="0", help="so many, each with numbers of its own")
    sub.add_argument("--names", metavar="FILE", help="a class list, a name a line: a sheet for each")
    sub.add_argument("--seed", metavar="N", default="1", help="of the numbers; default: 1")
    what = sub.add_mutually_exclusive_group()
    what.add_argument("--questions", metavar="N", help="on a sheet; default: the lesson's, or 6")
    what.add_argument("--whole-pass", action="store_true", help="every value of the pass, to be filled in")
    sub.add_argument("--format", choices=("html", "md", "tex", "typ"), default="html", help="default: html")
    sub.add_argument("--notation", metavar="NAME", help="default: the lesson's own")
    sub.add_argument("-o", dest="output", metavar="DIR", default="worksheet", help="default: worksheet")


@_command(
    "figure",
    "a lesson's network, a step, a chain, a slope as a picture",
    "A figure of a lesson as SVG or PNG, for slides and sheets: its network or circuit, a step's card, the chain "
    "of a gradient, the loss as a function of one parameter or two, the losses of 100 epochs.",
    examples.FIGURE_EXAMPLES,
)
def _figure(sub: ArgumentParser) -> None:
    sub.add_argument("lesson", metavar="LESSON", help=LESSON)
    sub.add_argument("kind", choices=FIGURES, nargs="?", default="network", help="default: network")
    step = "its step; of a slope W1[1,2], of a landscape 'W1[1,1] W2[1,1]'"
    sub.add_argument("--step", metavar="ID", default="", help=step)
    sub.add_argument("--format", choices=("svg", "png"), help="png: an extra; default: the file's ending, or svg")
    sub.add_argument("--notation", metavar="NAME", help="default: the lesson's own")
    sub.add_argument("-o", dest="output", metavar="FILE", help="where to write it; an existing file is left alone")


@_command(
    "page",
    "lessons as pages for any browser",
    "Lessons as HTML files that stand alone: each step with its numbers, the picture, keys, questions first.",
    examples.PAGE_EXAMPLES,
)
def _page(sub: ArgumentParser) -> None:
    sub.add_argument("lesson", metavar="LESSON", nargs="+", help=LESSONS)
    sub.add_argument("--notation", metavar="NAME", help="that it opens in; default: the lesson's own")
    sub.add_argument("-o", dest="output", metavar="DIR", default="site", help="default: site; its pages are made anew")


@_command(
    "serve",
    "the program in a browser, for a class",
    "The terminal program in a browser, for those with no terminal: a process for each visitor, none of whom opens a "
    "file of this machine. Only this machine reaches it unless --host or --public-url says otherwise; then a token is "
    "a part of the address.",
    examples.SERVE_EXAMPLES,
)
def _serve(sub: ArgumentParser) -> None:
    sub.add_argument("--port", metavar="N", default="8000", help="default: 8000")
    sub.add_argument("--host", metavar="ADDRESS", default="127.0.0.1", help="0.0.0.0: all; default: this machine only")
    sub.add_argument("--public-url", metavar="URL", default="", help="behind a proxy: https://host/tutor/")
    sub.add_argument("--visitors", metavar="N", default="50", help="at a time, a process each; default: 50")
    sub.add_argument("--idle", metavar="MINUTES", default="60", help="a visit without a key ends; default: 60")


@_command(
    "lab",
    "write it yourself: exercises in Python",
    "Exercises in Python and NumPy. Each save of your file is run, and what is wrong is told by its slip.",
    examples.LAB_EXAMPLES,
)
def _lab(sub: ArgumentParser) -> None:
    sub.add_argument("--plain", action="store_true", help="line mode: no full screen")
    sub.add_argument("--profile", metavar="NAME", default=None, type=_profile, help=WHOSE)
    sub.set_defaults(what="list")
    doing = sub.add_subparsers(title="what to do", metavar="[start ID | check FILE]", parser_class=Parser)
    begin = doing.add_parser("start", help="write an exercise's file and watch it", allow_abbrev=False)
    begin.add_argument("exercise", metavar="ID", help="which (see backprop-tutor lab --plain)")
    begin.add_argument("--dir", metavar="DIR", help="where the file is; default: a folder beside your progress")
    begin.add_argument("--plain", action="store_true", default=argparse.SUPPRESS, help="line mode: no full screen")
    once = doing.add_parser("check", help="run a file once", allow_abbrev=False)
    once.add_argument("file", metavar="FILE", help="the file: neuron.py")
    once.add_argument("--exercise", metavar="ID", help="which it is of; default: its name says it")
    once.add_argument("--seed", metavar="N", help="of the random numbers; default: drawn")
    once.add_argument("--format", choices=("text", "json"), default="text", help="default: text")
    for doer, does in ((begin, "start"), (once, "check")):
        doer.add_argument("--profile", metavar="NAME", default=argparse.SUPPRESS, type=_profile, help=WHOSE)
        doer.set_defaults(what=does)


@_command(
    "doctor",
    "ten sick networks: what is wrong with them?",
    "Ten sick networks. Look at the loss, the gradient check, sizes and rows; name what is wrong, and mend it.",
    examples.DOCTOR_EXAMPLES,
)
def _doctor(sub: ArgumentParser) -> None:
    sub.add_argument("--seed", metavar="N", default="1", help="other patients, in another order; default: 1")
    sub.add_argument("--patient", metavar="N", default="1", help="which to begin with, 1 to 10; default: 1")
    sub.add_argument("--plain", action="store_true", help="line mode: no full screen")


@_command(
    "misconceptions",
    "the mistakes that the tutor knows",
    "The table of misconceptions: what each is called and the sentence that repairs the idea.",
    examples.MISCONCEPTIONS_EXAMPLES,
)
def _misconceptions(sub: ArgumentParser) -> None:
    sub.add_argument("--format", choices=("text", "json"), default="text", help="default: text")
