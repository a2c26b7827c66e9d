"""What if and compare as a person uses them: keys go in, the text on the screen comes out."""

from __future__ import annotations

import time

import pytest
from textual.widgets import Input

from effort import PATIENCE
from test_tui import LESSONS, here, pane, screen, tutor
from tutor.cli.line_mode import LineMode
from tutor.learner.store import Store
from tutor.lessonfiles.check import examine, load
from tutor.play import settings
from tutor.tui.compare import CompareScreen
from tutor.tui.dialogs import Ask
from tutor.tui.player import PlayerScreen
from tutor.tui.whatif import WhatIfScreen

O = "o-classification"


def player(pilot) -> PlayerScreen:
    return next(found for found in pilot.app.screen_stack if isinstance(found, PlayerScreen))


def listed(pilot) -> str:
    """The line of the list that is highlighted."""
    settings = pilot.app.screen.query_one("#settings")
    return settings.lines[settings.cursor].text


async def settle(pilot, holds, seconds=PATIENCE) -> None:
    """Wait until something holds; what a thread does takes its time."""
    end = time.monotonic() + seconds
    while not holds() and time.monotonic() < end:
        await pilot.pause(0.02)
    assert holds(), screen(pilot)


async def typed(pilot, text: str) -> None:
    """Type an edit in full into the line of the what-if screen, or of a dialog."""
    if isinstance(pilot.app.screen, WhatIfScreen):
        await pilot.press("enter")
    pilot.app.screen.query_one(Input).value = text
    await pilot.press("enter")
    await pilot.pause()


async def test_a_change_is_seen_at_once():
    """W1[1,1] and b1[1] by hand: z1[1] = 1 · 1.2 − 0.4 · 0.8 + 0.1 = 0.98."""
    async with tutor(O, (80, 24), "z1[1]") as pilot:
        assert "0.38" in pane(pilot, "card") and "changed" not in screen(pilot)
        await pilot.press("w")
        await typed(pilot, "W1[1,1] = 1")
        assert isinstance(pilot.app.screen, WhatIfScreen)
        assert "W1[1,1]: 0.5 → 1   Loss 0.7701 → " in screen(pilot)
        assert "0.98" in "\n".join(line.text for line in player(pilot).query_one("#card").lines)
        await pilot.press("escape")
        await pilot.pause()
        assert "changed: 1" in screen(pilot) and "0.98" in pane(pilot, "card")
        assert player(pilot).sitting.cursor.at == 0
        await pilot.press("u")
        assert "W1[1,1] is 0.5 again" in screen(pilot) and "0.38" in pane(pilot, "card")
        await pilot.press("U", "n")
        assert "changed: 1" in screen(pilot)


async def test_arrows_choose_and_change_a_little():
    async with tutor(O, (80, 24), "z1[1]") as pilot:
        await pilot.press("w")
        assert listed(pilot).split() == ["learning_rate", "0.5"]
        await pilot.press("right", "right")
        assert listed(pilot).split() == ["learning_rate", "0.52", "was", "0.5"]
        await pilot.press("left", "left")
        assert listed(pilot).split() == ["learning_rate", "0.5"] and not player(pilot).sitting.changed
        await pilot.press("down", "right")
        assert listed(pilot).split()[:2] == ["optimizer", "momentum"]
        assert player(pilot).sitting.lesson.training.optimizer == "momentum"
        await pilot.press("u", "u", "u")
        assert player(pilot).sitting.lesson.training.learning_rate == 0.52
        await pilot.press("U", "U", "U")
        assert player(pilot).sitting.lesson.training.optimizer == "momentum"
        await pilot.press("U")
        assert "no change that was taken back" in screen(pilot)


