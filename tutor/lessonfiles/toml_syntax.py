"""From a lesson file's text to its TOML values, or to what was meant where it is no TOML.

`tomllib` says where it stopped; what stands there is held against tables of what people write instead: typographic
quotes and minus signs, `0,1`, `1/10`, `.5`, `True`, `np.array(...)`, `key: value`, one bracket where two belong.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Callable
from typing import Any

from tutor.lessonfiles import toml_numbers
from tutor.lessonfiles.positions import Problem, Source
from tutor.text.output import FORBIDDEN, code_point, quote

MAX_KEY_PARTS = 32  # a dotted key costs the square of its parts to parse
MAX_HEADERS = 15_000  # more than the examples that a lesson may have
LISTS = ("network.layers", "examples", "notes", "questions", "expect")  # tables that there may be several of

# Quantifiers are possessive: a line of blanks is gone over once.
_DOTTED_KEY = re.compile(
    r"""(?:^[ \t]*+\[*+|[{,])[ \t]*+(?:(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+)"""
    rf"{{{MAX_KEY_PARTS}}}",
    re.MULTILINE,
)
_BRACKETS = re.compile(
    r"""\"{3}[\s\S]*?\"{3}|'{3}[\s\S]*?'{3}|"(?:\\.|[^"\\\n])*+"|'[^'\n]*+'|\#[^\n]*+|(?P<open>[\[{])|(?P<close>[\]}])"""
)
_HEADERS = re.compile(r"^[ \t]*+\[\[?[ \t]*+[\w\"']", re.MULTILINE)
_MANY_DIGITS = re.compile(r"(?<![\d_])\d[\d_]{4000,}+")
_TOML_ERROR = re.compile(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", re.DOTALL)
_TOML_ADVICE = {
    "Invalid value": "a value is a number, text in quotes, true or false, a [list] or a {table}",
    "Invalid statement": "a line is a key = value, a [table] or a # comment",
    "Cannot overwrite": "write every key and every [table] once",
    "Cannot declare": "write every [table] once; what there may be several of has two brackets: "
    "[[network.layers]], [[examples]], [[notes]]",
    "Expected '=' after": "a line is a key = value, a [table] or a # comment",
    "Expected newline": "behind a value its line ends; a # begins a comment",
    "Expected ']]'": "a table that there may be several of has two brackets on both sides: [[examples]]",
    "Expected ']'": "a table has a bracket on both sides: [network]",
    "Illegal character '\\n'": 'close the quotes on the same line, or put """ on both ends of a longer text',
    "Unterminated": "close the quotes",
    "Unclosed array": "close the bracket, and put a comma between items",
    "Unclosed inline table": "a {table} stands on one line, with commas between its keys",
    "Invalid initial character for a key part": "a key is a word such as learning_rate, or in quotes; "
    "a {table} stands on one line, with no comma at its end",
}


# A sign of the text, how many each thing has, and of how many things: what takes tomllib seconds to read.
_MOST = (("=", 1, 60_000, "keys"), ('"', 2, 100_000, "texts"), (",", 1, 600_000, "items"), ("[", 1, 150_000, "lists"))


def parse_toml(source: Source) -> dict[str, Any] | Problem:
    """The values of a TOML document, or the place where it is none."""
    long_key = _DOTTED_KEY.search(source.text)
    if long_key:
        line = source.text.count("\n", 0, long_key.end()) + 1
        return source.problem_at(line, 1, f"a key of more than {MAX_KEY_PARTS} dotted parts", "a lesson's have three")
    for sign, each, most, things in _MOST:
        if source.text.count(sign) > each * most:  # what takes tomllib seconds to read is no lesson anyhow
            advice = 'put examples in a table beside the lesson: examples = "data.csv"'
            return source.problem_at(1, 1, f"the file has more than {most:,} {things}", advice)
    if source.text.count("[") > MAX_HEADERS and len(headers := _HEADERS.findall(source.text)) > MAX_HEADERS:
        message = f"the file has {len(headers):,} tables: {MAX_HEADERS:,} are the most"
        return source.problem_at(1, 1, message, 'put examples in a table beside the lesson: examples = "data.csv"')
    try:
        return toml_numbers.loads(source.text)
    except tomllib.TOMLDecodeError as error:
        return _syntax_problem(source, str(error))
    except RecursionError:
        advice = "a lesson nests no deeper than a list of rows"
        return _place(source, _deep(source.text), "lists or tables are nested too deep", advice)
    except ValueError as error:  # Python's limit on the digits of an integer; a date such as 2000-13-01
        number = _MANY_DIGITS.search(source.text)
        if number:
            return _place(source, number.start(), "a number with more than 4,000 digits", "write it as 1e3")
        return source.problem_at(1, 1, f"not valid TOML: {error}", "a lesson has no dates and no times")


def _place(source: Source, at: int, message: str, advice: str = "") -> Problem:
    """A problem at an offset of the text."""
    line = source.text.count("\n", 0, at) + 1
    return source.problem_at(line, at - source.text.rfind("\n", 0, at), message, advice)


# What a file holds that is no lesson, by how it begins, and what to do.
_OTHER_FILES = tuple(
    (re.compile(pattern), said, advice)
    for pattern, said, advice in (
        (r"\s*+<(?i:!doctype|html|\?xml|head|body)\b", "this is a web page, no lesson",
         "download the file itself (on GitHub: the button 'Raw')"),
        (r"\s*+\{\s*+[\"}]", "this is JSON, no lesson",
         "a lesson is TOML: lines such as title = \"Gates\", [network] ..."),
        (r"\s*+%YAML|\s*+---\s*+\n\s*+\w++:", "this is YAML, no lesson",
         "a lesson is TOML: lines such as title = \"Gates\", [network] ..."),
        (r"(?:[^\n]*+\n){0,40}?[ \t]*+(?:```|~~~)", "a fence of Markdown, ``` or ~~~, is in the file",
         "take it out: a lesson file holds what stands between the fences, and nothing else"),
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
            return _place(source, max(text.rfind("\n", 0, other.end()) + 1, 0), told, advice)
    if meant := _twice(source, message, at) or _meant(text, at, message):
        return _place(source, *meant)
    advice = next((advice for start, advice in _TOML_ADVICE.items() if message.startswith(start)), "")
    message = re.sub(r"\('(.*?)',?\)", lambda key: f"[{key[1]}]".replace("', '", "."), message)
    message = f"not valid TOML: {message[:1].lower()}{message[1:]}"
    if match and not match[2]:
        message += " at the end of the file"
    return _place(source, at, message, advice)


def _deep(text: str, limit: int = 50) -> int:
    """Where brackets first nest deeper than a limit."""
    depth = 0
    for match in _BRACKETS.finditer(text):
        depth += (match.lastgroup == "open") - (match.lastgroup == "close")
        if depth > limit:
            return match.start()
    return 0


# ---------------------------------------------------------------- what was meant

Meant = tuple[int, str, str]  # an offset of the text, a message, an advice

_HEADER = re.compile(r"^[ \t]*+(\[\[?)[ \t]*+([\w.-]++)[ \t]*+\]", re.MULTILINE)
_QUOTES = frozenset("“”„‟«»‘’‚‛‹›＂＇`´")
_DASHES = frozenset("−–—‐‑‒―－")
_SIGNS = {"½": "0.5", "¼": "0.25", "¾": "0.75", "⅓": "0.3333", "⅔": "0.6667", "π": "3.1416", "∞": "a finite one"}


def _twice(source: Source, message: str, at: int) -> Meant | None:
    """A table or key that clashes with an earlier one: the one of the two that is wrong, or both."""
    if not message.startswith(("Cannot overwrite", "Cannot declare", "Cannot mutate", "Cannot add")):
        return None
    text = source.text
    for header in _HEADER.finditer(text, 0, text.find("\n", at) if "\n" in text[at:] else len(text)):
        if header[1] == "[" and header[2] in LISTS:
            advice = f"write [[{header[2]}]], with two brackets, before each of them"
            return header.start(1), f"[{header[2]}] has one bracket, but there may be several", advice
    begin = text.rfind("\n", 0, at) + 1
    here = _HEADER.match(text, begin)
    name = here[2] if here else text[begin:at].partition("=")[0].strip()
    if here and (key := _key_before(text[:begin], name)):
        line, last = text.count("\n", 0, key.start()) + 1, name.rpartition(".")[2]
        return (
            begin,
            f"{last} is there twice: as {last} = ... on line {line}, and as {here[0].strip()}]"[:200].replace(
                "]]]", "]]"
            ),
            f"keep one: {last} = ... or [[{name}]]",
        )
    if not here and re.fullmatch(r"[\w-]+", name):
        table = max((found.end() for found in _HEADER.finditer(text, 0, begin)), default=0)
        if first := re.compile(rf"^[ \t]*+{re.escape(name)}[ \t]*+=", re.MULTILINE).search(text, table, begin):
            line = text.count("\n", 0, first.start()) + 1
            said = f"not valid TOML: cannot overwrite a value: {name} is on line {line} already"
            return at, said, "write every key once"
    return None


def _key_before(text: str, name: str) -> re.Match[str] | None:
    """Where a text writes as `key = ...` what is `name` as a header: network.layers is layers in [network]."""
    table, _, key = name.rpartition(".")
    found = re.compile(rf"^[ \t]*+{re.escape(key)}[ \t]*+=", re.MULTILINE)
    if not table:
        return found.search(text)
    for header in _HEADER.finditer(text):
        if header[2] == table:
            following = _HEADER.search(text, header.end())
            return found.search(text, header.end(), following.start() if following else len(text))
    return None


def _meant(text: str, at: int, message: str) -> Meant | None:
    """What was probably meant by what stands where `tomllib` stopped; None if nothing comes to mind."""
    begin, end = text.rfind("\n", 0, at) + 1, text.find("\n", at)
    line = text[begin : end if end >= 0 else len(text)]
    here = text[at : at + 1]
    if message.startswith(("Unescaped", "Invalid hex value")):
        return _backslash(text, begin, at)
    if message.startswith("Illegal") and here == "\n":
        return _open_text(line, begin, at)
    if (open_text := re.match(r"Expected (?:'(\"\"\")'|\"(\'\'\')\")", message)) and not text[at:].strip():
        three = open_text[1] or open_text[2]
        return text.rfind(three), "the text that begins here is never ended", f"write {three} behind its last line"
    if "string" in message:
        return None
    if message.startswith("Expected newline") and (behind := _BEHIND.match(text, at, begin + len(line))):
        value = begin + len(line) - len(line.partition("=")[2].lstrip(" \t"))
        return value if behind["semicolon"] else at, *_behind(behind)
    start = at
    while start > begin and text[start - 1] not in " \t,[]{}=:":
        start -= 1
    if found := _odd_sign(text, start, at, begin + len(line)):
        return found
    listed, ends = message.startswith(("Unclosed array", "Unclosed inline")), message.startswith("Expected newline")
    before = text[at - 1 : at] if at > begin else ""
    if ends and before in ("'", '"') and before and (here.isalnum() or here == before):
        name = {"'": "an apostrophe", '"': "a quote"}[before]
        advice = (
            'put the text in "double quotes"' if before == "'" else "put the text in 'single quotes', or write \\\""
        )
        return at - 1, f"{name} ends the text here: what follows is none", advice
    if listed or ends or message.startswith("Invalid value"):
        equals = begin + line.find("=") + 1
        equals += len(text[equals:at]) - len(text[equals:at].lstrip(" \t"))
        for place in (equals, start) if ends and begin < equals < start else (start,):
            word = text[place : begin + len(line)]
            whole = re.search(r"[+-]?[0-9]{1,15},\Z", text[max(begin, place - 20) : place])
            if whole and (digits := re.match(r"0[0-9]++(?![0-9.eE_])", word)):  # [1,05]: a decimal comma
                number = whole[0] + digits[0]
                return place, f"{quote(number)}: a number has a decimal point", f"write {number.replace(',', '.')}"
            for pattern, alone, say in _VALUES:
                if (match := pattern.match(word)) and not (alone and listed) and match.end() + place >= at:
                    return place, *say(match)
    if message.startswith("Invalid value") and re.match(r"[ \t]*+(?:\#|$)", text[at : begin + len(line)]):
        return at, "not valid TOML: invalid value: there is none", "write one behind the =, on the same line"
    if listed and re.match(r"[\d+\-\"']|\[[ \t]*+[\d+-]|\[(?<=[^\n]\[)", text[max(at, 0) : at + 9]):
        return at, "a comma is missing between two items of a list", "write [1, 2] and [[1, 2], [3, 4]]"
    if listed and (opened := _opened(text, begin)):
        said = f"not valid TOML: unclosed array: the list that begins on line {opened} has no end before this"
        return at, said, "close the bracket, and put a comma between items"
    if ends and line.lstrip().startswith("["):
        return (
            at,
            "not valid TOML: a header stands alone on its line",
            "write [network] or [[examples]], then a new line",
        )
    if ends and re.match(r"[\w.-]++[ \t]*+=", text[at : begin + len(line)]):
        return at, "two keys on one line", "write each on a line of its own"
    if message.startswith("Invalid initial") and "{" in line and (here == "}" or not line[at - begin :].strip()):
        if here == "}":
            return at, "a comma before the } that ends a table", "take it out: { answer = 2, says = \"...\" }"
        opened = begin + line.rindex("{")
        return opened, "a table in { } does not end on its line", 'write it on one line: { answer = 2, says = "..." }'
    if message.startswith(("Expected '='", "Invalid statement", "Invalid initial")):
        for statement, say in _STATEMENTS:
            if match := statement.match(line):
                return begin + match.start(1), *say(match)
    return None


# What a line has behind its value, which tomllib wants to end there.
_BEHIND = re.compile(
    r"(?P<close>[\]})]++)|(?P<semicolon>;)[ \t]*+(?:\#|$)|(?P<comment>//|--|/\*|(?<=[ \t])%)|(?P<note>\()"
)


def _behind(behind: re.Match[str]) -> tuple[str, str]:
    """What is said of it, and what to do."""
    if behind["close"]:
        return f"{quote(behind['close'])} closes what was not opened", "take it out; each [ has one ]"
    if behind["semicolon"]:
        return "a semicolon behind a value", "take it out: a line of a lesson has none at its end"
    if behind["comment"]:
        return f"{quote(behind['comment'])} begins no comment in TOML", "write # before it"
    return "words in brackets behind a value", "write # before them: it begins a comment"


def _open_text(line: str, begin: int, at: int) -> Meant | None:
    """The quote of a text that its line does not end."""
    quotes = [sign for sign in _BRACKETS.finditer(line) if sign[0][0] in "\"'#"]
    rest = quotes[-1].end() if quotes else 0
    if (place := min((found for sign in "\"'" if (found := line.find(sign, rest)) >= 0), default=-1)) < 0:
        return None
    three = line[place] * 3
    advice = f"write {line[place]} at its end; around a text of several lines stands {three} at both ends"
    return begin + place, "the text that begins here is not ended on this line", advice


def _opened(text: str, end: int) -> int | None:
    """The line of the last `key = [` before a place."""
    *_, last = (None, *re.finditer(r"^[ \t]*+[\w.-]++[ \t]*+=[ \t]*+\[", text[:end], re.MULTILINE))
    return text.count("\n", 0, last.start()) + 1 if last else None


def _backslash(text: str, begin: int, at: int) -> Meant:
    """A backslash of a path or of LaTeX in a text that reads it as an escape."""
    place = text.rfind("\\", begin, at + 1)
    word = re.compile(r"\\\w*+").match(text, max(place, 0))
    said = f'{quote(word[0]) if word else "a backslash"} in "...": a backslash begins an escape there'
    drive = re.search(r"[\"'][A-Za-z]:$", text[max(begin, place - 80) : place])
    if drive or re.match(r"[^\"'\n]{0,80}\.\w{2,4}[\"']", text[place : place + 90]):
        return max(place, begin), said, "write a path with /, as in \"data/d.csv\"; or put the text in 'single quotes'"
    return max(place, begin), said, "put the text in '''...''' (or '...'), where LaTeX stays as it is; or write \\\\"


def _odd_sign(text: str, start: int, at: int, end: int) -> Meant | None:
    """A character that looks like one of TOML's, or that cannot be seen."""
    for place in range(start, min(end, at + 2)):
        char = text[place]
        if char.isascii():
            continue
        if char in _QUOTES:
            advice = "write straight quotes, \"...\" or '...': word processors and chats turn them into others"
            return place, f"typographic quotes: {quote(char)} ({code_point(char)[8:-1]}) does not begin a text", advice
        if char in _DASHES:
            advice = "write - as on the keyboard (word processors and web pages turn it into a longer one)"
            return place, f"{quote(char)} ({code_point(char)[8:-1]}) is no minus sign of a number here", advice
        if char.isspace() or FORBIDDEN.match(char) or unicodedata.category(char) in ("Zs", "Cf"):
            what = (
                "put an ordinary space there" if char.isspace() else "delete it: it cannot be seen, and means nothing"
            )
            return place, f"the character {code_point(char)} is no space of TOML", what
        plain = unicodedata.normalize("NFKC", char)
        if char in _SIGNS:
            return place, f"{quote(char)} is no number of TOML", f"write digits: {_SIGNS[char]}"
        if plain != char and plain.isascii():
            return place, f"{quote(char)} ({code_point(char)[8:-1]}) means nothing here", f"write {plain}"
        break
    return None


def _number(text: str, write: str) -> tuple[str, str]:
    return f"{quote(text)} is no number as TOML writes it", f"write {write}"


def _quotient(match: re.Match[str]) -> tuple[str, str]:
    over, under = float(match[1]), float(match[2])
    return f"{quote(match[0])} is not computed: a value is a number", (
        f"write {over / under:.6g}" if under else "write the number"
    )


_RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")


def _thousands(match: re.Match[str]) -> bool:
    """Whether 1,000 may as well be a thousand."""
    return len(match[2]) == 3 and match[1].lstrip("+-0") != "" and len(match[1].lstrip("+-")) <= 3


def _power(match: re.Match[str]) -> tuple[str, str]:
    base, exponent = float(match[1]), int(match[2][:5])
    small = abs(exponent) <= 20 and (base or exponent > 0)
    return f"{quote(match[0])} is not computed: a value is a number", (
        f"write {base**exponent:.6g}" if small else "write what comes out"
    )


_INT, _REAL = r"[+-]?[0-9]++", r"[+-]?[0-9]++(?:\.[0-9]++)?"
_NAME = r"[^\W0-9][\w-]*+"
# What stands for a value: a pattern at its beginning, whether it holds outside of lists alone, and what to say.
_VALUES: tuple[tuple[re.Pattern[str], bool, Callable[[re.Match[str]], tuple[str, str]]], ...] = tuple(
    (re.compile(pattern), alone, say)
    for pattern, alone, say in (
        (
            r"[0-9]{4}-[0-9]{2}-[0-9]{2}",
            False,
            lambda m: (f"{quote(m[0])}: a lesson has no dates", "put it in quotes where it is text"),
        ),
        (
            rf"({_INT}),([0-9]++)(?![0-9.,])",
            True,
            lambda m: (f"{quote(m[0])}: a number has a decimal point, not a comma", f"write {m[1]}.{m[2]}"
                       + (f", or {m[1]}{m[2]} if the comma parts thousands" if _thousands(m) else "")),
        ),
        (
            r"([+-]?[0-9]{1,3}(?:,[0-9]{3})++(?:\.[0-9]++)?)",
            True,
            lambda m: _number(m[0], m[0].replace(",", "")),
        ),
        (rf"({_REAL})[ \t]*+/[ \t]*+([0-9]++(?:\.[0-9]++)?)", False, _quotient),
        (
            rf"({_INT})\.([eE][+-]?[0-9]++)?(?![0-9.])",
            False,
            lambda m: (f"{quote(m[0])}: behind a decimal point stands a digit", f"write {m[1]}.0{m[2] or ''}"),
        ),
        (
            r"([+-]?)\.([0-9]++(?:[eE][+-]?[0-9]++)?)",
            False,
            lambda m: (f"{quote(m[0])}: before a decimal point stands a digit", f"write {m[1]}0.{m[2]}"),
        ),
        (
            r"([+-]?)0(?=[0-9])0*+([0-9]*+(?:\.[0-9]++)?)",
            False,
            lambda m: (f"{quote(m[0])}: a number begins with no other 0",
                       f"write {m[1]}{'' if m[2][:1].isdigit() else 0}{m[2]}"),
        ),
        (
            r"[+-]?0[xXoObB]\w*+",
            False,
            lambda m: _number(m[0], "the number with decimal digits, such as 31; or 0x1f, in lower case, without sign"),
        ),
        (
            r"[+-]?(?i:nan|inf(?:inity)?)\b",
            False,
            lambda m: (f"{quote(m[0])}: a lesson's numbers are finite", "write a number, or leave the key out"),
        ),
        (
            r"(?i:true|false)\b",
            False,
            lambda m: (f"{quote(m[0])} is written small in TOML", f"write {m[0].lower()}"),
        ),
        (
            r"(?i:none|null|nil|undefined)\b",
            False,
            lambda m: (f"TOML has no {quote(m[0])}", "leave the key out: it has its default then"),
        ),
        (
            rf"({_REAL})[ \t]*+%",
            False,
            lambda m: _number(m[0], f"{float(m[1]) / 100:.6g}"),
        ),
        (
            rf"({_REAL}(?:[eE][+-]?[0-9]++)?)(?:[fFdDlLjJ]|\*[ \t]*10(?:\^|\*\*)([+-]?[0-9]++))(?![\w.])",
            False,
            lambda m: _number(m[0], m[1] + (f"e{m[2]}" if m[2] else "")),
        ),
        (
            rf"({_REAL})[ \t]*+[×·][ \t]*+10(?:\^|\*\*)?([⁻⁺+-]?[0-9⁰¹²³⁴-⁹]++)",
            False,
            lambda m: _number(m[0], f"{m[1]}e{m[2].translate(_RAISED)}"),
        ),
        (rf"({_REAL})[ \t]*+(?:\^|\*\*)[ \t]*+({_INT})(?![0-9.]|[ \t]*+[*/^])", False, _power),
        (
            rf"({_REAL}[ \t]*+(?:\*\*?|[\^×·+-])[^,\]\n]*+)",
            False,
            lambda m: (f"{quote(m[1].strip())} is not computed: a value is a number", "write what comes out"),
        ),
        (r"([+-])[ \t]++([0-9.]++)", False, lambda m: _number(m[0], m[1] + m[2])),
        (r"[+-]{2,}+[0-9.]++", False, lambda m: _number(m[0], "one sign, or none")),
        (
            rf"{_INT}(?:'[0-9]{{3}}|(?: [0-9]{{3}})++)(?![0-9.])(?=[ \t]*+(?:\#|$))",
            True,
            lambda m: _number(m[0], m[0].replace("'", "").replace(" ", "")),
        ),
        (
            r"((?:np|numpy|torch|math|tf|jnp|random)\.\w++|(?:array|tensor|range|list|tuple|dict|float|int|Matrix|"
            r"zeros|ones|sqrt|exp|rand|randn)\b(?=[ \t]*\())",
            False,
            lambda m: (f"{quote(m[0])} is a program's: a lesson file holds values and computes none",
                       "write the numbers: 0.5, or [1, 2], or [[1, 2], [3, 4]]"),
        ),
        (r"\((?=[ \t]*+[-+\[(.0-9])", False, lambda m: ("a list stands in square brackets", "write [1, 2] for (1, 2)")),
        (
            rf"({_REAL})[ \t]*+;",
            False,
            lambda m: ("a semicolon means nothing in TOML",
                       "between items stands a comma, around each row a bracket: [[1, 2], [3, 4]]"),
        ),
        (
            rf"({_REAL}(?:[eE][+-]?[0-9]++)?|\"[^\"\n]*+\"|true|false)[ \t]*+,[ \t]*+(?:\#|$)",
            True,
            lambda m: ("a comma behind a value", "take it out: a line of a lesson has none at its end"),
        ),
        (r"=", False, lambda m: ("two signs = in a row", "write key = value")),
        (
            r"\{[ \t]*+[-+{.0-9]",
            False,
            lambda m: ("a list stands in square brackets", "write [1, 2] and [[1, 2], [3, 4]]"),
        ),
        (
            r"(?i:yes|on|y)\b(?=[ \t]*+(?:\#|$))",
            False,
            lambda m: (f"TOML has no {quote(m[0])}", f'write true; a text stands in quotes: "{m[0]}"'),
        ),
        (
            r"(?i:no|off|n)\b(?=[ \t]*+(?:\#|$))",
            False,
            lambda m: (f"TOML has no {quote(m[0])}", f'write false; a text stands in quotes: "{m[0]}"'),
        ),
        (
            r"([^\W0-9][^\s\"'=\#,\[\]{}]*+)([\"'])",
            False,
            lambda m: (f"a quote is missing before {quote(m[1])}", f"write {m[2]}{m[1][:40]}{m[2]}"),
        ),
        (
            r"(?![+-]?[0-9])((?:[\w~-]++[./\\])++\w++)(?=[ \t]*+(?:\#|$))",
            False,
            lambda m: (f"{quote(m[1])} stands without quotes", f'text stands in quotes: "{m[1][:60]}"'),
        ),
        (
            rf"(?!{_REAL}(?:[eE][+-]?[0-9]++)?(?![\w.+-]))[+-]?[0-9][\w.+-]*+",
            False,
            lambda m: _number(m[0], "it as 0.5, -2 or 1e-3"),
        ),
        (
            rf"{_NAME}[ \t]++{_NAME}[^=\n\#,\[\]{{}}]*+(?=\#|$)",
            True,
            lambda m: (f"not valid TOML: invalid value {quote(m[0].strip())}", "text stands in quotes"),
        ),
        (
            r"[^\W0-9][\w-]*+(?=[ \t]*+(?:\#|$|[,\]}]))",
            False,
            lambda m: (f"not valid TOML: invalid value {quote(m[0])}",
                       f'text stands in quotes: "{m[0][:40]}"; a number in digits'),
        ),
    )
)  # fmt: skip
# What stands for a line: a pattern (its first group is where), and what to say.
_STATEMENTS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], tuple[str, str]]], ...] = tuple(
    (re.compile(pattern), say)
    for pattern, say in (
        (r"[ \t]*+(//|--|;|/\*|%|!|\\)", lambda m: (f"{quote(m[1])} begins no comment in TOML", "write # before it")),
        (
            r"[ \t]*+[\w.-]++[ \t]*+(:=?|==|<-|=>|->)",
            lambda m: (f"{quote(m[1])} between a key and its value", "write key = value, with one ="),
        ),
        (
            r"[ \t]*+([A-Za-z]\w*+(?:[ \t]++[A-Za-z]\w*+)++)[ \t]*+=",
            lambda m: (f"a key has no spaces: {quote(m[1])}", f"write {'_'.join(m[1].split())} ="),
        ),
        (
            r"[ \t]*+([\w-]*[^\x00-\x7f][\w-]*+)[ \t]*+=",
            lambda m: (f"a key with letters beyond a to z stands in quotes: {quote(m[1])}", f'write "{m[1][:40]}" ='),
        ),
        (
            r"[ \t]*+([\w.-]++)[ \t]++[\"'0-9\[{+-]",
            lambda m: (f"an = is missing behind {quote(m[1])}", f"write {m[1][:40]} = ..."),
        ),
        (
            r"[ \t]*+([\w.-]++)[ \t]*+(?:\#|$)",
            lambda m: (f"{quote(m[1])} is a key without a value", f"write {m[1][:40]} = ..., or put a # before it"),
        ),
        (
            r"[ \t]*+[\w.-]++[ \t]*+=[ \t]*+(\{)[ \t]*+[-+{.0-9]",
            lambda m: ("a list stands in square brackets", "write [1, 2] and [[1, 2], [3, 4]]"),
        ),
        (r"[ \t]*+(\[[ \t]++\[)", lambda m: ("the two brackets of a header are apart", "write [[ and ]]")),
        (r"[ \t]*+([}\])])", lambda m: (f"{quote(m[1])} closes what was not opened", "take it out, or open it before")),
    )
)  # fmt: skip
