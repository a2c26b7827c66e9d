"""What can be said on the command line: the commands, their options and what `--help` says of them.

Imported only where there is something to parse: the first frame of the home screen does not wait for it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NoReturn

from tutor.lessonfiles import catalogue
from tutor.text.notations import NOTATIONS

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

LEVELS = ("story", "scalar", "matrix")
FORMATS = ("text", "json", "markdown")
PLATFORMS = ("moodle", "gift", "qti", "anki", "csv", "json")  # as in `handouts.platforms`, which needs NumPy

EXAMPLES = """\
examples:
  backprop-tutor                          the home screen: choose a lesson
  backprop-tutor list                     the lessons there are
  backprop-tutor play gates               play the lesson called gates
  backprop-tutor play mine.toml --plain   play a lesson of your own, without a full screen
  backprop-tutor trace o-regression       every step of the first iteration, with its numbers
  backprop-tutor check lessons/           everything wrong with the lesson files in a folder

backprop-tutor COMMAND --help says more about a command.
"""
PLAY_EXAMPLES = """\
examples:
  backprop-tutor play gates               a lesson that comes with the tutor
  backprop-tutor play ./mine.toml         a lesson file of your own
  backprop-tutor play gates --plain       line mode: type help for its commands
  backprop-tutor play mine.toml --watch   while you write it: each save is shown at once, at the same step
  backprop-tutor play gates --plain < /dev/null    the whole lesson to read, without stopping
"""
LIST_EXAMPLES = """\
examples:
  backprop-tutor list
  backprop-tutor list --format json       an array of objects, described in docs/trace-json.md
"""
TRACE_EXAMPLES = f"""\
examples:
  backprop-tutor trace o-regression       the first iteration, an equation a step
  backprop-tutor trace c-431 --level scalar --notation delta --iteration 3
  backprop-tutor trace p-deep --format markdown > p-deep.md
  backprop-tutor trace p-deep --general --format latex     the formulas for any layer
  backprop-tutor trace gates --format json       for programs, described in docs/trace-json.md

notations:
{"".join(f"  {name:10} {entry.title}{chr(10)}" for name, entry in NOTATIONS.items())}"""
COMPARE_EXAMPLES = """\
examples:
  backprop-tutor compare o-regression learning_rate 0.01 0.1
  backprop-tutor compare o-classification activation sigmoid tanh relu --epochs 500
  backprop-tutor compare p-deep "layer 2 activation" relu tanh
"""
SWEEP_EXAMPLES = """\
examples:
  backprop-tutor sweep xor learning_rate 0.01..100          where it is too slow, converges, oscillates, diverges
  backprop-tutor sweep momentum momentum 0..0.99 --runs 200 --scale linear
  backprop-tutor sweep epochs seed 0..19                    does it always learn?
  backprop-tutor sweep xor initial_scale 0.01..10           what the first weights are multiplied by
"""
TRAIN_EXAMPLES = """\
examples:
  backprop-tutor train o-regression              100 epochs: the losses and the final parameters
  backprop-tutor train c-431 --until-converged   until an epoch changes nothing that counts
  backprop-tutor train gates --iterations 20 --format json    described in docs/train-json.md

Ctrl+C stops and prints what was trained so far.
"""
CHECK_EXAMPLES = """\
examples:
  backprop-tutor check mine.toml          one file
  backprop-tutor check lessons/           every *.toml in a folder and in the folders below it

The exit code is 0 if there are no errors (warnings are allowed), 1 if there are any, 2 if a path is missing.
"""


QUIZ_EXAMPLES = """\
examples:
  backprop-tutor quiz o-regression              ten questions, one try each, then the report
  backprop-tutor quiz gates o-regression --count 6 --seed 7
  backprop-tutor quiz c-431 --as exam1 --attempts 1     the same for everybody, and once
  backprop-tutor quiz c-431 --plain             in lines; answers may come from a pipe, one a line

A quiz that was left goes on with the same command; --new begins another.
"""
PLACEMENT_EXAMPLES = """\
examples:
  backprop-tutor placement
  backprop-tutor placement --plain

