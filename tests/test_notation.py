"""Notations and layout: names as the textbooks have them, no two alike, and formulas that say what is computed."""

from __future__ import annotations

import math
import re
from collections import Counter
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import oracle
from each import each
from strategies import bundled, circuit_lesson, dense, lessons, network_lesson
from tutor.engine.activations import ACTIVATIONS
from tutor.engine.expressions import Call, Ref, call, evaluate, walk
from tutor.engine.lesson import Training
from tutor.engine.paths import target
from tutor.engine.run import Run
from tutor.engine.trace import Trace, as_shown, trace
from tutor.questions.names import Names
from tutor.text.card import Scribe
from tutor.text.cells import width
from tutor.text.layout import Block, chain, draw, flow, linear, number, subscript
from tutor.text.notations import NOTATIONS
from tutor.text.to_html import formula as html
from tutor.text.to_html import spoken
from tutor.text.to_latex import latex
from tutor.text.writer import Writer

random_lessons = settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
notations = st.sampled_from(list(NOTATIONS))


def ones(*widths, activation="sigmoid", last=None, loss="half_squared_error", examples=1, **training):
    """A network of these widths whose numbers do not matter."""
    rng = np.random.default_rng(1)
    layers = [
        dense(
            np.round(rng.normal(size=(units, before)), 2),
            np.round(rng.normal(size=units), 2),
            (last or activation) if k == len(widths) - 2 else activation,
        )
        for k, (before, units) in enumerate(pairwise(widths))
    ]
    x = np.round(rng.normal(size=(examples, widths[0])), 2)
    return network_lesson(layers, loss, x, np.eye(widths[-1])[np.arange(examples) % widths[-1]], **training)


# ---------------------------------------------------------------- golden names


def _names(columns, table):
    """Rows of a table: an id and its name in each notation (dz, nabla, error, partials, delta)."""
    return [(cells[0], dict(zip(columns, cells[1:], strict=True))) for cells in (row.split("|") for row in table)]


COLUMNS = ("dz", "nabla", "error", "partials", "delta")

