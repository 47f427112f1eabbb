"""Digests of files that are read in parts."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from levit_mobile.system.files import digest, digest_bytes, digest_in_turn

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


@pytest.mark.skipif(sys.platform != "linux", reason="NOT RUN: only Linux holds a process to RLIMIT_DATA")
def test_a_large_file_is_read_in_parts(tmp_path: Path) -> None:
    file = tmp_path / "large"
    with file.open("wb") as stream:
        stream.truncate(LARGE)
    done = subprocess.run([sys.executable, "-c", IN_LITTLE_MEMORY, file], capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == (hashlib.sha256(bytes(LARGE)).hexdigest(), "")
