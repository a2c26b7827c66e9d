"""What a room without texts has to say, for whoever shows it: English as it stands, with its template beside it.

The engine knows no language. `said` of tutor/text/language.py says a message, or an exception that was made with one,
in the learner's.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce


class Message(str):
    """A text in English that keeps its template and what stands in its places: ValueError(Message("no {x}", x=3)).

    A value may be a message itself: a noun, or a clause that stands alone. Places without a value are left for who
    has it; without any value braces stay as they are.
    """

    template: str
    words: dict[str, object]

    def __new__(cls, text: str, /, **words: object) -> Message:
        """Made of the template, with the values of its places."""
        message = super().__new__(cls, text.format_map(_Left(words)) if words else text)
        message.template, message.words = text, words
        return message


class _Left(dict[str, object]):
    """The values of places; a place without one stays as it is."""

    def __missing__(self, name: str) -> str:
        return f"{{{name}}}"


def quoted(text: str) -> str:
    """A text between quotes, as repr has it: 'x', or "x'" of one with an apostrophe."""
    written = repr(text)
    return Message("'{text}'", text=written[1:-1]) if written[0] == "'" else written


def alternatives(texts: Iterable[str]) -> str:
    """'a or b or c'."""
    return reduce(lambda one, other: Message("{one} or {other}", one=one, other=other), texts)


def together(texts: Iterable[str]) -> str:
    """'a and b and c'."""
    return reduce(lambda one, other: Message("{one} and {other}", one=one, other=other), texts)
