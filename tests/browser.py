"""A real browser, driven through the pipe of its debugging protocol; the tests that need one are skipped without."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

PATH = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-background-networking --no-first-run --disable-dev-shm-usage "
    "--disable-extensions --disable-component-update --hide-scrollbars --remote-debugging-pipe"
).split()
CODES = {"ArrowRight": 39, "ArrowLeft": 37, "Enter": 13, "Home": 36, "End": 35, "Tab": 9}


class Browser:
    """One tab. `requests` and `complaints` have every address asked for and every error of the console."""

    def __init__(self, profile: Path):
        self._in, theirs_out = os.pipe()  # what it writes on its 4, and reads from its 3
        theirs_in, self._out = os.pipe()
        assert PATH is not None

        def wired() -> None:
            # Neither end may be 3 or 4 itself before it is put there.
            read, write = os.dup2(theirs_in, 10), os.dup2(theirs_out, 11)
            os.dup2(read, 3), os.dup2(write, 4)

        self._process = subprocess.Popen(
            [PATH, *FLAGS, f"--user-data-dir={profile}", "about:blank"],
            preexec_fn=wired,
            close_fds=False,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs_in), os.close(theirs_out)
        self._number, self._buffer, self._session = 0, b"", ""
        self.requests: list[str] = []
        self.complaints: list[str] = []
        pages = [t for t in self("Target.getTargets")["targetInfos"] if t["type"] == "page"]
        target = pages[0]["targetId"] if pages else self("Target.createTarget", url="about:blank")["targetId"]
        self._session = self("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self(f"{domain}.enable")

    def __call__(self, method: str, **params: Any) -> dict[str, Any]:
        """Send one command and wait for its answer; what is told in between is kept."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer["error"]
                return answer["result"]
            self._keep(answer)

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            part = os.read(self._in, 1 << 16)
            assert part, "the browser has gone"
            self._buffer += part
        line, self._buffer = self._buffer.split(b"\0", 1)
        return json.loads(line)

    def _keep(self, event: dict[str, Any]) -> None:
        method, params = event.get("method"), event.get("params", {})
        if method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif method == "Runtime.exceptionThrown":
            self.complaints.append(str(params["exceptionDetails"]))
        elif method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning"):
            self.complaints.append(str(params["args"]))
        elif method == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
            self.complaints.append(params["entry"]["text"])

    def open(self, path: Path, width: int = 1280, height: int = 800, ready: str = "!!window.tutor") -> None:
        """Open a file in a window of this size; when its script is ready."""
        self("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
        self("Page.navigate", url=path.resolve().as_uri())
        until = time.monotonic() + 60
        while not self.run(ready) and time.monotonic() < until:
            time.sleep(0.02)
        assert self.run(ready), self.complaints

    def run(self, script: str) -> Any:
        """The value of an expression in the page."""
        found = self("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def press(self, *keys: str) -> None:
        """Press keys as a person does; a key of several letters is a name."""
        for key in keys:
            text = {"text": key} if len(key) == 1 else {"text": "\r"} if key == "Enter" else {}
            code = CODES.get(key, 0)
            self("Input.dispatchKeyEvent", type="keyDown", key=key, windowsVirtualKeyCode=code, **text)
            self("Input.dispatchKeyEvent", type="keyUp", key=key, windowsVirtualKeyCode=code)

    def type(self, text: str) -> None:
        """Put text where the focus is."""
        self("Input.insertText", text=text)

    def picture(self, path: Path) -> None:
        """What is seen, as a PNG."""
        path.write_bytes(base64.b64decode(self("Page.captureScreenshot", format="png")["data"]))

    def close(self) -> None:
        """End it."""
        os.close(self._out)
        self._process.kill()
        self._process.wait()
        os.close(self._in)
