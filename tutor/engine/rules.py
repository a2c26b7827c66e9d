"""What a step is an example of: its rule. The words, the skills and the glossary have an entry for each."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

# Gates and what an optimiser works out are as many as there are operators and states: `variant` says which.
Varied: TypeAlias = Literal["gate", "gate_gradient", "optimizer"]
Rule: TypeAlias = Literal[
    "pre_activation", "activation", "softmax", "loss", "mean_loss", "sum_loss", "objective",
    "loss_gradient", "combined_error", "activation_gradient", "pre_activation_gradient", "softmax_gradient",
    "weight_gradient", "bias_gradient", "shared_bias_gradient", "mean_gradient", "sum_gradient", "decayed_gradient",
    "no_path", "fork", "uses", "local_derivative", "update",
    "gate", "gate_gradient", "optimizer",
]  # fmt: skip

RULES: tuple[Rule, ...] = get_args(Rule)
VARIED: tuple[Varied, ...] = get_args(Varied)
OVER_BATCH: tuple[Rule, ...] = ("mean_loss", "sum_loss", "mean_gradient", "sum_gradient")  # these put examples together


def rule_id(rule: Rule, variant: str = "") -> str:
    """A rule's id, of which skills and exports speak: loss, gate_mul, gate_mul_gradient, optimizer_velocity.

    `variant` is the operator of a gate or the name of a state, and "" of every other rule.
    """
    assert (rule in VARIED) == bool(variant), f"{rule} {variant or 'needs a variant'}"
    if rule == "gate_gradient":
        return f"gate_{variant}_gradient"
    return f"{rule}_{variant}" if variant else rule


def variant_of(id: str) -> tuple[Rule, str] | None:
    """The rule and the variant of an id such as gate_mul; None of one without a variant."""
    family, _, name = id.partition("_")
    if family == "optimizer" and name:
        return "optimizer", name
    if family == "gate" and name:
        return ("gate_gradient", name.removesuffix("_gradient")) if name.endswith("_gradient") else ("gate", name)
    return None
