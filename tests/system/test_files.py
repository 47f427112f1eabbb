"""Digests of files that are read in parts."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest
from pydantic import BaseModel
from support.refusals import refused

from levit_mobile.errors import BundleError
from levit_mobile.system.files import digest, digest_bytes, digest_in_turn, read_json, size_bytes

LARGE = 200 << 20
IN_LITTLE_MEMORY = """
import resource, sys
from pathlib import Path
from levit_mobile.system.files import digest
used = int(next(line for line in open("/proc/self/status") if line.startswith("VmData")).split()[1]) << 10
resource.setrlimit(resource.RLIMIT_DATA, (used + (64 << 20), resource.RLIM_INFINITY))
print(digest(Path(sys.argv[1])))
"""


@pytest.fixture
def parts(tmp_path: Path) -> list[Path]:
    contents = [b"first" * 100_000, b"", b"second"]
    for number, content in enumerate(contents):
        (tmp_path / str(number)).write_bytes(content)
    return [tmp_path / str(number) for number in range(len(contents))]


def test_files_in_turn_are_as_one(parts: list[Path]) -> None:
    whole = b"".join(part.read_bytes() for part in parts)
    assert digest_in_turn(parts) == digest_bytes(whole) == hashlib.sha256(whole).hexdigest()
    assert digest_in_turn(parts[::-1]) != digest_in_turn(parts)
    assert digest_in_turn(parts[:1]) == digest(parts[0])


def test_a_part_that_is_missing_is_an_error(parts: list[Path]) -> None:
    parts[1].unlink()
    with pytest.raises(FileNotFoundError):
        digest_in_turn(parts)


def test_a_folders_digest_is_that_of_its_lines_by_path(tmp_path: Path) -> None:
    for name, content in {"b": b"1", "a/z": b"22", "a-b": b"", "a/.hidden": b"333"}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    (tmp_path / "empty").mkdir()
    files = (("a-b", b""), ("a/.hidden", b"333"), ("a/z", b"22"), ("b", b"1"))
    lines = "".join(f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in files)
    assert digest(tmp_path) == hashlib.sha256(lines.encode()).hexdigest()
    assert size_bytes(tmp_path) == 6
    assert size_bytes(tmp_path / "a/z") == 2


@pytest.mark.parametrize("function", [digest, size_bytes])
def test_what_is_not_there_has_no_digest_and_no_size(tmp_path: Path, function: Callable[[Path], object]) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        function(tmp_path / "absent")
    assert caught.value.filename == str(tmp_path / "absent")


class Small(BaseModel):
    schema_version: Literal[1]
    inner: dict[str, int]


@pytest.mark.parametrize(
    ("content", "fact"),
    [
        ('{"schema_version": 2, "inner": {}}', "schema_version: "),
        ('{"schema_version": 1, "inner": {"a": "b"}}', "inner.a: "),
        ('{"schema_version": 1', "the file: "),
    ],
)
def test_a_json_file_of_another_form_is_refused_at_its_first_place(tmp_path: Path, content: str, fact: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(content)
    with refused(BundleError, "bundle.schema", f"{path} is not a small file of schema 1: {fact}"):
        read_json(Small, path, BundleError, "a small file")


def test_a_json_file_is_read_or_named(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text('{"schema_version": 1, "inner": {"a": 3}}')
    assert read_json(Small, path, BundleError, "a small file").inner == {"a": 3}
    with refused(BundleError, "bundle.unreadable", f"{path}.gone cannot be read (No such file"):
        read_json(Small, tmp_path / "x.json.gone", BundleError, "a small file")
    with refused(BundleError, "bundle.unreadable", "the thing cannot be read (No such file"):
        read_json(Small, tmp_path / "gone", BundleError, "a small file", where="the thing")


@pytest.mark.skipif(sys.platform != "linux", reason="NOT RUN: only Linux holds a process to RLIMIT_DATA")
def test_a_large_file_is_read_in_parts(tmp_path: Path) -> None:
    file = tmp_path / "large"
    with file.open("wb") as stream:
        stream.truncate(LARGE)
    done = subprocess.run([sys.executable, "-c", IN_LITTLE_MEMORY, file], capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == (hashlib.sha256(bytes(LARGE)).hexdigest(), "")
