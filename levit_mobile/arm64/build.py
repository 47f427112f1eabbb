"""What is compiled here: the plugin that counts instructions, and the program that serves a `.pte` without Python."""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from levit_mobile.arm64 import elf, standins
from levit_mobile.arm64.folder import GUEST
from levit_mobile.arm64.packages import do
from levit_mobile.arm64.requirements import require_readers
from levit_mobile.errors import RunnerUnavailable

if TYPE_CHECKING:
    from elftools.elf.sections import Symbol

CROSS = "aarch64-linux-gnu-"
EMPTY = ("torch", "torch_python", "c10")  # libraries that the runtime asks for, once their names are defined elsewhere
PORTABLE_TYPES = "executorch/include/executorch/runtime/core/portable_type/c10"


def make_plugin(path: Path) -> None:
    """Raises RunnerUnavailable when the compiler fails."""
    do(["gcc", "-O2", "-shared", "-fPIC", "-o", str(path), str(GUEST / "counting.c")])


def make_program(folder: Path, wheel: Path) -> None:
    """`folder/program`, beside the libraries it needs, from an unpacked wheel. Raises RunnerUnavailable."""
    require_readers()
    folder.mkdir()
    (runtime,) = wheel.glob("executorch/extension/pybindings/_portable_lib*.so")
    shutil.copy(runtime, folder)
    undefined = _undefined(runtime)
    _make_standins(folder, undefined)
    flags = ["-O2", "-std=c++17", "-DC10_USING_CUSTOM_GENERATED_MACROS", f"-I{wheel}/executorch/include"]
    libraries = [f"-l:{runtime.name}", "-ltorch_cpu", *(f"-l{name}" for name in EMPTY)]
    linking = "-Wl,-rpath,$ORIGIN,--export-dynamic,--allow-shlib-undefined,-rpath-link," + str(folder)
    sources = [f"-I{wheel}/{PORTABLE_TYPES}", str(GUEST / "program.cpp"), f"-L{folder}", "-Wl,--no-as-needed"]
    do([f"{CROSS}g++", *flags, "-o", str(folder / "program"), *sources, *libraries, linking])


def _undefined(library: Path) -> list[str]:
    """The names that a library takes from others than glibc and libstdc++, whose names carry a version."""
    with elf.opened(library) as file:
        tables: list[Any] = [file.get_section_by_name(section) for section in (".dynsym", ".gnu.version")]
        pairs = zip(*(table.iter_symbols() for table in tables), strict=True)
        return [name.name for name, version in pairs if _required(name) and version["ndx"] == "VER_NDX_GLOBAL"]


def _required(symbol: Symbol) -> bool:
    """Nothing runs without it, which is not so of weak ones."""
    return bool(symbol["st_shndx"] == "SHN_UNDEF" and symbol["st_info"]["bind"] == "STB_GLOBAL")


def _make_standins(folder: Path, undefined: list[str]) -> None:
    ours = tuple(name for name in undefined if name.startswith(("pthreadpool_", "cpuinfo_")))
    (folder / "pools.c").write_text(standins.pools(ours))
    (folder / "stops.s").write_text(standins.stops(set(undefined) - set(ours)))
    sources = [str(folder / "pools.c"), str(GUEST / "cpuinfo.c"), str(folder / "stops.s")]
    library = ["-O2", "-shared", "-fPIC", f"-I{_headers()}", "-o", str(folder / "libtorch_cpu.so")]
    do([f"{CROSS}gcc", *library, *sources, "-Wl,-soname,libtorch_cpu.so"])
    for name in EMPTY:
        nothing = ["-shared", "-nostdlib", "-x", "c", "/dev/null", "-o", str(folder / f"lib{name}.so")]
        do([f"{CROSS}gcc", *nothing, f"-Wl,-soname,lib{name}.so"])


def _headers() -> Path:
    """torch's, which hold those of pthreadpool and cpuinfo; torch itself is not imported."""
    places = find_spec("torch")
    for place in (places and places.submodule_search_locations) or ():
        if (Path(place) / "include" / "pthreadpool.h").is_file():
            return Path(place) / "include"
    raise RunnerUnavailable("ARM64 could not be set up: the installed torch has no headers", fault="not-installed")
