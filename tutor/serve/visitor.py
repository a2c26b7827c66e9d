"""A visitor's process: the terminal program, confined to a folder, its screen and its keys on the way to a browser."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from aiohttp import WSMsgType
from aiohttp.web import WebSocketResponse
from textual_serve.app_service import AppService
from textual_serve.download_manager import DownloadManager

from tutor import confined, folders
from tutor.text.language import VARIABLE

# From a checkout that is not installed, too; what lies in the folder where it starts is no module (-P).
_WHERE = str(Path(confined.__file__).parent.parent)
_MAIN = f"import sys; sys.path.append({_WHERE!r}); from tutor.cli.commands import main; sys.exit(main())"
PROGRAM = (sys.executable, "-P", "-c", _MAIN)
# Of the server's environment.
KEPT = ("LANGUAGE", "LANG", "LC_ALL", "LC_MESSAGES", "LC_CTYPE", "TZ", "PYTHONPATH", "SYSTEMROOT", VARIABLE)
MOST_CELLS = 500  # columns or rows of a window
LEAVE = 3.0  # seconds in which a process ends by itself


class Visitor(AppService):
    """One visit: `run_until_left` starts the process, and is done when it has ended and was waited for.

    Beside what textual-serve does it runs no shell, gives the process an environment of its own, and ends it whatever
    it is doing. `folder` is the visitor's, `lessons` the folders of a teacher's lessons.
    """

    def __init__(
        self, socket: WebSocketResponse, folder: Path, lessons: Sequence[Path], downloads: DownloadManager
    ) -> None:
        super().__init__(
            "", write_bytes=socket.send_bytes, write_str=socket.send_str, close=self._close, download_manager=downloads
        )
        self.socket, self.folder, self.lessons = socket, folder, lessons
        self.ended = asyncio.Event()  # set by the server when the visit is over, whether it ran or not

    async def run_until_left(self, columns: int, rows: int, idle: float) -> None:
        """Run the program until it is left, its browser is closed, or nothing came from there for `idle` seconds."""
        try:
            await self.start(_cells(columns), _cells(rows))
            await self._listen(idle)
        finally:
            await self._end()

    async def leave(self) -> None:
        """End it, from elsewhere; returns when the process has ended."""
        await self._close()
        await self.ended.wait()

    async def _close(self) -> None:
        with suppress(OSError, RuntimeError):
            await self.socket.close()

    # ------------------------------------------------------------ from the browser

    async def _listen(self, idle: float) -> None:
        while True:
            try:
                message = await self.socket.receive(idle)
            except TimeoutError:
                return
            if message.type is not WSMsgType.TEXT:
                return  # closed, or what no page of ours sends
            try:
                await self._take(*json.loads(message.data))
            except (TypeError, ValueError, KeyError, ArithmeticError, RecursionError):
                return

    async def _take(self, kind: str, value: Any = None) -> None:
        """One message of the page's script. Raises TypeError, ValueError, KeyError for what it never sends."""
        if kind == "stdin":
            await self.send_bytes(value.encode("utf-8", "replace") if isinstance(value, str) else b"")
        elif kind == "resize":
            await self.set_terminal_size(_cells(value["width"]), _cells(value["height"]))
        elif kind == "ping":
            await self.socket.send_json(["pong", str(value)[:40]])
        elif kind == "focus":
            await self.focus()
        elif kind == "blur":
            await self.blur()

    # ------------------------------------------------------------ the process

    async def _open_app_process(self, width: int = 80, height: int = 24) -> Process:
        named = [part for folder in self.lessons for part in ("--lessons", str(folder))]
        self._process = process = await asyncio.create_subprocess_exec(
            *PROGRAM,
            *named,
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            cwd=self.folder,
            env=self._build_environment(width, height),
            start_new_session=True,
        )
        assert process.stdin is not None
        self._stdin = process.stdin
        return process

    def _build_environment(self, width: int = 80, height: int = 24) -> dict[str, str]:
        """Nothing of the server's but what is in KEPT: no secret of it is a visitor's."""
        own = str(self.folder)
        return {name: os.environ[name] for name in KEPT if name in os.environ} | {
            **{"HOME": own, "TMPDIR": own, folders.ENVIRONMENT: own, confined.ENVIRONMENT: "1"},
            **{"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
            **{"PYTHONUTF8": "1", "PYTHONDONTWRITEBYTECODE": "1"},
            **{"TEXTUAL_DRIVER": "tutor.tui.web:Driver", "TEXTUAL_COLOR_SYSTEM": "truecolor", "TEXTUAL_FPS": "30"},
            **{"COLUMNS": str(width), "ROWS": str(height)},
        }

    async def run(self) -> None:
        """What the process says, to its end; then the browser is told. Nothing that it still says holds it up."""
        try:
            await super().run()
        finally:
            await self._close()
            assert self._process and self._process.stdout and self._process.stderr
            await asyncio.gather(_drained(self._process.stdout), _drained(self._process.stderr))

    async def _end(self) -> None:
        """End the process: it is asked to, so that it keeps what there is to keep, and not for long."""
        await self._close()
        if (process := self._process) is not None:
            with suppress(asyncio.TimeoutError):
                async with asyncio.timeout(LEAVE):
                    await self.send_meta({"type": "quit"})
                    await process.wait()
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        if self._task is not None:
            await asyncio.wait([self._task])
        await self._download_manager.cancel_app_downloads(self.app_service_id)

    async def on_meta(self, data: bytes) -> None:
        """What the process says beside its screen. A file is fetched from where the page is, be it below a path."""
        said = json.loads(data)
        if said.get("type") != "deliver_file_start":
            await super().on_meta(data)
            return
        key = str(said["key"])
        await self._download_manager.create_download(
            app_service=self,
            delivery_key=key,
            file_name=Path(said["path"]).name,
            open_method="download",
            mime_type=said["mime_type"],
            encoding=said["encoding"],
        )
        await self.socket.send_str(json.dumps(["open_url", {"url": f"download/{key}", "new_tab": False}]))


async def _drained(stream: asyncio.StreamReader) -> None:
    while await stream.read(1 << 16):
        pass


def _cells(count: Any) -> int:
    """Columns or rows of a window as far as one is believed. Raises TypeError, ValueError."""
    return min(max(int(count), 1), MOST_CELLS)
