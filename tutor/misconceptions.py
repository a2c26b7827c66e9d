"""The table of misconceptions: each rewrites an equation into the one that a learner wrongly has in mind.

A rewrite takes a `Site` (an equation and the program that it belongs to) and yields wrong formulas for
the whole equation; evaluated in place of the right one and carried on, each gives the number that this
slip leads to. An entry works for every lesson the day it is added: nothing here knows a lesson.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from tutor.activations import derivative, prime_of
from tutor.formula import (
    ONE,
    OPERATORS,
    Call,
    Const,
    Expr,
    Operator,
    Ref,
    Symbol,
    call,
    element,
    elementwise,
    product,
    refs,
    rewrite,
    total,
    walk,
)
from tutor.network import Equation
from tutor.training import Program

# ---------------------------------------------------------------- operators that only wrong formulas need


def _roll_element(node: Call, index: tuple[int, ...]) -> Expr:
    """Element i is the neighbour's: the one `param` further on, round and round (along the last axis)."""
    (x,), shift = node.args, node.param or 0
    return element(x, (*index[:-1], (index[-1] + shift) % x.shape[-1]))


OPERATORS["roll"] = Operator(
    lambda shape: shape, lambda node, x: np.roll(x, -(node.param or 0), axis=-1), _roll_element
)
# path(W, G): what comes back through unit `param` of the next layer alone
OPERATORS["path"] = Operator(
    lambda W, G: (W[1],),
    lambda node, W, G: G[..., node.param, None] * W[node.param],
    lambda node, index: call(
        "mul", element(node.args[0], (node.param or 0, *index)), element(node.args[1], (node.param or 0,))
    ),
)


def _product_element(node: Call, index: tuple[int, ...]) -> Expr:
    W, G = node.args
    found: Expr = call("mul", element(W, (0, *index)), element(G, (0,)))
    for k in range(1, G.shape[0]):
        found = found * call("mul", element(W, (k, *index)), element(G, (k,)))
    return found


# path_product(W, G): the paths multiplied where they should be added
OPERATORS["path_product"] = Operator(
    lambda W, G: (W[1],),
    lambda node, W, G: np.prod(W * G[..., :, None], axis=-2),
    _product_element,
)
OPERATORS["log10"] = elementwise(np.log10)


# ---------------------------------------------------------------- sites


@dataclass(frozen=True)
class Site:
    """An equation in its program; what a rewrite may look at."""

    program: Program
    equation: Equation

    @property
    def rule(self) -> str:
        return self.equation.rule

    @property
    def formula(self) -> Expr:
        return self.equation.formula

    def symbol(self, id: str) -> Symbol | None:
        """The symbol of an id, an example's own where there are examples; parameters and data, too."""
        return self._symbols.get(id + "@") or self._symbols.get(id)

    @property
    def _symbols(self) -> dict[str, Symbol]:
        return self.program.symbols


REACH, FAR = 2, 6  # how many equations back a slip may lie: any, and one that changes a sign, a 2 or a whole slope
Rewrite = Callable[[Site], Iterator[Expr]]


@dataclass(frozen=True)
class Misconception:
    """`title` names the slip, `remedy` is the one sentence that repairs the idea.

    `reach` is how many equations back from the asked one it is still looked for.
    """

    title: str
    remedy: str
    rewrite: Rewrite
    reach: int = REACH


def replaced(formula: Expr, change: Callable[[Expr], Expr | None]) -> Iterator[Expr]:
    """The rewritten formula, if anything changed."""
    found = rewrite(formula, change)
    if found is not formula and found != formula:
        yield found


def put(formula: Expr, old: Expr, new: Expr) -> Iterator[Expr]:
    """The formula with every `old` in it replaced by `new`, if there is one."""
    yield from replaced(formula, lambda node: new if node == old else None)


def _swap(site: Site, is_one: Callable[[Call], bool], change: Callable[[Call], Expr]) -> Iterator[Expr]:
    yield from replaced(site.formula, lambda node: change(node) if isinstance(node, Call) and is_one(node) else None)


