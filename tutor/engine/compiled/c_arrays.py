"""Iterations over arrays as C: loops where NumPy has calls.

The updates come last, all in one loop over the parameters: until then nothing that is carried has been written, so that
an iteration can be left to the equations (see `graph.AT_KINK`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import count

import numpy as np

from tutor.engine.compiled.c_elements import WINS, elementwise, spelled_out
from tutor.engine.compiled.c_places import PRODUCTS, VIEWS, Index, Places, linear, row_by_row
from tutor.engine.compiled.c_text import NotInC
from tutor.engine.compiled.c_text import number as literal
from tutor.engine.compiled.graph import AT_KINK, NO_GRADIENT, Memory, Values
from tutor.engine.compiled.lowering import REDUCTIONS
from tutor.engine.expressions import OPERATORS, Shape, Symbol
from tutor.engine.model import Equation


class CArrays(Places):
    """The C of an iteration: `text`, with its arrays in `room`, by name, and their sizes.

    Raises NotInC at what C has no words for, too.
    """

    def __init__(
        self,
        equations: Sequence[Equation],
        loss: str,
        memory: Memory,
        fixed: Values,
        data: Sequence[Symbol],
        examples: int,
        first: int = 0,
        further: int = 0,
    ):
        super().__init__(equations, loss, memory, fixed, data, examples, first, further)
        self._names = count()
        self.room: dict[str, int] = {}
        self.text = self._source()

    def _source(self) -> str:
        lines = [line for k, name in enumerate(self.data) for line in self._taken(k, name)]
        for number in self.users:
            if number in self.graph.settled or number in self.late or self.op(number) == "given":
                continue
            lines += [*self._lines(number), *self._asked(number)]
        lines.append(f"number loss = {self.at(self.loss, ())};")
        lines += self._updates()
        body = "\n    ".join(lines)
        places = "".join(f"number {name}[{size}]; " for name, size in self.room.items())
        return f"""
