"""Backpropagation: from forward equations to backward equations.

Read this file first. A forward equation says how one value follows from others, for instance

    z2 = W2·a1 + b2        a2 = σ(z2)

Its backward equations say how a small change of each of those others changes the output L:
the upstream gradient, dL/dz2, times the local derivative.

    dL/dW2 = dL/dz2 · a1ᵀ     dL/db2 = dL/dz2     dL/da1 = W2ᵀ·dL/dz2     dL/dz2 = dL/da2 ⊙ σ′(z2)

Each operator has one such rule, in `operators.OPERATORS`. Here is only the walk: from the output
back to the parameters, an equation at a time, adding up where a symbol was used more than once.
It is a pure function: forward equations in, backward equations out, nothing kept.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from tutor.engine.expressions import (
    ONE,
    OPERATORS,
    ZERO,
    Call,
    Const,
    Expr,
    Quantity,
    Ref,
    Shape,
    Symbol,
    call,
    total,
    walk,
)
from tutor.engine.ids import derivative, line_of
from tutor.engine.losses import DerivationLine
from tutor.engine.model import Equation, Model, Shortcut
from tutor.engine.rules import Rule


def gradient_of(output: Symbol, wrt: Symbol, use: str = "") -> Symbol:
    """The symbol d(output)/d(wrt), of the shape of `wrt`; each example has its own if the output or `wrt` does.

    With a `use` it is the part that comes back from one of the gates that use `wrt`.
    """
    many = output.per_example or wrt.per_example
    id = derivative(output.id, wrt.id, use)
    return Symbol(id, wrt.shape, "gradient", wrt.layer, many, output, wrt, use)


def backward(model: Model) -> list[Equation]:
    """The gradient of the output with respect to every symbol between it and the parameters.

    The gradients of a layer's parameters come before that of the activation that feeds it. In a
    batch each example has its own gradients; those of the parameters are then averaged, because
    the gradient of a mean is the mean of the gradients (or added up, where the batch's loss is the sum).
    """
    output, parameters = model.output, model.parameters
    wanted = between(model.forward, output, parameters)
    # How many equations still owe a symbol their part of its gradient.
    owing = Counter(s for eq in model.forward if eq.symbol in wanted for s in eq.takes if s in wanted)
    parts: dict[Symbol, list[Expr]] = defaultdict(list)
    flows = {eq.symbol: _flows(eq, model, wanted) for eq in model.forward if eq.symbol in wanted}
    uses = _uses(flows) if model.arrays else {}
    shortcuts = {z: shortcut for eq in model.forward for z, shortcut in eq.shortcuts.items()}
    equations: list[Equation] = []

    for eq in reversed(model.forward):
        if eq.symbol not in wanted:
            continue
        for symbol, found in flows[eq.symbol].items():
            parts[symbol] += found
            if symbol in uses:
                equations.append(_use(model, symbol, uses[symbol][eq.symbol], found, eq))
        operands = [s for s in eq.takes if s in wanted]
        owing.subtract(operands)
        for symbol in sorted(operands, key=lambda s: s.quantity not in ("weights", "biases")):
            if owing[symbol] == 0:
                named = tuple(uses.get(symbol, {}).values())[::-1]  # in the order in which they were found
                equations += _gradient(model, symbol, parts[symbol], shortcuts.get(symbol), eq, named)
    for symbol in parameters:
        if symbol not in wanted:
            gradient = gradient_of(output, symbol)
            gradient = gradient if symbol.per_example else _of_the_batch(gradient)
            equations.append(Equation(gradient, for_each(ZERO, symbol), "backward", "no_path"))
    return equations


def _flows(eq: Equation, model: Model, wanted: set[Symbol]) -> dict[Symbol, list[Expr]]:
    """What an equation adds to the gradient of each symbol that it uses."""
    output = model.output
    upstream = ONE if eq.symbol == output else Ref(gradient_of(output, eq.symbol))
    found: dict[Symbol, list[Expr]] = defaultdict(list)
    for symbol, part in flows_back(eq, upstream, wanted, None if output.per_example else model.examples):
        found[symbol].append(part)
    return found


def _uses(flows: dict[Symbol, dict[Symbol, list[Expr]]]) -> dict[Symbol, dict[Symbol, str]]:
    """Inputs that a gradient reaches through several gates -> those gates, in order, each with the name of the use.

    That is the author's line; where a line has several such gates, the gate's own name.
    """
    found: dict[Symbol, dict[Symbol, str]] = {}
    for symbol in dict.fromkeys(symbol for parts in flows.values() for symbol in parts):
        gates = [gate for gate, parts in flows.items() if symbol in parts]
        if symbol.quantity == "circuit_input" and len(gates) > 1:
            lines = Counter(line_of(gate.id) for gate in gates)
            found[symbol] = {gate: line_of(gate.id) if lines[line_of(gate.id)] == 1 else gate.id for gate in gates}
    return found


def _use(model: Model, symbol: Symbol, use: str, parts: list[Expr], gate: Equation) -> Equation:
    """The part of a gradient that comes back from one gate; an example at a time where it is a parameter's."""
    gradient = gradient_of(model.output, symbol, use)
    deferred = gradient.per_example and not symbol.per_example
    formula = for_each(total([_whole(part, symbol) for part in parts]), symbol)
    rule, variant = _rule(symbol, parts, gate)
    return Equation(gradient, formula, "backward", rule, variant=variant, deferred=deferred)


Reverse = Callable[[Call, Expr, Expr], "tuple[Expr | None, ...]"]


def reverse(node: Call, value: Expr, G: Expr) -> tuple[Expr | None, ...]:
    """Each argument's part of the gradient of a call, by the reverse rule of its operator."""
    rule = OPERATORS[node.op].reverse
    assert rule is not None, f"{node.op} has no reverse rule"
    return rule(node, value, G)


def parts_back(
    model: Model, gradient: Symbol, gate: Equation, rule: Reverse = reverse, upstream: Expr | None = None
) -> list[Expr]:
    """What one gate adds to a gradient, a part for each time that it takes the value; as the gradient's formula has it.

    `rule` stands in for the operators' own, `upstream` for what comes back to the gate.
    """
    wrt = gradient.wrt
    assert wrt is not None
    if upstream is None:
        upstream = ONE if gate.symbol == model.output else Ref(gradient_of(model.output, gate.symbol))
    many = None if model.output.per_example else model.examples
    return [_whole(part, wrt) for _, part in flows_back(gate, upstream, {wrt}, many, rule)]


def for_each(formula: Expr, symbol: Symbol) -> Expr:
    """A gradient for each element of a symbol, where its formula says the same of all."""
    return formula if _as_large(formula, Ref(symbol)) else call("expand", formula, Ref(symbol))


def _whole(part: Expr, symbol: Symbol) -> Expr:
    return part if part.shape in ((), symbol.shape) else for_each(part, symbol)


def between(forward: Iterable[Equation], output: Symbol, parameters: Iterable[Symbol]) -> set[Symbol]:
    """The symbols on a path from a parameter to the output."""
    forward = list(forward)
    below = set(parameters)  # depends on a parameter
    for eq in forward:
        if not below.isdisjoint(eq.takes):
            below.add(eq.symbol)
    return below & leading_to(forward, output)


def leading_to(forward: Sequence[Equation], output: Symbol) -> set[Symbol]:
    """The symbols that the output depends on, itself among them."""
    found = {output}
    for eq in reversed(forward):
        if eq.symbol in found:
            found.update(eq.takes)
    return found


def flows_back(
    eq: Equation, upstream: Expr, wanted: set[Symbol], examples: int | None, rule: Reverse = reverse
) -> Iterator[tuple[Symbol, Expr]]:
    """What each use of a symbol in an equation adds to its gradient: upstream times local derivative.

    `examples` is how many share an output that is the whole batch's; None where each example has its own. `rule` stands
    in for the operators' own.
    """
    if eq.gradients:
        yield from eq.gradients.items()
        return
    stack: list[tuple[Expr, Expr, Expr]] = [(eq.formula, Ref(eq.symbol), upstream)]
    while stack:
        node, value, G = stack.pop()
        if isinstance(node, Ref):
            if node.symbol in wanted:
                yield node.symbol, G
        elif isinstance(node, Call):
            elementwise = OPERATORS[node.op].elementwise  # its rule takes a gradient that is the same everywhere
            fits = _as_large(G, node) or (elementwise and not G.shape)
            whole = G if fits else call("expand", G, node)
            flows = [
                (arg, part)
                for arg, part in zip(node.args, rule(node, value, whole), strict=True)
                if part is not None and not isinstance(arg, Const)
            ]
            if elementwise:  # what an argument went to is counted, be it the same everywhere
                several = [
                    arg.shape != node.shape or (examples is not None and node.batched > arg.batched) for arg, _ in flows
                ]
                flows = [
                    (arg, call("expand", part, node) if many and not _as_large(part, node) else part)
                    for (arg, part), many in zip(flows, several, strict=True)
                ]
            stack += reversed([(arg, arg, _collected(part, arg, examples)) for arg, part in flows])


def _as_large(part: Expr, value: Expr) -> bool:
    """Whether there is a number for each of a value's elements and examples."""
    return part.shape == value.shape and (part.batched or not value.batched)


def _collected(part: Expr, arg: Expr, examples: int | None) -> Expr:
    """An argument's part of the gradient, added up over the places and the examples that the argument went to."""
    if examples is not None and part.batched and not arg.batched:
        outer = isinstance(part, Call) and part.op == "outer" and all(factor.batched for factor in part.args)
        op, args = ("sum_outer", part.args) if outer and isinstance(part, Call) else ("batch_sum", (part,))
        part = Call(op, args, examples)
    if _broadcasts(part.shape, arg.shape):
        return part
    return call("sum_to", part, arg) if arg.shape else call("sum", part)


def _broadcasts(part: Shape, whole: Shape) -> bool:
    """Whether a value of one shape says, by broadcasting, the same as one of the other shape: nothing was added up."""
    return len(part) <= len(whole) and all(
        m in (1, n) for m, n in zip(part, whole[len(whole) - len(part) :], strict=True)
    )


# What a gradient's rule is follows from what it is the gradient with respect to.
_RULES: dict[Quantity, Rule] = {
    "weights": "weight_gradient",
    "biases": "bias_gradient",
    "activation": "activation_gradient",
    "pre_activation": "pre_activation_gradient",
}


def _gradient(
    model: Model,
    symbol: Symbol,
    parts: list[Expr],
    shortcut: Shortcut | None,
    consumer: Equation,
    uses: tuple[str, ...] = (),
) -> Iterator[Equation]:
    """The equation(s) of one symbol's finished gradient; `consumer` is the equation that used it.

    `uses` are the names of the parts that are steps of their own.
    """
    gradient = gradient_of(model.output, symbol)
    parts = [_whole(part, symbol) for part in parts]
    formula = total(parts) if parts else ZERO  # used, but only where no gradient flows
    if shortcut:
        # Past ∂L/∂a in one piece: that factor is a step of its own, but never multiplied (∞ · 0).
        lines = (DerivationLine(shortcut.reason, formula), *shortcut.lines)
        yield Equation(gradient, shortcut.formula, "backward", "combined_error", derivation=lines)
        return
    rule, variant = _rule(symbol, parts, consumer)
    own = Equation(gradient, for_each(formula, symbol), "backward", rule, variant=variant)
    deferred = gradient.per_example and not symbol.per_example and symbol in model.parameters
    if uses:
        shown = total([Ref(gradient_of(model.output, symbol, use)) for use in uses])
        own = replace(own, formula=shown, rule="uses", variant="", compute=own.formula if deferred else None)
    if deferred:
        yield replace(own, deferred=True)
        own = _over_examples(own, model)
    yield own
    if model.decay and symbol.quantity == "weights":
        J = Symbol("J", (), "objective")
        decayed = Ref(own.symbol) + model.decay * Ref(symbol)
        yield Equation(gradient_of(J, symbol), decayed, "backward", "decayed_gradient")


def _rule(symbol: Symbol, parts: list[Expr], consumer: Equation) -> tuple[Rule, str]:
    """The rule of a gradient and its variant; of an author's equation the operator that takes the symbol."""
    if symbol.quantity in ("node", "circuit_input"):
        return ("fork", "") if len(parts) > 1 else ("gate_gradient", _taken_by(consumer, symbol))
    if consumer.rule == "loss":
        return "loss_gradient", ""
    if consumer.rule == "softmax":
        return "softmax_gradient", ""
    if symbol.quantity == "biases" and not symbol.shape:
        return "shared_bias_gradient", ""
    rule = _RULES.get(symbol.quantity)
    assert rule is not None, f"{symbol.id} is no value that a gradient is taken of"
    return rule, ""


def _taken_by(consumer: Equation, symbol: Symbol) -> str:
    """The gate that takes a symbol; where a sum has products within it, the product that does."""
    takers: dict[Expr, Call] = {}
    for node in walk(consumer.formula):
        if isinstance(node, Call) and node.op != "transpose":
            for arg in node.args:
                inner = arg.args[0] if isinstance(arg, Call) and arg.op == "transpose" else arg
                takers.setdefault(inner, node)
    taker = takers.get(Ref(symbol))
    return consumer.variant if taker is None else taker.op


def _over_examples(own: Equation, model: Model) -> Equation:
    """(1/n) Σ, or Σ, of the examples' own gradients; outer products are added up without being built n times."""
    (plain, outer, _, rule), examples = model.over_batch, model.examples
    mean = _of_the_batch(own.symbol)
    f = own.compute or own.formula
    op, args = (outer, f.args) if isinstance(f, Call) and f.op == "outer" else (plain, (f,))
    shown = call(plain, Ref(own.symbol), param=examples)
    compute: Expr = Call(op, args, examples)
    if not f.batched:  # the same for all examples
        compute = f if plain == "mean" else float(examples) * f
    elif not all(arg.batched for arg in args):
        compute = Call(plain, (f,), examples)
    return Equation(mean, shown, "backward", rule, compute=compute)


def _of_the_batch(gradient: Symbol) -> Symbol:
    """The gradient of the batch's loss, of one that each example has."""
    assert gradient.of
    return replace(gradient, per_example=False, of=replace(gradient.of, per_example=False))
