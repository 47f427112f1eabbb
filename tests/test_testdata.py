"""testdata/, which three languages share: made by its script, and right by Pillow, `preprocess` and the schemas."""

from __future__ import annotations

import io
import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
import write_testdata
from PIL import Image
from pydantic import ValidationError
from testdata_base import drawn
from testdata_parity import order
from testdata_tensors import LEVELS

from levit_mobile.contract import Contract
from levit_mobile.deployment.index import BundleIndex
from levit_mobile.images.preprocessing import preprocess
from levit_mobile.timing.record import TimingRun

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "testdata"
SCHEMAS = ROOT / "levit_mobile" / "schemas"
MODELS = {"contract": Contract, "timing": TimingRun, "bundle-index": BundleIndex}
FOLDERS = {"contract": "contracts", "timing": "timing", "bundle-index": "indexes"}
VERSIONS = {"contract": 2, "timing": 2, "bundle-index": 1}
RESIZES = {one.name: one for one in write_testdata.RESIZES}
FRAMES = {one.name: one for one in write_testdata.FRAMES}
# 75% colour bars of ITU-R BT.601 in 8 bits: Y, U, V, and red, green, blue.
BARS = (
    ((180, 128, 128), (191, 191, 191)),
    ((162, 44, 142), (191, 191, 0)),
    ((131, 156, 44), (0, 191, 191)),
    ((112, 72, 58), (0, 191, 0)),
    ((84, 184, 198), (191, 0, 191)),
    ((65, 100, 212), (191, 0, 0)),
    ((35, 212, 114), (0, 0, 191)),
    ((16, 128, 128), (0, 0, 0)),
)


def read(name: str) -> Any:
    return json.loads((FOLDER / name).read_text(encoding="utf-8"))


