"""`levit-mobile device android` as a command: what it prints, where the record goes, and its exit codes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from support.command import ask
from support.phone.phones import Phone

import levit_mobile
from levit_mobile.overview.collect import gather
from levit_mobile.timing.record import TimingRun

pytestmark = pytest.mark.usefixtures("users_adb")
SCHEMA = Path(levit_mobile.__file__).with_name("schemas") / "device.schema.json"


@pytest.fixture
def asked(with_app: Callable[..., Phone], paths: list[Path]) -> Callable[..., Any]:
    """The command on a phone whose app behaves as asked for; further words are options."""

    def run(*words: str, **behaviour: Any) -> Any:
        phone = with_app(**behaviour)
        return ask("device", "android", *map(str, paths), "--serial", phone.serial, "--rounds", "2", *words)

    return run


def test_the_record_goes_where_report_looks(asked: Callable[..., Any], paths: list[Path]) -> None:
    done = asked("--starts", "1", "--threads", "1", "--threads", "4")
    assert done.exit_code == 0, done.output
    (file,) = (paths[0].parent / "timings").iterdir()
    assert file.name == "pixel-8-20260131-120000.json"
    assert str(file) in done.stdout
    run = TimingRun.read(file)
    assert [timing.threads for timing in run.timings] == [1, 4, 1, 4]
    assert [one.run for one in gather(paths[0].parent).runs] == [run]


def test_json_is_the_record_by_its_schema(asked: Callable[..., Any], tmp_path: Path) -> None:
    done = asked("--json", "--quiet", "--out", str(tmp_path / "mine.json"))
    assert done.exit_code == 0, done.output
    printed = json.loads(done.stdout)
    Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8"))).validate(printed)
    assert printed == json.loads((tmp_path / "mine.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("behaviour", "words", "code"),
    [
        ({"broken": ["tflite-fp32"]}, (), 1),
        ({"dies_after": 1}, (), 1),
        ({"unavailable": ["tflite-fp32"]}, (), 0),
        ({"unavailable": ["tflite-fp32"]}, ("--strict",), 3),
        ({"installed": False}, (), 1),
    ],
    ids=["broken", "ended early", "not run", "not run, strict", "no app"],
)
def test_exit_codes(asked: Callable[..., Any], behaviour: dict[str, Any], words: tuple[str, ...], code: int) -> None:
    done = asked(*words, **behaviour)
    assert done.exit_code == code, done.output


@pytest.mark.parametrize(
    "words",
    [
        ("android",),
        ("windows", "."),
        ("android", "missing"),
        ("ios", "missing"),
        ("android", ".", "--accelerator", "npu"),
        ("android", ".", "--picture", "640"),
        ("android", "--plan", "plan.json", "--rounds", "7"),
        ("android", ".", "--apk", "app.zip"),
    ],
    ids=" ".join,
)
def test_wrong_usage_is_exit_code_2(words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plan.json").write_text('{"schema_version": 1, "steps": [{"bundle": "a"}]}', encoding="utf-8")
    done = ask("device", *words)
    assert done.exit_code == 2, done.output


@pytest.mark.parametrize(
    ("place", "accelerator", "fact"),
    [
        (1, "gpu", "no bundle runs on gpu: executorch artifacts run on cpu"),
        (0, "neural-engine", "--accelerator is 'neural-engine', expected cpu, gpu"),
    ],
)
def test_an_accelerator_that_nothing_has_is_refused(paths: list[Path], place: int, accelerator: str, fact: str) -> None:
    done = ask("device", "android", str(paths[place]), "--accelerator", accelerator)
    assert done.exit_code == 2
    assert fact in " ".join(done.output.replace("│", " ").split())


def test_android_has_no_neural_engine_in_a_plan_either(paths: list[Path], tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    step = {"bundle": paths[0].name, "accelerator": "neural-engine"}
    plan.write_text(json.dumps({"schema_version": 1, "steps": [step]}), encoding="utf-8")
    done = ask("device", "android", str(paths[0]), "--plan", str(plan))
    assert done.exit_code == 1
    assert "the Neural Engine, which Android does not have" in " ".join(done.output.split())
