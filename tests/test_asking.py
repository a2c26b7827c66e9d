"""A question being asked: tries, credit, hints, scratch paper, and what of it is kept."""

from __future__ import annotations

import random
from functools import cache

import pytest

from tutor.engine.lesson import AuthorQuestion
from tutor.engine.trace import trace
from tutor.learner.records import Stopwatch, keep_try
from tutor.learner.store import Store
from tutor.lessonfiles import catalogue
from tutor.lessonfiles.check import load
from tutor.questions.attempt import CREDIT, LATER_TRY, RUNG, TRIES, Asking, give_up, hint, respond
from tutor.questions.authored import author_item
from tutor.questions.kinds import KINDS
from tutor.questions.misconceptions import MISCONCEPTIONS
from tutor.text.writer import Writer

RIGHT, SLIP = "0.0804", "0.376"  # of dL/dz1[2]; without the slope


@cache
def classification():
    return trace(load(catalogue.find("o-classification")))


@cache
def item(id="dL/dz1[2]", kind="value"):
    here = classification()
    return KINDS[kind](here.find(id), Writer(here.lesson, here.lesson.notation), random.Random(1))


def after(*texts, of=None):
    asking = Asking(of or item())
    for text in texts:
        asking = respond(asking, text)
    return asking


def kinds(asking):
    return [said.kind for said in asking.said]


# ---------------------------------------------------------------- tries and credit


def test_a_right_answer_ends_it_with_full_credit():
    asking = after(RIGHT)
    assert asking.done and asking.credit == 1 and asking.last.correct and kinds(asking) == ["you", "correct"]


@pytest.mark.parametrize("before", range(TRIES))
def test_a_later_try_is_worth_less(before):
    asking = after(*["123"] * before, RIGHT)
    assert asking.done and asking.tries == before + 1
    assert asking.credit == pytest.approx(LATER_TRY**before)


def test_three_wrong_tries_end_it_and_show_the_answer():
    asking = after("1", "2")
    assert not asking.done and asking.left == 1 and asking.said[-1].text == "1 try left."
    asking = respond(asking, "3")
    assert asking.done and asking.left == 0 and asking.credit == 0
    assert asking.said[-1].kind == "answer" and item().answer in asking.said[-1].text


def test_the_answer_is_not_told_before_the_end():
    for text in ("123", SLIP, "0.08", "-0.0804", "0.804", "abc"):
        asking = after(text)
        assert not asking.done and not any(item().answer in said.text for said in asking.said), text


@pytest.mark.parametrize(
    ("text", "kind"),
    [("0.08", "imprecise"), ("-0.0842", "wrong"), ("0.804", "power-of-ten"), (SLIP, "misconception"), ("7", "wrong")],
)
def test_part_of_the_credit_by_verdict(text, kind):
    asking = after(text)
    assert asking.last.kind == kind and asking.credit == CREDIT.get(kind, 0)


def test_the_best_credit_counts():
    asking = after("0.08", "7", "8", "9")  # too few digits, then wrong
    assert asking.done and asking.credit == CREDIT["imprecise"] and asking.worth == 0


def test_too_few_digits_cost_no_try_on_the_last_one_neither():
    asking = after("0.08", "7", "8", "0.08", "0.080")
    assert asking.tries == 2 and not asking.done and asking.said[-1].text == "It costs no try."
    asking = respond(asking, RIGHT)
    assert asking.done and asking.last.correct and asking.credit == pytest.approx(LATER_TRY**2)


def test_too_few_digits_in_a_grid_cost_no_try_unless_a_cell_is_wrong():
    whole = item("W1'", "matrix")
    *rest, last = whole.answer.split()
    short = f"{float(last):.1g}"
    asking = after(" ".join([*rest, short]), of=whole)
    assert asking.last.kind == "imprecise" and asking.tries == 0 and not asking.done
    assert [cell.kind for cell in asking.last.cells] == [*["correct"] * len(rest), "imprecise"]
    asking = respond(asking, " ".join(["99", *rest[1:], short]))
    assert asking.last.kind == "wrong" and asking.tries == 1


