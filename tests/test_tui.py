"""The terminal app as a person uses it: keys and clicks go in, the text on the screen comes out."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest
from textual.events import Key
from textual.widgets import Input

from strategies import bundled, by_turns, spread
from tutor.engine.lesson import LEVELS
from tutor.engine.trace import Trace, trace
from tutor.learner.database import default_path
from tutor.learner.store import Store
from tutor.lessonfiles import catalogue
from tutor.lessonfiles.check import load
from tutor.play import playback
from tutor.play.place import Place
from tutor.play.playback import Cursor
from tutor.text.card import Scribe
from tutor.text.cells import width
from tutor.text.notations import NOTATIONS
from tutor.tui import app as app_module
from tutor.tui import state_views, views
from tutor.tui.app import TutorApp
from tutor.tui.home import HomeScreen
from tutor.tui.lines import KeyBar, Lines
from tutor.tui.player import PlayerScreen
from tutor.tui.player_panes import PlayerPanes

LESSONS = {entry.id: entry.path for entry in catalogue.entries()}

BATCH = """
format = 1
title = "A batch of three"
level = "matrix"
[network]
inputs = 2
loss = "cross_entropy"
[[network.layers]]
units = 3
activation = "tanh"
[[network.layers]]
units = 2
activation = "softmax"
[[examples]]
inputs = [1, 2]
target = 1
[[examples]]
inputs = [-1, 0.5]
target = 2
[[examples]]
inputs = [0.5, -0.25]
target = 2
[training]
batch = "all"
learning_rate = 0.1
"""

MARKUP = "[red]x[/red] a[/]b [@click=app.quit]q[/]"
HOSTILE = f"""
format = 1
title = "{MARKUP}"
summary = "{MARKUP}"
intro = "Hello `{MARKUP}`"
level = "scalar"
[circuit]
define = ["f = x * y"]
output = "f"
[circuit.inputs]
x = 2
y = 3
[[notes]]
step = "f"
text = '''
- {MARKUP}
- `{MARKUP}`
'''
"""

LONG = """
format = 1
title = "Long to train"
[network]
inputs = 1
loss = "squared_error"
[[network.layers]]
units = 40
activation = "tanh"
[[network.layers]]
units = 1
[[examples]]
inputs = [0.5]
targets = [0.25]
[training]
learning_rate = 0.001
"""


@asynccontextmanager
async def tutor(lesson: str | Path | None = None, size=(80, 24), step: str | None = None, **where):
    """The running app's pilot: at home, or in `lesson` (an id or a file); with `step` it is there, the intro over."""
    store = Store.open()
    path = Path(LESSONS.get(lesson, lesson)) if lesson else None
    found = bundled(str(lesson)) if lesson in LESSONS else load(path) if path else None
    if step and found:
        place = {"level": found.level, "notation": found.notation, "iteration": 1, "example": 0, **where}
        store.save_place(str(lesson), Place(step, **place))
    app = TutorApp(store, (lambda app: app.play(found, str(lesson))) if found else None)
    async with app.run_test(size=size, notifications=True) as pilot:
        await pilot.pause()
        yield pilot
    store.close()


def screen(pilot) -> str:
    """The text on the screen, a line a row."""
    return "\n".join(strip.text.rstrip() for strip in pilot.app.screen._compositor.render_strips())


def pane(pilot, name: str) -> str:
    """The text of one pane, what is scrolled out of view too."""
    return "\n".join(line.text.rstrip() for line in pilot.app.screen.query_one(f"#{name}", Lines).lines)


def here(pilot) -> str:
    """The id of the step on the screen."""
    player = pilot.app.screen
    assert isinstance(player, PlayerScreen), player
    return playback.place(player.sitting.cursor, player.sitting.trace)


async def press(pilot, *keys: str) -> None:
    await pilot.press(*keys)
    await pilot.pause()


async def type_in(pilot, text: str) -> None:
    """Type a text as a whole and press Enter."""
    pilot.app.screen.query_one(Input).value = text
    await press(pilot, "enter")


async def until(pilot, condition, seconds: float = 10) -> None:
    """Wait for what happens beside the screen."""
    for _ in range(int(seconds * 50)):
        if condition():
            return
        await pilot.pause(0.02)
    raise AssertionError("it did not happen:\n" + screen(pilot))


