"""One stream of a connection: what the host writes is a queue, and each message to it waits for its acknowledgement."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from contextlib import suppress

from support.phone.wire import MOST_BYTES, Message, Wire

Counted = Callable[[int], None]  # raises Closed where the number is too high


class Closed(Exception):
    """The host closed the stream, or the connection ended."""


class Stream:
    """Between our service number `local` and the host's `remote`. `count` gets every number of bytes first."""

    def __init__(self, wire: Wire, local: int, remote: int, count: Counted) -> None:
        self.local, self.remote = local, remote
        self._wire, self._count = wire, count
        self._received: queue.Queue[bytes | None] = queue.Queue()
        self._rest = b""
        self._acknowledged = threading.Semaphore(0)
        self.closed = threading.Event()
        self.on_close: Callable[[], None] = lambda: None

    def accept(self) -> None:
        """The service exists. Raises Closed."""
        self._send(b"OKAY")

    def write(self, data: bytes) -> None:
        """Send bytes, and wait until the host has taken them. Raises Closed."""
        for start in range(0, len(data), MOST_BYTES):
            part = data[start : start + MOST_BYTES]
            if self.closed.is_set():
                raise Closed
            self._count(len(part))
            self._send(b"WRTE", part)
            self._acknowledged.acquire()
            if self.closed.is_set():
                raise Closed

    def read(self, count: int) -> bytes:
        """Exactly that many bytes of the host's. Raises Closed."""
        while len(self._rest) < count:
            part = self._received.get()
            if part is None:
                raise Closed
            self._rest += part
        data, self._rest = self._rest[:count], self._rest[count:]
        return data

    def read_some(self) -> bytes:
        """The next bytes, however many. Raises Closed."""
        return self.read(len(self._rest) or 1) if self._rest else self.read(1) + self._taken()

    def _taken(self) -> bytes:
        data, self._rest = self._rest, b""
        return data

    def close(self) -> None:
        """From this side."""
        if not self.closed.is_set():
            with suppress(OSError):
                self._send(b"CLSE")
        self.end()

    # What the connection calls

    def received(self, data: bytes) -> None:
        """Take what the host wrote, and acknowledge it."""
        self._count(len(data))
        self._received.put(data)
        self._send(b"OKAY")

    def acknowledged(self) -> None:
        """The host has taken a message."""
        self._acknowledged.release()

    def end(self) -> None:
        """Nothing comes any more, and nothing can be written."""
        if not self.closed.is_set():
            self.closed.set()
            self._received.put(None)
            self._acknowledged.release()
            self.on_close()

    def _send(self, command: bytes, data: bytes = b"") -> None:
        try:
            self._wire.send(Message(command, self.local, self.remote, data))
        except OSError as error:
            raise Closed from error
