"""Lessons about arrays in words: how their equations are written in each notation, why each is so, how gates open.

`UPDATE_GOLDEN=1 pytest tests/test_array_texts.py` writes the golden texts anew: look at the difference.
"""

from __future__ import annotations

import os
import re
import tomllib
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest

from each import each
from strategies import DEEP, by_turns, circuit_lesson, spread
from tutor.engine.expressions import Call, evaluate, walk
from tutor.engine.openings import OPENINGS, derivation
from tutor.engine.trace import Trace, reads_as, trace
from tutor.lessonfiles.reading.lesson import build
from tutor.questions.names import Names, look_up
from tutor.questions.tokens import normalised
from tutor.text.array_gates import ARRAY_GATES
from tutor.text.card import Scribe
from tutor.text.cells import width
from tutor.text.condensing import condensed
from tutor.text.conventions import conventions
from tutor.text.explain import Explainer
from tutor.text.layout import Brackets, Matrix, Row, chain, linear
from tutor.text.lines import formula_lines, wrapped
from tutor.text.notations import NOTATIONS
from tutor.text.to_latex import latex
from tutor.text.writer import Writer
from tutor.tui.views import card_lines

GOLDEN = Path(__file__).parent / "golden"

LESSONS = {
    "attention": (
        ["Q = X @ Wq", "K = X @ Wk", "V = X @ Wv", "S = Q @ K.T / sqrt(2)", "P = softmax(causal(S))", "O = P @ V",
         "L = sum((O - Y)**2) / 2"],
        {"X": [[1, 0], [0, 2]], "Wq": [[0.5, 0.1], [0.2, -0.3]], "Wk": [[0.1, 0.4], [-0.2, 0.3]],
         "Wv": [[0.5, -0.5], [0.25, 1]], "Y": [[1, 0], [0, 1]]},
        ["Y"],
    ),
    "recurrence": (
        ["h1 = tanh(Wx @ x1 + Wh @ h0 + b)", "h2 = tanh(Wx @ x2 + Wh @ h1 + b)", "L = sum((h2 - y)**2) / 2"],
        {"x1": [1, 0.5], "x2": [0, -1], "h0": [0.2, 0], "y": [1, 0], "b": [0.1, -0.1],
         "Wx": [[0.5, 0.1], [0.2, -0.3]], "Wh": [[0.1, 0.4], [-0.2, 0.3]]},
        ["x1", "x2", "h0", "y"],
    ),
    "batch-norm": (
        ["m = mean(x, axis=0)", "v = var(x, axis=0)", "xh = (x - m) / sqrt(v + 1e-5)", "z = g * xh + b",
         "L = cross_entropy(norm(z), ids)"],
        {"x": [[1, 2], [3, 5], [-1, 0]], "g": [1, 0.5], "b": [0.1, -0.1], "ids": [1, 2, 2]},
        ["ids"],
    ),
    "windows": (
        ["y = conv(x, k, padding=1)", "p = max_pool(relu(y + b), 2)", "q = avg_pool(y, 2, stride=1)",
         "L = sum(p**2) + mean(q)"],
        {"x": [[1, 2, 0, 1], [0, 1, 3, 1], [2, -1, 0, 1], [1, 0, 0, 1]], "k": [[1, 0], [-1, 2]], "b": 0.5},
        [],
    ),
    "rows": (
        ["e = embedding(E, ids)", "c = concat(row(e, 2), w)", "s = softmax(reshape(c, 2, 2), axis=0)",
         "q = log_softmax(E)", "a = max(e, axis=1)",
         "L = sum(s @ s.T) + mean(q) + w @ w + sum(a * a) + min(c)"],
        {"E": [[1, 2], [3, 4], [0, -1]], "ids": [2, 1, 2], "w": [0.5, 1]},
        ["ids"],
    ),
    "deep": (
        ["A = X @ W", "S = A @ A.T", "P = softmax(S)", "d = sum(P * P, axis=2)", "m = max(P, axis=1)",
         "L = sum(m * d)"],
        {"X": (np.arange(12).reshape(2, 3, 2) / 8).tolist(), "W": [[0.5, 1], [-1, 0.25]]},
        [],
    ),
    "examples": (
        ["h1 = tanh(W @ x1 + b)", "h2 = tanh(W @ h1 + b)", "L = sum((h2 - y)**2) / 2"],
        {"W": [[0.5, 0.1], [0.2, -0.3]], "b": [0.1, -0.1]},
        [],
        "[[examples]]\nx1 = [1, 0.5]\ny = [1, 0]\n[[examples]]\nx1 = [0, -1]\ny = [0, 1]\n[training]\nbatch = 2\n",
    ),
    "channels": (
        ["y = conv(x, k, stride=2)", "L = sum(y * y) / 2"],
        {"x": (np.arange(18).reshape(2, 3, 3) / 8).tolist(), "k": (np.arange(16).reshape(2, 2, 2, 2) / 8).tolist()},
        [],
    ),
}  # fmt: skip
BY_TURNS = [(name, notation) for at, name in enumerate(LESSONS) for notation in by_turns(NOTATIONS, at)]


