"""Slips about norm, softmax and cross-entropy, and about means of arrays. See `rewriting.py` for what an entry is.

A norm that is written out in gates has the slips of norm(x), too (`structure.Norm`).
"""

from __future__ import annotations

from collections.abc import Iterator
from math import isclose, prod

from tutor.engine.backprop import gradient_of, parts_back
from tutor.engine.expressions import Call, Const, Expr, Ref, call, product, refs
from tutor.engine.normalising import axis_of, by_number, deviation
from tutor.engine.reductions import along, length
from tutor.engine.windows import spatial
from tutor.questions.misconceptions.reversing import Parts, back, forward, put_together, without_gates
from tutor.questions.misconceptions.rewriting import NEAR, Misconception, Site, args, both, replaced, swap
from tutor.questions.misconceptions.structure import Norm, Structure, number, structure_of

# ---------------------------------------------------------------- norm


def _mean(x: Expr, axis: int | None) -> Expr:
    return along(call("average", x, param=axis), x, axis)


def _less_mean(x: Expr, axis: int) -> Expr:
    return x - _mean(x, axis)


def _norm_constants(structure: Structure, node: Call, out: Expr, G: Expr) -> Iterator[Parts]:
    (x,), (axis, eps) = node.args, node.param
    root = deviation(x, axis, eps)
    yield (G / root,)
    yield ((G - _mean(G, axis)) / root,)
    yield ((G - call("mul", out, _mean(call("mul", G, out), axis))) / root,)


def _statistics_constant(site: Site) -> Iterator[Expr]:
    """A norm written out: what comes back through its mean, its variance or both left out."""
    if site.flows and not site.equation.symbol.use:
        for norm in structure_of(site.program).norms:
            if not norm.of_squares and Ref(site.equation.symbol.wrt) in (norm.x, norm.centred):  # type: ignore[arg-type]
                for left_out in (norm.means | norm.variances, norm.variances, norm.means):
                    yield from without_gates(site, left_out)
                if norm.x == Ref(site.equation.symbol.wrt):  # type: ignore[arg-type]
                    yield from _past_both(site, norm)


def _mean_square_constant(site: Site) -> Iterator[Expr]:
    """A norm by the root of the mean square: what comes back through the mean square left out."""
    if site.flows and not site.equation.symbol.use:
        for norm in structure_of(site.program).norms:
            if norm.of_squares and norm.x == Ref(site.equation.symbol.wrt):  # type: ignore[arg-type]
                yield from without_gates(site, norm.variances)


def _past_both(site: Site, norm: Norm) -> Iterator[Expr]:
    """What comes back to x where neither its mean nor its variance moves: that of the difference, by the quotient."""
    program = site.program
    if isinstance(norm.centred, Ref):
        back = gradient_of(program.model.output, norm.centred.symbol)
        gates = [gate for gate in program.users.get(norm.centred.symbol, ()) if gate.symbol not in norm.variances]
        within = norm.means | norm.variances | {norm.centred.symbol}
        others = [flow.part for flow in site.flows if flow.gate.symbol not in within]
        past = [part for gate in gates for part in parts_back(program.model, back, gate)]
        yield from put_together(site, [*others, *past] if past else [])


def _less_one(n: int) -> Expr:
    """What a division by n − 1 in place of n makes larger."""
    return Const(float(n)) / (n - 1)


def _n_minus_one(site: Site) -> Iterator[Expr]:
    if (f := forward(site)) is None:
        return

    def change(node: Expr) -> Expr | None:
        if not isinstance(node, Call):
            return None
        if node.op == "norm":
            (x,), (axis, eps) = node.args, node.param
            if (n := x.shape[axis]) > 1:
                variance = along(call("variance", x, param=axis), x, axis)
                return _less_mean(x, axis) / call("sqrt", variance * _less_one(n) + eps)
        if node.op == "variance" and (n := length(node.args[0].shape, node.param)) > 1:
            return node * _less_one(n)
        return None

    yield from replaced(f, change)
    structure = structure_of(site.program)
    if f.op == "average" and structure.square_of(f.args[0]) is not None:
        n = length(f.args[0].shape, f.param)
        if n > 1:
            yield f * _less_one(n)
    elif f.op in ("div", "mul") and structure.variance_of(f) is not None:
        n = _added(structure, f)
        if n > 1 and _is_share(f, n):
            yield f * _less_one(n)


