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
# How many examples a property takes, of those that it says: `make deep` takes fresh ones and ten times as many, a first
# look at a mutant of the engine a tenth.
SHARE = {"deep": 10.0, "quick": 0.1}.get(os.environ.get("BACKPROP_TUTOR_TESTS", ""), 1.0)
settings.register_profile("share", settings.get_profile("local"), max_examples=round(100 * SHARE), print_blob=True)
settings.load_profile("share" if SHARE != 1 else "ci" if os.environ.get("CI") else "local")


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


@pytest.fixture(autouse=True)
def data_folder(tmp_path, monkeypatch):
    """The folder of the learner's database, away from the real one; programs that a test starts inherit it."""
    folder = tmp_path / "data"
    monkeypatch.setenv("BACKPROP_TUTOR_DATA", str(folder))
    return folder
