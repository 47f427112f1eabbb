"""`turns`: several programs, one step of one at a time, in an order that is drawn anew each round."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Bundles
from support.arm64s import RUNS_HERE
from support.payloads import Bare, Event, bare, events, named

from levit_mobile.arm64.payload import START

pytestmark = [RUNS_HERE, pytest.mark.slow]
PROGRAMS = {"tflite": "litert", "executorch": "executorch"}
MANY = 100_000  # rounds that no test waits for
WAIT_S = 120.0

Words = tuple[object, ...]
Candidate = Callable[[str, str], Words]  # name, target -> how it is started


@pytest.fixture(scope="module")
def core(tmp_path_factory: pytest.TempPathFactory) -> Bare:
    return bare(tmp_path_factory.mktemp("bare"))


@pytest.fixture(scope="module")
def candidate(narrow_bundles: Bundles) -> Candidate:
    def words(name: str, target: str) -> Words:
        bundle = narrow_bundles(f"{target}-fp32")
        artifact = bundle.path / bundle.contract.artifact.file
        return ("--", *START, f"./{PROGRAMS[target]}", "--name", name, "--process", 2, "--model", artifact)

    return words


@pytest.fixture(scope="module")
def three(candidate: Candidate) -> Words:
    return (*candidate("a", "tflite"), *candidate("b", "executorch"), *candidate("c", "tflite"))


def order(found: list[Event]) -> list[str]:
    """The names of all samples."""
    return [event["name"] for event in named(found, "sample")]


def children(process: int) -> set[int]:
    """Of a process here: those of an emulated one are processes as well."""
    return {int(word) for word in Path(f"/proc/{process}/task/{process}/children").read_text().split()}


def command(process: int) -> list[str]:
    return Path(f"/proc/{process}/cmdline").read_text().split("\0")


def gone(processes: set[int]) -> bool:
    """They have ended, within a time that is ample."""
    until = time.monotonic() + WAIT_S
    while time.monotonic() < until:
        if not any(Path(f"/proc/{process}").exists() for process in processes):
            return True
        time.sleep(0.02)
    return False


@pytest.fixture
def running(core: Bare, three: Words) -> subprocess.Popen[str]:
    """Three programs that have been timed at least once."""
    process = core.start("turns", "--seed", 3, "--warmup", 0, "--rounds", MANY, *three)
    assert process.stdout is not None
    for line in process.stdout:
        if '"sample"' in line:
            break
    return process


# Whose turn it is


def test_each_round_has_every_program_once_in_an_order_that_the_seed_decides(core: Bare, three: Words) -> None:
    first, again, other = (
        core.events("turns", "--seed", seed, "--warmup", 1, "--rounds", 6, *three) for seed in (3, 3, 4)
    )
    rounds = [tuple(order(first)[at : at + 3]) for at in range(0, 18, 3)]
    assert all(sorted(one) == ["a", "b", "c"] for one in rounds)
    assert len(set(rounds)) > 1
    assert [(one["event"], one["name"]) for one in first] == [(one["event"], one["name"]) for one in again]
    assert order(first) != order(other)
    assert {one["process"] for one in first} == {2}


def test_all_are_loaded_before_one_runs(core: Bare, three: Words) -> None:
    found = [one["event"] for one in core.events("turns", "--seed", 1, "--warmup", 0, "--rounds", 1, *three)]
    assert found == ["loaded"] * 3 + ["first_run"] * 3 + ["sample"] * 3 + ["done"] * 3


# How they end


def test_a_program_that_is_killed_leaves_a_line_and_the_others_go_on(running: subprocess.Popen[str]) -> None:
    assert running.stdout is not None
    (victim,) = (child for child in children(running.pid) if "b" in command(child))
    subprocess.run(["kill", "-SEGV", str(victim)], check=True)
    after: list[str] = []
    for line in running.stdout:
        after.append(line)
        if len(after) > 10 and any('"ended"' in one for one in after):
            break
    (ended,) = named(events(after), "ended")
    assert ended == {"event": "ended", "name": "b", "process": 2, "signal": signal.SIGSEGV}
    assert {event["name"] for event in events(after[-2:])} <= {"a", "c"}
    running.terminate()
    running.communicate(timeout=WAIT_S)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_ends_all(running: subprocess.Popen[str], number: signal.Signals) -> None:
    processes = children(running.pid)
    assert len(processes) == 3
    running.send_signal(number)
    running.communicate(timeout=WAIT_S)
    assert running.returncode == 128 + number
    assert gone(processes)


def test_nothing_goes_on_when_it_is_killed(running: subprocess.Popen[str]) -> None:
    processes = children(running.pid)
    running.kill()
    running.communicate(timeout=WAIT_S)
    assert gone(processes)


def test_nothing_goes_on_when_nobody_reads(running: subprocess.Popen[str]) -> None:
    processes = children(running.pid) | {running.pid}
    assert running.stdout is not None
    running.stdout.close()
    running.wait(timeout=WAIT_S)
    assert running.returncode != 0
    assert gone(processes)


def test_a_program_that_fails_leaves_its_sentence_and_its_code(
    core: Bare, candidate: Candidate, tmp_path: Path
) -> None:
    (tmp_path / "model.tflite").write_bytes(b"1234TFL3 and nothing else")
    broken = ("--", *START, "./litert", "--name", "z", "--model", tmp_path / "model.tflite")
    found = core.events("turns", "--warmup", 0, "--rounds", 1, *broken, *candidate("a", "executorch"))
    assert [event["event"] for event in found if event["name"] == "z"] == ["failed", "ended"]
    assert named(found, "ended") == [{"event": "ended", "name": "z", "process": 0, "code": 1}]
    assert [event["event"] for event in found if event["name"] == "a"] == ["loaded", "first_run", "sample", "done"]
    done = core.run("turns", *broken)
    assert done.returncode == 1
    assert named(events(done.stdout.splitlines()), "failed")


def test_a_program_that_cannot_be_started_is_named(core: Bare) -> None:
    done = core.run("turns", "--", "./none", "--name", "a")
    (ended,) = events(done.stdout.splitlines())
    assert (done.returncode, ended) == (1, {"event": "ended", "name": "a", "process": 0, "code": 127})
    assert "./none" in done.stderr


@pytest.mark.parametrize(
    ("words", "fact"),
    [
        ((), "--"),
        (("--seed", "3"), "--"),
        (("--",), "program"),
        (("--", "./litert"), "--name"),
        (("--", "./litert", "--name", "a", "--"), "program"),
        (("--seed", "x", "--", "./litert", "--name", "a"), "--seed x"),
        (("--rounds", "1.5", "--", "./litert", "--name", "a"), "--rounds 1.5"),
        (("--nonsense", "--", "./litert", "--name", "a"), "nonsense"),
        (("litert", "--name", "a"), "--"),
    ],
)
def test_wrong_words_are_a_usage_error(core: Bare, words: tuple[str, ...], fact: str) -> None:
    done = core.run("turns", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert fact in done.stderr
