"""Formulas: small expression trees, and everything that one tree can tell.

Glossary of the letters used below:
    x, y, z   operands           G    upstream gradient, ∂(output)/∂(this value)
    W         a matrix           i, j row and column, counted from 0 in code, from 1 in ids

A tree is made of three nodes: `Const`, `Ref` (a symbol, or one element of it) and `Call`
(an operator applied to trees). `OPERATORS` is the one table of what an operator means:
its shape, its NumPy value, its element (i, j) as a scalar tree, and its reverse rule.

Shapes are those of one example: (), (n,) or (m, n). A symbol that has a value for every
example of a batch carries one more axis, the first, in its array; no formula mentions it.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import reduce
from itertools import product as product_of
from typing import TYPE_CHECKING

import numpy as np

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Symbol:
    """A named quantity: `id` is its stable name, `shape` that of one example's value.

    `quantity` says what it is (see `network.py`), `layer` where it lives; a gradient knows
    what it is the gradient `of` and with respect to which symbol (`wrt`).
    """

    id: str
    shape: Shape = ()
    quantity: str = "node"
    layer: int | None = None
    per_example: bool = False
    of: Symbol | None = None
    wrt: Symbol | None = None

    @property
    def key(self) -> str:
        """The name in an environment of values: `dL/dW2@` beside its mean `dL/dW2`."""
        return self.id + "@" if self.per_example else self.id


class Expr:
    """A formula. `shape` is that of its value for one example, `batched` whether it has many."""

    __slots__ = ()
    if TYPE_CHECKING:

        @property
        def shape(self) -> Shape: ...
        @property
        def batched(self) -> bool: ...

    # fmt: off
    def __add__(self, other): return call("add", self, other)
    def __radd__(self, other): return call("add", other, self)
    def __sub__(self, other): return call("sub", self, other)
    def __rsub__(self, other): return call("sub", other, self)
    def __mul__(self, other): return call("mul", self, other)
    def __rmul__(self, other): return call("mul", other, self)
    def __truediv__(self, other): return call("div", self, other)
    def __rtruediv__(self, other): return call("div", other, self)
    def __pow__(self, other): return call("pow", self, other)
    def __neg__(self): return negative(self)
    # fmt: on


@dataclass(frozen=True, slots=True)
class Const(Expr):
    """A number; one that has a `name` (π) is shown by it."""

    value: float
    name: str = field(default="", compare=False)

    @property
    def shape(self):
        return ()

    @property
    def batched(self):
        return False


@dataclass(frozen=True, slots=True)
class Ref(Expr):
    """A symbol's value; with `index` one element of it, with `example` one example's (from 0)."""

    symbol: Symbol
    index: tuple[int, ...] | None = None
    example: int | None = None

    @property
    def shape(self):
        return self.symbol.shape if self.index is None else ()

    @property
    def batched(self):
        return self.symbol.per_example and self.example is None

    @property
    def id(self) -> str:
        return self.symbol.id + index_text(self.index) + ("" if self.example is None else f"@{self.example + 1}")


@dataclass(frozen=True, slots=True)
class Call(Expr):
    """An operator applied to formulas. `param` is fixed data of the operator, such as which argument wins."""

    op: str
    args: tuple[Expr, ...]
    param: int | None = None
    shape: Shape = field(init=False, compare=False, repr=False)
    batched: bool = field(init=False, compare=False, repr=False)

    def __post_init__(self):
        rule = OPERATORS[self.op]
        object.__setattr__(self, "shape", rule.shape(*(arg.shape for arg in self.args)))
        object.__setattr__(self, "batched", rule.batched and any(arg.batched for arg in self.args))


def call(op: str, *args: Expr | float, param: int | None = None) -> Call:
    """`Call`, with plain numbers taken as constants."""
    return Call(op, tuple(arg if isinstance(arg, Expr) else Const(float(arg)) for arg in args), param)


ZERO, ONE = Const(0.0), Const(1.0)
PI, E = Const(math.pi, "π"), Const(math.e, "e")


def negative(x: Expr) -> Expr:
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
    return list(dict.fromkeys(node for node in walk(expr) if isinstance(node, Ref)))


def rewrite(expr: Expr, change: Callable[[Expr], Expr | None]) -> Expr:
    """The tree with `change` applied from the leaves up; None leaves a node as it is."""
    if isinstance(expr, Call):
        args = tuple(rewrite(arg, change) for arg in expr.args)
        if any(new is not old for new, old in zip(args, expr.args, strict=True)):
            expr = Call(expr.op, args, expr.param)
    changed = change(expr)
    return expr if changed is None else changed


def at_example(expr: Expr, example: int) -> Expr:
    """The formula for one example of the batch (counted from 0)."""

    def pick(node: Expr) -> Expr | None:
        if isinstance(node, Ref) and node.batched:
            return Ref(node.symbol, node.index, example)
        return None

    return rewrite(expr, pick)


# ---------------------------------------------------------------- value and element


# Floating point leaves 5.6e-17 of 0.1 + 0.2 - 0.3. A result that the rounding of its operands alone could have made is
# the 0 that it stands for, and of values that rounding alone tells apart the first is the largest and the smallest.
# `noise` tells how far rounding may have carried a value: a given number EPSILON * GIVEN of its size, a computed one
# what its operands' noise can move it by.
EXACT = 1e-13  # a relative difference that is floating point's, not the value's: 0.1 + 0.2 is shown as 0.3
EPSILON = 2.0**-52
GIVEN = 8 * EPSILON
NEAR = 1e-6  # a result no larger than this beside what went into it is looked at closely: the noise costs another pass

Values = Callable[[Ref], "np.ndarray | float"]


def evaluate(expr: Expr, values: Values, noise: Values | None = None) -> np.ndarray | float:
    """The value of a formula. `values` gives each leaf's array, its example axis (if any) first.

    What is 0 but for rounding is 0. `noise` says how far rounding may have carried each leaf, where that is known;
    else they count as given. Never warns: what is undefined is a NaN, what is too large an inf.
    """
    with np.errstate(all="ignore"):
        return _value(expr, values, noise)


def rounding(expr: Expr, values: Values, noise: Values | None = None) -> np.ndarray | float:
    """How far rounding may have carried the value of a formula (its absolute size); arguments as of `evaluate`."""
    with np.errstate(all="ignore"):
        return _value_and_noise(expr, values, noise)[1]


def _value(expr: Expr, values: Values, noise: Values | None):
    if isinstance(expr, Const):
        return expr.value
    if isinstance(expr, Ref):
        return values(expr)
    assert isinstance(expr, Call)
    rule = OPERATORS[expr.op]
    arrays = aligned(expr, [_value(arg, values, noise) for arg in expr.args])
    value = rule.numpy(expr, *arrays)
    if rule.settles and rule.settles.near(value, *arrays):
        return _value_and_noise(expr, values, noise)[0]
    return value


def apply(node: Call, arrays: Sequence[np.ndarray | float]) -> np.ndarray | float:
    """The value of a call whose arguments have these values, as floating point leaves it."""
    with np.errstate(all="ignore"):
        return OPERATORS[node.op].numpy(node, *aligned(node, arrays))


def _value_and_noise(expr: Expr, values: Values, noise: Values | None):
    if not isinstance(expr, Call):
        value = expr.value if isinstance(expr, Const) else values(expr)  # type: ignore[arg-type]
        known = noise(expr) if noise and isinstance(expr, Ref) else None
        return value, GIVEN * np.abs(value) if known is None else known
    rule = OPERATORS[expr.op]
    pairs = [_value_and_noise(arg, values, noise) for arg in expr.args]
    arrays, noises = (aligned(expr, list(column)) for column in zip(*pairs, strict=True))
    value = rule.numpy(expr, *arrays)
    own = rule.noise(expr, value, arrays, noises) + EPSILON * np.abs(value)
    if rule.settles:
        value = rule.settles.settled(expr, value, arrays, noises, own)
    return value, np.where(np.equal(value, 0), 0.0, own)[()]


def aligned(expr: Call, arrays: Sequence) -> Sequence:
    """The arguments' arrays, made to go with one another element by element where the operator works so."""
    if expr.batched and OPERATORS[expr.op].elementwise and len(expr.shape) > 0:
        return [_align(a, arg, len(expr.shape)) for a, arg in zip(arrays, expr.args, strict=True)]
    return arrays


