"""What people write in a lesson file where TOML wants something else: told at its place, with the mend."""

from __future__ import annotations

import pytest

from each import each
from test_lesson import SMALL
from tutor.lessonfiles.check import examine
from tutor.lessonfiles.positions import Problem, Source
from tutor.lessonfiles.reading.lesson import read
from tutor.lessonfiles.toml_syntax import parse_toml
from tutor.text.output import FORBIDDEN

# what stands in the file, the column, and words of the message and the advice
SLIPS = [
    ("title = “Base”", 9, "typographic quotes", "straight"),
    ("title = «Base»", 9, "typographic quotes", "straight"),
    ("title\u00a0= 'B'", 6, "no-break space", "ordinary space"),
    ("a = \u20093", 5, "thin space", "ordinary space"),
    ("a = 2\u200b", 6, "zero width space", "delete it"),
    ("w = [[2, −1]]", 10, "minus sign", "write -"),
    ("w = [1, –2]", 9, "en dash", "write -"),
    ("w = -—2", 6, "em dash", "write -"),
    ("w＝3", 2, "fullwidth equals sign", "write ="),
    ("w = ½", 5, "no number", "0.5"),
    ("r = 0,1", 5, "decimal point", "write 0.1"),
    ("r = 1/10", 5, "not computed", "write 0.1"),
    ("r = 1/0", 5, "not computed", ""),
    ("w = [1, 1/3]", 9, "not computed", "write 0.333333"),
    ("w = 3×2", 5, "not computed", ""),
    ("w = 5.", 5, "behind a decimal point", "write 5.0"),
    ("w = [ 5., 11. ]", 7, "behind a decimal point", "write 5.0"),
    ("w = [1.e3]", 6, "behind a decimal point", "write 1.0e3"),
    ("w = .5", 5, "before a decimal point", "write 0.5"),
    ("w = [1, -.5]", 9, "before a decimal point", "write -0.5"),
    ("w = +.5e2", 5, "before a decimal point", "write +0.5e2"),
    ("w = 007", 5, "no other 0", "write 7"),
    ("w = -01.5", 5, "no other 0", "write -1.5"),
    ("w = 0x", 5, "no number", "0x1f"),
    ("w = NaN", 5, "finite", ""),
    ("w = [Infinity]", 6, "finite", ""),
    ("w = True", 5, "written small", "write true"),
    ("w = None", 5, "no 'None'", "leave the key out"),
    ("w = np.array([[1, 2]])", 5, "a program's", "write the numbers"),
    ("w = 50%", 5, "no number", "write 0.5"),
    ("w = 0.5f", 5, "no number", "write 0.5"),
    ("w = 2*10^-3", 5, "no number", "write 2e-3"),
    ("w = 2**3", 5, "not computed", ""),
    ("w = - 1", 5, "no number", "write -1"),
    ("w = 1 200", 5, "no number", "write 1200"),
    ("w = 1,200.50", 5, "no number", "write 1200.50"),
    ("w = 1.2.3", 5, "no number", "0.5"),
    ("w = (1, 2)", 5, "square brackets", "[1, 2]"),
    ("w = [1; 2]", 6, "semicolon", "comma"),
    ("w = [1 2]", 8, "a comma is missing", "[1, 2]"),
    ("u = 2;", 5, "semicolon", ""),
    ("u = 2,", 5, "a comma behind", "take it out"),
    ("a = 2000-13-01", 5, "no dates", ""),
    ("t = Base", 5, "invalid value", '"Base"'),
    ("t = two words", 5, "invalid value 'two words'", "quotes"),
    ("u =", 4, "there is none", "behind the ="),
    ("u == 3", 4, "two signs =", "key = value"),
    ("t = 'It's mine'", 8, "apostrophe", '"double quotes"'),
    ('t = "Say "yes" now"', 10, "a quote ends", "'single quotes'"),
    (r't = "C:\Users\me"', 8, r"'\Users'", "with /"),
    (r't = "data\d.csv"', 10, r"'\d'", "with /"),
    (r't = "$\alpha$"', 7, r"'\alpha'", "'''...'''"),
    (r't = "$\eta$"', 7, r"'\eta'", "'''...'''"),
    (r't = "$\underline{x}$"', 7, r"'\underline'", "'''...'''"),
    ("// a comment", 1, "no comment", "#"),
    ("title: 'x'", 6, "':' between", "="),
    ("u := 3", 3, "':=' between", "="),
    ("learning rate = 0.1", 1, "no spaces", "learning_rate"),
    ("größe = 3", 1, "in quotes", '"größe" ='),
    ("units 2", 1, "= is missing", "units = ..."),
    ("units", 1, "without a value", "units = ..."),
    ("[ [notes] ]", 1, "apart", "[["),
    ("a = 1 b = 2", 7, "two keys", "line of its own"),
    ("[t] a = 2", 5, "alone on its line", ""),
]


