"""Where the ARM64 runtimes lie once they are set up, and whether what lies there is whole."""

from __future__ import annotations

import platform
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from levit_mobile.errors import RunnerUnavailable
from levit_mobile.system.files import digest, digest_bytes
from levit_mobile.system.folders import cache_folder
from levit_mobile.system.locks import use_until_exit
from levit_mobile.system.ownership import require_own_cache, weakness

GUEST = Path(__file__).parent / "guest"
MANIFEST = "manifest.json"
PACKAGES = ("ai-edge-litert", "executorch", "numpy")  # whose aarch64 wheels are taken, in the host's own versions
# What else decides what is set up.
RECIPE = ("cpus.py", "standins.py", "packages.py", "build.py", "payload.py", "setup.py")
SET_UP = "levit-mobile setup arm64"
PREFIX = "arm64-"  # of its name in the cache folder, before what stands for versions and sources


class Manifest(BaseModel):
    """`manifest.json`: what was set up, and the SHA-256 of every file that is run, by its path in the folder."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1] = 1
    versions: dict[str, str]
    python: str
    debian: str
    digests: dict[str, str]


@dataclass(frozen=True, slots=True)
class Arm64:
    """The installed ARM64 runtimes, whose files are intact.

    Attributes:
        path: The folder.
        manifest: Versions and digests of what was installed.
    """

    path: Path
    manifest: Manifest

    @property
    def site(self) -> Path:
        """Python packages of the guest."""
        return self.path / "site"

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.path / "root" / "usr" / "bin" / f"python{self.manifest.python}"

    @property
    def program(self) -> Path:
        """What serves a `.pte`."""
        return self.path / "program" / "program"

    @property
    def plugin(self) -> Path:
        """What counts instructions, in the emulator."""
        return self.path / "counting.so"

    def prefix(self, cpu: str) -> Path:
        """The root folder as a guest on this core sees it."""
        return self.path / "cpus" / cpu


def native() -> bool:
    """This machine's own processor runs ARM64 code."""
    return platform.machine() in ("aarch64", "arm64")


def wanted() -> dict[str, str]:
    """Distribution -> version that a guest must have: those of this environment. Raises RunnerUnavailable."""
    try:
        return {package: version(package) for package in PACKAGES}
    except PackageNotFoundError as error:
        raise RunnerUnavailable(
            f"{error.name} is not installed; emulated ARM64 needs it: pip install 'levit-mobile[all]'",
            fault="not-installed",
        ) from error


def folder() -> Path:
    """Where the set-up of these versions and sources lies, or would. Raises RunnerUnavailable as `wanted` does."""
    versions = repr(sorted(wanted().items())).encode()
    guest = sorted(source for source in GUEST.rglob("*") if source.is_file())
    sources = (*guest, *(GUEST.with_name(name) for name in RECIPE))
    ingredients = digest_bytes(versions + b"".join(source.read_bytes() for source in sources))
    return cache_folder() / f"{PREFIX}{ingredients[:16]}"


def found() -> Arm64:
    """The folder for the emulator, after its files were compared with their digests; see `installed`."""
    if native():
        _require_linux()
        raise RunnerUnavailable(
            "instructions are counted in an emulator on x86_64; this machine is ARM64", fault="platform"
        )
    return installed()


def installed() -> Arm64:
    """The folder, after its files were compared with their digests; it is in use until this process ends.

    On ARM64 it holds the payload alone. Raises RunnerUnavailable with what to do.
    """
    _require_linux()
    path = folder()
    if not path.is_dir():
        raise RunnerUnavailable(f"ARM64 is not set up for the installed versions: run `{SET_UP}`", fault="not-set-up")
    require_own_cache(path.parent)
    use_until_exit(path)
    if why := weakness(path):
        raise RunnerUnavailable(f"programs in {path} are not run: {why}, or run `{SET_UP} --force`", fault="unsafe")
    if damage := damaged(path):
        raise RunnerUnavailable(f"{path} is damaged ({damage}): run `{SET_UP} --force`", fault="damaged")
    return Arm64(path, read(path))


def _require_linux() -> None:
    if sys.platform != "linux":
        raise RunnerUnavailable(
            f"ARM64 kernels run on Linux only; this machine runs {platform.system()}", fault="platform"
        )


def read(path: Path) -> Manifest:
    """Its manifest. Raises OSError, pydantic's ValidationError."""
    return Manifest.model_validate_json((path / MANIFEST).read_bytes())


def damaged(path: Path) -> str | None:
    """What is wrong with a folder, in a few words; None where every file is what was set up."""
    try:
        digests = read(path).digests
        wrong = (name for name, expected in digests.items() if digest(path / name) != expected)
        name = next(wrong, None)
    except (OSError, ValidationError) as error:
        return f"{type(error).__name__}: {MANIFEST} or a file that it lists cannot be read"
    return f"{name} has changed since the set-up" if name else None