@pytest.fixture
def file(tmp_path):
    """A function that writes a lesson file."""

    def write(text: str, name: str = "mine.toml") -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


# ---------------------------------------------------------------- home


async def test_home_lists_all_lessons_by_unit():
    async with tutor(size=(100, 120)) as pilot:
        text = screen(pilot)
        places = []
        for entry in catalogue.entries():
            assert entry.title in text and entry.summary[:40] in text
            places.append((text.index(entry.unit), text.index(entry.title)))
        assert all(unit < title for unit, title in places)
        assert places == sorted(places)
        assert f"0 of {len(LESSONS)} lessons finished" in text


async def test_home_fits_80_by_24_and_scrolls_to_the_marked_lesson():
    async with tutor() as pilot:
        await press(pilot, *["down"] * len(LESSONS))
        assert catalogue.entries()[-1].title in screen(pilot)


async def test_search_filters_as_one_types_and_esc_clears():
    async with tutor() as pilot:
        await press(pilot, *"softmax")
        text = screen(pilot)
        assert "Two hidden layers and a softmax" in text and "The chain rule in two gates" not in text
        await press(pilot, *"zz")
        assert "No lesson has these words" in screen(pilot)
        await press(pilot, "enter")
        assert isinstance(pilot.app.screen, HomeScreen)
        await press(pilot, "escape")
        assert "The chain rule in two gates" in screen(pilot)


async def test_enter_opens_the_marked_lesson_on_its_intro():
    async with tutor() as pilot:
        await press(pilot, "down", "enter")
        await until(pilot, lambda: "Enter begins" in screen(pilot))
        second = catalogue.entries()[1]
        assert second.title in screen(pilot)
        await press(pilot, "enter")
        assert pilot.app.screen.sitting.lesson.title == second.title


async def test_a_click_opens_a_lesson():
    async with tutor() as pilot:
        rows = screen(pilot).split("\n")
        row = next(y for y, text in enumerate(rows) if "Forks, and gates that choose" in text)
        await pilot.click(offset=(10, row))
        await until(pilot, lambda: "each value feeds many others" in screen(pilot))


async def test_finishing_a_lesson_ticks_it_at_home_and_for_good():
    async with tutor("gates", step="z'") as pilot:
        await press(pilot, "n")
        assert "✓ The chain rule in two gates" in screen(pilot)
        await press(pilot, "h")
        assert "✓ The chain rule in two gates  finished" in screen(pilot)
        assert f"1 of {len(LESSONS)} lessons finished · next: How steep is it here?" in screen(pilot)
    async with tutor() as pilot:
        assert "✓ The chain rule in two gates  finished" in screen(pilot)


async def test_a_lesson_with_errors_shows_them_and_home_stays(file):
    bad = file('format = 1\ntitle = "Bad"\n[network]\ninputs = 2\nloss = "squared_eror"\n')
    async with tutor(size=(100, 30)) as pilot:
        pilot.app.open_lesson(bad, "bad")
        await until(pilot, lambda: "unknown loss 'squared_eror'" in screen(pilot))
        text = screen(pilot)
        assert "line 5, column 8" in text and "layers is missing" in text and "'squared_error'?" in text
        await press(pilot, "escape")
        assert isinstance(pilot.app.screen, HomeScreen)


# ---------------------------------------------------------------- walking


async def test_next_and_back_walk_the_steps():
    async with tutor("gates", step="q") as pilot:
        assert "q = x + y" in screen(pilot) and "forward 1/9" in screen(pilot)
        await press(pilot, "n")
        assert here(pilot) == "f" and "−12" in screen(pilot)
        await press(pilot, "space")
        assert here(pilot) == "df/dq"
        await press(pilot, "b", "b")
        assert here(pilot) == "q"
        await press(pilot, "b")
        assert here(pilot) == "q" and "first step" in screen(pilot)


async def test_phases_first_and_last():
    async with tutor("gates", step="q") as pilot:
        steps = []
        for key in ("]", "]", "[", "[", "end", "home"):
            await press(pilot, {"]": "right_square_bracket", "[": "left_square_bracket"}.get(key, key))
            steps.append(here(pilot))
        assert steps == ["df/dq", "x'", "df/dq", "q", "z'", "q"]


