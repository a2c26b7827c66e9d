"""What values are called in a notation: names of parameters, activations, gradients, with their layers and indices.

The notations themselves are a table of their own: `notations.py`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property

from tutor.engine.expressions import Ref, Shape, Symbol
from tutor.engine.forward import model
from tutor.engine.lesson import Lesson
from tutor.engine.optimizers import SIGNS, STATES
from tutor.text.layout import (
    Doc,
    Frac,
    Row,
    linear,
    subscript,
    superscript,
)
from tutor.text.notations import NOTATIONS, Names


def _of_names(template: str, L: str, x: str) -> Doc:
    """A gradient's name from that of the output and of what it is with respect to."""
    top, slash, bottom = template.partition("/")
    if slash:
        return Frac(top.format(L=L, x=x), bottom.format(L=L, x=x), tight=True)
    return template.format(L=L, x=x)


def _places(index: tuple[int, ...] | None, shape: Shape) -> str:
    """An element's place as subscripts: ₁₂, and ₁,₁₂ where an axis has more than nine."""
    return ("," if max(shape, default=0) > 9 else "").join(subscript(str(i + 1)) for i in index or ())


class Namer:
    """Names the values of one lesson in one notation."""

    every_index = False  # whether an index stands also where there is only one: ŷ₁ of one output

    def __init__(self, lesson: Lesson, notation: str):
        self.lesson, self.id = lesson, notation
        self.notation = NOTATIONS[notation]
        self.model = model(lesson)
        layers = self.model.layers
        self.depth = len(layers)
        self.wide = [width > 9 for width in self.model.widths or (1,)]
        self.softmax = bool(layers) and layers[-1].activation_name == "softmax"
        self.input_names = self.model.input_names
        self.arrays = self.model.arrays
        symbols = (*self.model.given, *(eq.symbol for eq in self.model.forward))
        self._authored = frozenset(symbol.id for symbol in symbols) if self.arrays else frozenset()
        self._texts: dict[tuple[str, tuple[int, ...] | None, int | None], str] = {}

    def name(self, ref: Ref) -> Doc:
        """The name of a value in this notation."""
        symbol, suffix = ref.symbol, "" if ref.example is None else f"@{ref.example + 1}"
        doc = self._name(symbol, ref.index or None)
        return Row((doc, suffix)) if suffix else doc

    def text(self, ref: Ref) -> str:
        """The name as one line of text."""
        key = (ref.symbol.key, ref.index, ref.example)
        if key not in self._texts:
            self._texts[key] = linear(self.name(ref))
        return self._texts[key]

    def spellings(self, ref: Ref) -> set[str]:
        """The name, and the same with the index that it does without: ŷ and ŷ₁ of one output."""
        return {self.text(ref), self._indexed.text(ref)} if self._indexed else {self.text(ref)}

    @cached_property
    def _indexed(self) -> Namer | None:
        if self.model.widths[-1:] != (1,):
            return None
        other = Namer(self.lesson, self.id)
        other.every_index = True
        return other

    def _name(self, symbol: Symbol, index: tuple[int, ...] | None) -> Doc:
        quantity = symbol.quantity
        if quantity == "gradient":
            return self._gradient(symbol, index)
        if quantity == "local":
            return self._local(symbol, index)
        if quantity == "updated":
            assert symbol.wrt
            return Row((self._name(symbol.wrt, index), "_new"))
        if quantity == "state":
            assert symbol.wrt
            of, state = linear(self._name(symbol.wrt, index)), STATES[symbol.name]
            return f"{state.sign}({of})" + ("_new" if symbol.is_new else "")
        if quantity == "hyper":
            return SIGNS.get(symbol.name, self.notation.rate)
        if quantity == "loss":
            batch_mean = self.lesson.training and self.lesson.training.batch != 1 and not symbol.per_example
            return self.notation.mean_loss if batch_mean else self.notation.loss
        if quantity in ("node", "circuit_input", "objective"):
            return symbol.id + _places(index, symbol.shape)
        if quantity == "input" and index and self.input_names:
            return self.input_names[index[0]]
        names = self.notation.names
        key = self._key(names, symbol)
        template = names[key][index is not None]
        if index is not None and symbol.shape == (1,) and key in self.notation.alone and not self.every_index:
            template = template.replace("_i", "")
        return self._fill(template, symbol, index)

    def _key(self, table: dict[str, Names], symbol: Symbol) -> str:
        """The entry for a symbol; the last layer's, or the first of just two layers', where there is one."""
        quantity = symbol.quantity
        keys: list[str] = [quantity]
        if quantity == "activation" and self._is_last(symbol):
            keys = ["softmax_output"] * self.softmax + ["output", quantity]
        elif quantity == "pre_activation":
            keys = ["last_pre_activation"] * self._is_last(symbol) + ["first_of_two"] * (self.depth == 2) + keys
        return next(key for key in (*keys, "any") if key in table)

    def leaves_out(self, symbol: Symbol) -> bool:
        """Whether the textbook has no name for it: the sum into a linear unit, which puts it out as it is."""
        if self.notation.names_sums or symbol.quantity != "pre_activation" or not symbol.layer:
            return False
        return self.model.layers[symbol.layer - 1].activation_name == "linear"

    def _is_last(self, symbol: Symbol) -> bool:
        return symbol.layer == self.depth

    def _gradient(self, symbol: Symbol, index: tuple[int, ...] | None) -> Doc:
        of, wrt = symbol.of, symbol.wrt
        assert of and wrt
        if self.arrays:
            return self._gradient_by_author(symbol, index)
        if not self.model.layers or of.quantity == "objective":
            return Frac(f"∂{of.id}", Row(("∂", self._name(wrt, index))), tight=True)
        table = self.notation.gradients
        template = table[self._key(table, wrt)][index is not None]
        if "{x}" not in template:
            return self._fill(template, wrt, index)
        return _of_names(template, linear(self._name(of, None)), linear(self._name(wrt, index)))

    def _gradient_by_author(self, symbol: Symbol, index: tuple[int, ...] | None) -> Doc:
        """A gradient of what the author named: dX, ∇X L, δS, ∂L/∂X; what comes back from one use as ∂L/∂W@h3."""
        of, wrt, use = symbol.of, symbol.wrt, symbol.use
        assert of and wrt
        table = self.notation.by_author
        template = table.get(wrt.quantity, table["any"])[index is not None or not wrt.shape]
        x = linear(self._name(wrt, index)) + (f"@{use}" if use else "")
        name = _of_names(template, of.id, x)
        return name if name not in self._authored else _of_names("∂{L}/∂{x}", of.id, x)  # of who has an X and a dX

    def _local(self, symbol: Symbol, index: tuple[int, ...] | None) -> Doc:
        """∂a/∂z with the indices that it has: dz[i]/dW[i,j], dz[i]/da[j], da[i]/dz[i]; a Jacobian's da[k]/dz[i]."""
        of, wrt = symbol.of, symbol.wrt
        assert of and wrt
        over, under, rank = index, index, len(of.shape)
        if index:
            table = len(index) == rank + len(wrt.shape)
            over, under = index[:rank], index[rank:] if table else index
        return Frac(
            Row(("∂", self._name(of, over if of.shape else None))),
            Row(("∂", self._name(wrt, under if wrt.shape else None))),
            tight=True,
        )

    def _fill(self, template: str, symbol: Symbol, index: tuple[int, ...] | None) -> str:
        """A template with the numbers of layer and indices put in."""
        parameter = symbol.quantity in ("weights", "biases")
        first = self.notation.weights_first if parameter else self.notation.first
        layer = (symbol.layer or 0) + first - 1
        i, j = (index or ()) + (None,) * (2 - len(index or ()))
        letters = {"l": self._layer_text(layer)}
        letters |= {c: self._place_text(at) for c, at in (("i", i), ("j", j)) if at is not None}
        at = symbol.layer or 0
        wide = index is not None and (self.wide[min(at, self.depth)] or (j is not None and self.wide[max(at - 1, 0)]))

        def replace(match: re.Match[str]) -> str:
            raised, lowered = match["raised"], match["lowered"]
            if raised:
                return superscript(raised[1:].replace("l", letters["l"]))
            return self._lowered([letters[c] for c in lowered[1:]], wide)

        return re.sub(r"(?P<raised>\^\(l\)|\^l)|(?P<lowered>_(?:lij|li|ij|ji|l|i)(?![a-z]))", replace, template)

    def _layer_text(self, number: int) -> str:
        return str(number)

    def _place_text(self, at: int) -> str:
        return str(at + 1)

    def _lowered(self, parts: Sequence[str], wide: bool) -> str:
        """The numbers of layer and indices as subscripts: ₁₂, and ₁,₁₂ where there are `wide` ones."""
        return ("," if wide else "").join(map(subscript, parts))
