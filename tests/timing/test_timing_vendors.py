"""Artifacts from the vendors' own tools, judged against golden vectors: the figures are those of the vendor's runtime
alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from support import vendors
from support.process_state import left_as_found
from support.vendors import Cast, Shipped, Tokens, example
from torch import nn

from levit_mobile.runners.executorch import thread_pool_kept
from levit_mobile.timing.bench import BenchOptions, _parity, _state, bench
from levit_mobile.timing.candidates import opened
from levit_mobile.timing.figures import figures
from levit_mobile.timing.golden import Golden
from levit_mobile.timing.measure import _started
from levit_mobile.timing.record import Parity

pytestmark = pytest.mark.slow

Side = torch.export.Dim
SIDES = (Side("height", min=4, max=64), Side("width", min=4, max=64))
BATCHES = Side("batch", min=1, max=8)
CHANNELS_LAST = torch.channels_last


class Made:
    """Each artifact, made when a test first asks for it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.path = folder, cache(self._path)

    def _path(self, name: str) -> Path:
        path = self.folder / name
        if name in PARTS:
            source, make = PARTS[name]
            return make(path, self.path(source))
        with left_as_found("tflite" if path.suffix == ".tflite" else "executorch"):
            return NETS[name](path)


def net(make: Callable[..., Path], module: nn.Module, given: torch.Tensor, dynamic: Any = None) -> Callable[..., Path]:
    return partial(make, net=module, given=given, dynamic=dynamic)


