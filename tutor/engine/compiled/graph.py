"""Values by number: what both kinds of code are printed from."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from tutor.engine.activations import computed
from tutor.engine.expressions import Call, Const, Expr, evaluate, refs, walk
from tutor.engine.model import Equation

Values = dict[str, "np.ndarray | float"]
# feed: what each iteration takes, one after the other; the number of the first; a list that the losses are added to.
Code = Callable[[Iterable[Any], int, list[float]], None]
# What rounding leaves of a 0 may decide on which side of a kink a value lies, and an optimiser that divides by the
# size of a gradient makes a whole step of it. Which zeros are meant, only `expressions.evaluate` knows: the code stops
# before an iteration in which it would have to ask, and that one is run by the equations.
AT_KINK = 1e-9  # nearer than this to a kink, and not on it
CANCELLED = 1e-9  # of a parameter an update leaves so little, and yet something: it may stand at a kink next
NO_GRADIENT = 1e-13  # a gradient smaller than this, and not 0


def aligned(shape: tuple[int, ...]) -> np.ndarray:
    """An empty array of float64 that begins where a line of the cache does: large ones take NumPy 4 % less time."""
    size = 8 * math.prod(shape)
    room = np.empty(size + 64, np.uint8)
    start = -room.ctypes.data % 64
    return room[start : start + size].view(np.float64).reshape(shape)


class Memory:
    """What is carried from one iteration to the next, in one flat array of float64.

    `carried` are arrays by key, those of the parameters first, then those of the optimiser's states.
    """

    def __init__(self, carried: Values):
        arrays = {key: np.asarray(value, dtype=float) for key, value in carried.items()}
        self.shapes = {key: value.shape for key, value in arrays.items()}
        self.slices: dict[str, slice] = {}
        at = 0
        for key, value in arrays.items():
            self.slices[key] = slice(at, at + value.size)
            at += value.size
        self.flat = aligned((at,))
        for key, value in arrays.items():
            self.view(key)[...] = value

    def view(self, key: str, flat: np.ndarray | None = None) -> np.ndarray:
        """The value of a key, in the flat array itself, or in another of its kind."""
        return (self.flat if flat is None else flat)[self.slices[key]].reshape(self.shapes[key])


class Graph:
    """Values by number. A node is (operator, its arguments' numbers, further data); equal nodes are one."""

    def __init__(self) -> None:
        self.nodes: list[tuple[Any, ...]] = []
        self.settled: dict[int, float] = {}  # what is the same in all of a run: constants, settings, what follows
        self._numbers: dict[tuple[Any, ...], int] = {}

    def given(self, name: str) -> int:
        """A value from outside."""
        return self._number(("given", (), name))

    def const(self, value: float) -> int:
        """The number of a constant."""
        number = self._number(("const", (), repr(float(value))))  # by its text: 0.0 equals -0.0 and is another number
        self.settled[number] = float(value)
        return number

    def setting(self, key: str, value: float) -> int:
        """The number of what is constant in a run, and in the next run of the same code perhaps another number.

        So nothing may be left out because of what it is now.
        """
        number = self._number(("setting", (), key))
        self.settled[number] = float(value)
        return number

    def settled_with(self, settings: Mapping[str, float]) -> dict[int, float]:
        """What `settled` is with these settings. Raises ArithmeticError or ValueError where one has no value."""
        found: dict[int, float] = {}
        for number in sorted(self.settled):
            op, args, param = self.nodes[number]
            if op == "const":
                found[number] = float(param)
            else:
                found[number] = settings[param] if op == "setting" else _FOLDED[op](*(found[arg] for arg in args))
        return found

    def constant(self, number: int) -> float | None:
        """The value of a node that is a constant; None of another."""
        op, _, text = self.nodes[number]
        return float(text) if op == "const" else None

    def add(self, op: str, *args: int, param: Any = None) -> int:
        """The number of a value; what is constant is computed here."""
        constants = [self.constant(arg) for arg in args]
        if args and op in _FOLDED and None not in constants:
            with suppress(ArithmeticError, ValueError):
                return self.const(_FOLDED[op](*constants))
        if op == "mul" and constants[0] == 1:
            return args[1]
        if op in ("mul", "div") and constants[1] == 1:
            return args[0]
        if op == "mul" and (constants[0] is None) != (constants[1] is None):
            number, inner = (constants[0] or constants[1] or 0.0), self.nodes[args[constants[0] is not None]]
            within = self.constant(inner[1][0]) if inner[0] == "mul" else None
            if within is not None and 0.5 in (abs(math.frexp(number)[0]), abs(math.frexp(within)[0])):
                return self.add("mul", self.const(number * within), inner[1][1])  # a power of two: the same bits
        if op == "pow" and constants[1] in (1, 2):
            return args[0] if constants[1] == 1 else self.add("mul", args[0], args[0])
        if op == "mul" and args[0] == args[1] and self.nodes[args[0]][0] == "sub":
            x, y = sorted(self.nodes[args[0]][1])  # (y - ŷ)² is (ŷ - y)²: with ŷ - y, which is wanted as a gradient
            args = (self.add("sub", y, x),) * 2
        if op == "neg" and self.nodes[args[0]][0] == "sub":  # -(x - y) is y - x, the same bits
            return self.add("sub", *self.nodes[args[0]][1][::-1])
        number = self._number((op, args, param))
        if args and op in _FOLDED and all(arg in self.settled for arg in args):
            with suppress(ArithmeticError, ValueError):
                self.settled[number] = _FOLDED[op](*(self.settled[arg] for arg in args))
        return number

    def _number(self, node: tuple[Any, ...]) -> int:
        if node not in self._numbers:
            self._numbers[node] = len(self.nodes)
            self.nodes.append(node)
        return self._numbers[node]

    def uses(self, roots: Iterable[int]) -> dict[int, list[int]]:
        """Every value that the roots need, in order of evaluation, with the numbers of those that use it."""
        found: dict[int, list[int]] = {root: [] for root in roots}
        stack = list(found)
        while stack:
            number = stack.pop()
            for arg in self.nodes[number][1]:
                if arg not in found:
                    found[arg] = []
                    stack.append(arg)
                found[arg].append(number)
        return dict(sorted(found.items()))


def _settled(op: str, *constants: float) -> float:
    return float(evaluate(Call(op, tuple(map(Const, constants))), lambda ref: math.nan))


_FOLDED: dict[str, Callable[..., Any]] = {
    "add": lambda *terms: _settled("add", *terms), "sub": lambda *terms: _settled("sub", *terms),
    "mul": operator.mul, "div": operator.truediv, "neg": operator.neg,
    "pow": math.pow, "sqrt": math.sqrt,
}  # fmt: skip


def needed_equations(equations: Sequence[Equation], roots: Iterable[str]) -> list[Equation]:
    """The equations that the values of these keys follow from, in order."""
    wanted, found = set(roots), []
    for eq in reversed(equations):
        if eq.symbol.key in wanted:
            found.append(eq)
            wanted |= {ref.symbol.key for ref in refs(eq.compute or eq.formula)}
    return found[::-1]


def divides_by_gradients(equations: Iterable[Equation]) -> bool:
    """Whether the optimiser takes the size out of a gradient, as Adam does."""
    updates = (eq.formula for eq in equations if eq.phase == "update")
    return any(isinstance(node, Call) and node.op == "sqrt" for formula in updates for node in walk(formula))


def written_out(expr: Call) -> Expr | None:
    """An activation or its derivative by what it is computed with; None for any other operator."""
    return computed(expr.op, expr.args)


SIGNS = {"add": " + ", "sub": " - ", "mul": " * ", "div": " / ", "pow": " ** "}
