"""What goes wrong on a phone, on request."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field


@dataclass
class Faults:
    """All of these may be changed while the phone runs; the defaults are a phone that works.

    Attributes:
        state: What it calls itself: device, recovery, sideload, bootloader.
        key: accepted (the first key that is offered), refused (nobody taps Allow), or none is asked for.
        on: The faults below that count lines are for shell commands that hold this text; empty for all.
        unplugged_after_bytes: The connection ends after so many bytes of streams, in both directions together.
        unplugged_after_lines: The connection ends after so many lines of a command's output.
        killed_after_lines: The command and what it started get SIGSEGV after so many lines.
        silent_after_lines: The command's output is held back from there on; the command goes on.
        full_after_bytes: The storage takes so many bytes of pushed files, then `No space left on device`.
        read_only: Pushed files are refused, as on a file system that is mounted for reading.
        not_executable: ARM64 programs are refused by this sentence of the shell's, such as `Permission denied`.
        copy_waits_at: Each pushed file waits after so many bytes until its size has been asked for by `stat`.
        spoiled: The first byte of each pushed file is stored wrongly.
        delay_s: Each command begins so much later.
    """

    state: str = "device"
    key: str = "none"
    on: str = ""
    unplugged_after_bytes: int | None = None
    unplugged_after_lines: int | None = None
    killed_after_lines: int | None = None
    silent_after_lines: int | None = None
    full_after_bytes: int | None = None
    read_only: bool = False
    not_executable: str = ""
    copy_waits_at: int | None = None
    spoiled: bool = False
    delay_s: float = 0.0


@dataclass
class Count:
    """Counts down to a fault, from several threads; None never gets there."""

    left: int | None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def reached(self, count: int = 1) -> bool:
        """Take so many off; True from the one on that is too many."""
        with self.lock:
            if self.left is None:
                return False
            self.left -= count
            return self.left < 0
