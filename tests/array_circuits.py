"""Random circuits over arrays, as trees, and a reference that shares no code with the engine.

The reference evaluates a tree for one example, with loops and plain NumPy over complex numbers: an input moved by
1e-40·i leaves the derivative in the imaginary part of the output, to the last digit (Squire and Trapp, "Using Complex
Variables to Estimate Derivatives of Real Functions", 1998). It knows no reverse rule and no axis of examples.
"""

from __future__ import annotations

import cmath
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import product
from math import prod
from typing import Any

import numpy as np

from tutor.engine.expressions import Call, Const, Expr, Ref, Symbol, call, refs, rewrite
from tutor.engine.lesson import Circuit, Definition, Lesson
from tutor.engine.model import Equation, Model

EXAMPLES = 3
STEP = 1e-40


# ---------------------------------------------------------------- the reference


def _each(f: Callable[..., complex]) -> Callable[..., Any]:
    def of(*arrays: Any) -> Any:
        return np.vectorize(f, otypes=[complex])(*np.broadcast_arrays(*arrays))

    return lambda param, *arrays: of(*arrays)


def _lines(x: Any, axis: int | None) -> Iterator[tuple[tuple[Any, ...], list[complex]]]:
    """(index of a reduction, the elements that it takes together)."""
    if axis is None:
        yield (), list(x.ravel())
        return
    at = x.ndim + axis
    for rest in product(*(range(n) for k, n in enumerate(x.shape) if k != at)):
        yield rest, [x[(*rest[:at], k, *rest[at:])] for k in range(x.shape[at])]


def _reduce(f: Callable[[list[complex]], complex]) -> Callable[..., Any]:
    def of(axis: int | None, x: Any) -> Any:
        shape = () if axis is None else tuple(np.delete(x.shape, axis))
        found = np.empty(shape, dtype=complex)
        for index, line in _lines(x, axis):
            found[index] = f(line)
        return found

    return of


def _rewrite_lines(f: Callable[..., list[complex]]) -> Callable[..., Any]:
    """Each line becomes another one; the param is the axis (None: the last) or begins with it."""

    def of(param: Any, x: Any) -> Any:
        axis, *more = param if isinstance(param, tuple) else (-1 if param is None else param,)
        found = np.empty(x.shape, dtype=complex)
        at = x.ndim + axis
        for rest, line in _lines(x, axis):
            for k, value in enumerate(f(line, *more)):
                found[(*rest[:at], k, *rest[at:])] = value
        return found

    return of


def _first(pick: Callable[..., complex]) -> Callable[[list[complex]], list[complex]]:
    def of(line: list[complex]) -> list[complex]:
        real = [value.real for value in line]
        return [float(k == real.index(pick(real))) for k in range(len(line))]

    return of


def _first_of(pick: Callable[..., complex]) -> Callable[..., Any]:
    def of(axis: int | None, x: Any) -> Any:
        if axis is None:
            return np.array(_first(pick)(list(x.ravel())), dtype=complex).reshape(x.shape)
        return _rewrite_lines(_first(pick))(axis, x)

    return of


def _softmax(line: list[complex]) -> list[complex]:
    parts = [0j if value.real == -np.inf else cmath.exp(value) for value in line]  # −∞: a blocked position
    return [part / sum(parts) for part in parts]


def _log_softmax(line: list[complex]) -> list[complex]:
    return [-cmath.log(sum(cmath.exp(other - own) for other in line)) for own in line]


def _variance(line: list[complex]) -> complex:
    mean = sum(line) / len(line)
    return sum((value - mean) ** 2 for value in line) / len(line)


def _norm(line: list[complex], eps: float) -> list[complex]:
    mean = sum(line) / len(line)
    return [(value - mean) / cmath.sqrt(_variance(line) + eps) for value in line]


def _cross_entropy(param: None, z: Any, y: Any) -> Any:
    rows = z.reshape(-1, z.shape[-1])
    targets = y.reshape(len(rows), -1) if y.shape == z.shape else y.reshape(-1)
    found = 0
    for row, target in zip(rows, targets, strict=True):
        logs = _log_softmax(list(row))
        found -= (
            sum(t * log for t, log in zip(target, logs, strict=True))
            if np.ndim(target)
            else logs[round(target.real) - 1]
        )
    return np.asarray(found / len(rows))


