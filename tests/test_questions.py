"""Every kind of question: what it asks, which wrong answers it understands, and that its own answer is right."""

import math
import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import strategies as some
from effort import effort
from strategies import DEEP, circuit_lesson, dense, network_lesson
from tutor.engine.expressions import Ref
from tutor.engine.lesson import AuthorQuestion, Training, WrongAnswer
from tutor.engine.trace import NoSuchStep, trace
from tutor.lessonfiles import schema
from tutor.lessonfiles.check import load
from tutor.questions.authored import author_item
from tutor.questions.choosing import spread
from tutor.questions.grading import VERDICTS
from tutor.questions.items import AUTHOR, judge_choice
from tutor.questions.kinds import KINDS, SMALL_MATRIX, item_for
from tutor.questions.kinds.structure import read_shape
from tutor.questions.mastery import SKILLS, skill
from tutor.questions.misconceptions import MISCONCEPTIONS
from tutor.questions.pasted_tables import read_cells
from tutor.questions.tokens import NotUnderstood
from tutor.text.notations import NOTATIONS
from tutor.text.writer import Writer

LESSONS = sorted((Path(__file__).parent.parent / "lessons").glob("*.toml"))

WIDE = network_lesson(
    [
        dense([[0.2, -0.3, 0.5], [0.7, 0.4, -0.6]], [0.1, -0.2], "sigmoid"),
        dense([[0.3, -0.8], [0.5, 0.9], [-0.4, 0.6]], [0.2, 0.4, -0.1], "tanh"),
        dense([[0.6, -0.5, 0.7], [-0.2, 0.3, 0.8]], [0.3, -0.4]),
    ],
    "half_squared_error",
    [[0.5, -1.2, 0.8]],
    [[0.7, -0.3]],
    learning_rate=0.1,
)
FORK = circuit_lesson(["u = x * y", "v = x + u", "f = u * v"], x=3, y=-2, training=Training(0.1))


def ask(lesson, step, kind, seed=0, notation="dz"):
    here = trace(lesson)
    return KINDS[kind](here.find(step), Writer(lesson, notation), random.Random(seed))


def chosen(item, text: str):
    """The verdict on the choice with this text."""
    return item.grade(str(item.choices.index(text) + 1))


# ---------------------------------------------------------------- every item of every kind


GARBAGE = ("", "abc", "1e999", "[[", "99", "1 2 3", "-", "?", "(" * 300, "1 " * 9000, "\x1b[31m", "²", "١")


def hold(item, garbage=GARBAGE):
    assert item.kind in (*KINDS, "number", "choice")
    assert item.skill in SKILLS or skill(item.skill).title != item.skill  # a gate's or an optimiser's has a default
    assert item.prompt and item.answer and all(item.hints)
    assert len(set(item.choices)) == len(item.choices) != 1
    verdict = item.grade(item.answer)
    assert verdict.correct and verdict.credit in (None, 1.0), (item.id, item.answer, verdict)
    assert item.cost(len(item.hints) - 1) == 1.0 and item.cost(0) < 1
    for text in garbage:
        verdict = item.grade(text)
        assert verdict.kind in VERDICTS and verdict.message
        assert verdict.credit is None or 0 <= verdict.credit <= 1
        assert verdict.misconception is None or verdict.misconception in MISCONCEPTIONS
    for at in range(len(item.choices)) if not item.many and item.choices else ():
        assert item.grade(str(at + 1)).kind != "not-understood"


