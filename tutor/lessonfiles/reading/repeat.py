"""Lines of a circuit that stand for several: `h{t} = tanh(Wx @ x{t} + Wh @ h{t-1} + b)` for each time t."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

from tutor.lessonfiles.reading.values import Values, listed
from tutor.lessonfiles.schema import MAX_LINES
from tutor.text.language import say
from tutor.text.output import quote
from tutor.text.words import did_you_mean

_BRACES = re.compile(r"\{[^{}]*\}?")
_PLACE = re.compile(r"\{\s*([^\W0-9]\w*)\s*(?:([+−-])\s*([0-9]{1,4})\s*)?\}")
_BEFORE = re.compile(r"[^\W0-9]\w*$")


@dataclass(frozen=True)
class DefineLine:
    """A line of the file's `define`, the one `at` that place, with what its braces stand for.

    `later`: the same line stood for another before.
    """

    source: str
    at: int
    times: dict[str, int] = field(default_factory=dict)
    later: bool = False

    @property
    def text(self) -> str:
        """The line with its times put in: h2 = tanh(Wx @ x2 + Wh @ h1 + b)."""
        return _PLACE.sub(self._time, self.source) if self.times else self.source

    def offset(self, here: int) -> int:
        """Where in the file's line a character of the text stands."""
        written = at = 0
        for place in _PLACE.finditer(self.source) if self.times else ():
            gap, time = place.start() - at, len(self._time(place))
            if here < written + gap:
                break
            if here < written + gap + time:
                return place.start()
            written, at = written + gap + time, place.end()
        return at + here - written

    def _time(self, place: re.Match[str]) -> str:
        return str(self.times[place[1]] + _shift(place))


@dataclass
class Unrolled:
    """The lines one by one; of each name that was written with braces behind it the times of its places (`bases`).

    `lost` are such names in lines that could not be read.
    """

    lines: list[DefineLine]
    bases: dict[str, range]
    lost: set[str] = field(default_factory=set)


def unroll(file: Values) -> Unrolled:
    """The lines of [circuit] `define`; a run of lines with {t} is repeated as a block, time by time.

    Braces that say nothing are noted.
    """
    given = [file.value("circuit", "define", k, anyhow=True) for k in range(file.length("circuit", "define"))]
    texts = [(k, line) for k, line in enumerate(given) if isinstance(line, str)]
    times = _times(file)
    bases: dict[str, range] = {}
    sound = [(k, text) for k, text in texts if not re.search("[{}]", text) or _sound(file, k, text, times, bases)]
    plain = [DefineLine(text, k) for k, text in sound]
    many = _count(plain, list(times), times)
    if many > MAX_LINES:
        n, most = f"{many:,}", f"{MAX_LINES:,}"
        message = say("the lines of define, repeated, are {n}: {most} are the most", n=n, most=most)
        file.fault(("circuit", "repeat"), message, say("fewer times, or fewer lines"), key=True)
        return Unrolled([], {}, _stems(text for _, text in texts))
    lines: list[DefineLine] = []
    seen: set[int] = set()
    for line in _expanded(plain, list(times), times):
        lines.append(replace(line, later=line.at in seen))
        seen.add(line.at)
    read = {line.at for line in plain}
    return Unrolled(lines, bases, _stems(text for k, text in texts if k not in read))


def _stems(texts: Iterable[str]) -> set[str]:
    """The names that stand before braces."""
    return {match[1] for text in texts for match in re.finditer(r"([^\W0-9]\w*)\{", text)}


def _times(file: Values) -> dict[str, Sequence[int]]:
    """The times of each name in `repeat`, forward or (first greater than last) backward."""
    found: dict[str, Sequence[int]] = {}
    given = file.value("circuit", "repeat", default={}, anyhow=True)
    for name, ends in given.items() if isinstance(given, dict) else ():
        where = ("circuit", "repeat", name)
        if not re.fullmatch(r"[^\W0-9]\w{0,31}", name):
            message = say("{name} cannot be the name of a time", name=quote(name))
            file.fault(where, message, say("a letter, such as t"), key=True)
        elif file.sound(*where):
            first, last = ends
            found[name] = range(first, last + 1) if first <= last else range(first, last - 1, -1)
    return found


