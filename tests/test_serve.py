"""`serve`: who comes in, what a visitor's process may open, that none stays; and all of it in a real browser."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from contextlib import asynccontextmanager
from pathlib import Path

import pyte
import pytest

import browser
from tutor import confined
from tutor.cli.commands import main

aiohttp = pytest.importorskip("aiohttp", reason="the extra `serve` is not installed")
pytest.importorskip("textual_serve", reason="the extra `serve` is not installed")

from aiohttp.test_utils import unused_port  # noqa: E402

from tutor.serve import visitor as visits  # noqa: E402
from tutor.serve.door import BadToken, Door, token_in  # noqa: E402
from tutor.serve.server import Server, run  # noqa: E402

# A program that speaks as one under textual's web driver does, without its second of getting ready: it says its
# environment and its number, echoes what is typed, and ends when it is told to, or at an x.
ECHO = """
import json, os, sys
def say(kind, data): os.write(1, kind + len(data).to_bytes(4, "big") + data)
os.write(1, b"__GANGLION__\\n")
say(b"D", json.dumps([os.getpid(), os.getcwd(), dict(os.environ), sys.argv[1:]]).encode())
while head := sys.stdin.buffer.read(5):
    data = sys.stdin.buffer.read(int.from_bytes(head[1:], "big"))
    if b"deaf" in data: import time; time.sleep(100)
    if b"quit" in data or data == b"x": break
    say(b"D", data)