def test_a_share_of_a_matrix_counts():
    whole = item("W1'", "matrix")
    cells = whole.answer.split()
    asking = after(" ".join([*cells[:-1], "99"]), of=whole)
    assert asking.credit == pytest.approx((len(cells) - 1) / len(cells)) and not asking.done


@pytest.mark.parametrize(
    "text", ["abc", "1,5", "1 2", "1e999", "", "   ", "a1[", "[red]x[/red]", "dL/dz1[2]", "dL/dW1[1,1]"]
)
def test_what_cannot_be_understood_costs_nothing_and_says_what_would_be(text):
    asking = after(text, text, text, text)
    assert asking.tries == 0 and asking.left == TRIES and asking.last is None and not asking.done
    assert asking.said[-1].kind == "not-understood" and len(asking.said[-1].text) > 10
    assert respond(asking, RIGHT).credit == 1


def test_an_answer_after_the_symbol_asked_is_not_taken_from_it():
    asking = after("dL/dz1[2] + 0")
    assert asking.tries == 0 and not asking.done


def test_a_slip_is_told_in_three_rungs_its_kind_where_it_is_and_the_formulas():
    """The first miss says no formula at all: tries two and three are the learner's own work."""
    title, remedy = MISCONCEPTIONS["slope-dropped"].title, MISCONCEPTIONS["slope-dropped"].remedy
    first = after(SLIP)
    assert first.last.slips[0].misconception == "slope-dropped" and kinds(first) == ["you", "misconception", "left"]
    assert first.said[1].text == f"{title[0].upper()}{title[1:]}."
    second = respond(first, SLIP)
    assert kinds(second)[3:] == ["you", "misconception", "left"]
    name = second.item.writer.text(second.item.step.ref)
    assert second.said[4].text.startswith(f"{first.said[1].text} Look at {name}: σ′(")
    assert remedy not in second.said[4].text and "right" not in second.said[4].text
    third = respond(second, SLIP)
    texts = {said.kind: said.text for said in third.said[6:]}
    assert third.done and remedy in texts["misconception"]
    assert texts["wrong-formula"].startswith(f"gives your number: {name} = ")
    assert texts["right-formula"].startswith(f"right: {name} = ") and "[" in texts["right-formula"]
    assert "σ′" in texts["right-formula"] and "σ′" not in texts["wrong-formula"]


def test_the_wrong_formula_is_the_learners_own_where_one_was_typed():
    asking = after("dL/da1[2]", "dL/da1[2]", "dL/da1[2]")
    texts = {said.kind: said.text for said in asking.said}
    assert texts["wrong-formula"].startswith("yours: ") and "∂L/∂O₁₂" in texts["wrong-formula"]


def test_hints_after_a_slip_are_its_further_rungs_then_the_numbers_then_the_answer():
    asking = after(SLIP)
    for count in (1, 2, 3, 4):
        asking = hint(asking)
        assert asking.rung == count and not asking.tried
    said = [each for each in asking.said if each.kind not in ("you", "misconception", "left")]
    assert [each.kind for each in said] == ["hint", "hint", "wrong-formula", "right-formula", "hint", "hint"]
    assert "Look at" in said[0].text and MISCONCEPTIONS["slope-dropped"].remedy in said[1].text
    assert said[4].text == asking.item.hints[2] and asking.done and asking.credit == 0


def test_whoever_has_one_try_is_told_all_of_it_at_once():
    asking = respond(Asking(item(), most=1), SLIP)
    assert kinds(asking)[1:] == ["misconception", "wrong-formula", "right-formula", "answer"]
    assert MISCONCEPTIONS["slope-dropped"].remedy in asking.said[1].text


def test_a_number_that_is_wrong_in_a_right_formula_is_told_in_rungs_too():
    typed, of = "-0.61*dL/dz2[1]", item("dL/da1[2]")
    asking = after(typed, of=of)
    assert asking.said[1].text == "The formula is right but for one number."
    asking = respond(asking, typed)
    assert asking.said[4].text == "The formula is right but for one number: −0.61."
    asking = respond(asking, typed)
    assert "0.61 should be −0.7, w²₂₁." in asking.said[7].text


