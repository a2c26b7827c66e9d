"""Slips on the way forward: a loss or an activation that was written down wrongly. `rewriting.py` has what an entry is.

All are rare: a question about a value is no worse for not telling them from each other.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from tutor.engine.activations import ACTIVATIONS
from tutor.engine.expressions import ONE, ZERO, Call, Const, Expr, Ref, call, element, refs
from tutor.engine.losses import LOSSES
from tutor.questions.misconceptions.rewriting import NEAR, Misconception, Site, calls, has, put, swap

_SIDES = 4  # outputs of which each is tried alone
_ALPHAS = (0.001, 0.01, 0.02, 0.05, 0.1, 0.2, 0.25, 0.3, 0.5, 1.0)
_RELATIVES = ("relu", "leaky_relu", "elu", "softplus", "silu", "gelu", "gelu_erf")


# ---------------------------------------------------------------- losses


def _target(site: Site) -> Ref | None:
    found = (ref for ref in refs(site.formula) if ref.symbol.quantity == "target")
    return next(found, None) if site.rule == "loss" else None


def _prediction(site: Site) -> Ref | None:
    found = (ref for ref in refs(site.formula) if ref.symbol.quantity == "activation")
    return next(found, None) if site.rule == "loss" else None


def _sign(site: Site) -> Iterator[Expr]:
    """One + or − of a loss the other way round, or the minus of one term alone."""
    for node in calls(site.formula) if site.rule == "loss" else ():
        if node.op in ("add", "sub"):
            left, right = node.args
            others = (left - right, right - left) if node.op == "add" else (left + right, right - left)
            for other in others:
                yield from put(site.formula, node, other)
    if any(_squares(site)):
        yield -site.formula


def _log_two(site: Site) -> Iterator[Expr]:
    if site.rule == "loss":
        yield from swap(site, lambda n: n.op == "log", lambda n: n / math.log(2))


def _log_left_out(site: Site) -> Iterator[Expr]:
    if site.rule == "loss":
        yield from swap(site, lambda n: n.op == "log", lambda n: n.args[0])


def _one_minus_lost(site: Site) -> Iterator[Expr]:
    for node in calls(site.formula) if site.rule == "loss" else ():
        if node.op == "sub" and node.args[0] == ONE and isinstance(node.args[1], Ref):
            yield from put(site.formula, node, node.args[1])


def _targets_exchanged(site: Site) -> Iterator[Expr]:
    if (y := _target(site)) and site.program.model.loss_name == "binary_cross_entropy":
        yield from put(site.formula, y, 1 - y)


def _target_left_out(site: Site) -> Iterator[Expr]:
    """Of every output −ln ŷ or 1 − ŷ, whatever its target is."""
    y = _target(site)
    for node in calls(site.formula) if y else ():
        if node.op == "mul" and node.args[0] == y:
            yield from put(site.formula, node, node.args[1])


def _another_loss(site: Site) -> Iterator[Expr]:
    y, a = _target(site), _prediction(site)
    if y is None or a is None:
        return
    for name, loss in LOSSES.items():
        if name != site.program.model.loss_name:
            arguments = (y, a) if loss.delta is None else (y, a, Const(loss.delta))
            yield loss.formula(*arguments)
    yield call("sum", call("abs", y - a))


def _squares(site: Site) -> Iterator[Call]:
    """(y − ŷ)² in a loss."""
    if site.rule == "loss":
        yield from (node for node in calls(site.formula) if node.op == "pow" and has(node.args[0], "sub"))


def _root_taken(site: Site) -> Iterator[Expr]:
    if any(_squares(site)):
        yield call("sqrt", site.formula)
        yield from swap(site, lambda n: n.op == "sum", lambda n: call("sqrt", n))


def _sum_before_square(site: Site) -> Iterator[Expr]:
    """(Σ d)² for Σ d²; and of a mean also (Σ d / n)²."""
    for node in calls(site.formula):
        for square in _squares(site) if node.op == "sum" else ():
            if node.args[0] == square and square.args[0].shape != (1,):
                together = call("sum", square.args[0])
                yield from put(site.formula, node, together**2)
                if has(site.formula, "div"):
                    yield call("div", together, Const(float(square.shape[0]))) ** 2


def _squares_apart(site: Site) -> Iterator[Expr]:
    for node in _squares(site):
        assert isinstance(node.args[0], Call)
        y, a = node.args[0].args
        yield from put(site.formula, node, y**2 - a**2)
        yield from put(site.formula, node, a**2 - y**2)


def _one_output_alone(site: Site) -> Iterator[Expr]:
    for node in calls(site.formula) if site.rule == "loss" else ():
        if node.op == "sum" and node.args[0].shape[0] > 1:
            for at in range(min(node.args[0].shape[0], _SIDES)):
                yield from put(site.formula, node, element(node.args[0], (at,)))


def _squared(site: Site) -> Iterator[Expr]:
    """Squared where this loss is none of squares."""
    if site.rule == "loss" and site.program.model.loss_name == "hinge":
        yield from swap(site, lambda n: n.op == "max", lambda n: n**2)


def _margin_lost(site: Site) -> Iterator[Expr]:
    """Hinge without its 1, or without its max(0, …)."""
    if site.rule == "loss" and site.program.model.loss_name == "hinge":
        yield from swap(site, lambda n: n.op == "sub" and n.args[0] == ONE, lambda n: -n.args[1])
        yield from swap(site, lambda n: n.op == "max" and ZERO in n.args, lambda n: n.args[1])


def _huber(site: Site) -> Iterator[tuple[Call, Call, Expr, Expr]]:
    """Of each piecewise loss in the formula: it, what decides, the parabola, the tangent."""
    if site.rule == "loss" and site.program.model.loss_name == "huber":
        for node in calls(site.formula):
            if node.op == "choose" and isinstance(node.args[0], Call):
                yield node, node.args[0], node.args[1], node.args[2]


def _pieces_exchanged(site: Site) -> Iterator[Expr]:
    for node, decides, parabola, tangent in _huber(site):
        for other in (call("choose", decides, tangent, parabola), parabola, tangent):
            yield from put(site.formula, node, other)


def _tangent_wrong(site: Site) -> Iterator[Expr]:
    """δ(|d| − δ/2) without one of its δ, or with 1 for it; the parabola without its ½; both over δ, as smooth L1."""
    for node, decides, parabola, _ in _huber(site):
        delta, size = decides.args
        assert isinstance(parabola, Call)
        wrong = (
            (decides, parabola, delta * size),
            (decides, parabola, size - delta / 2),
            (decides, parabola, size - 0.5),
            (decides, parabola, delta * (size - 0.5)),
            (decides, parabola, delta * size - delta / 2),
            (decides, parabola, size),
            (ONE - size, parabola, size - 0.5),
            (decides, parabola.args[0], delta * (size - delta / 2)),
            (decides, parabola / delta, size - delta / 2),
        )
        for other in wrong:
            yield from put(site.formula, node, call("choose", *other))


# ---------------------------------------------------------------- activations


def _bent(site: Site, *names: str) -> Call | None:
    """The formula of an activation, of a layer or as a gate, if it is one of these."""
    eq, f = site.equation, site.formula
    bends = eq.rule in ("activation", "softmax") or (eq.rule == "gate" and eq.variant in (*ACTIVATIONS, "softmax"))
    return f if bends and isinstance(f, Call) and f.op in names else None


def _written_wrongly(*names: str) -> Callable[[Site], Iterator[Expr]]:
    """What these activations are taken for."""

    def rewrite(site: Site) -> Iterator[Expr]:
        if (f := _bent(site, *names)) is not None:
            yield from _WRONG[f.op](f.args[0])

    return rewrite


def _wrong_sigmoid(z: Expr) -> Iterator[Expr]:
    power = call("exp", -z)
    yield from (1 / (1 - power), 1 / power, 1 + power, 1 / (1 + call("exp", -z * math.log(2))))
    if len(z.shape) == 1:
        yield call("softmax", z)


def _wrong_tanh(z: Expr) -> Iterator[Expr]:
    up, down = call("exp", z), call("exp", -z)
    yield from ((up - down) / 2, up - down, (up + down) / (up - down), (up - 1) / (up + 1), call("tanh", 2 * z))


def _wrong_relu(z: Expr) -> Iterator[Expr]:
    yield from (call("min", 0, z), call("max", 0, -z), call("max", 1, z), call("abs", z))


def _wrong_softmax(z: Expr) -> Iterator[Expr]:
    if len(z.shape) != 1 or z.shape == (1,):
        return
    power, largest = call("exp", z), call("max", *(element(z, (i,)) for i in range(z.shape[0])))
    yield z / call("sum", z)
    yield call("softmax", -z)
    yield call("log", call("softmax", z))
    yield call("softmax", z * math.log(2))
    yield power / (call("sum", power) / float(z.shape[0]))
    yield power / call("sqrt", call("sum", power**2))
    yield call("exp", z - largest) / call("sum", power)
    yield power / call("exp", call("sum", z))


def _wrong_softplus(z: Expr) -> Iterator[Expr]:
    right = call("softplus", z)
    yield from (call("softplus", -z), right / math.log(10), right / math.log(2))


def _wrong_silu(z: Expr) -> Iterator[Expr]:
    yield from (call("sigmoid", z), z * call("sigmoid", -z), z * call("tanh", z))


def _wrong_gelu(z: Expr) -> Iterator[Expr]:
    root, cube = math.sqrt(2 / math.pi), z + 0.044715 * z**3
    bend = call("tanh", root * cube)
    yield z * (1 + bend)
    yield 0.5 * z * bend
    yield 0.5 * (1 + bend)
    yield 0.5 * z * (1 + call("tanh", root * z))
    yield 0.5 * z * (1 + call("tanh", (2 / math.pi) * cube))
    yield 0.5 * z * (1 + call("tanh", cube))
    yield z * call("sigmoid", 1.702 * z)


_WRONG: dict[str, Callable[[Expr], Iterator[Expr]]] = {
    "sigmoid": _wrong_sigmoid,
    "tanh": _wrong_tanh,
    "relu": _wrong_relu,
    "softmax": _wrong_softmax,
    "softplus": _wrong_softplus,
    "silu": _wrong_silu,
    "gelu": _wrong_gelu,
}


def _relative(site: Site) -> Iterator[Expr]:
    """Another of the functions that are nearly ReLU."""
    if (f := _bent(site, *_RELATIVES)) is not None:
        for name in _RELATIVES:
            if name != f.op:
                usual = ACTIVATIONS[name].alpha
                yield Call(name, (f.args[0],) if usual is None else (f.args[0], Const(usual)))


def _another_alpha(site: Site) -> Iterator[Expr]:
    """Another α, one with the wrong sign, or in the other piece. Written out: a function's name does not show its α."""
    f = _bent(site, "leaky_relu", "elu")
    if f is not None:
        z, alpha = f.args
        others = [Const(other) for other in _ALPHAS if Const(other) != alpha]
        if f.op == "leaky_relu":
            below = [other * z for other in (*others, -alpha)]
            yield call("choose", z, alpha * z, z)
            yield call("choose", z, z, alpha)
        else:
            curve, turned = call("exp", z) - 1, call("exp", -z) - 1
            below = [*(other * curve for other in (*others, -alpha)), alpha * call("exp", z), alpha * turned]
        yield from (call("choose", z, z, piece) for piece in below)