@lru_cache
def traced(name: str) -> Trace:
    return trace_of(*LESSONS[name])


def trace_of(lines, inputs, data=(), *more: str) -> Trace:
    data = list(data)
    table = "".join(f"{key} = {value}\n" for key, value in inputs.items())
    head = f'format = 1\ntitle = "T"\n[circuit]\ndefine = {lines}\noutput = "L"\ndata = {data}\n[circuit.inputs]\n'
    return trace(build(tomllib.loads("".join([head, table, *more])), "t.toml")[0])


def every(name: str, notation: str, level: str = "matrix", most: int | None = None):
    """The steps of a lesson with the scribe that writes them; of an equation at most so many elements."""
    found = traced(name)
    scribe = Scribe(found, notation)
    return [(step, scribe) for step in (found.steps(level) if most is None else spread(found.steps(level), most))]


@pytest.mark.parametrize("name", ["attention", "recurrence", "batch-norm"])
def test_the_equations_of_a_lesson_in_each_notation(name):
    said = []
    for notation in NOTATIONS:
        said.append(f"---- {notation}")
        for step, scribe in every(name, notation):
            said.append(f"[{step.id}] {scribe.explainer.title(step)}")
            said += [f"  {line}" for line in formula_lines(scribe.formulas(step))]
            said += wrapped(scribe.explainer.why(step))
    path = GOLDEN / f"arrays-{name}.txt"
    text = "\n".join(said) + "\n"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


# How single steps are written: what is a matrix product, what goes cell by cell, what is added up over which axis.
WRITTEN = {
    ("attention", "dL/dQ", "partials"): "∂L/∂S.1 · K",
    ("attention", "dL/dK", "partials"): "(∂L/∂S.1)ᵀ · Q",
    ("attention", "dL/dWq", "dz"): "Xᵀ dQ",
    ("attention", "dL/dX", "nabla"): "∇_X@V L + ∇_X@K L + ∇_X@Q L",
    ("attention", "dL/dWv", "delta"): "Xᵀ · δV",
    ("attention", "dL/dP.1", "dz"): "P ⊙ (dP − sum(dP ⊙ P, axis=1, keepdims=True))",
    ("attention", "dL/dS", "dz"): "causal_mask(dP.1)",
    ("recurrence", "dL/dWh@h2", "error"): "∂L/∂h2.1 · h1ᵀ",
    ("recurrence", "dL/dh1", "delta"): "Whᵀ · δh2.1",
    ("batch-norm", "dL/db", "partials"): "Σᵢ(∂L/∂z)",
    ("attention", "dL/dP.1", "partials"): "P ⊙ (∂L/∂P − Σⱼ(∂L/∂P ⊙ P))",
    ("rows", "dL/ds.1", "nabla"): "s ⊙ (∇_s L − Σᵢ(∇_s L ⊙ s))",
    ("batch-norm", "dL/dg", "delta"): "Σᵢ(δz ∘ xh)",
    ("batch-norm", "dL/dg", "dz"): "sum(dz ⊙ xh, axis=0)",
    ("batch-norm", "dL/dx@v", "error"): "∂L/∂v ⊙ ((x − meanᵢ(x)) · 2 / 3)",
    ("batch-norm", "dL/dx@m", "dz"): "dm / 3 ⊙ ones(3, 2)",
    ("batch-norm", "dL/dx@v", "dz"): "dv ⊙ ((x − mean(x, axis=0)) · 2 / 3)",
    ("windows", "dL/dx", "dz"): "conv_input(dy, k, padding=1)",
    ("windows", "dL/db", "dz"): "Σ dp.1",
    ("rows", "dL/dE@e", "dz"): "scatter_rows(de, ids, 3)",
    ("rows", "dL/ds.1", "dz"): "s ⊙ (ds − sum(ds ⊙ s, axis=0))",
    ("channels", "dL/dx", "dz"): "conv_input(dy, k, stride=2, size=(2, 3, 3))",
}  # fmt: skip


