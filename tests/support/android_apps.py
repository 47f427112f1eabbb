"""Gradle projects of Android apps, as far as `deploy` reads them."""

from __future__ import annotations

from pathlib import Path

from support import small_bundles
from support.stored_bundles import edited

CATALOGUE = """
[versions]
executorch = "1.4.1"
litert = { strictly = "2.3.0" }
[libraries]
executorch = { module = "org.pytorch:executorch-android", version.ref = "executorch" }
litert = { group = "com.google.ai.edge.litert", name = "litert", version.ref = "litert" }
"""
APP = """
plugins {
    alias(libs.plugins.android.application)
}
android {
    androidResources { noCompress += listOf("tflite", "pte", "rgb8", "f32") }
}
"""


def project(folder: Path, *, catalogue: str = CATALOGUE, app: str = APP) -> Path:
    """A project with the module `app`, and a root build file that applies nothing."""
    (folder / "gradle").mkdir(parents=True)
    (folder / "settings.gradle.kts").write_text('include(":app")')
    (folder / "build.gradle.kts").write_text('plugins { id("com.android.application") version "9.4.1" apply false }')
    (folder / "gradle" / "libs.versions.toml").write_text(catalogue)
    module(folder / "app", app)
    return folder


def module(folder: Path, text: str, name: str = "build.gradle.kts") -> Path:
    """A module with this build file."""
    folder.mkdir(parents=True)
    (folder / name).write_text(text)
    return folder


def bundle(folder: Path, recipe: str = "tflite-int8", *, made_by: str = "", content: bytes = b"weights ") -> Path:
    """A whole bundle, made by this version of its target's runtime."""
    small_bundles.bundle(folder, recipe, content=content)
    if made_by:
        maker = "executorch" if recipe.startswith("executorch") else "ai-edge-litert"
        edited(folder / "contract.json", "artifact", "toolchain", to={maker: made_by})
    return folder


def everything(folder: Path) -> dict[str, bytes]:
    """Every file below a folder with its content, by its path."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
