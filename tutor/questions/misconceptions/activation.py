"""Slips about activations: what a unit says, and how steep its activation is. `rewriting.py` has what an entry is."""

from __future__ import annotations

from collections.abc import Iterator

from tutor.engine.activations import ACTIVATIONS, derivative, prime_of
from tutor.engine.expressions import OPERATORS, ZERO, Call, Expr, Ref, call, refs
from tutor.questions.misconceptions.rewriting import (
    FAR,
    NEAR,
    Misconception,
    Site,
    args,
    calls,
    has,
    is_slope,
    put,
    replaced,
    shifts,
    slopes,
    swap,
    without_factor,
)

_RELUS = ("relu", "leaky_relu")
_USUAL = ("sigmoid", "tanh", "relu")

# ---------------------------------------------------------------- forward


def _bends(site: Site) -> bool:
    """Whether it is an activation, of a layer or as a gate."""
    eq = site.equation
    return eq.rule in ("activation", "softmax") or (eq.rule == "gate" and eq.variant in ACTIVATIONS)


def _bias_left_out(site: Site) -> Iterator[Expr]:
    f = site.formula
    if site.rule == "pre_activation" and isinstance(f, Call) and f.op == "add":
        yield f.args[0]


def _activation_skipped(site: Site) -> Iterator[Expr]:
    f = site.formula
    if _bends(site) and isinstance(f, Call) and f.op != "linear":
        yield f.args[0]


def _another_function(site: Site) -> Iterator[Expr]:
    """Another of the usual functions: tanh for σ ..."""
    f = site.formula
    if _bends(site) and isinstance(f, Call) and f.op in _USUAL:
        (z,) = f.args
        written = {"sigmoid": 1 / (1 + call("exp", -z))}  # in full: some notations call every activation σ
        yield from (written.get(name, call(name, z)) for name in _USUAL if name != f.op)


def _exponent_sign(site: Site) -> Iterator[Expr]:
    yield from swap(site, lambda n: n.op == "sigmoid", lambda n: call("sigmoid", -n.args[0]))


# ---------------------------------------------------------------- slopes of activations


def _slope_dropped(site: Site) -> Iterator[Expr]:
    if not _is_relu(site):
        yield from replaced(site.formula, lambda n: without_factor(n, is_slope))


def _gate_ignored(site: Site) -> Iterator[Expr]:
    if _is_relu(site):
        yield from replaced(site.formula, lambda n: without_factor(n, is_slope))


def _is_relu(site: Site) -> bool:
    return any(isinstance(n, Call) and prime_of(n.op) in _RELUS for n in calls(site.formula))


def _value_for_slope(site: Site) -> Iterator[Expr]:
    yield from swap(site, is_slope, lambda n: n.args[1])


def _slope_of_activation(site: Site) -> Iterator[Expr]:
    def change(n: Call) -> Expr:
        name, (_, a, *rest) = prime_of(n.op) or "", n.args
        return Call(n.op, (a, Call(name, (a, *rest)), *rest))

    yield from swap(site, lambda n: prime_of(n.op) in ("sigmoid", "tanh"), change)


def _slope_from_z(site: Site) -> Iterator[Expr]:
    def change(n: Call) -> Expr:
        return derivative(prime_of(n.op) or "", (n.args[0], n.args[0], *n.args[2:]))

    yield from swap(site, lambda n: prime_of(n.op) in ("sigmoid", "tanh"), change)


def _slope_elsewhere(site: Site) -> Iterator[Expr]:
    """σ′ of another layer, where the widths agree."""
    for other in site.layers:
        z, a = other.pre_activation, other.activation
        if other != site.layer and z.shape == site.equation.symbol.shape:
            for slope in slopes(site.formula):
                yield from put(site.formula, slope, Call(slope.op, (Ref(z), Ref(a), *slope.args[2:])))


def _slope_of_neighbour(site: Site) -> Iterator[Expr]:
    shape = site.equation.symbol.shape
    for slope in slopes(site.formula) if len(shape) == 1 and site.layers else ():
        for shift in shifts(shape[0]):
            yield from put(site.formula, slope, Call("roll", (slope,), shift))


def _leaky_slope(site: Site) -> Iterator[Expr]:
    yield from swap(site, lambda n: n.op == "leaky_relu′", lambda n: call("relu′", *n.args[:2]))


def _slope_for_value(site: Site) -> Iterator[Expr]:
    """Forward: how steep the activation is, where its value is meant."""
    f = site.formula
    if site.equation.phase == "forward" and isinstance(f, Call) and f.op + "′" in OPERATORS and f.op != "linear":
        yield Call(f.op + "′", (f.args[0], f, *f.args[1:]))


