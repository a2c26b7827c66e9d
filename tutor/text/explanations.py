"""What a step is called, the sentence of why, and what it says in the story, for every rule.

One entry a rule. Its texts are templates, filled with names in the learner's notation:
`{it}` the step, `{of}` what a gradient is with respect to, `{layer}` and `{next}` the layer and the one
after it in words, `{g}` its activation, `{loss}` the loss in words, `{a}`, `{y}` and `{up}` the operands
(activation, target, upstream gradient), `{L}` what is differentiated, `{top}` and `{bottom}` the two of a
local derivative, `{i}` and `{j}` the row and column of an element, `{n}` how many, `{value}` the value. They are
translated as they stand here, and then filled.

The story of the backward pass is a conversation: each rule has the turns of its speakers, in words without formulas,
and what the last of them hands on.
"""

from __future__ import annotations

from dataclasses import dataclass
from string import Formatter

from tutor.engine.activations import ACTIVATIONS
from tutor.engine.optimizers import STATES
from tutor.engine.parsing import FUNCTIONS
from tutor.engine.rules import Rule, rule_id
from tutor.text.array_gates import ARRAY_GATES
from tutor.text.words import quoted


@dataclass(frozen=True)
class Turn:
    """What one speaker says in the story, and what comes of it: "handed on: −0.52"; "" where another goes on."""

    speaker: str
    words: str
    passes: str = ""

    @property
    def text(self) -> str:
        """The turn as one line."""
        return f"{self.speaker}: {quoted(self.words)}" + (f" ({self.passes})" if self.passes else "")


# What may stand in braces in a template; `explain.WORDS` says each.
FIELDS = frozenset(
    "a a_sum against all_gradients_first and_bias as_outer_product bottom does e_to_the_z end_of_blame feeders G g "
    "Gate gate gates heard i it j L Layer layer loss mean n n_paths Next next Of of Parameters remember result says "
    "spread through top up value what_grows x y".split()
)


def fields_of(template: str) -> set[str]:
    """What stands in braces in a template."""
    return {field for _, field, _, _ in Formatter().parse(template) if field is not None}


HANDS_ON, KEEPS = "handed on: {value}", "kept: {value}"


@dataclass(frozen=True)
class Explanation:
    """`why` is for the whole, `element` (if any) for one element, `story` for the level without formulas.

    A story is told in a sentence or two, or in turns.
    """

    title: str
    why: str
    story: str | tuple[Turn, ...]
    element: str = ""

    def __post_init__(self) -> None:
        turns = [] if isinstance(self.story, str) else [(turn.speaker, turn.words, turn.passes) for turn in self.story]
        story = [self.story] if isinstance(self.story, str) else [text for turn in turns for text in turn]
        for template in (self.title, self.why, self.element, *story):
            if unknown := sorted(fields_of(template) - FIELDS):
                asked = " and ".join(f"{{{field}}}" for field in unknown)
                raise ValueError(f"'{template}' asks for {asked}; there are: {', '.join(sorted(FIELDS))}")