@each("name, id, notation", WRITTEN)
def test_a_formula_is_written(name, id, notation):
    found = traced(name)
    assert linear(Writer(found.lesson, notation).formula(found.find(id).formula)) == WRITTEN[name, id, notation]


@pytest.mark.parametrize("notation", sorted(set(NOTATIONS) - {"dz"}))
@pytest.mark.parametrize("name", LESSONS)
def test_a_textbook_s_notation_has_no_settings_of_code(name, notation):
    """An axis is an index below the sign, in formulas, in the conventions and in LaTeX."""
    for step, scribe in every(name, notation, most=2):
        for doc in scribe.formulas(step).main.docs[:2]:
            assert "axis" not in linear(doc) and "keepdims" not in linear(doc), step.id
    assert all("Axes" not in text for text in conventions(traced(name), notation))


def test_a_name_of_the_author_is_no_gradient():
    """Who has an x and a dx reads ∂L/∂x, in each notation."""
    text = (
        'format = 1\ntitle = "T"\n[circuit]\ndefine = ["y = x * dx", "L = sum(y)"]\noutput = "L"\n'
        "[circuit.inputs]\nx = [1, 2]\ndx = [3, 4]\n"
    )
    lesson = build(tomllib.loads(text), "t.toml")[0]
    found, writer = trace(lesson), Writer(lesson, "dz")
    assert writer.text(found.find("dL/dx").ref) == "∂L/∂x" and writer.text(found.find("dL/dy").ref) == "dy"


@each("level", ["matrix", "scalar"])
@pytest.mark.parametrize("name, notation", BY_TURNS)
def test_what_is_shown_can_be_typed(name, notation, level):
    """With names, and with the numbers put in, as a person reads them off."""
    for step, scribe in every(name, notation, level, 3):
        names = Names(step, scribe.writer)
        docs = scribe.formulas(step).main.docs[1:-1]
        for doc in docs:
            text = linear(doc)
            if "…" in text or "∞" in text:  # what is blocked has no number
                continue
            found = np.asarray(evaluate(names.read(normalised(text)).formula, lambda ref: look_up(step, ref)))
            value = np.asarray(step.value, dtype=float)
            assert reads_as(np.broadcast_to(found, value.shape), value).all(), (step.id, text)


def test_an_author_s_own_name_wins_over_an_element_s():
    """Who has an x and an x1 means x1 by x1; the first of x is x[1] or x₁."""
    text = (
        'format = 1\ntitle = "T"\n[circuit]\ndefine = ["y = x * x1", "L = sum(y)"]\noutput = "L"\n'
        "[circuit.inputs]\nx = [1, 2]\nx1 = [3, 4]\n"
    )
    lesson = build(tomllib.loads(text), "t.toml")[0]
    names = Names(trace(lesson).find("L"), Writer(lesson, "dz"))
    assert names.lookup("x1").id == "x1" and names.lookup("x[1]").id == names.lookup("x₁").id == "x[1]"


# ---------------------------------------------------------------- why


@pytest.mark.parametrize("name, notation", BY_TURNS)
def test_every_step_has_its_sentence(name, notation):
    for level in ("matrix", "scalar"):
        for step, scribe in every(name, notation, level):
            explainer = scribe.explainer
            for text in (explainer.title(step), explainer.why(step), explainer.story(step)):
                assert text and text[0] not in " .,:;" and "  " not in text
                assert not re.search(r"[{}]|None|\bTrue\b", text)
            assert explainer.why(step).endswith(".")


@pytest.mark.parametrize("name", LESSONS)
def test_in_the_story_each_gate_says_what_it_did(name):
    """Not that it bent what it got, as an activation does: a concatenation bends nothing."""
    found = traced(name)
    explainer = Explainer(Writer(found.lesson, "partials"))
    says = {gate.title: gate.says for gate in ARRAY_GATES.values()}
    turns = [turn for step in found.steps("story") for turn in explainer.turns(step)]
    spoken = {turn.speaker.rpartition(" ")[0]: turn.words for turn in turns}
    assert spoken.keys() & says.keys()
    for title in spoken.keys() & says.keys():
        assert says[title].partition("{")[0] in spoken[title]