def test_of_an_array_first_the_kinds_of_slips_then_the_cells_then_what_mends_them():
    whole = item("dL/dz1", kind="matrix")
    given = " ".join(f"{float(v):.4f}" for v in classification().find("dL/da1").value)
    asking = respond(Asking(whole), given)
    slope = MISCONCEPTIONS["slope-dropped"]
    assert asking.said[1].text.endswith("The slope of the activation was left out.") and "[1" not in asking.said[1].text
    asking = respond(asking, given)
    assert "[1" in asking.said[4].text and slope.remedy not in asking.said[4].text
    asking = respond(asking, given)
    assert "[1" in asking.said[7].text and slope.remedy in asking.said[7].text


def test_control_characters_are_shown_escaped():
    asking = after("\x1b[31m0.5\x07\r\n")
    assert all(said.text.isprintable() for said in asking.said)


# ---------------------------------------------------------------- scratch paper


def test_scratch_paper_computes_and_costs_nothing():
    asking = after("= 0.3759 * 0.69", "= dL/da1[2] * a1[2]*(1-a1[2])")
    assert asking.tries == 0 and kinds(asking) == ["you", "scratch"] * 2
    assert asking.said[1].text == "= 0.259371" and asking.said[3].text.startswith("= 0.0804")
    assert respond(asking, RIGHT).credit == 1


@pytest.mark.parametrize(
    ("text", "value"), [("= 0.5 - 0.3", "0.2"), ("= 1 + 2", "3"), ("= -1 - -2", "1"), ("=2e-1+1", "1.2")]
)
def test_scratch_paper_adds_plain_numbers(text, value):
    assert after(text).said[-1].text == f"= {value}"


@pytest.mark.parametrize("text", ["=", "= abc", "= 1/0", "= dL/dz1[2]", "= dL/dW1[1,2]", "= 1 2"])
def test_scratch_paper_says_what_it_cannot_compute(text):
    asking = after(text)
    assert asking.tries == 0 and not asking.done and asking.said[-1].kind == "not-understood"


def test_scratch_paper_where_there_is_nothing_to_compute_with():
    asking = after("= 1 + 1", of=item("dL/dW2", "shape"))
    assert asking.tries == 0 and asking.said[-1].kind == "scratch" and not asking.done


# ---------------------------------------------------------------- hints


def test_the_ladder_tells_more_with_each_rung_and_the_last_ends_it():
    asking = Asking(item())
    for rung, text in enumerate(item().hints, start=1):
        assert not asking.done
        asking = hint(asking)
        assert asking.said[-1].text == text and asking.rung == rung
    assert asking.done and asking.credit == 0 and item().answer in asking.said[-1].text
    assert hint(asking) is asking


def test_a_hint_lowers_the_credit_of_what_follows_but_not_of_what_was():
    assert respond(hint(Asking(item())), RIGHT).credit == pytest.approx(RUNG)
    assert respond(hint(hint(Asking(item()))), RIGHT).credit == pytest.approx(RUNG**2)
    assert hint(after("0.08")).credit == CREDIT["imprecise"]


def test_the_last_rung_takes_all_credit():
    asking = after("0.08")
    for _ in item().hints:
        asking = hint(asking)
    assert asking.done and asking.credit == 0


def test_a_hint_follows_the_diagnosis():
    told = hint(after(SLIP))
    plain = hint(after("123"))
    assert plain.said[-1].text == item().hints[0]
    assert told.said[-1].kind == "hint" and told.said[-1].text != plain.said[-1].text


def test_the_ladder_ends_in_the_answer_with_and_without_a_diagnosis():
    for start in (after(SLIP), after("123"), Asking(item())):
        asking = start
        while not asking.done:
            asking = hint(asking)
        assert item().answer in asking.said[-1].text


