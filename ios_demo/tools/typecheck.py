"""Type-check what needs Apple's modules, on Linux: against the stubs of `stubs/`, in Swift 6 with warnings as errors.

A stub holds the members that the demo uses, as the SDK declares them; sdk.py compares them with declarations that were
made from the SDK. With the stubs, `canImport(CoreML)` is true, so the code for Apple's systems is compiled that the
other steps leave out. Stubs run nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from sdk import Level
from toolchain import ROOT, Toolchain

STUBS = ROOT / "stubs"
OPTIONS = "-swift-version", "6", "-parse-as-library"
KIT = ROOT / "LevitMobileKit" / "Sources" / "LevitMobileKit"
RUNTIMES = ROOT / "LevitRuntimes" / "Sources"
APP = ROOT / "LevitDemo"
KIT_LEVEL, APP_LEVEL = (16, 0), (17, 0)  # the oldest iOS of each


def check(toolchain: Toolchain, out: Path, twins: Path) -> list[str]:
    """Compile the stubs, the package and the app.

    Args:
        toolchain: The Swift that compiles.
        out: Folder of the compiled modules.
        twins: Folder of the twins' compiled modules, which stand in for ExecuTorch.

    Returns:
        Names of the modules that were checked.

    Raises:
        SystemExit: A module does not compile; the compiler's words.
    """
    out.mkdir(parents=True, exist_ok=True)
    for stub in stubs():
        _compile(toolchain, out, stub.name, sorted(stub.glob("*.swift")), "-enable-library-evolution")
    _compile(toolchain, out, KIT.name, sorted(KIT.rglob("*.swift")), "-warnings-as-errors")
    checked = [KIT.name]
    if APP.is_dir():
        runtime = RUNTIMES / "LevitExecuTorch"
        imports = ("-I", str(twins), *_modules_in_c(out))
        _compile(toolchain, out, runtime.name, sorted(runtime.glob("*.swift")), "-warnings-as-errors", *imports)
        app = sorted(APP.rglob("*.swift"))
        _compile(toolchain, out, APP.name, app, "-warnings-as-errors", *imports)
        checked += [runtime.name, APP.name]
    return checked


def stubs() -> list[Path]:
    """The stubs' folders, each after those that it imports."""
    left = {folder.name: folder for folder in sorted(STUBS.iterdir()) if folder.is_dir()}
    needed = {name: _imports(folder) & left.keys() - {name} for name, folder in left.items()}
    ordered: list[Path] = []
    while left:
        ready = [name for name in left if not needed[name] & left.keys()]
        if not ready:
            raise SystemExit(f"stubs import each other in a circle: {', '.join(left)}")
        ordered += [left.pop(name) for name in ready]
    return ordered


def names() -> list[str]:
    """Names of the stubs' modules."""
    return [stub.name for stub in stubs()]


def unguarded(kit: Mapping[str, Level], app: Mapping[str, Level]) -> list[str]:
    """Files that use a type newer than their oldest iOS, and have no guard of its version.

    The compiler checks guards on Apple's systems only.

    Args:
        kit: Types that are newer than the package's oldest iOS, with theirs.
        app: The same for the app.
    """
    wrong = []
    for folder, newer in ((KIT, kit), (APP, app)):
        for file in sorted(folder.rglob("*.swift")):
            text = file.read_text(encoding="utf-8")
            for name, level in newer.items():
                guard = rf"[@#]available\(iOS {'.'.join(map(str, level)).removesuffix('.0')}\b"
                if re.search(rf"\b{name}\b", text) and not re.search(guard, text):
                    wrong.append(f"{file.name} uses {name} of iOS {'.'.join(map(str, level))} without a guard")
    return wrong


def descriptors(out: Path) -> list[Path]:
    """What the compiler writes about each stub: its public names with their levels."""
    return [out / f"{stub.name}.abi.json" for stub in stubs()]


def _imports(folder: Path) -> set[str]:
    texts = (file.read_text(encoding="utf-8") for file in folder.glob("*.swift"))
    return {name for text in texts for name in re.findall(r"^(?:@\w+ )?import (\w+)", text, re.MULTILINE)}


def _modules_in_c(out: Path) -> list[str]:
    """Options for the modules in C of the runtimes' package, whose maps SwiftPM would write."""
    options: list[str] = []
    for headers in sorted(RUNTIMES.glob("*/include")):
        folder = out / headers.parent.name
        folder.mkdir(exist_ok=True)
        text = f'module {folder.name} {{ umbrella "{headers}" export * }}\n'
        (folder / "module.modulemap").write_text(text, encoding="utf-8")
        options += ["-I", str(folder)]
    return options


def _compile(toolchain: Toolchain, out: Path, name: str, sources: list[Path], *options: str) -> None:
    target = ("-emit-module", "-o", str(out / f"{name}.swiftmodule"), "-module-name", name, "-I", str(out))
    done = toolchain.run("swiftc", *target, *OPTIONS, *options, *map(str, sources), cwd=ROOT)
    if done.returncode:
        raise SystemExit(f"{name} does not compile against the stubs:\n{done.stdout[-12000:]}")
