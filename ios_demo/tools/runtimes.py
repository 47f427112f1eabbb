"""What the tests of the runtimes need on Linux: the wheels' libraries, real bundles, and the members of the twins.

The libraries and the bundles are those of the Android tests, so their tools make and keep them.
"""

from __future__ import annotations

import json
import re
import sys
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from android_tools import bundles, machine, native
from toolchain import ROOT, Toolchain

PACKAGE = ROOT / "LevitRuntimes"
TWINS = ROOT / "twins"
MODULES = "ExecuTorch", "LiteRT"
SYNTHESIZED = "::SYNTHESIZED::"


def missing() -> str:
    """Why no artifact can run here; empty if one can."""
    if sys.platform != "linux":
        return "the twins exist on Linux only; Xcode builds the runners with the vendors' packages"
    if reason := machine.twins_missing():
        return reason
    return "" if bundles.folder() else "there are no test bundles, and nothing here can make them"


@cache
def environment() -> dict[str, str]:
    """Variables that name the libraries and the bundles for the twins and the tests."""
    named = {
        "LEVIT_EXECUTORCH": native.executorch(),
        "LEVIT_LITERT": native.litert(),
        "LEVIT_BUNDLES": bundles.folder(),
    }
    return {name: str(path) for name, path in named.items()}


def check_members(toolchain: Toolchain, modules: Path) -> int:
    """Compare all members of the twins with the lists of the vendors' members.

    Args:
        toolchain: The Swift that reads the twins.
        modules: Folder of the compiled modules that the twins import.

    Returns:
        The number of members.

    Raises:
        SystemExit: A twin has a member that its list lacks, or lacks one of the list.
    """
    count = 0
    for module in MODULES:
        found, listed = members(toolchain, modules, module), _listed(TWINS / "members" / f"{module.lower()}.txt")
        for name, extra in (("the list lacks", found - listed), ("the twin lacks", listed - found)):
            if extra:
                raise SystemExit(f"{module}: {name}:\n" + "\n".join(sorted(extra)))
        count += len(found)
    return count


def members(toolchain: Toolchain, modules: Path, module: str) -> set[str]:
    """All public types and members of a twin, one line each: the type, a colon, and the declaration."""
    sources = sorted((TWINS / "Sources" / module).glob("*.swift"))
    with TemporaryDirectory() as out:
        options = ["-emit-module", "-o", f"{out}/{module}.swiftmodule", "-module-name", module, "-swift-version", "6"]
        graph = ["-emit-symbol-graph", "-emit-symbol-graph-dir", out, "-symbol-graph-minimum-access-level", "public"]
        done = toolchain.run("swiftc", *options, *graph, "-I", str(modules), *map(str, sources))
        if done.returncode:
            raise SystemExit(f"the members of {module} cannot be read:\n{done.stdout[-4000:]}")
        symbols = json.loads(Path(out, f"{module}.symbols.json").read_bytes())["symbols"]
    own = [one for one in symbols if SYNTHESIZED not in one["identifier"]["precise"]]
    return {line for one in own if (line := _line(one))}


def _line(symbol: dict[str, object]) -> str:
    path = symbol["pathComponents"]
    fragments = symbol["declarationFragments"]
    assert isinstance(path, list)
    assert isinstance(fragments, list)
    text = "".join(fragment["spelling"] for fragment in fragments)
    text = re.sub(r"^(?:final |convenience )*", "", text).replace("`", "")
    text = re.sub(r"^let (.*)$", r"var \1 { get }", text)  # the vendor computes what a twin stores
    if text.startswith("init?(rawValue"):  # of every enum with raw values
        return ""
    return f"{'.'.join(path[:-1]) or '-'}: {text}"


def _listed(file: Path) -> set[str]:
    lines = file.read_text(encoding="utf-8").splitlines()
    comments = "\n".join(line for line in lines if line.startswith("#"))
    if not re.search(r"version \d+\.\d+", comments) or "source " not in comments:
        raise SystemExit(f"{file.name} names no version or no source")
    return {line for line in lines if line and not line.startswith("#")}