def test_the_only_hint_of_an_author_is_followed_by_the_answer():
    here = classification()
    own = AuthorQuestion(step="dL/dz1[2]", kind="value", hints=("Mind the slope.",))
    short = author_item(own, here, Writer(here.lesson, here.lesson.notation), random.Random(1))
    for start in (Asking(short), after(SLIP, of=short)):
        asking = start
        while not asking.done:
            asking = hint(asking)
        assert short.answer in asking.said[-1].text


def test_giving_up_shows_the_answer():
    asking = give_up(after("0.08"))
    assert asking.done and asking.credit == 0 and item().answer in asking.said[-1].text


# ---------------------------------------------------------------- what is kept


@pytest.fixture
def store(data_folder):
    with Store.open() as opened:
        yield opened


def kept(store, *moves):
    """The answers in the store after these moves: texts, `hint`, `give_up`."""
    asking = Asking(item())
    for move in moves:
        asking = respond(asking, move) if isinstance(move, str) else move(asking)
        keep_try(store, "o-classification", asking, Stopwatch())
    return [(answer.verdict, answer.given, answer.tries, answer.hints) for answer in store.answers()]


def test_every_try_is_kept_once(store):
    found = kept(store, "abc", "= 2 * 3", "7", "= 2", "abc", hint, SLIP, RIGHT)
    assert found == [("wrong", "7", 1, 0), ("misconception", SLIP, 2, 1), ("correct", RIGHT, 3, 1)]
    slip = store.answers()[1]
    assert (slip.misconception, slip.skill, slip.lesson, slip.item) == (
        "slope-dropped", "pre_activation_gradient", "o-classification", item().id,
    )  # fmt: skip


def test_giving_up_is_kept_as_that(store):
    found = kept(store, "123", hint, give_up)
    assert [verdict for verdict, *_ in found] == ["wrong", "given-up"]


def test_the_last_rung_is_kept_as_giving_up(store):
    assert [verdict for verdict, *_ in kept(store, *[hint] * len(item().hints))] == ["given-up"]


def test_the_date_of_the_next_review_comes_with_the_end_of_a_question(store):
    kept(store, "123")
    assert store.cards() == {}
    kept(store, "123", RIGHT)
    assert list(store.cards()) == ["pre_activation_gradient"]


def test_hints_bring_a_skill_back_sooner(tmp_path):
    dates = []
    for name, moves in (("a", (RIGHT,)), ("b", (hint, RIGHT)), ("c", [hint] * 4)):
        with Store.open(tmp_path / f"{name}.db") as store:
            for _ in range(2):
                kept(store, *moves)
            dates.append(store.card("pre_activation_gradient").stability)
    assert dates[0] > dates[1] > dates[2]


@pytest.mark.parametrize("kind", ["matrix", "shape", "formula", "operands", "next", "paths"])
def test_scratch_paper_computes_in_every_kind_of_question(kind):
    here = trace(load(catalogue.find("p-deep")))
    made = (KINDS[kind](step, Writer(here.lesson, "dz"), random.Random(1)) for step in here.steps())
    item = next(item for item in made if item)
    asking = respond(Asking(item), "= 2 * x[1] - 2 * x[1] + 3.4")
    assert asking.said[-1].kind == "scratch" and asking.said[-1].text == "= 3.4" and asking.tries == 0
    asked = respond(Asking(item), f"= {item.step.equation.symbol.id}" + ("[1]" if item.step.shape else ""))
    assert asked.said[-1].kind == "not-understood", "what is asked for is not to be had by typing its name"


def test_what_costs_no_try_is_not_kept_and_the_right_method_is_once_the_answer_is_asked_for(store):
    assert kept(store, "0.08", "0.0809", give_up) == [("rounded", "0.0809", 1, 0)]
    assert store.answers()[-1].credit == 1
    assert kept(store, "0.0809", "0.08", RIGHT)[1:] == [("correct", RIGHT, 1, 0)]


def test_the_time_that_a_try_took_is_kept(store):
    watch = Stopwatch(iter([100.0, 107.5]).__next__)
    keep_try(store, "o-classification", respond(Asking(item()), SLIP), watch)
    assert store.answers()[-1].seconds == 7.5
