"""Iterations as straight-line Python over single numbers."""

from __future__ import annotations

import builtins
import math
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from tutor.engine.compiled.elements import ScalarGraph
from tutor.engine.compiled.graph import SIGNS, Code, Memory, Values
from tutor.engine.compiled.straight import straight
from tutor.engine.expressions import OPERATORS, Call, Symbol
from tutor.engine.floats import quietly
from tutor.engine.ids import setting
from tutor.engine.model import Equation


def scalars(
    equations: Sequence[Equation],
    loss: str,
    memory: Memory,
    fixed: Values,
    data: Sequence[Symbol] = (),
    examples: int = 1,
) -> Code:
    """Iterations as straight-line Python over single numbers.

    `loss` is the key of what is kept of each iteration; `fixed` has the values that never change. A round of the
    feed is a tuple of numbers: the `data` (x and y) of each example, one after the other. The code stops before an
    iteration in which Python would raise (overflow, division by zero), or rounding decide (see `AT_KINK`): fewer losses
    are kept than there were rounds.
    """
    of_math = ("exp", "log", "log1p", "expm1", "sqrt", "sin", "cos", "tanh", "copysign")
    names = {name: getattr(math, name) for name in of_math}
    known = {*names, *dir(builtins)}
    rest = {op: _on_numbers(op) for op in OPERATORS if op.isidentifier() and op not in known}
    namespace: dict[str, Any] = {**names, **rest, "power": math.pow, "inf": math.inf, "nan": math.nan}
    exec(compile(_Scalars(equations, loss, memory, fixed, data, examples).source(), "<scalars>", "exec"), namespace)
    train, flat = namespace["train"], memory.flat

    def code(feed: Iterable[Any], first: int, losses: list[Any]) -> None:
        with quietly():
            flat[:] = train(flat.tolist(), feed, float(first), losses.append)

    return code


def _on_numbers(op: str) -> Callable[..., float]:
    """An operator that `math` does not have, of single numbers."""
    return lambda *args: float(OPERATORS[op].numpy(Call(op, ()), *args))


class _Scalars(ScalarGraph):
    """The graph, and its source in Python."""

    def source(self) -> str:
        found = straight(self, _Python())
        lines, new = list(found.lines), found.new
        carried = "".join(f"{name}, " for name in self.carried)
        if found.kinked or self.apart(new):
            lines += [f"{name} = {value}" for name, value in zip(self.carried, new, strict=True)]
        elif new:
            lines.append(f"{carried}= {''.join(value + ', ' for value in new)}")
        lines.append(f"keep({found.loss})")
        lines += ["t += 1.0"] if self.timed else []
        body = "\n            ".join(lines)
        return f"""
def train(state, feed, t, keep):
    [{carried}] = state
    try:
        for [{"".join(f"{name}, " for name in self.data)}] in feed:
            {body}
    except (ArithmeticError, ValueError):
        pass
    return [{carried}]
"""

    @property
    def timed(self) -> bool:
        """Whether the number of the update is asked for."""
        return self.values[setting("t"), (), None] in self.graph.uses([self.loss, *self.new])

    def apart(self, new: list[str]) -> bool:
        """Whether new values can be put in place one by one: none may raise half-way, none wants another's old one."""
        placed: set[str] = set()
        for name, value in zip(self.carried, new, strict=True):
            if re.search(r"/|\w\(", value) or not placed.isdisjoint(re.findall(r"\w+", value)):
                return False
            placed.add(name)
        return True


class _Python:
    """See `straight.Language`. A NaN is handed on as NumPy does."""

    def leaf(self, number: int, graph: ScalarGraph) -> str:
        op, _, name = graph.graph.nodes[number]
        text = str(name) if op == "given" else repr(graph.graph.settled[number])
        return f"({text})" if text[0] == "-" else text

    def let(self, name: str, value: str) -> str:
        return f"{name} = {value}"

    def ask_near(self, name: str, limit: float) -> str:
        return f"if -{limit} < {name} < {limit} and {name}: raise ArithmeticError"

    def ask_tie(self, mine: str, other: str, limit: float) -> str:
        where = f"({mine} - {other}) ** 2 < {limit**2} * {mine} * {mine} and {mine} != {other}"
        return f"if {where}: raise ArithmeticError"

    def ask_left(self, new: str, old: str, near: float, share: float) -> str:
        where = f"-{near} < {new} < {near} and {new} * {new} < {share**2} * {old} * {old} and {new}"
        return f"if {where}: raise ArithmeticError"

    def text(self, op: str, args: Sequence[str], param: int | None) -> str:
        a, b = args[0], args[-1]
        match op:
            case "add" | "sub" | "mul" | "div":
                return f"({SIGNS[op].join(args)})" if len(args) > 1 else a
            case "neg":
                return f"(-{a})"
            case "pow":
                return f"power({a}, {b})"
            case "max" | "min":  # the second where they are equal or it is NaN
                return f"({a} if {a} {'>' if op == 'max' else '<'} {b} or {a} != {a} else {b})"
            case "wins_max" | "wins_min":
                assert param is not None
                sign, mine = ">" if op == "wins_max" else "<", args[param]
                beats = [f"{mine} {sign}{'=' * (k > param)} {other}" for k, other in enumerate(args) if k != param]
                return f"(1.0 if {' and '.join(beats) or True} else 0.0)"
            case "choose":
                return f"({args[1]} if {a} > 0.0 else {b})"
            case "sign":
                return f"(0.0 if {a} == 0.0 else copysign(1.0, {a}))"
            case "ratio":
                return f"(0.0 if {a} == 0.0 else {a} / {b})"
            case "times":
                return f"(0.0 if {a} == 0.0 else {a} * {b})"
            case "power_log":
                return f"(0.0 if {a} == 0.0 and {b} > 0.0 else power({a}, {b}) * log({a}))"
            case "pick":
                return f"({', '.join(args[1:])},)[int({a}) - 1]"
            case "hit":
                return f"(1.0 if {a} == {param} else 0.0)"
        return f"{op}({', '.join(args)})"