def _align(value, arg: Expr, rank: int):
    """Give one number an example (n,) the axes (n, 1, ...) that it lacks beside values of a higher rank."""
    missing = rank - len(arg.shape)
    return value.reshape(value.shape[:1] + (1,) * missing) if arg.batched and missing else value


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


# ---------------------------------------------------------------- the table of operators


def wobble(node: Call, value, arrays: Sequence, noises: Sequence):
    """How far an elementwise operator's value moves when its operands move by their noise: at the corners.

    Of more than three operands (a long sum, a maximum) one at a time, and the sum. A corner without a finite value
    bounds nothing: what is undefined there is shown as undefined.
    """
    unsure = [k for k, noise in enumerate(noises) if np.any(noise)]
    numpy, whole = OPERATORS[node.op].numpy, np.zeros(np.shape(value))
    for group in [unsure] if len(unsure) <= 3 else [[k] for k in unsure]:
        most = np.zeros(np.shape(value))
        for signs in product_of((-1, 1), repeat=len(group)):
            moved = list(arrays)
            for k, sign in zip(group, signs, strict=True):
                moved[k] = arrays[k] + sign * noises[k]
            off = np.abs(numpy(node, *moved) - value)
            most = np.maximum(most, np.where(np.isfinite(off), off, 0.0))
        whole = whole + most
    return whole


