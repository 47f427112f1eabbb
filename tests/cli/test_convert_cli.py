"""`levit-mobile convert` around its conversions: several targets, a dry run, notes, an interruption; none is real."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from support.command import ask

import levit_mobile
from levit_mobile.cli import app
from levit_mobile.cli.options import named_targets
from levit_mobile.errors import ConversionError
from levit_mobile.pipeline.source_model import SourceModel
from levit_mobile.recipe import Recipe, Verdict
from levit_mobile.reporting.tables import dry_run

ALL = ["coreml", "executorch", "tflite"]
Convert = Callable[..., Any]


@pytest.fixture(scope="session")
def noted(small: SourceModel) -> SourceModel:
    """A source with a note on its labels."""
    return replace(small, labels_source="placeholder")


@pytest.fixture
def converting(noted: SourceModel, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The recipes that were asked for; each gives something that looks like a bundle, until `stop_at` stops it."""
    seen: list[str] = []

    def convert(_: SourceModel, recipe: Recipe, *, out: Path, **__: Any) -> Any:
        seen.append(recipe.name)
        if recipe.target == "executorch":
            raise ConversionError("the vendor failed", fault="toolchain")
        if recipe.target == "tflite":
            raise KeyboardInterrupt
        proof, contract = SimpleNamespace(verdict=Verdict.NOT_RUN), SimpleNamespace(recipe=recipe.name)
        return SimpleNamespace(path=out / f"levit_128s-{recipe.name}", proof=proof, contract=contract)

    monkeypatch.setattr(levit_mobile, "load_source", lambda *_, **__: noted, raising=False)
    monkeypatch.setattr(levit_mobile, "convert", convert, raising=False)
    return seen


# Targets


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("coreml,tflite", ["coreml", "tflite"]),
        ("tflite, coreml", ["tflite", "coreml"]),
        ("all", ALL),
        ("tflite,all", ["tflite", "coreml", "executorch"]),
        ("tflite,tflite", ["tflite"]),
        ("tflite,", ["tflite", ""]),
    ],
)
def test_targets_are_a_comma_list_without_repetition(words: str, names: list[str]) -> None:
    assert named_targets(words) == names


@pytest.mark.parametrize("command", ["convert", "recipes"])
@pytest.mark.parametrize("words", ["coreml,onnx", "tflite,", ","])
def test_an_unknown_target_in_a_list_is_wrong_usage(command: str, words: str) -> None:
    shown = ask(command, "-t", words)
    assert shown.exit_code == 2
    assert "unknown target" in shown.stderr


def test_a_minimum_ios_is_for_core_ml_in_a_list(tmp_path: Path) -> None:
    words = ("convert", "--dry-run", "-o", str(tmp_path), "--minimum-ios", "17", "-t")
    assert ask(*words, "coreml,tflite").exit_code == 0
    assert ask(*words, "executorch,tflite").exit_code == 2


@pytest.mark.parametrize(
    ("precision", "targets", "code"),
    [
        ("int8", "coreml,tflite", 0),
        ("int8", "executorch,coreml", 0),
        ("fp16", "all", 0),
        ("int8", "coreml", 2),
        ("fp16", "executorch,coreml", 2),
    ],
)
def test_an_arithmetic_is_for_those_of_a_list_that_have_it(
    tmp_path: Path, precision: str, targets: str, code: int
) -> None:
    words = ("convert", "--dry-run", "-o", str(tmp_path), "-p", precision, "--arithmetic", "fp32", "-t", targets)
    assert ask(*words).exit_code == code


# A dry run


def test_a_dry_run_lists_the_bundles_and_writes_nothing(tmp_path: Path) -> None:
    shown = ask("convert", "-t", "coreml,tflite", "-p", "int8", "--dry-run", "-o", str(tmp_path / "out"))
    assert shown.exit_code == 0
    names = ("levit_128s-coreml-int8", "levit_128s-tflite-int8")
    assert shown.stdout == "".join(f"would write {tmp_path / 'out' / name}\n" for name in names)
    assert list(tmp_path.iterdir()) == []


