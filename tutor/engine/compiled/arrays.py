"""Iterations as NumPy calls into arrays made beforehand. Who owns which of them: the docstring of the package."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial, reduce
from itertools import groupby
from typing import Any

import numpy as np

from tutor.engine.compiled.graph import (
    AT_KINK,
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
from tutor.engine.expressions import Call, Const, Expr, Ref, Shape, Symbol, evaluate, refs, rewrite
from tutor.engine.ids import read_state, setting
from tutor.engine.model import Equation


def arrays(
    equations: Sequence[Equation],
    loss: str,
    memory: Memory,
    fixed: Values,
    data: Sequence[Symbol] = (),
    examples: int = 1,
) -> Code:
    """Iterations as NumPy calls into arrays made beforehand; the arguments are those of `scalars`.

    A round of the feed is the `data`, arrays with an axis of examples in front if there are several. Never raises, and
    stops before an iteration in which rounding would decide (see `AT_KINK`): fewer losses are kept.
    """
    maker = _Arrays(equations, loss, memory, fixed, data, examples)
    source = maker.source()
    exec(compile(source, "<arrays>", "exec"), maker.names)
    train = maker.names["train"]

    def code(feed: Iterable[Any], first: int, losses: list[Any]) -> None:
        with np.errstate(all="ignore"):
            train(feed, np.float64(first), losses.append)

    return code


_UFUNCS: dict[str, Callable[..., Any]] = {
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
    "choose"; "call" (whatever `operators.OPERATORS` says, for what is rare); "given".
    """

    def __init__(
        self,
        equations: Sequence[Equation],
        loss: str,
        memory: Memory,
        fixed: Values,
        data: Sequence[Symbol],
        examples: int,
    ):
        self.graph, self.memory, self.examples = Graph(), memory, examples
        self.names: dict[str, Any] = {name: f for name, f in _UFUNCS.items()}
        self.names |= {"dot": np.dot, "vdot": np.vdot, "copyto": np.copyto, "greater": np.greater}
        self.names |= {"less": np.less, "count": np.count_nonzero}
        self.names |= {"top": np.maximum.reduce, "whole": np.add.reduce}
        self.shapes: dict[int, Shape] = {}  # of a value's array; () of a single number
        self.values: dict[str, int] = {setting("t"): self.given("t", ())}
        self.base: dict[int, int] = {}  # what a view shows
        self.arrays: dict[int, np.ndarray] = {}  # where a value lies, if that is always the same array
        self.inlined: dict[str, Expr] = {}  # one number an example: it is wanted for its mean only
        for symbol in data:
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
        self.watched = divides_by_gradients(updates)
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

    def add(self, op: str, *args: int, param: Any = None, shape: Shape | None = None) -> int:
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
            (shown,) = self.graph.nodes[number][1]
            return int(shown)
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
        written = written_out(expr)
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
        if expr.op == "binary_cross_entropy_of_z":
            y, z = map(self.number, expr.args)
            log = self.add("log1p", self.add("exp", self.add("neg", self.add("abs", z))))
            positive = self.add("max", self.graph.const(0), z)
            return self.total(self.add("add", self.add("sub", positive, self.add("mul", z, y)), log))
        if expr.op == "cross_entropy_of_z":
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
        first = parameters[0]
        parts = [key.removeprefix(first) for key in self.memory.slices if first in (key, read_state(key)[0])]
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
            return str(text)
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
        if op in SIGNS:
            return [f"{name} = {SIGNS[op].join(said)}"]
        return [f"{name} = {op}({', '.join(said)})"]


_FROM_Z = ("cross_entropy_of_z", "binary_cross_entropy_of_z")  # losses that are computed from z
_MADE = ("dot", "side", "choose", "call")  # beside the ufuncs: what has an array of its own

# Named values and how each follows, of a parameter θ with the gradient g and the states θ.m ...
_Rule = tuple[tuple[str, Expr], ...]


def _is_update(eq: Equation) -> bool:
    """Whether it says the same of each parameter's elements, so that one call may serve all parameters."""
    return eq.phase == "update" or eq.rule == "decayed_gradient"


def _together(updates: Sequence[Equation], memory: Memory) -> Iterator[tuple[list[str], _Rule, list[str]]]:
    """Neighbours in memory that are updated by the same rule: parameters, the rule, the keys of their gradients."""
    found = []
    for parameter in [key for key in memory.slices if any(eq.symbol.wrt and eq.symbol.wrt.id == key for eq in updates)]:
        own = [eq for eq in updates if eq.symbol.wrt and eq.symbol.wrt.id == parameter]
        gradients: list[str] = []

        def said(symbol: Symbol, parameter: Any = parameter, own: Any = own, gradients: Any = gradients) -> str:
            if symbol.belongs_to(parameter):
                return "θ" + symbol.id.removeprefix(parameter)
            if any(eq.symbol == symbol for eq in own):
                return "g + λθ"
            gradients.append(symbol.key)
            return "g"

        def renamed(node: Expr, said: Any = said) -> Expr | None:
            if isinstance(node, Ref) and node.symbol.quantity != "hyper":
                return Ref(Symbol(said(node.symbol), (1,)))
            return None

        rule = tuple((said(eq.symbol), rewrite(eq.compute or eq.formula, renamed)) for eq in own)
        found.append((parameter, rule, gradients[0]))
    for rule, group in groupby(found, key=lambda entry: entry[1]):
        parameters, _, gradients = map(list, zip(*group, strict=True))
        yield parameters, rule, gradients
