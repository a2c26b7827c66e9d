"""Texts in the learner's language. English is the message and the fallback; the others are gettext's catalogues.

A message is a whole sentence with named places; the values go in after it was translated: `say("Step {n}.", n=3)`.
What stands in a table is English there, and translated where it is shown: `say(key.help)`. Ids, commands, keys of JSON
and exit codes are no messages. A catalogue that is missing or broken is English; so is a message that it has not.
`languages/de.po` is what people edit, `de.mo` what is read; `make catalogue` (assets/catalogue.py) makes it from that.
Every start waits for this module: gettext is loaded with the first catalogue.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False  # as in `tutor`
if TYPE_CHECKING:
    from collections.abc import Callable
    from gettext import GNUTranslations
    from typing import Protocol

    class Words(Protocol):
        """The values of a message, by the names of its places."""

        def __getitem__(self, key: str, /) -> object: ...


VARIABLE = "BACKPROP_TUTOR_LANG"
ENGLISH = "en"
LANGUAGES = {ENGLISH: "English", "de": "Deutsch"}  # by their codes, each by its own name
CAPITAL = "capital"  # {place:capital} in a translation: what comes there begins a sentence
_FOLDER = os.path.join(os.path.dirname(__file__), "languages")

_language = ENGLISH
_catalogue: GNUTranslations | None = None


def language() -> str:
    """The code of the language that texts are in now."""
    return _language


def asked_for() -> str:
    """The language that the tutor is told to speak, by its own variable; "" where that names none that there is."""
    return _first_of(os.environ.get(VARIABLE, ""))


def of_system() -> str:
    """The language of the system's own messages, by the variables that gettext asks: the first that is set."""
    return _first_of(next(filter(None, map(os.environ.get, ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"))), ""))


def _first_of(named: str) -> str:
    """The first language that there is of some, such as `fr:de_AT.UTF-8`; "" where there is none."""
    codes = (name.replace("-", "_").partition("_")[0].partition(".")[0].lower() for name in named.split(":"))
    return next((code for code in codes if code in LANGUAGES), "")


def use(code: str) -> None:
    """Say everything in this language from here on; in English where there is no such catalogue."""
    global _language, _catalogue
    _catalogue = _read(code) if code in LANGUAGES and code != ENGLISH else None
    _language = code if _catalogue else ENGLISH


def _read(code: str) -> GNUTranslations | None:
    from gettext import GNUTranslations

    try:
        with open(os.path.join(_FOLDER, f"{code}.mo"), "rb") as file:
            return GNUTranslations(file)
    except Exception:  # whatever is wrong with a file of translations: the tutor speaks English
        return None


def say(message: str, /, **values: object) -> str:
    """A message in the learner's language, with its values put in; without values braces stay as they are."""
    translated = _catalogue.gettext(message) if _catalogue and message else message
    return _filled(translated, message, values) if values else translated


def said(text: str | Exception) -> str:
    """What a room without texts has to say, a `Message` or an exception that was made with one, in this language.

    Any other text is as it stands; any other exception is what it says of itself.
    """
    from tutor.messages import Message  # here, as below

    def within(word: object) -> object:
        """A value of a message; one that is a message itself may be a noun."""
        return Term(word.template, **_each(within, word.words)) if isinstance(word, Message) else word

    told = text.args[0] if isinstance(text, Exception) and text.args else text
    return say(told.template, **_each(within, told.words)) if isinstance(told, Message) else str(text)


def _each(change: Callable[[object], object], values: dict[str, object]) -> dict[str, object]:
    return {name: change(value) for name, value in values.items()}


def N_(message: str) -> str:
    """Marks a message that is translated elsewhere: where a table's text is shown."""
    return message


def say_in(context: str, message: str, /, **values: object) -> str:
    """The same of a word that has several meanings, or forms: `context` says which."""
    translated = _catalogue.pgettext(context, message) if _catalogue else message
    return _filled(translated, message, values) if values else translated


def say_many(n: int, one: str, many: str, /, **values: object) -> str:
    """A message that counts: `{n}` in it is the number, with commas."""
    message = one if n == 1 else many
    translated = _catalogue.ngettext(one, many, n) if _catalogue else message
    return _filled(translated, message, {"n": f"{n:,}", **values})


def fill(message: str, words: Words) -> str:
    """A template in the learner's language, with words that are asked for one by one as the template has them."""
    return _filled(_catalogue.gettext(message) if _catalogue and message else message, message, words)


def _filled(translated: str, message: str, values: Words) -> str:
    if translated != message:
        try:
            return _declined(translated, values)
        except (KeyError, IndexError, ValueError, AttributeError):
            pass  # the translation is broken
    return message.format_map(values)


def _declined(translated: str, values: Words) -> str:
    """A translation with its values; of a noun the form that is asked for, of a name that is no `Term` the name."""
    from string import Formatter  # here: an English start has no use for it

    parts = []
    for text, place, form, _ in Formatter().parse(translated):
        parts.append(text)
        if place is not None:
            value = values[place]
            written = format(value, form or "") if isinstance(value, Term) and form != CAPITAL else str(value)
            parts.append(written[:1].upper() + written[1:] if form == CAPITAL else written)
    return "".join(parts)


class Term(str):
    """A noun within messages, which other languages decline: `{layer:gen}` in a translation asks for that form.

    A form is the noun's message in that context; English has none. Made as `say` makes a message.
    """

    message: str
    values: dict[str, object]

    def __new__(cls, message: str, /, **values: object) -> Term:
        term = super().__new__(cls, say(message, **values))
        term.message, term.values = message, values
        return term

    def __format__(self, form: str) -> str:
        return say_in(form, self.message, **self.values) if form else str(self)

    def changed(self, change: Callable[[str], str]) -> Term:
        """The same noun written otherwise in its first form, as with a capital."""
        term = str.__new__(Term, change(str(self)))
        term.message, term.values = self.message, self.values
        return term


use(asked_for() or of_system())
