"""What a text may write about arrays beyond operators: sum(x, axis=0), conv(x, k, stride=2), softmax(S) ...

`ARRAY_FUNCTIONS` is the table, a row a function: how it is written, what it takes, and the tree that it stands for. The
rules are NumPy's. Axes count from the end in a tree (see `expressions.Call.param`), so that a leading axis of examples
never matters; ids, rows and classes count from 1 in a text and from 0 in a tree.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from tutor.engine.expressions import Expr, Shape, call
from tutor.messages import Message

MAX_RANK = 4
MAX_VALUES = 10_000_000  # numbers of one value


def shape_text(shape: Shape) -> str:
    """A shape in words: 'a single number', 'a vector of 3', '2 × 3'."""
    if not shape:
        return Message("a single number")
    if len(shape) == 1:
        return Message("a vector of {n}", n=f"{shape[0]:,}")
    return " × ".join(f"{size:,}" for size in shape)


def check_size(shape: Shape) -> None:
    """Raises ValueError for a value that nobody can look at, before there is one."""
    if len(shape) > MAX_RANK:
        words = {"shape": shape_text(shape), "rank": len(shape), "most": MAX_RANK}
        raise ValueError(Message("that would be {shape}, of rank {rank}: {most} is the most", **words))
    if math.prod(shape) > MAX_VALUES:
        words = {"shape": shape_text(shape), "n": f"{math.prod(shape):,}", "most": f"{MAX_VALUES:,}"}
        raise ValueError(Message("that would be {shape}, {n} numbers: {most} are the most", **words))


@dataclass(frozen=True)
class FunctionSetting:
    """A number that is written out, by its name: axis=0. A flag is True or False; axes are one or several, (0, 2).

    None as default: left out.
    """

    name: str
    kind: Literal["whole", "axes", "number", "flag"]
    default: Any = None
    least: float = -math.inf


@dataclass(frozen=True)
class ArrayFunction:
    """How a function is written and what it means.

    arrays    how many arrays it takes, least and most
    numbers   how many whole numbers stand behind them, least and most
    make      arrays, numbers, settings by name -> the tree; ValueError for what does not fit
    usage     the ways to write it
    meaning   in words, for authors
    """

    usage: tuple[str, ...]
    meaning: str
    make: Callable[[Sequence[Expr], Sequence[int], Mapping[str, Any]], Expr]
    arrays: tuple[int, int] = (1, 1)
    numbers: tuple[int, int] = (0, 0)
    settings: tuple[FunctionSetting, ...] = ()


AXIS = FunctionSetting("axis", "axes")
KEEPDIMS = FunctionSetting("keepdims", "flag", False)


def from_the_end(axis: int, shape: Shape) -> int:
    """An axis of NumPy's (0 the first, −1 the last), counted from the end. ValueError if it is not there."""
    rank = len(shape)
    if not rank:
        raise ValueError(Message("a single number has no axis"))
    if not -rank <= axis < rank:
        raise ValueError(
            Message(
                "there is no axis {axis}: the value is {shape}, its axes are 0 (or −1)"
                if rank == 1
                else "there is no axis {axis}: the value is {shape}, its axes are 0 to {last} (or −{rank} to −1)",
                axis=axis, shape=shape_text(shape), last=rank - 1, rank=rank,
            )
        )  # fmt: skip
    return axis if axis < 0 else axis - rank


def _reduction(op: str, of_a_number: bool) -> Callable[..., Expr]:
    """Over all axes, or over one of them; of a single number (where that means something) the number itself."""

    def make(arrays: Sequence[Expr], numbers: Sequence[int], settings: Mapping[str, Any]) -> Expr:
        (x,), axes = arrays, settings["axis"]
        if axes is None and not x.shape:
            if of_a_number:
                return x
            raise ValueError(Message("of a single number there is nothing to compare or to spread"))
        rank = len(x.shape)
        gone = set(range(-rank, 0)) if axes is None else {from_the_end(axis, x.shape) for axis in axes}
        if axes is not None and len(gone) < len(axes):
            raise ValueError(Message("an axis is named twice"))
        if 1 < len(gone) < rank and op == "variance":
            raise ValueError(
                Message("var() goes along one axis, or over all: reshape what is to go together to one axis")
            )
        found = x
        if len(gone) == rank:
            found = call(op, x)
        else:
            for axis in sorted(gone):  # the first first: the others are counted from the end
                found = call(op, found, param=axis)
        kept = tuple(1 if at - rank in gone else size for at, size in enumerate(x.shape))
        return _reshaped(found, kept) if settings["keepdims"] else found

    return make


def _reshaped(x: Expr, shape: Shape) -> Expr:
    return x if x.shape == shape else call("reshape", x, param=shape)


def _along(op: str) -> Callable[..., Expr]:
    def make(arrays: Sequence[Expr], numbers: Sequence[int], settings: Mapping[str, Any]) -> Expr:
        axis = from_the_end(settings["axis"], arrays[0].shape)
        return call(op, *arrays, param=None if axis == -1 else axis)

    return make


