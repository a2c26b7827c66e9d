"""What an answer says about what is known, what to ask next, and when to ask again."""

from __future__ import annotations

import sys
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from each import each
from tutor.questions.mastery import (
    AGAIN,
    GOOD,
    GUESS_NUMBER,
    HARD,
    MASTERED,
    READY,
    SKILLS,
    TRACING,
    GivenAnswer,
    Schedule,
    Skill,
    Tracing,
    due,
    guess,
    knowledge,
    mastery,
    next_skill,
    questions,
    rating,
    review,
    skill,
    title,
    utc,
)

NOW = datetime(2026, 3, 1, 10, tzinfo=UTC)
DAY = timedelta(days=1)


def answer(credit: float, kind: str = "value", **more) -> GivenAnswer:
    return GivenAnswer(**{"lesson": "l", "item": "i", "skill": "loss", "kind": kind, "given": "", "verdict": ""}
                  | {"credit": credit} | more)  # fmt: skip


RIGHT, WRONG = answer(1), answer(0)
credits = st.lists(st.floats(0, 1), max_size=30)


# Skills


def test_every_rule_is_a_skill():
    from tutor.text.explanations import RULES

    known = {id for id in SKILLS if not id.startswith("gate_")}  # an activation may be a gate or not
    assert known - set(RULES) == {"shapes", "paths", "chain", "order", "author"}
    titles = [title(id) for id in {*RULES, *SKILLS}]
    assert len(set(titles)) == len(titles) and max(map(len, titles)) <= 38  # the column of the progress report
    assert not [text for text in titles if "_" in text or text[0].islower()]


def test_every_gate_of_arrays_is_a_skill_with_a_title_of_its_own():
    from tutor.text.array_gates import ARRAY_GATES

    missing = [op for op in ARRAY_GATES if not {f"gate_{op}", f"gate_{op}_gradient"} <= set(SKILLS)]
    assert not missing, f"questions/mastery.py: name {missing} in _GATES"


def test_a_skill_stands_after_what_it_needs():
    order = list(SKILLS)
    for id, one in SKILLS.items():
        assert all(order.index(need) < order.index(id) for need in one.needs), id


def test_a_new_gate_or_optimiser_needs_no_entry():
    assert skill("gate_swish") == Skill("Swish gate") and skill("gate_mul") == Skill("Multiply gate")
    assert skill("gate_soft_plus_gradient") == Skill("Soft plus gate, backward", ("gate_soft_plus",))
    assert skill("optimizer_s") == Skill("Optimiser's s", ("update",))
    assert skill("attention") == Skill("attention")


# Answers


@each(
    "wrong",
    [
        {"credit": -0.1}, {"credit": 1.1}, {"credit": float("nan")}, {"credit": "1"}, {"credit": True}, {"hints": -1},
        {"hints": 1.0}, {"tries": 2**31}, {"choices": None}, {"seconds": float("inf")}, {"seconds": -1}, {"lesson": 5},
        {"given": None}, {"misconception": 5}, {"session": 5}, {"at": "2026-01-01"}, {"at": "now"}, {"at": 5},
        {"id": 5},
    ],
)  # fmt: skip
def test_an_answer_out_of_range_is_none(wrong):
    (name,) = wrong
    with pytest.raises(ValueError, match=f"^{name} is not "):
        replace(RIGHT, **wrong)


def test_times_are_kept_in_utc():
    assert answer(1, at="2026-03-01T01:30:00+02:00").at == "2026-02-28T23:30:00.000+00:00"
    with pytest.raises(ValueError, match="ISO time"):
        utc("0001-01-01T00:00:00+09:00")


# Knowledge tracing


def test_one_step_by_hand():
    """Corbett and Anderson's update, with the numbers put in."""
    tracing = Tracing(prior=0.4, learn=0.2, slip=0.1, guess=0.25, partly=0)
    after_right = 0.4 * 0.9 / (0.4 * 0.9 + 0.6 * 0.25)
    assert mastery([RIGHT], tracing) == pytest.approx(after_right + (1 - after_right) * 0.2)
    after_wrong = 0.4 * 0.1 / (0.4 * 0.1 + 0.6 * 0.75)
    assert mastery([WRONG], tracing) == pytest.approx(after_wrong + (1 - after_wrong) * 0.2)
    half = 0.4 * (0.9 * 0.1) ** 0.5 / (0.4 * (0.9 * 0.1) ** 0.5 + 0.6 * (0.25 * 0.75) ** 0.5)
    assert mastery([answer(0.5)], tracing) == pytest.approx(half + (1 - half) * 0.2)
    assert mastery([]) == TRACING.prior


