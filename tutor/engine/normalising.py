"""Operators that make the numbers of a line go together: softmax, norm, and the cross-entropy of logits.

Each is one gate, with a reverse rule in one line; `openings.py` derives those. Letters as in `expressions.py`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from tutor.engine.examples_axis import by_example
from tutor.engine.expressions import (
    EPSILON,
    OPERATORS,
    Call,
    Expr,
    Operator,
    Settling,
    Shape,
    call,
    element,
    indices,
    negative,
    product,
    total,
)
from tutor.engine.indexing import numbers
from tutor.engine.noise import jacobian_noise, softmax_noise
from tutor.engine.reductions import along, centred, centred_noise, line, mean_of, near_mean, reduced
from tutor.messages import Message

# ---------------------------------------------------------------- softmax


def axis_of(node: Call) -> int:
    """The axis along which the shares add up to 1: the last, unless the author said another."""
    return int(node.param or -1)


def _along_shape(shape: Shape, axis: int | None) -> Shape:
    if not shape:
        raise ValueError(Message("it goes along an axis, and a single number has none"))
    reduced(shape, axis or -1)
    return shape


def _own_line(node: Call, index: tuple[int, ...], axis: int) -> tuple[list[Expr], int]:
    """The elements that an element goes together with, itself among them, and the how-manieth it is."""
    at = len(index) + axis
    return line(node.args[0], axis, index[:at] + index[at + 1 :]), index[axis]


def _softmax(node: Call, z: Any) -> Any:
    e = np.exp(z - np.max(z, axis=axis_of(node), keepdims=True))
    return e / np.sum(e, axis=axis_of(node), keepdims=True)


def _softmax_element(node: Call, index: tuple[int, ...]) -> Expr:
    zs, at = _own_line(node, index, axis_of(node))
    parts = [call("exp", z) for z in zs]
    return parts[at] / total(parts)


def _softmax_reverse(node: Call, out: Expr, G: Expr) -> tuple[Expr | None, ...]:
    if len(node.shape) == 1 and node.param is None:
        return (call("matmul", call("transpose", call("jacobian", out)), G),)
    axis = axis_of(node)
    inner = call("sum", call("mul", G, out), param=axis)
    return (call("mul", out, G - along(inner, out, axis)),)


def _jacobian(node: Call, a: Any) -> Any:
    """∂a_k/∂z_i = a_k (1(k = i) − a_i) of a softmax a."""
    return a[..., :, None] * (np.eye(a.shape[-1]) - a[..., None, :])


def _jacobian_element(node: Call, index: tuple[int, ...]) -> Expr:
    (a,) = node.args
    k, i = index
    return element(a, (k,)) * (float(k == i) - element(a, (i,)))


def log_shares(z: Any, axis: int) -> Any:
    """z − ln Σ eᶻ: the largest apart from the others, so that no digit of a share near 1 is lost."""
    top = np.max(z, axis=axis, keepdims=True)
    at = np.argmax(z, axis=axis, keepdims=True)
    others = np.exp(z - top)
    np.put_along_axis(others, at, 0.0, axis=axis)
    return z - top - np.log1p(np.sum(others, axis=axis, keepdims=True)) + np.where(np.isnan(top), np.nan, 0.0)


def _log_softmax_element(node: Call, index: tuple[int, ...]) -> Expr:
    zs, at = _own_line(node, index, axis_of(node))
    return zs[at] - call("log", total([call("exp", z) for z in zs]))


def _log_softmax_reverse(node: Call, out: Expr, G: Expr) -> tuple[Expr | None, ...]:
    (z,), axis = node.args, axis_of(node)
    whole = along(call("sum", G, param=axis), z, axis)
    return (G - call("mul", call("softmax", z, param=node.param), whole),)


# ---------------------------------------------------------------- norm


def _norm_shape(shape: Shape, param: tuple[int, float]) -> Shape:
    axis, eps = param
    if eps < 0:
        raise ValueError(Message("eps is 0 or more: it is {eps}", eps=eps))
    return _along_shape(shape, axis)


def _normed(node: Call, away: Any) -> Any:
    """Numbers less their mean over the root of their mean square and eps."""
    axis, eps = node.param
    return away / np.sqrt(np.mean(away**2, axis=axis, keepdims=True) + eps)


def _norm(node: Call, x: Any) -> Any:
    return _normed(node, x - np.mean(x, axis=node.param[0], keepdims=True))


def _norm_settled(node: Call, value: Any, arrays: Sequence[Any], noises: Sequence[Any], own: Any) -> Any:
    return _normed(node, centred(node, arrays[0], noises[0], node.param[0])[0])


def _norm_noise(node: Call, value: Any, arrays: Sequence[Any], noises: Sequence[Any]) -> Any:
    axis, eps = node.param
    away, off = centred(node, arrays[0], noises[0], axis)[0], centred_noise(node, arrays[0], noises[0], axis)
    spread = np.mean(away**2, axis=axis, keepdims=True) + eps
    moved = np.mean(2 * np.abs(away) * off + off**2, axis=axis, keepdims=True)
    found = off / np.sqrt(spread) + np.abs(value) * moved / (2 * spread)
    return np.where(np.isfinite(found), found, 0.0)


def _norm_element(node: Call, index: tuple[int, ...]) -> Expr:
    axis, eps = node.param
    xs, at = _own_line(node, index, axis)
    mean = mean_of(xs)
    return (xs[at] - mean) / call("sqrt", _with_eps(mean_of([(x - mean) ** 2 for x in xs]), eps))


def _with_eps(variance: Expr, eps: float) -> Expr:
    return variance + eps if eps else variance


def deviation(x: Expr, axis: int, eps: float) -> Expr:
    """√(var + eps) of each line, as large as x where broadcasting does not do that."""
    return along(call("sqrt", _with_eps(call("variance", x, param=axis), eps)), x, axis)


def _norm_reverse(node: Call, out: Expr, G: Expr) -> tuple[Expr | None, ...]:
    """(G − mean(G) − x̂ · mean(G ⊙ x̂)) / √(var + eps): Ioffe and Szegedy, "Batch Normalization", 2015, collapsed."""
    (x,), (axis, eps) = node.args, node.param
    mean = along(call("average", G, param=axis), x, axis)
    share = along(call("average", call("mul", G, out), param=axis), x, axis)
    return ((G - mean - call("mul", out, share)) / deviation(x, axis, eps),)


# ---------------------------------------------------------------- cross-entropy of logits


def by_number(node: Call) -> bool:
    """Whether the targets are class numbers, one a row; else they are rows of probabilities."""
    z, y = node.args
    return y.shape != z.shape


def _cross_entropy_shape(z: Shape, y: Shape) -> Shape:
    if not z or y not in (z, z[:-1]):
        raise ValueError(
            Message(
                "logits {z} go with class numbers {numbers}, one a row, or with rows of probabilities {z}: "
                "the targets are {y}",
                z=z, numbers=z[:-1], y=y,
            )
        )  # fmt: skip
    return ()


def _count(z: Expr) -> int:
    return math.prod(z.shape[:-1])


@by_example
def _cross_entropy(node: Call, z: Any, y: Any) -> Any:
    logs = log_shares(z, -1)
    if by_number(node):
        at, known = numbers(y, z.shape[-1])
        shape = np.broadcast_shapes(logs.shape[:-1], at.shape)
        logs = np.broadcast_to(logs, (*shape, logs.shape[-1]))
        terms = np.take_along_axis(logs, np.broadcast_to(at, shape)[..., None], -1)[..., 0]
        terms = np.where(known, terms, np.nan)
    else:
        terms = np.sum(np.where(y == 0, 0.0, np.where(y == 0, 1.0, y) * logs), axis=-1)
    return -np.sum(terms.reshape(len(terms), -1), axis=-1) / _count(node.args[0])


def _cross_entropy_noise(node: Call, value: Any, arrays: Sequence[Any], noises: Sequence[Any]) -> Any:
    @by_example
    def moved(node: Call, n: Any, y: Any) -> Any:
        """ln Σ eᶻ moves by no more than the noisiest logit of its row, and so does the target's own."""
        rows = 2 * np.max(n, axis=-1) * (1.0 if by_number(node) else np.sum(np.abs(y), axis=-1))
        return np.sum(rows.reshape(len(rows), -1), axis=-1) / _count(node.args[0])

    return moved(node, noises[0], arrays[1]) + abs(value) * EPSILON


