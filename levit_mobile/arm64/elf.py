"""What is asked of ELF files: pyelftools finds the parts, and long tables in them are read at once by numpy.

pyelftools makes an object of every row, which takes seconds for the 87,000 symbols of LiteRT's library.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from elftools.elf.elffile import ELFFile

TABLES = (".symtab", ".dynsym")
SYMBOL = np.dtype(  # Elf64_Sym
    [("name", "<u4"), ("info", "u1"), ("other", "u1"), ("section", "<u2"), ("address", "<u8"), ("size", "<u8")]
)
EXECUTABLE_SECTION, EXECUTABLE_SEGMENT = 4, 1  # SHF_EXECINSTR, PF_X
UNWINDING = "PT_GNU_EH_FRAME"
SORTED_TABLE = bytes([1, 0x1B, 0x03, 0x3B])  # version 1; a table of (begin, entry), 4 bytes each, from its own address


@dataclass(frozen=True, slots=True)
class Function:
    """Code with a name, as the file has it; `size` in bytes, or 0 where that is not known."""

    size: int
    name: str


@dataclass(frozen=True, slots=True)
class Code:
    """What is loaded to be run, and the address it is loaded at."""

    address: int
    content: bytes


@contextmanager
def opened(path: Path) -> Iterator[ELFFile]:
    """Raises OSError, and ELFError for what is no ELF file."""
    from elftools.elf.elffile import ELFFile

    with path.open("rb") as stream:
        yield ELFFile(stream)


def fixed(path: Path) -> bool:
    """Its addresses are absolute; False where it cannot be read."""
    from elftools.common.exceptions import ELFError

    try:
        with opened(path) as file:
            return bool(file["e_type"] == "ET_EXEC")
    except (OSError, ELFError):
        return False


def code(path: Path) -> tuple[Code, ...]:
    """The parts of a file that are run. Raises as `opened` does."""
    with opened(path) as file:
        segments = file.iter_segments("PT_LOAD")
        return tuple(Code(part["p_vaddr"], part.data()) for part in segments if part["p_flags"] & EXECUTABLE_SEGMENT)


def page_bytes(path: Path) -> int:
    """The largest page with which a kernel can load a file: its parts are not aligned to more. Raises as `opened`."""
    with opened(path) as file:
        return min(int(part["p_align"]) for part in file.iter_segments("PT_LOAD"))


def functions(path: Path) -> dict[int, Function]:
    """Address -> what a file's symbol tables call the code there; none where it cannot be read.

    Of several names for an address the one that reaches farthest is taken, and of those the last in the alphabet.
    """
    from elftools.common.exceptions import ELFError

    try:
        with opened(path) as file:
            rows = [row for name in TABLES if (table := file.get_section_by_name(name)) for row in _rows(file, table)]
    except (OSError, ELFError):
        return {}
    rows.sort(key=lambda row: (row[1], row[2] + "@"))  # "@" is between digits and letters: sqrtf, and not sqrtf32
    return {address: Function(size, name) for address, size, name in rows}


def _rows(file: ELFFile, table: Any) -> Iterator[tuple[int, int, str]]:
    """Address, size and name of all code in a symbol table."""
    runs = [number for number, part in enumerate(file.iter_sections()) if part["sh_flags"] & EXECUTABLE_SECTION]
    symbols, strings = np.frombuffer(table.data(), SYMBOL), table.stringtable.data()
    for symbol in symbols[np.isin(symbols["section"], runs)]:
        name = strings[symbol["name"] : strings.index(b"\0", symbol["name"])].decode(errors="replace")
        if name and not name.startswith("$"):  # those mark code and data, and name nothing
            yield int(symbol["address"]), int(symbol["size"]), name


def begins(path: Path) -> tuple[int, ...]:
    """Where the functions of a file begin, ascending, by the table that unwinding searches; none without one.

    pyelftools decodes the frames, in seconds, but not this table. Raises as `opened` does.
    """
    with opened(path) as file:
        for segment in file.iter_segments(UNWINDING):
            content = segment.data()
            if content.startswith(SORTED_TABLE):
                return tuple(sorted((segment["p_vaddr"] + _pairs(content)[:, 0]).tolist()))
    return ()


def _pairs(content: bytes) -> NDArray[np.int64]:
    """(begin, entry) of each function, relative to the table."""
    count = int.from_bytes(content[8:12], "little")
    return np.frombuffer(content, "<i4", 2 * count, 12).reshape(-1, 2).astype(np.int64)
