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
settings.load_profile("ci" if os.environ.get("CI") else "local")


@pytest.fixture(autouse=True)
def data_folder(tmp_path, monkeypatch):
    """The folder of the learner's database, away from the real one; programs that a test starts inherit it."""
    folder = tmp_path / "data"
    monkeypatch.setenv("BACKPROP_TUTOR_DATA", str(folder))
    return folder
