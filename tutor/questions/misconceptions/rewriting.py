"""What a misconception is, and the tools to write one: an equation rewritten into the one that a learner has in mind.

A rewrite takes a `Site` (an equation and the program that it belongs to) and yields wrong formulas for
the whole equation; evaluated in place of the right one and carried on, each gives the number that this
slip leads to. An entry works for every lesson the day it is added: nothing here knows a lesson.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tutor.engine.activations import prime_of
from tutor.engine.backprop import gradient_of, parts_back, reverse
from tutor.engine.expressions import (
    ONE,
    OPERATORS,
    Call,
    Const,
    Expr,
    Operator,
    Ref,
    Shape,
    Symbol,
    call,
    element,
    rewrite,
    total,
    walk,
)
from tutor.engine.ids import derivative, line_of
from tutor.engine.model import Equation, LayerSymbols
from tutor.engine.operators import elementwise
from tutor.engine.optimizers import STATES, State
from tutor.engine.program import Program
from tutor.engine.rules import Rule
from tutor.text.language import say

# ---------------------------------------------------------------- operators that only wrong formulas need


def _roll_element(node: Call, index: tuple[int, ...]) -> Expr:
    """Element i is the neighbour's: the one `param` further on, round and round (along the last axis)."""
    (x,), shift = node.args, node.param or 0
    return element(x, (*index[:-1], (index[-1] + shift) % x.shape[-1]))


OPERATORS["roll"] = Operator(
    lambda shape: shape, lambda node, x: np.roll(x, -(node.param or 0), axis=-1), _roll_element
)


def repeated(x: Expr, kept: int, missing: int) -> Call:
    """x with element `kept` of the last axis in the place of `missing`, too."""
    return Call("repeat", (x,), kept * x.shape[-1] + missing)


def _repeat(node: Call, x: np.ndarray) -> np.ndarray:
    kept, missing = divmod(node.param or 0, node.shape[-1])
    found = np.array(x)
    found[..., missing] = found[..., kept]
    return found


def _repeat_element(node: Call, index: tuple[int, ...]) -> Expr:
    kept, missing = divmod(node.param or 0, node.shape[-1])
    return element(node.args[0], (*index[:-1], kept if index[-1] == missing else index[-1]))


OPERATORS["repeat"] = Operator(lambda shape: shape, _repeat, _repeat_element)


def _path_shape(W: Shape, G: Shape) -> Shape:
    return (W[1],)


def _terms(node: Call, index: tuple[int, ...]) -> list[Expr]:
    """The products that go back to one unit, a path each."""
    W, G = node.args
    return [call("mul", element(W, (k, *index)), element(G, (k,))) for k in range(G.shape[0])]


def _product_element(node: Call, index: tuple[int, ...]) -> Expr:
    found, *others = _terms(node, index)
    for other in others:
        found = found * other
    return found


def _without_element(node: Call, index: tuple[int, ...]) -> Expr:
    return total([term for k, term in enumerate(_terms(node, index)) if k != node.param])


# path(W, G): what comes back through unit `param` of the next layer alone; without_path: through all the others
OPERATORS["path"] = Operator(
    _path_shape,
    lambda node, W, G: G[..., node.param, None] * W[node.param],
    lambda node, index: _terms(node, index)[node.param or 0],
)
OPERATORS["without_path"] = Operator(
    _path_shape, lambda node, W, G: G @ W - G[..., node.param, None] * W[node.param], _without_element
)
# path_product(W, G): the paths multiplied where they should be added
OPERATORS["path_product"] = Operator(
    _path_shape, lambda node, W, G: np.prod(W * G[..., :, None], axis=-2), _product_element
)
# column_sums(W): what a unit's outgoing weights add up to
OPERATORS["column_sums"] = Operator(
    lambda W: (W[1],),
    lambda node, W: np.sum(W, axis=-2),
    lambda node, index: total([element(node.args[0], (k, *index)) for k in range(node.args[0].shape[0])]),
)
# shares(W): each weight as its share of all that feed the same unit
OPERATORS["shares"] = Operator(
    lambda W: W,
    lambda node, W: W / np.sum(W, axis=-1, keepdims=True),
    lambda node, index: (
        element(node.args[0], index)
        / total([element(node.args[0], (index[0], k)) for k in range(node.args[0].shape[1])])
    ),
)


def _by_rows(node: Call, W: np.ndarray, G: np.ndarray) -> np.ndarray:
    """(…, n) from the m rows of W (m, n): row i meets G where column i should; undefined where there is no such row."""
    found = np.full(G.shape[:-1] + W.shape[-1:], np.nan)
    found[..., : len(W)] = G @ W[:, : len(W)].T
    return found


def _by_rows_element(node: Call, index: tuple[int, ...]) -> Expr:
    (i,), (W, G) = index, node.args
    if i >= W.shape[0]:
        return Const(math.nan)
    return total([call("mul", element(W, (i, k)), element(G, (k,))) for k in range(G.shape[0])])