"""


@pytest.fixture
def echo(monkeypatch):
    monkeypatch.setattr(visits, "PROGRAM", (sys.executable, "-I", "-S", "-c", ECHO))


class Class:
    """A server that runs, and browsers without a window."""

    def __init__(self, folder: Path, **settings):
        self.port = unused_port()
        door = Door(folder, settings.pop("token", ""), self.port, settings.pop("public", ""))
        wanted = {"lessons": [], "most": 50, "idle": 600.0} | settings
        self.said = []
        self.server = Server(door, complain=self.said.append, **wanted)
        self.address = f"http://127.0.0.1:{self.port}"

    @asynccontextmanager
    async def pupil(self, path="/", **jar):
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True), **jar) as session:
            async with session.get(self.address + path) as answer:
                session.first = answer
                session.text = await answer.text()
            yield session

    def visit(self, session, path="/ws", origin=None, **query):
        headers = {"Origin": origin or self.address}
        return session.ws_connect(self.address + path, params=query, headers=headers)


@asynccontextmanager
async def running(folder, **settings):
    found, ready = Class(folder, **settings), asyncio.Event()
    task = asyncio.create_task(run(found.server, "127.0.0.1", found.port, ready.set))
    await asyncio.wait({task, asyncio.create_task(ready.wait())}, return_when=asyncio.FIRST_COMPLETED)
    try:
        yield found
    finally:
        task.cancel()
        await asyncio.wait([task])


async def hello(socket):
    """What the echo says first: its number, folder, environment, arguments."""
    return json.loads(await socket.receive_bytes(timeout=20))


async def until(condition, seconds=20):
    for _ in range(seconds * 50):
        if condition():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it did not happen")


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def refused(connection):
    with pytest.raises(aiohttp.WSServerHandshakeError) as error:
        async with connection:
            pass
    return error.value.status


# ---------------------------------------------------------------- who comes in


async def test_three_at_once_have_a_process_and_a_folder_each_and_none_is_left(tmp_path, echo, monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "of the server")
    async with running(tmp_path) as room, room.pupil() as a, room.pupil() as b, room.pupil() as c:
        sockets = [await room.visit(one, width="100", height="30") for one in (a, b, c)]
        told = [await hello(socket) for socket in sockets]
        assert len({pid for pid, *_ in told}) == len({folder for _, folder, *_ in told}) == 3
        for pid, folder, environment, _ in told:
            assert Path(folder).parent == tmp_path / "visitors" and alive(pid)
            assert environment[confined.ENVIRONMENT] and environment["COLUMNS"] == "100"
            assert environment["HOME"] == environment["BACKPROP_TUTOR_DATA"] == folder
            assert not {"SECRET_KEY", "PATH", "USER", "SSH_AUTH_SOCK"} & set(environment)
        for n, socket in enumerate(sockets):
            await socket.send_str(json.dumps(["stdin", f"δ{n}"]))
        assert [(await socket.receive_bytes()).decode() for socket in sockets] == ["δ0", "δ1", "δ2"]
        await sockets[0].close()  # the browser is closed
        await until(lambda: not alive(told[0][0]))
        await sockets[1].send_str(json.dumps(["stdin", "x"]))  # the program is left
        assert (await sockets[1].receive()).type is aiohttp.WSMsgType.CLOSE
        await sockets[2].send_str(json.dumps(["stdin", "deaf"]))  # a program that no longer listens
        monkeypatch.setattr(visits, "LEAVE", 0.1)
        await sockets[2].close()
        await until(lambda: not room.server.present)
        assert not any(alive(pid) for pid, *_ in told)
    assert oct((tmp_path / "visitors").stat().st_mode & 0o77) == "0o0"


async def test_the_server_takes_its_visitors_processes_with_it(tmp_path, echo):
    async with running(tmp_path) as room, room.pupil() as session:
        pid = (await hello(await room.visit(session)))[0]
    assert not alive(pid)


async def test_a_visitor_has_one_place_and_comes_back_to_it(tmp_path, echo):
    async with running(tmp_path, most=1) as room, room.pupil() as a, room.pupil() as b:
        first = await room.visit(a)
        pid, folder, *_ = await hello(first)
        second = await room.visit(a)  # another tab takes it over
        other = await hello(second)
        assert other[1] == folder and other[0] != pid and not alive(pid)
        assert (await first.receive()).type is aiohttp.WSMsgType.CLOSE and len(room.server.present) == 1
        async with a.get(room.address + "/ws", headers={"Origin": room.address}) as answer:
            assert answer.status == 400  # what is no websocket leaves no process that nobody counts
        assert not room.server.present and not alive(other[0])
        second = await room.visit(a)
        await hello(second)
        async with b.get(room.address + "/") as answer:
            text = await answer.text()
        assert answer.status == 503 and answer.headers["Retry-After"] and "is taken at the moment" in text
        assert await refused(room.visit(b)) == 503
        await second.close()
        await until(lambda: not room.server.present)
        assert (await hello(await room.visit(b)))[1] != folder


async def test_the_cap_holds_for_those_who_come_at_the_same_moment(tmp_path, echo):
    async with running(tmp_path, most=2) as room:
        found, all_came = [], asyncio.Event()

        async def come():
            async with room.pupil() as session:
                try:
                    async with room.visit(session) as socket:
                        found.append(bool(await hello(socket)))
                        await all_came.wait()
                except aiohttp.WSServerHandshakeError as error:
                    found.append(error.status)

        visits = [asyncio.create_task(come()) for _ in range(5)]
        await until(lambda: len(found) == 5)
        all_came.set()
        await asyncio.gather(*visits)
        assert sorted(found) == [True, True, 503, 503, 503]


async def test_a_visit_without_a_key_ends(tmp_path, echo):
    async with running(tmp_path, idle=0.2) as room, room.pupil() as session:
        socket = await room.visit(session)
        (visitor,) = room.server.present.values()
        async for _ in socket:
            pass
        assert socket.close_code == aiohttp.WSCloseCode.OK
        await until(lambda: not room.server.present)
        assert visitor.ended.is_set() and visitor._process.returncode is not None


@pytest.mark.parametrize(
    "message",
    ["[", "{}", "7", '["stdin"]x', '["resize", {"width": Infinity, "height": 1}]', '["resize", {}]', "[" * 9999],
)
async def test_what_no_page_of_ours_sends_ends_the_visit_and_nothing_else(tmp_path, echo, message):
    async with running(tmp_path) as room, room.pupil() as session:
        socket = await room.visit(session, width="x", height="-5")
        pid, _, environment, _ = await hello(socket)
        assert (environment["COLUMNS"], environment["ROWS"]) == ("80", "24")
        await socket.send_str('["resize", {"width": 1e9, "height": -3}]')
        resized = json.loads(await socket.receive_bytes())
        assert (resized["width"], resized["height"]) == (visits.MOST_CELLS, 1)
        await socket.send_str(message)
        assert (await socket.receive(timeout=10)).type is aiohttp.WSMsgType.CLOSE
        await until(lambda: not alive(pid))
        async with session.get(room.address + "/") as answer:
            assert answer.status == 200


async def test_the_token_opens_the_door_once_and_the_cookie_from_then_on(tmp_path, echo):
    token = token_in(tmp_path)
    assert token == token_in(tmp_path) and len(token) >= 20 and (tmp_path / "token").stat().st_mode & 0o77 == 0
    async with running(tmp_path, token=token) as room:
        for path in ("/", "/?token=", "/?token=" + token[:-1] + "!", "/?token=%FF"):
            async with room.pupil(path) as stranger:
                assert stranger.first.status == 403 and "for the whole address" in stranger.text
                assert not stranger.cookie_jar and await refused(room.visit(stranger)) == 403
        assert not (tmp_path / "visitors").exists()
        async with room.pupil(f"/?token={token}") as pupil:
            assert pupil.first.status == 200 and str(pupil.first.url) == room.address + "/"  # no longer in the address
            (said,) = pupil.first.history[0].headers.getall("Set-Cookie")
            assert "HttpOnly" in said and "SameSite=Lax" in said and "Max-Age=3" in said
            folder = (await hello(await room.visit(pupil)))[1]
            async with pupil.get(room.address + "/") as answer:
                assert answer.status == 200
            (cookie,) = pupil.cookie_jar
            assert len(cookie.value) >= 40 and cookie.value not in folder
        name = room.server.door.cookie
        for forged in ("", "x" * 43, Path(folder).name, "../" + Path(folder).name, ".", "\xff", "x" * 9999):
            async with aiohttp.ClientSession() as other:
                headers = {"Cookie": f"{name}={forged}"}
                async with other.get(room.address + "/", headers=headers) as answer:
                    assert answer.status in (400, 403)


@pytest.mark.parametrize("text", ["", "short", "with a space in it", "é" * 20])
def test_a_token_that_keeps_nobody_out_is_refused(tmp_path, text):
    (tmp_path / "token").write_text(text, encoding="utf-8")
    with pytest.raises(BadToken, match="12 letters"):
        token_in(tmp_path)


def test_only_its_own_pages_may_talk_to_the_server():
    here = Door(Path(), "", 8000, "")
    for origin in ("http://localhost:8000", "http://127.0.0.1:8000", "http://[::1]:8000"):
        assert here.trusts(origin, "localhost:8000")
    strange = ("", None, "null", "http://evil.example:8000", "http://localhost:8001", "https://localhost:8000")
    for origin in (*strange, "http://localhost", "http://localhost:8000.evil.example", "http://localhost:x", "file://"):
        assert not here.trusts(origin, "evil.example:8000"), origin  # a name of theirs that leads here, too
    assert Door(Path(), "", 80, "").trusts("http://localhost", "localhost")
    room = Door(Path(), "a token that is long", 8000, "")
    assert room.trusts("http://pc-7.lab:8000", "PC-7.lab:8000")
    assert not room.trusts("http://evil.example", "pc-7.lab:8000")
    public = Door(Path(), "a token that is long", 8000, "https://Host.example:443/tutor/")
    assert public.trusts("https://host.example", "127.0.0.1:8000")
    assert not any(public.trusts(one, "host.example") for one in ("http://host.example", "https://host.example:8000"))


async def test_another_sites_page_gets_no_visit_and_the_teacher_a_word(tmp_path, echo):
    async with running(tmp_path) as room, room.pupil() as session:
        for _ in range(2):
            assert await refused(room.visit(session, origin="https://school.example")) == 403
        async with session.get(room.address + "/", headers={"Sec-Fetch-Dest": "image"}) as answer:
            assert answer.status == 403  # nor does it make visitors
        assert not room.server.present
        (said,) = [text for text in room.said if "https://school.example:" in text]
        assert "--public-url" in said


# ---------------------------------------------------------------- the page


@pytest.mark.parametrize("path", ["/", "/tutor/"])  # a proxy that takes its path off, and one that leaves it there
async def test_behind_a_proxy_at_a_path(tmp_path, echo, path):
    public, token = "https://host.example/tutor/", "a-token-that-is-long"
    async with running(tmp_path, token=token, public=public) as room, aiohttp.ClientSession() as session:
        async with session.get(f"{room.address}{path}?token={token}", allow_redirects=False) as answer:
            assert answer.status == 303 and answer.headers["Location"] == "./"
            said = answer.headers["Set-Cookie"]
            assert "Path=/tutor/" in said and "Secure" in said
        headers = {"Cookie": said.split(";")[0], "Origin": "https://host.example"}
        async with session.get(room.address + path, headers=headers) as answer:
            page = await answer.text()
        for file in ("serve.js", "serve.css", "static/js/textual.js", "static/css/xterm.css"):
            assert f'"{file}"' in page
            async with session.get(room.address + path + file) as answer:
                assert answer.status == 200
        async with session.ws_connect(f"{room.address}{path}ws", headers=headers) as socket:
            assert await hello(socket)
        async with session.get(room.address + "/tutor", allow_redirects=False) as answer:
            assert answer.headers["Location"] == "/tutor/"


async def test_nothing_is_asked_of_another_host(tmp_path):
    async with running(tmp_path) as room, room.pupil() as session:
        assert session.first.headers["Referrer-Policy"] == "no-referrer"
        policy = session.first.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "script-src 'self';" in policy and "http" not in policy
        for path in ("serve.js", "serve.css"):
            async with session.get(f"{room.address}/{path}") as answer:
                session.text += await answer.text()
        assert "//" not in session.text.replace("// ", "").replace("http/", "")
        outside = ("static/../server.py", "static/%2e%2e/server.py", "../pyproject.toml")
        for path in ("static/", "token", "visitors", *outside):
            async with session.get(f"{room.address}/{path}") as answer:
                assert answer.status in (403, 404), path


# ---------------------------------------------------------------- the command


def test_help_comes_without_the_extra_and_the_command_says_how_to_get_it(monkeypatch, capsys):
    for name in [name for name in sys.modules if name.startswith(("aiohttp", "textual_serve", "tutor.serve"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "aiohttp", None)
    assert main(["serve", "--help"]) == 0
    assert "--public-url" in capsys.readouterr().out
    assert main(["serve"]) == 2
    assert capsys.readouterr().err == "backprop-tutor: this needs an extra: pip install 'backprop-tutor[serve]'\n"


@pytest.mark.parametrize(
    "argv",
    [
        ["--port", "0"], ["--port", "65536"], ["--visitors", "0"], ["--visitors", "x"], ["--idle", "-1"],
        ["--public-url", "host.example"], ["--public-url", "https://"], ["--public-url", "https://u:p@host.example/"],
        ["--public-url", "https://host.example/?a=b"], ["--public-url", "https://host.example:x/"],
        ["--lessons", "nowhere"], ["--host", "no.such.host.invalid"],
    ],
)  # fmt: skip
def test_bad_usage_is_a_line(argv, capsys):
    assert main(["serve", *argv]) == 2
    out, err = capsys.readouterr()
    assert not out and err.count("\n") == 1


# ---------------------------------------------------------------- the real program, in a real browser

# What the page's terminal is told, kept for the test: the terminal itself draws on a canvas.
HEARD = """window.heard = ""; window.WebSocket = class extends WebSocket {
  constructor(address) {
    super(address);
    const text = new TextDecoder();
    this.addEventListener("message", (said) => {
      if (typeof said.data !== "string") window.heard += text.decode(said.data, {stream: true});
    });
  }
};"""


class Tab:
    """A tab in which the tutor runs, and its screen in letters."""

    def __init__(self, profile: Path, address: str):
        self.tab, self.address = browser.Browser(profile), address
        self.tab("Page.addScriptToEvaluateOnNewDocument", source=HEARD)
        self.tab("Emulation.setDeviceMetricsOverride", width=1000, height=600, deviceScaleFactor=1, mobile=False)

    def open(self) -> None:
        self.screen = pyte.Screen(120, 40)
        self.stream = pyte.Stream(self.screen)
        self.tab("Page.navigate", url=self.address)

    def until(self, text: str) -> str:
        end = time.monotonic() + 60
        while time.monotonic() < end:
            heard = self.tab.run("(() => { const heard = window.heard ?? ''; window.heard = ''; return heard; })()")
            self.stream.feed(heard)
            if text in (seen := "\n".join(line.rstrip() for line in self.screen.display)):
                return seen
            time.sleep(0.05)
        raise AssertionError(f"{text!r} is not there:\n{seen}\n{self.tab.complaints}")


@pytest.mark.skipif(browser.PATH is None, reason="there is no chromium here")
def test_in_a_browser_a_question_is_answered_and_the_place_is_found_again(tmp_path):
    environment = os.environ | {"BACKPROP_TUTOR_DATA": str(tmp_path / "data")}
    command = [sys.executable, "-m", "tutor", "serve", "--port", str(unused_port())]
    server = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    page = None
    try:
        page = Tab(tmp_path / "profile", server.stdout.readline().split()[1])
        tab = page.tab
        page.open()
        page.until("0 of 49 lessons finished")
        tab.press(*"two gates")
        page.until("Search: two gates")
        tab.press("Enter")
        page.until("begins with questions")
        tab.press("p")
        page.until("tries left")
        tab.press(*"3", "Enter")
        page.until("Right")
        tab("Page.navigate", url="about:blank")  # closed
        page.open()
        page.until("0 of 49 lessons finished")
        tab.press(*"two gates")
        assert "◐" in page.until("1 of 1 right")
        tab.press("Enter")
        page.until("iteration 1")
        page.until("tries left")
        hosts = {request.split("/")[2] for request in tab.requests if request.startswith("http")}
        assert hosts == {page.address.split("/")[2]}
        assert not [text for text in tab.complaints if "WebGL" not in text]
    finally:
        if page:
            page.tab.close()
        server.terminate()
        assert server.wait(20) == 0
