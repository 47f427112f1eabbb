"""Serves one file of an engine to the process on the other end of stdin and stdout, here or in the emulator.

    python -m engines.guest

Messages are those of `levit_mobile.runners.tflite_runtime_child`. The first is an order {"engine", "path", "options"},
answered with {} or {"error"}. Then each message is a picture [1,3,H,W], answered with its logits; {"ask": "counts"},
answered with /proc/self/maps once the counting plugin has written; or {"ask": "seconds", "rounds": N}, answered with
the CPU time of each of N inferences, which leaves out what other programs took meanwhile. Every inference is between
the plugin's marks.
"""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from engines.engine import Loaded, engine
from levit_mobile.runners.tflite_runtime_child import BEGINS, ENDS, MARK, WRITE, receive, send


def main() -> None:
    """Serve until the other end closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a runtime prints goes to stderr
    order, _ = receive(requests)
    try:
        loaded = engine(order["engine"]).load(order["path"], order["options"])
    except Exception as error:  # a vendor's own kinds; the parent prints the sentence
        send(answers, {"error": first_line(error)})
        return
    send(answers, {})
    _serve(loaded, requests, answers)


def _serve(loaded: Loaded, requests: IO[bytes], answers: IO[bytes]) -> None:
    while True:
        try:
            header, picture = receive(requests)
        except EOFError:
            return
        try:
            answer = ANSWERS[header.get("ask", "logits")](loaded, header, picture)
        except Exception as error:
            send(answers, {"error": first_line(error)})
        else:
            send(answers, {}, answer)


def _logits(loaded: Loaded, header: dict[str, Any], picture: NDArray[Any]) -> NDArray[Any]:
    del header
    loaded.put(picture)
    _mark(BEGINS)
    loaded.run()
    _mark(ENDS)
    return np.asarray(loaded.get(), np.float32).reshape(1, -1)


def _counts(loaded: Loaded, header: dict[str, Any], picture: NDArray[Any]) -> NDArray[Any]:
    del loaded, header, picture
    _mark(WRITE)
    return np.frombuffer(Path("/proc/self/maps").read_bytes(), np.uint8)


def _seconds(loaded: Loaded, header: dict[str, Any], picture: NDArray[Any]) -> NDArray[Any]:
    loaded.put(picture)
    times = [time.process_time()]
    for _ in range(header["rounds"]):
        loaded.run()
        times.append(time.process_time())
    return np.diff(times)


ANSWERS = {"logits": _logits, "counts": _counts, "seconds": _seconds}


def _mark(edge: int) -> None:
    with suppress(OSError):  # the kernel knows no such call
        os.getpriority(MARK, edge)


def first_line(error: Exception) -> str:
    """The kind of an error and the first line of its text."""
    return f"{type(error).__name__}: {(str(error).strip() or 'no message').splitlines()[0]}"


if __name__ == "__main__":
    main()
