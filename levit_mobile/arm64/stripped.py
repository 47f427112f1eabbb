"""Functions of a library without symbols: where each begins, and the names of those that another library shares.

ExecuTorch's wheel is stripped, but both runtimes are built from one XNNPACK, and its kernels in assembly come out the
same byte for byte: LiteRT's wheel, which has its symbols, says what they are called. What the compiler made differs
from build to build; of that only the begin is known, from the tables by which exceptions are unwound.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

LOAD, UNWINDING, EXECUTABLE = 1, 0x6474E550, 1  # PT_LOAD, PT_GNU_EH_FRAME, PF_X, of the ELF specification
HEADER_AT, COUNT_AT = 32, 56  # e_phoff, e_phnum
SEGMENT = struct.Struct("<IIQQQQQQ")  # type, flags, offset, address, -, bytes in the file, -, -
SORTED_TABLE = bytes([1, 0x1B, 0x03, 0x3B])  # version 1; a table of (begin, entry), 4 bytes each, from its own address
KEY, STEP = 16, 4  # bytes that a kernel is looked up by; instructions are aligned
LEAST = 64  # bytes; a shorter one may be another's by chance


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of an ELF file and the address it is loaded at."""

    kind: int
    flags: int
    offset: int
    address: int
    content: bytes


def segments(path: Path) -> tuple[Segment, ...]:
    """The program headers of a 64-bit little-endian ELF file. Raises OSError, struct.error."""
    data = path.read_bytes()
    (at,), (count,) = struct.unpack_from("<Q", data, HEADER_AT), struct.unpack_from("<H", data, COUNT_AT)
    rows = (SEGMENT.unpack_from(data, at + SEGMENT.size * number) for number in range(count))
    return tuple(
        Segment(kind, flags, offset, address, data[offset : offset + size])
        for kind, flags, offset, address, _, size, _, _ in rows
    )


def begins(path: Path) -> tuple[int, ...]:
    """Where the functions of a file begin, ascending; none where it has no such table."""
    for segment in segments(path):
        if segment.kind == UNWINDING and segment.content.startswith(SORTED_TABLE):
            (count,) = struct.unpack_from("<I", segment.content, 8)
            pairs = struct.iter_unpack("<ii", segment.content[12 : 12 + 8 * count])
            return tuple(sorted(segment.address + begin for begin, _ in pairs))
    return ()


def shared(path: Path, known: Path, functions: dict[int, tuple[int, str]]) -> dict[int, tuple[int, str]]:
    """Address in `path` -> (bytes, name) of every function that it shares with `known`, byte for byte.

    `functions` are those of `known`, in the same form.
    """
    bodies = dict(_bodies(known, functions))
    keys: dict[bytes, list[bytes]] = {}
    for body in bodies:
        keys.setdefault(body[:KEY], []).append(body)
    found = {}
    for segment in _code(path):
        for at in range(0, len(segment.content) - KEY, STEP):
            for body in keys.get(segment.content[at : at + KEY], ()):
                if segment.content.startswith(body, at):
                    found[segment.address + at] = len(body), bodies[body]
    return found


def _bodies(path: Path, functions: dict[int, tuple[int, str]]) -> Iterator[tuple[bytes, str]]:
    code = _code(path)
    for address, (size, name) in functions.items():
        for segment in code:
            at = address - segment.address
            if size >= LEAST and 0 <= at < len(segment.content):
                yield segment.content[at : at + size], name


def _code(path: Path) -> list[Segment]:
    return [segment for segment in segments(path) if segment.kind == LOAD and segment.flags & EXECUTABLE]
