"""Equations made fast: one function that runs many iterations, from the trees that the steps come from.

Two ways, and a run of training stays in one of them, so that what is run again has the same bits:

    scalars   tiny networks and circuits: straight-line Python, a local variable a number; the equations'
              scalar view (`formula.element`) says how each follows from the others
    arrays    everything larger: NumPy calls into arrays that were made beforehand; the parameters lie
              side by side, so that an optimiser's rule runs once for all of them

Both go through `Graph`: values by number, each computed once however often it is used, and only those
that the loss or a new parameter needs. The source that is compiled is printed from that graph: it has
names of our own (v1, v2 ...) and numbers, never a text of the lesson.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial, reduce
from itertools import groupby
from typing import Any

import numpy as np

from tutor.engine.activations import ACTIVATIONS, computed
from tutor.engine.formula import (
    OPERATORS,
    Call,
    Const,
    Expr,
    Ref,
    Shape,
    Symbol,
    at_example,
    element,
    evaluate,
    indices,
    refs,
    rewrite,
    walk,
)
from tutor.engine.network import Equation

Values = dict[str, "np.ndarray | float"]
# feed: what each iteration takes, one after the other; the number of the first; a list that the losses are added to.
Code = Callable[[Iterable, int, list], None]
# What rounding leaves of a 0 may decide on which side of a kink a value lies, and an optimiser that divides by the
# size of a gradient makes a whole step of it. Which zeros are meant, only `formula.evaluate` knows: the code stops
# before an iteration in which it would have to ask, and that one is run by the equations.
AT_KINK = 1e-9  # nearer than this to a kink, and not on it
CANCELLED = 1e-9  # of a parameter an update leaves so little, and yet something: it may stand at a kink next
NO_GRADIENT = 1e-13  # a gradient smaller than this, and not 0
DEEPEST = 30  # brackets in a line of source; Python's parser takes some 90


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
        self.flat = np.empty(at)
        for key, value in arrays.items():
            self.view(key)[...] = value

    def view(self, key: str, flat: np.ndarray | None = None) -> np.ndarray:
        """The value of a key, in the flat array itself, or in another of its kind."""
        return (self.flat if flat is None else flat)[self.slices[key]].reshape(self.shapes[key])


class Graph:
    """Values by number. A node is (operator, its arguments' numbers, further data); equal nodes are one."""

    def __init__(self) -> None:
        self.nodes: list[tuple] = []
        self._numbers: dict[tuple, int] = {}

    def given(self, name: str) -> int:
        """A value from outside."""
        return self._number(("given", (), name))

    def const(self, value: float) -> int:
        return self._number(("const", (), repr(float(value))))  # by its text: 0.0 equals -0.0 and is another number

    def constant(self, number: int) -> float | None:
        op, _, text = self.nodes[number]
        return float(text) if op == "const" else None

    def add(self, op: str, *args: int, param=None) -> int:
        """The number of a value; what is constant is computed here."""
        constants = [self.constant(arg) for arg in args]
        if args and op in _FOLDED and None not in constants:
            with suppress(ArithmeticError, ValueError):
                return self.const(_FOLDED[op](*constants))
        if op == "mul" and constants[0] == 1:
            return args[1]
        if op in ("mul", "div") and constants[1] == 1:
            return args[0]
        if op == "pow" and constants[1] in (1, 2):
            return args[0] if constants[1] == 1 else self.add("mul", args[0], args[0])
        if op == "mul" and args[0] == args[1] and self.nodes[args[0]][0] == "sub":
            x, y = sorted(self.nodes[args[0]][1])  # (y - ŷ)² is (ŷ - y)²: with ŷ - y, which is wanted as a gradient
            args = (self.add("sub", y, x),) * 2
        if op == "neg" and self.nodes[args[0]][0] == "sub":  # -(x - y) is y - x, the same bits
            return self.add("sub", *self.nodes[args[0]][1][::-1])
        return self._number((op, args, param))

    def _number(self, node: tuple) -> int:
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


_FOLDED: dict[str, Callable] = {
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


def _divides_by_gradients(equations: Iterable[Equation]) -> bool:
    """Whether the optimiser takes the size out of a gradient, as Adam does."""
    updates = (eq.formula for eq in equations if eq.phase == "update")
    return any(isinstance(node, Call) and node.op == "sqrt" for formula in updates for node in walk(formula))


def _written_out(expr: Call) -> Expr | None:
    """An activation or its derivative by what it is computed with; None for any other operator."""
    return computed(expr.op, expr.args)


# ---------------------------------------------------------------- scalars


def scalars(equations: Sequence[Equation], loss: str, memory: Memory, fixed: Values, examples: int = 1) -> Code:
    """Iterations as straight-line Python over single numbers.

    `loss` is the key of what is kept of each iteration; `fixed` has the values that never change. A round of the
    feed is a tuple of numbers: x and y of each example, one after the other. The code stops before an iteration
    in which Python would raise (overflow, division by zero), or rounding decide (see `AT_KINK`): fewer losses are kept
    than there were rounds.
    """
    of_math = ("exp", "log", "log1p", "expm1", "sqrt", "sin", "cos", "tanh", "copysign")
    names = {name: getattr(math, name) for name in of_math}
    rest = {op: _on_numbers(op) for op, entry in ACTIVATIONS.items() if entry.numpy and op not in names}
    namespace: dict[str, Any] = {**names, **rest, "power": math.pow, "inf": math.inf, "nan": math.nan}
    exec(compile(_Scalars(equations, loss, memory, fixed, examples).source(), "<scalars>", "exec"), namespace)
    train, flat = namespace["train"], memory.flat

    def code(feed: Iterable, first: int, losses: list) -> None:
        with np.errstate(all="ignore"):
            flat[:] = train(flat.tolist(), feed, float(first), losses.append)

    return code


def _on_numbers(op: str) -> Callable[..., float]:
    """An operator that `math` does not have, of single numbers."""
    return lambda *args: float(OPERATORS[op].numpy(Call(op, ()), *args))


class _Scalars:
    def __init__(self, equations: Sequence[Equation], loss: str, memory: Memory, fixed: Values, examples: int):
        self.graph = graph = Graph()
        self.values: dict[tuple, int] = {("training.t", (), None): graph.given("t")}  # (key, index, example)
        self.data: list[str] = []
        for key, value in fixed.items():
            for index in indices(np.shape(value)):
                self.values[key, index, None] = graph.const(np.asarray(value)[index])
        self.carried = [f"p{at}" for at in range(memory.flat.size)]
        for key, where in memory.slices.items():
            for index, name in zip(indices(memory.shapes[key]), self.carried[where], strict=True):
                self.values[key, index, None] = graph.given(name)
        needed = needed_equations(equations, [loss, *(key + "'" for key in memory.slices)])
        for symbol in _data(equations):
            for e in range(examples):
                for (i,) in indices(symbol.shape):
                    place = e if symbol.per_example else None
                    self.values[symbol.key, (i,), place] = graph.given(f"{symbol.id}{e}_{i}")
        sizes = {symbol.id: symbol.shape[0] for symbol in _data(equations)}
        self.data = [f"{id}{e}_{i}" for e in range(examples) for id in sorted(sizes) for i in range(sizes[id])]
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
            for eq in (needed if _divides_by_gradients(needed) else ())
            if eq.phase == "update"
            for ref in refs(eq.formula)
            if ref.symbol.quantity == "gradient"
            for index in indices(ref.shape)
        }
        self.new = [self.values[key + "'", i, None] for key in memory.slices for i in indices(memory.shapes[key])]

    def elements(self, formula: Expr, shape: Shape) -> list[int]:
        """The numbers of a formula's elements; what is computed otherwise than shown is written out here."""
        add = self.graph.add
        op = formula.op if isinstance(formula, Call) else ""
        if op not in ("softmax", "cross_entropy", "binary_cross_entropy"):
            return [self.number(element(formula, index)) for index in indices(shape)]
        assert isinstance(formula, Call)
        *y, z = ([self.number(element(arg, index)) for index in indices(arg.shape)] for arg in formula.args)
        if op == "binary_cross_entropy":
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
        top = z[0]
        for zk in z[1:]:
            top = add("max", top, zk)
        parts = [add("exp", add("sub", zk, top)) for zk in z]
        whole = add("add", *parts)
        if op == "softmax":
            return [add("div", part, whole) for part in parts]
        log = add("log", whole)
        terms = [add("mul", yk, add("add", add("sub", top, zk), log)) for zk, yk in zip(z, *y, strict=True)]
        return [add("add", *terms)]

    def number(self, expr: Expr) -> int:
        """The number of a scalar formula's value."""
        if isinstance(expr, Const):
            return self.graph.const(expr.value)
        if isinstance(expr, Ref):
            return self.values[expr.symbol.key, expr.index or (), expr.example]
        assert isinstance(expr, Call)
        written = _written_out(expr)
        if written is not None:
            return self.number(written)
        args = [self.number(arg) for arg in expr.args]
        if expr.op in ("max", "min"):
            return reduce(partial(self.graph.add, expr.op), args)
        if expr.op == "mul" and self.graph.constant(args[0]) is not None:
            op, parts, _ = self.graph.nodes[args[1]]
            if op == "mul":  # η(δx) is (ηδ)x, and ηδ is there for every x
                return self.graph.add("mul", self.graph.add("mul", args[0], parts[0]), parts[1])
        return self.graph.add(expr.op, *args, param=expr.param)

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
        lines += ["t += 1.0"] if self.values["training.t", (), None] in uses else []
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
_SIGNS = {"add": " + ", "sub": " - ", "mul": " * ", "div": " / ", "pow": " ** "}


def _scalar_text(op: str, args: list[str], param: int | None) -> str:
    """An operator in Python's words. A NaN is handed on as NumPy does."""
    a, b = args[0], args[-1]
    match op:
        case "add" | "sub" | "mul" | "div":
            return f"({_SIGNS[op].join(args)})" if len(args) > 1 else a
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
            return f"(1.0 if {' and '.join(beats)} else 0.0)"
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
    return f"{op}({a})"


def _data(equations: Sequence[Equation]) -> list[Symbol]:
    """x and y of a network, whether or not an equation needs them; of a circuit none."""
    found = (ref.symbol for eq in equations for ref in refs(eq.formula))
    return list(dict.fromkeys(symbol for symbol in found if symbol.quantity in ("input", "target")))


# ---------------------------------------------------------------- arrays


def arrays(equations: Sequence[Equation], loss: str, memory: Memory, fixed: Values, examples: int = 1) -> Code:
    """Iterations as NumPy calls into arrays made beforehand; the arguments are those of `scalars`.

    A round of the feed is (x, y), arrays with an axis of examples in front if there are several. Never raises, and
    stops before an iteration in which rounding would decide (see `AT_KINK`): fewer losses are kept.
    """
    maker = _Arrays(equations, loss, memory, fixed, examples)
    source = maker.source()
    exec(compile(source, "<arrays>", "exec"), maker.names)
    train = maker.names["train"]

    def code(feed: Iterable, first: int, losses: list) -> None:
        with np.errstate(all="ignore"):
            train(feed, np.float64(first), losses.append)

    return code


_UFUNCS: dict[str, Callable] = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide, "pow": np.power, "neg": np.negative,
    "exp": np.exp, "log": np.log, "log1p": np.log1p, "expm1": np.expm1, "sqrt": np.sqrt, "sin": np.sin, "cos": np.cos,
    "abs": np.abs,
    "sign": np.sign, "tanh": np.tanh, "max": np.maximum, "min": np.minimum,
    "reciprocal": np.reciprocal, "step": np.heaviside,
}  # fmt: skip


