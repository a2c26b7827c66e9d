"""The table of notations: the same quantity has another name in every textbook. A notation never changes a value.

An entry fixes the names, the order of a weight's two indices and the numbering of layers. Names are
templates, in which

    ^l  ^(l)  _l     the layer's number as superscript, in brackets, as subscript
    _i _ij _ji _li   indices as subscripts: i the row (to), j the column (from), l the layer
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from tutor.engine.rules import Rule

Names = tuple[str, str]  # the name of the whole, and of one element


@dataclass(frozen=True)
class Notation:
    """`names` and `gradients` by quantity; `first` is the number of the layer after the inputs.

    `weights_first` is the number of the weights that feed that layer; `functions` the sign of an
    activation where the textbook writes one letter for any: (hidden, output). `letter` stands for a
    pre-activation in definitions, z or a; `order` says what the two indices of a weight are. `by_author`: how the
    gradients are written of arrays that have an author's names, by quantity. `axes`: whether a sum over an axis is
    written with the index that it runs over, Σⱼ(X), or in words as code has it, sum(X, axis=1). `boxes`: where the
    textbook takes two steps in one, the rule whose formula stands within that of another. `layer` is the letter of any
    layer, `last` that of the last one; the step back goes from it to the one before (`steps_down`), or to it from the
    next. `units` are the letters of a unit that is fed and of one that feeds it, `true_class` that of the true class,
    and `indicator` what is 1 where that is class i. `alone` are the quantities that need no index where the output is
    one number: y − ŷ. `names_sums`: whether the sum into a linear unit, which puts it out as it is, has a name.
    """

    title: str
    known_from: str
    names: dict[str, Names]
    gradients: dict[str, Names]
    first: int = 1
    weights_first: int = 1
    functions: tuple[str, str] | None = None
    elementwise: str = "⊙"
    matrix_product: str = "·"
    letter: str = "z"
    order: str = "to, from"
    rate: str = "η"
    loss: str = "L"
    mean_loss: str = "L"
    axes: Literal["indices", "words"] = "indices"
    boxes: dict[Rule, Rule] = field(default_factory=dict)
    layer: str = "l"
    last: str = "L"
    units: tuple[str, str] = ("i", "j")
    true_class: str = "l"
    indicator: str = "1(l = i)"
    alone: tuple[str, ...] = ("target", "output")
    names_sums: bool = True
    steps_down: bool = True
    by_author: dict[str, Names] = field(default_factory=lambda: {"any": ("∂{L}/∂{x}", "∂{L}/∂{x}")})


NOTATIONS: dict[str, Notation] = {
    "dz": Notation(
        title="dZ, dW, dA",
        known_from="layer superscripts and dZ = dA ⊙ σ′(Z), as deep-learning courses and their code write it",
        names={
            "input": ("X", "x_i"),
            "target": ("y", "y_i"),
            "pre_activation": ("Z^l", "z_i^l"),
            "activation": ("A^l", "a_i^l"),
            "weights": ("W^l", "w_ij^l"),
            "biases": ("b^l", "b_i^l"),
            "softmax_output": ("p", "p_i"),
        },
        gradients={
            "pre_activation": ("dZ^l", "dz_i^l"),
            "activation": ("dA^l", "da_i^l"),
            "weights": ("dW^l", "dw_ij^l"),
            "biases": ("db^l", "db_i^l"),
            "softmax_output": ("dp", "dp_i"),
        },
        matrix_product=" ",
        axes="words",
        true_class="k",
        indicator="I(i = k)",
        by_author={"any": ("d{x}", "d{x}")},
    ),
    "nabla": Notation(
        title="∇ and L(θ)",
        known_from="a for pre-activation, h for activation, ∇_x L(θ) for the gradient of the loss in x; the input is "
        "layer 0",
        names={
            "input": ("x", "x_i"),
            "target": ("y", "y_i"),
            "pre_activation": ("a_l", "a_li"),
            "activation": ("h_l", "h_li"),
            "output": ("ŷ", "ŷ_i"),
            "weights": ("W_l", "W_lij"),
            "biases": ("b_l", "b_li"),
        },
        gradients={"any": ("∇_{x} {L}", "∂{L}/∂{x}")},
        by_author={"any": ("∇_{x} {L}", "∂{L}/∂{x}")},
        functions=("g", "O"),
        indicator="1₍ₗ₌ᵢ₎",
        letter="a",
        layer="k",
        loss="L(θ)",
        mean_loss="L_T(θ)",
    ),
    "error": Notation(
        title="the error vector d",
        known_from="the input as layer 1, dˡ for the error of a layer, ỹ for the prediction",
        names={
            "input": ("a¹", "a_i¹"),
            "target": ("y", "y_i"),
            "pre_activation": ("z^l", "z_i^l"),
            "activation": ("a^l", "a_i^l"),
            "output": ("ỹ", "ỹ_i"),
            "weights": ("W^l", "w_ij^l"),
            "biases": ("b^l", "b_i^l"),
        },
        gradients={
            "pre_activation": ("d^l", "d_i^l"),
            "activation": ("∇_{x} {L}", "∂{L}/∂{x}"),
            "output": ("∇_{x} {L}", "∂{L}/∂{x}"),
            "any": ("∂{L}/∂{x}", "∂{L}/∂{x}"),
        },
        first=2,
        weights_first=2,
        functions=("σ", "σ"),
        mean_loss="L_T",
        last="F",
        units=("j", "k"),
        boxes={"pre_activation_gradient": "activation_gradient"},
        steps_down=False,
    ),
    "partials": Notation(
        title="∂L/∂w and O₁₁",
        known_from="a partial derivative for every weight, hidden outputs O₁₁, O₁₂, weights w¹ from-to",
        names={
            "input": ("x", "x_i"),
            "target": ("y", "y_i"),
            "first_of_two": ("z_prev", "z_prev_i"),
            "last_pre_activation": ("z_fin", "z_fin_i"),
            "pre_activation": ("z^l", "z^l_i"),
            "activation": ("O_l", "O_li"),
            "output": ("ŷ", "ŷ_i"),
            "weights": ("W^l", "w^l_ji"),
            "biases": ("b_l", "b_li"),
        },
        gradients={"any": ("∂{L}/∂{x}", "∂{L}/∂{x}")},
        order="from, to",
        rate="α",
        units=("j", "i"),
        alone=("target", "output", "last_pre_activation"),
        names_sums=False,
    ),
    "delta": Notation(
        title="δ⁽ˡ⁾ and f",
        known_from="layers in brackets, the input as layer 1, W⁽ˡ⁾ leaving layer l, δ the error, f any activation",
        names={
            "input": ("x", "x_i"),
            "target": ("y", "y_i"),
            "pre_activation": ("z^(l)", "z_i^(l)"),
            "activation": ("a^(l)", "a_i^(l)"),
            "output": ("ŷ", "ŷ_i"),
            "weights": ("W^(l)", "w_ij^(l)"),
            "biases": ("b^(l)", "b_i^(l)"),
        },
        gradients={
            "pre_activation": ("δ^(l)", "δ_i^(l)"),
            "weights": ("∇W^(l)", "∂{L}/∂{x}"),
            "biases": ("∇b^(l)", "∂{L}/∂{x}"),
            "any": ("∂{L}/∂{x}", "∂{L}/∂{x}"),
        },
        by_author={"circuit_input": ("∇{x}", "∂{L}/∂{x}"), "any": ("δ{x}", "∂{L}/∂{x}")},
        first=2,
        functions=("f", "f"),
        elementwise="∘",
        boxes={"pre_activation_gradient": "activation_gradient"},
        steps_down=False,
    ),
}