def _norm(arrays: Sequence[Expr], numbers: Sequence[int], settings: Mapping[str, Any]) -> Expr:
    axis = from_the_end(settings["axis"], arrays[0].shape)
    return call("norm", *arrays, param=(axis, float(settings["eps"])))


def _plain(op: str) -> Callable[..., Expr]:
    return lambda arrays, numbers, settings: call(op, *arrays)


def _conv(arrays: Sequence[Expr], numbers: Sequence[int], settings: Mapping[str, Any]) -> Expr:
    return call("conv", *arrays, param=(settings["stride"], settings["padding"]))


def _pool(op: str) -> Callable[..., Expr]:
    def make(arrays: Sequence[Expr], numbers: Sequence[int], settings: Mapping[str, Any]) -> Expr:
        (size,) = numbers
        return call(op, *arrays, param=(size, size if settings["stride"] is None else settings["stride"]))

    return make


def _row(arrays: Sequence[Expr], numbers: Sequence[int], settings: Mapping[str, Any]) -> Expr:
    return call("row", *arrays, param=numbers[0] - 1)


def _embedding(arrays: Sequence[Expr], numbers: Sequence[int], settings: Mapping[str, Any]) -> Expr:
    table, ids = arrays
    if len(table.shape) != 2:
        shape = shape_text(table.shape)
        raise ValueError(Message("the table of an embedding has a row for each id; here is {shape}", shape=shape))
    return call("embedding", table, ids)


def _concat(arrays: Sequence[Expr], numbers: Sequence[int], settings: Mapping[str, Any]) -> Expr:
    axis = from_the_end(settings["axis"], arrays[0].shape)
    return call("concat", *arrays, param=axis)


def _reshape(arrays: Sequence[Expr], numbers: Sequence[int], settings: Mapping[str, Any]) -> Expr:
    (x,), sizes = arrays, list(numbers)
    count = math.prod(x.shape)
    if sizes.count(-1) == 1:  # NumPy's word for: as many as it takes
        others = -math.prod(sizes)
        sizes[sizes.index(-1)] = count // others if others > 0 and not count % others else 0
    if min(sizes, default=1) < 1 or math.prod(sizes) != count:
        raise ValueError(
            Message(
                "{shape} is {n} number: they do not make {wanted}"
                if count == 1
                else "{shape} is {n} numbers: they do not make {wanted}",
                shape=shape_text(x.shape), n=f"{count:,}", wanted=" × ".join(map(str, numbers)),
            )
        )  # fmt: skip
    return _reshaped(x, tuple(sizes))


_LAST = FunctionSetting("axis", "whole", -1)
_OVER = (AXIS, KEEPDIMS)

ARRAY_FUNCTIONS: dict[str, ArrayFunction] = {
    "sum": ArrayFunction(
        ("sum(x)", "sum(x, axis=0)"), "the sum of all, or along an axis", _reduction("sum", True), settings=_OVER
    ),
    "mean": ArrayFunction(
        ("mean(x)", "mean(x, axis=0)"), "the mean of all, or along an axis", _reduction("average", True), settings=_OVER
    ),
    "max": ArrayFunction(
        ("max(x)", "max(x, axis=0)"),
        "the largest of all, or along an axis; of equal ones the first takes the whole gradient",
        _reduction("reduce_max", False),
        settings=_OVER,
    ),
    "min": ArrayFunction(
        ("min(x)", "min(x, axis=0)"), "the smallest, likewise", _reduction("reduce_min", False), settings=_OVER
    ),
    "var": ArrayFunction(
        ("var(x)", "var(x, axis=0)"),
        "the variance of the population: the mean of (x − mean)²",
        _reduction("variance", False),
        settings=_OVER,
    ),
    "softmax": ArrayFunction(
        ("softmax(x)", "softmax(x, axis=0)"), "eˣ/Σeˣ along the last axis, or another", _along("softmax"),
        settings=(_LAST,),
    ),
    "log_softmax": ArrayFunction(
        ("log_softmax(x)", "log_softmax(x, axis=0)"), "its logarithm, x − ln Σeˣ", _along("log_softmax"),
        settings=(_LAST,),
    ),
    "norm": ArrayFunction(
        ("norm(x)", "norm(x, axis=0, eps=1e-5)"),
        "(x − mean)/√(var + eps) along the last axis, or another",
        _norm,
        settings=(_LAST, FunctionSetting("eps", "number", 1e-5, 0)),
    ),
    "cross_entropy": ArrayFunction(
        ("cross_entropy(z, y)",),
        "of logits z, the mean over their rows; y: one class number a row (data, from 1; of a vector z one number), "
        "or rows of probabilities",
        _plain("cross_entropy"),
        arrays=(2, 2),
    ),
    "conv": ArrayFunction(
        ("conv(x, k)", "conv(x, k, stride=2, padding=1)"),
        "the kernel k at every place of x, without a flip; the rank of k decides (see below)",
        _conv,
        arrays=(2, 2),
        settings=(FunctionSetting("stride", "whole", 1, 1), FunctionSetting("padding", "whole", 0, 0)),
    ),
    "max_pool": ArrayFunction(
        ("max_pool(x, 2)", "max_pool(x, 3, stride=2)"),
        "the largest of each window, on the last axis of a vector, else the last two; stride: the size unless told",
        _pool("max_pool"),
        numbers=(1, 1),
        settings=(FunctionSetting("stride", "whole", None, 1),),
    ),
    "avg_pool": ArrayFunction(
        ("avg_pool(x, 2)", "avg_pool(x, 3, stride=2)"),
        "the mean of each window, likewise",
        _pool("avg_pool"),
        numbers=(1, 1),
        settings=(FunctionSetting("stride", "whole", None, 1),),
    ),
    "row": ArrayFunction(("row(x, 2)",), "a row (of a vector an element), counted from 1", _row, numbers=(1, 1)),
    "embedding": ArrayFunction(
        ("embedding(E, ids)",),
        "the rows of E with these numbers, counted from 1; ids is data, and an id may repeat",
        _embedding,
        arrays=(2, 2),
    ),
    "concat": ArrayFunction(
        ("concat(a, b)", "concat(a, b, axis=-1)"),
        "one after the other along an axis, the first unless told",
        _concat,
        arrays=(2, 99),
        settings=(FunctionSetting("axis", "whole", 0),),
    ),
    "reshape": ArrayFunction(
        ("reshape(x, 2, 3)", "reshape(x, -1)"), "the same numbers, row by row, in another shape", _reshape,
        numbers=(1, 99),
    ),
    "causal": ArrayFunction(
        ("causal(S)",), "−∞ above the diagonal of the last two axes: blocked positions", _plain("causal")
    ),
}  # fmt: skip