OPERATORS["by_rows"] = Operator(_path_shape, _by_rows, _by_rows_element)
OPERATORS["log10"] = elementwise(np.log10)


def columns(x: Expr, like: Expr) -> Expr:
    """x once for each element of `like`, as the columns of a matrix."""
    return call("transpose", call("rows", x, like))


# ---------------------------------------------------------------- sites


@dataclass(frozen=True)
class Site:
    """An equation in its program; what a rewrite may look at."""

    program: Program
    equation: Equation

    @property
    def rule(self) -> Rule:
        """The equation's rule."""
        return self.equation.rule

    @property
    def state(self) -> State | None:
        """What of an optimiser the equation works out; None of another equation."""
        return state_of(self.equation)

    @property
    def formula(self) -> Expr:
        """The right formula."""
        return self.equation.formula

    @property
    def shape(self) -> Shape:
        """The shape of its value."""
        return self.equation.symbol.shape

    def symbol(self, id: str) -> Symbol | None:
        """The symbol of an id, an example's own where there are examples; parameters and data, too."""
        return self._symbols.get(Symbol(id, per_example=True).key) or self._symbols.get(id)

    @property
    def _symbols(self) -> dict[str, Symbol]:
        return self.program.symbols

    @property
    def layers(self) -> tuple[LayerSymbols, ...]:
        """The layers' symbols; none in a circuit."""
        return self.program.model.layers

    @property
    def layer(self) -> LayerSymbols | None:
        """The layer that the equation belongs to; None in a circuit."""
        return self.program.model.layer_of(self.equation.symbol)

    def activation(self) -> str | None:
        """The activation of the layer that the equation belongs to; None in a circuit."""
        return self.layer.activation_name if self.layer else None

    @cached_property
    def flows(self) -> tuple[Flow, ...]:
        """Of a gradient in equations about arrays what it is the sum of: each part with the gate that it comes from."""
        symbol, model = self.equation.symbol, self.program.model
        if not model.arrays or self.equation.phase != "backward" or symbol.wrt is None or symbol.of != model.output:
            return ()
        found: list[Flow] = []
        for gate in reversed(self.program.users.get(symbol.wrt, ())):
            if gate.phase != "forward" or (symbol.use and symbol.use not in (gate.symbol.id, line_of(gate.symbol.id))):
                continue
            back = gradient_of(model.output, gate.symbol)
            if gate.symbol != model.output and back.key not in self.program.by_key:
                continue
            if self.rule == "uses":
                for use in (gate.symbol.id, line_of(gate.symbol.id)):
                    if used := self.symbol(derivative(model.output.id, symbol.wrt.id, use)):
                        found.append(Flow(gate, Ref(used)))
                        break
            else:
                found += [Flow(gate, part) for part in parts_back(model, symbol, gate)]
        return tuple(found)

    @property
    def gates(self) -> tuple[Equation, ...]:
        """The gates that a gradient in equations about arrays comes back from."""
        return tuple({flow.gate.symbol: flow.gate for flow in self.flows}.values())

    def with_part(self, part: Part, wrong: Expr) -> Iterator[Expr]:
        """The formula with another expression for what one use in a gate adds."""
        f, wrt = self.formula, self.equation.symbol.wrt
        if wrt and wrong.shape not in ((), wrt.shape) and len(wrong.shape) >= len(wrt.shape):  # it was repeated
            wrong = call("sum_to", wrong, Ref(wrt)) if wrt.shape else call("sum", wrong)
        if f == part.whole:
            yield wrong
        elif self.rule == "fork" and isinstance(f, Call) and part.whole in f.args:
            at = f.args.index(part.whole)
            yield total([*f.args[:at], wrong, *f.args[at + 1 :]])


@dataclass(frozen=True)
class Flow:
    """What one use of a value adds to its gradient, and the gate that uses it."""

    gate: Equation
    part: Expr


def state_of(equation: Equation) -> State | None:
    """What of an optimiser an equation works out; None of another equation."""
    return STATES[equation.variant] if equation.rule == "optimizer" else None


# How many equations back a slip may lie: most, one that changes a 2 or a whole slope, a rarer one, and a sign.
REACH, FAR, NEAR, ANY = 2, 6, 1, 1_000_000
Rewrite = Callable[[Site], Iterator[Expr]]


@dataclass(frozen=True)
class Misconception:
    """`named` names the slip in English, `mends` is the one sentence that repairs the idea.

    `reach` is how many equations back from the asked one it is still looked for. `seen` says where somebody
    really made it: an address of a page, a report or a question. A `rare` one gives way to others that lead to the same
    number, and a question is no worse for not telling it from what is right. Nor is it for a `partial` one, which by
    its nature leaves some elements as they are: those that a mask keeps, that have no equal.
    """

    named: str
    mends: str
    rewrite: Rewrite
    reach: int = REACH
    rare: bool = False
    partial: bool = False
    seen: str = "a learner's answer"

    @property
    def title(self) -> str:
        """The slip, in the learner's language."""
        return say(self.named)

    @property
    def remedy(self) -> str:
        """The one sentence that repairs the idea, in the learner's language."""
        return say(self.mends)


