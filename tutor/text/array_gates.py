"""Gates of circuits about arrays, in words: what each does, what it sends back, and where broadcasting comes in.

A gate's formula may have products within a sum, so a gradient passes through several operators on its way to what was
used: each is told, from the gate's result inwards. Every sentence holds for the shapes and the axis of the step that
it is said of; what depends on the place of an operand or on its rank is said by a function.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod

from tutor.engine.expressions import OPERATORS, Call, Const, Expr, Ref, Shape, Symbol
from tutor.text.array_calls import counted
from tutor.text.language import N_, Term, say
from tutor.text.words import listed

Names = Callable[[Expr], str]  # a formula as one line
Phrase = str | Callable[[Call, int, Names], str]


@dataclass(frozen=True)
class ArrayGate:
    """title, what the gate does, what it sends back to one of its operands (by its place), and what it says of that."""

    title: str
    does: str | Callable[[Call, Names], str]
    back: Phrase
    says: str


# ---------------------------------------------------------------- shapes and axes in words


def shape_of(shape: Shape) -> str:
    """(2, 3) -> '2 × 3'; a vector by its length, a single number as such."""
    return " × ".join(map(str, shape)) if shape else say("a single number")


def lines(shape: Shape, axis: int) -> Term:
    """What lies along an axis (negative): 'row', 'column', or the axis by its number."""
    at = counted(axis, len(shape))
    if len(shape) == 1:
        return Term("vector")
    if len(shape) == 2:
        return Term("column") if at == 0 else Term("row")
    return Term("line along axis {axis}", axis=at)


def _over(does: str) -> Callable[[Call, Names], str]:
    """What a reduction does to {what} it takes together: 'each column (4 numbers)'."""

    def what(node: Call) -> Term:
        shape, axis = node.args[0].shape, node.param
        if prod(shape) == 1:
            return Term("the one number that there is")
        if axis is None or len(shape) < 2:
            return Term("both numbers") if prod(shape) == 2 else Term("all {n} numbers", n=prod(shape))
        assert isinstance(axis, int)
        return Term("each {line} ({n} numbers)", line=lines(shape, axis), n=shape[axis])

    return lambda node, names: say(does, what=what(node))


def _counts(node: Call) -> int:
    """How many numbers a reduction takes together."""
    shape, axis = node.args[0].shape, node.param
    return prod(shape) if axis is None else shape[axis]


def _row_word(node: Call) -> Term:
    """What softmax and norm take together."""
    shape = node.args[0].shape
    axis = node.param[0] if isinstance(node.param, tuple) else -1 if node.param is None else node.param
    return lines(shape, axis)


def _each(text: str) -> Callable[[Call, Names], str]:
    """A text with {line} for what is taken together."""
    return lambda node, names: say(text, line=_row_word(node))


def _back_each(text: str) -> Callable[[Call, int, Names], str]:
    return lambda node, at, names: say(text, line=_row_word(node))


# ---------------------------------------------------------------- products


def _matmul_does(node: Call, names: Names) -> str:
    x, y = (len(arg.shape) for arg in node.args)
    if (x, y) == (1, 1):
        return say("multiplies two vectors number by number and adds up: one number")
    if y == 1:
        return say("multiplies each row by the vector, number by number, and adds up")
    if x == 1:
        return say("multiplies the vector by each column, number by number, and adds up")
    inner = say("multiplies each row of the first by each column of the second, number by number, and adds up")
    return inner if max(x, y) == 2 else say("{does}, matrix by matrix", does=inner)


def _matmul_back(node: Call, at: int, names: Names) -> str:
    x, y = node.args
    ranks = len(x.shape), len(y.shape)
    left, right = names(x), names(y)
    if ranks == (1, 1):
        return say("sends the one vector the gradient times the other, {x}", x=left if at else right)
    if ranks == (2, 1) and at == 0:
        return say("sends the matrix an outer product: the gradient of each row times the vector {x}", x=right)
    if ranks == (1, 2) and at == 1:
        return say("sends the matrix an outer product: the vector {x} times the gradient of each column", x=left)
    if ranks == (2, 1):
        return say(
            "sends the vector {x} transposed times the gradient: each number hears from every row that it met", x=left
        )
    if ranks == (1, 2):
        return say("sends the vector {x} times the gradient: each number hears from every column that it met", x=right)
    if _stands_turned(node.args[at]):  # the gradient of what stood transposed is turned back
        own = names(node.args[at])
        if at:
            return say("sends what stood in it as {own} the gradient transposed, times {x}", own=own, x=left)
        return say("sends what stood in it as {own} {x} times the gradient transposed", own=own, x=right)
    if at == 0:
        return say("sends its left factor the gradient times {x}", x=_turned(y, names))
    return say("sends its right factor {x}, times the gradient", x=_turned(x, names))


def _stands_turned(x: Expr) -> bool:
    return isinstance(x, Call) and x.op == "transpose"


def _turned(x: Expr, names: Names) -> str:
    """A factor's transpose in words; of one that stands transposed itself it is the matrix as it was."""
    if isinstance(x, Call) and x.op == "transpose":
        return names(x.args[0])
    return say("{x} transposed", x=names(x))


