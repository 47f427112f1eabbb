"""The command line: what it prints where, and with which exit code."""

from __future__ import annotations

import inspect
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer
import typer.main
from conftest import Bundles, Run
from support.command import ask

import levit_mobile
from levit_mobile.cli import app
from levit_mobile.recipe import RECIPES
from levit_mobile.system.files import digest

CHATTER = re.compile("coremltools|absl|XNNPACK delegate|WARNING|Warning|LiteRT|scikit|torchao|pytree|Running MIL")
DEFAULTS = ("coreml-fp16", "executorch-fp32", "tflite-fp32")


def log_named_in(stderr: str) -> Path:
    (line,) = [line for line in stderr.splitlines() if line.startswith("vendor output: ")]
    return Path(line.removeprefix("vendor output: "))


# Help and usage


def test_help_lists_the_commands() -> None:
    for arguments in (["--help"], ["-h"]):
        shown = ask(*arguments)
        assert shown.exit_code == 0
        assert "convert" in shown.output
        assert "doctor" in shown.output
    assert ask().exit_code == 2  # no command: the same help, as a usage error


def test_help_needs_neither_torch_nor_a_vendor() -> None:
    code = (
        "import sys; from levit_mobile.cli import app; from typer.testing import CliRunner;"
        "assert CliRunner().invoke(app, ['convert', '--help']).exit_code == 0;"
        "heavy = {'torch', 'numpy', 'coremltools', 'executorch', 'litert_torch', 'ai_edge_litert'};"
        "print(sorted(heavy & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_command_and_option_has_help() -> None:
    group = typer.main.get_command(app)
    commands = {"levit-mobile": group, **group.commands}  # type: ignore[attr-defined]
    assert [name for name, command in commands.items() if not (command.help or "").strip()] == []
    options = [(name, option) for name, command in commands.items() for option in command.params]
    assert len(options) >= 14
    assert [(name, option.name) for name, option in options if not getattr(option, "help", None)] == []


def test_every_option_is_in_the_help() -> None:
    shown = ask("convert", "--help").output
    options = typer.main.get_command(app).commands["convert"].params  # type: ignore[attr-defined]
    assert [option.opts[0] for option in options if option.opts[0] not in shown] == []


def test_version() -> None:
    shown = ask("--version")
    assert (shown.exit_code, shown.output) == (0, f"{levit_mobile.__version__}\n")


@pytest.mark.parametrize(
    ("arguments", "sentences"),
    [
        (["convert"], ["--target"]),
        (["convert", "-t", "onnx"], ["unknown target 'onnx'", "coreml, executorch, tflite"]),
        (["convert", "-t", "tflit"], ["did you mean tflite?"]),
        (["convert", "-t", "all", "-p", "int4"], ["unknown precision 'int4'", "fp32, fp16"]),
        (["convert", "-t", "tflite", "--minimum-ios", "17"], ["minimum_ios is 17, expected none for tflite"]),
        (["convert", "-t", "coreml", "--minimum-ios", "15"], ["minimum_ios is 15", "16, 17, 18"]),
        (["convert", "-t", "coreml", "--arithmetic", "fp32"], ["arithmetic is fp32, expected none for coreml"]),
        (["convert", "-t", "tflite", "--arithmetic", "fp16"], ["tflite-fp32", "use tflite-fp16"]),
        (["convert", "-t", "tflite", "--arithmetic", "half"], ["unknown arithmetic 'half'", "fp32, fp16"]),
        (["convert", "-t", "coreml", "--fast"], ["No such option", "--fast"]),
        (["explain"], ["No such command", "explain"]),
    ],
    ids=lambda value: " ".join(value) if value and value[0] in {"convert", "explain"} else "",
)
def test_wrong_usage_is_2(arguments: list[str], sentences: list[str]) -> None:
    shown = ask(*arguments)
    assert shown.exit_code == 2
    said = re.sub(r"[\s│]+", " ", shown.output)
    assert [sentence for sentence in sentences if sentence not in said] == []
    assert "Traceback" not in said


def test_all_with_minimum_ios_is_for_core_ml_alone(tmp_path: Path) -> None:
    shown = ask("convert", "-t", "all", "--minimum-ios", "17", "-c", str(tmp_path / "absent.pth"))
    assert shown.exit_code == 1  # past the recipes: only the checkpoint is missing


# Known failures


@pytest.mark.parametrize("extra", [[], ["--json"]], ids=["table", "json"])
def test_a_missing_checkpoint_is_one_sentence(levit_mobile: Run, tmp_path: Path, extra: list[str]) -> None:
    out = tmp_path / "out"
    done = levit_mobile("convert", "-t", "tflite", "-c", tmp_path / "absent.pth", "--out", out, "--quiet", *extra)
    assert done.returncode == 1
    if extra:
        said = json.loads(done.stdout)["error"]
        assert said["code"].partition(".")[0] == "checkpoint"
        assert f"error: {said['message']}" in done.stderr
    else:
        assert done.stdout == ""
    errors = done.stderr.splitlines()
    assert len(errors) == 1
    assert errors[0].startswith("error: ")
    assert "absent.pth" in errors[0]
    assert not out.exists()


def test_labels_and_pictures_that_do_not_fit_are_1(random_checkpoint: Path, tmp_path: Path) -> None:
    labels = tmp_path / "labels.txt"
    labels.write_text("one\n")
    for option, value in (("--labels", labels), ("--images", tmp_path), ("--variant", "levit_384")):
        out = tmp_path / "out"
        shown = ask("convert", "-t", "tflite", "-c", str(random_checkpoint), option, str(value), "-o", str(out))
        assert shown.exit_code == 1
        assert re.search(r"^error: .+$", shown.stderr, re.MULTILINE)
        assert "Traceback" not in shown.output
        assert not out.exists()


# Real conversions


@pytest.fixture(scope="module")
def converted(
    levit_mobile: Run, shallow_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory
) -> subprocess.CompletedProcess[str]:
    """A checkpoint for all three targets, chatter and JSON together, in a process of its own."""
    words = ("convert", "-t", "all", "-c", shallow_checkpoint, "--json", "--verbose")
    return levit_mobile(*words, "--out", tmp_path_factory.mktemp("cli"), shallow=True)


def test_stdout_is_json_alone_even_when_vendors_talk(converted: subprocess.CompletedProcess[str]) -> None:
    assert converted.returncode == 0
    printed = json.loads(converted.stdout)
    assert printed.keys() == {"schema_version", "bundles", "errors", "error_codes"}
    assert printed["errors"] == {}
    assert tuple(bundle["contract"]["recipe"] for bundle in printed["bundles"]) == DEFAULTS
    assert CHATTER.search(converted.stderr)
    assert "vendor output:" not in converted.stderr


@pytest.mark.parametrize("index", range(3), ids=DEFAULTS)
def test_another_process_makes_the_same_bytes(
    converted: subprocess.CompletedProcess[str], shallow_bundles: Bundles, index: int
) -> None:
    there, here = json.loads(converted.stdout)["bundles"][index], shallow_bundles(DEFAULTS[index])
    assert there["contract"]["artifact"] == here.contract.artifact.model_dump()
    assert digest(Path(there["path"])) == digest(here.path)  # contract, proof, labels and golden vectors too


def test_a_quiet_run_is_a_table_and_a_log(levit_mobile: Run, shallow_checkpoint: Path, tmp_path: Path) -> None:
    """In a process in which the toolchain talks while it is imported."""
    words = ("convert", "-t", "coreml", "-c", shallow_checkpoint, "-o", tmp_path)
    done = levit_mobile(*words, env={"COLUMNS": "80"}, fresh=True, shallow=True)
    assert done.returncode == 0
    assert not CHATTER.search(done.stdout + done.stderr)
    for word in ("coreml", "fp16", "MB", "partitions", "decided on device", "verdict", "levit_128s-coreml-fp16"):
        assert word in done.stdout
    if sys.platform != "darwin":
        assert "PROVEN BY REFERENCE" in done.stdout
        assert "coreml-fp16: PROVEN BY REFERENCE: the MIL reference executed the artifact" in done.stderr
    assert "Running MIL" in log_named_in(done.stderr).read_text()


def test_missing_toolchains_do_not_stop_the_others(levit_mobile: Run, shallow_checkpoint: Path, tmp_path: Path) -> None:
    hidden, out = tmp_path / "hidden", tmp_path / "out"
    hide(["coremltools", "litert_torch"], hidden)
    path = os.pathsep.join([str(hidden), os.environ.get("PYTHONPATH", "")])
    done = levit_mobile(
        "convert",
        "-t",
        "all",
        "-c",
        shallow_checkpoint,
        "-o",
        out,
        env={"PYTHONPATH": path, "COLUMNS": "80"},
        shallow=True,
    )
    assert done.returncode == 1
    assert [folder.name for folder in out.iterdir()] == ["levit_128s-executorch-fp32"]
    first, second = (line for line in done.stderr.splitlines() if line.startswith("error: "))
    assert first.startswith("error: coreml-fp16: coremltools is not installed")
    assert first.endswith("pip install 'levit-mobile[coreml]'")
    assert second.startswith("error: tflite-fp32: litert-torch is not installed")
    assert second.endswith("pip install 'levit-mobile[tflite]'")
    assert done.stdout.count("PROVEN") == 1
    assert not CHATTER.search(done.stdout + done.stderr.replace(first, "").replace(second, ""))


def hide(packages: list[str], folder: Path) -> None:
    """Stand-ins, to come first on PYTHONPATH, that fail as packages that are not there."""
    folder.mkdir()
    for package in packages:
        (folder / f"{package}.py").write_text(f"raise ModuleNotFoundError({package!r})")


@pytest.mark.slow
def test_the_documented_call_works(random_checkpoint: Path, tmp_path: Path) -> None:
    code = (
        "import sys, levit_mobile; bundle = levit_mobile.convert(sys.argv[1], 'coreml-fp16', out=sys.argv[2]);"
        "print(bundle.path); print(bundle.proof.verdict)"
    )
    arguments = [sys.executable, "-c", code, str(random_checkpoint), str(tmp_path / "out")]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True)
    path, verdict = done.stdout.splitlines()[-2:]
    assert Path(path) == tmp_path / "out" / "levit_128s-coreml-fp16"
    assert (Path(path) / "contract.json").is_file()
    assert verdict == ("proven" if sys.platform == "darwin" else "proven by reference")


