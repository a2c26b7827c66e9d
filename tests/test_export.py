"""Exports: the JSON contract of docs/trace-json.md, and text and Markdown as they are read.

`UPDATE_GOLDEN=1 pytest tests/test_export.py` writes tests/golden anew: look at the difference before it is committed.
"""

from __future__ import annotations

import itertools
import json
import math
import os
import re
import textwrap
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from effort import effort
from strategies import DEEP, bundled
from tutor.cli.commands import main
from tutor.cli.export import FORMATS, as_json, as_markdown, as_text, markdown_text, plain_value
from tutor.engine.lesson import LEVELS
from tutor.engine.trace import trace
from tutor.lessonfiles import catalogue
from tutor.lessonfiles.check import load
from tutor.text.lines import chain_lines, prose
from tutor.text.notations import NOTATIONS

ROOT = Path(__file__).resolve().parent.parent
GOLDEN = ROOT / "tests" / "golden"
BUNDLED = [entry.id for entry in catalogue.entries()]
TRACES = {id: trace(bundled(id)) for id in BUNDLED}

BATCH = """
format = 1
title = "Three of four rows"
[network]
inputs = 2
loss = "cross_entropy"
[[network.layers]]
units = 2
activation = "relu"
weights = [[0.1, 0.2], [0.3, -0.4]]
[[network.layers]]
units = 2
activation = "softmax"
weights = [[0.5, -0.5], [1, 2]]
[[examples]]
inputs = [1, 2]
target = 1
[[examples]]
inputs = [-1, 2]
target = 2
[[examples]]
inputs = [0.5, 0.25]
targets = [0.3, 0.7]
[[examples]]
inputs = [2, 2]
target = 1
[training]
batch = 3
order = "shuffled"
learning_rate = 0.1
l2 = 0.1
[[notes]]
step = "dL/dz2"
text = "They cancel: {a2} minus {y}."
"""


@pytest.fixture
def batch(tmp_path):
    path = tmp_path / "batch.toml"
    path.write_text(BATCH)
    return trace(load(path))


@pytest.fixture
def large(tmp_path):
    """784-30-10: some 24,000 parameters."""
    path = tmp_path / "large.toml"
    pixels = ", ".join(f"{(i % 7) / 8}" for i in range(784))
    path.write_text(
        'format = 1\ntitle = "Digits"\n[network]\ninputs = 784\nloss = "cross_entropy"\n'
        '[[network.layers]]\nunits = 30\nactivation = "sigmoid"\nweights = "xavier"\n'
        '[[network.layers]]\nunits = 10\nactivation = "softmax"\n'
        f"[[examples]]\ninputs = [{pixels}]\ntarget = 3\n"
    )
    return path


def as_object(found, level="matrix", notation="dz"):
    return json.loads("".join(as_json(found, level, notation)), parse_constant=pytest.fail)


# ---------------------------------------------------------------- golden files


@pytest.mark.parametrize("suffix, format", [("txt", "text"), ("md", "markdown"), ("json", "json")])
@pytest.mark.parametrize("id", ["gates", "o-classification"])
def test_golden(id, suffix, format):
    file = GOLDEN / f"{id}.{suffix}"
    text = "".join(FORMATS[format](TRACES[id], "matrix", TRACES[id].lesson.notation))
    if os.environ.get("UPDATE_GOLDEN"):
        file.write_text(text, encoding="utf-8")
    expected = file.read_text(encoding="utf-8")
    assert same(json.loads(text), json.loads(expected)) if format == "json" else text == expected