def _shared_product(node: Call, at: int, name: str) -> str:
    """Of matrix products above rank 2, over what an operand's gradient is added up."""
    mine, other = node.args[at].shape, node.args[1 - at].shape
    if len(mine) >= 2 and len(other) > len(mine):
        many = prod(other[: len(other) - len(mine)])
        return " " + say("{x} met each of the {n} matrices: what they send back is added up.", x=name, n=many)
    return ""


def _conv_back(node: Call, at: int, names: Names) -> str:
    x, k = node.args
    if at == 0:
        return say(
            "lays a copy of the kernel {k}, times the gradient of one output, over the window that the output "
            "came from; where copies overlap they add up",
            k=names(k),
        )
    return say(
        "sends each number of the kernel a sum over all the places where it was used: the gradient there times what "
        "it met of {x}",
        x=names(x),
    )


def _cross_entropy_back(node: Call, at: int, names: Names) -> str:
    (z, y), rows = node.args, prod(node.args[0].shape[:-1])
    does = (
        say(
            "sends the logits the gradient times softmax (as often as the probabilities of its row add up to: once) "
            "minus the target"
        )
        if y.shape == z.shape
        else say("sends the logits the gradient times softmax minus a 1 at the true class")
    )
    return say("{does}, divided by the {n} rows that the mean is over", does=does, n=rows) if rows > 1 else does


def _concat_back(node: Call, at: int, names: Names) -> str:
    """Which piece of the gradient is the operand's: 'number 2', 'rows 1 to 3'."""
    assert isinstance(node.param, int)
    axis = counted(node.param, len(node.shape))
    sizes = [arg.shape[axis] for arg in node.args]
    first, last = sum(sizes[:at]) + 1, sum(sizes[: at + 1])
    one, many = _PIECES[(len(node.shape), axis) if len(node.shape) <= 2 else (3, 0)]
    where = say(one if first == last else many, first=first, last=last, axis=axis)
    return say("gives {x} its own piece of the gradient back: {where}", x=names(node.args[at]), where=where)


_PIECES = {  # by rank and axis
    (1, 0): (N_("number {first}"), N_("numbers {first} to {last}")),
    (2, 0): (N_("row {first}"), N_("rows {first} to {last}")),
    (2, 1): (N_("column {first}"), N_("columns {first} to {last}")),
    (3, 0): (N_("place along axis {axis}: {first}"), N_("places along axis {axis}: {first} to {last}")),
}


def _reduced_back(text: str) -> Callable[[Call, int, Names], str]:
    return lambda node, at, names: say(text, n=_counts(node))