def _shifts(size: int) -> range | tuple[int, ...]:
    """Neighbours worth trying: all in a narrow layer, the next and the last in a wide one."""
    return range(1, size) if size <= 4 else (1, size - 1)


# ---------------------------------------------------------------- slopes of activations


def _is_slope(node: Expr) -> bool:
    return isinstance(node, Call) and prime_of(node.op) is not None


def _slope_dropped(site: Site) -> Iterator[Expr]:
    if not _relu(site):
        yield from replaced(site.formula, lambda n: _without_factor(n, _is_slope))


def _gate_ignored(site: Site) -> Iterator[Expr]:
    if _relu(site):
        yield from replaced(site.formula, lambda n: _without_factor(n, _is_slope))


def _relu(site: Site) -> bool:
    return any(isinstance(n, Call) and prime_of(n.op) in ("relu", "leaky_relu") for n in _calls(site.formula))


def _calls(formula: Expr) -> Iterator[Call]:
    return (node for node in walk(formula) if isinstance(node, Call))


def _without_factor(node: Expr, drop: Callable[[Expr], bool]) -> Expr | None:
    """x for x · f where `drop(f)`, or 1 for a bare f."""
    if isinstance(node, Call) and node.op == "mul":
        left, right = node.args
        if right == ONE:
            return left
        if left == ONE:
            return right
    return ONE if drop(node) else None


def _value_for_slope(site: Site) -> Iterator[Expr]:
    yield from _swap(site, _is_slope, lambda n: n.args[1])


def _slope_of_activation(site: Site) -> Iterator[Expr]:
    def change(n: Call) -> Expr:
        name, (_, a, *rest) = prime_of(n.op) or "", n.args
        return Call(n.op, (a, Call(name, (a, *rest)), *rest))

    yield from _swap(site, lambda n: prime_of(n.op) in ("sigmoid", "tanh"), change)


def _slope_from_z(site: Site) -> Iterator[Expr]:
    def change(n: Call) -> Expr:
        return derivative(prime_of(n.op) or "", (n.args[0], n.args[0], *n.args[2:]))

    yield from _swap(site, lambda n: prime_of(n.op) in ("sigmoid", "tanh"), change)


def _slope_elsewhere(site: Site) -> Iterator[Expr]:
    """σ′ of another layer, where the widths agree."""
    layer = site.equation.symbol.layer
    for other in _layers(site):
        z, a = site.symbol(f"z{other}"), site.symbol(f"a{other}")
        if other != layer and z and a and z.shape == site.equation.symbol.shape:
            for slope in _slopes(site.formula):
                yield from put(site.formula, slope, Call(slope.op, (Ref(z), Ref(a), *slope.args[2:])))


def _slope_of_neighbour(site: Site) -> Iterator[Expr]:
    shape = site.equation.symbol.shape
    for slope in _slopes(site.formula) if len(shape) == 1 else ():
        for shift in _shifts(shape[0]):
            yield from put(site.formula, slope, Call("roll", (slope,), shift))


def _slopes(formula: Expr) -> list[Call]:
    return [node for node in _calls(formula) if _is_slope(node)]


def _leaky_slope(site: Site) -> Iterator[Expr]:
    yield from _swap(site, lambda n: n.op == "leaky_relu′", lambda n: call("relu′", *n.args[:2]))


def _layers(site: Site) -> range:
    return range(1, len(site.program.lesson.network.layers) + 1) if site.program.lesson.network else range(0)


# ---------------------------------------------------------------- losses and the output's error


def _is_difference(node: Expr) -> bool:
    kinds = {"target", "activation"}
    return (
        isinstance(node, Call)
        and node.op == "sub"
        and {arg.symbol.quantity for arg in node.args if isinstance(arg, Ref)} == kinds
    )


_ERRORS = ("loss_gradient", "combined_error")


def _difference_reversed(site: Site) -> Iterator[Expr]:
    if site.rule in _ERRORS:
        yield from _swap(site, _is_difference, lambda n: Call("sub", n.args[::-1]))


