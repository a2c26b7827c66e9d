"""A graph of single numbers as lines of source, one value after the other: the same lines in any language.

Where a value is used once it stands in the line of its user, and what is not chosen there is not computed. So two
languages do the same operations on the same numbers, and stop before the same iteration.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from tutor.engine.compiled.elements import ScalarGraph
from tutor.engine.compiled.graph import AT_KINK, CANCELLED, NO_GRADIENT

DEEPEST = 30  # brackets in a line of source; Python's parser takes some 90


class Language(Protocol):
    """How a language says it. A text is that of a whole operand: a name, a number, or something in brackets."""

    def leaf(self, number: int, graph: ScalarGraph) -> str:
        """What is given, constant or settled."""

    def text(self, op: str, args: Sequence[str], param: int | None) -> str:
        """An operator. May raise what says that the language does not have it."""

    def let(self, name: str, value: str) -> str:
        """The line that gives a value a name."""

    def ask_near(self, name: str, limit: float) -> str:
        """The line that leaves an iteration to the equations if this is nearer to 0 than that, and not 0."""

    def ask_tie(self, mine: str, other: str, limit: float) -> str:
        """The same if two differ by less than this share of the first, and differ."""

    def ask_left(self, new: str, old: str, near: float, share: float) -> str:
        """The same if a new value is near 0 and this share of the old one, and not 0."""


@dataclass(frozen=True)
class StraightLines:
    """The lines of an iteration; then the texts of its loss and of the new values, in the order of the memory.

    `kinked`: the new values have names (n0, n1 ...) already.
    """

    lines: list[str]
    loss: str
    new: list[str]
    kinked: bool


def straight(of: ScalarGraph, language: Language) -> StraightLines:
    """An iteration as lines of source. Raises what the language does at an operator that it does not have."""
    nodes, uses = of.graph.nodes, of.graph.uses([of.loss, *of.new])
    kinks = {nodes[number][1][0] for number in uses if nodes[number][0] in ("choose", "sign")}
    kinked = bool(kinks) or any(nodes[number][0] in ("wins_max", "wins_min") for number in uses)
    text: dict[int, str] = {}
    depth: dict[int, int] = {}
    lines: list[str] = []
    for number, users in uses.items():
        op, args, param = nodes[number]
        if op == "given" or number in of.graph.settled:
            text[number], depth[number] = language.leaf(number, of), 0
            continue
        text[number] = language.text(op, [text[arg] for arg in args], param)
        depth[number] = 1 + max(depth[arg] for arg in args)
        again = any(nodes[user][0] in _SAID_TWICE for user in users) or number in kinks or number in of.watched
        if op in ("wins_max", "wins_min"):
            mine = text[args[param]]
            others = (text[arg] for at, arg in enumerate(args) if at != param)
            lines += [language.ask_tie(mine, other, AT_KINK) for other in others]
        if len(users) > 1 or again or depth[number] > DEEPEST or number == of.loss:
            lines.append(language.let(f"v{number}", text[number]))
            text[number], depth[number] = f"v{number}", 0
        for asked, near in ((kinks, AT_KINK), (of.watched, NO_GRADIENT)):
            if number in asked:
                lines.append(language.ask_near(f"v{number}", near))
    new, loss = [text[number] for number in of.new], text[of.loss]
    if nodes[of.loss][0] == "given":  # the circuit f = x: what is kept is from before the update
        lines.append(language.let(f"v{of.loss}", loss))
        loss = f"v{of.loss}"
    if kinked:
        for at, (carried, value) in enumerate(zip(of.carried, new, strict=True)):
            old = language.leaf(of.graph.given(carried), of)
            lines += [language.let(f"n{at}", value), language.ask_left(f"n{at}", old, AT_KINK, CANCELLED)]
        new = [f"n{at}" for at in range(len(new))]
    return StraightLines(lines, loss, new, kinked)


# They name an argument twice.
_SAID_TWICE = {"max", "min", "wins_max", "wins_min", "sign", "ratio", "times", "power_log"}
