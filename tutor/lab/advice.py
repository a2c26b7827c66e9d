"""What to do about a mistake in a learner's file: a row a kind of mistake, found by Python's own words for it."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Mapping

from tutor.lab.exercise import Exercise
from tutor.lab.runner import MEMORY, Failure
from tutor.text.language import say


def message(mistake: Failure, exercise: Exercise) -> str:
    """What happened, in one sentence without a full stop where it is Python's own."""
    if mistake.kind in ("error", "syntax"):
        return f"{mistake.type}: {mistake.text}" if mistake.text else mistake.type
    return _HAPPENED[mistake.kind](mistake, exercise) if mistake.kind in _HAPPENED else mistake.text


def advice(mistake: Failure, exercise: Exercise) -> str:
    """What to do about it; "" where Python's own words say all that can be said."""
    said = _ADVICE.get(mistake.kind, "")
    if mistake.kind == "error":
        found = (text for types, words, text in ERRORS if _is(mistake, types, words))
        said = next(found, "")
    elif mistake.kind == "syntax":
        found = (text for types, words, text in SYNTAX if _is(mistake, types, words))
        said = next(found, "")
    shapes = ", ".join(f"{name} {shape}" for name, shape in mistake.shapes.items())
    quoted = re.search(r"'([^']+)'", mistake.text)
    return say(
        said,
        shapes=say("Here: {shapes}.", shapes=shapes) if shapes else "",
        name=quoted[1] if quoted else say("it"),
        signature=exercise.signature,
        given=say("Given are {names}.", names=", ".join(exercise.given)) if exercise.given else "",
        returned=", ".join(exercise.returns),
    ).strip()


def _is(mistake: Failure, types: str, words: str) -> bool:
    return bool(re.fullmatch(types, mistake.type) and re.search(words, mistake.text))


# ---------------------------------------------------------------- what Python raises

AS_IT_WAS = "Its first line stays as it was: {signature}"
NOTHING_YET = "This is not written yet: put your lines in place of the dots."
NO_VALUE = "{name} has no value when this line is reached: a line before has to give it one. {given}"
PRODUCT = (
    "These shapes do not fit in a product. {shapes} In A @ B the last axis of A is as long as the first of B; on the "
    "way back it is often a transpose (A.T), and a column times a row is np.outer(a, b)."
)
CELLS = "Cell by cell, both sides need one shape, or one that can be repeated along an axis of 1. {shapes}"
NONE = (
    "Something here is None: a function without return gives None, and so does a line that changes in place. {shapes}"
)
A_LIST = "A list is no array, and + of two lists puts them one after the other: np.array(...) makes an array. {shapes}"

# The exception's name, words of its text, what to do. The first row that fits is taken.
ERRORS: tuple[tuple[str, str, str], ...] = (
    ("NotImplementedError", "", NOTHING_YET),
    (".*", "[Ee]llipsis", NOTHING_YET),
    ("NameError", "'(np|numpy)' is not defined", "The line import numpy as np at the top of the file is missing."),
    ("NameError|UnboundLocalError", "", NO_VALUE),
    ("ValueError", "mismatch in its core dimension|not aligned", PRODUCT),
    ("ValueError", "does not have enough dimensions", "@ is for arrays: a single number is multiplied by *. {shapes}"),
    ("ValueError", "broadcast", CELLS),
    ("ValueError", "truth value of an array", "An if needs one True or False, and this is an array: np.where(condition,"
     " a, b) chooses cell by cell, np.any and np.all ask all of it. {shapes}"),
    ("ValueError", "setting an array element|inhomogeneous", "Rows of different lengths are no array. {shapes}"),
    ("ValueError", "unpack", "On the left there are not as many names as there are values on the right. {shapes}"),
    ("ValueError", "cannot reshape", "An array keeps its count of numbers when its shape is changed. {shapes}"),
    ("ValueError|AxisError", "axis", "Axes are counted from 0: a matrix has 0 (down) and 1 (along a row). {shapes}"),
    ("ValueError", "read-only", "This array cannot be changed in place: work on a copy, a.copy(). {shapes}"),
    ("TypeError", "positional argument|keyword argument", AS_IT_WAS + "; every call has what its function takes."),
    ("TypeError|AttributeError", "NoneType", NONE),
    ("TypeError", "not callable", "A number or an array stands before a bracket like a function: is a * missing?"),
    ("TypeError", "length-1 arrays|0-dimensional arrays|size-1 arrays", "One number is wanted, and this is an array: "
     "np.exp and its like take arrays, math.exp does not. {shapes}"),
    ("TypeError", "sequence|list", A_LIST),
    ("TypeError", "unhashable|not subscriptable", "What stands before the square bracket is no array. {shapes}"),
    ("TypeError|IndexError", "indices must be|only integers|integer scalar", "An index is a whole number, a slice, or "
     "an array of whole numbers. {shapes}"),
    (".*Cast.*|UFunc.*", "cast", "An array of whole numbers cannot take fractions: begin with np.zeros(shape), or with "
     ".astype(float), or write a = a - ... in place of a -= .... {shapes}"),
    ("IndexError", "too many indices", "There are more indices than axes. {shapes}"),
    ("IndexError", "", "Counting begins at 0, so the last of n has the index n - 1. {shapes}"),
    ("KeyError", "", "There is no such key. {shapes}"),
    ("AttributeError", "'(float|int)' object", "A plain number has none of what an array has: leave it out, or make it "
     "an array with np.array(...). {shapes}"),
    ("AttributeError", "'(list|tuple)' object", A_LIST),
    ("AttributeError", "'Value' object", "The class has no such method or attribute: the names stay as they were."),
    ("AttributeError", "", "It is spelt in another way, or it is not of this kind of thing. {shapes}"),
    ("ImportError|ModuleNotFoundError", "", "Only NumPy is needed here: import numpy as np."),
    ("ZeroDivisionError", "", "Something is divided by 0. {shapes}"),
    ("FloatingPointError", "", "A number has become too large, or is none. {shapes}"),
    ("RecursionError", "", "A function calls itself without end, or too deep: a loop does without."),
    ("AssertionError", "", "This assert is not so. {shapes}"),
    ("EOFError", "", "There is nobody to answer input() here: the values come as arguments."),
    ("SystemExit|KeyboardInterrupt", "", "The file ends the program here: take the exit out."),
)  # fmt: skip