SAID = {
    ("batch-norm", "dL/db"): "b (2) was used once for each of the 3 rows, so what comes back from all of them is added",
    ("batch-norm", "z"): "b (2) is used once for each of the 3 rows.",
    ("batch-norm", "m"): "The gate takes the mean of each column (3 numbers).",
    ("windows", "dL/db"): "b (a single number) was used for each of the 25 numbers of the result",
    ("deep", "dL/dW"): "W met each of the 2 matrices: what they send back is added up.",
    ("deep", "d"): "The gate adds up each line along axis 2 (3 numbers).",
    ("attention", "dL/dK"): "the gradient transposed, times Q",
    ("attention", "dL/dX@Q"): "This is the part that comes back through Q; the parts of all uses add up.",
    ("recurrence", "dL/dWh@h2"): "an outer product: the gradient of each row times the vector h1",
    ("rows", "dL/dE@e"): "a row used twice gets both, a row never used gets 0",
}  # fmt: skip


@pytest.mark.parametrize(("name", "id"), SAID)
def test_a_sentence_speaks_of_the_shapes_at_hand(name, id):
    found = traced(name)
    assert SAID[name, id] in Explainer(Writer(found.lesson, "partials")).why(found.find(id))


def test_every_array_gate_is_met_in_these_lessons():
    """So that no sentence of the table goes without being read."""
    forward = [eq.formula for name in LESSONS for eq in traced(name).program.model.forward]
    met = {node.op for formula in forward for node in walk(formula) if isinstance(node, Call)}
    assert met >= set(ARRAY_GATES)


def test_what_is_asked_for_its_shape_alone_is_no_operand():
    """The gradient of a bias is a sum over rows: of the bias only its shape is needed, so nothing is to be kept."""
    found = traced("batch-norm")
    assert [ref.id for ref in found.find("dL/db").operands] == ["dL/dz"]
    assert [ref.id for ref in found.find("dL/dm").operands] == ["dL/dxh.1"]
    scribe = Scribe(found, "partials")
    assert all("Remember" in scribe.explainer.why(found.find(id)) for id in ("xh.3", "xh"))
    for step, _ in every("windows", "dz"):
        if step.phase == "forward":
            needed = [other.id for other, _ in every("windows", "dz")
                      if other.phase == "backward" and _changes(other, step)]  # fmt: skip
            assert ("Remember" in Explainer(Writer(step.trace.lesson, "dz")).why(step)) == bool(needed), step.id


def _changes(step, of) -> bool:
    """Whether a step's value, by its formula, moves with another's."""

    def moved(ref):
        value = np.asarray(look_up(step, ref), dtype=float)
        return value + np.random.default_rng(0).normal(size=value.shape) * 20 * (ref.symbol == of.equation.symbol)

    return not np.allclose(evaluate(step.equation.formula, moved), np.asarray(step.value))


# ---------------------------------------------------------------- gates that open


@pytest.mark.parametrize("name", LESSONS)
def test_every_line_of_a_derivation_is_true(name):
    """Each line is what the line's name is worth, and the last ones of a gradient the step's own value."""
    for level in ("matrix", "scalar"):
        for step, _ in every(name, "dz", level):
            found, worth = derivation(step), {}
            for stage in found.stages:
                if stage.line.name is not None:  # also of a name within the derivation: of one row, one window
                    first = np.asarray(worth.setdefault(stage.line.name, stage.value))
                    assert stage.value == pytest.approx(first, rel=1e-9, abs=1e-12), stage.line.reason
                if stage.line.name is None:
                    assert stage.value == pytest.approx(np.asarray(step.value), rel=1e-9, abs=1e-12), stage.line.reason
                elif stage.line.name.symbol.id in step.trace.program.symbols:
                    own = step.trace.value(stage.line.name)
                    assert stage.value == pytest.approx(np.asarray(own), rel=1e-9, abs=1e-12), stage.line.reason
            if found and step.phase == "backward":
                assert found.stages[-1].line.name is None


