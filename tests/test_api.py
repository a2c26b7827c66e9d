"""The Python API: docs/api.md as it stands, what is raised, and that texts stay data."""

from __future__ import annotations

import doctest
import html.parser
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings

import tutor
from strategies import lessons
from test_to_latex import check as well_formed
from tutor.engine.trace import trace as engine_trace
from tutor.lessonfiles.catalogue import entries

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs" / "api.md"


def test_the_examples_print_what_the_page_says():
    text = "\n".join(re.findall(r"^```python\n(.*?)^```$", DOCS.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL))
    test = doctest.DocTestParser().get_doctest(text, {}, "docs/api.md", str(DOCS), 0)
    assert len(test.examples) > 30
    said: list[str] = []
    doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test, out=said.append)
    assert not said, "".join(said)


def test_the_page_names_every_public_name_and_nothing_else_is_public():
    text = DOCS.read_text(encoding="utf-8")
    assert all(f"`{name}" in text for name in tutor.__all__)
    assert all(getattr(tutor, name).__name__ == name for name in tutor.__all__)
    assert set(tutor.__all__) <= set(dir(tutor))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = tutor.nothing
    for name in tutor.__all__:
        assert getattr(tutor, name).__doc__
    for cls in (tutor.Lesson, tutor.Trace, tutor.Step, tutor.Training):
        for name, member in vars(cls).items():
            if not name.startswith("_") and callable(member):
                assert member.__doc__, f"{cls.__name__}.{name}"


def test_a_network_of_arrays_is_the_one_that_was_meant():
    mine = tutor.network(
        weights=[[[0.1, -0.2], [0.3, 0.4]], [[0.5, -0.6]]],
        biases=[[0.1, 0.2], False],
        activations=["tanh", "sigmoid"],
        loss="squared_error",
        inputs=[[1, 2], [0.5, -1]],
        targets=[[1], [0]],
        learning_rate=0.1,
        batch="all",
    )
    here = mine.trace()
    x, y = np.array([[1, 2], [0.5, -1]]), np.array([[1], [0]])
    hidden = np.tanh(x @ np.array([[0.1, -0.2], [0.3, 0.4]]).T + [0.1, 0.2])
    out = 1 / (1 + np.exp(-(hidden @ [[0.5], [-0.6]])))
    assert np.isclose(here["L"].value, np.mean((y - out) ** 2), rtol=1e-12)
    assert np.allclose(here["dL/dW2"].value, np.mean(2 * (out - y) * out * (1 - out) * hidden, axis=0), rtol=1e-12)
    assert here.rows == (0, 1)
    for id in ("dL/dW1", "dL/dW2", "dL/db1"):
        assert here[id].check().passed
    after = mine.train(1).parameters
    assert np.allclose(after["W1"], mine.trace()["W1'"].value) and "b2" not in after


@settings(max_examples=15, deadline=None)
@given(lessons())
def test_every_step_of_any_lesson(lesson):
    taught = tutor.Lesson(lesson)
    inner = engine_trace(lesson)
    for step, same in zip(taught.trace(), inner.steps(), strict=True):
        assert step.id == same.id and step.phase == same.phase and step.shape == np.shape(step.value)
        assert np.array_equal(step.value, same.value, equal_nan=True)
        well_formed(step.latex)
        assert step.text and step.why and step.title and step.name in step.text
        assert all(operand.name for operand in step.operands)


@pytest.mark.parametrize("entry", entries()[::4], ids=lambda entry: entry.id)
def test_a_lesson_survives_its_text(entry):
    lesson = tutor.load(entry.path)
    again = tutor.loads(lesson.toml(), entry.id)
    assert again.id == lesson.id == tutor.load(entry.id).id
    assert len(again.trace()) == len(lesson.trace())
    for one, other in zip(lesson.trace(), again.trace(), strict=True):
        assert np.array_equal(one.value, other.value)


def test_what_is_handed_out_is_a_copy():
    lesson = tutor.load("o-regression")
    value = lesson.trace()["W1'"].value
    value[:] = 7
    training = lesson.train(10)
    training.losses[:] = 7
    training.parameters["W1"][:] = 7
    assert not np.any(lesson.trace()["W1'"].value == 7) and not np.any(training.losses == 7)
    assert not np.any(training.parameters["W1"] == 7)
    with pytest.raises(AttributeError):
        lesson.id = "mine"  # type: ignore[misc]


def refused(make) -> list[str]:
    with pytest.raises(tutor.LessonError) as error:
        make()
    assert error.value.problems
    return [problem.message for problem in error.value.problems]


