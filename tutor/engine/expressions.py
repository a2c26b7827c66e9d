"""Expressions: small trees, and everything that one tree can tell.

Glossary of the letters used below:
    x, y, z   operands           G    upstream gradient, ∂(output)/∂(this value)
    W         a matrix           i, j row and column, counted from 0 in code, from 1 in ids

A tree is made of three nodes: `Const`, `Ref` (a symbol, or one element of it) and `Call`
(an operator applied to trees). `OPERATORS` is the one table of what an operator means:
its shape, its NumPy value, its element (i, j) as a scalar tree, and its reverse rule. It begins
empty: `operators.py` fills it, and whoever has an operator of their own puts in another row.

Shapes are those of one example, of any rank: (), (n,), (m, n) ... A symbol that has a value for
every example of a batch carries one more axis, the first, in its array; no formula mentions it.
That is why an axis, where an operator has one, is counted from the end: -1 is the last.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from tutor.engine.floats import QUIET
from tutor.engine.ids import is_updated, of_each, read_state

Shape = tuple[int, ...]
Quantity = Literal[
    "input", "target", "weights", "biases", "pre_activation", "activation", "loss", "objective",
    "node", "circuit_input", "gradient", "local", "updated", "state", "hyper",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Symbol:
    """A named quantity: `id` is its stable name, `shape` that of one example's value.

    `quantity` says what it is (see `model.py`), `layer` where it lives; a gradient knows
    what it is the gradient `of` and with respect to which symbol (`wrt`). The part of a gradient that comes from
    one `use` of that symbol has an id with the name of the gate that uses it, dL/dWh@h3.
    `key` is the name in an environment of values: `dL/dW2@` beside its mean `dL/dW2`.
    """

    id: str
    shape: Shape = ()
    quantity: Quantity = "node"
    layer: int | None = None
    per_example: bool = False
    of: Symbol | None = None
    wrt: Symbol | None = None
    use: str = ""
    key: str = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", of_each(self.id) if self.per_example else self.id)

    def __hash__(self) -> int:  # the id nearly says it all; what it is the gradient of has symbols of its own
        return hash(self.id)

    @property
    def name(self) -> str:
        """What a state or a setting is called: velocity of W1.velocity', learning_rate of training.learning_rate."""
        return read_state(self.id)[1]

    @property
    def is_new(self) -> bool:
        """Whether it is what an update makes: W1', W1.velocity'."""
        return is_updated(self.id)

    def belongs_to(self, parameter: str) -> bool:
        """Whether it is this parameter, a state of it or the new value of either."""
        if self.quantity in ("state", "updated"):
            return self.wrt is not None and self.wrt.id == parameter
        return self.id == parameter


class Expr:
    """A formula. `shape` is that of its value for one example, `batched` whether it has many."""

    __slots__ = ()
    if TYPE_CHECKING:

        @property
        def shape(self) -> Shape:
            """That of the value for one example."""

        @property
        def batched(self) -> bool:
            """Whether each example has a value of its own."""

    # fmt: off
    def __add__(self, other: Expr | float) -> Expr: return call("add", self, other)
    def __radd__(self, other: Expr | float) -> Expr: return call("add", other, self)
    def __sub__(self, other: Expr | float) -> Expr: return call("sub", self, other)
    def __rsub__(self, other: Expr | float) -> Expr: return call("sub", other, self)
    def __mul__(self, other: Expr | float) -> Expr: return call("mul", self, other)
    def __rmul__(self, other: Expr | float) -> Expr: return call("mul", other, self)
    def __truediv__(self, other: Expr | float) -> Expr: return call("div", self, other)
    def __rtruediv__(self, other: Expr | float) -> Expr: return call("div", other, self)
    def __pow__(self, other: Expr | float) -> Expr: return call("pow", self, other)
    def __neg__(self) -> Expr: return negative(self)
    # fmt: on