@each("text, column, says, mend", SLIPS)
def test_a_slip_of_the_pen_is_told_with_its_mend(text, column, says, mend):
    found = parse_toml(Source("f.toml", f"format = 1\n{text}\n"))
    assert isinstance(found, Problem)
    assert (found.line, found.column) == (2, column), found
    assert says in found.message and mend in found.advice, found


@pytest.mark.parametrize(
    "text, line, says, mend",
    [
        ("[network.layers]\nunits = 2\n[[network.layers]]\nunits = 1", 1, "one bracket", "[[network.layers]]"),
        ("[[notes]]\nstep = 1\n[notes]\nstep = 2", 3, "one bracket", "[[notes]]"),
        ('examples = "x.csv"\n[network]\n[[examples]]\nx = 1', 3, "as examples = ... on line 1", "keep one"),
        ("[t]\nu = 1\nv = 2\nu = 3", 4, "u is on line 2 already", "once"),
        ("biases = [1, 2\nunits = 3", 2, "begins on line 1", "close the bracket"),
    ],
)
def test_of_two_places_that_clash_the_wrong_one_is_told(text, line, says, mend):
    found = parse_toml(Source("f.toml", text))
    assert isinstance(found, Problem) and found.line == line
    assert says in found.message and mend in found.advice


def test_what_is_toml_is_never_refused():
    text = "a = 0.5\nb = [1, -2, 1e3, 5.0, 0x1f, 1_000]\nc = 'It is'\nd = \"a, b; c: 'd'\"\n# “x” − , .5\n"
    assert parse_toml(Source("f.toml", text)) == {
        "a": 0.5, "b": [1, -2, 1e3, 5.0, 31, 1000], "c": "It is", "d": "a, b; c: 'd'"
    }  # fmt: skip


