"""Artifacts of others on a device: given in every way in which they may take pictures, and read by their own scales."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from support.device_lines import FEW, draw_golden, event, expected, moment, process, read
from support.small_bundles import CLASSES, SIDE, bundle

from levit_mobile.device.planned import PlannedRun
from levit_mobile.device.planning import OPEN, Given, Prepared, prepared
from levit_mobile.device.reading import timing_run
from levit_mobile.images.preprocessing import to_planar
from levit_mobile.interfaces.inspection import Port
from levit_mobile.timing import jobs
from levit_mobile.timing.record import Timing

NHWC, NCHW = (1, SIDE, SIDE, 3), (1, 3, SIDE, SIDE)
LOGITS = Port("logits", "float32", (1, CLASSES))
Make = Callable[..., Prepared]
Output = NDArray[np.generic]


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """A bundle and a vendor's artifact beside it, which states this input and these outputs."""

    def make(source: Port, *results: Port) -> Prepared:
        bundle(tmp_path / "ours", "tflite-fp32")
        draw_golden(monkeypatch)
        (tmp_path / "vendor.tflite").write_bytes(b"\x1c\x00\x00\x00TFL3" + bytes(64))
        stated = SimpleNamespace(inputs=(source,), outputs=results)
        monkeypatch.setattr(jobs, "surveyor", lambda _: lambda _: stated)
        found = prepared([tmp_path / "ours"], [tmp_path / "vendor.tflite"], FEW, Given(), command="", local=False)
        assert PlannedRun.model_validate_json(found.planned.model_dump_json()) == found.planned
        return found

    return make


@pytest.fixture
def planar(monkeypatch: pytest.MonkeyPatch) -> NDArray[np.float32]:
    """The golden picture [3,H,W] in [0,1]."""
    with monkeypatch.context() as inner:
        return to_planar(draw_golden(inner))


def given(made: Prepared, number: int, dtype: Any, shape: tuple[int, ...]) -> NDArray[Any]:
    return np.frombuffer(bytes(made.files[f"a1-{number}.bin"]), dtype).reshape(shape)  # type: ignore[arg-type]


def judged(made: Prepared, *answers: tuple[Output, ...]) -> Timing:
    """The vendor's timing, where it gives these outputs for its inputs in turn."""
    ours, vendor = made.planned.artifacts
    alone = made.planned.model_copy(update={"artifacts": (ours,)})

    def lines() -> Iterator[str]:
        yield from moment("before")
        yield from process(alone, 0)
        ports = [{"shape": list(one.shape), "dtype": str(one.dtype)} for one in answers[0]]
        yield event("loaded", vendor.key, 0, load_ms=1.0, outputs=ports, emulated=False)
        for place, outputs in enumerate(answers):
            for number, values in enumerate(outputs):
                text = base64.b64encode(values.tobytes()).decode()
                yield event("answer", vendor.key, 0, picture=place, output=number, values=text)
        yield event("sample", vendor.key, 0, what="inference", ms=1.5)
        yield from moment("after")

    return timing_run(made.planned, read(lines())).timings[1]


def test_pixels_are_given_in_each_range_and_the_right_one_is_found(made: Make, planar: NDArray[np.float32]) -> None:
    run = made(Port("image", "float32", NHWC), LOGITS)
    vendor = run.planned.artifacts[1]
    names = [f"{name} as NHWC" for name in ("pixels in [0,1]", "pixels in [-1,1]", "pixels in [0,255]")]
    assert [way.name for way in vendor.ways] == [*names, "normalised pixels as NHWC"]
    assert [way.inputs for way in vendor.ways] == [1] * 4
    words = run.steps[1].words
    assert [words[at + 1] for at, word in enumerate(words) if word == "--input"] == [
        f"@/a1-{number}.bin" for number in range(4)
    ]
    assert "--picture" not in words
    laid_out = planar.transpose(1, 2, 0)[None]
    assert np.array_equal(given(run, 0, "f4", NHWC), laid_out)
    assert np.allclose(given(run, 1, "f4", NHWC), laid_out * 2 - 1, atol=1e-6)
    assert np.allclose(given(run, 2, "f4", NHWC), laid_out * 255, atol=1e-4)
    right = expected(run.planned, run.planned.artifacts[0])
    timing = judged(run, (-right,), (-right,), (right,), (-right,))
    assert timing.parity.verdict == "proven"
    assert str(timing.parity.against).endswith("given pixels in [0,255] as NHWC")
    assert judged(run, *[(right[:, ::-1].copy(),)] * 4).parity.verdict == "not run"


