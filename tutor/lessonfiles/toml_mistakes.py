"""What people write instead of TOML, and what they meant.

What stands where `tomllib` stopped is held against tables: typographic quotes and minus signs, `0,1`, `1/10`, `.5`,
`True`, `np.array(...)`, `key: value`, one bracket where two belong.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

from tutor.lessonfiles.positions import Source
from tutor.text.language import N_, say
from tutor.text.output import FORBIDDEN, code_point, quote

_LISTS = ("network.layers", "examples", "notes", "questions", "expect")  # tables that there may be several of
# Texts, comments and brackets of a TOML text; a comment or a text hides what is in it.
BRACKETS = re.compile(
    r"""\"{3}[\s\S]*?\"{3}|'{3}[\s\S]*?'{3}|"(?:\\.|[^"\\\n])*+"|'[^'\n]*+'|\#[^\n]*+|(?P<open>[\[{])|(?P<close>[\]}])"""
)

Meant = tuple[int, str, str]  # an offset of the text, a message, an advice

_HEADER = re.compile(r"^[ \t]*+(\[\[?)[ \t]*+([\w.-]++)[ \t]*+\]", re.MULTILINE)
_QUOTES = frozenset("“”„‟«»‘’‚‛‹›＂＇`´")
_DASHES = frozenset("−–—‐‑‒―－")
_SIGNS = {"½": "0.5", "¼": "0.25", "¾": "0.75", "⅓": "0.3333", "⅔": "0.6667", "π": "3.1416", "∞": N_("a finite one")}


def what_was_meant(source: Source, message: str, at: int) -> Meant | None:
    """What is wrong at the place where `tomllib` stopped with a message; None if nothing comes to mind."""
    return _twice(source, message, at) or _meant(source.text, at, message)


def _twice(source: Source, message: str, at: int) -> Meant | None:
    """A table or key that clashes with an earlier one: the one of the two that is wrong, or both."""
    if not message.startswith(("Cannot overwrite", "Cannot declare", "Cannot mutate", "Cannot add")):
        return None
    text = source.text
    for header in _HEADER.finditer(text, 0, text.find("\n", at) if "\n" in text[at:] else len(text)):
        if header[1] == "[" and header[2] in _LISTS:
            advice = say("write [[{table}]], with two brackets, before each of them", table=header[2])
            return header.start(1), say("[{table}] has one bracket, but there may be several", table=header[2]), advice
    begin = text.rfind("\n", 0, at) + 1
    here = _HEADER.match(text, begin)
    name = here[2] if here else text[begin:at].partition("=")[0].strip()
    if here and (key := _key_before(text[:begin], name)):
        line, last = text.count("\n", 0, key.start()) + 1, name.rpartition(".")[2]
        written = f"{here[0].strip()}]"[:120].replace("]]]", "]]")
        words = {"key": last[:60], "line": line, "header": written}
        message = say("{key} is there twice: as {key} = ... on line {line}, and as {header}", **words)
        return begin, message, say("keep one: {key} = ... or [[{table}]]", key=last, table=name)
    if not here and re.fullmatch(r"[\w-]+", name):
        table = max((found.end() for found in _HEADER.finditer(text, 0, begin)), default=0)
        if first := re.compile(rf"^[ \t]*+{re.escape(name)}[ \t]*+=", re.MULTILINE).search(text, table, begin):
            line = text.count("\n", 0, first.start()) + 1
            said = say("not valid TOML: cannot overwrite a value: {key} is on line {line} already", key=name, line=line)
            return at, said, say("write every key once")
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
        advice = say("write {quotes} behind its last line", quotes=three)
        return text.rfind(three), say("the text that begins here is never ended"), advice
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
        if before == "'":
            advice = say('put the text in "double quotes"')
            return at - 1, say("an apostrophe ends the text here: what follows is none"), advice
        advice = say("put the text in 'single quotes', or write \\\"")
        return at - 1, say("a quote ends the text here: what follows is none"), advice
    if listed or ends or message.startswith("Invalid value"):
        equals = begin + line.find("=") + 1
        equals += len(text[equals:at]) - len(text[equals:at].lstrip(" \t"))
        for place in (equals, start) if ends and begin < equals < start else (start,):
            word = text[place : begin + len(line)]
            whole = re.search(r"[+-]?[0-9]{1,15},\Z", text[max(begin, place - 20) : place])
            if whole and (digits := re.match(r"0[0-9]++(?![0-9.eE_])", word)):  # [1,05]: a decimal comma
                number = whole[0] + digits[0]
                said = say("{text}: a number has a decimal point", text=quote(number))
                return place, said, _write(number.replace(",", "."))
            for pattern, alone, tell in _VALUES:
                if (match := pattern.match(word)) and not (alone and listed) and match.end() + place >= at:
                    return place, *tell(match)
    if message.startswith("Invalid value") and re.match(r"[ \t]*+(?:\#|$)", text[at : begin + len(line)]):
        return at, say("not valid TOML: invalid value: there is none"), say("write one behind the =, on the same line")
    if listed and re.match(r"[\d+\-\"']|\[[ \t]*+[\d+-]|\[(?<=[^\n]\[)", text[max(at, 0) : at + 9]):
        return at, say("a comma is missing between two items of a list"), say("write [1, 2] and [[1, 2], [3, 4]]")
    if listed and (opened := _opened(text, begin)):
        said = say(
            "not valid TOML: unclosed array: the list that begins on line {line} has no end before this", line=opened
        )
        return at, said, say("close the bracket, and put a comma between items")
    if ends and line.lstrip().startswith("["):
        advice = say("write [network] or [[examples]], then a new line")
        return at, say("not valid TOML: a header stands alone on its line"), advice
    if ends and re.match(r"[\w.-]++[ \t]*+=", text[at : begin + len(line)]):
        return at, say("two keys on one line"), say("write each on a line of its own")
    if message.startswith("Invalid initial") and "{" in line and (here == "}" or not line[at - begin :].strip()):
        if here == "}":
            advice = say('take it out: { answer = 2, says = "..." }')
            return at, say("a comma before the {brace} that ends a table", brace="}"), advice
        opened = begin + line.rindex("{")
        advice = say('write it on one line: { answer = 2, says = "..." }')
        return opened, say("a table in { } does not end on its line"), advice
    if message.startswith(("Expected '='", "Invalid statement", "Invalid initial")):
        for statement, tell in _STATEMENTS:
            if match := statement.match(line):
                return begin + match.start(1), *tell(match)
    return None


