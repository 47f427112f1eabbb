"""Manifests merged by Android's own merger, resources linked by aapt2, and the classes R made of them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import framework
import store
from javac import archive, javac
from modules import BY_NAME, PLATFORM, Module, aar_folders, android_value, libraries
from processes import QUICK, Argument, java, run

MERGER = "com.android.manifmerger.Merger"
STORED = "tflite", "pte", "rgb8", "f32"  # never compressed, so that a file can be opened inside the APK
MANIFEST = "AndroidManifest.xml"


def exist(module: Module) -> bool:
    """Whether the module is an Android module with a manifest."""
    return bool(module.namespace) and (module.folder / "src" / "main" / MANIFEST).exists()


# Manifests


def library_manifest(module: Module) -> Path:
    """The manifest of a library module as its AAR has it, with the package's name."""
    return _merged(module, [], {"PACKAGE": module.namespace, "MIN_SDK_VERSION": android_value("minSdk")})


def manifest(module: Module) -> Path:
    """The merged manifest of a module and all its libraries."""
    values = {
        "PACKAGE": module.namespace,
        "MIN_SDK_VERSION": android_value("minSdk"),
        "TARGET_SDK_VERSION": android_value("targetSdk"),
        "VERSION_CODE": android_value("versionCode"),
        "VERSION_NAME": android_value("versionName"),
    }
    own = [library_manifest(BY_NAME[name]) for name in module.needs if exist(BY_NAME[name])]
    return _merged(module, [*own, *(folder / MANIFEST for folder in aar_folders(module.class_path))], values)


def _merged(module: Module, libs: list[Path], values: dict[str, str]) -> Path:
    main = module.folder / "src" / "main" / MANIFEST
    command: list[Argument] = ["--main", main]
    command += [part for lib in libs for part in ("--libs", lib)]
    command += [part for name, value in values.items() for part in ("--property", f"{name}={value}")]

    def merge(out: Path) -> None:
        words = ["--remove-tools-declarations", "--log", "WARNING", "--out", out / MANIFEST]
        printed = java(libraries("tool-merger"), MERGER, *command, *words, options=QUICK)
        if not (out / MANIFEST).exists():
            raise SystemExit(f"{main} could not be merged:\n{printed[-3000:]}")

    tool = libraries("tool-merger")
    return store.made(f"{module.name}-manifest", [*map(str, values.items()), main, *libs, *tool], merge) / MANIFEST


# Resources


def framework_table() -> Path:
    """The framework's resources in a form that aapt2 reads."""
    platform = libraries(PLATFORM)[0]
    out = store.made("framework", [platform], lambda made: framework.write(platform, made / "framework.apk"))
    return out / "framework.apk"


def apk(module: Module) -> Path:
    """The module's resources, assets and manifest as an APK without code."""
    return _linked(module) / "resources.apk"


def aapt_rules(module: Module) -> Path:
    """Rules for R8: the classes that layouts and the manifest name."""
    return _linked(module) / "aapt.pro"


def symbols(module: Module) -> Path:
    """R.txt, the list of the module's resources."""
    return _linked(module) / "R.txt"


def _linked(module: Module) -> Path:
    owners = [*(BY_NAME[name] for name in module.needs if exist(BY_NAME[name])), module]
    compiled = [_libraries(module), *(_own(owner) for owner in owners)]
    assets = [folder for owner in owners if (folder := owner.folder / "src" / "main" / "assets").is_dir()]
    merged, table = manifest(module), framework_table()
    packages = sorted({owner.namespace for owner in owners[:-1]} | _packages(aar_folders(module.class_path)))
    options: list[Argument] = ["--auto-add-overlay", "--extra-packages", ":".join(packages)]
    options += [part for suffix in STORED for part in ("-0", suffix)]

    def link(out: Path) -> None:
        java_files, files = out / "java", [file for folder in compiled for file in sorted(folder.glob("*.flat*"))]
        command = ["aapt2", "link", "-I", table, "--manifest", merged, "--java", java_files, *options]
        command += ["--output-text-symbols", out / "R.txt", "--proguard", out / "aapt.pro"]
        command += [part for folder in assets for part in ("-A", folder)]
        command += [part for file in files for part in ("-R", file)]
        run([*command, "-o", out / "resources.apk"])

    inputs = [*map(str, options), merged, table, *compiled, *(part for one in assets for part in (one.name, one))]
    return store.made(f"{module.name}-resources", inputs, link)


def _libraries(module: Module) -> Path:
    folders = [folder / "res" for folder in aar_folders(module.class_path) if _has_files(folder / "res")]

    def compile_all(out: Path) -> None:
        for number, folder in enumerate(folders):
            run(["aapt2", "compile", "--dir", folder, "-o", out / f"{number:03}.flata"])

    return store.made(f"{module.name}-library-resources", folders, compile_all)


def _own(module: Module) -> Path:
    folder = module.folder / "src" / "main" / "res"

    def compile_own(out: Path) -> None:
        if _has_files(folder):
            run(["aapt2", "compile", "--dir", folder, "-o", out / "own.flata"])

    return store.made(f"{module.name}-own-resources", [folder], compile_own)


def _has_files(folder: Path) -> bool:
    return folder.is_dir() and any(folder.iterdir())


def _packages(aars: Iterable[Path]) -> set[str]:
    """Packages of the libraries that have resources."""
    texts = [(aar / MANIFEST).read_text(encoding="utf-8") for aar in aars if (aar / "R.txt").exists()]
    return {found[1] for text in texts if (found := re.search(r'\bpackage="([^"]+)"', text))}


def classes(module: Module) -> Path:
    """The classes R of the module and of its libraries."""
    linked = _linked(module)

    def compile_classes(out: Path) -> None:
        (out / "classes").mkdir()
        javac(out / "classes", sorted((linked / "java").rglob("*.java")), [], 11)
        archive(out / "classes", out / "R.jar")

    return store.made(f"{module.name}-r", [linked / "java"], compile_classes) / "R.jar"
