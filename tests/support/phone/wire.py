"""Messages between an adb server and a device: 24 bytes of header, and a payload.

Source: AOSP, packages/modules/adb/protocol.txt.
"""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import suppress
from dataclasses import dataclass

HEADER = struct.Struct("<4s5I")
VERSION = 0x01000001  # from here on checksums are not looked at
MOST_BYTES = 256 * 1024
TOKEN, SIGNATURE, PUBLIC_KEY = 1, 2, 3  # the kinds of AUTH


@dataclass(frozen=True)
class Message:
    """One message; `first` and `second` are its two arguments."""

    command: bytes
    first: int = 0
    second: int = 0
    data: bytes = b""


class Wire:
    """A connection, on which several threads may send."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection, self._sending = connection, threading.Lock()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, message: Message) -> None:
        """Raises OSError when the connection is closed."""
        magic = int.from_bytes(message.command, "little") ^ 0xFFFFFFFF
        checksum = sum(message.data) & 0xFFFFFFFF
        head = HEADER.pack(message.command, message.first, message.second, len(message.data), checksum, magic)
        with self._sending:
            self._connection.sendall(head + message.data)

    def receive(self) -> Message:
        """Raises EOFError or OSError when the connection is closed."""
        command, first, second, length, _, magic = HEADER.unpack(self._exactly(HEADER.size))
        if magic != int.from_bytes(command, "little") ^ 0xFFFFFFFF:
            raise EOFError(f"not a message of adb: {command!r}")
        return Message(command, first, second, self._exactly(length))

    def _exactly(self, count: int) -> bytes:
        data = bytearray()
        while len(data) < count:
            part = self._connection.recv(count - len(data))
            if not part:
                raise EOFError("the connection ended")
            data += part
        return bytes(data)

    def close(self) -> None:
        """End the connection, also for a thread that waits for a message."""
        with suppress(OSError):  # the other side was faster
            self._connection.shutdown(socket.SHUT_RDWR)
        self._connection.close()
