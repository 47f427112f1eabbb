"""The sync service: files to and from the phone.

Source: AOSP, packages/modules/adb/SYNC.TXT and file_sync_protocol.h.
"""

from __future__ import annotations

import errno
import os
import stat
import struct
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from support.phone.faults import Count, Faults
from support.phone.root import Root
from support.phone.streams import Stream

CHUNK = 64 * 1024
STAT_V2 = struct.Struct("<4sI2Q4IQ3q")
FULL, READ_ONLY = os.strerror(errno.ENOSPC), os.strerror(errno.EROFS)


class Sync:
    """One sync connection to a phone's folder."""

    def __init__(self, stream: Stream, root: Root, faults: Faults, asked: Callable[[], None]) -> None:
        self.stream, self.root, self.faults, self.asked = stream, root, faults, asked
        self.taken, self.held = Count(faults.full_after_bytes), Count(faults.copy_waits_at)

    def serve(self) -> None:
        """Answer requests until QUIT. Raises Closed."""
        answers = {b"STAT": self.stat, b"STA2": self.stat_v2, b"LST2": self.stat_v2, b"LIST": self.list}
        answers |= {b"SEND": self.take, b"RECV": self.give}
        while True:
            request, length = self._head()
            if request == b"QUIT":
                return
            answers.get(request, self.unknown)(self.stream.read(length).decode())

    def _head(self) -> tuple[bytes, int]:
        request, length = struct.unpack("<4sI", self.stream.read(8))
        return request, length

    def unknown(self, _: str) -> None:
        self._fail("unknown command")

    def _fail(self, why: str) -> None:
        self.stream.write(struct.pack("<4sI", b"FAIL", len(why.encode())) + why.encode())

    def stat(self, path: str) -> None:
        mode, size, changed = 0, 0, 0
        with suppress(OSError):
            about = self.root.stat(path)
            mode, size, changed = about.st_mode, about.st_size, int(about.st_mtime)
        self.stream.write(struct.pack("<4s3I", b"STAT", mode, size, changed))

    def stat_v2(self, path: str) -> None:
        try:
            about = self.root.stat(path)
        except OSError as error:
            self.stream.write(STAT_V2.pack(b"LST2", error.errno or errno.EIO, *(0,) * 10))
            return
        numbers = (about.st_dev, about.st_ino, about.st_mode, about.st_nlink, 2000, 2000, about.st_size)
        times = (int(about.st_atime), int(about.st_mtime), int(about.st_ctime))
        self.stream.write(STAT_V2.pack(b"LST2", 0, *numbers, *times))

    def list(self, path: str) -> None:
        folder = self.root.here(path)
        for name in sorted(entry.name for entry in folder.iterdir()) if folder.is_dir() else []:
            about = self.root.stat(f"{path}/{name}")
            head = struct.pack("<4s4I", b"DENT", about.st_mode, about.st_size, int(about.st_mtime), len(name.encode()))
            self.stream.write(head + name.encode())
        self.stream.write(struct.pack("<4s4I", b"DONE", 0, 0, 0, 0))

    def give(self, path: str) -> None:
        try:
            data = self.root.read(path)
        except OSError as error:
            self._fail(f"open failed: {error.strerror}")
            return
        for start in range(0, len(data), CHUNK):
            part = data[start : start + CHUNK]
            self.stream.write(struct.pack("<4sI", b"DATA", len(part)) + part)
        self.stream.write(struct.pack("<4sI", b"DONE", 0))

    def take(self, words: str) -> None:
        """All chunks are read whether they are stored or not; the answer comes when the last one is there."""
        path, _, mode = words.rpartition(",")
        why, changed = self._stored(self.root.here(path))
        if why:
            self.root.here(path).unlink(missing_ok=True)
            self._fail(why)
            return
        self.root.finish(path, int(mode) & 0o777 | stat.S_IWUSR, changed, spoiled=self.faults.spoiled)
        self.stream.write(struct.pack("<4sI", b"OKAY", 0))

    def _stored(self, file: Path) -> tuple[str, int]:
        """What went wrong, if anything, and when the file was changed."""
        why = READ_ONLY if self.faults.read_only else ""
        if not why:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(b"")
        while True:
            request, number = self._head()
            if request == b"DONE":
                return why, number
            part = self.stream.read(number)
            if not why and self.taken.reached(len(part)):
                why = FULL
            if self.held.reached(len(part)):
                self.held.left = None
                self.asked()
            if not why:
                with file.open("ab") as stored:
                    stored.write(part)
