"""Where the arrays of an iteration lie in C, and how an element of each is read.

Each array that is asked for again and again, or that adds up others, has a place of its own in `w`. What goes element
by element and is used once, and every view, has none: it is read through indices, and computed where it is used.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from tutor.engine.compiled.c_elements import ELEMENTWISE, WINS, elementwise
from tutor.engine.compiled.c_text import NotInC
from tutor.engine.compiled.c_text import number as literal
from tutor.engine.compiled.graph import Memory, Values
from tutor.engine.compiled.iteration import IterationGraph
from tutor.engine.compiled.lowering import FROM_Z, REDUCTIONS
from tutor.engine.expressions import Call, Shape, Symbol
from tutor.engine.model import Equation

VIEWS = ("T", "reshape", "part", "fill")
PRODUCTS = ("dot", "matmul")
Index = Sequence[str]
# Products in an iteration, of matrices with matrices, from which on the libraries that NumPy calls are faster than our
# loops: measured. They know the machine's own instructions; C that is kept knows those that all machines have.
MOST_PRODUCTS = 400_000


class Places(IterationGraph):
    """An iteration's graph, and where in C each of its values is read.

    `settled` are the numbers in the graph of what `k` has from `first` on, `constants` what `data` has behind the
    examples' arrays and `further` others. Raises NotInC where C would be no faster.
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
        self.carried_at: dict[int, int] = {}  # what is read from memory: where
        self.uniform: dict[int, float] = {}  # arrays of one number again and again
        self.constant_at: dict[int, int] = {}
        self.constants: list[np.ndarray] = []
        self.settled: list[int] = []
        self.first, self.further = first, further
        self.flat = memory.flat
        super().__init__(equations, loss, memory, fixed, data, examples)
        self.given_data = {f"g{k}": (k, math.prod(symbol.shape)) for k, symbol in enumerate(data)}
        self.users = self.graph.uses([self.loss, *(number for number, *_ in self.new)])
        if sum(map(self._products, self.users)) > MOST_PRODUCTS:
            raise NotInC("products of large matrices")
        self.late = self._after_gradients()
        self.stored: set[int] = set()
        self._choose_stored()

    def array(self, value: np.ndarray) -> int:
        """What is carried, one number again and again, or any other array that never changes."""
        number = super().array(value)
        if value.size and np.shares_memory(value, self.flat):
            self.carried_at[number] = (value.ctypes.data - self.flat.ctypes.data) // 8
        elif value.size and (value == value.flat[0]).all():
            self.uniform[number] = float(value.flat[0])
        else:
            self.constant_at[number] = len(self.constants)
            self.constants.append(np.ascontiguousarray(value, dtype=float))
        return number

    def called(self, expr: Call, args: list[int], shape: Shape | None = None) -> int:
        """What is rare; but a loss that is computed from z is written out."""
        if expr.op in FROM_Z and not expr.batched:
            return self.sum(expr)
        return super().called(expr, args, shape)

    # ------------------------------------------------------------ what is kept where

    def _after_gradients(self) -> set[int]:
        """What follows from the gradients of parameters: the optimiser's part, which goes element by element."""
        late: set[int] = set()
        for number in self.users:
            args = self.graph.nodes[number][1]
            if number not in self.graph.settled and any(self.op(arg) == "side" or arg in late for arg in args):
                late.add(number)
        return late

    def _products(self, number: int) -> int:
        """How many numbers are multiplied in a product of two matrices."""
        op, args, _ = self.graph.nodes[number]
        if op not in PRODUCTS or min(len(self.shape(arg)) for arg in args) < 2:
            return 0
        return math.prod(self.shape(number)) * self.shape(args[0])[-1]

    def op(self, number: int) -> str:
        """The operator, of a call that of the table."""
        op, _, param = self.graph.nodes[number]
        return str(param.op) if op == "call" else str(op)

    def is_elementwise(self, number: int) -> bool:
        """Whether it goes element by element."""
        return self.op(number) in ELEMENTWISE

    def deciding(self, number: int) -> set[str]:
        """The operators for which it matters on which side of 0 this lies."""
        nodes = self.graph.nodes
        found = {nodes[user][0] for user in self.users[number] if nodes[user][1][0] == number}
        return found & {"step", "choose", "sign"}

    def _choose_stored(self) -> None:
        """What has a place of its own: whatever is asked for again and again, or adds up others."""
        for number, users in self.users.items():
            op, args, _ = self.graph.nodes[number]
            if not self.shape(number) or number in self.graph.settled or op == "given" or number in self.late:
                continue
            if op in VIEWS:
                if op == "reshape" and self.strides(number) is None and not self._only_ones(number):
                    self.stored.add(args[0])  # from here on it lies in a row
            elif op == "side":
                if self.watched:
                    self.stored.add(number)
            elif not self.is_elementwise(number) or not self._read_once(number, users) or self.deciding(number):
                self.stored.add(number)
        for number in self.users:
            op, args, _ = self.graph.nodes[number]
            if op in PRODUCTS:
                self.stored |= {arg for arg in args if self.strides(arg) is None and self._uniform(arg) is None}
            if op == "side":
                for piece in args:
                    if (
                        not self.watched
                        and self.shape(piece)
                        and any(leaf in self.carried_at for leaf in self.leaves(piece))
                    ):
                        self.stored.add(piece)  # it must not be read when parameters have been written

    def _read_once(self, number: int, users: list[int]) -> bool:
        """Whether each element is read in one place only."""
        if len(users) != 1:
            return False
        (user,) = users
        op = self.graph.nodes[user][0]
        if op == "side":
            return True
        if self.op(user) in WINS:
            return False  # it names them again and again
        if op in REDUCTIONS or op == "vdot":
            return bool(self.graph.nodes[user][1].count(number) == 1)
        return self.is_elementwise(user) and bool(self.shape(user) == self.shape(number))

    def leaves(self, number: int) -> Iterator[int]:
        """What a value that has no place is read from."""
        op, args, _ = self.graph.nodes[number]
        if number in self.stored or op == "given":
            yield number
            return
        for arg in args:
            yield from self.leaves(arg)

    def _only_ones(self, number: int) -> bool:
        """Whether a view of another shape has but lost or got axes of length 1."""
        (arg,) = self.graph.nodes[number][1]
        mine, other = ([n for n in shape if n != 1] for shape in (self.shape(number), self.shape(arg)))
        return mine == other

    # ------------------------------------------------------------ reading

    def place(self, number: int) -> str | None:
        """The array of a value that lies in one, row by row."""
        op, _, name = self.graph.nodes[number]
        if number in self.stored:
            return f"w->b{number}"
        if number in self.carried_at:
            return f"(s + {self.carried_at[number]})"
        if number in self.constant_at:
            return f"data[{len(self.data) + self.further + self.constant_at[number]}]"
        return str(name) if op == "given" and name in self.given_data else None

    def strides(self, number: int) -> tuple[str, tuple[int, ...]] | None:
        """Where the first element lies and how far apart they are along each axis; None of what lies nowhere."""
        place, shape = self.place(number), self.shape(number)
        if place is not None:
            return place, row_by_row(shape)
        op, args, param = self.graph.nodes[number]
        found = self.strides(args[0]) if op in VIEWS else None
        if found is None:
            return None
        place, steps = found
        if op == "T":
            return place, (*steps[:-2], steps[-1], steps[-2])
        if op == "part":
            return f"({place} + {param[1] * steps[param[0]]})", steps
        if op == "fill":
            missing = len(shape) - len(steps)
            own = self.shape(args[0])
            return place, (*(0,) * missing, *(0 if own[k] == 1 else step for k, step in enumerate(steps)))
        if steps == row_by_row(self.shape(args[0])):
            return place, row_by_row(shape)
        if self._only_ones(number):
            rest = iter(step for step, n in zip(steps, self.shape(args[0]), strict=True) if n != 1)
            return place, tuple(next(rest) if n != 1 else 0 for n in shape)
        return None

    def at(self, number: int, index: Index) -> str:
        """An element; `index` has a place for each axis of the value."""
        op, args, param = self.graph.nodes[number]
        if number in self.graph.settled:
            return self._settled(number)
        if (uniform := self._uniform(number)) is not None:
            return literal(uniform)
        found = self.strides(number) if self.shape(number) or op == "given" else None
        if found is not None:
            place, steps = found
            return f"{place}[{linear(index, steps)}]"
        if op == "given":
            return str(param)
        if not self.shape(number):
            return f"v{number}"
        if op == "T":
            return self.at(args[0], (*index[:-2], index[-1], index[-2]))
        if op == "part":
            axis, start, _ = param
            return self.at(args[0], (*index[:axis], f"{index[axis]} + {start}", *index[axis + 1 :]))
        if op == "fill":
            return self.fitting(args[0], index)
        if op == "reshape":
            assert self._only_ones(number)
            rest = iter(i for i, n in zip(index, self.shape(number), strict=True) if n != 1)
            return self.at(args[0], [next(rest) if n != 1 else "0" for n in self.shape(args[0])])
        return elementwise(self.op(number), [self.fitting(arg, index) for arg in args], self.param(number))

    def _uniform(self, number: int) -> float | None:
        """The number that all of an array is, or of what a view shows."""
        while self.op(number) in VIEWS:
            (number,) = self.graph.nodes[number][1]
        return self.uniform.get(number)

    def fitting(self, number: int, index: Index) -> str:
        """The element that broadcasting puts there."""
        shape = self.shape(number)
        own = index[len(index) - len(shape) :]
        return self.at(number, ["0" if n == 1 else i for i, n in zip(own, shape, strict=True)])

    def param(self, number: int) -> int | None:
        """What an operator takes beside its arguments."""
        op, _, param = self.graph.nodes[number]
        return param.param if op == "call" else param  # type: ignore[no-any-return]

    def _settled(self, number: int) -> str:
        if self.op(number) == "const":
            return literal(self.graph.settled[number])
        if number not in self.settled:
            self.settled.append(number)
        return f"k[{self.first + self.settled.index(number)}]"


def row_by_row(shape: Shape) -> tuple[int, ...]:
    """How far apart the elements along each axis lie."""
    return tuple(math.prod(shape[k + 1 :]) for k in range(len(shape)))


def linear(index: Sequence[str], steps: Sequence[int]) -> str:
    """How far from the first element this one lies."""
    terms = [
        i if step == 1 else f"({i}) * {step}" for i, step in zip(index, steps, strict=True) if i != "0" and step != 0
    ]
    return " + ".join(terms) or "0"