async def test_a_step_shows_formula_numbers_value_reason_and_the_authors_note():
    async with tutor("o-regression", step="dL/dW2[1,1]") as pilot:
        card = pane(pilot, "card")
        for part in ("∂w²₁₁", "∂ŷ", "O₁₁", "= −1.332 · 0.94", "= −1.25208", "carries", "this weight never meets"):
            assert part in card.replace("\n│ ", " "), card


async def test_going_to_a_step_by_id():
    async with tutor("o-regression", step="z1[1]") as pilot:
        await press(pilot, "g")
        await type_in(pilot, "dL/dW9")
        assert "no step 'dL/dW9'" in screen(pilot).replace("\n", " ")
        await type_in(pilot, "dL/dW2[1,2]")
        assert here(pilot) == "dL/dW2[1,2]" and "−0.58608" in screen(pilot)
        await press(pilot, "g")
        await press(pilot, "escape")
        assert here(pilot) == "dL/dW2[1,2]"


async def test_a_local_derivative_can_be_visited_and_left():
    async with tutor("o-classification", step="z1[1]") as pilot:
        await press(pilot, "g")
        await type_in(pilot, "da2/dz2")
        assert here(pilot).startswith("da2/dz2")
        await press(pilot, "r")
        assert here(pilot) == "z1[1]"


async def test_levels_keep_the_step():
    async with tutor("p-deep", step="dL/dz2", level="matrix") as pilot:
        assert "⎡" in pane(pilot, "card")
        await press(pilot, "1")
        assert "⎡" not in pane(pilot, "card") and "·" not in pane(pilot, "card").split("\n", 1)[1]
        await press(pilot, "2")
        assert here(pilot) == "dL/dz2[1]" and "Element [1] of 3" in pane(pilot, "card")
        await press(pilot, "l")
        assert here(pilot) == "dL/dz2" and "matrix" in screen(pilot).split("\n")[0]
        await press(pilot, "L")
        assert "scalar" in screen(pilot).split("\n")[0]


async def test_notations_rename_everything_and_change_no_value():
    async with tutor("p-deep", step="dL/dz2", level="matrix", size=(160, 48)) as pilot:
        cards = []
        for _ in NOTATIONS:
            cards.append(pane(pilot, "card"))
            assert all(value in cards[-1] for value in ("−0.07931", "0.04283", "0.2452"))
            await press(pilot, "t")
        assert len({card.split("\n")[2] for card in cards}) == len(NOTATIONS)
        assert pane(pilot, "card") == cards[0]
        await press(pilot, "T")
        assert pane(pilot, "card") == cards[-1]


async def test_arrows_walk_the_cells_at_level_scalar_and_steps_at_the_others():
    async with tutor("p-deep", step="dL/dW2", level="scalar") as pilot:
        walked = []
        for key in ("right", "down", "left", "left", "up", "up"):
            await press(pilot, key)
            walked.append(here(pilot).removeprefix("dL/dW2"))
        assert walked == ["[1,2]", "[2,2]", "[2,1]", "[2,1]", "[1,1]", "[1,1]"]
        await press(pilot, "3", "right")
        assert here(pilot) == "dL/db2"
        await press(pilot, "left")
        assert here(pilot) == "dL/dW2"


async def test_page_keys_pass_the_elements_of_a_step():
    async with tutor("p-deep", step="z1[1]", level="scalar") as pilot:
        await press(pilot, "pagedown")
        assert here(pilot) == "a1[1]"
        await press(pilot, "pageup")
        assert here(pilot) == "z1[1]"


async def test_the_example_is_an_axis_of_its_own(file):
    async with tutor(file(BATCH), step="z1@1") as pilot:
        first = pane(pilot, "card")
        assert here(pilot) == "z1@1" and "example 1 of 3" in screen(pilot)
        await press(pilot, "e")
        assert here(pilot) == "z1@2" and pane(pilot, "card") != first
        await press(pilot, "E", "E")
        assert here(pilot) == "z1@3"
        await press(pilot, "g")
        await type_in(pilot, "dL/dW2")
        assert here(pilot) == "dL/dW2" and "example" not in screen(pilot).split("\n")[0]


