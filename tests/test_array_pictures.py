"""What a person sees of an array lesson: the diagram, where one can point in it, and the pictures of its steps.

`UPDATE_GOLDEN=1 pytest tests/test_array_pictures.py` writes the golden diagrams anew: look at the difference.
"""

from __future__ import annotations

import os
import re
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from test_array_model import ALL, ATTENTION, RECURRENT, lesson
from test_tui import pane, press, screen, tutor, until
from tutor.engine.trace import Trace, trace
from tutor.pictures.canvas import as_text
from tutor.pictures.diagram import Diagram, begin, diagram, move, tell
from tutor.pictures.step.grids import Grid, draw_grids, draw_heat
from tutor.pictures.step.kinds import KINDS, another, offers, subject
from tutor.play import playback
from tutor.text.card import Scribe
from tutor.text.cells import width
from tutor.text.layout import number
from tutor.tui.pictures import PicturesScreen
from tutor.tui.player import PlayerScreen

GOLDEN = Path(__file__).parent / "golden"
CONV = """
[circuit]
define = ["c = conv(x, k, padding=1) + b", "p = max_pool(c, 2)", "q = avg_pool(c, 2)", "L = sum((p - q)**2) / 2"]
output = "L"
data = ["x"]
[circuit.inputs]
x = [[1.0, 0.0, 0.5], [0.25, -1.0, 2.0], [0.75, 0.5, -0.5]]
k = [[1.0, -1.0], [0.5, 2.0]]
b = 0.1
"""
CHANNELS = """
[circuit]
define = ["c = conv(x, k)", "n = norm(c)", "L = sum(n**3)"]
output = "L"
[circuit.inputs]
x = [[[1.0, 0.0, 0.5], [0.25, -1.0, 2.0], [0.75, 0.5, -0.5]], [[0.5, 1.0, 0.0], [1.0, 0.0, -1.0], [0.25, 0.5, 1.0]]]
k = [[[[1.0, -1.0], [0.5, 2.0]], [[0.5, 0.0], [-0.5, 1.0]]], [[[0.0, 1.0], [1.0, 0.0]], [[2.0, 0.5], [0.0, -1.0]]]]
"""
DEEP = """
[circuit]
define = [{lines}]
output = "L"
[circuit.inputs]
X = {matrix}
W = {matrix}
""".format(
    lines=", ".join([*(f'"A{i} = tanh({f"A{i - 1}" if i else "X"} @ W)"' for i in range(40)), '"L = sum(A39)"']),
    matrix=[[0.1 * (i - j) for j in range(3)] for i in range(3)],
)  # fmt: skip
LESSONS = ALL | {"conv": CONV, "channels": CHANNELS, "deep": DEEP}


@pytest.fixture(scope="module")
def traces() -> dict[str, Trace]:
    return {name: trace(lesson(text)) for name, text in LESSONS.items()}


def at(t: Trace, id: str, level: str = "matrix"):
    """A trace with the learner on a step, reached for the first time: what diagram() takes first."""
    cursor = replace(playback.jump(playback.start(t.lesson), t, id), level=level, notation="partials")
    return t, Scribe(t, "partials"), playback.current(cursor, t), cursor


def words(drawn: Diagram) -> str:
    return "\n".join(as_text(drawn.picture))


# ---------------------------------------------------------------- the diagram


@pytest.mark.parametrize(
    "name, text, step, size",
    [
        ("attention-80", ATTENTION, "dL/dP", (80, 20)),
        ("attention-160", ATTENTION, "S.1", (160, 30)),
        ("attention-44", ATTENTION, "dL/dX", (44, 5)),
        ("recurrence-80", RECURRENT, "dL/dWh", (80, 20)),
        ("recurrence-44", RECURRENT, "dL/dWh@h2", (44, 6)),
        ("channels-100", CHANNELS, "dL/dk", (100, 16)),
    ],
)
def test_golden_diagrams(name, text, step, size):
    found = words(diagram(*at(trace(lesson(text)), step), *size)) + "\n"
    path = GOLDEN / f"diagram-{name}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(found, encoding="utf-8")
    assert found == path.read_text(encoding="utf-8")


