"""What the build of the Android demo keeps in the cache folder, and the order of its steps."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import store
from scheduler import run_all, with_needed

from levit_mobile.system.folders import CACHE_VARIABLE


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))


def writes(text: str, calls: list[str]) -> Callable[[Path], None]:
    """A step that writes a file and notes that it ran."""

    def make(out: Path) -> None:
        calls.append(text)
        (out / "made.txt").write_text(text)

    return make


def test_an_unchanged_step_is_not_done_again() -> None:
    calls: list[str] = []
    first, second = (store.made("step", ["word"], writes("one", calls)) for _ in range(2))
    assert first == second
    assert (first / "made.txt").read_text() == "one"
    assert calls == ["one"]


def test_another_word_or_another_content_is_another_entry(tmp_path: Path) -> None:
    calls: list[str] = []
    source = tmp_path / "source.kt"
    source.write_text("a")
    first = store.made("step", [source], writes("one", calls))
    source.write_text("bb")
    second = store.made("step", [source], writes("two", calls))
    third = store.made("step", [source, "option"], writes("three", calls))
    assert len({first, second, third}) == 3
    assert calls == ["one", "two", "three"]


def test_a_folder_counts_by_its_names_and_contents_wherever_it_is(tmp_path: Path) -> None:
    keys = []
    for place, name in (("here", "a.kt"), ("there", "a.kt"), ("elsewhere", "b.kt")):
        (tmp_path / place).mkdir()
        (tmp_path / place / name).write_text("text")
        keys.append(store.digest([tmp_path / place]))
    assert keys[0] == keys[1] != keys[2]


def test_a_step_that_fails_leaves_nothing() -> None:
    def broken(out: Path) -> None:
        (out / "half.txt").write_text("half")
        raise SystemExit("refused")

    with pytest.raises(SystemExit, match="refused"):
        store.made("step", [], broken)
    assert list(store.folder().iterdir()) == []
    calls: list[str] = []
    assert (store.made("step", [], writes("whole", calls)) / "made.txt").read_text() == "whole"


def test_two_threads_that_need_one_entry_make_it_once() -> None:
    calls: list[str] = []
    gate = threading.Barrier(2)

    def work() -> None:
        gate.wait()
        store.made("step", ["shared"], writes("one", calls))

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert calls == ["one"]


def test_the_entry_of_a_faster_build_stays_as_it_is() -> None:
    calls: list[str] = []

    def slow(out: Path) -> None:
        (out / "made.txt").write_text("slow")
        key = store.digest(["step", Path(__file__)])
        other = store.folder() / f"step-{key[:20]}"
        other.mkdir()
        (other / "made.txt").write_text("fast")

    entry = store.made("step", [], slow)
    assert (entry / "made.txt").read_text() == "fast"
    assert [path.name for path in store.folder().iterdir()] == [entry.name]
    assert calls == []


def aged(name: str, days: float) -> Path:
    """An entry that was last used so many days ago."""
    path = store.folder() / name
    path.mkdir(parents=True)
    then = time.time() - days * store.DAY
    os.utime(path, (then, then))
    return path


def test_entries_that_are_not_used_any_more_are_removed() -> None:
    kept = [aged(f"step-{number}", number) for number in range(1, 1 + store.KEPT_PER_STEP)]
    replaced = aged("step-9", 9)
    forgotten, recent = aged("other-1", 20), aged("other-2", 1)
    stopped, running = aged(f"{store.PART}1", 2), aged(f"{store.PART}2", 0)
    assert set(store.prune()) == {replaced, forgotten, stopped}
    assert all(path.exists() for path in (*kept, recent, running))


def test_an_entry_of_the_last_hour_is_never_removed() -> None:
    entries = [aged(f"step-{number}", 0) for number in range(2 * store.KEPT_PER_STEP)]
    assert store.prune() == []
    assert all(path.exists() for path in entries)


# The order of the steps


@dataclass(frozen=True)
class Step:
    """A step that notes when it ran."""

    run: Callable[[], object]
    after: tuple[str, ...] = ()


def table(ran: list[str], needs: Mapping[str, tuple[str, ...]], broken: str = "") -> dict[str, Step]:
    """Steps with these needs, one of which may fail."""

    def run(name: str) -> None:
        if name == broken:
            raise SystemExit(f"{name} is broken")
        ran.append(name)

    return {name: Step(lambda name=name: run(name), after) for name, after in needs.items()}  # type: ignore[misc]


NEEDS = {"download": (), "unpack": ("download",), "compile": ("unpack",), "test": ("compile",), "style": ("download",)}


def test_a_step_is_done_with_what_it_needs_and_nothing_else() -> None:
    assert with_needed(["compile"], table([], NEEDS)) == ["download", "unpack", "compile"]


@pytest.mark.parametrize("workers", [1, 2])
def test_every_step_is_done_once_and_after_its_needs(workers: int) -> None:
    ran: list[str] = []
    assert run_all(list(NEEDS), table(ran, NEEDS), workers) == {}
    assert sorted(ran) == sorted(NEEDS)
    for name, after in NEEDS.items():
        assert all(ran.index(one) < ran.index(name) for one in after)


def test_a_failure_stops_what_needs_it_and_nothing_else() -> None:
    ran: list[str] = []
    assert run_all(list(NEEDS), table(ran, NEEDS, broken="compile")) == {"compile": "compile is broken"}
    assert sorted(ran) == ["download", "style", "unpack"]


def test_independent_steps_run_at_the_same_time() -> None:
    """Each waits for the other, so that one after the other would never end."""
    gate = threading.Barrier(2, timeout=30)
    assert run_all(["a", "b"], {"a": Step(gate.wait), "b": Step(gate.wait)}) == {}