@pytest.mark.parametrize(
    "arguments, says",
    [
        ({"weights": [[[1, 2]]], "inputs": [1, 2, 3], "targets": [1]}, "the network has 3 inputs"),
        ({"weights": [[[1, 2]]], "inputs": [1, 2], "targets": [1, 2]}, "2 targets"),
        ({"weights": [[[1, 2]]], "inputs": [[1, 2], [3, 4]], "targets": [[1]]}, "2 examples of inputs and 1 of"),
        ({"weights": [[[1, float("nan")]]], "inputs": [1, 2], "targets": [1]}, "nan"),
        ({"weights": ["xavier"], "inputs": [1, 2], "targets": [1]}, "weights[0] is no matrix"),
        ({"weights": [[[1, 2]]], "inputs": [1, 2], "targets": [1], "loss": "mse"}, "unknown loss 'mse'"),
        ({"weights": [[[1, 2]]], "inputs": [1, 2], "targets": [1], "biases": [[1], [2]]}, "of weights and 2 biases"),
        ({"weights": [[[1, 2]]], "inputs": [1, 2], "targets": [1], "lerning_rate": 1}, "lerning_rate"),
        ({"weights": [[[1, 2]]], "inputs": [1, 2], "targets": [1], "optimizer": "adamm"}, "adamm"),
        ({"weights": [], "inputs": [1, 2], "targets": [1]}, "layers"),
        ({"weights": [[[1, 2]]], "inputs": [], "targets": [1]}, ""),
        ({"weights": [[[1, 2]]], "inputs": [1, 2], "targets": [1], "notation": "bishop"}, "bishop"),
        ({"weights": [[[1, 2]]], "inputs": [1, 2], "targets": [1], "title": ""}, "title"),
    ],
)  # fmt: skip
def test_a_network_that_cannot_be_is_refused_in_words(arguments, says):
    assert any(says in message for message in refused(lambda: tutor.network(**arguments)))


def test_other_refusals(tmp_path):
    assert refused(lambda: tutor.load("no-such"))
    assert refused(lambda: tutor.load(tmp_path / "no.toml"))
    assert refused(lambda: tutor.load(tmp_path))
    assert refused(lambda: tutor.load(""))
    assert refused(lambda: tutor.loads(""))
    assert refused(lambda: tutor.loads("format = 1\0"))
    assert refused(lambda: tutor.loads("\ud800"))
    assert refused(lambda: tutor.loads("x" * 5_000_000))
    assert refused(lambda: tutor.circuit(inputs={"x": 1}))
    assert refused(lambda: tutor.circuit("f = x / 0", inputs={"x": 1}))
    with pytest.raises(TypeError, match="numbers are needed here, not complex"):
        tutor.network(weights=[[[1j]]], inputs=[1], targets=[1])
    lesson = tutor.load("o-regression")
    for bad in (0, -1, 1.5, "1", True, 10**9):
        with pytest.raises(ValueError, match="iterations"):
            lesson.trace(bad)
        with pytest.raises(ValueError, match="iterations"):
            lesson.train(bad)
    with pytest.raises(ValueError, match="not both"):
        lesson.train(1, epochs=1)
    with pytest.raises(ValueError, match="did you mean 'delta'"):
        lesson.trace(notation="delt")
    with pytest.raises(ValueError, match="levels"):
        lesson.trace().steps("story")
    with pytest.raises(ValueError, match=r"has 4 values: name one, such as dL/dW1\[1,1\]"):
        lesson.trace()["dL/dW1"].grade("1")
    centred = tutor.circuit("d = x - mean(x)", "L = sum(d ** 2)", inputs={"x": [1, 2, 4]})
    with pytest.raises(ValueError, match=r"name one, such as dL/dx\[1\]@d,"):  # of the same use
        centred.trace()["dL/dx@d"].grade("1")
    with pytest.raises(ValueError, match="not a gradient"):
        lesson.trace()["z1"].check()
    with pytest.raises(tutor.NoSuchStep):
        lesson.trace()["dL/dz1[1]"].grade("1", given={"nothing": 1})
    gates = tutor.circuit("f = x * 2", inputs={"x": 1})
    with pytest.raises(ValueError, match="not trained"):
        gates.train()
    with pytest.raises(ValueError, match="only iteration is 1"):
        gates.trace(2)


def test_training_can_be_returned_to():
    lesson = tutor.load("xor")
    training = lesson.train(300)
    for iteration in (1, 57, 300):
        here = training.trace(iteration)
        assert np.isclose(here["L"].value, training.losses[iteration - 1], rtol=1e-12)
        for id, value in training.parameters_before(iteration + 1).items():
            assert np.allclose(here[f"{id}'"].value, value, rtol=1e-12)
    for bad in (0, 302):
        with pytest.raises(ValueError, match="from 1 to 301"):
            training.parameters_before(bad)
    assert tutor.load("c-431").train(converge=True).stopped in ("converged", "done")
    wild = tutor.network(weights=[[[1.0]]], inputs=[[10]], targets=[[0]], learning_rate=100)
    assert wild.train(1000).stopped == "diverged"


