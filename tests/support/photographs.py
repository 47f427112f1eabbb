"""A real photograph, noise, and torchvision's transform written out, for the tests of pictures."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
from PIL import Image

from levit_mobile.images.preprocessing import Pixels
from levit_mobile.images.spec import ImageSpec

SPEC = ImageSpec()


def china() -> Image.Image:
    """640 x 427, from scikit-learn's folder: importing scikit-learn takes a second."""
    package = find_spec("sklearn")
    assert package is not None
    assert package.origin is not None
    with Image.open(Path(package.origin).parent / "datasets" / "images" / "china.jpg") as picture:
        return picture.convert("RGB")


def noise(width: int, height: int, seed: int = 0) -> Image.Image:
    values = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(values)


def torchvision_rule(picture: Image.Image) -> Pixels:
    """`Resize(256, BICUBIC)` then `CenterCrop(224)`, as torchvision.transforms.functional computes them."""
    width, height = picture.size
    size = (256, int(256 * height / width)) if width <= height else (int(256 * width / height), 256)
    top, left = int(round((size[1] - 224) / 2.0)), int(round((size[0] - 224) / 2.0))  # noqa: RUF046
    resized = picture.resize(size, Image.Resampling.BICUBIC)
    return np.array(resized.crop((left, top, left + 224, top + 224)))
