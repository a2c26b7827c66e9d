"""Slips about batches, regularisation and the update. See `rewriting.py` for what an entry is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tutor.engine.expressions import Call, Expr, Ref, Symbol, call, refs, total, walk
from tutor.engine.ids import before_update, setting
from tutor.engine.optimizers import FIRST_CORRECTED, FIRST_MOMENT, SECOND_CORRECTED, SECOND_MOMENT, VELOCITY
from tutor.questions.misconceptions.rewriting import (
    NEAR,
    Misconception,
    Site,
    args,
    both,
    has,
    put,
    replaced,
    state_of,
    swap,
    without_factor,
)

# ---------------------------------------------------------------- batches, regularisation, update


def _sum_for_mean(site: Site) -> Iterator[Expr]:
    if site.rule in ("mean_gradient", "mean_loss"):
        yield site.formula * float(site.program.examples)


def _mean_for_sum(site: Site) -> Iterator[Expr]:
    if site.rule in ("sum_gradient", "sum_loss"):
        yield site.formula / float(site.program.examples)


def _decay_forgotten(site: Site) -> Iterator[Expr]:
    if site.rule == "decayed_gradient":
        yield args(site.formula)[0]
    if site.rule == "objective":
        yield args(site.formula)[0]
    if site.rule == "update":  # AdamW: λ_w · p beside Adam's own step

        def decay(n: Call) -> bool:
            return n.op == "add" and _is_setting(n.args[1], "weight_decay")

        yield from swap(site, decay, lambda n: n.args[0])


def _is_decay(node: Expr) -> bool:
    """λ · p beside a gradient or a step, or λ/2 · Σp² beside a loss."""
    return _is_setting(node, "weight_decay", "l2")


def _is_setting(node: Expr, *names: str) -> bool:
    """Whether one of these settings stands in it."""
    return any(ref.symbol.quantity == "hyper" and ref.symbol.name in names for ref in refs(node))


def _decay_subtracted(site: Site) -> Iterator[Expr]:
    if site.rule in ("decayed_gradient", "objective", "update"):
        yield from swap(
            site, lambda n: n.op == "add" and len(n.args) == 2 and _is_decay(n.args[1]), lambda n: n.args[0] - n.args[1]
        )


def _decay_without_rate(site: Site) -> Iterator[Expr]:
    """w − η · ∂L/∂w − λ · w: the same as a decay that was divided by η before."""
    if not _is_update(site):
        return
    p, step = args(site.formula)
    for node in walk(step):
        written = site.program.by_key.get(node.symbol.key) if isinstance(node, Ref) else None
        added = written.formula if written and written.rule == "decayed_gradient" else node
        if isinstance(added, Call) and added.op == "add" and len(added.args) == 2 and _is_decay(added.args[1]):
            for without in put(step, node, added.args[0]):
                yield (p - without) - added.args[1]


def _decay_of_biases(site: Site) -> Iterator[Expr]:
    model, p = site.program.model, site.equation.symbol.wrt
    if site.rule == "update" and model.decay and p and p.quantity == "biases":
        for ref in refs(site.formula):
            if ref.symbol.quantity == "gradient":
                decayed = ref + model.decay * Ref(p)
                yield from put(site.formula, ref, decayed)


def _decay_of_bias_gradient(site: Site) -> Iterator[Expr]:
    """λ · b in the gradient of a bias, λ/2 · Σb² in the objective."""
    model, symbol = site.program.model, site.equation.symbol
    is_bias = symbol.quantity == "gradient" and symbol.wrt is not None and symbol.wrt.quantity == "biases"
    if model.decay and is_bias and not symbol.per_example and symbol.wrt:
        yield site.formula + model.decay * Ref(symbol.wrt)
    if site.rule == "objective":
        biases = [Ref(layer.biases) for layer in site.layers if layer.biases is not None]
        if model.decay and biases:
            yield site.formula + model.decay / 2 * total([call("sum", b**2) if b.shape else b**2 for b in biases])


def _decay_scaled(site: Site) -> Iterator[Expr]:
    """2λ, λ/2 or λ/n in the place of λ."""
    if site.rule in ("decayed_gradient", "objective"):
        f, n = args(site.formula), float(site.program.examples)
        for factor in (2.0, 0.5, *((1 / n,) if n > 2 else ())):
            yield f[0] + factor * total(f[1:])


def _rate(node: Expr) -> bool:
    return isinstance(node, Ref) and _is_setting(node, "learning_rate")


def _is_update(site: Site) -> bool:
    return site.rule == "update" and has(site.formula, "sub")


def _rate_forgotten(site: Site) -> Iterator[Expr]:
    if _is_update(site):
        yield from replaced(site.formula, lambda n: without_factor(n, _rate))


def _rate_twice(site: Site) -> Iterator[Expr]:
    if _is_update(site):
        yield from replaced(site.formula, lambda n: n * n if _rate(n) else None)


def _added(site: Site) -> Iterator[Expr]:
    if _is_update(site):
        p, step = args(site.formula)
        yield p + step


def _step_for_value(site: Site) -> Iterator[Expr]:
    if _is_update(site):
        _, step = args(site.formula)
        yield step
        yield -step


def _old_and_new_swapped(site: Site) -> Iterator[Expr]:
    """β and 1 − β exchanged; or the old velocity where the new one is meant."""
    f = site.formula
    if site.state in (FIRST_MOMENT, SECOND_MOMENT) and isinstance(f, Call):
        (b1, old), (b2, new) = map(args, f.args)
        yield call("mul", b2, old) + call("mul", b1, new)
    elif site.state == VELOCITY and isinstance(f, Call):
        product_, g = f.args
        mu, old = args(product_)
        yield call("mul", mu, g) + old
    elif site.rule == "update":
        for ref in refs(f):
            if ref.symbol.quantity == "state" and ref.symbol.is_new:
                old_one = replace(ref.symbol, id=before_update(ref.symbol.id))
                yield from put(f, ref, Ref(old_one))


def _mean_and_sum(site: Site) -> Iterator[Expr]:
    """β · old + g where the new one is weighted by 1 − β, and (1 − μ) · g where it is not."""
    f = site.formula
    if not isinstance(f, Call) or f.op != "add" or len(f.args) != 2:
        return
    old, new = f.args
    if site.state in (FIRST_MOMENT, SECOND_MOMENT):
        yield old + args(new)[1]
    elif site.state == VELOCITY:
        yield old + (1 - args(old)[0]) * new


def _rate_in_velocity(site: Site) -> Iterator[Expr]:
    """μ · v − η · g, as those write it who add the velocity to the parameter; or with a plus."""
    f = site.formula
    rate = site.symbol(setting("learning_rate"))
    if site.state == VELOCITY and isinstance(f, Call) and len(f.args) == 2 and rate:
        old, new = f.args
        yield old - Ref(rate) * new
        yield old + Ref(rate) * new
        yield old - new


def _not_squared(site: Site) -> Iterator[Expr]:
    """g where g² goes into the mean."""
    if site.state is not None:
        yield from swap(site, lambda n: n.op == "pow" and _is_gradient(n.args[0]), lambda n: n.args[0])


def _is_gradient(node: Expr) -> bool:
    return isinstance(node, Ref) and node.symbol.quantity == "gradient"


def _wrong_correction(site: Site) -> Iterator[Expr]:
    """Divided by βᵗ, by 1 − β · t or by (1 − β)ᵗ, or multiplied by 1 − βᵗ."""
    f = site.formula
    if site.state in (FIRST_CORRECTED, SECOND_CORRECTED) and isinstance(f, Call):
        mean, below = f.args
        power = args(below)[1]
        beta, t = args(power)
        yield mean / power
        yield mean * below
        yield mean / (1 - beta * t)
        yield mean / (1 - beta) ** t


def _no_bias_correction(site: Site) -> Iterator[Expr]:
    """At one of the two means, or at both."""
    if site.state in (FIRST_CORRECTED, SECOND_CORRECTED):
        yield args(site.formula)[0]
    elif site.rule == "update":

        def uncorrected(node: Expr) -> Expr | None:
            made = site.program.by_key.get(node.symbol.key) if isinstance(node, Ref) else None
            return args(made.formula)[0] if made and state_of(made) in (FIRST_CORRECTED, SECOND_CORRECTED) else None

        yield from replaced(site.formula, uncorrected)


def _memory_forgotten(site: Site) -> Iterator[Expr]:
    """Only the new gradient: no old memory in the new one, or none of the optimiser's at all."""
    f = site.formula
    if site.state and isinstance(f, Call) and f.op == "add":
        fresh = [term for term in f.args if not any(ref.symbol.quantity == "state" for ref in refs(term))]
        if 0 < len(fresh) < len(f.args):
            yield total(fresh)
    if _is_update(site) and any(ref.symbol.quantity == "state" for ref in refs(f)):
        p = args(f)[0]
        rates = [ref for ref in refs(f) if _rate(ref)]
        for gradient in _gradients(site):
            yield p - rates[0] * Ref(gradient)