@dataclass(frozen=True, slots=True)
class Const(Expr):
    """A number; one that has a `name` (π) is shown by it."""

    value: float
    name: str = field(default="", compare=False)

    @property
    def shape(self) -> Shape:
        """(): it is one number."""
        return ()

    @property
    def batched(self) -> bool:
        """False: it is the same for every example."""
        return False


@dataclass(frozen=True, slots=True)
class Ref(Expr):
    """A symbol's value; with `index` one element of it, with `example` one example's (from 0)."""

    symbol: Symbol
    index: tuple[int, ...] | None = None
    example: int | None = None

    @property
    def shape(self) -> Shape:
        """The symbol's, or () of one element."""
        return self.symbol.shape if self.index is None else ()

    @property
    def batched(self) -> bool:
        """Whether each example has its own."""
        return self.symbol.per_example and self.example is None

    @property
    def id(self) -> str:
        """As `Symbol.id`, with the element and the example: dL/dW1[2,1]@3."""
        use = f"@{self.symbol.use}" if self.symbol.use else ""
        example = "" if self.example is None else f"@{self.example + 1}"
        return self.symbol.id.removesuffix(use) + index_text(self.index) + use + example


@dataclass(frozen=True, slots=True)
class Call(Expr):
    """An operator applied to formulas. `param` is fixed data of the operator: which argument wins, an axis, a stride.

    It is a number, a text, None or a tuple of those.
    """

    op: str
    args: tuple[Expr, ...]
    param: Any = None
    shape: Shape = field(init=False, compare=False, repr=False)
    batched: bool = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> Any:
        rule = OPERATORS[self.op]
        shapes = [arg.shape for arg in self.args]
        object.__setattr__(self, "shape", rule.shape(*shapes, self.param) if rule.shaped else rule.shape(*shapes))
        object.__setattr__(self, "batched", rule.batched and True in [arg.batched for arg in self.args])


def call(op: str, *args: Expr | float, param: Any = None) -> Call:
    """`Call`, with plain numbers taken as constants."""
    return Call(op, tuple([arg if isinstance(arg, Expr) else Const(float(arg)) for arg in args]), param)


ZERO, ONE = Const(0.0), Const(1.0)
PI, E = Const(math.pi, "π"), Const(math.e, "e")


def negative(x: Expr) -> Expr:
    """−x; of a plain number the number with its sign turned."""
    return Const(-x.value) if isinstance(x, Const) and not x.name else call("neg", x)


def product(x: Expr, y: Expr) -> Expr:
    """x ⊙ y without the factors that say nothing (1·y, −(1)·y)."""
    if isinstance(x, Const):
        if x.value == 1:
            return y
        if x.value == -1:
            return negative(y)
    if isinstance(y, Const):
        if y.value == 1:
            return x
        if y.value == -1:
            return negative(x)
    return call("mul", x, y)


def total(terms: Sequence[Expr]) -> Expr:
    """The sum of the terms; a single term stands for itself."""
    return terms[0] if len(terms) == 1 else call("add", *terms)


def index_text(index: tuple[int, ...] | None) -> str:
    """(0, 1) -> '[1,2]': ids count from 1."""
    return "" if not index else "[" + ",".join(str(i + 1) for i in index) + "]"


# ---------------------------------------------------------------- walking and rewriting


def walk(expr: Expr) -> Iterator[Expr]:
    """Every node, parents first, left to right."""
    stack = [expr]
    while stack:
        node = stack.pop()
        yield node
        if isinstance(node, Call):
            stack.extend(reversed(node.args))


def refs(expr: Expr) -> list[Ref]:
    """The leaves that are symbols, each once, in order of appearance."""
    return _leaves(expr, {})


def _leaves(expr: Expr, passed_over: dict[str, int]) -> list[Ref]:
    """A part that stands in a tree many times, as the mean does in a norm's element, is entered once."""
    found: dict[Ref, None] = {}
    stack, entered = [expr], set()
    while stack:
        node = stack.pop()
        if isinstance(node, Ref):
            found[node] = None
        elif isinstance(node, Call) and id(node) not in entered:
            entered.add(id(node))
            over = passed_over.get(node.op)
            args = node.args if over is None else node.args[:over] + node.args[over + 1 :]
            stack.extend(args[::-1])
    return list(found)


