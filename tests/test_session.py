"""A quiz without its screen: what is asked, what is taken, what it comes to, and how it goes on after an end."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from strategies import bundled
from tutor.engine.trace import trace
from tutor.learner import placement, records
from tutor.learner.rows import SavedQuiz
from tutor.learner.store import Store
from tutor.lessonfiles import catalogue
from tutor.lessonfiles.positions import LessonError
from tutor.questions import quiz
from tutor.questions.kinds import KINDS
from tutor.questions.mastery import GivenAnswer
from tutor.questions.quiz import Quiz
from tutor.text.notations import NOTATIONS
from tutor.text.writer import Writer

ROOT = Path(__file__).resolve().parent.parent
LESSONS = {entry.id: entry.path for entry in catalogue.entries()}


lesson = bundled


def right(item):
    """The right answer on one line."""
    return item.answer.replace("\n", "; ")


def values(*ids, of="o-classification"):
    """Questions for the values of these steps, and a quiz of them."""
    here = trace(lesson(of))
    writer = Writer(here.lesson, here.lesson.notation)
    items = [KINDS["value"](here.find(id), writer, random.Random(1)) for id in ids]
    return quiz.begin([of], items, 1, len(items)), items


def taken(session, items, *texts):
    verdicts = []
    for text in texts:
        session, verdict = quiz.answer(session, items, text)
        verdicts.append(verdict.kind)
    return session, verdicts


# ---------------------------------------------------------------- what is asked


@pytest.mark.parametrize("ids", [("gates",), ("o-regression", "o-classification"), tuple(LESSONS)])
def test_there_are_as_many_questions_as_asked_for_spread_over_the_lessons(ids):
    items = quiz.make_items(map(lesson, ids), 10, 7)
    shares = [sum(item.step.trace.lesson.id == id for item in items) for id in ids]
    assert len(items) == 10 and max(shares) - min(shares) <= 1
    assert len({(item.step.trace.lesson.id, item.id) for item in items}) == 10


def test_the_same_seed_gives_the_same_questions_and_another_seed_others():
    def prompts(seed):
        return [(item.id, item.prompt, item.choices) for item in quiz.make_items([lesson("o-regression")], 10, seed)]

    assert prompts(7) == prompts(7) and len({tuple(prompts(seed)) for seed in range(1, 6)}) == 5


def test_the_same_seed_gives_the_same_questions_in_another_process():
    code = (
        "from tutor.lessonfiles import catalogue\nfrom tutor.questions import quiz\n"
        "from tutor.lessonfiles.check import load\n"
        "items = quiz.make_items([load(catalogue.find(id)) for id in ('gates', 'o-classification')], 10, 7)\n"
        "print(ascii([(item.id, item.prompt, item.choices, item.answer) for item in items]))"
    )
    items = quiz.make_items([lesson("gates"), lesson("o-classification")], 10, 7)
    here = ascii([(item.id, item.prompt, item.choices, item.answer) for item in items])
    for hashes in ("1", "2"):
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": hashes}
        run = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
        assert run.stdout.strip() == here


@pytest.mark.parametrize("id", LESSONS)
def test_the_right_answers_make_a_full_score(id):
    for seed in (1, 2):
        items = quiz.make_items([lesson(id)], 10, seed)
        session, verdicts = taken(quiz.begin([id], items, seed, 10), items, *map(right, items))
        assert verdicts == ["correct"] * len(items) and session.finished
        assert quiz.score(quiz.report(session, items)) == f"{len(items)} of {len(items)} right"


# ---------------------------------------------------------------- answering


def test_one_try_a_question_and_what_is_not_understood_costs_none():
    session, items = values("z1[1]", "a1[2]")
    for text in ("abc", "1,5", "", "1 2", "1e999", "= 1 + 1", " =2"):
        assert taken(session, items, text) == (session, ["not-understood"])
    session, verdicts = taken(session, items, "123")
    assert verdicts == ["wrong"] and session.at == 1 and session.answers == ("123", None)
    session, _ = taken(session, items, "0.69")
    assert session.finished


def test_too_few_digits_are_told_and_not_taken():
    session, items = values("dL/dz1[2]")
    assert taken(session, items, "0.08", "0.080", "0.08") == (session, ["imprecise"] * 3)
    session, verdicts = taken(session, items, "0.0804")
    assert verdicts == ["correct"] and session.finished and quiz.report(session, items)[0].credit == 1


def test_skip_and_back_go_round_over_what_is_open():
    session, items = values("z1[1]", "a1[2]", "L")
    assert [quiz.skip(session).at, quiz.skip(quiz.skip(session)).at] == [1, 2]
    assert quiz.skip(session, -1).at == 2 and quiz.skip(quiz.skip(session, -1)).at == 0
    session, _ = taken(quiz.skip(session), items, "0.69")
    assert session.at == 2 and quiz.skip(session).at == 0 and quiz.skip(session, -1).at == 0
    session, _ = taken(session, items, "0.77")
    assert session.at == 0 and not session.finished
    assert quiz.skip(session).at == 0  # the only one left
    assert taken(session, items, "0.3")[0].finished


def test_ended_early_what_is_open_counts_as_not_answered():
    session, items = values("z1[1]", "a1[2]", "L")
    session, _ = taken(session, items, right(items[0]))
    session = quiz.end(session)
    marked = quiz.report(session, items)
    assert session.finished and [m.verdict and m.verdict.kind for m in marked] == ["correct", None, None]
    assert [m.credit for m in marked] == [1, 0, 0] and quiz.score(marked) == "1 of 3 right"


def test_the_report_has_the_points_of_what_is_half_right():
    session, items = values("dL/dz2[1]", "L")
    session, verdicts = taken(session, items, "-0.5371", "0.385")
    assert verdicts == ["correct", "misconception"]
    assert quiz.score(quiz.report(session, items)) == "1 of 2 right, 1.25 points"


def test_a_single_point_is_a_point():
    session, items = values("dL/dz2[1]", "dL/da1[2]")
    session, _ = taken(session, items, "0.537", "-0.376")
    assert quiz.score(quiz.report(session, items)) == "0 of 2 right, 1 point"


def test_a_slip_carried_on_is_right_method():
    """Target minus prediction at the output; all that follows from it has the sign turned."""
    session, items = values("dL/dz2[1]", "dL/da1[2]", "dL/dz1[2]", "dL/dW1[1,2]")
    session, verdicts = taken(session, items, "0.537", "-0.376", "-0.0804", "0.0933")
    assert verdicts == ["misconception", "carried", "carried", "carried"]
    marked = quiz.report(session, items)
    assert [m.verdict.kind for m in marked] == verdicts
    assert [m.credit for m in marked] == [0.25, 0.75, 0.75, 0.75]
    assert quiz.score(marked) == "0 of 4 right, 2.5 points"


def test_a_slip_of_ones_own_on_top_of_a_carried_one_is_not_credited():
    session, items = values("dL/dz2[1]", "dL/dz1[2]")
    _, verdicts = taken(session, items, "0.5371", "-0.3759")  # and the slope dropped
    assert verdicts[1] not in ("carried", "correct")


def test_typing_nonsense_first_does_not_pay():
    session, items = values("dL/dz2[1]", "dL/da1[2]")
    for first, second in (("0", "0"), ("17", "-11.9")):
        _, verdicts = taken(session, items, first, second)
        assert verdicts == ["wrong", "wrong"]


def test_right_answers_are_right_after_a_slip():
    session, items = values("dL/dz2[1]", "dL/dz1[2]")
    assert taken(session, items, "0.5371", "0.0804")[1] == ["misconception", "correct"]


def test_what_is_known_tells_no_question():
    items = quiz.make_items([lesson("o-classification")], 10, 3)
    asked = {item.step.equation.symbol.key for item in items}
    order = [eq.symbol.key for eq in items[0].step.trace.equations]
    for item in items:
        refs = quiz.known(item, items)
        keys = [ref.symbol.key for ref in refs]
        assert "x" in keys and "W1" in keys and not asked & set(keys)
        own = order.index(item.step.equation.symbol.key)
        assert all(key not in order or order.index(key) < own for key in keys)


# ---------------------------------------------------------------- what is kept


def test_a_session_is_the_same_after_json():
    session, items = values("z1[1]", "a1[2]")
    session, _ = taken(session, items, "−0.5 ")
    assert Quiz.from_json(json.loads(json.dumps(session.to_json()))) == session


@pytest.mark.parametrize(
    "change",
    [{"at": 2}, {"at": -1}, {"answers": []}, {"answers": None}, {"seed": "x"}, {"lessons": None}, {"at": None}],
)
def test_a_damaged_session_is_none(change):
    session, _ = values("z1[1]", "a1[2]")
    with pytest.raises(ValueError):
        Quiz.from_json({**session.to_json(), **change})
    with pytest.raises(ValueError):
        Quiz.from_json({})


@pytest.fixture
def store(data_folder):
    with Store.open() as opened:
        yield opened


def start(store, *ids, count=10, seed=None, anew=False):
    return records.start_quiz(store, tuple(str(LESSONS[id]) for id in ids), count, seed, anew)


def give(store, id, session, items, text):
    item = items[session.at]
    session, verdict = quiz.answer(session, items, text)
    records.keep_quiz_answer(store, id, session, item, text, verdict, records.Stopwatch())
    return session


def same(items):
    return [(item.id, item.prompt, item.choices) for item in items]


def test_a_quiz_that_was_left_goes_on_where_it_was(store):
    id, session, items, goes_on = start(store, "o-regression")
    assert not goes_on
    session = give(store, id, session, items, right(items[0]))
    session = quiz.skip(session)
    records.keep_quiz(store, id, session)
    again = start(store, "o-regression")
    assert again[3] and again[:2] == (id, session) and same(again[2]) == same(items)
    assert [answer.session for answer in store.answers()] == [id]


def test_it_goes_on_with_its_own_lessons_only_and_anew_if_asked(store):
    id, *_ = start(store, "o-regression")
    assert not start(store, "gates")[3] and not start(store, "o-regression", "gates")[3]
    assert start(store, "o-regression")[0] == id
    other = start(store, "o-regression", anew=True)
    assert other[0] != id and not other[3] and start(store, "o-regression")[0] == other[0]


def test_a_finished_quiz_does_not_go_on(store):
    id, session, items, _ = start(store, "gates", count=2)
    for item in items:
        session = give(store, id, session, items, right(item))
    assert not start(store, "gates")[3]


def test_with_a_seed_the_same_command_goes_on_as_well(store):
    id, session, items, _ = start(store, "gates", seed=7)
    give(store, id, session, items, right(items[0]))
    assert start(store, "gates", seed=7)[0] == id
    assert start(store, "gates", seed=8)[0] != id


def test_a_quiz_with_fewer_questions_than_asked_for_goes_on(store):
    """A lesson that has not its share of questions to ask."""
    ids = ("gates", "o-classification", "c-431")
    id, session, items, _ = start(store, *ids, count=60)
    assert len(items) < 60
    session = give(store, id, session, items, right(items[0]))
    again = start(store, *ids, count=60)
    assert again[0] == id and again[3] and same(again[2]) == same(items)


def test_a_quiz_begins_anew_where_its_lesson_has_changed(store, tmp_path):
    path = tmp_path / "mine.toml"
    text = LESSONS["gates"].read_text(encoding="utf-8")
    path.write_text(text, encoding="utf-8")
    _, _, items, _ = records.start_quiz(store, (str(path),), 18, None, False)
    assert len(items) > 5
    path.write_text(
        'format = 1\ntitle = "T"\n[circuit]\ndefine = ["f = x * y"]\noutput = "f"\ninputs = { x = 2, y = 3 }\n',
        encoding="utf-8",
    )
    _, other, fewer, goes_on = records.start_quiz(store, (str(path),), 18, None, False)
    assert not goes_on and len(other.answers) == len(fewer) < len(items)
    path.write_text("format = 1\n", encoding="utf-8")
    with pytest.raises(LessonError):
        records.start_quiz(store, (str(path),), 18, None, False)


def test_a_lesson_that_is_gone_is_told(store, tmp_path):
    path = tmp_path / "mine.toml"
    path.write_bytes(LESSONS["gates"].read_bytes())
    records.start_quiz(store, (str(path),), 5, None, False)
    path.unlink()
    with pytest.raises((LessonError, OSError)):
        records.start_quiz(store, (str(path),), 5, None, False)


def test_a_quiz_prefers_what_is_weakest_and_goes_on_the_same(store):
    """Of more rules than questions, those that went wrong before; a given seed asks the same of everybody."""
    weak = ("bias_gradient", "activation_gradient")
    for skill in weak:
        store.record(GivenAnswer("o-regression", "value:x", skill, "value", "1", "wrong", credit=0.0))
    hits = 0
    for _ in range(8):
        id, session, items, _ = start(store, "o-regression", count=4, anew=True)
        hits += any(item.skill in weak for item in items)
        assert set(session.weakest) == set(weak)
        again = start(store, "o-regression", count=4)
        assert again[0] == id and same(again[2]) == same(items)
    assert hits == 8
    _, session, _, _ = start(store, "o-regression", count=4, seed=5)
    assert session.weakest == ()


def test_a_matrix_answered_wrongly_is_carried_on_cell_by_cell():
    """The learner's own cells are the earlier values of later questions."""
    here = trace(lesson("o-classification"))
    writer, rng = Writer(here.lesson, "dz"), random.Random(1)
    asked = (("dL/da1", "matrix"), ("dL/dz1[1]", "value"))
    items = [KINDS[kind](here.find(id), writer, rng) for id, kind in asked]
    right_cells = items[0].answer.split()
    session = quiz.begin(("o-classification",), items, 1, 2)
    # The sign lost, and carried on through σ′.
    session, _ = quiz.answer(session, items, f"0.483, {right_cells[1]}")
    assert quiz.own_values(session, items)["dL/da1[1]"] == 0.483
    a = float(here.value(here.find("a1[1]").ref))
    _, verdict = quiz.answer(session, items, f"{0.483 * a * (1 - a):.3g}")
    assert verdict.kind == "carried"


