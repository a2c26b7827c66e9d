"""Slips about convolution, pooling and embeddings. See `rewriting.py` for what an entry is."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from tutor.engine.expressions import Call, Expr, Ref, call, product
from tutor.engine.reductions import along, length
from tutor.engine.windows import spatial
from tutor.questions.misconceptions.array_operators import flipped
from tutor.questions.misconceptions.reversing import Parts, Wrong, back, forward
from tutor.questions.misconceptions.rewriting import Misconception, Site, both, swap
from tutor.questions.misconceptions.structure import Structure, structure_of

# ---------------------------------------------------------------- convolution


def _flip_forward(site: Site) -> Iterator[Expr]:
    if forward(site) is not None:
        yield from swap(
            site,
            lambda n: n.op == "conv" and _has_sides(n.args[1]),
            lambda n: call("conv", n.args[0], flipped(n.args[1]), param=n.param),
        )


def _has_sides(k: Expr) -> bool:
    return prod(k.shape[-spatial(k.shape) :]) > 1


def _flip_back(structure: Structure, node: Call, out: Expr, G: Expr) -> Iterator[Parts]:
    x, k = node.args
    if _has_sides(k):
        yield (
            call("conv_input", G, flipped(k), x, param=node.param),
            flipped(call("conv_kernel", x, G, k, param=node.param)),
        )


def _overwritten(structure: Structure, node: Call, out: Expr, G: Expr) -> Iterator[Parts]:
    x, k = node.args
    if any(n > node.param[0] for n in k.shape[-spatial(k.shape) :]):  # else no two windows overlap
        yield (
            call("last_copy", G, k, x, param=node.param),
            call("conv_kernel", x, G, k, param=node.param),
        )


def _pools_overwritten(*wrong: str) -> Wrong:
    """Of a pool whose windows overlap: one part of each of the wrong operators."""

    def rule(structure: Structure, node: Call, out: Expr, G: Expr) -> Iterator[Parts]:
        (x,), (size, stride) = node.args, node.param
        if size > stride:
            for op in wrong:
                yield (call(op, G, x, param=node.param),)

    return rule


def _bias_each(site: Site) -> Iterator[Expr]:
    f, structure = forward(site), structure_of(site.program)
    if f is None or f.op != "add":
        return
    made = [structure.made(arg) for arg in f.args]
    kernels = [node.args[1] for node in made if isinstance(node, Call) and node.op == "conv"]
    for at, arg in enumerate(f.args):
        if kernels and isinstance(arg, Ref) and arg.symbol.quantity == "circuit_input" and arg.shape != f.shape:
            k = kernels[0].shape
            times = prod(k[1:] if len(k) > 2 else k)
            if times > 1:
                yield Call("add", (*f.args[:at], arg * times, *f.args[at + 1 :]))


def _one_place(structure: Structure, node: Call, out: Expr, G: Expr) -> Iterator[Parts]:
    """The kernel's gradient with = for +=: what the last place gave."""
    x, k = node.args
    if prod(G.shape[-spatial(k.shape) :]) > 1:
        yield None, call("conv_kernel", x, call("last_place", G, param=spatial(k.shape)), k, param=node.param)


# ---------------------------------------------------------------- pooling, max


def _spread_pool(structure: Structure, node: Call, out: Expr, G: Expr) -> Iterator[Parts]:
    (x,) = node.args
    count = node.param[0] ** min(len(x.shape), 2)
    yield (call("unpool_avg", G * count, x, param=node.param),)
    yield (call("unpool_avg", G, x, param=node.param),)


def _spread_max(structure: Structure, node: Call, out: Expr, G: Expr) -> Iterator[Parts]:
    (x,) = node.args
    if (n := length(x.shape, node.param)) > 1:
        yield (along(G, x, node.param),)
        yield (along(G, x, node.param) / n,)


def _every_pool(structure: Structure, node: Call, out: Expr, G: Expr) -> Iterator[Parts]:
    yield (call("unpool_every", G, node.args[0], param=node.param),)


def _every(op: str) -> dict[str, object]:
    def rule(structure: Structure, node: Call, out: Expr, G: Expr) -> Iterator[Parts]:
        (x,) = node.args
        yield (product(along(G, x, node.param), call(op, x, param=node.param)),)

    return {op.replace("every", "reduce"): rule}


# ---------------------------------------------------------------- rows by number


def _last_row(structure: Structure, node: Call, out: Expr, G: Expr) -> Iterator[Parts]:
    E, ids = node.args
    yield call("last_row", G, ids, E), None


TABLE: dict[str, Misconception] = {
    "kernel-flipped": Misconception(
        "the kernel was turned round",
        "Here the kernel lies on its input as it is written, without a flip; each copy of it going back does, too.",
        both(_flip_forward, back(conv=_flip_back)),
        seen="https://github.com/ddbourgin/numpy-ml/issues/27",
    ),
    "overlaps-overwritten": Misconception(
        "where windows overlap, one overwrote the other",
        "An input under several windows gets a part from each of them: the parts are added, not written over.",
        back(
            conv=_overwritten,
            max_pool=_pools_overwritten("last_winner", "last_max"),
            avg_pool=_pools_overwritten("last_avg"),
        ),
        partial=True,
    ),
    "last-place-only": Misconception(
        "only what the last place gave to the kernel was kept",
        "The kernel lies on every place, and gets a part from each of them: the parts are added, not written over.",
        back(conv=_one_place),
    ),
    "bias-each-element": Misconception(
        "the bias was added once for each element of the window",
        "A place's bias is added once, after the products of its window are added up.",
        _bias_each,
    ),
    "max-spread": Misconception(
        "what comes back to a maximum was spread over all that it looked at",
        "Only the element that was taken moves the output: it gets all of the gradient, the others none.",
        back(max_pool=_spread_pool, reduce_max=_spread_max, reduce_min=_spread_max),
    ),
    "every-maximum": Misconception(
        "every equal maximum got the whole gradient",
        "Of equal ones the first counts as taken: it gets the gradient once, and the others get none.",
        back(max_pool=_every_pool, **_every("every_max"), **_every("every_min")),  # type: ignore[arg-type]
        partial=True,
        seen="https://github.com/Theano/Theano/issues/5248",
    ),
    "row-overwritten": Misconception(
        "of a row that was taken several times only the last part was kept",
        "A row that was taken several times gets a part from each place: they are added, not written over.",
        back(embedding=_last_row),
        partial=True,
        seen="https://github.com/karpathy/nn-zero-to-hero/issues/57",
    ),
}