def _added(structure: Structure, f: Call) -> int:
    """Over how many a sum in a product or a quotient goes; 0 without one."""
    for arg in f.args:
        inner = structure.made(arg)
        if isinstance(inner, Call) and inner.op == "sum":
            return length(inner.args[0].shape, inner.param)
    return 0


def _is_share(f: Call, n: int) -> bool:
    """Whether a sum is divided by n, or multiplied by 1/n."""
    shares = [f.args[1]] if f.op == "div" else list(f.args)
    return any(isclose(value, n if f.op == "div" else 1 / n) for arg in shares if (value := number(arg)) is not None)


def _norm_less_one(structure: Structure, node: Call, out: Expr, G: Expr) -> Iterator[Parts]:
    (x,), (axis, eps) = node.args, node.param
    n = x.shape[axis]
    if n > 1:
        share = call("mul", out, _mean(call("mul", G, out), axis)) * _less_one(n)
        above = G - _mean(G, axis)
        spread = along(call("variance", x, param=axis), x, axis) * _less_one(n)
        yield ((above - share) / call("sqrt", spread + eps),)
        yield ((above - share) / deviation(x, axis, eps),)
        yield ((above - call("mul", out, _mean(call("mul", G, out), axis))) / call("sqrt", spread + eps),)


def _variance_less_one(structure: Structure, node: Call, out: Expr, G: Expr) -> Iterator[Parts]:
    (x,) = node.args
    n = length(x.shape, node.param)
    if n > 1:
        yield (product(along(G, x, node.param), (x - _mean(x, node.param)) * 2 / (n - 1)),)


def _squares_less_one(structure: Structure, node: Call, out: Expr, G: Expr) -> Iterator[Parts]:
    (x,) = node.args
    n = length(x.shape, node.param)
    if n > 1 and structure.square_of(x) is not None:
        yield (along(G, x, node.param) / (n - 1),)


def _eps_outside(site: Site) -> Iterator[Expr]:
    if (f := forward(site)) is None:
        return

    def change(node: Expr) -> Expr | None:
        if isinstance(node, Call) and node.op == "norm" and node.param[1]:
            (x,), (axis, eps) = node.args, node.param
            divisor: Expr = deviation(x, axis, 0.0) + float(eps)
            return _less_mean(x, axis) / divisor
        return None

    yield from replaced(f, change)
    root = _root(structure_of(site.program), f) if f.op in ("sqrt", "pow") else None
    if root and root[2]:
        _, variance, eps = root
        outside = call("sqrt", variance) + eps
        yield 1 / outside if f.op == "pow" and f.args[1] == Const(-0.5) else outside


def _norm_eps(structure: Structure, node: Call, out: Expr, G: Expr) -> Iterator[Parts]:
    (x,), (axis, eps) = node.args, node.param
    if eps:
        above = G - _mean(G, axis) - call("mul", out, _mean(call("mul", G, out), axis))
        yield (above / (deviation(x, axis, 0.0) + eps),)


def _root(structure: Structure, node: Expr) -> tuple[Expr, Expr, float] | None:
    """(x, what is below the root, eps) of the root of a variance, or of a mean square."""
    return structure.root_of(node) or structure.root_mean_square_of(node)


def _root_eps(structure: Structure, node: Call, out: Expr, G: Expr) -> Iterator[Parts]:
    root = _root(structure, node)
    if root and root[2]:
        yield (G / (2 * call("sqrt", root[1])),)


def _gain(structure: Structure, node: Call, out: Expr, G: Expr) -> Iterator[Parts]:
    for at, (factor, other) in enumerate((node.args, node.args[::-1])):
        is_gain = isinstance(other, Ref) and other.symbol.quantity == "circuit_input"
        if is_gain and structure.normed(factor) and structure.mask(other) is None:
            yield (G, product(G, node.args[0])) if at == 0 else (product(G, node.args[1]), G)


