#!/usr/bin/env python3
"""Build and test the Android demo without Gradle and without the Android SDK: `make test-android`.

The compiler, the libraries and the test runner come by name through Maven, into the cache folder of levit-mobile, and
every file is compared with its SHA-256 in toolchain.lock. Without Java or Maven it prints NOT RUN and why; with CI=true
in the environment that is a failure.

    build.py              download, compile, test, ktlint
    build.py STEP...      only these: download compile test ktlint format benchmark
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lock import ROOT, locked
from maven import cache, download, sha256

OUT = ROOT / "build" / "local"
OLDEST_JAVA = 17
COMPILER = "org.jetbrains.kotlin.cli.jvm.K2JVMCompiler"
CONSOLE = "org.junit.platform.console.ConsoleLauncher"
JMH, JMH_GENERATOR = "org.openjdk.jmh.Main", "org.openjdk.jmh.generators.bytecode.JmhBytecodeGenerator"
KTLINT = "com.pinterest.ktlint.Main"
SOURCES = "src/main/kotlin", "src/test/kotlin"
LIKE_A_PHONE = ("-XX:-DoEscapeAnalysis",)  # Android's runtime removes few allocations, so none is removed here


@dataclass(frozen=True)
class Module:
    """One module of the app that a plain JVM can run; `bundle` is its class path in the catalogue."""

    name: str
    bundle: str
    needs: tuple[str, ...] = ()
    options: tuple[str, ...] = ()

    @property
    def jar(self) -> Path:
        return OUT / f"{self.name}.jar"

    @property
    def test_jar(self) -> Path:
        return OUT / f"{self.name}-test.jar"


# Newer calls than those of Java 11 are refused by the compiler: old phones do not have them.
LIBRARY = ("-Xexplicit-api=strict", "-Xjdk-release=11", "-jvm-target", "11")
MODULES = (Module("core", "core", options=LIBRARY),)
BY_NAME = {module.name: module for module in MODULES}


# What the machine has


def java_home() -> Path | None:
    """JAVA_HOME, or the JDK of the `java` on the path."""
    named = os.environ.get("JAVA_HOME")
    found = shutil.which("java")
    if named:
        return Path(named)
    return Path(found).resolve().parents[1] if found else None


def missing() -> str:
    """Why nothing can run here; empty if it can."""
    home = java_home()
    if home is None or not (home / "bin" / "javac").exists():
        return f"no JDK {OLDEST_JAVA} or newer: neither JAVA_HOME nor the path has one with javac"
    if (version := java_version(home)) < OLDEST_JAVA:
        return f"the JDK at {home} is version {version}, expected {OLDEST_JAVA} or newer"
    return "" if shutil.which("mvn") else "no Maven: `mvn` is not on the path"


def java_version(home: Path) -> int:
    """First number of the JDK's version."""
    text = subprocess.run([home / "bin" / "java", "-version"], capture_output=True, text=True, check=False).stderr
    match = re.search(r'version "(\d+)', text)
    return int(match[1]) if match else 0


# Steps


def fetch() -> None:
    """Download what the cache lacks, and compare every file with the lock."""
    files = locked()
    download(files)
    wrong = [str(one) for one, (digest, _) in files.items() if sha256(cache() / one.path) != digest]
    if wrong:
        raise SystemExit(f"files whose digests differ from toolchain.lock: {', '.join(wrong)}")


def files_of(bundle: str) -> list[Path]:
    """The class path of a bundle of the catalogue."""
    found = [cache() / one.path for one, (_, bundles) in locked().items() if bundle in bundles]
    if not found:
        raise SystemExit(f"toolchain.lock has no bundle {bundle}: run android_demo/tools/lock.py")
    return found


def compile_modules() -> None:
    """Compile the sources and the tests of every module; an unchanged module is not compiled again."""
    for module in MODULES:
        path = [*files_of(module.bundle), *(BY_NAME[name].jar for name in module.needs)]
        kotlinc(module.jar, path, ROOT / module.name / SOURCES[0], module.options)
        options = (f"-Xfriend-paths={module.jar}", "-jvm-target", str(OLDEST_JAVA))
        kotlinc(module.test_jar, test_path(module), ROOT / module.name / SOURCES[1], options)


def test_path(module: Module) -> list[Path]:
    """The class path of a module's tests."""
    return [*files_of(f"{module.bundle}-test"), *(BY_NAME[name].jar for name in module.needs), module.jar]


