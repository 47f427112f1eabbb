"""What `predict` prints: a table with names as they are, JSON that any reader takes, and one line per note."""

from __future__ import annotations

import io
import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console
from support import predictions
from support import validations as made

from levit_mobile.images.image_set import Skipped
from levit_mobile.prediction.predict import ClassifiedPicture, ClassScore, PredictionRun
from levit_mobile.reporting.tables.predict import lines, prediction_table, predictions_json


def drawn(run: PredictionRun, width: int = 80) -> str:
    out = io.StringIO()
    Console(file=out, width=width).print(prediction_table(run))
    return out.getvalue()


def test_the_table_names_bundle_runtime_and_every_class(tmp_path: Path) -> None:
    text = drawn(predictions.run(tmp_path / "digits", names=("a.jpg", "b.jpg")))
    assert "digits by LiteRT 2.3.0" in text
    cells = [[cell.strip() for cell in line.strip("│").split("│")] for line in text.splitlines() if line[0] == "│"]
    assert cells == [["a.jpg", "7", "7", "93.75%"], ["", "1", "1", "4.00%"], ["b.jpg", "7", "7", "93.75%"],
                     ["", "1", "1", "4.00%"]]  # fmt: skip


def test_a_head_without_probabilities_shows_its_outputs(tmp_path: Path) -> None:
    text = drawn(predictions.run(tmp_path / "digits", head="none"))
    assert "probability" not in text
    assert "output" in text
    assert "4.25" in text


def test_the_mil_reference_is_named(tmp_path: Path) -> None:
    run = replace(predictions.run(tmp_path / "digits"), runtime=made.MIL)
    assert "MIL reference" in drawn(run)
    assert any("no device ran" in line for line in lines(run))
    assert json.loads(predictions_json(run))["runtime"]["real"] is False


HOSTILE = f"a\n::error::b\r{made.HOSTILE}\u2028.jpg"


@pytest.mark.parametrize("width", [40, 80, 200])
def test_names_and_labels_obey_no_terminal_and_start_no_line(tmp_path: Path, width: int) -> None:
    skipped = (Skipped(HOSTILE, f"{HOSTILE} is empty"),)
    run = predictions.run(tmp_path / "digits", names=(HOSTILE,), skipped=skipped)
    classes = (ClassScore(0, HOSTILE, 1.0, 0.5),)
    run = replace(run, pictures=(ClassifiedPicture(HOSTILE, classes),))
    printed = [drawn(run, width), *lines(run)]
    assert not any(character in text for text in printed for character in "\x00\x07\x1b\r\u2028")
    assert not any(line.startswith("::") for text in printed for line in text.splitlines())
    assert all(len(line.splitlines()) == 1 for line in lines(run))
    assert "[bold]" in drawn(run, 400)
    json.loads(predictions_json(run)).keys()


def test_the_json_holds_all_scores(tmp_path: Path) -> None:
    run = predictions.run(tmp_path / "digits", skipped=(Skipped("b.jpg", "b.jpg is empty"),))
    found = json.loads(predictions_json(run), parse_constant=lambda name: pytest.fail(name))
    assert found["bundle"] == str(tmp_path / "digits")
    assert (found["variant"], found["recipe"], found["head"]) == ("levit_128s", "tflite-fp32", "softmax")
    assert found["artifact_sha256"] == run.bundle.contract.artifact.sha256
    assert found["pictures"] == [
        {
            "picture": "a.jpg",
            "classes": [
                {"index": 7, "label": "7", "logit": 4.25, "probability": 0.9375},
                {"index": 1, "label": "1", "logit": -0.5, "probability": 0.04},
            ],
        }
    ]
    assert found["skipped"] == [{"picture": "b.jpg", "reason": "b.jpg is empty"}]


def test_numbers_that_are_none_stay_out_of_the_json(tmp_path: Path) -> None:
    run = predictions.run(tmp_path / "digits")
    broken = (ClassifiedPicture("a.jpg", (ClassScore(0, "0", math.nan, math.inf),)),)
    text = predictions_json(replace(run, pictures=broken))
    json.loads(text, parse_constant=lambda name: pytest.fail(name))