def _factor_two_lost(site: Site) -> Iterator[Expr]:
    if site.rule in _ERRORS:
        yield from _swap(site, lambda n: n.op == "mul" and n.args[0] == Const(-2.0), lambda n: call("neg", n.args[1]))


def _factor_two_added(site: Site) -> Iterator[Expr]:
    if site.rule in _ERRORS and _is_difference(site.formula):
        yield 2 * site.formula


def _half_added(site: Site) -> Iterator[Expr]:
    two = any(n.op == "mul" and n.args[0] == Const(-2.0) for n in _calls(site.formula))
    if (site.rule in _ERRORS and not two) or (site.rule == "loss" and not _top_is_fraction(site)):
        yield site.formula / 2


def _division_lost(site: Site) -> Iterator[Expr]:
    """½ or 1/m of a loss, or of its gradient, forgotten."""
    if site.rule in ("loss", "loss_gradient") and _top_is_fraction(site):
        yield site.formula.args[0]  # type: ignore[attr-defined]


def _top_is_fraction(site: Site) -> bool:
    f = site.formula
    return isinstance(f, Call) and f.op == "div" and isinstance(f.args[1], Const)


def _square_lost(site: Site) -> Iterator[Expr]:
    if site.rule == "loss":
        yield from _swap(site, lambda n: n.op == "pow", lambda n: n.args[0])


def _minus_of_log_lost(site: Site) -> Iterator[Expr]:
    f = site.formula
    if site.rule == "loss" and isinstance(f, Call) and f.op == "neg":
        yield f.args[0]


def _ratio_sign(site: Site) -> Iterator[Expr]:
    if site.rule == "loss_gradient":
        yield from _swap(site, lambda n: n.op == "neg" and _has(n.args[0], "ratio"), lambda n: n.args[0])


def _has(node: Expr, op: str) -> bool:
    return isinstance(node, Call) and node.op == op


def _wrong_class(site: Site) -> Iterator[Expr]:
    if site.rule in (*_ERRORS, "loss"):
        for ref in refs(site.formula):
            if ref.symbol.quantity == "target" and ref.symbol.shape[0] > 1:
                for shift in _shifts(ref.symbol.shape[0]):
                    yield from put(site.formula, ref, Call("roll", (ref,), shift))


def _loss_factor_alone(site: Site) -> Iterator[Expr]:
    """∂L/∂ŷ given where ∂L/∂z is asked."""
    if site.rule == "combined_error":
        yield from (Ref(ref.symbol) for line in site.equation.derivation[:1] for ref in refs(line.formula)
                    if ref.symbol.quantity == "gradient")  # fmt: skip


def _slope_again(site: Site) -> Iterator[Expr]:
    """ŷ − y times σ′ once more, although it has cancelled."""
    if site.rule == "combined_error":
        slopes = [n for n in _calls(site.equation.derivation[0].formula) if _is_slope(n)]
        yield from (site.formula * slope for slope in slopes)


def _softmax_not_shared(site: Site) -> Iterator[Expr]:
    yield from _swap(site, lambda n: n.op == "softmax", lambda n: call("exp", *n.args))


def _log10(site: Site) -> Iterator[Expr]:
    yield from _swap(site, lambda n: n.op == "log", lambda n: call("log10", *n.args))


# ---------------------------------------------------------------- forward


def _bias_left_out(site: Site) -> Iterator[Expr]:
    f = site.formula
    if site.rule == "pre_activation" and isinstance(f, Call) and f.op == "add":
        yield f.args[0]


def _activation_skipped(site: Site) -> Iterator[Expr]:
    f = site.formula
    bends = ("activation", "softmax", "gate_sigmoid", "gate_tanh", "gate_relu")
    if site.rule in bends and isinstance(f, Call) and f.op != "linear":
        yield f.args[0]


def _exponent_sign(site: Site) -> Iterator[Expr]:
    yield from _swap(site, lambda n: n.op == "sigmoid", lambda n: call("sigmoid", -n.args[0]))


