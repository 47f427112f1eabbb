"""Work in other processes: in order, a few items ahead, and whatever becomes of them, none is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from pathlib import Path

import pytest
from support import worker_tasks as tasks
from support.refusals import refused
from support.worker_tasks import PATIENCE_S, Failing, Load, alive, until

from levit_mobile import errors
from levit_mobile.errors import ArtifactError, LevitMobileError, ToolchainMissing
from levit_mobile.system import limits, workers
from levit_mobile.system.workers import AHEAD, LEAST_BYTES, spread

linux = pytest.mark.skipif(sys.platform != "linux", reason="NOT RUN: only Linux holds a process to RLIMIT_DATA")
ERRORS = [name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, LevitMobileError)]


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Where processes leave their numbers; none may outlive the test."""
    (tmp_path / "numbers").mkdir()
    yield tmp_path / "numbers"
    until(lambda: alive(tmp_path / "numbers") == [])


# Order and laziness


@pytest.mark.parametrize("processes", [1, 2])
def test_results_come_in_the_order_of_the_items(folder: Path, processes: int) -> None:
    found = list(spread(Load(folder, tasks.double), range(9), processes=processes))
    assert found == [item * 2 for item in range(9)]
    assert len(list(folder.iterdir())) == processes


def test_every_process_is_another_one(folder: Path) -> None:
    found = set(spread(Load(folder, tasks.process), range(6), processes=2))
    assert found == {int(file.name) for file in folder.iterdir()}
    assert len(found - {os.getpid()}) == 2


def test_few_items_need_few_processes(folder: Path) -> None:
    assert list(spread(Load(folder, tasks.double), [3], processes=8)) == [6]
    assert len(list(folder.iterdir())) == 1
    assert list(spread(Load(folder, tasks.double), [], processes=2)) == []


@pytest.mark.parametrize("processes", [1, 2])
def test_items_are_drawn_a_few_ahead(folder: Path, processes: int) -> None:
    drawn = []

    def items() -> Iterator[int]:
        for item in range(100):
            drawn.append(item)
            yield item

    results = spread(Load(folder, tasks.double), items(), processes=processes)
    assert drawn == []
    for taken in range(1, 4):
        next(results)
        assert len(drawn) == AHEAD * processes + taken - 1
    results.close()  # type: ignore[attr-defined]


@pytest.mark.slow
def test_two_at_once_and_out_of_a_thread(folder: Path) -> None:
    found: list[float] = []
    load = Load(folder, tasks.double)
    thread = threading.Thread(target=lambda: found.extend(spread(load, range(4), processes=1)))
    thread.start()
    assert list(spread(load, range(4, 8), processes=1)) == [8, 10, 12, 14]
    thread.join(PATIENCE_S)
    assert found == [0, 2, 4, 6]


# What is raised there


@pytest.mark.parametrize("name", ERRORS)
def test_an_error_arrives_as_itself(folder: Path, name: str) -> None:
    with pytest.raises(getattr(errors, name)) as caught:
        list(spread(Load(folder, tasks.fail), [name], processes=1))
    assert type(caught.value) is getattr(errors, name)
    assert name in str(caught.value) or name == "ToolchainMissing"
    assert "worker_tasks.py" in caught.value.__notes__[0]  # where it was raised


def test_a_missing_toolchain_keeps_its_pip_line(folder: Path) -> None:
    for load in (Load(folder, tasks.fail), Failing(folder, "ToolchainMissing")):
        with pytest.raises(ToolchainMissing) as caught:
            list(spread(load, ["ToolchainMissing"], processes=1))
        assert (caught.value.package, caught.value.extra) == ("some-vendor", "tflite")
        assert str(caught.value).endswith("pip install 'levit-mobile[tflite]'")


@pytest.mark.parametrize("fault", ["damaged", "out-of-memory"])
def test_an_error_arrives_with_its_fault(folder: Path, fault: str) -> None:
    with refused(ArtifactError, f"artifact.{fault}", fault):
        list(spread(Load(folder, tasks.fail_by), [fault], processes=1))


