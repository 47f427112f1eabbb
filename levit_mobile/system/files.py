"""Files and folders as values: their digests, their sizes, and JSON files read into a model."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from levit_mobile.errors import LevitMobileError

Sha256 = str  # 64 lower-case hex digits
SCHEMA = "1"  # of the JSON files that this package reads
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
        LevitMobileError: ``refusal``, if the file cannot be read or does not fit the model.
    """
    try:
        return kind.model_validate_json(path.read_bytes())
    except OSError as error:
        raise refusal(
            f"{where or path} cannot be read ({error.strerror})", fault=_listed("unreadable", refusal)
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        sentence = f"{path} is not {called} of schema {schema}: {place}: {first['msg']}"
        raise refusal(sentence, fault=_listed("schema", refusal)) from error


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

    Raises FileNotFoundError when there is neither.
    """
    if path.is_file():
        return digest_in_turn([path])
    lines = [f"{digest(file)}  {file.relative_to(path).as_posix()}\n" for file in _files(path)]
    return digest_bytes("".join(lines).encode())


def size_bytes(path: Path) -> int:
    """Bytes of a file, or of all files in a folder."""
    return path.stat().st_size if path.is_file() else sum(file.stat().st_size for file in _files(path))


def _files(folder: Path) -> Iterator[Path]:
    if not folder.is_dir():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(folder))
    files = [file for file in folder.rglob("*") if file.is_file()]
    return iter(sorted(files, key=lambda file: file.relative_to(folder).as_posix()))
