"""The command `serve`: the terminal program in a browser."""

from __future__ import annotations

import os
from socket import gethostname
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tutor.cli.errors import UsageError
from tutor.cli.finding import number, own_folders
from tutor.folders import for_data
from tutor.text.language import N_, said, say
from tutor.text.output import quote
from tutor.text.words import reason

if TYPE_CHECKING:
    from argparse import Namespace

MOST_VISITORS, MOST_PORT, MOST_MINUTES = 1000, 65535, 24 * 60


def serve(args: Namespace) -> int:
    """Serve until it is stopped. Raises UsageError, OSError."""
    port = number(args.port, "--port", MOST_PORT)
    most = number(args.visitors, "--visitors", MOST_VISITORS)
    idle = 60 * number(args.idle, "--idle", MOST_MINUTES)
    public = _public(args.public_url)
    lessons = [folder.absolute() for folder in own_folders(args)]
    try:
        from tutor.serve.door import BadToken, Door, is_loopback, token_in
        from tutor.serve.server import Server, complain, run
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("tutor"):
            raise
        raise UsageError(say("this needs an extra: {command}", command="pip install 'backprop-tutor[serve]'")) from None
    import asyncio

    folder = for_data().absolute() / "served"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        token = "" if is_loopback(args.host) and not public else token_in(folder)
    except BadToken as error:
        raise UsageError(said(error)) from None
    name = gethostname() if args.host in ("0.0.0.0", "::") else f"[{args.host}]" if ":" in args.host else args.host
    address = public or f"http://{name}:{port}/"

    def ready() -> None:
        print(say("Open {address}", address=f"{address}{f'?token={token}' * bool(token)}"))
        told = N_("Up to {n} visitors at a time; what is kept of them is in {folder}. Ctrl+C ends it.")
        print(say(told, n=most, folder=quote(str(folder))))
        if token and not public:
            print(say("Nothing is encrypted on the way: docs/serve.md says how to put a proxy before it."))

    server = Server(Door(folder, token, port, public), lessons, most, idle, complain)
    try:
        asyncio.run(run(server, args.host, port, ready))
    except OSError as error:
        if error.errno and error.errno > 0:  # asyncio tells host and port once more, in words of its own
            error = OSError(error.errno, os.strerror(error.errno))
        told = N_("cannot listen on {host}, port {port}: {why}")
        raise UsageError(say(told, host=args.host[:60], port=port, why=reason(error))) from None
    return 0


def _public(address: str) -> str:
    """An address of a folder as it is kept, with the slash at its end; "" for none. Raises UsageError."""
    if not address:
        return ""
    try:
        parts = urlsplit(address)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and not parts.query and not parts.fragment
        good = good and parts.username is None and parts.port != 0 and address.isascii() and address.isprintable()
    except ValueError:
        good = False
    if not good:
        told = N_("--public-url takes an address such as https://host/tutor/, not {given}")
        raise UsageError(say(told, given=quote(address[:80])))
    return f"{address.rstrip('/')}/"