ARRAY_GATES: dict[str, ArrayGate] = {
    "matmul": ArrayGate(
        "Matrix product",
        _matmul_does,
        _matmul_back,
        "I multiplied rows by columns: {of} gets the blame of every result that it went into, as strongly as what it "
        "met there.",
    ),
    "transpose": ArrayGate(
        "Transpose",
        "swaps rows and columns",
        "swaps rows and columns of the gradient back",
        "I only swapped rows and columns, and swap them back in the blame.",
    ),
    "sum": ArrayGate(
        "Sum",
        _over(N_("adds up {what}")),
        "sends every number the gradient of the sum that it is in, as it is",
        "I only added up, so each number of {of} gets the blame of its sum just as I got it.",
    ),
    "average": ArrayGate(
        "Mean",
        _over(N_("takes the mean of {what}")),
        _reduced_back(N_("sends every number 1/{n} of the gradient of the mean that it is in")),
        "I took a mean: the blame is shared out evenly.",
    ),
    "variance": ArrayGate(
        "Variance",
        _over(N_("takes the mean squared distance from the mean of {what}")),
        _reduced_back(
            N_(
                "sends every number the gradient of its variance times 2/{n} of its distance from the mean (through "
                "the mean itself nothing comes back: the distances add up to 0)"
            )
        ),
        "I measured how far apart they are: who is far from the mean gets much of the blame.",
    ),
    "reduce_max": ArrayGate(
        "Maximum",
        _over(N_("takes the largest of {what}")),
        "routes the whole gradient to the largest (of equal ones the first) and 0 to the others",
        "I listened to the largest alone, so that one gets all of the blame, and the others none.",
    ),
    "reduce_min": ArrayGate(
        "Minimum",
        _over(N_("takes the smallest of {what}")),
        "routes the whole gradient to the smallest (of equal ones the first) and 0 to the others",
        "I listened to the smallest alone, so that one gets all of the blame, and the others none.",
    ),
    "softmax": ArrayGate(
        "Softmax",
        _each(
            N_(
                "makes shares of each {line}: e to the power of each number, over the sum of them, so that they make 1"
            )
        ),
        _back_each(
            N_(
                "sends each number its share times how far its own gradient lies above the mean gradient of its {line} "
                "(weighted by the shares): who rises makes all the others fall"
            )
        ),
        "I shared out one whole: who gets more takes it from the others, so each hears the blame of all.",
    ),
    "log_softmax": ArrayGate(
        "Log-softmax",
        _each(N_("takes the logarithm of the softmax of each {line}: each number less ln Σ exp of them all")),
        _back_each(
            N_("sends each number its own gradient, less its softmax share of the sum of the gradients of its {line}")
        ),
        "I took one logarithm off all of them: each gets its own blame, less its share of everybody's.",
    ),
    "norm": ArrayGate(
        "Normalisation",
        _each(
            N_(
                "takes the mean off each {line} and divides it by the standard deviation, √(variance + ε): its mean is "
                "then 0, and its variance 1 but for ε"
            )
        ),
        _back_each(
            N_(
                "sends back the gradient less its mean over the {line}, less the result times the mean of gradient ⊙ "
                "result, all over the standard deviation: mean and variance move with every number, too"
            )
        ),
        "I set mean and spread for all of them: what all would do together changes nothing, and is taken off.",
    ),
    "cross_entropy": ArrayGate(
        "Cross-entropy",
        lambda node, names: (
            say(
                "takes minus the logarithm of the probability that softmax gives to the target, "
                "and the mean over the rows"
            )
            if prod(node.args[0].shape[:-1]) > 1
            else say("takes minus the logarithm of the probability that softmax gives to the target")
        ),
        _cross_entropy_back,
        "I set the price of surprise: each logit gets how far its probability is from the target.",
    ),
    "conv": ArrayGate(
        "Convolution",
        "lays the kernel on every place, multiplies number by number and adds up (without a flip, as libraries "
        "do: mathematics calls it a cross-correlation)",
        _conv_back,
        "I used one kernel at every place: the blame of all those places adds up.",
    ),
    "max_pool": ArrayGate(
        "Max pooling",
        lambda node, names: say("keeps the largest of each window of {size}", size=_window(node)),
        "sends each output's gradient to the place in its window that won (of equal ones the first); the others get 0",
        "I listened to the largest of each window, so that one gets all of its blame.",
    ),
    "avg_pool": ArrayGate(
        "Average pooling",
        lambda node, names: say("takes the mean of each window of {size}", size=_window(node)),
        lambda node, at, names: say(
            "shares each output's gradient out evenly: 1/{n} of it to every place of its window", n=_window_count(node)
        ),
        "I took means: the blame of each window is shared out evenly.",
    ),
    "row": ArrayGate(
        "Row",
        lambda node, names: say("takes {place} of {x}", place=_row_or_number(node), x=names(node.args[0])),
        lambda node, at, names: say(
            "puts the gradient back into {place}; the others get 0", place=_row_or_number(node)
        ),
        "I took one row: it gets all of the blame, and the others none.",
    ),
    "embedding": ArrayGate(
        "Embedding",
        lambda node, names: say(
            "looks up a row of {table} for each number in {rows}", table=names(node.args[0]), rows=names(node.args[1])
        ),
        "adds each looked-up row's gradient to the row that it came from: a row used twice gets both, a row never used "
        "gets 0",
        "I only looked up rows: each row gets the blame of all the places where it stood.",
    ),
    "concat": ArrayGate(
        "Concatenation",
        lambda node, names: say("puts {pieces} one after the other", pieces=listed([names(arg) for arg in node.args])),
        _concat_back,
        "I only put them side by side: each gets its own piece of the blame back.",
    ),
    "reshape": ArrayGate(
        "Reshape",
        lambda node, names: say("puts the same numbers into the shape {shape}", shape=shape_of(node.shape)),
        "puts the gradient's numbers back into the old shape",
        "I only laid the numbers out anew, and lay the blame out as they were.",
    ),
    "causal": ArrayGate(
        "Causal mask",
        "puts −∞ above the diagonal: a position must not look at later ones, and e to the power of −∞ is 0",
        "passes the gradient on where nothing was blocked; blocked places get 0",
        "I blocked what lies in the future: no blame gets past me there.",
    ),
}


