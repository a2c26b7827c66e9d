"""A figure as PNG, for what takes no SVG: drawn by resvg, an extra (`pip install 'backprop-tutor[png]'`)."""

from __future__ import annotations

from tutor.text.language import say

SCALE = 2.0  # pixels of the picture for one of the SVG: sharp on slides

_BLANK = '<svg xmlns="http://www.w3.org/2000/svg" width="20" height="20" style="font-family: monospace">{}</svg>'
_LETTER = '<text x="2" y="16">∂</text>'


class NoPNG(RuntimeError):
    """No PNG can be drawn here; str() says why, and what to do."""


def png(svg: str) -> bytes:
    """The picture of an SVG document on white, `SCALE` times as large. Raises NoPNG.

    Letters are drawn with the fonts of the machine, and left out without a word where there are none: that is told.
    """
    try:
        from resvg_py import svg_to_bytes
    except ModuleNotFoundError:
        raise NoPNG(
            say("a PNG needs an extra: pip install 'backprop-tutor[png]'; an SVG does not: --format svg")
        ) from None
    if svg_to_bytes(svg_string=_BLANK.format("")) == svg_to_bytes(svg_string=_BLANK.format(_LETTER)):
        raise NoPNG(
            say("this machine has no font to draw a PNG with: install DejaVu Sans Mono, or take --format svg")
        )
    return bytes(svg_to_bytes(svg_string=svg, background="white", zoom=SCALE))
