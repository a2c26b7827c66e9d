"""The loss as a landscape over two parameters: contours, the path of training, a cursor that says how high it is."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.widgets import Static
from textual.worker import get_current_worker

from tutor.engine.landscape import Landscape, NoLandscape, landscape_over
from tutor.engine.run import Run
from tutor.lessonfiles.catalogue import data_dir
from tutor.pictures.landscape import Grid, drawn, with_cursor
from tutor.pictures.plot import Frame
from tutor.play.commands import Key
from tutor.text.landscape_words import landscape_words, place_words, point_words
from tutor.text.language import said, say
from tutor.tui.dialogs import Ask
from tutor.tui.keys import bindings
from tutor.tui.lines import KeyBar, Line, Lines
from tutor.tui.screen import TutorScreen
from tutor.tui.views import wrapped

STEPS = 40  # of the cursor from edge to edge
ZOOM, MOST_ZOOM = 1.5, 1000.0

KEYS = [
    Key("right", "move(1, 0)", "←→↑↓", "look around"),
    Key("left", "move(-1, 0)"),
    Key("up", "move(0, 1)"),
    Key("down", "move(0, -1)"),
    Key("full_stop", "along(1)", ",/.", "along the path"),
    Key("comma", "along(-1)"),
    Key("plus,equals_sign", "zoom(1)", "+/-", "zoom"),
    Key("minus", "zoom(-1)"),
    Key("e", "own", "e", "other parameters"),
    Key("shift+down,ctrl+down", "scroll(2)", "⇧↑↓", "scroll"),
    Key("shift+up,ctrl+up", "scroll(-2)"),
    Key("escape,v,q", "leave", "esc", "back"),
    Key("d", "app.toggle_dark"),
]


class LandscapeScreen(TutorScreen):
    """The landscape of a run, the other parameters as they are after some updates. Raises NoLandscape."""

    CSS_PATH = data_dir("assets") / "pictures.tcss"
    BINDINGS: ClassVar[list[BindingType]] = bindings(KEYS)

    def __init__(self, run: Run, updates: int) -> None:
        self.made = Landscape(run, updates)
        super().__init__()
        self.point: int | None = None  # of the path, where the cursor is on it
        self.factor = 1.0
        self.begin(self.made)

    def begin(self, made: Landscape) -> None:
        """Show another landscape: from the place where it is looked at from."""
        self.made, self.grid, self.picture = made, None, None
        self.window = made.window(self.factor)
        self.cursor = made.held[0].item(), made.held[1].item()
        self.point = None

    grid: Grid | None
    picture: tuple[object, Frame | None] | None

    def compose(self) -> ComposeResult:
        yield Lines(id="bar")
        with Container(id="body"):
            yield Lines(id="picture")
            yield Lines(id="facts")
        yield KeyBar(KEYS)
        yield Static(id="small")

    def on_mount(self) -> None:
        for lines in self.query(Lines):
            lines.can_focus = False
        self.measure()

    def on_resize(self) -> None:
        wide = self.size.width >= 110
        self.suit_size({"-split": wide, "-stack": not wide})
        self.call_after_refresh(self.draw)

    # ------------------------------------------------------------ heights

    def measure(self) -> None:
        """Have the heights in the window computed, beside the screen; a zoom of before is given up."""
        made, window = self.made, self.window

        def work() -> None:
            worker = get_current_worker()
            found = made.grid(window, lambda: not worker.is_cancelled)
            if found is not None and not worker.is_cancelled:
                self.app.call_from_thread(take_over, found)

        def take_over(found: Grid) -> None:
            if made is self.made and window == self.window:
                self.grid = found
                self.draw()

        self.run_worker(work, thread=True, exclusive=True, group="landscape")

    # ------------------------------------------------------------ drawing

    def draw(self) -> None:
        if not self.is_mounted or self.has_class("-tiny"):
            return
        bar, picture, facts = (self.query_one(id, Lines) for id in ("#bar", "#picture", "#facts"))
        made, size = self.made, picture.size
        title = say("{loss} over {x} and {y}", loss=made.of.id, x=made.x.id, y=made.y.id)
        bar.show([Line(((title, "title"), ("" if self.grid else "  " + say("computing …"), "dim")))])
        key = (size, self.window, self.grid is None, made)
        if self.picture is None or self.picture[0] != key:
            self.picture = key, drawn(made, self.grid, self.window, size.width - 2, size.height)
        frame = self.picture[1]
        picture.show([] if frame is None else [Line(row) for row in with_cursor(frame, self.cursor)])
        here = place_words(made, *self.cursor)
        if self.point is not None:
            point = point_words(made, self.point)
            here = say("On the path {point}. As the others are held: {here}", point=point, here=here)
        room = facts.size.width - 2
        said = [*wrapped(f"● {here}", room, "strong")]
        for words in landscape_words(made):
            said += wrapped(words, room)
        facts.show(said)

    # ------------------------------------------------------------ keys

    def action_move(self, across: int, up: int) -> None:
        x0, x1, y0, y1 = self.window
        a, b = self.cursor
        a, b = a + across * (x1 - x0) / STEPS, b + up * (y1 - y0) / STEPS
        self.cursor, self.point = (min(max(a, x0), x1), min(max(b, y0), y1)), None
        self.draw()

    def action_along(self, by: int) -> None:
        """The next point of the path, or the one before; at first its end, or its beginning."""
        last = len(self.made.at) - 1
        start = self.point if self.point is not None else (-1 if by > 0 else last + 1)
        self.point = min(max(start + by, 0), last)
        a, b = self.made.path[self.point].tolist()
        self.cursor = a, b
        self.draw()

    def action_zoom(self, by: int) -> None:
        factor = self.factor * ZOOM**by
        if 1 / MOST_ZOOM <= factor <= MOST_ZOOM:
            self.factor = factor
            (x0, x1, y0, y1), (a, b) = self.made.window(factor), self.cursor
            half_x, half_y = (x1 - x0) / 2, (y1 - y0) / 2
            self.window = a - half_x, a + half_x, b - half_y, b + half_y
            self.grid = None
            self.measure()
            self.draw()

    def action_own(self) -> None:
        made = self.made

        def wrong(text: str) -> str | None:
            try:
                landscape_over(made.run, made.updates, text)
            except NoLandscape as error:
                return said(error)
            return None

        def go(text: str | None) -> None:
            if text:
                self.factor = 1.0
                self.begin(landscape_over(made.run, made.updates, text))
                self.measure()
                self.draw()

        such_as = f"{made.x.id} {made.y.id}"
        self.app.push_screen(Ask(say("Over which two parameters?"), wrong, such_as, such_as), go)

    def action_scroll(self, by: int) -> None:
        facts = self.query_one("#facts", Lines)
        facts.scroll_lines_to(facts.top + by)

    def action_leave(self) -> None:
        if self.is_current:
            self.workers.cancel_group(self, "landscape")
            self.app.pop_screen()
