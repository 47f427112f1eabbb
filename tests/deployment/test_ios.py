"""`levit_mobile.deploy` to an iOS app: its folder, what it loads, and Core ML packages that keep their digests."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.android_apps import bundle, everything, project
from support.command import ask
from support.ios_apps import FOLLOWED, PINNED, VENDOR, swift_package, xcode_project
from support.refusals import refused
from support.stored_bundles import edited

import levit_mobile
from levit_mobile.bundle.reader import open_bundle
from levit_mobile.deployment.places import place_of
from levit_mobile.deployment.xcode import executorch_version, oldest_ios
from levit_mobile.errors import BundleError
from levit_mobile.system.files import digest


@pytest.fixture
def app(tmp_path: Path) -> Path:
    return xcode_project(tmp_path / "ios_demo")


@pytest.fixture
def core_ml(tmp_path: Path) -> Path:
    return bundle(tmp_path / "build" / "core", "coreml-fp16")


@pytest.fixture
def program(tmp_path: Path) -> Path:
    return bundle(tmp_path / "build" / "program", "executorch-fp32", made_by="1.4.1")


# The folder


@pytest.mark.parametrize(
    ("named", "folder", "fact"),
    [
        (".", "bundles", "beside the Xcode project Demo.xcodeproj"),
        ("Demo.xcodeproj", "bundles", "beside the Xcode project Demo.xcodeproj"),
        ("bundles", "bundles", "folder that was named"),
        ("Demo/Resources", "Demo/Resources", "folder that was named"),
        ("Kit", "Kit", "folder that was named"),
    ],
)
@pytest.mark.parametrize("relative", [False, True])
def test_the_folder_that_is_chosen(
    app: Path, named: str, folder: str, fact: str, relative: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    (app / "Demo" / "Resources").mkdir(parents=True)
    monkeypatch.chdir(app)
    root = Path() if relative else app
    place = place_of(root / named)
    assert (place.folder, place.platform) == (root / folder, "ios")
    assert fact in place.reason


def test_this_repositorys_demo_has_one_place() -> None:
    demo = Path(levit_mobile.__file__).parents[1] / "ios_demo"
    assert place_of(demo).folder == demo / "bundles"
    assert "/bundles/" in (demo / ".gitignore").read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("named", ["nothing", "Demo.xcodeproj/project.pbxproj", "Gone.xcodeproj"])
def test_a_path_that_is_no_folder_of_the_app_is_refused(app: Path, program: Path, named: str) -> None:
    with refused(BundleError, "bundle.app", app / named, "Xcode project"):
        levit_mobile.deploy([program], app / named)


def test_a_bundle_inside_of_the_app_is_no_app(app: Path, program: Path) -> None:
    folder = levit_mobile.deploy([program], app).folder
    with refused(BundleError, "bundle.app", folder / "program", "is a bundle"):
        levit_mobile.deploy([program], folder / "program")


def test_an_empty_folder_named_like_a_project_is_none(tmp_path: Path, core_ml: Path) -> None:
    (tmp_path / "Old.xcodeproj").mkdir()
    assert place_of(tmp_path / "Old.xcodeproj").platform == "android"
    with refused(BundleError, "bundle.runtime", core_ml):
        levit_mobile.deploy([core_ml], tmp_path)


def test_the_nearest_project_decides_the_platform(tmp_path: Path) -> None:
    """As in a repository whose Android and iOS apps are folders of one build."""
    both = project(tmp_path / "both")
    assert place_of(xcode_project(both / "iosApp")).platform == "ios"
    outer = xcode_project(tmp_path / "outer")
    assert place_of(project(outer / "android")).platform == "android"
    assert place_of(outer / "android" / "app").platform == "android"


def test_a_folder_with_both_projects_is_androids_and_the_xcode_project_can_be_named(tmp_path: Path) -> None:
    both = xcode_project(project(tmp_path / "both").parent / "both", name="App")
    assert place_of(both).folder == both / "app" / "src" / "main" / "assets" / "bundles"
    place = place_of(both / "App.xcodeproj")
    assert (place.folder, place.platform) == (both / "bundles", "ios")


# What is copied


def test_a_core_ml_package_is_listed_file_by_file_and_keeps_its_digest(app: Path, core_ml: Path) -> None:
    (core_ml / "model.mlpackage" / ".DS_Store").write_bytes(b"x")
    done = levit_mobile.deploy([core_ml], app)
    assert done.platform == "ios"
    (entry,) = json.loads((done.folder / "index.json").read_bytes())["bundles"]
    paths = [file["path"] for file in entry["files"]]
    assert "model.mlpackage/Data/model.mlmodel" in paths
    assert paths == sorted(set(everything(done.folder / "core")))
    copied = done.folder / "core" / "model.mlpackage"
    assert digest(copied) == open_bundle(core_ml).contract.artifact.sha256
    assert open_bundle(done.folder / "core").contract == open_bundle(core_ml).contract


def test_a_check_finds_a_file_of_a_package_that_differs(app: Path, core_ml: Path, program: Path) -> None:
    done = levit_mobile.deploy([core_ml, program], app)
    assert levit_mobile.deploy([core_ml, program], app, check=True).differences == ()
    changed = done.folder / "core" / "model.mlpackage" / "Data" / "model.mlmodel"
    changed.write_bytes(b"other")
    (sentence,) = levit_mobile.deploy([core_ml, program], app, check=True).differences
    assert str(changed) in sentence
    levit_mobile.deploy([core_ml, program], app)
    assert levit_mobile.deploy([core_ml, program], app, check=True).differences == ()


def test_a_package_that_is_no_longer_named_leaves_no_folder(app: Path, core_ml: Path, program: Path) -> None:
    levit_mobile.deploy([core_ml, program], app)
    done = levit_mobile.deploy([program], app)
    assert done.removed == ("core",)
    assert {path.name for path in done.folder.iterdir()} == {"index.json", "program"}


@pytest.mark.parametrize("name", ["_one", "one~", "CVS", ".one"])
def test_names_that_only_androids_tools_leave_out_are_kept(app: Path, program: Path, name: str) -> None:
    done = levit_mobile.deploy([program.rename(program.with_name(name))], app)
    assert [one.name for one in done.bundles] == [name]


@pytest.mark.parametrize("name", ["a\\b", "index.json"])
def test_a_name_that_the_index_cannot_state_is_refused(app: Path, program: Path, name: str) -> None:
    with refused(BundleError, "bundle.name", repr(name), "an app cannot store"):
        levit_mobile.deploy([program.rename(program.with_name(name))], app)


# Runtimes


@pytest.mark.parametrize("check", [False, True])
def test_ios_loads_no_tflite(app: Path, tmp_path: Path, check: bool) -> None:
    one = bundle(tmp_path / "one", "tflite-int8", made_by="2.3.0")
    with refused(BundleError, "bundle.runtime", one, "LiteRT", "no Swift package", "coreml or executorch"):
        levit_mobile.deploy([one], app, check=check)
    assert not (app / "bundles").exists()


def test_a_version_of_litert_is_refused(app: Path, program: Path) -> None:
    with refused(BundleError, "bundle.runtime", "--runtime litert=2.3.0", "no Swift package"):
        levit_mobile.deploy([program], app, runtimes={"litert": "2.3.0"})


@pytest.mark.parametrize("made", ["1.2.9", "1.5.0"])
def test_executorch_is_compared_with_the_swift_package(app: Path, tmp_path: Path, made: str) -> None:
    one = bundle(tmp_path / "one", "executorch-fp32", made_by=made)
    with refused(BundleError, "bundle.runtime", one, made, "1.4.1", app / "Kit" / "Package.swift"):
        levit_mobile.deploy([one], app)


@pytest.mark.parametrize("package", [PINNED, FOLLOWED, f"{FOLLOWED}\n// before: swiftpm-1.3.1"])
def test_a_version_in_a_swift_package(tmp_path: Path, program: Path, package: str) -> None:
    app = xcode_project(tmp_path / "app", package=package)
    done = levit_mobile.deploy([program], app)
    assert {target: one.version for target, one in done.runtimes.items()} == {"executorch": "1.4.1"}
    assert (done.notes, done.no_compress, done.no_compress_file) == ((), None, None)


@pytest.mark.parametrize("path", ["project.pbxproj", "project.xcworkspace/xcshareddata/swiftpm/Package.resolved"])
def test_a_version_in_the_project_or_in_what_xcode_resolved(tmp_path: Path, path: str) -> None:
    app = xcode_project(tmp_path / "app", package="")
    stated = app / "Demo.xcodeproj" / path
    stated.parent.mkdir(parents=True, exist_ok=True)
    stated.write_text('"https://github.com/pytorch/executorch"; branch = "swiftpm-1.4.1";')
    assert executorch_version(app) == ("1.4.1", stated)


@pytest.mark.parametrize("package", ["", f'.package({VENDOR}, revision: "1e16")', 'branch: "swiftpm-1.4.1"'])
def test_a_version_that_no_file_states_is_a_note(tmp_path: Path, program: Path, package: str) -> None:
    app = xcode_project(tmp_path / "app", package=package)
    (note,) = levit_mobile.deploy([program], app).notes
    assert "--runtime executorch=VERSION" in note
    assert "Package.swift" in note
    assert levit_mobile.deploy([program], app, runtimes={"executorch": "1.5.0"}).notes == ()


def test_packages_in_folders_that_xcode_writes_do_not_count(tmp_path: Path) -> None:
    app = xcode_project(tmp_path / "app", package="")
    for folder in (".build/checkouts/a", "build/b", "DerivedData/c"):
        swift_package(app / folder)
    assert executorch_version(app) is None


@pytest.mark.parametrize(("oldest", "needed", "noted"), [("16.4", 17, True), ("17.0", 17, False), ("18.0", 17, False)])
def test_a_system_that_is_older_than_the_artifact_is_a_note(
    tmp_path: Path, core_ml: Path, oldest: str, needed: int, noted: bool
) -> None:
    edited(core_ml / "contract.json", "artifact", "minimum_ios", to=needed)
    app = xcode_project(tmp_path / "app", oldest=oldest)
    found = oldest_ios(app)
    assert found is not None
    assert found[0] == int(float(oldest))
    notes = levit_mobile.deploy([core_ml], app).notes
    assert [f"needs iOS {needed}" in note and "project.pbxproj" in note for note in notes] == [True] * noted


# The command


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with an app and with one bundle per target, where the command runs."""
    xcode_project(tmp_path / "ios_demo")
    bundle(tmp_path / "build" / "core", "coreml-fp16")
    bundle(tmp_path / "build" / "program", "executorch-fp32", made_by="1.4.1")
    bundle(tmp_path / "build" / "flat", "tflite-int8", made_by="2.3.0")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_bundles_below_a_folder_without_tflite(shell: Path) -> None:
    done = ask("deploy", "build", "--to", "ios_demo")
    assert done.exit_code == 0, done.output
    first = done.stdout.splitlines()[0]
    assert first == "bundles of the app: ios_demo/bundles (beside the Xcode project Demo.xcodeproj)"
    assert "build/flat" in done.stderr
    assert "LiteRT" in done.stderr
    assert "ExecuTorch 1.4.1, as stated by ios_demo/Kit/Package.swift" in done.stdout
    assert "noCompress" not in done.stdout
    assert {path.name for path in (shell / "ios_demo" / "bundles").iterdir()} == {"index.json", "core", "program"}


@pytest.mark.usefixtures("shell")
def test_json_names_the_platform() -> None:
    found = json.loads(ask("deploy", "build/core", "--to", "ios_demo", "--json").stdout)
    assert (found["platform"], found["no_compress"], found["folder"]) == ("ios", None, "ios_demo/bundles")
    assert [(one["target"], one["state"]) for one in found["bundles"]] == [("coreml", "added")]


@pytest.mark.usefixtures("shell")
def test_a_check_exits_with_1_until_the_bundles_are_deployed() -> None:
    words = ("deploy", "build/core", "--to", "ios_demo", "--check")
    missing = ask(*words)
    assert missing.exit_code == 1
    assert "error: ios_demo/bundles/core is missing" in missing.stderr
    ask(*words[:-1])
    assert (ask(*words).exit_code, ask(*words).stderr) == (0, "")


def test_tflite_that_is_named_is_refused(shell: Path) -> None:
    done = ask("deploy", "build/core", "build/flat", "--to", "ios_demo", "--json")
    assert done.exit_code == 1
    assert json.loads(done.stdout)["error"]["code"] == "bundle.runtime"
    assert not (shell / "ios_demo" / "bundles").exists()
