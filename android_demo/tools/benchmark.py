"""Times the preparation of camera frames: with JMH, allocations included, and beside Android's createScaledBitmap.

The times are those of this machine.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

import junit
import kotlin
import store
from javac import archive, javac
from modules import CORE, LEVIT, ROOT, libraries
from processes import UNOPTIMIZED, java

JMH, GENERATOR = "org.openjdk.jmh.Main", "org.openjdk.jmh.generators.bytecode.JmhBytecodeGenerator"
RESULT = ROOT / "build" / "local" / "benchmark.json"


def run() -> None:
    """Run the benchmarks and print their times."""
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    path = [*libraries("core-benchmark"), kotlin.jar(CORE), kotlin.benchmark_jar(CORE), _generated()]
    print(java(path, JMH, "-prof", "gc", "-rf", "json", "-rff", RESULT))


def beside_scaled_bitmaps() -> None:
    """Time the library beside createScaledBitmap, and print how far that one's pixels are from the right ones."""
    jvm = [one for one in junit.options(LEVIT) if one != UNOPTIMIZED]
    classes = kotlin.robolectric_benchmark_jar(LEVIT)
    printed = junit.console(LEVIT, classes, "--include-classname=.*Benchmark", jvm=jvm)
    print(printed)
    if junit.Count.of(printed).passed != 1:
        raise SystemExit(1)


def _generated() -> Path:
    """The classes that JMH makes of the benchmarks."""
    benchmarks = kotlin.benchmark_jar(CORE)
    path = [*libraries("core-benchmark"), kotlin.jar(CORE), benchmarks]

    def generate(out: Path) -> None:
        classes, made = out / "classes", out / "made"
        made.mkdir()
        with zipfile.ZipFile(benchmarks) as jar:
            jar.extractall(classes)
        java(path, GENERATOR, classes, made, made, "default")
        javac(made, sorted(made.rglob("*.java")), [*path, classes], 17, lint=False)
        archive(made, out / "generated.jar")

    return store.made("core-benchmark-generated", path, generate) / "generated.jar"
