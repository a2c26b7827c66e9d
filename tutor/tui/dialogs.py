"""Dialogs over a screen: prose to read, one line to ask for, the help."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.css.styles import RulesMap
from textual.events import Key
from textual.renderables.background_screen import BackgroundScreen
from textual.screen import ModalScreen, Screen
from textual.strip import Strip
from textual.style import Style
from textual.visual import RenderOptions, Visual
from textual.widgets import Input, Static

from tutor.lessonfiles.catalogue import data_dir
from tutor.play import commands
from tutor.text.language import say
from tutor.text.words import plural
from tutor.tui.entry import EntryInput
from tutor.tui.keys import brief_lines
from tutor.tui.lines import Line, Lines, folded, line
from tutor.tui.screen import Stacked

if TYPE_CHECKING:
    from tutor.lessonfiles.positions import LessonError


class _AsItIs(Visual):
    """The screen below, where nothing dims it: textual would mix each of its cells with a colour that is not there."""

    def __init__(self, below: Screen[Any]) -> None:
        self.below = below

    def render_strips(self, width: int, height: int | None, style: Style, options: RenderOptions) -> list[Strip]:
        return self.below._compositor.render_strips()

    def get_optimal_width(self, rules: RulesMap, container_width: int) -> int:
        return container_width

    def get_height(self, rules: RulesMap, width: int) -> int:
        return self.below.size.height


class Dialog(Stacked[str | None], ModalScreen[str | None]):
    """A box in the middle of the screen; answers with the name of the key pressed, or None."""

    CSS_PATH = data_dir("assets") / "dialogs.tcss"

    def render(self) -> Any:
        below = super().render()
        return _AsItIs(below.screen) if isinstance(below, BackgroundScreen) and below.color.a == 0 else below

    async def action_dismiss(self, result: str | None = None) -> None:
        if self.is_current:  # a second Esc, typed quickly, must not close the screen below
            await super().action_dismiss(result)


class Reader(Dialog):
    """Markdown, or lines, to read: an introduction, an ending, the help. `answers` maps keys to what they answer."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "scroll(-1)", show=False),
        Binding("down,j", "scroll(1)", show=False),
        Binding("pageup", "scroll(-10)", show=False),
        Binding("pagedown", "scroll(10)", show=False),
        Binding("escape", "dismiss", show=False),
    ]

    def __init__(self, content: str | list[Line], hint: str, answers: dict[str, str]) -> None:
        super().__init__()
        self.content, self.hint, self.answers = content, hint, answers

    def compose(self) -> ComposeResult:
        from textual.widgets import Markdown

        with Vertical(id="box"):
            with VerticalScroll(id="prose"):
                if isinstance(self.content, str):
                    yield Markdown(self.content, open_links=False)
                else:
                    lines = Lines()
                    lines.show(self.content)
                    yield lines
            yield Static(Content(self.hint), id="hint")

    def on_mount(self) -> None:
        self.query_one("#prose").focus()

    def on_lines_resized(self) -> None:
        """What is wider than the box goes on in the next line."""
        self.fold()

    def rewrite(self, lines: list[Line]) -> None:
        """Other lines in place of those that are shown; kept, since the box may change its size with them."""
        self.content = lines
        self.fold()

    def fold(self) -> None:
        assert not isinstance(self.content, str)
        lines = self.query_one(Lines)
        lines.show([part for item in self.content for part in folded(item, lines.size.width)])

    def write(self, content: str) -> None:
        """Another text of Markdown in place of the one that is shown."""
        from textual.widgets import Markdown

        self.query_one(Markdown).update(content)

    def action_scroll(self, by: int) -> None:
        self.query_one("#prose").scroll_relative(y=by, animate=False)

    def on_key(self, event: Key) -> None:
        if not self.is_current:  # answered already: what was typed ahead is meant for the screen below
            event.stop()
            self.app.post_message(Key(event.key, event.character))
        elif event.key in self.answers:
            event.stop()
            self.dismiss(self.answers[event.key])
        elif event.key == "space":
            event.stop()
            prose = self.query_one("#prose")
            if prose.scroll_offset.y >= prose.max_scroll_y and "enter" in self.answers:
                self.dismiss(self.answers["enter"])
            else:
                prose.scroll_page_down(animate=False)


class Ask(Dialog):
    """Asks for one line; `wrong(text)` says what is the matter with it, or None to accept it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss", show=False)]

    def __init__(
        self, question: str, wrong: Callable[[str], str | None], placeholder: str = "", value: str = "", most: int = 80
    ) -> None:
        super().__init__(classes="-ask")
        self.question, self.wrong, self.placeholder, self.value, self.most = question, wrong, placeholder, value, most

    def compose(self) -> ComposeResult:
        with Vertical(id="box"):
            yield Static(Content(self.question))
            yield EntryInput(self.value, placeholder=self.placeholder, max_length=self.most)
            yield Static("", id="message")
            yield Static(Content(say("Enter accepts · Esc goes back")), id="hint")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        text = event.value.strip()
        if not self.is_current:
            return
        message = self.wrong(text) if text else None
        if message:
            self.query_one("#message", Static).update(Content(message))
        else:
            self.dismiss(text or None)


def problem_lines(error: LessonError) -> list[Line]:
    """What is wrong with a lesson file, to be read in a dialog."""
    first = error.problems[0]
    count = plural(len(error.problems), "problem")
    lines = [line(say("{name} has {count}", name=Path(first.path).name, count=count), "title")]
    for problem in error.problems:
        head, *rest = problem.render().split("\n")
        message = head.split(": ", 1)[-1]
        lines += [
            line(),
            *(
                line(part, "error")
                for part in _wrap(
                    say(
                        "line {line}, column {column}: {message}",
                        line=problem.line,
                        column=problem.column,
                        message=message,
                    )
                )
            ),
        ]
        advice = rest.pop() if problem.advice else ""
        lines += [line(part, "numbers") for part in rest]
        lines += [line(part) for part in _wrap(advice.strip())]
    return lines


def _wrap(text: str) -> list[str]:
    return textwrap.wrap(text, 62)


def help_of(keys: Sequence[commands.Key], columns: int) -> Reader:
    """What the keys of a screen or a dialog do, in a terminal of so many columns."""
    lines = [line(say("Keys"), "title"), line(), *brief_lines(keys, min(columns, 80) - 14)]
    answers = dict.fromkeys(("enter", "f1", "q", "question_mark"), "")
    return Reader(lines, say("↑ ↓ scroll · Esc goes back"), answers)
