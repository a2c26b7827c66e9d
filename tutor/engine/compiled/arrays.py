"""Iterations as NumPy calls into arrays made beforehand. Who owns which of them: the docstring of the package."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from tutor.engine.compiled.graph import (
    AT_KINK,
    NO_GRADIENT,
    SIGNS,
    Code,
    Memory,
    Values,
    aligned,
)
from tutor.engine.compiled.iteration import IterationGraph
from tutor.engine.compiled.lowering import REDUCTIONS, UFUNCS
from tutor.engine.expressions import OPERATORS, Symbol
from tutor.engine.floats import quietly
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
        with quietly():
            train(feed, np.float64(first), losses.append)

    return code


class _Arrays(IterationGraph):
    """The graph, and where each of its arrays lies."""

    def __init__(
        self,
        equations: Sequence[Equation],
        loss: str,
        memory: Memory,
        fixed: Values,
        data: Sequence[Symbol],
        examples: int,
    ):
        super().__init__(equations, loss, memory, fixed, data, examples)
        self.names |= UFUNCS | REDUCTIONS
        self.names |= {
            "vdot": np.vdot,
            "asarray": np.asarray,
            "copyto": np.copyto,
            "matmul": np.matmul,
            "inf": math.inf,
            "nan": math.nan,
        }
        self.names |= {"greater": np.greater, "less": np.less, "count": np.count_nonzero}

    # ------------------------------------------------------------ source

    def source(self) -> str:
        self.plan()
        lines = [line for number in self.users for line in (*self.lines(number), *self.asked(number))]
        for number, span, _ in self.new:
            if self.homes.get(number) is None or not np.shares_memory(self.homes[number], self.memory.flat[span]):
                lines.append(f"copyto({self.name(self.array(self.memory.flat[span]))}, {self.name(number)})")
        loss = self.name(self.loss)
        kept = f"float({loss})" if self.loss in self.arrays or self.graph.nodes[self.loss][0] == "given" else loss
        body = "\n        ".join([*lines, f"keep({kept})", "t += 1.0"])
        return f"""
def train(feed, t, keep):
    for [{"".join(f"{name}, " for name in self.data)}] in feed:
        {body}