# In "partials" the first index is where a weight comes from, elsewhere where it goes to; in "delta"
# W⁽¹⁾ leaves the input, layer 1; in "error" W² feeds layer 2, the first after the input.
TWO_LAYERS = _names(
    COLUMNS,
    [
        "z1[2]|z₂¹|a₁₂|z₂²|z_prev₂|z₂⁽²⁾",
        "a1[2]|a₂¹|h₁₂|a₂²|O₁₂|a₂⁽²⁾",
        "z2[1]|z₁²|a₂₁|z₁³|z_fin|z₁⁽³⁾",
        "a2[1]|a₁²|ŷ|ỹ|ŷ|ŷ",
        "dL/da2[1]|da₁²|∂L(θ)/∂ŷ|∂L/∂ỹ|∂L/∂ŷ|∂L/∂ŷ",
        "dL/dz2[1]|dz₁²|∂L(θ)/∂a₂₁|d₁³|∂L/∂z_fin|δ₁⁽³⁾",
        "dL/dW2[1,2]|dw₁₂²|∂L(θ)/∂W₂₁₂|∂L/∂w₁₂³|∂L/∂w²₂₁|∂L/∂w₁₂⁽²⁾",
        "dL/db2[1]|db₁²|∂L(θ)/∂b₂₁|∂L/∂b₁³|∂L/∂b₂₁|∂L/∂b₁⁽²⁾",
        "dL/da1[2]|da₂¹|∂L(θ)/∂h₁₂|∂L/∂a₂²|∂L/∂O₁₂|∂L/∂a₂⁽²⁾",
        "dL/dz1[2]|dz₂¹|∂L(θ)/∂a₁₂|d₂²|∂L/∂z_prev₂|δ₂⁽²⁾",
        "dL/dW1[2,1]|dw₂₁¹|∂L(θ)/∂W₁₂₁|∂L/∂w₂₁²|∂L/∂w¹₁₂|∂L/∂w₂₁⁽¹⁾",
        "dL/db1[2]|db₂¹|∂L(θ)/∂b₁₂|∂L/∂b₂²|∂L/∂b₁₂|∂L/∂b₂⁽¹⁾",
        "dz1/dW1[2,1]|∂z₂¹/∂w₂₁¹|∂a₁₂/∂W₁₂₁|∂z₂²/∂w₂₁²|∂z_prev₂/∂w¹₁₂|∂z₂⁽²⁾/∂w₂₁⁽¹⁾",
        "dz2/da1[1,2]|∂z₁²/∂a₂¹|∂a₂₁/∂h₁₂|∂z₁³/∂a₂²|∂z_fin/∂O₁₂|∂z₁⁽³⁾/∂a₂⁽²⁾",
        "da1/dz1[2]|∂a₂¹/∂z₂¹|∂h₁₂/∂a₁₂|∂a₂²/∂z₂²|∂O₁₂/∂z_prev₂|∂a₂⁽²⁾/∂z₂⁽²⁾",
        "L|L|L(θ)|L|L|L",
        "z1|Z¹|a₁|z²|z_prev|z⁽²⁾",
        "dL/dz1|dZ¹|∇_a₁ L(θ)|d²|∂L/∂z_prev|δ⁽²⁾",
        "dL/da1|dA¹|∇_h₁ L(θ)|∇_a² L|∂L/∂O₁|∂L/∂a⁽²⁾",
        "dL/dW1|dW¹|∇_W₁ L(θ)|∂L/∂W²|∂L/∂W¹|∇W⁽¹⁾",
        "dL/db1|db¹|∇_b₁ L(θ)|∂L/∂b²|∂L/∂b₁|∇b⁽¹⁾",
    ],
)
THREE_LAYERS = _names(
    COLUMNS,
    [
        "z1[3]|z₃¹|a₁₃|z₃²|z¹₃|z₃⁽²⁾",
        "a2[1]|a₁²|h₂₁|a₁³|O₂₁|a₁⁽³⁾",
        "z3[2]|z₂³|a₃₂|z₂⁴|z_fin₂|z₂⁽⁴⁾",
        "a3[2]|p₂|ŷ₂|ỹ₂|ŷ₂|ŷ₂",
        "dL/da3[2]|dp₂|∂L(θ)/∂ŷ₂|∂L/∂ỹ₂|∂L/∂ŷ₂|∂L/∂ŷ₂",
        "dL/dz3[2]|dz₂³|∂L(θ)/∂a₃₂|d₂⁴|∂L/∂z_fin₂|δ₂⁽⁴⁾",
        "dL/dW3[2,3]|dw₂₃³|∂L(θ)/∂W₃₂₃|∂L/∂w₂₃⁴|∂L/∂w³₃₂|∂L/∂w₂₃⁽³⁾",
        "dL/dW2[3,1]|dw₃₁²|∂L(θ)/∂W₂₃₁|∂L/∂w₃₁³|∂L/∂w²₁₃|∂L/∂w₃₁⁽²⁾",
        "dL/dz1[3]|dz₃¹|∂L(θ)/∂a₁₃|d₃²|∂L/∂z¹₃|δ₃⁽²⁾",
        "da3/dz3[1,2]|∂p₁/∂z₂³|∂ŷ₁/∂a₃₂|∂ỹ₁/∂z₂⁴|∂ŷ₁/∂z_fin₂|∂ŷ₁/∂z₂⁽⁴⁾",
    ],
)


@pytest.mark.parametrize("notation", NOTATIONS)
@pytest.mark.parametrize("which", ["2-2-1", "3-3-3-2"])
def test_golden_names(which, notation):
    assert notation in COLUMNS, f'tests/test_notation.py: add "{notation}" to COLUMNS, its names to the rows below'
    if which == "2-2-1":
        lesson, table = ones(2, 2, 1), TWO_LAYERS
    else:
        lesson, table = ones(3, 3, 3, 2, last="softmax", loss="cross_entropy"), THREE_LAYERS
    found, writer = trace(lesson), Writer(lesson, notation)
    assert {id: writer.text(found.find(id).ref) for id, _ in table} == {id: names[notation] for id, names in table}


@pytest.mark.parametrize(
    ("notation", "x2", "x", "y", "W", "w21", "b2", "rate"),
    [
        ("dz", "x₂", "X", "y", "W¹", "w₂₁¹", "b₂¹", "η"),
        ("nabla", "x₂", "x", "y", "W₁", "W₁₂₁", "b₁₂", "η"),
        ("error", "a₂¹", "a¹", "y", "W²", "w₂₁²", "b₂²", "η"),
        ("partials", "x₂", "x", "y", "W¹", "w¹₁₂", "b₁₂", "α"),
        ("delta", "x₂", "x", "y", "W⁽¹⁾", "w₂₁⁽¹⁾", "b₂⁽¹⁾", "η"),
    ],
)
def test_golden_names_of_what_is_given(notation, x2, x, y, W, w21, b2, rate):
    found, writer = trace(ones(2, 2, 1)), Writer(ones(2, 2, 1), notation)
    refs = {ref.id: ref for step in found.steps("scalar") for ref in step.operands}
    refs |= {ref.id: ref for step in found.steps() for ref in step.operands}
    wanted = {"x[2]": x2, "x": x, "y[1]": y, "W1": W, "W1[2,1]": w21, "b1[2]": b2, "training.learning_rate": rate}
    assert {id: writer.text(refs[id]) for id in wanted} == wanted


