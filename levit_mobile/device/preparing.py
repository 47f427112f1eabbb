"""How a device prepares an image for an artifact: the words that `arm64/guest/prepare.h` reads.

The program on the device gives the bytes that `preprocess` and `adapted` give here.
"""

from __future__ import annotations

import numpy as np

from levit_mobile.contract import Input
from levit_mobile.images.spec import ImageSpec
from levit_mobile.runners.adapters import DTYPES

MODES = {"short side": "shortest", "squash": "squash"}


def words(spec: ImageSpec, to: Input) -> str:
    """One line that describes the way from a decoded image to an artifact's input tensor.

    Args:
        spec: How the image is resized and cropped.
        to: The artifact's input, as its contract describes it.

    Returns:
        Words such as ``resize=shortest:256x256 crop=224x224 rounding=half-even interpolation=bicubic layout=NHWC
        dtype=float32 range=0.0:1.0``; sizes are width x height in px, and ``layout`` is the order in memory.
    """
    scaled = "none" if spec.mode == "none" else f"{MODES[spec.mode]}:{spec.width}x{spec.height}"
    found = {
        "resize": scaled,
        "crop": f"{spec.crop_width}x{spec.crop_height}",
        "rounding": spec.crop_rounding.replace(" ", "-"),
        "interpolation": spec.interpolation,
        "layout": "NHWC" if _channels_innermost(to) else "NCHW",
        "dtype": np.dtype(DTYPES[to.dtype]).name,
        "range": "{!r}:{!r}".format(*map(float, to.range)),
    }
    if to.quantization is not None:
        found |= {"scale": repr(to.quantization.scale), "zero_point": str(to.quantization.zero_point)}
    return " ".join(f"{name}={value}" for name, value in found.items())


def _channels_innermost(to: Input) -> bool:
    return to.layout == "NHWC" or to.memory_order == "channels last"