def _linear_noise(node: Call, value, arrays: Sequence, noises: Sequence):
    return OPERATORS[node.op].numpy(node, *noises)


def _bilinear_noise(node: Call, value, arrays: Sequence, noises: Sequence):
    numpy, (x, y), (n, m) = OPERATORS[node.op].numpy, map(np.abs, arrays), noises
    return numpy(node, x, m) + numpy(node, n, y) + numpy(node, n, m)


def _no_noise(node: Call, value, arrays: Sequence, noises: Sequence):
    return 0.0


@dataclass(frozen=True)
class Settling:
    """How an operator's value is kept from being decided by rounding.

    near     the value, the arguments' arrays -> whether rounding may have had a part in it: quick, may be wrong
    settled  the call, value, arrays, their noises, the value's noise -> the value that it stands for
    """

    near: Callable[..., bool]
    settled: Callable


def _any(where) -> bool:
    return bool(where) if np.ndim(where) == 0 else bool(where.any())


def _zero_within_noise(node: Call, value, arrays, noises, own):
    return np.where((np.abs(value) <= own) & np.isfinite(own), 0.0, value)[()]


def _cancelled(value, *arrays) -> bool:
    """Whether something, but not everything, of a sum of these arrays cancelled."""
    small = abs(value) <= NEAR * reduce(operator.add, map(abs, arrays))
    return _any(small) and _any(small & np.not_equal(value, 0))


def _sum_cancelled(value, *arrays) -> bool:
    """The same of a sum of products of elements of arrays, by the largest of them."""
    size = math.prod(float(np.max(np.abs(array), initial=0)) for array in arrays)
    return _any(np.abs(value) <= NEAR * size) and _any((np.abs(value) <= NEAR * size) & np.not_equal(value, 0))


def _near_root(value, x) -> bool:
    """Whether a function whose argument is not near 0 comes near 0, as a sine at π does."""
    return _any((abs(value) <= NEAR * (1 + abs(x))) & np.not_equal(value, 0) & (abs(x) > NEAR))


SUM, LONG_SUM, ROOT = (Settling(near, _zero_within_noise) for near in (_cancelled, _sum_cancelled, _near_root))


