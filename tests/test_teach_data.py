"""Examples from a file beside the lesson: which columns they are, and every problem at its line and column."""

from __future__ import annotations

import errno
import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from each import each
from tutor.lessonfiles import csv_examples, csv_table
from tutor.lessonfiles.check import examine, load
from tutor.lessonfiles.positions import LessonError, Problem

HEAD = """\
format = 1
title = "T"
examples = "d.csv"
{more}
[network]
inputs = {inputs}
loss = "{loss}"
[[network.layers]]
units = {units}
activation = "{activation}"
[training]
batch = "all"
"""
FLOWERS = """\
id,petal_length,species,petal_width
1,1.5,setosa,0.2
2,4.5,versicolor,1.5
3,1.25,setosa,0.25
4,6,virginica,2.5
"""


@pytest.fixture
def write(tmp_path):
    """Writes a lesson and its file; returns the lesson's path."""

    def write(
        text: str | bytes, inputs='["petal_length", "petal_width"]', units="3", more='class = "species"', **other
    ):
        softmax = {"loss": "cross_entropy", "activation": "softmax"}
        lesson = HEAD.format(inputs=inputs, units=units, more=more, **{**softmax, **other})
        (tmp_path / "t.toml").write_text(lesson, encoding="utf-8")
        (tmp_path / "d.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
        return tmp_path / "t.toml"

    return write


def only(path) -> tuple[str, int, int, str]:
    (problem,) = examine(path)[1]
    assert problem.severity == "error"
    return os.path.basename(problem.path), problem.line, problem.column, f"{problem.message} | {problem.advice}"


REGRESSION = {"more": "", "loss": "squared_error", "activation": "linear"}


# ---------------------------------------------------------------- which columns


def test_columns_by_name_and_classes_in_the_order_of_their_appearance(write):
    lesson = load(write(FLOWERS))
    assert lesson.inputs.tolist() == [[1.5, 0.2], [4.5, 1.5], [1.25, 0.25], [6, 2.5]]
    assert lesson.targets.tolist() == [[1, 0, 0], [0, 1, 0], [1, 0, 0], [0, 0, 1]]
    assert lesson.classes == ("setosa", "versicolor", "virginica") and lesson.data.name == "d.csv"


def test_names_of_the_outputs_give_the_order_of_the_classes(write):
    lesson = load(write(FLOWERS, units='["virginica", "setosa", "versicolor"]'))
    assert lesson.targets.tolist() == [[0, 1, 0], [0, 0, 1], [0, 1, 0], [1, 0, 0]]
    assert lesson.classes == ("virginica", "setosa", "versicolor")


def test_targets_by_name_or_the_last_columns(write):
    text = "price,rooms,size\n3,2,50\n4,3,70\n"
    lesson = load(write(text, inputs='["size", "rooms"]', units='["price"]', **REGRESSION))
    assert lesson.inputs.tolist() == [[50, 2], [70, 3]] and lesson.targets.tolist() == [[3], [4]]
    lesson = load(write(text, inputs="2", units="1", **REGRESSION))
    assert lesson.inputs.tolist() == [[3, 2], [4, 3]] and lesson.targets.tolist() == [[50], [70]]
    assert lesson.classes == ()


@pytest.mark.parametrize(
    "text",
    [
        FLOWERS,
        "\ufeff" + FLOWERS,
        FLOWERS.replace("\n", "\r\n"),
        FLOWERS.replace(",", ";"),
        FLOWERS.replace(",", "\t"),
        FLOWERS.replace("setosa", '"setosa"').replace("petal_width", '"petal_width"'),
        FLOWERS.replace(",", " , "),
        FLOWERS.rstrip("\n"),
        FLOWERS.replace("\n2,", "\n\n2,") + "\n,,,\n",
        FLOWERS.replace("id,", '"a note, over\n two lines",'),
    ],
)  # fmt: skip
def test_whatever_a_spreadsheet_writes(write, text):
    lesson = load(write(text))
    assert lesson.inputs[3].tolist() == [6, 2.5] and lesson.targets[3].tolist() == [0, 0, 1]


@given(st.lists(st.tuples(st.floats(-1e9, 1e9), st.floats(-1e9, 1e9)), min_size=1, max_size=20))
def test_numbers_are_read_as_they_were_written(rows):
    text = "a,b\n" + "".join(f"{a!r},{b!r}\n" for a, b in rows)
    source = csv_table.Source("d.csv", text)
    table = csv_table.CsvTable(
        source, ",", ("a", "b"), tuple((repr(a), repr(b)) for a, b in rows), tuple(range(2, len(rows) + 2))
    )
    found, problems = csv_examples.examples(table, csv_examples.Columns((0,), (1,)))
    assert not problems and [(e["inputs"][0], e["targets"][0]) for e in found] == rows


# ---------------------------------------------------------------- what is wrong


# the table, line, column, words
BAD = [
    (FLOWERS.replace("4.5", ""), 3, 3, "'petal_length' is missing"),
    (FLOWERS.replace("4.5", "n/a"), 3, 3, "'petal_length' must be a finite number, not 'n/a'"),
    (FLOWERS.replace("1.5\n", "inf\n"), 3, 18, "'petal_width' must be a finite number, not 'inf'"),
    (FLOWERS.replace("1.5\n", "1_5\n"), 3, 18, "not '1_5'"),
    (FLOWERS.replace("2,4.5", "2,4.5,9"), 3, 1, "this row has 5 fields; the header has 4"),
    (FLOWERS.replace(",virginica", ","), 5, 5, "no class"),
    (
        FLOWERS.replace("virginica", "setosa"),
        1,
        1,
        "'species' has 2 classes ('setosa', 'versicolor'); the network has 3",
    ),
    (FLOWERS.replace("petal_length", "petal_lenght"), 1, 1, "no column for the input 'petal_length': did you mean"),
    (FLOWERS.replace("species", "kind"), 1, 1, "no column for the class 'species'"),
    (FLOWERS.replace("id,", "petal_width,"), 1, 34, "the column 'petal_width' is there twice"),
    (FLOWERS.replace("id,", ","), 1, 1, "column 1 has no name"),
    ("1,2,3\n1,2,3\n", 1, 1, "numbers where names should be"),
    (FLOWERS.split("\n")[0], 1, 1, "there is no row below the header"),
    ("", 1, 1, "the file is empty | its first line names the columns"),
    ("\n \n", 1, 1, "the file is empty"),
    (FLOWERS + '5,"1,2', 6, 1, "not a table"),
    (FLOWERS.encode() + b"5,\xff", 6, 3, "not UTF-8"),
    (b"\xff\xfe" + FLOWERS.encode("utf-16-le"), 1, 1, "UTF-16"),
    (b"\0\1\2" * 9, 1, 1, "binary"),
    (FLOWERS.replace(",", ";").replace("4.5", "4,5"), 3, 3, "a decimal point, not a comma"),
    (FLOWERS.replace("setosa", '"seto""sa"').replace("6,virginica", "x,virginica"), 5, 3, "not 'x'"),
]


@each("text, line, column, says", BAD)
def test_a_problem_is_told_at_its_place_in_the_file(write, text, line, column, says):
    name, at_line, at_column, said = only(write(text))
    assert (name, at_line, at_column) == ("d.csv", line, column) and says in said


def test_a_class_that_no_output_is_called(write):
    name, line, column, said = only(write(FLOWERS, units='["virginica", "setosa", "versicolour"]'))
    assert (name, line, column) == ("d.csv", 3, 7) and "'versicolor' is no class: did you mean 'versicolour'?" in said


def test_the_checks_of_inline_examples_hold(write):
    path = write("a,b\n1,0\n2,3\n", inputs="1", units="1", more="", loss="binary_cross_entropy", activation="sigmoid")
    name, line, column, said = only(path)
    assert (name, line, column) == ("d.csv", 3, 3) and "wants 0 to 1" in said
    path = write("a,b,c\n1,0,1\n2,0.5,0.25\n", inputs="1", units="2", more="")
    name, line, column, said = only(path)
    assert (name, line, column) == ("d.csv", 3, 3) and "sum to 0.75" in said


@pytest.mark.parametrize(
    "name, says",
    [
        ("/etc/passwd", "not by an absolute path"),
        ("C:\\\\data.csv", "not by an absolute path"),
        ("../d.csv", "beside the lesson or below"),
        ("a/../../d.csv", "beside the lesson or below"),
        ("..\\\\d.csv", "beside the lesson or below"),
        ("e.csv", "there is no file 'e.csv' beside the lesson: did you mean 'd.csv'?"),
        ("link.csv", "a link to elsewhere"),
        ("long" * 100, "there is no file 'longlonglong"),
    ],
)
def test_a_file_stays_beside_its_lesson(write, tmp_path, name, says):
    path = write(FLOWERS)
    (tmp_path / "link.csv").symlink_to("/etc/hostname")
    path.write_text(path.read_text().replace('"d.csv"', f'"{name}"'))
    file, line, column, said = only(path)
    assert (file, line, column) == ("t.toml", 3, 12) and says in said


def test_a_file_below_the_folder(write, tmp_path):
    path = write(FLOWERS)
    (tmp_path / "data").mkdir()
    (tmp_path / "d.csv").rename(tmp_path / "data" / "d.csv")
    path.write_text(path.read_text().replace('"d.csv"', '"data/d.csv"'))
    assert len(load(path).inputs) == 4


def test_a_file_in_a_locked_folder(write, monkeypatch):
    stat = os.stat

    def locked(path, *args, **others):
        if "shut" in str(path):
            raise PermissionError(errno.EACCES, "Permission denied")
        return stat(path, *args, **others)

    monkeypatch.setattr(os, "stat", locked)
    path = write(FLOWERS)
    path.write_text(path.read_text().replace('"d.csv"', '"shut/d.csv"'))
    assert only(path) == ("d.csv", 1, 1, "cannot read the file: Permission denied | ")


def test_a_folder_or_a_huge_file_is_refused(write, tmp_path, monkeypatch):
    path = write(FLOWERS)
    monkeypatch.setattr(csv_table, "MAX_BYTES", 30)
    assert only(path)[:1] == ("d.csv",) and "larger than" in only(path)[3]
    (tmp_path / "d.csv").unlink()
    (tmp_path / "d.csv").mkdir()
    assert "folder" in only(path)[3]


def test_one_cause_in_many_rows_is_one_problem(write):
    text = "a,b,c\n" + "1,2,3\n" * 40 + "x,2,3\n" * 500 + "1,,3\n" * 2
    problems = examine(write(text, inputs="2", units="1", **REGRESSION))[1]
    assert [(p.line, p.column) for p in problems] == [(42, 1), (542, 3)]
    assert "'a' must be a finite number, not 'x' (lines 42, 43, 44 and 497 more)" in problems[0].message
    assert "'b' is missing (lines 542, 543)" in problems[1].message


def test_a_column_of_text_is_told_once(write):
    text = "kind,b,c\n" + "hut,2,3\nflat,3,4\nhouse,3,4\ntent,1,1\n" * 30
    _, line, column, said = only(write(text, inputs="2", units="1", **REGRESSION))
    assert (line, column) == (2, 1) and "'kind' is a column of text ('hut', 'flat', 'house', ...)" in said
    _, line, column, said = only(write("a,kind\n" + "1,hut\n2,flat\n" * 9, inputs="1", units="1", **REGRESSION))
    assert (line, column) == (2, 3) and 'class = "kind"' in said


def test_a_wrong_class_column_is_told_once(write):
    path = write(FLOWERS, units='["red", "green", "blue"]')
    _, line, column, said = only(path)
    assert (line, column) == (2, 7) and "'setosa' is no class, nor 'versicolor', 'virginica' (lines 2, 3, 4" in said
    assert "classes are: red, green, blue" in said


def test_rows_of_another_length_are_told_once(write):
    _, line, _, said = only(write(FLOWERS + "5,1,setosa\n" * 9))
    assert line == 6 and "has 3 fields; the header has 4 (lines 6, 7, 8 and 6 more)" in said


@pytest.mark.parametrize(
    "text, note",
    [
        ("a;b\n0,5;1,25\n2;-3,5\n", "'0,5' is 0.5"),
        ('"a","b"\n"0,5","1,25"\n"2","-3,5"\n', "'0,5' is 0.5"),
        ("a\tb\n0,5\t1,25\n2\t−3,5\n", "'0,5' is 0.5"),
        ("a;b\n,5;1,25e0\n2;-3,5\n", "',5' is .5"),
        ("a,b\n0.5,1.25\n2,−3.5\n", ""),
        ("sep=;\na;b\n0.5;1.25\n2;-3.5\n", ""),
        ("a,b,,\n0.5,1.25,,\n2,-3.5,,\n", ""),
        ("a,b\r0.5,1.25\r2,-3.5", ""),
    ],
)
def test_tables_as_the_world_writes_them(write, text, note):
    path = write(text, inputs="1", units="1", **REGRESSION)
    lesson = load(path)
    assert lesson.inputs.tolist() == [[0.5], [2]] and lesson.targets.tolist() == [[1.25], [-3.5]]
    notes = [p for p in examine(path)[1] if p.severity == "note"]
    assert len(notes) == bool(note) and all(note in p.message for p in notes)


NO_NUMBERS = [
    ("a;b\n0,5;1.25\n", "not '0,5' | a decimal point, not a comma"),  # which of the two is meant?
    ('a,b\n"1,200.50",1\n', "not '1,200.50' | no signs between thousands"),
    ('a,b\n"1,200",1\n', "not '1,200'"),
    ("a,b\n1 200,1\n", "no signs between thousands: 1200"),
    ("a,b\nNA,1\n2,1\n", "leave out rows in which a value is missing"),
    ("a,b\n$3,1\n4,1\n", "a number has digits"),
    ("A ,b\n1,1\n", "did you mean 'A'?"),
    ("1.5,2.5\n1,1\n", "the names of the columns above it"),
    ('a,b\n"1,2\n', "none ends it"),
    ("<!DOCTYPE html>\n<p>\n", "a web page"),
    (b"PK\x03\x04\x00\x00", "Excel"),
]


@pytest.mark.parametrize("text, says", NO_NUMBERS)
def test_what_is_no_table_of_numbers_says_what_to_do(write, text, says):
    assert says in only(write(text, inputs='["a"]', units='["b"]', **REGRESSION))[3]


@pytest.mark.skipif(os.open not in os.supports_dir_fd, reason="nothing can be opened below a folder")
@pytest.mark.parametrize("which", ["file", "folder"])
def test_a_link_that_is_changed_while_it_is_looked_at_leads_nowhere(write, tmp_path, monkeypatch, which):
    """Between the look at a path and its opening somebody else may change where it leads."""
    path, secret = write(FLOWERS), tmp_path / "out"
    home = tmp_path / "home"
    for folder in (secret, home, home / "in"):
        folder.mkdir()
    (secret / "d.csv").write_text(FLOWERS.replace("setosa", "secret"))
    (home / "in" / "d.csv").write_text(FLOWERS)
    (home / "t.toml").write_text(path.read_text().replace('"d.csv"', '"in/d.csv"'))
    opened = os.open

    def swap(name, flags, *args, **others):
        if str(name).endswith("in" if which == "folder" else "d.csv"):
            victim = home / "in" / ("d.csv" if which == "file" else "")
            if not victim.is_symlink():
                victim.rename(home / "old")
                victim.symlink_to(secret / "d.csv" if which == "file" else secret)
        return opened(name, flags, *args, **others)

    monkeypatch.setattr(os, "open", swap)
    assert "cannot read the file" in only(home / "t.toml")[3]


def test_a_path_that_is_too_long_is_no_file(write):
    path = write(FLOWERS)
    path.write_text(path.read_text().replace('"d.csv"', f'"{"x" * 300}/x.csv"'))
    assert "there is no file" in only(path)[3]


def test_class_goes_with_a_file_and_with_a_network(tmp_path):
    text = HEAD.format(inputs="1", units="1", more='class = "x"', loss="squared_error", activation="linear")
    text = text.replace('examples = "d.csv"\n', "") + "[[examples]]\ninputs = [1]\ntargets = [1]\n"
    (tmp_path / "t.toml").write_text(text)
    assert only(tmp_path / "t.toml")[1:3] == (3, 1)
    circuit = 'format = 1\ntitle = "T"\nexamples = "d.csv"\n[circuit]\ndefine = ["f = x * x"]\noutput = "f"\n'
    circuit += "inputs = { x = 1 }\n"
    (tmp_path / "t.toml").write_text(circuit)
    assert "there is no file 'd.csv'" in only(tmp_path / "t.toml")[3]
    (tmp_path / "t.toml").write_text(circuit.replace("[circuit]", 'class = "x"\n[circuit]'))
    (tmp_path / "d.csv").write_text("x\n1\n2\n")
    assert "class goes with a [network]" in only(tmp_path / "t.toml")[3]


def test_classes_of_inline_examples_are_the_names_of_the_outputs(tmp_path):
    text = HEAD.format(inputs="1", units='["no", "yes"]', more="", loss="cross_entropy", activation="softmax")
    text = text.replace('examples = "d.csv"\n', "") + "[[examples]]\ninputs = [1]\ntarget = 2\n"
    (tmp_path / "t.toml").write_text(text)
    assert load(tmp_path / "t.toml").classes == ("no", "yes")


def test_a_network_in_doubt_blames_no_file(write):
    path = write(FLOWERS, inputs="0")
    with pytest.raises(LessonError) as raised:
        load(path)
    assert [os.path.basename(p.path) for p in raised.value.problems] == ["t.toml"]


def test_a_large_file_is_read_soon(write):
    rows = np.round(np.random.default_rng(1).normal(size=(5000, 3)), 3)
    text = "a,b,c\n" + "".join(",".join(map(str, row)) + "\n" for row in rows.tolist())
    lesson = load(write(text, inputs="2", units="1", more="", loss="squared_error", activation="linear"))
    assert np.array_equal(np.hstack([lesson.inputs, lesson.targets]), rows)


def test_an_evaluation_knows_the_classes_by_their_names(write):
    from tutor.engine.evaluation import Evaluator

    lesson = load(write(FLOWERS))
    assert Evaluator(lesson).classes == ("setosa", "versicolor", "virginica")


def test_a_table_of_more_rows_than_can_be_checked_at_once_is_refused_before_it_is_read(tmp_path):
    (tmp_path / "data.csv").write_text("x,y\n" + "1,0\n" * 150_001, encoding="utf-8")
    found = csv_table.read_table(tmp_path / "data.csv")
    assert isinstance(found, Problem) and "150,000 are the most" in found.message and found.advice


def test_a_link_to_itself_is_no_file_and_no_suggestion(tmp_path):
    (tmp_path / "loop.csv").symlink_to("loop.csv")
    (tmp_path / "lost.csv").symlink_to("nowhere.csv")
    for name in ("loop.csv", "lost.csv"):
        (tmp_path / "mine.toml").write_text(
            f'format = 1\ntitle = "t"\nexamples = "{name}"\n[network]\ninputs = 1\nloss = "half_squared_error"\n'
            "[[network.layers]]\nunits = 1\n"
        )
        (problem,) = examine(tmp_path / "mine.toml")[1]
        assert problem.message == f"'{name}' is a link that leads to no file"