# Operands that are asked for their shape alone: which of an operator's.
SHAPE_ONLY = {
    "expand": 1, "sum_to": 1, "spread": 1, "scatter_rows": 2, "conv_input": 2, "conv_kernel": 2, "place_row": 1,
    "place_part": 1, "unpool_avg": 1, "one_hot": 1,
}  # fmt: skip


def used(expr: Expr) -> list[Ref]:
    """The leaves that are symbols whose value matters, each once, in order of appearance."""
    return _leaves(expr, SHAPE_ONLY)


def rewrite(expr: Expr, change: Callable[[Expr], Expr | None]) -> Expr:
    """The tree with `change` applied from the leaves up; None leaves a node as it is."""
    if isinstance(expr, Call):
        args = [rewrite(arg, change) for arg in expr.args]
        if any(map(operator.is_not, args, expr.args)):
            expr = Call(expr.op, tuple(args), expr.param)
    changed = change(expr)
    return expr if changed is None else changed


def at_example(expr: Expr, example: int) -> Expr:
    """The formula for one example of the batch (counted from 0)."""

    def pick(node: Expr) -> Expr | None:
        if isinstance(node, Ref) and node.batched:
            return Ref(node.symbol, node.index, example)
        return None

    return rewrite(expr, pick)


# ---------------------------------------------------------------- what an operator is


def _no_noise(node: Call, value: Any, arrays: Sequence[Any], noises: Sequence[Any]) -> Any:
    return 0.0


@dataclass(frozen=True)
class Settling:
    """How an operator's value is kept from being decided by rounding.

    near     the call, its value, the arguments' arrays -> whether rounding may have had a part in it; may be wrong
    settled  the call, value, arrays, their noises, the value's noise -> the value that it stands for
    """

    near: Callable[..., bool]
    settled: Callable[..., Any]


@dataclass(frozen=True)
class Operator:
    """What an operator means.

    shape    the shapes of the arguments (and, where the operator is `shaped` by it, the param) -> the shape of the
             value; ValueError, in words an author can read, if they do not fit
    numpy    the call and the arguments' arrays -> the value
    element  the call and an index -> the formula of that element
    reverse  the call, its own value as a formula, G -> each argument's part of the gradient
             (None: no gradient flows there)
    settles  where rounding could decide its value: the difference of near numbers, a tie
    noise    the call, its value, the arguments' arrays, their noises -> its noise, own rounding apart
    """

    shape: Callable[..., Shape]
    numpy: Callable[..., Any]
    element: Callable[[Call, tuple[int, ...]], Expr]
    reverse: Callable[[Call, Expr, Expr], tuple[Expr | None, ...]] | None = None
    elementwise: bool = False
    batched: bool = True
    shaped: bool = False
    settles: Settling | None = None
    noise: Callable[..., Any] = _no_noise


OPERATORS: dict[str, Operator] = {}


# ---------------------------------------------------------------- value and element


# Floating point leaves 5.6e-17 of 0.1 + 0.2 - 0.3: what is 0 but for rounding is the 0 that it stands for (`noise.py`).
# The noise of a value is how far rounding may have carried it: a given number EPSILON * GIVEN of its size, a computed
# one what its operands' noise can move it by.
EXACT = 1e-13  # a relative difference that is floating point's, not the value's: 0.1 + 0.2 is shown as 0.3
EPSILON = 2.0**-52
GIVEN = 8 * EPSILON

Values = Callable[[Ref], "np.ndarray | float"]
Noise = Callable[[Ref], "np.ndarray | float | None"]  # None: not known


