"""The payload: what a phone needs to run artifacts with the runtimes for ARM64, in one folder without a root system.

It holds the dynamic loader and the libraries of the C and C++ languages, both runtimes, and three programs: `litert`
and `executorch` time one artifact each, `turns` runs several of them in turns. guest/bench has their sources.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from levit_mobile.arm64 import build, elf, folder
from levit_mobile.arm64.folder import SET_UP
from levit_mobile.errors import RunnerUnavailable
from levit_mobile.system.atomic_write import write_text
from levit_mobile.system.files import digest, digest_bytes

FOLDER, MANIFEST = "payload", "manifest.json"
LOADER = "ld-linux-aarch64.so.1"
START = (f"./{LOADER}", "--library-path", ".")  # before a program, in the payload's folder
SYSTEM = (LOADER, "libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0", "libgcc_s.so.1", "libstdc++.so.6")
PLACES = ("lib/aarch64-linux-gnu", "usr/lib/aarch64-linux-gnu")  # of them in Debian
PAGE_BYTES = 16 << 10  # the largest page of phones


class Manifest(BaseModel):
    """`payload/manifest.json`. The digest is that of the text that `sha256sum` prints for all files, sorted by name."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1] = 1
    versions: dict[str, str]
    digest: str
    page_bytes: int
    files: dict[str, str]


@dataclass(frozen=True, slots=True)
class Payload:
    """A payload whose files are intact.

    Attributes:
        path: Its folder.
        digest: SHA-256 of its content as a whole.
        files: Name of each file, without the manifest -> its SHA-256.
        versions: Distribution of each runtime -> its version.
        page_bytes: A kernel with larger pages cannot load it.
    """

    path: Path
    digest: str
    files: Mapping[str, str]
    versions: Mapping[str, str]
    page_bytes: int


def found() -> Payload:
    """The payload of the installed versions, after its files were compared with their digests.

    It is in use until this process ends. Raises RunnerUnavailable with what to do.
    """
    return read(folder.installed().path / FOLDER)


def read(path: Path) -> Payload:
    """A payload anywhere, as set up or copied, after the same comparison. Raises RunnerUnavailable."""
    try:
        manifest = Manifest.model_validate_json((path / MANIFEST).read_bytes())
        files = {name: digest(path / name) for name in manifest.files}
    except (OSError, ValidationError) as error:
        raise RunnerUnavailable(
            f"{path} is damaged ({type(error).__name__}: {MANIFEST} or a file that it lists cannot be read): "
            f"run `{SET_UP} --force`",
            fault="damaged",
        ) from error
    if files != manifest.files or content_digest(files) != manifest.digest:
        changed = next((name for name, sum_ in files.items() if sum_ != manifest.files[name]), MANIFEST)
        raise RunnerUnavailable(
            f"{path} is damaged ({changed} has changed since the set-up): run `{SET_UP} --force`", fault="damaged"
        )
    return Payload(path, manifest.digest, manifest.files, manifest.versions, manifest.page_bytes)


def content_digest(files: Mapping[str, str]) -> str:
    """One SHA-256 for all files, which a phone can repeat: `sha256sum NAMES... | sha256sum`."""
    return digest_bytes("".join(f"{files[name]}  {name}\n" for name in sorted(files)).encode())


def make(path: Path, partial: Path, versions: Mapping[str, str]) -> None:
    """Write a payload from the parts of a set-up that are in `partial`. Raises OSError, RunnerUnavailable."""
    path.mkdir()
    litert, program = partial / "site" / "ai_edge_litert", partial / "program"
    libraries = [litert / "libLiteRt.so", *sorted(program.glob("*.so"))]
    for source in [*(_system(partial / "root", name) for name in SYSTEM), *libraries]:
        shutil.copy(source, path / source.name)
    build.make_payload(path, litert=litert, executorch=program, wheel=partial / "executorch", versions=versions)
    files = {file.name: digest(file) for file in sorted(path.iterdir())}
    own = {name: version for name, version in versions.items() if name != "numpy"}
    page_bytes, name = min((elf.page_bytes(path / name), name) for name in files)
    if page_bytes < PAGE_BYTES:
        raise RunnerUnavailable(
            f"ARM64 could not be set up: {name} needs memory pages of {page_bytes} bytes or less, and phones have up "
            f"to {PAGE_BYTES}",
            fault="set-up-failed",
        )
    manifest = Manifest(versions=own, digest=content_digest(files), page_bytes=page_bytes, files=files)
    write_text(path / MANIFEST, manifest.model_dump_json(indent=2) + "\n")


def _system(root: Path, name: str) -> Path:
    return next((place for at in PLACES if (place := root / at / name).exists()), root / PLACES[0] / name)
