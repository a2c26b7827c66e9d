"""Who may come in: the token in the address, the visitor's cookie, and the pages that may talk to the server."""

from __future__ import annotations

import hmac
import os
import re
import secrets
from dataclasses import dataclass
from hashlib import sha256
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from tutor.text.language import say

LEAST_TOKEN = 12  # signs of a token that somebody chose
YEAR = 365 * 24 * 3600  # seconds that a browser keeps the cookie for after a visit


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches a host of that name."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


class BadToken(ValueError):
    """The file of the token has none that would keep anybody out; str() says what is wanted."""


def token_in(folder: Path) -> str:
    """The token of this server, drawn when it is first asked for and kept in a file. Raises BadToken, OSError."""
    path = folder / "token"
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(18) + "\n")
    except FileExistsError:
        pass
    token = path.read_text(encoding="utf-8", errors="replace").strip()
    if not re.fullmatch(rf"[\w.~-]{{{LEAST_TOKEN},200}}", token, re.ASCII):
        raise BadToken(
            say("the token in {file} has to be {n} letters, digits or -_.~ at least", file=path, n=LEAST_TOKEN)
        )
    return token


@dataclass(frozen=True)
class Door:
    """Lets in who brings the token, or the cookie that they got for it.

    The cookie is 256 random bits, the visitor's folder is called by their hash: who reads the names of folders, in a
    backup, for example, cannot be any of the visitors by it. `token` is "" where none is needed.
    """

    folder: Path
    token: str
    port: int
    public: str  # the address that it is reached by from elsewhere, through a proxy; "" if there is none

    @property
    def path(self) -> str:
        """The path of that address, which cookies are for: "/" or "/tutor/"."""
        return f"{urlsplit(self.public).path.rstrip('/')}/"

    @property
    def cookie(self) -> str:
        """What the cookie is called: hosts share theirs over all ports."""
        return "backprop-tutor" if self.public else f"backprop-tutor-{self.port}"

    def opened_by(self, token: str) -> bool:
        """Whether whoever brings this token may come in."""
        return not self.token or hmac.compare_digest(token.encode(), self.token.encode())

    def known(self, cookie: str | None) -> Path | None:
        """The folder of the visitor whose cookie it is; None if it is nobody's."""
        if not cookie or len(cookie) > 100:
            return None
        folder = self._folder(cookie)
        return folder if folder.is_dir() else None

    def register(self) -> str:
        """Make a folder for a new visitor; their cookie. Raises OSError."""
        cookie = secrets.token_urlsafe(32)
        folder = self._folder(cookie)
        folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.mkdir(mode=0o700)
        return cookie

    def _folder(self, cookie: str) -> Path:
        return self.folder / "visitors" / sha256(cookie.encode()).hexdigest()[:32]

    def trusts(self, origin: str | None, host: str) -> bool:
        """Whether a page from `origin` may open a connection that was addressed to `host`.

        Without a token it has to be a page of this very server by one of its own names: another site's page could
        bring the visitor's cookie, and a name of its own that leads here ("DNS rebinding").
        """
        if not origin:
            return False
        if self.public:
            return origin.casefold() == _origin(self.public)
        try:
            found = urlsplit(origin)
            port = found.port or 80
        except ValueError:
            return False
        if not self.token:
            return is_loopback(found.hostname or "") and found.scheme == "http" and port == self.port
        return found.scheme in ("http", "https") and found.netloc.casefold() == host.casefold()


def _origin(address: str) -> str:
    """scheme://host[:port] as browsers write it: in lower case, without the port that goes without saying."""
    parts = urlsplit(address)
    usual = {"http": 80, "https": 443}[parts.scheme]
    netloc = parts.netloc.casefold().rpartition("@")[2]
    return f"{parts.scheme}://{netloc.removesuffix(f':{usual}')}"
