"""The placement: what it asks, how it goes on, what it says is known, and where simulated learners land."""

from __future__ import annotations

import math
import sys
from pathlib import Path as File

import numpy as np
import pytest

from tutor.engine.trace import trace
from tutor.learner import course, placement
from tutor.learner.mistakes import mistakes, replay
from tutor.learner.placing import MOST, LessonPath
from tutor.learner.records import Stopwatch, keep_quiz, keep_quiz_answer
from tutor.learner.store import Store
from tutor.lessonfiles import catalogue
from tutor.lessonfiles.check import load
from tutor.questions import quiz
from tutor.questions.mastery import SKILLS

ENTRIES = catalogue.entries()
LESSONS = [entry.id for entry in ENTRIES]
PATH = course.path_of(ENTRIES)

# ---------------------------------------------------------------- what is asked


def slope(of, at, h=1e-5):
    """A central difference."""
    return (of(at + h) - of(at - h)) / (2 * h)


def sigmoid(z):
    return 1 / (1 + math.exp(-z))


def logit(p):
    return math.log(p / (1 - p))


def cross_entropy(scores, true):
    return -np.log(np.exp(scores[true]) / np.exp(scores).sum())


def at(scores, place, value):
    return np.array([*scores[:place], value, *scores[place + 1 :]])


def adam(g):
    m, v = 0.1 * g / (1 - 0.9), 0.001 * g * g / (1 - 0.999)
    return 0.01 * m / math.sqrt(v)


def normed(x):
    return (x - x.mean()) / x.std()


def kernel(k):
    image = np.arange(1, 10).reshape(3, 3)
    return sum((k * image[i : i + 2, j : j + 2]).sum() for i in (0, 1) for j in (0, 1))


def best_line():
    """Of XOR's rows, how many a unit has right at most: over many directions and thresholds."""
    rows, targets = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])
    sums = [rows @ [math.cos(t), math.sin(t)] + b for t in np.linspace(0, 6.3, 60) for b in np.linspace(-2, 2, 41)]
    return max(int(((z > 0) == targets).sum()) for z in sums)


def momentum():
    w = v = 0.0
    for _ in range(2):
        v = 0.9 * v + 1
        w -= 0.1 * v
    return -w


def largest_rate():
    """The largest of many learning rates with which |w| shrinks."""
    return max(rate for rate in np.arange(0.001, 1, 0.001) if abs(1 - rate * 8) < 1)