@dataclass(frozen=True)
class Operator:
    """What an operator means.

    shape    the shapes of the arguments -> the shape of the value; ValueError if they do not fit
    numpy    the call and the arguments' arrays -> the value
    element  the call and an index -> the formula of that element
    reverse  the call, its own value as a formula, G -> each argument's part of the gradient
             (None: no gradient flows there)
    settles  where rounding could decide its value: the difference of near numbers, a tie
    noise    the call, its value, the arguments' arrays, their noises -> its noise, own rounding apart
    """

    shape: Callable[..., Shape]
    numpy: Callable
    element: Callable[[Call, tuple[int, ...]], Expr]
    reverse: Callable[[Call, Expr, Expr], tuple[Expr | None, ...]] | None = None
    elementwise: bool = False
    batched: bool = True
    settles: Settling | None = None
    noise: Callable = _no_noise


def same_shape(*shapes: Shape) -> Shape:
    """The common shape of elementwise arguments; single numbers go with any."""
    wide = {shape for shape in shapes if shape}
    if len(wide) > 1:
        raise ValueError(f"shapes do not match: {sorted(wide)}")
    return wide.pop() if wide else ()


def _add_element(node: Call, index: tuple[int, ...]) -> Expr:
    """Sums within the sum join it: W₁₁x₁ + W₁₂x₂ + b₁ is one sum."""
    terms: list[Expr] = []
    for arg in node.args:
        term = element(arg, index)
        terms += term.args if isinstance(term, Call) and term.op == "add" else (term,)
    return total(terms)


def _each_argument(node: Call, index: tuple[int, ...]) -> Expr:
    return Call(node.op, tuple(element(arg, index) for arg in node.args), node.param)


def elementwise(numpy: Callable, reverse: Callable | None = None, settles: Settling | None = None) -> Operator:
    """An operator that acts on each element by itself; `numpy` takes the arrays alone."""
    return Operator(
        same_shape, lambda node, *arrays: numpy(*arrays), _each_argument, reverse,
        elementwise=True, settles=settles, noise=wobble,
    )  # fmt: skip


def _matmul_shape(matrix: Shape, vector: Shape) -> Shape:
    if len(matrix) != 2 or len(vector) != 1 or matrix[1] != vector[0]:
        raise ValueError(f"a matrix {matrix} does not fit a vector {vector}")
    return (matrix[0],)


def _matmul(node: Call, matrix, vector):
    if matrix.ndim == 2:  # one matrix for all examples: (n, k) @ (k, m)
        return vector @ matrix.T
    return np.matmul(matrix, vector[..., None])[..., 0]


def _matmul_element(node: Call, index: tuple[int, ...]) -> Expr:
    matrix, vector = node.args
    (i,) = index
    return total([call("mul", element(matrix, (i, k)), element(vector, (k,))) for k in range(vector.shape[0])])


def _matmul_reverse(node: Call, out: Expr, G: Expr):
    matrix, vector = node.args
    return call("outer", G, vector), call("matmul", call("transpose", matrix), G)


def _sum_element(node: Call, index: tuple[int, ...]) -> Expr:
    (arg,) = node.args
    return total([element(arg, i) for i in indices(arg.shape)])


def _sum(node: Call, x):
    rank = len(node.args[0].shape)
    return np.sum(x, axis=tuple(range(-rank, 0))) if rank else x


def _stack_shape(*shapes: Shape) -> Shape:
    if len(set(shapes)) != 1 or len(shapes[0]) > 1:
        raise ValueError(f"rows of different shapes: {sorted(set(shapes))}")
    return (len(shapes), *shapes[0])


def _stack(node: Call, *arrays):
    rank = len(node.args[0].shape)
    return np.stack(np.broadcast_arrays(*arrays), axis=-rank - 1)


def _batch_sum_element(node: Call, index: tuple[int, ...]) -> Expr:
    (arg,), count = node.args, node.param or 1
    return total([element(at_example(arg, e), index) for e in range(count)])


def _mean_element(node: Call, index: tuple[int, ...]) -> Expr:
    return _batch_sum_element(node, index) / (node.param or 1)


def _jacobian_element(node: Call, index: tuple[int, ...]) -> Expr:
    (a,) = node.args
    k, i = index
    return element(a, (k,)) * (float(k == i) - element(a, (i,)))


