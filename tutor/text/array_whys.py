"""Why a step of a circuit about arrays is so: one sentence for each operator that a gradient passes on its way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from tutor.engine.activations import ACTIVATIONS
from tutor.engine.expressions import Call, Const, Ref, Symbol
from tutor.engine.model import Equation
from tutor.engine.trace import Step
from tutor.text.array_gates import (
    ARRAY_GATES,
    Names,
    Way,
    broadcast_back,
    broadcast_forward,
    inward,
)
from tutor.text.explanations import GATE, GATE_GRADIENT, GATES, SAYS, Explanation
from tutor.text.language import say
from tutor.text.words import listed


def gate_of(step: Step) -> Equation:
    """The gate that a gradient, or a part of it, comes back from."""
    return step.trace.program.came_back_from(step.equation.symbol)[0]


_COPY = replace(GATE, story="{it} is {value}.")
_ROW = replace(GATE, element="Row {i} of {x} times {y}, number by number, added up.{remember}")
_CELL = replace(GATE, element="Row {i} of {x} times column {j} of {y}, number by number, added up.{remember}")
_OF_A_USE = replace(GATE_GRADIENT, title="Gradient at {of}, through {x}")


def forward(step: Step, names: Names) -> tuple[Explanation, Mapping[str, str]]:
    """What a gate does, and the places that broadcasting takes its operands to: the entry, and words of its own."""
    node = step.equation.formula
    if not isinstance(node, Call):
        return _COPY, {"Gate": say(GATES["copy"][0]), "does": say(GATES["copy"][1])}
    words = {
        "Gate": say(_title(node, 0)),
        "does": _does(node, names),
        "spread": broadcast_forward(node, names),
    }
    if node.op == "matmul" and len(node.args[0].shape) == 2:  # one element of a matrix product
        words |= dict(zip(("x", "y"), map(names, node.args), strict=True))
        return (_ROW if len(node.args[1].shape) == 1 else _CELL if len(node.args[1].shape) == 2 else GATE), words
    return GATE, words


def backward(step: Step, names: Names) -> tuple[Explanation, Mapping[str, str]]:
    """What each operator between the gate's result and the operand does to the gradient; then the sum over places."""
    symbol, gate = step.equation.symbol, gate_of(step)
    assert symbol.wrt
    way = inward(gate.formula, symbol.wrt)[0]
    told = _told(way)
    is_result = gate.symbol.id == step.trace.program.model.output.id
    words = {
        "Gate": say(_title(*told[-1]) if told else GATES["copy"][0]),
        "gate": names(Ref(gate.symbol)),
        "gates": _chain(told, names),
        "spread": broadcast_back(way, names(Ref(symbol.wrt))),
        "result": say("I am the result itself. ") if is_result else "",
        "spoken": _says(*told[-1]) if told else SAYS["copy"],
    }
    if not (use := symbol.use):
        return GATE_GRADIENT, words
    part = say("This is the part that comes back through {use}; the parts of all uses add up.", use=use)
    return _OF_A_USE, {**words, "through": f" {part}", "x": use}


def fork(step: Step, names: Names) -> str:
    """What comes back along each branch of a value that several gates use; of branches of one kind it is said once."""
    wrt = step.equation.symbol.wrt
    assert wrt
    kinds: dict[tuple[object, ...], list[tuple[str, str]]] = {}
    for gate in reversed(step.trace.program.gates_back(wrt)):
        for way in reversed(inward(gate.formula, wrt)):
            told = _told(way)
            spread = broadcast_back(way, names(Ref(wrt)))
            kind = (spread, *((_key(node, at), at) for node, at in told))
            through, does = names(Ref(gate.symbol)), _chain(told, names)
            text = say("Through {gate} {gates}.{spread}", gate=through, gates=does, spread=spread)
            kinds.setdefault(kind, []).append((through, text))
    said = []
    for (first, text), *others in kinds.values():
        said.append(text)
        also = list(dict.fromkeys(gate for gate, _ in others))
        if also and also != [first]:
            said.append(say("Likewise through {gates}.", gates=listed(also)))
    return " ".join(said)