SIZES = [(160, 48), (80, 20), (44, 5), (30, 4), (60, 12), (100, 30), (20, 3), (1, 1)]


@pytest.mark.parametrize("name", LESSONS)
def test_a_diagram_keeps_to_its_size_and_shows_every_value_once(name, traces):
    t = traces[name]
    scribe = Scribe(t, "partials")
    for n, eq in enumerate(t.equations[:90]):
        columns, rows = SIZES[n % len(SIZES)]
        _, _, step, cursor = at(t, eq.symbol.id)
        drawn = diagram(t, scribe, step, cursor, columns, rows)
        assert len(drawn.picture) <= rows and all(width(row) <= columns for row in as_text(drawn.picture))
        items = [spot.item for spot in drawn.spots]
        assert len(items) == len(set(items)), "a shared parameter stands once"
        for spot in drawn.spots:
            assert spot.column >= 0 and spot.column + spot.columns <= columns + 1 and spot.row + spot.rows <= rows
            here = as_text(drawn.picture)[spot.row : spot.row + spot.rows]
            assert spot.item[0] in "\n".join(row[spot.column : spot.column + spot.columns] for row in here)
            untaught = f"dL/d{spot.item[0]}" not in t.program.by_key  # data has no step of its own
            assert t.find(spot.id) if spot.id else untaught
        if columns >= 80 and name != "deep":
            lines = {e.symbol.id for e in t.program.model.forward if "." not in e.symbol.id}
            assert {id for id, _ in items} >= lines, "the whole circuit is there"


def test_what_does_not_fit_is_counted_and_the_step_is_in_the_middle(traces):
    t = traces["deep"]
    drawn = diagram(*at(t, "A20"), 80, 20)
    before, after = re.search(r"◀ (\d+) more", words(drawn)), re.search(r"(\d+) more ▶", words(drawn))
    shown = {spot.item[0] for spot in drawn.spots}
    assert before and after and {"A19", "A20", "A21"} <= shown
    assert int(before[1]) + int(after[1]) + len(shown) == 1 + 41  # X and W before 40 lines and L


def test_nothing_is_said_of_a_value_before_its_step(traces):
    """A number stands in the picture, and a box is without the dot, from its step on; a gradient's mark likewise."""
    t = traces["attention"]
    first, last = words(diagram(*at(t, "Q"), 120, 24)), words(diagram(*at(t, "dL/dV"), 120, 24))
    assert "·P 3×3" in first and "·L ·" in first and "◀∂" not in first.partition("▶ this step")[0]
    assert number(t.find("L").value) in last and "·" not in last.replace(" · ", "").partition("▶ this step")[0]
    marks = [words(diagram(*at(t, eq.symbol.id), 120, 24)).count("◀∂") for eq in t.equations]
    assert marks == sorted(marks) and marks[-1] > 8


def _lit(t: Trace, id: str) -> list[str]:
    """The rows of the spans that are lit: what a step is about."""
    drawn = diagram(*at(t, id), 100, 24)
    return ["".join(text for text, style in row if style in ("lit", "value")) for row in drawn.picture]


def test_a_step_of_one_use_lights_that_use_alone_and_the_sum_all_of_them(traces):
    t = traces["recurrent"]

    def heavy(id: str) -> int:
        return sum(1 for row in _lit(t, id) for char in row if 0x2800 <= ord(char) < 0x2900)

    last, first, every = heavy("dL/dWh@h3"), heavy("dL/dWh@h1"), heavy("dL/dWh")
    assert 0 < first < last <= every + 20, "the wire to the first time is short, to the last long"
    assert not any("h1" in row for row in _lit(t, "dL/dWh@h3"))


