"""Chromium without a window: what a page becomes, how it looks, and what it would fetch."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from html import escape, unescape
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
QUIET = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--proxy-server=127.0.0.1:9",  # nothing listens there, and no name resolves: nothing can leave
    "--host-resolver-rules=MAP * ~NOTFOUND",
)
ITS_OWN = "not an origin"  # the initiator of what the browser itself asks for, updates and the like
TIMEOUT_S = 120


def chromium() -> str:
    """The browser's path. Without one the test is skipped, and fails in CI, where there must be one."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        missing = "no Chromium: apt-get install --no-install-recommends chromium"
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
    return found


@dataclass(frozen=True)
class Opened:
    """The document after all of it ran, and the addresses that it asked for."""

    dom: str
    requests: tuple[str, ...]


def opened(file: Path) -> Opened:
    """Open a page as a reader would, by its file."""
    with tempfile.TemporaryDirectory() as profile:
        log = Path(profile) / "net.json"
        dom = _run(profile, f"--log-net-log={log}", "--dump-dom", file.as_uri())
        events = json.loads(log.read_text(encoding="utf-8"))["events"]
    asked = [event["params"] for event in events if "initiator" in event.get("params", {})]
    return Opened(dom, tuple(request["url"] for request in asked if request["initiator"] != ITS_OWN))


def driven(html: str, script: str, *, width: int = 1280, scripts: bool = True) -> Any:
    """What `script` returns, a function body that sees the page as `page`, in a frame of `width` px.

    Without `scripts` the page's own do not run.
    """
    sandbox = "" if scripts else ' sandbox="allow-same-origin"'
    frame = f'<iframe{sandbox} style="width:{width}px;height:900px;border:0" srcdoc="{escape(html)}"></iframe>'
    call = f"const page = document.querySelector('iframe').contentDocument; return (() => {{{script}}})();"
    drive = f"onload = () => {{ document.title = JSON.stringify((() => {{{call}}})()); }};"
    with tempfile.TemporaryDirectory() as profile:
        file = Path(profile) / "frame.html"
        file.write_text(f"<meta charset=utf-8><title></title><script>{drive}</script>{frame}", encoding="utf-8")
        dom = _run(profile, f"--window-size={width + 200},1000", "--dump-dom", file.as_uri())
    return json.loads(unescape(dom.partition("<title>")[2].partition("</title>")[0]))


def complaints(file: Path) -> tuple[str, ...]:
    """What a page's console says: errors, what its policy refused, and whatever its scripts print."""
    with tempfile.TemporaryDirectory() as profile:
        command = [chromium(), *QUIET, f"--user-data-dir={profile}", "--enable-logging=stderr", "--dump-dom"]
        done = subprocess.run([*command, file.as_uri()], capture_output=True, text=True, timeout=TIMEOUT_S, check=True)
    return tuple(line for line in done.stderr.splitlines() if ":CONSOLE" in line)


def printed(file: Path, out: Path) -> None:
    """A PDF of the page, as it comes on paper."""
    with tempfile.TemporaryDirectory() as profile:
        _run(profile, "--no-pdf-header-footer", f"--print-to-pdf={out}", file.as_uri())


def screenshot(file: Path, out: Path, *, width: int, height: int, dark: bool = False) -> None:
    """A PNG of the page's first `height` px, in a window of that size."""
    with tempfile.TemporaryDirectory() as profile:
        mode = ["--force-dark-mode"] if dark else []
        _run(profile, *mode, f"--window-size={width},{height}", f"--screenshot={out}", file.as_uri())


def _run(profile: str, *arguments: str) -> str:
    command = [chromium(), *QUIET, f"--user-data-dir={profile}", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=True).stdout