@pytest.mark.parametrize("number, path", list(enumerate(LESSONS)), ids=[path.stem for path in LESSONS])
def test_every_kind_on_the_steps_of_the_lessons(number, path):
    """Of wholes every third step, beginning with another one in each lesson; some elements."""
    lesson = some.bundled(path.stem.partition("-")[2])
    here, writer = trace(lesson), Writer(lesson, lesson.notation)
    kinds = set()
    for level in ("matrix", "scalar"):
        begin, by = (0, 1) if DEEP else (number % 3, 3)
        if level == "scalar":
            begin, by = 0, 97 if path.stem.endswith("digits") else 7 if DEEP else 11
        for step in list(here.steps(level))[begin::by]:
            for kind, make in KINDS.items():
                item = make(step, writer, random.Random(1))
                if item:
                    kinds.add(kind)
                    hold(item, ("", "0", "1 2"))
                    assert len(item.hints) == 4 and item.id.startswith(kind + ":") and item.kind == kind
    assert {"value", "operands", "next"} <= kinds


@settings(max_examples=25, suppress_health_check=[*HealthCheck])
@given(some.lessons(), st.sampled_from(list(NOTATIONS)), st.integers(0, 99))
def test_every_kind_on_random_lessons(lesson, notation, seed):
    here, writer, rng = trace(lesson), Writer(lesson, notation), random.Random(seed)
    steps = list(here.steps())
    for step in rng.sample(steps, min(6, len(steps))):
        for make in KINDS.values():
            item = make(step, writer, rng)
            if item:
                hold(item)


def test_the_same_seed_gives_the_same_question():
    for kind in KINDS:
        for step in ("z2", "dL/dW2", "dL/da1"):
            assert ask(WIDE, step, kind, 5) == ask(WIDE, step, kind, 5)
    orders = {ask(WIDE, "dL/dz2[1]", "formula", seed).choices for seed in range(9)}
    assert len(orders) > 3


def test_a_choice_that_begins_like_a_number_is_taken_by_its_text():
    judge = judge_choice(("0", "1(x ≥ y)", "2(x, y)"), (1,), {})
    assert judge("1(x ≥ y)", {}).correct, "not choice 1"
    assert judge("2", {}).correct and judge("2 (whatever it is)", {}).correct
    assert not judge("2(x, y)", {}).correct and not judge("1", {}).correct


def test_the_kinds_are_those_of_the_format():
    assert tuple(KINDS) == schema.STEP_KINDS


def test_item_for_takes_the_first_kind_that_can():
    here, writer, rng = trace(WIDE), Writer(WIDE, "dz"), random.Random(0)
    assert item_for(here.find("L"), writer, rng, ("shape", "matrix", "value")).kind == "value"
    assert item_for(here.find("L"), writer, rng, ("shape", "matrix")) is None


# ---------------------------------------------------------------- value and matrix


def test_a_value_names_the_slip():
    item = ask(WIDE, "dL/dz2[1]", "value")
    here = trace(WIDE)
    verdict = item.grade(f"{here.find('dL/da2[1]').value:.4g}")
    assert (verdict.kind, verdict.misconception) == ("misconception", "slope-dropped")
    assert verdict.slips and verdict.credit is None


def test_each_cell_of_a_matrix_counts_and_is_diagnosed():
    item = ask(WIDE, "dL/dz2", "matrix")
    here = trace(WIDE)
    right = [f"{v:.4g}" for v in here.find("dL/dz2").value]
    dropped = [f"{v:.4g}" for v in here.find("dL/da2").value]
    assert item.grade(" ".join(right)).correct
    verdict = item.grade(f"[{right[0]}, {dropped[1]}, {right[2]}]")
    assert (verdict.kind, verdict.misconception) == ("misconception", "slope-dropped")
    assert math.isclose(verdict.credit, 2 / 3)
    assert [cell.kind for cell in verdict.cells] == ["correct", "misconception", "correct"]
    assert "2 of 3 right" in verdict.message and "[2]" in verdict.message
    verdict = item.grade(" ".join(dropped))
    assert verdict.credit == 0 and verdict.message.count("slope") <= 3  # the same slip is said once
    verdict = item.grade(f"{right[0]} ? {right[2]}")
    assert [cell.correct for cell in verdict.cells] == [True, False, True]
    assert item.grade(f"{right[0]} abc {right[2]}").kind == "not-understood"
    assert item.grade(f"{right[0]} {right[1]}").kind == "not-understood"


