"""Compiles modules, their tests and the twins; warnings are errors."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import compiler
import resources
import store
from javac import archive, javac
from machine import java_home, twins_missing
from modules import BY_NAME, FOR_TESTS, OLDER_PLATFORM, PLATFORM, Module, libraries
from processes import joined

FIXED = ("-no-stdlib", "-no-reflect", "-Werror", "-progressive")
SERIALIZATION, COMPOSE = "kotlin-serialization-compiler-plugin", "kotlin-compose-compiler-plugin"
TEST_SOURCES, TWIN_TEST_SOURCES = "test", "testTwins"  # Gradle takes only the first


def jar(module: Module, platform: str = PLATFORM) -> Path:
    """The compiled module.

    Args:
        module: The module or twin; it may have no sources yet.
        platform: The class path of the Android platform that it is compiled against.
    """
    path = [*(libraries(platform) if module.android else []), *_of_modules(module), *libraries(module.class_path)]
    options = ["-module-name", module.name, *_plugins(module), *module.options]
    name = module.name if platform == PLATFORM else f"{module.name}-on-36"
    return compiled(name, module.sources("main"), path, options, module.java)


def older_jar(module: Module) -> Path:
    """The module compiled against the older platform, which proves that it needs nothing newer."""
    return jar(module, OLDER_PLATFORM)


def test_jar(module: Module) -> Path:
    """The compiled tests of a module, which see its internal declarations."""
    kinds = [TEST_SOURCES, *([TWIN_TEST_SOURCES] if not twins_missing() else [])]
    return _beside_tests(module, "test", kinds)


def robolectric_benchmark_jar(module: Module) -> Path:
    """The compiled benchmarks of a module that run on Robolectric."""
    return _beside_tests(module, "benchmark", ["benchmark"])


def instrumented_jar(module: Module) -> Path:
    """The compiled tests of a module that only a device can run."""
    return _beside_tests(module, "instrumented", ["androidTest"])


def _beside_tests(module: Module, what: str, kinds: Sequence[str]) -> Path:
    own = jar(module)
    path = [
        *(libraries(PLATFORM) if module.android else []),
        own,
        *_of_modules(module),
        *libraries(f"{module.class_path}-{'instrumented' if what == 'instrumented' else 'test'}"),
    ]
    options = ["-module-name", f"{module.name}-{what}", f"-Xfriend-paths={own}", *_plugins(module), *FOR_TESTS]
    sources = [folder for kind in kinds for folder in module.sources(kind)]
    return compiled(f"{module.name}-{what}", sources, path, options, 17)


def benchmark_jar(module: Module) -> Path:
    """The compiled benchmarks of a module, which see its internal declarations."""
    own = jar(module)
    options = ["-module-name", f"{module.name}-benchmark", f"-Xfriend-paths={own}", *_plugins(module), *FOR_TESTS]
    path = [own, *libraries(f"{module.class_path}-benchmark")]
    return compiled(f"{module.name}-benchmark", module.sources("benchmark"), path, options, 17)


def _of_modules(module: Module) -> list[Path]:
    """The modules, twins and resource classes that a module is compiled against."""
    others = [jar(BY_NAME[name]) for name in (*module.needs, *module.twins)]
    return [*others, *([resources.classes(module)] if resources.exist(module) else [])]


def _plugins(module: Module) -> list[str]:
    names = (SERIALIZATION, COMPOSE) if module.compose else (SERIALIZATION,)
    return [f"-Xplugin={one}" for one in libraries("tool-kotlinc") if one.name.startswith(names)]


def compiled(name: str, sources: Sequence[Path], path: Sequence[Path], options: Sequence[str], release: int) -> Path:
    """Folders of Kotlin and Java as one jar without dates."""
    named = [one for one in options if not one.startswith("-Xfriend-paths=")]  # that file is on the class path too
    out = store.made(
        name,
        [*FIXED, *named, str(release), str(java_home()), *sources, *path, *libraries("tool-kotlinc")],
        lambda made: _compile(made, name, sources, path, options, release),
    )
    return out / f"{name}.jar"


def _compile(
    out: Path, name: str, sources: Sequence[Path], path: Sequence[Path], options: Sequence[str], release: int
) -> None:
    classes = out / "classes"
    classes.mkdir()
    if any(next(folder.rglob("*.kt"), None) for folder in sources):
        fixed = [*FIXED, "-jdk-home", str(java_home())]
        compiler.compile_kotlin([*fixed, *options, "-cp", joined(path), "-d", classes, *sources])
    if files := [file for folder in sources for file in sorted(folder.rglob("*.java"))]:
        javac(classes, files, [*path, classes], release)
    archive(classes, out / f"{name}.jar")
    shutil.rmtree(classes)
