"""The landscape over two parameters: its heights and the path by other code, what is drawn, said and refused."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest

from strategies import bundled, circuit_lesson, dense, network_lesson
from tutor.cli.line_training import landscape as landscape_in_lines
from tutor.engine.landscape import Landscape, NoLandscape, element, landscape_over
from tutor.engine.lesson import Training
from tutor.engine.run import Run
from tutor.engine.trace import trace
from tutor.handouts.figures import NoFigure, figure
from tutor.pictures.canvas import as_text
from tutor.pictures.landscape import drawn, levels, with_cursor
from tutor.play.settings import Refused
from tutor.text.landscape_words import landscape_words, lowest_words, place_words, point_words, stops
from tutor.tui.landscape import LandscapeScreen

NET = network_lesson(
    [dense([[0.3, -0.4], [0.2, 0.7]], [0.1, 0.0], "tanh"), dense([[0.5, -0.3]], [0.05])],
    "half_squared_error", [[0.5, -1.0], [1.5, 0.25], [-0.75, 2.0]], [[0.5], [-0.25], [1.0]], learning_rate=0.1,
    order="shuffled", l2=0.01,
)  # fmt: skip
BOWL = circuit_lesson(["f = (x - 3) ** 2 + 2 * y ** 2 + 1"], training=Training(0.1), x=5, y=1)


def trained(lesson, iterations: int) -> Run:
    run = Run(lesson)
    run.train(iterations)
    return run


def by_hand(W1, b1, W2, b2) -> float:
    """The objective of NET over all of its rows: half squared errors, their mean, and λ/2 of the weights' squares."""
    x, y = np.array([[0.5, -1.0], [1.5, 0.25], [-0.75, 2.0]]), np.array([0.5, -0.25, 1.0])
    out = np.tanh(x @ W1.T + b1) @ W2[0] + b2[0]
    return float(np.mean((out - y) ** 2 / 2) + 0.005 * (np.sum(W1**2) + np.sum(W2**2)))


@pytest.mark.parametrize("pair", [("W1[1,2]", "W2[1,1]"), ("W1[1,1]", "W1[2,2]"), ("b1[2]", "b2[1]")])
def test_heights_are_the_loss_of_all_rows_with_two_numbers_changed(pair):
    run = trained(NET, 40)
    made = Landscape(run, 25, *(element(run, id) for id in pair))
    held = {id: np.array(value, dtype=float) for id, value in run.parameters(26).items()}
    rng = np.random.default_rng(1)
    for a, b in [*rng.normal(size=(6, 2)), made.held]:
        own = {id: value.copy() for id, value in held.items()}
        for id, value in zip(pair, (a, b), strict=True):
            name, index = id.rstrip("]").split("[")
            own[name][tuple(int(i) - 1 for i in index.split(","))] = value
        assert made.loss(a, b) == pytest.approx(by_hand(**own), rel=1e-12)
    assert made.points == 33
    made.points = 5
    _, ys, heights = made.grid((-1, 1, 0, 2))
    assert heights[3, -1] == made.loss(1.0, ys[3]) and heights.shape == (5, 5)
    assert made.grid((-1, 1, 0, 2), lambda: False) is None


def test_the_path_is_where_training_was_and_its_heights_are_the_losses_there():
    run = trained(NET, 40)
    made = Landscape(run, 40)
    assert made.at.tolist() == list(range(1, 42)) and not made.alone
    for number, place, height in zip(made.at.tolist(), made.path, made.heights, strict=True):
        parameters = run.parameters(number)
        assert [parameters[ref.symbol.id][ref.index] for ref in (made.x, made.y)] == place.tolist()
        assert height == pytest.approx(by_hand(**parameters), rel=1e-12)
    spans = {}  # of the two that moved most
    for id in ("W1", "b1", "W2", "b2"):
        moved = np.ptp([run.parameters(n)[id] for n in range(1, 42)], axis=0)
        spans |= {f"{id}[{','.join(str(i + 1) for i in at)}]": moved[at] for at in np.ndindex(moved.shape)}
    assert {made.x.id, made.y.id} == set(sorted(spans, key=lambda id: -spans[id])[:2])
    x0, x1, y0, y1 = made.window()
    assert x0 < made.path[:, 0].min() and made.path[:, 0].max() < x1 and y0 < made.path[:, 1].min() < y1
    assert np.diff(made.window(2.0)[:2]) == pytest.approx((x1 - x0) / 2)


def test_of_two_parameters_the_path_lies_on_the_landscape():
    made = Landscape(trained(BOWL, 30), 30)
    assert made.alone and (made.x.id, made.y.id) == ("x", "y")
    for (a, b), height in zip(made.path.tolist(), made.heights.tolist(), strict=True):
        assert height == pytest.approx((a - 3) ** 2 + 2 * b**2 + 1) == made.loss(a, b)
    assert made.path[4] == pytest.approx([3 + 2 * 0.8**4, 0.6**4])
    assert "lies on the landscape" in landscape_words(made)[1]
    found = re.fullmatch(r"Lowest round the path: x = (\d\.\d+), y = (.*): f = (1\.?0*)\.", lowest_words(made)[0])
    assert found and float(found[1]) == pytest.approx(3, abs=0.06)


def test_a_long_training_has_a_short_path_and_one_that_diverges_ends_before_it_is_out_of_bounds():
    long = Landscape(trained(BOWL, 200_000), 200_000)
    assert len(long.at) <= 122 and long.at[0] == 1 and long.at[-1] == 200_001
    run = trained(circuit_lesson(["f = x ** 2 + y ** 2"], training=Training(1.2), x=1, y=0.5), 3000)
    assert run.diverged is not None
    made = Landscape(run, run.trained)
    assert np.isfinite(made.path).all() and np.isfinite(made.heights).all() and made.heights.max() < 1.25 * 40
    assert np.isfinite(made.window()).all()