# ---------------------------------------------------------------- iterations


async def test_iterations_go_forward_and_back():
    async with tutor("o-regression", step="a2[1]") as pilot:
        assert "1.034" in pane(pilot, "card") and "row 1" in screen(pilot)
        await press(pilot, "full_stop")
        assert "iteration 2" in screen(pilot) and "row 2" in screen(pilot) and "1.034" not in pane(pilot, "card")
        assert here(pilot) == "a2[1]"
        await press(pilot, "comma")
        assert "1.034" in pane(pilot, "card")
        await press(pilot, "comma")  # there is no iteration 0
        assert "first iteration" in screen(pilot)
        await press(pilot, "n")
        assert here(pilot) == "L" and "iteration 1" in screen(pilot)


async def test_going_to_iteration_5000(file):
    async with tutor("o-regression", step="L") as pilot:
        await press(pilot, "I")
        await type_in(pilot, "0")
        assert "A whole number from 1" in screen(pilot)
        await type_in(pilot, "5,000")
        await until(pilot, lambda: pilot.app.screen.sitting.cursor.iteration == 5000)
        assert "iteration 5" in screen(pilot) and here(pilot) == "L"
        first = pane(pilot, "card")
        await press(pilot, "comma", "full_stop")  # exact: the same again
        assert pane(pilot, "card") == first


async def test_esc_ends_a_long_way_to_an_iteration(file):
    async with tutor(file(LONG), step="L") as pilot:
        await press(pilot, "I")
        await type_in(pilot, "900000")
        await until(pilot, lambda: "Esc stops" in screen(pilot))
        before = here(pilot)
        await press(pilot, "escape")
        assert "Esc stops" not in screen(pilot) and "iteration 1" in screen(pilot)
        await press(pilot, "n")
        await pilot.pause(0.2)
        assert pilot.app.screen.sitting.cursor.iteration == 1 and here(pilot) != before


async def test_a_lesson_that_is_not_trained_says_so(file):
    async with tutor(file(HOSTILE), step="f") as pilot:
        assert "iteration" not in screen(pilot)
        await press(pilot, "I")
        await until(pilot, lambda: "not trained" in screen(pilot))


# ---------------------------------------------------------------- panes


async def test_where_from_selects_jumps_and_returns():
    async with tutor("o-regression", step="dL/dW2", level="matrix") as pilot:
        assert "dL/dz2" in pane(pilot, "where") and "a1" in pane(pilot, "where")
        await press(pilot, "tab")
        assert pilot.app.focused.id == "where"
        await press(pilot, "down", "enter")
        assert here(pilot) == "a1"
        await press(pilot, "r")
        assert here(pilot) == "dL/dW2"
        await press(pilot, "r")  # nowhere further to return to
        assert here(pilot) == "dL/dW2"


async def test_where_from_jumps_at_a_click():
    async with tutor("o-regression", step="dL/dW2", level="matrix", size=(160, 48)) as pilot:
        await pilot.click("#where", offset=(5, 1))
        await pilot.pause()
        assert here(pilot) == "dL/dz2"


async def test_outline_marks_the_current_step_and_jumps():
    async with tutor("gates", step="df/dq", size=(160, 48)) as pilot:
        outline = pane(pilot, "outline")
        assert "✓ q" in outline and "▶ ∂f/∂q" in outline and "· ∂f/∂z" in outline
        assert [line for line in outline.split("\n") if not line.startswith(" ")] == ["Forward", "Backward", "Update"]
        await press(pilot, "tab", "tab")
        assert pilot.app.focused.id == "outline"
        await press(pilot, "down", "down", "enter")
        assert here(pilot) == "df/dx" and "▶ ∂f/∂x" in pane(pilot, "outline")


async def test_state_shows_gradients_and_new_values_once_they_are_known():
    def row(name):
        return next(line.split() for line in pane(pilot, "state").split("\n") if line.startswith(name))

    async with tutor("o-regression", step="z1", level="matrix", size=(160, 48)) as pilot:
        assert row("w²₁₁") == ["w²₁₁", "0.7", "·", "·"]
        await press(pilot, "g")
        await type_in(pilot, "dL/dW2")
        assert row("w²₁₁") == ["w²₁₁", "0.7", "−1.25208", "·"]
        await press(pilot, "end")
        assert row("w²₁₁") == ["w²₁₁", "0.7", "−1.25208", "0.762604"]


