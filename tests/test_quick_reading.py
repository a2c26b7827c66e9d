"""Heads of simple lines and long arrays of numbers are read without tomllib, with the same values."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from each import each
from tutor.lessonfiles import catalogue, toml_numbers
from tutor.lessonfiles.check import load
from tutor.lessonfiles.positions import LessonError

PIECES = (
    '"',
    "a",
    "=",
    " ",
    "[",
    "]",
    ",",
    "\\",
    "#",
    "\n",
    "\t",
    "0",
    "1",
    "-",
    ".",
    "e",
    "+",
    "'",
    "é",
    "\r",
    "\x7f",
)
LINES = ('k = "x"', 'l = ["x", "y"]', "n = 12", "# said", "t = true", "k = 1", 'l = ["x",]', "\n", "[a]", 'm = """')
TOML = st.lists(st.sampled_from(PIECES + LINES), max_size=12).map("".join)


def by_tomllib(text):
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return str(error)


@given(TOML)
def test_a_head_is_read_as_tomllib_does_or_left_to_it(text):
    assert (found := catalogue._plain(text)) is None or found == tomllib.loads(text)


def test_the_heads_of_what_comes_with_the_tutor_are_simple():
    for entry in catalogue.entries():
        text = entry.path.read_text(encoding="utf-8")
        whole = tomllib.loads(text)
        said = (whole["title"], whole.get("summary", ""), whole.get("unit", ""), tuple(whole.get("requires", ())))
        assert (entry.title, entry.summary, entry.unit, entry.requires) == said


@given(
    st.lists(st.one_of(TOML, st.sampled_from(["x = ", "y = [", "1, ", "[2, 3],\n", "]\n", "# ", '"""'])), max_size=14)
)
def test_arrays_of_numbers_are_what_tomllib_reads(parts):
    text, long = "".join(parts), toml_numbers.LONG
    for padded in (text, text.replace("1, ", "1, " * long), text.replace("[", "[" + " " * long)):
        try:
            found = toml_numbers.loads(padded)
        except tomllib.TOMLDecodeError as error:
            found = str(error)
        assert found == by_tomllib(padded)


@each("end", ["]", ",\n]", ", 1.5,]", ", -0, 1e3, 1E-3]", "]  # said", "]\n[[a]]\nx = [1]"])
@each(
    "odd", ["", "+1, ", "1_000, ", "0x1f, ", "inf, ", "01, ", "1., ", ".5, ", ", ", "2000-01-01, ", "'a', ", "# no\n"]
)
def test_what_only_one_of_the_two_has(odd, end):
    text = "w = [" + odd + "0.25, 3,\n" * 60 + "7" + end + "\nv = 1\n"
    found = by_tomllib(text)
    if isinstance(found, str):
        with pytest.raises(tomllib.TOMLDecodeError) as error:
            toml_numbers.loads(text)
        assert str(error.value) == found
    else:
        assert toml_numbers.loads(text) == found
        assert [type(number) for number in toml_numbers.loads(text)["w"]] == [type(number) for number in found["w"]]


@pytest.mark.parametrize("around", ['t = """\n{}"""', "t = '''\n{}'''", "# {}\nk = 1", 'k = ["a {}", 1]'])
def test_an_array_in_a_text_or_in_a_comment_is_none(around):
    array = "w = [" + "1, " * 200 + "2]"
    text = around.format(array) + "\n" + array.replace("w", "u")
    assert toml_numbers.loads(text) == tomllib.loads(text)


def test_a_wrong_number_in_a_long_array_is_shown_where_it_stands(tmp_path):
    rows = ",\n  ".join("[" + ", ".join(["0.5"] * 30) + "]" for _ in range(20))
    path = tmp_path / "long.toml"
    path.write_text(
        'format = 1\ntitle = "Long"\n[network]\ninputs = 30\nloss = "half_squared_error"\n[[network.layers]]\n'
        f'units = 20\nactivation = "sigmoid"\nweights = [\n  {rows.replace("0.5]", "0,5, 1..0]", 1)}\n]\n'
        "[[examples]]\ninputs = []\ntargets = []\n"
    )
    with pytest.raises(LessonError) as error:
        load(path)
    assert error.value.problems[0].line == 10