class _Arrays:
    """The graph of an iteration's arrays, and where each of them lies.

    A node's operator is one of `_UFUNCS`; "dot" or "vdot" (a product summed); "T" or "column" (a view); "top" and
    "whole" (the largest and the sum over the last axis, which stays); "side" (values laid side by side, flat);
    "choose"; "call" (whatever `formula.OPERATORS` says, for what is rare); "given".
    """

    def __init__(self, equations: Sequence[Equation], loss: str, memory: Memory, fixed: Values, examples: int):
        self.graph, self.memory, self.examples = Graph(), memory, examples
        self.names: dict[str, Any] = {name: f for name, f in _UFUNCS.items()}
        self.names |= {"dot": np.dot, "vdot": np.vdot, "copyto": np.copyto, "greater": np.greater}
        self.names |= {"less": np.less, "count": np.count_nonzero}
        self.names |= {"top": np.maximum.reduce, "whole": np.add.reduce}
        self.shapes: dict[int, Shape] = {}  # of a value's array; () of a single number
        self.values: dict[str, int] = {"training.t": self.given("t", ())}
        self.base: dict[int, int] = {}  # what a view shows
        self.arrays: dict[int, np.ndarray] = {}  # where a value lies, if that is always the same array
        self.inlined: dict[str, Expr] = {}  # one number an example: it is wanted for its mean only
        for symbol in _data(equations):
            self.values[symbol.key] = self.given(symbol.id, ((examples,) if symbol.per_example else ()) + symbol.shape)
        for key, value in fixed.items():
            self.values[key] = self.graph.const(float(value)) if np.ndim(value) == 0 else self.array(np.asarray(value))
        for key in memory.slices:
            self.values[key] = self.array(memory.view(key))
        self.new: list[tuple[int, slice, int]] = []  # a new value, where in memory it belongs, the old value
        updates = [eq for eq in equations if _is_update(eq)]
        roots = [loss, *(ref.symbol.key for eq in updates for ref in refs(eq.formula))]
        for eq in needed_equations([eq for eq in equations if not _is_update(eq)], roots):
            formula = eq.compute or eq.formula
            if eq.symbol.per_example and not eq.symbol.shape:
                self.inlined[eq.symbol.key] = formula
            else:
                self.values[eq.symbol.key] = self.number(formula)
        self.loss = self.values[loss]
        self.watched = _divides_by_gradients(updates)
        groups = list(_together(updates, memory))
        sides = [self.side(parameters, gradients) for parameters, _, gradients in groups]  # all of them before updates
        for (parameters, rule, _), side in zip(groups, sides, strict=True):
            self.update(parameters, rule, side)

    # ------------------------------------------------------------ nodes

    def given(self, name: str, shape: Shape) -> int:
        number = self.graph.given(name)
        self.shapes[number] = shape
        return number

    def array(self, value: np.ndarray) -> int:
        """A value that always lies in this array."""
        number = self.given(f"a{len(self.graph.nodes)}", value.shape)
        self.arrays[number] = self.names[f"a{number}"] = value
        return number

    def add(self, op: str, *args: int, param=None, shape: Shape | None = None) -> int:
        if op == "add" and len(args) > 2:
            return reduce(partial(self.add, "add"), args)
        if op == "div" and self.graph.constant(args[0]) == 1 and self.shape(args[1]):
            op, args = "reciprocal", args[1:]
        number = self.graph.add(op, *args, param=param)
        if number not in self.shapes:
            args = self.graph.nodes[number][1]
            self.shapes[number] = np.broadcast_shapes(*map(self.shape, args)) if shape is None else shape
        return number

    def shape(self, number: int) -> Shape:
        return self.shapes.get(number, ())

    def view(self, op: str, number: int) -> int:
        if op == "T" and self.graph.nodes[number][0] == "T":
            return self.graph.nodes[number][1][0]
        shape = self.shape(number)
        return self.add(op, number, shape=shape[::-1] if op == "T" else (*shape, 1))

    def number(self, expr: Expr) -> int:
        """The number of a formula's value, for all examples."""
        if isinstance(expr, Const):
            return self.graph.const(expr.value)
        if isinstance(expr, Ref):
            key = expr.symbol.key
            return self.values[key] if key in self.values else self.number(self.inlined[key])
        assert isinstance(expr, Call)
        written = _written_out(expr)
        if written is not None:
            return self.number(written)
        if expr.op in ("mean", "batch_sum"):
            return self.over_batch(expr.args[0], self.examples if expr.op == "mean" else 1)
        if expr.op in ("sum", *_FROM_Z) and not expr.batched:
            return self.sum(expr)
        if expr.op == "matmul" and not expr.args[0].batched:
            matrix, vector = map(self.number, expr.args)
            if expr.batched:
                shape = (self.examples, *expr.shape)
                return self.add("dot", vector, self.view("T", matrix), shape=shape)
            return self.add("dot", matrix, vector, shape=expr.shape)
        args = [self.number(arg) for arg in expr.args]
        if expr.op == "transpose" and not expr.batched:
            return self.view("T", args[0])
        if expr.op == "outer" and not expr.batched:
            return self.add("mul", self.view("column", args[0]), args[1])
        if expr.op in ("mean_outer", "sum_outer"):
            share = self.graph.const(1 / self.examples if expr.op == "mean_outer" else 1)
            share = self.add("mul", args[0], share)
            return self.add("dot", self.view("T", share), args[1], shape=expr.shape)
        if expr.op == "softmax":
            part, whole = self.parts(args[0])
            return self.add("div", part, whole)
        ranks = {len(arg.shape) for arg in expr.args if arg.batched}
        if expr.op == "choose" and ranks <= {len(expr.shape)}:
            x, y = map(self.graph.constant, args[1:])
            if (x, y) == (1, 0):
                return self.add("step", args[0], self.graph.const(0))
            return self.add("choose", *args)
        if expr.op in ("max", "min"):
            return reduce(partial(self.add, expr.op), args)
        if expr.op in _UFUNCS and ranks <= {len(expr.shape)}:
            return self.add(expr.op, *args)
        shape = (self.examples, *expr.shape) if expr.batched else expr.shape
        stubs = tuple(Ref(Symbol(f"{k}", a.shape, per_example=a.batched)) for k, a in enumerate(expr.args))
        return self.add("call", *args, param=Call(expr.op, stubs, expr.param), shape=shape)

    def parts(self, z: int) -> tuple[int, int]:
        """e^(z − max z) and its sum over the units."""
        top = self.add("top", z, shape=(*self.shape(z)[:-1], 1) if self.examples > 1 else ())
        part = self.add("exp", self.add("sub", z, top))
        return part, self.add("whole", part, shape=self.shape(top))

    def sum(self, expr: Call) -> int:
        """The sum over all elements and all examples of what `expr` sums: one number."""
        if expr.op == "binary_cross_entropy":
            y, z = map(self.number, expr.args)
            log = self.add("log1p", self.add("exp", self.add("neg", self.add("abs", z))))
            positive = self.add("max", self.graph.const(0), z)
            return self.total(self.add("add", self.add("sub", positive, self.add("mul", z, y)), log))
        if expr.op == "cross_entropy":
            y, z = map(self.number, expr.args)
            whole = self.parts(z)[1]
            top = self.add("top", z, shape=self.shape(whole))
            return self.product(y, self.add("add", self.add("sub", top, z), self.add("log", whole)))
        (arg,) = expr.args
        if isinstance(arg, Call) and arg.op == "mul":
            a, b = map(self.number, arg.args)
            if self.shape(a) == self.shape(b):
                return self.product(a, b)
        if isinstance(arg, Call) and arg.op == "pow" and arg.args[1] == Const(2.0):
            a = self.number(arg.args[0])
            return self.product(a, a)
        return self.total(self.number(arg))

    def product(self, a: int, b: int) -> int:
        if a == b and self.graph.nodes[a][0] == "sub":
            x, y = sorted(self.graph.nodes[a][1])  # (y - ŷ)² is (ŷ - y)², and that is wanted as a gradient, too
            a = b = self.add("sub", y, x)
        return self.add("vdot", a, b, shape=())

    def total(self, number: int) -> int:
        return self.product(self.array(np.ones(self.shape(number))), number)

    def over_batch(self, expr: Expr, by: int) -> int:
        """The sum over the examples, divided `by` so many. The mean of a sum is the sum of everything, divided once."""
        if isinstance(expr, Ref) and expr.symbol.key in self.inlined:
            return self.over_batch(self.inlined[expr.symbol.key], by)
        if isinstance(expr, Call) and expr.op == "div" and not expr.args[1].batched:
            return self.add("div", self.over_batch(expr.args[0], by), self.number(expr.args[1]))
        if isinstance(expr, Call) and expr.op == "neg":
            return self.add("neg", self.over_batch(expr.args[0], by))
        if isinstance(expr, Call) and expr.op in ("sum", *_FROM_Z):
            return self.add("div", self.sum(expr), self.graph.const(by))
        shares = self.array(np.full(self.examples, 1 / by))
        return self.add("dot", shares, self.number(expr), shape=expr.shape)

    def side(self, parameters: list[str], gradients: list[str]) -> int:
        """The gradients of parameters that lie side by side."""
        size = sum(math.prod(self.memory.shapes[key]) for key in parameters)
        return self.add("side", *(self.values[key] for key in gradients), shape=(size,))

    def update(self, parameters: list[str], rule: _Rule, side: int) -> None:
        """New values of parameters that lie side by side, by the rule that they share."""
        parts = [key.removeprefix(parameters[0]) for key in self.memory.slices if _belongs(key, parameters[0])]
        leaves = []
        for part in parts:
            spans = [self.memory.slices[key + part] for key in parameters]
            span = slice(spans[0].start, spans[-1].stop)
            leaf = self.values["θ" + part] = self.array(self.memory.flat[span])
            self.base |= {self.values[key + part]: leaf for key in parameters}
            leaves.append((part, span, leaf))
        self.values["g"] = side
        for name, formula in rule:
            self.values[name] = self.number(formula)
        self.new += [(self.values[f"θ{part}'"], span, leaf) for part, span, leaf in leaves]

    # ------------------------------------------------------------ source

    def source(self) -> str:
        self.plan()
        lines = [line for number in self.users for line in (*self.lines(number), *self.asked(number))]
        for number, span, _ in self.new:
            if self.homes.get(number) is None or not np.shares_memory(self.homes[number], self.memory.flat[span]):
                lines.append(f"copyto({self.name(self.array(self.memory.flat[span]))}, {self.name(number)})")
        body = "\n        ".join([*lines, f"keep({self.name(self.loss)})", "t += 1.0"])
        return f"""
def train(feed, t, keep):
    for {"x, y" if "x" in self.values or "x@" in self.values else "_"} in feed:
        {body}
"""

    def asked(self, number: int) -> list[str]:
        """The lines that leave an iteration to the equations: nothing has been updated yet where they stand."""
        op, graph = self.graph.nodes[number][0], self.graph
        kink = any(graph.nodes[user][0] in ("step", "choose") and graph.nodes[user][1][0] == number
                   for user in self.users[number])  # fmt: skip
        if op == "given" or not (kink or (op == "side" and self.watched)):
            return []
        near = AT_KINK if kink else NO_GRADIENT
        # Read as whole numbers, doubles above 0 keep their order, and 0 less 1 is the largest of all. Negative ones are
        # large, too: they lie where 0 does, not above the kink. Of a gradient the sign is shifted out.
        whole, asked, shape = f"whole{number}", f"asked{number}", self.shape(number)
        self.names |= {whole: np.empty(shape, np.uint64), asked: np.empty(shape, bool)}
        self.names[f"bits{number}"] = self.arrays[number].view(np.uint64)
        limit = np.array(near).view(np.uint64)
        self.names |= {"one": np.array(1, np.uint64), f"limit{number}": limit if kink else limit * np.uint64(2)}
        double = [] if kink else [f"add(bits{number}, bits{number}, {whole})"]
        return [
            *double,
            f"sub({f'bits{number}' if kink else whole}, one, {whole})",
            f"less({whole}, limit{number}, {asked})",
            f"if count({asked}): return",
        ]

    def plan(self) -> None:
        """Who uses what, until when, and what must come to lie in a certain place."""
        graph = self.graph
        self.users = graph.uses([self.loss, *(number for number, *_ in self.new)])
        self.last: dict[int, float] = {number: math.inf for number, *_ in self.new} | {self.loss: math.inf}
        for number, users in self.users.items():
            if graph.nodes[number][0] in ("T", "column"):
                self.base[number] = graph.nodes[number][1][0]
            for end in (self.bottom(number), number):
                self.last[end] = max([self.last.get(end, 0), *users])
        self.homes: dict[int, np.ndarray] = {}
        for number, span, leaf in self.new:  # a new value goes over the old one, if nobody asks for that any more
            if graph.nodes[number][0] in _UFUNCS and self.last.get(leaf, 0) <= number:
                self.homes.setdefault(number, self.memory.flat[span])
        for number in self.users:
            op, pieces, _ = graph.nodes[number]
            if op != "side":
                continue
            flat = self.arrays[number] = self.names[f"v{number}"] = np.empty(self.shape(number))
            at = 0
            for piece in pieces:
                size = math.prod(self.shape(piece))
                place = flat[at : at + size].reshape(self.shape(piece))
                at += size
                made = self.shape(piece) and graph.nodes[piece][0] in (*_UFUNCS, "dot", "choose", "call")
                if made and piece not in self.homes:
                    self.homes[piece] = place
                    self.last[number] = max(self.last[number], self.last[piece])
                    self.last[piece] = math.inf
                self.names[f"v{number}_{piece}"] = place

    def bottom(self, number: int) -> int:
        """The value whose array a view shows."""
        while number in self.base:
            number = self.base[number]
        return number

    def out(self, number: int, over: bool = False) -> str:
        """The name of the array that a value is put into; with `over` that of an argument that has had its day."""
        found = self.homes.get(number)
        if found is None and over:
            for arg in self.graph.nodes[number][1]:
                op = self.graph.nodes[arg][0]
                if (
                    (op in _UFUNCS or op in _MADE)
                    and self.last[arg] == number
                    and self.shape(arg) == self.shape(number)
                ):
                    found = self.arrays.get(arg)
        self.arrays[number] = self.names[f"v{number}"] = np.empty(self.shape(number)) if found is None else found
        return f"v{number}"

    def name(self, number: int, beside_arrays: bool = False) -> str:
        op, _, text = self.graph.nodes[number]
        if op == "given":
            return text
        if op != "const":
            return f"v{number}"
        if not beside_arrays:
            return f"({text})"
        self.names[f"k{number}"] = np.array(float(text))  # NumPy takes an array faster than a number
        return f"k{number}"

    def method(self, number: int) -> str:
        """A value's method `dot`: looked up once, where the value always lies in the same array."""
        if number not in self.arrays:
            return f"{self.name(number)}.dot"
        self.names[f"dot{number}"] = self.arrays[number].dot
        return f"dot{number}"

    def lines(self, number: int) -> list[str]:
        """The source of one value."""
        op, args, param = self.graph.nodes[number]
        shape, name = self.shape(number), f"v{number}"
        said = [self.name(arg, bool(shape)) for arg in args]
        if op in ("given", "const"):
            return []
        if op in ("T", "column"):
            (arg,) = args
            if arg in self.arrays:
                array = self.arrays[arg]
                self.arrays[number] = self.names[name] = array.T if op == "T" else array[:, None]
                return []
            return [f"{name} = {said[0]}{'.T' if op == 'T' else '[:, None]'}"]
        if op == "side":
            return [
                f"copyto({name}_{piece}, {text})"
                for piece, text in zip(args, said, strict=True)
                if self.homes.get(piece) is not self.names[f"{name}_{piece}"]
            ]
        if op == "dot":
            return [f"{self.method(args[0])}({said[1]}, {self.out(number)})"]
        if op == "vdot":
            a, b = sorted(args, key=lambda arg: arg not in self.arrays)
            if len(self.shape(a)) == 1:
                return [f"{name} = {self.method(a)}({self.name(b)})"]
            return [f"{name} = vdot({self.name(a)}, {self.name(b)})"]
        if op in ("top", "whole"):
            return [f"{op}({said[0]}, -1, None, {self.out(number)}, {bool(shape)})"]
        if op == "choose":
            self.names[f"mask{number}"] = np.empty(self.shape(args[0]), dtype=bool)
            out = self.out(number)
            return [
                f"greater({said[0]}, {self.name(self.graph.const(0), True)}, mask{number})",
                f"copyto({out}, {said[2]})",
                f"copyto({out}, {said[1]}, where=mask{number})",
            ]
        if op == "call":
            self.names[f"call{number}"] = lambda *values: evaluate(param, lambda ref: values[int(ref.symbol.id)])
            made = f"call{number}({', '.join(said)})"
            return [f"copyto({self.out(number)}, {made})" if shape else f"{name} = {made}"]
        if shape:
            by_name = "out=" if op in ("max", "min") else ""  # NumPy wants it so
            return [f"{op}({', '.join(said)}, {by_name}{self.out(number, over=True)})"]
        if op in _SIGNS:
            return [f"{name} = {_SIGNS[op].join(said)}"]
        return [f"{name} = {op}({', '.join(said)})"]


