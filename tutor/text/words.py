"""Small words and small readings that every room uses: a count with its noun, a whole number as it was typed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from tutor.text.language import N_, said, say, say_in, say_many


def plural(number: int | None, one: str, many: str = "") -> str:
    """A count in words: '1 unit', '2,000 units', '? units' where it is not known."""
    words = f"{{n}} {one}", f"{{n}} {many or one + 's'}"
    return say_many(2, *words, n="?") if number is None else say_many(number, *words)


def times(count: int) -> str:
    """'once', 'twice', '3 times'."""
    return say("once") if count == 1 else say("twice") if count == 2 else say("{n} times", n=f"{count:,}")


def listed(texts: Sequence[str]) -> str:
    """'a, b and c'."""
    if len(texts) == 1:
        return texts[0]
    return say("{first} and {last}", first=", ".join(texts[:-1]), last=texts[-1])


def quoted(text: str) -> str:
    """What somebody says, or a title, in the quotation marks of the learner's language: “so”."""
    return say("“{text}”", text=text)


def activation_word(name: str) -> str:
    """What a lesson's activation is called in prose: 'leaky relu'."""
    return say_in("activation", name.replace("_", " "))


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """': did you mean ...?' with the nearest known word, or nothing."""
    from tutor.engine import parsing  # here: every start waits for this module

    return said(parsing.did_you_mean(word, known))


def either(texts: Iterable[str]) -> str:
    """'a or b or c'."""
    from tutor.messages import alternatives  # here, as above

    return said(alternatives(texts))


# What systems say when a file cannot be read or written, or a port opened: of more there is no translation.
_REASONS = (
    N_("Permission denied"), N_("No such file or directory"), N_("Is a directory"), N_("Not a directory"),
    N_("File exists"), N_("File name too long"), N_("Too many levels of symbolic links"), N_("Operation not permitted"),
    N_("No space left on device"), N_("Read-only file system"), N_("Input/output error"), N_("Too many open files"),
    N_("embedded null byte"), N_("Address already in use"), N_("Cannot assign requested address"),
    N_("Name or service not known"),
)  # fmt: skip


def reason(error: Exception) -> str:
    """Why the system would not, in the learner's language where it is one of the usual reasons: 'Permission denied'."""
    return say(getattr(error, "strerror", None) or str(error))


# Words that are shorter than most names, English and German.
_SMALL = frozenset("ab am an as at by er es if im in is it je no of on or so to um up wo zu".split())
_ARTICLE = re.compile(r"a (?!has |means |stands )[a-z']{3,}")  # a weight, but not the activation: a is, a has


def capital(text: str) -> str:
    """A text that begins with a capital, if it begins with a word; a name or a sign (z, σ, W2, ŷ) stays as it is."""
    word = text.partition(" ")[0].replace("-", "")
    latin = word.isalpha() and max(word) < "\u0250"
    plain = latin and word.islower() and (len(word) > 2 or word in _SMALL)
    return text[:1].upper() + text[1:] if plain or _ARTICLE.match(text) else text


def sentence(text: str) -> str:
    """A text as a sentence: a capital if it begins with a word, and a full stop."""
    return capital(text) + ("" if text.endswith((".", "!", "?")) else ".")


def whole_number(text: str, most: int) -> int | None:
    """The number that a text is, from 1 to `most`; None for anything else, however long."""
    digits = text.strip().lstrip("0")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= len(str(most))):
        return None
    return int(digits) if int(digits) <= most else None
