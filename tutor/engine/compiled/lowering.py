"""From formulas to a graph of arrays: what `arrays` puts into place and prints."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from functools import partial, reduce
from typing import Any

import numpy as np

from tutor.engine.compiled.graph import Graph, written_out
from tutor.engine.expressions import OPERATORS, Call, Const, Expr, Ref, Shape, Symbol, used
from tutor.engine.model import Equation

UFUNCS: dict[str, Callable[..., Any]] = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide, "pow": np.power, "neg": np.negative,
    "exp": np.exp, "log": np.log, "log1p": np.log1p, "expm1": np.expm1, "sqrt": np.sqrt, "sin": np.sin, "cos": np.cos,
    "abs": np.abs,
    "sign": np.sign, "tanh": np.tanh, "max": np.maximum, "min": np.minimum,
    "reciprocal": np.reciprocal, "step": np.heaviside,
}  # fmt: skip
REDUCTIONS: dict[str, Callable[..., Any]] = {"top": np.maximum.reduce, "low": np.minimum.reduce, "whole": np.add.reduce}
FROM_Z = ("cross_entropy_of_z", "binary_cross_entropy_of_z")  # losses that are computed from z


class ArrayGraph:
    """A graph of arrays: the axis of examples first, where a value has one.

    A node's operator is one of `UFUNCS`; one of `REDUCTIONS` (param: the axes, and whether they stay, of length 1);
    "dot", "vdot" or "matmul" (a product summed); "T", "reshape" or "part" (a view); "side" (values laid side by side,
    flat); "fill" (a value again and again); "choose"; "call" (whatever `OPERATORS` says, for what is rare); "given".

    What is the same along an axis may lie in less space than it is said to have: `number` gives what broadcasts, `full`
    the whole. So a gradient that is the same everywhere costs one number.
    """

    def __init__(self, examples: int):
        self.graph, self.examples = Graph(), examples
        self.names: dict[str, Any] = {}
        self.shapes: dict[int, Shape] = {}  # of a value's array; () of a single number
        self.values: dict[str, int] = {}
        self.arrays: dict[int, np.ndarray] = {}  # where a value lies, if that is always the same array
        self.inlined: dict[str, Expr] = {}  # one number an example: it is wanted for its mean only

    def given(self, name: str, shape: Shape) -> int:
        """A value from outside."""
        number = self.graph.given(name)
        self.shapes[number] = shape
        return number

    def array(self, value: np.ndarray) -> int:
        """A value that always lies in this array."""
        number = self.given(f"a{len(self.graph.nodes)}", value.shape)
        self.arrays[number] = self.names[f"a{number}"] = value
        return number

    def add(self, op: str, *args: int, param: Any = None, shape: Shape | None = None) -> int:
        """A value that follows from others; its shape is theirs, broadcast, unless it is told."""
        if op == "add" and len(args) > 2:
            return reduce(partial(self.add, "add"), args)
        if op == "div" and self.graph.constant(args[0]) == 1 and self.shape(args[1]):
            op, args = "reciprocal", args[1:]
        number = self.graph.add(op, *args, param=param)
        if number not in self.shapes and shape is not None:
            self.shapes[number] = shape
        return number

    def shape(self, number: int) -> Shape:
        """The shape of a value's array; what the graph has made by itself goes element by element."""
        if number not in self.shapes:
            self.shapes[number] = np.broadcast_shapes(*map(self.shape, self.graph.nodes[number][1]))
        return self.shapes[number]

    # ------------------------------------------------------------ views

    def turned(self, number: int) -> int:
        """The last two axes swapped."""
        if self.graph.nodes[number][0] == "T":
            (shown,) = self.graph.nodes[number][1]
            return int(shown)
        *front, m, n = self.shape(number)
        return self.add("T", number, shape=(*front, n, m))

    def reshaped(self, number: int, shape: Shape) -> int:
        """The same numbers, row by row, in another shape."""
        if self.shape(number) == shape:
            return number
        op, args, _ = self.graph.nodes[number]
        if op == "reshape":
            return self.reshaped(args[0], shape)
        return self.add("reshape", number, param=shape, shape=shape)

    def part(self, number: int, rank: int, axis: int, start: int, stop: int) -> int:
        """Some of an axis, counted from the end; `rank` is that of one example's value."""
        shape = self.shape(number)
        at = len(shape) + axis
        return self.add("part", number, param=(at, start, stop), shape=(*shape[:at], stop - start, *shape[at + 1 :]))

    # ------------------------------------------------------------ formulas

    def full(self, expr: Expr) -> int:
        """The number of a formula's value, for all examples, none left out because it is the same as others."""
        return self.filled(self.number(expr), self.whole_shape(expr))

    def filled(self, number: int, shape: Shape) -> int:
        """A value as large as this."""
        if self.shape(number) == shape:
            return number
        return self.add("fill", number, param=shape, shape=shape)

    def whole_shape(self, expr: Expr) -> Shape:
        """That of a formula's value for all examples."""
        return (self.examples, *expr.shape) if expr.batched else expr.shape

    def raised(self, number: int, expr: Expr, rank: int) -> int:
        """A value that broadcasts beside those of a higher rank: the axis of examples stays in front."""
        shape = self.shape(number)
        missing = rank - len(expr.shape)
        if not (expr.batched and missing and len(shape) == len(expr.shape) + 1):
            return number
        return self.reshaped(number, (shape[0], *(1,) * missing, *shape[1:]))

    def number(self, expr: Expr) -> int:
        """The number of a formula's value; what is the same along an axis may have a length of 1 there, or lack it."""
        if isinstance(expr, Const):
            return self.graph.const(expr.value)
        if isinstance(expr, Ref):
            key = expr.symbol.key
            return self.values[key] if key in self.values else self.number(self.inlined[key])
        assert isinstance(expr, Call)
        written = written_out(expr)
        if written is not None:
            return self.number(written)
        if expr.op in ("mean", "batch_sum"):
            return self.over_batch(expr.args[0], self.examples if expr.op == "mean" else 1)
        own = _LOWERED.get(expr.op)
        if own is not None:
            return own(self, expr)
        if OPERATORS[expr.op].elementwise:
            return self.each(expr)
        return self.called(expr, [self.full(arg) for arg in expr.args])

    def each(self, expr: Call) -> int:
        """What goes element by element."""
        args = [self.raised(self.number(arg), arg, len(expr.shape)) for arg in expr.args]
        if expr.op == "choose":
            x, y = map(self.graph.constant, args[1:])
            if (x, y) == (1, 0):
                return self.add("step", args[0], self.graph.const(0))
            return self.add("choose", *args)
        if expr.op in ("max", "min"):
            return reduce(partial(self.add, expr.op), args)
        if expr.op in UFUNCS:
            return self.add(expr.op, *args)
        return self.called(expr, args, np.broadcast_shapes(*map(self.shape, args)))

    def called(self, expr: Call, args: list[int], shape: Shape | None = None) -> int:
        """What is rare: the rule of the table itself, called with the arrays."""
        stubs = tuple(Ref(Symbol(f"{k}", a.shape, per_example=a.batched)) for k, a in enumerate(expr.args))
        node = Call(expr.op, stubs, expr.param)
        return self.add("call", *args, param=node, shape=self.whole_shape(expr) if shape is None else shape)

    # ------------------------------------------------------------ products

    def matmul(self, expr: Call) -> int:
        """A product as NumPy's ranks have it: `dot` for two matrices at most, `matmul` for many."""
        x, y = expr.args
        turned = x.args[0] if isinstance(x, Call) and x.op == "transpose" else None
        if isinstance(turned, Call) and turned.op == "jacobian":
            return self.through_softmax(turned.args[0], y)
        a, b, shape = len(x.shape), len(y.shape), self.whole_shape(expr)
        first, second = self.full(x), self.full(y)
        if not x.batched and not y.batched and max(a, b) <= 2:
            if (a, b) == (1, 1):
                return self.add("vdot", first, second, shape=())
            return self.add("dot", first, second, shape=shape)
        if not x.batched and (a, b) == (2, 1):
            return self.add("dot", second, self.turned(first), shape=shape)
        if not y.batched and a <= 2 and b == 2:  # rows of all examples with the same matrix
            rows = self.reshaped(first, (math.prod(self.shape(first)[:-1]), x.shape[-1]))
            found = self.add("dot", rows, second, shape=(self.shape(rows)[0], y.shape[-1]))
            return self.reshaped(found, shape)
        rank = max(a, b, 2)
        first = self.as_matrices(first, x, (1, *x.shape) if a == 1 else x.shape, rank)
        second = self.as_matrices(second, y, (*y.shape, 1) if b == 1 else y.shape, rank)
        front = np.broadcast_shapes(self.shape(first)[:-2], self.shape(second)[:-2])
        found = self.add("matmul", first, second, shape=(*front, self.shape(first)[-2], self.shape(second)[-1]))
        return self.reshaped(found, shape)

    def as_matrices(self, number: int, expr: Expr, inner: Shape, rank: int) -> int:
        """A factor with as many axes as the other has, the examples' apart."""
        missing = (1,) * (rank - len(inner))
        return self.reshaped(number, (self.examples, *missing, *inner) if expr.batched else inner)

    def with_axis(self, number: int, wanted: bool, axis: int) -> int:
        """With an axis of length 1 before or behind the last."""
        if not wanted:
            return number
        *front, n = self.shape(number)
        return self.reshaped(number, (*front, 1, n) if axis == -2 else (*front, n, 1))

    def outer(self, expr: Call) -> int:
        """A column times a row."""
        x, y = (self.full(arg) for arg in expr.args)
        row = self.with_axis(y, expr.args[1].batched, -2)
        return self.filled(self.add("mul", self.with_axis(x, True, -1), row), self.whole_shape(expr))

    def outer_over_batch(self, x: int, y: int, by: int, shape: Shape) -> int:
        """Σ xᵀ·y of all examples' rows, divided `by` so many."""
        share = self.add("mul", x, self.graph.const(1 / by))
        return self.add("dot", self.turned(share), y, shape=shape)

    def outers(self, expr: Call) -> int:
        """The mean or the sum of the examples' outer products."""
        x, y = map(self.full, expr.args)
        return self.outer_over_batch(x, y, self.examples if expr.op == "mean_outer" else 1, expr.shape)

    # ------------------------------------------------------------ lines that go together

    def reduction(self, op: str, number: int, axes: tuple[int, ...], keep: bool = True) -> int:
        """The sum, the largest or the smallest along axes, which stay of length 1."""
        shape = self.shape(number)
        at = tuple(sorted(len(shape) + axis for axis in axes))
        if all(shape[axis] == 1 for axis in at):
            return number if keep else self.reshaped(number, tuple(n for k, n in enumerate(shape) if k not in at))
        kept = tuple(1 if k in at else n for k, n in enumerate(shape))
        found = tuple(n for k, n in enumerate(shape) if k not in at)
        return self.add(op, number, param=(at, keep), shape=kept if keep else found)

    def mean(self, number: int, axis: int) -> int:
        """Of each line."""
        return self.add("div", self.reduction("whole", number, (axis,)), self.graph.const(self.shape(number)[axis]))

    def reduced(self, expr: Call) -> int:
        """Sums, means, the largest or the smallest, over all elements or along an axis."""
        (x,), op = expr.args, _REDUCED[expr.op]
        if not x.shape:
            return self.number(x)
        if expr.param is None:
            if op == "whole" and not expr.batched:
                return self.divided(self.sum(expr), math.prod(x.shape), expr.op == "average")
            flat = self.reshaped(self.full(x), (*self.whole_shape(expr), math.prod(x.shape)))
            if not expr.batched:
                return self.reduction(op, flat, (-1,), keep=False)
            number, axes = flat, (-1,)
        else:
            number, axes = self.full(x), (expr.param,)
        count = self.shape(number)[axes[0]]
        found = self.reshaped(self.reduction(op, number, axes), self.whole_shape(expr))
        return self.divided(found, count, expr.op == "average")

    def divided(self, number: int, by: int, wanted: bool) -> int:
        """A mean where one is wanted of a sum."""
        return self.add("div", number, self.graph.const(by)) if wanted else number

    def variance(self, expr: Call) -> int:
        """Of all elements, or of each line."""
        (x,) = expr.args
        number, axis = self.full(x), -1
        if not x.shape:
            return self.filled(self.graph.const(0), self.whole_shape(expr))
        if expr.param is None:
            number = self.reshaped(number, (*self.whole_shape(expr), math.prod(x.shape)))
        else:
            axis = expr.param
        return self.reshaped(self.spread_of(number, axis)[1], self.whole_shape(expr))

    def spread_of(self, number: int, axis: int) -> tuple[int, int]:
        """Each number of a line less the mean, and the mean of the squares of that."""
        away = self.add("sub", number, self.mean(number, axis))
        return away, self.mean(self.add("mul", away, away), axis)

    def norm(self, expr: Call) -> int:
        """Each line less its mean, over √(var + eps)."""
        axis, eps = expr.param
        away, spread = self.spread_of(self.full(expr.args[0]), axis)
        return self.add(
            "div", away, self.add("sqrt", self.add("add", spread, self.graph.const(eps)) if eps else spread)
        )

    def softmax(self, expr: Call) -> int:
        """The shares of each line."""
        part, whole = self.parts(self.full(expr.args[0]), int(expr.param or -1))
        return self.add("div", part, whole)

    def parts(self, z: int, axis: int = -1) -> tuple[int, int]:
        """e^(z − max z) and its sum along an axis."""
        keep = len(self.shape(z)) > 1
        part = self.add("exp", self.add("sub", z, self.reduction("top", z, (axis,), keep)))
        return part, self.reduction("whole", part, (axis,), keep)

    def through_softmax(self, shares: Expr, upstream: Expr) -> int:
        """The Jacobian of a softmax with the gradient behind it: a ⊙ (G − Σ G ⊙ a)."""
        a, G = self.full(shares), self.full(upstream)
        if len(self.shape(a)) == len(self.shape(G)) == 1:
            return self.add("mul", a, self.add("sub", G, self.add("vdot", G, a, shape=())))
        inner = self.reduction("whole", self.add("mul", G, a), (-1,))
        return self.add("mul", a, self.add("sub", G, inner))

    # ------------------------------------------------------------ again and again, and what that adds up to

    def expand(self, expr: Call) -> int:
        """Again and again, by broadcasting: nothing is copied."""
        x = expr.args[0]
        return self.raised(self.number(x), x, len(expr.shape))

    def spread(self, expr: Call) -> int:
        """Again and again along an axis, by broadcasting."""
        x = expr.args[0]
        number, shape = self.full(x), self.whole_shape(x)
        at = len(shape) + 1 + expr.param
        return self.reshaped(number, (*shape[:at], 1, *shape[at:]))

    def sum_to(self, expr: Call) -> int:
        """Added up over what broadcasting has repeated."""
        x, own = expr.args[0], expr.shape
        missing = len(x.shape) - len(own)
        axes = [k - len(x.shape) for k in range(missing)]
        axes += [k - len(own) for k in range(len(own)) if own[k] == 1 != x.shape[missing + k]]
        number = self.full(x)
        shape = (self.examples, *own) if x.batched else own
        if not axes:
            return self.reshaped(number, shape)
        if not x.batched and len(axes) == missing:  # the rows of a matrix added up
            rows = math.prod(x.shape[:missing])
            if not own:
                return self.total(number)
            ones = self.array(np.ones(rows))
            return self.reshaped(
                self.add("dot", ones, self.reshaped(number, (rows, math.prod(own))), shape=(math.prod(own),)), shape
            )
        return self.reshaped(self.reduction("whole", number, tuple(axes)), shape)

    # ------------------------------------------------------------ sums of everything

    def sum(self, expr: Call) -> int:
        """The sum over all elements and all examples of what `expr` sums: one number."""
        if expr.op == "binary_cross_entropy_of_z":
            y, z = map(self.number, expr.args)
            log = self.add("log1p", self.add("exp", self.add("neg", self.add("abs", z))))
            positive = self.add("max", self.graph.const(0), z)
            return self.total(self.add("add", self.add("sub", positive, self.add("mul", z, y)), log))
        if expr.op == "cross_entropy_of_z":
            y, z = map(self.number, expr.args)
            whole = self.parts(z)[1]
            top = self.reduction("top", z, (-1,), len(self.shape(z)) > 1)
            return self.product(y, self.add("add", self.add("sub", top, z), self.add("log", whole)))
        (arg,) = expr.args
        if isinstance(arg, Call) and arg.op == "mul":
            a, b = map(self.number, arg.args)
            if self.shape(a) == self.shape(b) == self.whole_shape(arg):
                return self.product(a, b)
        return self.total(self.full(arg))

    def product(self, a: int, b: int) -> int:
        """Σ a ⊙ b, one number."""
        if a == b and self.graph.nodes[a][0] == "sub":
            x, y = sorted(self.graph.nodes[a][1])  # (y - ŷ)² is (ŷ - y)², and that is wanted as a gradient, too
            a = b = self.add("sub", y, x)
        return self.add("vdot", a, b, shape=())

    def total(self, number: int) -> int:
        """The sum of all elements; of products it is made without them."""
        op, args, _ = self.graph.nodes[number]
        if op == "mul" and self.shape(args[0]) == self.shape(args[1]) == self.shape(number):
            return self.product(*args)
        if not self.shape(number):
            return number
        return self.product(self.array(np.ones(self.shape(number))), number)

    def over_batch(self, expr: Expr, by: int) -> int:
        """The sum over the examples, divided `by` so many. The mean of a sum is the sum of everything, divided once."""
        if not expr.batched:
            return self.add("mul", self.number(expr), self.graph.const(self.examples / by))
        if isinstance(expr, Ref) and expr.symbol.key in self.inlined:
            return self.over_batch(self.inlined[expr.symbol.key], by)
        if isinstance(expr, Call) and expr.op == "div" and not expr.args[1].batched:
            return self.add("div", self.over_batch(expr.args[0], by), self.number(expr.args[1]))
        if isinstance(expr, Call) and expr.op == "neg":
            return self.add("neg", self.over_batch(expr.args[0], by))
        if isinstance(expr, Call) and expr.op in ("sum", *FROM_Z) and expr.param is None:
            return self.add("div", self.sum(expr), self.graph.const(by))
        if isinstance(expr, Call) and expr.op == "matmul" and all(a.batched and len(a.shape) == 2 for a in expr.args):
            x, y = expr.args
            if isinstance(x, Call) and x.op == "transpose":  # Xᵀ·G of each example: all rows at once
                a, b = (self.full(arg) for arg in (x.args[0], y))
                rows = self.examples * y.shape[0]
                a, b = (self.reshaped(n, (rows, self.shape(n)[-1])) for n in (a, b))
                return self.outer_over_batch(a, b, by, expr.shape)
        shares = self.array(np.full(self.examples, 1 / by))
        number = self.reshaped(
            self.full(expr), (self.examples, math.prod(expr.shape)) if expr.shape else (self.examples,)
        )
        return self.reshaped(self.add("dot", shares, number, shape=self.shape(number)[1:]), expr.shape)