def test_cells_may_be_expressions():
    item = ask(WIDE, "z1", "matrix")
    assert item.grade(
        "W1[1,1]*x[1] + W1[1,2] * x[2] + W1[1,3]*x[3] + b1[1], (0.7*0.5 - 0.4*1.2 - 0.6*0.8) - 0.2"
    ).correct


@pytest.mark.parametrize("text", [
    "1 2 3\n4 5 6", "1, 2, 3\n4, 5, 6", "1 2 3; 4 5 6", "[[1, 2, 3], [4, 5, 6]]", "[[1 2 3]\n [4 5 6]]",
    "[[1,2,3],[4,5,6]]",
    "1 2 3 4 5 6", "[1, 2, 3, 4, 5, 6]", " [ [1, 2, 3] , [4, 5, 6] ] ", "[1 2 3] [4 5 6]", "[1,2,3]\n[4,5,6]",
])  # fmt: skip
def test_forms_of_a_matrix(text):
    assert read_cells(text, (2, 3)) == list("123456")


def test_forms_of_a_vector():
    for text in ("1 2 3", "1\n2\n3", "[1, 2, 3]", "[[1], [2], [3]]", "1; 2; 3"):
        assert read_cells(text, (3,)) == list("123")
    assert read_cells("a1[1,2] * (x, y), 3", (2,)) == ["a1[1,2] * (x, y)", "3"]


@pytest.mark.parametrize("text", ["1 2; 3 4; 5 6", "1 2 3", "", "[[", "]", "[[1, 2, 3], [4, 5]]", "[1 2 3 4 5 6"])
def test_what_is_no_matrix_of_the_shape(text):
    with pytest.raises(NotUnderstood):
        read_cells(text, (2, 3))


def test_a_matrix_of_equal_cells_is_not_asked():
    lesson = network_lesson([dense([[0.5], [0.5]], None)], "squared_error", [[1]], [[2, 2]])
    assert ask(lesson, "z1", "matrix") is None and ask(lesson, "dL/dz1", "matrix") is None
    assert ask(lesson, "L", "matrix") is None


def test_a_large_matrix_is_graded_with_little_work():
    rng = np.random.default_rng(0)
    layers = [
        dense(rng.normal(size=(16, 16)), rng.normal(size=16), "sigmoid"),
        dense(rng.normal(size=(16, 16)), rng.normal(size=16), "sigmoid"),
    ]
    lesson = network_lesson(layers, "squared_error", rng.normal(size=(1, 16)), rng.normal(size=(1, 16)))
    value = trace(lesson).find("dL/dW1").value
    right = "\n".join(" ".join(f"{v:.3g}" for v in row) for row in value)
    turned = "\n".join(" ".join(f"{v:.3g}" for v in row) for row in value.T)
    verdicts: list = []
    for text, kind in ((right, "correct"), (turned, "misconception")):
        item = ask(lesson, "dL/dW1", "matrix")
        assert effort(lambda: verdicts.append(item.grade(text))) < 500_000
        assert verdicts.pop().kind == kind


# ---------------------------------------------------------------- shape


def test_shapes():
    item = ask(WIDE, "dL/dW2", "shape")
    for text in ("3x2", "3 × 2", "(3, 2)", "3 by 2", "[3 2]", "3*2"):
        assert item.grade(text).correct, text
    assert item.grade("2x3").misconception == "to-and-from"
    assert "how many numbers" in item.grade("6").message
    assert item.grade("7x7").kind == "wrong"
    assert item.grade("three by two").kind == item.grade("3x").kind == "not-understood"
    vector = ask(WIDE, "dL/da2", "shape")
    assert vector.grade("3").correct and vector.grade("3 × 1").correct and vector.grade("(3,)").correct
    assert "row" in vector.grade("1x3").message
    assert "3" not in item.prompt + vector.prompt
    assert read_shape("(2,)") == (2,)


