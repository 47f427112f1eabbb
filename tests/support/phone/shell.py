"""The shell services of a phone, the new one (shell_v2: packets, exit code) and the old one (one stream of bytes).

Source: AOSP, packages/modules/adb/shell_protocol.h and daemon/shell_service.cpp.
"""

from __future__ import annotations

import os
import signal
import struct
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO

from support.phone.faults import Count, Faults
from support.phone.root import Root
from support.phone.streams import Closed, Stream

STDIN, STDOUT, STDERR, EXIT, CLOSE_STDIN = range(5)
PACKET = struct.Struct("<BI")


class Shell:
    """One command of the phone's shell."""

    def __init__(self, stream: Stream, root: Root, faults: Faults, unplug: Callable[[], None]) -> None:
        self.stream, self.root, self.unplug = stream, root, unplug
        self.faults, self.command, self.ended = faults, "", False

    def serve(self, command: str, *, packets: bool) -> None:
        """Run it, and stay until its output ends. Raises Closed."""
        self.command, self.packets = command, packets
        self.faults = self.faults if self.faults.on in command else Faults()
        self.lines = {name: Count(getattr(self.faults, f"{name}_after_lines")) for name in FAULTS}
        time.sleep(self.faults.delay_s)
        self.process = subprocess.Popen(
            ["/bin/sh", "-c", self.root.translated(command)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE if packets else subprocess.STDOUT,
            cwd=self.root.path,
            env=self.root.environ,
            start_new_session=True,
        )
        self.stream.on_close = self.hang_up
        threads = [threading.Thread(target=self._pump, args=pipe, daemon=True) for pipe in self._pipes()]
        threading.Thread(target=self._feed, daemon=True).start()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        code = self.process.wait()
        self.ended = True
        if packets:
            self.stream.write(PACKET.pack(EXIT, 1) + bytes([code if code >= 0 else 128 - code]))

    def _pipes(self) -> list[tuple[int, IO[bytes]]]:
        pipes = ((STDOUT, self.process.stdout), (STDERR, self.process.stderr))
        return [(kind, pipe) for kind, pipe in pipes if pipe is not None]

    def _pump(self, kind: int, pipe: IO[bytes]) -> None:
        with pipe, suppress(Closed):
            for line in pipe:
                if kind == STDOUT and not self._goes_on():
                    continue
                data = self.root.printed(line)
                self.stream.write(PACKET.pack(kind, len(data)) + data if self.packets else data)

    def _goes_on(self) -> bool:
        """Plays the faults that count lines; is the line still sent?"""
        if self.lines["unplugged"].reached():
            self.unplug()
            return False
        if self.lines["killed"].reached():
            self.lines["killed"].left = None
            self._kill_programs()
        return not self.lines["silent"].reached()

    def _kill_programs(self) -> None:
        for process in _session(self.process.pid):
            with suppress(OSError):
                if Path(f"/proc/{process}/comm").read_text().startswith("qemu-"):
                    os.kill(process, signal.SIGSEGV)

    def _feed(self) -> None:
        """The host's packets to the command's input."""
        assert self.process.stdin is not None
        with suppress(Closed, OSError), self.process.stdin as pipe:
            while True:
                if not self.packets:
                    pipe.write(self.stream.read_some())
                    pipe.flush()
                    continue
                kind, length = PACKET.unpack(self.stream.read(PACKET.size))
                data = self.stream.read(length)
                if kind == CLOSE_STDIN:
                    return
                if kind == STDIN:
                    pipe.write(data)
                    pipe.flush()

    def hang_up(self) -> None:
        """What adbd does when the host goes away: the shell is told, and nobody else."""
        with suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGHUP)

    def end(self) -> None:
        """The phone is switched off."""
        for process in _session(self.process.pid):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)


FAULTS = ("unplugged", "killed", "silent")


def _session(leader: int) -> list[int]:
    """The processes of a session, by their number."""
    found = []
    for entry in Path("/proc").iterdir():
        with suppress(OSError, ValueError):
            if int((entry / "stat").read_text().rpartition(")")[2].split()[3]) == leader:
                found.append(int(entry.name))
    return found
