"""An app that has the library only as its AAR: compiled, minified together with the vendors' classes, run and read.

The vendors' runtimes are twins here, and fbjni is the real one. The rules inside the AAR must keep every class and
member of these, because native code finds them by name; without the rules R8 removes them, which is checked too.
"""

from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import Path

import apks
import dex
import kept
import kotlin
import minified
import resources
import store
from dex import Program
from junit import Count
from modules import (
    BY_NAME,
    CORE,
    JAVA_11,
    LEVIT,
    PLATFORM,
    Module,
    android_value,
    coordinates,
    jars,
    libraries,
)
from publish import published

CONSUMER = Module(
    "consumer", "consumer", "levit", ("levit",), options=JAVA_11, android=True, namespace="dev.levitmobile.consumer"
)
RUNTIMES = BY_NAME["twin-litert"], BY_NAME["twin-executorch"]
BY_NAME_FROM_NATIVE_CODE = "com/google/ai/edge/litert/", "org/pytorch/executorch/", "com/facebook/jni/"
LOST_FIRST = "com/facebook/jni/HybridData$Destructor"  # its loss aborts minified apps
SHRINK_ALONE = "-dontwarn **\n-dontoptimize\n-dontobfuscate\n"  # faster; what is removed stays the same
WITHOUT_LOADER = "-dontwarn com.facebook.soloader.**\n"  # fbjni's only dependency; no registry of this build has it


def library() -> Path:
    """The unpacked AAR."""
    file = published(LEVIT, "aar")

    def unpack(out: Path) -> None:
        with zipfile.ZipFile(file) as archive:
            archive.extractall(out)

    return store.made("consumer-library", [file], unpack)


def compiled() -> Path:
    """The consumer's classes. The compiler sees the AAR, and what its POM hands on to callers."""
    handed_on = [one for one in coordinates("levit") if one.artifact.startswith("kotlinx-coroutines")]
    path = [
        *libraries(PLATFORM),
        library() / "classes.jar",
        published(CORE, "jar"),
        *libraries("core"),
        *(jar for one in handed_on for jar in jars(one)),
        resources.classes(CONSUMER),
    ]
    return kotlin.compiled("consumer", CONSUMER.sources("main"), path, ["-module-name", "consumer", *JAVA_11], 11)


def program() -> Program:
    """The consumer with the library, and the vendors' classes as a phone has them."""
    part = without_libraries()
    return replace(part, classes=[*part.classes, *part.absent], absent=[])


def without_libraries() -> Program:
    """The same, with the other libraries left as they are; none of them knows the vendors' classes."""
    own = [compiled(), library() / "classes.jar", published(CORE, "jar"), resources.classes(CONSUMER), *vendors()]
    others = libraries("levit")
    return Program(own, apks.platform([*own, *others]), others, android_value("minSdk"))


def vendors() -> list[Path]:
    """Jars whose classes native code finds by name."""
    return [*(kotlin.jar(twin) for twin in RUNTIMES), *libraries("fbjni")]


def rules(*, with_library: bool = True) -> list[Path]:
    """The consumer's rules, with those of the AAR or without."""
    own = [CONSUMER.folder / "proguard-rules.pro", resources.aapt_rules(CONSUMER)]
    own.append(apks.rules_file("consumer", WITHOUT_LOADER))
    return apks.collected_rules("levit", [*own, *([library() / "proguard.txt"] if with_library else [])])


def shrunk() -> Path:
    """The consumer as R8 leaves it, in class files."""
    return dex.release_classes("consumer-r8", program(), rules())


def shrunk_without_rules() -> Path:
    """What R8 leaves of the consumer and the vendors' classes without the rules of the AAR."""
    given = [*rules(with_library=False), apks.rules_file("shrink-alone", SHRINK_ALONE)]
    return dex.release_classes("consumer-r8-without-rules", without_libraries(), given)


# Checks


def check_rules() -> None:
    """What native code needs is there with the rules of the AAR, and not without."""
    before = kept.members(vendors(), BY_NAME_FROM_NATIVE_CODE)
    lost = before - kept.members([shrunk()], BY_NAME_FROM_NATIVE_CODE)
    if lost:
        raise SystemExit(f"R8 removes what native code needs, in spite of levit/consumer-rules.pro: {_some(lost)}")
    lost = before - kept.members([shrunk_without_rules()], BY_NAME_FROM_NATIVE_CODE)
    if LOST_FIRST not in lost:
        raise SystemExit(f"the check proves nothing: {LOST_FIRST} is there without the rules of the AAR")
    print(f"consumer: {len(before)} names are kept; without the AAR's rules R8 removes {len(lost)}", flush=True)


def _some(names: set[str]) -> str:
    return ", ".join(sorted(names)[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")


def test() -> Count:
    """Run the tests of the minified consumer."""
    return minified.run(CONSUMER, shrunk(), ["levit_128s-tflite-fp32"])
