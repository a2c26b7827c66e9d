"""What was copied out, as a file beside the learner's data: for a terminal that hands nothing to the clipboard."""

from __future__ import annotations

from tutor.confined import confined
from tutor.folders import for_data
from tutor.play.copying import FORMS
from tutor.text.language import say
from tutor.text.output import escape
from tutor.text.words import reason


def keep_copy(text: str, form: str) -> str:
    """Write what was copied to copied.txt, .md or .tex, over what was there; a sentence on where, or why not.

    "" where it is not kept: a visitor's clipboard is all there is.
    """
    if confined():  # the file would lie on a machine that is not the learner's
        return ""
    try:
        path = for_data() / f"copied.{FORMS[form].suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except (OSError, RuntimeError) as error:
        return say("No file was written: {why}.", why=reason(error))
    return say("It is in {file}, too.", file=escape(str(path)))
