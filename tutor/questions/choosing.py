"""Several questions from one trace, spread over its rules, phases and the kinds of question."""

from __future__ import annotations

import math
import random
from collections import Counter, defaultdict
from collections.abc import Sequence

from tutor.engine.model import Equation
from tutor.engine.trace import Step, Trace
from tutor.questions.items import Item
from tutor.questions.kinds import KINDS
from tutor.text.writer import Writer

_TURNS = ("backward", "forward", "backward", "update", "backward", "loss")  # half of it is backward
ORDERS = 8  # so many orders of the equations are tried at most


def spread(
    trace: Trace,
    writer: Writer,
    rng: random.Random,
    count: int,
    kinds: tuple[str, ...] = tuple(KINDS),
    weakest: Sequence[str] = (),
) -> list[Item]:
    """At most `count` questions in the order of the steps: every rule before any rule twice, the phases in turn.

    Of the rules of a phase those in `weakest` come first, in that order.

    Every other question is of the first kind; the rest take the other kinds in turn. No equation is asked about
    twice while there are others, and no question shows what another one asks for. Where the two leave too few, other
    orders are tried.
    """
    best: list[Item] = []
    for _ in range(ORDERS):
        found = _in_one_order(trace, writer, rng, count, kinds, weakest)
        best = max(best, found, key=_equations)
        if _equations(best) >= min(count, len(trace.equations) - 2):
            break
    return best


def _equations(items: list[Item]) -> int:
    """How many equations are asked about."""
    return len({item.step.equation.symbol.key for item in items})


def _in_one_order(
    trace: Trace, writer: Writer, rng: random.Random, count: int, kinds: tuple[str, ...], weakest: Sequence[str]
) -> list[Item]:
    rest = list(kinds[1:])
    rng.shuffle(rest)
    found: list[Item] = []
    taken: set[tuple[str, str]] = set()
    equations = _in_turns(trace, rng, weakest)
    for at, eq in enumerate((*equations, *equations)):
        if len(found) >= count:
            break
        if at < len(equations) and any(item.step.equation is eq for item in found):
            continue
        step = Step(trace, eq, None, rng.randrange(trace.examples) if eq.symbol.per_example else None)
        for kind in (*(kinds[:1] if len(found) % 2 == 0 else ()), *rest, *kinds[:1]):
            item, most = KINDS[kind](step, writer, rng), KINDS[kind].most
            large = most is not None and math.prod(step.shape) > most
            if item and not large and taken.isdisjoint(about := _about(item)):
                taken |= about
                found.append(item)
                if kind in rest:  # to the end of the queue
                    rest.remove(kind)
                    rest.append(kind)
                break
    place = {eq.symbol.key: at for at, eq in enumerate(trace.equations)}
    return sorted(found, key=lambda item: place[item.step.equation.symbol.key])


def _in_turns(trace: Trace, rng: random.Random, weakest: Sequence[str]) -> list[Equation]:
    """Every equation: of each rule one, the phases in turn, then of each rule a second ..."""
    rounds: list[dict[str, list[Equation]]] = []
    seen: Counter[str] = Counter()
    for eq in rng.sample(trace.equations, len(trace.equations)):
        if seen[eq.rule_id] == len(rounds):
            rounds.append(defaultdict(list))
        rounds[seen[eq.rule_id]][eq.phase].append(eq)
        seen[eq.rule_id] += 1
    order: list[Equation] = []
    strength = {rule: at for at, rule in enumerate(weakest)}
    for queues in rounds:
        for queue in queues.values():  # taken from its end
            queue.sort(key=lambda eq: strength.get(eq.rule_id, len(strength)), reverse=True)
        while any(queues.values()):
            order += [queues[phase].pop() for phase in _TURNS if queues[phase]]
    return order


def _about(item: Item) -> set[tuple[str, str]]:
    """What a question asks for or gives away: (what, key of the equation)."""
    kind = KINDS[item.kind]
    return {(what, item.step.equation.symbol.key) for what in kind.tells} | {
        ("value", symbol.key) for symbol in kind.values(item)
    }
