"""What `bench` makes of a comparison with a baseline: exit codes and sentences, with times that are made up."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support.timings import run, timing
from typer.testing import CliRunner

import levit_mobile
from levit_mobile.cli import app
from levit_mobile.timing.record import Timing

NAME = "levit_128s-tflite-int8"
# The medians of five processes, whose logarithms differ by 1%: the interval of two runs reaches about 2% each way.
MEDIANS = (2.96, 2.98, 3.0, 3.02, 3.04)


def timed(name: str = NAME, by: float = 1.0) -> Timing:
    samples = tuple(by * median for median in MEDIANS for _ in range(2))
    return timing(name, samples_ms=samples, process_samples=(2,) * 5)


def called(
    monkeypatch: pytest.MonkeyPatch, folder: Path, *now: Timing, then: tuple[Timing, ...], more: Any = ()
) -> Any:
    """`bench` of a run that is given, against a baseline that is given."""
    monkeypatch.setattr(levit_mobile, "bench", lambda *_, **__: run(*now), raising=False)
    (folder / "before.json").write_text(run(*then).written())
    (folder / "model.tflite").touch()
    words = ["bench", str(folder / "model.tflite"), "--baseline", str(folder / "before.json"), *more]
    return CliRunner().invoke(app, words)


@pytest.mark.parametrize(
    ("by", "strict", "code", "said"),
    [
        (1.0, False, 0, ""),
        (1.0, True, 0, ""),
        (1.2, False, 1, f"error: {NAME} takes 1.200 (1."),
        (1.2, True, 1, f"error: {NAME} takes 1.200 (1."),
        (1.1, False, 0, f"UNDECIDED: {NAME} takes 1.100 (1.0"),
        (1.1, True, 3, f"UNDECIDED: {NAME} takes 1.100 (1.0"),
    ],
)
def test_a_slowdown_fails_and_an_undecided_one_fails_where_that_is_asked(
    by: float, strict: bool, code: int, said: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    options = ["--max-slowdown", "1.10", *(["--strict"] if strict else [])]
    done = called(monkeypatch, tmp_path, timed(by=by), then=(timed(),), more=options)
    assert done.exit_code == code, done.output
    assert said in done.stderr
    assert bool(said) == bool(done.stderr)
    assert "vs the baseline" in done.stdout


@pytest.mark.parametrize(("strict", "code"), [(False, 0), (True, 3)])
def test_what_is_gone_since_the_baseline_is_named(
    strict: bool, code: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    more = ["--strict"] if strict else []
    done = called(monkeypatch, tmp_path, timed(), then=(timed(), timed("gone")), more=more)
    assert (done.exit_code, done.stderr) == (
        code,
        "UNDECIDED: the baseline has timed gone, and this run has not\n",
    )


def test_what_the_baseline_lacks_is_one_sentence_with_its_code(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    done = called(monkeypatch, tmp_path, timed("new"), then=(timed(),), more=["--json"])
    assert done.exit_code == 1
    assert done.stderr.startswith("error: the baseline holds no times of new: ")
    assert json.loads(done.stdout)["error"]["code"] == "timing.not-timed"


def test_a_baseline_of_one_process_is_one_sentence_with_its_code(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    done = called(monkeypatch, tmp_path, timed(), then=(timing(),), more=["--json"])
    assert done.exit_code == 1
    assert "5 processes now and in 1 process in the baseline" in done.stderr
    assert json.loads(done.stdout)["error"]["code"] == "timing.one-process"