def test_one_step_with_the_state_between_by_hand():
    """Not known 0.5, in part 0.3, known 0.2; right with 0.2, 0.55 and 0.9; then a tenth of each moves up by one."""
    tracing = Tracing(prior=0.2, learn=0.1, slip=0.1, guess=0.2, partly=0.3)
    right = 0.5 * 0.2 + 0.3 * 0.55 + 0.2 * 0.9
    partly, known = 0.3 * 0.55 / right, 0.2 * 0.9 / right
    assert mastery([RIGHT], tracing) == pytest.approx(known + 0.1 * partly)
    wrong = 0.5 * 0.8 + 0.3 * 0.45 + 0.2 * 0.1
    assert mastery([WRONG], tracing) == pytest.approx(0.2 * 0.1 / wrong + 0.1 * 0.3 * 0.45 / wrong)


def test_who_is_always_right_knows_and_who_is_always_wrong_does_not():
    assert 0.7 < mastery([RIGHT] * 3) < MASTERED < mastery([RIGHT] * 4) < 0.92  # who is right half the time is, too,
    assert mastery([RIGHT] * 8) > 0.98 and mastery([WRONG] * 10) < 0.15  # three times of three, in one case of eight


def test_two_of_three_is_not_known_whatever_their_order():
    told = [mastery(order) for order in ([RIGHT, RIGHT, WRONG], [RIGHT, WRONG, RIGHT], [WRONG, RIGHT, RIGHT])]
    assert told == sorted(told) and mastery([WRONG]) < told[0] and told[2] < 0.5  # what is right last counts for more


def test_help_and_second_tries_show_nothing_though_they_have_credit():
    wrong = mastery([WRONG])
    after_a_hint, at_the_second = answer(0.75, hints=1), [replace(WRONG, verdict="wrong"), answer(0.8, tries=2)]
    in_part_then_shown = [answer(0.5), answer(0, tries=1, verdict="given-up")]
    for tries in ([after_a_hint], at_the_second, in_part_then_shown, [answer(1, hints=4)]):
        assert mastery(tries) == wrong
    assert wrong < mastery([answer(0.5), answer(0.8, tries=2)]) < mastery([RIGHT])  # nearly right at once


def test_mastery_may_be_believed(monkeypatch):
    """The tables of benchmarks/tracing.py, on fewer learners: no more are told that they know than do."""
    monkeypatch.syspath_prepend(str(Path(__file__).resolve().parent.parent / "benchmarks"))
    import tracing

    for grows in tracing.GROWS.values():
        rows = tracing.calibration(grows, 1500)
        assert tracing.off(rows) < 0.1, rows
        assert all(told - knows < 0.2 for *_, told, knows in rows), rows
    sys.modules.pop("tracing")


def test_who_learned_it_at_last_knows_more_than_who_forgot_it():
    assert mastery([RIGHT] * 5 + [WRONG] * 5) < READY < mastery([WRONG] * 5 + [RIGHT] * 5)


@given(history=credits, more=st.floats(0, 1), less=st.floats(0, 1), kind=st.sampled_from(["value", "formula"]))
def test_mastery_is_a_probability_and_grows_with_credit(history, more, less, kind):
    less, more = sorted((less, more))
    low, high = (mastery([*(answer(c, kind) for c in history), answer(last, kind)]) for last in (less, more))
    assert 0 < low <= high <= 1


def test_a_right_choice_says_less_than_a_right_number():
    kinds = [answer(1, "direction"), answer(1, "formula"), answer(1, "formula", choices=6), RIGHT]
    known = [mastery([one]) for one in kinds]
    assert known == sorted(known) and len(set(known)) == 4
    assert [guess(one) for one in kinds] == [1 / 2, 1 / 4, 1 / 6, GUESS_NUMBER]


def test_all_tries_at_a_question_are_one_observation():
    """As the player keeps them: wrong, then right; given up behind a try and before any; the same question again."""
    first, second = replace(WRONG, verdict="wrong"), answer(0.8, tries=2, verdict="correct")
    given_up = answer(0, tries=1, verdict="given-up")
    at_once = replace(given_up, tries=0)
    once, other = answer(1, verdict="correct"), answer(1, item="j", tries=2)
    assert questions([first, second]) == [second]
    assert questions([replace(first, credit=0.9), second]) == [replace(second, credit=0.9)]
    assert questions([replace(first, credit=0.5), given_up]) == [given_up]
    assert questions([first, at_once, at_once]) == [first, at_once, at_once]
    assert questions([given_up, once, once]) == [given_up, once, once]
    assert questions([first, other, second]) == [second, other]  # another question in between
    assert questions([first, replace(second, session="s")]) == [first, replace(second, session="s")]
    assert mastery([first, second]) == mastery([second])


def test_knowledge_is_by_skill():
    history = [RIGHT, answer(0, skill="update"), RIGHT]
    assert knowledge(history) == {"loss": mastery([RIGHT] * 2), "update": mastery([WRONG])}


