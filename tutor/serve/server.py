"""What is answered to what: the page, its files, the websocket of a visit; and the server itself, until its end."""

from __future__ import annotations

import asyncio
import re
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from html import escape
from importlib.util import find_spec
from pathlib import Path

from aiohttp import web
from textual_serve.download_manager import DownloadManager

from tutor.lessonfiles.catalogue import data_dir
from tutor.serve.door import YEAR, Door
from tutor.serve.visitor import Visitor
from tutor.text.language import language, say, say_many
from tutor.text.output import escape as printable
from tutor.text.templates import filled

MOST_MESSAGE = 1 << 20  # bytes of one message, such as what is pasted
AGAIN = 20  # seconds after which a page that found no place asks once more
HEARTBEAT = 15.0  # seconds between two questions to a browser whether it is still there

# Nothing is loaded from anywhere but here, and no script runs but ours and textual-serve's.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self'; img-src 'self' data:; "
    "connect-src 'self' ws: wss:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "no-referrer",  # the address may have the token
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


@dataclass
class Server:
    """The places and who is in them: `present` has the running visit of each visitor's folder."""

    door: Door
    lessons: Sequence[Path]
    most: int  # visitors at a time, a process each
    idle: float  # seconds after which a visit ends from whose browser nothing came
    complain: Callable[[str], object]
    present: dict[Path, Visitor] = field(default_factory=dict)
    downloads: DownloadManager = field(default_factory=DownloadManager)
    refused: set[str] = field(default_factory=set)  # the origins that were complained about

    def app(self) -> web.Application:
        """The routes: at the root, for a proxy that takes its path off, and below the path, for one that leaves it."""
        app = web.Application()
        spec = find_spec("textual_serve")
        assert spec and spec.origin
        theirs = Path(spec.origin).with_name("static")
        for root in dict.fromkeys(("/", self.door.path)):
            app.add_routes(
                [
                    web.get(root, self.index),
                    web.get(f"{root}ws", self.visit),
                    web.get(f"{root}download/{{key}}", self.download),
                    web.get(f"{root}serve.{{kind:js|css}}", self.own_file),
                    web.static(f"{root}static", theirs),
                ]
            )
        if self.door.path != "/":
            app.router.add_get(self.door.path.rstrip("/"), self.whole_path)
        app.on_shutdown.append(self.close)
        return app

    async def whole_path(self, request: web.Request) -> web.StreamResponse:
        """The path without the slash at its end, from which the page would look for its files elsewhere."""
        return _redirect(self.door.path)

    async def index(self, request: web.Request) -> web.StreamResponse:
        """The page of the terminal; or why not."""
        if request.headers.get("Sec-Fetch-Dest", "document") not in ("document", "iframe"):
            text = say("This is a page, and no part of another.")
            raise web.HTTPForbidden(text=text)  # it would make a visitor each time
        folder, token = self._visitor(request), request.query.get("token", "")
        if folder is None and not self.door.opened_by(token):
            return _said(
                403,
                say("This address is not whole"),
                say(
                    "It needs the token that belongs to it. Ask whoever gave it to you for the whole address; where it "
                    "was whole, your browser has to accept a cookie."
                ),
            )
        answer: web.StreamResponse
        if token:
            answer = _redirect("./")  # so that it stands in no history, and on no screen
        elif self._full(folder):
            text = say_many(
                self.most,
                "The only place is taken at the moment. This page asks again by itself, every {seconds} seconds.",
                "All {n} places are taken at the moment. This page asks again by itself, every {seconds} seconds.",
                seconds=AGAIN,
            )
            return _said(503, say("Please wait a little"), text, AGAIN)
        else:
            page = filled((data_dir("assets") / "serve.html").read_text("utf-8"), lang=language())
            answer = web.Response(text=page, content_type="text/html", charset="utf-8", headers=HEADERS)
        cookie = request.cookies[self.door.cookie] if folder else self.door.register()
        secure = self.door.public.startswith("https:")
        answer.set_cookie(
            self.door.cookie, cookie, max_age=YEAR, path=self.door.path, httponly=True, samesite="Lax", secure=secure
        )
        return answer

    async def visit(self, request: web.Request) -> web.StreamResponse:
        """A visit by the page's websocket, as long as it lasts. The latest page of a visitor takes the place over."""
        origin = request.headers.get("Origin")
        if not self.door.trusts(origin, request.host):
            self._complain_of(origin or "")
            raise web.HTTPForbidden(text=say("This page may not talk to this server."))
        folder = self._visitor(request)
        if folder is None:
            raise web.HTTPForbidden(text=say("There is no such visitor."))
        if self._full(folder):
            raise web.HTTPServiceUnavailable(text=say("All places are taken."), headers={"Retry-After": str(AGAIN)})
        socket = web.WebSocketResponse(heartbeat=HEARTBEAT, max_msg_size=MOST_MESSAGE)
        visitor, earlier = Visitor(socket, folder, self.lessons, self.downloads), self.present.get(folder)
        self.present[folder] = visitor  # at once: nobody else gets the place while this one begins
        try:
            if earlier is not None:
                await earlier.leave()  # two processes would have two places in the same lesson, and one place here
            if self.present.get(folder) is not visitor:
                raise web.HTTPConflict(text=say("A later page has the place."))
            await socket.prepare(request)
            columns, rows = (_number(request.query.get(name)) for name in ("width", "height"))
            await visitor.run_until_left(columns or 80, rows or 24, self.idle)
        finally:
            visitor.ended.set()
            if self.present.get(folder) is visitor:
                del self.present[folder]
        return socket

    async def download(self, request: web.Request) -> web.StreamResponse:
        """A file that a visitor's process hands out, to that visitor."""
        key, folder = request.match_info["key"], self._visitor(request)
        try:
            found = await self.downloads.get_download_metadata(key)
        except KeyError:
            raise web.HTTPNotFound() from None
        if folder is None or found.app_service is not self.present.get(folder):
            raise web.HTTPNotFound()
        name = re.sub(r"[^A-Za-z0-9._-]", "_", found.file_name)
        attached = {"Content-Disposition": f'attachment; filename="{name}"', "Content-Type": "application/octet-stream"}
        answer = web.StreamResponse(headers=HEADERS | attached)
        await answer.prepare(request)
        async for chunk in self.downloads.download(key):
            await answer.write(chunk)
        return answer

    async def own_file(self, request: web.Request) -> web.StreamResponse:
        """The page's own script and style."""
        kind = request.match_info["kind"]
        body = (data_dir("assets") / f"serve.{kind}").read_bytes()
        content = {"js": "text/javascript", "css": "text/css"}[kind]
        return web.Response(body=body, content_type=content, charset="utf-8", headers=HEADERS)

    async def close(self, app: web.Application) -> None:
        """End all visits, in order."""
        await asyncio.gather(*(visitor.leave() for visitor in self.present.values()))

    def _visitor(self, request: web.Request) -> Path | None:
        return self.door.known(request.cookies.get(self.door.cookie))

    def _full(self, folder: Path | None) -> bool:
        return folder not in self.present and len(self.present) >= self.most

    def _complain_of(self, origin: str) -> None:
        """Say once of an origin that it was refused: a proxy that nobody told about looks the same as an attack."""
        if len(self.refused) < 20 and origin not in self.refused:
            self.refused.add(origin)
            told = say(
                "refused a page from {where}: if it is a proxy of yours, start with --public-url and its address",
                where=printable(origin[:200]) or say("nowhere"),
            )
            self.complain(told)


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 6 else 0


