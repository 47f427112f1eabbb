"""Apple's `devicectl`, called so that its answer is JSON.

Only its JSON is stable, and each of its fields may be missing: cargo-mobile2, issue 443, shows a phone without a name.
Source of the commands: `xcrun devicectl help` of Xcode 26.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from levit_mobile.errors import DeviceError, RunnerUnavailable
from levit_mobile.system.printable import printable

CALL_S = 120.0
# "was not, or could not be, unlocked" is what a locked iPhone answers; "blocked" is something else.
_LOCKED = re.compile(r"\b(?:un)?locked\b", re.IGNORECASE)
# The words of devicectl, of FrontBoard and of the lookup of a container for an identifier that no app has.
_NO_APP = re.compile(
    r"not installed|unknown to FrontBoard|(?:unable|failed) to (?:find|locate) .*\bapp|ContainerLookup", re.IGNORECASE
)


class Devicectl:
    """The program on this Mac."""

    def __init__(self) -> None:
        """Raises RunnerUnavailable off a Mac (``runner.platform``) and without Xcode (``runner.not-installed``)."""
        if not is_mac():
            raise RunnerUnavailable(
                f"devicectl, by which Xcode reaches iPhones, runs on macOS only; this machine runs {sys.platform}",
                fault="platform",
            )
        found = shutil.which("xcrun")
        if found is None:
            raise RunnerUnavailable("xcrun was not found: install Xcode 15 or newer", fault="not-installed")
        self._xcrun = found

    def call(self, command: str, *words: str, timeout_s: float = CALL_S) -> Mapping[str, Any]:
        """Run a command and return the ``result`` of its JSON.

        Args:
            command: The words that name it, such as "list devices".
            *words: Its options and arguments. Those of an app that is started come last, after the app.
            timeout_s: Longest time that it may take, in s.

        Raises:
            DeviceError: It failed (``device.failed``, or what its words mean), or did not end (``device.offline``).
        """
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "out.json")
            # Behind the identifier of an app, an option would be one of the app's own arguments.
            called = [self._xcrun, "devicectl", *command.split(), "--json-output", str(file), *words]
            try:
                done = subprocess.run(called, capture_output=True, text=True, timeout=timeout_s, check=False)
            except subprocess.TimeoutExpired as error:
                raise DeviceError(f"devicectl {command} did not end within {timeout_s:g} s", fault="offline") from error
            made = _read(file)
        result = made.get("result")
        if done.returncode or at(made, "info", "outcome") == "failed":
            raise _failure(command, made, done.stderr)
        return result if isinstance(result, Mapping) else {}


def is_mac() -> bool:
    """Whether this machine runs macOS."""
    return sys.platform == "darwin"


def at(data: object, *keys: str) -> object:
    """The value at a path of keys; None where one is missing."""
    for key in keys:
        if not isinstance(data, Mapping):
            return None
        data = data.get(key)
    return data


def mappings(data: object) -> Iterator[Mapping[str, Any]]:
    """The objects in a list of JSON; nothing where it is no list."""
    for one in data if isinstance(data, list) else []:
        if isinstance(one, Mapping):
            yield one


def _failure(command: str, made: Mapping[str, Any], stderr: str) -> DeviceError:
    stated = at(made, "error", "userInfo", "NSLocalizedDescription", "string")
    lines = [line for line in stderr.splitlines() if line.strip()]
    why = printable(str(stated or (lines[-1] if lines else "nothing was printed")))[:300]
    everything = f"{json.dumps(made.get('error'))} {stderr}"  # an underlying error has the reason
    if _LOCKED.search(everything):
        return DeviceError(f"the iPhone is locked: unlock it and keep it on ({why})", fault="state")
    if "install" in command:
        return DeviceError(f"devicectl {command} failed: {why}", fault="install")
    if _NO_APP.search(everything):
        return DeviceError(
            "the demo app is not installed on the iPhone: give it with --app or --team, or run it once from Xcode "
            f"({why})",
            fault="no-app",
        )
    return DeviceError(f"devicectl {command} failed: {why}", fault="failed")


def _read(file: Path) -> Mapping[str, Any]:
    try:
        made = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return {}
    return made if isinstance(made, Mapping) else {}