# Each answer once more, by another way than the question means: differences, programs, counting.
WORKED = {
    "derivative": slope(lambda x: x**2 + 3 * x, 4),
    "gradient": 2 - 0.1 * slope(lambda y: 1 + 3 * y**2, 2),
    "gates": slope(lambda a: (a + 3) * -4, 2),
    "forks": slope(lambda x: x**2 * max(5 * x, 3), 2),
    "why-backward": len(["y1", "y2", "y3"]),
    "sigmoid-neuron": slope(lambda w: sigmoid(w * 2 + logit(0.8) - 2), 1),
    "one-neuron": slope(lambda w: (1 - sigmoid(w * 2 - 2)) ** 2, 1),
    "learning-rate": largest_rate() + 0.001,
    "layer-between": slope(lambda v: (5 - 2 * max(0, v)) ** 2, 3),
    "o-regression": slope(lambda b: (1.5 - (2 + 4 * (b - 1) * 0.5)) ** 2, 1),
    "linear-collapse": (np.array([[2, 1]]) @ np.array([[1, 2], [0, 3]]))[0, 1],
    "o-classification": slope(lambda z: -math.log(sigmoid(z)), logit(0.7)),
    "sure-and-wrong": slope(lambda z: -math.log(1 - sigmoid(z)), logit(0.99))
    / slope(lambda z: sigmoid(z) ** 2, logit(0.99)),
    "two-paths": slope(lambda h: 0.5 * (2 * h + 1) + 0.1 * (-3 * h), 1),
    "reuse": sum(1 for _ in np.ndindex(4, 4, 1)),
    "epochs": sum(1 for _ in range(50) for _ in range(200)),
    "c-431": slope(lambda w: 0.5 * 1 - 2 * (w * 3 + 2), 1),
    "error-vector": slope(lambda h: (h + 2) - (3 * h + 4), 1),
    "softmax": slope(lambda z: cross_entropy(np.array([0, math.log(2), z]), 2), math.log(5)),
    "p-deep": slope(lambda z: 3 * (0.2 * (3 * (0.2 * z))), 1),
    "one-page": np.zeros((2, 3)).T.size,
    "relu-mlp": slope(lambda z: 0.5 * (0.7 * max(0, -2) + 0.4 * max(0, z)), 3),
    "batch-mean": np.mean([0.2, -0.4, 0.6, 0.8]),
    "whole-batch": slope(lambda w: 0.5 * (np.array([1, 2, 3, 4]) * w).sum(), 1),
    "weight-decay": slope(lambda w: 0.3 * w + 0.1 / 2 * w**2, 2),
    "vanishing": slope(sigmoid, 0) ** 3,
    "dead-unit": -max(0, 2, 4),
    "exploding": slope(lambda z: np.prod([2.0] * 10) * z, 1),
    "where-to-start": 1 / math.sqrt(sum(1 for _ in range(400))),
    "gradient-check": (2.0906 - 2.0302) / (1.01 - 0.99),
    "xor": best_line(),
    "momentum": momentum(),
    "adam": adam(250.0),
    "forty-lines": slope(lambda a: a * 3, 3),
    "flowers": sum(at >= 4 for at in range(50)) / 50,
    "digits": sum(np.zeros(shape).size for shape in ((16, 64), 16, (10, 16), 10)),
    "wishes": max(0.5 * 0.8 * a for a in (0.1, 0.9, 0.5)),
    "weight-twice": slope(lambda w: w * (w * 2), 3),
    "recurrence": slope(lambda w: w * (w * (w * 1)), 0.5),
    "lstm": slope(lambda c: 2 * 0.9 * (0.9 * c), 1),
    "convolution": slope(lambda k: kernel(np.array([[k, 0], [0, 0]])), 1),
    "pooling": slope(lambda m: sum(g * max(m, 1, 2, 3) for g in (1, 2, 3, 4)), 9),
    "batch-norm": -(0.5 - 0.2 + 0.1),
    "layer-norm": slope(lambda x: 0.7 * x - 0.2 * x, 1),
    "embeddings": slope(lambda row: 0.2 * row + 0.5 * 1 + 0.6 * row, 1),
    "attention": slope(lambda s: 4 * math.exp(s) / (math.exp(s) + 3), 0),
    "transformer-block": slope(lambda n: 0.1 * n - 0.3 * n + 0.4 * n, 1),
    "dropout-gelu": slope(lambda x: 0.4 * x / 0.8, 1),
    "language-model": slope(lambda z: cross_entropy(np.array([z, 0, 0, 0]), 0) / 2, math.log(2)),
}


def test_every_lesson_of_the_path_has_a_question_and_no_other_has():
    assert list(placement.table()) == LESSONS == list(WORKED)


@pytest.mark.parametrize("lesson", LESSONS)
def test_what_is_asked_is_right_when_it_is_worked_out_in_another_way(lesson):
    assert placement.table()[lesson].answer == pytest.approx(WORKED[lesson], rel=2e-3, abs=1e-6)


def test_the_slopes_through_a_batch_norm_add_up_to_nothing():
    x, weights = np.array([0.3, -1.0, 2.0, 0.5]), np.array([1.0, 2.0, -1.0, 0.5])
    slopes = [slope(lambda v, n=n: (weights * normed(at(x, n, v))).sum(), x[n]) for n in range(4)]
    assert sum(slopes) == pytest.approx(0, abs=1e-6)


def test_questions_stand_alone_and_are_a_sign_of_a_skill_of_their_lesson():
    for entry in (*ENTRIES[4::9], *ENTRIES[12::20]):
        item = placement.item(entry.id)
        assert item.alone and item.skill in SKILLS and item.grade(item.answer).correct
        assert not item.grade("123456").correct and "{" not in item.prompt
        rules = {eq.rule_id for eq in trace(load(entry.path)).equations}
        assert item.skill in {*rules, "shapes", "paths"}, (entry.id, item.skill)


# ---------------------------------------------------------------- how it goes on


def take(store, knows, most=99):
    """A placement as somebody answers who knows certain lessons, and leaves the rest open; (session, items)."""
    id, session, items, _ = placement.start(store, anew=True)
    while not session.finished and most:
        item = items[session.at]
        most -= 1
        if item.step.trace.lesson.id in knows:
            session, items, verdict = placement.answered(id, session, items, item.answer)
            assert verdict.correct
            keep_quiz_answer(store, id, session, item, item.answer, verdict, Stopwatch())
        else:
            session, items = placement.skipped(id, session, items)
            keep_quiz(store, id, session)
    return session, items