def test_a_check_at_a_kink_says_so():
    corner = tutor.circuit("f = relu(x)", inputs={"x": 0})
    found = corner.trace()["df/dx"].check()
    assert found.at_kink and not found.passed


class _Tags(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.data: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        assert {name for name, _ in attrs} <= {"style"}

    def handle_data(self, data):
        self.data.append(data)


def test_text_of_a_lesson_is_data_in_a_notebook():
    evil = "<b>$a$"
    note = "<script>alert(1)</script> [x](javascript:alert(1)) ![](http://x/y.png) \\\\(z\\\\) & $q$"
    lesson = tutor.loads(
        f"""
        format = 1
        title = "t"
        [network]
        inputs = ["{evil}", "a%b&c_d"]
        loss = "half_squared_error"
        [[network.layers]]
        units = 1
        weights = [[1, 2]]
        [[examples]]
        inputs = [1, 2]
        targets = [1]
        [training]
        [[notes]]
        step = "z1"
        text = "{note}"
        """
    )
    for step in lesson.trace().steps("scalar"):
        parser = _Tags()
        parser.feed(step._repr_html_())
        assert set(parser.tags) <= {"div", "p", "strong", "code", "blockquote", "span"}
        # A dollar stands alone in its element (MathJax reads across none), but round the equation.
        for data in parser.data:
            assert data == "$" or data.count("$") in (0, 4) or (data.startswith("$$") and data.endswith("$$"))
        markdown = step._repr_markdown_()
        equation = step.latex
        text = markdown.replace(f"$$\n{equation}\n$$", "").replace(f"`{step.id}`", "")
        assert not re.search(r"(?<!\\)[<\[$]", text)
        well_formed(equation)
        assert step._repr_latex_() == f"$${equation}$$"
    assert "javascript" in "".join(step._repr_markdown_() for step in lesson.trace())


# ---------------------------------------------------------------- a whole array graded


def two_rows():
    weights, x = [[[0.15, 0.2], [0.25, 0.3]], [[0.4, 0.45], [0.5, 0.55]]], [[0.05, 0.1], [0.2, 0.3]]
    options = {"activations": "sigmoid", "batch": "all", "learning_rate": 0.5}
    found = tutor.network(weights, x, [[0.01, 0.99], [0.4, 0.5]], **options).trace()
    return found, [(found[f"dL/dz2@{row}"].value, found[f"a1@{row}"].value) for row in (1, 2)]


def test_a_whole_array_has_the_verdict_and_the_slip_of_diagnose():
    t, ((d, a), (e, b)) = two_rows()
    right = (np.outer(d, a) + np.outer(e, b)) / 2
    step = t["dL/dW2"]
    kinds = {
        "correct": [right, right.astype(np.float32), right.tolist(), right.T],
        "misconception": [2 * right, -right],
        "wrong": [right * np.array([[1, 2], [3, 4]]), np.ones((3, 3))],
    }
    for kind, answers in kinds.items():
        assert [step.grade(answer).kind for answer in answers] == [kind] * len(answers)
    found = step.grade(2 * right)
    assert found.misconception == "sum-for-mean" and np.array_equal(found.given, 2 * right)
    assert found.expected == pytest.approx(right) and not found.correct
    assert step.grade(np.ones((3, 3))).message == "The lesson's dL/dW2 is 2 × 2, this is 3 × 3."


def test_of_a_whole_array_what_follows_from_own_ones_is_carried():
    t, ((d, a), (e, b)) = two_rows()
    mine = (np.outer(-d, a) + np.outer(e, b)) / 2
    step = t["dL/dW2"]
    assert step.grade(mine).kind == "wrong"
    assert step.grade(mine, given={"dL/dz2@1": -d}).kind == "carried"
    assert step.grade(mine, given={"dL/dz2[1]@1": -d[0], "dL/dz2[2]@1": -d[1]}).kind == "carried"
    assert t["dL/dz1@2"].grade(t["dL/dz1@2"].value, given={"dL/dz2@1": -d}).kind == "correct"
    with pytest.raises(ValueError, match=r"'dL/dz2@1' has the shape \(2,\), not \(3,\)"):
        step.grade(mine, given={"dL/dz2@1": [1, 2, 3]})


def test_numbers_and_tables_are_answers_too():
    t, _ = two_rows()
    one = t["dL/dz2[1]@2"]
    assert one.grade(one.value).kind == one.grade(np.float32(one.value)).kind == "correct"
    assert t["dL/dz2@2"].grade(str(t["dL/dz2@2"].value)).kind == "correct"
    assert t["da2/dz2"].grade(t["da2/dz2"].value).kind == "correct"
    with pytest.raises(TypeError, match="numbers are needed here"):
        t["dL/dW2"].grade({"a": 1})