@pytest.mark.parametrize(
    "text", [" ", "\t", "[", "0" * 3999 + " ", '"', "'", '"""', "a." * 30 + " ", "{", ", ", "a = [", "\\", '"\\']
)
def test_a_long_line_of_anything_is_gone_over_once(text):
    """Were it gone over from each of its characters anew, each of these would take many minutes."""
    parse_toml(Source("f.toml", "format = 1\n" + text * (400_000 // len(text))))
    parse_toml(Source("f.toml", "format = 1 " + text * (400_000 // len(text))))


@pytest.mark.parametrize("unit, says", [("k = 1\n", "keys"), ('"a", ', "texts"), ("[t]\n", "tables")])
def test_more_than_any_lesson_has_is_refused_before_it_is_read(unit, says):
    found = parse_toml(Source("f.toml", "format = 1\n" + unit * 150_000))
    assert isinstance(found, Problem) and says in found.message and found.advice


# ---------------------------------------------------------------- places


COMMENTED = """\
format = 1  # the format
title = "T" # a title
level = "scalr"  # a comment behind
[network]  # the network
inputs = 2  # two
loss = "squared_error"
[[network.layers]]  # one
units = 1  # a unit
weights = [[  # a row
  1, # first
  "x",  # second
]]
[[examples]]
inputs = [1, 2]
targets = [3]
[[expect]]  # by hand
step = "L"  # the loss
value = true  # by hand
source = "hand"
"""


def test_a_comment_behind_a_value_moves_no_place(tmp_path):
    (tmp_path / "c.toml").write_text(COMMENTED)
    _, problems = examine(tmp_path / "c.toml")
    assert [(p.line, p.column) for p in problems] == [(3, 9), (11, 3), (18, 9)]


def test_an_expectation_with_a_comment_is_held(tmp_path):
    text = SMALL + '[[expect]]\nstep = "a1[1]"  # out\nvalue = 33.25  # by hand\nsource = "hand"\n'
    (tmp_path / "c.toml").write_text(text)
    (problem,) = examine(tmp_path / "c.toml")[1]
    assert (problem.line, problem.column) == (13, 9) and "not 33.25" in problem.message


def test_the_lines_of_an_old_mac_are_lines(tmp_path):
    (tmp_path / "m.toml").write_bytes(SMALL.replace("squared", "sqared").replace("\n", "\r").encode())
    _, (problem,), _ = read(tmp_path / "m.toml")
    assert (problem.line, problem.column) == (5, 8)


# ---------------------------------------------------------------- LaTeX in "..."


@pytest.mark.parametrize(
    "key, written, column, macro",
    [
        ("title", r'"The \nabla of"', 14, r"\nabla"),
        ("summary", r'"\times"', 12, r"\times"),
        ("unit", r'"\theta"', 9, r"\theta"),
        ("intro", r'"If $w \neq 0$."', 16, r"\neq"),
        ("intro", r'"$\tanh(z)$"', 11, r"\tanh"),
        ("intro", r'"$\nu$"', 11, r"\nu"),
        ("outro", r'"half: $\frac{1}{2}$"', 17, r"\frac"),
        ("outro", r'"$\beta$"', 11, r"\beta"),
        ("outro", r'"$\bar{x}$"', 11, r"\bar"),
        ("outro", r'"$\rho$"', 11, r"\rho"),
    ],
)
def test_latex_that_toml_takes_for_an_escape_is_told_once(tmp_path, key, written, column, macro):
    text = SMALL.replace('title = "Small"\n', "") if key == "title" else SMALL
    (tmp_path / "l.toml").write_text(text.replace("[network]", f"{key} = {written}\n[network]"))
    (problem,) = [p for p in examine(tmp_path / "l.toml")[1] if macro in p.message]
    assert len(examine(tmp_path / "l.toml")[1]) == 1
    assert problem.column == column and "'''" in problem.advice
    assert problem.severity == ("warning" if macro[1] in "nt" else "error")


def test_in_questions_names_and_long_texts_too(tmp_path):
    more = '[[questions]]\nask = "$\\tau$?"\nchoices = ["\\\\nu", "\\nu"]\nanswer = 1\nhints = ["""\na\n$\\neg$"""]\n'
    (tmp_path / "l.toml").write_text(SMALL + more)
    _, problems = examine(tmp_path / "l.toml")
    assert [(p.line, p.column) for p in problems] == [(12, 9), (13, 21), (17, 2)]


@pytest.mark.parametrize("written", [r"'''$\theta \neq \frac{1}{2}$'''", r"'$\nu$'", r'"a\nnew line\tand a tab"',
                                     r'"$\\theta$"', r'"take care:\nnot this\ttext"'])  # fmt: skip
def test_what_is_meant_as_it_stands_is_left_alone(tmp_path, written):
    (tmp_path / "l.toml").write_text(SMALL.replace("[network]", f"intro = {written}\n[network]"))
    assert examine(tmp_path / "l.toml")[1] == []


# ---------------------------------------------------------------- what cannot be seen


@pytest.mark.parametrize("text", ["می\u200cخواهم", "क\u094d\u200dष", "نام\u200cها"])
def test_joiners_between_letters_are_allowed(text):
    assert not FORBIDDEN.search(text)


@pytest.mark.parametrize("text", ["\u200cab", "ab\u200d", "a \u200d b", "1\u200c2", "a\u200c\u200db", "a\u200bb"])
def test_other_characters_that_cannot_be_seen_are_not(text):
    assert FORBIDDEN.search(text)


@pytest.mark.parametrize(
    "data, says, mend",
    [
        (b"PK\x03\x04\x14\x00", "Excel", "plain text"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\x00", "old Excel", "plain text"),
        (b"%PDF-1.7\n", "PDF", "plain text"),
        (b"{\\rtf1 x", "RTF", "plain text"),
        (SMALL.encode("utf-16-le"), "UTF-16", "UTF-8"),
        (SMALL.encode("utf-16-be"), "UTF-16", "UTF-8"),
        (SMALL.replace("Small", "Größe").encode("latin-1"), "not UTF-8", "'ö'"),
    ],
)
def test_a_file_of_another_kind_is_called_what_it_is(tmp_path, data, says, mend):
    (tmp_path / "x.toml").write_bytes(data)
    _, (problem,), _ = read(tmp_path / "x.toml")
    assert says in problem.message and mend in problem.advice


def test_a_file_of_more_lists_than_a_lesson_has_is_refused_before_it_is_read(tmp_path):
    found = parse_toml(Source(tmp_path / "lists.toml", f"weights = [{'[1],' * 150_001}]"))
    assert isinstance(found, Problem) and "more than 150,000 lists" in found.message and found.advice
