"""Files that are false in a number that decides how the rest is read: `inspect` shows them or refuses them.

`make fuzz` tries 600 of each kind. A failure names the kind and the seed, from which `DAMAGE` makes the file again.
"""

from __future__ import annotations

import os
import resource
import shutil
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from conftest import Once
from support import foreign
from support.structured import DAMAGE

from levit_mobile.bundle.inspect import inspect
from levit_mobile.errors import LevitMobileError
from levit_mobile.reporting.tables.inspect import inspection_table, inspections_json
from levit_mobile.system import workers

pytestmark = pytest.mark.slow

MUTANTS = int(os.environ.get("MUTANTS", "100"))
MOST_BYTES = 4 << 30
TIMEOUT_S = 240.0  # for one file on a busy machine, the import of the first one's reader with it
LONGEST = 2000  # characters of a sentence
COREML = "Data/com.apple.CoreML"
# Kind of damage, artifact, and its file.
KINDS = (
    ("tflite", "net.tflite", ""),
    ("pte", "net.pte", ""),
    ("pte", "bare.pte", ""),
    ("XNNPACK", "net.pte", ""),
    ("weights", "net.mlpackage", f"{COREML}/weights/weight.bin"),
    ("mlmodel", "net.mlpackage", f"{COREML}/model.mlmodel"),
    ("mlmodel's fields", "net.mlpackage", f"{COREML}/model.mlmodel"),
    ("mlmodel's fields", "network.mlmodel", ""),
    ("mlmodel's fields", "pipeline.mlmodel", ""),
    ("manifest", "net.mlpackage", "Manifest.json"),
)


@dataclass(frozen=True, slots=True)
class Tried:
    """A table, a sentence or a traceback, and the memory that the largest process needed until then."""

    what: str
    told: str
    peak_bytes: int


@pytest.fixture(scope="module")
def made(once: Once, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Each artifact, made when a test first asks for it."""
    folder = tmp_path_factory.mktemp("foreign")
    network = foreign.network()
    vendors: dict[str, Callable[[Path], object]] = {
        "net.tflite": foreign.tflite,
        "net.pte": partial(foreign.pte, delegated=True),
        "bare.pte": partial(foreign.pte, delegated=False),
        "net.mlpackage": foreign.mlpackage,
    }
    makers: dict[str, Callable[[Path], object]] = {
        "network.mlmodel": lambda path: path.write_bytes(network.SerializeToString()),
        "pipeline.mlmodel": lambda path: path.write_bytes(foreign.pipeline(network, network).SerializeToString()),
    }

    @cache
    def make(name: str) -> Path:
        makers[name](folder / name) if name in makers else once(vendors[name], folder / name)
        return folder / name

    return make


def trying(kind: str, artifact: Path, file: str) -> Callable[[int], Tried]:
    """In another process: what `inspect` makes of the damage of a seed."""
    path = artifact / file if file else artifact
    return partial(_tried, kind, artifact, path, path.read_bytes())


def _tried(kind: str, artifact: Path, path: Path, whole: bytes, seed: int) -> Tried:
    path.write_bytes(DAMAGE[kind](whole, np.random.default_rng(seed)))
    try:
        what, told = "table", _shown(artifact)
    except LevitMobileError as error:
        what, told = "sentence", str(error)
    except Exception:
        what, told = "traceback", traceback.format_exc()
    return Tried(what, told, max(map(_peak_bytes, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))))


def _shown(artifact: Path) -> str:
    """The whole of it, as a terminal and a program get it."""
    from rich.console import Console

    found = inspect(artifact)
    console = Console(width=120, record=True, file=StringIO())
    console.print(inspection_table(found))
    return console.export_text() + inspections_json([found], [], {})


def _peak_bytes(whose: int) -> int:
    return resource.getrusage(whose).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


@pytest.mark.parametrize(("kind", "name", "file"), KINDS)
def test_a_false_number_is_a_table_or_a_sentence(
    made: Callable[[str], Path], tmp_path: Path, kind: str, name: str, file: str
) -> None:
    source, target = made(name), tmp_path / name
    shutil.copytree(source, target) if source.is_dir() else shutil.copy(source, target)
    found = list(workers.spread(partial(trying, kind, target, file), range(MUTANTS), processes=1, timeout_s=TIMEOUT_S))
    for seed, one in enumerate(found):
        assert one.what != "traceback", f"{kind}, {name}, seed {seed}: {one.told}"
        assert one.peak_bytes < MOST_BYTES, f"{kind}, {name}, seed {seed}: {one.peak_bytes} bytes"
        if one.what == "sentence":
            assert one.told.splitlines() == [one.told], f"{kind}, {name}, seed {seed}"
            assert len(one.told.encode()) < LONGEST, f"{kind}, {name}, seed {seed}"
    assert {one.what for one in found} == {"table", "sentence"}