def test_each_composite_operator_opens_backward():
    opened = {step.equation.variant for name in LESSONS for step, _ in every(name, "dz")
              if step.equation.rule == "gate_gradient" and derivation(step)}  # fmt: skip
    assert opened == set(OPENINGS)


def test_which_composite_operators_open_forward():
    opened = {step.equation.variant for name in LESSONS for step, _ in every(name, "dz")
              if step.equation.rule == "gate" and derivation(step)}  # fmt: skip
    assert opened == {"softmax", "log_softmax", "norm", "cross_entropy"}


@pytest.mark.parametrize("z, y, says", [
    ([[0.5, 1, 0], [1, 0, -1]], [1, 3], "each row is 1/2 of the mean"),
    ([0.5, 1, 0], [0, 1, 0], "times what comes back to the gate"),
    ([[0.5, 1, 0]], [2], "times what comes back to the gate"),
])  # fmt: skip
def test_the_last_line_of_a_cross_entropy_says_what_it_is_divided_by(z, y, says):
    found = trace_of(["l = cross_entropy(z, y)", "L = l * 3"], {"z": z, "y": y}, ["y"])
    last = derivation(found.find("dL/dz")).stages[-1]
    assert last.line.reason == says
    np.testing.assert_allclose(last.value, np.asarray(found.find("dL/dz").value))


# Layers whose gradients open window by window: lines, shapes of x and k.
CONVOLUTIONS = {
    "plain": ("conv(x, k)", (3, 3), (2, 2)),
    "stride and a border": ("conv(x, k, stride=2, padding=1)", (3, 4), (2, 3)),
    "channels": ("conv(x, k)", (2, 3, 3), (3, 2, 2, 2)),
    "a batch, channels, stride, border": ("conv(x, k, stride=2, padding=1)", (2, 2, 3, 3), (2, 2, 2, 2)),
    "signals in channels": ("conv(x, k, padding=1)", (2, 2, 3), (2, 2, 2)),
    "many places": ("conv(x, k)", (6, 6), (2, 2)),
}


@pytest.mark.parametrize("case", CONVOLUTIONS)
def test_a_convolution_opens_window_by_window(case):
    """Each place's part is what comes back to it times the patch that it saw; each copy, of all kernels, likewise.

    Held against loops: no operator of the engine's.
    """
    line, x_shape, k_shape = CONVOLUTIONS[case]
    rng = np.random.default_rng(3)
    x, k = rng.integers(-3, 4, x_shape).astype(float), rng.integers(-3, 4, k_shape).astype(float)
    found = trace_of([f"y = {line}", "L = sum(y * y) / 2"], {"x": x.tolist(), "k": k.tolist()})
    G = np.asarray(found.find("dL/dy").value)
    stride, padding = 2 if "stride=2" in line else 1, "padding" in line
    channels, axes = len(k_shape) > 2, {1: 1, 2: 2, 3: 1, 4: 2}[len(k_shape)]
    batch, into = x_shape[: len(x_shape) - axes - channels] or (1,), x_shape[-axes - 1 : -axes] if channels else (1,)
    whole = x.reshape(*batch, *into, *x_shape[-axes:])
    whole = np.pad(whole, [(0, 0), (0, 0), *[(int(padding),) * 2] * axes])
    kernels = k if channels else k[None, None]
    back = G.reshape(len(whole), len(kernels), *G.shape[-axes:])
    parts, copies = [], []
    for e in range(len(whole)):
        for place in np.ndindex(*back.shape[2:]):
            sides = zip(place, k_shape[-axes:], strict=True)
            cut = (slice(None), *(slice(p * stride, p * stride + n) for p, n in sides))
            patch, g = whole[e][cut], back[(e, slice(None), *place)]
            parts.append(np.multiply.outer(g, patch).reshape(k_shape))
            copies.append(np.tensordot(g, kernels, 1).reshape(k_shape[1:] if channels else k_shape))
    for id, name, want in (("dL/dk", "part", parts), ("dL/dx", "copy", copies)):
        stages = derivation(found.find(id)).stages
        lines = [stage for stage in stages if stage.line.name and stage.line.name.id.startswith(f"{name} ")]
        assert len(lines) == min(len(want), 9)
        for stage, one in zip(lines, want, strict=False):
            np.testing.assert_allclose(stage.value, one, atol=1e-12)
        assert np.allclose(stages[-1].value, np.asarray(found.find(id).value))
        assert ("places in all" in stages[-1].line.reason) == (len(want) > 9)
    np.testing.assert_allclose(sum(parts), found.find("dL/dk").value, atol=1e-10)


