"""The `android` blocks of the Gradle files, compiled against the Android Gradle plugin's own interfaces.

Gradle itself is on no registry that this build uses. A few of its types, which the interfaces name, are stubs.
"""

from __future__ import annotations

import re
from pathlib import Path

import store
from catalogue import ROOT
from compiler import compile_kotlin
from machine import java_home
from modules import libraries
from processes import joined

STUBS = Path(__file__).parent / "gradle_stubs"
EXTENSIONS = {"com.android.application": "ApplicationExtension", "com.android.library": "LibraryExtension"}
BLOCK = re.compile(r"^android \{\n.*?^\}\n", re.MULTILINE | re.DOTALL)
PLUGIN = re.compile(r'id\("(com\.android\.\w+)"\)')
WRONG = "isMinifyEnabled", "isMinifiedEnabled"  # the check's own check: a name that the plugin does not have


def build_files() -> list[Path]:
    """The build files of Android modules."""
    found = sorted(ROOT.glob("*/build.gradle.kts"))
    return [path for path in found if PLUGIN.search(path.read_text(encoding="utf-8"))]


def function(path: Path) -> str:
    """A file's `android` block as a function of the type that it configures."""
    text = path.read_text(encoding="utf-8")
    plugin, block = PLUGIN.search(text), BLOCK.search(text)
    if plugin is None or block is None:
        raise SystemExit(f"{path} has no `android` block")
    name = re.sub(r"\W", "_", path.parent.name)
    extension = EXTENSIONS[plugin[1]]
    imported = f"com.android.build.api.dsl.{extension}", "org.gradle.api.JavaVersion", "org.gradle.kotlin.dsl.*"
    imports = "".join(f"import {name}\n" for name in imported)
    return f"{imports}\nfun {extension}.{name}() {block[0].removeprefix('android ')}"


def compiled(functions: dict[str, str]) -> str:
    """What the compiler objects to; empty if it takes all of them. `functions` are by their file's name."""
    path = [*libraries("core"), *libraries("agp-api")]

    def build(out: Path) -> None:
        for name, text in functions.items():
            (out / f"{name}.kt").write_text(text, encoding="utf-8")
        fixed = ["-no-stdlib", "-no-reflect", "-jdk-home", str(java_home())]
        try:
            compile_kotlin([*fixed, "-cp", joined(path), "-d", out / "classes", STUBS, out])
            errors = ""
        except SystemExit as refused:  # a result here: the compiler refuses a name that the plugin does not have
            errors = str(refused.code)
        (out / "errors.txt").write_text(errors, encoding="utf-8")

    inputs = [*functions, *functions.values(), STUBS, *path, *libraries("tool-kotlinc")]
    return (store.made("gradle-check", inputs, build) / "errors.txt").read_text(encoding="utf-8")


def check() -> None:
    """Compile every block; then compile them with one wrong name, which must be refused."""
    functions = {path.parent.name: function(path) for path in build_files()}
    if errors := compiled(functions):
        raise SystemExit(f"the plugin's interfaces refuse an `android` block:\n{errors}")
    wrong = {name: text.replace(*WRONG) for name, text in functions.items()}
    if WRONG[1] not in compiled(wrong):
        raise SystemExit(f"the check does not refuse {WRONG[1]}, which the plugin does not have")
    print(f"gradle-check: the android blocks of {', '.join(functions)} compile", flush=True)
