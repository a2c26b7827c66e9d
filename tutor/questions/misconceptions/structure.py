"""What the equations of an author are about, seen from how they go together: norms, attention, steps in time.

Nothing here looks at a name. A norm is a difference from a mean over the root of a variance, in one call or in ten
gates; attention is a softmax of products that meets a third matrix; a recurrence is a parameter whose gates follow from
one another; a residual is a sum of a value and of what was made of it; a mask is data of 0s and one other number.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tutor.engine.activations import ACTIVATIONS
from tutor.engine.expressions import Call, Const, Expr, Ref, Symbol, evaluate, refs
from tutor.engine.forward import initial_parameters
from tutor.engine.model import Equation
from tutor.engine.program import Program

_WRAPS = ("spread", "expand")
MOVES = ("transpose", "reshape", "row", "part", "concat", *_WRAPS)


@dataclass(frozen=True)
class Norm:
    """A norm written out: what was normed, what it is less its mean, and the gates of its mean and of its variance.

    One by the root of the mean square takes no mean off: `centred` is x itself, `means` has nothing, and `variances`
    has the gates of the mean square.
    """

    x: Expr
    centred: Expr
    means: frozenset[Symbol]
    variances: frozenset[Symbol]
    quotient: Symbol

    @property
    def of_squares(self) -> bool:
        """Whether it is one by the root of the mean square."""
        return self.centred == self.x


@dataclass(frozen=True)
class Attention:
    """The values that are queries, keys and values of one softmax, and the calls that scale and mask its scores."""

    queries: frozenset[Symbol]
    keys: frozenset[Symbol]
    values: frozenset[Symbol]
    scales: frozenset[Expr]
    masks: frozenset[Expr]


class Structure:
    """The structures in a program's forward equations; made once for a program (`structure_of`)."""

    def __init__(self, program: Program):
        self.model, self.users = program.model, program.users
        self.lesson = program.lesson
        self.makers = {eq.symbol: eq for eq in self.model.forward}
        self._before: dict[Symbol, frozenset[Symbol]] = {}

    def made(self, node: Expr) -> Expr:
        """What a value is made by, its repetition apart; what is no gate's value as it is."""
        while True:
            if isinstance(node, Ref) and node.index is None and node.symbol in self.makers:
                node = self.makers[node.symbol].formula
            elif (isinstance(node, Call) and node.op in _WRAPS) or self._adds_an_axis(node):
                node = node.args[0]  # type: ignore[attr-defined]
            else:
                return node

    @staticmethod
    def _adds_an_axis(node: Expr) -> bool:
        return isinstance(node, Call) and node.op == "reshape" and node.shape != node.args[0].shape and (
            tuple(n for n in node.shape if n > 1) == tuple(n for n in node.args[0].shape if n > 1)
        )  # fmt: skip

    def before(self, symbol: Symbol) -> frozenset[Symbol]:
        """A value and all that it follows from."""
        if symbol not in self._before:
            found, stack = {symbol}, [symbol]
            while stack:
                at = stack.pop()
                for ref in refs(self.makers[at].formula) if at in self.makers else ():
                    if ref.symbol not in found:
                        found.add(ref.symbol)
                        stack.append(ref.symbol)
            self._before[symbol] = frozenset(found)
        return self._before[symbol]

    def _of(self, node: Expr) -> frozenset[Symbol]:
        return frozenset().union(*(self.before(ref.symbol) for ref in refs(node)))

    # ---------------------------------------------------------------- norms

    def mean_of(self, node: Expr) -> Expr | None:
        """What a value is the mean of along an axis, be it a sum over n; None if it is no mean."""
        f = self.made(node)
        if isinstance(f, Call) and f.op == "average":
            return f.args[0]
        if isinstance(f, Call) and f.op in ("div", "mul"):
            for whole, share in (f.args, f.args[::-1]) if f.op == "mul" else (f.args,):
                added = self.made(whole)
                if isinstance(added, Call) and added.op == "sum" and not refs(share):
                    return added.args[0]
        return None

    def centred(self, node: Expr) -> Expr | None:
        """What a value is, less its mean; None if it is no such difference."""
        f = self.made(node)
        if isinstance(f, Call) and f.op == "sub" and self.mean_of(f.args[1]) == f.args[0]:
            return f.args[0]
        return None

    def variance_of(self, node: Expr) -> Expr | None:
        """What a value is the variance of; of a mean of squares the x whose differences are squared."""
        f = self.made(node)
        if isinstance(f, Call) and f.op == "variance":
            return f.args[0]
        squares = self.mean_of(node)
        return None if squares is None else self.square_of(squares)

    def square_of(self, node: Expr) -> Expr | None:
        """The x of (x − mean)²."""
        base = self._squared(node)
        return None if base is None else self.centred(base)

    def _squared(self, node: Expr) -> Expr | None:
        """The x of x²."""
        f = self.made(node)
        if isinstance(f, Call) and ((f.op == "pow" and f.args[1] == Const(2.0)) or (f.op == "mul" and _twice(f))):
            return f.args[0]
        return None

    def mean_square_of(self, node: Expr) -> Expr | None:
        """The x of a mean of x²; None of a variance."""
        squares = self.mean_of(node)
        base = None if squares is None else self._squared(squares)
        return None if base is None or self.centred(base) is not None else base

    def root_of(self, node: Expr) -> tuple[Expr, Expr, float] | None:
        """(x, variance, eps) of √(variance + eps) of x; eps 0 where there is none."""
        return self._root(node, self.variance_of)

    def root_mean_square_of(self, node: Expr) -> tuple[Expr, Expr, float] | None:
        """(x, mean square, eps) of √(mean(x²) + eps); eps 0 where there is none."""
        return self._root(node, self.mean_square_of)

    def _root(self, node: Expr, below: Callable[[Expr], Expr | None]) -> tuple[Expr, Expr, float] | None:
        f = self.made(node)
        inside = None
        if isinstance(f, Call) and f.op == "sqrt":
            (inside,) = f.args
        elif isinstance(f, Call) and f.op == "pow" and f.args[1] in (Const(0.5), Const(-0.5)):
            inside = f.args[0]
        elif isinstance(f, Call) and f.op == "div" and f.args[0] == Const(1.0):
            return self._root(f.args[1], below)
        if inside is None:
            return None
        added = self.made(inside)
        if isinstance(added, Call) and added.op == "add" and len(added.args) == 2:
            for variance, eps in (added.args, added.args[::-1]):
                if (small := number(eps)) is not None and (x := below(variance)) is not None:
                    return x, variance, small
        x = below(inside)
        return None if x is None else (x, inside, 0.0)

    def _factors(self, node: Expr, depth: int = 3) -> Iterator[Expr]:
        yield node
        f = self.made(node)
        if isinstance(f, Call) and f.op == "mul" and depth:
            for arg in f.args:
                yield from self._factors(arg, depth - 1)

    @cached_property
    def norms(self) -> tuple[Norm, ...]:
        """The norms that are written out in gates."""
        found = []
        for eq in self.model.forward:
            f = eq.formula
            if not isinstance(f, Call) or f.op not in ("div", "mul"):
                continue
            for above, below in (f.args, f.args[::-1]) if f.op == "mul" else (f.args,):
                root, squares = self.root_of(below), self.root_mean_square_of(below)
                for factor in self._factors(above):
                    x = self.centred(factor)
                    if root and x is not None and x == root[0]:
                        found.append(self._norm(eq, x, factor, below))
                        break
                    if squares and factor == squares[0]:
                        found.append(self._norm(eq, factor, factor, below))
                        break
        return tuple(found)

    def _norm(self, eq: Equation, x: Expr, centred: Expr, below: Expr) -> Norm:
        own, of_x = self._of(centred), self._of(x)
        if centred == x:
            return Norm(x, x, frozenset(), self._of(below) - of_x, eq.symbol)
        tops = {ref.symbol for ref in refs(centred)}
        variances = self._of(below) - own
        return Norm(x, centred, (own - of_x) - tops, variances - of_x, eq.symbol)

    def normed(self, node: Expr, depth: int = 3) -> bool:
        """Whether a value is a norm, what is normed when it has met its gain, or a sum or a share of norms."""
        f = self.made(node)
        if isinstance(f, Call) and f.op == "norm":
            return True
        if isinstance(node, Ref) and any(node.symbol == norm.quotient for norm in self.norms):
            return True
        if any(node == norm.centred for norm in self.norms if not norm.of_squares):
            return True
        if not depth or not isinstance(f, Call) or not (f.op == "add" or (f.op == "div" and not refs(f.args[1]))):
            return False
        return all(self.normed(arg, depth - 1) for arg in f.args if refs(arg))

    # ---------------------------------------------------------------- attention

    @cached_property
    def attentions(self) -> tuple[Attention, ...]:
        """Each softmax of rank 2 or more whose scores are a product of two values."""
        found = []
        for eq in self.model.forward:
            f = eq.formula
            if isinstance(f, Call) and f.op == "softmax" and len(f.shape) > 1 and (one := self._attention(eq, f)):
                found.append(one)
        return tuple(found)

    def _attention(self, eq: Equation, softmax: Call) -> Attention | None:
        node, scales, masks = softmax.args[0], set(), set()
        while True:
            f = self.made(node) if isinstance(node, Ref) else node
            if not isinstance(f, Call):
                return None
            if f.op == "matmul":
                left, right = f.args
                break
            if f.op == "causal":
                masks.add(f)
                node = f.args[0]
            elif (scaled := _scaled(f)) is not None:
                scales.add(f)
                node = scaled
            elif f.op in ("add", "sub") and len(f.args) == 2 and self._is_given(f.args[1]):
                masks.add(f)
                node = f.args[0]
            elif f.op in MOVES and len(f.args) == 1:
                node = f.args[0]
            else:
                return None
        for side in (left, right):  # queries or keys may be scaled in the place of the scores
            f = self.made(side)
            if isinstance(f, Call) and _scaled(f) is not None:
                scales.add(f)
        values: set[Symbol] = set()
        for user in self.users.get(eq.symbol, ()):
            for call in _calls(user.formula):
                if call.op == "matmul" and Ref(eq.symbol) == call.args[0]:
                    values |= self._moved(call.args[1])
        return Attention(self._moved(left), self._moved(right), frozenset(values), frozenset(scales), frozenset(masks))

    def _is_given(self, node: Expr) -> bool:
        """Whether a value is data that is the same for all, or a number."""
        return not refs(node) or (isinstance(node, Ref) and node.symbol in self.model.fixed)

    def _moved(self, node: Expr) -> frozenset[Symbol]:
        """The values that stand in another place in a value, itself among them."""
        found: set[Symbol] = set()
        stack = [node]
        while stack:
            at = stack.pop()
            if isinstance(at, Ref):
                found.add(at.symbol)
                maker = self.makers.get(at.symbol)
                if maker and isinstance(maker.formula, Call):
                    stack.append(maker.formula)
            elif isinstance(at, Call) and at.op in MOVES:
                stack += at.args
            elif isinstance(at, Call) and (scaled := _scaled(at)) is not None:
                stack.append(scaled)
        return frozenset(found)

    # ---------------------------------------------------------------- time

    def follows(self, gate: Symbol, other: Symbol) -> bool:
        """Whether a value follows from another one."""
        return gate != other and other in self.before(gate)

    def _template(self, gate: Symbol) -> object:
        """How a gate is written, whatever it is about."""

        def of(node: Expr) -> object:
            if isinstance(node, Call):
                return (node.op, node.param, *map(of, node.args))
            return node if isinstance(node, Const) else node.shape

        return of(self.makers[gate].formula)

    def again(self, gate: Symbol, other: Symbol) -> bool:
        """Whether a gate is another one over again, later: of the same form, and it follows from that one."""
        return self.follows(gate, other) and self._template(gate) == self._template(other)

    def later(self, gate: Symbol, value: Symbol) -> bool:
        """Whether a gate is of a later step in time than a value: a parameter that has made the value is used again."""
        made, used = self.before(value), self.before(gate)
        for symbol in used:
            if symbol not in self.makers and symbol in self.model.parameters:
                users = {user.symbol for user in self.users.get(symbol, ())}
                if any(self.again(one, other) for one in users & (used - made) for other in users & made):
                    return True
        return False

    def squashed(self, gate: Symbol) -> bool:
        """Whether a value goes into an activation: it is what a gate of an LSTM or a GRU adds up."""
        return any(user.variant in ACTIVATIONS for user in self.users.get(gate, ()))

    # ---------------------------------------------------------------- residuals, masks

    def skip(self, sum_: Expr) -> Ref | None:
        """The value in a sum that the rest of the sum was made of; None in another sum."""
        if not isinstance(sum_, Call) or sum_.op != "add":
            return None
        for arg in sum_.args:
            others = [other for other in sum_.args if other is not arg]
            if isinstance(arg, Ref) and arg.shape == sum_.shape and sum_.shape:
                symbols = [ref.symbol for other in others for ref in refs(other)]
                if any(arg.symbol in self.before(symbol) for symbol in symbols) and not self._is_bias(arg):
                    return arg
        return None

    def _is_bias(self, term: Ref) -> bool:
        """Whether a given value is a term of several sums, as the bias of every step in time is."""
        sums = [user for user in self.users.get(term.symbol, ()) if user.variant == "add"]
        return term.symbol not in self.makers and sum(term in user.formula.args for user in sums) > 1  # type: ignore[attr-defined]

    def mask(self, node: Expr) -> float | None:
        """The number beside 0 in a mask that is data, None of anything else."""
        given = (*self.model.fixed, *self.model.data)
        if not isinstance(node, Ref) or node.symbol not in given or node.symbol in self.model.parameters:
            return None
        id = node.symbol.id
        value = np.asarray(self.lesson.examples.get(id, initial_parameters(self.lesson).get(id, math.nan)))
        found = set(np.unique(value).tolist())
        others = found - {0.0}
        return others.pop() if len(others) == 1 and 0.0 in found and math.isfinite(max(found)) else None

    def masked(self, node: Expr) -> bool:
        """Whether a value is one that a mask was multiplied to."""
        f = self.made(node)
        return isinstance(f, Call) and f.op == "mul" and self.dropped(f) is not None

    def dropped(self, node: Call) -> tuple[int, Expr, float] | None:
        """Of a product with a mask the place of what is masked, the mask, and what stands in it beside 0.

        A row of 0s and a 1 that picks the logarithm of a probability is a target, and no mask.
        """
        for at, (one, other) in enumerate((node.args, node.args[::-1])):
            kept = self.mask(other)
            made = self.made(one)
            if kept is not None and not (isinstance(made, Call) and made.op in ("log", "log_softmax")):
                return at, other, kept
        return None


def _twice(node: Call) -> bool:
    return node.args[0] == node.args[1]


def number(node: Expr) -> float | None:
    """The number that an expression without values is; None of one with values."""
    if refs(node) or node.shape:
        return None
    return float(evaluate(node, lambda ref: math.nan))


def _scaled(node: Call) -> Expr | None:
    """What a number multiplies or divides; None of anything else."""
    values = [arg for arg in node.args if refs(arg)]
    above = node.op == "mul" or (node.op == "div" and values[:1] == [node.args[0]])
    return values[0] if len(values) == 1 and above else None


def _calls(formula: Expr) -> Iterator[Call]:
    stack = [formula]
    while stack:
        node = stack.pop()
        if isinstance(node, Call):
            yield node
            stack += node.args


def structure_of(program: Program) -> Structure:
    """The structures of a program, made once."""
    return program.memo.of(_Kept).structure(program)


class _Kept:
    """The structures of the program that it is kept with."""

    made: Structure | None = None

    def structure(self, program: Program) -> Structure:
        self.made = self.made or Structure(program)
        return self.made
