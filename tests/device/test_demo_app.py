"""`device android`: real adb, a played phone with a played app, and bundles that are pushed and named in records."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.phone.phones import Phone
from support.refusals import refused
from support.small_bundles import bundle

from levit_mobile.demo import watching
from levit_mobile.demo.android import app as demo_app
from levit_mobile.demo.android import run as demo_run
from levit_mobile.demo.android.run import bench_in_app
from levit_mobile.demo.options import AppOptions
from levit_mobile.demo.plan import PlanStep, TimingPlan
from levit_mobile.deployment.deploy import deploy
from levit_mobile.errors import DeviceError, TimingError
from levit_mobile.timing.record import TimingRun

FILES = demo_app.FILES
pytestmark = pytest.mark.usefixtures("users_adb")


@pytest.fixture
def apk(tmp_path: Path) -> Path:
    """An APK as far as the phone looks into it: its bundles."""
    return packed(tmp_path / "app-release.apk", [])


def packed(apk: Path, bundles: list[Path]) -> Path:
    assets = apk.with_suffix(".assets")
    assets.mkdir()
    if bundles:
        deploy(bundles, assets)
    with zipfile.ZipFile(apk, "w") as archive:
        for file in assets.rglob("*"):
            archive.write(file, f"assets/bundles/{file.relative_to(assets).as_posix()}")
    return apk


def run_on(phone: Phone, paths: list[Path], **options: Any) -> TimingRun:
    plan = options.pop("plan", None)
    return bench_in_app(
        paths, plan=plan, app=AppOptions(phone.serial, **options), command="levit-mobile device android"
    )


def left(phone: Phone) -> list[str]:
    """Files of the app and of ours that are still on the phone."""
    there = phone.root.here(FILES)
    return phone.files() + sorted(path.relative_to(there).as_posix() for path in there.rglob("*") if path.is_file())


def test_bundles_are_pushed_timed_and_removed(with_app: Callable[..., Phone], paths: list[Path]) -> None:
    phone = with_app(cools=True)
    seen: list[str] = []
    run = bench_in_app(
        paths, app=AppOptions(phone.serial), command="again", progress=lambda what, *_: seen.append(what)
    )
    assert [timing.name for timing in run.timings] == ["tflite-fp32-cpu1", "executorch-fp32-cpu1"]
    assert [len(timing.samples_ms) for timing in run.timings] == [50, 50]
    assert (run.incomplete, run.command, run.app.name) == (None, "again", "dev.levitmobile.demo")
    titles = list(dict.fromkeys(seen))
    assert titles[0] == "pushing the bundles"
    assert {"waiting for the device to cool", "timing tflite-fp32-cpu1", "timing executorch-fp32-cpu1"} <= set(titles)
    assert left(phone) == []
    assert phone.root.calls()[-1] == "am force-stop dev.levitmobile.demo"


def test_what_is_kept_stays_and_the_app_is_stopped(with_app: Callable[..., Phone], paths: list[Path]) -> None:
    phone = with_app()
    run_on(phone, paths[:1], keep=True)
    kept = left(phone)
    assert "bundles/index.json" in kept
    assert any(name.startswith("timings/levit-mobile-") for name in kept)
    assert not phone.root.here("app.pid").exists()


def test_an_apk_is_installed_first_and_its_own_bundles_are_not_pushed(
    with_app: Callable[..., Phone], paths: list[Path], tmp_path: Path
) -> None:
    digests = {path.name: json.loads((path / "contract.json").read_text())["artifact"]["sha256"] for path in paths}
    phone = with_app(installed=True, bundles=digests)
    run = run_on(phone, paths, apk=packed(tmp_path / "demo.apk", paths), keep=True)
    assert [timing.sha256 for timing in run.timings] == list(digests.values())
    assert not phone.root.here(f"{FILES}/bundles").exists()
    assert any(call.startswith("pm install -r -t ") for call in phone.root.calls())


def test_a_bundle_that_differs_from_the_apps_is_pushed(
    with_app: Callable[..., Phone], paths: list[Path], tmp_path: Path
) -> None:
    bundle(tmp_path / "other" / "tflite-fp32", "tflite-int8")
    phone = with_app()
    run_on(phone, paths[:1], apk=packed(tmp_path / "demo.apk", [tmp_path / "other" / "tflite-fp32"]), keep=True)
    assert phone.root.here(f"{FILES}/bundles/tflite-fp32/contract.json").exists()


def test_a_long_plan_is_a_file(
    with_app: Callable[..., Phone], paths: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo_run, "MOST_WORDS", 10)
    phone = with_app()
    assert run_on(phone, paths[:1]).incomplete is None
    started = [call for call in phone.root.calls() if "--es" in call]
    assert [
        "--es plan-file " in call and f"{FILES}/plan.json --es record levit-mobile-" in call for call in started
    ] == [True]
    assert left(phone) == []


def test_an_app_that_is_not_there_is_one_sentence(with_app: Callable[..., Phone], paths: list[Path]) -> None:
    with refused(DeviceError, "device.no-app", "not installed", "--apk"):
        run_on(with_app(installed=False), paths)


@pytest.mark.parametrize("behaviour", [{"takes": False}, {"activity": False}], ids=str)
def test_an_older_app_is_one_sentence_with_its_version(
    with_app: Callable[..., Phone], paths: list[Path], monkeypatch: pytest.MonkeyPatch, behaviour: dict[str, bool]
) -> None:
    monkeypatch.setattr(watching, "STARTING_S", -1.0)  # at the first look
    phone = with_app(**behaviour)
    with refused(DeviceError, "device.no-app", "version 0.9", "--apk"):
        run_on(phone, paths)
    assert left(phone) == []


@pytest.mark.parametrize(
    ("printed", "code", "fact"),
    [
        ("Failure [INSTALL_FAILED_UPDATE_INCOMPATIBLE: Package dev.levitmobile.demo signatures do not match previously "
         "installed version; ignoring!]\n", "device.install", "adb uninstall dev.levitmobile.demo"),
        ("Failure [INSTALL_FAILED_VERSION_DOWNGRADE: Downgrade detected: Update version code 3]\n",
         "device.install", "leave out --apk"),
        ("Failure [INSTALL_FAILED_USER_RESTRICTED: Install canceled by user]\n", "device.install", "Install via USB"),
        ("Failure [INSTALL_FAILED_INSUFFICIENT_STORAGE]\n", "device.full", "free some space"),
        ("Failure [INSTALL_PARSE_FAILED_NO_CERTIFICATES: no certificates]\n", "device.install", "not signed"),
        ("Failure [INSTALL_FAILED_DEXOPT: because of \x1b[31mred\x1b[0m]\n", "device.install", "INSTALL_FAILED_DEXOPT"),
        ("Error: something else\n", "device.install", "Error: something else"),
        ("", "device.install", "nothing was printed"),
    ],
    ids=["key", "older", "user", "full", "unsigned", "unknown", "no code", "silent"],
)  # fmt: skip
def test_a_refused_installation_is_one_sentence(
    with_app: Callable[..., Phone], paths: list[Path], apk: Path, printed: str, code: str, fact: str
) -> None:
    phone = with_app(installed=False)
    phone.reply("pm-install.txt", printed)
    with refused(DeviceError, code, fact) as caught:
        run_on(phone, paths, apk=apk)
    assert "\x1b" not in str(caught.value)
    assert left(phone) == []


def test_an_app_that_refuses_the_plan_gives_its_reason(with_app: Callable[..., Phone], paths: list[Path]) -> None:
    with refused(DeviceError, "device.failed", "the storage has no room"):
        run_on(with_app(refuses="the storage has no room"), paths)


def test_an_app_that_dies_at_once_is_an_error_with_the_log(with_app: Callable[..., Phone], paths: list[Path]) -> None:
    phone = with_app(dies_after=0)
    phone.reply("logcat.txt", "F DEBUG: signal 11 (SIGSEGV)\n")
    with refused(DeviceError, "device.crashed", "loading the artifact (tflite-fp32-cpu1)") as caught:
        run_on(phone, paths)
    assert "SIGSEGV" in caught.value.log[-1]  # type: ignore[attr-defined]
    assert left(phone) == []


def test_an_app_that_dies_later_leaves_what_it_has_measured(with_app: Callable[..., Phone], paths: list[Path]) -> None:
    run = run_on(with_app(dies_after=1), paths)
    assert run.incomplete == demo_run.DIED
    assert [len(timing.samples_ms) for timing in run.timings] == [50, 0]


def test_an_app_that_falls_silent_is_ended(
    with_app: Callable[..., Phone], paths: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "SILENCE_S", -301.0)  # at the first look: the plan lets the device cool for 300 s
    phone = with_app(silent_after=0)
    with refused(DeviceError, "device.hung", "wrote nothing for"):
        run_on(phone, paths)
    assert not phone.root.here("app.pid").exists()


def test_an_app_that_falls_silent_later_leaves_what_it_has_measured(
    with_app: Callable[..., Phone], paths: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    phone = with_app(silent_after=1)

    def listen(_what: str, done: float, _of: float) -> None:
        if done:  # the first step is measured
            monkeypatch.setattr(watching, "SILENCE_S", -301.0)  # from now on at the first look

    run = bench_in_app(paths, app=AppOptions(phone.serial), progress=listen)
    assert "wrote nothing for" in (run.incomplete or "")
    assert [len(timing.samples_ms) for timing in run.timings] == [50, 0]
    assert not phone.root.here("app.pid").exists()


def test_a_record_that_is_damaged_is_refused_by_its_schema(with_app: Callable[..., Phone], paths: list[Path]) -> None:
    with refused(TimingError, "timing.schema", "the record that the app wrote"):
        run_on(with_app(spoils="record"), paths)


def test_a_record_of_another_artifact_is_refused(with_app: Callable[..., Phone], paths: list[Path]) -> None:
    with refused(DeviceError, "device.damaged", "different artifact", "tflite-fp32-cpu1", "0" * 64):
        run_on(with_app(spoils="digest"), paths)


def test_a_bundle_that_nobody_has_is_refused_before_the_run(with_app: Callable[..., Phone], paths: list[Path]) -> None:
    phone = with_app()
    plan = TimingPlan(steps=(PlanStep(bundle="mine"), PlanStep(bundle="tflite-fp32")))
    with refused(TimingError, "timing.option", "the plan names mine", "no bundle"):
        run_on(phone, paths, plan=plan)
    assert not any("--es" in call for call in phone.root.calls())


def test_a_folder_that_adb_may_not_see_is_one_sentence(with_app: Callable[..., Phone], paths: list[Path]) -> None:
    with refused(DeviceError, "device.read-only", FILES, "unlock the phone"):
        run_on(with_app(folder=False), paths)


def test_a_cable_that_is_pulled_names_what_stays_on_the_phone(
    with_app: Callable[..., Phone], paths: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    phone = with_app(silent_after=1)
    monkeypatch.setattr(watching.time, "sleep", lambda _: None)
    looks: list[int] = []

    def listen(what: str, *_: float) -> None:
        if what.startswith("timing") and not looks:
            looks.append(1)
            phone.unplug()

    with refused(DeviceError, "device.gone", f"{FILES}/timings/levit-mobile-"):
        bench_in_app(paths, app=AppOptions(phone.serial), progress=listen)


def test_of_two_phones_one_must_be_chosen(with_app: Callable[..., Phone], paths: list[Path]) -> None:
    phones = [with_app(), with_app()]
    with refused(DeviceError, "device.several", *(phone.serial for phone in phones)):
        bench_in_app(paths)
    assert run_on(phones[1], paths[:1]).incomplete is None


def test_an_interruption_stops_the_app_and_removes_everything(
    with_app: Callable[..., Phone], paths: list[Path]
) -> None:
    phone = with_app(silent_after=1)

    def interrupt(what: str, *_: float) -> None:
        if what.startswith("timing"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bench_in_app(paths, app=AppOptions(phone.serial), progress=interrupt)
    assert not phone.root.here("app.pid").exists()
    assert left(phone) == []
