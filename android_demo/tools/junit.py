"""Runs the tests of the modules: those of the core on JUnit 5, the others on JUnit 4 with Robolectric."""

from __future__ import annotations

import os
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import bundles
import kotlin
import native
import resources
import store
from machine import REPOSITORY
from modules import BY_NAME, PLATFORM, ROOT, Module, libraries
from processes import QUICK, java

CONSOLE = "org.junit.platform.console.ConsoleLauncher"
OUT = ROOT / "build" / "local"
LIKE_A_PHONE = QUICK  # Android's runtime removes few allocations; without the optimizing compiler none is removed
OPENED = ("lang", "util", "io", "net", "text", "nio", "lang.reflect")
ROBOLECTRIC = (
    "-Xmx2g",
    *QUICK,  # a third less work
    *(f"--add-opens=java.base/java.{name}=ALL-UNNAMED" for name in OPENED),
    "--add-opens=java.base/jdk.internal.access=ALL-UNNAMED",
    "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED",
    "-Drobolectric.offline=true",
    "-Drobolectric.pixelCopyRenderMode=hardware",
)


@dataclass(frozen=True)
class Count:
    """How many tests ended in which way."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other: Count) -> Count:
        return Count(self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped)

    def __str__(self) -> str:
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"

    @classmethod
    def of(cls, printed: str) -> Count:
        """Read the summary of JUnit's console."""
        found = {word: int(count) for count, word in re.findall(r"\[\s*(\d+) tests (\w+)\s*\]", printed)}
        skipped = found.get("skipped", 0) + found.get("aborted", 0)
        return cls(found.get("successful", 0), found.get("failed", 0), skipped)


def run(module: Module, only: str = "") -> Count:
    """Run a module's tests, or those of the class with this name; prints what failed.

    What JUnit printed is in build/local/MODULE-tests.txt.
    """
    tests = kotlin.test_jar(module)
    if not _has_tests(tests, only):
        return Count()
    printed = console(module, tests, *([f"--include-classname=(.*[.])?{only}"] if only else []), jvm=options(module))
    OUT.mkdir(parents=True, exist_ok=True)
    log = OUT / f"{module.name}-tests.txt"
    log.write_text(printed, encoding="utf-8")
    count = Count.of(printed)
    failed = count.failed or not count.passed
    print(printed if failed or only else f"{module.name}: {count} ({log})", flush=True)
    if failed:
        raise TestFailure(module.name, count)
    return count


def console(module: Module, classes: Path, *selected: str, jvm: Sequence[str]) -> str:
    """What JUnit's console prints of the tests in a jar."""
    command = ["execute", "--disable-banner", "--details=tree", "--disable-ansi-colors", f"--scan-class-path={classes}"]
    path = [*_configuration(module), classes, *_run_time(module)]
    return java(path, CONSOLE, *command, *selected, options=jvm, accepted=(0, 1, 2))


class TestFailure(SystemExit):
    """Tests of a module failed, or none ran."""

    def __init__(self, name: str, count: Count) -> None:
        super().__init__(f"{name}: {count}")
        self.count = count


def _has_tests(tests: Path, only: str) -> bool:
    with zipfile.ZipFile(tests) as archive:
        names = [Path(name).stem for name in archive.namelist() if name.endswith(".class")]
    return only in names if only else bool(names)


def _run_time(module: Module) -> Iterator[Path]:
    """The class path behind the tests; the platform is the last, as in Gradle's Android plugin."""
    yield kotlin.jar(module)
    yield from (kotlin.jar(BY_NAME[name]) for name in (*module.needs, *module.twins))
    if resources.exist(module):
        yield resources.classes(module)
    yield from libraries(f"{module.class_path}-test")
    if module.android:
        yield from libraries(PLATFORM)


def options(module: Module) -> list[str]:
    """Options of the JVM, with the places of everything that tests read."""
    shared = {"testdata": REPOSITORY / "testdata", "schemas": REPOSITORY / "levit_mobile" / "schemas"}
    if not module.android:
        return [*LIKE_A_PHONE, "-Xmx1g", *_properties(shared)]
    made = {
        "bundles": bundles.folder(),
        "litert": native.litert(),
        "executorch": native.executorch(),
        "screens": os.environ.get("LEVIT_SCREENS"),
    }
    return [*ROBOLECTRIC, f"-Drobolectric.dependency.dir={_platforms()}", *_properties(shared | made)]


def _properties(known: Mapping[str, Path | str | None]) -> list[str]:
    return [f"-Dlevit.{name}={value}" for name, value in known.items() if value]


def _platforms() -> Path:
    """The folder where Robolectric finds the platforms of the API levels, without a network."""
    files = libraries("sdks")

    def link(out: Path) -> None:
        for file in files:
            (out / file.name).symlink_to(file)

    return store.made("sdks", [*map(str, files), *files], link)


def _configuration(module: Module) -> list[Path]:
    """The folders of the tests' own resources, and of the file that tells Robolectric where the app's are."""
    folder = module.folder / "src" / "test" / "resources"
    found = [folder] if folder.is_dir() else []
    if not resources.exist(module):
        return found
    values = {
        "android_merged_manifest": resources.manifest(module),
        "android_resource_apk": resources.apk(module),
        "android_custom_package": module.namespace,
    }
    return [*found, configuration(module.name, values)]


def configuration(name: str, values: Mapping[str, Path | str]) -> Path:
    """The folder with the file that tells Robolectric where an app's manifest and resources are."""
    text = "".join(f"{key}={value}\n" for key, value in values.items())

    def write(out: Path) -> None:
        to = out / "com" / "android" / "tools" / "test_config.properties"
        to.parent.mkdir(parents=True)
        to.write_text(text, encoding="utf-8")

    return store.made(f"{name}-test-config", [text], write)