def test_wide_layers_keep_indices_apart():
    lesson = ones(12, 11, 2)
    found = trace(lesson)
    for notation in NOTATIONS:
        writer = Writer(lesson, notation)
        names = [writer.text(s.ref) for s in found.steps("scalar")]
        assert len(set(names)) == len(names)
        assert writer.text(found.find("dL/dW1[1,11]").ref) != writer.text(found.find("dL/dW1[11,1]").ref)


def test_more_than_nine_layers_keep_numbers_apart():
    lesson = ones(2, *[2] * 12, 1)
    found = trace(lesson)
    for notation in NOTATIONS:
        writer = Writer(lesson, notation)
        for level in ("matrix", "scalar"):
            names = [writer.text(s.ref) for s in found.steps(level)]
            assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("activation", "dz", "nabla"),
    [
        ("sigmoid", "σ(z) = 1 / (1 + e⁻ᶻ)", "g(a) = 1 / (1 + e⁻ᵃ)"),
        ("tanh", "tanh(z) = (eᶻ − e⁻ᶻ) / (eᶻ + e⁻ᶻ)", "g(a) = (eᵃ − e⁻ᵃ) / (eᵃ + e⁻ᵃ)"),
        ("relu", "ReLU(z) = max(0, z)", "g(a) = max(0, a)"),
        ("leaky_relu", "LReLU(z) = max(0.01 · z, z)", "g(a) = max(0.01 · a, a)"),
    ],
)
def test_definitions_of_activations(activation, dz, nabla):
    lesson = ones(2, 2, 1, activation=activation)
    node = next(n for n in walk(trace(lesson).find("a1").formula) if isinstance(n, Call) and n.op == activation)
    assert linear(Writer(lesson, "dz").definition(node)) == dz
    assert linear(Writer(lesson, "nabla").definition(node)) == nabla


def test_an_activation_that_is_no_layers_own_keeps_its_sign_in_its_definition():
    """A loss whose slope is tanh(ŷ − y): there g stands for what a hidden layer does."""
    found = trace(ones(2, 2, 1, activation="sigmoid"))
    a, y = Ref(found.find("a2").equation.symbol), Ref(found.program.model.data[1])
    slope, writer = call("tanh", a - y), Writer(found.lesson, "nabla")
    assert linear(writer.formula(slope)) == "tanh(ŷ − y)"
    assert linear(writer.definition(slope)) == "tanh(a) = (eᵃ − e⁻ᵃ) / (eᵃ + e⁻ᵃ)"


# ---------------------------------------------------------------- every step can be written, no two alike


@random_lessons
@given(lessons(), notations, st.integers(1, 2))
def test_every_step_can_be_written(lesson, notation, iteration):
    found, writer = Trace(lesson, Run(lesson).iteration(iteration)), Writer(lesson, notation)
    for level in ("matrix", "scalar"):
        for step in found.steps(level):
            name, formula = writer.text(step.ref), linear(writer.formula(step.formula))
            numbers = linear(writer.numbers(step.formula, found.value, step.digits))
            value = linear(writer.value(step.value, step.digits))
            for text in (name, formula, numbers, value):
                assert text and "None" not in text and "{" not in text and "nan" not in text, (step.id, text)
                assert text == text.strip() and text.isprintable()
                assert text.count("(") == text.count(")") and text.count("[") == text.count("]")
            assert "-" not in name + formula + numbers + value, "a minus sign is −"
            assert "−−" not in re.sub(r"\s", "", numbers + formula)


def quantities(found, level):
    """Every value that a step or an operand of the lesson names, by id."""
    refs = {}
    for step in found.steps(level):
        refs[step.id] = step.ref
        refs |= {ref.id: ref for ref in step.operands if not ref.batched}
    return refs


@random_lessons
@given(lessons(), notations)
@example(ones(2, 2, 1, examples=3, batch="all", l2=0.1, optimizer="adamw"), "dz")
@example(ones(2, 2, 2, examples=2, batch="all", l2=0.1, optimizer="nesterov"), "error")
@example(ones(1, 1, 1, 1, examples=2, batch="all"), "partials")
def test_no_two_quantities_share_a_name(lesson, notation):
    """Not at the same level of detail: a layer's ∂L/∂z and its only element may look alike, two layers' may not."""
    found, writer = trace(lesson), Writer(lesson, notation)
    for level in ("matrix", "scalar"):
        by_name: dict[str, set] = {}
        for id, ref in quantities(found, level).items():
            by_name.setdefault(writer.text(ref), set()).add(id)
        assert not {name: ids for name, ids in by_name.items() if len(ids) > 1}


