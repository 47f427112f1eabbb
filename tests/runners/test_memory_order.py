"""An input whose axes are nested in memory in an order of their own: a `.pte` reads values in the order that it states,
and its runtime reports none.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from support import vendors
from support.process_state import left_as_found
from support.vendors import Shipped, example

from levit_mobile.arm64 import runner as arm64
from levit_mobile.contract import Input, Output
from levit_mobile.interfaces.runner import InputForm
from levit_mobile.runners import executorch
from levit_mobile.runners.adapters import in_memory, stated_form

SIDE = vendors.SIDE
CHANNELS_LAST = (0, 2, 3, 1)
SOURCE = Input(name="image", shape=(1, 3, SIDE, SIDE), layout="NCHW", dtype="float32", range=(0, 1))
RESULT = Output(name="logits", shape=(1, vendors.CLASSES), dtype="float32", labels_sha256="0" * 64)


@pytest.fixture(scope="module")
def last(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The classifier exported with an input of channels last."""
    with left_as_found("executorch"):
        given = example().to(memory_format=torch.channels_last)
        return vendors.pte(tmp_path_factory.mktemp("last") / "model.pte", Shipped(takes=None), given)


@pytest.fixture(scope="module")
def images() -> NDArray[np.float32]:
    return np.random.default_rng(0).random((3, 3, SIDE, SIDE), np.float32)


@pytest.fixture(scope="module")
def expected(images: NDArray[np.float32]) -> NDArray[np.float32]:
    with torch.no_grad():
        return np.asarray(Shipped(takes=None).eval()(torch.from_numpy(images)).numpy())


@pytest.mark.parametrize(
    ("order", "strides"), [((), (24, 8, 4, 1)), (CHANNELS_LAST, (24, 1, 12, 3)), ((3, 2, 1, 0), (1, 1, 3, 6))]
)
def test_values_stay_and_their_place_in_memory_changes(order: tuple[int, ...], strides: tuple[int, ...]) -> None:
    values = np.arange(24.0).reshape(1, 3, 2, 4)
    found = in_memory(values, order)
    np.testing.assert_array_equal(found, values)
    laid_out = found.transpose(order) if order else found
    assert laid_out.flags.c_contiguous
    assert tuple(step // 8 for step in found.strides[1:]) == strides[1:]


@pytest.mark.slow
def test_every_way_to_run_a_program_lays_its_input_out(
    last: Path, images: NDArray[np.float32], expected: NDArray[np.float32]
) -> None:
    with executorch.thread_pool_kept():
        assert stated_form(last, "executorch") == InputForm(dim_order=CHANNELS_LAST)
        runner = executorch.load(last, source=SOURCE, result=RESULT)
        np.testing.assert_allclose(runner(images), expected, atol=1e-6)
        timed = executorch.load_for_timing(last)
        np.testing.assert_allclose(timed.run(images[:1])[0], expected[:1], atol=1e-6)
        asked = executorch.load_for_timing(last, form=InputForm((1, 3, SIDE, SIDE), CHANNELS_LAST))
        np.testing.assert_allclose(asked.run(images[1:2])[0], expected[1:2], atol=1e-6)


@pytest.mark.slow
def test_the_runtime_does_not_notice_the_wrong_order(
    last: Path, images: NDArray[np.float32], expected: NDArray[np.float32]
) -> None:
    """So the order has to be read."""
    with executorch.thread_pool_kept():
        wrong = executorch.load_for_timing(last, form=InputForm((1, 3, SIDE, SIDE)))
        assert np.abs(wrong.run(images[:1])[0] - expected[:1]).max() > 0.01


@pytest.mark.slow
def test_an_emulated_runtime_is_sent_the_values_in_that_order(
    last: Path, images: NDArray[np.float32], monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[NDArray[Any]] = []

    class Emulated:
        def __init__(self, *_: object, **__: object) -> None: ...

        def infer(self, values: NDArray[Any]) -> NDArray[Any]:
            sent.append(values)
            return np.zeros((1, vendors.CLASSES), np.float32)

    monkeypatch.setattr(arm64, "Emulated", Emulated)
    monkeypatch.setattr(arm64.folder, "found", lambda: None)
    arm64.load(last, source=SOURCE, result=RESULT, cpu="cortex-a76")(images[:1])
    (values,) = sent
    assert values.flags.c_contiguous
    np.testing.assert_array_equal(values.ravel(), images[0].transpose(1, 2, 0).ravel())


def test_a_file_that_cannot_be_read_states_nothing(tmp_path: Path) -> None:
    (tmp_path / "model.pte").write_bytes(b"nothing")
    assert stated_form(tmp_path / "model.pte", "executorch") == InputForm()
