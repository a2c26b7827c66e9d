"""The help of the player: its keys, those beside a question, and what goes for all of it."""

from __future__ import annotations

from collections.abc import Sequence

from tutor.play.commands import Key
from tutor.text.language import N_, say
from tutor.tui.keys import help_lines
from tutor.tui.lines import Line, line

QUESTION_HELP = [
    ("Enter", N_("answers; after = it computes, which costs nothing")),
    ("tab", N_("a hint: the rule, the formula, the numbers, the answer")),
    ("f2", N_("shows the answer: given up")),
    ("f3 f4 f5 f1", N_("terms, the network as far as it is known, names, this help")),
    ("f6", N_("after the answer: the same question with new numbers")),
    ("Esc", N_("leaves the line: the question stays open, and nothing is counted;")),
    ("", N_("then Enter goes back to it, n goes on without")),
]
ARROWS = (
    N_(
        "At level scalar the arrow keys walk the cells of a vector or matrix; at the other levels ← → step and ↑ ↓ "
        "scroll. In a list ↑ ↓ choose and Enter jumps. The mouse works too: click a step, an operand or a key."
    ),
    "",
    N_(
        "Story tells who passes the blame to whom. Scalar takes a number at a time, matrix a whole layer. A notation "
        "is only names: no value changes with it."
    ),
)


def player_help(keys: Sequence[Key]) -> list[Line]:
    """What these keys of the player do, then what those beside a question do."""
    lines = [*help_lines(keys), line(), line(say("Beside a question"), "title")]
    lines += [Line(((f"{shown:13}", "key"), (say(help), ""))) for shown, help in QUESTION_HELP]
    return [*lines, line(), *(line(say(text), "dim") for text in ARROWS)]
