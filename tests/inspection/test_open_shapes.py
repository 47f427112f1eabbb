"""Shapes that are set at run time, and orders in memory, as `inspect` shows them and `--diff` compares them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from support import vendors
from support.process_state import left_as_found
from support.rows import row
from support.vendors import Shipped, example

from levit_mobile.bundle.inspect import Inspected, differences, inspect, port_text
from levit_mobile.inspection import coreml_ports, executorch_ports
from levit_mobile.inspection.reading import OPEN
from levit_mobile.interfaces.inspection import Inspection, Port

# Ports by themselves


@pytest.mark.parametrize(
    ("port", "text"),
    [
        (Port("x", "float32", (1, 3, 8, 8)), "float32 [1, 3, 8, 8]"),
        (Port("x", "float32", (-1, 3), ranges=((1, 8), (3, 3))), "float32 [1 to 8, 3]"),
        (Port("x", "float32", (-1, 3), ranges=((1, None), (3, 3))), "float32 [any, 3]"),
        (
            Port("x", "image", (-1, -1), color="RGB", ranges=((32, 448), (32, None))),
            "image [32 to 448, 32 or more] RGB",
        ),
        (Port("x", "float16", (1, 3), shapes=((1, 3), (2, 3))), "float16 [1, 3] or [2, 3]"),
        (Port("x", "int8", (1, 5), scale=0.5, zero_point=3), "int8 [1, 5], scale 0.5, zero point 3"),
        (Port("x", "float32", (1, 3, 8, 8), dim_order=(0, 2, 3, 1)), "float32 [1, 3, 8, 8], in memory channels last"),
        (Port("x", "float32", (2, 3), dim_order=(1, 0)), "float32 [2, 3], in memory axes 1, 0"),
        (Port("x", "string"), "string"),
    ],
)
def test_a_port_is_one_line(port: Port, text: str) -> None:
    assert port_text(port) == text


def test_a_port_knows_which_shapes_it_can_have() -> None:
    ranged = Port("x", "float32", (-1, 3), ranges=((1, 8), (3, None)))
    assert [ranged.allows(shape) for shape in ((1, 3), (8, 99), (9, 3), (1, 2), (1, 3, 1))] == [
        True,
        True,
        *[False] * 3,
    ]
    listed = Port("x", "float32", (1, 3), shapes=((1, 3), (2, 3)))
    assert [listed.allows(shape) for shape in ((1, 3), (2, 3), (3, 3))] == [True, True, False]
    assert [port.is_open for port in (ranged, listed, Port("x", "float32", (1, 3)))] == [True, True, False]


def array(**facts: Any) -> Any:
    from coremltools.proto.FeatureTypes_pb2 import ArrayFeatureType

    return ArrayFeatureType(dataType=ArrayFeatureType.FLOAT32, **facts)


def test_core_mls_ranges_and_lists_of_shapes_are_read() -> None:
    bounds = [{"lowerBound": low, "upperBound": high} for low, high in ((1, 8), (3, 3), (32, -1))]
    ranged = coreml_ports.array("x", array(shape=[1, 3, 64], shapeRange={"sizeRanges": bounds}))
    assert (ranged.shape, ranged.ranges) == ((-1, 3, -1), ((1, 8), (3, 3), (32, None)))
    shapes = [{"shape": [2, 3]}, {"shape": [1, 3]}]
    listed = coreml_ports.array("x", array(shape=[1, 3], enumeratedShapes={"shapes": shapes}))
    assert (listed.shape, listed.shapes, listed.ranges) == ((1, 3), ((1, 3), (2, 3)), ())
    fixed = [{"lowerBound": size, "upperBound": size} for size in (1, 3)]
    assert not coreml_ports.array("x", array(shape=[1, 3], shapeRange={"sizeRanges": fixed})).is_open
    assert not coreml_ports.array("x", array(shape=[1, 3])).is_open


def test_core_mls_sizes_of_images_are_read() -> None:
    from coremltools.proto.FeatureTypes_pb2 import ImageFeatureType

    of = {"width": 20, "height": 10, "colorSpace": ImageFeatureType.RGB}
    ranges = {"widthRange": {"lowerBound": 16, "upperBound": -1}, "heightRange": {"lowerBound": 8, "upperBound": 64}}
    ranged = coreml_ports.image("x", ImageFeatureType(**of, imageSizeRange=ranges))
    assert (ranged.shape, ranged.ranges, ranged.color) == ((-1, -1), ((8, 64), (16, None)), "RGB")
    sizes = [{"width": 20, "height": 10}, {"width": 40, "height": 30}]
    listed = coreml_ports.image("x", ImageFeatureType(**of, enumeratedSizes={"sizes": sizes}))
    assert (listed.shape, listed.shapes) == ((10, 20), ((10, 20), (30, 40)))
    assert not coreml_ports.image("x", ImageFeatureType(**of)).is_open


def tensor(sizes: list[int], dynamism: str = "STATIC", order: list[int] | None = None, kind: str = "FLOAT") -> Any:
    order = list(range(len(sizes))) if order is None else order
    return row("Tensor", sizes=sizes, shape_dynamism=dynamism, dim_order=order, scalar_type=kind)


@pytest.mark.parametrize(
    ("stored", "text"),
    [
        (tensor([8, 3, 64, 64]), "float32 [8, 3, 64, 64]"),
        (tensor([8, 3, 64, 64], "DYNAMIC_BOUND"), "float32 [1 to 8, 3, 1 to 64, 1 to 64]"),
        (tensor([1, 64, 64, 3], "DYNAMIC_BOUND"), "float32 [1, 1 to 64, 1 to 64, 3]"),
        (tensor([8, 5], "DYNAMIC_UNBOUND"), "float32 [any, any]"),
        (tensor([1, 3, 64, 64], order=[0, 2, 3, 1]), "float32 [1, 3, 64, 64], in memory channels last"),
        (tensor([1, 3, 64, 64], order=[0, 2, 2, 1]), "float32 [1, 3, 64, 64]"),
    ],
)
def test_a_program_states_highest_sizes_and_its_order(stored: Any, text: str) -> None:
    assert port_text(executorch_ports.port("forward", "input", 0, stored, {})) == text


@pytest.mark.parametrize("prefix", ["", "forward_"])
def test_scales_are_those_that_a_program_holds(prefix: str) -> None:
    held = {f"{prefix}output1_scale": "0.25", f"{prefix}output1_zp": "-3"}
    stored = tensor([1, 5], kind="CHAR")
    assert executorch_ports.port("forward", "output", 1, stored, held) == Port("output 1", "int8", (1, 5), 0.25, -3)
    assert executorch_ports.port("forward", "output", 0, stored, held).scale is None
    broken = {**held, f"{prefix}output1_scale": "nan"}
    assert executorch_ports.port("forward", "output", 1, stored, broken).scale is None


def test_a_difference_in_shapes_alone_is_a_row() -> None:
    def seen(port: Port) -> Inspected:
        return Inspected(Path("x"), "executorch", 1, "0" * 64, Inspection({}, 0, (), 4, {}, 0, 0, inputs=(port,)))

    fixed, bound = Port("x", "float32", (8, 3)), Port("x", "float32", (-1, 3), ranges=((1, 8), (3, 3)))
    last = Port("x", "float32", (8, 3), dim_order=(1, 0))
    for other, text in ((bound, "float32 [1 to 8, 3]"), (last, "float32 [8, 3], in memory axes 1, 0")):
        (row,) = differences(seen(fixed), seen(other))
        assert (row.group, row.name, row.a, row.b) == ("input", "x", "float32 [8, 3]", text)


# Artifacts of the vendors' tools

Side = torch.export.Dim
SIDES = (Side("height", min=4, max=64), Side("width", min=4, max=64))


@pytest.mark.slow
def test_a_tflite_with_open_sides(tmp_path: Path) -> None:
    with left_as_found("tflite"):
        path = vendors.tflite(tmp_path / "x.tflite", Shipped("NHWC", None), example("NHWC"), {1: SIDES[0], 2: SIDES[1]})
    stored = inspect(vendors.edited(tmp_path / "y.tflite", path, vendors.with_open_sides)).inspection
    assert port_text(stored.inputs[0]) == "float32 [1, any, any, 3]"
    assert stored.macs is None
    assert OPEN in stored.notes


@pytest.mark.slow
def test_programs_with_a_bound_and_with_channels_last(tmp_path: Path) -> None:
    last = example().to(memory_format=torch.channels_last)
    with left_as_found("executorch"):
        plain = vendors.pte(tmp_path / "plain.pte", Shipped(), example())
        bound = vendors.pte(tmp_path / "bound.pte", Shipped(), last, {2: SIDES[0], 3: SIDES[1]})
    fixed, found = inspect(plain), inspect(bound)
    assert fixed.inspection.macs is not None
    assert port_text(found.inspection.inputs[0]) == "float32 [1, 3, 1 to 64, 1 to 64], in memory channels last"
    assert found.inspection.macs is None
    assert any("highest size of each axis only" in note for note in found.inspection.notes)
    rows = {(row.group, row.name): (row.a, row.b) for row in differences(fixed, found)}
    assert rows["input", "input 0"][0] == "float32 [1, 3, 16, 16]"


@pytest.mark.slow
def test_a_package_with_ranges_and_one_with_a_list(tmp_path: Path) -> None:
    import coremltools

    with left_as_found("coreml"):
        batches = coremltools.RangeDim(1, 8, default=1)
        ranged = vendors.mlpackage(tmp_path / "x.mlpackage", (batches, 3, vendors.SIDE, vendors.SIDE))
        shapes = coremltools.EnumeratedShapes(shapes=[(1, 3, 16, 16), (1, 3, 32, 32)], default=(1, 3, 16, 16))
        listed = vendors.mlpackage(tmp_path / "y.mlpackage", shapes)
    first, second = inspect(ranged).inspection, inspect(listed).inspection
    assert port_text(first.inputs[0]) == "float32 [1 to 8, 3, 16, 16]"
    assert port_text(second.inputs[0]) == "float32 [1, 3, 16, 16] or [1, 3, 32, 32]"
    assert (first.macs, second.macs) == (None, None)