NHWC, NCHW = example("NHWC"), example("NCHW")
NETS: dict[str, Callable[[Path], Path]] = {
    "unit.tflite": net(vendors.tflite, Shipped("NHWC"), NHWC),
    "signed.tflite": net(vendors.tflite, Shipped("NCHW", (-1, 1)), NCHW),
    "levels.tflite": net(vendors.tflite, Shipped("NHWC", (0, 255)), NHWC),
    "softmax.tflite": net(vendors.tflite, Shipped("NHWC", gives=lambda logits: logits.softmax(-1)), NHWC),
    "second.tflite": net(vendors.tflite, Shipped("NHWC", gives=lambda logits: (3 * logits[:, :2], logits)), NHWC),
    "batch.tflite": net(vendors.tflite, Shipped("NHWC"), example("NHWC", 4)),
    "other.tflite": net(vendors.tflite, Shipped("NHWC", seed=7), NHWC),
    "sides.tflite": net(vendors.tflite, Shipped("NHWC", None), NHWC, {1: SIDES[0], 2: SIDES[1]}),
    "normalised.pte": net(vendors.pte, Shipped(takes=None), NCHW),
    "last.pte": net(vendors.pte, Shipped(takes=None), NCHW.to(memory_format=CHANNELS_LAST)),
    "batches.pte": net(vendors.pte, Shipped(), example("NCHW", 4), {0: BATCHES}),
    "sides.pte": net(vendors.pte, Shipped(), NCHW, {2: SIDES[0], 3: SIDES[1]}),
    "int8.pte": vendors.int8_pte,
    "uint8.pte": net(vendors.pte, Cast(Shipped("NHWC", (0, 255))), (255 * NHWC).to(torch.uint8)),
    "tokens.pte": net(vendors.pte, Tokens(), torch.zeros(1, 16, dtype=torch.long)),
}
PARTS: dict[str, tuple[str, Callable[[Path, Path], Path]]] = {
    "int8.tflite": ("unit.tflite", vendors.int8_tflite),
    "int8_softmax.tflite": ("softmax.tflite", vendors.int8_tflite),
    "uint8.tflite": ("int8.tflite", partial(vendors.edited, edit=vendors.with_uint8_input)),
    "stored_as_1x1.tflite": ("sides.tflite", partial(vendors.edited, edit=vendors.with_open_sides)),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return Made(tmp_path_factory.mktemp("vendors"))


@pytest.fixture(scope="module")
def golden() -> Golden:
    return vendors.golden()


def found(path: Path, golden: Golden) -> Parity:
    """The verdict of one start, in this process."""
    (candidate,) = opened([path])
    state = _state(candidate, golden, BenchOptions())
    if state.not_run is None:
        with thread_pool_kept():
            state.starts.append(_started((state.job, golden.pixels)))
    return _parity(candidate, state, golden)


@pytest.mark.parametrize(
    ("name", "way"),
    [
        ("unit.tflite", "pixels in [0,1] as NHWC"),
        ("signed.tflite", "pixels in [-1,1] as NCHW"),
        ("levels.tflite", "pixels in [0,255] as NHWC"),
        ("normalised.pte", "normalised pixels as NCHW"),
        ("uint8.pte", "pixels in [0,255] as NHWC"),
        ("softmax.tflite", "pixels in [0,1] as NHWC, compared as softmax probabilities"),
        ("second.tflite", "pixels in [0,1] as NHWC, output 2 of 2"),
        ("batch.tflite", "pixels in [0,1] as NHWC"),
        ("sides.tflite", "normalised pixels as NHWC"),
        ("stored_as_1x1.tflite", "normalised pixels as NHWC"),
        ("last.pte", "normalised pixels as NCHW"),
        ("batches.pte", "pixels in [0,1] as NCHW"),
        ("sides.pte", "pixels in [0,1] as NCHW"),
    ],
)
def test_the_way_that_fits_is_found_and_named(made: Made, golden: Golden, name: str, way: str) -> None:
    parity = found(made.path(name), golden)
    assert (parity.verdict, parity.against) == ("proven", f"6 golden vectors of ours, given {way}")
    assert parity.sqnr_db is not None
    assert parity.sqnr_db > 120
    assert parity.max_abs_error is not None
    assert parity.max_abs_error < 2e-6


def by_litert(path: Path, given: Iterator[NDArray[Any]]) -> NDArray[np.float64]:
    """The dequantized outputs, by LiteRT alone; `given` are real values [1,H,W,3]."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(path))
    interpreter.allocate_tensors()
    (source,), (result,) = interpreter.get_input_details(), interpreter.get_output_details()
    (scale, zero), (out_scale, out_zero) = source["quantization"], result["quantization"]
    limits, rows = np.iinfo(source["dtype"]), []
    for values in given:
        levels = np.clip(np.rint(values / scale) + zero, limits.min, limits.max)
        interpreter.set_tensor(source["index"], levels.astype(source["dtype"]))
        interpreter.invoke()
        rows.append((interpreter.get_tensor(result["index"]).astype(np.float64) - out_zero) * out_scale)
    return np.concatenate(rows)


@pytest.mark.parametrize("name", ["int8.tflite", "uint8.tflite"])
def test_integers_are_fed_and_read_by_their_scales(made: Made, golden: Golden, name: str) -> None:
    parity = found(made.path(name), golden)
    by_hand = by_litert(made.path(name), (picture[None] / np.float32(255) for picture in golden.pixels))
    error = by_hand - golden.expected.logits
    assert (parity.verdict, parity.against) == ("proven", "6 golden vectors of ours, given pixels in [0,1] as NHWC")
    assert parity.max_abs_error == pytest.approx(np.abs(error).max(), rel=1e-5)
    assert parity.sqnr_db == pytest.approx(
        10 * np.log10((golden.expected.logits**2).sum() / (error**2).sum()), abs=1e-3
    )


def test_a_program_of_integers_is_read_by_the_scales_that_it_holds(made: Made, golden: Golden) -> None:
    parity = found(made.path("int8.pte"), golden)
    assert (parity.verdict, parity.against) == ("proven", "6 golden vectors of ours, given normalised pixels as NCHW")
    assert parity.sqnr_db is not None
    assert 30 < parity.sqnr_db < 60


def test_probabilities_in_integers_are_compared_as_such(made: Made, golden: Golden) -> None:
    parity = found(made.path("int8_softmax.tflite"), golden)
    by_hand = by_litert(
        made.path("int8_softmax.tflite"), (picture[None] / np.float32(255) for picture in golden.pixels)
    )
    powers = np.exp(golden.expected.logits - golden.expected.logits.max(1, keepdims=True))
    error = by_hand - powers / powers.sum(1, keepdims=True)
    assert parity.verdict == "proven"
    assert parity.against.endswith("compared as softmax probabilities")
    assert parity.max_abs_error == pytest.approx(np.abs(error - error.mean(1, keepdims=True)).max(), rel=1e-3)


def test_what_takes_no_picture_runs_and_is_named(made: Made, golden: Golden) -> None:
    parity = found(made.path("tokens.pte"), golden)
    assert parity.verdict == "not run"
    assert "its input is int64 [1, 16], expected one or more pictures" in parity.reasons[0]


def test_another_model_is_not_taken_for_this_one(made: Made, golden: Golden) -> None:
    parity = found(made.path("other.tflite"), golden)
    assert parity.verdict == "not run"
    assert "its outputs are not those of ours" in parity.reasons[0]


def test_a_fixed_size_other_than_the_golden_one_is_named(made: Made) -> None:
    parity = found(made.path("unit.tflite"), vendors.golden(32))
    assert parity.verdict == "not run"
    assert "float32 [1, 16, 16, 3], expected one or more pictures of 3 colours and 32 px" in parity.reasons[0]


@pytest.mark.parametrize("name", ["sides.tflite", "stored_as_1x1.tflite", "sides.pte"])
def test_an_open_size_runs_at_that_of_the_golden_pictures(made: Made, name: str) -> None:
    parity = found(made.path(name), vendors.golden(48))
    assert parity.verdict == "proven"
    assert parity.sqnr_db is not None
    assert parity.sqnr_db > 120


def test_a_golden_size_above_the_highest_is_not_run(made: Made) -> None:
    parity = found(made.path("sides.pte"), vendors.golden(72))
    assert parity.verdict == "not run"
    assert "float32 [1, 3, 1 to 64, 1 to 64], which does not include a picture of 72 px" in parity.reasons[0]


def test_batches_have_no_ratio_and_an_open_size_needs_a_bundle(made: Made) -> None:
    """No bundle is among them, so nothing is proven; what is timed says at which shape."""
    names = ("unit.tflite", "batch.tflite", "sides.tflite", "last.pte")
    one, *others = (made.path(name) for name in names)
    run = bench([one], against=others, options=BenchOptions(rounds=2, warmup=1, starts=1))
    by_name = {timing.name: timing for timing in run.timings}
    assert [against.name for against in figures(run, by_name["unit.tflite"]).against] == ["last.pte"]
    assert by_name["batch.tflite"].input_shape == (4, 16, 16, 3)
    assert "one call computes 4 pictures" in by_name["batch.tflite"].notes[0]
    assert "float32 [1, any, any, 3]; no bundle of this run names a size" in str(by_name["sides.tflite"].not_run)
    assert {timing.parity.verdict for timing in run.timings} == {"not run"}
    assert (by_name["last.pte"].input_shape, by_name["last.pte"].notes) == ((1, 3, 16, 16), ())