def test_any_other_error_arrives_too(folder: Path) -> None:
    for kind in (KeyError, TimeoutError):
        with pytest.raises(kind, match="missing"):
            list(spread(Load(folder, tasks.fail), [kind.__name__], processes=1))
    with pytest.raises(RuntimeError, match="Surprising: nobody knows at 3"):
        list(spread(Load(folder, tasks.fail), ["Surprising"], processes=1))
    with pytest.raises(TypeError, match="cannot pickle"):
        list(spread(Load(folder, tasks.lock), [1], processes=1))


def test_what_cannot_be_loaded_is_loaded_once(folder: Path) -> None:
    with pytest.raises(errors.ArtifactError, match="ArtifactError of levit_128s"):
        list(spread(Failing(folder, "ArtifactError"), ["one", "two", "three"], processes=1))
    assert len(list(folder.iterdir())) == 1


def test_what_was_done_before_still_comes(folder: Path) -> None:
    results = spread(Load(folder, tasks.double), [1, 2, "a word", 4], processes=1)
    assert [next(results), next(results)] == [2, 4]
    with pytest.raises(TypeError):
        next(results)
    assert list(results) == []


# Processes that end or hang


@pytest.mark.parametrize("name", ["SIGKILL", "SIGABRT", "SIGSEGV", "SIGTERM"])
def test_a_killed_process_is_a_sentence(folder: Path, name: str) -> None:
    with refused(ArtifactError, "artifact.crashed", "process", name):
        list(spread(Load(folder, tasks.end_by), [signal.Signals[name]], processes=2))


@pytest.mark.parametrize("end", [tasks.end_with, tasks.leave])
@pytest.mark.parametrize("status", [0, 3, 255])
def test_a_process_that_leaves_is_a_sentence(folder: Path, end: object, status: int) -> None:
    with refused(ArtifactError, "artifact.crashed", "process", f"exit status {status}"):
        list(spread(Load(folder, end), [status], processes=1))  # type: ignore[arg-type]


def test_the_process_that_ended_is_the_one_that_is_named(folder: Path) -> None:
    """The other is well, and busy."""
    with refused(ArtifactError, "artifact.crashed", "SIGSEGV"):
        list(spread(Load(folder, tasks.die_in_a_thread), range(2), processes=2))