def test_input_names_are_the_lessons():
    from dataclasses import replace

    lesson = ones(2, 2, 1)
    lesson = replace(lesson, network=replace(lesson.network, input_names=("iq", "cgpa")))
    step = trace(lesson).find("z1[1]")
    for notation in NOTATIONS:
        text = linear(Writer(lesson, notation).formula(step.formula))
        assert "iq" in text and "cgpa" in text


def test_a_notation_never_changes_a_value():
    found = trace(ones(2, 3, 2))
    for step in found.steps():
        texts = {linear(Writer(found.lesson, n).value(step.value, step.digits)) for n in NOTATIONS}
        assert len(texts) == 1


def test_powers_and_transposes_cannot_be_misread():
    """W¹ squared is not W¹², and a₁² squared is not a₁²²."""
    lesson = ones(2, 2, 1, l2=0.1, optimizer="adam")
    found = trace(lesson)
    for notation in NOTATIONS:
        writer = Writer(lesson, notation)
        for level in ("matrix", "scalar"):
            for step in found.steps(level):
                for text in (linear(writer.formula(step.formula)), "".join(draw(writer.formula(step.formula)).lines)):
                    assert not re.search(r"[⁰-⁹¹²³]{2}", text.replace("²⁾", "")), (notation, step.id, text)


# ---------------------------------------------------------------- what a line of numbers says


class Reader:
    """Reads a line of numbers as a person does: · / and × alike from the left, powers first, brackets as they stand."""

    SIGNS = "+−·/×^()|,>≥<≤√"
    RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")

    def __init__(self, text, functions):
        self.functions = functions
        text = text.replace("∘", "·").replace("⊙", "·")
        pattern = r"\d+\.?\d*|[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+|[^\W\d]\w*′?|[" + re.escape(self.SIGNS) + "]"
        self.tokens = re.findall(pattern, text)
        assert "".join(self.tokens) == re.sub(r"\s", "", text), f"cannot read {text!r}"
        self.at = 0

    def peek(self):
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self, *wanted):
        token = self.peek()
        assert not wanted or token in wanted, f"{token!r}, not {wanted}, in {' '.join(self.tokens)}"
        self.at += 1
        return token

    def read(self):
        value = self.sum()
        assert not self.peek(), f"{' '.join(self.tokens)} is read to {self.at}"
        return value

    def sum(self):
        value = self.product()
        while self.peek() in ("+", "−"):
            value = value + self.product() if self.take() == "+" else value - self.product()
        return value

    def product(self):
        value = self.signed()
        while self.peek() in ("·", "×", "/"):
            value = value / self.signed() if self.take() == "/" else value * self.signed()
        return value

    def signed(self):
        """The first factor may have a minus: −2 · 3."""
        if self.peek() == "−":
            self.take()
            return -self.signed()
        return self.power()

    def power(self):
        value = self.atom()
        if self.peek() == "^":
            self.take()
            return value ** self.atom()
        if self.peek() and self.peek()[0] in "⁻⁰¹²³⁴⁵⁶⁷⁸⁹":
            return value ** int(self.take().translate(self.RAISED))
        return value

    def atom(self):
        token = self.take()
        if token[0].isdigit() and token[0] not in "⁰¹²³⁴⁵⁶⁷⁸⁹":
            if token == "1" and self.peek() == "(":
                return self.indicator()
            return np.float64(token)
        if token == "(":
            value = self.sum()
            if self.peek() == "if":
                return self.choice(value)
            self.take(")")
            return value
        if token == "|":
            value = self.sum()
            self.take("|")
            return abs(value)
        if token == "√":
            return np.sqrt(self.atom())
        if token in ("π", "e"):
            return np.float64({"π": np.pi, "e": np.e}[token])
        if token == "ln":
            return np.log(self.atom())
        args = []
        self.take("(")
        args.append(self.sum())
        while self.peek() == ",":
            self.take()
            args.append(self.sum())
        self.take(")")
        return self.functions[token](*args)

    def indicator(self):
        """1(x ≥ y, x > z)"""
        self.take("(")
        true = True
        while True:
            left, sign, right = self.sum(), self.take(">", "≥", "<", "≤"), self.sum()
            true &= {">": left > right, "≥": left >= right, "<": left < right, "≤": left <= right}[sign]
            if self.take(",", ")") == ")":
                return np.float64(true)

    def choice(self, value):
        """(x if z > 0, else y)"""
        self.take("if")
        positive = self.sum() > 0
        self.take(">")
        self.take("0")
        self.take(",")
        self.take("else")
        other = self.sum()
        self.take(")")
        return value if positive else other


