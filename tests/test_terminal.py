"""The tutor in a real terminal: what reaches it, and what it is like when the tutor has gone."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time

import pytest

from effort import PATIENCE
from tutor.learner.store import Store
from tutor.play.place import Place
from tutor.tui.app import _bound_size

pexpect = pytest.importorskip("pexpect")
pyte = pytest.importorskip("pyte")
if sys.platform == "win32":
    pytest.skip("pseudo-terminals", allow_module_level=True)

LEAVES_ALTERNATE_SCREEN, SHOWS_CURSOR = b"\x1b[?1049l", b"\x1b[?25h"
MOUSE_OFF = b"\x1b[?1000l"


class Terminal:
    """The tutor under a pseudo-terminal; `raw` is every byte it wrote, `text()` the screen that they made."""

    def __init__(self, *arguments: str, size=(80, 24), **environment: str):
        columns, rows = size
        self.screen = pyte.Screen(columns, rows)
        self.stream = pyte.ByteStream(self.screen)
        self.raw = b""
        env = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", **environment}
        command = [sys.executable, "-m", "tutor", *arguments]
        self.process = pexpect.spawn(command[0], command[1:], env=env, dimensions=(rows, columns), timeout=PATIENCE)

    def read(self, seconds: float = 0.05) -> bool:
        """Take in what was written; False at the end."""
        try:
            data = self.process.read_nonblocking(65536, seconds)
        except pexpect.TIMEOUT:
            return True
        except pexpect.EOF:
            return False
        self.raw += data
        # pyte knows no private forms of these; a real terminal takes no notice of them.
        self.stream.feed(re.sub(rb"\x1b\[[<>=?][0-9;]*[uc]|\x1b\[[?0-9;]*\$p|\x1b\[>[0-9;]*[mq]", b"", data))
        return True

    def text(self) -> str:
        return "\n".join(line.rstrip() for line in self.screen.display)

    def until(self, words: str, seconds: float = PATIENCE) -> str:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            going = self.read()
            if words in self.text():
                return self.text()
            if not going:
                break
        raise AssertionError(f"{words!r} did not appear:\n{self.text()}")

    def until_gone(self, words: str, seconds: float = PATIENCE) -> None:
        end = time.monotonic() + seconds
        while words in self.text() and time.monotonic() < end:
            self.read()
        assert words not in self.text(), self.text()

    def keys(self, keys: str) -> None:
        self.process.send(keys)

    def ended(self, seconds: float = PATIENCE) -> int:
        """Wait for the end; the exit code, negative for a signal that was not caught."""
        end = time.monotonic() + seconds
        while self.read() and time.monotonic() < end:
            pass
        self.process.close(force=True)
        return self.process.exitstatus if self.process.exitstatus is not None else -self.process.signalstatus


@pytest.fixture
def terminal():
    running = []

    def start(*arguments, **options):
        running.append(Terminal(*arguments, **options))
        return running[-1]

    yield start
    for each in running:
        each.process.close(force=True)


def as_it_was(raw: bytes) -> bool:
    """Whether the terminal was left with its own screen, its cursor shown and the mouse its own."""
    return (
        raw.rfind(b"\x1b[?1049h") < raw.rfind(LEAVES_ALTERNATE_SCREEN)
        and raw.rfind(b"\x1b[?25l") < raw.rfind(SHOWS_CURSOR)
        and raw.rfind(b"\x1b[?1000h") < raw.rfind(MOUSE_OFF)
        and b"Traceback" not in raw
    )


def test_from_home_to_the_end_of_a_lesson_and_back_again(terminal):
    tutor = terminal()
    tutor.until("The chain rule in two gates")
    tutor.keys("two gates\r")
    tutor.until("Enter begins")
    tutor.keys("\r")
    tutor.until_gone("Enter begins")
    tutor.keys("nnnnnnnnn")  # nine steps, the last one past the end, as fast as one can type
    tutor.until("✓ The chain rule in two gates")
    tutor.keys("h")
    tutor.until("1 of")
    tutor.keys("\x11")  # ctrl+q
    assert tutor.ended() == 0 and as_it_was(tutor.raw)


def test_keys_typed_before_the_first_frame_count(terminal):
    tutor = terminal()
    tutor.keys("salary")
    tutor.until("Two inputs, one salary")
    tutor.until_gone("The chain rule in two gates")


@pytest.mark.parametrize(
    "end, code",
    [
        ("q", 0),
        ("\x11", 0),
        ("\x03", 130),
        (signal.SIGTERM, 128 + signal.SIGTERM),
        (signal.SIGHUP, 128 + signal.SIGHUP),
    ],
    ids=["q", "ctrl+q", "ctrl+c", "SIGTERM", "SIGHUP"],
)
def test_the_terminal_is_left_as_it_was_and_the_place_is_kept(terminal, end, code):
    tutor = terminal("play", "gates")
    tutor.until("Enter begins")
    tutor.keys("\r")
    tutor.until_gone("Enter begins")
    tutor.keys("nn")
    tutor.until("backward 3/9")
    if isinstance(end, str):
        tutor.keys(end)
    else:
        tutor.process.kill(end)
    assert tutor.ended() == code
    assert as_it_was(tutor.raw)
    with Store.open() as store:
        assert store.place("gates").step == "df/dq"


def test_the_next_time_one_goes_on_where_one_was(terminal):
    with Store.open() as store:
        store.save_place("gates", Place("df/dq", "scalar", "dz", 1, 0))
    terminal("play", "gates").until("backward 3/9")


@pytest.mark.parametrize(
    "environment",
    [
        {"NO_COLOR": "1"},
        {"TERM": "vt100", "COLORTERM": "", "LC_ALL": "C", "LANG": "C"},
        {"TERM": "linux", "COLORTERM": ""},
    ],
    ids=["NO_COLOR", "vt100 LC_ALL=C", "linux"],
)
def test_poor_terminals(terminal, environment):
    tutor = terminal("play", "gates", **environment)
    tutor.until("Enter begins")
    tutor.keys("\r")
    tutor.until_gone("Enter begins")
    tutor.keys("q")
    assert tutor.ended() == 0 and as_it_was(tutor.raw)
    if "NO_COLOR" in environment:
        colours = {
            tuple(map(int, found.split(b";")))[2:5] for found in re.findall(rb"[\[;]([34]8;2;\d+;\d+;\d+)", tutor.raw)
        }
        assert all(r == g == b for r, g, b in colours), "greys alone"


def test_two_windows_of_one_lesson(terminal):
    one, two = terminal("play", "gates"), terminal("play", "gates")
    for each in (one, two):
        each.until("Enter begins")
        each.keys("\r")
        each.until_gone("Enter begins")
    for _ in range(3):
        for each in (one, two):
            each.keys("n")
    for each in (one, two):
        each.until("backward 4/9")
        each.keys("q")
        assert each.ended() == 0 and as_it_was(each.raw)


def test_a_data_folder_that_cannot_be_written_is_said_once(terminal, tmp_path):
    (tmp_path / "file").write_text("")
    tutor = terminal("play", "gates", BACKPROP_TUTOR_DATA=str(tmp_path / "file" / "data"))
    tutor.until("forgotten")
    tutor.keys("\r")
    tutor.until_gone("Enter begins")
    tutor.keys("nnn")
    tutor.until("backward 4/9")
    tutor.keys("q")
    assert tutor.ended() == 0 and as_it_was(tutor.raw)


def test_no_control_character_of_a_lesson_reaches_the_terminal(terminal, tmp_path):
    path = tmp_path / "evil.toml"
    path.write_text('format = 1\ntitle = "a\\u001b]0;owned\\u0007b"\n[circuit]\ndefine = ["f = x"]\noutput = "f"\n')
    tutor = terminal("play", str(path))
    assert tutor.ended() == 2
    assert b"owned\x07" not in tutor.raw and b"\x1b]0;" not in tutor.raw


@pytest.mark.parametrize(
    ("after", "number"),
    [
        (LEAVES_ALTERNATE_SCREEN.replace(b"l", b"h"), signal.SIGTERM),
        (LEAVES_ALTERNATE_SCREEN.replace(b"l", b"h"), signal.SIGHUP),
        (b"gates", signal.SIGTERM),
        (b"Enter begins", signal.SIGHUP),
    ],
)
def test_a_signal_while_a_screen_opens_is_no_error(terminal, number, after):
    tutor = terminal("play", "gates")
    while after not in tutor.raw and tutor.read():
        pass
    tutor.process.kill(number)
    assert tutor.ended() == 128 + number, tutor.text()
    assert as_it_was(tutor.raw) and b"met an error" not in tutor.raw


@pytest.mark.parametrize("keys", ["", "\rw\r"])
def test_ctrl_c_leaves_a_dialog_and_a_line_to_type_in(terminal, keys):
    """(From which screens it leaves, tests/test_tui.py tells.)"""
    tutor = terminal("play", "gates")
    tutor.until("Enter begins")
    for key in keys:
        before = tutor.text()
        tutor.keys(key)
        while tutor.text() == before and tutor.read():
            pass
    tutor.keys("\x03")
    assert tutor.ended() == 130, tutor.text()
    assert as_it_was(tutor.raw)


@pytest.mark.parametrize("name", ["COLUMNS", "LINES", "ROWS"])
def test_a_size_that_no_screen_has_is_not_believed(name, monkeypatch):
    for size in ("1000000", "1001", "-5", "x", "0", "²", "1" * 5000):
        monkeypatch.setenv(name, size)
        _bound_size()
        assert name not in os.environ, size
    for size in ("", "1", "80", "1000"):
        monkeypatch.setenv(name, size)
        _bound_size()
        assert os.environ[name] == size


def test_a_million_columns_are_not_drawn(terminal):
    tutor = terminal("play", "gates", COLUMNS="1000000", LINES="1000000")
    tutor.until("Enter begins")
    tutor.keys("\x11")
    assert tutor.ended() == 0 and as_it_was(tutor.raw)


def test_under_the_driver_of_a_web_server_it_is_the_full_screen_though_there_is_no_terminal():
    driver = "textual.drivers.web_driver:WebDriver"
    process = subprocess.Popen(
        [sys.executable, "-m", "tutor"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**os.environ, "TEXTUAL_DRIVER": driver, "COLUMNS": "80", "ROWS": "24"},
    )  # fmt: skip
    assert process.stdout and process.stdout.readline() == b"__GANGLION__\n"
    seen = b""
    while b"The chain rule in two gates" not in seen:
        more = process.stdout.read1(65536)
        assert more, seen
        seen += more
    process.terminate()
    process.communicate()
    assert process.returncode in (0, 128 + signal.SIGTERM)
