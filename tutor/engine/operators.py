"""The table of operators: what each means, as a shape, a number, an element, a gradient.

Letters as in `expressions.py`. A new operator is a new row.

An operator with a reverse rule may stand in a forward equation. One without belongs to gradients, to updates or to
what is computed in place of the formula that is shown; `network.Equation` refuses it elsewhere. A reverse rule gives
each argument's part in the shape of the value; `backprop` adds up what an argument was spread over.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

import numpy as np

from tutor.engine.expressions import (
    ONE,
    OPERATORS,
    ZERO,
    Call,
    Const,
    Expr,
    Operator,
    Settling,
    Shape,
    at_example,
    call,
    element,
    indices,
    negative,
    product,
    total,
)
from tutor.engine.noise import (
    LONG_FIRST,
    LONG_SUM,
    ROOT,
    SUM,
    bilinear_noise,
    cancelled,
    jacobian_noise,
    linear_noise,
    softmax_noise,
    wobble,
)


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


def elementwise(
    numpy: Callable[..., Any], reverse: Callable[..., Any] | None = None, settles: Settling | None = None
) -> Operator:
    """An operator that acts on each element by itself; `numpy` takes the arrays alone."""
    return Operator(
        same_shape, lambda node, *arrays: numpy(*arrays), _each_argument, reverse,
        elementwise=True, settles=settles, noise=wobble,
    )  # fmt: skip


def _matmul_shape(matrix: Shape, vector: Shape) -> Shape:
    if len(matrix) != 2 or len(vector) != 1 or matrix[1] != vector[0]:
        raise ValueError(f"a matrix {matrix} does not fit a vector {vector}")
    return (matrix[0],)


def _matmul(node: Call, matrix: Any, vector: Any) -> Any:
    if matrix.ndim == 2:  # one matrix for all examples: (n, k) @ (k, m)
        return vector @ matrix.T
    return np.matmul(matrix, vector[..., None])[..., 0]


def _matmul_element(node: Call, index: tuple[int, ...]) -> Expr:
    matrix, vector = node.args
    (i,) = index
    return total([call("mul", element(matrix, (i, k)), element(vector, (k,))) for k in range(vector.shape[0])])


def _matmul_reverse(node: Call, out: Expr, G: Expr) -> tuple[Expr | None, ...]:
    matrix, vector = node.args
    return call("outer", G, vector), call("matmul", call("transpose", matrix), G)


def _fits(wide: Shape, narrow: Shape) -> None:
    if wide[len(wide) - len(narrow) :] != narrow:
        raise ValueError(f"{narrow} does not lie along the last axes of {wide}")


def _expand_shape(x: Shape, like: Shape) -> Shape:
    _fits(like, x)
    return like


def _expand(node: Call, x: Any, like: Any) -> Any:
    """x once for each place of the axes that `like` has before x's; the example axis stays in front."""
    x, inner = np.asarray(x), node.args[0].shape
    batch = x.shape[: x.ndim - len(inner)]
    return _in_each(node, x.reshape(batch + (1,) * (len(node.shape) - len(inner)) + inner), batch, like)


def _rows(node: Call, x: Any, like: Any) -> Any:
    return _in_each(node, x[..., None, :], x.shape[:-1], like)


def _in_each(node: Call, x: Any, batch: Shape, like: Any) -> Any:
    """x as large as the value; where only `like` has examples, the same for each of them."""
    return np.broadcast_to(x, (np.shape(like)[:1] if node.batched and not batch else batch) + node.shape)


def _expand_element(node: Call, index: tuple[int, ...]) -> Expr:
    inner = node.args[0]
    return element(inner, index[len(index) - len(inner.shape) :])


def _sum_to_shape(x: Shape, like: Shape) -> Shape:
    _fits(x, like)
    return like


def _sum_to(node: Call, x: Any, like: Any) -> Any:
    """x added up over the axes that it has before those of `like`; the example axis stays."""
    rank, own = len(node.args[0].shape), len(node.shape)
    found = np.sum(x, axis=tuple(range(-rank, -own if own else 0)))
    missing = node.batched and not node.args[0].batched
    return np.broadcast_to(found, np.shape(like)[:1] + node.shape) if missing else found


def _sum_to_element(node: Call, index: tuple[int, ...]) -> Expr:
    (x, _) = node.args
    return total([element(x, lead + index) for lead in indices(x.shape[: len(x.shape) - len(index)])])


def _sum_element(node: Call, index: tuple[int, ...]) -> Expr:
    (arg,) = node.args
    return total([element(arg, i) for i in indices(arg.shape)])