def _jacobian(node: Call, a):
    """∂a_k/∂z_i = a_k (1(k = i) − a_i) of a softmax a."""
    return a[..., :, None] * (np.eye(a.shape[-1]) - a[..., None, :])


def _softmax(node: Call, z):
    e = np.exp(z - np.max(z, axis=-1, keepdims=True))
    return e / np.sum(e, axis=-1, keepdims=True)


def _softmax_noise(node: Call, value, arrays: Sequence, noises: Sequence):
    """A share rises with its own z and falls with every other: its ends are exact."""
    (z,), (n,) = arrays, noises
    z = z - np.max(z, axis=-1, keepdims=True)

    def end(sign: int):
        own, other = np.exp(z + sign * n), np.exp(z - sign * n)
        return np.abs(own / (own + np.sum(other, axis=-1, keepdims=True) - other) - value)

    return np.fmax(end(-1), end(1))


def _jacobian_noise(node: Call, value, arrays: Sequence, noises: Sequence):
    """a_k times a difference; on the diagonal, of one a, that is a little more than it need be."""
    (a,), (n,) = arrays, noises
    apart = np.abs(np.eye(a.shape[-1]) - a[..., None, :])
    return n[..., :, None] * apart + (np.abs(a) + n)[..., :, None] * n[..., None, :]


def _softmax_element(node: Call, index: tuple[int, ...]) -> Expr:
    (z,) = node.args
    parts = [call("exp", element(z, (k,))) for k in range(z.shape[0])]
    return parts[index[0]] / total(parts)


def _softmax_reverse(node: Call, out: Expr, G: Expr):
    return (call("matmul", call("transpose", call("jacobian", out)), G),)


def _ratio(x, y):
    """x / y where 0 / 0 is 0: a term that a target of 0 switches off, whatever it is divided by."""
    return np.where(np.equal(x, 0), 0.0, np.divide(x, np.where(np.equal(x, 0), 1.0, y)))


def _times(x, y):
    """x · y where 0 · ∞ is 0: a term that an exponent of 0 switches off, whatever it stands before."""
    return np.where(np.equal(x, 0), 0.0, np.multiply(x, np.where(np.equal(x, 0), 1.0, y)))


def _power_reverse(node: Call, out: Expr, G: Expr):
    x, n = node.args
    if isinstance(n, Const):
        slope = {0.0: ZERO, 1.0: ONE, 2.0: 2 * x}.get(n.value) or n * x ** (n.value - 1)
        return product(G, slope), None
    return product(G, call("times", n, x ** (n - 1))), product(G, call("power_log", x, n))


def _power_log(x, n):
    """xⁿ ln x, the slope of xⁿ in n; at x = 0 its limit, 0 where n > 0 and else −∞."""
    return np.where(np.equal(x, 0) & np.greater(n, 0), 0.0, np.power(x, n) * np.log(x))


def _first_extreme(extreme: Callable) -> Operator:
    """1 for the argument that max or min takes (of equal ones the first), 0 for the others; of a NaN a NaN."""

    def first(node: Call, arrays, allowed):
        stacked = np.stack(np.broadcast_arrays(*arrays))
        away = np.abs(stacked - extreme(stacked, axis=0))
        takes = np.argmax((stacked == extreme(stacked, axis=0)) | (away <= allowed), axis=0) == node.param
        return np.where(np.isnan(away).all(axis=0), np.nan, takes.astype(float))[()]

    def value(node: Call, *arrays):
        return first(node, arrays, 0.0)

    def near(value, *arrays) -> bool:
        """Whether two arguments are nearly the same, and yet not quite."""
        top, *rest = np.sort(np.stack(np.broadcast_arrays(*arrays)), axis=0)[:: 1 if extreme is np.min else -1]
        return any(_cancelled(top - other, top, other) for other in rest)

    def settled(node: Call, value, arrays, noises, own):
        return first(node, arrays, sum(np.stack(np.broadcast_arrays(*noises))))

    return Operator(same_shape, value, _each_argument, elementwise=True, settles=Settling(near, settled))