@QUIET
def evaluate(expr: Expr, values: Values, noise: Noise | None = None) -> np.ndarray | float:
    """The value of a formula. `values` gives each leaf's array, its example axis (if any) first.

    What is 0 but for rounding is 0. `noise` says how far rounding may have carried each leaf, where that is known;
    else they count as given. Never warns: what is undefined is a NaN, what is too large an inf.
    """
    found: np.ndarray | float = _value(expr, values, noise)
    return found


@QUIET
def rounding(expr: Expr, values: Values, noise: Noise | None = None) -> np.ndarray | float:
    """How far rounding may have carried the value of a formula (its absolute size); arguments as of `evaluate`."""
    found: np.ndarray | float = _value_and_noise(expr, values, noise)[1]
    return found


def _value(expr: Expr, values: Values, noise: Noise | None) -> Any:
    if isinstance(expr, Const):
        return expr.value
    if isinstance(expr, Ref):
        return values(expr)
    assert isinstance(expr, Call)
    rule = OPERATORS[expr.op]
    arrays = aligned(expr, [_value(arg, values, noise) for arg in expr.args])
    value = rule.numpy(expr, *arrays)
    if rule.settles and rule.settles.near(expr, value, *arrays):
        return _value_and_noise(expr, values, noise)[0]
    return value


@QUIET
def apply(node: Call, arrays: Sequence[np.ndarray | float]) -> np.ndarray | float:
    """The value of a call whose arguments have these values, as floating point leaves it."""
    found: np.ndarray | float = OPERATORS[node.op].numpy(node, *aligned(node, arrays))
    return found


def _value_and_noise(expr: Expr, values: Values, noise: Noise | None) -> Any:
    if not isinstance(expr, Call):
        value = expr.value if isinstance(expr, Const) else values(expr)  # type: ignore[arg-type]
        known = noise(expr) if noise and isinstance(expr, Ref) else None
        return value, _finite(GIVEN * np.abs(value)) if known is None else known
    rule = OPERATORS[expr.op]
    pairs = [_value_and_noise(arg, values, noise) for arg in expr.args]
    arrays, noises = (aligned(expr, list(column)) for column in zip(*pairs, strict=True))
    value = rule.numpy(expr, *arrays)
    own = rule.noise(expr, value, arrays, noises) + EPSILON * np.abs(value)
    if rule.settles:
        value = rule.settles.settled(expr, value, arrays, noises, own)
    return value, np.where(np.equal(value, 0) | np.isinf(value), 0.0, own)[()]


def _finite(noise: Any) -> Any:
    """What is infinite (a blocked position, an overflow) is not moved by rounding."""
    return np.where(np.isinf(noise), 0.0, noise)[()]


def aligned(expr: Call, arrays: Sequence[Any]) -> Sequence[Any]:
    """The arguments' arrays, made to go with one another element by element where the operator works so."""
    if expr.batched and OPERATORS[expr.op].elementwise and len(expr.shape) > 0:
        return [_align(a, arg, len(expr.shape)) for a, arg in zip(arrays, expr.args, strict=True)]
    return arrays


def _align(value: Any, arg: Expr, rank: int) -> Any:
    """Behind the axis of examples the axes, of length 1, that a value lacks beside values of a higher rank."""
    missing = rank - len(arg.shape)
    return value.reshape(value.shape[:1] + (1,) * missing + value.shape[1:]) if arg.batched and missing else value


def element(expr: Expr, index: tuple[int, ...]) -> Expr:
    """The scalar formula of one element: matrix products written out as sums of products.

    A scalar (shape ()) takes the index () and has its sums written out as well.
    """
    if isinstance(expr, Const):
        return expr
    if isinstance(expr, Ref):
        return expr if expr.shape == () else Ref(expr.symbol, index, expr.example)
    assert isinstance(expr, Call)
    return OPERATORS[expr.op].element(expr, index if expr.shape else ())


def indices(shape: Shape) -> Iterator[tuple[int, ...]]:
    """All indices of a shape, row by row; the single index () of a scalar."""
    return iter(np.ndindex(*shape))
