"""A few tries of each fuzzer, the same ones each time; benchmarks/fuzz.py runs them for as long as one likes."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parent.parent / "benchmarks" / "fuzz.py"


@pytest.mark.parametrize("kind, tries", [("answers", 300), ("imports", 25), ("screens", 1), ("kills", 2)])
def test_a_few_tries(kind, tries):
    spec = importlib.util.spec_from_file_location("fuzz", SCRIPT)
    fuzz = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(fuzz)
    assert fuzz.run(kind, seed=1, tries=tries) == tries
