"""Every test has its own data directory; hypothesis takes its time, and the same examples each time in CI."""

from __future__ import annotations

import gc
import os
import shutil
import signal
import sys
import tempfile
from functools import wraps
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings

from tutor.text import language

# In the background job of a shell SIGINT is ignored, and so it would be in every program that a test starts.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Told to write no compiled files, every worker and every program that a test starts would compile all of the package,
# and every worker every test with its asserts rewritten, which takes longer than all else that collecting them does.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
os.environ.pop(language.VARIABLE, None)
os.environ["LANGUAGE"] = language.ENGLISH  # whatever the developer speaks
language.use(language.ENGLISH)
sys.dont_write_bytecode = False

# A busy machine is no reason to fail; and one data directory may serve all the examples of a test function.
SLOW_OR_SHARED = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]

settings.register_profile("local", deadline=None, suppress_health_check=SLOW_OR_SHARED)
settings.register_profile("ci", settings.get_profile("local"), derandomize=True, print_blob=True)
# How many examples a property takes, of those that it says: `make deep` takes fresh ones and ten times as many, a first
# look at a mutant of the engine a tenth. Nobody reads which example a mutant fails at, so that is not made smaller.
RUN = os.environ.get("BACKPROP_TUTOR_TESTS", "")
SHARE = {"deep": 10.0, "quick": 0.1}.get(RUN, 1.0)
settings.register_profile("deep", settings.get_profile("local"), max_examples=round(100 * SHARE), print_blob=True)
settings.register_profile(
    "mutant",
    settings.get_profile("local"),
    max_examples=round(100 * SHARE),
    derandomize=True,
    phases=(Phase.explicit, Phase.generate),
)
NAMED = {"deep": "deep", "quick": "mutant", "mutant": "mutant"}
settings.load_profile(NAMED.get(RUN, "ci" if os.environ.get("CI") else "local"))


def pytest_collection_finish():
    """Thousands of tests stay to the end: the garbage collector need not look through them again and again."""
    gc.freeze()
    gc.set_threshold(50_000)
    if "textual.css.stylesheet" in sys.modules:
        read_styles_once()
        draw_what_is_waited_for()


def read_styles_once():
    """Hundreds of tests open the app: each would read the same style sheets again, of Textual's widgets and ours.

    Textual keeps what it has read for as long as the colours are the same; here all apps of one theme share that.
    """
    from textual.cache import LRUCache
    from textual.css.stylesheet import Stylesheet

    kept: dict[tuple, LRUCache] = {}
    begin, set_variables = Stylesheet.__init__, Stylesheet.set_variables

    def share(sheet, variables):
        sheet._parse_cache = kept.setdefault(tuple(sorted(variables.items())), LRUCache(1024))

    def begun(self, *, variables=None):
        begin(self, variables=variables)
        share(self, variables or {})

    def with_variables(self, variables):
        self._parse_cache = LRUCache(1)  # which it empties
        set_variables(self, variables)
        share(self, variables)

    Stylesheet.__init__, Stylesheet.set_variables = begun, with_variables


def draw_what_is_waited_for():
    """A test sees the screen when it has waited for it: the frames in between, of which a terminal shows few, are one.

    (Textual draws each of them, though there is no terminal to write them to: that was a quarter of what screens take.)
    """
    from textual.pilot import Pilot
    from textual.screen import Screen

    draw, pause = Screen._compositor_refresh, Pilot.pause

    @wraps(draw)
    def put_off(self):
        if self is not self.app.screen or not self.app.is_headless or self.app.is_inline:
            draw(self)
        else:
            self._dirty_widgets.clear()  # their regions are taken down
            self.app._update_mouse_over(self)

    @wraps(pause)
    async def waited(self, delay=None):
        await pause(self, delay)
        draw(self.app.screen)

    Screen._compositor_refresh, Pilot.pause = put_off, waited


@pytest.fixture
def every_frame(monkeypatch):
    """Each frame is drawn when Textual has it drawn: for tests that count them."""
    from textual.pilot import Pilot
    from textual.screen import Screen

    monkeypatch.setattr(Screen, "_compositor_refresh", Screen._compositor_refresh.__wrapped__)
    monkeypatch.setattr(Pilot, "pause", Pilot.pause.__wrapped__)


def pytest_collection_modifyitems(items):
    """What a test says of its examples is multiplied, too."""
    for item in items if SHARE != 1 else ():
        inner = getattr(item, "obj", None)
        inner = getattr(inner, "__func__", inner)
        own = getattr(inner, "_hypothesis_internal_use_settings", None)
        if own is not None and own is not settings.default and not hasattr(inner, "_share_taken"):
            usual = own.max_examples == settings.default.max_examples  # the profile's, which is multiplied already
            many = own.max_examples if usual else max(1, round(SHARE * own.max_examples))
            inner._hypothesis_internal_use_settings = settings(own, max_examples=many)
            inner._share_taken = True


MEMORY = Path("/dev/shm")  # where a system has it, a folder in memory: a database waits for a disk many times


@pytest.fixture(scope="session")
def data_folders(tmp_path_factory):
    """Names of folders that are not there yet; a `tmp_path` of each test would cost more than many a test."""
    roomy = os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > 1 << 28
    base = Path(tempfile.mkdtemp(prefix="backprop-tutor-", dir=MEMORY)) if roomy else tmp_path_factory.mktemp("data")
    yield (base / str(number) for number in count())
    shutil.rmtree(base, ignore_errors=True)


@pytest.fixture(autouse=True)
def data_folder(data_folders, monkeypatch):
    """The folder of the learner's database, away from the real one; programs that a test starts inherit it."""
    folder = next(data_folders)
    monkeypatch.setenv("BACKPROP_TUTOR_DATA", str(folder))
    monkeypatch.setattr("tutor.learner.records.EVERYTHING_AT_FIRST", True)  # tests/test_fading.py is about the rest
    monkeypatch.setenv("BACKPROP_TUTOR_CC", "off")  # tests/test_native.py says that C makes no difference
    yield folder
    language.use(language.ENGLISH)  # whatever a test has chosen
    if folder.exists():
        shutil.rmtree(folder, ignore_errors=True)
