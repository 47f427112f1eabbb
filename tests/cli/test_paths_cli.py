"""Commands that take bundles: a folder means those below it, and what is not a bundle is passed over and said."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from support.command import ask
from support.overviews import timing
from support.small_bundles import bundle
from support.timings import run

import levit_mobile
from levit_mobile.arm64.count import CostRun
from levit_mobile.errors import BundleError

OF_BUNDLES = ("validate", "inspect", "bench", "cost")


@pytest.fixture
def build(tmp_path: Path) -> Path:
    """Two bundles beside the files that the commands themselves write there."""
    bundle(tmp_path / "build" / "a", "executorch-fp32")
    bundle(tmp_path / "build" / "b", "tflite-fp32")
    assert ask("report", str(tmp_path / "build")).exit_code == 0
    (tmp_path / "build" / "bench.json").write_text(run(timing()).written())
    return tmp_path / "build"


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The paths that the public function behind a command was called with."""
    seen: list[Path] = []

    def many(result: Any) -> Any:
        def called(paths: Sequence[Path], *, against: Sequence[Path], **_: Any) -> Any:
            seen.extend([*paths, *against])
            return result

        return called

    def one(path: Path) -> Any:
        seen.append(path)
        raise BundleError("stop here", fault="missing")

    monkeypatch.setattr(levit_mobile, "bench", many(run(timing())), raising=False)
    monkeypatch.setattr(levit_mobile, "cost", many(CostRun(())), raising=False)
    monkeypatch.setattr(levit_mobile, "inspect", one, raising=False)
    monkeypatch.setattr(levit_mobile, "open_bundle", one, raising=False)
    return seen


def wildcard(build: Path) -> list[str]:
    """What a shell makes of build/*."""
    return sorted(str(path) for path in build.iterdir())


@pytest.mark.parametrize("command", OF_BUNDLES)
def test_a_folder_means_its_bundles_after_a_report_too(command: str, build: Path, taken: list[Path]) -> None:
    for arguments in ([str(build)], wildcard(build)):
        taken.clear()
        shown = ask(command, *arguments)
        assert taken == [build / "a", build / "b"], shown.output
        (said,) = [line for line in shown.stderr.splitlines() if line.startswith("passed over")]
        assert said == f"passed over, not a bundle: {build / 'bench.json'}, {build / 'report.html'}"


@pytest.mark.parametrize("command", ["bench", "cost"])
def test_a_folder_to_compare_with_means_its_bundles(command: str, build: Path, taken: list[Path]) -> None:
    ask(command, str(build / "a"), "--against", str(build))
    assert taken == [build / "a", build / "a", build / "b"]


@pytest.mark.parametrize("command", [*OF_BUNDLES, "report"])
@pytest.mark.parametrize("name", ["absent", "build/*", "link", "build/report.html/x"])
def test_a_path_that_does_not_exist_is_a_usage_error(command: str, name: str, build: Path, taken: list[Path]) -> None:
    (build.parent / "link").symlink_to(build.parent / "nowhere")
    paths = [build.parent / name] if command == "report" else [build / "a", build.parent / name]
    shown = ask(command, *map(str, paths))
    assert (shown.exit_code, shown.stdout, taken) == (2, "", [])
    assert ("link to nothing" if name == "link" else "not exist") in " ".join(shown.stderr.replace("│", " ").split())


@pytest.mark.parametrize("command", ["bench", "cost"])
def test_a_baseline_to_compare_with_that_does_not_exist_is_a_usage_error(
    command: str, build: Path, taken: list[Path]
) -> None:
    assert ask(command, str(build), "--against", str(build / "absent")).exit_code == 2
    assert taken == []


@pytest.mark.parametrize("command", [*OF_BUNDLES, "report"])
def test_a_folder_without_bundles_is_one_sentence_and_no_success(command: str, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    shown = ask(command, str(tmp_path), "--json")
    assert shown.exit_code == 1
    assert json.loads(shown.stdout)["error"]["code"] == "bundle.missing"
    assert shown.stderr.startswith("error: ")
    assert len(shown.stderr.splitlines()) == 1


def test_files_alone_are_refused_by_name(build: Path) -> None:
    shown = ask("inspect", str(build / "report.html"))
    assert shown.exit_code == 1
    assert f"error: {build / 'report.html'} is not an artifact" in shown.stderr
    assert ask("validate", str(build / "report.html")).exit_code == 1


@pytest.mark.usefixtures("taken")
def test_many_files_are_counted(build: Path) -> None:
    for number in range(20):
        (build / f"log-{number:02}.txt").write_text("")
    said = ask("validate", str(build)).stderr
    assert f"{build / 'log-02.txt'}, {build / 'log-03.txt'} and 17 more\n" in said
    assert "log-10" not in said


def test_a_difference_takes_two_bundles_of_one_folder(build: Path, taken: list[Path]) -> None:
    ask("inspect", "--diff", str(build))
    assert taken == [build / "a", build / "b"]
    shown = ask("inspect", "--diff", str(build / "a"))
    assert shown.exit_code == 2


def test_an_interrupted_validation_says_which_bundles_are_done(
    build: Path, taken: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def opened(path: Path) -> Any:
        taken.append(path)
        raise KeyboardInterrupt if path.name == "b" else BundleError("it is damaged", fault="digest")

    monkeypatch.setattr(levit_mobile, "open_bundle", opened, raising=False)
    shown = ask("validate", str(build))
    assert (shown.exit_code, shown.stdout, taken) == (130, "", [build / "a", build / "b"])
    said = shown.stderr.splitlines()[-1]
    assert said == "interrupted; finished: a (BROKEN); no partial output was left behind"


def test_core_ml_in_a_folder_does_not_stop_the_others_from_being_counted(build: Path, taken: list[Path]) -> None:
    bundle(build / "c", "coreml-fp16")
    shown = ask("cost", str(build))
    assert taken == [build / "a", build / "b"]
    assert f"passed over: {build / 'c'}: Core ML exists on Apple's systems only" in shown.stderr
    taken.clear()
    ask("cost", str(build / "c"))
    assert taken == [build / "c"]


def test_a_damaged_bundle_that_is_called_a_dot_has_its_folders_name(
    build: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (build / "b" / "labels.txt").unlink()
    monkeypatch.chdir(build / "b")
    shown = ask("validate", ".", "--json")
    assert shown.exit_code == 1
    assert [one["bundle"] for one in json.loads(shown.stdout)["validations"]] == ["b"]


def test_loose_artifacts_in_a_folder_are_to_be_named_one_by_one(tmp_path: Path) -> None:
    (tmp_path / "vendor.tflite").write_bytes(b"\x1c\0\0\0TFL3" + bytes(30))
    assert "name artifacts outside of bundles one by one" in ask("inspect", str(tmp_path)).stderr


def test_a_damaged_bundle_does_not_stop_the_timing_of_the_others(build: Path, taken: list[Path]) -> None:
    (build / "b" / "labels.txt").write_text("one\n")
    done = ask("bench", str(build))
    assert done.exit_code == 1
    assert taken == [build / "a"]
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert line.startswith(f"error: {build / 'b'} is not timed: ")
    assert "labels.txt" in line


def test_where_every_bundle_is_damaged_nothing_is_timed(build: Path, taken: list[Path]) -> None:
    for name in "ab":
        (build / name / "labels.txt").write_text("one\n")
    done = ask("bench", str(build))
    assert done.exit_code == 1
    assert taken == []