Ctrl+E (in line mode: end) ends it where it gets too hard; what is open counts as not known.
"""
DRILL_EXAMPLES = """\
examples:
  backprop-tutor drill o-regression                    the skill of this lesson that needs it most
  backprop-tutor drill o-classification --skill weight_gradient --seed 7
  backprop-tutor drill gates --skills                  which skills there are to drill
"""
REVIEW_EXAMPLES = """\
examples:
  backprop-tutor review
  backprop-tutor review --plain
"""
DOCTOR_EXAMPLES = """\
examples:
  backprop-tutor doctor
  backprop-tutor doctor --seed 7 --patient 3    other networks, from the third on
  backprop-tutor doctor --plain                 in lines: check, sizes, rows, then the number of the illness
"""
MISTAKES_EXAMPLES = """\
examples:
  backprop-tutor mistakes
  backprop-tutor mistakes --plain                      in lines: again 1, new 1 (with new numbers), all
  backprop-tutor mistakes --plain --list
"""
PAPER_EXAMPLES = """\
examples:
  backprop-tutor paper o-regression
  backprop-tutor paper batch-mean --example 2          one example of the batch alone
  backprop-tutor paper c-431 --plain                   in lines: fill z1 0.38 0.8, check
"""
EXAM_EXAMPLES = """\
examples:
  backprop-tutor exam o-classification --seed 7 --minutes 30
  backprop-tutor exam o-classification                 fresh numbers, or the exam that was left
  backprop-tutor exam o-classification --seed 7 --print > paper.csv
  backprop-tutor exam o-classification --seed 7 --answers paper.csv --format json

With --answers the exit code is 0 if all of it is right, 1 if not, 2 for bad usage, a bad file, or a file with nothing
of the paper in it. The JSON is described in docs/paper.md. The clock runs only while the exam is open.
"""
PROGRESS_EXAMPLES = """\
examples:
  backprop-tutor progress
  backprop-tutor progress --format csv
  backprop-tutor progress --export mine.json           to take it to another machine
  backprop-tutor progress --import mine.json
"""
REPORT_EXAMPLES = """\
examples:
  backprop-tutor report exports/                       report/report.html, and four tables as CSV
  backprop-tutor report ada.json bob.json --no-names -o tuesday

Each learner hands in one file: backprop-tutor progress --export ada.json.
It is for teaching, not for marks: a file can be forged.
"""
CODE_EXAMPLES = """\
examples:
  backprop-tutor code o-classification                     to read, in NumPy
  backprop-tutor code o-classification --to torch -o mine.py
  backprop-tutor code batch-mean --to notebook -o mine.ipynb
"""
QUESTIONS_EXAMPLES = """\
examples:
  backprop-tutor questions o-classification -o bank.xml               Moodle XML, ten questions
  backprop-tutor questions gates forks --format gift --count 6 -o bank.gift
  backprop-tutor questions c-431 --format qti --variants 30 -o c-431.zip      thirty sets of numbers, for Canvas

What a format cannot carry is said, a line for each. docs/handouts.md says what each of them has.
"""
WORKSHEET_EXAMPLES = """\
examples:
  backprop-tutor worksheet o-regression                        one sheet and its key, in the folder worksheet
  backprop-tutor worksheet c-431 --variants 30 -o sheets       thirty sheets, each with numbers of its own
  backprop-tutor worksheet two-paths --whole-pass --names class.txt --format typ -o sheets

The key has for each question the numbers that the named slips give. docs/handouts.md has more.
"""
FIGURE_EXAMPLES = """\
examples:
  backprop-tutor figure o-classification -o network.svg
  backprop-tutor figure attention > attention.svg
"""
PAGE_EXAMPLES = """\
examples:
  backprop-tutor page o-classification                         site/o-classification.html: open it in any browser
  backprop-tutor page lessons/ mine.toml -o public             a page for each lesson, and index.html
  backprop-tutor page attention --notation nabla

