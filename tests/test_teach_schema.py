"""The JSON Schema: one source with the validation, up to date as shipped, and it says what the tutor says."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from each import each
from test_broken_lessons import BASE, BROKEN
from test_lesson_errors import CASES
from tutor.lessonfiles import catalogue, schema
from tutor.lessonfiles.scaffold import lesson_text

SHIPPED = catalogue.data_dir("assets") / "lesson.schema.json"
FORMAT = json.loads(SHIPPED.read_text(encoding="utf-8"))


def valid(text: str) -> bool:
    return Draft202012Validator(FORMAT).is_valid(tomllib.loads(text))


def test_the_shipped_schema_is_up_to_date():
    assert SHIPPED.read_text(encoding="utf-8") == schema.as_json(), "the format has changed: make schema writes it"


def test_it_is_a_json_schema_with_its_properties_at_the_top():
    Draft202012Validator.check_schema(FORMAT)
    assert FORMAT["$schema"].endswith("2020-12/schema") and FORMAT["type"] == "object"
    assert {"format", "title", "network", "circuit", "examples", "expect"} <= FORMAT["properties"].keys()
    assert all(part.get("description") or "const" in part for _, part in schema.keys())


@pytest.mark.parametrize("entry", catalogue.entries(), ids=lambda entry: entry.id)
def test_every_bundled_lesson_is_valid(entry):
    said = f"{entry.path} is no lesson by assets/lesson.schema.json: is that of today (make schema)?"
    assert valid(entry.path.read_text(encoding="utf-8")), said


def test_a_new_lesson_is_valid():
    assert valid(lesson_text(Path("neu.toml")))
    assert valid(lesson_text(Path("neu.toml"), arrays=True))


def test_what_the_schema_refuses_the_tutor_refuses():
    """Of the bad lessons of the other tests: many are refused by the schema, too; none of the good ones is."""
    refused = 0
    for name, text, old, new, *_ in CASES:
        assert valid(text), name
        if len(new) > 1000:  # too many dots, digits or brackets for tomllib and jsonschema
            continue
        try:
            refused += not valid(text.replace(old, new, 1))
        except tomllib.TOMLDecodeError:
            continue
    assert refused >= 60


@pytest.mark.parametrize(
    "wrong",
    [
        "format = 2",
        'format = 1\ntitle = ""',
        'format = 1\ntitle = "T"\nsumary = "x"',
        'format = 1\ntitle = "T"\nlevel = "skalar"',
        'format = 1\ntitle = "T"\nexamples = 3',
        'format = 1\ntitle = "T"\n[[expect]]\nstep = "L"\nvalue = 1',
        'format = 1\ntitle = "T"\n[[expect]]\nstep = "L"\nvalue = "1"\nsource = "x"',
        'format = 1\ntitle = "T"\n[training]\nlearning_rate = 0',
    ],
)
def test_what_is_wrong_is_refused(wrong):
    assert not valid(wrong)


def test_what_is_right_is_not():
    net = '[network]\ninputs = 1\nloss = "cross_entropy"\n[[network.layers]]\nunits = 2\n'
    assert valid(f'format = 1\ntitle = "T"\nexamples = "d.csv"\nclass = "c"\n{net}')
    assert valid(
        f'format = 1\ntitle = "T"\nexamples = "d.csv"\n{net}[[expect]]\nstep = "L"\n'
        'value = [[1, 2.5]]\nsource = "hand"\niteration = 3'
    )


# Of the bad lessons of the other tests, those whose fault a JSON schema can say.
EXPRESSIBLE = {
    "neither", "both", "no examples", "no targets", "target and targets", "bracket in a name", "at in a name",
    "long name", "empty name", "requires no id", "requires a path", "unused momentum", "unused beta",
    "unused decay", "no step", "no answer", "answer of a step", "kind of a step with ask",
    "number without ask", "choices of a step", "no choices", "choices of a number", "no equals",
    "circuit with examples", "newline in a name",
}  # fmt: skip


@each("case", [case for case in CASES if case[0] in EXPRESSIBLE])
def test_what_keys_must_agree_on_is_refused_by_the_schema_too(case):
    _, text, old, new, *_ = case
    assert not valid(text.replace(old, new, 1))


def test_all_of_them_are_tried():
    assert {case[0] for case in CASES} >= EXPRESSIBLE


@each("row", BROKEN)
def test_what_people_break_is_refused_by_both(row):
    """But for what is one key's word against another's in a list: the loss and the last layer."""
    assert valid(BASE)
    assert not valid(BASE.replace(row[0], row[1], 1)) or row[1] == "cross_entropy"


@pytest.mark.parametrize("name", ["größe", "petal length", "x", "x_1", "x" * 32, "漢字", "a.b", "θ₁", "50 %"])
def test_a_name_that_the_tutor_takes_is_none_that_the_schema_refuses(name):
    assert valid(BASE.replace('"a", "b"', f'"{name}", "b"'))