@pytest.mark.parametrize("axis", [0, 1, 2, 3])
@pytest.mark.parametrize("function", ["softmax", "log_softmax", "norm"])
def test_what_goes_along_any_axis_opens_as_a_whole(function, axis):
    x = np.random.default_rng(axis).integers(-2, 3, (2, 3, 2, 2)).tolist()
    found = trace_of([f"y = {function}(x, axis={axis})", "L = sum(y * y * y)"], {"x": x})
    step = found.find("dL/dx")
    stages = derivation(step).stages
    assert len(stages) >= 6
    for stage in stages:
        if stage.line.name is None:
            np.testing.assert_allclose(stage.value, np.asarray(step.value), atol=1e-12)
    if function == "softmax":  # the Jacobian of the first line
        y, G = (np.moveaxis(np.asarray(found.find(id).value), axis, -1)[0, 0, 0] for id in ("y", "dL/dy"))
        by_name = {stage.line.name.id: stage.value for stage in stages if stage.line.name}
        np.testing.assert_allclose(by_name["J"], np.diag(y) - np.outer(y, y), atol=1e-12)
        np.testing.assert_allclose(by_name["dL/dz"], (np.diag(y) - np.outer(y, y)) @ G, atol=1e-12)


def test_a_norm_collapses_to_one_formula():
    found = traced("batch-norm")
    step = next(step for step in found.steps() if step.equation.variant == "norm" and step.phase == "backward")
    lines = Scribe(found, "partials").derivation(step)
    assert linear(lines[0].docs[0]) == "μ" and len(lines) == 14
    assert linear(lines[-1].docs[1]).startswith("(∂L/∂L.1 − meanⱼ(∂L/∂L.1) − L.1 ⊙ meanⱼ(∂L/∂L.1 ⊙ L.1)) ⊘ σ")
    in_code = Scribe(found, "dz").derivation(step)[-1].docs[1]
    assert linear(in_code).startswith("(dL.1 − mean(dL.1, axis=1, keepdims=True) − L.1 ⊙ mean(")
    assert latex(Row(("Σⱼ", Brackets("dP ⊙ P")))) == r"\sum _{j}\left(dP\odot P\right)"
    assert latex(lines[-1].docs[1]).count(r"\mathrm{mean}_{j}\left(") == 2


@pytest.mark.parametrize("name", LESSONS)
def test_a_step_in_cells_fits_in_a_terminal_and_loses_nothing(name):
    """Every sign of the linear form stands in the drawn one, line by line, but for matrices, which are drawn."""
    for step, scribe in every(name, "partials"):
        docs = list(scribe.formulas(step).main.docs)
        lines = [text for _, text in chain(docs, 74)]
        assert max(map(width, lines)) <= 74, step.id
        said = re.sub(r"\s", "", "".join(lines))
        for word in re.findall(r"[a-z]{3,}", linear(docs[1])):
            assert word in said, (step.id, word)


# ---------------------------------------------------------------- values and signs


def test_arrays_of_rank_3_and_4_are_labelled_slices_within_80_columns():
    for shape in ((3, 2, 2), (2, 3, 4, 4), (40, 3, 3), (12, 12, 20, 20)):
        lines = [text for _, text in chain(["dL/dk", Matrix(np.random.default_rng(0).normal(size=shape))], 77)]
        assert max(map(len, lines)) <= 77
        assert any("[1]" in line or "[1,1]" in line for line in lines)
        if np.prod(shape[:-2]) > 8:
            assert any("more" in line for line in lines)
    assert linear(Matrix(np.zeros((1, 2, 1, 2)))) == "[[[[0, 0]], [[0, 0]]]]"


def test_a_blocked_position_is_minus_infinity_and_no_warning():
    found = traced("attention")
    step = found.find("P.1")
    card = Scribe(found, "dz").card(step)
    assert card.warning is None and "−∞" in linear(card.main.docs[-1])


