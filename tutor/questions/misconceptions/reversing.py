"""Slips on the way back through arrays: a wrong reverse rule in place of an operator's own, or a part left out.

A gradient is the sum of what its gates send back (`Site.flows`); a wrong rule is tried for one call at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from tutor.engine.backprop import for_each, parts_back, reverse
from tutor.engine.expressions import Call, Expr, Symbol, total
from tutor.engine.model import Equation
from tutor.questions.misconceptions.rewriting import Flow, Rewrite, Site, calls
from tutor.questions.misconceptions.structure import Structure, structure_of

Parts = tuple["Expr | None", ...]
Wrong = Callable[[Structure, Call, Expr, Expr], Iterable[Parts]]  # the call, its value, what comes back -> wrong parts


def arrays(site: Site) -> bool:
    """Whether it is an equation about arrays that an author wrote."""
    return site.program.model.arrays


def forward(site: Site) -> Call | None:
    """The formula of a gate in equations about arrays; None of anything else."""
    f = site.formula
    return f if arrays(site) and site.rule == "gate" and isinstance(f, Call) else None


def back(**wrong: Wrong) -> Rewrite:
    """The gradients that come back through calls of these operators, by wrong rules (a name_ is that of the `name`)."""
    rules = {name.rstrip("_"): rule for name, rule in wrong.items()}

    def rewrite(site: Site) -> Iterator[Expr]:
        if site.rule == "uses" or not site.flows:
            return
        for gate in site.gates:
            for node in dict.fromkeys(node for node in calls(gate.formula) if node.op in rules):
                yield from _by(site, gate, node, rules[node.op])

    return rewrite


def _by(site: Site, gate: Equation, node: Call, wrong: Wrong) -> Iterator[Expr]:
    structure, at, count = structure_of(site.program), 0, 1
    while at < count:
        count = 0

        def rule(one: Call, value: Expr, G: Expr, at: int = at) -> Parts:
            nonlocal count
            own = reverse(one, value, G)
            if one != node:
                return own
            found = [parts for parts in wrong(structure, one, value, G) if parts != own]
            count = max(count, len(found))
            return found[at] if at < len(found) else own

        parts: list[Expr] = []
        for other in site.gates:
            if other is gate:
                parts += parts_back(site.program.model, site.equation.symbol, gate, rule)
            else:
                parts += [flow.part for flow in site.flows if flow.gate is other]
        if count:
            yield from put_together(site, parts)
        at += 1


def put_together(site: Site, parts: list[Expr]) -> Iterator[Expr]:
    """The gradient that is the sum of these parts, unless it is the right one or has none."""
    wrt = site.equation.symbol.wrt
    if parts and wrt:
        found = for_each(total(parts), wrt)
        if found != site.formula:
            yield found


def without(site: Site, left_out: Callable[[Flow], bool]) -> Iterator[Expr]:
    """The gradient without some of its parts, if others stay."""
    stay = [flow.part for flow in site.flows if not left_out(flow)]
    if 0 < len(stay) < len(site.flows):
        yield from put_together(site, stay)


def without_gates(site: Site, gates: frozenset[Symbol]) -> Iterator[Expr]:
    """The gradient without what comes back through these gates, if others stay."""
    return without(site, lambda flow: flow.gate.symbol in gates)
