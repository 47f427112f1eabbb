"""Can it ship: where it was proven, accuracy, size, time and the oldest system, each only as far as it is known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from support import overviews as made
from support import validations

from levit_mobile.overview.collect import FoundValidation
from levit_mobile.overview.evidence import Evidence
from levit_mobile.overview.join import Artifact
from levit_mobile.overview.shipping import shipping_line

DESK = Evidence("convert", "a", "proven", (), desk=True)
MIL = replace(DESK, verdict="proven by reference")
PHONE = Evidence("LiteRT 2.3.0 on Pixel 8", "b", "proven", ())


def artifact(*claims: Evidence, **changes: object) -> Artifact:
    empty = Artifact("0" * 64, "a", "a", "tflite", "tflite-int8", "levit_128s", None, None, (), (), claims, ())
    return replace(empty, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("claims", "words"),
    [
        ([DESK], "proven on this desk; no phone ran it"),
        ([MIL], "proven by the MIL reference; no device ran it"),
        ([MIL, DESK], "proven on this desk; no phone ran it"),
        ([MIL, PHONE], "proven on LiteRT 2.3.0 on Pixel 8"),
        ([DESK, replace(PHONE, verdict="broken", reasons=("why",))], "BROKEN: do not ship it"),
        ([replace(DESK, verdict="not run")], "not proven anywhere"),
        ([], "not proven anywhere"),
    ],
)
def test_where_it_was_proven(claims: list[Evidence], words: str) -> None:
    assert shipping_line(artifact(*claims)).startswith(words)


def test_what_is_not_known_is_said_to_be_so() -> None:
    assert shipping_line(artifact(DESK)).endswith("; accuracy not measured; not timed")


def test_accuracy_is_a_change_and_size_is_in_mb() -> None:
    told = next(one for one in validations.everything() if one.accuracy)
    assert told.accuracy is not None
    accuracy = told.accuracy.model_copy(update={"reference": 0.9, "candidate": 0.895, "pictures": 1000})
    better = told.model_copy(update={"accuracy": accuracy})
    fewer = told.model_copy(update={"accuracy": accuracy.model_copy(update={"candidate": 0.1, "pictures": 10})})
    both = tuple(FoundValidation("v.json", one) for one in (fewer, better))
    line = shipping_line(artifact(DESK, validations=both, size_bytes=8_020_000))
    assert "top-1 89.50%, -0.50 points to the trained model's (1000 images); 8.02 MB" in line


def test_the_oldest_ios_is_named() -> None:
    stated = SimpleNamespace(artifact=SimpleNamespace(minimum_ios=17))
    assert shipping_line(artifact(MIL, contract=stated)).endswith("; iOS 17 or later")


def test_a_phones_time_comes_before_this_machines(tmp_path: Path) -> None:
    lines = {one.name: shipping_line(one) for one in made.joined(made.release(tmp_path))}
    timed = [line for line in lines.values() if " ms on " in line]
    assert timed
    assert all("Pixel" in line or "iPhone" in line for line in timed if "tflite" in line)
    assert all(shipping_line(one) in made.drawn(tmp_path).replace("&#39;", "'") for one in made.joined(tmp_path))
