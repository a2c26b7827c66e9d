"""Lessons that are broken as people break them: one cause is one message, and it says how to mend it."""

from __future__ import annotations

import pytest

from test_lesson import CIRCUIT, SMALL
from tutor.engine.activations import ACTIVATIONS
from tutor.engine.lesson import INITIALISERS, ORDERS
from tutor.engine.losses import LOSSES
from tutor.engine.optimizers import OPTIMIZERS
from tutor.lessonfiles.check import MOST_ALIKE, examine, written_out
from tutor.lessonfiles.expectations import holds
from tutor.lessonfiles.schema import SCHEMA, keys
from tutor.lessonfiles.synonyms import SYNONYMS, meant

BASE = """\
format = 1
title = "Base"
[network]
inputs = ["a", "b"]
loss = "half_squared_error"
[[network.layers]]
units = 2
activation = "sigmoid"
weights = [[0.5, -1], [0.25, 0.5]]
[[network.layers]]
units = 1
weights = [[2, -1]]
[[examples]]
inputs = [2, 1]
targets = [2]
[training]
learning_rate = 0.1
[[notes]]
step = "dL/dz1"
text = "A note about {z1}."
[[questions]]
step = "dL/dW1[2,1]"
"""

BROKEN = [
    ("[[network.layers]]\nunits = 2", "[[network.layer]]\nunits = 2", 6, "did you mean 'layers'?", "[network.layers]"),
    ("[[network.layers]]\nunits = 2", "[[layers]]\nunits = 2", 6, "unknown key 'layers'", "belongs in [network]"),
    ("[network]", "[[network]]", 3, "must be a table, not a list", "with one bracket"),
    ("[[notes]]", "[notes]", 18, "must be a list", "[[notes]]"),
    ("[[notes]]", "[[note]]", 18, "did you mean 'notes'?", ""),
    ("[[questions]]", "[[question]]", 21, "did you mean 'questions'?", ""),
    ("learning_rate", "lr", 17, "did you mean 'learning_rate'?", ""),
    ("learning_rate", "eta", 17, "did you mean 'learning_rate'?", ""),
    ("units = 2", "neurons = 2", 7, "did you mean 'units'?", ""),
    ("units = 1\nweights", "units = 1\ninit", 12, "did you mean 'weights'?", ""),
    ("units = 1\nweights", "units = 1\nkernel", 12, "did you mean 'weights'?", ""),
    ("targets", "y", 15, "did you mean 'targets'?", ""),
    ("targets", "outputs", 15, "did you mean 'targets'?", ""),
    ("inputs = [2, 1]", "x = [2, 1]", 14, "did you mean 'inputs'?", ""),
    ("loss =", "cost =", 5, "did you mean 'loss'?", ""),
    ('"sigmoid"', '"ReLU"', 8, "did you mean 'relu'?", "activation is one of"),
    ('"sigmoid"', '"LeakyReLU"', 8, "did you mean 'leaky_relu'?", ""),
    ('"sigmoid"', '"identity"', 8, "did you mean 'linear'?", ""),
    ("half_squared_error", "mse", 5, "did you mean 'mean_squared_error'?", ""),
    ("half_squared_error", "BCE", 5, "did you mean 'binary_cross_entropy'?", ""),
    ("half_squared_error", "categorical_cross_entropy", 5, "did you mean 'cross_entropy'?", ""),
    ("half_squared_error", "sparse categorical crossentropy", 5, "did you mean 'cross_entropy'?", ""),
    ("half_squared_error", "nll", 5, "did you mean 'cross_entropy'?", ""),
    ("[training]", '[training]\noptimizer = "Adam"', 17, "did you mean 'adam'?", ""),
    ("[training]", '[training]\noptimizer = "gradient descent"', 17, "did you mean 'sgd'?", ""),
    ("[training]", '[training]\nbatch = "full"', 17, "did you mean 'all'?", ""),
    ("[training]", '[quiz]\nstep = ["z1"]\n[training]', 17, "did you mean 'steps'?", ""),
    ("[[2, -1]]", '"glorot"', 12, "did you mean 'xavier'?", ""),
    ("units = 2", 'units = "2"', 7, "not the text '2'", "without quotes"),
    ("half_squared_error", "cross_entropy", 5, "wants softmax", "softmax"),
]


@pytest.mark.parametrize("old, new, line, says, mend", BROKEN, ids=[row[1] for row in BROKEN])
def test_one_cause_is_one_message(tmp_path, old, new, line, says, mend):
    assert old in BASE
    (tmp_path / "b.toml").write_text(BASE.replace(old, new, 1))
    (problem,) = examine(tmp_path / "b.toml")[1]
    assert problem.line == line and says in problem.message
    assert mend in problem.message + problem.advice


def test_the_base_is_sound(tmp_path):
    (tmp_path / "b.toml").write_text(BASE)
    assert examine(tmp_path / "b.toml")[1] == []


@pytest.mark.parametrize("word", ["gelu", "elu", "Swish", "huber", "RMSprop", "mish"])
def test_what_this_tutor_has_not_is_not_taken_for_what_it_has(word):
    for known in (ACTIVATIONS, LOSSES, OPTIMIZERS):
        near = meant(word, known)
        assert near is None or near.replace("_", "") == word.casefold() or word.casefold() in SYNONYMS[near].split()


def test_no_word_stands_for_two_things_that_are_asked_for_in_one_place():
    places = [list(ACTIVATIONS), list(LOSSES), list(OPTIMIZERS), list(INITIALISERS), list(ORDERS)]
    places += [list(table["properties"]) for _, table in [((), SCHEMA), *keys()] if "properties" in table]
    for known in places:
        words = [word for name in known for word in SYNONYMS.get(name, "").split()]
        assert len(words) == len(set(words)), known
        for name in known:
            assert meant(name, known) == name


