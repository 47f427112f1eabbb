"""LeViTs of other sizes than the paper's are converted, proven and validated, and keep their accuracy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from support import prepared
from support.checkpoints import saved
from support.odd_sizes import net
from support.one_pass import validate
from torch import nn

import levit_mobile
from levit_mobile.bundle.reader import open_bundle
from levit_mobile.images.preprocessing import preprocess, to_planar
from levit_mobile.recipe import Verdict

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("in_this_process", "converted_once")]
RUNTIMES = {
    "executorch-fp16": "executorch",
    "tflite-fp32": "litert",
    "executorch-fp32": "executorch",
    "coreml-fp32": "mil",
}


@pytest.mark.parametrize(
    ("name", "recipe"),
    [
        ("four stages", "executorch-fp32"),  # the last grid has one cell
        ("one stage", "executorch-fp32"),
        ("odd widths", "tflite-fp32"),
        ("stride 8", "coreml-fp32"),
        ("fractions", "coreml-fp32"),
        ("odd widths", "executorch-fp16"),  # below the 50 dB of trained nets, as its own rounding allows
    ],
)
def test_any_sizes_are_proven_and_validated(name: str, recipe: str, tmp_path: Path) -> None:
    checkpoint = saved(net(name).state_dict(), tmp_path / "w.pth")
    made = levit_mobile.convert(checkpoint, recipe, out=tmp_path / "build")
    assert made.path.name == f"levit-{recipe}"
    model = open_bundle(made.path).contract.model
    assert (model.variant, len(model.sizes["channels"])) == ("levit", len(net(name).embed_dim))
    found = validate(made.path, reference=checkpoint, runtime=RUNTIMES[recipe], count=32)
    assert found.verdict is (Verdict.BY_REFERENCE if RUNTIMES[recipe] == "mil" else Verdict.PROVEN)


@pytest.fixture(scope="module")
def shallower(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, nn.Module]:
    """The trained digits model without its last block, which only refines what is there: a file, and timm's net."""
    from timm.models.levit import LevitDistilled

    state = prepared.renamed(prepared.retrained(tuple(prepared.MEAN), tuple(prepared.STD)), "timm")
    state = {key: tensor for key, tensor in state.items() if not key.startswith("stages.2.blocks.3.")}
    sizes = {"embed_dim": (128, 256, 384), "key_dim": 16, "depth": (2, 3, 3), "num_heads": (4, 6, 8)}
    model = LevitDistilled(num_classes=10, **sizes).eval()
    model.load_state_dict(state, strict=True)
    return saved(state, tmp_path_factory.mktemp("shallower") / "w.pth"), model


def test_trained_weights_keep_the_accuracy_of_timms_net(shallower: tuple[Path, nn.Module], tmp_path: Path) -> None:
    file, theirs = shallower
    made = open_bundle(
        levit_mobile.convert(file, "tflite-int8", out=tmp_path, count=64, timing=False, emulation=False).path
    )
    pictures, _ = prepared.held_out()
    planar = torch.stack([torch.from_numpy(to_planar(preprocess(picture, made.spec))) for picture in pictures])
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (prepared.MEAN, prepared.STD))
    expected = prepared.accuracy(prepared.logits_of(theirs, ((planar - mean) / std).float()))
    assert expected > 90
    found = prepared.accuracy(by_litert(made.artifact, planar.permute(0, 2, 3, 1).float().numpy()))
    assert abs(found - expected) <= 2
    assert validate(made.path, reference=file, runtime="litert", count=100).verdict is Verdict.PROVEN


def by_litert(artifact: Path, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """The logits of the vendor's interpreter alone, for pictures [N,H,W,3]."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(artifact), num_threads=2)
    interpreter.allocate_tensors()
    logits = []
    for picture in pixels:
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], picture[None])
        interpreter.invoke()
        logits.append(interpreter.get_tensor(interpreter.get_output_details()[0]["index"])[0])
    return np.stack(logits)
