"""Why a step of a circuit about arrays is so: one sentence for each operator that a gradient passes on its way."""

from __future__ import annotations

from collections.abc import Callable

from tutor.engine import ids
from tutor.engine.activations import ACTIVATIONS
from tutor.engine.backprop import users_of
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
    listed,
)
from tutor.text.explanations import GATES, SAYS, Explanation, Turn


def use_of(symbol: Symbol) -> str:
    """Through which gate this part of a gradient comes back; "" of the whole."""
    return ids.use_of(symbol.id)


def gate_of(step: Step) -> Equation:
    """The gate that a gradient, or a part of it, comes back from."""
    symbol = step.equation.symbol
    use = use_of(symbol)
    model = step.trace.program.model
    assert symbol.wrt
    users = users_of(model.forward, model.output, symbol.wrt)
    named = [eq for eq in users if eq.symbol.id == use or eq.symbol.id.partition(".")[0] == use]
    return (named or users)[0]


def forward(step: Step, names: Names) -> Explanation:
    """What a gate does, and the places that broadcasting takes its operands to."""
    node = step.equation.formula
    if not isinstance(node, Call):
        return Explanation("Copy: {it}", "The gate takes the value as it is.{remember}", "{it} is {value}.")
    title, does = _title(node, 0), _does(node, names)
    why = f"The gate {does}.{broadcast_forward(node, names)}{{remember}}"
    element = f"{told}{{remember}}" if (told := _cell(node, names)) else ""
    return Explanation(f"{title}: {{it}}", why, f"{{it}} {does}, and says {{value}}.", element)


def backward(step: Step, names: Names) -> Explanation:
    """What each operator between the gate's result and the operand does to the gradient; then the sum over places."""
    symbol, gate = step.equation.symbol, gate_of(step)
    assert symbol.wrt
    way = inward(gate.formula, symbol.wrt)[0]
    told = _told(way)
    if not told:
        said, title, says = "passes the gradient on unchanged", "Copy", SAYS["copy"]
    else:
        said, (title, says) = _chain(told, names), (_title(*told[-1]), _says(*told[-1]))
    use = use_of(symbol)
    spread = broadcast_back(way, names(Ref(symbol.wrt)))
    why = f"Local derivative times the gradient that came back: here the {said}.{spread}"
    if use:
        why += f" This is the part that comes back through {use}; the parts of all uses add up."
    result = "I am the result itself. " if gate.symbol.id == step.trace.program.model.output.id else ""
    turn = Turn(f"{title} {names(Ref(gate.symbol))}", result + says, "handed on to {of}: {value}")
    return Explanation("Gradient at {of}" + (f", through {use}" if use else ""), why, (turn,))


def fork(step: Step, names: Names) -> str:
    """What comes back along each branch of a value that several gates use; of branches of one kind it is said once."""
    wrt = step.equation.symbol.wrt
    assert wrt
    kinds: dict[tuple[object, ...], list[tuple[str, str]]] = {}
    model = step.trace.program.model
    for gate in reversed(users_of(model.forward, model.output, wrt)):
        for way in reversed(inward(gate.formula, wrt)):
            told = _told(way)
            does = _chain(told, names) if told else "copy passes the gradient on unchanged"
            spread = broadcast_back(way, names(Ref(wrt)))
            kind = (spread, *((_key(node, at), at) for node, at in told))
            kinds.setdefault(kind, []).append((names(Ref(gate.symbol)), f"the {does}.{spread}"))
    said = []
    for (first, does), *others in kinds.values():
        also = list(dict.fromkeys(gate for gate, _ in others))
        likewise = f" Likewise through {_and(also)}." if also and also != [first] else ""
        said.append(f"Through {first} {does}{likewise}")
    return " ".join(said)


def _and(texts: list[str]) -> str:
    return f"{', '.join(texts[:-1])} and {texts[-1]}" if len(texts) > 1 else texts[0]


def factor(gate: Equation, bottom: Symbol, names: Names) -> str:
    """What a factor of a path says: what the operators between two values do to a gradient."""
    told = _told(inward(gate.formula, bottom)[0])
    if not told:
        return "The value as it is: the factor is 1."
    return f"Gate {names(Ref(gate.symbol))}: the {_chain(told, names)}."


def _told(way: Way) -> Way:
    """The operators that are spoken of: a transpose is said of the product that it stands in."""
    return [(node, at) for node, at in way if node.op != "transpose" or len(way) == 1]


def _chain(way: Way, names: Names) -> str:
    """'add gate passes it on, and the matrix product within it sends ...'."""
    said = [f"{_lower(_title(node, at))} {_back(node, at, names)}" for node, at in way]
    return ", and the ".join(said)


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
    return back if isinstance(back, str) else back(node, at, names)


def _mul_back(node: Call, at: int, names: Names) -> str:
    return f"multiplies the gradient by the other factor, {names(node.args[1 - at])}"


def _div_back(node: Call, at: int, names: Names) -> str:
    return "multiplies the gradient by −top/bottom²" if at else f"divides the gradient by {names(node.args[1])}, too"


def _pow_back(node: Call, at: int, names: Names) -> str:
    x, n = node.args
    if at == 0 and isinstance(n, Const) and n.value == 2:
        return f"multiplies the gradient by the slope of a square, {names(2 * x)}"
    return GATES[_key(node, at)][2]


# What a gate that scalars know as well does to the gradient of the operand that is spoken of.
_BY_PLACE: dict[str, Callable[[Call, int, Names], str]] = {
    "add": lambda node, at, names: "passes the gradient on unchanged",
    "sub": lambda node, at, names: f"{'turns the sign of' if at else 'passes on'} the gradient",
    "mul": _mul_back,
    "div": _div_back,
    "pow": _pow_back,
}


def _says(node: Call, at: int) -> str:
    return ARRAY_GATES[node.op].says if node.op in ARRAY_GATES else SAYS.get(_key(node, at), SAYS["other"])


def _cell(node: Call, names: Names) -> str:
    """What one element of a matrix product is."""
    if node.op != "matmul" or len(node.args[0].shape) != 2:
        return ""
    x, y = map(names, node.args)
    if len(y_shape := node.args[1].shape) == 1:
        return f"Row {{i}} of {x} times {y}, number by number, added up."
    return f"Row {{i}} of {x} times column {{j}} of {y}, number by number, added up." if len(y_shape) == 2 else ""


def _does(node: Call, names: Names) -> str:
    """What a gate does; of a sum with products in it which terms it adds."""
    if node.op in ARRAY_GATES:
        does = ARRAY_GATES[node.op].does
        return does if isinstance(does, str) else does(node, names)
    does = GATES[node.op][1]
    if node.op == "add" and any(isinstance(arg, Call) for arg in node.args):
        does = f"adds {listed([names(arg) for arg in node.args])}"
    if not node.shape or node.op in ("add", "sub", "neg"):
        return does
    if node.op in ACTIVATIONS or len(node.args) == 1:
        return f"{does} of each number" if does.startswith(("takes", "drops")) else f"{does}, number by number"
    scaled = any(isinstance(arg, Const) or not arg.shape for arg in node.args)
    return does if scaled else f"{does}, number by number"