def _twice(site: Site) -> Iterator[Expr]:
    """g(g(z)); and what `_put_through_again` has."""
    f = site.formula
    if _bends(site) and isinstance(f, Call) and f.op not in ("linear", "relu"):
        yield Call(f.op, (f, *f.args[1:]))
    yield from _put_through_again(site)


def _put_through_again(site: Site) -> Iterator[Expr]:
    """Where loss and activation go together, g of what is g(z) already."""
    if site.rule == "combined_error" or (site.rule == "loss" and site.equation.shortcuts):
        for ref in refs(site.formula):
            maker = site.program.by_key.get(ref.symbol.key)
            forward = maker in site.program.model.forward
            if ref.symbol.quantity == "activation" and maker and forward and isinstance(maker.formula, Call):
                yield from put(site.formula, ref, Call(maker.formula.op, (ref, *maker.formula.args[1:])))


def _logits_expected(site: Site) -> Iterator[Expr]:
    """A loss that applies the activation itself, given ŷ: its value, and its gradient back through both."""
    for again in _put_through_again(site):
        if site.rule == "loss":
            yield again
            continue
        derived = site.equation.derivation[0].formula
        yield from (again * slope for slope in slopes(derived))
        jacobians = (node for node in calls(derived) if node.op == "jacobian")
        yield from (call("matmul", call("transpose", node), again) for node in jacobians)


def _as_sigmoid(site: Site) -> Iterator[Expr]:
    yield from swap(site, lambda n: n.op == "softmax" and site.rule == "softmax", lambda n: call("sigmoid", *n.args))


def _slope_misremembered(site: Site) -> Iterator[Expr]:
    """What tanh′ and σ′ are taken for: 1 + tanh² and 1/cos² are those of tan, 1 − a has lost its square or factor."""
    for slope in slopes(site.formula):
        z, a = slope.args[:2]
        wrong: dict[str, tuple[Expr, ...]] = {
            "tanh′": (1 + a**2, 1 / call("cos", z) ** 2, 1 - a),
            "sigmoid′": (1 - a, a * (1 + a)),
        }
        for other in wrong.get(slope.op, ()):
            yield from put(site.formula, slope, other)


def _slope_of_another(site: Site) -> Iterator[Expr]:
    """σ′ or tanh′ where another activation's slope belongs, or where a linear unit has none to multiply."""
    others = ("sigmoid′", "tanh′")
    for slope in slopes(site.formula):
        for other in others:
            if other != slope.op:
                yield from put(site.formula, slope, Call(other, slope.args[:2]))
    if site.rule == "pre_activation_gradient" and site.layer and site.activation() == "linear":
        yield site.formula * Call("sigmoid′", (Ref(site.layer.pre_activation), Ref(site.layer.activation)))


def _gate_by_gradient(site: Site) -> Iterator[Expr]:
    """Open where what comes back is above 0, instead of what went in."""

    def decided(n: Call) -> bool:
        gate = n.args[1] if n.op == "mul" else n
        return n.op == "mul" and isinstance(n.args[0], Ref) and _is_gate(gate)

    yield from swap(site, decided, lambda n: n.args[0] * _gate_at(n.args[1], n.args[0]))


def _is_gate(node: Expr) -> bool:
    """ReLU′(z), or the gate of a max(0, x)."""
    if not isinstance(node, Call):
        return False
    of_max = node.op == "wins_max" and ZERO in node.args and node.args[node.param or 0] != ZERO
    return of_max or prime_of(node.op) in _RELUS


def _gate_at(gate: Expr, x: Expr) -> Expr:
    assert isinstance(gate, Call)
    return Call(gate.op, (x, x, *gate.args[2:])) if prime_of(gate.op) else call("relu′", x, x)


def _elementwise_softmax(site: Site) -> Iterator[Expr]:
    """Each output differentiated by its own z alone: a(1 − a), the diagonal of the Jacobian."""
    derived = site.equation.derivation[0].formula if site.rule == "combined_error" else site.formula
    for node in calls(derived):
        if node.op == "matmul" and has(node.args[0], "transpose") and has(args(node.args[0])[0], "jacobian"):
            (a,) = args(args(node.args[0])[0])
            yield from put(derived, node, node.args[1] * (a * (1 - a)))


# ---------------------------------------------------------------- the table