def _gradients(site: Site) -> Iterator[Symbol]:
    """The gradient that an update takes its step from."""
    of, known = site.equation.symbol.wrt, site.program.by_key
    states = [ref.symbol for ref in refs(site.formula) if ref.symbol.quantity == "state"]
    seen: set[str] = set()
    while states:
        state = states.pop()
        if state.key in seen or state.key not in known:
            continue
        seen.add(state.key)
        for ref in refs(known[state.key].formula):
            if ref.symbol.quantity == "state":
                states.append(ref.symbol)
            elif ref.symbol.quantity == "gradient" and ref.symbol.wrt == of:
                yield ref.symbol
                return


def _epsilon_inside(site: Site) -> Iterator[Expr]:
    def is_denominator(n: Call) -> bool:
        return n.op == "add" and has(n.args[0], "sqrt")

    yield from swap(site, is_denominator, lambda n: call("sqrt", args(n.args[0])[0] + n.args[1]))


def _mean_twice(site: Site) -> Iterator[Expr]:
    if site.rule in ("mean_gradient", "mean_loss"):
        yield site.formula / float(site.program.examples)


# ---------------------------------------------------------------- the table

TABLE: dict[str, Misconception] = {
    "sum-for-mean": Misconception(
        "the sum over the batch instead of the mean",
        "A batch's loss is the mean of its examples': divide by their number.",
        _sum_for_mean,
        seen="https://github.com/hunkim/DeepLearningZeroToAll/issues/173",
    ),
    "mean-for-sum": Misconception(
        "the mean over the batch instead of the sum",
        "This lesson's batch has the sum of its examples' losses: nothing is divided by their number.",
        _mean_for_sum,
    ),
    "decay-forgotten": Misconception(
        "the regularisation was forgotten",
        "With L2, λ times the weight is added to its gradient, once, after the mean.",
        _decay_forgotten,
    ),
    "decay-of-biases": Misconception(
        "the regularisation was applied to a bias",
        "Only weights pay the tax; a bias's gradient is left alone.",
        both(_decay_of_biases, _decay_of_bias_gradient),
    ),
    "decay-scaled": Misconception(
        "the factor of the regularisation is another one",
        "The slope of (λ/2) · w² is λ · w: the ½ takes the 2 away. It is added once, and not divided by the rows.",
        _decay_scaled,
        rare=True,
    ),
    "rate-forgotten": Misconception(
        "the learning rate was forgotten",
        "The step is the learning rate times the gradient: the slope only holds nearby.",
        _rate_forgotten,
    ),
    "rate-twice": Misconception(
        "the learning rate was applied twice",
        "Multiply by the learning rate once.",
        _rate_twice,
    ),
    "added": Misconception(
        "the step was added instead of subtracted",
        "The gradient points uphill; to go down, go against it.",
        _added,
    ),
    "step-for-value": Misconception(
        "this is the step; the new value was asked",
        "The new value is the old one minus the step.",
        _step_for_value,
    ),
    "old-and-new-swapped": Misconception(
        "old and new were swapped",
        "β (or μ) multiplies the old memory, the new gradient comes in beside it; the update uses the new memory.",
        _old_and_new_swapped,
    ),
    "mean-and-sum-confused": Misconception(
        "a running mean and a running sum were confused",
        "A velocity takes the whole gradient, μ · v + g; a moment is a mean, β · m + (1 − β) · g.",
        _mean_and_sum,
        rare=True,
    ),
    "rate-in-velocity": Misconception(
        "the learning rate or the minus of the update was put into the velocity",
        "Here the velocity collects gradients as they are; the update multiplies it by the learning rate, downhill.",
        _rate_in_velocity,
        rare=True,
    ),
    "gradient-not-squared": Misconception(
        "the gradient was not squared",
        "The second moment is a mean of squares: each gradient is squared before it goes in.",
        _not_squared,
        rare=True,
    ),
    "wrong-correction": Misconception(
        "the correction for the start is not a division by 1 − βᵗ",
        "After t updates a mean that began at 0 holds only a share 1 − βᵗ of what it should: divide by that.",
        _wrong_correction,
        rare=True,
    ),
    "no-bias-correction": Misconception(
        "the correction for the start was omitted",
        "Adam's memories begin at 0: dividing by 1 − βᵗ makes up for it.",
        _no_bias_correction,
        seen="https://github.com/oxiglade/mlx-rs/issues/301",
    ),
    "epsilon-inside": Misconception(
        "ε stands inside the root",
        "ε is added after the root is taken.",
        _epsilon_inside,
        rare=True,
        seen="https://github.com/keras-team/keras/issues/435",
    ),
    "mean-twice": Misconception(
        "the mean over the batch was taken twice",
        "The sum over the examples is divided by their number once.",
        _mean_twice,
        reach=NEAR,
        rare=True,
        seen="https://github.com/tech-srl/code2seq/pull/9",
    ),
    "decay-subtracted": Misconception(
        "the regularisation was subtracted",
        "The decay is added: the step against it then makes the weight smaller.",
        _decay_subtracted,
        seen="https://github.com/chainer/chainer/issues/261",
    ),
    "decay-without-rate": Misconception(
        "the decay was taken without the learning rate",
        "The learning rate multiplies all of the step, the decay in it, too.",
        _decay_without_rate,
        seen="https://github.com/FluxML/model-zoo/pull/303",
    ),
    "memory-forgotten": Misconception(
        "the memory of the optimiser was forgotten",
        "The new gradient comes on top of what is remembered of the earlier ones.",
        _memory_forgotten,
        reach=NEAR,
        rare=True,
    ),
}
