"""Which folder `--to` stands for, and what the Gradle files of the app state."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from support.android_apps import bundle, module, project
from support.refusals import refused

import levit_mobile
from levit_mobile.deployment.gradle import module_at, uncompressed
from levit_mobile.deployment.places import place_of
from levit_mobile.errors import BundleError

ASSETS = "src/main/assets/bundles"
Make = Callable[[Path], object]


@pytest.fixture
def app(tmp_path: Path) -> Path:
    return project(tmp_path / "demo")


@pytest.mark.parametrize(
    ("named", "folder", "fact"),
    [
        (".", f"app/{ASSETS}", "app module app"),
        ("app", f"app/{ASSETS}", "module that was named"),
        ("app/src/main/assets", f"app/{ASSETS}", "assets folder that was named"),
        ("app/src/main/assets/bundles", f"app/{ASSETS}", "folder that was named"),
        ("app/src/main", f"app/{ASSETS}", "source set that was named"),
        ("app/src/debug", "app/src/debug/assets/bundles", "source set that was named"),
        ("plain", "plain", "folder that was named"),
    ],
)
@pytest.mark.parametrize("relative", [False, True])
def test_the_folder_that_is_chosen(
    app: Path, named: str, folder: str, fact: str, relative: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    (app / "plain").mkdir()
    for name in ("main", "debug"):
        (app / "app" / "src" / name).mkdir(parents=True)
        (app / "app" / "src" / name / "AndroidManifest.xml").write_text("<manifest/>")
    monkeypatch.chdir(app)
    root = Path() if relative else app
    place = place_of(root / named)
    assert place.folder == root / folder
    assert fact in place.reason


def test_an_assets_folder_outside_of_a_project(tmp_path: Path) -> None:
    (tmp_path / "assets").mkdir()
    assert place_of(tmp_path / "assets").folder == tmp_path / "assets" / "bundles"


def test_an_assets_folder_that_is_not_there_yet_outside_of_a_module(tmp_path: Path) -> None:
    with refused(BundleError, "bundle.app", "does not exist"):
        place_of(tmp_path / "assets")


def test_a_gradle_build_inside_of_a_build_is_none_of_its_modules(tmp_path: Path) -> None:
    """Such as an app that shows how another build uses a library."""
    top = project(tmp_path / "project")
    inner = project(top / "sample")
    levit_mobile.deploy([bundle(tmp_path / "one")], top)
    assert (top / "app" / "src" / "main" / "assets" / "bundles" / "one").is_dir()
    levit_mobile.deploy([bundle(tmp_path / "two")], inner)
    assert (inner / "app" / "src" / "main" / "assets" / "bundles" / "two").is_dir()


@pytest.mark.parametrize(
    ("make", "fact"),
    [
        (lambda _: None, "does not exist"),
        (lambda at: at.write_text("x"), "is not a folder"),
        (lambda at: bundle(at), "is a bundle"),
        (lambda at: project(at, app='plugins { id("java-library") }'), "no Gradle module"),
        (lambda at: project(at, app='plugins { id("com.android.library") }'), "Android libraries are"),
        (lambda at: module(at, 'plugins { kotlin("jvm") }'), "no Gradle module"),
        (
            lambda at: module(project(at) / "wear", "id 'com.android.application'", "build.gradle"),
            "several app modules",
        ),
        (lambda at: project(at, app="// id('com.android.application')"), "no Gradle module"),
    ],
)
def test_a_path_that_is_no_single_app_is_refused(tmp_path: Path, make: Make, fact: str) -> None:
    make(tmp_path / "to")
    with refused(BundleError, "bundle.app", tmp_path / "to", fact):
        levit_mobile.deploy([bundle(tmp_path / "one")], tmp_path / "to")


@pytest.mark.parametrize(
    "text",
    [
        'plugins { id("com.android.application") }',
        "apply plugin: 'com.android.application'",
        "plugins { alias(libs.plugins.android.application) }",
        "plugins { alias(libs.plugins.androidApplication) }",
        'plugins { id("company.android.application") }',
        'plugins { id("com.android.library") }',
        "plugins { alias(libs.plugins.androidLibrary) }",
    ],
)
def test_a_module_by_its_plugin(tmp_path: Path, text: str) -> None:
    assert place_of(module(tmp_path / "app", text)).folder == tmp_path / "app" / ASSETS


def test_a_module_of_an_unknown_plugin_has_a_manifest(tmp_path: Path) -> None:
    (tmp_path / "app" / "src" / "main").mkdir(parents=True)
    (tmp_path / "app" / "src" / "main" / "AndroidManifest.xml").write_text("<manifest/>")
    (tmp_path / "app" / "build.gradle.kts").write_text('plugins { id("company.app") }')
    assert place_of(tmp_path / "app").folder == tmp_path / "app" / ASSETS


def test_this_repositorys_demo_has_one_place_as_soon_as_it_has_an_app() -> None:
    demo = Path(levit_mobile.__file__).parents[1] / "android_demo"
    if (demo / "app").is_dir():
        assert place_of(demo).folder == demo / "app" / ASSETS
    else:
        with refused(BundleError, "bundle.app", demo):
            place_of(demo)


# noCompress


@pytest.mark.parametrize(
    ("text", "suffixes"),
    [
        ('androidResources { noCompress += listOf("tflite", "pte") }', {"tflite", "pte"}),
        (
            'androidResources {\n    noCompress.addAll(listOf(\n        "pte",\n        "f32",\n    ))\n}',
            {"pte", "f32"},
        ),
        ("aaptOptions { noCompress 'pte', 'f32' }", {"pte", "f32"}),
        ('androidResources { noCompress("pte") }\nval other = "f32"', {"pte"}),
        ('noCompress += ".pte"\nnoCompress += "f32"', {"pte", "f32"}),
        ('// noCompress += "pte"', set()),
        ('androidResources { ignoreAssetsPattern = "pte" }', set()),
    ],
)
def test_the_suffixes_that_a_gradle_file_lists(tmp_path: Path, text: str, suffixes: set[str]) -> None:
    found = module_at(module(tmp_path / "app", text))
    assert found is not None
    assert uncompressed([found]) == suffixes


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("build.gradle.kts", "", 'androidResources { noCompress += listOf("tflite", "rgb8", "f32") }'),
        ("build.gradle.kts", 'noCompress += "rgb8"', 'androidResources { noCompress += listOf("tflite", "f32") }'),
        ("build.gradle", "", "androidResources { noCompress 'tflite', 'rgb8', 'f32' }"),
        ("build.gradle.kts", 'noCompress += listOf("tflite", "rgb8", "f32")', None),
        ("build.gradle", "noCompress ''", None),
    ],
)
def test_the_line_that_a_gradle_file_lacks(tmp_path: Path, name: str, text: str, line: str | None) -> None:
    app = module(tmp_path / "app", f"id('com.android.application')\n{text}", name)
    done = levit_mobile.deploy([bundle(tmp_path / "one")], app)
    assert done.no_compress == line
    assert done.no_compress_file == app / name


def test_the_line_belongs_to_the_app_that_packages_a_library(tmp_path: Path, app: Path) -> None:
    library = module(app / "models", 'plugins { id("com.android.library") }')
    done = levit_mobile.deploy([bundle(tmp_path / "one")], library)
    assert done.folder == library / ASSETS
    assert (done.no_compress, done.no_compress_file) == (None, app / "app" / "build.gradle.kts")


def test_the_line_for_a_folder_outside_of_an_app(tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    done = levit_mobile.deploy([bundle(tmp_path / "one", "executorch-fp32")], tmp_path / "plain")
    assert done.no_compress == 'androidResources { noCompress += listOf("pte", "rgb8", "f32") }'
    assert done.no_compress_file is None