No server, no network, nothing to install. docs/handouts.md says what a page has.
"""
DIAGNOSE_EXAMPLES = """\
examples:
  backprop-tutor diagnose o-classification mine.npz        np.savez("mine.npz", dW1=dW1, db1=db1, dW2=dW2)
  backprop-tutor diagnose o-classification paper.csv       lines such as dL/dW2,-0.323,-0.252
  backprop-tutor diagnose o-classification grads.json --iteration 3     (or .pt, .safetensors: what a framework saves)
  backprop-tutor diagnose o-classification grads.json --format json

The exit code is 0 if everything is right (or right but for rounding), 1 if an array is not, 2 for bad usage, a bad
file, or a file with nothing of the lesson in it. The JSON is described in docs/diagnose.md.
"""
LAB_EXAMPLES = """\
examples:
  backprop-tutor lab                        the exercises: which are done, which is next
  backprop-tutor lab start neuron           write neuron.py, if it is not there, and watch it: each save is run
  backprop-tutor lab start neuron --dir .   the file in this folder
  backprop-tutor lab check neuron.py        once; for scripts, with --format json (described in docs/lab.md)

Only a file that you name or save is run, in a process of its own. The exit code of check is 0 if all of it is right,
1 if something is not, 2 for bad usage or a file that cannot be read.
"""
GRADE_EXAMPLES = """\
examples:
  backprop-tutor grade o-classification "dL/dW1[1,2]" 0.0933
  backprop-tutor grade o-classification "dL/dW1[1,2]" "dL/dz1[1] * x[2]"
  backprop-tutor grade o-classification dL/dW2 "[[-0.319, -0.262]]"
  backprop-tutor grade o-classification 6 2
  backprop-tutor grade o-classification dL/dW2[1,1] --given "dL/dz2[1]=0.537" -- -0.3189
  backprop-tutor grade o-classification --answers class.csv --format csv      a row each: who, question, answer

The exit code is 0 if the answer is right, 1 if it is not, 2 for bad usage.
"""
GLOSSARY_EXAMPLES = """\
examples:
  backprop-tutor glossary                       the names of all terms
  backprop-tutor glossary chain rule
"""
NEW_EXAMPLES = """\
examples:
  backprop-tutor new first.toml                 then: backprop-tutor play first.toml --watch
  backprop-tutor new layer.toml --arrays        a layer of your own: lines over arrays
  backprop-tutor new mnist.toml --from model.pt  a network of your own; what its file does not say is asked
  backprop-tutor new digits.toml --from model.npz --activation relu,softmax --data rows.csv --held-out 0.2

docs/writing-lessons.md is the way from here to a lesson with questions.
"""
SCHEMA_EXAMPLES = """\
examples:
  backprop-tutor schema > lesson.schema.json    and in a lesson's first line: #:schema ./lesson.schema.json
"""
MISCONCEPTIONS_EXAMPLES = """\
examples:
  backprop-tutor misconceptions
  backprop-tutor misconceptions --format json