# ---------------------------------------------------------------- paths, transposes, indices


def _backward_product(site: Site) -> Call | None:
    f = site.formula
    if isinstance(f, Call) and f.op == "matmul" and _has(f.args[0], "transpose"):
        return f
    return None


def _one_path(site: Site) -> Iterator[Expr]:
    f = _backward_product(site)
    if f and site.rule == "activation_gradient" and f.args[1].shape[0] > 1:
        (W,) = f.args[0].args  # type: ignore[attr-defined]
        for k in range(min(f.args[1].shape[0], 16)):
            yield Call("path", (W, f.args[1]), k)


def _paths_multiplied(site: Site) -> Iterator[Expr]:
    f = _backward_product(site)
    if f and site.rule == "activation_gradient" and f.args[1].shape[0] > 1:
        (W,) = f.args[0].args  # type: ignore[attr-defined]
        yield call("path_product", W, f.args[1])


def _transpose_missing(site: Site) -> Iterator[Expr]:
    f = _backward_product(site)
    if f and site.rule == "activation_gradient":
        (W,) = f.args[0].args  # type: ignore[attr-defined]
        if W.shape[0] == W.shape[1] > 1:
            yield call("matmul", W, f.args[1])


def _to_and_from(site: Site) -> Iterator[Expr]:
    """The outer product the wrong way round; a weight matrix read by columns."""
    f = site.formula
    if isinstance(f, Call) and f.op == "outer" and f.args[0].shape == f.args[1].shape and f.args[0].shape[0] > 1:
        yield call("outer", f.args[1], f.args[0])
    if site.rule == "pre_activation":
        yield from _swap(
            site,
            lambda n: n.op == "matmul" and n.args[0].shape[0] == n.args[0].shape[1] > 1,
            lambda n: call("matmul", call("transpose", n.args[0]), n.args[1]),
        )


def _neighbour(site: Site) -> Iterator[Expr]:
    """A vector of the formula read one place (or more) further on."""
    if site.rule not in ("pre_activation", "activation_gradient", "weight_gradient", "pre_activation_gradient"):
        return
    for ref in refs(site.formula):
        if len(ref.symbol.shape) == 1 and ref.symbol.shape[0] > 1 and not _only_in_slope(site.formula, ref):
            for shift in _shifts(ref.symbol.shape[0]):
                yield from put(site.formula, ref, Call("roll", (ref,), shift))


def _only_in_slope(formula: Expr, ref: Ref) -> bool:
    """Whether a value occurs only inside a slope: its neighbour's slope has an entry of its own."""
    outside = rewrite(formula, lambda n: ONE if _is_slope(n) else None)
    return ref not in refs(outside)


def _weight_of_neighbour(site: Site) -> Iterator[Expr]:
    """The weights of another unit: a neighbouring row (forward) or column (backward) of the matrix."""
    size = site.equation.symbol.shape[0] if site.rule in ("pre_activation", "activation_gradient") else 0
    for node in _calls(site.formula):
        if node.op == "matmul":
            for shift in _shifts(size) if size > 1 else ():
                yield from put(site.formula, node, Call("roll", (node,), shift))


def _input_for_activation(site: Site) -> Iterator[Expr]:
    """The network's input (or another layer's activation) where this layer's own is meant, and the reverse."""
    if site.rule not in ("weight_gradient", "pre_activation"):
        return
    known = [site.symbol(id) for id in ("x", *(f"a{k}" for k in _layers(site)))]
    for ref in refs(site.formula):
        for other in known if ref.symbol.quantity in ("input", "activation") else ():
            if other is None or other == ref.symbol or other.shape != ref.symbol.shape:
                continue
            if site.rule == "weight_gradient" or (other.layer or 0) < (site.equation.symbol.layer or 0):
                yield from put(site.formula, ref, Ref(other))


