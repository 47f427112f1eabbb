"""Stand-ins for pthreadpool: each loop calls its task for every index once, on one thread."""

from __future__ import annotations

import ctypes
import itertools
import subprocess
from pathlib import Path

import pytest

from levit_mobile.arm64.build import _headers
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
    flags = ["-Wall", "-Werror", "-Wno-unused-parameter", "-shared", "-fPIC", f"-I{_headers()}"]
    subprocess.run(["gcc", *flags, "-o", str(folder / "pools.so"), str(folder / "pools.c")], check=True)
    return ctypes.CDLL(str(folder / "pools.so"))


@pytest.mark.parametrize("name", LOOPS)
def test_every_index_comes_once(library: ctypes.CDLL, name: str) -> None:
    found = loop(name)
    sizes, tiles = SIZES[: len(found.axes)], TILES[: found.tiles]
    numbers, seen = found.uarch + found.thread, []
    count = len(sizes) + len(tiles)
    # On this machine's calling convention a uint32 argument is passed as a size_t is.
    task = ctypes.CFUNCTYPE(None, ctypes.c_void_p, *[ctypes.c_size_t] * (numbers + count))(
        lambda _, *given: seen.append(given)
    )
    wide = [ctypes.c_size_t(value) for value in (*([0, 0] if found.uarch else []), *sizes, *tiles)]
    getattr(library, name)(None, task, None, *wide, ctypes.c_uint32(0))
    covered = [index for given in seen for index in _indices(given[numbers:], len(sizes))]
    assert sorted(covered) == list(itertools.product(*map(range, sizes)))
    assert all(value & 0xFFFFFFFF == 0 for given in seen for value in given[:numbers])
    if not found.dynamic:
        assert all(given[numbers + len(sizes) + place] <= tile for given in seen for place, tile in enumerate(tiles))


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