"""


OWN_LESSONS = "a folder with lessons of your own, beside those that come with the tutor; may be given several times"


class UsageError(Exception):
    """One clear line for a person who asked for something that is not there; exit code 2."""


def parser(run: Mapping[str, Callable[[Namespace], int]]) -> ArgumentParser:
    """The parser of the command line; `run` has what carries out each command, and under "" the home screen.

    Raises UsageError, of itself and from what it makes.
    """
    import argparse

    class Parser(argparse.ArgumentParser):
        def error(self, message: str) -> NoReturn:
            raise UsageError(f"{message}; see {self.prog} --help")

    raw = argparse.RawDescriptionHelpFormatter
    found = Parser(
        prog="backprop-tutor",
        description="Backpropagation in the terminal, one chain-rule step at a time.",
        epilog=EXAMPLES,
        formatter_class=raw,
        allow_abbrev=False,
    )
    found.add_argument("--version", action="store_true", dest="asks_version", help="the version; with -v how it trains")
    found.add_argument("-v", action="store_true", dest="says_more", help=argparse.SUPPRESS)

    def lessons(where: ArgumentParser, dest: str) -> None:
        where.add_argument("--lessons", metavar="DIR", action="append", default=[], dest=dest, help=OWN_LESSONS)

    def profile(name: str) -> str:
        if not name.strip() or len(name) > 40 or catalogue.one_line(name) != name:
            raise UsageError("a profile's name has 1 to 40 printable characters")
        return name

    whose = "whose progress, on a shared machine"
    lessons(found, "folders_first")  # before the command, or without one
    found.add_argument("--profile", metavar="NAME", default="default", type=profile, dest="at_home", help=whose)
    found.set_defaults(run=run[""], folders=[])
    commands = found.add_subparsers(title="commands", metavar="COMMAND")

    def command(name: str, summary: str, description: str, examples: str) -> ArgumentParser:
        sub = commands.add_parser(
            name, help=summary, description=description, epilog=examples, formatter_class=raw, allow_abbrev=False
        )
        sub.set_defaults(run=run[name])
        return sub

    lesson = "a lesson's id (see backprop-tutor list), or the path of a lesson file"
    play = command("play", "play a lesson", "Play a lesson, a step at a time.", PLAY_EXAMPLES)
    play.add_argument("lesson", metavar="LESSON", help=lesson)
    play.add_argument(
        "--plain",
        action="store_true",
        help="line mode: no full screen, Enter for the next step; what happens anyway where there is no terminal",
    )
    play.add_argument("--notation", metavar="NAME", help=f"of this lesson and of those to come: {', '.join(NOTATIONS)}")
    play.add_argument("--watch", action="store_true", help="play each save of the file at once, at the same step")

    listing = command("list", "the lessons there are", "The lessons that come with the tutor.", LIST_EXAMPLES)
    listing.add_argument("--format", choices=("text", "json"), default="text", help="default: text")

    trace = command(
        "trace",
        "every step of an iteration, with its numbers",
        "Every step of one iteration (forward, backward, update) with its formula and its numbers.",
        TRACE_EXAMPLES,
    )
    trace.add_argument("lesson", metavar="LESSON", help=lesson)
    trace.add_argument(
        "--format", choices=(*FORMATS, "latex"), default="text", help="default: text; latex goes with --general"
    )
    trace.add_argument(
        "--general", action="store_true", help="the whole algorithm on one page: its formulas for any layer, as a loop"
    )
    trace.add_argument(
        "--level",
        choices=LEVELS,
        default="matrix",
        help="default: matrix; scalar is a step an element; story has no formulas",
    )
    trace.add_argument("--notation", metavar="NAME", help="one of those below; default: the lesson's own")
    trace.add_argument("--iteration", metavar="N", default="1", help="the Nth update of the parameters; default: 1")

    train = command(
        "train",
        "train on, and see the losses and the parameters",
        "Train a lesson without stopping at steps: prints losses, the final parameters and what happened.",
        TRAIN_EXAMPLES,
    )
    train.add_argument("lesson", metavar="LESSON", help=lesson)
    length = train.add_mutually_exclusive_group()
    length.add_argument("--epochs", metavar="N", help="so many times through the examples; default: 100")
    length.add_argument("--iterations", metavar="N", help="so many updates of the parameters")
    length.add_argument(
        "--until-converged",
        action="store_true",
        help="until over an epoch neither the mean loss nor any parameter changes by 0.000001",
    )
    train.add_argument("--format", choices=("text", "json"), default="text", help="default: text")
    train.add_argument("--losses", choices=("some", "all"), default="some", help="default: some; all: every single one")
    train.add_argument("--notation", metavar="NAME", help="of the text; default: the lesson's own")

    check = command(
        "check",
        "everything wrong with lesson files",
        "Everything wrong with lesson files: each problem with its line, and what to do.",
        CHECK_EXAMPLES,
    )
    check.add_argument("paths", metavar="PATH", nargs="+", help="a lesson file, or a folder of them")

    compare = command(
        "compare",
        "runs that differ in one setting, side by side",
        "Two to four runs of a lesson that differ in one setting, from the same seed: their losses, and what they get "
        "right.",
        COMPARE_EXAMPLES,
    )
    compare.add_argument("lesson", metavar="LESSON", help=lesson)
    compare.add_argument("setting", metavar="SETTING", help="learning_rate, optimizer, activation, seed, W1[1,2] ...")
    compare.add_argument("values", metavar="VALUE", nargs="+", help="two to four")
    compare.add_argument("--epochs", metavar="N", default="100", help="default: 100")

    sweep = command(
        "sweep",
        "many runs over a range of one setting",
        "Many runs of a lesson over a range of one setting, from the same seed: where each ends, and for which values "
        "it is too slow, converges, oscillates, stands still or diverges.",
        SWEEP_EXAMPLES,
    )
    sweep.add_argument("lesson", metavar="LESSON", help=lesson)
    sweep.add_argument("setting", metavar="SETTING", help="learning_rate, momentum, seed, initial_scale, W1[1,2] ...")
    sweep._negative_number_matcher = re.compile(r"-\d")  # -3..3 is a range and no option
    sweep.add_argument("range", metavar="LOW..HIGH", help="its values, as in 0.01..10")
    sweep.add_argument("--runs", metavar="N", help="default: 100, of whole numbers one each")
    sweep.add_argument("--epochs", metavar="N", default="500", help="default: 500")
    scales = "log: each value so many times the one before; default: log where the ends are far apart"
    sweep.add_argument("--scale", choices=("log", "linear"), help=scales)
    sweep.add_argument("--format", choices=("text", "json"), default="text", help="default: text")

    quiz = command(
        "quiz",
        "questions on one or more lessons",
        "Questions on one or more lessons: no hints, one try each, a report with the worked steps at the end.",
        QUIZ_EXAMPLES,
    )
    quiz.add_argument("lessons", metavar="LESSON", nargs="+", help=lesson)
    quiz.add_argument("--count", metavar="N", help="how many questions; default: what the lesson says, or 10")
    quiz.add_argument("--seed", metavar="N", help="the same seed gives the same questions; default: drawn")
    quiz.add_argument("--notation", metavar="NAME", help="of all questions; default: the one you chose last")
    quiz.add_argument("--new", action="store_true", help="begin another, even if one was left")
    quiz.add_argument("--as", metavar="NAME", dest="as_", help="a quiz that was handed out: the name gives the seed")
    quiz.add_argument("--attempts", metavar="N", help="how often a quiz of that name may be begun")
    quiz.add_argument("--plain", action="store_true", help="line mode: no full screen")

    placement = command(
        "placement",
        "where on the path to begin",
        "A five-minute quiz along the path of the lessons: what you know already is marked, and can be skipped.",
        PLACEMENT_EXAMPLES,
    )
    placement.add_argument("--notation", metavar="NAME", help="of all questions; default: the one you chose last")
    placement.add_argument("--new", action="store_true", help="begin anew, even if one was left")
    placement.add_argument("--plain", action="store_true", help="line mode: no full screen")

    drill = command(
        "drill",
        "one skill, with new numbers each time",
        "One skill of a lesson, with new numbers each time; three tries, hints, then the worked step.",
        DRILL_EXAMPLES,
    )
    drill.add_argument("lesson", metavar="LESSON", help=lesson)
    drill.add_argument("--skill", metavar="NAME", help="which; default: the weakest that is not too far ahead")
    drill.add_argument("--skills", action="store_true", help="list the lesson's skills and leave")
    drill.add_argument("--seed", metavar="N", default="1", help="of the first numbers, shown with each; default: 1")
    drill.add_argument("--plain", action="store_true", help="line mode: no full screen")

    review = command(
        "review",
        "what is due today",
        "A question on each skill that is due today, over all lessons.",
        REVIEW_EXAMPLES,
    )
    review.add_argument("--plain", action="store_true", help="line mode: no full screen")

    mistakes = command(
        "mistakes",
        "what you answered wrongly, to answer again",
        "Every question that was answered wrongly: what was typed, what it shows; to answer again.",
        MISTAKES_EXAMPLES,
    )
    mistakes.add_argument("--list", action="store_true", help="print them and leave; with --plain, or into a pipe")
    mistakes.add_argument("--plain", action="store_true", help="line mode: no full screen")

    paper = command(
        "paper",
        "the whole pass to fill in",
        "An empty table of every value of the pass, to fill in in any order; checked when you want, kept as you go.",
        PAPER_EXAMPLES,
    )
    paper.add_argument("lesson", metavar="LESSON", help=lesson)
    paper.add_argument("--iteration", metavar="N", default="1", help="the Nth update; default: 1")
    paper.add_argument("--example", metavar="N", help="the Nth example of the batch alone; default: all of it")
    paper.add_argument("--notation", metavar="NAME", help="of the names; default: the one you chose last")
    paper.add_argument("--plain", action="store_true", help="line mode: no full screen")

    exam = command(
        "exam",
        "a paper with fresh numbers, marked at the end",
        "A paper with fresh numbers from a seed: nothing is said before it is handed in, then the marks by phase.",
        EXAM_EXAMPLES,
    )
    exam.add_argument("lesson", metavar="LESSON", help=lesson)
    exam.add_argument("--seed", metavar="N", help="of the numbers, the same on every machine; default: drawn")
    exam.add_argument("--minutes", metavar="N", help="how much time there is; default: no clock")
    exam.add_argument("--example", metavar="N", help="the Nth example of the batch alone; default: all of it")
    exam.add_argument("--notation", metavar="NAME", help="of the names; default: the one you chose last")
    exam.add_argument("--new", action="store_true", help="begin another, even if one was left")
    exam.add_argument("--plain", action="store_true", help="line mode: no full screen")
    scripted = exam.add_mutually_exclusive_group()
    scripted.add_argument("--print", action="store_true", help="print the blank paper, as a table to fill in")
    scripted.add_argument("--answers", metavar="FILE", help="mark a file: what `diagnose` reads; -: standard input")
    exam.add_argument("--format", choices=("text", "json"), default="text", help="of the marks; default: text")

    progress = command(
        "progress",
        "what you know, and the mistakes you met",
        "What the answers say: mastery by skill, misconceptions met, lessons finished, what is due.",
        PROGRESS_EXAMPLES,
    )
    progress.add_argument("--format", choices=("text", "json", "csv"), default="text", help="default: text")
    rows = ("skill", "question")
    progress.add_argument("--by", choices=rows, default="skill", help="question: a row for each answer given")
    what = progress.add_mutually_exclusive_group()
    what.add_argument("--export", metavar="FILE", help="write all of it to a file")
    what.add_argument("--import", metavar="FILE", dest="import_", help="add what a file has; nothing is lost")
    what.add_argument("--reset", action="store_true", help="forget it; asks first")

    classes = command(
        "report",
        "what a class got wrong",
        "A page and tables made of the exported progress of many learners: by question, by skill, by slip.",
        REPORT_EXAMPLES,
    )
    classes.add_argument("paths", metavar="PATH", nargs="+", help="exports, a file each learner, or folders of them")
    classes.add_argument("-o", dest="output", metavar="DIR", default="report", help="default: report")
    classes.add_argument("--no-names", action="store_true", help="learners have numbers")

    words = command("glossary", "what the terms mean", "The glossary: what the field's terms mean.", GLOSSARY_EXAMPLES)
    words.add_argument("term", metavar="TERM", nargs="*", help="a term, or words of its definition; default: all names")

    new = command("new", "begin a lesson of your own", "Write a commented lesson to begin from.", NEW_EXAMPLES)
    new.add_argument("file", metavar="FILE", help="where to write it; an existing file is left alone")
    new.add_argument("--arrays", action="store_true", help="lines over arrays with names of your own, not a network")
    model = new.add_argument_group("from a network of your own (dense layers)")
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
    command("schema", "the lesson format, for editors", "The JSON Schema of lesson files.", SCHEMA_EXAMPLES)

    for keeps in (play, listing, quiz, placement, drill, review, mistakes, paper, exam, progress):
        keeps.add_argument("--profile", metavar="NAME", default=None, type=profile, help=whose)

    grade = command(
        "grade",
        "grade one answer",
        "Grade an answer to the question for a step's value: which mistake gives exactly this number?",
        GRADE_EXAMPLES,
    )
    grade.add_argument("lesson", metavar="LESSON", help=lesson)
    asked = "a step's id, such as dL/dW2[1,2], or the number of an author's question"
    one_step = grade.add_argument("step", metavar="STEP", help=asked)
    one_answer = grade.add_argument(
        "answer",
        metavar="ANSWER",
        help="a number, an expression, or all of an array: [[1, 2], [3, 4]]; -- before one that begins with -",
    )
    grade.add_argument("--notation", metavar="NAME", help="whose names the answer uses; default: the lesson's own")
    grade.add_argument(
        "--given", metavar="STEP=VALUE", action="append", default=[], help="an earlier answer of the learner's own"
    )

    class Instead(argparse.Action):
        """An option in whose presence one step and one answer need not be there."""

        def __call__(self, parser: object, namespace: Namespace, value: object, option: str | None = None) -> None:
            setattr(namespace, self.dest, value)
            one_step.required = one_answer.required = False

    many = "a CSV file instead: who, question, answer; a row each"
    grade.add_argument("--answers", metavar="FILE", action=Instead, help=many)
    grade.add_argument("--iteration", metavar="N", default="1", help="the Nth update; default: 1")
    grade.add_argument("--format", choices=("text", "json", "csv"), default="text", help="csv: with --answers")

    diagnose = command(
        "diagnose",
        "find the slip in a whole solution",
        "Hold the arrays of a whole solution against the lesson: which is the first that is wrong, and by which slip?",
        DIAGNOSE_EXAMPLES,
    )
    diagnose.add_argument("lesson", metavar="LESSON", help=lesson)
    diagnose.add_argument(
        "file", metavar="FILE", help="arrays by name: .json .csv .tsv .npz .safetensors .pt .pth; -: standard input"
    )
    diagnose.add_argument("--names", metavar="MAP", help='a JSON file for names that do not tell: {"name": "step id"}')
    diagnose.add_argument("--iteration", metavar="N", default="1", help="the Nth update; default: 1")
    diagnose.add_argument("--example", metavar="N", help="the arrays are those of the Nth example of the batch")
    diagnose.add_argument("--format", choices=("text", "json"), default="text", help="default: text")

    code = command(
        "code",
        "a lesson as a program",
        "Write a program that computes an iteration by hand-written steps, each with its id, and compares the numbers.",
        CODE_EXAMPLES,
    )
    code.add_argument("lesson", metavar="LESSON", help=lesson)
    to = ("numpy", "torch", "jax", "notebook")
    code.add_argument("--to", choices=to, default="numpy", help="torch and jax have autograd beside; default: numpy")
    code.add_argument("--iteration", metavar="N", default="1", help="the Nth update; default: 1")
    code.add_argument("-o", dest="output", metavar="FILE", help="where to write it; an existing file is left alone")

    bank = command(
        "questions",
        "a question bank for a learning platform",
        "Questions as a file that a learning platform reads, with a feedback for each mistake that has a name.",
        QUESTIONS_EXAMPLES,
    )
    bank.add_argument("lesson", metavar="LESSON", nargs="+", help=lesson)
    bank.add_argument("--format", choices=PLATFORMS, default="moodle", help="default: moodle")
    bank.add_argument("--variants", metavar="N", default="0", help="sets of drawn numbers; default: the lesson's own")
    bank.add_argument("--seed", metavar="N", default="1", help="of the numbers and the choice; default: 1")
    bank.add_argument("--count", metavar="N", help="questions from each variant; default: the lesson's, or 10")
    bank.add_argument("--notation", metavar="NAME", help="default: the lesson's own")
    bank.add_argument("-o", dest="output", metavar="FILE", help="where to write it; an existing file is left alone")

    paper_sheets = command(
        "worksheet",
        "sheets to print, and their key",
        "Blank sheets: the network's picture, what is given, room for the answers. The key is a file of its own.",
        WORKSHEET_EXAMPLES,
    )
    paper_sheets.add_argument("lesson", metavar="LESSON", nargs="+", help=lesson)
    paper_sheets.add_argument("--variants", metavar="N", default="0", help="so many, each with numbers of its own")
    paper_sheets.add_argument("--names", metavar="FILE", help="a class list, a name a line: a sheet for each")
    paper_sheets.add_argument("--seed", metavar="N", default="1", help="of the numbers; default: 1")
    what = paper_sheets.add_mutually_exclusive_group()
    what.add_argument("--questions", metavar="N", help="on a sheet; default: the lesson's, or 6")
    what.add_argument("--whole-pass", action="store_true", help="every value of the pass, to be filled in")
    paper_sheets.add_argument("--format", choices=("html", "md", "tex", "typ"), default="html", help="default: html")
    paper_sheets.add_argument("--notation", metavar="NAME", help="default: the lesson's own")
    paper_sheets.add_argument("-o", dest="output", metavar="DIR", default="worksheet", help="default: worksheet")

    drawing = command(
        "figure",
        "a lesson's network or circuit as SVG",
        "The picture of a lesson's network or circuit as an SVG file, for slides and sheets.",
        FIGURE_EXAMPLES,
    )
    drawing.add_argument("lesson", metavar="LESSON", help=lesson)
    drawing.add_argument("--notation", metavar="NAME", help="default: the lesson's own")
    drawing.add_argument("-o", dest="output", metavar="FILE", help="where to write it; an existing file is left alone")

    site = command(
        "page",
        "lessons as pages for any browser",
        "Lessons as HTML files that stand alone: each step with its numbers, the picture, keys, questions first.",
        PAGE_EXAMPLES,
    )
    site.add_argument("lesson", metavar="LESSON", nargs="+", help=f"{lesson}, or a folder of them")
    site.add_argument("--notation", metavar="NAME", help="that it opens in; default: the lesson's own")
    site.add_argument("-o", dest="output", metavar="DIR", default="site", help="default: site; its pages are made anew")

    bench = command(
        "lab",
        "write it yourself: exercises in Python",
        "Exercises in Python and NumPy. Each save of your file is run, and what is wrong is told by its slip.",
        LAB_EXAMPLES,
    )
    bench.add_argument("--plain", action="store_true", help="line mode: no full screen")
    bench.add_argument("--profile", metavar="NAME", default=None, type=profile, help=whose)
    bench.set_defaults(what="list")
    doing = bench.add_subparsers(title="what to do", metavar="[start ID | check FILE]", parser_class=Parser)
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
        doer.add_argument("--profile", metavar="NAME", default=argparse.SUPPRESS, type=profile, help=whose)
        doer.set_defaults(what=does)

    ward = command(
        "doctor",
        "ten sick networks: what is wrong with them?",
        "Ten sick networks. Look at the loss, the gradient check, sizes and rows; name what is wrong, and mend it.",
        DOCTOR_EXAMPLES,
    )
    ward.add_argument("--seed", metavar="N", default="1", help="other patients, in another order; default: 1")
    ward.add_argument("--patient", metavar="N", default="1", help="which to begin with, 1 to 10; default: 1")
    ward.add_argument("--plain", action="store_true", help="line mode: no full screen")
    ward.add_argument("--profile", metavar="NAME", default=None, type=profile, help=whose)

    table = command(
        "misconceptions",
        "the mistakes that the tutor knows",
        "The table of misconceptions: what each is called and the sentence that repairs the idea.",
        MISCONCEPTIONS_EXAMPLES,
    )
    table.add_argument("--format", choices=("text", "json"), default="text", help="default: text")

    handed_out = (bank, drawing, paper_sheets, site)
    one_lesson = (play, trace, train, compare, sweep, quiz, drill, paper, exam, grade, diagnose, code)
    for reads in (*one_lesson, *handed_out, listing, check):
        lessons(reads, "folders")
    return found
