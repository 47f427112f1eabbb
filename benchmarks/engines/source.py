"""The bundled trained model as files that any engine can start from: ONNX and TorchScript, and calibration pictures.

    python -m engines.source FOLDER           in a process that sees the pinned packages and torch

Both deploy graphs are the exact rewrites that our own targets get: batch norms folded, attention biases as constants,
no gather and no strided slice. An engine takes the one that it runs faster.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from levit_mobile.images.digits import Split, pictures
from levit_mobile.images.preprocessing import preprocess, to_planar
from levit_mobile.images.spec import ImageSpec
from levit_mobile.model.checkpoint import Checkpoint, load_checkpoint
from levit_mobile.model.download import BUNDLED
from levit_mobile.model.families import family_of

CALIBRATION = 512  # pictures; engines take as many as their own recipe says
FORMS = {"tokens": ("token_major", "NCHW"), "channels": ("channels_first", "NCHW")}


def write(folder: Path) -> None:
    """Write `tokens` and `channels` in both formats, and `calibration.npy`."""
    checkpoint = load_checkpoint(BUNDLED)
    for name in FORMS:
        _export(rewritten(checkpoint, name), checkpoint.input_size, folder / name)
    np.save(folder / "calibration.npy", calibration(checkpoint.prepared()))


def rewritten(checkpoint: Checkpoint, form: str) -> torch.nn.Module:
    """The deploy graph of one of FORMS; it takes pictures [N,3,H,W] in [0,1]."""
    spec, family = checkpoint.prepared(), family_of(checkpoint.model)
    baked = family.bake(checkpoint.model, mean=spec.unit_mean, std=spec.unit_std, pixel_range=1)
    return family.forms[FORMS[form]](baked).eval()


def _export(module: torch.nn.Module, size: tuple[int, int], path: Path) -> None:
    example = torch.zeros(1, 3, *size)
    names: dict[str, Any] = {"input_names": ["image"], "output_names": ["logits"]}
    with torch.no_grad():
        torch.jit.trace(module, example).save(str(path.with_suffix(".pt")))
        torch.onnx.export(module, (example,), path.with_suffix(".onnx"), **names, dynamo=True, external_data=False)


def calibration(spec: ImageSpec) -> NDArray[np.float32]:
    """Training pictures, prepared for the model: [N,3,H,W] float32 in [0,1]."""
    drawn = pictures(Split.TRAINING, CALIBRATION)
    return np.stack([to_planar(preprocess(Image.fromarray(pixels), spec)) for pixels, _ in drawn])


if __name__ == "__main__":
    write(Path(sys.argv[1]))
