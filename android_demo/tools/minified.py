"""Runs an app as R8 leaves it: class files in a JVM with Robolectric, real bundles in its assets, read by a Java test.

The test sees the app as a screen reader does, because R8 has renamed everything else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import apk
import apks
import bundles
import dex
import junit
import resources
import stand_ins
import store
from apk import Entry
from javac import javac
from junit import CONSOLE, OUT, Count, TestFailure
from machine import REPOSITORY, python_with_wheels
from modules import APP, PLATFORM, Module, coordinates, jars, libraries
from processes import java
from processes import run as run_program

TOOLS = Path(__file__).parent
ALSO_FOR_TESTS = "kotlin-stdlib", "annotation-jvm"  # the test's libraries need them under their own names
MODEL = "levit_128s-"  # the name of a bundle begins with its model; the test bundles have the recipe alone


def bundle(name: str) -> Path:
    """The folder of a test bundle, by the name that an app calls it."""
    top = bundles.folder()
    if top is None:
        raise SystemExit("no test bundles: they need the wheels of the runtimes")
    found = [place for place in (top / name, top / name.removeprefix(MODEL)) if place.is_dir()]
    if not found:
        raise SystemExit(f"{top} has no bundle {name}")
    return found[0]


def deployed(names: Sequence[str]) -> Path:
    """The folder `assets/bundles` of an app, written by `levit-mobile deploy`."""
    sources = {name: bundle(name) for name in names}

    def deploy(out: Path) -> None:
        (out / "named").mkdir()
        (out / "assets").mkdir()
        for name, source in sources.items():
            (out / "named" / name).symlink_to(source)
        command = [str(python_with_wheels()), "-m", "levit_mobile", "deploy", *(out / "named").iterdir()]
        run_program([*command, "--to", out / "assets"], cwd=REPOSITORY)

    inputs = [*names, *sources.values(), REPOSITORY / "levit_mobile" / "deployment"]
    return store.made("deployed", inputs, deploy) / "assets" / "bundles"


def with_bundles(module: Module, names: Sequence[str]) -> Path:
    """The app's resources and assets with these bundles, stored as `noCompress` has it."""
    base, folder = resources.apk(module), deployed(names)

    def write(out: Path) -> None:
        files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
        assets = [Entry(f"assets/bundles/{one.relative_to(folder)}", one.read_bytes(), stored=True) for one in files]
        apk.write(out / "resources.apk", [*apk.entries_of(base), *assets])

    return store.made(f"{module.name}-with-bundles", [TOOLS / "apk.py", base, folder], write) / "resources.apk"


def app() -> Count:
    """Minify the demo and the vendors' classes by the rules of its release, as Gradle does, and run its tests."""
    code = apks.program()
    code = replace(code, classes=[*code.classes, *code.absent, *libraries("fbjni")], absent=[])
    classes = dex.release_classes("app-r8", code, apks.app_rules())
    return run(APP, classes, ["levit_128s-executorch-fp32", "levit_128s-tflite-fp32"])


def run(module: Module, classes: Path, names: Sequence[str]) -> Count:
    """Run the tests in `src/testMinified` against a module's minified classes.

    Args:
        module: The app.
        classes: Its jar out of R8, with all libraries and twins.
        names: The bundles in its assets.
    """
    tests = _compiled(module)
    app = [classes, stand_ins.folder(classes)]
    path = [_configuration(module, names), tests, *app, *_test_libraries(module), *libraries(PLATFORM)]
    command = ["execute", "--disable-banner", "--details=tree", "--disable-ansi-colors", f"--scan-class-path={tests}"]
    options = [*junit.options(module), f"-Dlevit.minified={deployed(names)}"]
    printed = java(path, CONSOLE, *command, options=options, accepted=(0, 1, 2))
    count = Count.of(printed)
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / f"{module.name}-minified-tests.txt").write_text(printed, encoding="utf-8")
    if count.failed or not count.passed:
        print(printed, flush=True)
        raise TestFailure(f"{module.name}, minified", count)
    print(f"{module.name}, minified: {count}", flush=True)
    return count


def _test_libraries(module: Module) -> list[Path]:
    """What only the tests need: the app's libraries are inside the minified jar."""
    inside = {one.path for one in coordinates(module.class_path) if one.artifact not in ALSO_FOR_TESTS}
    return [jar for one in coordinates(f"{module.class_path}-test") if one.path not in inside for jar in jars(one)]


def _compiled(module: Module) -> Path:
    sources = module.folder / "src" / "testMinified" / "java"
    path = [*_test_libraries(module), *libraries(PLATFORM)]
    files = sorted(sources.rglob("*.java"))
    return store.made(f"{module.name}-minified-test", [sources, *path], lambda out: javac(out, files, path, 17))


def _configuration(module: Module, names: Sequence[str]) -> Path:
    values = {
        "android_merged_manifest": resources.manifest(module),
        "android_resource_apk": with_bundles(module, names),
        "android_custom_package": module.namespace,
    }
    return junit.configuration(f"{module.name}-minified", values)
