"""The language that the learner chose: kept for the full screen and for line mode."""

from __future__ import annotations

from tutor.learner.store import Store
from tutor.text.language import LANGUAGES, asked_for, language, use

LANGUAGE = "language"  # the name of the setting


def speak(store: Store) -> None:
    """Speak the language that the environment asks for, else the one that was chosen last, else English."""
    chosen = asked_for() or store.setting(LANGUAGE, "")
    if isinstance(chosen, str) and chosen in LANGUAGES and chosen != language():
        use(chosen)


def change_language(store: Store, code: str = "") -> str:
    """Speak another language from now on, without a code the next one; returns its code."""
    codes = list(LANGUAGES)
    use(code or codes[(codes.index(language()) + 1) % len(codes)])
    store.save_setting(LANGUAGE, language())
    return language()
