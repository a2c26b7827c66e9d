"""The image that a network reads and its units' weights, drawn: the cells hold the numbers, the words the sums."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from strategies import bundled
from test_canvas import as_text
from test_plain import answers
from test_tui import pane, press, screen, tutor
from tutor.engine.trace import trace
from tutor.learner.store import Store
from tutor.lessonfiles import check
from tutor.lessonfiles.writing import document
from tutor.pictures.canvas import Canvas
from tutor.pictures.pixel_styles import levels_of
from tutor.pictures.pixels import draw_pixels, levels, scale_of, size_of, smaller, text_rows
from tutor.pictures.step.kinds import KINDS, offers, subject
from tutor.text.card import Scribe
from tutor.text.layout import number

LESSON = """
format = 1
title = "Six pixels"
[network]
inputs = {inputs}
image = [{image}]
loss = "squared_error"
[[network.layers]]
units = 2
weights = [[0.5, -1, 0, 0.25, 1, -0.5], [1, 1, 1, -1, -1, -1]]
biases = [0.1, -0.2]
[[network.layers]]
units = 1
weights = [[1, 2]]
[[examples]]
inputs = [1, 0.5, 0, 0.2, 0, 0.8]
targets = [1]
"""


def read(tmp_path, image="2, 3", inputs="6"):
    path = tmp_path / "six.toml"
    path.write_text(LESSON.format(image=image, inputs=inputs), encoding="utf-8")
    return check.examine(path)


def drawn_levels(picture, left, top, shape):
    """Half blocks read back: the level of each pixel."""
    cells = [[(char, style) for text, style in row for char in text] for row in picture]
    found = np.zeros(shape, dtype=int)
    for row in range(shape[0]):
        for column in range(shape[1]):
            line = cells[top + row // 2]
            char, style = line[left + column] if left + column < len(line) else (" ", "")
            drawn, behind = levels_of(style) or (0, 0)
            lower = row % 2 == 1
            found[row, column] = drawn if char == "█" or ((char == "▄") == lower and char != " ") else behind
    return found


def test_half_blocks_hold_every_pixel():
    rng = np.random.default_rng(1)
    for shape in ((8, 8), (5, 3), (1, 4), (6, 7)):
        values = rng.normal(size=shape) * rng.integers(0, 2, size=shape)
        most = float(np.abs(values).max())
        canvas = Canvas(20, 8)
        draw_pixels(canvas, 2, 1, values, most, 1)
        steps = np.ceil(np.abs(values) / most * 4 - 1e-9).astype(int) * np.sign(values).astype(int)
        assert np.array_equal(drawn_levels(canvas.picture(), 2, 1, shape), steps)


def test_sizes_and_levels():
    assert [scale_of((8, 8), *room) for room in ((40, 20), (20, 9), (8, 4), (7, 4))] == [4, 2, 1, 0]
    assert size_of((5, 3), 1) == (3, 3) and size_of((8, 8), 2) == (16, 8)
    assert levels(np.array([0, 1e-9, 1, -0.3, np.nan]), 1.0).tolist() == [0, 1, 4, -2, 0]
    assert levels(np.zeros(3), 0.0).tolist() == [0, 0, 0]
    assert text_rows(np.array([[0, 1], [-1, 0.5]])) == ("    ██", "  ##▒▒")
    assert np.allclose(smaller(np.array([[1.0, 3, 5], [1, 3, 5]])), [[2, 5]])


def test_nothing_against_is_0_and_no_bias_is_not_spoken_of():
    t = trace(bundled("wishes"))  # a seven, all of whose ink speaks for unit 1: 1 + 1 + 1 + 0.5, and a bias of 0
    shown = KINDS["image"].make(Scribe(t, "dz"), subject("image", t, "z1[1]", 0))
    assert "= 3.500 − 0.000 = 3.500: the pixels that speak for unit 1 of 3, those against it." in shown.facts[0]


def test_the_words_are_the_sums(tmp_path):
    lesson, problems = read(tmp_path)
    assert not problems and lesson.network.image == (2, 3) and document(lesson)["network"]["image"] == [2, 3]
    t = trace(lesson)
    kind = KINDS["image"]
    assert [kind.suits(t.find(id)) for id in ("z1", "a1", "dL/dW1", "W1'", "z2", "L")] == [True] * 4 + [False] * 2
    shown = kind.make(Scribe(t, "dz"), subject("image", t, "z1[2]", 0))
    # 1 + 0.5 speak for it, 0.2 + 0.8 against it, the bias is −0.2
    assert "= 1.500 − 1.000 − 0.200 = 0.300: the pixels that speak for unit 2 of 2" in shown.facts[0]
    assert "2 of the 6 pixels are 0" in " ".join(shown.facts) and "noise" not in " ".join(shown.facts)
    first = kind.begin(t.find("z1"), 0)  # the unit with the largest sum: 0.3, the other has −0.25
    assert first.index == (1,) and kind.begin(t.find("dL/dW1[1,4]"), 0).index == (0,)
    assert shown.plain[1:3] == ("  ██▒▒", "  ░░  ██")
    for columns, rows in ((80, 20), (20, 6), (12, 4), (3, 3), (0, 0)):
        picture = shown.draw(columns, rows)
        assert len(picture) <= rows and all(sum(len(text) for text, _ in row) <= columns for row in picture)


@pytest.mark.parametrize("image, inputs, words", [
    ("3, 3", "6", "an image of 3 × 3 has 9 pixels; there are 6 inputs"), ("6", "6", "image"), ('"a", 2', "6", "image"),
    ("0, 6", "6", "image"),
])  # fmt: skip
def test_an_image_that_has_other_pixels_is_told(image, inputs, words, tmp_path):
    _, problems = read(tmp_path, image, inputs)
    assert any(words in problem.message for problem in problems), [problem.message for problem in problems]


def test_the_digits(data_folder):
    lesson = bundled("digits")
    t = trace(lesson, 7)
    shown = KINDS["image"].make(Scribe(t, "dz"), subject("image", t, "z1[5]", 0))
    x, W, b = (np.asarray(t.iteration.values[id]) for id in ("x", "W1", "b1"))
    x = x.reshape(-1)
    z = W[4] @ x + b[4]
    told = [float(text.replace("−", "-")) for text in re.findall(r"−?\d+\.\d+", shown.facts[0].split(":")[0])]
    assert told[-1] == pytest.approx(z, abs=6e-4) and told[0] == pytest.approx((W[4] * x)[W[4] * x > 0].sum(), abs=6e-4)
    names = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
    y, a = (np.asarray(t.iteration.values[id]).reshape(-1) for id in ("y", "a2"))
    assert f"It is a {names[int(y.argmax())]}; the largest output, {number(float(a.max()), 3)}" in shown.facts[1]
    assert f"that of {names[int(a.argmax())]}" in shown.facts[1]
    wide = "\n".join(as_text(shown.draw(94, 44)))
    assert "▸5" in wide and " 16" in wide and "the image" in wide
    assert offers(t.find("z1"), 0)[0] == "image" and "image" not in offers(t.find("z2"), 0)
    large = replace(lesson.network, image=None)
    assert not KINDS["image"].subjects(trace(replace(lesson, network=large)))
    with Store.open() as store:
        (said,) = answers("digits", store, "image z1[3]")[-1:]
    assert "the image:" in said and "██" in said and "unit 3 of 16" in " ".join(said.split())


@pytest.mark.parametrize("size", [(60, 16), (80, 24), (160, 48)])
async def test_on_the_screen(size):
    async with tutor("digits", size, step="z1") as pilot:
        await press(pilot, "v")
        assert "[image]" in pane(pilot, "bar") and "the image" in screen(pilot)
        before = pane(pilot, "facts")
        await press(pilot, "down")
        assert pane(pilot, "facts") != before and re.search("[▀▄█]", pane(pilot, "picture"))
        if size[0] >= 80:
            assert "▸" in pane(pilot, "picture")
        await press(pilot, "d")  # light and dark
        assert "the image" in screen(pilot)
