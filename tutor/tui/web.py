"""The driver of a visitor's process: its screen goes to the server, and it ends when that is gone.

Named in TEXTUAL_DRIVER by `serve/visitor.py`.
"""

from __future__ import annotations

from textual.drivers.web_driver import WebDriver
from textual.messages import ExitApp


class Driver(WebDriver):
    """Textual's driver for the web, which by itself would go on for ever without anybody at the other end."""

    def run_input_thread(self) -> None:
        super().run_input_thread()
        self._app.post_message(ExitApp())
