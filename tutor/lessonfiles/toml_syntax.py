"""From a lesson file's text to its TOML values, or to what was meant where it is no TOML.

`tomllib` says where it stopped; `toml_mistakes.py` says what people write there instead.
"""

from __future__ import annotations

import re
import tomllib
from typing import Any

from tutor.lessonfiles import toml_numbers
from tutor.lessonfiles.positions import Problem, Source
from tutor.lessonfiles.toml_mistakes import BRACKETS, what_was_meant
from tutor.text.language import N_, say

MAX_KEY_PARTS = 32  # a dotted key costs the square of its parts to parse
MAX_HEADERS = 15_000  # more than the examples that a lesson may have

# Quantifiers are possessive: a line of blanks is gone over once.
_DOTTED_KEY = re.compile(
    r"""(?:^[ \t]*+\[*+|[{,])[ \t]*+(?:(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+)"""
    rf"{{{MAX_KEY_PARTS}}}",
    re.MULTILINE,
)
_HEADERS = re.compile(r"^[ \t]*+\[\[?[ \t]*+[\w\"']", re.MULTILINE)
_MANY_DIGITS = re.compile(r"(?<![\d_])\d[\d_]{4000,}+")
_TOML_ERROR = re.compile(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", re.DOTALL)
# What tomllib says, what we say then, and the advice. The first that fits holds; of more there is no translation.
_TOML_ERRORS = tuple(
    (re.compile(pattern, re.DOTALL), said, advice)
    for pattern, said, advice in (
        ("Invalid value", N_("not valid TOML: invalid value"),
         N_("a value is a number, text in quotes, true or false, a [list] or a {{table}}")),
        ("Invalid statement", N_("not valid TOML: invalid statement"),
         N_("a line is a key = value, a [table] or a # comment")),
        ("Cannot overwrite a value", N_("not valid TOML: cannot overwrite a value"),
         N_("write every key and every [table] once")),
        ("Cannot declare (.*) twice", N_("not valid TOML: cannot declare {what} twice"),
         N_("write every [table] once; what there may be several of has two brackets: "
            "[[network.layers]], [[examples]], [[notes]]")),
        ("Cannot redefine namespace (.*)", N_("not valid TOML: cannot redefine namespace {what}"), ""),
        ("Cannot mutate immutable namespace (.*)", N_("not valid TOML: cannot mutate immutable namespace {what}"), ""),
        ("Duplicate inline table key (.*)", N_("not valid TOML: duplicate inline table key {what}"), ""),
        ("Expected '=' after a key in a key/value pair",
         N_("not valid TOML: expected '=' after a key in a key/value pair"),
         N_("a line is a key = value, a [table] or a # comment")),
        ("Expected newline or end of document after a statement",
         N_("not valid TOML: expected newline or end of document after a statement"),
         N_("behind a value its line ends; a # begins a comment")),
        (r"Expected '\]\]' at the end of an array declaration",
         N_("not valid TOML: expected ']]' at the end of an array declaration"),
         N_("a table that there may be several of has two brackets on both sides: [[examples]]")),
        (r"Expected '\]' at the end of a table declaration",
         N_("not valid TOML: expected ']' at the end of a table declaration"),
         N_("a table has a bracket on both sides: [network]")),
        ("Expected (.*)", N_("not valid TOML: expected {what}"), ""),
        (r"Illegal character ('\\n')", N_("not valid TOML: illegal character {what}"),
         N_('close the quotes on the same line, or put """ on both ends of a longer text')),
        ("Illegal character (.*)", N_("not valid TOML: illegal character {what}"), ""),
        ("Found invalid character (.*)", N_("not valid TOML: found invalid character {what}"), ""),
        ("Unterminated string", N_("not valid TOML: unterminated string"), N_("close the quotes")),
        ("Unclosed array", N_("not valid TOML: unclosed array"),
         N_("close the bracket, and put a comma between items")),
        ("Unclosed inline table", N_("not valid TOML: unclosed inline table"),
         N_("a {{table}} stands on one line, with commas between its keys")),
        ("Invalid initial character for a key part", N_("not valid TOML: invalid initial character for a key part"),
         N_("a key is a word such as learning_rate, or in quotes; "
            "a {{table}} stands on one line, with no comma at its end")),
        (r"Unescaped '\\' in a string", N_("not valid TOML: unescaped '\\' in a string"), ""),
        ("Invalid hex value", N_("not valid TOML: invalid hex value"), ""),
        ("Escaped character is not a Unicode scalar value",
         N_("not valid TOML: escaped character is not a Unicode scalar value"), ""),
        ("Invalid date or datetime", N_("not valid TOML: invalid date or datetime"), ""),
        ("(.*)", N_("not valid TOML: {what}"), ""),
    )
)  # fmt: skip


# A sign of the text, how many each thing has, and of how many things: what takes tomllib seconds to read.
_MOST = (
    ("=", 1, 60_000, N_("the file has more than {n} keys")),
    ('"', 2, 100_000, N_("the file has more than {n} texts")),
    (",", 1, 600_000, N_("the file has more than {n} items")),
    ("[", 1, 150_000, N_("the file has more than {n} lists")),
)
_IN_A_TABLE = N_('put examples in a table beside the lesson: examples = "data.csv"')


def parse_toml(source: Source) -> dict[str, Any] | Problem:
    """The values of a TOML document, or the place where it is none."""
    long_key = _DOTTED_KEY.search(source.text)
    if long_key:
        line = source.text.count("\n", 0, long_key.end()) + 1
        message = say("a key of more than {most} dotted parts", most=MAX_KEY_PARTS)
        return source.problem_at(line, 1, message, say("a lesson's have three"))
    for sign, each, most, said in _MOST:
        if source.text.count(sign) > each * most:  # what takes tomllib seconds to read is no lesson anyhow
            return source.problem_at(1, 1, say(said, n=f"{most:,}"), say(_IN_A_TABLE))
    if source.text.count("[") > MAX_HEADERS and len(headers := _HEADERS.findall(source.text)) > MAX_HEADERS:
        message = say("the file has {n} tables: {most} are the most", n=f"{len(headers):,}", most=f"{MAX_HEADERS:,}")
        return source.problem_at(1, 1, message, say(_IN_A_TABLE))
    try:
        return toml_numbers.loads(source.text)
    except tomllib.TOMLDecodeError as error:
        return _syntax_problem(source, str(error))
    except RecursionError:
        advice = say("a lesson nests no deeper than a list of rows")
        return _place(source, _deep(source.text), say("lists or tables are nested too deep"), advice)
    except ValueError as error:  # Python's limit on the digits of an integer; a date such as 2000-13-01
        number = _MANY_DIGITS.search(source.text)
        if number:
            message = say("a number with more than 4,000 digits")
            return _place(source, number.start(), message, say("write it as 1e3"))
        message = say("not valid TOML: {what}", what=error)
        return source.problem_at(1, 1, message, say("a lesson has no dates and no times"))


def _place(source: Source, at: int, message: str, advice: str = "") -> Problem:
    """A problem at an offset of the text."""
    line = source.text.count("\n", 0, at) + 1
    return source.problem_at(line, at - source.text.rfind("\n", 0, at), message, advice)


# What a file holds that is no lesson, by how it begins, and what to do.
_OTHER_FILES = tuple(
    (re.compile(pattern), said, advice)
    for pattern, said, advice in (
        (r"\s*+<(?i:!doctype|html|\?xml|head|body)\b", N_("this is a web page, no lesson"),
         N_("download the file itself (on GitHub: the button 'Raw')")),
        (r"\s*+\{\s*+[\"}]", N_("this is JSON, no lesson"),
         N_("a lesson is TOML: lines such as title = \"Gates\", [network] ...")),
        (r"\s*+%YAML|\s*+---\s*+\n\s*+\w++:", N_("this is YAML, no lesson"),
         N_("a lesson is TOML: lines such as title = \"Gates\", [network] ...")),
        (r"(?:[^\n]*+\n){0,40}?[ \t]*+(?:```|~~~)", N_("a fence of Markdown, ``` or ~~~, is in the file"),
         N_("take it out: a lesson file holds what stands between the fences, and nothing else")),
    )
)  # fmt: skip


def _syntax_problem(source: Source, said: str) -> Problem:
    match = _TOML_ERROR.fullmatch(said)
    message = match[1] if match else said
    text, at = source.text, len(source.text.rstrip())
    if match and match[2]:
        lines = text.split("\n", int(match[2]))[: int(match[2])]
        at = sum(len(line) + 1 for line in lines[:-1]) + int(match[3]) - 1
    for pattern, told, advice in _OTHER_FILES:
        if (other := pattern.match(text)) and other.end() >= at - 9:
            return _place(source, max(text.rfind("\n", 0, other.end()) + 1, 0), say(told), say(advice))
    if meant := what_was_meant(source, message, at):
        return _place(source, *meant)
    message, advice = _told(message)
    if match and not match[2]:
        message = say("{problem} at the end of the file", problem=message)
    return _place(source, at, message, advice)


def _told(message: str) -> tuple[str, str]:
    """What tomllib's message is in our words, and the advice."""
    message = re.sub(r"\('(.*?)',?\)", lambda key: f"[{key[1]}]".replace("', '", "."), message)
    said, advice, match = next((said, advice, found) for p, said, advice in _TOML_ERRORS if (found := p.match(message)))
    words = {"what": match[1] if match.re.groups else ""}
    return say(said, **words), say(advice, **words)


def in_words(said: str) -> str:
    """What a `TOMLDecodeError` says, in our words, in one line with its place."""
    match = _TOML_ERROR.fullmatch(said)
    if match is None:
        return _told(said)[0]
    message = _told(match[1])[0]
    if not match[2]:
        return say("{problem} at the end of the file", problem=message)
    return say("{problem} (at line {line}, column {column})", problem=message, line=match[2], column=match[3])


def _deep(text: str, limit: int = 50) -> int:
    """Where brackets first nest deeper than a limit."""
    depth = 0
    for match in BRACKETS.finditer(text):
        depth += (match.lastgroup == "open") - (match.lastgroup == "close")
        if depth > limit:
            return match.start()
    return 0
