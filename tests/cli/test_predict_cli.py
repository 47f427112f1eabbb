"""`levit-mobile predict` as it is typed: options, exit codes and what goes where."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support import predictions
from support.command import ask

import levit_mobile
from levit_mobile.errors import ArtifactError
from levit_mobile.images.image_set import Skipped
from levit_mobile.prediction.predict import PredictionRun


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """`predict` gives a run with one picture and one that was skipped; its arguments are kept."""
    calls: list[dict[str, Any]] = []
    made = predictions.run(tmp_path / "bundle", skipped=(Skipped("b.jpg", "b.jpg is empty"),))

    def predict(bundle: Path, pictures: list[str], **options: Any) -> PredictionRun:
        calls.append({"bundle": bundle, "pictures": pictures, **options})
        return made

    monkeypatch.setattr(levit_mobile, "predict", predict, raising=False)
    return calls


def test_options_reach_the_function(asked: list[dict[str, Any]], tmp_path: Path, folder: Path) -> None:
    pictures = [str(folder / "b/2.jpg"), str(folder / "a")]
    arguments = ("--top", "3", "--runtime", "litert", "--skip-broken")
    assert ask("predict", str(tmp_path / "bundle"), *pictures, *arguments).exit_code == 0
    (call,) = asked
    call.pop("progress")
    assert call == {
        "bundle": tmp_path / "bundle",
        "pictures": pictures,
        "top": 3,
        "runtime": "litert",
        "skip_broken": True,
    }


def test_classes_go_to_stdout_and_skipped_images_to_stderr(
    asked: list[dict[str, Any]], tmp_path: Path, folder: Path
) -> None:
    done = ask("predict", str(tmp_path / "bundle"), str(folder))
    assert asked[0]["top"] == 5
    assert "93.75%" in done.stdout
    assert "skipped: b.jpg is empty" in done.stderr.splitlines()
    as_json = ask("predict", str(tmp_path / "bundle"), str(folder), "--json")
    assert json.loads(as_json.stdout)["pictures"][0]["classes"][0]["label"] == "7"


@pytest.mark.usefixtures("asked")
@pytest.mark.parametrize("absent", ["bundle", "picture"])
def test_a_path_that_does_not_exist_is_wrong_usage(tmp_path: Path, folder: Path, absent: str) -> None:
    bundle, picture = tmp_path / "bundle", folder / "b/2.jpg"
    paths = (tmp_path / "gone", picture) if absent == "bundle" else (bundle, tmp_path / "gone")
    done = ask("predict", *map(str, paths))
    assert done.exit_code == 2
    assert "does not exist" in " ".join(done.stderr.replace("│", " ").split())
    assert ask("predict", str(bundle)).exit_code == 2
    assert ask("predict", str(bundle), str(picture), "--top", "0").exit_code == 2


def test_a_runtime_of_another_target_is_wrong_usage(tmp_path: Path, folder: Path) -> None:
    predictions.opened(tmp_path / "bundle")
    done = ask("predict", str(tmp_path / "bundle"), str(folder), "--runtime", "mil")
    assert done.exit_code == 2
    assert "'mil'" in done.stderr


def test_a_failure_is_one_sentence_and_a_code(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: object, **__: object) -> None:
        raise ArtifactError("the process that ran the artifact died", fault="crashed")

    (tmp_path / "bundle").mkdir()
    monkeypatch.setattr(levit_mobile, "predict", failing, raising=False)
    done = ask("predict", str(tmp_path / "bundle"), str(folder), "--json")
    assert done.exit_code == 1
    assert json.loads(done.stdout)["error"]["code"] == "artifact.crashed"
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "place", ["https://anna:pa55@h.invalid/x.jpg?sig=1", "memory://x", "shards-{0..3}.tar", "*.tar"]
)
def test_urls_and_patterns_reach_the_function_as_they_are(
    asked: list[dict[str, Any]], tmp_path: Path, place: str
) -> None:
    (tmp_path / "bundle").mkdir(exist_ok=True)
    assert ask("predict", str(tmp_path / "bundle"), place).exit_code == 0
    assert [call["pictures"] for call in asked] == [[place]]
