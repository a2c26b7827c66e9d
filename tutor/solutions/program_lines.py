"""How a formula is written as a line of a program: NumPy, JAX or PyTorch, from the trees that the steps come from.

`_SPECIAL` has a row for each operator that is neither infix nor a function of all three libraries; what takes more than
a line is one of `HELPERS`, which a program prints if a line calls it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from tutor.engine.activations import ACTIVATIONS, definition, derivative, prime_of
from tutor.engine.expressions import Call, Const, Expr, Ref, refs
from tutor.engine.trace import Trace
from tutor.text.language import say

Dialect = Literal["numpy", "torch", "jax"]


class NoProgram(ValueError):
    """Why a lesson has no program in a dialect; str() says which step."""


@dataclass(frozen=True)
class Library:
    """How a library is written: what its functions begin with, and what it calls axes that go and that stay."""

    imports: tuple[str, ...]
    prefix: str
    axis: str
    keep: str
    array: str


LIBRARIES: dict[Dialect, Library] = {
    "numpy": Library(("import numpy as np",), "np", "axis", "keepdims", "np.array({})"),
    "jax": Library(
        ("import jax", "import jax.numpy as np", 'jax.config.update("jax_enable_x64", True)'),
        "np", "axis", "keepdims", "np.array({}, dtype=float)",
    ),
    "torch": Library(
        ("import numpy", "import torch", "torch.set_default_dtype(torch.float64)"),
        "torch", "dim", "keepdim", "torch.tensor({}, dtype=torch.float64)",
    ),
}  # fmt: skip

# Functions that a program may need: {np} is the library, {axis} and {keep} its words. Printed if a line calls it.
HELPERS: dict[str, str] = {
    "softmax": """def softmax(z, axis=-1):
    e = {np}.exp(z - {np}.amax(z, {axis}=axis, {keep}=True))
    return e / {np}.sum(e, {axis}=axis, {keep}=True)""",
    "log_softmax": """def log_softmax(z, axis=-1):
    return {np}.log(softmax(z, axis))""",
    "norm": """def norm(x, axis, eps):
    mean = {np}.mean(x, {axis}=axis, {keep}=True)
    return (x - mean) / {np}.sqrt({np}.mean((x - mean) ** 2, {axis}=axis, {keep}=True) + eps)""",
    "one_hot": """def one_hot(y, classes):
    return {np}.where({np}.arange(1, classes + 1) == y[..., None], 1.0, 0.0)""",
    "cross_entropy": """def cross_entropy(z, y):
    wanted = one_hot(y, z.shape[-1]) if y.ndim < z.ndim else y
    return -{np}.mean({np}.sum(wanted * log_softmax(z), {axis}=-1))""",
    "causal": """def causal(s, blocked=-float("inf")):
    n, m = s.shape[-2:]
    return {np}.where({np}.arange(m) <= {np}.arange(n)[:, None], s, blocked)""",
    "first": """def first(x, best, axis):  # 1 at the first of the best, 0 at the others
    flat = x.reshape(1, -1) if axis is None else {np}.swapaxes(x, axis, -1)
    at = best(flat, {axis}=-1)[..., None] == {np}.arange(flat.shape[-1])
    return (at * 1.0).reshape(x.shape) if axis is None else {np}.swapaxes(at * 1.0, axis, -1)""",
    "jacobian": """def jacobian(a):
    return a[..., :, None] * ({np}.eye(a.shape[-1]) - a[..., None, :])""",
}
ERF = {"np": "erf = np.vectorize(math.erf)", "torch": "erf = torch.erf", "jax": "erf = jax.scipy.special.erf"}
# Windows that slide. Each batch, output and channel is an axis of its own: b, o, c. {cells} are all places of a window.
WINDOWS: dict[Dialect, str] = {
    "numpy": """def windows(x, sizes, stride, padding=0):
    n = len(sizes)
    x = np.pad(x, [(0, 0)] * (x.ndim - n) + [(padding, padding)] * n)
    found = np.lib.stride_tricks.sliding_window_view(x, sizes, axis=tuple(range(-n, 0)))
    return found[(..., *[slice(None, None, stride)] * n, *[slice(None)] * n)]""",
    "torch": """def windows(x, sizes, stride, padding=0):
    axis = x.ndim - len(sizes)
    x = torch.nn.functional.pad(x, (padding, padding) * len(sizes))
    for size in sizes:
        x, axis = x.unfold(axis, size, stride), axis + 1
    return x""",
    "jax": """def windows(x, sizes, stride, padding=0):
    n = len(sizes)
    x, axis = np.pad(x, [(0, 0)] * (x.ndim - n) + [(padding, padding)] * n), x.ndim - n
    for size in sizes:
        places = np.arange(0, x.shape[axis] - size + 1, stride)[:, None] + np.arange(size)
        x, axis = np.moveaxis(np.take(x, places, axis=axis), axis + 1, -1), axis + 1
    return x""",
}
SLIDING = {
    "conv": """def conv(x, k, stride, padding):  # the kernel is laid on every place; a cell is the sum of the products
    n = 1 if k.ndim in (1, 3) else 2
    found = windows(x, k.shape[-n:], stride, padding)
    if k.ndim <= 2:
        return {np}.sum(found * k, {axis}=tuple(range(-n, 0)))
    return {np}.einsum("...cpx,ocx->...op" if n == 1 else "...cpqxy,ocxy->...opq", found, k)""",
    "conv_kernel": """def conv_kernel(x, G, k, stride, padding):  # a weight hears from every place where it lay
    n = 1 if k.ndim in (1, 3) else 2
    found = windows(x, k.shape[-n:], stride, padding)
    if k.ndim <= 2:
        return {np}.tensordot(G, found, G.ndim)
    found, G = found.reshape(-1, *found.shape[-2 * n - 1:]), G.reshape(-1, *G.shape[-n - 1:])
    return {np}.einsum("bcpx,bop->ocx" if n == 1 else "bcpqxy,bopq->ocxy", found, G)""",
    "conv_input": """def conv_input(G, k, x, stride, padding):  # copies of the kernel, added where they overlap
    n = 1 if k.ndim in (1, 3) else 2
    dx = {np}.zeros([*x.shape[:-n], *(m + 2 * padding for m in x.shape[-n:])])
    for at in {cells}(*k.shape[-n:]):
        place = tuple(slice(r, r + stride * (m - 1) + 1, stride) for r, m in zip(at, G.shape[-n:]))
        many = "...op,oc->...cp" if n == 1 else "...opq,oc->...cpq"
        dx[(..., *place)] += G * k[at] if k.ndim <= 2 else {np}.einsum(many, G, k[(..., *at)])
    return dx[(..., *(slice(padding, padding + m) for m in x.shape[-n:]))]""",
    "pools": """def pools(x, size, stride):
    n = min(x.ndim, 2)
    found = windows(x, (size,) * n, stride)
    return found.reshape(*found.shape[:-n], -1)""",
    "max_pool": """def max_pool(x, size, stride):
    found = pools(x, size, stride)
    first = {np}.argmax(found, {axis}=-1)[..., None]
    return {np}.{take}(found, first, {axis}=-1)[..., 0]""",
    "avg_pool": """def avg_pool(x, size, stride):
    return {np}.mean(pools(x, size, stride), {axis}=-1)""",
    "unpool": """def unpool(shares, x, size, stride):  # shares (..., places, window) added where the windows lay
    n, dx = min(x.ndim, 2), {np}.zeros(x.shape)
    for k, at in enumerate({cells}(*(size,) * n)):
        place = tuple(slice(r, r + stride * (m - 1) + 1, stride) for r, m in zip(at, shares.shape[-n - 1 : -1]))
        dx[(..., *place)] += shares[..., k]
    return dx""",
    "unpool_max": """def unpool_max(G, x, size, stride):  # to the first of the largest, nothing to the others
    found = pools(x, size, stride)
    first = {np}.argmax(found, {axis}=-1)[..., None] == {np}.arange(found.shape[-1])
    return unpool(G[..., None] * first, x, size, stride)""",
    "unpool_avg": """def unpool_avg(G, x, size, stride):
    many = size ** min(x.ndim, 2)
    return unpool(G[..., None] * {np}.ones(many) / many, x, size, stride)""",
}
CELLS = """def cells(*sizes):
    return itertools.product(*map(range, sizes))"""


COMMENT = re.compile(r"(?<=  # ).+")  # in the functions above: a message


def helper_text(name: str, dialect: Dialect) -> str:
    """The text of a function that a program needs, as a library is written."""
    library = LIBRARIES[dialect]
    if name == "erf":
        return ERF["jax" if dialect == "jax" else library.prefix]
    if name == "windows":
        return WINDOWS[dialect]
    if name == "cells":
        return CELLS
    text = COMMENT.sub(lambda comment: say(comment[0]), HELPERS.get(name) or SLIDING[name])
    if dialect == "jax":  # its arrays are never written into
        text = re.sub(r"dx\[(.*)\] \+= (.*)", r"dx = dx.at[\1].add(\2)", text)
    words = {
        "np": library.prefix, "axis": library.axis, "keep": library.keep,
        "cells": "np.ndindex" if dialect == "numpy" else "cells",
        "take": "take_along_dim" if dialect == "torch" else "take_along_axis",
    }  # fmt: skip
    return re.sub(r"\{(np|axis|keep|cells|take)\}", lambda mark: words[mark[1]], text)


NEEDS = {"log_softmax": ("softmax",), "cross_entropy": ("log_softmax", "softmax", "one_hot"),
         **dict.fromkeys(("conv", "conv_kernel", "pools"), ("windows",)),
         **dict.fromkeys(("max_pool", "avg_pool"), ("pools", "windows")),
         **dict.fromkeys(("unpool_max", "unpool_avg"), ("unpool", "pools", "windows"))}  # fmt: skip
IN_CELLS = ("conv_input", "unpool_max", "unpool_avg")  # those that go through the places of a window

_INFIX: dict[str, tuple[str, int]] = {
    "add": (" + ", 1), "sub": (" - ", 1), "mul": (" * ", 2), "div": (" / ", 2), "ratio": (" / ", 2),
    "times": (" * ", 2), "pow": (" ** ", 4),
}  # fmt: skip
_PLAIN = {
    "exp": "exp",
    "log": "log",
    "sqrt": "sqrt",
    "sin": "sin",
    "cos": "cos",
    "abs": "abs",
    "sign": "sign",
    "tanh": "tanh",
}
_ATOM = 5
Source = tuple[str, int]  # a text, and how tightly its outermost sign binds


@dataclass
class Printer:
    """Prints the trees of one trace; notes which helpers the lines call."""

    trace: Trace
    library: Library
    names: dict[str, str]
    used: dict[str, None] = field(default_factory=dict)

    def __call__(self, expr: Expr) -> str:
        """A formula as it stands on the right of a line. Raises NoProgram."""
        return self.source(expr)[0]

    def tight(self, expr: Expr, least: int) -> str:
        """A formula in brackets, unless its outermost sign binds as tightly as is needed."""
        text, binds = self.source(expr)
        return text if binds >= least else f"({text})"

    def source(self, expr: Expr) -> Source:
        """A formula, and how tightly its outermost sign binds. Raises NoProgram."""
        if isinstance(expr, Const):
            return _number(expr.value)
        if isinstance(expr, Ref):
            name = self.names[expr.symbol.key]
            return (name, _ATOM) if not expr.index else (f"{name}[{', '.join(map(str, expr.index))}]", _ATOM)
        assert isinstance(expr, Call)
        if expr.op in _INFIX:
            return self._infix(expr)
        if expr.op == "neg":
            return f"-{self.tight(expr.args[0], 3)}", 3
        if expr.op in _PLAIN and not refs(expr):  # a number: √2
            self.used.setdefault("math")
            return self._call(f"math.{_PLAIN[expr.op]}", expr)
        if expr.op in _PLAIN:
            return self._call(f"{self.library.prefix}.{_PLAIN[expr.op]}", expr)
        if prime := prime_of(expr.op):
            return self.source(derivative(prime, expr.args))
        if expr.op in _SPECIAL:
            return _SPECIAL[expr.op](self, expr)
        if expr.op in ACTIVATIONS:
            return self.source(definition(expr.op, expr.args))
        raise NoProgram(say("{gate} has no line in a program yet", gate=expr.op))

    def _call(self, name: str, expr: Call, *more: str) -> Source:
        return f"{name}({', '.join([*map(self, expr.args), *more])})", _ATOM

    def helper(self, name: str, expr: Call, *more: str) -> Source:
        """A call of one of `HELPERS`."""
        cells = ("cells",) if name in IN_CELLS and self.library is not LIBRARIES["numpy"] else ()
        for needed in (*cells, *reversed(NEEDS.get(name, ())), name):
            self.used.setdefault(needed)
        return self._call(name, expr, *more)

    def _infix(self, expr: Call) -> Source:
        sign, binds = _INFIX[expr.op]
        parts = [self._beside(expr, arg) for arg in expr.args]
        texts = []
        for at, (text, own) in enumerate(parts):
            least = binds + (at > 0 and expr.op in ("sub", "div", "ratio")) + (expr.op == "pow" and at == 0)
            texts.append(text if own >= least else f"({text})")
        return sign.join(texts), binds

    def _beside(self, expr: Call, arg: Expr) -> Source:
        """An argument of an elementwise operator: one number an example gets the axes that it lacks."""
        missing = len(expr.shape) - len(arg.shape)
        if not (expr.batched and arg.batched and missing):
            return self.source(arg)
        return f"{self.tight(arg, _ATOM)}[:{', None' * missing}]", _ATOM

    def axes(self, expr: Call) -> str:
        """The axes of a reduction: all of an example's, or that of `param`."""
        arg = expr.args[0]
        if expr.param is not None:
            return f"{self.library.axis}={expr.param}"
        if not arg.batched:
            return ""
        return f"{self.library.axis}={tuple(range(-len(arg.shape), 0))}"