def test_the_shape_of_another_gradient_is_named():
    lesson = network_lesson(
        [dense([[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]]), dense([[0.7, 0.8]])], "squared_error", [[1, 2, 3]], [[1]]
    )
    name = Writer(lesson, "dz").text(Ref(trace(lesson).program.model.parameters[0]))
    assert f"the shape of {name}" in ask(lesson, "dL/dW2", "shape").grade("2x3").message


@pytest.mark.parametrize("step", ["L", "dL/dW1", "z1"])
def test_a_shape_that_says_nothing_is_not_asked(step):
    lesson = network_lesson([dense([[0.5]])], "squared_error", [[1]], [[2]])
    assert ask(lesson, step, "shape") is None


# ---------------------------------------------------------------- formula, operands, next


def test_a_wrong_formula_names_its_misconception():
    item = ask(WIDE, "dL/dz2[1]", "formula", notation="partials")
    kinds = {text: chosen(item, text) for text in item.choices}
    assert sum(verdict.correct for verdict in kinds.values()) == 1
    named = {verdict.misconception for verdict in kinds.values() if not verdict.correct}
    assert len(named) == len(item.choices) - 1 >= 2 and None not in named
    assert all(verdict.kind == "misconception" for verdict in kinds.values() if not verdict.correct)
    assert item.grade(item.answer).correct and kinds[item.answer].correct


def test_a_formula_that_gives_the_right_number_is_no_wrong_choice():
    # The outer product turned round is the same product on the diagonal.
    lesson = network_lesson([dense([[0.3, 0.5], [0.7, -0.4]])], "squared_error", [[0.6, -0.9]], [[1, 2]])
    item = ask(lesson, "dL/dW1[1,1]", "formula")
    right = trace(lesson).find("dL/dW1[1,1]").value
    for text in item.choices:
        found = chosen(item, text)
        assert found.correct or not math.isclose(found.slips[0].value, right)


def test_wrong_formulas_are_those_of_the_asked_equation():
    """The examples of a batch have equations of their own: a wrong one of theirs is none of the mean's."""
    lesson = network_lesson(
        [dense([[0.3, -0.5], [0.7, 0.2]])], "squared_error", [[1, 2], [0.5, 3]], [[1, 0], [2, 1]], batch="all"
    )
    here = trace(lesson)
    for step in here.steps():
        item = KINDS["formula"](step, Writer(lesson, "dz"), random.Random(0))
        for text in item.choices if item else ():
            verdict = chosen(item, text)
            assert verdict.correct or verdict.slips[0].equation.symbol == step.equation.symbol


def test_without_wrong_formulas_no_choice():
    assert ask(FORK, "u", "formula") is None


def test_operands():
    item = ask(WIDE, "dL/dW2", "operands")
    names = {item.choices[int(n) - 1] for n in item.answer.split(" (")[0].split()}
    writer, here = Writer(WIDE, "dz"), trace(WIDE)
    assert names == {writer.text(here.find(id).ref) for id in ("dL/dz2", "a1")}
    numbers = item.answer.split(" (")[0].split()
    assert item.grade(", ".join(numbers)).correct and item.grade(" and ".join(reversed(numbers))).correct
    one = item.grade(numbers[0])
    assert one.kind == "wrong" and one.credit == 0.5 and "missing" in one.message
    everything = item.grade(" ".join(str(n + 1) for n in range(len(item.choices))))
    assert everything.credit == 0 and "not needed" in everything.message
    assert item.grade("0").kind == item.grade("1 77").kind == item.grade("x").kind == "not-understood"


def test_the_values_of_a_misconception_name_it():
    item = ask(WIDE, "W2'", "operands")
    right = {int(n) for n in item.answer.split(" (")[0].split()}
    forgotten = [n for n in right if item.choices[n - 1] != Writer(WIDE, "dz").notation.rate]
    assert len(forgotten) == len(right) - 1
    assert item.grade(" ".join(map(str, forgotten))).misconception == "rate-forgotten"


