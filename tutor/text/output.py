"""The gate where text becomes output: what could steer a terminal, or hide, is written out.

Text is data on the way in and stays what it is; whatever its source (a lesson, a table, a file's name, an answer, the
system's messages), it leaves through here: the command line through `Gate`, JSON through `json_text`, the screens
through `Lines` and the filter of the app.
"""

from __future__ import annotations

import os
import re
import unicodedata

from tutor.text.language import say

TYPE_CHECKING = False  # as in `tutor`: every start waits for this module
if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from typing import Any, TextIO

# Letters and signs of the scripts whose spelling needs zero-width joiners: Arabic to N'Ko, Indic, South-East Asian,
# Tibetan, Mongolian.
_JOINING = (
    "\u0620-\u065f\u066e-\u06d5\u06e1-\u06e8\u06ea-\u06ff\u0710-\u07ff\u08a0-\u08ff"
    "\u0900-\u0dff\u0f00-\u0fff\u1000-\u109f\u1780-\u17b3\u17b6-\u17df\u1820-\u18ff\ua840-\ua8ff\uaa60-\uaa7f"
)
# C0 but newline and tab, DEL, C1; line and paragraph separators; surrogates; annotation signs; and what Unicode says is
# not to be seen (Default_Ignorable_Code_Point: soft hyphen, fillers, joiners, bidi, tags), but for variation selectors,
# which only choose a glyph, and for joiners between letters that need them.
FORBIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ud800-\udfff\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    f"\U000e0000-\U000e0fff]|(?<![{_JOINING}])[\u200c\u200d]|[\u200c\u200d](?![{_JOINING}])"
)
JOINERS = "\u200c\u200d"


def code_point(char: str) -> str:
    """The code point and its name: 'U+202E (right-to-left override)'."""
    known = {"\x00": "NUL", "\x1b": "escape", "\x7f": "delete"}
    return f"U+{ord(char):04X} ({known.get(char) or unicodedata.name(char, 'control character').lower()})"


def shown(text: str) -> str:
    """The text with forbidden characters written out: '\\x1b', '\\u202e'. Lines and tabs stay."""
    return FORBIDDEN.sub(lambda match: written(match[0]), text)


def escape(text: str) -> str:
    """As `shown`, in one line: newlines and tabs are written out, too."""
    return shown(text).replace("\n", "\\n").replace("\t", "\\t")


def written(char: str) -> str:
    """A character written out: '\\x1b', '\\u202e', '\\U000e0041'; a carriage return is '\\r'."""
    code = ord(char)
    if code == 13:
        return "\\r"
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def quote(text: str) -> str:
    """The text in quotes for a message: escaped, and shortened where it is long."""
    return say("'{text}'", text=escape(text if len(text) <= 40 else text[:37] + "..."))


def json_text(value: Any, indent: int | None = None) -> str:
    """JSON with readable letters; forbidden characters are JSON's own escapes, so that the value is what it was.

    Raises ValueError for a number that is not finite.
    """
    import json

    text = json.dumps(value, ensure_ascii=False, allow_nan=False, indent=indent)
    return FORBIDDEN.sub(lambda match: json.dumps(match[0])[1:-1], text)


class Gate:
    """A text stream that writes what is `shown`; everything else is the stream's own."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write a text as it may be shown; how long it was."""
        self._stream.write(shown(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write texts as they may be shown."""
        for text in lines:
            self.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def gated(stream: TextIO) -> TextIO:
    """The stream behind the gate."""
    if isinstance(stream, Gate):
        return stream
    gate: Any = Gate(stream)
    return gate  # type: ignore[no-any-return]


def write_whole(path: Path, content: bytes) -> None:
    """Put `content` in the file: whatever happens, there is the old file or the new one. Raises OSError.

    It is written under a name beside it that nobody can guess or hold ready. A file that was there keeps its
    permissions, and a link stays one; a new file is its owner's alone.
    """
    import stat
    import tempfile  # where it is needed: the first frame waits for this module
    from contextlib import suppress

    target = os.path.realpath(path)
    handle, name = tempfile.mkstemp(dir=os.path.dirname(target), prefix=".backprop-tutor-", suffix=".tmp")
    try:
        with open(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileNotFoundError):
            os.chmod(name, stat.S_IMODE(os.stat(target).st_mode))
        os.replace(name, target)
    except BaseException:
        with suppress(OSError):
            os.unlink(name)
        raise


_MARKS = {ord(sign): f"\\{sign}" for sign in r"\`*_[]<>|#~$"}


def in_markdown(text: str) -> str:
    """Text that Markdown shows as it stands, dollars too."""
    return shown(text).translate(_MARKS).replace("&", "&amp;")


def in_html(text: str) -> str:
    """Text that HTML shows as it stands; a dollar or a backslash in a span of its own begins no formula."""
    import html

    return html.escape(shown(text)).replace("$", "<span>$</span>").replace("\\", "<span>\\</span>")


def table_cell(value: Any) -> Any:
    """A value for a cell of a CSV file: a text that a spreadsheet would take for a formula gets the ' that says it is
    none, and what is not there is empty."""
    formula = isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r"))
    return "" if value is None else f"'{value}" if formula else value
