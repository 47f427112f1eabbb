"""`levit-mobile validate` as a user's CI calls it: exit codes, files, and what stands on which stream."""

from __future__ import annotations

import json
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from conftest import Bundles, Run
from support.command import ask
from typer.testing import CliRunner

from levit_mobile.cli import app

THREE = ("coreml-fp16", "executorch-fp32", "tflite-fp32")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("reports")


@pytest.fixture(scope="module")
def done(levit_mobile: Run, bundles: Bundles, files: Path) -> subprocess.CompletedProcess[str]:
    """One call as in the README: all three targets, every output."""
    return levit_mobile(
        "validate",
        *(bundles(name).path for name in THREE),
        *("--count", "40", "--strict", "--json", "--github"),
        *("--junit", files / "sub" / "parity.xml", "--html", files / "parity.html"),
        env={"GITHUB_STEP_SUMMARY": str(files / "summary.md"), "COLUMNS": "80"},
    )


def usage_error(*arguments: str) -> str:
    """What a call that is wrong in itself is told; it exits 2 before any bundle is looked at."""
    shown = CliRunner().invoke(app, ["validate", "/absent", *arguments])
    assert shown.exit_code == 2
    assert "does not exist" not in shown.output
    return unboxed(shown.output)


def unboxed(output: str) -> str:
    """Words without the frame that typer draws around them."""
    return " ".join(output.replace("│", " ").split())


# Proven


def test_all_three_are_proven(done: subprocess.CompletedProcess[str]) -> None:
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    overall = "proven" if sys.platform == "darwin" else "proven by reference"  # of the worst, Core ML
    assert (found["schema_version"], found["verdict"]) == (1, overall)
    assert [one["recipe"] for one in found["validations"]][-2:] == list(THREE[1:])
    for one in found["validations"]:
        proven = "proven" if one["runtime"]["real"] else "proven by reference"
        assert (one["verdict"], one["report"]["images"]) == (proven, 40)
        assert one["accuracy"]["candidate"] > 0.8


def test_core_ml_is_proven_here_without_a_mac(done: subprocess.CompletedProcess[str]) -> None:
    first = json.loads(done.stdout)["validations"][0]
    assert first["recipe"] == "coreml-fp16"
    if sys.platform != "darwin":
        assert first["runtime"]["name"] == "mil"
        assert "MIL reference" in done.stderr


def test_junit_has_a_suite_a_validation(done: subprocess.CompletedProcess[str], files: Path) -> None:
    suites = list(ET.parse(files / "sub" / "parity.xml").getroot().iter("testsuite"))
    assert len(suites) == len(json.loads(done.stdout)["validations"])
    assert all(suite.get("failures") == "0" and int(suite.get("tests", "0")) >= 2 for suite in suites)


def test_the_page_shows_the_pictures(done: subprocess.CompletedProcess[str], files: Path) -> None:
    page = (files / "parity.html").read_text(encoding="utf-8")
    for one in json.loads(done.stdout)["validations"]:
        assert one["bundle"] in page
        assert one["worst"][0]["name"] in page
    assert "data:image/png;base64," in page
    assert "<script" not in page


def test_github_gets_a_notice_each_and_a_summary(done: subprocess.CompletedProcess[str], files: Path) -> None:
    notices = [line for line in done.stderr.splitlines() if line.startswith("::notice ")]
    assert len(notices) == len(json.loads(done.stdout)["validations"])
    summary = (files / "summary.md").read_text(encoding="utf-8")
    assert all(name in summary for name in ("coreml", "executorch", "tflite"))


# Broken, not run, misused


@pytest.mark.usefixtures("in_this_process")
def test_a_broken_bound_exits_1_and_says_why(bundles: Bundles) -> None:
    done = ask("validate", str(bundles("tflite-fp32").path), "-n", "8", "--min-sqnr-db", "190", "--github")
    assert done.exit_code == 1
    assert "BROKEN" in done.stdout
    assert sum("expected at least 190 dB" in line for line in done.stderr.splitlines()) >= 1
    assert "::error " in done.stderr
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.skipif("sys.platform == 'darwin'", reason="NOT RUN: what a machine without Core ML does")
@pytest.mark.usefixtures("in_this_process")
@pytest.mark.parametrize(("strict", "code"), [((), 0), (("--strict",), 3)])
def test_not_run_is_an_exit_code_of_its_own(bundles: Bundles, strict: tuple[str, ...], code: int) -> None:
    done = ask("validate", str(bundles("coreml-fp16").path), "--runtime", "coreml", "-n", "8", *strict)
    assert done.exit_code == code
    assert "NOT RUN" in done.stdout
    assert "Core ML runs on macOS only" in done.stderr


@pytest.mark.usefixtures("in_this_process")
def test_one_bad_bundle_does_not_stop_the_others(bundles: Bundles, tmp_path: Path) -> None:
    (tmp_path / "contract.json").write_text("{}")
    done = ask("validate", str(tmp_path), str(bundles("tflite-fp32").path), "-n", "8", "--json")
    assert done.exit_code == 1
    first, second = json.loads(done.stdout)["validations"]
    assert (first["verdict"], second["verdict"]) == ("broken", "proven")
    assert "contract.json" in first["reasons"][0]
    assert json.loads(done.stdout)["verdict"] == "broken"


@pytest.mark.usefixtures("in_this_process")
def test_a_file_that_cannot_be_written_is_one_sentence(bundles: Bundles, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    page = str(tmp_path / "file" / "page.html")
    done = ask("validate", str(bundles("tflite-fp32").path), "-n", "8", "--html", page)
    assert done.exit_code == 1
    assert [line for line in done.stderr.splitlines() if "could not be written" in line]
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--min-top1-agreement", "1.5"),
        ("--min-sqnr-db", "nan"),
        ("--max-kl", "-1"),
        ("--count", "0"),
        ("--min-cosine", "2"),
    ],
)
def test_usage_errors_exit_2(option: str, value: str) -> None:
    told = usage_error(option, value)
    assert option in told or f"{option[2:].replace('-', '_')} is {float(value)}, expected -1 to 1" in told


def test_an_unknown_runtime_is_answered_with_the_known() -> None:
    told = usage_error("--runtime", "onnx")
    assert "runtime 'onnx'" in told
    assert "coreml, mil, mil-float32, executorch," in told


def test_no_bundle_is_a_usage_error() -> None:
    assert CliRunner().invoke(app, ["validate"]).exit_code == 2


def test_what_has_nothing_to_be_held_against_is_not_run_and_no_success(bundles: Bundles) -> None:
    shown = CliRunner().invoke(app, ["validate", str(bundles("tflite-fp32").path), "-r", "/absent/levit.pth"])
    assert shown.exit_code == 1
    assert "NOT RUN" in shown.output
    assert "'/absent/levit.pth' does not exist" in shown.output
    assert "BROKEN" not in shown.output


def test_options_that_do_not_fit_a_bundle_exit_2(bundles: Bundles) -> None:
    path = str(bundles("tflite-fp32").path)
    for options, words in (
        (("--runtime", "mil"), "does not run tflite artifacts"),
        (("--truth", "folders"), "name them with --images"),
        (("--drill", "--reference", "golden"), "expected the bundle's own checkpoint"),
    ):
        shown = CliRunner().invoke(app, ["validate", path, *options])
        assert shown.exit_code == 2, shown.output
        assert words in unboxed(shown.output)
