"""Formulas and values as documents (`layout.py`), with names (`namer.py`) or with numbers in them, in any notation."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from string import Formatter

import numpy as np

from tutor.engine.activations import ACTIVATIONS, Z, derivative, prime_of
from tutor.engine.expressions import ONE, OPERATORS, ZERO, Call, Const, Expr, Ref, Shape, at_example, refs, walk
from tutor.engine.lesson import Lesson
from tutor.engine.trace import Trace
from tutor.engine.unfolding import SHARED
from tutor.text.array_calls import (
    INDICES,
    Written,
    along,
    bare_shape,
    in_indices,
    keepable,
    ones,
    spread_axis,
    summed_axes,
    written,
)
from tutor.text.language import say, say_in
from tutor.text.layout import (
    Brackets,
    Doc,
    Frac,
    Matrix,
    Row,
    brackets,
    constant,
    linear,
    number,
    subscript,
    superscript,
)
from tutor.text.namer import Namer

WRITTEN_OUT = 20  # parts of a slope's formula: that of a GELU has more, and stands as GELU′(1), with its value below
MAX_TERMS = 20  # a longer sum is shown by its first and last terms
FEW_TERMS = 6  # and a sum of more than these, where a formula about arrays names more than so many values:
MANY_LEAVES = 120


_RAISED = {"z": "ᶻ", "a": "ᵃ"}


Sub = Callable[[Expr, int], Doc]  # writes an operand, in brackets if its precedence is below the one needed

# Operators that are written by a pattern: (precedence, parts), a part being text or (which operand, precedence needed).
_PATTERNS: dict[str, tuple[int, tuple[str | tuple[int, int], ...]]] = {
    "log": (4, ("ln ", (0, 5))),
    "sqrt": (4, ("√", (0, 5))),
    "abs": (5, ("|", (0, 0), "|")),
    "sum": (3, ("Σ ", (0, 3))),
}
_CHOICE = "({value} if {x} > 0, else {other})"  # a message in the context "formula"
_CHOSEN = {"x": (0, 1), "value": (1, 0), "other": (2, 0)}


def _pattern(op: str) -> tuple[int, Iterable[str | tuple[int, int]]]:
    """The pattern of an operator; of the one that has words in the learner's language."""
    if op != "choose":
        return _PATTERNS[op]
    pieces = Formatter().parse(say_in("formula", _CHOICE))
    return 5, (part for text, place, *_ in pieces for part in (text, _CHOSEN[place] if place else ""))


def _matrix_product(expr: Expr) -> bool:
    return isinstance(expr, Call) and expr.op in ("matmul", "outer")


def _product(expr: Expr) -> bool:
    """Whether a formula of an array is written as a product, or as a quotient."""
    return isinstance(expr, Call) and bool(expr.shape) and expr.op in ("matmul", "outer", "div", "mul", "times")


def _cell_by_cell(expr: Expr) -> bool:
    return isinstance(expr, Call) and expr.op in ("mul", "times", "div") and all(arg.shape for arg in expr.args)


def _behind_a_sign(doc: Doc) -> Doc:
    """What follows a sign of arithmetic: w · (−2 · (y − ŷ)), never one sign after another."""
    return brackets(doc) if isinstance(doc, Row | Frac) and _first(doc) == "−" else doc


def _first(doc: Doc) -> str:
    """The first character of what a document is on one line."""
    if isinstance(doc, Row):
        return next(filter(None, map(_first, doc.parts)), "")
    if isinstance(doc, Frac) and (doc.tight or not doc.bracket_over):
        return _first(doc.over)
    return doc[:1] if isinstance(doc, str) else "("


def _plain(text: str) -> bool:
    """Whether a superscript may follow at once: not after another one, a fraction or an example's mark."""
    return not any(mark in text for mark in "/@ ∇×") and text[-1:] not in "⁰¹²³⁴⁵⁶⁷⁸⁹⁾′ᵏˡᴸᶠ"


