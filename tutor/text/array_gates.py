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
    return " × ".join(map(str, shape)) if shape else "a single number"


def lines(shape: Shape, axis: int) -> str:
    """What lies along an axis (negative): 'row', 'column', or the axis by its number."""
    at = counted(axis, len(shape))
    if len(shape) == 1:
        return "vector"
    if len(shape) == 2:
        return "column" if at == 0 else "row"
    return f"line along axis {at}"


def _over(does: str, whole: str = "all {n} numbers") -> Callable[[Call, Names], str]:
    """What a reduction takes together: 'of each column (4 numbers)'."""

    def words(node: Call, names: Names) -> str:
        shape, axis = node.args[0].shape, node.param
        if prod(shape) == 1:
            return f"{does} the one number that there is"
        if axis is None or len(shape) < 2:
            return f"{does} {'both numbers' if prod(shape) == 2 else whole.format(n=prod(shape))}"
        assert isinstance(axis, int)
        return f"{does} each {lines(shape, axis)} ({shape[axis]} numbers)"

    return words


def _counts(node: Call) -> int:
    """How many numbers a reduction takes together."""
    shape, axis = node.args[0].shape, node.param
    return prod(shape) if axis is None else shape[axis]


def _row_word(node: Call) -> str:
    """What softmax and norm take together."""
    shape = node.args[0].shape
    axis = node.param[0] if isinstance(node.param, tuple) else -1 if node.param is None else node.param
    return lines(shape, axis)


def _each(text: str) -> Callable[[Call, Names], str]:
    """A text with {line} for what is taken together."""
    return lambda node, names: text.format(line=_row_word(node))


def _back_each(text: str) -> Callable[[Call, int, Names], str]:
    return lambda node, at, names: text.format(line=_row_word(node), n=_length(node))


def _length(node: Call) -> int:
    shape = node.args[0].shape
    axis = node.param[0] if isinstance(node.param, tuple) else -1 if node.param is None else node.param
    return shape[axis]


# ---------------------------------------------------------------- products


def _matmul_does(node: Call, names: Names) -> str:
    x, y = (len(arg.shape) for arg in node.args)
    if (x, y) == (1, 1):
        return "multiplies two vectors number by number and adds up: one number"
    if y == 1:
        return "multiplies each row by the vector, number by number, and adds up"
    if x == 1:
        return "multiplies the vector by each column, number by number, and adds up"
    inner = "multiplies each row of the first by each column of the second, number by number, and adds up"
    return inner if max(x, y) == 2 else f"{inner}, matrix by matrix"


def _matmul_back(node: Call, at: int, names: Names) -> str:
    x, y = node.args
    ranks = len(x.shape), len(y.shape)
    left, right = names(x), names(y)
    if ranks == (1, 1):
        return f"sends the one vector the gradient times the other, {right if at == 0 else left}"
    if ranks == (2, 1) and at == 0:
        return f"sends the matrix an outer product: the gradient of each row times the vector {right}"
    if ranks == (1, 2) and at == 1:
        return f"sends the matrix an outer product: the vector {left} times the gradient of each column"
    if ranks == (2, 1):
        return f"sends the vector {left} transposed times the gradient: each number hears from every row that it met"
    if ranks == (1, 2):
        return f"sends the vector {right} times the gradient: each number hears from every column that it met"
    if _stands_turned(node.args[at]):  # the gradient of what stood transposed is turned back
        own = names(node.args[at])
        other = f"the gradient transposed, times {left}" if at else f"{right} times the gradient transposed"
        return f"sends what stood in it as {own} {other}"
    if at == 0:
        return f"sends its left factor the gradient times {_turned(y, names)}"
    return f"sends its right factor {_turned(x, names)}, times the gradient"


def _stands_turned(x: Expr) -> bool:
    return isinstance(x, Call) and x.op == "transpose"


def _turned(x: Expr, names: Names) -> str:
    """A factor's transpose in words; of one that stands transposed itself it is the matrix as it was."""
    return names(x.args[0]) if isinstance(x, Call) and x.op == "transpose" else f"{names(x)} transposed"


def _shared_product(node: Call, at: int, name: str) -> str:
    """Of matrix products above rank 2, over what an operand's gradient is added up."""
    mine, other = node.args[at].shape, node.args[1 - at].shape
    if len(mine) >= 2 and len(other) > len(mine):
        many = prod(other[: len(other) - len(mine)])
        return f" {name} met each of the {many} matrices: what they send back is added up."
    return ""


