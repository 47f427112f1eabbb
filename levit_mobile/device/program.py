"""The user's own program adb, and how it is run."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, Self

from levit_mobile.device import refusals
from levit_mobile.errors import DeviceError
from levit_mobile.system import android_sdk
from levit_mobile.system.printable import printable

TIMEOUT_S = 30.0  # for a question to adb's own server, which takes three seconds to start


@dataclass(frozen=True, slots=True)
class Program:
    """The program adb.

    Attributes:
        path: The program.
        environ: Its environment; None for this process's own.
    """

    path: Path
    environ: Mapping[str, str] | None = field(default=None, repr=False)

    @classmethod
    def found(cls, adb: Path | None = None, *, environ: Mapping[str, str] | None = None) -> Self:
        """The adb to use.

        Args:
            adb: The program, or the folder that holds it. Default: the one in ``PATH``, in the SDK that
                ``ANDROID_HOME`` or ``ANDROID_SDK_ROOT`` names, or in an SDK's usual folder.
            environ: The environment to look in and to run it in. Default: this process's own.

        Raises:
            DeviceError: ``device.no-adb``.
        """
        if adb is not None:
            path = android_sdk.adb_of(adb)
            if not android_sdk.is_program(path):
                raise DeviceError(f"{adb} is not a program: --adb expects the path of adb", fault="no-adb")
            return cls(path, environ)
        if (found := android_sdk.adb(environ)) is not None:
            return cls(found, environ)
        raise DeviceError(
            "adb was not found in PATH, ANDROID_HOME or the usual folders of the Android SDK: install Android's "
            "platform-tools (on Debian: apt-get install adb), or give its path with --adb",
            fault="no-adb",
        )

    def command(self, *words: str, serial: str = "") -> list[str]:
        """The words of a command line."""
        return [str(self.path), *(("-s", serial) if serial else ()), *words]

    def run(
        self, *words: str, serial: str = "", timeout_s: float = TIMEOUT_S, what: str = ""
    ) -> subprocess.CompletedProcess[bytes]:
        """Run it to its end; a sentence calls it `what`.

        Raises DeviceError where it hangs or adb's server does not work; a device's errors are the caller's.

        Output goes to files: a server that adb starts may keep a pipe open.
        """
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
            process = self.start(self.command(*words, serial=serial), out.fileno(), errors.fileno())
            try:
                process.wait(timeout_s)
            except subprocess.TimeoutExpired as error:
                name = what or f"`adb {printable(words[0])}`"
                raise DeviceError(f"{name} did not end within {timeout_s:g} s", fault="hung") from error
            finally:
                end(process)
            texts = [_whole(file.fileno()) for file in (out, errors)]
        if process.returncode and not texts[0]:  # a command that printed something was reached
            self._check_server(texts[1].decode(errors="replace"))
        return subprocess.CompletedProcess(process.args, process.returncode, *texts)

    def start(self, command: Sequence[str], out: int, errors: int) -> subprocess.Popen[bytes]:
        """Start a command of adb's, in a group of its own: Ctrl-C is for this process to decide on."""
        try:
            return subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=errors, env=self.environ, process_group=0
            )
        except OSError as error:
            raise DeviceError(f"{self.path} could not be started: {error.strerror}", fault="no-adb") from error

    @staticmethod
    def _check_server(errors: str) -> None:
        if why := refusals.server_error(errors):
            raise DeviceError(
                f"adb's server does not work: {why}; run `adb kill-server`, and use one adb for all programs, "
                "such as the IDE's (--adb PATH)",
                fault="adb-server",
            )


@dataclass(frozen=True, slots=True)
class Done:
    """A command that has ended.

    Attributes:
        code: Its exit code.
        stdout: Its output; on a phone older than Android 7 its error output too.
        stderr: Its error output.
    """

    code: int
    stdout: bytes
    stderr: bytes

    @property
    def text(self) -> str:
        """The output as text, with plain line ends."""
        return self.stdout.decode(errors="replace").replace("\r\n", "\n")


class Reached(Protocol):
    """What commands and copies need of a phone."""

    @property
    def adb(self) -> Program:
        """The program that reaches it."""

    @property
    def serial(self) -> str:
        """Its serial number."""

    @property
    def name(self) -> str:
        """How sentences call it."""

    def shell(self, command: str, *, timeout_s: float = ..., check: bool = ...) -> Done:
        """Run a command to its end. Raises DeviceError."""

    def logcat_tail(self, lines: int = ...) -> tuple[str, ...]:
        """The last lines of the phone's log; none where it cannot be read."""


def end(process: subprocess.Popen[bytes]) -> None:
    """No process is left, whatever it is at."""
    if process.poll() is None:
        process.kill()
        process.wait()


def _whole(descriptor: int) -> bytes:
    with os.fdopen(os.dup(descriptor), "rb") as file:
        file.seek(0)
        return file.read()
