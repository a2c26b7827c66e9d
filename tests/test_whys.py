"""The sentences of why, held to what they speak of: for every kind of gate, the reverse rule and the numbers."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest

import oracle
from each import each
from strategies import circuit_lesson, dense, network_lesson
from tutor.engine.activations import ACTIVATIONS
from tutor.engine.expressions import evaluate
from tutor.engine.lesson import Training
from tutor.engine.optimizers import OPTIMIZERS
from tutor.engine.trace import trace
from tutor.text.explain import Explainer
from tutor.text.explanations import GATES as SAID_OF_GATES
from tutor.text.layout import linear
from tutor.text.writer import Writer

# What a gate's gradient is said to do -> what that is, from G, the inputs and the gate's own value: one part an input.
SAID = {
    "passes the gradient on to each input unchanged": lambda G, out, x, y: (G, G),
    "passes the gradient on, to the second input with its sign turned": lambda G, out, x, y: (G, -G),
    "turns the sign of the gradient": lambda G, out, x: (-G,),
    "sends each input the gradient times the other input": lambda G, out, x, y: (G * y, G * x),
    "sends the gradient over the divisor to the top, and times −top/bottom² to the bottom": (
        lambda G, out, x, y: (G / y, -G * x / y**2)
    ),
    "multiplies the gradient by n·xⁿ⁻¹ (0 where n is 0)": lambda G, out, x, n: (G * n * x ** (n - 1) if n else 0, None),
    "multiplies the gradient of its exponent by xⁿ·ln x": lambda G, out, x, n: (None, G * x**n * math.log(x)),
    "multiplies the gradient by its own value, since eˣ is its own slope": lambda G, out, x: (G * out,),
    "divides the gradient by its input": lambda G, out, x: (G / x,),
    "divides the gradient by twice the root": lambda G, out, x: (G / (2 * out),),
    "multiplies the gradient by the cosine of its input": lambda G, out, x: (G * math.cos(x),),
    "multiplies the gradient by minus the sine of its input": lambda G, out, x: (-G * math.sin(x),),
    "passes the gradient on times the sign of its input: 1, −1, or 0 where the input is 0": (
        lambda G, out, x: (G * ((x > 0) - (x < 0)),)
    ),
    "routes the whole gradient to the largest input (of equal ones the first) and 0 to the others": (
        lambda G, out, x, y: (G * (x >= y), G * (y > x))
    ),
    "routes the whole gradient to the smallest input (of equal ones the first) and 0 to the others": (
        lambda G, out, x, y: (G * (x <= y), G * (y < x))
    ),
    "multiplies the gradient by σ(1 − σ)": lambda G, out, x: (G * out * (1 - out),),
    "multiplies the gradient by 1 − tanh²": lambda G, out, x: (G * (1 - out**2),),
    "lets the gradient through where its input is above 0, and stops it elsewhere": lambda G, out, x: (G * (x > 0),),
    "passes the gradient on unchanged": lambda G, out, x: (G,),
    "multiplies the gradient by LReLU′": lambda G, out, x: (G * (1 if x > 0 else 0.01),),
    "multiplies the gradient by ELU′": lambda G, out, x: (G * (1 if x > 0 else math.exp(x)),),
}


def slopes(op):
    """What a sentence says that speaks of the slope alone: by the oracle, where it has one slope from both sides."""
    asked, f, h = SAID_OF_GATES[op][2], oracle.OPERATIONS[op], oracle.H
    sign = ACTIVATIONS[op].glyph if op in ACTIVATIONS else ""
    own = f"multiplies the gradient by {sign}′" if sign else "multiplies the gradient by its own slope at each input"
    assert asked == own, f'tests/test_whys.py: add to SAID what "{asked}" means'

    def part(G, out, x):
        x = oracle.exact(x)
        left, right = (f(x) - f(x - h)) / h, (f(x + h) - f(x)) / h
        return (float(G * oracle.slope(f, x)) if abs(left - right) < 1e-12 else None,)

    return part


LINES = {
    "add": "x + y", "sub": "x - y", "neg": "-x", "mul": "x * y", "div": "x / y", "pow": "x ** y",
    "pow_exponent": "x ** y", "max": "max(x, y)", "min": "min(x, y)", "copy": "x",
}  # fmt: skip
GATES = {op: LINES.get(op, f"{op}(x)") for op in SAID_OF_GATES}
PLACES = [(1.7, 0.6), (0.4, 2.0), (2.5, 2.5), (-1.2, 0.7), (0.0, 1.3), (3.0, 0.0), (-0.5, -2.0), (0.0, 0.0)]


def circuit(op, x, y, training=None):
    """f = (a gate of x and, where it takes two, y) times w, whose gradient is 3."""
    inputs = {"x": x, "y": y} if re.search(r"\by\b", GATES[op]) else {"x": x}
    return circuit_lesson([f"g = {GATES[op]}", "f = g * w"], training=training, **inputs, w=3)


@pytest.mark.parametrize("place", PLACES)
@each("op", GATES)
def test_a_gate_s_gradient_is_what_its_sentence_says(op, place):
    lesson = circuit(op, *place)
    found = trace(lesson)
    explainer = Explainer(Writer(lesson, "dz"))
    inputs = [name for name in ("x", "y") if name in lesson.circuit.inputs]
    try:
        parts = (SAID.get(SAID_OF_GATES[op][2]) or slopes(op))(3.0, float(found.find("g").value), *place[: len(inputs)])
    except (ArithmeticError, ValueError, TypeError):  # no slope here, by the sentence's own words
        parts = (None,) * len(inputs)
    for name, part in zip(inputs, parts, strict=True):
        step = found.find(f"df/d{name}")
        exponent = op.startswith("pow") and name == "y"
        said = SAID_OF_GATES["pow_exponent" if exponent else "pow" if op.startswith("pow") else op][2]
        assert said in explainer.why(step)
        if part is not None and np.isreal(part) and math.isfinite(found.find("g").value):
            assert float(step.value) == pytest.approx(part, rel=1e-12, abs=1e-15), name


@pytest.mark.parametrize("training", [None, Training()])
@each("op", GATES)
def test_a_value_is_to_be_remembered_only_where_a_gradient_needs_it(op, training):
    """Told by changing the value, and working out the backward pass again."""
    lesson = circuit(op, 1.7, 0.6, training)
    found = trace(lesson)
    explainer = Explainer(Writer(lesson, "dz"))
    for step in found.steps():
        if step.phase != "forward":
            continue
        changed = dict(found.iteration.values) | {step.id: found.iteration.values[step.id] + 0.5}
        needed = []
        for eq in found.equations:
            if eq.phase == "backward":
                new = evaluate(eq.formula, lambda ref, changed=changed: changed[ref.symbol.key])
                if not np.allclose(new, found.iteration.values[eq.symbol.key]):
                    needed.append(eq.symbol.id.replace("d", "∂"))
        why = explainer.why(step)
        assert ("Remember" in why) == bool(needed), step.id
        assert not needed or f"Remember the value: {needed[0]} will need it." in why


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_that_gradients_come_before_updates_is_said_once_and_of_gradients_alone(name):
    """An optimiser's update uses what it has just worked out (v_new, m̂): only the gradients are from before."""
    lesson = network_lesson([dense([[0.5]], [0.1])], "squared_error", [[2]], [[1]], optimizer=name)
    found = trace(lesson)
    whys = [Explainer(Writer(lesson, "dz")).why(step) for step in found.steps() if step.phase == "update"]
    assert sum("before the first parameter was changed" in why for why in whys) == 1
    assert not any("values from before" in why for why in whys)
    order = [step.phase for step in found.steps()]
    assert "backward" not in order[order.index("update") :]


@pytest.mark.parametrize("digits", ["0.7978845608028654", "0.044715", "1234567.25", "0.3333333333333333"])
def test_a_constant_is_shown_with_the_digits_that_were_written(digits):
    lesson = circuit_lesson([f"f = {digits} * x"], x=2)
    assert linear(Writer(lesson, "dz").formula(trace(lesson).find("f").formula)) == f"{digits} · x"