def functions_of(lesson, step):
    """What the signs of functions stand for in a step: a textbook's f or g is the activation of its layer."""
    known = {
        "exp": np.exp, "sin": np.sin, "cos": np.cos, "erf": lambda z: np.float64(math.erf(z)),
        "max": lambda *v: np.max(v), "min": lambda *v: np.min(v),
        "sign": np.sign, "LReLU": lambda z: z if z > 0 else 0.01 * z, "ELU": lambda z: z if z > 0 else np.expm1(z),
    }  # fmt: skip
    for name, entry in ACTIVATIONS.items():
        known.setdefault(entry.glyph, lambda z, f=name: np.float64(oracle.ACTIVATIONS[f](oracle.exact(float(z)))))
    if lesson.network and step.equation.symbol.quantity == "activation":
        layer = lesson.network.layers[step.equation.symbol.layer - 1]
        known["LReLU"] = lambda z: z if z > 0 else layer.alpha * z
        known["ELU"] = lambda z: z if z > 0 else layer.alpha * np.expm1(z)
        own = ACTIVATIONS[layer.activation].glyph if layer.activation in ACTIVATIONS else ""
        if own:
            numbers = ["", *(subscript(str(k)) for k in range(1, len(lesson.network.layers) + 2))]
            signs = ("LReLU", "ELU", *(sign for entry in NOTATIONS.values() for sign in entry.functions or ()))
            known |= dict.fromkeys([sign + k for sign in signs for k in numbers], known[own])
    # The slope of a GELU is too long to be written out with numbers; a textbook's sign is that of its layer.
    of = step.equation.symbol.layer if lesson.network else None
    for name in ("gelu", "gelu_erf"):
        signs = [ACTIVATIONS[name].glyph]
        if of and lesson.network.layers[of - 1].activation == name:
            signs += [sign for entry in NOTATIONS.values() for sign in entry.functions or ()]
        numbers = ["", *(subscript(str(k)) for k in range(1, 10))]
        f = oracle.ACTIVATIONS[name]
        slopes = [f"{sign}{k}′" for sign in signs for k in numbers]
        known |= dict.fromkeys(slopes, lambda z, f=f: np.float64(oracle.slope(f, oracle.exact(float(z)))))
    return known


@settings(random_lessons, max_examples=60)
@given(lessons(), notations, st.integers(1, 3))
def test_numbers_as_written_compute_to_the_value(lesson, notation, iteration):
    found, writer = Trace(lesson, Run(lesson).iteration(iteration)), Writer(lesson, notation)
    for step in found.steps("scalar"):
        text = linear(writer.numbers(step.formula, found.value, step.digits))
        if "…" in text or "undefined" in text or "∞" in text or not np.isfinite(step.value):
            continue
        with np.errstate(all="ignore"):
            got = Reader(text, functions_of(lesson, step)).read()
            meant = evaluate(step.formula, lambda ref, step=step: float(as_shown(found.value(ref), step.digits)))
            terms = evaluate(step.formula, lambda ref: abs(found.value(ref)))
        largest = max((float(np.max(np.abs(found.value(ref)))) for ref in step.operands), default=0.0)
        # what cancels leaves noise of the size of its terms
        scale = max(abs(meant), 1e-3 * abs(terms), 1e-6 * largest, 1e-12)
        if math.isnan(got):  # 0/0 or 0 · ∞ as written: of a prediction that is 0 or 1 to the last bit
            assert math.isnan(meant) or "ratio" in {node.op for node in walk(step.formula) if isinstance(node, Call)}
            continue
        assert math.isclose(got, meant, rel_tol=1e-9, abs_tol=1e-9 * scale), f"{step.id}: {text} is {got}, not {meant}"


def test_one_sign_at_a_time():
    """−−0.21 · 0.5 / x² is not how anyone writes −(−0.21 · 0.5) / x²."""
    lesson = circuit_lesson(["q = 0.5 / x", "f = q * x - q / x"], x=-0.21)
    found, writer = trace(lesson), Writer(lesson, "dz")
    for step in found.steps():
        text = linear(writer.numbers(step.formula, found.value, step.digits))
        assert "−−" not in text.replace(" ", ""), (step.id, text)


