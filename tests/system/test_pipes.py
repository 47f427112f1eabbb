"""Messages between processes, whole or not at all, and how a process ended."""

from __future__ import annotations

import io
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.worker_tasks import runs

from levit_mobile.runners import tflite_runtime_child
from levit_mobile.system import pipes

WAIT = [sys.executable, "-c", "import time; print('begins', flush=True); time.sleep(600)"]
WAIT_IN_A_CHILD = """
import subprocess, sys, time
print(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]).pid, flush=True)
time.sleep(600)
"""


def framed(*messages: bytes) -> io.BytesIO:
    stream = io.BytesIO()
    for message in messages:
        pipes.send(stream, message)
    return io.BytesIO(stream.getvalue())


def test_messages_arrive_in_order() -> None:
    sent = [b"", b"one", bytes(range(256)) * 300]
    stream = framed(*sent)
    assert [pipes.receive(stream) for _ in sent] == sent
    assert stream.read() == b""


@pytest.mark.parametrize("left", [0, 3, 8, 10])
def test_a_stream_that_ends_early_is_no_message(left: int) -> None:
    with pytest.raises(EOFError, match="the stream ended after"):
        pipes.receive(io.BytesIO(framed(b"three").getvalue()[:left]))


def test_the_other_interpreters_messages_end_likewise() -> None:
    """It cannot import ours, and says the same."""
    said = []
    for receive in (pipes.receive, tflite_runtime_child.receive):
        with pytest.raises(EOFError) as caught:
            receive(io.BytesIO(b"1234567"))
        said.append(str(caught.value))
    assert said == ["the stream ended after 7 of 8 bytes"] * 2


@pytest.mark.parametrize(
    ("code", "words"),
    [(0, "exit status 0"), (3, "exit status 3"), (-9, "SIGKILL"), (-11, "SIGSEGV"), (-40, "signal 40")],
)
def test_a_death_has_a_name(code: int, words: str) -> None:
    assert pipes.death(code) == words


@pytest.mark.parametrize("group", [False, True])
def test_a_killed_process_leaves_no_open_pipe(group: bool) -> None:
    before = len(list(Path("/dev/fd").iterdir()))
    options = {"process_group": 0} if group else {}
    process = subprocess.Popen(WAIT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, **options)  # type: ignore[call-overload]
    assert process.stdout.read(6) == b"begins"
    assert pipes.kill(process, group=group) == pipes.kill(process, group=group) == -signal.SIGKILL
    assert len(list(Path("/dev/fd").iterdir())) == before


def test_a_group_ends_with_its_head() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", WAIT_IN_A_CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, process_group=0
    )
    assert process.stdout is not None
    child = int(process.stdout.readline())
    pipes.kill(process, group=True)
    deadline = time.monotonic() + 30
    while runs(child):
        assert time.monotonic() < deadline
        time.sleep(0.05)
