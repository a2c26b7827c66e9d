"""The path through the lessons: what comes next and why."""

from __future__ import annotations

from pathlib import Path

from tutor.learner.course import recommended
from tutor.learner.placing import Standing
from tutor.lessonfiles import catalogue
from tutor.lessonfiles.catalogue import Entry


def entry(id, *requires, error=None):
    return Entry(id, id.title(), "", "", requires, "scalar", Path(f"{id}.toml"), None, error)


ABC = [entry("a"), entry("b", "a"), entry("c", "b"), entry("d", "a", "c")]


def test_one_begins_at_the_first_and_goes_on_along_the_path():
    assert recommended(ABC, (), ()).entry.id == "a"
    assert recommended(ABC, ("a",), ()).entry.id == "b"
    found = recommended(ABC, ("a", "b", "c"), ())
    assert found.entry.id == "d" and "A and C" in found.why
    assert recommended(ABC, "abcd", ()) is None


def test_what_was_begun_comes_first():
    assert recommended(ABC, ("a",), ("c",)).entry.id == "c"
    assert recommended(ABC, ("a", "c"), ("c",)).entry.id == "b"


def test_a_lesson_whose_prerequisites_are_open_waits_but_not_for_what_is_not_there():
    lessons = [entry("x", "y"), entry("y"), entry("z", "gone")]
    assert recommended(lessons, (), ()).entry.id == "y"
    assert recommended(lessons, ("x", "y"), ()).entry.id == "z"
    assert recommended([entry("p", "q"), entry("q", "p")], (), ()).entry.id == "p"
    assert recommended([entry("broken", error="no"), entry("fine")], (), ()).entry.id == "fine"


def test_after_a_placement_the_path_begins_where_it_says():
    found = recommended(ABC, (), (), Standing("c", ("a", "b"), (), 1.0))
    assert found.entry.id == "c" and "which you know" in found.why
    passed = Standing("c", ("a",), ("b",), 1.0)
    found = recommended(ABC, (), (), passed)
    assert found.entry.id == "c" and "placement says" in found.why
    assert recommended(ABC, ("c",), (), passed).entry.id == "d"
    found = recommended(ABC, ("c", "d"), (), passed)
    assert found.entry.id == "b" and "passed over" in found.why, "what was not shown is never taken for known"


def test_the_bundled_lessons_make_one_path():
    """Whoever takes what is recommended takes every lesson once, each after its prerequisites."""
    entries, done = catalogue.entries(), []
    while found := recommended(entries, done, ()):
        assert set(found.entry.requires) <= set(done), found.entry.id
        done.append(found.entry.id)
    assert done == [entry.id for entry in entries]
