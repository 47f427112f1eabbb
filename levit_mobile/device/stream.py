"""One long command on a phone, read line by line, that ends with whoever reads it.

adb gives the exit code of a command only where both sides are new enough, and leaves what the command has started
running when it is cut off. The command is therefore started by a few lines of shell, which print the number of their
process and the exit code, and which end everything below them when the connection goes away.
"""

from __future__ import annotations

import queue
import shlex
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from types import TracebackType
from typing import IO, Self

from levit_mobile.device import refusals
from levit_mobile.device.program import Reached, end
from levit_mobile.errors import DeviceError
from levit_mobile.system import pipes

STARTED, ENDED = b"@levit-mobile started ", b"@levit-mobile ended "
# Its process is the head of a group, which adbd makes; where it does not, the command alone is ended. The first signal
# lets a program put things in order; `GRACE_S` later the second one ends whatever is left. Not every shell becomes the
# last command of its `-c`: dash stays above it, and has a trap so that it ends after the command and not before.
SCRIPT = """echo "@levit-mobile started $$"
stop() {{
    trap '' TERM HUP
    kill -TERM -$$ 2>/dev/null || kill -TERM $command
    i=0
    while [ $i -lt {tenths} ] && kill -0 $command 2>/dev/null; do sleep 0.1; i=$((i + 1)); done
    kill -KILL -$$ 2>/dev/null || kill -KILL $command 2>/dev/null
    exit 143
}}
trap stop TERM HUP
sh -c {command} </dev/null &
command=$!
wait $command
echo "@levit-mobile ended $?"
"""
TRAPPED = 'trap "exit 143" TERM HUP\n{command}'
# From outside: ask that shell to stop, and wait until nothing is left of it.
KILL = """kill -TERM {pid} 2>/dev/null
i=0
while [ $i -lt {tenths} ] && kill -0 {pid} 2>/dev/null; do sleep 0.1; i=$((i + 1)); done
kill -KILL -{pid} 2>/dev/null || kill -KILL {pid} 2>/dev/null"""
GRACE_S = 10  # longer than the script of a run waits for its own programs
KILLING_S = 30.0  # longer than that, on a slow phone too
KEPT_LINES = 100  # of what a command prints on stderr
BY_SIGNAL = 128  # exit codes of a shell above it are those of killed programs


class Stream:
    """An iterator over the lines that a command prints, each without its line end.

    It ends when the command does with exit code 0. Use it in a ``with`` block: leaving the block in any way ends the
    command on the phone and adb's process here.

    Args:
        phone: Where the command runs.
        command: For the phone's shell.
        silence_s: Longest time without a line, in seconds. Default: as long as it takes.

    Attributes:
        code: The command's exit code, once it has ended.

    Raises:
        DeviceError: While reading: the phone went away (``device.gone``), the command printed nothing for too long
            (``device.hung``), was refused (``device.not-executable``, ``device.full``, ``device.read-only``) or ended
            with a different exit code (``device.crashed``).
    """

    def __init__(self, phone: Reached, command: str, *, silence_s: float | None = None) -> None:
        self._phone, self._silence_s = phone, silence_s
        self.code: int | None = None
        self._pid, self._closed = "", False
        self._errors: deque[bytes] = deque(maxlen=KEPT_LINES)
        self._lines: queue.Queue[bytes | None] = queue.Queue()
        trapped = shlex.quote(TRAPPED.format(command=command))
        script = SCRIPT.format(command=trapped, tenths=10 * GRACE_S)
        words = phone.adb.command("shell", script, serial=phone.serial)
        self._process = phone.adb.start(words, subprocess.PIPE, subprocess.PIPE)
        self._threads = [self._reader(self._process.stdout, self._lines.put, at_end=lambda: self._lines.put(None))]
        self._threads.append(self._reader(self._process.stderr, self._errors.append))

    @staticmethod
    def _reader(
        pipe: IO[bytes] | None, take: Callable[[bytes], object], *, at_end: Callable[[], object] = lambda: None
    ) -> threading.Thread:
        def read() -> None:
            assert pipe is not None
            with pipe:
                for line in pipe:
                    take(line.rstrip(b"\r\n"))
            at_end()

        thread = threading.Thread(target=read, daemon=True)
        thread.start()
        return thread

    @property
    def errors(self) -> tuple[str, ...]:
        """The last lines that the command printed on stderr; none where the phone's adbd is older than Android 7."""
        return tuple(line.decode(errors="replace") for line in tuple(self._errors))

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        while not self._closed:
            line = self._next_line()
            if line is None:
                self._end()
            elif line.startswith(STARTED):
                self._pid = line.removeprefix(STARTED).decode()
            elif ENDED in line:
                line, _, code = line.rpartition(ENDED)
                self.code = int(code)
                if line:
                    return line
            else:
                return line
        raise StopIteration

    def _next_line(self) -> bytes | None:
        try:
            return self._lines.get(timeout=self._silence_s)
        except queue.Empty:
            log = self._phone.logcat_tail()
            self.close()
            raise DeviceError(
                f"the command on {self._phone.name} printed nothing for {self._silence_s:g} s and was ended",
                fault="hung",
                log=log,
            ) from None

    def _end(self) -> None:
        """The last line was read: why. Raises DeviceError."""
        self._threads[1].join(KILLING_S)
        process_code = self._process.wait()
        if self.code is None and process_code > BY_SIGNAL and process_code != 255:
            self.code = process_code  # the shell itself was killed
        self.close()
        if self.code != 0:
            raise self._failure()

    def _failure(self) -> DeviceError:
        printed = b"\n".join(self._errors)
        if not self._pid and (known := refusals.of_connection(self._phone.name, printed)):
            return known
        if self.code is None:
            gone = f"the connection to {self._phone.name} ended in the middle of the command: check the cable"
            return DeviceError(gone, fault="gone")
        if self.code <= BY_SIGNAL and (known := refusals.of_command(self._phone.name, printed)):
            return known
        death = pipes.death(BY_SIGNAL - self.code if self.code > BY_SIGNAL else self.code)
        last = f": {refusals.last_line(printed)}" if printed.strip() else ""
        log = self._phone.logcat_tail()
        return DeviceError(f"the command on {self._phone.name} ended with {death}{last}", fault="crashed", log=log)

    def close(self) -> None:
        """End the command, here and on the phone; nothing happens where it has ended."""
        if self._closed:
            return
        self._closed = True
        try:
            if self.code is None and self._pid and self._process.poll() is None:
                kill = KILL.format(pid=self._pid, tenths=10 * (GRACE_S + 2))
                with suppress(DeviceError):  # a phone that is gone ends it by itself
                    self._phone.adb.run("shell", kill, serial=self._phone.serial, timeout_s=KILLING_S)
        finally:
            end(self._process)
            for thread in self._threads:
                thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
