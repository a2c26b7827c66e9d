"""Iterations as straight-line Python over single numbers."""

from __future__ import annotations

import builtins
import math
import re
from collections.abc import Callable, Iterable, Sequence
from functools import partial, reduce
from typing import Any

import numpy as np

from tutor.engine.compiled.graph import (
    AT_KINK,
    CANCELLED,
    NO_GRADIENT,
    SIGNS,
    Code,
    Graph,
    Memory,
    Values,
    divides_by_gradients,
    needed_equations,
    written_out,
)
from tutor.engine.expressions import (
    OPERATORS,
    Call,
    Const,
    Expr,
    Ref,
    Shape,
    Symbol,
    at_example,
    element,
    indices,
    refs,
)
from tutor.engine.ids import setting, updated
from tutor.engine.model import Equation

DEEPEST = 30  # brackets in a line of source; Python's parser takes some 90


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
        with np.errstate(all="ignore"):
            flat[:] = train(flat.tolist(), feed, float(first), losses.append)

    return code


def _on_numbers(op: str) -> Callable[..., float]:
    """An operator that `math` does not have, of single numbers."""
    return lambda *args: float(OPERATORS[op].numpy(Call(op, ()), *args))


class _Scalars:
    def __init__(
        self,
        equations: Sequence[Equation],
        loss: str,
        memory: Memory,
        fixed: Values,
        data: Sequence[Symbol],
        examples: int,
    ):
        self.graph = graph = Graph()
        self.values: dict[tuple[Any, ...], int] = {(setting("t"), (), None): graph.given("t")}  # (key, index, example)
        self.data = [
            f"g{e}_{k}_{n}" for e in range(examples) for k, s in enumerate(data) for n in range(math.prod(s.shape))
        ]  # names of our own
        for key, value in fixed.items():
            for index in indices(np.shape(value)):
                self.values[key, index, None] = graph.const(np.asarray(value)[index])
        self.carried = [f"p{at}" for at in range(memory.flat.size)]
        for key, where in memory.slices.items():
            for index, name in zip(indices(memory.shapes[key]), self.carried[where], strict=True):
                self.values[key, index, None] = graph.given(name)
        needed = needed_equations(equations, [loss, *map(updated, memory.slices)])
        for k, symbol in enumerate(data):
            for e in range(examples):
                place = e if symbol.per_example else None
                for n, index in enumerate(indices(symbol.shape)):
                    self.values[symbol.key, index, place] = graph.given(f"g{e}_{k}_{n}")
        for eq in needed:
            symbol, formula = eq.symbol, eq.compute or eq.formula
            places: Iterable[int | None] = range(examples) if symbol.per_example else (None,)
            for example in places:
                own = formula if example is None else at_example(formula, example)
                for index, number in zip(indices(symbol.shape), self.elements(own, symbol.shape), strict=True):
                    self.values[symbol.key, index, example] = number
        self.loss = self.values[loss, (), None]
        self.watched = {
            self.values[ref.symbol.key, index, None]
            for eq in (needed if divides_by_gradients(needed) else ())
            if eq.phase == "update"
            for ref in refs(eq.formula)
            if ref.symbol.quantity == "gradient"
            for index in indices(ref.shape)
        }
        self.new = [self.values[updated(key), i, None] for key in memory.slices for i in indices(memory.shapes[key])]

    def elements(self, formula: Expr, shape: Shape) -> list[int]:
        """The numbers of a formula's elements; what is computed otherwise than shown is written out here."""
        add = self.graph.add
        op = formula.op if isinstance(formula, Call) else ""
        if op not in ("softmax", "cross_entropy_of_z", "binary_cross_entropy_of_z"):
            return [self.number(element(formula, index)) for index in indices(shape)]
        assert isinstance(formula, Call)
        *y, z = ([self.number(element(arg, index)) for index in indices(arg.shape)] for arg in formula.args)
        if op == "binary_cross_entropy_of_z":
            zero = self.graph.const(0)
            terms = [
                add(
                    "add",
                    add("sub", add("max", zero, zk), add("mul", zk, yk)),
                    add("log1p", add("exp", add("neg", add("abs", zk)))),
                )
                for zk, yk in zip(z, *y, strict=True)
            ]
            return [add("add", *terms)]
        if op == "softmax":
            return self.softmax(z, formula)
        _, whole, top = self.shares(z)
        log = add("log", whole)
        terms = [add("mul", yk, add("add", add("sub", top, zk), log)) for zk, yk in zip(z, *y, strict=True)]
        return [add("add", *terms)]

    def softmax(self, z: list[int], formula: Call) -> list[int]:
        """Of each line along an axis; `z` are all elements, row by row."""
        numbers = np.array(z).reshape(formula.args[0].shape)
        lines = np.moveaxis(numbers, formula.param or -1, -1)
        found = np.empty_like(lines)
        for index in np.ndindex(*lines.shape[:-1]):
            parts, whole, _ = self.shares(lines[index].tolist())
            found[index] = [self.graph.add("div", part, whole) for part in parts]
        return list(np.moveaxis(found, -1, formula.param or -1).ravel().tolist())

    def shares(self, z: list[int]) -> tuple[list[int], int, int]:
        """e^(z − max z), their sum, and the largest."""
        top = reduce(partial(self.graph.add, "max"), z)
        parts = [self.graph.add("exp", self.graph.add("sub", zk, top)) for zk in z]
        return parts, self.graph.add("add", *parts), top

    def number(self, expr: Expr) -> int:
        """The number of a scalar formula's value."""
        if isinstance(expr, Const):
            return self.graph.const(expr.value)
        if isinstance(expr, Ref):
            return self.values[expr.symbol.key, expr.index or (), expr.example]
        assert isinstance(expr, Call)
        written = written_out(expr)
        if written is not None:
            return self.number(written)
        if expr.op in ("hit", "pick"):
            return self.looked_up(expr)
        args = [self.number(arg) for arg in expr.args]
        if expr.op == "mul" and isinstance(expr.args[0], Call) and expr.args[0].op == "hit":
            hit = self.graph.constant(args[0])
            if hit is not None:  # what is not taken is left out, be it infinite
                return args[1] if hit else args[0]
        if expr.op == "add" and 0.0 in map(self.graph.constant, args):
            args = [arg for arg in args if self.graph.constant(arg) != 0] or args[:1]
            if len(args) == 1:
                return args[0]
        if expr.op in ("max", "min"):
            return reduce(partial(self.graph.add, expr.op), args)
        if expr.op == "mul" and self.graph.constant(args[0]) is not None:
            op, parts, _ = self.graph.nodes[args[1]]
            if op == "mul":  # η(δx) is (ηδ)x, and ηδ is there for every x
                return self.graph.add("mul", self.graph.add("mul", args[0], parts[0]), parts[1])
        return self.graph.add(expr.op, *args, param=expr.param)

    def looked_up(self, expr: Call) -> int:
        """What an id says, settled here where it is always the same."""
        which = self.number(expr.args[0])
        known, choices = self.graph.constant(which), expr.args[1:]
        if expr.op == "hit":
            if known is not None:
                return self.graph.const(float(known == expr.param))
            return self.graph.add("hit", which, param=expr.param)
        if known is not None and known.is_integer() and 1 <= known <= len(choices):
            return self.number(choices[int(known) - 1])
        return self.graph.add("pick", which, *map(self.number, choices))

    def source(self) -> str:
        nodes, uses = self.graph.nodes, self.graph.uses([self.loss, *self.new])
        kinks = {nodes[number][1][0] for number in uses if nodes[number][0] in ("choose", "sign")}
        kinked = bool(kinks) or any(nodes[number][0] in ("wins_max", "wins_min") for number in uses)
        text: dict[int, str] = {}
        depth: dict[int, int] = {}
        lines: list[str] = []
        for number, users in uses.items():
            op, args, param = nodes[number]
            if op in ("const", "given"):
                text[number], depth[number] = (f"({param})" if param[0] == "-" else param), 0
                continue
            text[number] = _scalar_text(op, [text[arg] for arg in args], param)
            depth[number] = 1 + max(depth[arg] for arg in args)
            again = any(nodes[user][0] in _SAID_TWICE for user in users) or number in kinks or number in self.watched
            if op in ("wins_max", "wins_min"):
                mine = text[args[param]]
                lines += [
                    _ask(f"({mine} - {other}) ** 2 < {AT_KINK**2} * {mine} * {mine} and {mine} != {other}")
                    for other in (text[arg] for at, arg in enumerate(args) if at != param)
                ]
            if len(users) > 1 or again or depth[number] > DEEPEST or number == self.loss:
                lines.append(f"v{number} = {text[number]}")
                text[number], depth[number] = f"v{number}", 0
            for asked, near in ((kinks, AT_KINK), (self.watched, NO_GRADIENT)):
                if number in asked:
                    lines.append(_ask(f"-{near} < v{number} < {near} and v{number}"))
        carried = "".join(f"{name}, " for name in self.carried)
        new = [text[number] for number in self.new]
        if text[self.loss] in self.carried:  # the circuit f = x: what is kept is from before the update
            lines.append(f"v{self.loss} = {text[self.loss]}")
            text[self.loss] = f"v{self.loss}"
        if kinked:
            for at, (name, value) in enumerate(zip(self.carried, new, strict=True)):
                small = f"-{AT_KINK} < n{at} < {AT_KINK} and n{at} * n{at} < {CANCELLED**2} * {name} * {name} and n{at}"
                lines += [f"n{at} = {value}", _ask(small)]
            lines += [f"{name} = n{at}" for at, name in enumerate(self.carried)]
        elif self.apart(new):
            lines += [f"{name} = {value}" for name, value in zip(self.carried, new, strict=True)]
        elif new:
            lines.append(f"{carried}= {''.join(value + ', ' for value in new)}")
        lines.append(f"keep({text[self.loss]})")
        lines += ["t += 1.0"] if self.values[setting("t"), (), None] in uses else []
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

    def apart(self, new: list[str]) -> bool:
        """Whether new values can be put in place one by one: none may raise half-way, none wants another's old one."""
        placed: set[str] = set()
        for name, value in zip(self.carried, new, strict=True):
            if re.search(r"/|\w\(", value) or not placed.isdisjoint(re.findall(r"\w+", value)):
                return False
            placed.add(name)
        return True


def _ask(where: str) -> str:
    """The line that leaves an iteration to the equations."""
    return f"if {where}: raise ArithmeticError"


# They name an argument twice.
_SAID_TWICE = {"max", "min", "wins_max", "wins_min", "sign", "ratio", "times", "power_log"}


def _scalar_text(op: str, args: list[str], param: int | None) -> str:
    """An operator in Python's words. A NaN is handed on as NumPy does."""
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
            sign = ">" if op == "wins_max" else "<"
            beats = [f"{args[param]} {sign}{'=' * (k > param)} {other}" for k, other in enumerate(args) if k != param]
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