def test_every_recipe_can_be_named() -> None:
    for name in RECIPES:
        target, _, precision = name.partition("-")
        shown = ask("convert", "-t", target, "-p", precision, "-c", "/absent/levit.pth")
        assert shown.exit_code == 1  # not 2: the recipe exists, the checkpoint does not


# Defaults stand twice, so that --help imports nothing heavy


@pytest.mark.parametrize(("command", "names"), [("convert", ["seed"]), ("plan", ["seed", "search_count", "max_kl"])])
def test_a_commands_defaults_are_its_functions(command: str, names: list[str]) -> None:
    parameters = {p.name: p for p in typer.main.get_command(app).commands[command].params}  # type: ignore[attr-defined]
    called = inspect.signature(getattr(levit_mobile, command)).parameters
    assert {name: parameters[name].default for name in names} == {name: called[name].default for name in names}


def test_costs_defaults_are_its_functions() -> None:
    parameters = {p.name: p for p in typer.main.get_command(app).commands["cost"].params}  # type: ignore[attr-defined]
    called = inspect.signature(levit_mobile.cost).parameters
    assert tuple(parameters["cpu"].default.split(",")) == called["cpus"].default
    assert float(parameters["max_growth"].default.removesuffix("%")) / 100 == called["max_growth"].default
