"""What is compiled here: the plugin that counts instructions, and programs that need no Python.

One serves a `.pte` in the emulator. The others are the payload's, which time an artifact on a phone.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from levit_mobile.arm64 import elf, standins
from levit_mobile.arm64.folder import GUEST, native
from levit_mobile.arm64.packages import do
from levit_mobile.arm64.requirements import require_readers
from levit_mobile.errors import RunnerUnavailable

if TYPE_CHECKING:
    from elftools.elf.sections import Symbol

CROSS = "aarch64-linux-gnu-"
BENCH = GUEST / "bench"
C = ("-O2", "-std=gnu11", "-Wall", "-Wextra")
CPP = ("-O2", "-std=c++17", "-DC10_USING_CUSTOM_GENERATED_MACROS")
EMPTY = ("torch", "torch_python", "c10")  # libraries that the runtime asks for, once their names are defined elsewhere
PORTABLE_TYPES = "executorch/include/executorch/runtime/core/portable_type/c10"


def make_plugin(path: Path) -> None:
    """Raises RunnerUnavailable when the compiler fails."""
    do(["gcc", "-O2", "-shared", "-fPIC", "-o", str(path), str(GUEST / "counting.c")])


def compiler(language: str) -> str:
    """The program that compiles for ARM64: "gcc" or "g++" with the prefix of a cross compiler, where that is needed."""
    return language if native() else f"{CROSS}{language}"


def make_program(folder: Path, wheel: Path) -> None:
    """`folder/program`, beside the libraries it needs, from an unpacked wheel. Raises RunnerUnavailable."""
    require_readers()
    folder.mkdir()
    (runtime,) = wheel.glob("executorch/extension/pybindings/_portable_lib*.so")
    shutil.copy(runtime, folder)
    undefined = _undefined(runtime)
    _make_standins(folder, undefined)
    _link_executorch(folder / "program", [str(GUEST / "program.cpp")], folder, wheel)


def make_payload(folder: Path, *, litert: Path, executorch: Path, wheel: Path, versions: Mapping[str, str]) -> None:
    """The programs `litert`, `executorch` and `turns` in a folder that is there. Raises RunnerUnavailable.

    Args:
        folder: Where they are written.
        litert: The folder of libLiteRt.so.
        executorch: The folder that `make_program` made.
        wheel: ExecuTorch's, unpacked.
        versions: Distribution -> its version, which the programs report.
    """
    shared = [*(str(BENCH / f"{name}.c") for name in ("bench", "words", "common")), str(GUEST / "prepare.c")]
    litert_title = _title("LiteRT", versions["ai-edge-litert"])
    library = [f"-L{litert}", "-l:libLiteRt.so", "-lm", "-Wl,--allow-shlib-undefined"]
    _compile([litert_title, "-s", "-o", str(folder / "litert"), str(BENCH / "litert.c"), *shared, *library])
    _compile(["-s", "-o", str(folder / "turns"), str(BENCH / "turns.c"), str(BENCH / "common.c")])
    objects = [str(folder / f"{Path(source).stem}.o") for source in shared]
    for source, made in zip(shared, objects, strict=True):
        _compile(["-c", "-o", made, source])
    sources = [_title("ExecuTorch", versions["executorch"]), str(BENCH / "executorch.cpp"), *objects, "-s"]
    _link_executorch(folder / "executorch", sources, executorch, wheel)
    for made in objects:
        Path(made).unlink()


def _title(runtime: str, version: str) -> str:
    return f'-DRUNTIME="{runtime} {version}"'


def _compile(words: list[str]) -> None:
    do([compiler("gcc"), *C, *words])


def _link_executorch(program: Path, sources: list[str], folder: Path, wheel: Path) -> None:
    """A program over the wheel's library and the stand-ins, which `folder` holds."""
    (runtime,) = folder.glob("_portable_lib*.so")
    includes = [f"-I{wheel}/executorch/include", f"-I{wheel}/{PORTABLE_TYPES}"]
    libraries = [f"-L{folder}", "-Wl,--no-as-needed", f"-l:{runtime.name}", "-ltorch_cpu", *(f"-l{n}" for n in EMPTY)]
    linking = "-Wl,-rpath,$ORIGIN,--export-dynamic,--allow-shlib-undefined,-rpath-link," + str(folder)
    do([compiler("g++"), *CPP, "-o", str(program), *includes, *sources, *libraries, linking])


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
    own = [str(GUEST / "pool.c"), str(GUEST / "cpuinfo.c")]
    sources = [str(folder / "pools.c"), *own, str(folder / "stops.s"), "-pthread"]
    library = ["-O2", "-shared", "-fPIC", f"-I{_headers()}", f"-I{GUEST}", "-o", str(folder / "libtorch_cpu.so")]
    do([compiler("gcc"), *library, *sources, "-Wl,-soname,libtorch_cpu.so"])
    for name in EMPTY:
        nothing = ["-shared", "-nostdlib", "-x", "c", "/dev/null", "-o", str(folder / f"lib{name}.so")]
        do([compiler("gcc"), *nothing, f"-Wl,-soname,lib{name}.so"])


def _headers() -> Path:
    """torch's, which hold those of pthreadpool and cpuinfo; torch itself is not imported."""
    places = find_spec("torch")
    for place in (places and places.submodule_search_locations) or ():
        if (Path(place) / "include" / "pthreadpool.h").is_file():
            return Path(place) / "include"
    raise RunnerUnavailable("ARM64 could not be set up: the installed torch has no headers", fault="not-installed")
