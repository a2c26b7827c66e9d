"""Rounding: how far it carries a value, and which results stand for 0.

Floating point leaves 5.6e-17 of 0.1 + 0.2 - 0.3. A result that the rounding of its operands alone could have made is
the 0 that it stands for, and of values that rounding alone tells apart the first is the largest and the smallest.
An operator's `noise` says how far its value moves with its operands' noise, its `settles` where rounding could decide.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from functools import reduce
from itertools import product as product_of
from typing import Any

import numpy as np

from tutor.engine.expressions import OPERATORS, Call, Const, Settling

NEAR = 1e-6  # a result no larger than this beside what went into it is looked at closely: the noise costs another pass


def wobble(node: Call, value: Any, arrays: Sequence[Any], noises: Sequence[Any]) -> Any:
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


def power_noise(node: Call, value: Any, arrays: Sequence[Any], noises: Sequence[Any]) -> Any:
    """A whole number as an exponent is that number: a little beside it, a power of what is negative is undefined."""
    exponent = node.args[1]
    whole = isinstance(exponent, Const) and exponent.value.is_integer()
    return wobble(node, value, arrays, (noises[0], 0.0) if whole else noises)


def linear_noise(node: Call, value: Any, arrays: Sequence[Any], noises: Sequence[Any]) -> Any:
    """Of what is linear in its arguments: the same of their noises."""
    return OPERATORS[node.op].numpy(node, *noises)


def first_noise(node: Call, value: Any, arrays: Sequence[Any], noises: Sequence[Any]) -> Any:
    """Of an operator that is linear in its first argument; the others say where, or what shape."""
    return OPERATORS[node.op].numpy(node, noises[0], *arrays[1:])


def bilinear_noise(node: Call, value: Any, arrays: Sequence[Any], noises: Sequence[Any]) -> Any:
    """Of products of the first two arguments, |x|·Δy + Δx·|y| + Δx·Δy; a third one gives a shape."""
    numpy, (x, y), (n, m), rest = OPERATORS[node.op].numpy, map(np.abs, arrays[:2]), noises[:2], arrays[2:]
    return numpy(node, x, m, *rest) + numpy(node, n, y, *rest) + numpy(node, n, m, *rest)


def softmax_noise(node: Call, value: Any, arrays: Sequence[Any], noises: Sequence[Any]) -> Any:
    """A share rises with its own z and falls with every other: its ends are exact."""
    (z,), (n,), axis = arrays, noises, node.param or -1
    z = z - np.max(z, axis=axis, keepdims=True)

    def end(sign: int) -> Any:
        own, other = np.exp(z + sign * n), np.exp(z - sign * n)
        return np.abs(own / (own + np.sum(other, axis=axis, keepdims=True) - other) - value)

    return np.fmax(end(-1), end(1))


def jacobian_noise(node: Call, value: Any, arrays: Sequence[Any], noises: Sequence[Any]) -> Any:
    """a_k times a difference; on the diagonal, of one a, that is a little more than it need be."""
    (a,), (n,) = arrays, noises
    apart = np.abs(np.eye(a.shape[-1]) - a[..., None, :])
    return n[..., :, None] * apart + (np.abs(a) + n)[..., :, None] * n[..., None, :]


def _any(where: Any) -> bool:
    """Whether anything holds: counted, which of a small array takes a fraction of what `any` does."""
    return bool(np.count_nonzero(where)) if isinstance(where, np.ndarray) else bool(where)


def _zero_within_noise(node: Call, value: Any, arrays: Sequence[Any], noises: Sequence[Any], own: Any) -> Any:
    return np.where((np.abs(value) <= own) & np.isfinite(own), 0.0, value)[()]


def cancelled(value: Any, *arrays: Any) -> bool:
    """Whether something, but not everything, of a sum of these arrays cancelled."""
    small = abs(value) <= NEAR * reduce(operator.add, map(abs, arrays))
    return _any(small) and _any(small & np.not_equal(value, 0))


def _few_cancelled(node: Call, value: Any, *arrays: Any) -> bool:
    return cancelled(value, *arrays)


def _largest(array: Any) -> float:
    """The largest size of a number: no copy of an array that may be large, no wrapping of one that may be small."""
    top, bottom = (reduced.reduce(array, axis=None, initial=0.0) for reduced in (np.maximum, np.minimum))
    return float(max(top, -bottom))


def _sum_cancelled(node: Call, value: Any, *arrays: Any) -> bool:
    """The same of a sum of products of elements of arrays, by the largest of them."""
    size = math.prod([_largest(array) for array in arrays])
    return _any(np.abs(value) <= NEAR * size) and _any((np.abs(value) <= NEAR * size) & np.not_equal(value, 0))


def _near_root(node: Call, value: Any, x: Any) -> bool:
    """Whether a function whose argument is not near 0 comes near 0, as a sine at π does."""
    return _any((abs(value) <= NEAR * (1 + abs(x))) & np.not_equal(value, 0) & (abs(x) > NEAR))


SUM, LONG_SUM, ROOT = (Settling(near, _zero_within_noise) for near in (_few_cancelled, _sum_cancelled, _near_root))
# of sums of the first argument's elements, or of products of the first two's: what follows gives a shape
LONG_FIRST = Settling(lambda node, value, x, *like: _sum_cancelled(node, value, x), _zero_within_noise)
LONG_PRODUCT = Settling(lambda node, value, x, y, *like: _sum_cancelled(node, value, x, y), _zero_within_noise)