# What a line has behind its value, which tomllib wants to end there.
_BEHIND = re.compile(
    r"(?P<close>[\]})]++)|(?P<semicolon>;)[ \t]*+(?:\#|$)|(?P<comment>//|--|/\*|(?<=[ \t])%)|(?P<note>\()"
)


def _behind(behind: re.Match[str]) -> tuple[str, str]:
    """What is said of it, and what to do."""
    if behind["close"]:
        said = say("{sign} closes what was not opened", sign=quote(behind["close"]))
        return said, say("take it out; each [ has one ]")
    if behind["semicolon"]:
        return say("a semicolon behind a value"), say("take it out: a line of a lesson has none at its end")
    if behind["comment"]:
        return say("{sign} begins no comment in TOML", sign=quote(behind["comment"])), say("write # before it")
    return say("words in brackets behind a value"), say("write # before them: it begins a comment")


def _open_text(line: str, begin: int, at: int) -> Meant | None:
    """The quote of a text that its line does not end."""
    quotes = [sign for sign in BRACKETS.finditer(line) if sign[0][0] in "\"'#"]
    rest = quotes[-1].end() if quotes else 0
    if (place := min((found for sign in "\"'" if (found := line.find(sign, rest)) >= 0), default=-1)) < 0:
        return None
    three = line[place] * 3
    advice = say("write {quote} at its end; around a text of several lines stands {quotes} at both ends",
                 quote=line[place], quotes=three)
    return begin + place, say("the text that begins here is not ended on this line"), advice


def _opened(text: str, end: int) -> int | None:
    """The line of the last `key = [` before a place."""
    *_, last = (None, *re.finditer(r"^[ \t]*+[\w.-]++[ \t]*+=[ \t]*+\[", text[:end], re.MULTILINE))
    return text.count("\n", 0, last.start()) + 1 if last else None