def _pre_activation_for_activation(site: Site) -> Iterator[Expr]:
    """In the backward pass; in the forward pass the same slip is an activation that was skipped.

    A linear layer has no such slip: its pre-activation is its activation.
    """
    network = site.program.lesson.network
    for ref in refs(site.formula) if network and site.rule in ("weight_gradient", *_ERRORS) else ():
        z = site.symbol(f"z{ref.symbol.layer}")
        layer = network.layers[(ref.symbol.layer or 1) - 1] if network else None
        if ref.symbol.quantity == "activation" and z and layer and layer.activation != "linear":
            yield from put(site.formula, ref, Ref(z))


def _updated_weight(site: Site) -> Iterator[Expr]:
    if site.equation.phase != "backward":
        return
    for ref in refs(site.formula):
        new = site.symbol(ref.symbol.id + "'")
        if ref.symbol.quantity == "weights" and new:
            yield from put(site.formula, ref, Ref(new))


def _wrong_layer(site: Site) -> Iterator[Expr]:
    """The same gradient of another layer, where it has the same shape."""
    symbol = site.equation.symbol
    for eq in site.program.equations if symbol.quantity == "gradient" and symbol.wrt and symbol.layer else ():
        other = eq.symbol
        alike = replace(other, id=symbol.id, layer=symbol.layer, wrt=symbol.wrt) == symbol
        if alike and other.layer != symbol.layer and other.wrt.quantity == symbol.wrt.quantity:  # type: ignore[union-attr]
            yield Ref(other)


def _bias_times_activation(site: Site) -> Iterator[Expr]:
    if site.rule != "bias_gradient":
        return
    layer = site.equation.symbol.layer or 1
    a = site.symbol("x" if layer == 1 else f"a{layer - 1}")
    if a:
        for j in range(min(a.shape[0], 8)):
            yield site.formula * Ref(a, (j,))


# ---------------------------------------------------------------- batches, regularisation, update


def _sum_for_mean(site: Site) -> Iterator[Expr]:
    if site.rule in ("mean_gradient", "mean_loss"):
        yield site.formula * float(site.program.examples)


def _decay_forgotten(site: Site) -> Iterator[Expr]:
    if site.rule == "decayed_gradient":
        yield site.formula.args[0]  # type: ignore[attr-defined]
    if site.rule == "objective":
        yield site.formula.args[0]  # type: ignore[attr-defined]
    if site.rule == "update":  # AdamW: λ_w · p beside Adam's own step

        def decay(n: Call) -> bool:
            return n.op == "add" and any(ref.symbol.id == "training.weight_decay" for ref in refs(n.args[1]))

        yield from _swap(site, decay, lambda n: n.args[0])


def _decay_of_biases(site: Site) -> Iterator[Expr]:
    model, p = site.program.model, site.equation.symbol.wrt
    if site.rule == "update" and model.decay and p and p.quantity == "biases":
        for ref in refs(site.formula):
            if ref.symbol.quantity == "gradient":
                decayed = ref + model.decay * Ref(p)
                yield from put(site.formula, ref, decayed)


def _rate(node: Expr) -> bool:
    return isinstance(node, Ref) and node.symbol.id == "training.learning_rate"


def _is_update(site: Site) -> bool:
    return site.rule == "update" and _has(site.formula, "sub")


def _rate_forgotten(site: Site) -> Iterator[Expr]:
    if _is_update(site):
        yield from replaced(site.formula, lambda n: _without_factor(n, _rate))


def _rate_twice(site: Site) -> Iterator[Expr]:
    if _is_update(site):
        yield from replaced(site.formula, lambda n: n * n if _rate(n) else None)


def _added(site: Site) -> Iterator[Expr]:
    if _is_update(site):
        p, step = site.formula.args  # type: ignore[attr-defined]
        yield p + step


def _step_for_value(site: Site) -> Iterator[Expr]:
    if _is_update(site):
        _, step = site.formula.args  # type: ignore[attr-defined]
        yield step
        yield -step


