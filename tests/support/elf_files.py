"""ELF files of a header and program headers, for the check of native libraries."""

from __future__ import annotations

import struct

from elf import PAGE, Segment


def elf(*segments: Segment, wide: bool = True, kind: int = 1) -> bytes:
    """An ELF file with the header and the program headers alone."""
    start, size = (64, 56) if wide else (52, 32)
    head = b"\x7fELF" + bytes([2 if wide else 1, 1, 1]) + bytes(9) + struct.pack("<HHI", 3, 183, 1)
    places = struct.pack("<QQQ", 0, start, 0) if wide else struct.pack("<III", 0, start, 0)
    sizes = struct.pack("<IHHHHHH", 0, start, size, len(segments), 0, 0, 0)
    return head + places + sizes + b"".join(_header(one, kind, wide) for one in segments)


def _header(one: Segment, kind: int, wide: bool) -> bytes:
    if wide:
        return struct.pack("<IIQQQQQQ", kind, 5, one.offset, one.address, one.address, 8, 8, one.alignment)
    return struct.pack("<IIIIIIII", kind, one.offset, one.address, one.address, 8, 8, 5, one.alignment)


GOOD = Segment(0, 0, PAGE), Segment(0x1234, 0x1234 + PAGE, PAGE)
