"""`Lines`: the one widget that every pane is made of. Styled lines, drawn as they come into view.

Data goes down as `lines`; a chosen line goes up as a `Chosen` message with its target. Texts are
plain data: there is no markup to be parsed, and only changed lines are painted again.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.color import Color
from textual.content import Content
from textual.events import Click, MouseEvent
from textual.filter import ANSIToTruecolor, LineFilter
from textual.geometry import Region, Size
from textual.message import Message
from textual.strip import Strip
from textual.theme import Theme
from textual.widget import Widget

from tutor.pictures.pixel_styles import LEVELS, levels_of
from tutor.play.commands import Key
from tutor.text.cells import width as cells
from tutor.text.language import say
from tutor.text.output import FORBIDDEN, escape

# What a span's style is called -> the theme's colour, how much of it over the background, and the font.
# A table of our own: textual's component classes cost 60 ms of the first frame for four such widgets.
STYLES: dict[str, tuple[str, float, str]] = {
    "": ("foreground", 1.0, ""),
    "title": ("primary", 1.0, "bold"),
    "heading": ("foreground", 1.0, "bold"),
    "dim": ("foreground", 0.65, ""),
    "formula": ("foreground", 1.0, ""),
    "numbers": ("foreground", 0.85, ""),
    "value": ("accent", 1.0, "bold"),
    "key": ("accent", 1.0, "bold"),
    "mark": ("secondary", 1.0, "bold"),
    "note": ("primary", 1.0, ""),
    "error": ("error", 1.0, "bold"),
    "strong": ("foreground", 1.0, "bold"),
    "em": ("foreground", 1.0, "italic"),
    "cell": ("foreground", 1.0, "bold reverse"),
    # pictures (canvas.INKS): edges by sign and size, curves, shades of classes
    "axis": ("foreground", 0.4, ""),
    **{f"{sign}{size}": (colour, strength, "") for sign, colour in (("plus", "primary"), ("minus", "accent"))
       for size, strength in ((1, 0.45), (2, 0.7), (3, 1.0))},
    "curve1": ("primary", 1.0, ""),
    "curve2": ("accent", 1.0, ""),
    "curve3": ("foreground", 0.8, ""),
    "curve4": ("secondary", 1.0, ""),
    "field1": ("primary", 0.6, ""),
    "field2": ("accent", 0.6, ""),
    "field3": ("foreground", 0.5, ""),
    "field4": ("secondary", 0.6, ""),
    "walked": ("secondary", 1.0, ""),
    "lit": ("foreground", 1.0, "bold"),
}  # fmt: skip


_palettes: dict[str, dict[str, Style]] = {}


def palette(theme: Theme) -> dict[str, Style]:
    """The styles of `STYLES` in the colours of a theme, and that of a highlighted line; made once a theme."""
    if theme.name not in _palettes:
        _palettes[theme.name] = _palette(theme)
    return _palettes[theme.name]


class _Palette(dict[str, Style]):
    """Styles by name; those of pixels are made when they are first seen."""

    def __init__(self, background: Color, above: Color, below: Color) -> None:
        super().__init__()
        self.background, self.above, self.below = background, above, below

    def __missing__(self, style: str) -> Style:
        both = levels_of(style)
        if both is None:
            raise KeyError(style)
        drawn, behind = map(self._shade, both)
        self[style] = Style(color=drawn.rich_color, bgcolor=behind.rich_color if both[1] else None)
        return self[style]

    def _shade(self, level: int) -> Color:
        return self.background.blend(self.above if level > 0 else self.below, abs(level) / LEVELS)


def _palette(theme: Theme) -> dict[str, Style]:
    def colour(name: str) -> Color:
        return Color.parse(getattr(theme, name) or theme.primary)

    dark = theme.dark
    foreground = Color.parse(theme.foreground or ("#e8e8e8" if dark else "#16181a"))
    background = Color.parse(theme.background or ("#121417" if dark else "#fbfbf8"))
    found = _Palette(background, colour("primary"), colour("accent"))
    for style, (name, strength, font) in STYLES.items():
        full = foreground if name == "foreground" else colour(name)
        found[style] = Style(color=background.blend(full, strength).rich_color) + Style.parse(font)
    found["cursor"] = Style(bgcolor=background.blend(colour("primary"), 0.25).rich_color, bold=True)
    return found


@dataclass(frozen=True)
class Line:
    """One line: spans of (text, style), and what choosing it means (None: it cannot be chosen)."""

    spans: tuple[tuple[str, str], ...] = ()
    target: str | None = None

    @property
    def text(self) -> str:
        return "".join(text for text, _ in self.spans)


EMPTY = Line()


def line(text: str = "", style: str = "", target: str | None = None) -> Line:
    """A line of one style; `target` is what choosing it means."""
    return Line(((text, style),), target)


def folded(item: Line, columns: int) -> list[Line]:
    """A line of words in as many lines as it takes; what stands beside a key or a name goes on below itself.

    A line of numbers, and one of several parts, is left as it is.
    """
    *head, (text, style) = item.spans or (("", ""),)
    beside = head[0][0] if len(head) == 1 and head[0][0].endswith(" ") else ""
    if cell_len(item.text) <= columns or style == "numbers" or (head and not beside):
        return [item]
    begin = cell_len(beside)
    parts = textwrap.wrap(text, max(columns - begin, 12), break_long_words=True)
    more = [Line(((" " * begin, ""), (part, style)), item.target) for part in parts[1:]]
    return [Line((*head, (parts[0], style)), item.target), *more]


class _Shown(NamedTuple):
    """What a row of the widget shows: a line in so many cells, with the scroll bar's part, if there is one."""

    item: Line
    highlighted: bool
    width: int
    mark: str