def _number(value: float) -> Source:
    if not math.isfinite(value):
        return f'float("{value}")', _ATOM
    text = repr(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)
    return text, _ATOM if value >= 0 else 3


# ---------------------------------------------------------------- what is written in its own way


def _matmul(p: Printer, e: Call) -> Source:
    a, b = e.args
    left, right = p.tight(a, 2), p.tight(b, 3)
    if b.batched and len(b.shape) == 1 and not a.batched and len(a.shape) == 2:  # one matrix for all examples
        return f"{p.tight(b, 2)} @ {p.tight(a, _ATOM)}.T", 2
    if not (a.batched or b.batched) or (len(a.shape) >= 2 and len(b.shape) >= 2):
        return f"{left} @ {right}", 2
    raise NoProgram(say("a product of vectors that each example has has no line in a program yet"))


def _outer(p: Printer, e: Call) -> Source:
    x, y = e.args
    if e.batched:
        left = f"{p.tight(x, _ATOM)}[:, :, None]" if x.batched else f"{p.tight(x, _ATOM)}[:, None]"
        right = f"{p.tight(y, _ATOM)}[:, None, :]" if y.batched else f"{p.tight(y, _ATOM)}[None, :]"
        return f"{left} * {right}", 2
    return p._call(f"{p.library.prefix}.outer", e)