# Of every rule but those that come in variants, which have theirs below.
_PLAIN: dict[Rule, Explanation] = {
    "pre_activation": Explanation(
        "Pre-activation of {layer}",
        "Each unit adds up what feeds it, every value times the weight of its connection{and_bias}.",
        "{Layer} listens: each unit weighs what comes in and adds it up. It is only as good as its weights, "
        "its bias and the values that it was given.",
        "Unit {i} adds up everything that feeds it, each value times the weight of its connection{and_bias}.",
    ),
    "activation": Explanation(
        "Activation of {layer}",
        "{G} is applied to each unit's pre-activation by itself; the result is {heard}.",
        "{Layer} speaks: each unit passes its sum through {g} and says the result aloud.",
        "{G} is applied to this unit's own pre-activation and to nothing else.",
    ),
    "softmax": Explanation(
        "Softmax of {layer}",
        "Each output is its own {e_to_the_z} over the sum of all of them: positive, and together 1, "
        "like probabilities.",
        "The outputs share out one whole: each says how likely its class is, and together they make 1.",
        "Output {i} is its own {e_to_the_z} over the sum of all of them. Raise one and all the others fall.",
    ),
    "loss": Explanation(
        "Loss",
        "{loss}: one number for how far {a} is from the target {y}. Everything that follows asks how it would change.",
        "The loss compares the prediction with the target and names the price of the difference: {value}.",
    ),
    "mean_loss": Explanation(
        "Mean loss of the batch",
        "The loss of a batch is the mean of its {n} examples' losses.",
        "Each of the {n} examples had its own complaint; the batch answers for their average: {value}.",
    ),
    "sum_loss": Explanation(
        "Loss of the batch, a sum",
        "The loss of a batch is here the sum of its {n} examples' losses: nothing is divided by {n}.",
        "Each of the {n} examples had its own complaint; the batch answers for all of them: {value}.",
    ),
    "objective": Explanation(
        "Objective",
        "To the loss comes λ/2 times the sum of all squared weights: large weights cost something too.",
        "Beside the loss, large weights pay a tax. The two together are what training makes small.",
    ),
    "loss_gradient": Explanation(
        "Gradient at the prediction",
        "Backward starts here: how {L} changes when the prediction {of} changes a little. "
        "This factor is the loss's own choice.",
        (
            Turn(
                "The loss",
                "Somebody has to answer for my price, and I was computed from the prediction. Had it been a little "
                "larger, I would have changed by so many times as much: that is its blame.",
                HANDS_ON,
            ),
        ),
        "How {L} changes when this output changes a little. A minus means: a larger output would lower the loss.",
    ),
    "pre_activation_gradient": Explanation(
        "Gradient at the pre-activation of {layer}",
        "The upstream gradient {up} times the slope of {g} at each unit's own pre-activation.",
        (
            Turn(
                "{Layer}'s activation",
                "I only applied {g} to what my pre-activation gave me. The blame is its own: less of it where {g} "
                "is flat, since there it could hardly move me.",
                HANDS_ON,
            ),
        ),
        "The upstream gradient of this unit times the slope of {g} at this unit's own pre-activation.",
    ),
    "softmax_gradient": Explanation(
        "Gradient through softmax",
        "Every output depends on every pre-activation, through the denominator. So each one collects from all outputs.",
        (
            Turn(
                "{Layer}'s activation",
                "I only shared out one whole. Each pre-activation moved everybody's share, so each of them hears "
                "the blame of all.",
                HANDS_ON,
            ),
        ),
        "Pre-activation {i} moves every output: the sum runs over all of them.",
    ),
    "combined_error": Explanation(
        "Error of the output layer",
        "Loss and activation cancel: what is left is the prediction minus the target. See the derivation.",
        (
            Turn(
                "{Layer}'s activation",
                "I only passed on what my pre-activation gave me. The loss's blame and my share of it cancel: what "
                "is left for the pre-activation is how far the prediction missed the target.",
                HANDS_ON,
            ),
        ),
        "Loss and activation cancel: prediction minus target, for output {i}.",
    ),
    "activation_gradient": Explanation(
        "Gradient at the activation of {layer}",
        "Each unit fed every unit of {next}. Blame comes back along each of those connections, "
        "times its weight; the parts add up.",
        (
            Turn(
                "{Next}'s pre-activation",
                "And the rest is not ours either: it came from {layer}. Each of its units hears from every one of "
                "us that it fed, as strongly as the weight between us carried.",
                HANDS_ON,
            ),
        ),
        "Unit {i} fed {n_paths} of {next}: {a_sum} error times the weight of the connection.",
    ),
    "weight_gradient": Explanation(
        "Gradient of the weights into {layer}",
        "Each weight: the error {up} of the unit that it feeds, times the value that it carries.{as_outer_product}",
        (
            Turn("{Layer}'s pre-activation", "I am only as good as what feeds me: {feeders}."),
            Turn(
                "{Parameters} of {layer}",
                "We admit it: what those units heard came through us. Each weight takes its unit's blame, as strongly "
                "as the value that it carried. Update us!{end_of_blame}",
                KEEPS,
            ),
        ),
        "This weight feeds unit {i} and carries input {j} of it: that unit's error times that value.",
    ),
    "bias_gradient": Explanation(
        "Gradient of the biases of {layer}",
        "A bias is added as it is, so its local derivative is 1: its gradient is the unit's error itself.",
        (
            Turn(
                "{Parameters} of {layer}",
                "A bias was added as it is: it takes its unit's blame as it is. Update it, too!",
                KEEPS,
            ),
        ),
    ),
    "shared_bias_gradient": Explanation(
        "Gradient of the bias that {layer} shares",
        "One bias is added to every unit, so it moves all of them: its gradient is the sum of their errors.",
        (
            Turn(
                "{Parameters} of {layer}",
                "One bias went to all of its units as it is: it takes the blame of all of them together.",
                KEEPS,
            ),
        ),
    ),
    "sum_gradient": Explanation(
        "Gradient of {of} summed over the batch",
        "The gradient of a sum is the sum of the gradients: add the {n} examples' own; nothing is divided.",
        (Turn("The batch", "Each of the {n} examples pulled its own way. I pull with all of them.", KEEPS),),
    ),
    "mean_gradient": Explanation(
        "Mean gradient of {of} over the batch",
        "The gradient of a mean is the mean of the gradients: add the {n} examples' own and divide by {n}.",
        (Turn("The batch", "Each of the {n} examples pulled its own way. I take the average pull.", KEEPS),),
    ),
    "decayed_gradient": Explanation(
        "Gradient of the objective for {of}",
        "L2 regularisation adds λ times the weight itself, once, after the {mean}. Biases are left alone.",
        (Turn("The tax on large weights", "And I pull them back towards zero, whoever is to blame.", KEEPS),),
    ),
    "update": Explanation(
        "Update of {of}",
        "{against}, because uphill {what_grows} grows; times the learning rate, because the slope "
        "only holds nearby.{all_gradients_first}",
        "{of} takes a small step against its share of the blame.",
    ),
    "no_path": Explanation(
        "Gradient of {of}",
        "No path leads from {of} to the output, so changing it changes nothing.",
        (Turn("{Of}", "I had no part in the result: no blame reaches me."),),
    ),
    "fork": Explanation(
        "Gradient at {of}, used more than once",
        "{of} was used {n} times. What comes back along each of its branches adds up.",
        (Turn("{Of}", "I spoke to {n} listeners, and hear back from each of them: the blame adds up.", HANDS_ON),),
    ),
    "uses": Explanation(
        "Gradient of {of}, which several lines share",
        "{of} is used {n} times, and it is one and the same value each time: the parts that come back add up.",
        (Turn("{Of}", "I had a hand in {n} lines, and hear back from each of them: the blame adds up.", KEEPS),),
    ),
    "local_derivative": Explanation(
        "Local derivative",
        "One factor of the chain rule: how {top} changes when {bottom} changes a little, everything else held still.",
        "How much {top} listens to {bottom}.",
    ),
}