async def test_map_marks_the_units_that_the_step_uses():
    def lit():
        return {word for word in screen(pilot).replace("┃", " ").split() if word.startswith("▶O")}

    async with tutor("o-regression", step="a1[2]", level="scalar", size=(160, 48)) as pilot:
        assert len(lit()) == 1
        await press(pilot, "3")
        assert len(lit()) == 2


@pytest.mark.parametrize("size", [(80, 24), (60, 16), (120, 30), (160, 48)])
async def test_tab_reaches_every_pane_and_comes_back(size):
    async with tutor("o-regression", step="dL/dW2", level="matrix", size=size) as pilot:
        assert "−1.25208" in screen(pilot), "the card is what one sees first"
        seen = {}
        for _ in range(5):
            await press(pilot, "tab")
            seen[pilot.app.screen.pane] = screen(pilot)
        assert "dL/dz2" in seen["where"] and "▶ " in seen["outline"]
        assert "w²₁₁" in seen["state"], "the state follows the step"
        assert "cached by the forward pass" in pane(pilot, "state")
        assert "−1.25208" in screen(pilot)


async def test_all_keys_are_in_the_key_bar_the_help_and_the_palette():
    async with tutor("o-regression", step="z1", size=(160, 60)) as pilot:
        bar = screen(pilot)
        for word in "step phase chain level names iter train pane terms home help quit".split():
            assert word in bar.split("\n")[-1] or word in bar.split("\n")[-2], word
        await press(pilot, "question_mark")
        text = screen(pilot)
        for word in ("the next step", "the next phase", "go to a step by its id", "the iteration before", "scroll"):
            assert word in text, word
        await press(pilot, "escape")
        titles = [command.title for command in pilot.app.get_system_commands(pilot.app.screen)]
        assert len(titles) == len(set(titles))
        assert any("phase" in title for title in titles) and any(title.startswith("Quit") for title in titles)


async def test_the_keys_of_the_home_screen_take_two_lines_at_80_columns():
    async with tutor() as pilot:
        assert pilot.app.size == (80, 24) and pilot.app.screen.query_one(KeyBar).size.height <= 2, screen(pilot)


@pytest.mark.parametrize("key", ["", "v", "x", "y", "m", "c"])
async def test_the_keys_of_each_screen_take_two_lines_at_80_columns(key):
    async with tutor("batch-mean", step="dL/dW2") as pilot:
        await press(pilot, *key)
        assert pilot.app.screen.query_one(KeyBar).size.height <= 2, screen(pilot)


async def test_a_command_of_the_palette_acts_on_the_player():
    async with tutor("gates", step="q") as pilot:
        commands = {c.title: c.callback for c in pilot.app.get_system_commands(pilot.app.screen)}
        commands["The last step"]()
        await until(pilot, lambda: here(pilot) == "z'")


async def test_a_click_on_the_key_bar_acts():
    async with tutor("gates", step="q") as pilot:
        rows = screen(pilot).split("\n")
        row = next(y for y, text in enumerate(rows) if "n/b step" in text)
        await pilot.click(offset=(rows[row].index("step"), row))
        await until(pilot, lambda: here(pilot) == "f")


async def test_intro_help_and_home_and_the_intro_is_shown_once():
    async with tutor("derivative") as pilot:
        await until(pilot, lambda: "Enter begins" in screen(pilot))
        await press(pilot, "enter", "n", "i")
        assert "Training a neural network" in screen(pilot)
        await press(pilot, "escape", "h")
        assert isinstance(pilot.app.screen, HomeScreen)
        await press(pilot, "enter")
        await pilot.pause()
        assert here(pilot) == "t"