TABLE: dict[str, Misconception] = {
    "slope-dropped": Misconception(
        "the slope of the activation was left out",
        "On its way through an activation the blame is multiplied by that activation's slope.",
        _slope_dropped,
        reach=FAR,
        seen="https://github.com/Bot-Academy/NeuralNetworkFromScratch/pull/3",
    ),
    "value-for-slope": Misconception(
        "the activation was taken for its slope",
        "The factor is how steep the activation is, not how high: for σ that is a(1 − a), not a.",
        _value_for_slope,
        seen="https://github.com/andersbll/nnet/issues/4",
    ),
    "slope-of-activation": Misconception(
        "the slope was taken at the activation instead of the pre-activation",
        "The slope belongs at z. Since a is σ(z) already, a(1 − a) needs no second σ.",
        _slope_of_activation,
        seen="https://github.com/rasmusbergpalm/DeepLearnToolbox/issues/165",
    ),
    "slope-from-z": Misconception(
        "z stands where a belongs in the slope",
        "The short form of the slope is written in the activation: a(1 − a) for σ, 1 − a² for tanh.",
        _slope_from_z,
        seen="https://github.com/BoltzmannEntropy/interviews.ai/issues/15",
    ),
    "relu-gate-ignored": Misconception(
        "the gate of ReLU was ignored",
        "What comes back passes only as far as what went in did: below 0 not at all, or by leaky ReLU's α.",
        _gate_ignored,
        reach=FAR,
    ),
    "leaky-slope-lost": Misconception(
        "the small slope of leaky ReLU was taken as 0",
        "Below 0 leaky ReLU still slopes, by α: that much of the blame passes.",
        _leaky_slope,
    ),
    "gate-by-gradient": Misconception(
        "the gate was decided by the sign of what comes back",
        "Whether it passes was decided on the way forward, by the sign of what went in.",
        _gate_by_gradient,
        reach=NEAR,
        seen="https://github.com/exacity/deeplearningbook-chinese/issues/127",
    ),
    "slope-elsewhere": Misconception(
        "the slope is that of another layer",
        "Each layer's blame passes its own activation: take the z of the layer that you are at.",
        _slope_elsewhere,
    ),
    "slope-of-neighbour": Misconception(
        "the slope is that of another unit",
        "The slope works unit by unit: unit i's blame meets unit i's z.",
        _slope_of_neighbour,
    ),
    "bias-left-out": Misconception(
        "the bias was left out",
        "A pre-activation is the weighted sum plus the bias.",
        _bias_left_out,
    ),
    "activation-skipped": Misconception(
        "the activation function was not applied",
        "What comes out is the function of what went in: g(z), not z.",
        _activation_skipped,
    ),
    "another-activation": Misconception(
        "another activation was applied",
        "Look at what is applied here: σ, tanh and ReLU are different functions.",
        _another_function,
        rare=True,
    ),
    "exponent-sign": Misconception(
        "the exponent has the wrong sign",
        "σ(z) = 1/(1 + e⁻ᶻ): the exponent is minus z.",
        _exponent_sign,
    ),
    "slope-misremembered": Misconception(
        "the formula of the slope is not this activation's",
        "The slope of tanh is 1 − tanh², that of σ is σ(1 − σ); 1 + tan² and 1/cos² belong to the tangent.",
        _slope_misremembered,
        reach=NEAR,
        rare=True,
        seen="https://github.com/nicodjimenez/lstm/issues/41",
    ),
    "slope-of-another-activation": Misconception(
        "the slope is that of another activation",
        "Look at what is applied here: each activation has a slope of its own, and where there is none it is 1.",
        _slope_of_another,
        reach=0,
        rare=True,
        seen="https://github.com/jeffheaton/encog-dotnet-core/issues/124",
    ),
    "softmax-elementwise": Misconception(
        "softmax was differentiated element by element",
        "Each z moves every output of softmax, through the sum below: a(1 − a) is only the diagonal.",
        _elementwise_softmax,
        reach=NEAR,
        rare=True,
        seen="https://github.com/deeplearning4j/libnd4j/issues/440",
    ),
    "softmax-as-sigmoid": Misconception(
        "σ was applied instead of softmax",
        "Softmax looks at all of a layer's z at once: eᶻ over the sum of all eᶻ.",
        _as_sigmoid,
    ),
    "logits-expected": Misconception(
        "the loss takes logits, and was given what had been through the activation",
        "CrossEntropyLoss and BCEWithLogitsLoss apply softmax and σ themselves: give them z, not ŷ.",
        _logits_expected,
        reach=NEAR,
        rare=True,
        seen="https://openillumi.com/en/en-pytorch-crossentropy-logits-nllloss-mechanism",
    ),
    "activation-twice": Misconception(
        "the activation was applied twice",
        "What comes out of an activation is finished: it is not put through it again.",
        _twice,
        reach=NEAR,
        rare=True,
        seen="https://github.com/Lightning-Universe/lightning-bolts/issues/654",
    ),
    "slope-for-value": Misconception(
        "the slope was given where the value is meant",
        "Forward an activation gives its value; its slope is needed on the way back.",
        _slope_for_value,
        reach=0,
        rare=True,
    ),
}
