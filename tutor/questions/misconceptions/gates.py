"""Slips about the gates of circuits: which factor a gate multiplies by. See `rewriting.py` for what an entry is."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tutor.engine.expressions import ONE, ZERO, Call, Const, Expr, call, negative, product, total
from tutor.questions.misconceptions.rewriting import (
    Misconception,
    Part,
    Rewrite,
    Site,
    both,
    gate_parts,
    has,
    replaced,
    without_factor,
)
from tutor.questions.misconceptions.structure import structure_of

# ---------------------------------------------------------------- add, multiply, max and forks


def _gate_confused(site: Site) -> Iterator[Expr]:
    """Add and multiply confused, forward and backward."""
    f = site.formula
    if site.equation.phase == "forward" and isinstance(f, Call):
        if site.equation.rule_id == "gate_add" and len(f.args) == 2:
            yield call("mul", *f.args)
        if site.equation.rule_id == "gate_mul":
            yield call("add", *f.args)
    for part in gate_parts(site):
        if part.op == "mul" and not _is_mask(site, part.args[1 - part.at]):
            yield from site.with_part(part, part.upstream)
        if part.op == "add" and len(part.args) == 2:
            yield from site.with_part(part, product(part.upstream, part.args[1 - part.at]))
            yield from site.with_part(part, product(part.upstream, part.args[part.at]))


def _is_mask(site: Site, factor: Expr) -> bool:
    """Whether it is a dropout's mask: to forget that has a name of its own, and leaves what it keeps as it is."""
    return site.program.model.arrays and structure_of(site.program).mask(factor) is not None


def _own_input(site: Site) -> Iterator[Expr]:
    for part in gate_parts(site):
        if part.op == "mul":
            yield from site.with_part(part, product(part.upstream, part.args[part.at]))


def _minus_lost(site: Site) -> Iterator[Expr]:
    for part in gate_parts(site):
        if part.local == Const(-1.0):
            yield from site.with_part(part, part.upstream)


def _to_both(site: Site) -> Iterator[Expr]:
    def wins(node: Expr) -> bool:
        return has(node, "wins_max") or has(node, "wins_min")

    if site.equation.phase == "backward":
        yield from replaced(site.formula, lambda node: without_factor(node, wins))


def _branch_forgotten(site: Site) -> Iterator[Expr]:
    if site.rule in ("fork", "uses") and isinstance(site.formula, Call):
        yield from site.formula.args
        if len(site.formula.args) > 2:
            for at in range(len(site.formula.args)):
                yield total([*site.formula.args[:at], *site.formula.args[at + 1 :]])


# ---------------------------------------------------------------- derivatives of functions


def _differentiated(op: str, wrong: Callable[[Part], tuple[Expr, ...]]) -> Rewrite:
    """The gates of a kind with other local derivatives than their own."""

    def rewrite(site: Site) -> Iterator[Expr]:
        for part in gate_parts(site):
            if part.op == op:
                for local in wrong(part):
                    if local != part.local:
                        yield from site.with_part(part, product(part.upstream, local))

    return rewrite


def _of_exp(part: Part) -> tuple[Expr, ...]:
    """eˣ -> x, x · eˣ⁻¹, 1."""
    (x,) = part.args
    return x, x * call("exp", x - 1), ONE


def _of_log(part: Part) -> tuple[Expr, ...]:
    """ln x -> ln x, x, 1/ln x."""
    (x,) = part.args
    return part.out, x, 1 / part.out


def _of_sqrt(part: Part) -> tuple[Expr, ...]:
    """√x -> 1/√x, ½√x, 1/(2x)."""
    (x,) = part.args
    return 1 / part.out, part.out / 2, 1 / (2 * x)