def test_a_dry_run_says_what_it_would_replace(tmp_path: Path) -> None:
    (tmp_path / "levit_128s-tflite-fp32").mkdir()
    words = ("convert", "-t", "tflite", "--dry-run", "-o", str(tmp_path))
    assert ask(*words).exit_code == 1
    shown = ask(*words, "--force", "--json")
    (planned,) = json.loads(shown.stdout)["planned"]
    assert planned == {"recipe": "tflite-fp32", "path": str(tmp_path / "levit_128s-tflite-fp32"), "replaces": True}


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("-c", "absent.pth"), "checkpoint.not-found"),
        (("-c", "{file}"), "checkpoint.damaged"),
        (("--variant", "levit_384"), "checkpoint.variant"),
        (("--labels", "{file}"), "labels.count"),
    ],
)
def test_a_dry_run_refuses_what_the_conversion_would(words: tuple[str, ...], code: str, tmp_path: Path) -> None:
    file = tmp_path / "file.pth"
    file.write_text("not weights\n")
    named = [word.format(file=file) for word in words]
    shown = ask("convert", "-t", "tflite", "--dry-run", "--json", "-o", str(tmp_path / "out"), *named)
    assert shown.exit_code == 1
    assert json.loads(shown.stdout)["error"]["code"] == code


def test_a_dry_run_names_a_toolchain_that_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def version(package: str) -> str:
        if package == "coremltools":
            raise dry_run.PackageNotFoundError(package)
        return "1.0"

    monkeypatch.setattr(dry_run, "version", version)
    shown = ask("convert", "-t", "all", "--dry-run", "--json", "-o", str(tmp_path))
    assert shown.exit_code == 1
    assert json.loads(shown.stdout)["error_codes"] == {"coreml-fp16": "toolchain"}
    assert "pip install 'levit-mobile[coreml]'" in shown.stderr


def test_a_dry_run_downloads_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("the weights were asked for")

    monkeypatch.setattr(levit_mobile, "load_checkpoint", refuse, raising=False)
    shown = ask("convert", "-t", "tflite", "--dry-run", "-c", "facebook/levit-128S", "-o", str(tmp_path))
    assert shown.exit_code == 0
    assert shown.stdout == "would write a bundle for tflite-fp32\n"
    assert "not on this machine" in shown.stderr


# Streams and an interruption


@pytest.mark.usefixtures("converting")
def test_notes_are_on_stderr_and_not_in_the_log(
    noted: SourceModel, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with pytest.raises(SystemExit):
        app(["convert", "-t", "executorch", "-o", str(tmp_path), "--json", "--quiet"])
    err = capfd.readouterr().err
    assert f"images: {noted.spec}; from {noted.spec.source}\n" in err
    assert [f"NOTE: {note}" for note in noted.notes] == [line for line in err.splitlines() if line.startswith("NOTE")]


def test_an_interruption_says_which_bundles_are_finished(converting: list[str], tmp_path: Path) -> None:
    shown = ask("convert", "-t", "coreml,executorch,tflite", "-o", str(tmp_path))
    assert (shown.exit_code, shown.stdout) == (130, "")
    assert converting == ["coreml-fp16", "executorch-fp32", "tflite-fp32"]
    assert shown.stderr.splitlines()[-1] == (
        f"interrupted; finished: {tmp_path / 'levit_128s-coreml-fp16'} (NOT RUN); "
        "failed: executorch-fp32: the vendor failed; not finished: tflite-fp32; no partial output was left behind"
    )


def test_an_interruption_before_any_bundle_says_what_it_always_said(converting: list[str], tmp_path: Path) -> None:
    shown = ask("convert", "-t", "tflite,coreml", "-o", str(tmp_path))
    assert converting == ["tflite-fp32"]
    assert shown.stderr.splitlines()[-1] == "interrupted; no partial output was left behind"


# Completion


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_can_be_shown_for_a_shell(shell: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shellingham.detect_shell", lambda: (shell, f"/bin/{shell}"))
    shown = ask("--show-completion")
    assert shown.exit_code == 0
    assert "COMPLETE" in shown.stdout
    assert "--install-completion" in ask("--help").stdout