_REDUCED = {"sum": "whole", "average": "whole", "reduce_max": "top", "reduce_min": "low"}


def _row(graph: ArrayGraph, expr: Call) -> int:
    (x,) = expr.args
    rank, row = len(x.shape), expr.param % x.shape[0]
    return graph.reshaped(graph.part(graph.full(x), rank, -rank, row, row + 1), graph.whole_shape(expr))


# How an operator is lowered that is neither elementwise nor called as it is.
_LOWERED: dict[str, Callable[[ArrayGraph, Call], int]] = {
    "matmul": ArrayGraph.matmul,
    "transpose": lambda graph, expr: graph.turned(graph.full(expr.args[0])),
    "outer": ArrayGraph.outer,
    "mean_outer": ArrayGraph.outers,
    "sum_outer": ArrayGraph.outers,
    "softmax": ArrayGraph.softmax,
    "norm": ArrayGraph.norm,
    "variance": ArrayGraph.variance,
    "expand": ArrayGraph.expand,
    "spread": ArrayGraph.spread,
    "sum_to": ArrayGraph.sum_to,
    "reshape": lambda graph, expr: graph.reshaped(graph.full(expr.args[0]), graph.whole_shape(expr)),
    "part": lambda graph, expr: graph.part(graph.full(expr.args[0]), len(expr.shape), *expr.param),
    "row": _row,
    **dict.fromkeys(_REDUCED, ArrayGraph.reduced),
}  # fmt: skip


def only_averaged(equations: Iterable[Equation]) -> set[str]:
    """The keys of what each example has one number of, and what nobody asks for but for the mean over the examples."""
    users: dict[str, list[Equation]] = {}
    found: set[str] = set()
    for eq in reversed(list(equations)):
        formula = eq.compute or eq.formula
        if eq.symbol.per_example and not eq.symbol.shape:
            asked = users.get(eq.symbol.key, [])
            if asked and all(user.symbol.key in found or _averages(user.compute or user.formula) for user in asked):
                found.add(eq.symbol.key)
        for ref in used(formula):
            users.setdefault(ref.symbol.key, []).append(eq)
    return found


def _averages(formula: Expr) -> bool:
    return isinstance(formula, Call) and formula.op in ("mean", "batch_sum")
