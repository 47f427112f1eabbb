"""How Swift's pixel buffers are compared with the MIL reference's input, on buffers made up here."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

sys.path.append(str(Path(__file__).parents[2] / "ios_demo" / "tools"))

import pixel_buffers

ROOT = Path(__file__).parents[2]
HEIGHT, WIDTH, STRIDE = 6, 5, 32


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A picture that needs no resize, turned by 90 degrees, with its buffer as it must be."""
    upright = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    np.rot90(upright).tofile(tmp_path / "picture.rgb8")
    contract = json.loads((ROOT / "testdata" / "contracts" / "complete.json").read_bytes())
    contract["input"] |= {"dtype": "image", "range": [0, 255], "quantization": None, "shape": [1, 3, HEIGHT, WIDTH]}
    contract["preprocessing"] |= {"mode": "none", "crop_height": HEIGHT, "crop_width": WIDTH}
    (tmp_path / "a.contract.json").write_text(json.dumps(contract))
    case = {"name": "a", "picture": "picture.rgb8", "width": HEIGHT, "height": WIDTH, "orientation": 6}
    (tmp_path / "pixels.json").write_text(json.dumps([case | {"row_stride": STRIDE}]))
    buffer = np.full((HEIGHT, STRIDE), 9, np.uint8)
    buffer[:, : 4 * WIDTH] = np.dstack([upright[..., ::-1], np.full((HEIGHT, WIDTH), 255)]).reshape(HEIGHT, -1)
    buffer.tofile(tmp_path / "a.bgra")
    return tmp_path


def test_equal_levels_are_counted(folder: Path) -> None:
    assert pixel_buffers.compare(folder, folder) == 3 * HEIGHT * WIDTH


def _off_by_one(buffer: NDArray[np.uint8]) -> None:
    buffer[3, 6] ^= 1


def _swapped(buffer: NDArray[np.uint8]) -> None:
    buffer[:, 0 : 4 * WIDTH : 4], buffer[:, 2 : 4 * WIDTH : 4] = (
        buffer[:, 2 : 4 * WIDTH : 4].copy(),
        buffer[:, 0 : 4 * WIDTH : 4].copy(),
    )


def _transparent(buffer: NDArray[np.uint8]) -> None:
    buffer[0, 3] = 0


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (_off_by_one, "a: 1 of 90 levels differ"),
        (_swapped, "levels differ from what the MIL reference is fed"),
        (_transparent, "a: a pixel of the buffer is not opaque"),
    ],
)
def test_a_wrong_buffer_is_named(folder: Path, damage: Callable[[NDArray[np.uint8]], None], sentence: str) -> None:
    buffer = np.fromfile(folder / "a.bgra", np.uint8).reshape(HEIGHT, STRIDE)
    damage(buffer)
    buffer.tofile(folder / "a.bgra")
    with pytest.raises(SystemExit, match=sentence):
        pixel_buffers.compare(folder, folder)


def test_a_buffer_that_is_cut_short_is_named(folder: Path) -> None:
    (folder / "a.bgra").write_bytes((folder / "a.bgra").read_bytes()[:-1])
    with pytest.raises(SystemExit, match="a: the buffer has 191 bytes, expected 6 rows of 5 pixels"):
        pixel_buffers.compare(folder, folder)


def test_a_tensor_is_no_pixel_buffer(folder: Path) -> None:
    contract = json.loads((folder / "a.contract.json").read_bytes())
    contract["input"]["dtype"] = "float32"
    (folder / "a.contract.json").write_text(json.dumps(contract))
    with pytest.raises(SystemExit, match="a: the contract's input is float32, expected an image"):
        pixel_buffers.compare(folder, folder)


def test_no_case_is_no_success(folder: Path) -> None:
    (folder / "pixels.json").write_text("[]")
    with pytest.raises(SystemExit, match="has no cases"):
        pixel_buffers.compare(folder, folder)


def test_the_orientation_counts(folder: Path) -> None:
    (case,) = json.loads((folder / "pixels.json").read_bytes())
    (folder / "pixels.json").write_text(json.dumps([case | {"orientation": 8}]))
    assert isinstance(pixel_buffers.Case(**case).stored(folder), Image.Image)
    with pytest.raises(SystemExit, match="levels differ"):
        pixel_buffers.compare(folder, folder)