def _geometry(x: Any, k: Any) -> tuple[int, bool]:
    return {1: (1, False), 2: (2, False), 3: (1, True), 4: (2, True)}[k.ndim]


def _meetings(param: Any, x: Any, k: Any) -> Iterator[tuple[Any, Any, Any]]:
    """Indices of the output, the input and the kernel that meet in a convolution."""
    (stride, padding), (axes, channels) = param, _geometry(x, k)
    batched = x.ndim == axes + channels + 1
    lengths, window = x.shape[-axes:], k.shape[-axes:]
    places = [(n + 2 * padding - m) // stride + 1 for n, m in zip(lengths, window, strict=True)]
    for b in range(x.shape[0]) if batched else (None,):
        front = () if b is None else (b,)
        for o, c in product(range(k.shape[0]), range(k.shape[1])) if channels else ((None, None),):
            for place in product(*map(range, places)):
                for offset in product(*map(range, window)):
                    at = tuple(p * stride + r - padding for p, r in zip(place, offset, strict=True))
                    if all(0 <= i < n for i, n in zip(at, lengths, strict=True)):
                        yield (
                            front + (() if o is None else (o,)) + place,
                            front + (() if c is None else (c,)) + at,
                            (() if o is None else (o, c)) + offset,
                        )


def _conv_shape(param: Any, x: Any, k: Any) -> tuple[int, ...]:
    (stride, padding), (axes, channels) = param, _geometry(x, k)
    places = [(n + 2 * padding - m) // stride + 1 for n, m in zip(x.shape[-axes:], k.shape[-axes:], strict=True)]
    return (*x.shape[: x.ndim - axes - channels], *(k.shape[:1] if channels else ()), *places)


def _conv(param: Any, x: Any, k: Any) -> Any:
    found = np.zeros(_conv_shape(param, x, k), dtype=complex)
    for out, into, kernel in _meetings(param, x, k):
        found[out] += x[into] * k[kernel]
    return found


def _conv_input(param: Any, G: Any, k: Any, like: Any) -> Any:
    found = np.zeros(like.shape, dtype=complex)
    for out, into, kernel in _meetings(param, like, k):
        found[into] += G[out] * k[kernel]
    return found


def _conv_kernel(param: Any, x: Any, G: Any, like: Any) -> Any:
    found = np.zeros(like.shape, dtype=complex)
    for out, into, kernel in _meetings(param, x, like):
        found[kernel] += G[out] * x[into]
    return found


def _pools(param: Any, x: Any) -> Iterator[tuple[Any, list[Any]]]:
    """(index of the pooled, indices of its window)."""
    size, stride = param
    axes = min(x.ndim, 2)
    for front in product(*map(range, x.shape[:-axes])):
        for place in product(*(range((n - size) // stride + 1) for n in x.shape[-axes:])):
            window = [
                (*front, *(p * stride + r for p, r in zip(place, offset, strict=True)))
                for offset in product(*[range(size)] * axes)
            ]
            yield (*front, *place), window


def _pool(f: Callable[[list[complex]], complex]) -> Callable[..., Any]:
    def of(param: Any, x: Any) -> Any:
        found = {out: f([x[at] for at in window]) for out, window in _pools(param, x)}
        shape = tuple(n + 1 for n in max(found))
        return np.array([found[out] for out in product(*map(range, shape))]).reshape(shape)

    return of


def _unpool_max(param: Any, G: Any, x: Any) -> Any:
    found = np.zeros(x.shape, dtype=complex)
    for out, window in _pools(param, x):
        found[max(window, key=lambda at: x[at].real)] += G[out]  # of equal ones max takes the first
    return found


def _unpool_avg(param: Any, G: Any, like: Any) -> Any:
    found = np.zeros(like.shape, dtype=complex)
    for out, window in _pools(param, like):
        for at in window:
            found[at] += G[out] / len(window)
    return found


def _placed(G: Any, like: Any, where: Any) -> Any:
    found = np.zeros(like.shape, dtype=complex)
    found[where] = G
    return found


def _scatter(param: None, G: Any, ids: Any, like: Any) -> Any:
    found = np.zeros(like.shape, dtype=complex)
    for which in np.ndindex(*ids.shape):
        found[round(ids[which].real) - 1] += G[which]
    return found


def _embedding(param: None, E: Any, ids: Any) -> Any:
    found = np.empty(ids.shape + E.shape[1:], dtype=complex)
    for which in np.ndindex(*ids.shape):
        found[which] = E[round(ids[which].real) - 1]
    return found


def _one_hot(param: None, y: Any, like: Any) -> Any:
    found = np.zeros(like.shape, dtype=complex)
    for which in np.ndindex(*y.shape):
        found[(*which, round(y[which].real) - 1)] = 1
    return found


def _masked(value: float) -> Callable[..., Any]:
    def of(param: None, x: Any) -> Any:
        found = np.array(x)
        for index in np.ndindex(*x.shape):
            if index[-1] > index[-2]:
                found[index] = value
        return found

    return of


def _sum_to(param: None, x: Any, like: Any) -> Any:
    found = np.zeros(like.shape, dtype=complex)
    for index in np.ndindex(*x.shape):
        own = index[len(index) - like.ndim :]
        found[tuple(0 if n == 1 else i for i, n in zip(own, like.shape, strict=True))] += x[index]
    return found


def _matmul(param: None, x: Any, y: Any) -> Any:
    return np.asarray(np.matmul(x, y))


def _part(param: Any, x: Any) -> Any:
    axis, start, stop = param
    return np.take(x, range(start, stop), axis=axis)


def _place_part(param: Any, G: Any, like: Any) -> Any:
    axis, start, stop = param
    return _placed(G, like, (..., slice(start, stop), *[slice(None)] * (-axis - 1)))


def _fold(f: Callable[[complex, complex], complex]) -> Callable[..., Any]:
    def of(param: Any, *arrays: Any) -> Any:
        found = arrays[0]
        for array in arrays[1:]:
            found = _each(f)(None, found, array)
        return found

    return of


REFERENCE: dict[str, Callable[..., Any]] = {
    "add": _fold(lambda x, y: x + y),
    "sub": _each(lambda x, y: x - y),
    "neg": _each(lambda x: -x),
    "mul": _each(lambda x, y: x * y),
    "div": _each(lambda x, y: x / y),
    "pow": _each(lambda x, n: x * x if n == 2 else cmath.exp(n * cmath.log(x))),
    "exp": _each(cmath.exp),
    "log": _each(cmath.log),
    "sqrt": _each(cmath.sqrt),
    "sin": _each(cmath.sin),
    "cos": _each(cmath.cos),
    "tanh": _each(cmath.tanh),
    "abs": _each(lambda x: x if x.real > 0 else -x),
    "max": _fold(lambda x, y: x if x.real >= y.real else y),
    "min": _fold(lambda x, y: x if x.real <= y.real else y),
    "matmul": _matmul,
    "transpose": lambda param, x: np.array([m.T for m in x.reshape(-1, *x.shape[-2:])]).reshape(
        *x.shape[:-2], x.shape[-1], x.shape[-2]
    ),
    "outer": lambda param, x, y: np.array([[a * b for b in y] for a in x]),
    "rows": lambda param, x, like: np.array([x for _ in like]),
    "expand": lambda param, x, like: x + 0 * like,
    "sum_to": _sum_to,
    "spread": lambda axis, G, like: np.stack([G] * like.shape[axis], axis=axis),
    "sum": _reduce(sum),
    "average": _reduce(lambda line: sum(line) / len(line)),
    "variance": _reduce(_variance),
    "reduce_max": _reduce(lambda line: max(line, key=lambda value: value.real)),
    "reduce_min": _reduce(lambda line: min(line, key=lambda value: value.real)),
    "first_max": _first_of(max),
    "first_min": _first_of(min),
    "softmax": _rewrite_lines(_softmax),
    "log_softmax": _rewrite_lines(_log_softmax),
    "norm": _rewrite_lines(_norm),
    "cross_entropy": _cross_entropy,
    "one_hot": _one_hot,
    "conv": _conv,
    "conv_input": _conv_input,
    "conv_kernel": _conv_kernel,
    "max_pool": _pool(lambda window: max(window, key=lambda value: value.real)),
    "avg_pool": _pool(lambda window: sum(window) / len(window)),
    "unpool_max": _unpool_max,
    "unpool_avg": _unpool_avg,
    "row": lambda row, x: x[row],
    "place_row": lambda row, G, like: _placed(G, like, row),
    "part": _part,
    "place_part": _place_part,
    "concat": lambda axis, *arrays: np.concatenate(arrays, axis=axis),
    "reshape": lambda shape, x: x.reshape(shape),
    "embedding": _embedding,
    "scatter_rows": _scatter,
    "causal": _masked(-np.inf),
    "causal_mask": _masked(0.0),
}  # fmt: skip


def reference(expr: Expr, values: dict[str, Any], example: int = 0) -> Any:
    """The value of a formula for one example, as complex numbers; `values` by key, an example's axis first."""
    if isinstance(expr, Const):
        return np.asarray(complex(expr.value))
    if isinstance(expr, Ref):
        found = np.asarray(values[expr.symbol.key], dtype=complex)
        return found[example] if expr.symbol.per_example else found
    assert isinstance(expr, Call)
    if expr.op in ("mean", "batch_sum"):
        found = sum(reference(expr.args[0], values, e) for e in range(EXAMPLES))
        return found / EXAMPLES if expr.op == "mean" else found
    args = [reference(arg, values, example) for arg in expr.args]
    return np.asarray(REFERENCE[expr.op](expr.param, *args), dtype=complex)


# ---------------------------------------------------------------- the generator


@dataclass(frozen=True)
class ArrayCircuit:
    """Lines name = formula over inputs, the last a single number; ids and class numbers are `data`.

    `values` by key: of what each example has its own, with their axis first.
    """

    lines: tuple[tuple[Symbol, Expr], ...]
    values: dict[str, np.ndarray]
    inputs: tuple[Symbol, ...]
    data: tuple[Symbol, ...]

    @property
    def output(self) -> Symbol:
        return self.lines[-1][0]

    @property
    def parameters(self) -> tuple[Symbol, ...]:
        """What has a gradient, the same for all examples."""
        return tuple(symbol for symbol in self.inputs if not symbol.per_example)

    def model(self) -> Model:
        """The lines as equations, each one whole."""
        forward = tuple(
            Equation(symbol, formula, "forward", "gate", variant=_op(formula)) for symbol, formula in self.lines
        )
        return Model(forward, self.output, self.parameters, frozenset(), examples=EXAMPLES, arrays=True)

    def lesson(self, **more: Any) -> Lesson:
        """The lesson that a file with these lines makes, of the first example."""
        plain = {symbol: Ref(replace(symbol, per_example=False)) for symbol, _ in self.lines}
        plain |= {symbol: Ref(replace(symbol, per_example=False)) for symbol in (*self.inputs, *self.data)}
        inputs = {
            symbol.id: self.values[symbol.key][0] if symbol.per_example else self.values[symbol.key]
            for symbol in (*self.inputs, *self.data)
        }

        def one(node: Expr) -> Expr | None:
            return plain[node.symbol] if isinstance(node, Ref) else None

        lines = tuple(Definition(symbol.id, rewrite(formula, one), "") for symbol, formula in self.lines)
        data = tuple(symbol.id for symbol in self.data)
        return Lesson("c", "c", circuit=Circuit(inputs, lines, "L", data=data), **more)

    def run(self, values: dict[str, Any]) -> Any:
        """The output by the reference: one number, or one an example."""
        values = dict(values)
        for symbol, formula in self.lines:
            if symbol.per_example:
                values[symbol.key] = np.array([reference(formula, values, e) for e in range(EXAMPLES)])
            else:
                values[symbol.key] = reference(formula, values)
        return values[self.output.key]

    def slope(self, symbol: Symbol, index: tuple[int, ...]) -> float:
        """∂output/∂(an element of an input), the mean over the examples; by a complex step."""
        moved = np.array(self.values[symbol.key], dtype=complex)
        moved[index] += STEP * 1j
        return float(np.mean(self.run(self.values | {symbol.key: moved})).imag / STEP)


def _op(formula: Expr) -> str:
    return formula.op if isinstance(formula, Call) else "copy"


class Grower:
    """Grows formulas: an argument is a value that is there already, or a new input."""

    def __init__(self, rng: random.Random, examples: bool = False):
        self.rng, self.examples = rng, examples
        self.values: dict[str, np.ndarray] = {}
        self.inputs: list[Symbol] = []
        self.data: list[Symbol] = []
        self.lines: list[tuple[Symbol, Expr]] = []

    # ------------------------------------------------------------ leaves

    def size(self, most: int = 3) -> int:
        return self.rng.randint(1, most)

    def shape(self, least: int = 0, most: int = 4) -> tuple[int, ...]:
        return tuple(self.size() for _ in range(self.rng.randint(least, most)))

    def of(self, shape: tuple[int, ...], fresh: float = 0.35) -> Expr:
        """A value of this shape: one that is there, one made into it, or an input."""
        there = [symbol for symbol in self.made if symbol.shape == shape]
        if there and self.rng.random() > fresh:
            return Ref(self.rng.choice(there))
        filled = [symbol for symbol, _ in self.lines[-3:] if prod(symbol.shape) == prod(shape) and len(shape) > 0]
        if filled and self.rng.random() < 0.4:
            return call("reshape", Ref(self.rng.choice(filled)), param=shape)
        return self.new(shape)

    @property
    def made(self) -> list[Symbol]:
        return [*self.inputs, *(symbol for symbol, _ in self.lines)]

    def new(self, shape: tuple[int, ...]) -> Ref:
        symbol = Symbol(f"x{len(self.inputs)}", shape, "circuit_input", per_example=self.many())
        self.inputs.append(symbol)
        self.values[symbol.key] = np.array(
            [self.rng.uniform(-1.5, 1.5) for _ in range(prod(self.full(symbol)))]
        ).reshape(self.full(symbol))
        return Ref(symbol)

    def numbers(self, shape: tuple[int, ...], most: int) -> Ref:
        """Whole numbers from 1, as data."""
        symbol = Symbol(f"n{len(self.data)}", shape, "circuit_input", per_example=self.many())
        self.data.append(symbol)
        self.values[symbol.key] = np.array(
            [float(self.rng.randint(1, most)) for _ in range(prod(self.full(symbol)))]
        ).reshape(self.full(symbol))
        return Ref(symbol)

    def many(self) -> bool:
        return self.examples and self.rng.random() < 0.4

    @staticmethod
    def full(symbol: Symbol) -> tuple[int, ...]:
        return ((EXAMPLES,) if symbol.per_example else ()) + symbol.shape

    def together(self) -> tuple[Expr, Expr]:
        """Two values that broadcast to one another."""
        whole = self.shape()
        first, second = (
            tuple(1 if self.rng.random() < 0.25 else n for n in whole[self.rng.randint(0, len(whole)) :])
            for _ in range(2)
        )
        return self.of(first), self.of(second)

    def axis(self, shape: tuple[int, ...], none: bool = True) -> int | None:
        return self.rng.choice([*([None] if none else []), *range(-len(shape), 0)])

    # ------------------------------------------------------------ a formula of each operator

    def make(self, op: str) -> Expr:
        rng = self.rng
        if op in ("add", "max", "min"):
            x, y = self.together()
            return call(op, x, y, *([self.of(())] if rng.random() < 0.3 else []))
        if op in ("sub", "mul"):
            return call(op, *self.together())
        if op == "div":
            x, y = self.together()
            return x / (2 + y * y)
        if op == "pow":
            x, y = self.together()
            return (2 + call("sin", x)) ** y if rng.random() < 0.5 else x**2
        if op == "exp":
            return call("exp", call("sin", self.of(self.shape())))
        if op == "log":
            return call("log", 2 + call("cos", self.of(self.shape())))
        if op == "sqrt":
            return call("sqrt", 1 + self.of(self.shape()) ** 2)
        if op in ("neg", "sin", "cos", "tanh", "abs"):
            return call(op, self.of(self.shape()))
        if op == "matmul":
            n, inner = self.shape(0, 2), self.size()
            lead = tuple(1 if rng.random() < 0.25 else k for k in n[rng.randint(0, len(n)) :])
            first, second = (n, lead) if rng.random() < 0.5 else (lead, n)
            x = (inner,) if rng.random() < 0.3 else (*first, self.size(), inner)
            y = (inner,) if rng.random() < 0.3 else (*second, inner, self.size())
            return call("matmul", self.of(x), self.of(y))
        if op == "transpose":
            return call("transpose", self.of(self.shape(2)))
        if op == "outer":
            return call("outer", self.of(self.shape(1, 1)), self.of(self.shape(1, 1)))
        if op == "rows":
            return call("rows", self.of(self.shape(1, 1)), self.of(self.shape(1, 1)))
        if op in ("expand", "sum_to"):
            whole = self.shape(0, 4)
            part = tuple(1 if rng.random() < 0.3 else n for n in whole[rng.randint(0, len(whole)) :])
            return call(op, *([self.of(part), self.of(whole)] if op == "expand" else [self.of(whole), self.of(part)]))
        if op == "spread":
            like = self.shape(1)
            axis = self.axis(like, none=False)
            return call(op, self.of(tuple(np.delete(like, axis).tolist())), self.of(like), param=axis)
        if op in ("sum", "average", "variance", "reduce_max", "reduce_min", "first_max", "first_min"):
            shape = self.shape(0 if op in ("sum", "average", "reduce_max") else 1)
            return call(op, self.of(shape), param=self.axis(shape))
        if op in ("softmax", "log_softmax"):
            shape = self.shape(1)
            return call(op, self.of(shape), param=self.axis(shape))
        if op == "norm":
            shape = self.shape(1)
            return call(op, self.of(shape), param=(self.axis(shape, none=False), rng.choice([1e-5, 0.1])))
        if op == "cross_entropy":
            shape = self.shape(1, 3)
            if rng.random() < 0.5:
                return call(op, self.of(shape), self.numbers(shape[:-1], shape[-1]))
            y = self.of(shape)
            return call(op, self.of(shape), call("softmax", y) if rng.random() < 0.7 else y)
        if op == "one_hot":
            shape = self.shape(1)
            return call(op, self.numbers(shape[:-1], shape[-1]), self.of(shape))
        if op in ("conv", "conv_input", "conv_kernel"):
            return self.convolution(op)
        if op in ("max_pool", "avg_pool", "unpool_max", "unpool_avg"):
            return self.pool(op)
        if op in ("row", "place_row"):
            shape = self.shape(1)
            row = rng.randrange(shape[0])
            args = [self.of(shape)] if op == "row" else [self.of(shape[1:]), self.of(shape)]
            return call(op, *args, param=row)
        if op in ("part", "place_part"):
            shape = self.shape(1)
            axis = self.axis(shape, none=False)
            start = rng.randrange(shape[axis])
            stop = rng.randint(start + 1, shape[axis])
            part = list(shape)
            part[axis] = stop - start
            args = [self.of(shape)] if op == "part" else [self.of(tuple(part)), self.of(shape)]
            return call(op, *args, param=(axis, start, stop))
        if op == "concat":
            shape = list(self.shape(1))
            axis = self.axis(tuple(shape), none=False)
            args = []
            for _ in range(rng.randint(1, 3)):
                shape[axis] = self.size()
                args.append(self.of(tuple(shape)))
            return call(op, *args, param=axis)
        if op == "reshape":
            shape = self.shape()
            new = list(shape)
            rng.shuffle(new)
            return call(
                op,
                self.of(shape),
                param=rng.choice([tuple(new), (prod(shape),), (1, *shape) if len(shape) < 4 else shape]),
            )
        if op in ("embedding", "scatter_rows"):
            E = self.shape(1, 2)
            ids = self.numbers(self.shape(0, 2), E[0])
            args = [self.of(E), ids] if op == "embedding" else [self.of(ids.shape + E[1:]), ids, self.of(E)]
            return call(op, *args)
        if op == "causal":
            return call("softmax", call(op, self.of(self.shape(2))), param=rng.choice([None, -1]))
        if op == "causal_mask":
            return call(op, self.of(self.shape(2)))
        raise KeyError(op)

    def convolution(self, op: str) -> Expr:
        rng = self.rng
        rank = rng.randint(1, 4)
        axes, channels = {1: (1, False), 2: (2, False), 3: (1, True), 4: (2, True)}[rank]
        k = (*((self.size(2), self.size(2)) if channels else ()), *(self.size() for _ in range(axes)))
        padding, stride = rng.randint(0, 2), rng.randint(1, 3)
        lengths = [rng.randint(max(1, n - 2 * padding), n + 2) for n in k[-axes:]]
        x = (*((self.size(2),) if rng.random() < 0.4 else ()), *(k[1:2] if channels else ()), *lengths)
        param = (stride, padding)
        kernel = self.of(k)
        if op == "conv":
            return call(op, self.of(x), kernel, param=param)
        G = self.of(_conv_shape(param, np.empty(x), np.empty(k)))
        if op == "conv_input":
            return call(op, G, kernel, self.of(x), param=param)
        return call(op, self.of(x), G, kernel, param=param)

    def pool(self, op: str) -> Expr:
        rng = self.rng
        size, stride = rng.randint(1, 3), rng.randint(1, 3)
        axes = rng.randint(1, 2)
        lengths = [rng.randint(size, size + 2) for _ in range(axes)]
        x = (*(self.shape(0, 2) if axes == 2 else ()), *lengths)
        if op.endswith("pool"):
            return call(op, self.of(x), param=(size, stride))
        G = (*x[:-axes], *((n - size) // stride + 1 for n in lengths))
        return call(op, self.of(G), self.of(x), param=(size, stride))

    def line(self, formula: Expr) -> Ref:
        symbol = Symbol(f"t{len(self.lines)}", formula.shape, per_example=formula.batched)
        self.lines.append((symbol, formula))
        return Ref(symbol)

    def finished(self, whole: bool = False) -> ArrayCircuit:
        """With a last line that takes something of every line that nothing else uses."""
        used = {ref.symbol for _, formula in self.lines for ref in refs(formula)}
        ends = [Ref(symbol) for symbol, _ in self.lines if symbol not in used]
        terms: list[Expr] = [call("sum", call("sin", x)) if x.shape else x * x for x in ends]
        if whole:
            terms = [call("mean", x, param=EXAMPLES) if x.batched else x for x in terms]
        elif self.examples and not any(term.batched for term in terms):
            terms.append(call("sin", self._of_each()))
        last = call("add", *terms) if len(terms) > 1 else terms[0] * 1.5
        self.lines.append((Symbol("L", (), per_example=last.batched), last))
        return ArrayCircuit(tuple(self.lines), self.values, tuple(self.inputs), tuple(self.data))

    def _of_each(self) -> Ref:
        symbol = Symbol(f"x{len(self.inputs)}", (), "circuit_input", per_example=True)
        self.inputs.append(symbol)
        self.values[symbol.key] = np.array([self.rng.uniform(-1, 1) for _ in range(EXAMPLES)])
        return Ref(symbol)


# What a forward equation may have: every operator of the reference that has a reverse rule.
FORWARD = tuple(op for op in REFERENCE if op not in ("first_max", "first_min", "unpool_max", "one_hot"))


def random_circuit(seed: int, lines: int = 5, examples: bool = False, whole: bool = False) -> ArrayCircuit:
    """A circuit of so many lines; `examples`: some inputs differ from example to example, `whole`: L is the batch's."""
    rng = random.Random(seed)
    grower = Grower(rng, examples)
    for _ in range(lines):
        grower.line(grower.make(rng.choice(FORWARD)))
    return grower.finished(whole)


def circuit_of(op: str, seed: int, examples: bool = False, whole: bool = False) -> ArrayCircuit:
    """A circuit of one line with this operator, and what makes a number of it."""
    grower = Grower(random.Random(seed), examples)
    grower.line(grower.make(op))
    return grower.finished(whole)
