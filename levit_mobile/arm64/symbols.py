"""Names for what ran: the guest's map of addresses, and the symbol tables of the files in it."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from levit_mobile.arm64 import elf, stripped
from levit_mobile.arm64.counting import Counts
from levit_mobile.arm64.elf import Function
from levit_mobile.system.environments import run

KERNEL = "_ukernel_"  # in the name of everything in XNNPACK that does the work
DEMANGLER = "aarch64-linux-gnu-c++filt"
MANGLED = "_Z"  # how names of C++ begin
MAPPED = re.compile(
    r"(?P<start>[0-9a-f]+)-(?P<end>[0-9a-f]+) (?P<mode>\S+) (?P<offset>[0-9a-f]+) \S+ \d+ +(?P<path>/.*)"
)


@dataclass(frozen=True, slots=True)
class Mapping:
    """A part of a file in memory; `bias` is what is added to the addresses in the file."""

    start: int
    end: int
    bias: int
    path: Path


@dataclass(frozen=True, slots=True)
class Symbols:
    """The functions of a file, by ascending address; each reaches to its end, or to the next one where that is 0."""

    starts: tuple[int, ...]
    ends: tuple[int, ...]
    names: tuple[str, ...]

    def at(self, address: int) -> str | None:
        """The function that an address lies in."""
        place = bisect_right(self.starts, address) - 1
        return self.names[place] if place >= 0 and address < self.ends[place] else None


def by_symbol(counts: Counts, kin: dict[str, Path]) -> dict[tuple[str, str], int]:
    """(file's name, function's name) -> instructions that ran in it, most first.

    `kin` says which file a stripped one, by its name, shares kernels with. A function is "" in a file without symbols,
    and between those it has; the file is "" for what is mapped from none.
    """
    mappings, found = mapped(counts.maps), Counter[tuple[str, str]]()
    starts = [mapping.start for mapping in mappings]
    for block in counts.blocks:
        place = bisect_right(starts, block.address) - 1
        mapping = mappings[place] if place >= 0 and block.address < mappings[place].end else None
        found[_named(mapping, block.address, kin) if mapping else ("", "")] += block.executed
    readable = _readable(name for _, name in found)
    named = Counter[tuple[str, str]]()
    for (file, name), executed in found.items():
        named[file, readable.get(name, name)] += executed
    return dict(named.most_common())


def _named(mapping: Mapping, address: int, kin: dict[str, Path]) -> tuple[str, str]:
    name = mapping.path.name
    return name, symbols(mapping.path, kin.get(name)).at(address - mapping.bias) or ""


def _readable(names: Iterable[str]) -> dict[str, str]:
    """Names of C++ -> as people write them, where the compiler's own program for that is installed."""
    mangled = list(dict.fromkeys(name for name in names if name.startswith(MANGLED)))
    lines = run([DEMANGLER, "--no-verbose", *mangled]).stdout.splitlines() if mangled else []
    return dict(zip(mangled, lines, strict=False))


def mapped(maps: str) -> list[Mapping]:
    """The files in /proc/self/maps, by ascending address."""
    lines = [found for line in maps.splitlines() if (found := MAPPED.fullmatch(line))]
    bases: dict[str, int] = {}
    for found in lines:
        if int(found["offset"], 16) == 0:
            bases.setdefault(found["path"], 0 if elf.fixed(Path(found["path"])) else int(found["start"], 16))
    return sorted(
        (
            Mapping(int(found["start"], 16), int(found["end"], 16), bases.get(found["path"], 0), Path(found["path"]))
            for found in lines
        ),
        key=lambda mapping: mapping.start,
    )


@cache
def symbols(path: Path, kin: Path | None = None) -> Symbols:
    """The functions of a file by name, exported or not; none where it cannot be read.

    Of a stripped one, those it shares with `kin` have their names from there, and the others are called by where they
    begin.
    """
    functions = elf.functions(path)
    if kin is not None:
        kernels = {at: function for at, function in elf.functions(kin).items() if KERNEL in function.name}
        unnamed = {begin: Function(0, f"function at {begin:#x}") for begin in elf.begins(path)}
        functions = unnamed | functions | stripped.shared(path, kin, kernels)
    starts = sorted(functions)
    nexts = [*starts, 1 << 64][1:]
    sizes = [functions[start].size for start in starts]
    ends = [start + size if size else after for start, size, after in zip(starts, sizes, nexts, strict=True)]
    return Symbols(tuple(starts), tuple(ends), tuple(functions[start].name for start in starts))
