"""Your own numbers in the player: a file or a pasted table is judged, the outline is marked, Enter goes to the slip."""

from __future__ import annotations

import json

from textual.events import Paste

from test_plain import answers
from test_tui import here, pane, press, screen, tutor
from tutor.learner.store import Store
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