async def test_a_digit_begins_a_value_and_what_cannot_be_is_said():
    async with tutor(O, (80, 24), "z1[1]") as pilot:
        await pilot.press("w")
        await typed(pilot, "loss = cross_entropy")
        assert "wants softmax at the output" in screen(pilot) and not player(pilot).sitting.changed
        await pilot.press("enter", "escape")
        await typed(pilot, "[red]x[/red] = 1[/]")
        assert "There is no '[red]x[/red]'" in screen(pilot)
        await pilot.press("escape", "2", "slash", "3", "enter")
        await pilot.pause()
        assert player(pilot).sitting.lesson.training.learning_rate == 2 / 3
        await pilot.press("enter")
        assert pilot.app.screen.query_one(Input).value == repr(2 / 3), "all of its digits"
        await pilot.press("escape")
        assert isinstance(pilot.app.screen, WhatIfScreen) and not pilot.app.screen.query_one(Input).display
        await pilot.press("escape")
        assert isinstance(pilot.app.screen, PlayerScreen)


async def test_nothing_of_a_changed_lesson_is_remembered():
    async with tutor(O, (80, 24), "z2[1]") as pilot:
        store = pilot.app.store
        before = store.place(O)
        await pilot.press("w")
        await typed(pilot, "y = 0")
        await pilot.press("escape", "n", "n", "p")
        await pilot.press("home", "end")
        await pilot.pause()
        asking = player(pilot).sitting.asking
        assert asking is not None
        await typed(pilot, "7")
        assert store.place(O) == before and not store.answers()
        await pilot.press("escape", "p")
        await pilot.press("end", "n", "n", "n")
        await pilot.pause()
        assert O not in store.finished() and store.place(O) == before
        await pilot.press("escape", "u", "home")
        assert store.place(O) != before, "the lesson itself again"


async def test_step_level_notation_and_iteration_stay():
    async with tutor("p-deep", (120, 40), "dL/dW2", level="matrix", notation="delta", iteration=3) as pilot:
        await settle(pilot, lambda: player(pilot).sitting.cursor.iteration == 3)
        await pilot.press("w")
        await typed(pilot, "layer 1 activation = tanh")
        cursor = player(pilot).sitting.cursor
        assert (cursor.iteration, cursor.level, cursor.notation) == (3, "matrix", "delta")
        assert player(pilot).sitting.trace.equations[cursor.at].symbol.id == "dL/dW2"
        assert player(pilot).sitting.trace.lesson.network.layers[0].activation == "tanh"


async def test_a_far_iteration_is_trained_for_beside_the_screen(monkeypatch):
    monkeypatch.setattr("tutor.tui.player_moves.PATIENCE", 0)
    async with tutor(O, (80, 24), "dL/dW2", iteration=200) as pilot:
        await settle(pilot, lambda: player(pilot).sitting.cursor.iteration == 200)
        await pilot.press("w")
        await typed(pilot, "W1[1,1] = 1")
        await settle(pilot, lambda: player(pilot).sitting.cursor.iteration == 200)
        assert player(pilot).sitting.trace.equations[player(pilot).sitting.cursor.at].symbol.id == "dL/dW2"
        alone = player(pilot).sitting.run.iteration(200).values["L"]
        assert player(pilot).sitting.trace.iteration.values["L"] == alone


async def test_a_step_that_is_gone_leaves_the_player_where_it_can_be():
    async with tutor(O, (80, 24), "z1[1]") as pilot:
        await pilot.press("w")
        await typed(pilot, "l2 = 0.1; optimizer = adam")
        await pilot.press("escape", "end")
        assert here(pilot)
        at = player(pilot).sitting.cursor.at
        await pilot.press("u")
        now = player(pilot).sitting
        assert now.cursor.at < at and now.cursor.furthest < len(now.trace.equations)
        assert "changed" not in pane(pilot, "bar")


async def test_a_lesson_file_is_written_and_never_replaced_unasked(tmp_path):
    file = tmp_path / "mine.toml"
    async with tutor(O, (80, 24), "z1[1]") as pilot:
        await pilot.press("w")
        await typed(pilot, "W1[1,1] = 1")
        for answer, expected in ((None, 1.0), ("no", 1.0), ("yes", 2.0)):
            await pilot.press("s")
            assert isinstance(pilot.app.screen, Ask)
            assert pilot.app.screen.query_one(Input).value == "o-classification-what-if.toml"
            await typed(pilot, str(file))
            if answer is not None:
                assert "mine.toml is there already" in screen(pilot)
                await typed(pilot, answer)
                if answer == "no":
                    await pilot.press("escape")
                    await pilot.pause()
                    assert "Not written" in screen(pilot)
            found, problems = examine(file)
            assert not problems and found.network.layers[0].weights[0, 0] == expected
            await typed(pilot, "W1[1,1] = 2") if answer is None else None
        await pilot.press("s")
        await typed(pilot, str(tmp_path / "no" / "folder.toml"))
        assert "Cannot write" in screen(pilot)


