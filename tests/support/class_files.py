"""Java class files with methods that have no code."""

from __future__ import annotations

import struct


def compiled(name: str, methods: list[tuple[str, str, int]]) -> bytes:
    """A class file with these methods: name, descriptor, access flags."""
    texts = [name, "java/lang/Object", *(text for one in methods for text in one[:2])]
    pool = b"".join(struct.pack(">BH", 1, len(text)) + text.encode() for text in texts)
    long = struct.pack(">BQ", 5, 7)  # takes two numbers of the pool
    classes = struct.pack(">BHBH", 7, 1, 7, 2)
    first = len(texts) + 3
    head = struct.pack(">IHHH", 0xCAFEBABE, 0, 61, first + 2) + pool + long + classes
    own = struct.pack(">HHHHH", 1, first, first + 1, 0, 0)
    entries = [struct.pack(">HHHH", access, 3 + 2 * at, 4 + 2 * at, 0) for at, (*_, access) in enumerate(methods)]
    return head + own + struct.pack(">H", len(methods)) + b"".join(entries) + struct.pack(">H", 0)
