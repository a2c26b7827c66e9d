"""Small words and small readings that every room uses: a count with its noun, a whole number as it was typed."""

from __future__ import annotations


def plural(number: int | None, one: str, many: str = "") -> str:
    """A count in words: '1 unit', '2,000 units', '? units' where it is not known."""
    return f"{'?' if number is None else f'{number:,}'} {one if number == 1 else many or one + 's'}"


def whole_number(text: str, most: int) -> int | None:
    """The number that a text is, from 1 to `most`; None for anything else, however long."""
    digits = text.strip().lstrip("0")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= len(str(most))):
        return None
    return int(digits) if int(digits) <= most else None