async def test_the_smallest_terminal_shows_every_key_and_a_circuit_its_own_example():
    async with tutor("adam", (60, 16), "long") as pilot:
        await pilot.press("w")
        assert "y compare" in screen(pilot) and "Esc" in screen(pilot)
        assert "x = 0.3" in screen(pilot) and "W1[" not in screen(pilot)
        await pilot.press("escape", "end", "n")
        await pilot.pause()
        assert "next iteration" in screen(pilot) and "Esc stays" in screen(pilot)


async def test_a_key_that_an_ending_names_does_at_once_what_it_says():
    """"Press `w` (what if)" stands in a window: nobody is to know that it has to be closed first."""
    async with tutor("vanishing", (80, 24), "W1'") as pilot:
        for key, there in (("w", "What if"), ("v", "slope")):
            await pilot.press("end", "n")
            await settle(pilot, lambda: "Enter next lesson" in screen(pilot))
            await pilot.press(key)
            await settle(pilot, lambda there=there: there in screen(pilot) and "Enter next" not in screen(pilot))
            await pilot.press("escape")
            await settle(pilot, lambda: pilot.app.screen is player(pilot))


@pytest.mark.parametrize("size", [(60, 16), (160, 48)])
async def test_the_screens_fit(size):
    async with tutor("p-deep", size, "dL/dW2") as pilot:
        await pilot.press("w")
        await pilot.pause()
        assert "learning_rate" in screen(pilot) and "Enter type" in screen(pilot)
        await pilot.press("y")
        await pilot.pause()
        await pilot.press("enter")
        await settle(pilot, lambda: "ends lowest" in screen(pilot) and not pilot.app.screen.training)
        shown = screen(pilot)
        assert "─── 0.03  ╌╌╌ 0.3  ┄┄┄ 0.9" in shown
        assert size[0] < 80 or "learning_rate 0.3: 0.9206 → 0.03394, at the end 100 % right" in shown
        assert any("⠀" < char <= "⣿" for char in shown), "curves"


async def test_compare_changes_own_values_and_longer():
    def reached(epochs):
        compare = pilot.app.screen
        return isinstance(compare, CompareScreen) and not compare.training and compare.comparison.epochs == epochs

    async with tutor("gates", (80, 24), "q") as pilot:
        await pilot.press("w", "right", "y")
        await pilot.pause()
        await pilot.press("enter")
        await settle(pilot, lambda: "as it was: −12 → −213.6" in screen(pilot) and "changed: −12 →" in screen(pilot))
        await pilot.press("e")
        await typed(pilot, "learning_rate = 0.01 nan")
        assert "is no number" in screen(pilot)
        await typed(pilot, "learning_rate = 0.01 0.02")
        await settle(pilot, lambda: reached(100))
        await pilot.press("plus")
        await settle(pilot, lambda: reached(200))
        await pilot.press("minus", "minus", "l")
        await settle(pilot, lambda: reached(50) and "50 epochs" in screen(pilot) and "log scale" in screen(pilot))


async def test_a_long_comparison_is_stopped_and_the_screen_lives():
    async with tutor("p-deep", (120, 40), "z1") as pilot:
        await pilot.press("y")
        await pilot.pause()
        compare = pilot.app.screen
        assert isinstance(compare, CompareScreen)
        compare.epochs = 500_000
        await pilot.press("enter")
        await settle(pilot, lambda: len(compare.curves) == 3 and "training" in screen(pilot))
        await pilot.press("escape")
        await pilot.pause()
        assert isinstance(pilot.app.screen, CompareScreen) and not compare.training
        await settle(pilot, lambda: all(worker.is_finished for worker in compare.workers))
        await pilot.press("escape")
        await pilot.pause()
        assert isinstance(pilot.app.screen, PlayerScreen)


