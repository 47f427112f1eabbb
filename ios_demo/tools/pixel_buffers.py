#!/usr/bin/env python3
"""Compare the pixel buffers that Swift wrote for Core ML with what the MIL reference is fed for the same pictures.

The tests of LevitMobileKit write, for each case, a contract, the picture as raw RGB rows, and the memory of the pixel
buffer that Core ML would get. Python prepares the picture by that contract. Each level of the buffer must be the value
that the MIL reference is fed, which is a whole number in 0..255.

    pixel_buffers.py FOLDER     the folder that the tests wrote
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image

from levit_mobile.contract import Contract
from levit_mobile.images.preprocessing import preprocess, to_planar
from levit_mobile.images.spec import ImageSpec
from levit_mobile.runners.mil import pixels

CASES = "pixels.json"


@dataclass(frozen=True)
class Case:
    """One picture and its pixel buffer; the fields are those of the JSON file.

    Attributes:
        name: Name of the files of the case, without their endings.
        picture: File of the picture below the repository: RGB rows without gaps.
        width: Width of the stored picture in pixels.
        height: Height of the stored picture in pixels.
        orientation: EXIF orientation, 1 to 8.
        row_stride: Bytes from one row of the buffer to the next.
    """

    name: str
    picture: str
    width: int
    height: int
    orientation: int
    row_stride: int

    def stored(self, repository: Path) -> Image.Image:
        """The picture with its EXIF orientation."""
        rows = np.fromfile(repository / self.picture, np.uint8).reshape(self.height, self.width, 3)
        image = Image.fromarray(rows)
        image.getexif()[ExifTags.Base.Orientation] = self.orientation
        return image


def compare(folder: Path, repository: Path) -> int:
    """Compare all cases of a folder.

    Args:
        folder: What the tests wrote.
        repository: Where the pictures are.

    Returns:
        The number of levels that were compared.

    Raises:
        SystemExit: There is no case, or a buffer differs; the sentence names the case.
    """
    cases = [Case(**one) for one in json.loads((folder / CASES).read_bytes())]
    if not cases:
        raise SystemExit(f"{folder / CASES} has no cases")
    return sum(_compared(case, folder, repository) for case in cases)


def _compared(case: Case, folder: Path, repository: Path) -> int:
    contract = Contract.model_validate_json((folder / f"{case.name}.contract.json").read_bytes())
    if contract.input.dtype != "image":
        raise SystemExit(f"{case.name}: the contract's input is {contract.input.dtype}, expected an image")
    spec = ImageSpec(**dict(contract.preprocessing))
    (fed,) = pixels(to_planar(preprocess(case.stored(repository), spec)), contract.input)
    found = _levels(case, (folder / f"{case.name}.bgra").read_bytes(), fed.shape)
    if wrong := int(np.count_nonzero(found != fed)):
        raise SystemExit(f"{case.name}: {wrong} of {fed.size} levels differ from what the MIL reference is fed")
    return int(fed.size)


def _levels(case: Case, memory: bytes, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """The buffer's levels [3,H,W] in the order red, green, blue."""
    _, height, width = shape
    if len(memory) != height * case.row_stride or case.row_stride < 4 * width:
        raise SystemExit(f"{case.name}: the buffer has {len(memory)} bytes, expected {height} rows of {width} pixels")
    rows = np.frombuffer(memory, np.uint8).reshape(height, case.row_stride)
    bgra = rows[:, : 4 * width].reshape(height, width, 4)
    if (bgra[..., 3] != 255).any():
        raise SystemExit(f"{case.name}: a pixel of the buffer is not opaque")
    return bgra[..., 2::-1].transpose(2, 0, 1)


if __name__ == "__main__":
    count = compare(Path(sys.argv[1]), Path(__file__).resolve().parents[2])
    print(f"{count} levels of the pixel buffers for Core ML are those that the MIL reference is fed", flush=True)