def _wins(op: str) -> Callable:
    def reverse(node: Call, out: Expr, G: Expr):
        return tuple(product(G, Call(op, node.args, k)) for k in range(len(node.args)))

    return reverse


def _fold(function: Callable) -> Callable:
    """Of any number of arrays, from a function of two."""
    return lambda *arrays: reduce(function, arrays)


_add = _fold(operator.add)


def _transpose_shape(shape: Shape) -> Shape:
    return (shape[1], shape[0])


OPERATORS: dict[str, Operator] = {
    "add": Operator(
        same_shape,
        lambda node, *arrays: _add(*arrays),
        _add_element,
        lambda node, out, G: (G,) * len(node.args),
        elementwise=True,
        settles=SUM,
        noise=_linear_noise,
    ),
    "sub": elementwise(np.subtract, lambda node, out, G: (G, negative(G)), SUM),
    "neg": elementwise(np.negative, lambda node, out, G: (negative(G),)),
    "mul": elementwise(np.multiply, lambda node, out, G: (product(G, node.args[1]), product(G, node.args[0]))),
    "div": elementwise(
        np.divide,
        lambda node, out, G: (G / node.args[1], negative(product(G, node.args[0]) / node.args[1] ** 2)),
    ),
    "ratio": elementwise(_ratio),
    "times": elementwise(_times),
    "pow": elementwise(np.power, _power_reverse),
    "power_log": elementwise(_power_log),
    "exp": elementwise(np.exp, lambda node, out, G: (product(G, out),)),
    "expm1": elementwise(np.expm1),  # this and log1p: computed, never shown
    "log1p": elementwise(np.log1p),
    "log": elementwise(np.log, lambda node, out, G: (G / node.args[0],), ROOT),
    "sqrt": elementwise(np.sqrt, lambda node, out, G: (G / (2 * out),)),
    "sin": elementwise(np.sin, lambda node, out, G: (product(G, call("cos", node.args[0])),), ROOT),
    "cos": elementwise(np.cos, lambda node, out, G: (negative(product(G, call("sin", node.args[0]))),), ROOT),
    "abs": elementwise(np.abs, lambda node, out, G: (product(G, call("sign", node.args[0])),)),
    "sign": elementwise(np.sign),
    "max": elementwise(_fold(np.maximum), _wins("wins_max")),
    "min": elementwise(_fold(np.minimum), _wins("wins_min")),
    "wins_max": _first_extreme(np.max),
    "wins_min": _first_extreme(np.min),
    # choose(z, x, y): x where z > 0, else y; of a NaN a NaN
    "choose": elementwise(lambda z, x, y: np.where(np.isnan(z), z, np.where(np.greater(z, 0), x, y))),
    "matmul": Operator(
        _matmul_shape, _matmul, _matmul_element, _matmul_reverse, settles=LONG_SUM, noise=_bilinear_noise
    ),
    "transpose": Operator(
        _transpose_shape,
        lambda node, x: np.swapaxes(x, -1, -2),
        lambda node, index: element(node.args[0], index[::-1]),
        noise=_linear_noise,
    ),
    "outer": Operator(
        lambda x, y: x + y,
        lambda node, x, y: x[..., :, None] * y[..., None, :],
        lambda node, index: call("mul", element(node.args[0], index[:1]), element(node.args[1], index[1:])),
        noise=_bilinear_noise,
    ),
    # rows(x, like): x once for each element of `like`, as the rows of a matrix: ∂z/∂W
    "rows": Operator(
        lambda x, like: like + x,
        lambda node, x, like: np.broadcast_to(x[..., None, :], x.shape[:-1] + node.shape),
        lambda node, index: element(node.args[0], index[1:]),
        noise=_linear_noise,
    ),
    "sum": Operator(lambda shape: (), _sum, _sum_element, settles=LONG_SUM, noise=_linear_noise),
    # stack(x, y, ...): numbers as a column, columns as the rows of a matrix
    "stack": Operator(
        _stack_shape, _stack, lambda node, index: element(node.args[index[0]], index[1:]), noise=_linear_noise
    ),
    # mean(x): over the examples of the batch; `param` is how many
    "mean": Operator(
        lambda shape: shape,
        lambda node, x: np.mean(x, axis=0),
        _mean_element,
        batched=False,
        settles=LONG_SUM,
        noise=_linear_noise,
    ),
    # mean_outer(x, y): the mean of outer(x, y) without building one matrix an example
    "mean_outer": Operator(
        lambda x, y: x + y,
        lambda node, x, y: x.T @ y / len(x),
        lambda node, index: element(call("mean", call("outer", *node.args), param=node.param), index),
        batched=False,
        settles=LONG_SUM,
        noise=_bilinear_noise,
    ),
    # the same as sums, without the division
    "batch_sum": Operator(
        lambda shape: shape,
        lambda node, x: np.sum(x, axis=0),
        _batch_sum_element,
        batched=False,
        settles=LONG_SUM,
        noise=_linear_noise,
    ),
    "sum_outer": Operator(
        lambda x, y: x + y,
        lambda node, x, y: x.T @ y,
        lambda node, index: element(call("batch_sum", call("outer", *node.args), param=node.param), index),
        batched=False,
        settles=LONG_SUM,
        noise=_bilinear_noise,
    ),
    "softmax": Operator(lambda shape: shape, _softmax, _softmax_element, _softmax_reverse, noise=_softmax_noise),
    "jacobian": Operator(lambda shape: shape * 2, _jacobian, _jacobian_element, noise=_jacobian_noise),
}


