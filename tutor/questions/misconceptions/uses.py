"""Slips about values with several uses: attention, steps in time, gates of an LSTM, residuals, masks.

See `rewriting.py` for what an entry is, and `structure.py` for how a layer is told in any names.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from tutor.engine.expressions import Call, Expr, Ref, call, product, refs, total
from tutor.questions.misconceptions.reversing import Parts, back, forward, put_together, without, without_gates
from tutor.questions.misconceptions.rewriting import Misconception, Site, both, put, swap
from tutor.questions.misconceptions.structure import Structure, structure_of

MANY = 8  # parts of a sum that are tried one by one

# ---------------------------------------------------------------- attention


def _scales(site: Site) -> frozenset[Expr]:
    """The calls that scale the scores of an attention, as they stand in its gates."""
    return frozenset().union(*(one.scales for one in structure_of(site.program).attentions))


def _constant(node: Call) -> tuple[Expr, Expr]:
    """(what is scaled, the number)."""
    x, c = node.args
    return (x, c) if not refs(c) else (c, x)


def _scale_forgotten(site: Site) -> Iterator[Expr]:
    if forward(site) is not None and (scales := _scales(site)):
        yield from swap(site, lambda n: n in scales, lambda n: _constant(n)[0])


def _scale_twice(site: Site) -> Iterator[Expr]:
    if forward(site) is not None and (scales := _scales(site)):
        yield from swap(site, lambda n: n in scales, lambda n: call(n.op, n, _constant(n)[1]))


def _is_scale(structure: Structure, node: Call) -> bool:
    return any(node in one.scales for one in structure.attentions)


def _scale_not_back(structure: Structure, node: Call, out: Expr, G: Expr) -> Iterator[Parts]:
    if _is_scale(structure, node):
        yield tuple(None if not refs(arg) else G for arg in node.args)


def _scale_twice_back(structure: Structure, node: Call, out: Expr, G: Expr) -> Iterator[Parts]:
    if _is_scale(structure, node):
        c = _constant(node)[1]
        yield tuple(None if not refs(arg) else call(node.op, call(node.op, G, c), c) for arg in node.args)


def _attention_path(site: Site) -> Iterator[Expr]:
    for one in structure_of(site.program).attentions if site.flows else ():
        roles = [role for role in (one.queries, one.keys, one.values)
                 if any(flow.gate.symbol in role for flow in site.flows)]  # fmt: skip
        if len(roles) > 1:
            for role in roles:
                yield from without_gates(site, role)
            for role in roles if len(roles) > 2 else ():
                others = frozenset().union(*(other for other in roles if other is not role))
                yield from without_gates(site, others)


def _mask_forgotten(site: Site) -> Iterator[Expr]:
    if forward(site) is not None:
        masks = frozenset().union(*(one.masks for one in structure_of(site.program).attentions))
        yield from swap(site, lambda n: n.op == "causal" or n in masks, lambda n: n.args[0])


def _mask_turned(site: Site) -> Iterator[Expr]:
    if forward(site) is not None:
        yield from swap(site, lambda n: n.op == "causal" and len(n.shape) == 2, _turned_mask)


def _turned_mask(causal: Call) -> Expr:
    return call("transpose", call("causal", call("transpose", *causal.args)))


# ---------------------------------------------------------------- time, and parameters with several uses


def _not_through_time(site: Site) -> Iterator[Expr]:
    structure, wrt = structure_of(site.program), site.equation.symbol.wrt
    if wrt is None or not site.flows:
        return
    if len(site.flows) == 1:  # a state that moves nothing but the next one: nothing came back at all
        if wrt in structure.makers and structure.later(site.flows[0].gate.symbol, wrt):
            yield site.flows[0].part * 0.0
    elif wrt not in structure.makers:
        gates = [flow.gate.symbol for flow in site.flows]
        if all(structure.again(one, other) for one, other in pairwise(gates)):
            yield from put_together(site, [site.flows[0].part])
    else:
        yield from without(site, lambda flow: structure.later(flow.gate.symbol, wrt))


def _own_state(site: Site) -> Iterator[Expr]:
    """Of a matrix that is used at every step, each part with what came out of the step in place of what went in."""
    if site.rule != "uses" or len(site.flows) < 2:
        return
    structure, known = structure_of(site.program), site.program.by_key
    flows = sorted(site.flows, key=lambda flow: len(structure.before(flow.gate.symbol)))
    if not all(structure.again(one.gate.symbol, other.gate.symbol) for other, one in pairwise(flows)):
        return
    formulas = [known[ref.symbol.key].formula for flow in flows for ref in refs(flow.part)]
    states = [[ref for ref in refs(f) if ref.symbol.quantity != "gradient"] for f in formulas]
    if len(formulas) == len(flows) and all(len(own) == 1 for own in states):
        inputs = [own[0] for own in states]
        last = next((s for s in structure.makers if structure.again(s, inputs[-1].symbol)), None) if (
            inputs[-1].symbol in structure.makers
        ) else None  # fmt: skip
        if last is not None:
            outputs = [*inputs[1:], Ref(last)]
            parts = [part for f, old, new in zip(formulas, inputs, outputs, strict=True) for part in put(f, old, new)]
            if len(parts) == len(flows):
                yield total(parts)


def _one_use(site: Site) -> Iterator[Expr]:
    if site.rule == "uses" and len(site.flows) > 1:
        for flow in site.flows[:MANY]:
            yield from put_together(site, [flow.part])


def _one_gate(site: Site) -> Iterator[Expr]:
    """Of a value that three gates or more add up and put through σ or tanh, what comes back from one of them."""
    structure = structure_of(site.program)
    flows = [flow for flow in site.flows if structure.squashed(flow.gate.symbol)]
    gates = [flow.gate.symbol for flow in flows]
    if len(flows) > 2 and not any(structure.follows(one, other) for one in gates for other in gates):
        for flow in flows[:MANY]:
            yield from put_together(site, [flow.part])


# ---------------------------------------------------------------- residuals


def _skip_forgotten(site: Site) -> Iterator[Expr]:
    structure = structure_of(site.program)
    if (f := forward(site)) is not None:
        skip = structure.skip(f)
        if skip is not None:
            yield total([arg for arg in f.args if arg != skip])
    elif site.flows and (wrt := site.equation.symbol.wrt):
        skips = [flow for flow in site.flows if structure.skip(flow.gate.formula) == Ref(wrt)]
        plain = [flow for flow in skips if isinstance(flow.part, Ref)]
        yield from without(site, lambda flow: flow in plain)


# ---------------------------------------------------------------- dropout


def _mask_not_back(structure: Structure, node: Call, out: Expr, G: Expr) -> Iterator[Parts]:
    if dropped := structure.dropped(node):
        yield tuple(G if k == dropped[0] else None for k in range(2))


def _mask_unscaled(structure: Structure, node: Call, out: Expr, G: Expr) -> Iterator[Parts]:
    if (dropped := structure.dropped(node)) and dropped[2] != 1:
        at, mask, kept = dropped
        yield tuple(product(G, mask) / kept if k == at else None for k in range(2))


def _rest_not_scaled(structure: Structure, node: Call, out: Expr, G: Expr) -> Iterator[Parts]:
    """h ⊙ M / (1 − p), the division forgotten."""
    constants = [arg for arg in node.args if not refs(arg)]
    if len(constants) == 1 and any(structure.masked(arg) for arg in node.args):
        yield tuple(None if not refs(arg) else G for arg in node.args)


def _both_factors(structure: Structure, node: Call, out: Expr, G: Expr) -> Iterator[Parts]:
    yield from _mask_unscaled(structure, node, out, G)
    yield from _rest_not_scaled(structure, node, out, G)


TABLE: dict[str, Misconception] = {
    "scale-forgotten": Misconception(
        "the scores were not divided by √d",
        "The scores are scaled before softmax, and what comes back to them is scaled in the same way.",
        both(_scale_forgotten, back(div=_scale_not_back, mul=_scale_not_back)),
        seen="https://github.com/delzac/cntkx/issues/10",
    ),
    "scale-twice": Misconception(
        "the scores were scaled twice, by d in place of √d",
        "The scores are scaled once, by √d: once on the way forward, once on the way back.",
        both(_scale_twice, back(div=_scale_twice_back, mul=_scale_twice_back)),
    ),
    "attention-path-forgotten": Misconception(
        "the path through the queries, the keys or the values was forgotten",
        "What makes queries, keys and values gets a part back through each of them: the parts are added.",
        _attention_path,
    ),
    "mask-forgotten": Misconception(
        "the mask was forgotten",
        "A blocked position has −∞ for a score: softmax gives it 0, and the others share what is left.",
        _mask_forgotten,
        partial=True,
        seen="https://github.com/paiml/entrenar/issues/310",
    ),
    "mask-turned": Misconception(
        "the mask blocks the other half",
        "A place may look at itself and at what came before: what is blocked lies above the diagonal.",
        _mask_turned,
        partial=True,
    ),
    "not-through-time": Misconception(
        "nothing was carried back from step to step",
        "An earlier step moves the later ones, too: what comes back through them is added.",
        _not_through_time,
        seen="https://github.com/CaptainE/RNN-LSTM-in-numpy/issues/1",
    ),
    "own-state": Misconception(
        "what came out of a step was used in place of what went into it",
        "A matrix gets from each step that step's gradient times what it was multiplied by there: the state before.",
        _own_state,
    ),
    "one-gate-only": Misconception(
        "only one of the gates sent its part back",
        "A value that feeds several gates gets a part back from each of them: the parts are added.",
        _one_gate,
    ),
    "one-use-for-sum": Misconception(
        "the part of one use, or of one step in time, was given for the sum",
        "A value that is used several times collects a part from every use: its gradient is their sum.",
        _one_use,
    ),
    "skip-forgotten": Misconception(
        "the skip connection was forgotten",
        "In x + f(x) the x goes on as it is, and what comes back comes by both ways: G, and G through f.",
        _skip_forgotten,
    ),
    "dropout-mask-forgotten": Misconception(
        "the mask was forgotten on the way back",
        "What was dropped on the way forward did not move the output: the same mask is multiplied going back.",
        back(mul=_mask_not_back),
        partial=True,
        seen="https://github.com/ddbourgin/numpy-ml/issues/94",
    ),
    "dropout-scale-forgotten": Misconception(
        "the factor 1/(1 − p) was forgotten on the way back",
        "What was kept was divided by 1 − p on the way forward; what comes back to it is, too.",
        back(mul=_both_factors, div=_rest_not_scaled),
    ),
}