def _transpose(p: Printer, e: Call) -> Source:
    inner = p.tight(e.args[0], _ATOM)
    plain = len(e.shape) == 2 and not e.batched
    return (f"{inner}.T" if plain else f"{p.library.prefix}.swapaxes({p(e.args[0])}, -1, -2)"), _ATOM


def _reduction(name: str) -> Callable[[Printer, Call], Source]:
    def source(p: Printer, e: Call) -> Source:
        axes = p.axes(e)
        return f"{p.library.prefix}.{name}({', '.join([p(e.args[0]), *([axes] if axes else [])])})", _ATOM

    return source


def _variance(p: Printer, e: Call) -> Source:
    more = [text for text in (p.axes(e), "correction=0" if p.library.prefix == "torch" else "") if text]
    return f"{p.library.prefix}.var({', '.join([p(e.args[0]), *more])})", _ATOM


def _extreme(name: str) -> Callable[[Printer, Call], Source]:
    def source(p: Printer, e: Call) -> Source:
        found = ""
        for at, arg in enumerate(e.args):
            text = p._beside(e, arg)[0]
            if p.library.prefix == "torch" and isinstance(arg, Const):
                text = f"torch.tensor({float(arg.value)})"
            found = text if at == 0 else f"{p.library.prefix}.{name}({found}, {text})"
        return found, _ATOM

    return source