def _sum(node: Call, x: Any) -> Any:
    rank = len(node.args[0].shape)
    return np.sum(x, axis=tuple(range(-rank, 0))) if rank else x


def _stack_shape(*shapes: Shape) -> Shape:
    if len(set(shapes)) != 1 or len(shapes[0]) > 1:
        raise ValueError(f"rows of different shapes: {sorted(set(shapes))}")
    return (len(shapes), *shapes[0])


def _stack(node: Call, *arrays: Any) -> Any:
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


def _jacobian(node: Call, a: Any) -> Any:
    """∂a_k/∂z_i = a_k (1(k = i) − a_i) of a softmax a."""
    return a[..., :, None] * (np.eye(a.shape[-1]) - a[..., None, :])


def _softmax(node: Call, z: Any) -> Any:
    e = np.exp(z - np.max(z, axis=-1, keepdims=True))
    return e / np.sum(e, axis=-1, keepdims=True)


def _softmax_element(node: Call, index: tuple[int, ...]) -> Expr:
    (z,) = node.args
    parts = [call("exp", element(z, (k,))) for k in range(z.shape[0])]
    return parts[index[0]] / total(parts)


def _softmax_reverse(node: Call, out: Expr, G: Expr) -> tuple[Expr | None, ...]:
    return (call("matmul", call("transpose", call("jacobian", out)), G),)


def _ratio(x: Any, y: Any) -> Any:
    """x / y where 0 / 0 is 0: a term that a target of 0 switches off, whatever it is divided by."""
    return np.where(np.equal(x, 0), 0.0, np.divide(x, np.where(np.equal(x, 0), 1.0, y)))


def _times(x: Any, y: Any) -> Any:
    """x · y where 0 · ∞ is 0: a term that an exponent of 0 switches off, whatever it stands before."""
    return np.where(np.equal(x, 0), 0.0, np.multiply(x, np.where(np.equal(x, 0), 1.0, y)))


def _power_reverse(node: Call, out: Expr, G: Expr) -> tuple[Expr | None, ...]:
    x, n = node.args
    if isinstance(n, Const):
        slope = {0.0: ZERO, 1.0: ONE, 2.0: 2 * x}.get(n.value) or n * x ** (n.value - 1)
        return product(G, slope), None
    return product(G, call("times", n, x ** (n - 1))), product(G, call("power_log", x, n))


def _power_log(x: Any, n: Any) -> Any:
    """xⁿ ln x, the slope of xⁿ in n; at x = 0 its limit, 0 where n > 0 and else −∞."""
    return np.where(np.equal(x, 0) & np.greater(n, 0), 0.0, np.power(x, n) * np.log(x))


def _first_extreme(extreme: Callable[..., Any]) -> Operator:
    """1 for the argument that max or min takes (of equal ones the first), 0 for the others; of a NaN a NaN."""

    def first(node: Call, arrays: Sequence[Any], allowed: Any) -> Any:
        stacked = np.stack(np.broadcast_arrays(*arrays))
        away = np.abs(stacked - extreme(stacked, axis=0))
        takes = np.argmax((stacked == extreme(stacked, axis=0)) | (away <= allowed), axis=0) == node.param
        return np.where(np.isnan(away).all(axis=0), np.nan, takes.astype(float))[()]

    def value(node: Call, *arrays: Any) -> Any:
        return first(node, arrays, 0.0)

    def near(value: Any, *arrays: Any) -> bool:
        """Whether two arguments are nearly the same, and yet not quite."""
        top, *rest = np.sort(np.stack(np.broadcast_arrays(*arrays)), axis=0)[:: 1 if extreme is np.min else -1]
        return any(cancelled(top - other, top, other) for other in rest)

    def settled(node: Call, value: Any, arrays: Sequence[Any], noises: Sequence[Any], own: Any) -> Any:
        return first(node, arrays, sum(np.stack(np.broadcast_arrays(*noises))))

    return Operator(same_shape, value, _each_argument, elementwise=True, settles=Settling(near, settled))


def _wins(op: str) -> Callable[..., Any]:
    def reverse(node: Call, out: Expr, G: Expr) -> tuple[Expr | None, ...]:
        return tuple(product(G, Call(op, node.args, k)) for k in range(len(node.args)))

    return reverse


def _fold(function: Callable[..., Any]) -> Callable[..., Any]:
    """Of any number of arrays, from a function of two."""
    return lambda *arrays: reduce(function, arrays)


