"""What a file is, by its first bytes and the members of its zip archive, whatever its name says."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

SAFETENSORS_HEADER = 100_000_000  # most bytes of the header, as the library has it
STARTS: dict[bytes, str] = {
    b"version https://git-lfs": "a Git LFS pointer",
    b"\x89HDF\r\n\x1a\n": "an HDF5 file",
    b"\x93NUMPY": "a NumPy array",
    b"GGUF": "a GGUF file",
    b"\x1f\x8b": "a gzip archive",
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ": "an xz archive",
    b"\x28\xb5\x2f\xfd": "a Zstandard archive",
    b"7z\xbc\xaf": "a 7-Zip archive",
    b"<": "an HTML or XML page",
}
MARKS: dict[tuple[int, bytes], str] = {  # place and bytes
    (4, b"TFL3"): "a TFLite model",
    (4, b"ET12"): "an ExecuTorch program",
    (257, b"ustar"): "a tar archive",
}
SUFFIXES = {
    ".onnx": "an ONNX model",
    ".msgpack": "a Flax file",
    ".mlmodel": "a Core ML model",
    ".pb": "a TensorFlow graph",
}
LEGACY = (b"\x80\x02\x8a\n", b"\x80")  # of pickles: the first is what torch wrote before it wrote zip archives
ZIP = b"PK\x03\x04"
MOST_UNPACKED = 8  # times the file's own size: torch packs nothing, and weights pack to a quarter at best
FREE_BYTES = 1 << 20


class Kind(Enum):
    """A kind of file that can be read."""

    SAFETENSORS = "safetensors"
    ZIP = "zip"
    PICKLE = "pickle"


@dataclass(frozen=True, slots=True)
class Found:
    """What a file is: a kind that can be read, or the name of something else; neither for unknown content.

    `size_bytes` is what it unpacks to. `sure` says that content alone tells the kind, whatever the suffix.
    """

    kind: Kind | None = None
    what: str = ""
    size_bytes: int = 0
    sure: bool = True


def identify(file: Path) -> Found:
    """Raises OSError for a file that cannot be read."""
    size = file.stat().st_size
    with file.open("rb") as stream:
        start = stream.read(512)
    if _is_safetensors(start, size):
        return Found(Kind.SAFETENSORS, size_bytes=size)
    if start.startswith(ZIP):
        return _archive(file, size)
    if start.startswith(LEGACY):
        return Found(Kind.PICKLE, size_bytes=size, sure=start.startswith(LEGACY[0]))
    known = (what for begin, what in STARTS.items() if start.startswith(begin))
    marked = (what for (place, mark), what in MARKS.items() if start[place : place + len(mark)] == mark)
    return Found(what=next(known, "") or next(marked, "") or SUFFIXES.get(file.suffix, ""), size_bytes=size)


def _is_safetensors(start: bytes, size: int) -> bool:
    header = int.from_bytes(start[:8], "little")
    return start[8:9] == b"{" and header <= min(SAFETENSORS_HEADER, size - 8)


def _archive(file: Path, size: int) -> Found:
    """A zip archive is a checkpoint if it has torch's `data.pkl`; its directory says what it unpacks to."""
    try:
        with zipfile.ZipFile(file) as opened:
            members = opened.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return Found(size_bytes=size)
    names = [member.filename for member in members]
    unpacked = sum(member.file_size for member in members)
    if unpacked > MOST_UNPACKED * size + FREE_BYTES:
        return Found(what=f"an archive that unpacks to {unpacked} bytes from {size}", size_bytes=unpacked)
    what = _foreign(names)
    return Found(None if what else Kind.ZIP, what, unpacked)


def _foreign(names: Iterable[str]) -> str:
    names = list(names)
    ends = {name.rpartition("/")[2] for name in names}
    if "constants.pkl" in ends:
        return "a TorchScript archive by torch.jit.save"
    if ends & {"serialized_exported_program.json", "archive_format"}:
        return "a program by torch.export.save"
    if "data.pkl" in ends:
        return ""
    if names and all(name.endswith(".npy") for name in names):
        return "a NumPy archive"
    if any(name.endswith(".weights.h5") for name in names):
        return "a Keras model"
    return "a zip archive"