def kotlinc(jar: Path, class_path: Sequence[Path], sources: Path, options: Iterable[str]) -> None:
    """Compile a folder of Kotlin, warnings being errors."""
    tool = files_of("tool-kotlinc")
    plugins = [f"-Xplugin={one}" for one in tool if "serialization-compiler-plugin" in one.name]
    fixed = ["-no-stdlib", "-no-reflect", "-jdk-home", str(java_home()), "-Werror", "-progressive", *plugins, *options]
    key = _digest(
        fixed, [*sorted(sources.rglob("*.kt")), *(one for one in class_path if OUT in one.parents)], class_path
    )
    stamp = jar.with_suffix(".key")
    if jar.exists() and stamp.exists() and stamp.read_text() == key:
        return
    OUT.mkdir(parents=True, exist_ok=True)
    stamp.unlink(missing_ok=True)
    java(tool, COMPILER, "-cp", _joined(class_path), "-d", str(jar), *fixed, str(sources), options=("-Xmx1g",))
    stamp.write_text(key)


def _digest(options: Sequence[str], contents: Iterable[Path], names: Iterable[Path]) -> str:
    made = hashlib.sha256("\n".join([*options, *map(str, names)]).encode())
    for path in contents:
        made.update(f"\n{path}\n".encode() + path.read_bytes())
    return made.hexdigest()


def test() -> None:
    """Run every module's tests and print one closing line."""
    total = dict.fromkeys(("successful", "failed", "skipped", "aborted"), 0)
    for module in MODULES:
        printed = run_tests(module)
        log = OUT / f"{module.name}-tests.txt"
        log.write_text(printed, encoding="utf-8")
        found = {word: int(count) for count, word in re.findall(r"\[\s*(\d+) tests (\w+)\s*\]", printed)}
        print(printed if found.get("failed", 1) or not found.get("successful") else f"{module.name}: {log}")
        total = {word: count + found.get(word, 0) for word, count in total.items()}
    passed, failed = total["successful"], total["failed"]
    print(f"{passed} passed, {failed} failed, {total['skipped'] + total['aborted']} skipped", flush=True)
    if failed or not passed:
        raise SystemExit(1)


def run_tests(module: Module) -> str:
    """Run one module's tests and return what the console printed."""
    top = ROOT.parent
    facts = [f"-Dlevit.testdata={top / 'testdata'}", f"-Dlevit.schemas={top / 'levit_mobile' / 'schemas'}"]
    command = ["execute", "--disable-banner", "--details=tree", "--disable-ansi-colors"]
    return java(
        [*test_path(module), module.test_jar],
        CONSOLE,
        *command,
        f"--scan-class-path={module.test_jar}",
        options=(*LIKE_A_PHONE, "-Xmx1g", *facts),
        accepted=(0, 1, 2),
    )


def benchmark() -> None:
    """Time the core with JMH, allocations included; the times are those of this machine."""
    core = BY_NAME["core"]
    classes, made, jar = OUT / "benchmark", OUT / "benchmark-made", OUT / "benchmark.jar"
    path = [*files_of("core-benchmark"), core.jar]
    kotlinc(jar, path, ROOT / core.name / "src/benchmark/kotlin", (f"-Xfriend-paths={core.jar}", "-jvm-target", "17"))
    for folder in (classes, made):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
    shutil.unpack_archive(jar, classes, "zip")
    java([*path, jar], JMH_GENERATOR, str(classes), str(made), str(made), "default")
    sources = [str(one) for one in made.rglob("*.java")]
    subprocess.run([f"{java_home()}/bin/javac", "-cp", _joined([*path, classes]), "-d", made, *sources], check=True)
    print(java([*path, classes, made], JMH, "-prof", "gc", "-rf", "json", "-rff", str(OUT / "benchmark.json")))


def ktlint(*options: str) -> None:
    """Check the style of all Kotlin files, the build files included."""
    patterns = [*(f"{module.name}/src/**/*.kt" for module in MODULES), "*.kts", "**/*.gradle.kts", "!build/**"]
    print(java(files_of("tool-ktlint"), KTLINT, *options, "--relative", *patterns), end="")


def java(
    class_path: Sequence[Path],
    main: str,
    *arguments: str,
    options: Sequence[str] = (),
    accepted: tuple[int, ...] = (0,),
) -> str:
    """Run a Java program in android_demo/ and return what it printed."""
    command = [f"{java_home()}/bin/java", *options, "-cp", _joined(class_path), main, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    if done.returncode not in accepted:
        raise SystemExit(f"{main} failed:\n{(done.stdout + done.stderr)[-8000:]}")
    return done.stdout


def _joined(paths: Iterable[Path]) -> str:
    return os.pathsep.join(map(str, paths))


STEPS: dict[str, Callable[[], None]] = {
    "download": fetch,
    "compile": compile_modules,
    "ktlint": ktlint,
    "benchmark": benchmark,
    "format": lambda: ktlint("--format"),
    "test": test,
}
USUAL = ("download", "compile", "ktlint", "test")


def main(asked: Sequence[str]) -> None:
    """Run the steps and print the time of each."""
    if reason := missing():
        print(f"NOT RUN: {reason}")
        raise SystemExit(1 if os.environ.get("CI") == "true" else 0)
    for name in asked or USUAL:
        start = time.monotonic()
        STEPS[name]()
        print(f"{name}: {time.monotonic() - start:.1f} s", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
