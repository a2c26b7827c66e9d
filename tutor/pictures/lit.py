"""What of a network's picture is lit: what the step uses or makes, or the items of a path."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tutor.engine.expressions import Symbol
from tutor.pictures.scene import Item, Known, Whole


@dataclass
class Lit:
    """What to light: units by layer, edges by layer (index None: all of it), and whether the loss."""

    units: set[tuple[int, int | None]] = field(default_factory=set)
    edges: set[tuple[int, int | None, int | None]] = field(default_factory=set)
    loss: bool = False
    outputs: bool = False  # the lines from the outputs to the loss

    def unit(self, layer: int, unit: int) -> bool:
        """Whether a unit (from 0) of a layer (0: the inputs) is lit."""
        return (layer, unit) in self.units or (layer, None) in self.units

    def edge(self, layer: int, to: int, start: int) -> bool:
        """Whether the weight to unit `to` of a layer from unit `start` is lit; both from 0."""
        return (layer, to, start) in self.edges or (layer, None, None) in self.edges

    def layers(self) -> set[int]:
        """The layers in which something is lit."""
        return {layer for layer, _ in self.units} | {layer for layer, _, _ in self.edges}


def lit_by_step(known: Known) -> Lit:
    """The units and edges whose values the step uses or makes."""
    lit, step = Lit(), known.step
    for ref in (step.ref, *step.operands):
        _light(lit, ref.symbol.wrt or ref.symbol, ref.index)
    symbol = step.equation.symbol
    if symbol.quantity == "gradient" and symbol.wrt and symbol.wrt.quantity == "weights" and step.index:
        to, start = step.index
        lit.units |= {(symbol.wrt.layer or 0, to), ((symbol.wrt.layer or 1) - 1, start)}
    if symbol.quantity == "local" and symbol.of:
        _light(lit, symbol.of, step.index[: len(symbol.of.shape)] if step.index else None)
    if step.equation.rule in ("loss", "loss_gradient", "combined_error", "softmax_gradient", "mean_loss", "sum_loss"):
        lit.outputs = lit.loss = step.equation.rule != "softmax_gradient"
    return lit


def _light(lit: Lit, symbol: Symbol, index: Whole) -> None:
    if symbol.quantity == "weights":
        to, start = index if index and len(index) == 2 else (None, None)
        lit.edges.add((symbol.layer or 0, to, start))
    elif symbol.quantity in ("target", "loss", "objective"):
        lit.loss = True
    elif symbol.layer is not None and symbol.quantity != "hyper":
        lit.units.add((symbol.layer, index[0] if index else None))


def lit_by_items(known: Known, items: Sequence[Item]) -> Lit:
    """The units and edges of a path; with the loss the lines that lead to it."""
    lit = Lit()
    for id, index in items:
        symbol = known.symbol(id)
        if symbol:
            _light(lit, symbol.wrt or symbol, tuple(index) or None)
    if lit.loss:
        lit.outputs = True
    return lit