def same(one, other) -> bool:
    """Whether two JSON values are equal, their numbers but for the last bits, which depend on the processor."""
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-12)
    if isinstance(one, dict) and isinstance(other, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and one == other


# ---------------------------------------------------------------- the JSON contract


def documented(heading: str) -> set[str]:
    """The keys in the table below a heading of docs/trace-json.md."""
    text = (ROOT / "docs" / "trace-json.md").read_text(encoding="utf-8")
    section = text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return set(re.findall(r"^\| `([^`]+)` \|", section, re.MULTILINE))


def test_every_key_of_a_trace_is_documented():
    record = as_object(TRACES["o-classification"])
    assert set(record) == documented("A trace")
    assert {key for step in record["steps"] for key in step} == documented("A step")
    lines = [line for step in record["steps"] for line in step["derivation"]]
    assert {key for line in lines for key in line} == documented("A derivation")
    assert {key for note in record["notes"] for key in note} == documented("A note")


def test_every_key_of_the_list_is_documented(capsys):
    assert main(["list", "--format", "json"]) == 0
    assert {key for entry in json.loads(capsys.readouterr().out) for key in entry} == documented("The list")


def test_the_example_in_the_documentation_is_real_output(capsys):
    text = (ROOT / "docs" / "trace-json.md").read_text(encoding="utf-8")
    command, example = re.search(r"```sh\nbackprop-tutor (trace .*)\n```.*?```json\n(.*?)```", text, re.DOTALL).groups()
    assert main(command.split()) == 0
    real, shown = json.loads(capsys.readouterr().out), json.loads(example)
    steps = {step["id"]: step for step in real["steps"]}
    assert same([steps[step["id"]] for step in shown["steps"]], shown["steps"]) and shown["steps"]
    notes = {note["step"]: note for note in real["notes"]}
    assert same([notes[note["step"]] for note in shown["notes"]], shown["notes"]) and shown["notes"]
    cut = ("steps", "notes")
    assert same({k: v for k, v in shown.items() if k not in cut}, {k: v for k, v in real.items() if k not in cut})


def by_turns(*choices):
    """Every lesson at every level, each with another of the choices; but for thousands of elements."""
    return [
        (id, level, choice)
        for (id, level), choice in zip(itertools.product(BUNDLED, LEVELS), itertools.cycle(choices), strict=False)
        if DEEP or (id, level) != ("digits", "scalar")
    ]


@pytest.mark.parametrize("id, level, notation", by_turns(*NOTATIONS))
def test_json_is_valid_and_complete(id, level, notation):
    found = TRACES[id]
    record = as_object(found, level, notation)
    assert (record["format"], record["lesson"], record["iteration"]) == (1, id, 1)
    assert (record["level"], record["notation"]) == (level, notation)
    steps = list(found.steps(level))
    assert [step["id"] for step in record["steps"]] == [step.id for step in steps]
    known = set(record["given"])
    for step, written in zip(steps, record["steps"], strict=True):
        assert np.shape(written["value"]) == tuple(written["shape"]) == step.shape
        value = np.where(np.isfinite(step.value), step.value, np.nan)  # what is blocked, −∞, is null
        assert np.array_equal(np.array(written["value"], dtype=float), value, equal_nan=True)  # every bit of it
        assert written["phase"] in ("forward", "loss", "backward", "update")
        assert written["symbol"] and written["formula"] and written["numbers"] and written["title"]
        assert {re.sub(r"\[.*?\]", "", operand) for operand in written["operands"]} <= known
        known.add(re.sub(r"\[.*?\]", "", written["id"]))


def test_a_notation_changes_no_value():
    def values(notation):
        return [(s["id"], s["value"], s["operands"]) for s in as_object(TRACES["p-deep"], "scalar", notation)["steps"]]

    assert all(values(notation) == values("dz") for notation in NOTATIONS)


def test_shapes_of_values_in_json():
    steps = {step["id"]: step for step in as_object(TRACES["o-classification"])["steps"]}
    assert isinstance(steps["L"]["value"], float) and steps["L"]["shape"] == []
    assert isinstance(steps["a2"]["value"], list) and len(steps["a2"]["value"]) == 1  # a vector of one unit is a list
    assert steps["dL/dW1"]["shape"] == [2, 2] and isinstance(steps["dL/dW1"]["value"][1][0], float)
    assert (steps["dL/dW1"]["phase"], steps["dL/dW1"]["layer"], steps["L"]["layer"]) == ("backward", 1, None)
    element = {step["id"]: step for step in as_object(TRACES["o-classification"], "scalar")["steps"]}["dL/dW1[2,1]"]
    assert element["value"] == steps["dL/dW1"]["value"][1][0] and element["operands"] == ["dL/dz1[2]", "x[1]"]


def test_what_json_cannot_hold_is_null(tmp_path):
    assert plain_value(np.array([[1.5, np.nan], [np.inf, -np.inf]])) == [[1.5, None], [None, None]]
    path = tmp_path / "sure.toml"
    path.write_text(
        'format = 1\ntitle = "Sure and wrong"\n[network]\ninputs = 1\nloss = "binary_cross_entropy"\n'
        '[[network.layers]]\nunits = 1\nactivation = "sigmoid"\nweights = [[1000]]\n'
        "[[examples]]\ninputs = [1]\ntargets = [0]\n"
    )
    steps = {step["id"]: step["value"] for step in as_object(trace(load(path)))["steps"]}
    assert steps["L"] == 1000.0 and steps["dL/da1"] == [None] and steps["dL/dz1"] == [1.0]


def test_a_batch_lists_its_examples_and_then_the_means(batch):
    record = as_object(batch)
    ids = [step["id"] for step in record["steps"]]
    assert [id for id in ids if id.startswith("dL/dW2")] == ["dL/dW2@1", "dL/dW2@2", "dL/dW2@3", "dL/dW2"]
    assert [id for id in ids if id.startswith("L")] == ["L@1", "L@2", "L@3", "L"] and "J" in ids
    steps = {step["id"]: step for step in record["steps"]}
    assert [steps[id]["example"] for id in ("L@1", "L@3", "L")] == [1, 3, None]
    singles = [steps[f"dL/dW2@{e}"]["value"] for e in (1, 2, 3)]
    assert np.allclose(steps["dL/dW2"]["value"], np.mean(singles, axis=0), rtol=1e-14)
    assert sorted(record["given"]["x@2"]) == sorted(batch.lesson.inputs[record["rows"][1] - 1])
    assert set(steps["dL/dW2"]["operands"]) == {"dL/dW2@1", "dL/dW2@2", "dL/dW2@3"}


def test_derivations_and_notes(batch):
    record = as_object(batch, notation="nabla")
    lines = {step["id"]: step["derivation"] for step in record["steps"]}
    assert len(lines["dL/dz2@2"]) > 2 and lines["dL/dz2@2"][-1]["formula"] == "ŷ@2 − y@2"
    assert all(line["reason"] and line["numbers"] for line in lines["dL/dz2@2"])
    assert lines["z1@1"] == []
    assert record["notes"] == [{"step": "dL/dz2", "text": "They cancel: ŷ minus y."}]


# ---------------------------------------------------------------- text and Markdown


@pytest.mark.parametrize("id, level, format", by_turns("text", "markdown"))
def test_text_has_every_step_once(id, level, format):
    found = TRACES[id]
    text = "".join(FORMATS[format](found, level, found.lesson.notation))
    assert all(line == line.rstrip() for line in text.splitlines())
    assert not re.search(r"\bnan\b|None|<tutor|\{\w", text)
    shown = re.findall(r"^ *\[(.+)\]$", text, re.MULTILINE)
    assert shown == ([] if level == "story" else [step.id for step in found.steps(level)])


def test_text_of_a_combined_step():
    text = "".join(as_text(TRACES["o-classification"], "matrix", "partials"))
    step = text.partition("[dL/dz2]")[2].partition("[dL/dW2]")[0]
    assert "∂L/∂z_fin = ŷ − y\n              = [0.4629] − [1]\n              = [−0.5371]\n" in step
    assert "how it comes about:\n      = ∂L/∂ŷ ⊙ σ′(z_fin)\n" in step
    assert "(ŷ · (1 − ŷ) cancels)" in step
    assert "| Two factors. The loss gives" in step  # the author's note
    assert "where σ(z) = 1 / (1 + e⁻ᶻ)" in text
    assert "Loss and activation cancel" in step  # the sentence of why


def test_text_of_a_batch(batch):
    text = "".join(as_text(batch, "matrix", "dz"))
    rows = ", ".join(str(row + 1) for row in batch.iteration.rows)
    assert text.startswith(f"Three of four rows: iteration 1, examples {rows}\n")
    assert text.count("  Error of the output layer\n") == 1  # the examples of an equation stand together
    assert text.count("They cancel: p minus y.") == 1  # and its note is said once
    assert text.index("[dL/dW2@1]") < text.index("[dL/dW2@3]") < text.index("[dL/dW2]")


def test_an_elements_note_is_said_at_both_levels(tmp_path):
    path = tmp_path / "batch.toml"
    path.write_text(BATCH + '[[notes]]\nstep = "dL/dW2[1,2]"\ntext = "This cell."\n')
    for level in ("scalar", "matrix"):
        assert "".join(as_text(trace(load(path)), level, "dz")).count("| This cell.") == 1


def test_a_heading_does_not_list_a_large_batch(tmp_path):
    path = tmp_path / "many.toml"
    examples = "".join(f"[[examples]]\ninputs = [{i}]\ntargets = [1]\n" for i in range(30))
    path.write_text(
        'format = 1\ntitle = "Many"\n[network]\ninputs = 1\nloss = "squared_error"\n'
        f'[[network.layers]]\nunits = 1\n{examples}[training]\nbatch = "all"\n'
    )
    assert next(as_text(trace(load(path)), "matrix", "dz")) == "Many: iteration 1, 30 examples\n\n"


def test_gates_of_one_line_say_whose_they_are(tmp_path):
    path = tmp_path / "line.toml"
    circuit = '[circuit]\ndefine = ["f = x * x + 1"]\noutput = "f"\ninputs = { x = 3 }\n'
    path.write_text('format = 1\ntitle = "T"\n' + circuit)
    text = "".join(as_text(trace(load(path)), "matrix", "dz"))
    assert "in f = x * x + 1\n    [f.1]\n" in text


def test_markdown_is_fenced_and_escaped():
    text = "".join(as_markdown(TRACES["p-deep"], "scalar", "nabla"))
    assert text.count("```text\n") == text.count("```") / 2 == text.count("\n### ")
    outside = re.sub(r"```text\n.*?```", "", text, flags=re.DOTALL)
    assert not re.search(r"^ *\[", outside, re.MULTILINE)
    assert markdown_text("a_b [x](y) <b> `c` | 1 & 2") == r"a\_b \[x\](y) \<b\> \`c\` \| 1 &amp; 2"


def test_a_formula_that_is_a_copy_stands_on_one_line():
    text = "".join(as_text(TRACES["gates"], "matrix", "dz"))
    assert "    ∂f/∂x = ∂f/∂q = −4\n" in text
    assert chain_lines(type("Chain", (), {"docs": ("ab", "c + d", "1 + 2", "3")})) == [
        "ab = c + d",
        "   = 1 + 2",
        "   = 3",
    ]


def test_prose_wraps_paragraphs_and_keeps_lists_and_code():
    text = textwrap.dedent(
        """
        One paragraph that is
        written on two lines.

        - an item that is so long that it will not fit on one line of seventy-eight columns at all
        - another

        ```
        keep   this
          as it is
        ```
        """
    )
    assert prose(text) == (
        "One paragraph that is written on two lines.\n\n"
        "- an item that is so long that it will not fit on one line of seventy-eight\n  columns at all\n- another\n\n"
        "```\nkeep   this\n  as it is\n```"
    )


# ---------------------------------------------------------------- size


@pytest.mark.parametrize("format", FORMATS)
def test_a_large_network_is_exported_with_little_work(large, format):
    parts: list[str] = []
    lesson = load(large)
    assert effort(lambda: parts.extend(FORMATS[format](trace(lesson), "matrix", "dz"))) < 500_000
    text = "".join(parts)
    if format == "json":
        value = {step["id"]: step["value"] for step in json.loads(text)["steps"]}["dL/dW1"]
        assert np.shape(value) == (30, 784)
    else:
        assert len(text) < 20_000  # a matrix as its corners


@pytest.mark.parametrize("format", FORMATS)
def test_a_large_networks_scalar_steps_are_never_all_in_memory(large, format):
    pieces = FORMATS[format](trace(load(large)), "scalar", "dz")
    next(pieces)
    for _ in itertools.islice(pieces, 300):
        pass  # past what is computed once
    tracemalloc.start()
    try:
        found = sum(len(piece) for piece in itertools.islice(pieces, 600))
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()
    assert found > 10_000
