"""What visitors of `backprop-tutor serve` need: memory and processor time of so many processes, started one by one.

    python benchmarks/serve.py [--visitors 10]

Memory is what a process has beyond what all share (its PSS, from Linux's /proc), on the home screen and in a lesson;
time is that of the processor: for the start up to the home screen, for each key, and while nobody does anything.
"""

import argparse
import asyncio
import os
import tempfile
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


async def until_quiet(socket: aiohttp.ClientWebSocketResponse, wanted: str = "", quiet: float = 1.5) -> None:
    """Read what comes up to a text, and on until nothing comes."""
    seen = ""
    while True:
        try:
            said = await socket.receive(60 if wanted not in seen else quiet)
        except TimeoutError:
            return
        if said.type is not aiohttp.WSMsgType.BINARY:
            raise RuntimeError(f"the visit has ended: {said}")
        seen += said.data.decode("utf-8", "replace")


async def measure(folder: Path, visitors: int) -> None:
    port, ready = unused_port(), asyncio.Event()
    server = Server(Door(folder, "", port, ""), [], visitors, 3600.0, print)
    task = asyncio.create_task(run(server, "127.0.0.1", port, ready.set))
    await ready.wait()
    address, sockets, sessions = f"http://127.0.0.1:{port}", [], []
    for _ in range(visitors):
        session = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))
        async with session.get(address) as answer:
            await answer.read()
        sessions.append(session)
        sockets.append(await session.ws_connect(f"{address}/ws?width=100&height=30", headers={"Origin": address}))
        await until_quiet(sockets[-1], "lessons finished")
    pids = [visitor._process.pid for visitor in server.present.values() if visitor._process]
    mean = lambda of: sum(map(of, pids)) / len(pids)  # noqa: E731
    home, started = mean(memory), mean(seconds)
    await asyncio.sleep(QUIET)
    idle = (mean(seconds) - started) / QUIET

    async def type_in(socket: aiohttp.ClientWebSocketResponse, keys: str, wanted: str = "", quiet: float = 1.5) -> None:
        await socket.send_json(["stdin", keys])
        await until_quiet(socket, wanted, quiet)

    for socket in sockets:
        await type_in(socket, "o-classification", "Search")
        await type_in(socket, "\r", "Enter begins")
        await type_in(socket, "\r")
    before, lesson = mean(seconds), mean(memory)
    for _ in range(KEYS):
        await asyncio.gather(*(type_in(socket, "n", quiet=0.3) for socket in sockets))
    key = (mean(seconds) - before) / KEYS
    print(f"{visitors} visitors, a process each (window 100 × 30)")
    print(
        f"  memory of one: {home:.0f} MB on the home screen, {lesson:.0f} MB in a lesson, later {mean(memory):.0f}"
    )
    print(f"  the server itself: {memory(os.getpid()):.0f} MB, {seconds(os.getpid()):.1f} s of the processor in all")
    print(f"  processor: {started:.2f} s a start, {1000 * key:.0f} ms a key, {1000 * idle:.1f} ms a quiet second")
    for session in sessions:
        await session.close()
    task.cancel()
    await asyncio.wait([task])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--visitors", type=int, default=10)
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(measure(Path(folder), parser.parse_args().visitors))


if __name__ == "__main__":
    main()