def _backslash(text: str, begin: int, at: int) -> Meant:
    """A backslash of a path or of LaTeX in a text that reads it as an escape."""
    place = text.rfind("\\", begin, at + 1)
    word = re.compile(r"\\\w*+").match(text, max(place, 0))
    said = say('a backslash in "...": a backslash begins an escape there')
    if word:
        said = say('{text} in "...": a backslash begins an escape there', text=quote(word[0]))
    drive = re.search(r"[\"'][A-Za-z]:$", text[max(begin, place - 80) : place])
    advice = say("put the text in '''...''' (or '...'), where LaTeX stays as it is; or write \\\\")
    if drive or re.match(r"[^\"'\n]{0,80}\.\w{2,4}[\"']", text[place : place + 90]):
        advice = say("write a path with /, as in \"data/d.csv\"; or put the text in 'single quotes'")
    return max(place, begin), said, advice


def _odd_sign(text: str, start: int, at: int, end: int) -> Meant | None:
    """A character that looks like one of TOML's, or that cannot be seen."""
    for place in range(start, min(end, at + 2)):
        char = text[place]
        if char.isascii():
            continue
        sign, plain = {"sign": quote(char), "code": code_point(char)[8:-1]}, unicodedata.normalize("NFKC", char)
        if char in _QUOTES:
            advice = say("write straight quotes, \"...\" or '...': word processors and chats turn them into others")
            return place, say("typographic quotes: {sign} ({code}) does not begin a text", **sign), advice
        if char in _DASHES:
            advice = say("write - as on the keyboard (word processors and web pages turn it into a longer one)")
            return place, say("{sign} ({code}) is no minus sign of a number here", **sign), advice
        if char.isspace() or FORBIDDEN.match(char) or unicodedata.category(char) in ("Zs", "Cf"):
            advice = say("delete it: it cannot be seen, and means nothing")
            if char.isspace():
                advice = say("put an ordinary space there")
            return place, say("the character {char} is no space of TOML", char=code_point(char)), advice
        if char in _SIGNS:
            advice = say("write digits: {digits}", digits=say(_SIGNS[char]))
            return place, say("{sign} is no number of TOML", sign=quote(char)), advice
        if plain != char and plain.isascii():
            return place, say("{sign} ({code}) means nothing here", **sign), _write(plain)
        break
    return None


def _write(code: str) -> str:
    return say("write {code}", code=code)


def _no_number(text: str, advice: str) -> tuple[str, str]:
    return say("{text} is no number as TOML writes it", text=quote(text)), advice


def _number(text: str, meant: str) -> tuple[str, str]:
    return _no_number(text, _write(meant))


def _not_computed(text: str, result: str, advice: str) -> tuple[str, str]:
    """What is said of a computation: what comes out, or where that is not told the advice."""
    message = say("{text} is not computed: a value is a number", text=quote(text))
    return message, _write(result) if result else advice


def _quotient(match: re.Match[str]) -> tuple[str, str]:
    over, under = float(match[1]), float(match[2])
    return _not_computed(match[0], f"{over / under:.6g}" if under else "", say("write the number"))


_RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")


def _thousands(match: re.Match[str]) -> bool:
    """Whether 1,000 may as well be a thousand."""
    return len(match[2]) == 3 and match[1].lstrip("+-0") != "" and len(match[1].lstrip("+-")) <= 3


def _power(match: re.Match[str]) -> tuple[str, str]:
    base, exponent = float(match[1]), int(match[2][:5])
    small = abs(exponent) <= 20 and (base or exponent > 0)
    return _not_computed(match[0], f"{base**exponent:.6g}" if small else "", say("write what comes out"))


def _decimal_comma(match: re.Match[str]) -> tuple[str, str]:
    point, thousands = f"{match[1]}.{match[2]}", match[1] + match[2]
    advice = _write(point)
    if _thousands(match):
        advice = say("write {code}, or {other} if the comma parts thousands", code=point, other=thousands)
    return say("{text}: a number has a decimal point, not a comma", text=quote(match[0])), advice


def _about(message: str, advice: str, group: int = 0) -> Callable[[re.Match[str]], tuple[str, str]]:
    """What is said of a match, in words alone: `{text}` in the message is a group of it."""
    return lambda match: (say(message, text=quote(match[group].strip())), say(advice))