def _redirect(to: str) -> web.Response:
    return web.Response(status=303, headers=HEADERS | {"Location": to})


def _said(status: int, title: str, text: str, again: int = 0) -> web.Response:
    """A page of one sentence."""
    refresh = f'<meta http-equiv="refresh" content="{again}">' if again else ""
    body = (
        f'<!DOCTYPE html>\n<html lang="{language()}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width">{refresh}<title>{escape(title)} – backprop-tutor</title>'
        '<link rel="stylesheet" href="serve.css"></head>\n'
        f'<body><main class="box"><h1>{escape(title)}</h1><p>{escape(text)}</p></main></body></html>\n'
    )
    headers = HEADERS | ({"Retry-After": str(again)} if again else {})
    return web.Response(status=status, text=body, content_type="text/html", headers=headers)


async def run(server: Server, host: str, port: int, ready: Callable[[], object]) -> None:
    """Serve until SIGINT or SIGTERM; `ready` is called once it listens. Raises OSError where it cannot."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError):  # Windows: ctrl+c raises KeyboardInterrupt
            loop.add_signal_handler(number, stop.set)
    runner = web.AppRunner(server.app(), access_log=None, shutdown_timeout=5)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        ready()
        await stop.wait()
    finally:
        await runner.cleanup()


def complain(text: str) -> None:
    """Say something on standard error, as a line of the server's."""
    print(f"backprop-tutor serve: {text}", file=sys.stderr, flush=True)