# By the rule's id.
RULES: dict[str, Explanation] = {
    **{rule_id(rule): entry for rule, entry in _PLAIN.items()},
    **{
        rule_id("optimizer", state.name): Explanation(state.title, state.why, state.story)
        for state in STATES.values()
    },
}

# Gates of circuits: (title, what it does, what it does to the gradient).
GATES: dict[str, tuple[str, str, str]] = {
    "add": ("Add gate", "adds its inputs", "passes the gradient on to each input unchanged"),
    "sub": (
        "Subtract gate",
        "takes the second input from the first",
        "passes the gradient on, to the second input with its sign turned",
    ),
    "neg": ("Negate gate", "turns the sign", "turns the sign of the gradient"),
    "mul": ("Multiply gate", "multiplies its inputs", "sends each input the gradient times the other input"),
    "div": (
        "Divide gate",
        "divides the first input by the second",
        "sends the gradient over the divisor to the top, and times −top/bottom² to the bottom",
    ),
    "pow": ("Power gate", "raises to a power", "multiplies the gradient by n·xⁿ⁻¹ (0 where n is 0)"),
    "pow_exponent": ("Power gate", "raises to a power", "multiplies the gradient of its exponent by xⁿ·ln x"),
    "exp": (
        "Exponential gate",
        "raises e to its input",
        "multiplies the gradient by its own value, since eˣ is its own slope",
    ),
    "log": ("Logarithm gate", "takes the natural logarithm", "divides the gradient by its input"),
    "sqrt": ("Square root gate", "takes the square root", "divides the gradient by twice the root"),
    "sin": ("Sine gate", "takes the sine", "multiplies the gradient by the cosine of its input"),
    "cos": ("Cosine gate", "takes the cosine", "multiplies the gradient by minus the sine of its input"),
    "abs": (
        "Absolute value gate",
        "drops the sign",
        "passes the gradient on times the sign of its input: 1, −1, or 0 where the input is 0",
    ),
    "max": (
        "Max gate",
        "takes the largest input",
        "routes the whole gradient to the largest input (of equal ones the first) and 0 to the others",
    ),
    "min": (
        "Min gate",
        "takes the smallest input",
        "routes the whole gradient to the smallest input (of equal ones the first) and 0 to the others",
    ),
    "sigmoid": ("Sigmoid gate", "applies σ", "multiplies the gradient by σ(1 − σ)"),
    "tanh": ("Tanh gate", "applies tanh", "multiplies the gradient by 1 − tanh²"),
    "relu": (
        "ReLU gate",
        "lets through what is above 0",
        "lets the gradient through where its input is above 0, and stops it elsewhere",
    ),
    "copy": ("Copy", "takes the value as it is", "passes the gradient on unchanged"),
}
# What a gate says when the blame reaches it, without a formula.
SAYS = {
    "add": "I only added, so {of} gets the blame just as I got it.",
    "sub": "I took one from the other: {of} gets the blame, with its sign turned if it was what I took away.",
    "neg": "I only turned the sign, so I turn the sign of the blame.",
    "mul": "I multiplied: {of} counted as many times as the other input says, so it gets that many times the blame.",
    "div": "I divided: {of} gets as much of the blame as it could have moved the quotient.",
    "pow": "I raised to a power: the steeper I am here, the more of the blame {of} gets.",
    "pow_exponent": "I raised to a power: {of} gets as much of the blame as my power changes with it.",
    "exp": "I grow as fast as I am large, so {of} gets the blame as many times as I am large.",
    "log": "The larger my input is, the less it can move me, and the less of the blame it gets.",
    "sqrt": "The larger my root is, the flatter I am, and the less of the blame {of} gets.",
    "sin": "I am a wave: {of} gets the blame as steeply as I rise or fall here.",
    "cos": "I am a wave: {of} gets the blame as steeply as I rise or fall here.",
    "abs": "I dropped the sign of {of}, so I multiply the blame by that sign.",
    "max": "I listened to the largest alone, so that one gets all of the blame, and the others none.",
    "min": "I listened to the smallest alone, so that one gets all of the blame, and the others none.",
    "relu": "I let through what is above zero. If {of} came through, all of the blame goes back; if not, none.",
    "copy": "I only said it again, so {of} gets the blame just as I got it.",
    "other": "I only bent what {of} said: it gets less of the blame where I am flat.",
}
for _op, _activation in ACTIVATIONS.items():
    if _op not in FUNCTIONS:
        continue  # no circuit can write it
    _sign = _activation.glyph
    GATES.setdefault(_op, (f"{_sign} gate", f"applies {_sign}", f"multiplies the gradient by {_sign}′"))