def test_what_is_no_landscape_is_said():
    run = trained(NET, 5)
    for text, word in (
        ("W1[1,1]", "two parameters"), ("W1 W2", "which element of W1, of 2 × 2: W1[1,1]"), ("b2 b2[1]", "twice"),
        ("W1[3,1] W2[1,1]", "which element"), ("W1[1,1] z1[1]", "no trained parameter 'z1[1]'"),
        ("W1[1,1] dL/dW1[1,1]", "no trained"), ("W1[1,1]@2 b2[1]", "no trained"), ("W1[1,1] [", "no trained"),
    ):  # fmt: skip
        with pytest.raises(NoLandscape, match=re.escape(word)):
            landscape_over(run, 5, text)
    one = circuit_lesson(["f = x ** 2"], training=Training(0.1), x=1)
    still = circuit_lesson(["f = x"], x=1)
    for found, word in ((Run(NET), "Nothing is"), (trained(one, 3), "trains one"), (Run(still), "not trained")):
        with pytest.raises(NoLandscape, match=word):
            Landscape(found, 3)
    with pytest.raises(Refused, match="Nothing is trained"):
        landscape_in_lines(Run(NET), "", print)
    with pytest.raises(NoFigure, match="twice"):
        figure("landscape", trace(NET), "index", "b2[1] b2[1]")


# ---------------------------------------------------------------- drawn and said


def test_contours_are_at_their_heights():
    """Where a contour's number stands, the bowl is as high, to a few cells; the path begins and ends at its marks."""
    made = Landscape(trained(BOWL, 30), 30)
    window = made.window()
    grid = made.grid(window)
    for columns, rows, most in ((60, 9, 1), (78, 18, 3), (150, 44, 4)):
        frame = drawn(made, grid, window, columns, rows)
        lines = as_text(with_cursor(frame, made.path[2].tolist()))
        assert len(lines) <= rows and max(map(len, lines)) <= columns
        assert [sum(line.count(sign) for line in lines[1:]) for sign in "◆○●"] == [1, 1, 1]
        found = 0
        for row in range(frame.top, frame.top + frame.area_rows):
            for label in re.finditer(r"(?<![\d.−])\d+(?:\.\d+)?(?![\d.])", lines[row][frame.left + 1 :]):
                across = np.linspace(label.start() - 2, label.end() + 2, 9) / frame.area_columns
                down = np.linspace(row - frame.top - 1, row - frame.top + 2, 9) / frame.area_rows
                xs = frame.x.low + across * (frame.x.high - frame.x.low)
                ys = frame.y.high - down * (frame.y.high - frame.y.low)
                near = [(a - 3) ** 2 + 2 * b**2 + 1 for a in xs for b in ys]
                assert min(near) <= float(label[0]) <= max(near), (label[0], row)
                found += 1
        assert found >= most
    assert drawn(made, None, window, 10, 3) is None
    assert levels(np.array([[1.0, math.nan], [2.0, 3.0]]), 4) and levels(np.full((2, 2), math.nan), 4) == []


def test_in_words():
    run = trained(NET, 40)
    made = Landscape(run, 40)
    assert "All other parameters are held as they are after 40 iterations" in landscape_words(made)[1]
    assert stops(made)[0] == 0 and stops(made)[-1] == 40
    assert point_words(made, 0).startswith("after 0 iterations") and place_words(made, 0, 0).startswith(made.x.id)
    log = Landscape(trained(circuit_lesson(["f = log(x) ** 2 + y ** 2"], training=Training(0.01), x=2, y=1), 20), 20)
    assert "no finite number" in place_words(log, -1, 0)
    log.points = 9
    xs, ys, heights = log.grid((-1, 3, -1, 1))
    frame = drawn(log, (xs, ys, heights), (-1, 3, -1, 1), 60, 12)
    assert "◆" in "\n".join(as_text(with_cursor(frame)))
    said: list[str] = []
    landscape_in_lines(run, "W1[1,1] b2[1]", said.append)
    text = " ".join(said)
    assert said[0] == "J over W1[1,1] and b2[1]" and "after 40 iterations" in text and "Lowest round the path" in text


def test_as_a_figure():
    svg = figure("landscape", trace(bundled("momentum")), "math")
    assert svg.startswith("<svg") and "contours of f" in svg and "<title>f over x and y</title>" in svg


async def test_on_a_screen():
    from textual.app import App
    from textual.widgets import Input

    run = trained(NET, 40)

    class Alone(App):
        def on_mount(self):
            self.push_screen(LandscapeScreen(run, 40))

    async with Alone().run_test(size=(80, 24)) as pilot:
        screen = pilot.app.screen
        await pilot.app.workers.wait_for_complete()
        await pilot.pause()
        assert screen.grid is not None
        await pilot.press("full_stop", "full_stop")
        assert screen.point == 1 and list(screen.cursor) == screen.made.path[1].tolist()
        x = screen.cursor[0]
        await pilot.press("right")
        window = screen.window
        assert screen.point is None and screen.cursor[0] == pytest.approx(x + (window[1] - window[0]) / 40)
        await pilot.press("plus")
        assert screen.window[1] - screen.window[0] == pytest.approx((window[1] - window[0]) / 1.5)
        await pilot.press("e")
        await pilot.pause()
        entry = pilot.app.screen.query_one(Input)
        entry.value = "W1[1,1] b1[2]"
        await pilot.press("enter")
        await pilot.app.workers.wait_for_complete()
        await pilot.pause()
        assert (screen.made.x.id, screen.made.y.id) == ("W1[1,1]", "b1[2]") and screen.grid is not None