def _of_division(part: Part) -> tuple[Expr, ...]:
    """x/y in y -> x/y², −x/y, −1/y², ln y where x is 1; in x -> y."""
    x, y = part.args
    if part.at == 0:
        return (y,)
    logarithm = (call("log", y),) if x == ONE else ()
    return x / y**2, negative(x / y), negative(1 / y**2), *logarithm


def _of_power(part: Part) -> tuple[Expr, ...]:
    """xⁿ in x -> n · xⁿ, xⁿ⁻¹, n · x; in n -> n · xⁿ⁻¹, xⁿ."""
    x, n = part.args
    less = Const(n.value - 1) if isinstance(n, Const) else n - 1
    lower = x if less == ONE else x**less
    if part.at == 1:
        return n * lower, part.out
    if less == ZERO:
        return ()
    return n * part.out, lower, n * x


def _of_sine(part: Part) -> tuple[Expr, ...]:
    """sin x -> −cos x, sin x."""
    return negative(part.local), part.out


def _of_abs(part: Part) -> tuple[Expr, ...]:
    """|x| -> 1, |x|."""
    return ONE, part.out


# ---------------------------------------------------------------- the table

TABLE: dict[str, Misconception] = {
    "gates-confused": Misconception(
        "add and multiply gates were confused",
        "An add gate adds and passes its gradient on unchanged; a multiply gate multiplies, back by the other input.",
        _gate_confused,
    ),
    "own-input": Misconception(
        "multiplied by its own input instead of the other",
        "The slope of x·y in x is y: each input gets the other one.",
        _own_input,
    ),
    "minus-lost": Misconception(
        "the minus of a subtraction was lost on the way back",
        "What is subtracted moves the output the other way: its gradient changes sign.",
        _minus_lost,
    ),
    "to-both": Misconception(
        "the gradient went to all inputs of a max or min",
        "Only the input that was taken moves the output: it gets all of the gradient, the others none.",
        _to_both,
    ),
    "branch-forgotten": Misconception(
        "a branch of the fork was forgotten",
        "A value that is used more than once collects from every use.",
        _branch_forgotten,
        seen="https://github.com/karpathy/nn-zero-to-hero/issues/52",
    ),
    "derivative-of-exp": Misconception(
        "the exponential was differentiated by a wrong rule",
        "The derivative of eˣ is eˣ itself: no exponent comes down, and none is lowered.",
        _differentiated("exp", _of_exp),
        rare=True,
        seen="http://cs.jsu.edu/mcis/faculty/leathrum/Mathlets/awl/explore1d.html",
    ),
    "derivative-of-log": Misconception(
        "the logarithm was differentiated by a wrong rule",
        "The derivative of ln x is 1/x.",
        _differentiated("log", _of_log),
        rare=True,
    ),
    "derivative-of-root": Misconception(
        "the root was differentiated by a wrong rule",
        "The derivative of √x is 1/(2√x).",
        _differentiated("sqrt", _of_sqrt),
        rare=True,
    ),
    "derivative-of-quotient": Misconception(
        "the quotient was differentiated by a wrong rule",
        "The derivative of x/y is 1/y in x, and −x/y² in y.",
        _differentiated("div", _of_division),
        rare=True,
    ),
    "derivative-of-power": Misconception(
        "the power was differentiated by a wrong rule",
        "The derivative of xⁿ in x is n · xⁿ⁻¹: the exponent comes down, and one less stays; in n it is xⁿ · ln x.",
        _differentiated("pow", _of_power),
        rare=True,
    ),
    "derivative-of-sine": Misconception(
        "sine or cosine was differentiated by a wrong rule",
        "The derivative of sin x is cos x, that of cos x is −sin x.",
        both(_differentiated("sin", _of_sine), _differentiated("cos", _of_sine)),
        rare=True,
    ),
    "derivative-of-absolute": Misconception(
        "the absolute value was differentiated by a wrong rule",
        "The derivative of |x| is the sign of x: 1 above 0, −1 below.",
        _differentiated("abs", _of_abs),
        rare=True,
    ),
}
