"""A folder of the user's cache that holds what later runs may take, until anything changes that makes it.

Its name is a digest of the toolchains' versions and of the source that a conversion runs: the converters, and whatever
they import from the package (tests/test_architecture.py has the list). KEEP_CONVERSIONS=0 leaves it alone.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib.metadata import distributions
from pathlib import Path

import levit_mobile
from levit_mobile.system.locks import alone, in_use, used

VARIABLE = "KEEP_CONVERSIONS"
MADE_IN_CI = ("coreml-fp16", "executorch-fp32", "tflite-fp32")  # one of each target
EARLIER = 2  # folders of other digests that are left, for who goes back and forth between two branches
ROOT = Path(levit_mobile.__file__).parents[1]
MAKERS = (
    *("conversion", "levit_mobile/model", "levit_mobile/interfaces"),
    *("levit_mobile/errors.py", "levit_mobile/recipe.py", "levit_mobile/targets.py"),
    *("tests/support/conversions.py", "tests/support/kept.py", "tests/support/shared.py"),
)


def wanted() -> bool:
    return os.environ.get(VARIABLE) != "0"


def of_the_bundled_checkpoint(recipe: str) -> bool:
    """Is its conversion by this recipe kept as well? In CI every run makes MADE_IN_CI again, so that what a converter
    does to its own process is seen by each.
    """
    return wanted() and not ("CI" in os.environ and recipe in MADE_IN_CI)


def versions() -> str:
    """Of everything that is installed, and of Python and the processor."""
    installed = sorted({f"{one.metadata['Name']} {one.version}" for one in distributions()})
    return "\n".join((*installed, sys.version, platform.machine()))


def digest(root: Path = ROOT, makers: Iterable[str] = MAKERS, installed: str | None = None) -> str:
    """Of the files below `root` that make conversions, by name and content, and of the versions."""
    whole = hashlib.sha256((versions() if installed is None else installed).encode())
    for maker in makers:
        for file in sorted((root / maker).rglob("*")) if (root / maker).is_dir() else [root / maker]:
            if file.is_file() and file.suffix != ".pyc":
                whole.update(f"\n{file.relative_to(root)} {hashlib.sha256(file.read_bytes()).hexdigest()}".encode())
    return whole.hexdigest()[:16]


@contextmanager
def kept(parent: Path, name: str) -> Iterator[Path]:
    """`parent`/`name`, in use while the block lasts. Folders beside it go, but for the last few and those in use."""
    own = parent / name
    with alone(parent):
        own.mkdir(exist_ok=True)
        os.utime(own)
        using = used(own)
        using.__enter__()
        others = sorted((one for one in parent.iterdir() if one.is_dir() and one != own), key=_changed, reverse=True)
        for other in others[EARLIER:]:
            if not in_use(other):
                shutil.rmtree(other, ignore_errors=True)
    try:
        yield own
    finally:
        using.__exit__(None, None, None)


def _changed(folder: Path) -> float:
    return folder.stat().st_mtime
