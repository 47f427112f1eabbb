"""The script phase of the Xcode project, run as Xcode runs it: bundles arrive in the app with their digests."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from support.android_apps import bundle, everything
from support.ios_apps import xcode_project
from support.xcode_files import DEMO, phases

import levit_mobile
from levit_mobile.bundle.reader import open_bundle
from levit_mobile.system.files import digest

RESOURCES = "LevitDemo.app"


@pytest.fixture
def demo(tmp_path: Path) -> Path:
    """A copy of what the phase needs, in a folder with a space in its name."""
    folder = xcode_project(tmp_path / "my demo")
    (folder / "tools").mkdir()
    shutil.copy(DEMO / "tools" / "copy_bundles.sh", folder / "tools")
    (tmp_path / "made products" / RESOURCES).mkdir(parents=True)
    return folder


@pytest.fixture
def core_ml(tmp_path: Path) -> Path:
    return bundle(tmp_path / "build" / "core", "coreml-fp16")


def phase() -> dict[str, object]:
    (found,) = [one for one in phases("LevitDemo") if one["isa"] == "PBXShellScriptBuildPhase"]
    return found


def environment(demo: Path) -> dict[str, str]:
    """What Xcode states, as far as the phase uses it."""
    return {
        "PATH": os.environ["PATH"],
        "SRCROOT": str(demo),
        "TARGET_BUILD_DIR": str(demo.parent / "made products"),
        "UNLOCALIZED_RESOURCES_FOLDER_PATH": RESOURCES,
    }


def copied(demo: Path) -> Path:
    """Run the phase; the folder that it makes is the one that it states."""
    done = run(demo)
    assert (done.returncode, done.stderr) == (0, "")
    return demo.parent / "made products" / RESOURCES / "bundles"


def run(demo: Path) -> subprocess.CompletedProcess[str]:
    words = [str(phase()["shellPath"]), "-c", str(phase()["shellScript"])]
    return subprocess.run(words, env=environment(demo), capture_output=True, text=True, check=False)


def test_the_phase_is_the_last_one_and_states_what_it_reads_and_writes() -> None:
    assert phases("LevitDemo")[-1] == phase()
    assert phase()["inputPaths"] == ["$(SRCROOT)/tools/copy_bundles.sh", "$(SRCROOT)/bundles/index.json"]
    assert phase()["outputPaths"] == ["$(TARGET_BUILD_DIR)/$(UNLOCALIZED_RESOURCES_FOLDER_PATH)/bundles"]
    assert phase()["alwaysOutOfDate"] == "1"  # it decides by itself, by the index
    assert os.access(DEMO / "tools" / "copy_bundles.sh", os.X_OK)


def test_a_core_ml_package_keeps_its_digest(demo: Path, core_ml: Path) -> None:
    levit_mobile.deploy([core_ml], demo)
    app = copied(demo)
    assert everything(app) == everything(demo / "bundles")
    assert digest(app / "core" / "model.mlpackage") == open_bundle(core_ml).contract.artifact.sha256
    assert open_bundle(app / "core").contract == open_bundle(core_ml).contract


def test_macs_clutter_stays_behind(demo: Path, core_ml: Path) -> None:
    levit_mobile.deploy([core_ml], demo)
    before = everything(demo / "bundles")
    for name in (".DS_Store", "core/.DS_Store", "core/model.mlpackage/._Data"):
        (demo / "bundles" / name).write_bytes(b"x")
    assert everything(copied(demo)) == before


def test_without_a_bundle_the_app_gets_an_empty_folder_and_the_builder_a_warning(demo: Path, core_ml: Path) -> None:
    done = run(demo)
    assert done.returncode == 0
    assert done.stdout.startswith("warning: ")  # which Xcode lists
    assert "levit-mobile deploy BUNDLE... --to ios_demo" in done.stdout
    levit_mobile.deploy([core_ml], demo)
    assert copied(demo).joinpath("core").is_dir()
    shutil.rmtree(demo / "bundles")
    assert list(copied(demo).iterdir()) == []


def test_other_bundles_replace_the_earlier_ones(demo: Path, core_ml: Path, tmp_path: Path) -> None:
    levit_mobile.deploy([core_ml], demo)
    copied(demo)
    levit_mobile.deploy([bundle(tmp_path / "other", "executorch-fp32", made_by="1.4.1")], demo)
    assert {path.name for path in copied(demo).iterdir()} == {"index.json", "other"}


def test_the_same_bundles_are_not_copied_again(demo: Path, core_ml: Path) -> None:
    levit_mobile.deploy([core_ml], demo)
    before = {path: path.stat().st_ino for path in copied(demo).rglob("*")}
    assert {path: path.stat().st_ino for path in copied(demo).rglob("*")} == before


def test_what_an_interrupted_copy_left_is_removed(demo: Path, core_ml: Path) -> None:
    levit_mobile.deploy([core_ml], demo)
    part = demo.parent / "made products" / RESOURCES / "bundles.part" / "core"
    part.mkdir(parents=True)
    (part / "half").write_bytes(b"x")
    assert everything(copied(demo)) == everything(demo / "bundles")
    assert not part.parent.exists()


def test_a_copy_that_fails_fails_the_build_and_leaves_the_earlier_one(demo: Path, core_ml: Path) -> None:
    levit_mobile.deploy([core_ml], demo)
    before = everything(copied(demo))
    (demo / "bundles" / "index.json").write_text("{}")
    tools = demo / "without cp"
    tools.mkdir()
    (tools / "cp").write_text("#!/bin/sh\nexit 1\n")
    (tools / "cp").chmod(0o755)
    words = [str(phase()["shellPath"]), "-c", str(phase()["shellScript"])]
    env = environment(demo) | {"PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"}
    assert subprocess.run(words, env=env, check=False).returncode != 0
    assert everything(demo.parent / "made products" / RESOURCES / "bundles") == before
