"""A small classifier by each vendor's own tools, in the forms in which vendors ship theirs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from levit_mobile.images.preprocessing import to_planar
from levit_mobile.images.spec import ImageSpec
from levit_mobile.timing.golden import Expected, Golden

SIDE, CLASSES, PICTURES = 16, 5, 6
SPEC = ImageSpec.for_side(SIDE)
Edit = Callable[[Any], object]


class Classifier(nn.Module):
    """Pixels [N,3,H,W] of any height and width, normalised -> logits [N,5]."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.stem = nn.Conv2d(3, 16, 3, 2, 1)
        self.head = nn.Linear(16, CLASSES)
        with torch.no_grad():
            self.head.weight *= 4

    def forward(self, image: Tensor) -> Tensor:
        logits: Tensor = self.head(torch.relu(self.stem(image)).mean((2, 3)))
        return logits


class Shipped(nn.Module):
    """The classifier as a vendor ships it.

    `takes` is the layout and the values of a black and a full pixel, None for normalised ones; `gives` makes the
    outputs from the logits.
    """

    def __init__(
        self,
        layout: str = "NCHW",
        takes: tuple[float, float] | None = (0, 1),
        gives: Callable[[Tensor], Any] = lambda logits: logits,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.net, self.layout, self.takes, self.gives = Classifier(seed), layout, takes, gives
        mean, std = (torch.tensor(values)[:, None, None] for values in (SPEC.mean, SPEC.std))
        self.register_buffer("mean", mean)
        self.register_buffer("std", std)

    def forward(self, image: Tensor) -> Any:
        planar = image.permute(0, 3, 1, 2) if self.layout == "NHWC" else image
        if self.takes is not None:
            low, high = self.takes
            planar = ((planar - low) / (high - low) - self.mean) / self.std
        return self.gives(self.net(planar))


class Cast(nn.Module):
    """The same from another type of input: whole levels as uint8, or float16."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, image: Tensor) -> Any:
        return self.net(image.float())


class Tokens(nn.Module):
    """No picture: the mean embedding of ten words."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(10, CLASSES)

    def forward(self, words: Tensor) -> Tensor:
        return self.words(words).mean(1)


def pictures(side: int = SIDE) -> NDArray[np.uint8]:
    """Flat colours with some noise [N,H,W,3]: the logits of each are far from those of the others."""
    drawn = np.random.default_rng(1)
    colours = drawn.integers(0, 256, (PICTURES, 1, 1, 3))
    return np.clip(colours + drawn.integers(-40, 41, (PICTURES, side, side, 3)), 0, 255).astype(np.uint8)


def golden(side: int = SIDE) -> Golden:
    """The pictures with the float net's logits, computed by torch."""
    pixels = pictures(side)
    with torch.no_grad():
        logits = Shipped().eval()(torch.from_numpy(np.stack([to_planar(picture) for picture in pixels]))).numpy()
    names = tuple(f"picture{number}" for number in range(len(pixels)))
    expected = Expected("ours", names, logits, (side, side), digest="")
    return Golden(pixels, expected, ImageSpec.for_side(side))


def example(layout: str = "NCHW", batch: int = 1, side: int = SIDE) -> Tensor:
    """An input to export with."""
    return torch.rand(batch, 3, side, side) if layout == "NCHW" else torch.rand(batch, side, side, 3)


def tflite(path: Path, net: nn.Module, given: Tensor, dynamic: Any = None) -> Path:
    import litert_torch

    litert_torch.convert(net.eval(), (given,), dynamic_shapes=dynamic and (dynamic,)).export(str(path))
    return path


def pte(path: Path, net: nn.Module, given: Tensor, dynamic: Any = None) -> Path:
    from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
    from executorch.exir import to_edge_transform_and_lower

    exported = torch.export.export(net.eval(), (given,), dynamic_shapes=dynamic and (dynamic,))
    lowered = to_edge_transform_and_lower(exported, partitioner=[XnnpackPartitioner()])
    path.write_bytes(lowered.to_executorch().buffer)
    return path


def mlpackage(path: Path, shape: Any) -> Path:
    """`shape` is coremltools' own: sizes and ranges, or a list of shapes."""
    import coremltools

    traced = torch.jit.trace(Classifier().eval(), example())
    given = coremltools.TensorType(name="image", shape=shape)
    made = coremltools.convert(traced, inputs=[given], compute_precision=coremltools.precision.FLOAT32)
    made.save(str(path))
    return path


def int8_pte(path: Path) -> Path:
    """Static int8 with int8 at both ends, whose scales ExecuTorch's own passes leave in methods of the program."""
    from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
    from executorch.backends.xnnpack.quantizer.xnnpack_quantizer import (
        XNNPACKQuantizer,
        get_symmetric_quantization_config,
    )
    from executorch.exir import EdgeCompileConfig, to_edge
    from executorch.exir.passes.quantize_io_pass import QuantizeInputs, QuantizeOutputs
    from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e

    net, given = Shipped(takes=None).eval(), example()
    prepared = prepare_pt2e(
        torch.export.export(net, (given,)).module(),
        XNNPACKQuantizer().set_global(get_symmetric_quantization_config(is_per_channel=True)),
    )
    for picture in normalised():
        prepared(picture)
    edge = to_edge(
        torch.export.export(convert_pt2e(prepared), (given,)),
        compile_config=EdgeCompileConfig(_check_ir_validity=False),
    )
    edge = edge.transform([QuantizeInputs(edge, [0]), QuantizeOutputs(edge, [0])])
    path.write_bytes(edge.to_backend(XnnpackPartitioner()).to_executorch().buffer)
    return path


def normalised() -> list[Tensor]:
    """The pictures [1,3,H,W] as the bare classifier takes them."""
    mean, std = (np.array(values, np.float32)[:, None, None] for values in (SPEC.mean, SPEC.std))
    return [torch.from_numpy((to_planar(picture) - mean) / std)[None] for picture in pictures()]


def int8_tflite(path: Path, source: Path) -> Path:
    """ai-edge-quantizer's static recipe: int8 in and out; `source` takes pixels in [0,1] as NHWC."""
    from ai_edge_quantizer import quantizer, recipe

    tool = quantizer.Quantizer(str(source))
    tool.load_quantization_recipe(recipe.static_wi8_ai8())
    given = [{"args_0": picture[None].astype(np.float32) / 255} for picture in pictures()]
    each = [tool.calibrate({"serving_default": [one]}) for one in given]  # several at once would be averaged
    ends = {"min": np.minimum, "max": np.maximum}
    ranges = {
        name: {end: pick.reduce([one[name][end] for one in each]) for end, pick in ends.items()} for name in each[0]
    }
    tool.quantize(ranges).export_model(str(path), overwrite=True)
    return path


def edited(path: Path, source: Path, edit: Edit) -> Path:
    """`edit` changes the object of the flatbuffer's schema."""
    from ai_edge_litert.tools import flatbuffer_utils

    model = flatbuffer_utils.read_model(str(source))
    edit(model)
    flatbuffer_utils.write_model(model, str(path))
    return path


def with_uint8_input(model: Any) -> None:
    """Its int8 input becomes uint8, 128 higher, as older converters wrote it: a QUANTIZE op comes first."""
    from ai_edge_litert import schema_py_generated as schema

    graph = model.subgraphs[0]
    (inner,) = graph.inputs
    outer, number = schema.TensorT(), len(graph.tensors)
    stored, grid = graph.tensors[inner], schema.QuantizationParametersT()
    grid.scale, grid.zeroPoint = stored.quantization.scale, [zero + 128 for zero in stored.quantization.zeroPoint]
    outer.shape, outer.type, outer.name, outer.quantization = stored.shape, schema.TensorType.UINT8, b"uint8", grid
    outer.buffer, stored.name = 0, b"int8"
    graph.tensors.append(outer)
    code, op = schema.OperatorCodeT(), schema.OperatorT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.QUANTIZE
    code.version = 1
    model.operatorCodes.append(code)
    op.opcodeIndex, op.inputs, op.outputs = len(model.operatorCodes) - 1, [number], [inner]
    graph.operators.insert(0, op)
    graph.inputs = [number]
    for signature in model.signatureDefs:
        signature.inputs[0].tensorIndex = number


def with_open_sides(model: Any) -> None:
    """Stored as [1,1,1,3] with the signature [1,-1,-1,3], as converters from other frameworks write it."""
    graph = model.subgraphs[0]
    graph.tensors[graph.inputs[0]].shape = [1, 1, 1, 3]