def _old_and_new_swapped(site: Site) -> Iterator[Expr]:
    """β and 1 − β exchanged; or the old velocity where the new one is meant."""
    f = site.formula
    if site.rule in ("optimizer_m", "optimizer_v") and isinstance(f, Call):
        (b1, old), (b2, new) = (term.args for term in f.args)  # type: ignore[attr-defined]
        yield call("mul", b2, old) + call("mul", b1, new)
    elif site.rule == "optimizer_velocity" and isinstance(f, Call):
        product_, g = f.args
        mu, old = product_.args  # type: ignore[attr-defined]
        yield call("mul", mu, g) + old
    elif site.rule == "update":
        for ref in refs(f):
            if ref.symbol.quantity == "state" and ref.symbol.id.endswith("'"):
                old_one = replace(ref.symbol, id=ref.symbol.id[:-1])
                yield from put(f, ref, Ref(old_one))


def _no_bias_correction(site: Site) -> Iterator[Expr]:
    if site.rule in ("optimizer_mhat", "optimizer_vhat"):
        yield site.formula.args[0]  # type: ignore[attr-defined]


def _epsilon_inside(site: Site) -> Iterator[Expr]:
    def is_denominator(n: Call) -> bool:
        return n.op == "add" and _has(n.args[0], "sqrt")

    yield from _swap(
        site,
        is_denominator,
        lambda n: call("sqrt", n.args[0].args[0] + n.args[1]),  # type: ignore[attr-defined]
    )


# ---------------------------------------------------------------- circuits


def _consumers(site: Site, op: str) -> list[Equation]:
    """The gates of a kind that use what this gradient is with respect to."""
    wrt = site.equation.symbol.wrt
    if not site.program.lesson.circuit or site.equation.phase != "backward" or wrt is None:
        return []
    forward = site.program.model.forward
    return [eq for eq in forward if eq.rule == f"gate_{op}" and Ref(wrt) in refs(eq.formula)]


def _upstream(site: Site, gate: Equation) -> Expr:
    output = site.program.model.output
    symbol = site.symbol(f"d{output.id}/d{gate.symbol.id}")
    return ONE if gate.symbol == output or symbol is None else Ref(symbol)


def _gate_confused(site: Site) -> Iterator[Expr]:
    """Add and multiply confused, forward and backward."""
    f = site.formula
    if site.equation.phase == "forward" and isinstance(f, Call):
        if site.rule == "gate_add" and len(f.args) == 2:
            yield call("mul", *f.args)
        if site.rule == "gate_mul":
            yield call("add", *f.args)
    if site.rule == "fork":
        return
    for gate in _consumers(site, "mul"):
        yield _upstream(site, gate)
    for gate in _consumers(site, "add"):
        others = [arg for arg in gate.formula.args if arg != Ref(site.equation.symbol.wrt)]  # type: ignore
        if len(others) == 1:
            yield product(_upstream(site, gate), others[0])


def _own_input(site: Site) -> Iterator[Expr]:
    if site.rule != "fork":
        for gate in _consumers(site, "mul"):
            yield product(_upstream(site, gate), Ref(site.equation.symbol.wrt))  # type: ignore[arg-type]


def _to_both(site: Site) -> Iterator[Expr]:
    yield from replaced(
        site.formula, lambda n: _without_factor(n, lambda x: _has(x, "wins_max") or _has(x, "wins_min"))
    )


def _branch_forgotten(site: Site) -> Iterator[Expr]:
    if site.rule == "fork" and isinstance(site.formula, Call):
        yield from site.formula.args
        if len(site.formula.args) > 2:
            for at in range(len(site.formula.args)):
                yield total([*site.formula.args[:at], *site.formula.args[at + 1 :]])


# ---------------------------------------------------------------- the table