# ---------------------------------------------------------------- softmax


def _softmax_elementwise(structure: Structure, node: Call, out: Expr, G: Expr) -> Iterator[Parts]:
    if len(node.shape) > 1 or node.param is not None:  # of a vector the entry of activations has it
        yield (product(G, call("mul", out, 1 - out)),)


def _softmax_slope_alone(structure: Structure, node: Call, out: Expr, G: Expr) -> Iterator[Parts]:
    yield (product(G, out),)


def _other_axes(node: Call) -> list[int]:
    """The last two axes but the one that is meant; none of a vector."""
    return [axis for axis in (-1, -2) if len(node.shape) > 1 and axis != axis_of(node)]


def _over_columns(site: Site) -> Iterator[Expr]:
    if (f := forward(site)) is not None:
        for at in (0, 1):

            def change(node: Expr, at: int = at) -> Expr | None:
                if isinstance(node, Call) and node.op in ("softmax", "log_softmax") and at < len(_other_axes(node)):
                    return call(node.op, *node.args, param=_other_axes(node)[at])
                return None

            yield from replaced(f, change)
        yield from swap(site, lambda n: n.op == "softmax" and len(n.shape) > 1, _over_all)


def _over_all(softmax: Call) -> Expr:
    (x,) = softmax.args
    return call("reshape", call("softmax", call("reshape", x, param=(prod(x.shape),))), param=x.shape)


def _back_over_columns(structure: Structure, node: Call, out: Expr, G: Expr) -> Iterator[Parts]:
    for axis in _other_axes(node):
        inner = along(call("sum", call("mul", G, out), param=axis), out, axis)
        yield (call("mul", out, G - inner),)


def _log_without_sum(structure: Structure, node: Call, out: Expr, G: Expr) -> Iterator[Parts]:
    (z,) = node.args
    yield (G,)
    yield (G - product(call("softmax", z, param=node.param), G),)
    yield (G - call("softmax", z, param=node.param),)


def _without_log_sum(site: Site) -> Iterator[Expr]:
    """Forward: z as it is, and z less the sum of the powers without its logarithm."""
    if (f := forward(site)) is not None and f.op == "log_softmax":
        yield f.args[0]


# ---------------------------------------------------------------- means


def _mean_not_divided(structure: Structure, node: Call, out: Expr, G: Expr) -> Iterator[Parts]:
    (x,) = node.args
    if length(x.shape, node.param) > 1:
        yield (along(G, x, node.param),)


def _entropy_not_divided(structure: Structure, node: Call, out: Expr, G: Expr) -> Iterator[Parts]:
    z, y = node.args
    if prod(z.shape[:-1]) > 1:
        target = call("one_hot", y, z) if by_number(node) else y
        yield product(G, call("softmax", z) - target), None


def _pool_not_divided(structure: Structure, node: Call, out: Expr, G: Expr) -> Iterator[Parts]:
    (x,) = node.args
    count = node.param[0] ** min(len(x.shape), 2)
    yield (call("unpool_avg", G * count, x, param=node.param),)


def _summed(site: Site) -> Iterator[Expr]:
    if (f := forward(site)) is None:
        return

    def change(node: Expr) -> Expr | None:
        if not isinstance(node, Call):
            return None
        if node.op == "average" and length(node.args[0].shape, node.param) > 1:
            return call("sum", *node.args, param=node.param)
        if node.op == "cross_entropy" and (rows := prod(node.args[0].shape[:-1])) > 1:
            return node * float(rows)
        return None

    yield from replaced(f, change)


def _divided(site: Site) -> Iterator[Expr]:
    """A mean where a sum is meant."""
    if forward(site) is not None:
        yield from swap(
            site,
            lambda n: n.op == "sum" and length(n.args[0].shape, n.param) > 1,
            lambda n: call("average", *n.args, param=n.param),
        )
    elif site.flows and isinstance(site.formula, Call) and site.formula.op in ("sum_to", "sum"):
        whole = site.formula.args[0]
        count = prod(whole.shape) // max(prod(site.shape), 1)
        if count > 1 and refs(whole):
            yield site.formula / count
    if site.rule in ("uses", "fork") and len(args(site.formula)) > 1:  # the parts of several uses
        yield site.formula / len(args(site.formula))