def _layer(z: Expr) -> int | None:
    """The layer of a pre-activation."""
    return next((ref.symbol.layer for ref in refs(z)), None)


@dataclass(frozen=True)
class _Leaves:
    """How the values in a formula are written: by their names (`named`), or with their numbers put in.

    `spreads`: what stands here goes with an array of so many axes, cell by cell, so that it need not be as large.
    `kept`: the axis that a result taken over it keeps, with one place. `terms`: a sum of more is cut.
    """

    write: Callable[[Ref], Doc]
    named: bool
    spreads: int = 0
    kept: int | None = None
    terms: int = MAX_TERMS

    def inside(self, node: Call) -> _Leaves:
        """The same for the operands of a call."""
        if not node.shape:
            return self
        if OPERATORS[node.op].elementwise:
            return self if self.spreads else replace(self, spreads=len(node.shape) * (bare_shape(node) == node.shape))
        return replace(self, spreads=0, kept=None) if self.spreads or self.kept is not None else self

    def extent(self, expr: Expr) -> Shape:
        """The shape of an operand as it is written."""
        return bare_shape(expr) if self.spreads else expr.shape


class Writer(Namer):
    """Writes formulas and values of one lesson in one notation."""

    def __init__(self, lesson: Lesson, notation: str):
        super().__init__(lesson, notation)
        self._names = _Leaves(self.name, named=True)
        self.in_indices = self.notation.axes == "indices"

    # ------------------------------------------------------------ formulas

    def formula(self, expr: Expr) -> Doc:
        """The formula with names."""
        return self._write(expr, self._cut(self._names, expr))[0]

    def _cut(self, leaves: _Leaves, expr: Expr) -> _Leaves:
        """A norm of 16 numbers, written out, is 17 sums of 16: nobody reads that, and it takes long to draw."""
        if not self.arrays or expr.shape:
            return leaves
        named = sum(1 for node in islice(walk(expr), 5 * MANY_LEAVES) if isinstance(node, Ref))
        return replace(leaves, terms=FEW_TERMS) if named > MANY_LEAVES else leaves

    def numbers(self, expr: Expr, value: Callable[[Ref], np.ndarray | float], digits: int = 4) -> Doc:
        """The formula with the numbers put in."""
        leaves = _Leaves(lambda ref: self.value(value(ref), digits), named=False)
        return self._write(expr, self._cut(leaves, expr))[0]

    def value(self, value: np.ndarray | float, digits: int = 4) -> Doc:
        """A value as a number, a column or a matrix."""
        array = np.asarray(value, dtype=float)
        if array.ndim == 0:
            return number(float(array), digits)
        return Matrix(array, digits)

    def layer_number(self, layer: int) -> int:
        """The number that this textbook gives a layer, which is 0 for the inputs here."""
        return layer + self.notation.first - 1

    def function(self, name: str, layer: int | None = None) -> str:
        """The sign of an activation: σ, tanh ...; or the one letter that a textbook has for any.

        Where one sign would stand for two functions in a lesson, each layer's has the layer's number: σ₂, σ₃.
        """
        sign = self._sign(name, layer)
        return sign + subscript(str(self.layer_number(layer))) if layer and sign in self._shared else sign

    def _sign(self, name: str, layer: int | None) -> str:
        if self.notation.functions and layer and name != "linear":
            return self.notation.functions[layer == self.depth]
        return "softmax" if name == "softmax" else ACTIVATIONS[name].glyph

    @cached_property
    def _shared(self) -> frozenset[str]:
        """The signs that stand for more than one function in this lesson: another activation, or another slope."""
        found: dict[str, set[tuple[str, float | None]]] = {}
        for layer in self.model.layers:
            sign = self._sign(layer.activation_name, layer.number)
            found.setdefault(sign, set()).add((layer.activation_name, layer.alpha))
        return frozenset(sign for sign, meant in found.items() if len(meant) > 1)

    def letter(self, given: Expr) -> str:
        """What a definition calls that which a function is given: the notation's letter.

        Among arrays that an author named so, it is a letter that is no name: tanh(z) where z is another value would
        be about that one.
        """
        letter = self.notation.letter
        if not self.arrays or (isinstance(given, Ref) and given.symbol.name == letter):
            return letter
        taken = {symbol.name for symbol in (*self.model.given, *(eq.symbol for eq in self.model.forward))}
        free: list[str] = [other for other in (letter, *"uqrwkxyz", "_") if other not in taken]
        return free[0]

    def definition(self, node: Call) -> Doc:
        """σ(z) = 1 / (1 + e⁻ᶻ): what the sign of an activation's call stands for."""
        letter = self.letter(node.args[0])
        if node.op == "softmax":
            sign = self.function("softmax", self.depth)
            if len(node.shape) == 2:
                i, j, over = ("ᵢ", "ⱼ", f"{letter}ₖⱼ") if node.param == -2 else ("ᵢ", "ⱼ", f"{letter}ᵢₖ")
                columns = f"{sign}{INDICES[0]}({letter})" if self.in_indices else f"{sign}({letter}, axis=0)"
                call = columns if node.param == -2 else f"{sign}({letter})"
                return Row((f"{call}{i}{j} = ", Frac(f"exp({letter}{i}{j})", f"Σₖ exp({over})")))
            over = "ⱼ" if self.notation.layer == "k" else "ₖ"  # where aₖ is a layer's
            return Row((f"{sign}({letter})ᵢ = ", Frac(f"exp({letter}ᵢ)", f"Σ{over} exp({letter}{over})")))
        entry = ACTIVATIONS[node.op]
        left = f"{self.function(node.op, self._own(node.op, node.args[0]))}({letter}) = "
        alpha = node.args[1:]

        def leaf(ref: Ref) -> Doc:
            return letter if ref == Z else self._write(alpha[0], self._names)[0]

        return Row((left, self._write(entry.f, _Leaves(leaf, named=False))[0]))

    def _own(self, name: str, z: Expr) -> int | None:
        """The layer of z, if the activation is that layer's own (and not the tanh that is within GELU)."""
        layer = _layer(z)
        layers = self.model.layers
        return layer if layer and layers and layers[layer - 1].activation_name == name else None

    def _write(self, expr: Expr, leaves: _Leaves, need: int = 0) -> tuple[Doc, int]:
        """A formula as a document and its precedence, bracketed if that is below `need`.

        Precedences: 1 sum, 2 minus sign, 3 product and linear fraction, 4 power, 5 atom.
        """
        doc, precedence = self._node(expr, leaves)
        if precedence < need:
            return brackets(doc), 5
        return doc, precedence

    def _node(self, expr: Expr, leaves: _Leaves) -> tuple[Doc, int]:
        if isinstance(expr, Const):
            text = expr.name or constant(expr.value)
            return text, 2 if text.startswith("−") else 3 if "×" in text else 5
        if isinstance(expr, Ref):
            doc = leaves.write(expr)
            if isinstance(doc, Matrix) and doc.values.ndim == 1 and leaves.spreads > 1:
                doc = replace(doc, flat=True)  # a vector beside a matrix goes along its rows: no column
            text = doc if isinstance(doc, str) else ""
            return doc, 2 if text.startswith("−") else 3 if "×" in text else 5
        assert isinstance(expr, Call)
        return self._call(expr, leaves)

    def _call(self, node: Call, leaves: _Leaves) -> tuple[Doc, int]:
        op, args = node.op, node.args
        if op in ("expand", "spread"):
            return self._spread(node, leaves)
        outer, leaves = leaves, leaves.inside(node)

        def sub(expr: Expr, need: int) -> Doc:
            return self._write(expr, leaves, need)[0]

        if call := written(node):
            called = self._called(call, outer.kept is not None and along(node, outer.kept), sub)
            return called, 3 if self._reaches_over(node) else 5
        if op == "sum_to":
            return self._summed(node, sub), 3 if self.in_indices else 5
        if op == "sum" and self.arrays and isinstance(args[0], Call):
            return Row(("Σ", brackets(sub(args[0], 0)))), 3
        if op in _PATTERNS or op == "choose":
            precedence, pattern = _pattern(op)
            parts = (part if isinstance(part, str) else sub(args[part[0]], part[1]) for part in pattern)
            return Row(tuple(parts)), precedence
        if op in ("add", "sub", "neg"):
            return self._sum(op, args, leaves.terms, sub)
        if op in ("mul", "times"):
            return self._times(args, leaves, sub), 3
        if op in ("div", "ratio"):
            return self._quotient(args, leaves), 3
        if op == "pow":
            return self._power(args, sub), 4
        if op == "exp":
            return self._exponential(sub(args[0], 0))
        if op == "power_log":
            return Row((sub(args[0] ** args[1], 3), " · ln ", sub(args[0], 5))), 3
        if op in ("matmul", "outer", "rows", "transpose", "jacobian"):
            return self._matrices(node, leaves, sub)
        if op in ("mean", "batch_sum"):
            return self._mean(node, leaves)
        if op == SHARED:
            return Row(("⟨", sub(args[0], 0), "⟩")), 5
        if op in ("wins_max", "wins_min"):
            return self._indicator(node, sub), 5
        if op == "hit":
            return Row(("1", brackets(Row((sub(args[0], 1), f" = {node.param}"))))), 5
        if op == "linear":
            return self._node(args[0], leaves)
        name = prime_of(op)
        if name and not leaves.named and sum(1 for _ in walk(derivative(name, (Z, Z)))) <= WRITTEN_OUT:
            return self._node(derivative(name, args), leaves)  # with numbers, f′ is written out: 0.7 · (1 − 0.7)
        return self._function(node, sub)

    def _sum(self, op: str, args: tuple[Expr, ...], most: int, sub: Sub) -> tuple[Doc, int]:
        def term(expr: Expr) -> Doc:
            doc = sub(expr, 2)
            return brackets(doc) if _first(doc) == "−" else doc

        if op == "neg":
            return Row(("−", term(args[0]))), 2
        sign = " + " if op == "add" else " − "
        parts: list[Doc] = [sub(args[0], 1)]
        for at, arg in enumerate(args[1:], start=1):
            if len(args) <= most or at < 4 or at > len(args) - 3:
                parts += [sign, term(arg)]
            elif at == 4:
                parts.append(f" + {say('… {n} more …', n=f'{len(args) - 6:,}')}")
        return Row(tuple(parts)), 1

    def _times(self, args: tuple[Expr, ...], leaves: _Leaves, sub: Sub) -> Doc:
        left, right = args
        arrays = leaves.extent(left) and leaves.extent(right)
        first = 2 if isinstance(left, Const | Ref) else 3  # −2 · (y − ŷ) needs no brackets
        first = 4 if self.arrays and self._reaches_over(left) else first
        second = 4 if isinstance(right, Call) and right.op == "div" else 3
        if not (arrays and self.arrays):
            first = 4 if arrays and _matrix_product(left) else first
            sign = f" {self.notation.elementwise} " if arrays else " · "
            return Row((sub(left, first), sign, _behind_a_sign(sub(right, second))))
        sides = (sub(left, 4 if _matrix_product(left) else first), sub(right, 4 if _product(right) else second))
        return Row((sides[0], f" {self.notation.elementwise} ", sides[1]))

    def _quotient(self, args: tuple[Expr, ...], leaves: _Leaves) -> Doc:
        if all(leaves.extent(arg) for arg in args):  # cell by cell: there is no quotient of two columns
            return Row((self._write(args[0], leaves, 4)[0], " ⊘ ", self._write(args[1], leaves, 4)[0]))
        over, under = self._write(args[0], leaves), self._write(args[1], leaves)
        return Frac(over[0], under[0], over[1] < 3, under[1] < 4)

    def _power(self, args: tuple[Expr, ...], sub: Sub) -> Doc:
        base, power = sub(args[0], 5), sub(args[1], 5)
        plain = isinstance(base, Matrix | Brackets) or (isinstance(base, str) and _plain(base))
        base = base if plain else brackets(base)
        if isinstance(power, Brackets) and linear(power.inner).lstrip("−").isdigit():
            power = power.inner
        text = linear(power)
        if text.lstrip("−").isdigit() or text == "t":
            return Row((base, superscript(text).replace("t", "ᵗ")))
        return Row((base, "^", power))

    def _matrices(self, node: Call, leaves: _Leaves, sub: Sub) -> tuple[Doc, int]:
        """Products of matrices and vectors, and what is transposed."""
        op, args, sign = node.op, node.args, self._product(leaves)
        if op == "transpose":
            return self._transposed(args[0], leaves), 5
        if op == "matmul":
            left = 4 if self.arrays and (_cell_by_cell(args[0]) or self._reaches_over(args[0])) else 3
            right = 4 if self.arrays and _product(args[1]) else 3
            return Row((sub(args[0], left), sign, sub(args[1], right))), 3
        if op == "outer":
            left = 4 if self.arrays and (_cell_by_cell(args[0]) or self._reaches_over(args[0])) else 3
            return Row((sub(args[0], left), sign, self._transposed(args[1], leaves))), 3
        turned = self._transposed(args[0], leaves)
        if op == "rows":
            return Row(("1", sign, turned)), 3
        a = sub(args[0], 5)
        return brackets(Row(("diag ", a, " − ", a, sign, turned))), 5

    def _reaches_over(self, expr: Expr) -> bool:
        """Whether it is a Σ, which reaches over the product that follows: of all numbers, or over an index."""
        if not isinstance(expr, Call):
            return False
        if expr.op in ("expand", "spread"):
            return self._reaches_over(expr.args[0])
        over_index = expr.op in ("sum", "sum_to") and self.in_indices
        return (expr.op == "sum" and expr.param is None) or over_index

    def _called(self, call: Written, kept: bool, sub: Sub) -> Doc:
        """name(arguments, settings), as a lesson's author writes it; an axis may be an index below the name."""
        call = in_indices(call) if self.in_indices else call
        kept = kept and not self.in_indices
        parts: list[Doc] = []
        for arg in call.args:
            parts += [*([", "] if parts else []), sub(arg, 0)]
        settings = (*call.settings, *(("keepdims=True",) if kept else ()))
        return Row((call.name, brackets(Row((*parts, *(f", {text}" for text in settings))))))

    def _summed(self, node: Call, sub: Sub) -> Doc:
        """What is added up over the places that a value was spread to."""
        gone, kept = summed_axes(node)
        doc = sub(node.args[0], 0)
        if self.in_indices:
            for axis in (*gone, *kept):
                doc = Row((f"Σ{INDICES[axis]}", brackets(doc)))
            return doc
        for _ in gone:
            doc = Row(("sum", brackets(Row((doc, ", axis=0")))))
        for axis in kept:
            doc = Row(("sum", brackets(Row((doc, f", axis={axis - len(gone)}, keepdims=True")))))
        return doc

    def _spread(self, node: Call, leaves: _Leaves) -> tuple[Doc, int]:
        """A value that is the same all along an axis: no sign where it goes with a whole array anyway."""
        x = node.args[0]
        if not node.shape:  # the same for each example: nothing to be seen of that
            return self._node(x, leaves)
        along_first = node.op == "expand" or spread_axis(node) == 0
        if leaves.spreads and along_first:
            return self._node(x, leaves)
        if leaves.spreads and keepable(x, node.param):
            return self._node(x, replace(leaves, kept=node.param))
        inner = replace(leaves, spreads=0, kept=None)
        if not along_first:
            axis = spread_axis(node)
            count = f", {node.shape[axis]}"
            below, settings = (INDICES[axis], count) if self.in_indices else ("", f"{count}, axis={axis}")
            return Row((f"repeat{below}", brackets(Row((self._write(x, inner)[0], settings))))), 5
        if x == ZERO:
            return self._node(x, inner)
        if x == ONE:
            return ones(node.shape), 5
        sign = self.notation.elementwise if x.shape else "·"
        return Row((self._write(x, inner, 3)[0], f" {sign} {ones(node.shape)}")), 3

    def written_out(self, node: Call) -> Expr:
        """What the derivative of an activation is for its arguments: σ′(z) -> a (1 − a)."""
        return derivative(prime_of(node.op) or node.op, node.args)

    def _function(self, node: Call, sub: Sub) -> tuple[Doc, int]:
        name = prime_of(node.op) or node.op
        if name in ACTIVATIONS or name == "softmax":
            glyph = self.function(name, self._own(name, node.args[0]))
            prime = "′" if name != node.op else ""
            return Row((glyph + prime, brackets(sub(node.args[0], 0)))), 5
        parts: list[Doc] = [sub(node.args[0], 0)]
        for arg in node.args[1:]:
            parts += [", ", sub(arg, 0)]
        return Row((node.op, brackets(Row(tuple(parts))))), 5

    def _product(self, leaves: _Leaves) -> str:
        """Between matrices: some textbooks write nothing between names, but numbers need a sign."""
        sign = self.notation.matrix_product.strip() if leaves.named else "·"
        return f" {sign} " if sign else " "

    @property
    def e_to_the_z(self) -> str:
        """eᶻ with this notation's letter."""
        return "e" + _RAISED[self.notation.letter]

    def _exponential(self, power: Doc) -> tuple[Doc, int]:
        text = linear(power)
        raised = _RAISED.get(text.removeprefix("−"))
        if raised:
            return "e" + "⁻" * text.startswith("−") + raised, 4
        return Row(("exp", brackets(power))), 5

    def _transposed(self, expr: Expr, leaves: _Leaves) -> Doc:
        doc = self._write(expr, leaves, 5)[0]
        if isinstance(doc, Matrix):
            return doc.transposed()
        return Row((doc if isinstance(doc, Brackets) or _plain(linear(doc)) else brackets(doc), "ᵀ"))

    def _mean(self, node: Call, leaves: _Leaves) -> tuple[Doc, int]:
        (arg,), count = node.args, node.param
        mean = node.op == "mean"
        if leaves.named:
            each = replace(leaves, write=lambda ref: Row((self.name(ref), "@e")) if ref.batched else self.name(ref))
            return Row((*((self._one_of(count), " · ") if mean else ()), "Σₑ ", self._write(arg, each, 3)[0])), 3
        shown = list(range(count)) if count <= 3 else [0, 1, count - 1]
        parts: list[Doc] = []
        for e in shown:
            if parts:
                parts.append(" + … + " if e == count - 1 and count > 3 else " + ")
            parts.append(self._write(at_example(arg, e), leaves, 3)[0])
        if not mean:
            return Row(tuple(parts)), 1
        return Row((self._one_of(count), " · ", brackets(Row(tuple(parts))))), 3

    def _one_of(self, count: int) -> Doc:
        return Frac("1", str(count))

    def _indicator(self, node: Call, sub: Sub) -> Doc:
        """1(x ≥ y): 1 if the argument is the one that max or min takes, 0 if not."""
        k = node.param or 0
        others = [arg for at, arg in enumerate(node.args) if at != k]
        strict, even = (">", "≥") if node.op == "wins_max" else ("<", "≤")
        parts: list[Doc] = ["1", "("]
        for at, other in enumerate(others):
            sign = even if at >= k else strict
            parts += ([", "] if at else []) + [sub(node.args[k], 1), f" {sign} ", sub(other, 1)]
        return Row((*parts, ")"))


class _Writers(dict[str, Writer]):
    """The writers of a program's equations, by notation."""


def writer_of(trace: Trace, notation: str) -> Writer:
    """What writes a trace in a notation: one for all numbers, so that a name is made once."""
    made = trace.program.memo.of(_Writers)
    if notation not in made:
        made[notation] = Writer(trace.lesson, notation)
    return made[notation]
