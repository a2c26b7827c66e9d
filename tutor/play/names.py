"""The names of a lesson in a notation, and what each stands for."""

from __future__ import annotations

from tutor.engine.expressions import Ref, Symbol
from tutor.engine.trace import Step, Trace
from tutor.text.card import Scribe
from tutor.text.language import N_, say

GIVEN = {"input": N_("the inputs"), "target": N_("the targets")}
HYPERS = {
    "t": N_("which update it is, from 1"),
    "beta1": N_("the share of the old first moment that stays"),
    "beta2": N_("the share of the old second moment that stays"),
    "momentum": N_("the share of the old velocity"),
    "l2": N_("how much L2 regularisation weighs"),
    "learning_rate": N_("learning rate"),
    "epsilon": N_("epsilon"),
    "rho": N_("rho"),
    "weight_decay": N_("weight decay"),
}
QUANTITIES = {"weights": N_("weights"), "biases": N_("biases"), "state": N_("state")}  # that a lesson gives


def names(trace: Trace, scribe: Scribe) -> list[tuple[str, str]]:
    """(name, what it stands for) of every symbol of a lesson, in the notation of `scribe`; no value among them."""
    made = {eq.symbol.id: eq for eq in trace.equations}
    symbols = {symbol.id: symbol for symbol in scribe.symbols.values()}
    words = {id: _given_words(trace, symbol) for id, symbol in symbols.items() if id not in made}
    for id, eq in made.items():
        words[id] = scribe.explainer.title(Step(trace, eq, None, 0 if eq.symbol.per_example else None))
    return [(scribe.writer.text(Ref(symbols[id])), said) for id, said in words.items() if id in symbols]


def _given_words(trace: Trace, symbol: Symbol) -> str:
    """What a value is that no step makes."""
    model = trace.program.model
    if symbol.quantity == "circuit_input":
        if trace.lesson.training and symbol in model.trained:
            return say("a parameter: training changes it")
        return say("an input") if symbol in model.common else say("given: it stays as it is")
    if symbol.quantity in GIVEN:
        return say(GIVEN[symbol.quantity])
    if symbol.quantity == "hyper":
        return say(HYPERS.get(symbol.name) or symbol.name.replace("_", " "))
    what = say(QUANTITIES.get(symbol.quantity) or symbol.quantity.replace("_", " "))
    return say("{what} of layer {n}", what=what, n=symbol.layer) if symbol.layer else what
