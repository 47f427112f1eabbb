"""Builds the native half of the ExecuTorch twin over the wheel's libraries."""

from __future__ import annotations

import sysconfig
from pathlib import Path

import store
from machine import twins_missing, wheels
from modules import ROOT
from processes import run

SOURCES = ROOT / "twins" / "executorch" / "native"
OPTIONS = ("-O2", "-std=c++17", "-fPIC", "-shared", "-DC10_USING_CUSTOM_GENERATED_MACROS")
NAME = "liblevit_executorch.so"


def executorch() -> Path | None:
    """The library that the ExecuTorch twin calls; None without the wheels or without its sources."""
    site = wheels()
    sources = sorted(SOURCES.glob("*.cpp"))
    if site is None or twins_missing() or not sources:
        return None
    bindings = next((site / "executorch" / "extension" / "pybindings").glob("_portable_lib*.so"))
    python = Path(sysconfig.get_config_var("LIBDIR"))
    include = site / "executorch" / "include"
    folders = (bindings.parent, site / "torch" / "lib", site / "executorch" / "backends" / "qualcomm", python)
    options = [*OPTIONS, f"-I{include}", f"-I{include / 'executorch/runtime/core/portable_type/c10'}"]
    linked = [f"-L{python}", "-Wl,--no-as-needed", f"-lpython{sysconfig.get_python_version()}"]
    linked += [f"-L{bindings.parent}", f"-l:{bindings.name}", f"-Wl,-rpath,{':'.join(map(str, folders))}"]
    linked.append("-Wl,--allow-shlib-undefined")

    def build(out: Path) -> None:
        run(["g++", *options, "-o", out / NAME, *sources, *linked])

    return store.made("native", [*options, *linked, SOURCES, bindings], build) / NAME


def litert() -> Path | None:
    """The library that the LiteRT twin calls; None without the wheels."""
    site = wheels()
    return site / "ai_edge_litert" / "libLiteRt.so" if site else None