@pytest.mark.parametrize(
    "opens, keys", [("i", "enter n n"), ("question_mark", "escape escape escape"), ("g", "escape escape")]
)
async def test_keys_typed_ahead_answer_a_dialog_once(opens, keys):
    """Keys that were on their way to a dialog when an earlier one closed it close nothing else."""
    async with tutor("gates", step="q") as pilot:
        await press(pilot, opens)
        assert not isinstance(pilot.app.screen, PlayerScreen)
        for key in keys.split():  # without waiting for what each of them does
            pilot.app.post_message(Key(key, key if len(key) == 1 else None))
        await pilot.pause()
        await pilot.pause()
        assert isinstance(pilot.app.screen, PlayerScreen) and pilot.app.is_running


async def test_quit():
    async with tutor("gates", step="q") as pilot:
        await press(pilot, "q")
        assert pilot.app.return_code == 0 and not pilot.app.is_running


# ---------------------------------------------------------------- text that is not ours


@pytest.mark.parametrize("size", [(80, 24), (160, 48)])
async def test_markup_in_a_lesson_is_shown_as_it_stands(file, size):
    path = file(HOSTILE)
    async with tutor(path, size=size) as pilot:
        await until(pilot, lambda: "Enter begins" in screen(pilot))
        assert MARKUP in screen(pilot)
        await press(pilot, "enter")
        text = screen(pilot)
        assert MARKUP in text.split("\n")[0]
        assert text.count(MARKUP) >= 3 and "• [red]" in text
        await press(pilot, *["n"] * 3)
        await press(pilot, "enter")
        assert isinstance(pilot.app.screen, HomeScreen)


async def test_markup_in_a_listed_lesson_is_shown_as_it_stands(file, monkeypatch, tmp_path):
    file(HOSTILE, "01-hostile.toml")
    listed = catalogue.entries(tmp_path)
    monkeypatch.setattr(catalogue, "entries", lambda folder=None: listed)
    async with tutor(size=(160, 48)) as pilot:
        assert screen(pilot).count(MARKUP) >= 2  # its title and its summary


# ---------------------------------------------------------------- memory


async def test_the_place_of_each_lesson_is_remembered():
    async with tutor("gates", step="df/dz") as pilot:
        await press(pilot, "n", "t")
        left = here(pilot), pilot.app.screen.sitting.cursor.notation
    async with tutor("o-regression", step="dL/dW1[2,1]", level="scalar", iteration=7) as pilot:
        await until(pilot, lambda: pilot.app.screen.sitting.cursor.iteration == 7)
        assert here(pilot) == "dL/dW1[2,1]"
        await press(pilot, "l")
    async with tutor("gates") as pilot:
        assert (here(pilot), pilot.app.screen.sitting.cursor.notation) == left
    async with tutor("o-regression") as pilot:
        await until(pilot, lambda: pilot.app.screen.sitting.cursor.iteration == 7)
        assert here(pilot) == "dL/dW1" and pilot.app.screen.sitting.cursor.level == "matrix"


async def test_a_remembered_place_that_is_gone_is_no_matter():
    async with tutor("gates", step="dL/dW9", level="novel", notation="other", iteration=1, example=99) as pilot:
        assert here(pilot) == "q"


async def test_the_theme_is_remembered():
    async with tutor("gates", step="q") as pilot:
        assert pilot.app.current_theme.dark
        await press(pilot, "d")
        assert not pilot.app.current_theme.dark
        light = pilot.app.screen.styles.background
    async with tutor() as pilot:
        assert not pilot.app.current_theme.dark
        assert pilot.app.screen.styles.background == light  # and it is drawn in it from the first frame
        await press(pilot, "ctrl+t")
        assert pilot.app.current_theme.dark


async def test_what_cannot_be_saved_is_said_once():
    path = default_path()
    path.parent.mkdir(parents=True)
    database = sqlite3.connect(path)
    database.execute("PRAGMA user_version = 9999")  # as a newer version would leave it
    database.close()
    async with tutor("gates") as pilot:
        await press(pilot, "enter", "n", "n", "h")
        await pilot.pause()
        assert len(pilot.app._notifications) == 1
        assert "forgotten" in next(iter(pilot.app._notifications)).message


# ---------------------------------------------------------------- sizes