for _op, _, _ in FUNCTIONS.values():  # what has no words of its own
    _gate = f"{_op.replace('_', ' ').capitalize()} gate"
    GATES.setdefault(_op, (_gate, f"applies {_op}", "multiplies the gradient by its own slope at each input"))
# Of any gate; what it does is said by `GATES`, and where a circuit has arrays by `array_whys`, from shapes and axis.
GATE = Explanation("{Gate}: {it}", "The gate {does}.{spread}{remember}", "{it} {does}, and says {value}.")
GATE_GRADIENT = Explanation(
    "Gradient at {of}",
    "Local derivative times the gradient that came back: here {gates}.{spread}{through}",
    (Turn("{Gate} {gate}", "{result}{says}", "handed on to {of}: {value}"),),
)
for _op in (*GATES, *ARRAY_GATES):
    RULES[rule_id("gate", _op)], RULES[rule_id("gate_gradient", _op)] = GATE, GATE_GRADIENT


# A linear activation is a copy: what is said of the others would be hollow.
LINEAR: dict[Rule, Explanation] = {
    "activation": Explanation(
        "Activation of {layer}",
        "A linear unit passes its pre-activation on as it is; the result is {heard}.",
        "{Layer} speaks: each unit says its sum aloud, unchanged.",
    ),
    "pre_activation_gradient": Explanation(
        "Gradient at the pre-activation of {layer}",
        "A linear unit's slope is 1: the upstream gradient {up} passes unchanged.",
        (
            Turn(
                "{Layer}'s activation",
                "I passed on what my pre-activation gave me, just as it was. So the blame goes on just as it is.",
                HANDS_ON,
            ),
        ),
    ),
}