# ---------------------------------------------------------------- rewriting


def args(formula: Expr) -> tuple[Expr, ...]:
    """What a call is applied to; nothing of a value or a number."""
    return formula.args if isinstance(formula, Call) else ()


def replaced(formula: Expr, change: Callable[[Expr], Expr | None]) -> Iterator[Expr]:
    """The rewritten formula, if anything changed."""
    found = rewrite(formula, change)
    if found is not formula and found != formula:
        yield found


def put(formula: Expr, old: Expr, new: Expr) -> Iterator[Expr]:
    """The formula with every `old` in it replaced by `new`, if there is one."""
    yield from replaced(formula, lambda node: new if node == old else None)


def swap(site: Site, is_one: Callable[[Call], bool], change: Callable[[Call], Expr]) -> Iterator[Expr]:
    """The site's formula with every call that `is_one` changed, if there is one."""
    yield from replaced(site.formula, lambda node: change(node) if isinstance(node, Call) and is_one(node) else None)


def without_factor(node: Expr, drop: Callable[[Expr], bool]) -> Expr | None:
    """x for x · f where `drop(f)`, or 1 for a bare f."""
    if isinstance(node, Call) and node.op == "mul":
        left, right = node.args
        if right == ONE:
            return left
        if left == ONE:
            return right
    return ONE if drop(node) else None


def calls(formula: Expr) -> Iterator[Call]:
    """Every call in a formula, from outside in."""
    return (node for node in walk(formula) if isinstance(node, Call))


def has(node: Expr, op: str) -> bool:
    """Whether a formula is a call of this operator."""
    return isinstance(node, Call) and node.op == op


def is_slope(node: Expr) -> bool:
    """Whether a formula is the slope of an activation: σ′(z)."""
    return isinstance(node, Call) and prime_of(node.op) is not None


def slopes(formula: Expr) -> list[Call]:
    """The slopes of activations in a formula: σ′(z) ..."""
    return [node for node in calls(formula) if is_slope(node)]


ERRORS: tuple[Rule, ...] = ("loss_gradient", "combined_error")  # the equations at which the backward pass begins


def shifts(size: int) -> range | tuple[int, ...]:
    """Neighbours worth trying: all in a narrow layer, the next and the last in a wide one."""
    return range(1, size) if size <= 4 else (1, size - 1)


def both(*rewrites: Rewrite) -> Rewrite:
    """Several rewrites of one idea."""

    def rewrite(site: Site) -> Iterator[Expr]:
        for each in rewrites:
            yield from each(site)

    return rewrite


# ---------------------------------------------------------------- gates


@dataclass(frozen=True)
class Part:
    """What one use of a value in a gate adds to its gradient: `upstream` times the gate's slope, `whole`."""

    gate: Equation
    at: int  # which of the gate's inputs
    upstream: Expr
    whole: Expr
    local: Expr

    @property
    def op(self) -> str:
        """The gate's operator."""
        return self.gate.variant

    @property
    def args(self) -> tuple[Expr, ...]:
        """The gate's inputs."""
        formula = self.gate.formula
        return formula.args if isinstance(formula, Call) else (formula,)

    @property
    def out(self) -> Expr:
        """The gate's value."""
        return Ref(self.gate.symbol)


def gate_parts(site: Site) -> Iterator[Part]:
    """The parts that the gradient of a value in an author's equations is the sum of; none of gates like A @ B.

    What a value was repeated for is added up in `whole`, and not yet in `local`.
    """
    wrt, model = site.equation.symbol.wrt, site.program.model
    if model.layers or site.equation.phase != "backward" or wrt is None:
        return
    output = model.output
    gates = site.gates if model.arrays else site.program.users.get(wrt, ())
    for gate in gates if site.rule != "uses" else ():
        f = gate.formula
        if gate.phase != "forward" or not isinstance(f, Call) or Ref(wrt) not in f.args:
            continue
        if not OPERATORS[f.op].elementwise or (output.per_example < gate.symbol.per_example):
            continue
        symbol = site.symbol(derivative(output.id, gate.symbol.id))
        upstream = ONE if gate.symbol == output or symbol is None else Ref(symbol)
        own = reverse(f, Ref(gate.symbol), upstream)
        local = reverse(f, Ref(gate.symbol), ONE)
        places = [at for at, arg in enumerate(f.args) if arg == Ref(wrt) and own[at] is not None]
        wholes = [flow.part for flow in site.flows if flow.gate is gate] if model.arrays else [own[at] for at in places]
        if len(wholes) == len(places):  # else it is within a product that stands in the sum, too
            for at, whole in zip(places, wholes, strict=True):
                if whole is not None and (slope := local[at]) is not None:
                    yield Part(gate, at, upstream, whole, slope)
