"""The debug and the release APK: D8 and R8, aligned, signed, verified, and compared with a limit of size.

The vendors' runtimes are on no registry that this build uses, so its APKs lack them and their native libraries. Gradle
adds both. `consumer.py` proves that the rules keep what their native code needs.
"""

from __future__ import annotations

import shutil
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path

import apk
import dex
import kotlin
import reached
import resources
import rules
import signing
import store
from apk import Entry
from catalogue import ROOT, read
from dex import MAPPING, Program
from machine import java_home
from maven import cache
from modules import APP, BY_NAME, PLATFORM, aar_folder, aar_folders, android_value, coordinates, libraries, library

TOOLS = Path(__file__).parent
LIMITS = ROOT / "limits.toml"
OUT = ROOT / "build" / "apk"
RELEASED = "arm64-v8a", "x86_64"  # both runtimes have these alone
SOURCES = tuple(TOOLS / f"{name}.py" for name in ("apk", "dex", "signing"))
OWN_RULES = ROOT / "app" / "proguard-rules.pro", ROOT / "levit" / "consumer-rules.pro"
WITHOUT_RUNTIMES = """# The vendors' runtimes are not in this build.
-dontwarn com.google.ai.edge.litert.**
-dontwarn org.pytorch.executorch.**
-dontwarn com.facebook.**
-dontwarn androidx.camera.**
"""


def program() -> Program:
    """The app, its modules and libraries."""
    own = [kotlin.jar(APP), *(kotlin.jar(BY_NAME[name]) for name in APP.needs), resources.classes(APP)]
    twins = [kotlin.jar(BY_NAME[name]) for name in APP.twins]
    classes = [*own, *libraries("app")]
    return Program(classes, platform([*classes, *twins, *libraries("fbjni")]), twins, android_value("minSdk"))


def platform(program: Sequence[Path]) -> Path:
    """The classes of the Android platform, and of java.*, that jars and R8's own additions to them can reach."""
    whole, jars = libraries(PLATFORM)[0], [*program, *libraries(dex.TOOL)]

    def write(out: Path) -> None:
        reached.write(out / "platform.jar", jars, whole)

    inputs = [TOOLS / "reached.py", TOOLS / "class_file.py", str(java_home()), whole, *jars]
    return store.made("reached", inputs, write) / "platform.jar"


def collected_rules(class_path: str, own: Sequence[Path]) -> list[Path]:
    """All rules for an app: those of the Android Gradle plugin, of its libraries, and its own."""
    version = read()["versions"]["r8"]
    parts = [aar_folder(one) if one.type == "aar" else cache() / one.path for one in coordinates(class_path)]
    plugin = library("agp", "gradle")

    def write(out: Path) -> None:
        rules.write(out, plugin, parts, [], version)

    inputs = [version, TOOLS / "rules.py", plugin, *parts]
    return [*sorted(store.made(f"{class_path}-rules", inputs, write).glob("*.pro")), *own]


def app_rules() -> list[Path]:
    """The rules for the app in this build."""
    return collected_rules("app", [*OWN_RULES, resources.aapt_rules(APP), rules_file("absent", WITHOUT_RUNTIMES)])


def rules_file(name: str, text: str) -> Path:
    """A file with rules that only this build needs."""
    return store.made(f"{name}-rules", [text], lambda out: (out / "rules.pro").write_text(text)) / "rules.pro"


# APKs


def debug_apk() -> Path:
    """The debug APK, with the native libraries of every processor."""
    return _package("debug", dex.debug("debug-dex", program()), stored=True)


def release_apk() -> Path:
    """The release APK, minified; mapping.txt is beside it."""
    return _package("release", dex.release("release-dex", program(), app_rules()), stored=False, processors=RELEASED)


def native_libraries(class_path: str, processors: Sequence[str] = ()) -> Iterator[Entry]:
    """The native libraries of a class path's AARs, for these processors or for all."""
    for folder in aar_folders(class_path):
        for file in sorted(folder.glob("jni/*/*.so")):
            if not processors or file.parent.name in processors:
                yield Entry(f"lib/{file.parent.name}/{file.name}", file.read_bytes(), stored=True)


def key() -> Path:
    """The key store for debug signatures, made once on each machine."""
    return store.made("debug-key", [TOOLS / "signing.py"], lambda out: signing.debug_key(out / "key")) / "key"


def _package(name: str, code: Path, *, stored: bool, processors: Sequence[str] = ()) -> Path:
    base, mapping = resources.apk(APP), code.with_name(MAPPING)

    def build(out: Path) -> None:
        native = native_libraries("app", processors)
        apk.write(out / "unsigned.apk", [*apk.entries_of(base), *dex.entries(code, stored=stored), *native])
        signing.sign(out / "unsigned.apk", out / "app.apk", key(), android_value("minSdk"))
        (out / "unsigned.apk").unlink()
        if mapping.exists():
            shutil.copyfile(mapping, out / MAPPING)

    inputs = [*SOURCES, str(stored), *processors, base, code, *aar_folders("app"), key()]
    return store.made(name, inputs, build) / "app.apk"


# Checks


def check(path: Path, name: str) -> None:
    """Verify the signature and the alignment of an APK, print its sizes, and copy it to build/apk/."""
    schemes = signing.verified(path, android_value("minSdk"))
    wrong = [f"not signed with {scheme}" for scheme in ("v2", "v3") if not schemes.get(scheme)]
    if wrong := [*wrong, *apk.faults(path), *too_large(name, apk.sizes(path))]:
        raise SystemExit(f"the {name} APK: {'; '.join(wrong)}")
    OUT.mkdir(parents=True, exist_ok=True)
    for file in (path, path.with_name(MAPPING)):
        if file.exists():
            shutil.copyfile(file, OUT / f"{name}{file.suffix}")
    print(f"{name} APK: {apk.sizes(path)}; signed with v2 and v3, aligned for pages of 16 KB", flush=True)


def too_large(name: str, found: apk.Sizes) -> list[str]:
    """What a size above the limit of its build is refused with; empty below it."""
    limit = tomllib.loads(LIMITS.read_text(encoding="utf-8"))[name]["code_and_resources"]
    size = found.code_and_resources
    return [f"{size} bytes of code and resources, the limit in {LIMITS.name} is {limit}"] if size > limit else []


def debug() -> None:
    """Build and check the debug APK."""
    check(debug_apk(), "debug")


def release() -> None:
    """Build and check the release APK."""
    check(release_apk(), "release")