class CellGate(LineFilter):
    """The last gate before the terminal, for every widget, also textual's own (a line that is typed in, prose, titles):
    what must not reach a terminal is the sign � in the cells that it had, or nothing where it had none."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        if not any(_UNFIT.search(segment.text) for segment in segments):
            return segments
        return [Segment(_UNFIT.sub(_sign, text), style, control) for text, style, control in segments]


_UNFIT = re.compile(f"{FORBIDDEN.pattern}|[\n\t]")


def _sign(match: re.Match[str]) -> str:
    return "�" * cell_len(match[0])


def _fit(text: str) -> str:
    """What a pane shows of a text: what must not reach a terminal is written out, takes its room and is seen."""
    return text if text.isprintable() and text.isascii() else escape(text.expandtabs(4))


def entitle(widget: Widget, title: str) -> None:
    """Give a widget's border this title, as plain text. Of another one only its row is painted: where textual sets a
    title, it paints the whole widget."""
    content = Content(escape(title))
    if widget.border_title != content.markup:
        widget._border_title = content
        widget.refresh(Region(0, 0, widget.outer_size.width, 1).translate(-widget.content_offset))


class Lines(Widget, can_focus=True, inherit_bindings=False):
    """Lines to read or, where they have targets, to choose from by arrow keys, Enter or the mouse.

    It scrolls by itself: textual's ScrollView lays the whole screen out anew whenever the number of
    lines changes, which costs five times what painting a step does.
    """

    BINDINGS: ClassVar[list[BindingType]] = []

    class Chosen(Message):
        def __init__(self, lines: Lines, target: str) -> None:
            super().__init__()
            self.lines, self.target = lines, target

        @property
        def control(self) -> Lines:
            return self.lines

    class Resized(Message):
        """It has another size, or has come into sight: who wraps lines for it does so anew."""

    def __init__(
        self, *, id: str | None = None, classes: str | None = None, title: str = "",
        beside: Callable[[], None] | None = None,
    ) -> None:  # fmt: skip
        """`beside` draws what another widget shows of the highlighted line: it is called when the highlight moves, not
        told by a message, which would come too late for the same painting."""
        super().__init__(id=id, classes=classes)
        self.beside = beside
        self._lines: list[Line] = []
        self._framed: dict[_Shown, Strip] = {}  # what was drawn, while the style stays
        self._edges: tuple[list[Segment], list[Segment]] = [], []  # what stands before and behind each line
        self.cursor = -1  # the highlighted line, -1 for none
        self.top = 0  # the first line in view
        if title:
            entitle(self, title)

    # ------------------------------------------------------------ data down

    @property
    def lines(self) -> list[Line]:
        return self._lines

    def show(self, lines: list[Line], cursor: int | None = None) -> None:
        """Show other lines; `cursor` highlights one (None: the same target as before, if it is still there)."""
        before, count, target = self._seen(), len(self._lines), self.target
        self._lines = lines
        if cursor is None:
            cursor = next(
                (at for at, item in enumerate(lines) if item.target is not None and item.target == target), -1
            )
        self.cursor = cursor
        self.reveal()
        self.scroll_lines_to(self.top)
        self._repaint(before)
        if self.styles.height is not None and self.styles.height.is_auto and count != len(lines):
            self.refresh(layout=True)

    def _seen(self) -> list[tuple[Line | None, bool]]:
        """What each row of the widget shows: its line, and whether that is highlighted."""
        rows = range(self.top, self.top + self.size.height)
        return [(self._lines[at] if at < len(self._lines) else None, at == self.cursor) for at in rows]

    def _repaint(self, before: list[tuple[Line | None, bool]]) -> None:
        """Paint the rows that differ from what was seen before."""
        width, columns = self.size.width, self._bar_rows()
        changed = [y for y, (old, new) in enumerate(zip(before, self._seen(), strict=False)) if old != new]
        if columns != self._painted_bar:
            changed = list(range(self.size.height))
        runs: list[Region] = []
        for y in changed:  # rows below each other are painted as one
            if runs and runs[-1].bottom == y:
                runs[-1] = runs[-1].grow((0, 0, 1, 0))
            else:
                runs.append(Region(0, y, width, 1))
        if runs:
            self.refresh(*runs)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return max(len(self._lines), 1)

    @property
    def target(self) -> str | None:
        return self._lines[self.cursor].target if 0 <= self.cursor < len(self._lines) else None

    # ------------------------------------------------------------ scrolling

    def scroll_lines_to(self, top: int) -> None:
        """Put line `top` first, as far as there are lines to fill the widget."""
        top = max(0, min(top, len(self._lines) - self.size.height))
        if top != self.top:
            before, self.top = self._seen(), top
            self._repaint(before)

    def reveal(self) -> None:
        """Scroll so that the highlighted line can be seen, with its neighbours."""
        if self.cursor >= 0 and self.size.height:
            lowest, highest = self.cursor + 2 - self.size.height, self.cursor - 1
            self.scroll_lines_to(max(lowest, min(self.top, highest)))

    def on_mouse_scroll_down(self, event: MouseEvent) -> None:
        event.stop()
        self.scroll_lines_to(self.top + 3)

    def on_mouse_scroll_up(self, event: MouseEvent) -> None:
        event.stop()
        self.scroll_lines_to(self.top - 3)

    def _bar_rows(self) -> range | None:
        """The rows of the scroll bar's handle; None where everything can be seen."""
        height, count = self.size.height, len(self._lines)
        if count <= height or height < 2:
            return None
        size = max(1, height * height // count)
        first = round(self.top * (height - size) / (count - height))
        return range(first, first + size)

    # ------------------------------------------------------------ drawing

    _painted_bar: range | None = None
    _width = 0

    def on_resize(self) -> None:
        self.reveal()
        self.scroll_lines_to(self.top)
        self.post_message(self.Resized())

    def on_show(self) -> None:
        self.post_message(self.Resized())

    def notify_style_update(self) -> None:
        self._framed.clear()
        self._base = None
        super().notify_style_update()

    _base: Style | None = None

    @property
    def base(self) -> Style:
        """The widget's own style: textual works it out anew each time it is asked."""
        if self._base is None:
            self._base = self.rich_style
        return self._base

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Less than other widgets: what a line says is fit when it is drawn, once, and its colours are true ones."""
        return [found for found in super().get_line_filters() if not isinstance(found, (CellGate, ANSIToTruecolor))]

    def render_lines(self, crop: Region) -> list[Strip]:
        """Whole rows, border and padding and all: of those with a line textual frames one, the others are framed as it.

        A row is kept by what it shows, and with it what textual keeps of a strip: its parts, what a terminal is sent.
        """
        self._painted_bar, self._width = self._bar_rows(), self.size.width  # once for all rows: textual looks them up
        whole, (left, top) = self.outer_size, self.content_offset
        within = range(top, top + self.size.height)
        if within:
            (framed,) = super().render_lines(Region(0, top, whole.width, 1))
            edges = [*framed.crop(0, left)], [*framed.crop(left + self._width, whole.width)]
            if edges != self._edges:
                self._edges = edges
                self._framed.clear()
        found: list[Strip] = []
        for y in crop.line_range:
            found += [self._row(y - top)] if y in within else super().render_lines(Region(0, y, whole.width, 1))
        if crop.column_span != (0, whole.width):
            found = [strip.crop(*crop.column_span) for strip in found]
        return found

    def _shown_in(self, y: int) -> _Shown:
        at, bar = y + self.top, self._painted_bar
        item = self._lines[at] if at < len(self._lines) else EMPTY
        mark = "" if bar is None else "┃" if y in bar else "│"
        return _Shown(item, at == self.cursor and item.target is not None, self._width, mark)

    def _row(self, y: int) -> Strip:
        shown = self._shown_in(y)
        strip = self._framed.get(shown)
        if strip is None:
            if len(self._framed) > 1000:
                self._framed.clear()
            left, right = self._edges
            drawn = self._draw(shown)
            for item in self.get_line_filters():
                drawn = drawn.apply_filter(item, self.background_colors[1])
            strip = self._framed[shown] = Strip([*left, *drawn, *right])
        return strip

    def render_line(self, y: int) -> Strip:
        return self._draw(self._shown_in(y))

    def _draw(self, shown: _Shown) -> Strip:
        """A line in so many cells; one that is longer ends in an ellipsis. The scroll bar's part stands behind it."""
        item, highlighted, width, mark = shown
        room = width - len(mark)
        base, styles = self.base, palette(self.app.current_theme)
        behind = [Segment(mark, base + styles["title" if mark == "┃" else "dim"])] if mark else []
        if highlighted:
            base += styles["cursor"]
        segments = [
            Segment(_fit(text), base + (styles[style] + styles["cursor"] if highlighted else styles[style]))
            for text, style in item.spans
        ]
        strip = Strip(segments)
        if strip.cell_length > room > 0:
            strip = Strip([*strip.crop(0, room - 1).adjust_cell_length(room - 1, base), Segment("…", base)])
        return Strip([*strip.adjust_cell_length(room, base), *behind], width)

    # ------------------------------------------------------------ choosing

    def _targets(self) -> list[int]:
        return [at for at, item in enumerate(self._lines) if item.target is not None]

    def move(self, by: int) -> bool:
        """Move the highlight by so many lines that can be chosen; False where there are none."""
        targets = self._targets()
        if not targets:
            return False
        if self.cursor in targets:
            at = max(0, min(targets.index(self.cursor) + by, len(targets) - 1))
        else:
            at = 0 if by > 0 else len(targets) - 1
        self.highlight(targets[at])
        return True

    def highlight(self, at: int) -> None:
        before, self.cursor = self._seen(), at
        self._repaint(before)
        self.reveal()
        if self.target is not None and self.beside is not None:
            self.beside()

    def choose(self) -> None:
        if self.target is not None:
            self.post_message(self.Chosen(self, self.target))

    def on_click(self, event: Click) -> None:
        at = event.get_content_offset(self)
        if at is None:
            return
        row = at.y + self.top
        if 0 <= row < len(self._lines) and self._lines[row].target is not None:
            self.highlight(row)
            self.choose()


class Choices(Lines, inherit_bindings=False):
    """Lines that the arrow keys choose from."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "highlight_by(-1)", show=False),
        Binding("down", "highlight_by(1)", show=False),
        Binding("enter", "choose", show=False),
    ]

    def action_highlight_by(self, by: int) -> None:
        self.move(by)

    def action_choose(self) -> None:
        self.choose()


class KeyBar(Lines, inherit_bindings=False, can_focus=False):
    """The keys at the foot of a screen, as many lines as they need; each can be clicked."""

    def __init__(self, keys: Sequence[Key]) -> None:
        """Of a table of keys, those that have a label."""
        super().__init__(id="keys")
        self.keys = keys
        self._spots: list[tuple[int, int, int, str]] = []

    def on_resize(self) -> None:
        self.lay_out(self.size.width)

    def set_keys(self, keys: Sequence[Key]) -> None:
        """Show other keys."""
        if keys != self.keys:
            self.keys = keys
            self.retell()

    def retell(self) -> None:
        """Say the keys anew."""
        self.lay_out(self.size.width)
        self.refresh(layout=True)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return len(self._flow(width)[0])

    def _flow(self, width: int) -> tuple[list[Line], list[tuple[int, int, int, str]]]:
        rows: list[list[tuple[str, str]]] = [[]]
        spots, used = [], 0
        for key in (key for key in self.keys if key.label):
            text = f" {say(key.label)}"
            size = cells(key.shown) + cells(text)
            if used and used + 2 + size > width:
                rows.append([])
                used = 0
            if used:
                rows[-1].append(("  ", ""))
                used += 2
            rows[-1] += [(key.shown, "key"), (text, "dim")]
            spots.append((len(rows) - 1, used, used + size, key.action))
            used += size
        return [Line(tuple(row)) for row in rows], spots

    def lay_out(self, width: int) -> None:
        lines, self._spots = self._flow(width)
        self.show(lines)

    def on_click(self, event: Click) -> None:
        at = event.get_content_offset(self)
        if at is None:
            return
        for row, left, right, action in self._spots:
            if row == at.y and left <= at.x < right:
                self.call_later(self.screen.run_action, action)
