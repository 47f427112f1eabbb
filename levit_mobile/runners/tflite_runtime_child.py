"""Runs a `.tflite` with a runtime of another interpreter: the script that this other interpreter executes.

It runs under Python 3.9 to 3.13 with the standard library, numpy and the runtime: tflite-runtime in its isolated
environment, or LiteRT for ARM64 in an emulator. It never sees levit_mobile. The parent imports `send` and `receive`
from here, so that both ends have one idea of a message:

    header length, body length (uint32 each, big-endian) | header: a JSON object in UTF-8 | body: one `.npy`

The first message is an order {"path", "module", "threads", "source", "result"}, answered with {} or {"error"}. Then
each message is the input of one picture, answered with its logits or {"error"}, until the parent closes its end.

An order with {"counted": true} may leave the last two out. It is answered with the input's {"shape", "dtype"}, every
inference stands between marks for arm64/guest/counting.c, and a message with an empty body asks for the counts to be
written: it is answered with /proc/self/maps.
"""

from __future__ import annotations

import io
import json
import os
import signal
import struct
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import IO, Any, Optional

import numpy as np
from numpy.typing import NDArray

LENGTHS = struct.Struct(">II")
MARK, BEGINS, ENDS, WRITE = 0x4C655669, 0, 1, 4  # as counting.c has them
NOTHING: NDArray[Any] = np.empty(0, np.uint8)


def send(stream: IO[bytes], header: dict[str, Any], array: NDArray[Any] = NOTHING) -> None:
    """Write one message. Raises BrokenPipeError when nobody reads, ValueError for an array of Python objects."""
    head, body = json.dumps(header).encode(), io.BytesIO()
    np.lib.format.write_array(body, array, allow_pickle=False)
    stream.write(LENGTHS.pack(len(head), body.tell()) + head + body.getvalue())
    stream.flush()


def receive(stream: IO[bytes]) -> tuple[dict[str, Any], NDArray[Any]]:
    """Read one message. Raises EOFError when the stream ends before it does, ValueError when it is not one."""
    head_bytes, body_bytes = LENGTHS.unpack(_exactly(stream, LENGTHS.size))
    header = json.loads(_exactly(stream, head_bytes))
    return header, np.lib.format.read_array(io.BytesIO(_exactly(stream, body_bytes)), allow_pickle=False)


def _exactly(stream: IO[bytes], count: int) -> bytes:
    data = stream.read(count)
    if len(data) < count:
        raise EOFError(f"the stream ended after {len(data)} of {count} bytes")
    return data


def main() -> None:
    """Serve the process on the other end of stdin and stdout until it goes away."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # a parent that is gone wants no traceback
    requests, answers = _own_pipes()
    order, _ = receive(requests)
    try:
        answer, run = _loaded(**order)
    except (ValueError, RuntimeError) as error:
        send(answers, {"error": _first_line(error)})
        return
    send(answers, answer)
    _serve(run, requests, answers)


def _own_pipes() -> tuple[IO[bytes], IO[bytes]]:
    """stdin and stdout for messages alone: what the runtime prints goes to stderr from now on."""
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return requests, answers


def _loaded(
    path: str,
    module: str,
    threads: int,
    source: Optional[str] = None,  # noqa: UP045, as Python 3.9 has it
    result: Optional[str] = None,  # noqa: UP045
    counted: bool = False,
) -> tuple[dict[str, Any], Callable[[NDArray[Any]], NDArray[Any]]]:
    """The order's answer, and the model's one signature as a function from its one input to its one output."""
    content = None if _is_text(path) else Path(path).read_bytes()  # the runtime opens no other path
    interpreter = import_module(module).Interpreter(None if content else path, content, num_threads=threads)
    interpreter.allocate_tensors()  # an op without a kernel is refused now, not with the first picture
    signature = interpreter.get_signature_runner()
    inputs, outputs = signature.get_input_details(), signature.get_output_details()
    found, wanted = (list(inputs), list(outputs)), ([source], [result])
    if found != wanted and not (counted and source is None and (len(inputs), len(outputs)) == (1, 1)):
        raise ValueError(f"the model's signature is {found[0]} -> {found[1]}, expected {wanted[0]} -> {wanted[1]}")
    if not counted:
        return {}, lambda image: np.asarray(signature(**{found[0][0]: image})[result])
    (into,), (out,) = inputs.values(), outputs.values()
    answer = {"shape": [int(size) for size in into["shape"]], "dtype": np.dtype(into["dtype"]).name}
    return answer, lambda image: _counted(interpreter, into["index"], out["index"], image)


def _is_text(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def _counted(interpreter: Any, source: int, result: int, image: NDArray[Any]) -> NDArray[Any]:
    """One inference between its marks, or /proc/self/maps after the counts were written."""
    if not image.size:
        _mark(WRITE)
        return np.frombuffer(Path("/proc/self/maps").read_bytes(), np.uint8)
    interpreter.set_tensor(source, image)
    _mark(BEGINS)
    interpreter.invoke()
    _mark(ENDS)
    return np.asarray(interpreter.get_tensor(result))


def _mark(edge: int) -> None:
    with suppress(OSError):  # the kernel knows no such call
        os.getpriority(MARK, edge)


def _serve(run: Callable[[NDArray[Any]], NDArray[Any]], requests: IO[bytes], answers: IO[bytes]) -> None:
    while True:
        try:
            _, image = receive(requests)
        except EOFError:
            return
        try:
            logits = run(image)
        except (ValueError, RuntimeError) as error:
            send(answers, {"error": _first_line(error)})
        else:
            send(answers, {}, logits)


def _first_line(error: Exception) -> str:
    return (str(error).strip() or "no message").splitlines()[0]


if __name__ == "__main__":
    main()