def test_either_form_of_a_slope_is_not_asked_about():
    """In ∂L/∂a ⊙ σ′(z) both z and a = σ(z) will do: only what is written is offered."""
    here, writer = trace(WIDE), Writer(WIDE, "dz")
    for seed in range(5):
        item = ask(WIDE, "dL/dz2", "operands", seed)
        assert writer.text(here.find("a2").ref) not in item.choices
        assert writer.text(here.find("z2").ref) in item.choices


def test_next_is_the_only_step_that_can_be_taken():
    here, writer = trace(WIDE), Writer(WIDE, "dz")
    ids = [eq.symbol.id for eq in here.equations]
    item = ask(WIDE, "z2", "next")
    assert item.answer == writer.text(here.find("a2").ref)
    for text in item.choices:
        verdict = chosen(item, text)
        assert verdict.correct or "is not there yet" in verdict.message
    assert ask(WIDE, ids[-1], "next") is None


# ---------------------------------------------------------------- direction and paths


def test_direction_follows_the_gradient_and_knows_the_sign_slip():
    here = trace(WIDE)
    for step in ("dL/dW2[1,2]", "dL/dW2[3,1]", "W1'[2,2]", "dL/db3[1]"):
        item = ask(WIDE, step, "direction")
        slope = here.find(step if step[0] == "d" else "dL/dW1[2,2]").value
        right, other = ("down", "up") if slope > 0 else ("up", "down")
        assert item.answer == right and item.grade(right).correct and item.grade(right.upper()).correct
        assert item.grade(other).misconception == "added"
        assert item.grade("same").kind == item.grade("3").kind == "wrong"
        assert item.grade("sideways").kind == item.grade("1 2").kind == "not-understood"
    assert ask(WIDE, "z1", "direction") is None and ask(WIDE, "dL/da1", "direction") is None


def test_direction_is_not_asked_where_nothing_moves():
    frozen = network_lesson([dense([[0.5]], [0.1], train_weights=False)], "squared_error", [[1]], [[2]])
    assert ask(frozen, "dL/dW1", "direction") is None and ask(frozen, "dL/db1", "direction")
    dead = network_lesson([dense([[-0.5]], [-0.1], "relu")], "squared_error", [[1]], [[2]])
    assert ask(dead, "W1'", "direction") is None
    untrained = circuit_lesson(["f = x * y"], x=2, y=3)
    assert ask(untrained, "df/dx", "direction") is None


@pytest.mark.parametrize("step, count", [
    ("dL/dW1[1,2]", 6), ("dL/db1[2]", 6), ("a1[1]", 6), ("dL/da1[1]", 6), ("dL/dW2[1,1]", 2), ("z2[3]", 2),
])  # fmt: skip
def test_paths_of_a_network_are_products_of_widths(step, count):
    item = ask(WIDE, step, "paths")
    assert item.answer == str(count) and item.grade(str(count)).correct and item.grade(f"{count // 2}*2").correct
    assert item.grade("1").misconception == "one-path"
    assert item.grade("17").kind == "wrong" and item.grade("many").kind == "not-understood"
    if count == 6:
        assert "Multiply" in item.grade("5").message


def test_one_path_is_not_asked():
    assert ask(WIDE, "dL/dW3[1,1]", "paths") is None and ask(WIDE, "L", "paths") is None
    assert ask(WIDE, "W1'", "paths") is None


def test_paths_of_a_circuit_are_counted_on_its_graph():
    # u reaches f itself and through v; x reaches u (two ways on) and v.
    assert ask(FORK, "df/du", "paths").answer == "2"
    item = ask(FORK, "df/dx", "paths")
    assert item.answer == "3" and item.grade("1").misconception == "branch-forgotten"
    assert ask(FORK, "df/dv", "paths") is None
    square = circuit_lesson(["q = x * x", "f = q * q"], x=3)
    assert ask(square, "df/dx", "paths").answer == "4"