# ---------------------------------------------------------------- reading a formula from text


class FormulaError(ValueError):
    """A text that is not a formula: `message`, and the `offset` of the character where it shows."""

    def __init__(self, message: str, offset: int):
        super().__init__(message)
        self.message, self.offset = message, offset


# name in a text -> (operator, least and greatest number of arguments)
FUNCTIONS: dict[str, tuple[str, int, int]] = {
    "max": ("max", 2, 99),
    "min": ("min", 2, 99),
    "exp": ("exp", 1, 1),
    "log": ("log", 1, 1),
    "ln": ("log", 1, 1),
    "sqrt": ("sqrt", 1, 1),
    "sin": ("sin", 1, 1),
    "cos": ("cos", 1, 1),
    "abs": ("abs", 1, 1),
}
# operator -> the arguments that a text leaves out: the usual α of elu(x)
USUAL: dict[str, tuple[float, ...]] = {}
# what a name means in a formula whose author gives it no other meaning
CONSTANTS: dict[str, Const] = {"pi": PI, "π": PI, "e": E}
MAX_DEPTH, MAX_TOKENS = 100, 1000
_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+\-−]?[0-9]+)?)|(?P<name>[^\W0-9]\w*)|(?P<op>\*\*|[-+*/^(),·×÷−]))"
)
_SAME = {"^": "**", "·": "*", "×": "*", "÷": "/", "−": "-"}


def tokens(text: str) -> list[tuple[str, str, int]]:
    """(kind, text, offset) for each token; kind is 'number', 'name', 'op' or, last, 'end'."""
    found, at = [], 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if not match:
            at += len(text[at:]) - len(text[at:].lstrip())
            raise FormulaError(f"{text[at]!r} means nothing in a formula", at)
        kind = str(match.lastgroup)
        found.append((kind, _SAME.get(match[kind], match[kind]), match.start(kind)))
        at = match.end()
        if len(found) > MAX_TOKENS:
            raise FormulaError(f"the formula is longer than {MAX_TOKENS:,} tokens: split it over several lines", at)
    found.append(("end", "", len(text.rstrip())))
    return found


