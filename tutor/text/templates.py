"""Texts in files that are no Python: pages and scripts of assets/, in the learner's language.

A page has `{_ Introduction}` where a message stands, `{_level story}` where it is in a context, and `{name}` where
something is put in. A script has `say("Step {n} of {all}", { n, all })`, and is given its words as an object.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html import escape

from tutor.text.language import say, say_in

_IN_A_PAGE = re.compile(r"\{_(\w*) ([^{}]+)\}")
_IN_A_SCRIPT = re.compile(r'\bsay\(("(?:[^"\\]|\\.)*")')


def messages_in(text: str) -> Iterator[tuple[str, str]]:
    """(context, message) of all that a page or a script says; the context is "" where it has none."""
    yield from _IN_A_PAGE.findall(text)
    yield from (("", json.loads(said)) for said in _IN_A_SCRIPT.findall(text))


def words_of(script: str) -> dict[str, str]:
    """What a script says by its messages; what is the same in English is left out."""
    said = {message: say(message) for _, message in messages_in(script)}
    return {message: translated for message, translated in said.items() if translated != message}


def filled(page: str, **parts: str) -> str:
    """A page with its messages, and with these parts, which are HTML already."""
    said = _IN_A_PAGE.sub(lambda m: escape(say_in(m[1], m[2]) if m[1] else say(m[2]), quote=True), page)
    return re.sub(r"\{(\w+)\}", lambda name: parts[name[1]], said)