async def test_too_small_a_terminal_is_told_politely_and_recovers():
    async with tutor("gates", step="df/dq") as pilot:
        await pilot.resize_terminal(59, 15)
        await pilot.pause()
        assert "60 × 16" in screen(pilot) and "59 × 15" in screen(pilot) and "∂f" not in screen(pilot)
        await pilot.resize_terminal(80, 24)
        await pilot.pause()
        assert "60 × 16" not in screen(pilot) and "∂f" in screen(pilot) and here(pilot) == "df/dq"


async def test_a_resize_keeps_the_step():
    async with tutor("p-deep", step="dL/dW2[2,3]", level="scalar", size=(160, 48)) as pilot:
        await pilot.resize_terminal(80, 24)
        await pilot.pause()
        assert here(pilot) == "dL/dW2[2,3]" and "dL/dW2[2,3]" in screen(pilot)


SIZES = [(1, 1), (2, 40), (40, 3), (59, 16), (60, 15), (60, 16), (80, 24), (100, 30), (110, 20), (120, 40), (140, 24),
         (160, 48), (200, 60), (300, 100)]  # fmt: skip


async def test_ctrl_c_leaves_from_every_dialog_and_screen(monkeypatch):
    """(What the terminal is like after it, tests/test_terminal.py tells.)"""
    async with tutor("gates") as pilot:
        with monkeypatch.context() as patch:
            left, opened = [], []
            patch.setattr(pilot.app, "exit", lambda *result: left.append(result))
            for keys in ("", "enter", "f", "w", "w enter", "ctrl+p", "g", "p", "m", "x"):
                await press(pilot, *keys.split())
                opened.append(type(pilot.app.screen))
                await press(pilot, "ctrl+c")
                assert left.pop() == (130, 130) and not left, keys
                while keys not in ("", "enter") and not isinstance(pilot.app.screen, PlayerScreen):
                    await press(pilot, "escape")
        assert len(set(opened)) >= 6, opened


@pytest.mark.parametrize("start", ["home", "p-deep", "sigmoid-neuron"])
async def test_no_size_breaks_a_screen(start):
    async with tutor(None if start == "home" else start, step="a1", level="scalar") as pilot:
        for columns, rows in SIZES:
            await pilot.resize_terminal(columns, rows)
            await pilot.pause()
            lines = screen(pilot).split("\n")
            assert len(lines) <= rows and all(len(text) <= columns for text in lines)
        await press(pilot, "question_mark")
        for columns, rows in SIZES[::5]:
            await pilot.resize_terminal(columns, rows)
            await pilot.pause()
        assert pilot.app.is_running


CARD = 77  # columns for a card at 80 × 24


def walked(found: Trace, level: str, notation: str):
    """The cursor on every step of a level, on three elements of each equation."""
    cursor = playback.first(replace(playback.start(found.lesson), level=level, notation=notation), found)
    every = []
    while cursor is not None:
        every.append((cursor, playback.current(cursor, found)))
        cursor = playback.forward(cursor, found)
    return spread(every, 3, lambda at: at[1].equation)


@pytest.mark.parametrize("at, lesson", [*enumerate([*LESSONS, "a batch"])])
def test_no_card_of_a_lesson_is_cut_and_every_pane_has_something_to_show(at, lesson, file):
    """Equation by equation, and element by element, in a notation of the lesson's turn."""
    found = trace(bundled(lesson) if lesson in LESSONS else load(file(BATCH)))
    first, *more = by_turns(NOTATIONS, at, 1)
    for notation in (first, *more):
        scribe = Scribe(found, notation)
        turn = notation == first
        for cursor, step in (*walked(found, "matrix", notation), *(walked(found, "scalar", notation) if turn else ())):
            card = scribe.card(step)
            for level in ("story", "matrix") if step.index is None else ("scalar",):
                for shown in views.card_lines(card, step, level, CARD, 24):
                    assert width(shown.text.rstrip()) <= CARD, (step.id, level, notation, shown)
            if turn:
                assert state_views.where_from_lines(card, 60)
                assert len(state_views.state_lines(found, scribe, cursor, 60)[0]) > 2
                outline, here = state_views.outline_lines(found, scribe, cursor)
                assert "▶" in outline[here].text and len(outline) >= len(found.equations)