MISCONCEPTIONS: dict[str, Misconception] = {
    "slope-dropped": Misconception(
        "the slope of the activation was left out",
        "On its way through an activation the blame is multiplied by that activation's slope.",
        _slope_dropped,
        reach=FAR,
    ),
    "value-for-slope": Misconception(
        "the activation was taken for its slope",
        "The factor is how steep the activation is, not how high: for σ that is a(1 − a), not a.",
        _value_for_slope,
    ),
    "slope-of-activation": Misconception(
        "the slope was taken at the activation instead of the pre-activation",
        "The slope belongs at z. Since a is σ(z) already, a(1 − a) needs no second σ.",
        _slope_of_activation,
    ),
    "slope-from-z": Misconception(
        "z stands where a belongs in the slope",
        "The short form of the slope is written in the activation: a(1 − a) for σ, 1 − a² for tanh.",
        _slope_from_z,
    ),
    "relu-gate-ignored": Misconception(
        "the gate of ReLU was ignored",
        "Where z was not above 0, ReLU let nothing through, and lets no blame back either.",
        _gate_ignored,
        reach=FAR,
    ),
    "leaky-slope-lost": Misconception(
        "the small slope of leaky ReLU was taken as 0",
        "Below 0 leaky ReLU still slopes, by α: that much of the blame passes.",
        _leaky_slope,
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
    "difference-reversed": Misconception(
        "target minus prediction instead of prediction minus target",
        "The gradient points where the loss grows: prediction minus target. Too high means plus.",
        _difference_reversed,
        reach=FAR,
    ),
    "factor-two-lost": Misconception(
        "the 2 from the square was lost",
        "Here the loss has no ½: differentiating the square brings down a 2.",
        _factor_two_lost,
        reach=FAR,
    ),
    "factor-two-added": Misconception(
        "there is a 2 too many",
        "This loss leaves no 2: the ½ in front has cancelled it, or there is no square.",
        _factor_two_added,
        reach=FAR,
    ),
    "half-added": Misconception(
        "there is a ½ too many",
        "Look at how this lesson's loss is written: it has no ½ here.",
        _half_added,
        reach=FAR,
    ),
    "division-lost": Misconception(
        "the division in front of the loss was forgotten",
        "This loss is divided (by 2, or by the number of outputs), and its gradient with it.",
        _division_lost,
    ),
    "square-lost": Misconception(
        "the difference was not squared",
        "A squared error squares each difference, so that plus and minus cannot cancel.",
        _square_lost,
    ),
    "log-minus-lost": Misconception(
        "the minus in front of the logarithm was lost",
        "The logarithm of a probability is negative; the minus in front makes a loss of it.",
        _minus_of_log_lost,
    ),
    "ratio-sign-lost": Misconception(
        "the minus of −y/ŷ was lost",
        "The derivative of −ln ŷ is −1/ŷ: a larger probability for the true class means less loss.",
        _ratio_sign,
    ),
    "wrong-class": Misconception(
        "the 1 of the target stands at another class",
        "Subtract 1 at the true class and 0 at the others.",
        _wrong_class,
    ),
    "loss-factor-alone": Misconception(
        "this is ∂L/∂ŷ; ∂L/∂z was asked",
        "The loss's own factor still has to pass the output's activation; the two together give ŷ − y.",
        _loss_factor_alone,
    ),
    "slope-again": Misconception(
        "the slope was multiplied although it had cancelled",
        "ŷ − y already contains the activation's slope: nothing more is multiplied.",
        _slope_again,
    ),
    "softmax-not-shared": Misconception(
        "softmax without its denominator",
        "Softmax divides each eᶻ by the sum of all of them, so that they add up to 1.",
        _softmax_not_shared,
    ),
    "log-base-ten": Misconception(
        "the logarithm to base 10 was used",
        "The logarithm here is the natural one: the ln key, not the log key.",
        _log10,
    ),
    "bias-left-out": Misconception(
        "the bias was left out",
        "A pre-activation is the weighted sum plus the bias.",
        _bias_left_out,
    ),
    "activation-skipped": Misconception(
        "the activation function was not applied",
        "z is only the sum; the unit says g(z).",
        _activation_skipped,
    ),
    "exponent-sign": Misconception(
        "the exponent has the wrong sign",
        "σ(z) = 1/(1 + e⁻ᶻ): the exponent is minus z.",
        _exponent_sign,
    ),
    "one-path": Misconception(
        "only one of several paths was taken",
        "Blame comes back along every path; the products of all of them are added.",
        _one_path,
    ),
    "paths-multiplied": Misconception(
        "the paths were multiplied instead of added",
        "Multiply along a path, add over paths.",
        _paths_multiplied,
    ),
    "transpose-missing": Misconception(
        "the transpose is missing",
        "Going back, a unit collects along its column of W: Wᵀ, not W.",
        _transpose_missing,
    ),
    "to-and-from": Misconception(
        "to and from were swapped",
        "The row says which unit the weight feeds, the column which value it carries.",
        _to_and_from,
    ),
    "neighbour": Misconception(
        "a neighbour's value was used",
        "Check the indices: the error of the unit that is fed, the value that the weight carries.",
        _neighbour,
    ),
    "weight-of-neighbour": Misconception(
        "another unit's weights were used",
        "Each unit has a row of weights of its own for what feeds it, and a column for what it feeds.",
        _weight_of_neighbour,
        reach=0,
    ),
    "input-for-activation": Misconception(
        "the values of another layer were used",
        "A weight carries what the layer just before it said: the input only for the first layer.",
        _input_for_activation,
    ),
    "pre-activation-for-activation": Misconception(
        "the pre-activation was used where the activation is meant",
        "What a unit says to others is g(z), not its sum z.",
        _pre_activation_for_activation,
    ),
    "updated-weight": Misconception(
        "the weight after the update was used",
        "All gradients are taken with the weights of the forward pass; the updates come after.",
        _updated_weight,
    ),
    "wrong-layer": Misconception(
        "this is the gradient of another layer",
        "Look at the layer's number: each layer's gradient is built on its own error.",
        _wrong_layer,
    ),
    "bias-times-activation": Misconception(
        "the bias's gradient was multiplied by an activation",
        "A bias is added as it is: its gradient is the unit's error itself.",
        _bias_times_activation,
    ),
    "sum-for-mean": Misconception(
        "the sum over the batch instead of the mean",
        "A batch's loss is the mean of its examples': divide by their number.",
        _sum_for_mean,
    ),
    "decay-forgotten": Misconception(
        "the regularisation was forgotten",
        "With L2, λ times the weight is added to its gradient, once, after the mean.",
        _decay_forgotten,
    ),
    "decay-of-biases": Misconception(
        "the regularisation was applied to a bias",
        "Only weights pay the tax; a bias's gradient is left alone.",
        _decay_of_biases,
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
        "The gradient points uphill; to have less loss, go against it.",
        _added,
    ),
    "step-for-value": Misconception(
        "this is the step; the new value was asked",
        "The new value is the old one minus the step.",
        _step_for_value,
    ),
    "old-and-new-swapped": Misconception(
        "old and new were swapped",
        "β keeps the old memory, 1 − β lets the new gradient in; the update uses the new memory.",
        _old_and_new_swapped,
    ),
    "no-bias-correction": Misconception(
        "the correction for the start was omitted",
        "Adam's memories begin at 0: dividing by 1 − βᵗ makes up for it.",
        _no_bias_correction,
    ),
    "epsilon-inside": Misconception(
        "ε stands inside the root",
        "ε is added after the root is taken.",
        _epsilon_inside,
    ),
    "gates-confused": Misconception(
        "add and multiply gates were confused",
        "An add gate passes its gradient on unchanged; a multiply gate multiplies it by the other input.",
        _gate_confused,
    ),
    "own-input": Misconception(
        "multiplied by its own input instead of the other",
        "The slope of x·y in x is y: each input gets the other one.",
        _own_input,
    ),
    "to-both": Misconception(
        "the gradient went to all inputs of a max or min gate",
        "Only the input that was taken moves the output: it gets all of the gradient, the others none.",
        _to_both,
    ),
    "branch-forgotten": Misconception(
        "a branch of the fork was forgotten",
        "A value that is used more than once collects from every use.",
        _branch_forgotten,
    ),
}