def _sound(file: Values, k: int, line: str, times: dict[str, Sequence[int]], bases: dict[str, range]) -> bool:
    """Whether every brace of a line is a time that is known; what is wrong is noted, what stands before is kept."""
    where, sound = ("circuit", "define", k), True
    told: set[str] = set()
    if file.value(*where) is None:
        return False
    for braces in _BRACES.finditer(line):
        place, advice = _PLACE.fullmatch(braces[0]), ""
        if place is None:
            message = say("{braces} says no time", braces=quote(braces[0]))
            advice = say("write {t}, {t-1} or {t+1} behind a name, and repeat = { t = [1, 3] } under [circuit]")
            if re.fullmatch(r"\{\s*[0-9]+\s*\}", braces[0]):
                advice = say("without braces: {n} behind the name", n=braces[0].strip("{} "))
        elif place[1] not in times:
            if not file.sound("circuit", "repeat"):  # told there
                sound = False
                continue
            if place[1] in told:
                continue
            told.add(place[1])
            near = did_you_mean(place[1], times)
            message = say("there is no time {name}{near}", name=quote(place[1]), near=near)
            advice = say("write repeat = {{ {name} = [1, 3] }} under [circuit]: the first and the last", name=place[1])
            if times:
                advice += "; " + say("known here: {names}", names=listed(times))
        else:
            every = times[place[1]]
            lowest = min(every) + _shift(place)
            before = _BEFORE.search(line[: braces.start()])
            if before and not line[braces.end() :].startswith("{"):
                least, most = min(every), max(every)
                other = bases.get(before[0])
                both = (min(least, other[0]), max(most, other[-1])) if other else (least, most)
                bases[before[0]] = range(both[0], both[1] + 1)
            if lowest >= 0:
                continue
            message = say(
                "{braces} is {n} where {name} is {time}: a name has no minus in it",
                braces=braces[0], n=lowest, name=place[1], time=min(every),
            )  # fmt: skip
            later = f"repeat = {{ {place[1]} = [{-_shift(place)}, ...] }}"
            advice = say("begin later: {line}", line=later)
        file.fault(where, message, advice, offset=braces.start())
        sound = False
    if sound and re.search("[{}]", _BRACES.sub("", line)):
        at = re.search("[{}]", _BRACES.sub(lambda match: " " * len(match[0]), line))
        assert at
        message = say("{sign} means nothing in a formula", sign=quote(at[0]))
        file.fault(where, message, say("write {t} behind a name"), offset=at.start())
        sound = False
    return sound


def _shift(place: re.Match[str]) -> int:
    return int(place[3] or 0) * (-1 if place[2] in ("-", "−") else 1)


def _uses(line: DefineLine, name: str) -> bool:
    return any(place[1] == name for place in _PLACE.finditer(line.source))


def _count(lines: Sequence[DefineLine], names: list[str], times: dict[str, Sequence[int]]) -> int:
    """How many lines there will be, without making them."""
    total = 0
    for line in lines:
        many = 1
        for name in names:
            many *= len(times[name]) if _uses(line, name) else 1
        total += many
    return total


def _expanded(lines: Sequence[DefineLine], names: list[str], times: dict[str, Sequence[int]]) -> Iterator[DefineLine]:
    """Runs of lines that use the first name, repeated as blocks; within them those of the other names."""
    if not names:
        yield from lines
        return
    name, *others = names
    for used, run in groupby(lines, key=lambda line: _uses(line, name)):
        block = list(run)
        for time in times[name] if used else ():
            yield from _expanded([replace(line, times={**line.times, name: time}) for line in block], others, times)
        if not used:
            yield from _expanded(block, others, times)