@pytest.fixture
def silent_since(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Time counts from when so many processes have left their number: how long they take to start is not the test's."""

    def since(count: int) -> None:
        def patient(futures: list[Future[object]], timeout_s: float) -> object:
            until(lambda: len(list(folder.iterdir())) == count)
            return wait(futures, timeout_s)

        monkeypatch.setattr(workers, "wait", patient)

    return since


@pytest.mark.slow
@pytest.mark.parametrize("stuck", [tasks.hang, tasks.spin])
def test_a_silent_process_is_a_sentence_in_time(
    folder: Path, silent_since: Callable[[int], None], stuck: object
) -> None:
    silent_since(1)
    started = time.monotonic()
    with refused(ArtifactError, "artifact.timeout", "process", "1.5 s"):
        list(spread(Load(folder, stuck), [1], processes=1, timeout_s=1.5))  # type: ignore[arg-type]
    assert time.monotonic() - started >= 1.5


def test_what_a_process_has_started_ends_with_it(folder: Path, silent_since: Callable[[int], None]) -> None:
    silent_since(2)
    with refused(ArtifactError, "artifact.timeout", "1 s"):
        list(spread(Load(folder, tasks.hang_in_a_child), [folder], processes=1, timeout_s=1))
    until(lambda: alive(folder) == [])


def test_a_consumer_that_stops_early_leaves_nothing(folder: Path) -> None:
    for _ in spread(Load(folder, tasks.process), range(100), processes=2):
        assert alive(folder)
        break
    assert alive(folder) == []


def test_a_consumer_that_fails_leaves_nothing(folder: Path) -> None:
    def consume() -> None:
        for _ in spread(Load(folder, tasks.process), range(100), processes=2):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        consume()
    assert len(list(folder.iterdir())) > 0


# Bounds


@pytest.mark.slow
@linux
def test_a_process_gets_less_than_its_share_where_that_is_asked() -> None:
    """Half a gigabyte is far more than an idle interpreter has, and half of what is asked for."""
    assert list(spread(tasks.allocating, [1 << 20], processes=1, most_bytes=512 << 20)) == [1 << 20]
    with pytest.raises(MemoryError):
        list(spread(tasks.allocating, [1 << 30], processes=1, most_bytes=512 << 20))


@pytest.mark.slow
@linux
def test_a_process_gets_its_share_of_the_memory(folder: Path) -> None:
    everything = limits.memory_bytes()
    for processes in (1, 3):
        share = max(everything // processes, min(LEAST_BYTES, everything))
        (found,) = spread(Load(folder, tasks.limits), [1], processes=processes)
        assert found == {"RLIMIT_CORE": 0, "RLIMIT_DATA": share}
    with pytest.raises(MemoryError):
        list(spread(Load(folder, tasks.take), [share], processes=processes))
    assert list(spread(Load(folder, tasks.take), [share // 2], processes=processes)) == [share // 2]


@linux
@pytest.mark.parametrize("bound", [3 << 30, 12 << 30])
def test_a_group_that_is_bounded_bounds_its_processes(
    folder: Path, monkeypatch: pytest.MonkeyPatch, bound: int
) -> None:
    """Never more than the whole, however small it is; and no less than some processes need, while there is as much."""
    monkeypatch.setattr(workers, "memory_bytes", lambda: bound)
    (found,) = spread(Load(folder, tasks.limits), [1], processes=4)
    assert found["RLIMIT_DATA"] == min(bound, LEAST_BYTES)


def test_a_process_uses_one_thread(folder: Path) -> None:
    (found,) = spread(Load(folder, tasks.threads), [1], processes=1)
    assert set(found.values()) == {"1"}


# From a script


def script(code: str, *arguments: object, **options: object) -> subprocess.Popen[str]:
    """Such as a user writes it: nothing keeps it from being run again on import."""
    lines = f"import sys\nsys.path.insert(0, {str(Path(__file__).parents[1])!r})\n{code}"
    file = Path(str(arguments[0])).parent / "script.py"
    file.write_text(lines)
    return subprocess.Popen(
        [sys.executable, file, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,  # type: ignore[call-overload]
    )


WORK = """
from pathlib import Path
from support import worker_tasks as tasks
from levit_mobile.system.workers import spread
print("begins", flush=True)
load = tasks.Load(Path(sys.argv[1]), getattr(tasks, sys.argv[2]))
for result in spread(load, range(1, 5), processes=2, timeout_s=300):
    print(result, flush=True)
"""


def test_a_script_needs_no_guard_and_no_tools(folder: Path) -> None:
    process = script(WORK, folder, "double", env={**os.environ, "PATH": str(folder)})
    assert process.communicate(timeout=PATIENCE_S) == ("begins\n2\n4\n6\n8\n", "")
    assert process.returncode == 0


def test_what_a_process_prints_is_no_result(folder: Path) -> None:
    process = script(WORK, folder, "chatter")
    stdout, stderr = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, stdout) == (0, "begins\n1\n2\n3\n4\n")
    assert sorted(stderr.split()) == sorted(["[python]", "[descriptor]", "[child]"] * 4)


def test_an_interruption_leaves_nothing(folder: Path) -> None:
    """Ctrl-C goes to all that the terminal runs; only the script itself answers."""
    process = script(WORK, folder, "hang", start_new_session=True)
    until(lambda: len(list(folder.iterdir())) == 2)
    os.killpg(process.pid, signal.SIGINT)
    stdout, stderr = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, stdout) == (-signal.SIGINT, "begins\n")
    assert stderr.count("Traceback") == stderr.count("KeyboardInterrupt") == 1
    assert alive(folder) == []


def test_processes_end_when_nobody_waits_for_them_any_more(folder: Path) -> None:
    process = script(WORK, folder, "process")
    until(lambda: len(list(folder.iterdir())) == 2)
    process.kill()
    process.communicate(timeout=PATIENCE_S)
    until(lambda: alive(folder) == [])
