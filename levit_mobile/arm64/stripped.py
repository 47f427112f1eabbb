"""Names for the functions of a library without symbols: those that another library shares with it.

ExecuTorch's wheel is stripped, but both runtimes are built from one XNNPACK, and its kernels in assembly come out the
same byte for byte: LiteRT's wheel, which has its symbols, says what they are called. What the compiler made differs
from build to build; of that only the begin is known. No library compares code that way, so it is done here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from operator import itemgetter
from pathlib import Path

from levit_mobile.arm64 import elf
from levit_mobile.arm64.elf import Function

KEY, STEP = 16, 4  # bytes that a kernel is looked up by; instructions are aligned
LEAST = 64  # bytes; a shorter one may be another's by chance


def shared(path: Path, known: Path, functions: Mapping[int, Function]) -> dict[int, Function]:
    """Address in `path` -> every function that it shares with `known`, byte for byte.

    `functions` are those of `known`; of several with equal code, the last in the alphabet gives the name. Raises as
    `elf.opened` does.
    """
    bodies = dict(sorted(_bodies(known, functions), key=itemgetter(1)))
    keys: dict[bytes, list[bytes]] = {}
    for body in bodies:
        keys.setdefault(body[:KEY], []).append(body)
    found = {}
    for part in elf.code(path):
        for at in range(0, len(part.content) - KEY, STEP):
            for body in keys.get(part.content[at : at + KEY], ()):
                if part.content.startswith(body, at):
                    found[part.address + at] = Function(len(body), bodies[body])
    return found


def _bodies(path: Path, functions: Mapping[int, Function]) -> Iterator[tuple[bytes, str]]:
    parts = elf.code(path)
    for address, function in functions.items():
        for part in parts:
            at = address - part.address
            if function.size >= LEAST and 0 <= at < len(part.content):
                yield part.content[at : at + function.size], function.name