def test_paths_agree_with_a_walk_over_the_graph():
    def walk(k: int) -> int:
        units = [layer.units for layer in WIDE.network.layers]
        return 1 if k == len(units) else sum(walk(k + 1) for _ in range(units[k]))

    assert [ask(WIDE, f"dL/db{k}", "paths") and int(ask(WIDE, f"dL/db{k}", "paths").answer) for k in (1, 2)] == [
        walk(1), walk(2),
    ]  # fmt: skip


# ---------------------------------------------------------------- a spread


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_spread_covers_phases_and_rules(path):
    lesson = some.bundled(path.stem.partition("-")[2])
    here, writer = trace(lesson), Writer(lesson, lesson.notation)
    order = [eq.symbol.key for eq in here.equations]
    assert spread(here, writer, random.Random(0), 8) == spread(here, writer, random.Random(0), 8)
    for seed in range(4 if DEEP else 2):
        items = spread(here, writer, random.Random(seed), 8)
        about = [item.step.equation.symbol.key for item in items]
        assert len(items) == 8 == len({item.id for item in items})
        assert len(set(about)) >= min(8, len(order) - 2)
        assert about == sorted(about, key=order.index)
        assert {item.step.phase for item in items} >= {"forward", "backward"}
        every = {eq.rule_id for eq in here.equations}  # where all is sums and products there are four
        assert len({item.step.equation.rule_id for item in items}) >= min(5, len(every))
        assert len({item.kind for item in items}) >= 3
        assert not any(item.kind == "matrix" and math.prod(item.step.shape) > SMALL_MATRIX for item in items)
        # what one question shows, no other asks for
        for item in items:
            if item.kind == "direction":
                wrt = item.step.equation.symbol.wrt
                told = [other for other in items if other.kind in ("value", "matrix")]
                asked = [other.step.equation.symbol for other in told]
                assert not any(symbol.quantity == "gradient" and symbol.wrt == wrt for symbol in asked)


def test_a_spread_of_few_has_more_than_one_phase_and_only_its_kinds():
    here, writer = trace(WIDE), Writer(WIDE, "dz")
    items = spread(here, writer, random.Random(0), 3, ("value",))
    assert [item.kind for item in items] == ["value"] * 3 and len({item.step.phase for item in items}) >= 2
    every = spread(here, writer, random.Random(0), 500)
    assert len(here.equations) < len(every) == len({item.id for item in every}) <= 2 * len(here.equations)
    assert spread(here, writer, random.Random(0), 0) == []


def test_a_spread_of_a_batch():
    lesson = network_lesson(
        [dense([[0.3, -0.5], [0.7, 0.2]], [0.1, -0.1], "sigmoid"), dense([[0.4, -0.6]], [0.2])],
        "squared_error", [[1, 2], [-0.5, 0.3], [0.7, -1]], [[1], [0], [2]], batch="all", l2=0.1,
    )  # fmt: skip
    items = spread(trace(lesson), Writer(lesson, "dz"), random.Random(1), 12)
    assert len(items) == 12 and any("@" in item.id for item in items)
    for item in items:
        hold(item)


# ---------------------------------------------------------------- an author's own


def authored(lesson=WIDE, **keys):
    return author_item(AuthorQuestion(**keys), trace(lesson), Writer(lesson, "dz"), random.Random(0))


@pytest.mark.parametrize("kind", list(KINDS))
def test_an_author_asks_about_a_step(kind):
    item = authored(
        step="dL/dW2" if kind in ("matrix", "shape", "next") else "dL/dW2[1,2]",
        kind=kind,
        hints=("look", "again"),
        at=4,
    )
    assert (item.kind, item.id) == (kind, "author:5")
    assert item.hints[:2] == ("look", "again") and len(item.hints) == 3
    assert item.cost(2) == 1.0
    hold(item)