def _conv_back(node: Call, at: int, names: Names) -> str:
    x, k = node.args
    if at == 0:
        return (
            f"lays a copy of the kernel {names(k)}, times the gradient of one output, over the window that the output "
            "came from; where copies overlap they add up"
        )
    return (
        f"sends each number of the kernel a sum over all the places where it was used: the gradient there times what "
        f"it met of {names(x)}"
    )


def _cross_entropy_back(node: Call, at: int, names: Names) -> str:
    (z, y), rows = node.args, prod(node.args[0].shape[:-1])
    over = f", divided by the {rows} rows that the mean is over" if rows > 1 else ""
    many = " (as often as the probabilities of its row add up to: once)" if y.shape == z.shape else ""
    target = "the target" if y.shape == z.shape else "a 1 at the true class"
    return f"sends the logits the gradient times softmax{many} minus {target}{over}"


def _place(word: str) -> Callable[[Call, int, Names], str]:
    return lambda node, at, names: word.format(n=(node.param or 0) + 1 if isinstance(node.param, int) else 0)


def _concat_back(node: Call, at: int, names: Names) -> str:
    """Which piece of the gradient is the operand's: 'number 2', 'rows 1 to 3'."""
    assert isinstance(node.param, int)
    axis = counted(node.param, len(node.shape))
    sizes = [arg.shape[axis] for arg in node.args]
    first, last = sum(sizes[:at]) + 1, sum(sizes[: at + 1])
    what = {1: ("number",), 2: ("row", "column")}.get(len(node.shape), ())
    word = what[axis] if what else f"place{'s' * (first != last)} along axis {axis}:"
    words = word + "s" * (first != last and bool(what))
    where = f"{words} {first}" + (f" to {last}" if first != last else "")
    return f"gives {names(node.args[at])} its own piece of the gradient back: {where}"