@each(
    "line",
    [
        "f = x - (y - z)",
        "f = x - (y + z)",
        "f = x / (y * z)",
        "f = x / (y / z)",
        "f = x * (y / z)",
        "f = (x + y) * z",
        "f = x * (y - z)",
        "f = -(x + y)",
        "f = -(x * y)",
        "f = (-x) ** 2",
        "f = -x ** 2",
        "f = y ** -2",
        "f = y ** (-x)",
        "f = (x + y) ** 3",
        "f = (x * y) ** 2",
        "f = (y ** 2) ** 3",
        "f = 2 ** x",
        "f = exp(-x) / (1 + exp(-x)) ** 2",
        "f = log(y * y) * x",
        "f = log(y ** 2)",
        "f = sqrt(y + 7) * sqrt(y)",
        "f = abs(x - y) * 2",
        "f = max(x, y, z) - min(x, -y)",
        "f = 1 / (x * 1e-9)",
        "f = x ** 2 / 1e9",
        "f = (x * 1e-7) ** 2",
        "f = x - -y",
        "f = x * -2",
        "f = x + -2",
        "f = sin(x) * cos(y) - tanh(z)",
        "f = relu(x - y)",
        "f = y * (0.5 / x)",
        "f = z - (y * 0.5) / x",
        "f = y ** z",
    ],
)
@pytest.mark.parametrize("inputs", [(-2, 3, -1.5), (1e-9, 2.5e8, 0.25), (0.123456, 1.23456789, 7)])
def test_circuits_as_written_compute_to_the_value(line, inputs):
    """Each gate, its gradients and its updates: the line of numbers, read by itself."""
    lesson = circuit_lesson([line], training=Training(0.1), **dict(zip("xyz", inputs, strict=True)))
    found, writer = trace(lesson), Writer(lesson, "dz")
    for step in found.steps("scalar"):
        text = linear(writer.numbers(step.formula, found.value, step.digits))
        if not np.isfinite(step.value) or "∞" in text or "undefined" in text:
            continue
        with np.errstate(all="ignore"):
            got = Reader(text, functions_of(lesson, step)).read()
            meant = evaluate(step.formula, lambda ref, step=step: float(as_shown(found.value(ref), step.digits)))
        assert math.isclose(got, meant, rel_tol=1e-9, abs_tol=1e-300), f"{step.id}: {text} is {got}, not {meant}"


def test_constants_of_a_formula_are_shown_well_enough_to_compute_with():
    lesson = circuit_lesson(["f = 3.14159265358979 * x", "g = f - 3.141592", "h = x - 1.000002"], x=1.01)
    found, writer = trace(lesson), Writer(lesson, "dz")
    for id in ("f", "g", "h"):
        step = found.find(id)
        got = Reader(linear(writer.numbers(step.formula, found.value, step.digits)), {}).read()
        assert got == pytest.approx(step.value, rel=5e-4), id


# ---------------------------------------------------------------- numbers


def read_number(text):
    """(the number as it stands there, the worth of one unit of its last digit, its significant digits)"""
    mantissa, _, exponent = text.replace("−", "-").partition("×10")
    scale = Fraction(10) ** int(exponent.translate(Reader.RAISED) or 0)
    last = scale / 10 ** len(mantissa.partition(".")[2])
    return Fraction(mantissa) * scale, last, mantissa.strip("-").replace(".", "").lstrip("0")


@given(st.floats(allow_nan=False, allow_infinity=False) | st.floats(-1e4, 1e4), st.integers(4, 12))
@example(5e-324, 4)
@example(5e-324, 7)
@example(1.7976931348623157e308, 4)
@example(999999.5, 4)
@example(9999999.0, 4)
@example(0.000099999, 4)
@example(-0.0, 4)
@example(123456.7, 12)
@example(99.995, 4)
def test_a_number_is_right_to_its_last_digit(value, digits):
    text = number(value, digits)
    assert "-" not in text and "e" not in text and not text.startswith("+") and not text.startswith("−0.0000")
    shown, last, significant = read_number(text)
    value = Fraction(value)
    assert abs(shown - value) <= last / 2 + abs(value) / 10**15, "within half a unit of the last digit"
    # All digits there are: the text reads back as the value. Near 5e-324 a float64 has fewer than 15 of them.
    whole = abs(shown - value) <= abs(value) / 10**9 or (abs(value) < 1e-300 and float(shown) == float(value))
    assert whole or len(significant) >= 4, "at least four significant digits, or all there are"
    assert whole or len(significant) >= digits
    assert len(text) <= 24


