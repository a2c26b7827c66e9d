r"""A lesson's prose: the ids in braces and the LaTeX between dollar signs, made into text that a terminal shows.

`{dL/dW2}` becomes the name that the learner's notation has for the step, `{=dL/dW2[1,1]}` its number in the iteration
on the screen, `$\frac{1}{2} x^2$` becomes ½x², and `\$` is a dollar. Markdown stays as it is, and so does everything in
`code`. `latex.py` reads what is between dollars.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from tutor.engine.ids import looks_like_id
from tutor.engine.meant import meant_id
from tutor.text.language import say
from tutor.text.latex import Blemish, Name, is_macro, mathematics

_PARTS = re.compile(
    r"""(?P<ticks>`+)
    | (?P<dollar>\\\$)
    | \$\$(?P<display>[^$]+)\$\$
    | \$(?=\S)(?P<inline>(?:\\.|[^$\\])*?(?:\\.|[^$\\\s]))\$(?![0-9])
    | \{(?P<id>[^{}\s]{1,60})\}
    | (?P<alone>\$)""",
    re.VERBOSE | re.DOTALL,
)
_IN_BRACES = re.compile(r"\{([^{}\s]{1,60})\}")
MAX_UNKNOWN = 200  # ids that are none, of one text: no more of its braces are looked up
_SIGN_BEFORE = re.compile(r"\S ?[-−+·×∗*/]\s*\Z")  # 2 · {=x} with a negative number is 2 · (−1)
_BLANK_LINE = re.compile(r"\n[ \t]*\n")
def render(text: str, name: Name) -> str:
    """The prose as Markdown without LaTeX, with the names that `name` gives; what it cannot name stays as it is."""

    name = _bounded(name)

    def part(piece: re.Match[str] | str) -> str:
        if isinstance(piece, str):  # code
            return _IN_BRACES.sub(lambda id: name(id[1]) or id[0], piece)
        latex = _latex(piece)
        if latex is not None:
            return mathematics(latex, name)
        if piece["dollar"]:
            return "$"
        if piece["id"]:
            called = name(piece["id"]) or piece[0]
            follows_a_sign = called[0] in "-−" and _SIGN_BEFORE.search(text, 0, piece.start())
            return f"({called})" if follows_a_sign else called
        return piece[0]

    return _replaced(text, part) if "{" in text or "$" in text else text


_OTHER_DELIMITERS = re.compile(r"\\\((?=[^\n]{1,300}\\\))|\\\[(?=[^\]]{1,300}\\\])")  # \( ... \) and \[ ... \]


def blemishes(text: str, name: Name) -> Iterator[Blemish]:
    """What is wrong with the mathematics and the ids in a text."""
    name = _bounded(name)
    if other := _OTHER_DELIMITERS.search(text):
        message = say("{sign} begins no mathematics here", sign=other[0])
        yield Blemish(other.start(), message, say("write it between dollars: $x^2$"))
    for match in _parts(text):
        if isinstance(match, str):
            continue
        latex = _latex(match)
        if latex is not None:
            found: list[Blemish] = []
            start = match.start("display" if match["display"] else "inline")
            mathematics(latex, name, found)
            yield from (Blemish(start + b.offset, b.message, b.advice) for b in found)
        elif match["alone"] or match["display"] or match["inline"]:
            advice = say("a formula has a $ at both ends; write \\$ for a dollar")
            yield Blemish(match.start(), say("a $ that begins no mathematics"), advice)
        elif match["id"] and name(match["id"]) is None:
            live, id = ("=", match["id"][1:]) if match["id"].startswith("=") else ("", match["id"])
            near = meant_id(id, name)
            if near or looks_like_id(id) or (live and id):
                yield Blemish(
                    match.start(),
                    say("{id} names no step of this lesson", id=match[0]),
                    _meant(f"{{{live}{near}}}" if near else "", bool(live)),
                )


def _meant(near: str, live: bool) -> str:
    """What to do about braces that name no step; `near`: what may have been meant, `live`: they ask for its number."""
    if near:
        return say(
            "did you mean {near}? an id in braces becomes the step's number; "
            "for braces as they stand put them in `code`"
            if live
            else "did you mean {near}? an id in braces becomes the step's name; "
            "for braces as they stand put them in `code`",
            near=near,
        )
    return say(
        "an id in braces becomes the step's number; for braces as they stand put them in `code`"
        if live
        else "an id in braces becomes the step's name; for braces as they stand put them in `code`"
    )


def count_words(text: str) -> int:
    """How many words a text has; a formula between dollar signs is one."""

    def part(piece: re.Match[str] | str) -> str:
        return piece if isinstance(piece, str) else "x" if _latex(piece) is not None else piece[0]

    return len(_replaced(text, part).split())


def _parts(text: str) -> Iterator[re.Match[str] | str]:
    """What is no plain text, in order: code with its ticks as a str, all else as a match of `_PARTS`."""
    at = 0
    ends: dict[int, list[int]] | None = None  # by length where runs of ticks begin, the last first
    while match := _PARTS.search(text, at):
        at = match.end()
        if not match["ticks"]:
            yield match
            continue
        if ends is None:
            ends = {}
            for run in reversed(list(_TICKS.finditer(text))):
                ends.setdefault(len(run[0]), []).append(run.start())
        same = ends.get(len(match[0]), [])
        while same and same[-1] < at:
            same.pop()
        if same:
            at = same[-1] + len(match[0])
            yield text[match.start() : at]


_TICKS = re.compile("`+")


def _replaced(text: str, part: Callable[[re.Match[str] | str], str]) -> str:
    """The text with each of its parts put through `part`."""
    out, done = [], 0
    for piece in _parts(text):
        start = text.index(piece, done) if isinstance(piece, str) else piece.start()
        out += [text[done:start], part(piece)]
        done = start + len(piece if isinstance(piece, str) else piece[0])
    return "".join([*out, text[done:]])


def _bounded(name: Name) -> Name:
    """`name` that remembers what it was asked, and that knows no more after many ids that are none."""
    known: dict[str, str | None] = {}
    left = MAX_UNKNOWN

    def bounded(id: str) -> str | None:
        nonlocal left
        if id not in known:
            known[id] = name(id) if left > 0 else None
            left -= known[id] is None
        return known[id]

    return bounded


_BASIC_STRING = re.compile(r'"""|"')
_ESCAPED = re.compile(r"\\(?:(?P<macro>[abefnrtuUvx][A-Za-z]+)|.)|(?P<dollar>\$)", re.DOTALL)
# Macros that are English, too: behind a line break or a tab outside of $...$ such a word is no LaTeX.
_ENGLISH = frozenset("not to text top right near natural ref tag".split())


def lost_latex(written: str) -> list[tuple[int, str]]:
    r"""The macros in a TOML text as it is written whose backslash TOML takes for an escape: \theta in "...".

    With their offsets in `written`; none in a literal string, where a backslash is one.
    """
    if not _BASIC_STRING.match(written):
        return []
    found, inside = [], False
    for match in _ESCAPED.finditer(written):
        word = match["macro"]
        if match["dollar"]:
            inside = not inside
        elif word and is_macro(word) and (inside or word not in _ENGLISH):
            found.append((match.start(), "\\" + word))
    return found


def _latex(match: re.Match[str]) -> str | None:
    """The LaTeX of a match; None where it is none. It does not go over an empty line."""
    latex = match["display"] or match["inline"]
    return latex if latex and not _BLANK_LINE.search(latex) else None
