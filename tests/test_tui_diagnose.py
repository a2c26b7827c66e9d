"""Your own numbers in the player: a file or a pasted table is judged, the outline is marked, Enter goes to the slip."""

from __future__ import annotations

import json

import pytest
from textual.events import Paste

from strategies import bundled
from test_plain import answers
from test_tui import here, pane, press, screen, tutor
from tutor.engine.trace import trace
from tutor.learner.store import Store
from tutor.pictures.diagram import diagram
from tutor.pictures.marks import kind_of, marked
from tutor.play import playback
from tutor.text.card import Scribe
from tutor.tui.diagnose import Diagnose
from tutor.tui.player import PlayerScreen

WITHOUT_SLOPE = "dL/dW2,-0.3189431,-0.3705549\ndL/da1,-0.4833504,0.3759392\ndL/dz1,-0.4833504,0.3759392\n"


async def pasted(pilot, text):
    pilot.app.screen.focused.post_message(Paste(text))
    await pilot.pause()
    await pilot.pause()


async def test_a_pasted_table_is_judged_and_enter_goes_to_the_first_wrong_step():
    async with tutor("o-classification", step="z1", level="matrix", size=(160, 48)) as pilot:
        await press(pilot, "D")
        assert isinstance(pilot.app.screen, Diagnose) and "Which file has your numbers?" in screen(pilot)
        await pasted(pilot, WITHOUT_SLOPE)
        said = " ".join(pane(pilot, "terms").split())
        assert "The first that is wrong is dL/dz1" in said and "slope" in said
        await press(pilot, "enter")
        assert isinstance(pilot.app.screen, PlayerScreen) and here(pilot) == "dL/dz1"
        await press(pilot, "n")
        marks = {row.split()[1]: row.split()[0] for row in pane(pilot, "outline").splitlines() if "dL/d" in row}
        assert "✗" in marks.values() and "✓" in marks.values()


async def test_a_file_by_its_name_what_is_no_file_and_back(tmp_path):
    path = tmp_path / "mine.json"
    path.write_text(json.dumps({"z1": [0.38, 0.8]}))
    async with tutor("o-classification", step="z1", size=(80, 24)) as pilot:
        await press(pilot, "D", *"nowhere.npz", "enter")
        assert "cannot be read" in screen(pilot)
        await press(pilot, *["backspace"] * 20)
        pilot.app.screen.focused.value = str(path)
        await press(pilot, "enter")
        assert "It is right" in screen(pilot)
        await press(pilot, "escape")
        assert isinstance(pilot.app.screen, PlayerScreen)
        await press(pilot, "D")
        assert "It is right" in screen(pilot)  # what was said is still there
        await press(pilot, "escape", "full_stop", "D")
        assert "Which file has your numbers?" in screen(pilot)  # of another iteration


def test_in_line_mode(tmp_path, data_folder):
    path = tmp_path / "mine.csv"
    path.write_text(WITHOUT_SLOPE)
    with Store.open() as store:
        said = "\n".join(answers("o-classification", store, f"diagnose {path}", "diagnose nowhere.npz", "diagnose"))
    assert "The first that is wrong is dL/dz1" in said and "cannot be read" in said and "Say which file" in said


@pytest.mark.parametrize("size", [(60, 16), (80, 24), (160, 48)])
async def test_the_picture_is_marked_and_a_key_takes_the_marks_away(size):
    async with tutor("o-classification", step="b1'", size=size) as pilot:
        await press(pilot, "D")
        await pasted(pilot, WITHOUT_SLOPE)
        await press(pilot, "escape", "m")
        shown = pane(pilot, "picture")
        assert "✗" in shown and ("✗ wrong" in shown) == (size[1] > 16)
        await press(pilot, "escape", "D", "f8")
        assert "Which file has your numbers?" in screen(pilot) and pilot.app.screen.sitting.diagnosis is None
        await press(pilot, "escape", "m")
        assert "✗" not in pane(pilot, "picture")


def test_every_item_has_the_sign_of_what_matters_most():
    here, circuit = trace(bundled("o-classification")), trace(bundled("gates"))
    judged = {"z1": "right", "dL/dz1": "slip", "W2'": "carried", "dL/dW2": "right", "L": "rounded"}
    items = [("a1", (0,)), ("W2", (0, 1)), ("L", ()), ("a2", (0,)), ("x", (0,))]
    kinds = [kind_of(here, judged, item) for item in items]
    assert kinds == ["slip", "carried", "rounded", None, None]
    assert kind_of(circuit, {"df/dq": "wrong", "q": "right"}, ("q", ())) == "wrong"


@pytest.mark.parametrize("name", ["o-classification", "p-deep", "gates", "forks", "attention", "recurrence"])
@pytest.mark.parametrize("size", [(30, 5), (56, 12), (100, 30)])
def test_signs_take_nothing_but_free_cells_and_the_legend(name, size):
    here = trace(bundled(name))
    scribe, cursor = Scribe(here, here.lesson.notation), playback.last(playback.start(here.lesson), here)
    step = playback.current(cursor, here)
    plain = diagram(here, scribe, step, cursor, *size)
    judged = {eq.symbol.id: "right" for eq in here.equations}
    drawn = marked(plain, here, judged)
    assert marked(plain, here, {}) is plain and len(drawn.picture) == len(plain.picture)
    signs = 0
    for at, (before, after) in enumerate(zip(plain.picture, drawn.picture, strict=True)):
        old, new = ("".join(text for text, _ in row) for row in (before, after))
        if drawn.legend and at == len(plain.picture) - 1:
            assert "✓ right" in new and len(new) <= size[0]
            continue
        changed = [(a, b) for a, b in zip(old.ljust(len(new)), new, strict=True) if a != b]
        signs += sum(b == "✓" for _, b in changed)
        assert all(b == "✓" for _, b in changed) and len(new) <= size[0]
        assert sum(a not in " ─━╭╮┏┓│┃" for a, _ in changed) <= (2 if size[0] < 60 else 0), (old, new)
    assert signs or not plain.spots
