"""Loaded segments of an ELF file, and whether a device with pages of 16 KB can map them."""

from __future__ import annotations

import struct
from dataclasses import dataclass

PAGE = 16 * 1024
LOAD = 1  # PT_LOAD, the type of a segment that the loader maps


@dataclass(frozen=True)
class Segment:
    """One loaded segment: its place in the file, its address in memory, and its alignment, all in bytes."""

    offset: int
    address: int
    alignment: int


def loaded_segments(content: bytes) -> list[Segment]:
    """Read the program headers of a little-endian ELF file of 32 or 64 bits.

    Raises:
        ValueError: The content is not such a file, or it ends inside the table.
    """
    if content[:4] != b"\x7fELF" or content[5:6] != b"\x01":
        raise ValueError("not a little-endian ELF file")
    try:
        return _segments(content, wide=content[4] == 2)
    except struct.error as error:
        raise ValueError("the table of program headers is cut short") from error


def _segments(content: bytes, *, wide: bool) -> list[Segment]:
    start = struct.unpack_from("<Q" if wide else "<I", content, 32 if wide else 28)[0]
    size, count = struct.unpack_from("<HH", content, 54 if wide else 42)
    headers = [_header(content, start + number * size, wide=wide) for number in range(count)]
    return [segment for kind, segment in headers if kind == LOAD]


def _header(content: bytes, at: int, *, wide: bool) -> tuple[int, Segment]:
    if wide:
        kind, _, offset, address, _, _, _, alignment = struct.unpack_from("<IIQQQQQQ", content, at)
    else:
        kind, offset, address, _, _, _, _, alignment = struct.unpack_from("<IIIIIIII", content, at)
    return kind, Segment(offset, address, alignment)


def page_faults(content: bytes) -> list[str]:
    """Why pages of 16 KB cannot hold the library; empty if they can."""
    segments = loaded_segments(content)
    if not segments:
        return ["no loaded segment"]
    return [fault for segment in segments for fault in _faults(segment)]


def _faults(segment: Segment) -> list[str]:
    found = []
    if segment.alignment < PAGE or segment.alignment % PAGE:
        found.append(f"a segment is aligned to {segment.alignment} bytes, expected a multiple of {PAGE}")
    if (segment.offset - segment.address) % PAGE:
        found.append(f"a segment at {segment.offset:#x} in the file and {segment.address:#x} in memory: not congruent")
    return found
