"""The kind of file at a path, by its first bytes: an artifact of a target, or a file that is often mistaken for one."""

from __future__ import annotations

from pathlib import Path

from levit_mobile.errors import ArtifactError
from levit_mobile.targets import TARGETS

PACKAGE_FILE, MODEL_SUFFIX = "Manifest.json", ".mlmodel"
HEAD = 32  # bytes that identify a format
LFS_POINTER = b"version https://git-lfs"
# Target -> offset and bytes; Core ML's artifact is a folder.
MAGIC: dict[str, tuple[int, bytes]] = {"tflite": (4, b"TFL3"), "executorch": (4, b"ET")}
# Files that are often mistaken for an artifact: offset, bytes, and the advice.
STRANGERS = (
    (0, LFS_POINTER, "it is a Git LFS pointer: run `git lfs pull` in its folder, which fetches the file itself"),
    (0, b"PK", "it is a zip archive: unpack it, or convert it first if it is a checkpoint"),
    (4, b"BP", "it is an ExecuTorch bundled program, which also holds test inputs: pass the .pte inside it"),
    (4, b"FT", "it is an ExecuTorch data file: pass the .pte that it belongs to, and this file with --data"),
    (0, b"\x80", "it is a pickle: convert it first if it is a checkpoint"),
    (0, b"\x89HDF", "it is a Keras or HDF5 file: convert it first"),
)
EXPECTED = "expected a .tflite, .pte, .mlpackage or .mlmodel, or a bundle's folder"


def target_of(path: Path) -> str:
    """The target of the artifact at `path`, whatever its name. Raises ArtifactError for any other file."""
    if path.is_dir():
        return _target_of_folder(path)
    if not path.is_file():
        raise ArtifactError(
            f"{path} {'is not a file' if path.exists() else 'does not exist'}, {EXPECTED}", fault="missing"
        )
    head = _head(path)
    for target in MAGIC:
        if begins(head, target):
            return target
    if path.suffix == MODEL_SUFFIX and head and not head.startswith(LFS_POINTER):
        return "coreml"
    raise ArtifactError(f"{path} is not an artifact: {_stranger(head)}; {EXPECTED}", fault="unknown-format")


def begins_as(path: Path, target: str) -> bool:
    """Does a file start as the target's artifacts do? Raises ArtifactError when it cannot be read."""
    return begins(_head(path), target)


def begins(head: bytes, target: str) -> bool:
    """The same of a file's first bytes."""
    offset, magic = MAGIC[target]
    return head.startswith(magic, offset)


def _target_of_folder(path: Path) -> str:
    if (path / PACKAGE_FILE).is_file():
        return "coreml"
    if (path / "coremldata.bin").is_file():
        raise ArtifactError(
            f"{path} is a compiled Core ML model, which holds no graph: pass the .mlpackage that it was compiled from",
            fault="unsupported-model",
        )
    if path.suffix == TARGETS["coreml"].suffix:
        raise ArtifactError(
            f"{path} is not an .mlpackage: it holds no {PACKAGE_FILE}; copy the whole folder again", fault="damaged"
        )
    raise ArtifactError(
        f"{path} is neither a bundle (contract.json) nor an .mlpackage ({PACKAGE_FILE}); {EXPECTED}",
        fault="unknown-format",
    )


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(HEAD)
    except OSError as error:
        raise ArtifactError(f"{path} cannot be read: {error.strerror}", fault="unreadable") from error


def mistaken_for(path: Path) -> str:
    """What a file is that is often mistaken for an artifact, with the advice; empty for any other file.

    Raises ArtifactError when it cannot be read.
    """
    return _named(_head(path))


def _stranger(head: bytes) -> str:
    if not head:
        return "it is empty"
    return _named(head) or "its file signature is unknown, so it is of a different format or damaged"


def _named(head: bytes) -> str:
    return next((what for offset, magic, what in STRANGERS if head.startswith(magic, offset)), "")
