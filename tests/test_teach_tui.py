"""The glossary, a teacher's own lessons and watching a file, as a person uses them in the terminal."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.widgets import Markdown

from effort import PATIENCE
from tutor.learner.store import Store
from tutor.lessonfiles import catalogue
from tutor.lessonfiles.check import load
from tutor.lessonfiles.scaffold import lesson_text
from tutor.play import playback
from tutor.text import glossary
from tutor.tui import watch
from tutor.tui.app import TutorApp
from tutor.tui.dialogs import Reader
from tutor.tui.glossary import Glossary
from tutor.tui.home import HomeScreen
from tutor.tui.lines import Lines, line
from tutor.tui.player import PlayerScreen

GOOD = lesson_text(Path("mine.toml"))
BROKEN = GOOD.replace('"half_squared_error"', '"half_sqared_error"').replace("learning_rate = 0.1", "learning_rate = 0")


@asynccontextmanager
async def running(path: Path | None = None, size=(100, 30), folders=(), watching=False):
    app = TutorApp(Store.open(), folders=folders)
    async with app.run_test(size=size) as pilot:
        if path:
            app.play(load(path), str(path), watching)
            await pilot.pause()
            await pilot.press("escape")
        yield pilot


async def until(pilot, holds, seconds=PATIENCE):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it never happened"
        await asyncio.sleep(0.02)
    await pilot.pause()


def texts(widget: Lines) -> list[str]:
    return [item.text for item in widget.lines]


@pytest.fixture
def mine(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(GOOD, encoding="utf-8")
    return path


# ---------------------------------------------------------------- the glossary


async def test_the_glossary_begins_with_the_terms_of_the_step_and_is_searched(mine):
    async with running(mine) as pilot:
        pilot.app.screen.jump("dL/dW1")
        await pilot.press("f")
        assert isinstance(pilot.app.screen, Glossary)
        await pilot.pause()
        shown = texts(pilot.app.screen.query_one("#terms", Lines))
        assert shown[0] == "At this step" and shown[2] == "Gradient" and "Weight" in shown
        assert len([text for text in shown if text and text[0].isupper()]) == len(glossary.TERMS) + 2
        listing = pilot.app.screen.query_one("#terms", Lines)
        await pilot.press("down", "pagedown", "up")
        assert listing.top == 8
        await pilot.press(*"step size")
        shown = texts(pilot.app.screen.query_one("#terms", Lines))
        assert shown[0] == "Learning rate" and "Weight" not in shown
        await pilot.press(*"zzz")
        assert "no such term" in texts(pilot.app.screen.query_one("#terms", Lines))[0]
        await pilot.press("escape")
        assert isinstance(pilot.app.screen, PlayerScreen)


# ---------------------------------------------------------------- lessons of one's own


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "course"
    made.mkdir()
    (made / "2-good.toml").write_text(GOOD, encoding="utf-8")
    (made / "3-broken.toml").write_text(BROKEN, encoding="utf-8")
    (made / "1-gates.toml").write_text(GOOD.replace('title = "Mine"', 'title = "My gates"'), encoding="utf-8")
    (made / "4-head.toml").write_text('format = 1\ntitle = "T\n', encoding="utf-8")
    return made


async def test_own_lessons_stand_beside_ours_with_their_errors_in_place(folder):
    async with running(folders=[folder], size=(120, 60)) as pilot:
        home = pilot.app.screen
        assert isinstance(home, HomeScreen)
        await until(pilot, lambda: home.filled)
        shown = "\n".join(texts(home.query_one("#list")))
        assert "The chain rule in two gates" in shown and "My gates" in shown  # of one id, both
        assert f"My lessons ({folder})" in shown and "4-head.toml: " in shown
        await until(pilot, lambda: home.faults)
        (fault,) = home.faults.values()
        assert fault == "3-broken.toml has 2 problems: Enter shows them"
        assert any(fault in text for text in texts(home.query_one("#list")))
        target = str(folder / "3-broken.toml")
        listing = home.query_one("#list")
        listing.show(listing.lines, next(n for n, item in enumerate(listing.lines) if item.target == target))
        await pilot.press("enter")
        assert isinstance(pilot.app.screen, Reader)
        assert any("half_sqared_error" in text for text in texts(pilot.app.screen.query_one(Lines)))


async def test_an_own_lesson_is_played_under_its_path_and_one_of_ours_under_its_id(folder):
    async with running(folders=[folder], size=(120, 60)) as pilot:
        home = pilot.app.screen
        await until(pilot, lambda: home.filled)
        listing = home.query_one("#list")
        for title, key in (("My gates", os.path.realpath(folder / "1-gates.toml")), ("The chain rule in two", "gates")):
            at = next(n for n, item in enumerate(listing.lines) if title in item.text)
            listing.show(listing.lines, at)
            await pilot.press("enter")
            player = pilot.app.screen_stack[-2]  # the introduction is over it
            assert isinstance(player, PlayerScreen) and player.sitting.key == key
            await pilot.press("escape", "n", "h")
        assert pilot.app.store.place("gates") and len([e for e in home.entries if e.id == "gates"]) == 2


async def test_a_lesson_written_meanwhile_appears_when_one_comes_back(folder):
    async with running(folders=[folder]) as pilot:
        home = pilot.app.screen
        (folder / "5-new.toml").write_text(GOOD.replace('"Mine"', '"Brand new"'), encoding="utf-8")
        await pilot.press("enter", "escape", "h")  # into a lesson and back
        await until(pilot, lambda: any(e.title == "Brand new" for e in home.entries))


@pytest.fixture
def slow(tmp_path, monkeypatch):
    """A folder of 450 lessons, and a disc that gives the first 150 and then waits to be told."""
    for number in range(450):
        (tmp_path / f"{number + 1:03}-own{number}.toml").write_text(GOOD.replace('"Mine"', f'"Own {number}"'))
    go_on, entry = threading.Event(), catalogue._entry

    def read(path: Path) -> catalogue.Entry:
        if path.parent == tmp_path and int(path.name[:3]) > 150:
            assert go_on.wait(PATIENCE)
        return entry(path)

    monkeypatch.setattr(catalogue, "_entry", read)
    yield tmp_path, go_on
    go_on.set()


async def test_a_slow_folder_fills_the_list_while_the_keys_work(slow):
    folder, go_on = slow
    async with running(folders=[folder]) as pilot:
        home = pilot.app.screen
        ours = len(catalogue.entries())
        await until(pilot, lambda: len(home.entries) == ours + 100)
        assert not home.filled
        await pilot.press("down")
        marked = home.chosen()
        await pilot.press(*"own 7")
        assert "Own 7" in "\n".join(texts(home.query_one("#list")))
        await pilot.press("escape")
        assert home.chosen() is not None and marked is not None
        await pilot.press("enter", "escape", "h")  # into a lesson and back, while it reads
        go_on.set()
        await until(pilot, lambda: home.filled)
        assert len(home.entries) == ours + 450


async def test_the_program_may_be_left_while_a_folder_is_read(slow):
    folder, go_on = slow
    async with running(folders=[folder]) as pilot:
        home = pilot.app.screen
        await until(pilot, lambda: len(home.entries) > len(catalogue.entries()))
        await pilot.press("ctrl+q")
        go_on.set()
    assert pilot.app.return_code == 0


# ---------------------------------------------------------------- watching


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(watch, "EVERY", 0.05)


def save(path: Path, text: str) -> None:
    """As an editor does: a new file in place of the old; its time differs however quick it goes."""
    other = path.with_suffix(".tmp")
    other.write_text(text, encoding="utf-8")
    when = path.stat().st_mtime_ns + 1_000_000 if path.exists() else time.time_ns()
    os.utime(other, ns=(when, when))
    other.replace(path)


async def test_a_save_is_played_at_once_at_the_same_step_of_the_same_iteration(mine, quick):
    async with running(mine, watching=True) as pilot:
        player = pilot.app.screen
        player.jump("dL/dW1[1,2]")
        await pilot.press("t")
        notation = player.sitting.cursor.notation
        save(mine, GOOD.replace("inputs = [2, 1]", "inputs = [2, 3]"))
        await until(pilot, lambda: player.sitting.lesson.inputs[0, 1] == 3)
        step = playback.current(player.sitting.cursor, player.sitting.trace)
        assert step.id == "dL/dW1[1,2]" and player.sitting.cursor.notation == notation
        # z = 1 − 0.75 + 0.1 = 0.35, error −1.65, times 3
        assert step.value == pytest.approx(-4.95)
        assert any("4.95" in text for text in texts(player.query_one("#card", Lines)))
        await pilot.press("full_stop", "full_stop")
        save(mine, GOOD.replace("learning_rate = 0.1", "learning_rate = 0.05"))
        await until(pilot, lambda: player.sitting.lesson.training.learning_rate == 0.05)
        assert player.sitting.cursor.iteration == player.sitting.trace.iteration.number == 3


async def test_a_save_that_takes_longer_than_the_time_between_two_looks_is_played(mine, quick, monkeypatch):
    def slowly(path):
        time.sleep(0.3)
        return load(path)

    monkeypatch.setattr(watch, "load", slowly)
    async with running(mine, watching=True) as pilot:
        player = pilot.app.screen
        save(mine, GOOD.replace("inputs = [2, 1]", "inputs = [2, 3]"))
        await until(pilot, lambda: player.sitting.lesson.inputs[0, 1] == 3)


async def test_a_broken_save_leaves_the_last_good_one_and_says_why(mine, quick):
    async with running(mine, watching=True) as pilot:
        player = pilot.app.screen
        await pilot.press("n")
        save(mine, BROKEN)
        await until(pilot, lambda: isinstance(pilot.app.screen, Reader))
        dialog = pilot.app.screen
        assert any("half_sqared_error" in text for text in texts(dialog.query_one(Lines)))
        assert texts(player.query_one("#bar", Lines))[0].startswith("mine.toml: 2 problems, line ")
        save(mine, GOOD.replace("biases = [0.1]", "biases = [7, 8]"))  # another mistake: the same dialog says so
        await until(pilot, lambda: any("[7, 8]" in text for text in texts(dialog.query_one(Lines))))
        assert pilot.app.screen is dialog and player.sitting.lesson.network.loss == "half_squared_error"
        save(mine, GOOD.replace('title = "Mine"', 'title = "Mended"'))
        await until(pilot, lambda: pilot.app.screen is player)
        assert player.sitting.lesson.title == "Mended" and "Mended" in texts(player.query_one("#bar", Lines))[0]


async def test_what_a_dialog_is_written_anew_with_stays_when_its_box_changes_its_size(mine):
    async with running(mine) as pilot:
        dialog = Reader([line("one line")], "Esc", {})
        pilot.app.push_screen(dialog)
        await pilot.pause()
        dialog.rewrite([line(f"line {at}") for at in range(9)])
        for width in (60, 90):
            await pilot.resize_terminal(width, 24)
            await pilot.pause()
            assert any("line 8" in text for text in texts(dialog.query_one(Lines)))


async def test_the_banner_stays_when_the_dialog_is_left(mine, quick):
    async with running(mine, watching=True) as pilot:
        player = pilot.app.screen
        save(mine, "")
        await until(pilot, lambda: isinstance(pilot.app.screen, Reader))
        await pilot.press("escape", "n")
        assert "last good save" in texts(player.query_one("#bar", Lines))[0] and player.sitting.cursor.at == 1
        mine.unlink()  # in the midst of a save there is no file
        await asyncio.sleep(0.1)
        save(mine, GOOD)
        await until(pilot, lambda: "last good save" not in texts(player.query_one("#bar", Lines))[0])
        assert player.sitting.cursor.at == 1


async def test_another_network_keeps_the_place_as_far_as_it_has_it(mine, quick):
    circuit = 'format = 1\ntitle = "C"\n[circuit]\ndefine = ["f = x * y"]\noutput = "f"\ninputs = { x = 2, y = 3 }\n'
    async with running(mine, watching=True) as pilot:
        player = pilot.app.screen
        await pilot.press("end")
        save(mine, circuit)
        await until(pilot, lambda: player.sitting.lesson.circuit is not None)
        assert player.sitting.cursor.at == len(player.sitting.trace.equations) - 1
        assert player.query_one("#map").border_title == "Circuit"
        save(mine, GOOD)
        await until(pilot, lambda: player.sitting.lesson.network is not None)
        await pilot.press("n", "b")


async def test_a_saved_data_file_is_played_too(tmp_path, quick):
    text = GOOD[: GOOD.index("[[examples]]")] + GOOD[GOOD.index("[training]") : GOOD.index("# A note stands")]
    lesson = tmp_path / "mine.toml"
    lesson.write_text(text.replace("[network]", 'examples = "d.csv"\n[network]', 1), encoding="utf-8")
    (tmp_path / "d.csv").write_text("height,age,y\n2,1,2\n")
    lesson.write_text(lesson.read_text(encoding="utf-8").replace("units = 1\n", 'units = ["y"]\n'), encoding="utf-8")
    async with running(lesson, watching=True) as pilot:
        player = pilot.app.screen
        assert player.sitting.lesson.inputs.tolist() == [[2, 1]]
        save(tmp_path / "d.csv", "height,age,y\n4,1,2\n")
        await until(pilot, lambda: player.sitting.lesson.inputs.tolist() == [[4, 1]])
        save(lesson, lesson.read_text(encoding="utf-8").replace("d.csv", "e.csv"))  # which is not there
        await until(pilot, lambda: isinstance(pilot.app.screen, Reader))
        save(tmp_path / "e.csv", "height,age,y\ntall,1,2\n")
        await until(pilot, lambda: any("'tall'" in text for text in texts(pilot.app.screen.query_one(Lines))))
        assert "mine.toml: 1 problem, line 2 of e.csv first" in texts(player.query_one("#bar", Lines))[0]
        save(tmp_path / "e.csv", "height,age,y\n5,1,2\n")
        await until(pilot, lambda: player.sitting.lesson.inputs.tolist() == [[5, 1]])
        assert pilot.app.screen is player


async def test_an_introduction_that_is_open_is_written_anew(mine, quick):
    async with running(mine, watching=True) as pilot:
        await pilot.press("i")
        reader = pilot.app.screen
        save(mine, GOOD.replace("One neuron", "A lonely neuron"))
        await until(pilot, lambda: "A lonely neuron" in reader.query_one(Markdown).source)
        save(mine, "")  # the dialog that says so lies above the introduction
        await until(pilot, lambda: pilot.app.screen is not reader)
        save(mine, GOOD.replace("One neuron", "Some neuron"))
        await until(pilot, lambda: "Some neuron" in reader.query_one(Markdown).source)
        assert pilot.app.screen is reader


async def test_without_watching_nothing_is_looked_at(mine, quick):
    async with running(mine) as pilot:
        player = pilot.app.screen
        save(mine, BROKEN)
        await asyncio.sleep(0.1)
        await pilot.pause()
        assert pilot.app.screen is player and player.watched is None


def test_a_stamp_changes_with_each_file(tmp_path):
    a, b = tmp_path / "a", tmp_path / "b"
    assert watch.stamp(a) is None
    a.write_text("x")
    first = watch.stamp(a, None)
    b.write_text("y")
    assert first is not None and watch.stamp(a, b) != first
