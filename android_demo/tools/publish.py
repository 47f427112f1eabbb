"""The library as a Maven repository in build/repository/: the AAR of :levit and the jar of :core, each with a POM.

An AAR by itself names no dependencies. With the POM, Gradle finds :core and the libraries of the registries, and an app
that uses one of them too gets it once. Gradle's task `publish` writes the same files.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import aar
import kotlin
import resources
import store
from aar import Dependency
from catalogue import ROOT, read
from modules import CORE, LEVIT, Module, aar_folders, android_value

GROUP = "dev.levitmobile"
OUT = ROOT / "build" / "repository"
TOOLS = Path(__file__).parent
SOURCES = tuple(TOOLS / f"{name}.py" for name in ("aar", "apk", "publish"))
DECLARED = re.compile(r'^ +(api|implementation)\((?:project\(":(\w+)"\)|libs\.([\w.]+))\)', re.MULTILINE)
LOWEST_COMPILE_API = re.compile(r"^minCompileSdk=(\d+)", re.MULTILINE)


def coordinate(module: Module) -> str:
    """The name of a module for other builds."""
    return f"{GROUP}:{module.name}:{android_value('versionName')}"


def dependencies(module: Module) -> list[Dependency]:
    """What a module's Gradle file declares for those who use the module, and the library that Kotlin's plugin adds."""
    text = (module.folder / "build.gradle.kts").read_text(encoding="utf-8")
    declared = [("api", "", "kotlin.stdlib"), *DECLARED.findall(text)]
    found: dict[str, bool] = {}
    for how, project, name in declared:
        for one in [f"{GROUP}:{project}:{android_value('versionName')}"] if project else _libraries(name):
            found[one] = found.get(one, False) or how == "api"
    return [Dependency(one, api) for one, api in found.items()]


def _libraries(accessor: str) -> Iterator[str]:
    """The coordinates behind `libs.NAME` or `libs.bundles.NAME`."""
    catalogue, name = read(), accessor.replace(".", "-")
    bundle = name.removeprefix("bundles-")
    for one in catalogue["bundles"][bundle] if bundle != name else [name]:
        entry = catalogue["libraries"][one]
        yield f"{entry['module']}:{catalogue['versions'][entry['version']['ref']]}"


def compile_api(module: Module) -> int:
    """The lowest compileSdk that the module's own libraries ask of an app."""
    files = [folder / aar.METADATA for folder in aar_folders(module.class_path)]
    texts = [file.read_text(encoding="utf-8") for file in files if file.exists()]
    return max(int(found[1]) for text in texts if (found := LOWEST_COMPILE_API.search(text)))


def library() -> aar.Library:
    """The parts of the AAR."""
    main = LEVIT.folder / "src" / "main"
    return aar.Library(
        manifest=resources.library_manifest(LEVIT),
        classes=kotlin.jar(LEVIT),
        symbols=resources.symbols(LEVIT) if (main / "res").is_dir() else None,
        rules=LEVIT.folder / "consumer-rules.pro",
        compile_api=compile_api(LEVIT),
    )


def repository() -> Path:
    """The repository with both modules."""
    parts, core = library(), kotlin.jar(CORE)
    needed = {module: dependencies(module) for module in (LEVIT, CORE)}

    def build(out: Path) -> None:
        aar.write(out / "levit.aar", parts)
        files = {"aar": (out / "levit.aar").read_bytes(), "pom": aar.pom(coordinate(LEVIT), "aar", needed[LEVIT])}
        aar.publish(out, coordinate(LEVIT), files)
        (out / "levit.aar").unlink()
        files = {"jar": aar.plain_jar(core), "pom": aar.pom(coordinate(CORE), "jar", needed[CORE])}
        aar.publish(out, coordinate(CORE), files)

    inputs = [*SOURCES, str(parts.compile_api), str(needed), parts.manifest, parts.classes, parts.rules, core]
    return store.made("repository", inputs, build)


def published(module: Module, ending: str) -> Path:
    """A file of the repository."""
    group, name, version = coordinate(module).split(":")
    return repository() / group.replace(".", "/") / name / version / f"{name}-{version}.{ending}"


def publish() -> None:
    """Write the repository to build/repository/."""
    made = repository()
    shutil.rmtree(OUT, ignore_errors=True)
    shutil.copytree(made, OUT)
    size = published(LEVIT, "aar").stat().st_size
    print(f"library: {coordinate(LEVIT)}, an AAR of {size} bytes, in {OUT.relative_to(ROOT)}", flush=True)
