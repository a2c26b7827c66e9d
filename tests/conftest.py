"""Every test has its own data directory; hypothesis takes its time, and the same examples each time in CI."""

from __future__ import annotations

import os
import signal

import pytest
from hypothesis import HealthCheck, settings

# In the background job of a shell SIGINT is ignored, and so it would be in every program that a test starts.
signal.signal(signal.SIGINT, signal.default_int_handler)

# A busy machine is no reason to fail; and one data directory may serve all the examples of a test function.
SLOW_OR_SHARED = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]

settings.register_profile("local", deadline=None, suppress_health_check=SLOW_OR_SHARED)
settings.register_profile("ci", settings.get_profile("local"), derandomize=True, print_blob=True)
# `make deep`: examples that were never tried before, and ten times as many.
settings.register_profile("deep", settings.get_profile("local"), max_examples=1000, print_blob=True)
DEEP = os.environ.get("BACKPROP_TUTOR_TESTS") == "deep"
settings.load_profile("deep" if DEEP else "ci" if os.environ.get("CI") else "local")


def pytest_collection_modifyitems(items):
    """A test that says how many examples it takes, takes ten times as many in a deep run."""
    for item in items if DEEP else ():
        inner = getattr(item, "obj", None)
        own = getattr(inner, "_hypothesis_internal_use_settings", None)
        if own is not None and own.max_examples != settings().max_examples:
            inner = getattr(inner, "__func__", inner)
            inner._hypothesis_internal_use_settings = settings(own, max_examples=10 * own.max_examples)


@pytest.fixture(autouse=True)
def data_folder(tmp_path, monkeypatch):
    """The folder of the learner's database, away from the real one; programs that a test starts inherit it."""
    folder = tmp_path / "data"
    monkeypatch.setenv("BACKPROP_TUTOR_DATA", str(folder))
    return folder
