"""ELF files: what is read of them at once is what pyelftools and the compiler's own programs say one by one."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from elftools.dwarf.callframe import FDE
from support.arm64s import RUNS_HERE, ready

from levit_mobile.arm64 import build, elf, stripped, symbols
from levit_mobile.arm64.counting import Block, Counts

Compiled = Callable[..., Path]
CROSS = "aarch64-linux-gnu-"
KERNEL = """
#define KERNEL(name, k) float name(const float* a, int n) \\
{ float s = k; for (int i = 0; i < n; i += 4) s += a[i] * a[i + 1] * k + a[i + 2] / a[i + 3] + a[i + 5]; return s; }
KERNEL(one_ukernel_4, 3.0f)
KERNEL(two_ukernel_4, 5.0f)
"""
CALLER = "float one_ukernel_4(const float*, int); float both(const float* a) { return 2 * one_ukernel_4(a, 8); }"
SHORT = "int short_one(int a) { return a + 1; }"
LISTING = {"T", "t", "W", "w", "i"}  # nm's letters for code


@pytest.fixture
def compiled(tmp_path: Path) -> Compiled:
    """A shared library for ARM64 of C or C++ code."""

    def make(name: str, source: str, *flags: str, language: str = "c") -> Path:
        path = tmp_path / name
        command = [f"{CROSS}g++", "-O2", "-g0", "-shared", "-fPIC", "-nostdlib", "-x", language, "-", "-o", str(path)]
        subprocess.run([*command, *flags], input=source, text=True, check=True)
        return path

    return make


def listed(path: Path) -> dict[int, set[str]]:
    """Address -> the names that nm has for the code there."""
    found: dict[int, set[str]] = {}
    for table in ((), ("-D",)):
        lines = subprocess.run([f"{CROSS}nm", "--defined-only", *table, path], capture_output=True, text=True).stdout
        for address, letter, name in (line.split() for line in lines.splitlines()):
            if letter in LISTING and not name.startswith("$"):
                found.setdefault(int(address, 16), set()).add(name.partition("@")[0])
    return found


# Symbols


@RUNS_HERE
@pytest.mark.parametrize(
    "pattern", ["program/libtorch_cpu.so", "program/program", "program/_portable*.so", "root/lib/*/libm.so.6"]
)
def test_functions_are_those_that_nm_lists(pattern: str) -> None:
    (path,) = ready().path.glob(pattern)
    found, expected = elf.functions(path), listed(path)
    assert found.keys() <= expected.keys()
    left = {name for address in expected.keys() - found.keys() for name in expected[address]}
    assert left <= {"data_start"}  # nm has one letter for everything weak, and this is no code
    assert all(function.name in expected[address] for address, function in found.items())


@RUNS_HERE
def test_functions_are_those_that_pyelftools_reads_one_by_one() -> None:
    path = ready().program
    sizes: dict[int, int] = {}
    with elf.opened(path) as file:
        for table in map(file.get_section_by_name, elf.TABLES):
            for symbol in table.iter_symbols():
                if symbol["st_info"]["type"] == "STT_FUNC" and symbol["st_shndx"] != "SHN_UNDEF":
                    sizes[symbol["st_value"]] = max(sizes.get(symbol["st_value"], 0), symbol["st_size"])
    found = elf.functions(path)
    assert len(sizes) > 20
    assert {address: found[address].size for address in sizes} == sizes


@RUNS_HERE
def test_of_names_for_one_address_one_is_taken(compiled: Compiled) -> None:
    alias = 'extern "C" int {name}(int a) __attribute__((alias("root")));'
    names = ("root32", "cube", "_root")
    source = 'extern "C" int root(int a) { return a * a; }' + "".join(alias.format(name=name) for name in names)
    path = compiled("lib.so", source, language="c++")
    assert [function.name for function in elf.functions(path).values()] == ["root"]


@pytest.mark.parametrize("content", [None, b"", b"#!/bin/sh", b"\x7fELF"])
def test_what_is_no_elf_file_has_no_functions(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "file"
    if content is not None:
        path.write_bytes(content)
    assert elf.functions(path) == {}
    assert not elf.fixed(path)


@RUNS_HERE
def test_only_a_program_at_fixed_addresses_is_fixed(tmp_path: Path) -> None:
    source = "void _start(void) {}"
    for flag, expected in (("-no-pie", True), ("-pie", False)):
        command = [f"{CROSS}gcc", "-nostdlib", flag, "-x", "c", "-", "-o", str(tmp_path / flag)]
        subprocess.run(command, input=source, text=True, check=True)
        assert elf.fixed(tmp_path / flag) is expected


# Stripped libraries


@RUNS_HERE
@pytest.mark.parametrize("pattern", ["program/program", "program/libtorch_cpu.so"])
def test_functions_begin_where_their_frames_do(pattern: str) -> None:
    (path,) = ready().path.glob(pattern)
    with elf.opened(path) as file:
        frames = file.get_dwarf_info().EH_CFI_entries()
    begins = {entry.header["initial_location"] for entry in frames if isinstance(entry, FDE)}
    assert begins
    assert set(elf.begins(path)) == begins


@RUNS_HERE
def test_a_stripped_library_has_the_names_of_kernels_that_it_shares(compiled: Compiled) -> None:
    known = compiled("known.so", SHORT + KERNEL)
    path = compiled("stripped.so", SHORT + CALLER + KERNEL, "-s", "-fvisibility=hidden")
    functions = elf.functions(known)
    assert {function.name for function in functions.values()} == {"short_one", "one_ukernel_4", "two_ukernel_4"}
    found = stripped.shared(path, known, functions)
    assert sorted(function.name for function in found.values()) == ["one_ukernel_4", "two_ukernel_4"]
    table = symbols.symbols(path, known)
    for address, function in found.items():
        assert table.at(address) == table.at(address + function.size - 4) == function.name
    assert sum(name.startswith("function at 0x") for name in table.names) >= 1
    assert stripped.shared(path, known, {}) == {}


# Names


@RUNS_HERE
def test_names_of_c_plus_plus_are_as_people_write_them(compiled: Compiled) -> None:
    source = "namespace net { float sum(const float* a, int n) { return a[n]; } }"
    path = compiled("lib.so", source, language="c++")
    (address,) = elf.functions(path)
    assert elf.functions(path)[address].name == "_ZN3net3sumEPKfi"
    maps = f"4000000000-4000100000 r-xp 00000000 00:00 2 {path}\n"
    counts = Counts((Block(0x4000000000 + address, 3, 0, np.array([0xD65F03C0], np.uint32)),), maps)
    assert symbols.by_symbol(counts, {}) == {("lib.so", "net::sum(float const*, int)"): 3}


@RUNS_HERE
def test_what_a_library_lacks_is_what_nm_lists_without_a_version() -> None:
    (path,) = ready().program.parent.glob("_portable_lib*.so")
    lines = subprocess.run([f"{CROSS}nm", "-D", "--undefined-only", path], capture_output=True, text=True).stdout
    pairs = [line.split() for line in lines.splitlines()]
    assert sorted(build._undefined(path)) == sorted(name for kind, name in pairs if kind == "U" and "@" not in name)