SYNTAX: tuple[tuple[str, str, str], ...] = (
    ("TabError", "", "Spaces and tabs are mixed: four spaces everywhere."),
    ("IndentationError", "expected an indented block", "After a colon the next lines are indented by four spaces."),
    ("IndentationError", "", "The lines of a block all begin under each other, four spaces further in than its head."),
    ("SyntaxError", "never closed|does not match|unmatched", "Count the brackets: each that opens has to close."),
    ("SyntaxError", "expected ':'", "A line with def, if, for or while ends with a colon."),
    ("SyntaxError", "invalid (non-printable )?character", "Signs as the keyboard has them: - for −, * for ·, ' for ’."),
    ("SyntaxError", "return.*outside", "The return stands too far to the left: indent it as the function's lines."),
    ("SyntaxError", "unterminated", "A text or a docstring is not closed: the quotes at both ends are the same."),
    ("SyntaxError", "", "Look at this line and the end of the one before: a bracket, a colon, a sign?"),
)  # fmt: skip

# ---------------------------------------------------------------- what else ends a run


def _ended(mistake: Failure, exercise: Exercise) -> str:
    code = mistake.details.get("code", 0)
    if isinstance(code, int) and code < 0:
        try:
            name = signal.Signals(-code).name
            return say("The program was ended by the system ({name}).", name=name)
        except ValueError:
            return say("The program was ended by the system (signal {n}).", n=-code)
    return say("The program ended itself, with the exit code {code}, before the function was through.", code=code)


def _returned(mistake: Failure, exercise: Exercise) -> str:
    what, details = mistake.details.get("what"), mistake.details
    name, wanted = str(details.get("name", "")), f"return {', '.join(exercise.returns)}"
    if what == "nothing":
        if name:
            return say("{name} is None: it was given no value.", name=name)
        return say("Nothing is returned: the last line of the function is {wanted}.", wanted=wanted)
    if what == "dots":
        if not exercise.given:  # a class: dots in a method give None, as does a method without a return
            return say(
                "Nothing to judge yet: the first sum, product or tanh gives None. Each makes a Value and returns it."
            )
        return say("Nothing to judge yet: {names} are still dots.", names=", ".join(exercise.returns))
    if what == "names":
        missing = ", ".join(map(str, details.get("missing", ())))
        return say("The dict that is returned has no {names}.", names=missing)
    if what == "count":
        many = details.get("count")
        return say(
            "{n} values are returned, where it is {right}: {wanted}.",
            n=many, right=len(exercise.returns), wanted=wanted,
        )  # fmt: skip
    if what == "one":
        return say(
            "One value ({type}) is returned, where it is {right}: {wanted}.",
            type=mistake.type, right=len(exercise.returns), wanted=wanted,
        )  # fmt: skip
    if what == "too many":
        return say("{name} has {n} numbers: its shape was not meant so.", name=name, n=f"{details.get('count'):,}")
    return say("{name} is no array of real numbers: it is of the type {type}.", name=name, type=mistake.type)


def _too_long(mistake: Failure, exercise: Exercise) -> str:
    seconds = f"{mistake.details['seconds']:g}"
    if mistake.frame:
        return say("It went on for {n} seconds and was ended, while it was in this line.", n=seconds)
    return say("It went on for {n} seconds and was ended.", n=seconds)


_HAPPENED: Mapping[str, Callable[[Failure, Exercise], str]] = {
    "missing": lambda _, exercise: say("The file has no {name} that can be called.", name=exercise.name),
    "time": _too_long,
    "memory": lambda *_: say("It wanted more than {n} GB of memory.", n=MEMORY >> 30),
    "ended": _ended,
    "returned": _returned,
    "unreadable": lambda mistake, _: say("The file is no program: {why}.", why=mistake.text),
}
_ADVICE = {
    "missing": AS_IT_WAS + ".",
    "time": "Does what a loop's condition looks at change? Nothing here needs more than a moment.",
    "memory": "The arrays here have a few numbers each: one of them was given another shape than was meant. {shapes}",
    "unreadable": "Save it as text in UTF-8.",
}