# What libraries have, as it is written here; case, and a 1d or 2d behind, count for nothing.
OF_LIBRARIES: dict[str, str] = {
    **dict.fromkeys(("matmul", "mm", "bmm", "mv", "dot", "inner", "vdot"), "A @ B"),
    **dict.fromkeys(("transpose", "permute", "swapaxes", "t"), "A.T"),
    **dict.fromkeys(("concatenate", "cat", "vstack", "append"), "concat(a, b)"),
    "hstack": "concat(a, b, axis=-1)",
    "stack": "concat(reshape(a, 1, -1), reshape(b, 1, -1))",
    "outer": "reshape(a, -1, 1) * b",
    **dict.fromkeys(("flatten", "ravel"), "reshape(x, -1)"),
    **dict.fromkeys(("view", "squeeze", "unsqueeze", "expand_dims"), "reshape(x, 2, 3)"),
    **dict.fromkeys(("conv", "convolve", "correlate"), "conv(x, k)"),
    **dict.fromkeys(("max_pool", "maxpool", "maxpooling"), "max_pool(x, 2)"),
    **dict.fromkeys(("avg_pool", "avgpool", "avgpooling", "averagepooling", "mean_pool"), "avg_pool(x, 2)"),
    **dict.fromkeys(("layer_norm", "layernorm"), "norm(x)"),
    **dict.fromkeys(("batch_norm", "batchnorm"), "norm(x, axis=0)"),
    **dict.fromkeys(("rms_norm", "rmsnorm"), "x / sqrt(mean(x**2, axis=-1, keepdims=True) + 1e-5)"),
    **dict.fromkeys(("l2_norm", "l2norm", "vector_norm", "frobenius", "length"), "sqrt(sum(x**2))"),
    "normalize": Message("x / sqrt(sum(x**2, axis=-1, keepdims=True)), or norm(x) for mean 0 and variance 1"),
    **dict.fromkeys(("std", "stddev"), "sqrt(var(x))"),
    **dict.fromkeys(("logsumexp", "lse"), "log(sum(exp(x)))"),
    **dict.fromkeys(("mse", "mse_loss", "mseloss"), "mean((p - y)**2)"),
    **dict.fromkeys(("nll_loss", "crossentropy", "crossentropyloss"), Message("cross_entropy(z, y), of logits z")),
    **dict.fromkeys(("linear", "dense", "affine"), Message("W @ x + b, or X @ W + b of a row an example")),
    **dict.fromkeys(("cosine_similarity", "cossim"), "a @ b / sqrt(sum(a**2) * sum(b**2))"),
    **dict.fromkeys(("gather", "take", "lookup", "index_select"), "embedding(E, ids)"),
    **dict.fromkeys(("tril", "triu", "mask", "causal_mask"), "causal(S)"),
    "dropout": Message("x * mask / 0.5, with the mask an input in data"),
    "where": Message("m * a + (1 - m) * b, with m an input in data; max(a, b), min(a, b) and relu(x) choose, too"),
    **dict.fromkeys(
        ("zeros", "ones", "eye", "arange", "one_hot", "randn"), Message("a name, its numbers an input in data")
    ),
    **dict.fromkeys(("len", "size"), Message("the number itself")),
    **dict.fromkeys(("argmax", "argmin"), Message("max(x), the value: a place has no gradient")),
}  # fmt: skip


def of_libraries(word: str) -> str:
    """How a function of NumPy's or of a framework's is written here; "" where that is not known."""
    folded = word.casefold()
    return OF_LIBRARIES.get(folded) or OF_LIBRARIES.get(re.sub(r"_?[123]d$", "", folded), "")