def test_a_value_that_no_number_holds_is_warned_of_where_it_stands():
    found = trace(circuit_lesson(["a = exp(x)", "f = a * y"], x=1000, y=2))
    warned = {step.id for step in found.steps() if "beyond what" in (Scribe(found, "dz").card(step).warning or "")}
    assert warned == {"a", "f", "df/dx", "df/dy"}  # df/da is 2


@pytest.mark.parametrize("name, notation", BY_TURNS)
def test_latex_of_every_line_is_ascii_and_balanced(name, notation):
    for step, scribe in every(name, notation):
        card = scribe.formulas(step)
        for docs in (card.main.docs, *(line.docs for line in (*card.where, *scribe.derivation(step)))):
            for doc in docs:
                text = latex(doc)
                assert text.isascii() and text.count("{") - text.count(r"\{") == text.count("}") - text.count(r"\}")
                assert text.count(r"\left") == text.count(r"\right") and text.count(r"\begin") == text.count(r"\end")


@pytest.mark.parametrize("axis", [0, 1])
def test_an_element_of_a_norm_has_each_mean_once_and_says_how_it_is_made(axis):
    """Held against NumPy; what is short can be typed, and the numbers that are put in come to the value."""
    X, C = [[1.5, 2, -1, 0.5], [0.25, 1, 3, -2], [1, 1, 0, 2]], [[1, 0.5, 2, -1], [0.5, -1, 1.5, 2], [0, 1, -1, 3]]
    found = trace_of([f"N = norm(X, axis={axis})", "L = sum(N * C)"], {"X": X, "C": C}, ["C"])
    x, g = np.moveaxis(np.array(X), axis, -1), np.moveaxis(np.array(C), axis, -1)
    mean, var = x.mean(-1), x.var(-1)
    hat = (x - mean[:, None]) / np.sqrt(var + 1e-5)[:, None]
    for notation in NOTATIONS:
        scribe = Scribe(found, notation)
        for id, parts in (("N", (mean, var)), ("dL/dX", (g.mean(-1), (g * hat).mean(-1), var))):
            for index in np.ndindex(3, 4) if DEEP else ((0, 0), (1, 2), (2, 3)):
                step = found.find(id).at(index)
                short = condensed(step)
                line = index[1 - axis]
                worth = [value for _, _, value, _ in short.parts]
                np.testing.assert_allclose(worth, [part[line] for part in parts], rtol=1e-12)
                for word, made, value, _ in short.parts:
                    assert evaluate(made, short.value) == pytest.approx(value, rel=1e-12)
                    assert evaluate(word, found.value) == pytest.approx(value, rel=1e-12)
                for tree, look in ((short.formula, found.value), (short.named, short.value)):
                    assert evaluate(tree, look) == pytest.approx(step.value, rel=1e-10, abs=1e-12)
                card = scribe.card(step)
                assert len(card.where) == len(parts) and len(linear(card.main.docs[1])) < 160
                names = Names(step, scribe.writer)
                text = normalised(linear(card.main.docs[1]))
                typed = evaluate(names.read(text).formula, lambda ref, step=step: look_up(step, ref))
                assert float(np.asarray(typed)) == pytest.approx(step.value, rel=1e-9, abs=1e-12)
            lines = [item.text for item in card_lines(card, step, "scalar", 76, 24)]
            assert max(map(width, lines)) <= 76 and sum(line.startswith("where ") for line in lines) == len(parts)
    assert condensed(found.find("L")) is None and condensed(found.find("N")) is None


def test_a_gradient_that_adds_a_norm_s_flow_to_others_has_the_means_once_too():
    """The sum of flows of a residual around a norm, where one term alone is the norm's."""
    X, C = [[1.5, 2, -1, 0.5], [0.25, 1, 3, -2]], [[1, 0.5, 2, -1], [0.5, -1, 1.5, 2]]
    found = trace_of(["R = X * 1", "N = norm(R)", "O = R + N", "L = sum(O * C)"], {"X": X, "C": C}, ["C"])
    x, g = np.array(X), np.array(C)
    hat = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)
    for index in np.ndindex(2, 4):
        step = found.find("dL/dR").at(index)
        short = condensed(step)
        row = index[0]
        worth = [g[row].mean(), (g[row] * hat[row]).mean(), x[row].var()]
        np.testing.assert_allclose([value for _, _, value, _ in short.parts], worth, rtol=1e-12)
        for tree, look in ((short.formula, found.value), (short.named, short.value)):
            assert evaluate(tree, look) == pytest.approx(step.value, rel=1e-10, abs=1e-12)
        assert len(linear(Scribe(found, "partials").card(step).main.docs[1])) < 160
    assert condensed(found.find("O").at((0, 0))) is None


