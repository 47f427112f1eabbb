"""What adb and a phone's shell print when something fails, and the error that it means.

Source: AOSP: packages/modules/adb (client/adb_client.cpp, adb.cpp, transport.cpp), and the shell's sentences in
external/mksh/src/exec.c.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from levit_mobile.errors import DeviceError
from levit_mobile.system.printable import printable


@dataclass(frozen=True, slots=True)
class Refusal:
    """A pattern of what was printed, the fault it means, and a sentence about the device `{}`."""

    pattern: str
    sentence: str
    fault: str


# The states of `adb devices`, by how they begin.
STATES = (
    Refusal(
        "unauthorized|authorizing",
        "{} has not allowed this computer to use it: unlock it and confirm 'Allow USB debugging' on its screen",
        fault="unauthorised",
    ),
    Refusal(
        "no permissions",
        "this user may not open the USB port of {}: add a udev rule for it (on Debian: apt-get install "
        "android-sdk-platform-tools-common, and join the group plugdev), then plug it in again",
        fault="no-permissions",
    ),
    Refusal(
        "offline|connecting|detached|unknown",
        "{} is connected but does not answer: unplug it and plug it in again, or run `adb reconnect`",
        fault="offline",
    ),
    Refusal("", "{} has not started Android: restart it with `adb reboot`", fault="state"),
)
# What adb prints about the connection.
CONNECTION = (
    Refusal(r"device unauthorized|device still authorizing", STATES[0].sentence, fault="unauthorised"),
    Refusal(r"insufficient permissions for device", STATES[1].sentence, fault="no-permissions"),
    Refusal(
        r"device (?:'.*' )?(?:not found|offline)|no devices|device still connecting|error: closed|connection reset"
        r"|protocol fault|connect failed|failed to read|couldn't read|Broken pipe|EOF|no such device",
        "the connection to {} ended: check the cable, and run the command again",
        fault="gone",
    ),
)
# What the phone's shell, its commands and its side of a push print.
COMMANDS = (
    Refusal(
        r"No space left on device",
        "the storage of {} is full: free some space on it and run the command again",
        fault="full",
    ),
    Refusal(
        r"not executable: (?:32|64)-bit ELF|[Ee]xec format error",
        "{} cannot run 64-bit ARM programs, which this tool needs",
        fault="not-executable",
    ),
    Refusal(
        r"can't execute|cannot execute|failed to map segment|sh: (?:\d+: )?\./\S*: Permission denied",
        "{} does not permit programs to run in /data/local/tmp: its kernel or its SELinux rules refuse it",
        fault="not-executable",
    ),
    Refusal(
        r"Read-only file system|(?:creat|mkdir|secure_mkdirs|open failed|write)[^\n]*Permission denied",
        "the folder on {} may not be written by the user shell of adb",
        fault="read-only",
    ),
)
SERVER = re.compile(
    r"cannot connect to daemon|failed to (?:start|check|read|initialize)|could not install|Address already in use"
    r"|server version \(\d+\) doesn't match this client|protocol fault|Connection refused",
)


def server_error(errors: str) -> str | None:
    """What adb printed about its own server, or None where the error is a different one."""
    lines = [line for line in errors.splitlines() if SERVER.search(line)]
    versions = [line for line in lines if "doesn't match" in line]
    about_server = [line for line in lines if "daemon" in line or "smartsocket" in line or "server" in line.lower()]
    found = versions[:1] + about_server[-1:]
    return printable("; ".join(line.strip("* ") for line in dict.fromkeys(found))) if found else None


def not_ready(name: str, state: str, *, others: str = "") -> DeviceError:
    """The error of a device that adb lists in a state that is not `device`."""
    found = next(row for row in STATES if re.match(row.pattern, state))
    also = f" (its state is {printable(state)})" if found.fault == "state" else ""
    rest = f"; also connected: {others}" if others else ""
    return DeviceError(f"{found.sentence.format(name)}{also}{rest}", fault=found.fault)


def of_connection(name: str, printed: bytes) -> DeviceError | None:
    """The error that adb printed about the connection, or None."""
    return _first(CONNECTION, name, printed)


def of_command(name: str, printed: bytes) -> DeviceError | None:
    """The error that a command on the phone, or the phone's side of a push, printed, or None for an unknown one."""
    return _first(COMMANDS, name, printed)


def _first(rows: tuple[Refusal, ...], name: str, printed: bytes) -> DeviceError | None:
    text = printed.decode(errors="replace")
    found = next((row for row in rows if re.search(row.pattern, text)), None)
    return DeviceError(found.sentence.format(name), fault=found.fault) if found else None


def last_line(printed: bytes) -> str:
    """The last line that is not empty, safe to print."""
    lines = [line for line in printed.decode(errors="replace").splitlines() if line.strip()]
    return printable(lines[-1].strip()) if lines else "nothing was printed"


def reason(printed: bytes) -> str:
    """The line that adb marks as an error, or else the last one."""
    marked = [line for line in printed.splitlines() if b"error" in line]
    return last_line(marked[0] if marked else printed).removeprefix("adb: ").removeprefix("error: ")
