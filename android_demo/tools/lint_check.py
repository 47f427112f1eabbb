"""Android Lint over :levit and :app: every check that Android Studio has, and those that Compose brings along.

Lint is told that a folder made here is the Android SDK. Every warning is an error; lint.xml names the exceptions.
"""

from __future__ import annotations

import shutil
import xml.etree.ElementTree as ET
from pathlib import Path

import api_versions
import kotlin
import resources
import store
from catalogue import ROOT
from machine import java_home
from maven import cache
from modules import (
    APP,
    BY_NAME,
    LEVIT,
    PLATFORM,
    Module,
    aar_folder,
    aar_folders,
    android_value,
    coordinates,
    libraries,
)
from processes import QUICK, java

MAIN = "com.android.tools.lint.Main"
CONFIGURATION = ROOT / "lint.xml"
TOOLS = Path(__file__).parent
DATABASE_SOURCES = tuple(TOOLS / f"{name}.py" for name in ("api_versions", "class_file", "declarations"))
REPORT = "report.txt"
MODULES = LEVIT, APP
TOOL = "tool-lint"
DATABASE = Path("platforms", "android-37", "data", "api-versions.xml")
PROBED = "[NewApi]", "[UnrememberedMutableState "  # one of Lint's own checks and one of Compose's
FAULTS = """package dev.levitmobile.probe

import android.os.PowerManager
import androidx.compose.runtime.Composable
import androidx.compose.runtime.mutableStateOf

fun headroom(power: PowerManager): Float = power.getThermalHeadroom(10) // API 30

@Composable
fun Counter() {
    val count = mutableStateOf(0)
    println(count.value)
}
"""
PROPERTIES = {
    "Pkg.Desc": "Android SDK Platform 17",
    "Pkg.Revision": "1",
    "AndroidVersion.ApiLevel": "37",
    "Platform.Version": "17",
    "Layoutlib.Api": "15",
    "Layoutlib.Revision": "1",
}


def sdk() -> Path:
    """A folder that Lint takes for the SDK: the platform, and the database of API levels."""
    platform, declarations = libraries(PLATFORM)[0], api_versions.package()

    def build(out: Path) -> None:
        folder = out / "platforms" / "android-37"
        (folder / "data").mkdir(parents=True)
        (folder / "android.jar").symlink_to(platform)
        properties = "".join(f"{name}={value}\n" for name, value in PROPERTIES.items())
        (folder / "source.properties").write_text(properties, encoding="utf-8")
        (folder / "build.prop").touch()
        api_versions.write(platform, folder / "data" / "api-versions.xml")

    return store.made("lint-sdk", [*DATABASE_SOURCES, platform, declarations], build)


def project() -> ET.Element:
    """What Lint reads, as its own XML format has it: files one by one, because it skips folders without a word."""
    root = _empty_project(ROOT)
    for module in MODULES:
        _describe(ET.SubElement(root, "module", _attributes(module)), module)
    return root


def _empty_project(folder: Path) -> ET.Element:
    """A project without modules, with the checks that the app's libraries bring along."""
    root = ET.Element("project")
    ET.SubElement(root, "root", dir=str(folder))
    ET.SubElement(root, "sdk", dir=str(sdk()))
    for library in aar_folders(APP.class_path):
        if (library / "lint.jar").exists():
            ET.SubElement(root, "lint-checks", jar=str(library / "lint.jar"))
    return root


def _attributes(module: Module) -> dict[str, str]:
    return {
        "name": module.name,
        "android": "true",
        "library": "false" if module is APP else "true",
        "compile-sdk-version": f"android-{android_value('compileSdk')}",
        "minSdkVersion": android_value("minSdk"),
        "targetSdkVersion": android_value("targetSdk"),
    }


def _describe(parent: ET.Element, module: Module) -> None:
    main = module.folder / "src" / "main"
    ET.SubElement(parent, "manifest", file=str(main / "AndroidManifest.xml"))
    if module is APP:
        ET.SubElement(parent, "merged-manifest", file=str(resources.manifest(module)))
        ET.SubElement(parent, "dep", module=LEVIT.name)
    if (main / "res").is_dir():
        ET.SubElement(parent, "resource", file=str(main / "res"))
    for folder in module.sources("main"):
        for file in sorted(path for path in folder.rglob("*") if path.suffix in (".kt", ".java")):
            ET.SubElement(parent, "src", file=str(file))
    _describe_libraries(parent, module)


def _describe_libraries(parent: ET.Element, module: Module) -> None:
    for one in coordinates(module.class_path):
        if one.type == "aar":
            ET.SubElement(parent, "aar", file=str(cache() / one.path), extracted=str(aar_folder(one)))
    own = [kotlin.jar(BY_NAME[name]) for name in (*module.needs, *module.twins) if BY_NAME[name] not in MODULES]
    own += [resources.classes(module)] if resources.exist(module) else []
    for jar in (*libraries(module.class_path), *own):
        ET.SubElement(parent, "classpath", jar=str(jar))


def report() -> Path:
    """What Lint printed about the modules."""
    described = project()
    sources = [module.folder / "src" / "main" for module in MODULES]
    jars = [Path(str(one.get("jar"))) for one in described.iter() if one.get("jar")]
    ET.indent(described)
    text = ET.tostring(described, encoding="unicode")
    inputs = [text, CONFIGURATION, *sources, *jars, *libraries(TOOL)]
    return store.made("lint", inputs, lambda out: _run(out, text)) / REPORT


def probe() -> Path:
    """What Lint prints about a file with faults, which it must find."""

    def check(out: Path) -> None:
        source, manifest = out / "Probe.kt", out / "AndroidManifest.xml"
        source.write_text(FAULTS, encoding="utf-8")
        manifest.write_text("<manifest/>", encoding="utf-8")
        root = _empty_project(out)
        module = ET.SubElement(root, "module", _attributes(APP))
        ET.SubElement(module, "manifest", file=str(manifest))
        ET.SubElement(module, "src", file=str(source))
        _describe_libraries(module, APP)
        _run(out, ET.tostring(root, encoding="unicode"))

    inputs = [FAULTS, sdk() / DATABASE, *libraries(APP.class_path), *libraries(TOOL)]
    return store.made("lint-probe", inputs, check) / REPORT


def _run(out: Path, described: str) -> None:
    (out / "project.xml").write_text(described, encoding="utf-8")
    command = ["--project", out / "project.xml", "--sdk-home", sdk(), "--jdk-home", str(java_home())]
    command += ["--config", CONFIGURATION, "--cache-dir", out / "cache", "--offline", "-Werror"]
    printed = java(libraries(TOOL), MAIN, *command, "--text", out / REPORT, options=("-Xmx2g", *QUICK))
    shutil.rmtree(out / "cache", ignore_errors=True)
    if not (out / REPORT).exists():
        raise SystemExit(f"Lint wrote no report:\n{printed[-3000:]}")


def lint() -> None:
    """Check :levit and :app, where any warning fails the build, and a file with faults, which Lint must find."""
    found = probe().read_text(encoding="utf-8")
    if missed := [issue for issue in PROBED if issue not in found]:
        raise SystemExit(f"Lint does not print {', '.join(missed)} about a file that has these faults:\n{found}")
    text = report().read_text(encoding="utf-8")
    if "No issues found" not in text:
        raise SystemExit(f"Lint found issues:\n{text}")
    print(f"lint: no issues in :levit and :app, and all {len(PROBED)} in a file that was made for it", flush=True)
