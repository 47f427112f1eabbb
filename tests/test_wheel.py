"""The wheel takes one top-level name, holds every file, and works beside a user's own `conversion.py` and `tests`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

import levit_mobile
from levit_mobile.bundle.reader import open_bundle

pytestmark = pytest.mark.slow

ROOT = Path(levit_mobile.__file__).parents[1]
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
PACKAGES = {"levit_mobile": "levit_mobile", "conversion": "levit_mobile/conversion"}  # in the repository, in the wheel
DATA = (
    "levit_mobile/*.json",
    "levit_mobile/schemas/*.json",
    "levit_mobile/py.typed",
    "levit_mobile/data/*.*",
    "levit_mobile/data/photographs/*",
    "levit_mobile/reporting/pages/*.j2",
    "levit_mobile/reporting/pages/sort.js",
    "levit_mobile/arm64/guest/*",
    "levit_mobile/arm64/guest/bench/*",
    "levit_mobile/device/phone/*.sh",
    "conversion/plans/*.json",
)
TAKEN = ("conversion.py", "training.py", "tests/__init__.py")  # of the user's own


def build(kind: str, source: Path, out: Path) -> Path:
    """What pip asks of the build backend, without pip: the path of the "wheel" or "sdist" made from `source`."""
    code = f"import sys; from setuptools import build_meta; build_meta.build_{kind}(sys.argv[1])"
    out.mkdir()
    subprocess.run([sys.executable, "-c", code, str(out)], cwd=source, check=True, capture_output=True, text=True)
    (made,) = out.iterdir()
    return made


def wheel_paths(repository: Path) -> set[str]:
    """Where every Python file and every data file of the repository lies in the wheel."""
    found = [*(path for name in PACKAGES for path in (repository / name).rglob("*.py"))]
    for pattern in DATA:
        matching = [path for path in repository.glob(pattern) if path.is_file()]
        assert matching, pattern
        found += matching
    relative = (path.relative_to(repository).as_posix() for path in found)
    return {"/".join((PACKAGES[(parts := path.partition("/"))[0]], parts[2])) for path in relative}


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository without what git ignores: a build leaves folders in its source."""
    ignored = [line.strip("/") for line in (ROOT / ".gitignore").read_text().splitlines()]
    to = tmp_path_factory.mktemp("copy") / "source"
    shutil.copytree(ROOT, to, ignore=shutil.ignore_patterns(".git", *ignored))
    return to


@pytest.fixture(scope="module")
def wheel(copy: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("wheel", copy, tmp_path_factory.mktemp("wheel") / "out")


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a fresh environment that holds the wheel; everything else it finds where the tests do.

    A `.pth` line adds folders only, and no finder of an editable install that lies in them.
    """
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False, symlinks=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    with zipfile.ZipFile(wheel) as file:
        file.extractall(packages)
    others = [path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]
    (packages / "others.pth").write_text("".join(f"{path}\n" for path in others))
    return folder / "bin" / "python"


@pytest.fixture
def beside(tmp_path: Path) -> Path:
    """A working directory whose own modules have the names of the repository's folders, and must not be imported."""
    for name in TAKEN:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("raise RuntimeError('the user\\'s own ' + __file__ + ' was imported')\n")
    return tmp_path


def run(python: Path, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Without a PYTHONPATH, which would stand in front of the wheel."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        [python, *arguments], cwd=cwd, env=environment, capture_output=True, text=True, timeout=900, check=False
    )


def test_the_wheel_takes_no_other_name(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as file:
        names = file.namelist()
    assert {name.partition("/")[0] for name in names} == {"levit_mobile", f"levit_mobile-{VERSION}.dist-info"}


def test_the_wheel_holds_every_file_and_no_other(copy: Path, wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as file:
        packed = {name for name in file.namelist() if name.startswith("levit_mobile/")}
    assert packed == wheel_paths(copy)
    assert wheel_paths(copy) == wheel_paths(ROOT)


def test_a_source_distribution_makes_the_same_wheel(copy: Path, wheel: Path, tmp_path: Path) -> None:
    with tarfile.open(build("sdist", copy, tmp_path / "sdist")) as file:
        file.extractall(tmp_path, filter="data")
    source = tmp_path / f"levit_mobile-{VERSION}"
    assert (source / "setup.py").is_file()
    assert (source / "conversion" / "tflite.py").is_file()
    again = build("wheel", source, tmp_path / "wheel")
    with zipfile.ZipFile(again) as file, zipfile.ZipFile(wheel) as first:
        assert {each.filename: each.CRC for each in file.infolist()} == {
            each.filename: each.CRC for each in first.infolist()
        }


@pytest.mark.parametrize("name", ["levit_mobile", "levit_mobile.conversion", "levit_mobile.conversion.tflite"])
def test_the_installed_files_are_the_wheels(python: Path, beside: Path, name: str) -> None:
    done = run(python, "-c", f"import {name}; print({name}.__file__)", cwd=beside)
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()).is_relative_to(python.parents[1])


def test_the_trap_is_one(python: Path, beside: Path) -> None:
    for name in TAKEN:
        module = name.removesuffix(".py").removesuffix("/__init__")
        done = run(python, "-c", f"import {module}", cwd=beside)
        assert "the user's own" in done.stderr


def test_an_installed_wheel_converts_beside_a_users_own_files(python: Path, beside: Path) -> None:
    call = ("-m", "levit_mobile", "convert", "--target", "tflite", "--out", "out", "--no-timing")
    done = run(python, *call, cwd=beside)
    assert done.returncode == 0, done.stderr
    (contract,) = (beside / "out").glob("*/contract.json")
    opened = open_bundle(contract.parent)
    assert (opened.contract.recipe, opened.proof.verdict) == ("tflite-fp32", "proven")
