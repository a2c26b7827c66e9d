"""From a circuit, the lines that an author wrote, to its equations: one gate an equation.

The inner gates of a compound line get ids of their own, name.1, name.2 ..., before it. A circuit that is about arrays
has larger gates: transposes and constants (√2) stay inside of the formula that uses them, and so do the products that
are terms of a sum. `Wx @ x3 + Wh @ h2 + b` is one gate, as z = W·a + b is in a network.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from tutor.engine.expressions import OPERATORS, Call, Expr, Ref, Symbol, call, walk
from tutor.engine.ids import within
from tutor.engine.lesson import Circuit, Lesson
from tutor.engine.model import Equation, Model, over_batch


def circuit_model(lesson: Lesson, circuit: Circuit, examples: int) -> Model:
    """The equations of a circuit; what its examples set, and all that follows, has a value for each of `examples`."""
    many, arrays = examples > 1, has_arrays(circuit)
    inputs = {
        name: Symbol(name, np.shape(value), "circuit_input", per_example=many and name in circuit.examples)
        for name, value in circuit.inputs.items()
    }
    known = {name: Ref(symbol) for name, symbol in inputs.items()}
    equations: list[Equation] = []
    for definition in circuit.definitions:
        of_examples = many and definition.name == circuit.output
        gates = list(_gates(definition.name, definition.formula, known, arrays, of_examples))
        line = definition.line if len(gates) > 1 else None
        for symbol, gate in gates:
            op = gate.op if isinstance(gate, Call) else "copy"
            equations.append(Equation(symbol, gate, "forward", "gate", line=line, variant=op))
        known[definition.name] = Ref(gates[-1][0])
    output, whole = known[circuit.output], over_batch(lesson)
    if many:
        plain = replace(output.symbol, per_example=False)
        equations.append(Equation(plain, call(whole.op, output, param=examples), "loss", whole.loss))
    return Model(
        tuple(equations),
        output.symbol,
        blocked=_blocked(equations),
        parameters=tuple(symbol for name, symbol in inputs.items() if name not in circuit.data),
        trainable=frozenset(circuit.parameters) if lesson.training else frozenset(),
        examples=examples,
        over_batch=whole,
        data=tuple(inputs[name] for name in circuit.examples),
        fixed=tuple(symbol for name, symbol in inputs.items() if name in circuit.data and name not in circuit.examples),
        arrays=arrays,
    )


def has_arrays(circuit: Circuit) -> bool:
    """Whether a circuit is about arrays: an input is one, or some value on the way."""
    if any(np.ndim(value) for value in circuit.inputs.values()):
        return True
    return any(node.shape for line in circuit.definitions for node in walk(line.formula))


_MOVES = ("transpose", "reshape", "row", "concat", "part")  # they put elements elsewhere


def _blocked(equations: list[Equation]) -> frozenset[str]:
    """The values in which `causal` has put −∞ at blocked positions, and those that follow element by element."""
    found: set[str] = set()
    for eq in equations:
        stack = [eq.formula]
        while stack:
            node = stack.pop()
            if (isinstance(node, Ref) and node.symbol.id in found) or (isinstance(node, Call) and node.op == "causal"):
                found.add(eq.symbol.id)
            elif isinstance(node, Call) and (node.op in _MOVES or OPERATORS[node.op].elementwise):
                stack += node.args
    return frozenset(found)


def _gates(
    name: str, formula: Expr, known: dict[str, Ref], arrays: bool, of_examples: bool
) -> Iterator[tuple[Symbol, Expr]]:
    """One gate an equation; `of_examples`: the last has a value for each example, whether or not it follows from one.

    A walk with a stack of its own: a line of 500 factors is a tree 500 deep.
    """
    made: list[tuple[Symbol, Expr]] = []
    done: list[Expr] = []
    stack: list[tuple[Expr, Call | None, bool]] = [(formula, None, False)]  # with what takes it, and if it is lowered
    while stack:
        node, taker, lowered = stack.pop()
        if isinstance(node, Ref):
            done.append(known[node.symbol.id])
        elif not isinstance(node, Call):
            done.append(node)
        elif not lowered:
            stack += [(node, taker, True), *((arg, node, False) for arg in reversed(node.args))]
        else:
            args, done = done[-len(node.args) :], done[: -len(node.args)]
            gate = Call(node.op, tuple(args), node.param)
            if arrays and taker is not None and _stays(gate, taker):
                done.append(gate)
                continue
            last = taker is None
            id = name if last else within(name, len(made) + 1)
            symbol = Symbol(id, gate.shape, "node", per_example=gate.batched or (last and of_examples))
            made.append((symbol, gate))
            done.append(Ref(symbol))
    if not isinstance(formula, Call):
        (copied,) = done
        made.append((Symbol(name, copied.shape, "node", per_example=copied.batched or of_examples), copied))
    yield from made


_SUMS = ("add", "sub", "neg")


def _stays(gate: Call, taker: Call) -> bool:
    """Whether a gate about arrays is no equation of its own, but stays in the formula of the gate that takes it."""
    if gate.op == "transpose" or not any(isinstance(node, Ref) for node in walk(gate)):
        return True
    return taker.op in _SUMS and gate.op in ("matmul", "mul", *_SUMS)