@cache
def schema(kind: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((SCHEMAS / f"{kind}.schema.json").read_text(encoding="utf-8"))
    return found


# The files


def test_the_committed_files_are_what_the_script_writes() -> None:
    made = write_testdata.written()
    found = {path.relative_to(FOLDER).as_posix(): path.read_bytes() for path in FOLDER.rglob("*") if path.is_file()}
    assert found.keys() - made.keys() == {"README.md"}
    assert {name for name, content in made.items() if found.get(name) != content} == set()


def test_the_files_are_small() -> None:
    assert sum(path.stat().st_size for path in FOLDER.rglob("*") if path.is_file()) < 1_500_000


# Images


@pytest.mark.parametrize("name", RESIZES)
def test_preprocess_gives_the_expected_bytes(name: str) -> None:
    """Also where EXIF states the orientation, which the script's own Pillow calls do not read."""
    one = RESIZES[name]
    picture = one.picture()
    if one.orientation != 1:
        exif = Image.Exif()
        exif[0x0112] = one.orientation
        stored = io.BytesIO()
        picture.save(stored, "PNG", exif=exif)
        picture = Image.open(stored)
    assert preprocess(picture, one.spec).tobytes() == (FOLDER / f"resize/{name}.rgb8").read_bytes()


@pytest.mark.parametrize("name", [name for name in RESIZES if name.startswith("elongated")])
def test_an_elongated_image_is_within_two_levels_of_a_whole_resize(name: str) -> None:
    one = RESIZES[name]
    width, height = write_testdata.resized((one.width, one.height), one.spec)
    whole = one.picture().resize((width, height), write_testdata.FILTERS[one.interpolation])
    left, top = (
        write_testdata.corner(*edge, one.crop_rounding) for edge in ((width, one.crop[1]), (height, one.crop[0]))
    )
    expected = np.asarray(whole.crop((left, top, left + one.crop[1], top + one.crop[0])), int)
    found = np.frombuffer((FOLDER / f"resize/{name}.rgb8").read_bytes(), np.uint8).reshape(expected.shape)
    assert np.abs(expected - found).max() <= 2


def test_the_vectors_cover_what_apps_meet() -> None:
    assert len(RESIZES) >= 24
    assert {one.orientation for one in RESIZES.values()} == set(range(1, 9))
    assert {one.mode for one in RESIZES.values()} == {"short side", "squash", "none"}
    assert {one.interpolation for one in RESIZES.values()} == {"bicubic", "bilinear"}
    assert {one.crop_rounding for one in RESIZES.values()} == {"half even", "down"}
    assert any(one.padding for one in RESIZES.values())
    assert any(one.channels == 4 for one in RESIZES.values())
    assert any(one.to[0] != one.to[1] for one in RESIZES.values())


# Camera frames


def planes(name: str) -> tuple[write_testdata.Yuv, np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """A frame, its Y, U and V per pixel as [H,W,3], and the expected RGB."""
    one = FRAMES[name]
    buffer = drawn(one.seed, one.length).tolist()
    values = np.empty((one.height, one.width, 3), np.uint8)
    for row in range(one.height):
        for column in range(one.width):
            chroma = row // 2 * one.uv_row_stride + column // 2 * one.uv_pixel_stride
            places = one.y_offset + row * one.y_row_stride + column, one.u_offset + chroma, one.v_offset + chroma
            values[row, column] = [buffer[place] for place in places]
    expected = np.frombuffer((FOLDER / f"yuv/{name}.rgb8").read_bytes(), np.uint8)
    return one, values, expected.reshape(values.shape)


@pytest.mark.parametrize("name", [name for name, one in FRAMES.items() if one.range == "full"])
def test_a_full_range_frame_has_the_colours_of_pillow(name: str) -> None:
    """Pillow's own tables have 6 bits behind the point, so that some levels differ by one."""
    _, values, expected = planes(name)
    by_pillow = np.asarray(Image.fromarray(values, "YCbCr").convert("RGB"), int)
    assert np.abs(by_pillow - expected).max() <= 1


@pytest.mark.parametrize("name", FRAMES)
def test_a_frame_has_the_colours_of_the_real_formula(name: str) -> None:
    """BT.601 from its two constants: the shares of red and of blue in the luma."""
    one, values, expected = planes(name)
    red, blue = 0.299, 0.114
    black, luma, chroma = (16.0, 219.0, 224.0) if one.range == "limited" else (0.0, 255.0, 255.0)
    y, u, v = ((values[..., place].astype(float) - start) / scale
               for place, start, scale in ((0, black, luma), (1, 128, chroma), (2, 128, chroma)))  # fmt: skip
    r, b = y + 2 * (1 - red) * v, y + 2 * (1 - blue) * u
    g = (y - red * r - blue * b) / (1 - red - blue)
    exact = np.stack([r, g, b], axis=-1).clip(0, 1) * 255
    assert np.abs(exact - expected).max() <= 0.51


@pytest.mark.parametrize(("yuv", "rgb"), BARS)
def test_the_formula_gives_the_colour_bars_of_the_standard(yuv: tuple[int, ...], rgb: tuple[int, ...]) -> None:
    frame = write_testdata.Yuv("bar", 1, 1, "limited", 1, 1, 1, 0, 1, 2, 3)
    found = write_testdata.yuv_to_rgb(frame, np.array(yuv, np.uint8))[0, 0]
    assert np.abs(found.astype(int) - rgb).max() <= 1


# Tensors


@pytest.mark.parametrize("entry", read("tensors.json")["tensors"], ids=lambda entry: entry["name"])
def test_a_tensor_holds_the_pixels_in_its_range(entry: dict[str, Any]) -> None:
    """By real arithmetic, within half a step of the stored type."""
    stated = entry["input"]
    low, high = stated["range"]
    pixels = LEVELS / 255 * (high - low) + low
    stored = np.frombuffer((FOLDER / entry["expected_file"]).read_bytes(), stated["dtype"]).astype(float)
    scale, zero = (stated["quantization"] or {"scale": 1, "zero_point": 0}).values()
    last = stated["layout"] == "NHWC" or stated["memory_order"] == "channels last"
    expected = pixels if last else pixels.transpose(2, 0, 1)
    step = {"float32": 1e-6, "float16": 2e-3}.get(stated["dtype"], scale / 2 + 1e-6)
    assert np.abs((stored - zero) * scale - expected.ravel()).max() <= step * max(1.0, abs(high))


@pytest.mark.parametrize("entry", read("outputs.json"), ids=lambda entry: entry["name"])
def test_an_output_is_read_as_its_real_values(entry: dict[str, Any]) -> None:
    stated = entry["output"]
    stored = np.frombuffer((FOLDER / entry["stored_file"]).read_bytes(), stated["dtype"]).astype(float)
    scale, zero = (stated["quantization"] or {"scale": 1, "zero_point": 0}).values()
    assert np.allclose((stored - zero) * scale, entry["logits"], rtol=1e-6, atol=0)


# Contracts and timing records


@pytest.mark.parametrize("kind", MODELS)
def test_accepted_files_pass_and_survive(kind: str) -> None:
    for entry in read(f"{FOLDERS[kind]}.json")["accepted"]:
        stated = read(entry["file"])
        made = MODELS[kind].model_validate(stated)
        again = json.loads(made.model_dump_json())
        assert MODELS[kind].model_validate(again) == made
        assert again == (read(entry["equals"]) if entry["equals"] else again | {})
        version = kind if stated["schema_version"] == VERSIONS[kind] else f"{kind}-1"
        jsonschema.validate(stated, schema(version))


@pytest.mark.parametrize("kind", MODELS)
def test_refused_files_are_refused(kind: str) -> None:
    entries = read(f"{FOLDERS[kind]}.json")["refused"]
    assert "an unknown schema_version" in [entry["why"] for entry in entries]
    for entry in entries:
        with pytest.raises(ValidationError):
            MODELS[kind].model_validate_json(json.dumps(entry["content"]))


@pytest.mark.parametrize("kind", MODELS)
def test_the_complete_file_has_every_field_of_the_schema(kind: str) -> None:
    complete = read(f"{FOLDERS[kind]}/complete.json")
    assert json.loads(MODELS[kind].model_validate(complete).model_dump_json()) == complete  # no default was filled in
    assert list(missing(complete, schema(kind), schema(kind), "")) == []


def missing(value: Any, part: dict[str, Any], root: dict[str, Any], path: str) -> list[str]:
    """Fields of the schema that a value lacks."""
    if "$ref" in part:
        part = root["$defs"][part["$ref"].rpartition("/")[2]]
    if "anyOf" in part:
        return [] if value is None else missing(value, part["anyOf"][0], root, path)
    if isinstance(value, list) and "items" in part:
        return [name for one in value for name in missing(one, part["items"], root, f"{path}[]")]
    fields = part.get("properties", {}) if isinstance(value, dict) else {}
    lacking = [f"{path}.{name}" for name in fields if name not in value]
    return lacking + [
        name for field, inner in fields.items() if field in value
        for name in missing(value[field], inner, root, f"{path}.{field}")
    ]  # fmt: skip


# Orders


def test_a_drawn_order_holds_every_place_once() -> None:
    for entry in read("order.json"):
        assert entry["rounds"] == order(entry["seed"], entry["count"], len(entry["rounds"]))
        assert all(sorted(places) == list(range(entry["count"])) for places in entry["rounds"])


def test_all_orders_of_three_are_drawn_about_equally_often() -> None:
    orders = [tuple(places) for places in order(1, 3, 6000)]
    counts = [orders.count(one) for one in set(orders)]
    assert len(counts) == 6
    assert max(counts) - min(counts) < 250  # five standard deviations of a difference
