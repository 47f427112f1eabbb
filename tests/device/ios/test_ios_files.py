"""What `device ios` copies to an iPhone, installs there, leaves, and removes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from support.phone.iphone import CORE, PHONE, PlayedIphone, plan
from support.refusals import refused
from support.small_bundles import bundle

from levit_mobile.bundle.reader import open_bundle
from levit_mobile.demo.ios.bundles import marker
from levit_mobile.demo.ios.run import bench_in_ios_app
from levit_mobile.demo.options import IosAppOptions
from levit_mobile.demo.plan import PlanStep
from levit_mobile.deployment.deploy import deploy
from levit_mobile.errors import TimingError


def test_nothing_but_what_was_copied_is_replaced_or_removed(phone: PlayedIphone, paths: list[Path]) -> None:
    photo = phone.root / "container" / "Documents" / "photo.jpg"
    photo.parent.mkdir(parents=True)
    photo.write_text("a picture of the user")
    bench_in_ios_app(paths, plan=plan(CORE))
    assert phone.left() == ["Documents/photo.jpg"]


def copies(phone: PlayedIphone) -> list[str]:
    """The places to which folders were copied."""
    to = [words for words in phone.calls() if words[1:4] == ["device", "copy", "to"]]
    return [words[words.index("--destination") + 1].removeprefix("Documents/levit/") for words in to]


def test_only_bundles_of_the_plan_are_copied_and_kept_ones_stay(phone: PlayedIphone, paths: list[Path]) -> None:
    (paths[0] / ".DS_Store").write_text("what Finder leaves")
    keep = IosAppOptions(keep=True)
    bench_in_ios_app(paths, plan=plan(CORE), app=keep)
    assert "Documents/levit/bundles/coreml-fp16/model.mlpackage/Data/model.mlmodel" in phone.left()
    assert not [path for path in phone.left() if "executorch" in path or "DS_Store" in path]
    assert copies(phone) == ["bundles/coreml-fp16", marker("coreml-fp16")]
    kept = [path for path in phone.left() if "bundles" in path]
    assert bench_in_ios_app(paths, plan=plan(CORE)).timings[0].samples_ms
    assert len(copies(phone)) == 2  # it was there already
    assert [path for path in phone.left() if "bundles" in path] == kept  # and this run has not copied it


def test_a_kept_bundle_that_has_changed_is_copied_again(phone: PlayedIphone, paths: list[Path]) -> None:
    bench_in_ios_app(paths, plan=plan(CORE), app=IosAppOptions(keep=True))
    shutil.rmtree(paths[0])
    bundle(paths[0], "coreml-fp16", content=b"other weights ")
    run = bench_in_ios_app(paths, plan=plan(CORE))
    assert len(copies(phone)) == 4
    assert run.timings[0].sha256 == open_bundle(paths[0]).contract.artifact.sha256
    assert not [path for path in phone.left() if "bundles" in path]


def test_what_the_installed_app_brings_along_is_not_copied(
    phone: PlayedIphone, paths: list[Path], tmp_path: Path
) -> None:
    app, project = tmp_path / "LevitDemo.app", tmp_path / "ios"
    (project / "LevitDemo.xcodeproj").mkdir(parents=True)
    (project / "LevitDemo.xcodeproj" / "project.pbxproj").write_text("")
    deploy([paths[0]], project)
    shutil.copytree(project / "bundles", app / "bundles")  # as Xcode does
    contract = json.loads((paths[0] / "contract.json").read_text())
    phone.behave(brings={"coreml-fp16": contract})
    run = bench_in_ios_app(paths, plan=plan(CORE, PlanStep(bundle="executorch-fp32")), app=IosAppOptions(app=app))
    assert copies(phone) == ["bundles/executorch-fp32", marker("executorch-fp32")]
    assert len(run.timings) == 2


def test_an_app_is_installed_first(phone: PlayedIphone, paths: list[Path], tmp_path: Path) -> None:
    app = tmp_path / "LevitDemo.app"
    app.mkdir()
    bench_in_ios_app(paths, plan=plan(CORE), app=IosAppOptions(app=app, identifier="com.example.demo"))
    installs = [words for words in phone.calls() if "install" in words]
    assert [words[-2:] for words in installs] == [[PHONE["identifier"], str(app)]]
    assert any("com.example.demo" in words for words in phone.calls())


def test_a_team_builds_the_app(phone: PlayedIphone, paths: list[Path], tmp_path: Path) -> None:
    project = tmp_path / "LevitDemo.xcodeproj"
    project.mkdir()
    options = IosAppOptions(team="ABCDE12345", project=project)
    program = phone.root / "bin" / "xcodebuild"
    program.write_text("#!/bin/sh\necho 'LevitDemo: error: no profile was found'\nexit 65\n")
    program.chmod(0o755)
    with refused(TimingError, "timing.option", "no profile was found"):
        bench_in_ios_app(paths, plan=plan(CORE), app=options)
    log = tmp_path / "words"
    program.write_text(
        f'#!/bin/sh\nprintf "%s\\n" "$@" > {log}\nwhile [ "$1" != -derivedDataPath ]; do shift; done\n'
        'mkdir -p "$2/Build/Products/Release-iphoneos/LevitDemo.app"\n'
    )
    run = bench_in_ios_app(paths, plan=plan(CORE), app=options)
    assert run.timings[0].samples_ms
    words = log.read_text().splitlines()
    assert {"LevitDemo Release", "DEVELOPMENT_TEAM=ABCDE12345", str(project), "-allowProvisioningUpdates"} <= set(words)
    assert any(words[-1].endswith("LevitDemo.app") or "install" in words for words in phone.calls())