# ---------------------------------------------------------------- circuits


@pytest.mark.parametrize(
    "formula, says",
    [
        ("1 / z0", "a division by zero: 1/0"),
        ("x * (3 / (z0 + 0))", "a division by zero: 3/0"),
        ("z0 / z0", "a division by zero: 0/0"),
        ("z0 ** -1", "a division by zero: 0 to the power of -1"),
        ("log(z0)", "log of 0"),
        ("log(x)", "log of -2"),
        ("sqrt(x)", "sqrt of -2"),
        ("exp(y * 1000)", "too large for a number"),
    ],
)
def test_what_is_not_finite_says_why(tmp_path, formula, says):
    text = CIRCUIT.replace("f = q * z", f"f = q * z + {formula}").replace("x = -2", "x = -2\nz0 = 0")
    (tmp_path / "c.toml").write_text(text)
    problems = [p for p in examine(tmp_path / "c.toml")[1] if p.severity == "error"]
    assert len(problems) == 1 and says in problems[0].message


def test_a_kind_that_can_ask_about_nothing_says_so(tmp_path):
    text = BASE.replace("units = 2", "units = 1").replace(", [0.25, 0.5]", "").replace("[[2, -1]]", "[[2]]")
    (tmp_path / "p.toml").write_text(text.replace('"dL/dW1[2,1]"', '"z1"\nkind = "paths"'))
    (problem,) = examine(tmp_path / "p.toml")[1]
    assert "by one path alone" in problem.advice
    (tmp_path / "p.toml").write_text(BASE.replace('"dL/dW1[2,1]"', '"L"\nkind = "direction"'))
    (problem,) = examine(tmp_path / "p.toml")[1]
    assert 'such as "' in problem.advice


@pytest.mark.parametrize("units, warned", [(1, True), (2, False)])
def test_softmax_over_one_unit_is_warned_of(tmp_path, units, warned):
    text = BASE.replace("units = 1\nweights = [[2, -1]]", f'units = {units}\nactivation = "softmax"')
    text = text.replace("targets = [2]", f"targets = {[1] * units}")
    (tmp_path / "s.toml").write_text(text[: text.index("[[questions]]")])
    assert any("softmax over a single unit" in p.message for p in examine(tmp_path / "s.toml")[1]) == warned


@pytest.mark.parametrize(
    "written, true, kept",
    [
        ("0e99999999", 0.0, True), ("0e99999999", 0.1, False), ("1e-2000060", 0.0, True), ("1e-2000060", 1.0, False),
        ("0.00", 0.004, True), ("1e-300", 1.2e-300, True), ("-0E+999", 0.0, True), ("0x1F", 31.0, True),
        ("0o17", 15.0, True), ("1_000", 1000.0, True), ("5e" + "0" * 5000 + "1", 50.0, True),
    ],
)  # fmt: skip
def test_every_number_that_toml_knows_can_be_expected(written, true, kept):
    assert holds(written, true) == kept


# ---------------------------------------------------------------- bounds


@pytest.mark.parametrize(
    "key, text",
    [
        ("requires", "requires = [" + ", ".join(f'"a{i}"' for i in range(5_000)) + "]\n"),
        ("notes", "notes = [" + ", ".join(["{step = 'L', text = 'x'}"] * 5_000) + "]\n"),
        ("questions", "questions = [" + ", ".join(["{step = 'L'}"] * 5_000) + "]\n"),
        ("expect", "expect = [" + ", ".join(["{step = 'L', value = 1, source = 'x'}"] * 5_000) + "]\n"),
    ],
)
def test_more_than_anybody_reads_is_one_problem(tmp_path, key, text):
    (tmp_path / "m.toml").write_text(SMALL.replace("[network]", text + "[network]"))
    (problem,) = examine(tmp_path / "m.toml")[1]
    assert f"{key} has 5,000 items" in problem.message


def test_of_many_problems_of_one_kind_the_first_are_written_out(tmp_path):
    notes = "".join(f'[[notes]]\nstep = "z{i}"\ntext = "x"\n' for i in range(500, 600))
    (tmp_path / "n.toml").write_text(SMALL + notes + '[[notes]]\nstep = "L"\ntext = "{a9}"\n')
    texts = list(written_out(examine(tmp_path / "n.toml")[1]))
    assert len(texts) == MOST_ALIKE + 1 and "and 80 more errors" in texts[-1]


def test_a_formula_of_a_program_says_what_to_leave_out(tmp_path):
    (tmp_path / "c.toml").write_text(CIRCUIT.replace("q * z", "np.exp(q) * z"))
    (problem,) = examine(tmp_path / "c.toml")[1]
    assert "write exp without what stands before it" in problem.advice


@pytest.mark.parametrize("seed", range(12))
def test_lessons_that_chance_has_written_raise_nothing(tmp_path, seed):
    """A few of what benchmarks/fuzz_lessons.py tries by the thousand."""
    import random
    import sys
    from pathlib import Path

    sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "benchmarks"))
    import fuzz_lessons

    rng = random.Random(seed)
    lesson, table = rng.choice(fuzz_lessons.seeds()), fuzz_lessons.TABLE
    for text, data in ((fuzz_lessons.mutated(lesson, rng), table.encode()),
                       (fuzz_lessons.LESSON.encode(), fuzz_lessons.mutated(table, rng))):  # fmt: skip
        assert fuzz_lessons.tried(tmp_path, text, data)[0] == ""
