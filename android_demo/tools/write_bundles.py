#!/usr/bin/env python3
"""Make the bundles that the tests of the Android library run, and what Python's own runners make of 64 digits.

Every recipe of the product's table whose target Android runs is converted from the bundled checkpoint, and those in
int8 once more with int8 inputs and outputs. The result is a folder in the cache of levit-mobile, named by a digest of
all that goes into it: the code that converts, the checkpoint and the versions of the packages. It is made once, and its
path is printed.

    bundles/NAME/       the bundle NAME
    digits.rgb8         64 held-out digits, uint8 [64,256,256,3]
    prepared.rgb8       the same as Python prepares them, uint8 [64,224,224,3]
    expected/NAME.f32   logits of Python's runner on one thread, little-endian float32 [64,classes]
"""

from __future__ import annotations

import fcntl
import hashlib
import multiprocessing
import os
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP))

from levit_mobile.recipe import RECIPES, Precision, Recipe  # noqa: E402
from levit_mobile.system.folders import cache_folder  # noqa: E402
from levit_mobile.targets import TARGETS  # noqa: E402

if TYPE_CHECKING:
    from levit_mobile.images.preprocessing import Pixels
    from levit_mobile.images.spec import ImageSpec

RUNTIMES = {"tflite": "ai_edge_litert", "executorch": "executorch"}  # targets that Android runs, and their packages
PREFIX = "android-bundles-"
VARIANT = "levit_128s"  # of the bundled checkpoint
DIGITS = 64
CALIBRATION = 64  # pictures; the full number changes a range a little, and takes four times as long
LONGEST_UNUSED_S = 14 * 86400.0
FORM = 1  # of the folder; another number makes all anew
# What decides an artifact and Python's logits of it; the rest of the product changes without making all anew.
ROOMS = ("images", "model", "parity", "pipeline", "quantization", "runners", "contract.py", "recipe.py", "targets.py")


def wanted() -> dict[str, Recipe]:
    """Every recipe that Android runs, by the name of its bundle here."""
    rows = {f"{VARIANT}-{name}": recipe for name, recipe in RECIPES.items() if recipe.target in RUNTIMES}
    integer = {
        f"{name}-io-int8": replace(row, io="int8") for name, row in rows.items() if row.precision is Precision.INT8
    }
    return rows | integer


def missing() -> str:
    """Why the bundles cannot be made here; empty if they can."""
    packages = ["torch", *RUNTIMES.values(), "litert_torch"]
    absent = [name for name in packages if find_spec(name) is None]
    return f"Python has no {' and no '.join(absent)}" if absent else ""


def key() -> str:
    """Digest of what goes into the bundles."""
    made = hashlib.sha256(f"{FORM} {DIGITS} {CALIBRATION}\n".encode())
    for path in (*_code(), *sorted((TOP / "levit_mobile" / "data").rglob("*"))):
        if path.is_file():
            made.update(f"{path.relative_to(TOP)}\n".encode() + path.read_bytes())
    for name in sorted({package for target in RUNTIMES for package in TARGETS[target].packages}):
        made.update(f"{name} {_version(name)}\n".encode())
    return made.hexdigest()


def _code() -> Iterator[Path]:
    yield from (TOP / "tests" / "support" / name for name in ("conversions.py", "kept.py", "shared.py"))
    for room in (TOP / "conversion", *(TOP / "levit_mobile" / name for name in ROOMS)):
        found = [room] if room.is_file() else sorted(room.rglob("*"))
        yield from (path for path in found if path.suffix in (".py", ".json"))


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "none"


def folder() -> Path:
    """The folder of the bundles, made if it is not there yet; those that nobody has used for two weeks are removed."""
    final = cache_folder() / (PREFIX + key()[:16])
    final.parent.mkdir(parents=True, exist_ok=True)
    with final.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not final.is_dir():
            part = final.with_suffix(".part")
            shutil.rmtree(part, ignore_errors=True)  # of a run that was stopped
            part.mkdir()
            _make(part)
            part.rename(final)
    os.utime(final)
    _remove_unused(final.parent)
    return final


