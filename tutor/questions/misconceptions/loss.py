"""Slips about losses and the output's error. See `rewriting.py` for what an entry is."""

from __future__ import annotations

from collections.abc import Iterator

from tutor.engine.expressions import Call, Const, Expr, Ref, call, refs
from tutor.engine.reductions import along
from tutor.questions.misconceptions.rewriting import (
    ANY,
    ERRORS,
    FAR,
    Misconception,
    Site,
    args,
    calls,
    has,
    put,
    shifts,
    slopes,
    swap,
)

# ---------------------------------------------------------------- losses and the output's error


def _is_difference(node: Expr) -> bool:
    kinds = {"target", "activation"}
    return (
        isinstance(node, Call)
        and node.op == "sub"
        and {arg.symbol.quantity for arg in node.args if isinstance(arg, Ref)} == kinds
    )


def _difference_reversed(site: Site) -> Iterator[Expr]:
    if site.rule in ERRORS:
        yield from swap(site, _is_difference, lambda n: Call("sub", n.args[::-1]))


def _is_minus_two(node: Expr) -> bool:
    """−2 · (y − ŷ), from the derivative of a square."""
    return isinstance(node, Call) and node.op == "mul" and node.args[0] == Const(-2.0)


def _target_forgotten(site: Site) -> Iterator[Expr]:
    """ŷ where ŷ − y is meant."""
    if site.rule in (*ERRORS, "loss"):
        yield from swap(site, _is_difference, _prediction)


def _prediction(difference: Call) -> Expr:
    first, second = difference.args
    return -second if isinstance(first, Ref) and first.symbol.quantity == "target" else first


def _factor_two_lost(site: Site) -> Iterator[Expr]:
    if site.rule in ERRORS:
        yield from swap(site, _is_minus_two, lambda n: call("neg", n.args[1]))


def _factor_two_twice(site: Site) -> Iterator[Expr]:
    if site.rule in ERRORS:
        yield from swap(site, _is_minus_two, lambda n: call("mul", -4, n.args[1]))


def _two_and_minus_lost(site: Site) -> Iterator[Expr]:
    if site.rule in ERRORS:
        yield from swap(site, _is_minus_two, lambda n: n.args[1])


def _factor_two_added(site: Site) -> Iterator[Expr]:
    if (site.rule in ERRORS and _is_difference(site.formula)) or (site.rule == "loss" and not _top_is_fraction(site)):
        yield 2 * site.formula


def _half_added(site: Site) -> Iterator[Expr]:
    two = any(_is_minus_two(n) for n in calls(site.formula))
    halved = _top_is_fraction(site) and not site.program.model.loss_name.startswith("mean")
    if (site.rule in ERRORS and not two) or (site.rule == "loss" and not halved):
        yield site.formula / 2


def _division_lost(site: Site) -> Iterator[Expr]:
    """½ or 1/m of a loss, or of its gradient, forgotten."""
    if site.rule in ("loss", "loss_gradient") and _top_is_fraction(site):
        yield args(site.formula)[0]


def _top_is_fraction(site: Site) -> bool:
    f = site.formula
    return isinstance(f, Call) and f.op == "div" and isinstance(f.args[1], Const)


def _square_lost(site: Site) -> Iterator[Expr]:
    if site.rule == "loss":
        yield from swap(site, lambda n: n.op == "pow", lambda n: n.args[0])
        yield from swap(site, lambda n: n.op == "pow", lambda n: -n.args[0])
        yield from swap(site, lambda n: n.op == "pow", lambda n: 2 * n.args[0])
        yield from swap(site, lambda n: n.op == "pow", lambda n: call("abs", n.args[0]))


def _minus_of_log_lost(site: Site) -> Iterator[Expr]:
    f = site.formula
    if site.rule == "loss" and isinstance(f, Call) and f.op == "neg":
        yield f.args[0]


def _one_logarithm(site: Site) -> Iterator[Expr]:
    """−y · ln ŷ or −(1 − y) · ln(1 − ŷ) alone."""
    if site.rule == "loss" and site.program.model.loss_name == "binary_cross_entropy":
        yield from swap(site, _is_sum_of_logs, lambda n: n.args[0])
        yield from swap(site, _is_sum_of_logs, lambda n: n.args[1])


def _is_sum_of_logs(node: Call) -> bool:
    return node.op == "add" and all(has(arg, "mul") and has(args(arg)[1], "log") for arg in node.args)


def _ratio_sign(site: Site) -> Iterator[Expr]:
    if site.rule == "loss_gradient":
        yield from swap(site, lambda n: n.op == "neg" and has(n.args[0], "ratio"), lambda n: n.args[0])


def _inner_minus_lost(site: Site) -> Iterator[Expr]:
    """−(y/ŷ + (1 − y)/(1 − ŷ)): the inner derivative of ln(1 − ŷ) is −1."""
    f = site.formula
    if site.rule == "loss_gradient" and isinstance(f, Call) and f.op == "add" and all(_is_ratio(arg) for arg in f.args):
        yield f.args[0] - f.args[1]


def _is_ratio(node: Expr) -> bool:
    return has(node, "ratio") or (isinstance(node, Call) and node.op == "neg" and has(node.args[0], "ratio"))


def _divided_twice(site: Site) -> Iterator[Expr]:
    """½ or 1/m of a loss, or of its gradient, taken twice."""
    if site.rule in ("loss", "loss_gradient") and _top_is_fraction(site):
        yield site.formula / args(site.formula)[1]