@pytest.mark.parametrize("arrays", [True, False])
def test_a_line_that_the_output_does_not_use_says_nothing_of_a_gradient(arrays):
    """The gradient at z comes back through L alone, wherever the line stands that only looks at z."""
    if arrays:
        lines = ["z = x * w", "P = softmax(z)", "L = cross_entropy(z, y)", "Q = norm(z)"]
        found = trace_of(lines, {"x": [[1, 2, -1]], "w": [[0.5, 1, 2]], "y": [2]}, ["x", "y"])
    else:
        found = trace_of(["z = x * w", "P = tanh(z)", "L = z * z", "Q = z + x"], {"x": 2, "w": 0.5}, ["x"])
    for notation in NOTATIONS:
        writer = Scribe(found, notation).writer
        step = found.find("dL/dz")
        why = Explainer(writer).why(step)
        assert not re.search("softmax sends|normalisation|tanh|add gate", why), why
        turns = " ".join(turn.text + turn.speaker for turn in Explainer(writer).turns(step))
        assert not re.search("Softmax|Normalisation|tanh|Add", turns), turns
        assert ("cross-entropy sends" in why) == arrays


def test_where_stands_beside_the_sign_it_is_about():
    """A value of two rows hangs below the line of what it is the value of."""
    found = trace_of(["z = W @ x", "h = tanh(z)", "L = sum(h)"], {"W": [[1, 2], [0.5, -1]], "x": [0.5, 0.25]}, ["x"])
    step = found.find("dL/dz")
    lines = [item.text for item in card_lines(Scribe(found, "partials").card(step), step, "matrix", 76, 24)]
    (at,) = [at for at, text in enumerate(lines) if text.startswith("where ")]
    assert lines[at].startswith("where tanh′(z) = 1 − h² = ")


@pytest.mark.parametrize("columns", [44, 52, 61, 76, 90])
def test_a_line_is_not_broken_within_a_short_call(columns):
    """1(3 = 1) and exp(0.3) stay in one piece, however the sum that they stand in is broken."""
    ids, C = [[2, 3], [3, 1], [1, 3], [3, 2]], [[-1, -1], [-0.5, 2], [0, 1]]
    lines = ["emb = embedding(C, ids)", "z = reshape(emb, 4, 4)", "L = cross_entropy(z, y)"]
    found = trace_of(lines, {"ids": ids, "C": C, "y": [1, 3, 2, 3]}, ["ids", "y"])
    scribe = Scribe(found, "dz")
    for id, index in (("dL/dC", (0, 0)), ("L", ())):
        step = found.find(id).at(index)
        lines = [item.text for item in card_lines(scribe.card(step), step, "scalar", columns, 24)]
        calls = re.compile(r"(?:1|exp)\([^()]*\)")
        whole = sum(len(calls.findall(linear(doc))) for doc in scribe.card(step).main.docs)
        assert sum(len(calls.findall(line)) for line in lines) == whole > 12


@pytest.mark.parametrize("columns", [52, 57, 66, 76])
def test_no_line_ends_with_a_sign_that_belongs_to_the_next(columns):
    """A root, the name of a mean or an open bracket goes on to the line that it is about, where it fits there."""
    X, C = [[1.5, 2, -1, 0.5], [0.25, 1, 3, -2], [1, 1, 0, 2]], [[1, 0.5, 2, -1], [0.5, -1, 1.5, 2], [0, 1, -1, 3]]
    lines = ["N = norm(X)", "P = softmax(N)", "L = sum(P * C)"]
    found = trace_of(lines, {"X": X, "C": C}, ["C"])
    hanging = re.compile(r"(√|mean.?|var.?|exp|softmax)$")
    for notation in NOTATIONS:
        scribe = Scribe(found, notation)
        for level in ("matrix", "scalar"):
            for step in spread(found.steps(level), 2):
                card = scribe.card(step)
                for text in [item.text.rstrip() for item in card_lines(card, step, level, columns, 24)]:
                    assert not hanging.search(text) or text.strip() in card.why, (step.id, text)