def _kernel_mean(structure: Structure, node: Call, out: Expr, G: Expr) -> Iterator[Parts]:
    """A kernel's gradient divided by the places that it lay on."""
    x, k = node.args
    places = prod(G.shape[-spatial(k.shape) :])
    if places > 1:
        yield None, call("conv_kernel", x, G, k, param=node.param) / places


# ---------------------------------------------------------------- roots


def _root_forgotten(site: Site) -> Iterator[Expr]:
    if site.equation.phase == "forward" or site.rule == "update":
        yield from swap(site, lambda n: n.op == "sqrt" and bool(refs(n)), lambda n: n.args[0])


TABLE: dict[str, Misconception] = {
    "root-left-out": Misconception(
        "the root was not taken",
        "It is the root that goes on, √x, and not what stands under it.",
        _root_forgotten,
        rare=True,
    ),
    "norm-constants": Misconception(
        "the mean or the variance of the norm was taken for a constant",
        "Each value moves the mean and the variance, too: three parts come back, G − mean(G) − x̂ · mean(G ⊙ x̂).",
        both(back(norm=_norm_constants), _statistics_constant),
        seen="https://github.com/mlpack/mlpack/pull/1327",
    ),
    "mean-square-constant": Misconception(
        "the mean square of the norm was taken for a constant",
        "Each value moves the mean square, too: two parts come back to x, G − x̂ · mean(G ⊙ x̂), over the root.",
        _mean_square_constant,
    ),
    "n-minus-one": Misconception(
        "the variance was divided by n − 1",
        "This variance is that of the numbers themselves: the mean of the squares, divided by n.",
        both(_n_minus_one, back(norm=_norm_less_one, variance=_variance_less_one, average=_squares_less_one)),
        seen="https://github.com/uxlfoundation/oneDNN/issues/517",
    ),
    "eps-outside": Misconception(
        "eps was added outside of the root",
        "The divisor is √(v + eps): eps is added to the variance, or to the mean square, and then comes the root.",
        both(_eps_outside, back(norm=_norm_eps, sqrt=_root_eps)),
        partial=True,
        seen="https://github.com/taokong/group_normalization/issues/1",
    ),
    "gain-forgotten": Misconception(
        "the gain was forgotten on the way back",
        "What was multiplied by a gain on the way forward is multiplied by it on the way back.",
        back(mul=_gain),
    ),
    "softmax-diagonal": Misconception(
        "softmax was differentiated as if each number stood alone",
        "Each z moves all of its line, through the sum below: P ⊙ (G − Σ(G ⊙ P)), not G ⊙ P ⊙ (1 − P).",
        both(back(softmax=_softmax_elementwise), back(softmax=_softmax_slope_alone)),
    ),
    "softmax-columns": Misconception(
        "softmax went along the other axis",
        "The shares of one line add up to 1: along the last axis, each row, unless the equation says another.",
        both(_over_columns, back(softmax=_back_over_columns)),
        seen="https://github.com/PetrochukM/PyTorch-NLP/issues/2",
    ),
    "log-softmax-without-sum": Misconception(
        "the logarithm of the sum was forgotten in log-softmax",
        "log-softmax is z − ln Σeᶻ, and every z is in that sum: what comes back is G − softmax(z) · ΣG.",
        both(_without_log_sum, back(log_softmax=_log_without_sum)),
    ),
    "mean-not-divided": Misconception(
        "the division by how many were averaged was forgotten",
        "A mean divides by how many it takes, and so does what comes back from it to each of them.",
        both(_summed, back(average=_mean_not_divided, cross_entropy=_entropy_not_divided, avg_pool=_pool_not_divided)),
    ),
    "mean-for-sum-of-array": Misconception(
        "a mean was taken where it is a sum",
        "Nothing is divided by how many there are: what is added on the way back is a sum.",
        both(_divided, back(conv=_kernel_mean)),
        reach=NEAR,
        rare=True,
        seen="https://github.com/kvfrans/notes/issues/5",
    ),
}