@pytest.mark.parametrize("key", ["h", "q"])
async def test_changes_are_not_left_behind_unsaid(key):
    async with tutor(O, (80, 24), "z1") as pilot:
        mine = player(pilot)
        mine.adopt(mine.sitting.changes.apply("learning_rate = 0.1", settings.here(mine.sitting.trace, 0, "dz")))
        await pilot.press(key)
        await pilot.pause()
        assert pilot.app.screen is mine and "Your changes end here" in screen(pilot)
        await pilot.press(key)
        await pilot.pause()
        assert mine not in pilot.app.screen_stack or not pilot.app.is_running or pilot.app._exit


# ---------------------------------------------------------------- line mode


def said(lesson, *lines: str, key=O) -> str:
    """What line mode says to these lines."""
    heard: list[str] = []
    rest = iter([*lines, "quit"])
    with Store.open() as store:
        LineMode(lesson, key, store, lambda prompt: next(rest, None), heard.append).play(True, False)
    return "\n".join(heard)


def test_line_mode_changes_and_takes_back(data_folder):
    found = said(load(LESSONS[O]), "set W1[1,1] = 1", "changes", "undo", "redo", "redo", "undo", "undo")
    assert found.count("= 0.98") == 2 and "changed: 1" in found
    assert "\n  W1[1,1]: 0.5 → 1\n" in found and "W1[1,1] is 0.5 again" in found
    assert "no change that was taken back" in found and "no change to take back" in found


def test_line_mode_refuses_in_words(data_folder):
    found = said(load(LESSONS[O]), "set", "set x", "set loss = cross_entropy", "save", "compare", "compare seed 1")
    for expected in ("Write a name", "wants softmax", "Say which file", "Say what is to differ", "Give 2 to 4"):
        assert expected in found


def test_line_mode_keeps_nothing_of_a_changed_lesson(data_folder):
    ours = load(LESSONS[O])
    said(ours, "go L")
    said(ours, "set y = 0", "go dL/dW2", "predict", "go dL/dz1", "0.5", "show", "predict", "last", "", "")
    with Store.open() as store:
        assert store.place(O).step == "L" and not store.answers() and O not in store.finished()


def test_line_mode_writes_a_file(data_folder, tmp_path):
    file = tmp_path / "mine.toml"
    ours = load(LESSONS[O])
    found = said(ours, "set y = 0", f"save {file}", f"save {file}", "no", "set y = 1/2", f"save {file}", "yes")
    assert "Not written." in found and found.count(f"Written: {file}") == 2
    made, problems = examine(file)
    assert not problems and made.targets[0, 0] == 0.5


def test_line_mode_compares(data_folder):
    found = said(load(LESSONS[O]), "compare learning_rate 0.1 1")
    assert "ends lowest" in found and "learning_rate 0.1: loss" in found and "of 2 right" in found


async def test_an_array_is_listed_row_by_row_and_tab_goes_along_the_row():
    """The kernel 1, −0.5; 0.5, −1 of lesson 33: row 2, then its second number, a little more."""
    async with tutor("convolution", (80, 24), "c") as pilot:
        await pilot.press("w")
        rows = [line.text for line in pilot.app.screen.query_one("#settings").lines]
        assert sum("k[" in row for row in rows) == 2 and not any("k[1,2]" in row for row in rows)
        while "k[2,]" not in listed(pilot):
            await pilot.press("down")
        assert listed(pilot).split()[1:] == ["0.5", "−1"]
        await pilot.press("tab", "right")
        assert "k[2,2]: −1 → −0.99" in screen(pilot) and listed(pilot).split()[1:] == ["0.5", "−0.99"]
        assert "k[2,2] was −1" in pane(pilot, "settings")
        await pilot.press("shift+tab", "left")
        assert "k[2,1]: 0.5 → 0.4" in screen(pilot)
        await pilot.press("u", "u")
        assert player(pilot).sitting.changes.lesson.circuit.inputs["k"][1][1] == -1
    async with tutor("gates", (80, 24), "q") as pilot:
        await pilot.press("w")
        assert "tab number" not in screen(pilot)
