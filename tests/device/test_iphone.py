"""`device ios`: a played xcrun with a played app, bundles that are copied and named in records, and what goes wrong."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from support.command import ask
from support.phone.iphone import PHONE, PlayedIphone, played
from support.refusals import refused
from support.small_bundles import bundle

from levit_mobile.bundle.reader import open_bundle
from levit_mobile.demo import devicectl, ios_starts, watching
from levit_mobile.demo.ios_bundles import marker
from levit_mobile.demo.ios_starts import NOT_FINISHED
from levit_mobile.demo.iphone import bench_in_ios_app
from levit_mobile.demo.options import IosAppOptions
from levit_mobile.demo.plan import PlanStep, TimingPlan
from levit_mobile.deployment.deploy import deploy
from levit_mobile.errors import DeviceError, RunnerUnavailable, TimingError
from levit_mobile.overview.collect import gather
from levit_mobile.recipe import Verdict
from levit_mobile.timing.record import TimingRun


@pytest.fixture
def phone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PlayedIphone:
    """The one iPhone of a feigned Mac."""
    made = played(tmp_path / "phone", NOT_FINISHED)
    monkeypatch.setenv("PATH", f"{made.root / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(devicectl, "is_mac", lambda: True)
    monkeypatch.setattr(watching, "EVERY_S", 0.01)
    return made


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    for recipe in ("coreml-fp16", "executorch-fp32"):
        bundle(tmp_path / "build" / recipe, recipe)
    return [tmp_path / "build" / recipe for recipe in ("coreml-fp16", "executorch-fp32")]


def plan(*steps: PlanStep, rounds: int = 5, starts: int = 2) -> TimingPlan:
    return TimingPlan(steps=steps, rounds=rounds, starts=starts)


CORE, NEURAL = PlanStep(bundle="coreml-fp16"), PlanStep(bundle="coreml-fp16", accelerator="neural-engine")


def test_each_step_is_started_anew_and_the_records_are_joined(phone: PlayedIphone, paths: list[Path]) -> None:
    run = bench_in_ios_app(paths, plan=plan(CORE, NEURAL), command="again")
    assert [timing.name for timing in run.timings] == ["coreml-fp16-cpu1", "coreml-fp16-neural-engine"]
    # Five rounds are three and two; the played app answers with the number of the start.
    assert [timing.process_samples for timing in run.timings] == [(3, 2), (3, 2)]
    assert all(len(timing.samples_ms) == len(timing.end_to_end_samples_ms) == 5 for timing in run.timings)
    assert sorted(one for timing in run.timings for one in timing.load_ms) == [0, 1, 2, 3]
    assert sorted(timing.load_ms[0] for timing in run.timings) == [0, 1]
    assert (run.command, run.incomplete, run.interleaved, len(run.during)) == ("again", None, False, 3)
    assert run.cooling_s == 4 * 0.5
    assert sorted(run.versions) == ["start-0", "start-1", "start-2", "start-3"]
    assert phone.left() == []


def test_the_app_is_started_once_per_job_and_cleans_up_at_the_end(phone: PlayedIphone, paths: list[Path]) -> None:
    bench_in_ios_app(paths, plan=plan(CORE, starts=3))
    launches = [words for words in phone.calls() if "launch" in words]
    assert ["--levit-plan" in words for words in launches] == [True, True, True, False]
    assert "--levit-clean" in launches[-1]
    assert all("--terminate-existing" in words and "dev.levitmobile.demo" in words for words in launches)
    asked = [json.loads(words[words.index("--levit-plan") + 1]) for words in launches[:-1]]
    assert [one["rounds"] for one in asked] == [2, 2, 1]
    assert {one["starts"] for one in asked} == {1}


def test_every_answer_is_asked_for_in_json_before_an_apps_own_words(phone: PlayedIphone, paths: list[Path]) -> None:
    bench_in_ios_app(paths, plan=plan(CORE))
    for words in phone.calls():
        place = words.index("--json-output")
        assert all(not word.startswith("-") for word in words[:place]), words


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


DEVICES: list[tuple[list[dict[str, Any]], str, str]] = [
    ([], "device.none", "is none"),
    ([PHONE, PHONE | {"identifier": "2"}], "device.several", "--serial"),
    ([PHONE | {"connectionProperties": {"pairingState": "unpaired"}}], "device.unauthorised", "Trust"),
    ([PHONE | {"connectionProperties": {"tunnelState": "unavailable"}}], "device.offline", "not connected"),
    ([PHONE | {"deviceProperties": {"developerModeStatus": "disabled"}}], "device.unauthorised", "developer mode"),
    ([PHONE | {"deviceProperties": {"osVersionNumber": "16.4"}}], "device.state", "iOS 16.4"),
    ([PHONE | {"hardwareProperties": {"platform": "watchOS"}}], "device.none", "is none"),
    ([{}], "device.none", "is none"),
    ([PHONE | {"hardwareProperties": {"platform": "iOS", "reality": "simulated"}}], "device.none", "is none"),
]


@pytest.mark.parametrize(("devices", "code", "fact"), DEVICES)
def test_what_cannot_be_used_is_named(
    phone: PlayedIphone, paths: list[Path], devices: list[dict[str, Any]], code: str, fact: str
) -> None:
    phone.behave(devices=devices)
    with refused(DeviceError, code, fact):
        bench_in_ios_app(paths, plan=plan(CORE))


@pytest.mark.parametrize(
    "device",
    [
        {"identifier": "1"},
        {"identifier": "1", "hardwareProperties": {}, "deviceProperties": {}},
        {"hardwareProperties": {"udid": "1"}},
    ],
)
def test_a_phone_without_facts_is_tried(phone: PlayedIphone, paths: list[Path], device: dict[str, Any]) -> None:
    phone.behave(devices=[device])
    assert bench_in_ios_app(paths, plan=plan(CORE)).timings


def test_one_of_several_is_chosen_by_its_name(phone: PlayedIphone, paths: list[Path]) -> None:
    other = PHONE | {"identifier": "2", "deviceProperties": {"name": "Bob"}}
    phone.behave(devices=[PHONE, other])
    bench_in_ios_app(paths, plan=plan(CORE), app=IosAppOptions(serial="Bob"))
    assert all(words[words.index("--device") + 1] == "2" for words in phone.calls() if "--device" in words)
    with refused(DeviceError, "device.unknown-serial", "Eve", "Ada (ready), Bob (ready)"):
        bench_in_ios_app(paths, plan=plan(CORE), app=IosAppOptions(serial="Eve"))


def test_a_phone_is_chosen_by_its_udid_and_not_by_a_name_that_two_have(phone: PlayedIphone, paths: list[Path]) -> None:
    twin = PHONE | {"identifier": "2", "hardwareProperties": {"platform": "iOS", "udid": "00008130-0002"}}
    phone.behave(devices=[PHONE, twin])
    bench_in_ios_app(paths, plan=plan(CORE), app=IosAppOptions(serial="00008130-0002"))
    assert {words[words.index("--device") + 1] for words in phone.calls() if "--device" in words} == {"2"}
    with refused(DeviceError, "device.several", "called Ada", f"{PHONE['identifier']}, 2"):
        bench_in_ios_app(paths, plan=plan(CORE), app=IosAppOptions(serial="Ada"))


UNKNOWN = 'Application "dev.levitmobile.demo" is unknown to FrontBoard.'
FAILURES = [
    ("launch", "The device is locked.", "device.state", "unlock"),
    ("launch", "the device was not, or could not be, unlocked.", "device.state", "unlock"),
    ("launch", "The request was blocked.", "device.failed", "was blocked"),
    ("launch", "The application is not installed.", "device.no-app", "--team"),
    ("launch", UNKNOWN, "device.no-app", "not installed"),
    ("to", "ContainerLookupErrorDomain error 2.", "device.no-app", "not installed"),
    ("install", "A valid provisioning profile was not found.", "device.install", "provisioning"),
    ("to", "There is not enough space.", "device.failed", "not enough space"),
]


@pytest.mark.parametrize(("word", "told", "code", "fact"), FAILURES)
def test_devicectls_own_words_are_passed_on(
    phone: PlayedIphone, paths: list[Path], tmp_path: Path, word: str, told: str, code: str, fact: str
) -> None:
    phone.behave(fails=[word, told])
    app = tmp_path / "LevitDemo.app"
    app.mkdir()
    with refused(DeviceError, code, fact):
        bench_in_ios_app(paths, plan=plan(CORE), app=IosAppOptions(app=app))


def test_without_json_the_last_line_is_the_reason(phone: PlayedIphone, paths: list[Path]) -> None:
    phone.behave(fails=["launch", "no route to the phone"], writes_json=False, devices=[PHONE])
    with refused(DeviceError, "device.none", "is none"):  # the list came without its file
        bench_in_ios_app(paths, plan=plan(CORE))


def test_a_deaf_app_ends_the_wait(phone: PlayedIphone, paths: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "STARTING_S", 0.0)
    phone.behave(deaf=True)
    with refused(DeviceError, "device.no-app", "did not take the plan", "unlocked"):
        bench_in_ios_app(paths, plan=plan(CORE))
    assert phone.left() == []


def end_by(how: str, starts: list[int], phone: PlayedIphone, patch: pytest.MonkeyPatch, *, old: bool = False) -> None:
    """These starts hang, die or refuse; a silence ends the wait at the first look where one hangs."""
    phone.behave(**{how: starts}, old=old)
    patch.setattr(ios_starts, "SETTLING_S", 0.1 if old else 30.0)
    if how == "hangs":
        patch.setattr(watching, "SILENCE_S", -300.1)  # the plan lets the phone cool for 300 s
        patch.setattr(ios_starts, "LOADING_S", -0.1)


@pytest.mark.parametrize(
    ("how", "fact"), [("hangs", "wrote nothing for"), ("dies", "the process died while loading the artifact")]
)
@pytest.mark.parametrize("start", [0, 1])
def test_a_step_whose_process_ends_is_not_run_and_the_others_go_on(
    phone: PlayedIphone, paths: list[Path], monkeypatch: pytest.MonkeyPatch, how: str, fact: str, start: int
) -> None:
    end_by(how, [start], phone, monkeypatch)
    run = bench_in_ios_app(paths, plan=plan(CORE, NEURAL))
    assert run.incomplete is None
    (lost,) = [timing for timing in run.timings if timing.not_run]
    (timed,) = [timing for timing in run.timings if timing.samples_ms]
    assert fact in (lost.not_run or "")
    assert (lost.parity.verdict, timed.process_samples) == (Verdict.NOT_RUN, (3, 2))
    assert len([words for words in phone.calls() if "--levit-plan" in words]) == 3  # the lost one once
    assert phone.left() == []


@pytest.mark.parametrize(
    ("how", "fact"),
    [("hangs", "wrote nothing"), ("dies", "died while loading the artifact"), ("refuses", "the bundle is missing")],
)
@pytest.mark.parametrize("start", [0, 1])
def test_what_was_measured_is_kept_where_an_old_app_states_nothing(
    phone: PlayedIphone, paths: list[Path], monkeypatch: pytest.MonkeyPatch, how: str, fact: str, start: int
) -> None:
    end_by(how, [start], phone, monkeypatch, old=True)
    run = bench_in_ios_app(paths, plan=plan(CORE, NEURAL))
    assert [timing.process_samples for timing in run.timings] == [(3, 2)]
    assert fact in (run.incomplete or "")


def test_where_no_step_could_be_had_the_first_reason_is_the_error(
    phone: PlayedIphone, paths: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    end_by("dies", [0, 1], phone, monkeypatch, old=True)
    with refused(DeviceError, "device.crashed", "died while loading"):
        bench_in_ios_app(paths, plan=plan(CORE, NEURAL))
    assert phone.left() == []


def test_a_process_that_dies_after_its_times_loses_none(phone: PlayedIphone, paths: list[Path]) -> None:
    phone.behave(dies_late=[0])
    run = bench_in_ios_app(paths, plan=plan(CORE))
    assert run.timings[0].process_samples == (3, 2)
    assert run.incomplete == NOT_FINISHED


def test_a_user_who_cancels_ends_the_run(phone: PlayedIphone, paths: list[Path]) -> None:
    phone.behave(cancels=[1])
    run = bench_in_ios_app(paths, plan=plan(CORE, NEURAL))
    assert len(run.timings) == 1
    assert "it was cancelled on the phone" in (run.incomplete or "")
    assert len([words for words in phone.calls() if "--levit-plan" in words]) == 2


def test_a_process_without_a_number_is_believed_to_run(phone: PlayedIphone, paths: list[Path]) -> None:
    phone.behave(numbers=False)
    assert bench_in_ios_app(paths, plan=plan(CORE)).timings[0].samples_ms


def test_a_later_start_that_was_not_timed_leaves_the_samples_of_earlier_ones(
    phone: PlayedIphone, paths: list[Path]
) -> None:
    phone.behave(untimed=[1])
    (timing,) = bench_in_ios_app(paths, plan=plan(CORE, starts=3, rounds=6)).timings
    assert (timing.process_samples, timing.not_run) == ((2,), None)
    assert timing.notes[-1] == "a later start was not timed: no such unit"


def test_what_cannot_run_is_started_once_and_a_broken_one_is_broken(phone: PlayedIphone, paths: list[Path]) -> None:
    phone.behave(untimed=[0])
    (timing,) = bench_in_ios_app(paths, plan=plan(CORE)).timings
    assert (timing.samples_ms, timing.not_run) == ((), "no such unit")
    assert len([words for words in phone.calls() if "--levit-plan" in words]) == 1
    phone.behave(untimed=[1], verdict="broken")
    (timing,) = bench_in_ios_app(paths, plan=plan(CORE)).timings
    assert (timing.samples_ms, timing.parity.verdict) == ((), Verdict.BROKEN)


def test_a_record_of_a_different_artifact_is_refused(phone: PlayedIphone, paths: list[Path]) -> None:
    phone.behave(sha256="0" * 64)
    with refused(DeviceError, "device.damaged", "0" * 64):
        bench_in_ios_app(paths, plan=plan(CORE))


def test_off_a_mac_one_sentence(paths: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devicectl, "is_mac", lambda: False)
    with refused(RunnerUnavailable, "runner.platform", "macOS only", sys.platform):
        bench_in_ios_app(paths)
    done = ask("device", "ios", str(paths[0]))
    assert done.exit_code == 1
    assert "macOS only" in done.stderr


def test_a_mac_without_xcode(paths: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devicectl, "is_mac", lambda: True)
    monkeypatch.setenv("PATH", str(tmp_path))
    with refused(RunnerUnavailable, "runner.not-installed", "Xcode 15"):
        bench_in_ios_app(paths)


@pytest.mark.usefixtures("phone")
def test_progress_names_each_step_and_ends(paths: list[Path]) -> None:
    seen: list[tuple[str, float, float]] = []
    bench_in_ios_app(paths, plan=plan(CORE), progress=lambda what, done, of: seen.append((what, done, of)))
    assert {what for what, _, _ in seen} >= {"copying coreml-fp16", "timing the step", "done"}
    timed = [done / of for what, done, of in seen if what == "timing the step"]
    assert timed == sorted(timed)
    assert seen[-1] == ("done", 2, 2)


@pytest.mark.usefixtures("phone")
def test_the_command_files_the_record_where_report_looks(paths: list[Path]) -> None:
    words = [word for one in ("cpu", "neural-engine") for word in ("--accelerator", one)]
    words += [word for one in ("1", "2") for word in ("--threads", one)]
    done = ask("device", "ios", str(paths[0].parent), *words, "--rounds", "2", "--starts", "1")
    assert done.exit_code == 0, done.output
    (file,) = (paths[0].parent / "timings").iterdir()
    assert file.name.startswith("iphone16-1-")
    run = TimingRun.read(file)
    assert [timing.name for timing in run.timings] == [
        "coreml-fp16-cpu1",
        "coreml-fp16-neural-engine",
        "executorch-fp32-cpu1",
        "executorch-fp32-cpu2",
    ]
    assert [one.run for one in gather(paths[0].parent).runs] == [run]


USES = [
    (["ios", "--adb", "adb"], "--adb has no meaning for ios"),
    (["android", "--team", "A"], "--team has no meaning for android"),
    (["ios", "--accelerator", "npu"], "expected cpu, gpu, neural-engine"),
    (["watch"], "expected android, ios"),
]


@pytest.mark.parametrize(("words", "fact"), USES)
def test_wrong_use_is_named(paths: list[Path], words: list[str], fact: str) -> None:
    done = ask("device", words[0], str(paths[0]), *words[1:])
    assert done.exit_code == 2
    assert fact in " ".join(done.stderr.split())


@pytest.mark.parametrize(
    ("options", "fact"),
    [
        ({"app": Path("nothing.app")}, "not a folder"),
        ({"team": "A", "project": Path("nothing.xcodeproj")}, "not an Xcode project"),
        ({"team": "A", "app": Path("x.app")}, "both an app and a team"),
    ],
)
def test_options_that_mean_nothing_are_refused(options: dict[str, Any], fact: str) -> None:
    with refused(TimingError, "timing.option", fact):
        IosAppOptions(**options)