# ---------------------------------------------------------------- one notation


def test_a_quiz_over_several_lessons_is_asked_in_one_notation(store):
    _, session, items, _ = start(store, "error-vector", "o-classification", count=10)
    assert session.notation == "dz" and all(item.writer.notation is NOTATIONS["dz"] for item in items)
    records.choose_notation(store, "delta")
    _, session, items, _ = start(store, "error-vector", "o-classification", count=10, anew=True)
    assert session.notation == "delta" and all(item.writer.notation is NOTATIONS["delta"] for item in items)
    _, session, items, _ = placement.start(store, notation="partials")
    assert session.notation == "partials" and all(item.writer.notation is NOTATIONS["partials"] for item in items)


def test_a_quiz_goes_on_in_the_notation_that_it_began_with(store):
    id, session, items, _ = start(store, "error-vector", count=6)
    assert session.notation == "" and items[0].writer.notation is NOTATIONS["error"]
    records.choose_notation(store, "delta")
    again, kept, same, goes_on = start(store, "error-vector", count=6)
    assert goes_on and again == id and kept == session and [i.prompt for i in same] == [i.prompt for i in items]


def test_a_quiz_kept_before_there_was_a_choice_goes_on(store):
    paths = tuple(str(LESSONS[id]) for id in ("gates", "error-vector"))
    items = quiz.make_items([lesson("gates"), lesson("error-vector")], 6, 5)
    old = quiz.begin(paths, items, 5, 6).to_json()
    del old["notation"]
    store.save_session(SavedQuiz("old", old, False))
    id, _, same, goes_on = records.start_quiz(store, paths, 6, None, False)
    assert goes_on and id == "old" and [i.prompt for i in same] == [i.prompt for i in items]
    store.save_session(SavedQuiz("old", old | {"notation": "of next year"}, False))
    assert records.start_quiz(store, paths, 6, None, False)[3]