_add = _fold(operator.add)


def _transpose_shape(shape: Shape) -> Shape:
    return (shape[1], shape[0])


OPERATORS |= {
    "add": Operator(
        same_shape,
        lambda node, *arrays: _add(*arrays),
        _add_element,
        lambda node, out, G: (G,) * len(node.args),
        elementwise=True,
        settles=SUM,
        noise=linear_noise,
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
    "choose": elementwise(
        lambda z, x, y: np.where(np.isnan(z), z, np.where(np.greater(z, 0), x, y)),
        lambda node, out, G: (None, call("choose", node.args[0], G, ZERO), call("choose", node.args[0], ZERO, G)),
    ),
    "matmul": Operator(
        _matmul_shape, _matmul, _matmul_element, _matmul_reverse, settles=LONG_SUM, noise=bilinear_noise
    ),
    "transpose": Operator(
        _transpose_shape,
        lambda node, x: np.swapaxes(x, -1, -2),
        lambda node, index: element(node.args[0], index[::-1]),
        lambda node, out, G: (call("transpose", G),),
        noise=linear_noise,
    ),
    "outer": Operator(
        lambda x, y: x + y,
        lambda node, x, y: x[..., :, None] * y[..., None, :],
        lambda node, index: call("mul", element(node.args[0], index[:1]), element(node.args[1], index[1:])),
        lambda node, out, G: (call("matmul", G, node.args[1]), call("matmul", call("transpose", G), node.args[0])),
        noise=bilinear_noise,
    ),
    # rows(x, like): x once for each element of `like`, as the rows of a matrix: ∂z/∂W
    "rows": Operator(
        lambda x, like: like + x,
        _rows,
        lambda node, index: element(node.args[0], index[1:]),
        lambda node, out, G: (G, None),
        noise=lambda node, value, arrays, noises: _rows(node, noises[0], arrays[1]),
    ),
    # expand(x, like): x along the last axes of `like`, the same at every place of the others
    "expand": Operator(
        _expand_shape,
        _expand,
        _expand_element,
        lambda node, out, G: (G, None),
        noise=lambda node, value, arrays, noises: _expand(node, noises[0], arrays[1]),
    ),
    # sum_to(x, like): x added up over the axes that `like` does not have, which come first
    "sum_to": Operator(
        _sum_to_shape,
        _sum_to,
        _sum_to_element,
        lambda node, out, G: (G, None),
        settles=LONG_FIRST,
        noise=lambda node, value, arrays, noises: _sum_to(node, noises[0], arrays[1]),
    ),
    "sum": Operator(
        lambda shape: (), _sum, _sum_element, lambda node, out, G: (G,), settles=LONG_SUM, noise=linear_noise
    ),
    # stack(x, y, ...): numbers as a column, columns as the rows of a matrix
    "stack": Operator(
        _stack_shape, _stack, lambda node, index: element(node.args[index[0]], index[1:]), noise=linear_noise
    ),
    # mean(x): over the examples of the batch; `param` is how many
    "mean": Operator(
        lambda shape: shape,
        lambda node, x: np.mean(x, axis=0),
        _mean_element,
        lambda node, out, G: (G / (node.param or 1),),
        batched=False,
        settles=LONG_SUM,
        noise=linear_noise,
    ),
    # mean_outer(x, y): the mean of outer(x, y) without building one matrix an example
    "mean_outer": Operator(
        lambda x, y: x + y,
        lambda node, x, y: x.T @ y / len(x),
        lambda node, index: element(call("mean", call("outer", *node.args), param=node.param), index),
        batched=False,
        settles=LONG_SUM,
        noise=bilinear_noise,
    ),
    # the same as sums, without the division
    "batch_sum": Operator(
        lambda shape: shape,
        lambda node, x: np.sum(x, axis=0),
        _batch_sum_element,
        lambda node, out, G: (G,),
        batched=False,
        settles=LONG_SUM,
        noise=linear_noise,
    ),
    "sum_outer": Operator(
        lambda x, y: x + y,
        lambda node, x, y: x.T @ y,
        lambda node, index: element(call("batch_sum", call("outer", *node.args), param=node.param), index),
        batched=False,
        settles=LONG_SUM,
        noise=bilinear_noise,
    ),
    "softmax": Operator(lambda shape: shape, _softmax, _softmax_element, _softmax_reverse, noise=softmax_noise),
    "jacobian": Operator(lambda shape: shape * 2, _jacobian, _jacobian_element, noise=jacobian_noise),
}