def _choose(p: Printer, e: Call) -> Source:
    z, x, y = (p(arg) for arg in e.args)
    return f"{p.library.prefix}.where({z} > 0, {x}, {y})", _ATOM


def _wins(name: str) -> Callable[[Printer, Call], Source]:
    """1 for the argument that is taken, of equal ones the first."""

    def source(p: Printer, e: Call) -> Source:
        k = int(e.param or 0)
        texts = [p.tight(arg, 2) for arg in e.args]
        sign = ">" if name == "max" else "<"
        tests = [f"({texts[k]} {sign}{'' if at < k else '='} {text})" for at, text in enumerate(texts) if at != k]
        return f"1.0 * ({' & '.join(tests)})", 2

    return source


def _over_examples(name: str) -> Callable[[Printer, Call], Source]:
    return lambda p, e: (f"{p.library.prefix}.{name}({p(e.args[0])}, {p.library.axis}=0)", _ATOM)


def _products_over_examples(divided: bool) -> Callable[[Printer, Call], Source]:
    def source(p: Printer, e: Call) -> Source:
        x, y = e.args
        found = f"{p.tight(x, _ATOM)}.T @ {p.tight(y, 3)}"
        return f"{found} / {p.trace.examples}" if divided else found, 2

    return source


def _along(p: Printer, e: Call) -> Source:
    """spread, expand: the same again along an axis, as large as `like`."""
    x, like = e.args
    text = p.tight(x, _ATOM)
    if e.op == "spread" and e.param is not None and x.shape:
        at = -int(e.param) - 1
        text = f"{text}[..., None{', :' * at}]"
    elif e.op == "spread" and not x.shape and x.batched:
        text = f"{text}[:{', None' * len(like.shape)}]"
    elif e.op == "expand" and x.batched and len(like.shape) > len(x.shape):
        text = f"{text}[:{', None' * (len(like.shape) - len(x.shape))}]"
    return f"{text} * {p.library.prefix}.ones({_shape(p, e)})", 2