class _Parser:
    """sum: term (+- term)*; term: factor (*/ factor)*; factor: - factor | power; power: atom [** factor]."""

    def __init__(self, text: str, resolve: Callable[[str, int], Expr]):
        self.tokens, self.at, self.depth, self.resolve = tokens(text), 0, 0, resolve

    def peek(self) -> str:
        kind, text, _ = self.tokens[self.at]
        return text if kind == "op" else ""

    def take(self) -> tuple[str, str, int]:
        self.at += 1
        return self.tokens[self.at - 1]

    def nested(self, parse: Callable[[], Expr]) -> Expr:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise FormulaError(f"the formula is nested more than {MAX_DEPTH} deep", self.tokens[self.at][2])
        result = parse()
        self.depth -= 1
        return result

    def sum(self) -> Expr:
        left, run = self.term(), False  # run: `left` is a sum begun here, so a further + joins it
        while self.peek() in ("+", "-"):
            op, right = self.take()[1], self.term()
            if op == "+" and run and isinstance(left, Call):
                left = Call("add", (*left.args, right))
            else:
                left = left + right if op == "+" else left - right
            run = op == "+"
        return left

    def term(self) -> Expr:
        left = self.factor()
        while self.peek() in ("*", "/"):
            left = left * self.factor() if self.take()[1] == "*" else left / self.factor()
        return left

    def factor(self) -> Expr:
        if self.peek() in ("+", "-"):
            sign = self.take()[1]
            inner = self.nested(self.factor)
            return negative(inner) if sign == "-" else inner
        base = self.atom()
        if self.peek() == "**":
            self.take()
            return base ** self.nested(self.factor)
        return base

    def atom(self) -> Expr:
        kind, text, offset = self.take()
        if kind == "number":
            value = float(text.replace("−", "-"))
            if not math.isfinite(value):
                raise FormulaError(f"the number {text} is too large", offset)
            return Const(value)
        if kind == "name":
            return self.function(text, offset) if self.peek() == "(" else self.name(text, offset)
        if text == "(":
            inner = self.nested(self.sum)
            self.expect(")", "close the bracket opened", offset)
            return inner
        what = f"instead of {text!r}" if text else "at the end"
        raise FormulaError(f"a number, a name or a bracket is missing {what}", offset)

    def name(self, text: str, offset: int) -> Expr:
        if text in FUNCTIONS:
            raise FormulaError(f"{text} is a function: write {text}(...)", offset)
        return self.resolve(text, offset)

    def function(self, text: str, offset: int) -> Expr:
        if text not in FUNCTIONS:
            raise FormulaError(f"unknown function '{text}'{did_you_mean(text, FUNCTIONS)}", offset)
        op, least, most = FUNCTIONS[text]
        self.take()
        args = [] if self.peek() == ")" else [self.nested(self.sum)]
        while args and self.peek() == ",":
            self.take()
            args.append(self.nested(self.sum))
        self.expect(")", "close the bracket of the function", offset)
        if not least <= len(args) <= most:
            want = f"{least}" if least == most else f"at least {least}"
            raise FormulaError(f"{text}() takes {want} argument{'s' * (want != '1')}, not {len(args)}", offset)
        return call(op, *args, *USUAL.get(op, ()))

    def expect(self, text: str, why: str, opened: int):
        _, found, offset = self.take()
        if found != text:
            raise FormulaError(f"'{text}' is missing here, to {why} at character {opened + 1}", offset)


def did_you_mean(word: str, known) -> str:
    """': did you mean ...?' with the nearest known word, or nothing."""
    from difflib import get_close_matches

    folded: dict[str, str] = {}  # case tells no two words apart that somebody may have meant
    for name in known:
        folded.setdefault(name.casefold(), name)
    near = get_close_matches(word.strip().casefold(), list(folded), n=1, cutoff=0.6)
    return f": did you mean '{folded[near[0]]}'?" if near else ""


def parse(text: str, resolve: Callable[[str, int], Expr]) -> Expr:
    """Read a formula: + - * / ** (also ^ · × ÷ −), brackets, numbers, names, the `FUNCTIONS`.

    `resolve(name, offset)` gives the tree that a name stands for, or raises FormulaError.
    Nothing is executed. Raises FormulaError; nesting and length are bounded.
    """
    parser = _Parser(text, resolve)
    result = parser.sum()
    kind, found, offset = parser.take()
    if kind != "end":
        raise FormulaError(f"an operator is missing before {found!r}", offset)
    return result