def _mean_over_outputs(site: Site) -> Iterator[Expr]:
    """The errors of the outputs averaged, where this loss adds them up."""
    model = site.program.model
    outputs = model.layers[-1].units if model.layers else 1
    if site.rule in (*ERRORS, "loss") and outputs > 1 and not model.loss_name.startswith("mean"):
        yield site.formula / outputs


def _wrong_class(site: Site) -> Iterator[Expr]:
    if _one_true_class(site):
        yield from _other_targets(site)


def _wrong_target(site: Site) -> Iterator[Expr]:
    if not _one_true_class(site):
        yield from _other_targets(site)


def _one_true_class(site: Site) -> bool:
    return site.program.model.loss_name == "cross_entropy"


def _other_targets(site: Site) -> Iterator[Expr]:
    if site.rule in (*ERRORS, "loss"):
        for ref in refs(site.formula):
            if ref.symbol.quantity == "target" and ref.symbol.shape[0] > 1:
                for shift in shifts(ref.symbol.shape[0]):
                    yield from put(site.formula, ref, Call("roll", (ref,), shift))


def _loss_factor_alone(site: Site) -> Iterator[Expr]:
    """∂L/∂ŷ given where ∂L/∂z is asked."""
    if site.rule == "combined_error":
        yield from (Ref(ref.symbol) for line in site.equation.derivation[:1] for ref in refs(line.formula)
                    if ref.symbol.quantity == "gradient")  # fmt: skip


def _slope_again(site: Site) -> Iterator[Expr]:
    """ŷ − y times σ′ once more, although it has cancelled."""
    if site.rule == "combined_error":
        derived = site.equation.derivation[0].formula
        yield from (site.formula * slope for slope in slopes(derived))
        for node in calls(derived):
            if node.op == "jacobian":
                (a,) = node.args
                yield site.formula * (a * (1 - a))
                yield call("matmul", call("transpose", node), site.formula)


def _softmax_not_shared(site: Site) -> Iterator[Expr]:
    yield from swap(site, lambda n: n.op == "softmax", lambda n: call("exp", *n.args))
    yield from swap(site, lambda n: n.op == "softmax", _below_the_largest)


def _below_the_largest(softmax: Call) -> Expr:
    """e^(z − the largest z), as programs have it."""
    (z,) = softmax.args
    return call("exp", z - along(call("reduce_max", z, param=-1), z, -1))


def _log10(site: Site) -> Iterator[Expr]:
    yield from swap(site, lambda n: n.op == "log", lambda n: call("log10", *n.args))


# ---------------------------------------------------------------- the table

TABLE: dict[str, Misconception] = {
    "difference-reversed": Misconception(
        "target minus prediction instead of prediction minus target",
        "The gradient points where the loss grows: prediction minus target. Too high means plus.",
        _difference_reversed,
        reach=ANY,
        seen="https://math.techqa.club/calculating-derivatives-for-backpropagation-in-2-layer-neural-network-4158072",
    ),
    "target-forgotten": Misconception(
        "the target was not subtracted",
        "What comes back from the output is the difference of prediction and target.",
        _target_forgotten,
        rare=True,
    ),
    "factor-two-lost": Misconception(
        "the 2 from the square was lost",
        "Here the loss has no ½: differentiating the square brings down a 2.",
        _factor_two_lost,
        reach=FAR,
        seen="https://github.com/davisking/dlib/issues/1169",
    ),
    "factor-two-added": Misconception(
        "there is a 2 too many",
        "This loss leaves no 2: the ½ in front has cancelled it, or there is no square.",
        _factor_two_added,
        reach=FAR,
    ),
    "half-added": Misconception(
        "there is a ½ too many",
        "Nothing is halved here; where a loss has a ½, it cancels with the 2 of its square.",
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
    "one-logarithm": Misconception(
        "one of the two logarithms was left out",
        "Both count: y · ln ŷ where the target is 1, (1 − y) · ln(1 − ŷ) where it is 0.",
        _one_logarithm,
        rare=True,
        partial=True,
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
        seen="https://ai.stackexchange.com/questions/38164",
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
    "factor-two-twice": Misconception(
        "the 2 from the square was multiplied twice",
        "Differentiating a square brings down one 2, and only once.",
        _factor_two_twice,
    ),
    "two-and-minus-lost": Misconception(
        "both the 2 and the minus of the squared error's derivative were lost",
        "The derivative of (y − ŷ)² in ŷ is −2(y − ŷ): the 2 from the square, the minus from inside.",
        _two_and_minus_lost,
    ),
    "inner-minus-lost": Misconception(
        "the minus inside ln(1 − ŷ) was lost",
        "The derivative of ln(1 − ŷ) is −1/(1 − ŷ): the inner derivative is −1.",
        _inner_minus_lost,
        rare=True,
        seen="https://math.stackexchange.com/questions/2503428",
    ),
    "mean-over-outputs": Misconception(
        "the mean over the outputs instead of their sum",
        "This loss adds its outputs up; nothing is divided by how many they are.",
        _mean_over_outputs,
    ),
    "divided-twice": Misconception(
        "the loss was divided twice",
        "This loss is divided once: by 2, or by the number of outputs.",
        _divided_twice,
        seen="https://github.com/bhanML/Co-teaching/issues/4",
    ),
    "wrong-target": Misconception(
        "the target of another output was used",
        "Each output is compared with its own target.",
        _wrong_target,
    ),
}