def _shape(p: Printer, e: Call) -> str:
    return str(((p.trace.examples,) if e.batched else ()) + e.shape)


def _sum_to(p: Printer, e: Call) -> Source:
    x, like = e.args
    lead = tuple(range(-len(x.shape), -len(like.shape))) if like.shape else tuple(range(-len(x.shape), 0))
    ones = tuple(
        k - len(like.shape)
        for k, n in enumerate(like.shape)
        if n == 1 and x.shape[len(x.shape) - len(like.shape) + k] != 1
    )
    text = p(x)
    if ones:
        text = f"{p.library.prefix}.sum({text}, {p.library.axis}={ones}, {p.library.keep}=True)"
    if lead:
        text = f"{p.library.prefix}.sum({text}, {p.library.axis}={lead})"
    return text, _ATOM


def _concat(p: Printer, e: Call) -> Source:
    parts = ", ".join(map(p, e.args))
    return f"{p.library.prefix}.concatenate(({parts}), {p.library.axis}={e.param})", _ATOM


def _row(p: Printer, e: Call) -> Source:
    lead = ":, " if e.batched else ""
    return f"{p.tight(e.args[0], _ATOM)}[{lead}{e.param}]", _ATOM


def _reshape(p: Printer, e: Call) -> Source:
    return f"{p.tight(e.args[0], _ATOM)}.reshape({_shape(p, e)})", _ATOM


def _embedding(p: Printer, e: Call) -> Source:
    table, ids = e.args
    whole = f"{p.tight(ids, _ATOM)}.long()" if p.library.prefix == "torch" else f"{p.tight(ids, _ATOM)}.astype(int)"
    return f"{p.tight(table, _ATOM)}[{whole} - 1]", _ATOM


def _scatter(p: Printer, e: Call) -> Source:
    G, ids, like = e.args
    n, width = like.shape
    return f"one_hot({p(ids)}, {n}).reshape(-1, {n}).T @ {p.tight(G, _ATOM)}.reshape(-1, {width})", 2


def _erf(p: Printer, e: Call) -> Source:
    p.used |= {"erf": None} | ({"math": None} if p.library is LIBRARIES["numpy"] else {})
    inner = p(e.args[0])
    return (f"erf({inner})", _ATOM) if e.op == "erf" else (f"1 - erf({inner})", 1)