@pytest.mark.parametrize("name", ["attention", "recurrent", "conv", "everything"])
@pytest.mark.parametrize("size", [(80, 21), (160, 44)])
def test_the_arrows_reach_every_box(name, size, traces):
    t = traces[name]
    drawn = diagram(*at(t, "L"), *size)
    seen, queue = set(), [begin(t, t.find(t.equations[0].symbol.id))]
    while queue:
        item = queue.pop()
        if item not in seen:
            seen.add(item)
            queue += [move(t, drawn, item, *way) for way in ((0, 1), (0, -1), (1, 0), (-1, 0))]
    assert seen >= {spot.item for spot in drawn.spots}


def test_in_words_a_shared_parameter_has_all_its_uses(traces):
    said = tell(*at(traces["recurrent"], "dL/dWh"))
    (line,) = [line for line in said if line.lstrip("> ").startswith("Wh =")]
    assert line.startswith("> ") and "∂L/∂Wh" in line
    assert re.search(r"used by h1(\.\d)?, h2(\.\d)?, h3(\.\d)?", line)
    assert any("1 number" in line and "1 numbers" not in line for line in said)


# ---------------------------------------------------------------- the pictures of a step


@pytest.mark.parametrize("name", LESSONS)
def test_every_step_has_pictures_that_keep_to_their_size(name, traces):
    t = traces[name]
    scribe, seen = Scribe(t, "dz"), set()
    every = max(len(t.equations) // 20, 1)
    for n, eq in enumerate(t.equations[::every]):
        step = t.find(eq.symbol.id)
        for kind in offers(step, t.examples - 1):
            seen.add(kind)
            if kind in ("activation", "slope", "check"):
                continue  # the same as of every lesson
            shown = KINDS[kind].make(scribe, KINDS[kind].begin(step, t.examples - 1))
            assert shown.title and shown.facts and all(fact.strip() for fact in shown.facts)
            columns, rows = [(78, 13), (94, 44), (30, 6), (8, 2), (3, 1)][n % 5]
            drawn = as_text(shown.draw(columns, rows))
            assert len(drawn) <= rows and all(width(line) <= columns for line in drawn), (kind, step.id)
    assert seen >= {"cells", "heat", "slope"} and ("sizes" in seen or name == "deep")


def facts(t: Trace, kind: str, id: str) -> str:
    return " ".join(KINDS[kind].make(Scribe(t, "partials"), subject(kind, t, id, 0)).facts)


def _marked(rows: list[str]) -> list[float]:
    return [float(text.replace("−", "-")) for row in rows for text in re.findall(r"\[ *([^\]]+)\]", row)]


def test_the_window_of_a_kernel_is_marked_in_the_image(traces):
    """c[2,2] with a padding of 1 takes x[1..2, 1..2] and the whole kernel: by hand."""
    t = traces["conv"]
    shown = KINDS["cells"].make(Scribe(t, "partials"), KINDS["cells"].begin(t.find("c[2,2]"), 0))
    x, k = np.array(t.iteration.values["x"]), np.array(t.iteration.values["k"])
    value = float((x[:2, :2] * k).sum())
    found = _marked(as_text(shown.draw(78, 13)))
    assert sorted(found) == sorted([*x[:2, :2].ravel(), *k.ravel(), value])
    assert f"= {number(value)}." in shown.facts[0] and "The kernel lies on 4 cells" in shown.facts[1]
    corner = facts(t, "cells", "c.1[1,1]") if "c.1" in t.program.symbols else ""
    assert "takes 1 of 9 cells: x₁₁" in corner and "3 cells of the kernel lie on the padding" in corner


def test_a_pool_says_where_the_gradient_goes(traces):
    t = traces["conv"]
    c = np.array(t.iteration.values["c"])[:2, :2]
    best = np.unravel_index(int(c.argmax()), c.shape)
    assert f"The largest of the window is c{'₁₂'[best[0]]}{'₁₂'[best[1]]}" in facts(t, "cells", "p[1,1]")
    assert "each of them gets 1/4 of the gradient" in facts(t, "cells", "q[1,2]")


def test_the_row_and_the_column_of_a_product_are_marked(traces):
    t = traces["attention"]
    q, k = (np.array(t.iteration.values[name]) for name in "QK")
    shown = KINDS["cells"].make(Scribe(t, "partials"), KINDS["cells"].begin(t.find("S.1[2,3]"), 0))
    short = {number(float(v)) for v in [*q[1], *k[2]]}
    assert {text.strip() for row in as_text(shown.draw(78, 13)) for text in re.findall(r"\[([^\]]+)\]", row)} >= short
    assert "Of Q it takes 2 of 6 cells: Q₂₁, Q₂₂." in " ".join(shown.facts)


def test_a_norm_before_and_after(traces):
    t = traces["channels"]
    c, n = (np.array(t.iteration.values[name]) for name in "cn")
    said = facts(t, "spread", "n[2,1,2]")
    row = c[1, 0]
    for value in (row[1], n[1, 0, 1], row.mean(), row.var(), np.sqrt(row.var() + 1e-5)):
        assert number(float(value)) in said
    assert "mean 0, variance" in said
    drawn = as_text(KINDS["spread"].make(Scribe(t, "dz"), subject("spread", t, "n[2,1,2]", 0)).draw(70, 13))
    assert drawn[1].startswith("before") and sum(row.count("◆") for row in drawn) == 2


def test_the_parts_by_use_add_up(traces):
    t = traces["recurrent"]
    parts = [float(np.array(t.iteration.values[f"dL/dWh@h{k}"])[1, 0]) for k in (1, 2, 3)]
    said = facts(t, "uses", "dL/dWh[2,1]")
    assert f"= {number(sum(parts))}: Wh is one value, so its parts add up." in said
    for k, part in enumerate(parts, 1):
        assert f"Through h{k}: {number(part)}." in said or f"Through h{k}.1: {number(part)}." in said
    share = facts(trace(lesson(RECURRENT.replace("h0 = [0.0, 0.0]", "h0 = [1.0, 0.0]"))), "uses", "dL/dWh[2,1]")
    assert ("Nothing comes back through h1" in said) and "Nothing" not in share, "h0 is 0"
    step = t.find("dL/dWh@h2")
    assert offers(step, 0)[0] == "uses" and KINDS["uses"].begin(step, 0).symbol.id == "dL/dWh"
    drawn = as_text(KINDS["uses"].make(Scribe(t, "dz"), KINDS["uses"].begin(step, 0)).draw(70, 13))
    assert any(row.startswith("sum") for row in drawn)


def test_what_a_recurrence_leaves_of_a_gradient(traces):
    t = traces["recurrent"]
    sizes = [float(np.sqrt(np.mean(np.square(t.iteration.values[f"dL/dh{k}"])))) for k in (1, 3)]
    said = facts(t, "sizes", "dL/dh1")
    assert f"From ∂L/∂h3 to ∂L/∂h1 it becomes {number(sizes[0] / sizes[1], 3)} of its size" in said
    assert "The largest is" in said and number(sizes[0], 3) in said


def test_a_heat_map_says_what_it_shades(traces):
    t = traces["attention"]
    p = np.array(t.iteration.values["P"])
    said = facts(t, "heat", "P[2,1]")
    best = int(p[1].argmax())
    assert f"The largest of its row is P₂{'₁₂₃'[best]} = {number(float(p[1, best]))} of the 1" in said
    assert "1 of the row are 0: blocked" in said
    wide = np.linspace(-1, 1, 400).reshape(20, 20)
    drawn = as_text(draw_heat(wide, (3, 4), 60, 12))
    assert any("<>" in row for row in drawn) and "##" in drawn[1] + drawn[2] and "below 0" in drawn[-1]
    assert as_text(draw_heat(np.array([1.0, np.nan, -np.inf]), (0,), 40, 8))  # what is none is no error


def test_grids_that_do_not_fit_show_the_part_round_what_is_used():
    big = np.arange(900.0).reshape(30, 30)
    grids = [Grid("A", big, {(20, 21)}), Grid("B", big, {(3, 4)}), Grid("C", big, (), (29, 29))]
    for columns, rows in ((78, 13), (94, 44)):
        drawn = as_text(draw_grids(grids, columns, rows))
        assert sorted(_marked(drawn)) == [3 * 30 + 4, 20 * 30 + 21, 899]
        assert "rows" in " ".join(drawn)
    assert "[ 899]" in "\n".join(as_text(draw_grids(grids, 40, 6))) or "[899]" in "\n".join(
        as_text(draw_grids(grids, 40, 6))
    )


@pytest.mark.parametrize("kind", ["cells", "heat", "spread", "uses"])
def test_one_goes_through_all_elements_of_all_arrays(kind, traces):
    for name, t in traces.items():
        symbols = KINDS[kind].subjects(t)
        if not symbols or name == "deep":
            continue
        first = next(found for step in t.steps() if (found := KINDS[kind].begin(step, 0)))
        count = sum(int(np.prod(symbol.shape)) for symbol in symbols)
        start = another(kind, t, first, -count, 0)
        end = another(kind, t, start, 1, 0)
        assert end != start or count == 1


# ---------------------------------------------------------------- keys


@pytest.mark.parametrize("size", [(80, 24), (160, 48)])
async def test_v_on_an_array_lesson(size, tmp_path):
    path = tmp_path / "recurrence.toml"
    path.write_text('format = 1\ntitle = "Recurrence"\n' + RECURRENT)
    async with tutor(path, size=size, step="dL/dWh[1,1]") as pilot:
        await press(pilot, "v")
        assert isinstance(pilot.app.screen, PicturesScreen)
        assert "[parts by use]" in pane(pilot, "bar") and "sum" in pane(pilot, "picture")
        await press(pilot, "right")
        assert "[heat map]" in pane(pilot, "bar") and "by size" in pane(pilot, "picture")
        await press(pilot, "down")
        assert "₁₂" in pane(pilot, "facts")
        await press(pilot, "escape")
        assert isinstance(pilot.app.screen, PlayerScreen)


async def test_the_names_of_all_pictures_fit_above_them(tmp_path):
    path = tmp_path / "channels.toml"
    path.write_text('format = 1\ntitle = "Channels"\n' + CHANNELS)
    async with tutor(path, step="dL/dc[2,1,1]") as pilot:
        await press(pilot, "v")
        for _ in range(6):
            bar = pane(pilot, "bar")
            assert "…" not in bar and "[" in bar and bar.count("sizes") == 1
            await press(pilot, "right")


async def test_predict_mode_shows_no_picture_of_what_comes_later(tmp_path):
    path = tmp_path / "recurrence.toml"
    path.write_text('format = 1\ntitle = "Recurrence"\n' + RECURRENT)
    async with tutor(path, step="h1", level="matrix") as pilot:
        sitting = pilot.app.screen.sitting
        pilot.app.push_screen(PicturesScreen(replace(sitting, predict=True), lambda sitting: None))
        await pilot.pause()
        shown = pilot.app.screen
        assert "heat" not in shown.offered() and "sizes" not in shown.offered()
        await press(pilot, "pagedown", "pagedown", "pagedown", "pagedown")
        assert shown.current()[1].symbol.id in ("h1", "h1.1"), "h2 and all that follows is asked for later"
        assert "after its own step" in screen(pilot)


async def test_the_arrows_choose_a_box_and_enter_goes_to_its_step(tmp_path):
    path = tmp_path / "attention.toml"
    path.write_text('format = 1\ntitle = "Attention"\n' + ATTENTION)
    async with tutor(path, step="S.1") as pilot:
        await press(pilot, "m")
        picture = pane(pilot, "picture")
        assert all(name in picture for name in ("Wq 2×2", "softmax", "▶S 3×3")) and "more" not in picture
        await press(pilot, "left", "right", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, PlayerScreen))
        assert "P" in screen(pilot)


def test_all_pictures_of_arrays_are_told_in_line_mode(traces):
    for kind, id in product(("cells", "heat"), ("P[1,2]", "dL/dS[2,1]")):
        if kind == "cells" and id == "P[1,2]":
            continue  # a softmax takes its whole row: it has the picture of its shares
        assert facts(traces["attention"], kind, id)