@each(
    "value, text",
    [
        (0, "0"), (-0.0, "0"), (1, "1"), (-2.5, "−2.5"), (0.593269992, "0.5933"), (0.5, "0.5"), (100000, "100000"),
        (0.1 + 0.2, "0.3"), (1 / 3, "0.3333"), (123456, "123456"), (0.00012345678, "0.0001235"), (1e-5, "1×10⁻⁵"),
        (-1.23456789e-7, "−1.235×10⁻⁷"), (6.02214076e23, "6.022×10²³"),
        (math.inf, "∞"), (-math.inf, "−∞"), (math.nan, "undefined"),
    ],
)  # fmt: skip
def test_numbers_as_shown(value, text):
    assert number(value) == text


# ---------------------------------------------------------------- layout


def blocks(writer, step):
    yield writer.formula(step.formula)
    yield writer.numbers(step.formula, step.trace.value, step.digits)
    yield writer.value(step.value, step.digits)
    yield writer.name(step.ref)


@random_lessons
@given(lessons(), notations, st.sampled_from(["matrix", "scalar"]))
def test_blocks_are_rectangles(lesson, notation, level):
    found, writer = trace(lesson), Writer(lesson, notation)
    for step in found.steps(level):
        for doc in blocks(writer, step):
            block = draw(doc)
            assert isinstance(block, Block) and block.rows == len(block.lines)
            assert {width(line) for line in block.lines} == {block.columns}, step.id
            assert 0 <= block.axis < block.rows


def said(text):
    """The letters and digits of a text, each as often as it occurs: what is left when it is laid out anew.

    (A column of numbers that lies down is marked with a ᵀ on one line, and lies down where it is drawn.)
    """
    return Counter(c for c in text if c != "ᵀ" and (c.isalnum() or c in "∂∇−+·√∞"))


@settings(random_lessons, max_examples=50)
@given(lessons(), notations, st.sampled_from(["matrix", "scalar"]), st.integers(16, 120), st.integers(0, 4))
def test_flow_and_chain_keep_within_their_columns_and_lose_nothing(lesson, notation, level, columns, indent):
    """Side by side; and name = formula = numbers = value, as a card shows it."""
    found, writer = trace(lesson), Writer(lesson, notation)
    for step in found.steps(level):
        docs = list(blocks(writer, step))[:3]
        lines = flow(docs, columns, indent)
        assert max(map(width, lines)) <= columns, (step.id, lines)
        text = "".join(map(linear, docs))
        if "…" not in text:
            assert said("".join(lines)) == said(text), step.id

        docs, most = [writer.name(step.ref), *docs], max(columns, 30)
        lines = chain(docs, most)
        assert max(width(line) for _, line in lines) <= most, (step.id, lines)
        for at, doc in enumerate(docs):
            text = linear(doc)
            drawn = "".join(line for which, line in lines if which == at)
            if "…" not in text and at > 1 and not re.search("[⋯⋮…]", drawn):
                assert said(drawn) == said(text), (step.id, text)


@pytest.mark.parametrize("indent", [0, 2, 4])
def test_flow_counts_the_indent_of_a_part_that_it_cuts(indent):
    lines = flow(["x" * 100], 40, indent)
    assert max(map(width, lines)) <= 40 and said("".join(lines)) == Counter("x" * 100)


@given(st.text("ab½中é̈ ", max_size=40), st.integers(2, 30))
def test_flow_of_any_text(text, columns):
    lines = flow([text], columns)
    assert all(width(line) <= max(columns, 8) for line in lines)
    assert said("".join(lines)) == said(text)


def test_large_matrices_are_drawn_by_their_corners():
    lesson = ones(30, 25, 3)
    found, writer = trace(lesson), Writer(lesson, "dz")
    block = draw(writer.value(found.find("dL/dW1").value))
    assert block.rows <= 8 and block.columns < 80 and "⋱" in "".join(block.lines)
    assert len(linear(writer.value(found.find("dL/dW1").value))) < 1000


