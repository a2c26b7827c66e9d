"""What is kept with an object: typed, by whoever keeps it, and gone with the object."""

from __future__ import annotations

import gc
import weakref
from dataclasses import replace

from strategies import circuit_lesson
from tutor.engine.memo import Memo
from tutor.engine.trace import trace
from tutor.questions.slips import slips
from tutor.text.writer import Writer


class Mine(dict[str, int]):
    pass


class Yours(dict[str, int]):
    pass


def test_each_class_has_its_one_place():
    memo = Memo()
    memo.of(Mine)["a"] = 1
    assert memo.of(Mine) == {"a": 1}
    assert memo.of(Yours) == {}
    assert memo.of(Mine) is memo.of(Mine)


def test_a_changed_copy_remembers_nothing():
    lesson = circuit_lesson(["f = x * y"], x=2, y=3)
    lesson.memo.of(Mine)["a"] = 1
    assert replace(lesson, title="other").memo.of(Mine) == {}
    here = trace(lesson)
    here.memo.of(Mine)["a"] = 1
    assert replace(here).memo.of(Mine) == {}


def test_what_is_kept_goes_with_its_trace():
    here = trace(circuit_lesson(["f = x * y"], x=2, y=3))
    assert slips(here.find("df/dx")) and Writer(here.lesson, "dz")
    gone = weakref.ref(here)
    del here
    gc.collect()
    assert gone() is None
