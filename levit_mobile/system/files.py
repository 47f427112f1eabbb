"""Files and folders as values: their digests, their sizes, and JSON files read into a model."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import stat
import sys
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticSerializationError, from_json

from levit_mobile.errors import LevitMobileError

Sha256 = str  # 64 lower-case hex digits
SCHEMA = "1"  # of the JSON files that this package reads
_SURROGATE = re.compile("[\ud800-\udfff]")  # Python's stand-in for a byte of a name that is not UTF-8
MOST_BYTES = 64 << 20  # of a JSON file or a list of labels
SHOWN = 4  # names in a sentence
AnyModel = TypeVar("AnyModel", bound=BaseModel)


def read_json(
    kind: type[AnyModel],
    path: Path,
    refusal: type[LevitMobileError],
    called: str,
    *,
    where: str | None = None,
    schema: str = SCHEMA,
) -> AnyModel:
    """Read a JSON file into a model.

    Args:
        kind: The pydantic model.
        path: The file.
        refusal: The error class to raise; its faults are ``unreadable`` and ``schema`` if it lists them.
        called: What the file should be, for the error's sentence, such as ``"a plan"``.
        where: What cannot be read, for the error's sentence. Default: the path.
        schema: The schema versions that the model reads, for the error's sentence.

    Returns:
        The model.

    Raises:
        LevitMobileError: ``refusal``, if the path is not a regular file of at most 64 MiB, cannot be read, is not JSON
            or does not fit the model.
    """
    try:
        content = read_regular(path)
        found = kind.model_validate_json(content)  # first, as it names the place of a number that is none
        parse_json(content)
        return found
    except OSError as error:
        raise refusal(
            f"{where or path} cannot be read ({error.strerror})", fault=_listed("unreadable", refusal)
        ) from error
    except ValueError as error:
        sentence = f"{path} is not {called} of schema {schema}: {_first_fault(error)}"
        raise refusal(sentence, fault=_listed("schema", refusal)) from error


def _first_fault(error: ValueError) -> str:
    if not isinstance(error, ValidationError):
        return f"the file: Invalid JSON: {error}"
    first = error.errors()[0]
    return f"{'.'.join(map(str, first['loc'])) or 'the file'}: {first['msg']}"


def read_regular(path: Path, *, most_bytes: int = MOST_BYTES) -> bytes:
    """The bytes of a file. Raises OSError for one that is too large, and at once for a pipe or a device."""
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as stream:
        about = os.fstat(stream.fileno())
        if not stat.S_ISREG(about.st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file", str(path))
        content = stream.read(most_bytes + 1)
    if len(content) > most_bytes:
        raise OSError(errno.EFBIG, f"it is larger than {most_bytes} bytes", str(path))
    return content


def parse_json(content: bytes | str) -> Any:
    """What JSON says. Raises ValueError for anything else: NaN, Infinity, and numbers that float64 cannot hold.

    Raises RecursionError for what is nested too deeply.
    """
    try:
        whole = from_json(content, allow_inf_nan=False)
    except ValueError as error:
        if "recursion" in str(error):
            raise RecursionError(str(error)) from error
        raise
    left = [whole]
    while left:
        value = left.pop()
        if isinstance(value, dict):
            left.extend(value.values())
        elif isinstance(value, list):
            left.extend(value)
        elif isinstance(value, int | float) and not abs(value) <= sys.float_info.max:
            raise ValueError("a number is beyond the range of float64")
    return whole


def _listed(fault: str, refusal: type[LevitMobileError]) -> str | None:
    return fault if fault in refusal.FAULTS else None


def digest_bytes(data: bytes) -> Sha256:
    """SHA-256 of bytes."""
    return hashlib.sha256(data).hexdigest()


def digest_in_turn(files: Iterable[Path]) -> Sha256:
    """SHA-256 of the bytes of all files in turn, as if they were one. They are read in parts, however large they are.

    Raises OSError for one that cannot be read.
    """
    running = hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            hashlib.file_digest(stream, lambda: running)
    return running.hexdigest()


def digest(path: Path) -> Sha256:
    """SHA-256 of a file, or of a folder: of the lines that `sha256sum` prints for its files, sorted by POSIX path.

    Names count in Unicode's composed form (NFC), however the file system holds them, and `clutter` does not count.
    Raises FileNotFoundError when there is neither.
    """
    if path.is_file():
        return digest_in_turn([path])
    named = sorted((composed(_below(file, path)), file) for file in _files(path))
    return digest_bytes(b"".join(f"{digest(file)}  ".encode() + os.fsencode(name) + b"\n" for name, file in named))


def size_bytes(path: Path) -> int:
    """Bytes of a file, or of all files in a folder, without `clutter`."""
    return path.stat().st_size if path.is_file() else sum(file.stat().st_size for file in _files(path))


def is_clutter(name: str) -> bool:
    """Is a file of this name one that macOS leaves in folders and archives, `.DS_Store` or `._name`?"""
    return name == ".DS_Store" or name.startswith("._")


def clutter(folder: Path) -> tuple[str, ...]:
    """The POSIX paths of such files below a folder, which its digest leaves out; none below a file."""
    return tuple(sorted(_below(file, folder) for file in folder.rglob("*") if is_clutter(file.name) and file.is_file()))


def clutter_note(names: tuple[str, ...]) -> str:
    """A sentence that names files which macOS has left, and which no digest counts."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"not counted in size and digest: {', '.join(names[:SHOWN])}{more}, which macOS left here"


def _files(folder: Path) -> Iterator[Path]:
    if not folder.is_dir():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(folder))
    return (file for file in folder.rglob("*") if file.is_file() and not is_clutter(file.name))


def _below(file: Path, folder: Path) -> str:
    return file.relative_to(folder).as_posix()


def composed(name: str) -> str:
    """A name in Unicode's composed form (NFC), in which two names can be compared: macOS may decompose them."""
    return unicodedata.normalize("NFC", name)


def as_text(name: str) -> str:
    """A name that UTF-8 can hold, which JSON needs: what is not text in it is replaced."""
    return _SURROGATE.sub("\N{REPLACEMENT CHARACTER}", name)


def model_json(model: BaseModel) -> str:
    """A model as JSON, two spaces per level, with every text as `as_text` has it."""
    try:
        return model.model_dump_json(indent=2)
    except PydanticSerializationError:
        return type(model).model_validate(_as_texts(model.model_dump())).model_dump_json(indent=2)


def _as_texts(value: Any) -> Any:
    if isinstance(value, dict):
        return {_as_texts(key): _as_texts(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_as_texts(inner) for inner in value]
    return as_text(value) if type(value) is str else value


def as_on_disk(path: Path) -> Path:
    """The path, or where nothing is there, one that differs from it only in the Unicode composition of its names."""
    if os.path.lexists(path) or composed(str(path)).isascii():
        return path
    found = Path(path.anchor)
    for part in path.relative_to(path.anchor).parts:
        if not os.path.lexists(found / part):
            alike = [name for name in _names(found) if composed(name) == composed(part)]
            if len(alike) != 1:
                return path
            part = alike[0]
        found /= part
    return found


def _names(folder: Path) -> list[str]:
    try:
        return [path.name for path in folder.iterdir()]
    except OSError:
        return []


def is_text(path: Path) -> bool:
    """Is the path text in UTF-8? Runtimes open only such paths; a file of any other name is handed over as bytes."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return False
    return True