def _reduced_back(text: str) -> Callable[[Call, int, Names], str]:
    return lambda node, at, names: text.format(n=_counts(node))


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
        _over("adds up"),
        "sends every number the gradient of the sum that it is in, as it is",
        "I only added up, so each number of {of} gets the blame of its sum just as I got it.",
    ),
    "average": ArrayGate(
        "Mean",
        _over("takes the mean of"),
        _reduced_back("sends every number 1/{n} of the gradient of the mean that it is in"),
        "I took a mean: the blame is shared out evenly.",
    ),
    "variance": ArrayGate(
        "Variance",
        _over("takes the mean squared distance from the mean of"),
        _reduced_back(
            "sends every number the gradient of its variance times 2/{n} of its distance from the mean (through the "
            "mean itself nothing comes back: the distances add up to 0)"
        ),
        "I measured how far apart they are: who is far from the mean gets much of the blame.",
    ),
    "reduce_max": ArrayGate(
        "Maximum",
        _over("takes the largest of"),
        "routes the whole gradient to the largest (of equal ones the first) and 0 to the others",
        "I listened to the largest alone, so that one gets all of the blame, and the others none.",
    ),
    "reduce_min": ArrayGate(
        "Minimum",
        _over("takes the smallest of"),
        "routes the whole gradient to the smallest (of equal ones the first) and 0 to the others",
        "I listened to the smallest alone, so that one gets all of the blame, and the others none.",
    ),
    "softmax": ArrayGate(
        "Softmax",
        _each("makes shares of each {line}: e to the power of each number, over the sum of them, so that they make 1"),
        _back_each(
            "sends each number its share times how far its own gradient lies above the mean gradient of its {line} "
            "(weighted by the shares): who rises makes all the others fall"
        ),
        "I shared out one whole: who gets more takes it from the others, so each hears the blame of all.",
    ),
    "log_softmax": ArrayGate(
        "Log-softmax",
        _each("takes the logarithm of the softmax of each {line}: each number less ln Σ exp of them all"),
        _back_each(
            "sends each number its own gradient, less its softmax share of the sum of the gradients of its {line}"
        ),
        "I took one logarithm off all of them: each gets its own blame, less its share of everybody's.",
    ),
    "norm": ArrayGate(
        "Normalisation",
        _each(
            "takes the mean off each {line} and divides it by the standard deviation, √(variance + ε): its mean is "
            "then 0, and its variance 1 but for ε"
        ),
        _back_each(
            "sends back the gradient less its mean over the {line}, less the result times the mean of gradient ⊙ "
            "result, all over the standard deviation: mean and variance move with every number, too"
        ),
        "I set mean and spread for all of them: what all would do together changes nothing, and is taken off.",
    ),
    "cross_entropy": ArrayGate(
        "Cross-entropy",
        lambda node, names: (
            "takes minus the logarithm of the probability that softmax gives to the target"
            + (", and the mean over the rows" if prod(node.args[0].shape[:-1]) > 1 else "")
        ),
        _cross_entropy_back,
        "I set the price of surprise: each logit gets how far its probability is from the target.",
    ),
    "conv": ArrayGate(
        "Convolution",
        lambda node, names: (
            "lays the kernel on every place, multiplies number by number and adds up (without a flip, as libraries "
            "do: mathematics calls it a cross-correlation)"
        ),
        _conv_back,
        "I used one kernel at every place: the blame of all those places adds up.",
    ),
    "max_pool": ArrayGate(
        "Max pooling",
        lambda node, names: f"keeps the largest of each window of {_window(node)}",
        "sends each output's gradient to the place in its window that won (of equal ones the first); the others get 0",
        "I listened to the largest of each window, so that one gets all of its blame.",
    ),
    "avg_pool": ArrayGate(
        "Average pooling",
        lambda node, names: f"takes the mean of each window of {_window(node)}",
        lambda node, at, names: (
            f"shares each output's gradient out evenly: 1/{_window_count(node)} of it to every place of its window"
        ),
        "I took means: the blame of each window is shared out evenly.",
    ),
    "row": ArrayGate(
        "Row",
        lambda node, names: f"takes {_row_or_number(node)} {int(node.param or 0) + 1} of {names(node.args[0])}",
        lambda node, at, names: (
            f"puts the gradient back into {_row_or_number(node)} {int(node.param or 0) + 1}; the others get 0"
        ),
        "I took one row: it gets all of the blame, and the others none.",
    ),
    "embedding": ArrayGate(
        "Embedding",
        lambda node, names: f"looks up a row of {names(node.args[0])} for each number in {names(node.args[1])}",
        "adds each looked-up row's gradient to the row that it came from: a row used twice gets both, a row never used "
        "gets 0",
        "I only looked up rows: each row gets the blame of all the places where it stood.",
    ),
    "concat": ArrayGate(
        "Concatenation",
        lambda node, names: f"puts {listed([names(arg) for arg in node.args])} one after the other",
        _concat_back,
        "I only put them side by side: each gets its own piece of the blame back.",
    ),
    "reshape": ArrayGate(
        "Reshape",
        lambda node, names: f"puts the same numbers into the shape {shape_of(node.shape)}",
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


def _row_or_number(node: Call) -> str:
    return {1: "number", 2: "row"}.get(len(node.args[0].shape), "place")


def listed(texts: list[str]) -> str:
    """a, b and c."""
    return " and ".join([", ".join(texts[:-1]), texts[-1]]) if len(texts) > 1 else texts[0]


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
            return f" {name} ({shape_of(own)}) was used {places}, so what comes back from all of them is added up."
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
                said.append(f"{names(arg)} ({shape_of(arg.shape)}) is used {spread_over(inner.shape, arg.shape)}")
        stack += inner.args
    return "".join(f" {text[0].upper() + text[1:] if text[0] == '(' else text}." for text in dict.fromkeys(said))


def spread_over(shape: Shape, own: Shape) -> str:
    """Where broadcasting takes a value of the shape `own`: 'once for each of the 4 rows'."""
    missing = len(shape) - len(own)
    axes = [at for at, n in enumerate(shape) if at < missing or (own[at - missing] == 1 and n != 1)]
    if not axes:
        return ""
    count = prod(shape[at] for at in axes)
    if prod(own) == 1 or count == prod(shape):
        return f"for each of the {count} numbers of the result"
    if len(shape) == 2:
        return f"once for each of the {count} {'rows' if axes == [0] else 'columns'}"
    word = f"axis {axes[0]}" if len(axes) == 1 else f"axes {listed([str(at) for at in axes])}"
    return f"once for each of the {count} places along {word}"