def test_integers_are_given_and_read_by_their_scales(made: Make, planar: NDArray[np.float32]) -> None:
    scale = 0.02
    logits = Port("logits", "int8", (1, CLASSES), scale=scale, zero_point=3)
    run = made(Port("image", "int8", NCHW, scale=1 / 255, zero_point=-128), logits)
    assert run.planned.artifacts[1].ways[0].name == "pixels in [0,1] as NCHW"
    assert np.array_equal(given(run, 0, "i1", NCHW)[0], np.rint(planar * 255) - 128)
    right = expected(run.planned, run.planned.artifacts[0])
    stored = (np.rint(right / np.float32(scale)) + 3).astype(np.int8)
    timing = judged(run, *[(stored,)] * len(run.planned.artifacts[1].ways))
    assert timing.parity.verdict == "proven"
    assert timing.parity.max_abs_error is not None
    assert 0 < timing.parity.max_abs_error <= scale


def test_each_of_several_outputs_may_be_the_logits(made: Make) -> None:
    run = made(Port("image", "float32", NHWC), Port("boxes", "float32", (1, 4)), LOGITS)
    right = expected(run.planned, run.planned.artifacts[0])
    both = np.ones((1, 4), np.float32), right
    assert judged(run, *[both] * 4).parity.verdict == "proven"
    wrong = judged(run, *[(np.ones((1, 4), np.float32),) * 2] * 4)
    assert wrong.parity.verdict == "not run"
    assert f"have 4 values for each picture, expected the {CLASSES} of ours" in wrong.parity.reasons[0]


def test_a_batch_is_filled_and_gets_no_ratio(made: Make) -> None:
    run = made(Port("image", "float32", (2, SIDE, SIDE, 3)), Port("logits", "float32", (2, CLASSES)))
    batch = given(run, 0, "f4", (2, SIDE, SIDE, 3))
    assert np.array_equal(batch[0], batch[1])
    assert batch.any()
    right = np.repeat(expected(run.planned, run.planned.artifacts[0]), 2, axis=0)
    timing = judged(run, *[(right,)] * 4)
    assert timing.parity.verdict == "proven"
    assert timing.input_shape == (2, SIDE, SIDE, 3)
    assert any("one call computes 2 pictures" in note for note in timing.notes)


def test_an_input_that_is_no_picture_is_timed_and_not_judged(made: Make) -> None:
    run = made(Port("words", "int64", (1, 10)), LOGITS)
    assert run.planned.artifacts[1].ways == ()
    assert "--input" not in run.steps[1].words
    ours, vendor = run.planned.artifacts
    ports = [{"shape": [1, CLASSES], "dtype": "float32"}]
    lines = [
        event("loaded", vendor.key, 0, load_ms=1.0, outputs=ports),
        event("sample", vendor.key, 0, what="inference", ms=1.5),
    ]
    timing = timing_run(run.planned, read(iter([*lines, *moment("after")]))).timings[1]
    assert timing.samples_ms == (1.5,)
    assert timing.parity.verdict == "not run"
    assert "its input is int64 [1, 10], expected one or more pictures" in timing.parity.reasons[0]
    assert ours.expectation == vendor.expectation == 0


def test_sizes_that_are_set_at_run_time_do_not_run_on_a_device(made: Make) -> None:
    ranges = ((1, 1), (8, 64), (8, 64), (3, 3))
    run = made(Port("image", "float32", (1, -1, -1, 3), ranges=ranges), LOGITS)
    assert run.planned.artifacts[1].timing.not_run == OPEN
    assert run.planned.artifacts[1].key == ""