@pytest.mark.parametrize("lesson", ["gates", "sigmoid-neuron", "p-deep", "adam", "digits", "a batch"])
async def test_a_lesson_can_be_walked_and_finished(lesson, file):
    """From the first step to the last at each level, each in another notation; the card is cut nowhere at 80 × 24."""
    lesson = LESSONS.get(lesson, file(BATCH))
    async with tutor(lesson, step="?") as pilot:
        player = pilot.app.screen
        card = player.query_one("#card", Lines)
        assert card.size.width == CARD + 1
        for level, notation in zip(LEVELS, NOTATIONS, strict=False):
            for cursor, _ in walked(player.sitting.trace, level, notation):
                player.show(player.sitting.at(cursor))
                for line in card.lines:
                    assert width(line.text.rstrip()) < card.size.width, (player.sitting.id, line)
            assert len(screen(pilot)) > 100
        player.finish()
        await pilot.pause()
        assert player.sitting.lesson.title in screen(pilot)
        assert str(lesson) in pilot.app.store.finished()


def test_the_pictures_ask_no_other_host_for_their_letters():
    pictures = sorted(catalogue.data_dir("assets").glob("*.svg"))
    assert {"home-80x24", "home-160x48", "player-80x24", "player-160x48"} <= {path.stem for path in pictures}
    for path in pictures:
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert "http" not in text and "@font-face" not in text and "DejaVu Sans Mono" in text, path.name


def test_arrays_stand_in_the_state_as_grids_beside_their_gradients():
    """At level matrix, with dots for what is not known yet; a large one by its corners; at level scalar one by one."""
    found = trace(bundled("convolution"))
    scribe = Scribe(found, "dz")
    place = {eq.symbol.id: at for at, eq in enumerate(found.equations)}

    def shown(step: str, level: str, columns: int = 60) -> list[str]:
        cursor = Cursor(at=place[step], level=level, notation="dz")
        return [item.text.rstrip() for item in state_views.state_lines(found, scribe, cursor, columns)[0]]

    before, after = shown("dL/dx", "matrix"), shown("k'", "matrix")
    assert any(row.startswith("k ⎡  1  −0.5⎤") and row.endswith("·   ·") for row in before)
    assert "k ⎡  1  −0.5⎤  dk ⎡−0.5     5⎤  k_new ⎡1.025   −0.75⎤" in after
    assert all(width(row) <= 30 for row in shown("k'", "matrix", 30)[:12])
    assert sum(row.startswith("k₂₁ ") for row in shown("k'", "scalar")) == 1
    cursor = Cursor(at=place["k'"], level="matrix", notation="dz")
    ids = [item.target for item in state_views.state_lines(found, scribe, cursor, 60)[0]]
    assert "k'" in ids and "dL/dx" in ids


async def test_a_lesson_that_opens_makes_its_cards_a_few_times_only(monkeypatch):
    """Each pane says that it has got a size: one drawing does for all of them, and not one each."""
    made = []
    draw = PlayerPanes.draw_panes
    monkeypatch.setattr(PlayerPanes, "draw_panes", lambda self: (made.append(self), draw(self))[1])
    async with tutor("convolution", (160, 48), "c") as pilot:
        await pilot.pause()
        assert len(made) <= 8 and "conv" in pane(pilot, "card")
        before = len(made)
        await pilot.press("n")
        await pilot.pause()
        assert 0 < len(made) - before <= 2
        await pilot.press("l", "l")  # at another level the state has another form
        assert "k₂₁" in pane(pilot, "state") and "k ⎡" not in pane(pilot, "state")


async def test_a_key_waits_for_what_is_loaded_beside_the_screen(tmp_path, monkeypatch):
    done, hold = [], Event()

    def slowly():
        hold.wait(20)
        done.append("loaded")

    monkeypatch.setattr(app_module, "_warm_up", slowly)
    monkeypatch.setattr(TutorApp, "open_doctor", lambda _: done.append("opened"))
    with Store.open(tmp_path / "tutor.db") as store:
        app = TutorApp(store)
        async with app.run_test() as pilot:
            app.post_message(Key("ctrl+d", None))
            await asyncio.sleep(0.05)
            assert not done
            hold.set()
            await pilot.pause()
            await pilot.pause()
    assert done == ["loaded", "opened"]
