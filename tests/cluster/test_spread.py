"""Items on a Dask worker of this process: order, errors, processes, files that travel once; and no process is left."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from support import worker_tasks as tasks
from support.refusals import refused
from support.worker_tasks import Load, alive, until

from levit_mobile.cluster import remote
from levit_mobile.cluster.connect import Cluster, open_cluster
from levit_mobile.errors import ArtifactError, ImageError


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with open_cluster("local:2") as opened:
        yield opened


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Where processes leave their numbers; none may outlive the test."""
    (tmp_path / "numbers").mkdir()
    yield tmp_path / "numbers"
    until(lambda: alive(tmp_path / "numbers") == [])


def test_results_come_in_the_order_of_the_items_and_are_announced_as_they_finish(
    cluster: Cluster, folder: Path
) -> None:
    announced: dict[int, float] = {}
    found = cluster.spread(Load(folder, tasks.double), iter(range(9)), arrived=announced.__setitem__)
    assert list(found) == [item * 2 for item in range(9)]
    assert announced == {item: item * 2 for item in range(9)}
    assert len(list(folder.iterdir())) == cluster.threads == 2


def test_nothing_goes_on_when_the_results_are_not_wanted_any_more(cluster: Cluster, folder: Path) -> None:
    found = cluster.spread(Load(folder, hang_after_one), iter(range(9)))
    assert next(found) == 0
    found.close()
    until(lambda: alive(folder) == [])


def hang_after_one(item: int) -> int:
    return item if item == 0 else tasks.hang(item)  # type: ignore[func-returns-value]


def test_a_process_that_dies_ends_the_run_and_not_the_worker(cluster: Cluster, folder: Path) -> None:
    with refused(ArtifactError, "artifact.crashed", "SIGSEGV"):
        list(cluster.spread(Load(folder, tasks.crash), iter([1])))
    assert list(cluster.spread(Load(folder, tasks.double), iter([9]))) == [18]


def test_one_that_takes_too_long_is_ended(cluster: Cluster, folder: Path) -> None:
    with refused(ArtifactError, "artifact.timeout", "did not answer within 0.5 s"):
        list(cluster.spread(Load(folder, tasks.hang), iter([1]), timeout_s=0.5))


def test_an_error_is_raised_after_the_results_before_it(cluster: Cluster, folder: Path) -> None:
    found = cluster.spread(Load(folder, fail_at_three), iter(range(9)))
    assert [next(found) for _ in range(3)] == [0, 1, 2]
    with refused(ArtifactError, "artifact.damaged", "it is damaged"):
        next(found)


def fail_at_three(item: int) -> int:
    if item == 3:
        tasks.fail_by("damaged")
    return item


def test_an_item_can_be_replaced_by_one_that_works(cluster: Cluster, folder: Path) -> None:
    errors: list[Exception] = []

    def again(item: int, error: Exception) -> int | None:
        errors.append(error)
        return 10 if item == 3 else None

    found = cluster.spread(Load(folder, fail_at_three), iter(range(5)), repack=again)
    assert list(found) == [0, 1, 2, 10, 4]
    assert [type(error) for error in errors] == [ArtifactError]


def test_what_is_heard_ends_with_everything_finished_but_the_last(cluster: Cluster, folder: Path) -> None:
    heard: list[tuple[int, str]] = []
    list(cluster.spread(Load(folder, tasks.process), iter(range(12)), heard=lambda *told: heard.append(told)))
    counts = [count for count, _ in heard]
    assert counts == sorted(counts)
    assert all(about.startswith("1 worker: this machine did ") for _, about in heard)


# Files


def reading(*paths: Path) -> Callable[[object], list[str]]:
    return partial(read, paths)


def read(paths: tuple[Path, ...], _: object) -> list[str]:
    return [str(path) if path.is_dir() else path.read_text() for path in paths]


def test_files_and_folders_are_opened_on_the_worker_under_their_digests(cluster: Cluster, tmp_path: Path) -> None:
    whole = tmp_path / "a.mlpackage"
    (whole / "Data").mkdir(parents=True)
    (whole / "Data" / "weights").write_text("weights")
    (tmp_path / "model.pte").write_text("program")
    paths = tmp_path / "model.pte", whole
    ((text, place),) = cluster.spread(partial(reading, *paths), iter([0]), files=paths)
    assert text == "program"
    assert Path(place).name == "a.mlpackage"
    assert Path(place) != whole
    assert (Path(place) / "Data" / "weights").read_text() == "weights"


def test_a_file_and_a_large_object_travel_once(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, large = tmp_path / "model.tflite", {"weights": [os.getpid()] * 1000}
    file.write_text("once")
    sent: list[str] = []
    stored = remote.stored

    def counted(folder: Path, sha256: str, name: str, content: Any) -> None:
        sent.append(name)
        stored(folder, sha256, name, content)

    monkeypatch.setattr(remote, "stored", counted)
    for number in range(2):
        load = partial(holding, file, large, number)
        (found,) = cluster.spread(load, iter([0]), files=(file,), held={"5e" * 32: large})
        assert found == ("once", large, number)
    assert sorted(sent) == ["model.tflite", "object.pickle", "object.pickle", "object.pickle"]  # two are of `load`


def holding(file: Path, large: object, number: int) -> Callable[[object], tuple[str, object, int]]:
    return partial(held, file, large, number)


def held(file: Path, large: object, number: int, _: object) -> tuple[str, object, int]:
    return file.read_text(), large, number


def test_an_image_error_keeps_its_fault(cluster: Cluster) -> None:
    with refused(ImageError, "image.not-found", "gone"):
        list(cluster.spread(partial(partial, gone), iter([0])))


def gone(_: object) -> None:
    raise ImageError("gone", fault="not-found")