struct room_{self.examples} {{ {places}}};
MANY static int once_{self.examples}(number *restrict s, const number *restrict k, const number *const *data,
                                     const int *rows, number t, number *kept, void *work)
{{
    struct room_{self.examples} *restrict w = work;
    {body}
    *kept = loss;
    return 1;
}}
"""

    def _taken(self, k: int, name: str) -> list[str]:
        """The examples of this iteration: where they lie, if that is in a row, else a copy."""
        (size,) = (size for at, size in self.given_data.values() if at == k)
        first = f"const number *{name} = data[{k}] + (whole)rows[0] * {size};"
        if self.examples == 1:
            return [first]
        self.room[name] = size * self.examples
        gathered = f"gathered(w->{name}, data[{k}], rows, {self.examples}, {size})"
        return [first, f"if (!in_a_row(rows, {self.examples})) {name} = {gathered};"]

    def _lines(self, number: int) -> list[str]:
        """What works a value out, if it has a place or is a single number."""
        op, args, _ = self.graph.nodes[number]
        shape = self.shape(number)
        if number in self.stored:
            self.room[f"b{number}"] = math.prod(shape)
        if op == "side":
            return self._laid(number) if number in self.stored else []
        if op == "vdot":
            return [f"number v{number} = 0.0;", *self._vdot(number)]
        if op in PRODUCTS:
            return self._product(number)
        if op in REDUCTIONS:
            return self._reduced(number)
        if op == "call" and not self.is_elementwise(number):
            return self._spelled(number)
        if not shape:
            if op in VIEWS:  # of an array of one number
                return [f"number v{number} = {self.at(args[0], ['0'] * len(self.shape(args[0])))};"]
            value = elementwise(self.op(number), [self.at(arg, ()) for arg in args], self.param(number))
            return [f"number v{number} = {value};"]
        if number not in self.stored:
            return []
        self.stored.discard(number)  # its own value, not its place
        index, loops = self._loops(shape)
        value = self.at(number, index)
        self.stored.add(number)
        return [*loops, f"w->b{number}[{linear(index, row_by_row(shape))}] = {value};"]

    def _loops(self, shape: Shape) -> tuple[list[str], list[str]]:
        """An index for each axis, and the heads of the loops."""
        index = ["0" if n == 1 else f"i{next(self._names)}" for n in shape]
        return index, [f"for (whole {i} = 0; {i} < {n}; {i}++)" for i, n in zip(index, shape, strict=True) if n != 1]

    def _laid(self, number: int) -> list[str]:
        """Gradients side by side."""
        lines, at = [], 0
        for piece in self.graph.nodes[number][1]:
            shape = self.shape(piece)
            index, loops = self._loops(shape)
            lines += [*loops, f"w->b{number}[{at} + {linear(index, row_by_row(shape))}] = {self.at(piece, index)};"]
            at += math.prod(shape)
        return lines

    def _vdot(self, number: int) -> list[str]:
        """A product summed over everything."""
        a, b = self.graph.nodes[number][1]
        shape = np.broadcast_shapes(self.shape(a), self.shape(b))
        both = self.strides(a), self.strides(b)
        if all(found is not None and found[1] == row_by_row(shape) for found in both):
            first, second = (found[0] for found in both if found)
            return [f"v{number} = dot1({first}, {second}, {math.prod(shape)});"]
        index, loops = self._loops(shape)
        return [*loops, f"v{number} += {self.fitting(a, index)} * {self.fitting(b, index)};"]

    def _product(self, number: int) -> list[str]:
        """A product of matrices, or of many; a vector is a row before a matrix and a column behind it."""
        (a, b), shape = self.graph.nodes[number][1], self.shape(number)
        A, B = self.shape(a), self.shape(b)
        (pa, sa), (pb, sb) = self._factor(a), self._factor(b)
        sa, M = ((sa[-2], sa[-1]), A[-2]) if len(A) > 1 else ((0, sa[-1]), 1)
        sb, N = ((sb[-2], sb[-1]), B[-1]) if len(B) > 1 else ((sb[-1], 0), 1)
        loops: list[str] = []
        out = f"w->b{number}" if shape else f"&v{number}"
        if len(shape) > 2:
            index, loops = self._loops(shape[:-2])
            pa, pb = self._among(a, index), self._among(b, index)
            out = f"w->b{number} + {linear(index, row_by_row(shape)[:-2])}"
        call = f"product({out}, {pa}, {sa[0]}, {sa[1]}, {pb}, {sb[0]}, {sb[1]}, {M}, {N}, {A[-1]});"
        return [*([] if shape else [f"number v{number};"]), *loops, call]

    def _among(self, number: int, index: Index) -> str:
        """Where the matrix begins that is taken of many; an axis of length 1 goes with all of the other's."""
        place, steps = self._factor(number)
        front = self.shape(number)[:-2]
        own = [0 if n == 1 else step for n, step in zip(front, steps, strict=False)]
        return f"({place} + {linear(index[len(index) - len(front) :], own)})"

    def _factor(self, number: int) -> tuple[str, tuple[int, ...]]:
        if (uniform := self._uniform(number)) is not None:
            return f"(const number[]){{{literal(uniform)}}}", (0,) * len(self.shape(number))
        found = self.strides(number)
        assert found is not None
        return found

    def _reduced(self, number: int) -> list[str]:
        """The sum, the largest or the smallest along axes."""
        op, (arg,), (axes, _) = self.graph.nodes[number]
        index, loops = self._loops(self.shape(arg))
        kept = ["0" if k in axes else i for k, i in enumerate(index)]
        of = [i for k, i in enumerate(index) if k not in axes]
        outer = [head for head in loops if any(f"whole {i} " in head for i in of)]
        inner = [head for head in loops if head not in outer]
        steps = row_by_row(tuple(1 if k in axes else n for k, n in enumerate(self.shape(arg))))
        out = f"w->b{number}[{linear(kept, steps)}]" if self.shape(number) else f"v{number}"
        begin = {"whole": "0.0", "top": "-__builtin_inf()", "low": "__builtin_inf()"}[op]
        name = f"r{number}"
        more = self.at(arg, index)
        add = f"{name} += {more};" if op == "whole" else f"{name} = {'max' if op == 'top' else 'min'}_({name}, {more});"
        return [
            *([] if self.shape(number) else [f"number v{number};"]),
            *outer,
            f"{{ number {name} = {begin};",
            *inner,
            add,
            f"{out} = {name}; }}",
        ]

    def _spelled(self, number: int) -> list[str]:
        """What is rare: each element by the operator's own scalar view."""
        _, args, node = self.graph.nodes[number]
        if OPERATORS[node.op].elementwise:
            raise NotInC(node.op)
        shape = self.shape(number)
        steps = row_by_row(shape)
        lines = [] if shape else [f"number v{number};"]
        for index, text in spelled_out(node, shape, self.examples, lambda k, place: self.at(args[k], place)):
            at = linear([str(i) for i in index], steps)
            lines.append(f"w->b{number}[{at}] = {text};" if shape else f"v{number} = {text};")
        return lines

    def _asked(self, number: int) -> list[str]:
        """What leaves an iteration to the equations."""
        deciding, op = self.deciding(number), self.op(number)
        if op in WINS:
            return self._asked_of_two(number)
        if not deciding and not (op == "side" and self.watched):
            return []
        limit, both = (AT_KINK, "sign" in deciding) if deciding else (NO_GRADIENT, True)
        index, loops = self._loops(self.shape(number))
        both = both or not self.shape(number)
        if (
            self.shape(number)
            and number not in self.stored
            and not any(leaf in self.stored for leaf in self.leaves(number))
        ):
            return []  # a part of the data, which rounding has no part in
        value = f"number x = {self.at(number, index)};"
        low = f"{literal(-limit)} < x" if both else "0.0 < x"
        near = f"near{number}"
        return [
            f"int {near} = 0;",
            *loops,
            f"{{ {value} {near} |= ({low}) & (x < {literal(limit)}) & (x != 0.0); }}",
            f"if ({near}) return 0;",
        ]

    def _asked_of_two(self, number: int) -> list[str]:
        """The same where two of which one wins are nearly the same."""
        index, loops = self._loops(self.shape(number))
        mine, *others = (self.fitting(arg, index) for arg in self._mine_first(number))
        share = literal(AT_KINK**2)
        ties = (f"((x - {b}) * (x - {b}) < {share} * x * x && x != {b})" for b in others)
        near = f"near{number}"
        return [
            f"int {near} = 0;",
            *loops,
            f"{{ number x = {mine}; {near} |= {' | '.join(ties) or 0}; }}",
            f"if ({near}) return 0;",
        ]

    def _mine_first(self, number: int) -> list[int]:
        args, which = list(self.graph.nodes[number][1]), self.param(number) or 0
        return [args[which], *args[:which], *args[which + 1 :]]

    def _updates(self) -> list[str]:
        """The optimiser's part: one loop over each gradient, for its parameter and the states of that."""
        lines: list[str] = []
        sides = [number for number in self.users if self.op(number) == "side"]
        for side in sides:
            of_side = [entry for entry in self.new if side in self._late_leaves(entry[0])]
            at = 0
            for piece in self.graph.nodes[side][1]:
                shape = self.shape(piece)
                index, loops = self._loops(shape)
                q, size = f"q{next(self._names)}", math.prod(shape)
                gradient = f"w->b{side}[{q}]" if side in self.stored else self.at(piece, index)
                known = {side: f"g{side}"}
                within = [
                    f"const whole {q} = {at} + {linear(index, row_by_row(shape))};",
                    f"number g{side} = {gradient};",
                ]
                found = [self._late(number, q, known, within) for number, *_ in of_side]
                within += [
                    f"s[{span.start} + {q}] = {text};" for (_, span, _), text in zip(of_side, found, strict=True)
                ]
                lines += [*loops, "{", *within, "}"]
                at += size
        return lines

    def _late_leaves(self, number: int) -> set[int]:
        """The gradients that a new value follows from."""
        if self.op(number) == "side":
            return {number}
        return {leaf for arg in self.graph.nodes[number][1] if number in self.late for leaf in self._late_leaves(arg)}

    def _late(self, number: int, q: str, known: dict[int, str], lines: list[str]) -> str:
        """An element of what follows from the gradients, all of which lie side by side."""
        if number in known:
            return known[number]
        if number not in self.late:
            return self.fitting(number, [q])
        op, args, _ = self.graph.nodes[number]
        said = [self._late(arg, q, known, lines) for arg in args]
        text = said[0] if op in VIEWS else elementwise(self.op(number), said, self.param(number))
        lines.append(f"number l{number} = {text};")
        known[number] = f"l{number}"
        return known[number]