_FROM_Z = ("cross_entropy", "binary_cross_entropy")  # losses that are computed from z
_MADE = ("dot", "side", "choose", "call")  # beside the ufuncs: what has an array of its own

# Named values and how each follows, of a parameter θ with the gradient g and the states θ.m ...
_Rule = tuple[tuple[str, Expr], ...]


def _is_update(eq: Equation) -> bool:
    """Whether it says the same of each parameter's elements, so that one call may serve all parameters."""
    return eq.phase == "update" or eq.rule == "decayed_gradient"


def _belongs(key: str, parameter: str) -> bool:
    return key == parameter or key.startswith((parameter + ".", parameter + "'"))


def _together(updates: Sequence[Equation], memory: Memory) -> Iterator[tuple[list[str], _Rule, list[str]]]:
    """Neighbours in memory that are updated by the same rule: parameters, the rule, the keys of their gradients."""
    found = []
    for parameter in [key for key in memory.slices if "." not in key]:
        own = [eq for eq in updates if eq.symbol.wrt and eq.symbol.wrt.id == parameter]
        gradients: list[str] = []

        def said(symbol: Symbol, parameter=parameter, own=own, gradients=gradients) -> str:
            if _belongs(symbol.id, parameter):
                return "θ" + symbol.id.removeprefix(parameter)
            if any(eq.symbol == symbol for eq in own):
                return "g + λθ"
            gradients.append(symbol.key)
            return "g"

        def renamed(node: Expr, said=said) -> Expr | None:
            if isinstance(node, Ref) and node.symbol.quantity != "hyper":
                return Ref(Symbol(said(node.symbol), (1,)))
            return None

        rule = tuple((said(eq.symbol), rewrite(eq.compute or eq.formula, renamed)) for eq in own)
        found.append((parameter, rule, gradients[0]))
    for rule, group in groupby(found, key=lambda entry: entry[1]):
        parameters, _, gradients = map(list, zip(*group, strict=True))
        yield parameters, rule, gradients
