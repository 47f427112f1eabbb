"""Talking to another process over its stdin and stdout, and what becomes of it.

A message is its length (uint64, big-endian) and its bytes. `runners/tflite_runtime_child` has messages of its own: it
runs under another interpreter, where nothing of this package can be imported.
"""

from __future__ import annotations

import os
import signal
import struct
import subprocess
from contextlib import suppress
from typing import IO

LENGTH = struct.Struct(">Q")


def send(stream: IO[bytes], message: bytes) -> None:
    """Write one message. Raises BrokenPipeError when nobody reads."""
    stream.write(LENGTH.pack(len(message)) + message)
    stream.flush()


def receive(stream: IO[bytes]) -> bytes:
    """Read one message. Raises EOFError when the stream ends before it does."""
    (count,) = LENGTH.unpack(_exactly(stream, LENGTH.size))
    return _exactly(stream, count)


def _exactly(stream: IO[bytes], count: int) -> bytes:
    data = stream.read(count)
    if len(data) < count:
        raise EOFError(f"the stream ended after {len(data)} of {count} bytes")
    return data


def own_pipes() -> tuple[IO[bytes], IO[bytes]]:
    """stdin and stdout for messages alone: what anybody prints goes to stderr from now on, and nobody reads."""
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    os.close(nothing)
    return requests, answers


def death(code: int) -> str:
    """What ended a process, by its exit status: `SIGKILL` for -9, `exit status 3` for 3."""
    if code >= 0:
        return f"exit status {code}"
    with suppress(ValueError):  # real-time signals have no names
        return signal.Signals(-code).name
    return f"signal {-code}"


def kill(process: subprocess.Popen[bytes], *, group: bool = False) -> int:
    """End a process now, if it still runs, and close its pipes; its exit status.

    With `group`, what it has started ends too: it must be at the head of a process group.
    """
    with suppress(ProcessLookupError, PermissionError):  # nobody is left in it
        os.killpg(process.pid, signal.SIGKILL) if group else process.kill()
    code = process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with suppress(OSError):  # what could not be sent, or was not read in time, is not missed
                pipe.close()
    return code