def factor(gate: Equation, bottom: Symbol, names: Names) -> str:
    """What a factor of a path says: what the operators between two values do to a gradient."""
    told = _told(inward(gate.formula, bottom)[0])
    if not told:
        return say("The value as it is: the factor is 1.")
    return say("Gate {gate}: {gates}.", gate=names(Ref(gate.symbol)), gates=_chain(told, names))


def _told(way: Way) -> Way:
    """The operators that are spoken of: a transpose is said of the product that it stands in."""
    return [(node, at) for node, at in way if node.op != "transpose" or len(way) == 1]


def _chain(way: Way, names: Names) -> str:
    """'the add gate passes it on, and the matrix product sends ...'; without a gate a copy."""
    said = [f"{say(f'the {_lower(_title(node, at))}')} {_back(node, at, names)}" for node, at in way]
    return say(", and ").join(said or [f"{say('the copy')} {say(GATES['copy'][2])}"])


def _key(node: Call, at: int) -> str:
    """The row of the table of words: of a power that of its base or of its exponent."""
    return "pow_exponent" if node.op == "pow" and at == 1 else node.op


def _title(node: Call, at: int) -> str:
    return ARRAY_GATES[node.op].title if node.op in ARRAY_GATES else GATES[_key(node, at)][0]


def _lower(title: str) -> str:
    """A title within a sentence; a sign or a name that has capitals of its own stays."""
    return title if any(char.isupper() for char in title[1:]) else title[:1].lower() + title[1:]


def _back(node: Call, at: int, names: Names) -> str:
    back = ARRAY_GATES[node.op].back if node.op in ARRAY_GATES else _BY_PLACE.get(node.op, GATES[_key(node, at)][2])
    return say(back) if isinstance(back, str) else back(node, at, names)


def _mul_back(node: Call, at: int, names: Names) -> str:
    return say("multiplies the gradient by the other factor, {factor}", factor=names(node.args[1 - at]))


def _div_back(node: Call, at: int, names: Names) -> str:
    if at:
        return say("multiplies the gradient by −top/bottom²")
    return say("divides the gradient by {divisor}, too", divisor=names(node.args[1]))


def _pow_back(node: Call, at: int, names: Names) -> str:
    x, n = node.args
    if at == 0 and isinstance(n, Const) and n.value == 2:
        return say("multiplies the gradient by the slope of a square, {slope}", slope=names(2 * x))
    return say(GATES[_key(node, at)][2])


# What a gate that scalars know as well does to the gradient of the operand that is spoken of.
_BY_PLACE: dict[str, Callable[[Call, int, Names], str]] = {
    "add": lambda node, at, names: say("passes the gradient on unchanged"),
    "sub": lambda node, at, names: say("turns the sign of the gradient") if at else say("passes on the gradient"),
    "mul": _mul_back,
    "div": _div_back,
    "pow": _pow_back,
}


def _says(node: Call, at: int) -> str:
    """What a gate says in the story, a template: its places are the step's."""
    return ARRAY_GATES[node.op].says if node.op in ARRAY_GATES else SAYS.get(_key(node, at), SAYS["other"])


def _does(node: Call, names: Names) -> str:
    """What a gate does; of a sum with products in it which terms it adds."""
    if node.op in ARRAY_GATES:
        does = ARRAY_GATES[node.op].does
        return say(does) if isinstance(does, str) else does(node, names)
    english = GATES[node.op][1]
    does = say(english)
    if node.op == "add" and any(isinstance(arg, Call) for arg in node.args):
        does = say("adds {terms}", terms=listed([names(arg) for arg in node.args]))
    if not node.shape or node.op in ("add", "sub", "neg"):
        return does
    if node.op in ACTIVATIONS or len(node.args) == 1:
        if english.startswith(("takes", "drops")):
            return say("{does} of each number", does=does)
    elif any(isinstance(arg, Const) or not arg.shape for arg in node.args):
        return does
    return say("{does}, number by number", does=does)

