"""A program with some of its formulas in place of others: what somebody would have written who made a slip."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tutor.engine.expressions import Expr, Ref, refs, rewrite
from tutor.engine.lesson import Lesson
from tutor.engine.program import Program


class Rewritten(Program):
    """The program of a lesson in which `formulas` (by key) stand for its own.

    A formula of the way back may name a new value, W2': it is worked out there, as an update in between would be.
    """

    def __init__(self, lesson: Lesson, formulas: Mapping[str, Expr], examples: int = 1):
        super().__init__(lesson, examples)
        news = {eq.symbol.key: eq.formula for eq in self.equations if eq.phase == "update"}

        def too_early(node: Expr) -> Expr | None:
            return news.get(node.symbol.key) if isinstance(node, Ref) and not node.index else None

        wanted = {ref.symbol.key for formula in formulas.values() for ref in refs(formula)}
        found = []
        for eq in self.equations:
            key = eq.symbol.key
            if key in formulas:
                formula = formulas[key] if eq.phase == "update" else rewrite(formulas[key], too_early)
                found.append(replace(eq, formula=formula, compute=None, deferred=False))
            else:
                found.append(replace(eq, deferred=eq.deferred and key not in wanted))
        self.equations = tuple(found)
        self.by_key = {eq.symbol.key: eq for eq in self.equations}
