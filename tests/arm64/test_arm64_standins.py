"""Stand-ins for pthreadpool: each loop calls its task for every index once, on one thread."""

from __future__ import annotations

import ctypes
import itertools
import shutil
import subprocess
from pathlib import Path

import pytest

from levit_mobile.arm64.build import _headers
from levit_mobile.arm64.folder import GUEST
from levit_mobile.arm64.standins import loop, pools, stops

LOOPS = (
    "pthreadpool_parallelize_1d",
    "pthreadpool_parallelize_1d_with_thread",
    "pthreadpool_parallelize_1d_tile_1d",
    "pthreadpool_parallelize_1d_tile_1d_dynamic",
    "pthreadpool_parallelize_2d_tile_1d",
    "pthreadpool_parallelize_2d_tile_1d_dynamic_with_uarch_with_thread",
    "pthreadpool_parallelize_2d_tile_2d",
    "pthreadpool_parallelize_3d_tile_2d_dynamic",
    "pthreadpool_parallelize_3d_tile_2d_with_uarch",
    "pthreadpool_parallelize_4d_tile_2d",
)
SIZES, TILES = (3, 2, 5, 7), (2, 3)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    """All of LOOPS for this machine, held against pthreadpool's own header by the compiler."""
    folder = tmp_path_factory.mktemp("pools")
    (folder / "pools.c").write_text(pools(LOOPS))
    flags = ["-Wall", "-Werror", "-Wno-unused-parameter", "-shared", "-fPIC", f"-I{_headers()}", f"-I{GUEST}"]
    sources = [str(folder / "pools.c"), str(GUEST / "pool.c")]
    subprocess.run(["gcc", *flags, "-o", str(folder / "pools.so"), *sources, "-pthread"], check=True)
    return ctypes.CDLL(str(folder / "pools.so"))


@pytest.fixture
def pooled(library: ctypes.CDLL, tmp_path: Path) -> ctypes.CDLL:
    """The same with three threads; a copy, because the number stays as it is."""
    copied = shutil.copy(library._name, tmp_path / "pools.so")
    threaded = ctypes.CDLL(str(copied))
    threaded.pool_threads(ctypes.c_size_t(3))
    return threaded


def calls(library: ctypes.CDLL, name: str, pool: int | None) -> list[tuple[int, ...]]:
    """The numbers that every call of the task is given."""
    found, seen = loop(name), []
    count = len(found.axes) + found.tiles
    # On this machine's calling convention a uint32 argument is passed as a size_t is.
    task = ctypes.CFUNCTYPE(None, ctypes.c_void_p, *[ctypes.c_size_t] * (found.uarch + found.thread + count))(
        lambda _, *given: seen.append(given)
    )
    sizes, tiles = SIZES[: len(found.axes)], TILES[: found.tiles]
    wide = [ctypes.c_size_t(value) for value in (*([0, 0] if found.uarch else []), *sizes, *tiles)]
    getattr(library, name)(ctypes.c_void_p(pool), task, None, *wide, ctypes.c_uint32(0))
    return seen


def covered(name: str, seen: list[tuple[int, ...]]) -> list[tuple[int, ...]]:
    found = loop(name)
    return [index for given in seen for index in _indices(given[found.uarch + found.thread :], len(found.axes))]


@pytest.mark.parametrize("name", LOOPS)
def test_every_index_comes_once(library: ctypes.CDLL, name: str) -> None:
    found, seen = loop(name), calls(library, name, None)
    sizes, tiles, numbers = SIZES[: len(found.axes)], TILES[: found.tiles], found.uarch + found.thread
    assert sorted(covered(name, seen)) == list(itertools.product(*map(range, sizes)))
    assert all(value & 0xFFFFFFFF == 0 for given in seen for value in given[:numbers])
    if not found.dynamic:
        assert all(given[numbers + len(sizes) + place] <= tile for given in seen for place, tile in enumerate(tiles))


@pytest.mark.parametrize("name", LOOPS)
def test_every_index_comes_once_on_three_threads(pooled: ctypes.CDLL, name: str) -> None:
    found = loop(name)
    for _ in range(50):  # each wakes the same threads again
        seen = calls(pooled, name, 1)
        assert sorted(covered(name, seen)) == list(itertools.product(*map(range, SIZES[: len(found.axes)])))
        assert all(given[found.uarch] & 0xFFFFFFFF < 3 for given in seen if found.thread)


def test_a_pool_chooses_pieces_of_whole_tiles(pooled: ctypes.CDLL) -> None:
    name, starts = "pthreadpool_parallelize_1d_tile_1d_dynamic", []
    task = ctypes.CFUNCTYPE(None, ctypes.c_void_p, *[ctypes.c_size_t] * 2)(lambda _, *given: starts.append(given))
    getattr(pooled, name)(ctypes.c_void_p(1), task, None, ctypes.c_size_t(1000), ctypes.c_size_t(8), ctypes.c_uint32(0))
    assert all(start % 8 == 0 for start, _ in starts)
    assert sum(count for _, count in starts) == 1000
    assert 12 <= len(starts) <= 24


def test_without_a_pool_there_is_one_thread(pooled: ctypes.CDLL) -> None:
    assert pooled.pthreadpool_get_threads_count(ctypes.c_void_p(1)) == 3
    assert pooled.pthreadpool_get_threads_count(None) == 1
    assert len(calls(pooled, "pthreadpool_parallelize_1d_tile_1d_dynamic", None)) == 1


def _indices(given: tuple[int, ...], axes: int) -> list[tuple[int, ...]]:
    """All indices of one call: where it begins, and for its last axes how many."""
    starts, lengths = given[:axes], (1,) * (2 * axes - len(given)) + given[axes:]
    return list(itertools.product(*(range(start, start + n) for start, n in zip(starts, lengths, strict=True))))


def test_a_loop_of_a_kind_that_is_not_known_is_refused() -> None:
    for name in ("pthreadpool_parallelize_9d", "pthreadpool_parallelize_2d_tile_1d_backwards", "pthreadpool_create"):
        with pytest.raises(ValueError, match=f"{name} is not a known loop"):
            loop(name)


def test_names_that_only_python_needs_are_data_or_stop_the_program() -> None:
    made = stops(["PyExc_ValueError", "PyList_Type", "PyList_New", "_ZNSt6vectorE", "_ZTV9Something"])
    assert made.count(".zero") == 3
    assert "PyList_New: brk #1" in made
    assert "_ZNSt6vectorE" not in made


def test_the_library_says_that_it_has_one_thread(library: ctypes.CDLL) -> None:
    assert library.pthreadpool_get_threads_count(None) == 1
    assert Path(library._name).exists()
