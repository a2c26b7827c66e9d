"""What visitors of `backprop-tutor serve` need: memory and processor time of so many processes, started one by one.

    python benchmarks/serve.py [--visitors 10]

Memory is what a process has beyond what all share (its PSS, from Linux's /proc), on the home screen and in a lesson;
time is that of the processor: for the start up to the home screen, for each key, and while nobody does anything.
"""

import argparse
import asyncio
import os
import tempfile
import time
from pathlib import Path

import aiohttp
from aiohttp.test_utils import unused_port

from tutor.serve.door import Door
from tutor.serve.server import Server, run

KEYS = 60  # pressed by each visitor in a lesson
QUIET = 10  # seconds


def memory(pid: int) -> float:
    """MB that a process has, with its share of what several have."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def seconds(pid: int) -> float:
    """Of the processor, so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Client:
    """A browser without a window, which reads all the time: one that does not is taken for gone."""

    def __init__(self, session: aiohttp.ClientSession, socket: aiohttp.ClientWebSocketResponse):
        self.session, self.socket, self.seen, self.heard = session, socket, "", time.monotonic()
        self.reading = asyncio.create_task(self.read())

    @classmethod
    async def open(cls, address: str) -> "Client":
        session = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))
        async with session.get(address) as answer:
            await answer.read()
        socket = await session.ws_connect(f"{address}/ws?width=100&height=30", headers={"Origin": address})
        return cls(session, socket)

    async def read(self) -> None:
        async for said in self.socket:
            if said.type is aiohttp.WSMsgType.BINARY:
                self.seen += said.data.decode("utf-8", "replace")
                self.heard = time.monotonic()

    async def type(self, keys: str, wanted: str = "", quiet: float = 1.0) -> None:
        """Type, and wait until a text is there and nothing comes any more."""
        if keys:
            self.seen = ""
            await self.socket.send_json(["stdin", keys])
        began = time.monotonic()
        while wanted not in self.seen or time.monotonic() - max(self.heard, began) < quiet:
            if self.reading.done() or time.monotonic() - began > 60:
                raise RuntimeError(f"{wanted!r} did not come")
            await asyncio.sleep(0.02)


async def measure(folder: Path, visitors: int) -> None:
    port, ready = unused_port(), asyncio.Event()
    server = Server(Door(folder, "", port, ""), [], visitors, 3600.0, print)
    task = asyncio.create_task(run(server, "127.0.0.1", port, ready.set))
    await ready.wait()
    clients = []
    for _ in range(visitors):
        clients.append(await Client.open(f"http://127.0.0.1:{port}"))
        await clients[-1].type("", "lessons finished")
    pids = [visitor._process.pid for visitor in server.present.values() if visitor._process]
    mean = lambda of: sum(map(of, pids)) / len(pids)  # noqa: E731
    home, started = mean(memory), mean(seconds)
    await asyncio.sleep(QUIET)
    idle = (mean(seconds) - started) / QUIET
    for client in clients:
        await client.type("yes or no", "yes or no")
        await client.type("\r", "begins with questions")
        await client.type("\r")
    before, lesson = mean(seconds), mean(memory)
    for _ in range(KEYS):
        await asyncio.gather(*(client.type("n", quiet=0.2) for client in clients))
    key = (mean(seconds) - before) / KEYS
    print(f"{visitors} visitors, a process each (window 100 × 30)")
    print(f"  memory of one: {home:.0f} MB on the home screen, {lesson:.0f} MB in a lesson, later {mean(memory):.0f}")
    print(f"  the server itself: {memory(os.getpid()):.0f} MB, {seconds(os.getpid()):.1f} s of the processor in all")
    print(f"  processor: {started:.2f} s a start, {1000 * key:.0f} ms a key, {1000 * idle:.1f} ms a quiet second")
    for client in clients:
        await client.session.close()
    task.cancel()
    await asyncio.wait([task])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--visitors", type=int, default=10)
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(measure(Path(folder), parser.parse_args().visitors))


if __name__ == "__main__":
    main()
