"""The small words and the small cuts that every room uses."""

from __future__ import annotations

import pytest

from each import each
from tutor.questions.misconceptions import MISCONCEPTIONS
from tutor.text.cells import cut, eighths, width, window
from tutor.text.words import capital, sentence


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("the slope was left out", "The slope was left out."),
        ("is it so?", "Is it so?"),
        ("a weight was skipped", "A weight was skipped."),
        ("cross-entropy", "Cross-entropy."),
        ("z stands where a belongs", "z stands where a belongs."),
        ("a is what is asked", "a is what is asked."),
        ("σ was applied", "σ was applied."),
        ("ŷ is none", "ŷ is none."),
        ("dz is the same", "dz is the same."),
        ("W2 is asked", "W2 is asked."),
        ("", "."),
    ],
)
def test_a_sentence_begins_with_a_capital_and_a_name_stays_as_it_is(text, said):
    assert sentence(text) == said


def test_no_sign_of_mathematics_is_made_another_one():
    for entry in MISCONCEPTIONS.values():
        assert capital(entry.title)[1:] == entry.title[1:]
        assert entry.title[:1].isascii() or capital(entry.title) == entry.title  # σ would be Σ, a sum


@each("text", ["", "x", "plain text", "日本語の題名", "e\u0301te\u0301", "W²·a¹"])
@each("columns", [-1, 0, 1, 2, 3, 7, 40])
def test_a_text_is_cut_to_cells_not_characters(text, columns):
    found = cut(text, columns)
    assert width(found) <= max(columns, 0)
    assert found == text if width(text) <= columns else found.endswith("…") or columns <= 0


def test_a_window_is_full_and_has_the_place_in_it():
    for count in range(1, 9):
        for size in range(1, 11):
            for at in range(count):
                found = window(at, count, size)
                assert at in found and len(found) == min(size, count) and found[0] >= 0 and found[-1] < count


def test_a_bar_in_eighths():
    assert [eighths(n) for n in (0, 1, 4, 8, 13)] == ["", "▏", "▌", "█", "█▋"]