def test_an_author_chooses_element_and_digits_telling_or_not():
    item = authored(step="dL/dW2[1,2]", digits=5)
    value = trace(WIDE).find("dL/dW2[1,2]").value
    assert item.step.id == "dL/dW2[1,2]" and item.question.digits == 5
    assert item.grade(f"{value:.3g}").kind == "imprecise" and item.grade(f"{value:.5g}").correct
    zero = network_lesson([dense([[-0.5]], [-0.1], "relu")], "squared_error", [[1]], [[2]])
    assert ask(zero, "a1", "value") is None
    assert authored(zero, step="a1[1]").grade("0").correct
    assert authored(step="L", kind="shape") is None
    with pytest.raises(NoSuchStep):
        authored(step="dL/dW9")


def test_wrong_answers_of_an_author_come_before_the_tutors_words():
    value = trace(WIDE).find("dL/dz2[1]").value
    dropped = trace(WIDE).find("dL/da2[1]").value
    wrong = (WrongAnswer(round(dropped, 4), "The slope!"), WrongAnswer(round(value, 4), "never said"))
    item = authored(step="dL/dz2[1]", wrong=wrong)
    verdict = item.grade(f"{dropped:.4g}")
    assert (verdict.kind, verdict.message) == ("misconception", "The slope!")
    assert item.grade(f"{value:.4g}").message == "Right."
    shape = authored(step="dL/dW2", kind="shape", wrong=(WrongAnswer("2 × 3", "Turned."), WrongAnswer(6.0, "Six?")))
    assert shape.grade("(2, 3)").message == "Turned." and shape.grade("3x2").correct
    way = authored(step="dL/db3[1]", kind="direction", wrong=(WrongAnswer("same", "It moves."),))
    assert {way.grade(text).message for text in ("same", "Same", "3")} == {"It moves."}


def test_an_author_asks_for_a_number():
    item = authored(
        ask="How many?", kind="number", answer=12.5, wrong=(WrongAnswer(12.49, "Nearly."),), hints=("count",)
    )
    assert item.prompt == "How many?" and item.skill == AUTHOR and item.hints == ("count", "12.5")
    for text in ("12.5", "25/2", "12.50", "1.25e1"):
        assert item.grade(text).correct, text
    assert item.grade("12.49").message == "Nearly."
    assert (
        item.grade("13").kind == "imprecise" and item.grade("-12.5").kind == "sign" and item.grade("7").kind == "wrong"
    )
    assert item.grade("W2[1,1] * 0 + 12.5").correct
    beside = authored(ask="Why?", step="dL/dW2", kind="number", answer=0.0)
    assert beside.skill == "weight_gradient" and beside.step.id == "dL/dW2" and beside.grade("0").correct


def test_an_author_asks_for_a_choice():
    choices = ("2", "3", "none of them")
    item = authored(ask="Which?", kind="choice", choices=choices, answer=3.0, wrong=(WrongAnswer(1.0, "Not two."),))
    assert item.choices == choices and item.answer == "none of them"
    assert item.grade("3").correct and item.grade("none of them").correct
    assert item.grade("1").message == "Not two." and item.grade("2").kind == "wrong"
    assert item.grade("1 2").kind == item.grade("4").kind == "not-understood"
    named = authored(
        ask="Which?", kind="choice", choices=choices, answer="none of them", wrong=(WrongAnswer("3", "x"),)
    )
    assert named.grade("3").correct


def test_the_answer_of_a_matrix_keeps_its_rows_in_the_last_hint():
    from tutor.engine.trace import trace
    from tutor.lessonfiles.catalogue import find
    from tutor.questions.items import item_of_cells
    from tutor.text.writer import Writer

    path = find("relu-mlp")
    assert path is not None
    here = trace(load(path))
    item = item_of_cells(here.find("dL/dW2"), Writer(here.lesson, "dz"), 3)
    assert item.hints[-1] == "dW² = [[1.000, 0], [0.6000, 0], [−1.600, 0]]"
    vector = item_of_cells(here.find("dL/db2"), Writer(here.lesson, "dz"), 3)
    assert vector.hints[-1] == "db² = [0.5000, 0.3000, −0.8000]"