def _window(node: Call) -> str:
    size = node.param[0]
    return f"{size} × {size}" if len(node.args[0].shape) > 1 else f"{size}"


def _window_count(node: Call) -> int:
    size = node.param[0]
    return int(size**2 if len(node.args[0].shape) > 1 else size)


def _row_or_number(node: Call) -> Term:
    n = int(node.param or 0) + 1
    rank = len(node.args[0].shape)
    if rank <= 2:
        return Term("number {first}", first=n) if rank == 1 else Term("row {first}", first=n)
    return Term("place {first}", first=n)


# ---------------------------------------------------------------- from a gate's result to what it used


Way = list[tuple[Call, int]]


def inward(formula: Expr, used: Symbol) -> list[Way]:
    """The operators from a gate's result to each use of a symbol, each with the operand on the way."""
    stack: list[tuple[Expr, tuple[tuple[Call, int], ...]]] = [(formula, ())]
    found: list[Way] = []
    while stack:
        node, way = stack.pop()
        if isinstance(node, Ref) and node.symbol == used:
            found.append(list(way))
        if isinstance(node, Call):
            stack += reversed([(arg, (*way, (node, at))) for at, arg in enumerate(node.args)])
    return found


def broadcast_back(way: Way, name: str) -> str:
    """That an operand went to many places, and what becomes of that on the way back; "" where it did not."""
    for node, at in way:
        shape, own = node.shape, node.args[at].shape
        if node.op == "matmul" and (said := _shared_product(node, at, name)):
            return said
        if not OPERATORS[node.op].elementwise or shape == own:
            continue
        places = spread_over(shape, own)
        if places:
            return " " + say(
                "{x} ({shape}) was used {places}, so what comes back from all of them is added up.",
                x=name, shape=shape_of(own), places=places,
            )  # fmt: skip
    return ""


def broadcast_forward(node: Call, names: Names) -> str:
    """That operands of a gate go to many places of its result."""
    said = []
    stack: list[Expr] = [node]
    while stack:
        inner = stack.pop()
        if not isinstance(inner, Call) or not OPERATORS[inner.op].elementwise:
            continue
        for arg in inner.args:
            if arg.shape and arg.shape != inner.shape and not isinstance(arg, Const):
                places = spread_over(inner.shape, arg.shape)
                shape = shape_of(arg.shape)
                said.append(say("{x} ({shape}) is used {places}.", x=names(arg), shape=shape, places=places))
        stack += inner.args
    return "".join(f" {text}" for text in dict.fromkeys(said))


def spread_over(shape: Shape, own: Shape) -> str:
    """Where broadcasting takes a value of the shape `own`: 'once for each of the 4 rows'."""
    missing = len(shape) - len(own)
    axes = [at for at, n in enumerate(shape) if at < missing or (own[at - missing] == 1 and n != 1)]
    if not axes:
        return ""
    count = prod(shape[at] for at in axes)
    if prod(own) == 1 or count == prod(shape):
        return say("for each of the {n} numbers of the result", n=count)
    if len(shape) == 2 and axes == [0]:
        return say("once for each of the {n} rows", n=count)
    if len(shape) == 2:
        return say("once for each of the {n} columns", n=count)
    if len(axes) == 1:
        return say("once for each of the {n} places along axis {axis}", n=count, axis=axes[0])
    return say("once for each of the {n} places along axes {axes}", n=count, axes=listed([str(at) for at in axes]))
