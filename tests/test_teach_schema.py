"""The JSON Schema: one source with the validation, up to date as shipped, and it says what the tutor says."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from test_lesson_errors import CASES
from tutor import catalogue, schema
from tutor.scaffold import lesson_text

SHIPPED = catalogue.data_dir("assets") / "lesson.schema.json"
FORMAT = json.loads(SHIPPED.read_text(encoding="utf-8"))


def valid(text: str) -> bool:
    return Draft202012Validator(FORMAT).is_valid(tomllib.loads(text))


def test_the_shipped_schema_is_up_to_date():
    assert SHIPPED.read_text(encoding="utf-8") == schema.as_json()


def test_it_is_a_json_schema_with_its_properties_at_the_top():
    Draft202012Validator.check_schema(FORMAT)
    assert FORMAT["$schema"].endswith("2020-12/schema") and FORMAT["type"] == "object"
    assert {"format", "title", "network", "circuit", "examples", "expect"} <= FORMAT["properties"].keys()
    assert all(part.get("description") or "const" in part for _, part in schema.keys())


@pytest.mark.parametrize("entry", catalogue.entries(), ids=lambda entry: entry.id)
def test_every_bundled_lesson_is_valid(entry):
    assert valid(entry.path.read_text(encoding="utf-8"))


def test_a_new_lesson_is_valid():
    assert valid(lesson_text(Path("neu.toml")))


def test_what_the_schema_refuses_the_tutor_refuses():
    """Of the bad lessons of the other tests: many are refused by the schema, too; none of the good ones is."""
    refused = 0
    for name, text, old, new, *_ in CASES:
        assert valid(text), name
        try:
            refused += not valid(text.replace(old, new, 1))
        except (ValueError, RecursionError):  # no TOML; or numbers and depths that jsonschema cannot take
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
    assert valid('format = 1\ntitle = "T"\nexamples = "d.csv"\nclass = "c"')
    assert valid('format = 1\ntitle = "T"\n[[expect]]\nstep = "L"\nvalue = [[1, 2.5]]\nsource = "hand"\niteration = 3')