_INT, _REAL = r"[+-]?[0-9]++", r"[+-]?[0-9]++(?:\.[0-9]++)?"
_NAME = r"[^\W0-9][\w-]*+"
# What stands for a value: a pattern at its beginning, whether it holds outside of lists alone, and what to say.
_VALUES: tuple[tuple[re.Pattern[str], bool, Callable[[re.Match[str]], tuple[str, str]]], ...] = tuple(
    (re.compile(pattern), alone, tell)
    for pattern, alone, tell in (
        (
            r"[0-9]{4}-[0-9]{2}-[0-9]{2}",
            False,
            _about(N_("{text}: a lesson has no dates"), N_("put it in quotes where it is text")),
        ),
        (rf"({_INT}),([0-9]++)(?![0-9.,])", True, _decimal_comma),
        (
            r"([+-]?[0-9]{1,3}(?:,[0-9]{3})++(?:\.[0-9]++)?)",
            True,
            lambda m: _number(m[0], m[0].replace(",", "")),
        ),
        (rf"({_REAL})[ \t]*+/[ \t]*+([0-9]++(?:\.[0-9]++)?)", False, _quotient),
        (
            rf"({_INT})\.([eE][+-]?[0-9]++)?(?![0-9.])",
            False,
            lambda m: (say("{text}: behind a decimal point stands a digit", text=quote(m[0])),
                       _write(f"{m[1]}.0{m[2] or ''}")),
        ),
        (
            r"([+-]?)\.([0-9]++(?:[eE][+-]?[0-9]++)?)",
            False,
            lambda m: (say("{text}: before a decimal point stands a digit", text=quote(m[0])),
                       _write(f"{m[1]}0.{m[2]}")),
        ),
        (
            r"([+-]?)0(?=[0-9])0*+([0-9]*+(?:\.[0-9]++)?)",
            False,
            lambda m: (say("{text}: a number begins with no other 0", text=quote(m[0])),
                       _write(f"{m[1]}{'' if m[2][:1].isdigit() else 0}{m[2]}")),
        ),
        (
            r"[+-]?0[xXoObB]\w*+",
            False,
            lambda m: _no_number(m[0], say("write the number with decimal digits, such as 31; "
                                           "or 0x1f, in lower case, without sign")),
        ),
        (
            r"[+-]?(?i:nan|inf(?:inity)?)\b",
            False,
            _about(N_("{text}: a lesson's numbers are finite"), N_("write a number, or leave the key out")),
        ),
        (
            r"(?i:true|false)\b",
            False,
            lambda m: (say("{text} is written small in TOML", text=quote(m[0])), _write(m[0].lower())),
        ),
        (
            r"(?i:none|null|nil|undefined)\b",
            False,
            _about(N_("TOML has no {text}"), N_("leave the key out: it has its default then")),
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
            lambda m: _not_computed(m[1].strip(), "", say("write what comes out")),
        ),
        (r"([+-])[ \t]++([0-9.]++)", False, lambda m: _number(m[0], m[1] + m[2])),
        (r"[+-]{2,}+[0-9.]++", False, lambda m: _no_number(m[0], say("write one sign, or none"))),
        (
            rf"{_INT}(?:'[0-9]{{3}}|(?: [0-9]{{3}})++)(?![0-9.])(?=[ \t]*+(?:\#|$))",
            True,
            lambda m: _number(m[0], m[0].replace("'", "").replace(" ", "")),
        ),
        (
            r"((?:np|numpy|torch|math|tf|jnp|random)\.\w++|(?:array|tensor|range|list|tuple|dict|float|int|Matrix|"
            r"zeros|ones|sqrt|exp|rand|randn)\b(?=[ \t]*\())",
            False,
            _about(N_("{text} is a program's: a lesson file holds values and computes none"),
                   N_("write the numbers: 0.5, or [1, 2], or [[1, 2], [3, 4]]")),
        ),
        (
            r"\((?=[ \t]*+[-+\[(.0-9])",
            False,
            _about(N_("a list stands in square brackets"), N_("write [1, 2] for (1, 2)")),
        ),
        (
            rf"({_REAL})[ \t]*+;",
            False,
            _about(N_("a semicolon means nothing in TOML"),
                   N_("between items stands a comma, around each row a bracket: [[1, 2], [3, 4]]")),
        ),
        (
            rf"({_REAL}(?:[eE][+-]?[0-9]++)?|\"[^\"\n]*+\"|true|false)[ \t]*+,[ \t]*+(?:\#|$)",
            True,
            _about(N_("a comma behind a value"), N_("take it out: a line of a lesson has none at its end")),
        ),
        (r"=", False, _about(N_("two signs = in a row"), N_("write key = value"))),
        (
            r"\{[ \t]*+[-+{.0-9]",
            False,
            _about(N_("a list stands in square brackets"), N_("write [1, 2] and [[1, 2], [3, 4]]")),
        ),
        (
            r"(?i:yes|on|y)\b(?=[ \t]*+(?:\#|$))",
            False,
            lambda m: (say("TOML has no {text}", text=quote(m[0])),
                       say('write true; a text stands in quotes: "{text}"', text=m[0])),
        ),
        (
            r"(?i:no|off|n)\b(?=[ \t]*+(?:\#|$))",
            False,
            lambda m: (say("TOML has no {text}", text=quote(m[0])),
                       say('write false; a text stands in quotes: "{text}"', text=m[0])),
        ),
        (
            r"([^\W0-9][^\s\"'=\#,\[\]{}]*+)([\"'])",
            False,
            lambda m: (say("a quote is missing before {text}", text=quote(m[1])), _write(f"{m[2]}{m[1][:40]}{m[2]}")),
        ),
        (
            r"(?![+-]?[0-9])((?:[\w~-]++[./\\])++\w++)(?=[ \t]*+(?:\#|$))",
            False,
            lambda m: (say("{text} stands without quotes", text=quote(m[1])),
                       say('text stands in quotes: "{text}"', text=m[1][:60])),
        ),
        (
            rf"(?!{_REAL}(?:[eE][+-]?[0-9]++)?(?![\w.+-]))[+-]?[0-9][\w.+-]*+",
            False,
            lambda m: _no_number(m[0], say("write it as 0.5, -2 or 1e-3")),
        ),
        (
            rf"{_NAME}[ \t]++{_NAME}[^=\n\#,\[\]{{}}]*+(?=\#|$)",
            True,
            _about(N_("not valid TOML: invalid value {text}"), N_("text stands in quotes")),
        ),
        (
            r"[^\W0-9][\w-]*+(?=[ \t]*+(?:\#|$|[,\]}]))",
            False,
            lambda m: (say("not valid TOML: invalid value {text}", text=quote(m[0])),
                       say('text stands in quotes: "{text}"; a number in digits', text=m[0][:40])),
        ),
    )
)  # fmt: skip
# What stands for a line: a pattern (its first group is where), and what to say.
_STATEMENTS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], tuple[str, str]]], ...] = tuple(
    (re.compile(pattern), tell)
    for pattern, tell in (
        (
            r"[ \t]*+(//|--|;|/\*|%|!|\\)",
            lambda m: (say("{sign} begins no comment in TOML", sign=quote(m[1])), say("write # before it")),
        ),
        (
            r"[ \t]*+[\w.-]++[ \t]*+(:=?|==|<-|=>|->)",
            _about(N_("{text} between a key and its value"), N_("write key = value, with one ="), 1),
        ),
        (
            r"[ \t]*+([A-Za-z]\w*+(?:[ \t]++[A-Za-z]\w*+)++)[ \t]*+=",
            lambda m: (say("a key has no spaces: {text}", text=quote(m[1])), _write(f"{'_'.join(m[1].split())} =")),
        ),
        (
            r"[ \t]*+([\w-]*[^\x00-\x7f][\w-]*+)[ \t]*+=",
            lambda m: (say("a key with letters beyond a to z stands in quotes: {text}", text=quote(m[1])),
                       _write(f'"{m[1][:40]}" =')),
        ),
        (
            r"[ \t]*+([\w.-]++)[ \t]++[\"'0-9\[{+-]",
            lambda m: (say("an = is missing behind {text}", text=quote(m[1])), _write(f"{m[1][:40]} = ...")),
        ),
        (
            r"[ \t]*+([\w.-]++)[ \t]*+(?:\#|$)",
            lambda m: (say("{text} is a key without a value", text=quote(m[1])),
                       say("write {code}, or put a # before it", code=f"{m[1][:40]} = ...")),
        ),
        (
            r"[ \t]*+[\w.-]++[ \t]*+=[ \t]*+(\{)[ \t]*+[-+{.0-9]",
            _about(N_("a list stands in square brackets"), N_("write [1, 2] and [[1, 2], [3, 4]]")),
        ),
        (
            r"[ \t]*+(\[[ \t]++\[)",
            _about(N_("the two brackets of a header are apart"), N_("write [[ and ]]")),
        ),
        (
            r"[ \t]*+([}\])])",
            lambda m: (say("{sign} closes what was not opened", sign=quote(m[1])),
                       say("take it out, or open it before")),
        ),
    )
)  # fmt: skip