@pytest.mark.parametrize("place", [0, 7, 22, 49])
def test_whoever_knows_so_many_lessons_begins_with_the_next(place):
    with Store.open() as store:
        session, items = take(store, LESSONS[:place])
        assert session.finished and len(items) <= MOST
        found = course.standing(store, ENTRIES)
        begin = LESSONS.index(found.begin) if found.begin else len(LESSONS)
        assert abs(begin - place) <= 1
        said = placement.said(store)
        assert (ENTRIES[begin].title if found.begin else "to its end") in said
        assert (course.recommended(ENTRIES, (), (), found) or course.Next(None, "")).entry in (
            [ENTRIES[begin]] if found.begin else [entry for entry in ENTRIES if entry.id in found.passed]
        )


def test_only_what_was_shown_is_known():
    with Store.open() as store:
        _, items = take(store, LESSONS[:25])
        asked = {item.step.trace.lesson.id for item in items}
        shown = {lesson for lesson in asked if lesson in LESSONS[:25]}
        below = {one for lesson in shown for at, one in enumerate(LESSONS) if PATH.below(lesson) >> at & 1}
        found = course.standing(store, ENTRIES)
        assert shown <= set(found.known) <= below and not set(found.known) & set(found.passed)
        assert set(found.known) | set(found.passed) == set(LESSONS[: LESSONS.index(found.begin)])


def test_who_ends_it_early_begins_behind_what_was_shown():
    with Store.open() as store:
        session, items = take(store, LESSONS, most=1)
        id = next(one.id for one in store.sessions())
        keep_quiz(store, id, quiz.end(session))
        found = course.standing(store, ENTRIES)
        assert LESSONS.index(found.begin) == LESSONS.index(items[0].step.trace.lesson.id) + 1


def test_one_that_is_left_goes_on_and_nothing_answered_is_no_placement():
    with Store.open() as store:
        id, session, items, _ = placement.start(store)
        assert course.standing(store, ENTRIES) is None
        session, items = placement.skipped(id, session, items)
        keep_quiz(store, id, session)
        again = placement.start(store)
        assert again[0] == id and again[3] and again[1] == session
        back, _ = placement.skipped(id, session, items, -1)
        assert back.at == 0
        told, items, verdict = placement.answered(id, back, items, items[0].answer)
        assert verdict.correct and told.at == 1 and len(items) == 2, "back to the question that was left"
        same, _, verdict = placement.answered(id, told, items, "what?")
        assert verdict.free and same is told
        on, items, _ = placement.answered(id, told, items, "I do not know")
        assert on.at == 2 and len(items) == 3


def test_a_wrong_answer_is_a_mistake_that_can_be_asked_again():
    with Store.open() as store:
        id, session, items, _ = placement.start(store)
        session, _, verdict = placement.answered(id, session, items, "12.5")
        keep_quiz_answer(store, id, session, items[0], "12.5", verdict, Stopwatch())
        (mistake,) = mistakes(store.answers())
        (same,), (new,) = (list(replay(store, [mistake], new)) for new in (False, True))
        assert same.item == items[0] and new.item.skill == items[0].skill and new.item.seed


def test_a_wrong_answer_is_never_certified_by_what_builds_on_it():
    credits = {"softmax": 1.0, "error-vector": 0.0, "p-deep": 1.0, "relu-mlp": 1.0}
    found = PATH.standing(credits)
    assert "error-vector" not in found.known and "c-431" in found.known


def test_a_circle_of_prerequisites_does_no_harm():
    path = LessonPath(("a", "b"), {"a": ["b"], "b": ["a", "gone"]})
    assert path.below("a") == 3 and path.standing({"a": 1.0}).known


# ---------------------------------------------------------------- simulated learners


def test_simulated_learners_land_within_one_lesson(monkeypatch):
    """The table of benchmarks/placing.py on fewer learners: two of each fourth level."""
    monkeypatch.syspath_prepend(str(File(__file__).resolve().parent.parent / "benchmarks"))
    import placing

    rows = placing.measure(PATH, slip=0.1, guess=0.03, learners=2, levels=range(1, 50, 4))
    assert sum(row.within for row in rows) / len(rows) >= 0.9
    assert max(row.most for row in rows) <= MOST and sum(row.questions for row in rows) / len(rows) < 10
    assert sum(row.overstated for row in rows) / len(rows) < 0.5
    sys.modules.pop("placing")