def _cross_entropy_element(node: Call, index: tuple[int, ...]) -> Expr:
    z, y = node.args
    rows = []
    for row in indices(z.shape[:-1]):
        zs = [element(z, (*row, c)) for c in range(z.shape[-1])]
        whole = call("log", total([call("exp", x) for x in zs]))
        if by_number(node):
            rows.append(whole - call("pick", element(y, row), *zs))
        else:
            rows.append(total([call("times", element(y, (*row, c)), whole - x) for c, x in enumerate(zs)]))
    return mean_of(rows)


def _cross_entropy_reverse(node: Call, out: Expr, G: Expr) -> tuple[Expr | None, ...]:
    """(softmax(z) − y)/rows; of rows of probabilities softmax(z) is taken as often as they add up to: once."""
    (z, y), rows = node.args, _count(node.args[0])
    shares = call("softmax", z)
    if by_number(node):
        return product(G, _shared(shares - call("one_hot", y, z), rows)), None
    whole = along(call("sum", y, param=-1), z, -1)
    return (
        product(G, _shared(call("mul", shares, whole) - y, rows)),
        product(G, negative(_shared(call("log_softmax", z), rows))),
    )


def _shared(part: Expr, rows: int) -> Expr:
    return part / rows if rows > 1 else part


OPERATORS |= {
    # softmax(z), log_softmax(z): along the last axis, or along `param`
    "softmax": Operator(_along_shape, _softmax, _softmax_element, _softmax_reverse, shaped=True, noise=softmax_noise),
    "jacobian": Operator(lambda shape: shape * 2, _jacobian, _jacobian_element, noise=jacobian_noise),
    "log_softmax": Operator(
        _along_shape,
        lambda node, z: log_shares(z, axis_of(node)),
        _log_softmax_element,
        _log_softmax_reverse,
        shaped=True,
        noise=lambda node, value, arrays, noises: noises[0] + np.max(noises[0], axis=axis_of(node), keepdims=True),
    ),
    # norm(x): (x − mean) / √(var + eps) along an axis; param (axis, eps)
    "norm": Operator(
        _norm_shape,
        _norm,
        _norm_element,
        _norm_reverse,
        shaped=True,
        settles=Settling(lambda node, value, x: near_mean(node, x, node.param[0]), _norm_settled),
        noise=_norm_noise,
    ),
    # cross_entropy(z, y): −ln softmax(z) of the true class, the mean over rows; y class numbers, or probabilities
    "cross_entropy": Operator(
        _cross_entropy_shape,
        _cross_entropy,
        _cross_entropy_element,
        _cross_entropy_reverse,
        noise=_cross_entropy_noise,
    ),
}