def test_mastery_separates_knowing_from_not_knowing(monkeypatch):
    """The figure of benchmarks/tracing.py, on fewer learners."""
    monkeypatch.syspath_prepend(str(Path(__file__).resolve().parent.parent / "benchmarks"))
    import tracing

    for learn, prior in tracing.LEARNERS.values():
        ours, best, share = tracing.measure(learn, prior, 2000, 10, guess=0.25, slip=0.1)
        assert 0.9 <= ours <= best + 0.01 and 0.1 < share < 0.9
    assert tracing.auc([0.1, 0.2, 0.2, 0.3], [False, True, False, True]) == pytest.approx((1 + 1 + 1 + 0.5) / 4)
    assert tracing.auc([0.1, 0.9], [True, False]) == 0
    sys.modules.pop("tracing")


# What to ask next

NETWORK = "pre_activation activation loss loss_gradient pre_activation_gradient weight_gradient update".split()


def test_a_beginner_starts_at_the_beginning_and_gets_everywhere():
    known: dict[str, float] = {}
    asked = []
    while min(known.get(skill, 0) for skill in NETWORK) < READY:
        weakest = next_skill(known, NETWORK)
        assert all(known.get(need, 0) >= READY for need in SKILLS[weakest].needs)
        asked.append(weakest)
        known[weakest] = 0.95
    assert asked[0] == "pre_activation" and sorted(asked) == sorted(NETWORK)


def test_the_weakest_that_is_not_too_far_ahead_goes_first():
    known = {"pre_activation": 0.9, "activation": 0.7, "loss": 0.5, "loss_gradient": 0.01, "weight_gradient": 0.3}
    assert next_skill(known, known) == "weight_gradient"  # the gradient of a loss that is not understood can wait
    assert next_skill(known | {"loss": READY}, known) == "loss_gradient"
    assert next_skill(known, ["loss_gradient"]) == "loss_gradient"  # here nobody can learn what it needs
    assert next_skill({}, []) is None


@given(st.dictionaries(st.sampled_from([*SKILLS, "gate_add", "gate_add_gradient", "attention"]), st.floats(0, 1)))
def test_there_is_always_a_next_skill(known):
    assert next_skill(known, known) in (known or {None})


# Spaced repetition


@pytest.mark.parametrize(
    "credit, hints, expected",
    [(1, 0, GOOD), (1, 1, HARD), (0.8, 0, HARD), (0.5, 0, HARD), (0.49, 0, AGAIN), (0, 4, AGAIN), (0, 0, AGAIN)],
)
def test_ratings(credit, hints, expected):
    assert rating(credit, hints) == expected


def test_what_is_known_is_asked_later_and_later_and_what_went_wrong_soon():
    now, card, gaps = NOW, None, []
    for _ in range(5):
        card = review(card, GOOD, now)
        gaps.append(datetime.fromisoformat(card.due) - now)
        now = datetime.fromisoformat(card.due)
    assert gaps == sorted(gaps) and gaps[0] >= DAY and gaps[-1] > 30 * DAY
    again = review(card, AGAIN, now)
    assert datetime.fromisoformat(again.due) - now < timedelta(hours=1)
    assert review(review(again, GOOD, now), GOOD, now + DAY).due < review(card, GOOD, now).due
    first = [datetime.fromisoformat(review(None, rating, NOW).due) for rating in (AGAIN, HARD, GOOD)]
    assert first == sorted(first) and len(set(first)) == 3


@given(st.lists(st.tuples(st.sampled_from([AGAIN, HARD, GOOD]), st.floats(-5, 400)), min_size=1, max_size=30))
def test_any_history_makes_a_card_that_can_be_kept(history):
    card, now = None, NOW
    for rate, days in history:
        now += timedelta(days=days)  # a clock can be set back, too
        new = review(card, rate, now)
        assert new == review(card, rate, now.astimezone(timezone(timedelta(hours=-5)))) == Schedule(**asdict(new))
        assert utc(now.isoformat()) < new.due
        card = new


def test_due_are_those_whose_time_has_come():
    cards = {
        skill: replace(review(None, GOOD, NOW), due=(NOW + days * DAY).isoformat())
        for skill, days in (("b", 1), ("a", 1), ("late", -3), ("later", 2))
    }
    assert due(cards, NOW) == ["late"]
    assert due(cards, (NOW + DAY).astimezone(timezone(timedelta(hours=9)))) == ["late", "a", "b"]
    assert due({}, NOW) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"due": "tomorrow"}, {"due": None}, {"last_review": "2026-01-01"}, {"state": 4}, {"state": True}, {"state": 1},
        {"step": 0}, {"stability": 0}, {"stability": float("nan")}, {"stability": None}, {"difficulty": 11},
        {"difficulty": "5"},
    ],
    ids=str,
)  # fmt: skip
def test_a_card_out_of_range_is_none(wrong):
    with pytest.raises(ValueError, match=" is not "):
        replace(Schedule(NOW.isoformat(), NOW.isoformat(), 2, None, 2.3, 5.0), **wrong)