def _first(name: str) -> Callable[[Printer, Call], Source]:
    def source(p: Printer, e: Call) -> Source:
        if e.batched and e.param is None:
            raise NoProgram(say("the largest of each example has no line in a program yet"))
        return p.helper("first", e, f"{p.library.prefix}.{name}", str(e.param))

    return source


def _placed(p: Printer, e: Call) -> Source:
    """place_row, place_part: G among zeros."""
    G, like = e.args
    if e.batched:
        raise NoProgram(say("a part of what each example has has no line in a program yet"))
    if e.op == "place_row":
        axis, start, stop, text = 0, int(e.param), int(e.param) + 1, f"{p.tight(G, _ATOM)}[None]"
    else:
        axis, start, stop = e.param
        axis, text = axis + len(like.shape), p(G)
    zeros = [
        f"{p.library.prefix}.zeros({(*like.shape[:axis], n, *like.shape[axis + 1 :])})"
        for n in (start, like.shape[axis] - stop)
    ]
    return f"{p.library.prefix}.concatenate(({zeros[0]}, {text}, {zeros[1]}), {p.library.axis}={axis})", _ATOM


def _part(p: Printer, e: Call) -> Source:
    axis, start, stop = e.param
    after = -axis - 1
    return f"{p.tight(e.args[0], _ATOM)}[..., {start}:{stop}{', :' * after}]", _ATOM


def _sliding(p: Printer, e: Call) -> Source:
    found = p.helper(e.op, e, *map(str, e.param))
    if not e.batched:
        return found
    names = iter(("one", "other", "third"))  # an example's part of what each example has
    each = {p(arg): next(names) for arg in e.args if arg.batched}
    inner = ", ".join([each.get(p(arg), p(arg)) for arg in e.args] + list(map(str, e.param)))
    of = ", ".join(each) if len(each) == 1 else f"zip({', '.join(each)})"
    return f"{p.library.prefix}.stack([{e.op}({inner}) for {', '.join(each.values())} in {of}])", _ATOM


def _linear(p: Printer, e: Call) -> Source:
    return p.source(e.args[0])


def _one_hot(p: Printer, e: Call) -> Source:
    p.used.setdefault("one_hot")
    return f"one_hot({p(e.args[0])}, {e.args[1].shape[-1]})", _ATOM


def _scattered(p: Printer, e: Call) -> Source:
    p.used.setdefault("one_hot")
    return _scatter(p, e)


_SPECIAL: dict[str, Callable[[Printer, Call], Source]] = {
    "matmul": _matmul,
    "outer": _outer,
    "transpose": _transpose,
    "sum": _reduction("sum"),
    "average": _reduction("mean"),
    "reduce_max": _reduction("amax"),
    "reduce_min": _reduction("amin"),
    "variance": _variance,
    "max": _extreme("maximum"),
    "min": _extreme("minimum"),
    "wins_max": _wins("max"),
    "wins_min": _wins("min"),
    "choose": _choose,
    "mean": _over_examples("mean"),
    "batch_sum": _over_examples("sum"),
    "mean_outer": _products_over_examples(True),
    "sum_outer": _products_over_examples(False),
    "spread": _along,
    "expand": _along,
    "sum_to": _sum_to,
    "concat": _concat,
    "row": _row,
    "reshape": _reshape,
    "embedding": _embedding,
    "scatter_rows": _scattered,
    "one_hot": _one_hot,
    "softmax": lambda p, e: p.helper("softmax", e, *([] if e.param is None else [str(e.param)])),
    "log_softmax": lambda p, e: p.helper("log_softmax", e, *([] if e.param is None else [str(e.param)])),
    "norm": lambda p, e: p.helper("norm", e, str(e.param[0]), repr(e.param[1])),
    "cross_entropy": lambda p, e: p.helper("cross_entropy", e),
    "causal": lambda p, e: p.helper("causal", e),
    "causal_mask": lambda p, e: p.helper("causal", e, "0.0"),
    "jacobian": lambda p, e: p.helper("jacobian", e),
    **{
        op: _sliding for op in ("conv", "conv_kernel", "conv_input", "max_pool", "avg_pool", "unpool_max", "unpool_avg")
    },
    "linear": _linear,
    "erf": _erf,
    "erfc": _erf,
    "first_max": _first("argmax"),
    "first_min": _first("argmin"),
    "place_row": _placed,
    "place_part": _placed,
    "part": _part,
}