"""

    def asked(self, number: int) -> list[str]:
        """The lines that leave an iteration to the equations: nothing has been updated yet where they stand."""
        op, graph = self.graph.nodes[number][0], self.graph
        deciding = {graph.nodes[user][0] for user in self.users[number] if graph.nodes[user][1][0] == number}
        kink, both = not deciding.isdisjoint(("step", "choose", "sign")), "sign" in deciding
        if op == "given" or not (kink or (op == "side" and self.watched)):
            return []
        near = AT_KINK if kink else NO_GRADIENT
        if number not in self.arrays:  # a single number, or a part of the data, which rounding has no part in
            name = self.name(number)
            return [] if self.shape(number) or op in VIEWS else [f"if -{near} < {name} < {near} and {name}: return"]
        both = both or not kink
        # Read as whole numbers, doubles above 0 keep their order, and 0 less 1 is the largest of all. Negative ones are
        # large, too: they lie where 0 does, not above the kink. Where both sides count, the sign is shifted out.
        whole, asked, shape = f"whole{number}", f"asked{number}", self.shape(number)
        self.names |= {whole: np.empty(shape, np.uint64), asked: np.empty(shape, bool)}
        self.names[f"bits{number}"] = self.arrays[number].view(np.uint64)
        limit = np.array(near).view(np.uint64)
        self.names |= {"one": np.array(1, np.uint64), f"limit{number}": limit * np.uint64(2) if both else limit}
        double = [] if not both else [f"add(bits{number}, bits{number}, {whole})"]
        return [
            *double,
            f"sub({whole if both else f'bits{number}'}, one, {whole})",
            f"less({whole}, limit{number}, {asked})",
            f"if count({asked}): return",
        ]

    def plan(self) -> None:
        """Who uses what, until when, and what must come to lie in a certain place."""
        graph = self.graph
        self.users = graph.uses([self.loss, *(number for number, *_ in self.new)])
        self.last: dict[int, float] = {number: math.inf for number, *_ in self.new} | {self.loss: math.inf}
        for number, users in self.users.items():
            if graph.nodes[number][0] in VIEWS:
                self.base[number] = graph.nodes[number][1][0]
            for end in (self.bottom(number), number):
                self.last[end] = max([self.last.get(end, 0), *users])
        self.homes: dict[int, np.ndarray] = {}
        for number, span, leaf in self.new:  # a new value goes over the old one, if nobody asks for that any more
            if graph.nodes[number][0] in UFUNCS and self.last.get(leaf, 0) <= number:
                self.homes.setdefault(number, self.memory.flat[span])
        for number in self.users:
            op, pieces, _ = graph.nodes[number]
            if op != "side":
                continue
            flat = self.arrays[number] = self.names[f"v{number}"] = aligned(self.shape(number))
            at = 0
            for k, piece in enumerate(pieces):
                size = math.prod(self.shape(piece))
                place = flat[at : at + size].reshape(self.shape(piece))
                at += size
                while graph.nodes[piece][0] == "reshape":  # it will lie there as what it is a view of
                    (piece,) = graph.nodes[piece][1]
                if self.shape(piece) and graph.nodes[piece][0] in (*UFUNCS, *_MADE) and piece not in self.homes:
                    self.homes[piece] = place.reshape(self.shape(piece))
                    self.last[number] = max(self.last[number], self.last[piece])
                    self.last[piece] = math.inf
                self.names[f"v{number}_{k}"] = place

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
                if (op in UFUNCS or op in _MADE) and self.last[arg] == number and self.shape(arg) == self.shape(number):
                    found = self.arrays.get(arg)
        self.arrays[number] = self.names[f"v{number}"] = aligned(self.shape(number)) if found is None else found
        return f"v{number}"

    def name(self, number: int, beside_arrays: bool = False) -> str:
        op, _, text = self.graph.nodes[number]
        if op == "given":
            return str(text)
        if number not in self.graph.settled:
            return f"v{number}"
        value = self.graph.settled[number]
        if not beside_arrays:
            return f"({value!r})"
        self.names[f"k{number}"] = np.array(value)  # NumPy takes an array faster than a number
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
        if op == "given" or number in self.graph.settled:
            return []
        if op in VIEWS:
            return self.shown(number)
        if op == "side":
            return [
                f"copyto({name}_{k}, {text})"
                for k, (piece, text) in enumerate(zip(args, said, strict=True))
                if piece not in self.arrays or not np.may_share_memory(self.arrays[piece], self.names[f"{name}_{k}"])
            ]
        if op == "fill":
            return [f"copyto({self.out(number)}, {said[0]})"]
        if op == "matmul":
            return [f"matmul({', '.join(said)}, {self.out(number)})"]
        if op == "dot":
            return [f"{self.method(args[0])}({said[1]}, {self.out(number)})"]
        if op == "vdot":
            a, b = sorted(args, key=lambda arg: arg not in self.arrays)
            if len(self.shape(a)) == 1:
                return [f"{name} = {self.method(a)}({self.name(b)})"]
            return [f"{name} = vdot({self.name(a)}, {self.name(b)})"]
        if op in REDUCTIONS:
            axes, keep = param
            axis = axes if len(axes) > 1 else axes[0]
            if not shape:
                return [f"{name} = {op}({said[0]}, {axis})"]
            return [f"{op}({said[0]}, {axis}, None, {self.out(number)}, {keep})"]
        if op == "choose":
            self.names[f"mask{number}"] = np.empty(self.shape(args[0]), dtype=bool)
            out = self.out(number)
            return [
                f"greater({said[0]}, {self.name(self.graph.const(0), True)}, mask{number})",
                f"copyto({out}, {said[2]})",
                f"copyto({out}, {said[1]}, where=mask{number})",
            ]
        if op == "call":
            rule = OPERATORS[param.op]
            self.names |= {f"call{number}": rule.numpy, f"node{number}": param}
            given = ", ".join([f"node{number}", *said])
            made = f"call{number}({given})"
            lines = [f"copyto({self.out(number)}, {made})" if shape else f"{name} = {made}"]
            if param.op in _DECIDED and rule.settles:
                self.names[f"near{number}"] = rule.settles.near
                lines.append(f"if near{number}(node{number}, {name}, {', '.join(said)}): return")
            return lines
        if shape:
            by_name = "out=" if op in ("max", "min") else ""  # NumPy wants it so
            return [f"{op}({', '.join(said)}, {by_name}{self.out(number, over=True)})"]
        if op in SIGNS:
            return [f"{name} = {SIGNS[op].join(said)}"]
        return [f"{name} = {op}({', '.join(said)})"]

    def shown(self, number: int) -> list[str]:
        """The source of a view: none where what it shows always lies in the same array."""
        op, (arg,), param = self.graph.nodes[number]
        name, shown = f"v{number}", self.name(arg)
        cut = (*(slice(None),) * param[0], slice(*param[1:])) if op == "part" else ()
        if arg not in self.arrays:
            if op == "T":
                return [f"{name} = {shown}.swapaxes(-1, -2)"]
            self.names[f"cut{number}"] = cut
            return [f"{name} = {shown}[cut{number}]" if op == "part" else f"{name} = asarray({shown}).reshape({param})"]
        array = self.arrays[arg]
        view = array.swapaxes(-1, -2) if op == "T" else array[cut] if op == "part" else array.reshape(param)
        if np.may_share_memory(view, array):
            self.arrays[number] = self.names[name] = view
            return []
        self.out(number)  # a turned one does not lie in a row
        self.names[f"as{number}"] = self.arrays[number].reshape(array.shape)
        return [f"copyto(as{number}, {shown})"]


VIEWS = ("T", "reshape", "part")
_MADE = ("dot", "matmul", "side", "fill", "choose", "call", *REDUCTIONS)  # beside the ufuncs: has an array of its own
_DECIDED = (
    "first_max",
    "first_min",
    "wins_max",
    "wins_min",
    "unpool_max",
)  # by rounding, where two are nearly the same