def _remove_unused(cache: Path) -> None:
    for one in cache.glob(f"{PREFIX}*"):
        if one.is_dir() and time.time() - one.stat().st_mtime > LONGEST_UNUSED_S:
            shutil.rmtree(one, ignore_errors=True)
            one.with_suffix(".lock").unlink(missing_ok=True)


def _make(into: Path) -> None:
    by_target = [[name for name, recipe in wanted().items() if recipe.target == target] for target in RUNTIMES]
    context = multiprocessing.get_context("spawn")  # a converter leaves threads and tables behind
    with ProcessPoolExecutor(len(by_target), mp_context=context) as processes:
        made = [processes.submit(convert, names, into) for names in by_target]
        _write_digits(into)
        for one in made:
            one.result()


def _write_digits(into: Path) -> None:
    import numpy as np

    from levit_mobile.images import digits
    from levit_mobile.model.download import BUNDLED
    from levit_mobile.pipeline.source_model import load_source

    pictures = [pixels for pixels, _ in digits.pictures(digits.Split.HELD_OUT, DIGITS)]
    (into / "digits.rgb8").write_bytes(np.stack(pictures).tobytes())
    (into / "prepared.rgb8").write_bytes(np.stack(_prepared(load_source(BUNDLED).spec)).tobytes())


def _prepared(spec: ImageSpec) -> list[Pixels]:
    from PIL import Image

    from levit_mobile.images import digits
    from levit_mobile.images.preprocessing import preprocess

    pictures = (Image.fromarray(pixels) for pixels, _ in digits.pictures(digits.Split.HELD_OUT, DIGITS))
    return [preprocess(picture, spec) for picture in pictures]


def convert(names: Sequence[str], into: Path) -> None:
    """Make the bundles of one target, and the logits of its runner."""
    import torch

    from levit_mobile.model.download import BUNDLED
    from levit_mobile.pipeline.convert import build, quantized
    from levit_mobile.pipeline.source_model import load_source
    from levit_mobile.quantization.prepare import Int8Options

    sys.path.insert(0, str(TOP / "tests"))
    from support.conversions import shared_conversions, shared_measurements

    torch.set_num_threads(1)
    source = load_source(BUNDLED)
    (into / "bundles").mkdir(exist_ok=True)
    with TemporaryDirectory() as work, _conversions() as kept, shared_conversions(kept), shared_measurements():
        for name in names:
            recipe = wanted()[name]
            options = Int8Options(count=CALIBRATION) if recipe.precision is Precision.INT8 else Int8Options()
            bundle = build(source, recipe, out=Path(work) / name, quantization=quantized(source, recipe, options))
            shutil.move(bundle.path, into / "bundles" / name)
            _expect(name, into)
            print(f"{name}: {bundle.proof.verdict}", file=sys.stderr, flush=True)


@contextmanager
def _conversions() -> Iterator[Path]:
    """The folder in which Python's tests keep theirs: the bundled checkpoint is converted once for both."""
    from support import kept

    parent = cache_folder() / "test-conversions"
    if not kept.wanted():
        with TemporaryDirectory() as nothing:
            yield Path(nothing)
        return
    with kept.kept(parent, kept.digest()) as found:
        yield found


def _expect(name: str, into: Path) -> None:
    import numpy as np

    from levit_mobile.bundle.reader import open_bundle
    from levit_mobile.images.preprocessing import to_planar
    from levit_mobile.interfaces.toolchain import runner_loader

    opened = open_bundle(into / "bundles" / name)
    contract = opened.contract
    runner = runner_loader(opened.target)(opened.artifact, source=contract.input, result=contract.output, threads=1)
    logits = runner(np.stack([to_planar(pixels) for pixels in _prepared(opened.spec)])).astype("<f4")
    (into / "expected").mkdir(exist_ok=True)
    (into / "expected" / f"{name}.f32").write_bytes(logits.tobytes())


if __name__ == "__main__":
    if reason := missing():
        raise SystemExit(f"NOT RUN: {reason}")
    print(folder())