# ---------------------------------------------------------------- the table

TABLE: dict[str, Misconception] = {
    "log-base-two": Misconception(
        "the logarithm to base 2 was used",
        "The logarithm here is the natural one: log or ln, not log2.",
        _log_two,
        reach=NEAR,
        rare=True,
    ),
    "log-left-out": Misconception(
        "the logarithm was left out of the loss",
        "A cross-entropy takes the logarithm of the probability: how surprised one is, not how probable it was.",
        _log_left_out,
        reach=NEAR,
        rare=True,
    ),
    "one-minus-lost": Misconception(
        "a “1 −” of the loss was lost",
        "Where the target is 0 the other probability counts: (1 − y) · ln(1 − ŷ), with both of them.",
        _one_minus_lost,
        reach=NEAR,
        rare=True,
    ),
    "targets-exchanged": Misconception(
        "the targets 0 and 1 were exchanged",
        "y weighs ln ŷ, and 1 − y weighs ln(1 − ŷ).",
        _targets_exchanged,
        reach=NEAR,
        rare=True,
    ),
    "target-left-out": Misconception(
        "the target was left out of the loss",
        "The target says which outputs count, and how: each term is multiplied by it.",
        _target_left_out,
        reach=NEAR,
        rare=True,
    ),
    "root-taken": Misconception(
        "a root was taken of the squared error",
        "This loss stays squared: its root, the length of the error, is another loss.",
        _root_taken,
        reach=NEAR,
        rare=True,
    ),
    "sum-before-square": Misconception(
        "the differences were added up before they were squared",
        "Each output's difference is squared by itself; added first, plus and minus cancel.",
        _sum_before_square,
        reach=NEAR,
        rare=True,
    ),
    "squares-apart": Misconception(
        "prediction and target were squared one by one",
        "The difference is squared, (y − ŷ)²; that is not y² − ŷ².",
        _squares_apart,
        reach=NEAR,
        rare=True,
    ),
    "one-output-alone": Misconception(
        "only one of the outputs was counted in the loss",
        "The loss adds up what all outputs contribute.",
        _one_output_alone,
        reach=NEAR,
        rare=True,
    ),
    "margin-lost": Misconception(
        "a part of max(0, 1 − y·ŷ) was lost",
        "The hinge loss asks for a margin of 1, and what is beyond it costs nothing, never less.",
        _margin_lost,
        reach=NEAR,
        rare=True,
    ),
    "margin-squared": Misconception(
        "the margin's violation was squared",
        "The hinge loss grows in a straight line; its square is another loss.",
        _squared,
        reach=NEAR,
        rare=True,
    ),
    "pieces-exchanged": Misconception(
        "the wrong piece of the loss was used",
        "Huber's loss is a parabola as far as δ from the target, and a straight line beyond.",
        _pieces_exchanged,
        reach=NEAR,
        rare=True,
    ),
    "pieces-do-not-meet": Misconception(
        "the pieces of the loss do not meet",
        "Half a square as far as δ, and δ(|y − ŷ| − δ/2) beyond: so value and slope are the same at δ.",
        _tangent_wrong,
        reach=NEAR,
        rare=True,
    ),
    "loss-sign": Misconception(
        "a sign inside the loss is the wrong way round",
        "Go through the loss sign by sign: one minus in front holds for every term in its brackets.",
        _sign,
        reach=NEAR,
        rare=True,
    ),
    "another-loss": Misconception(
        "another loss was computed",
        "Look at which loss this lesson has: squares, logarithms and margins measure a mistake differently.",
        _another_loss,
        reach=NEAR,
        rare=True,
    ),
    "sigmoid-misremembered": Misconception(
        "the formula is not that of σ",
        "σ(z) = 1/(1 + e⁻ᶻ): one over the sum in brackets, and e to the minus z.",
        _written_wrongly("sigmoid"),
        reach=NEAR,
        rare=True,
    ),
    "tanh-misremembered": Misconception(
        "the formula is not that of tanh",
        "It is tanh z = (eᶻ − e⁻ᶻ)/(eᶻ + e⁻ᶻ): the difference over the sum of the same two powers.",
        _written_wrongly("tanh"),
        reach=NEAR,
        rare=True,
    ),
    "softmax-misremembered": Misconception(
        "the formula is not that of softmax",
        "Softmax takes eᶻ first, of each z by itself, and then each one's share of their sum.",
        _written_wrongly("softmax"),
        reach=NEAR,
        rare=True,
    ),
    "curve-misremembered": Misconception(
        "the formula is not that of this function",
        "ReLU is max(0, z), softplus ln(1 + eᶻ), SiLU z · σ(z), GELU nearly z · σ(1.702 z).",
        _written_wrongly("relu", "softplus", "silu", "gelu"),
        reach=NEAR,
        rare=True,
    ),
    "relative-of-relu": Misconception(
        "another function of the family of ReLU was applied",
        "ReLU, leaky ReLU, ELU, softplus, SiLU and GELU differ most below 0: look at which one is applied here.",
        _relative,
        reach=NEAR,
        rare=True,
    ),
    "another-alpha": Misconception(
        "another α was taken, or it stands in another place",
        "Above 0 the value stays as it is; below 0 it is multiplied by this lesson's α, or bent by it.",
        _another_alpha,
        reach=NEAR,
        rare=True,
    ),
}