def test_every_operator_can_be_written():
    """No operator of a lesson falls through to its internal name."""
    kinds = {"activation": "leaky_relu", "last": "softmax", "loss": "squared_error"}
    lesson = ones(2, 3, 2, **kinds, examples=2, batch="all", l2=0.1)
    found = trace(lesson)
    for notation in NOTATIONS:
        writer = Writer(lesson, notation)
        for level in ("matrix", "scalar"):
            for step in found.steps(level):
                text = linear(writer.formula(step.formula))
                assert not re.search(r"matmul|outer|transpose|jacobian|choose|wins|ratio|leaky|mean_", text), text


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_activation_is_written_out_in_every_notation(name):
    """Also one that is made of others: the tanh within GELU is written tanh, where f stands for any activation."""
    lesson = ones(2, 3, 2, activation=name)
    node = trace(lesson).find("a1").formula
    made_of = {part.op for part in walk(ACTIVATIONS[name].f) if isinstance(part, Call) and part.op in ACTIVATIONS}
    for notation in NOTATIONS:
        writer = Writer(lesson, notation)
        left, _, right = linear(writer.definition(node)).partition(" = ")
        prime = Call(f"{name}′", (node.args[0], Ref(trace(lesson).find("a1").equation.symbol), *node.args[1:]))
        slope = linear(writer.formula(writer.written_out(prime)))
        own = writer.function(name, False)
        for text in (right, slope) if name != "linear" else ():
            assert not re.search(r"expm1|log1p|choose", text), text
            assert all((f"{other}(" in text) == (other in made_of) for other in ("tanh", "softplus")), text
            assert own in made_of or f"{own}(" not in re.sub(r"\b(tanh|softplus)\(", "", text), (left, text)


# ---------------------------------------------------------------- as the textbooks have it


def test_a_linear_unit_has_a_sum_without_a_name_where_its_textbook_has_none():
    """The nine derivatives by hand: ∂L/∂ŷ, ∂ŷ/∂O₁₁, ∂O₁₁/∂w¹₁₁ are the whole chain."""
    found = trace(bundled("o-regression"))
    scribe, id = Scribe(found, "partials"), "dL/dW1[1,1]"
    (path,) = scribe.chain(target(found.find(id))).paths
    assert [linear(scribe.factor_name(factor)) for factor in path.factors] == ["∂L/∂ŷ", "∂ŷ/∂O₁₁", "∂O₁₁/∂w¹₁₁"]
    assert path.product == pytest.approx(-2 * (1.7 - 1.034) * 0.7 * 1.2)
    shown = {id: linear(scribe.formulas(found.find(id)).main.docs[1]) for id in ("a1[1]", "dL/dW2[1,1]", "dL/dW1[1,1]")}
    assert shown == {
        "a1[1]": "w¹₁₁ · iq + w¹₂₁ · cgpa + b₁₁", "dL/dW2[1,1]": "∂L/∂ŷ · O₁₁", "dL/dW1[1,1]": "∂L/∂O₁₁ · iq",
    }  # fmt: skip
    bent = Scribe(trace(bundled("o-classification")), "partials")  # with a sigmoid it has a name, and a factor
    assert len(bent.chain(target(bent.trace.find(id))).paths[0].factors) == 4
    other = Scribe(found, "dz")
    assert len(other.chain(target(found.find(id))).paths[0].factors) == 5


@pytest.mark.parametrize(
    ("notation", "words"),
    [
        ("nabla", "in row l and column i is ŷₗ · (1₍ₗ₌ᵢ₎ − ŷᵢ)"),
        ("dz", "in row k and column i is pₖ · (I(i = k) − pᵢ)"),
        ("error", "in row l and column i is ỹₗ · (1(l = i) − ỹᵢ)"),
    ],
)
def test_what_is_1_of_the_true_class_as_the_textbook_writes_it(notation, words):
    scribe = Scribe(trace(bundled("softmax")), notation)
    assert any(words in line.reason for line in scribe.derivation(scribe.trace.find("dL/dz1")))


@pytest.mark.parametrize("typed", ["∂L/∂ŷ₁ · O₁₁", "∂L/∂ŷ · O₁₁", "dL/dyhat * O_11"])
def test_an_index_that_is_not_needed_may_be_typed(typed):
    found = trace(bundled("o-regression"))
    step = found.find("dL/dW2[1,1]")
    assert Names(step, Writer(found.lesson, "partials")).value(typed)[1] == pytest.approx(-1.332 * 0.94)


@pytest.mark.parametrize("typed", ["∇_a₃ L(θ) · h₂ᵀ", "∇a₃ L(θ) · h₂ᵀ", "grad_a_3 L(theta) h_2^T", "∇_a₃ L · h₂ᵀ"])
def test_what_a_gradient_is_in_stands_below_the_line(typed):
    found = trace(bundled("p-deep"))
    step, writer = found.find("dL/dW3"), Writer(found.lesson, "nabla")
    name = writer.name(step.at(None).ref)
    assert linear(name) == "∇_W₃ L(θ)" and latex(name) == r"\nabla_{W_{3}}L(\theta )"
    assert html(name) == "∇<sub>W₃</sub> L(θ)" and " ".join(spoken(name).split()) == "nabla in W sub 3 L(θ)"
    np.testing.assert_allclose(Names(step, writer).value(typed)[1], step.value)
