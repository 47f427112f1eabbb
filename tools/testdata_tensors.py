"""Inputs and outputs of artifacts for testdata/: pixels with their tensors, stored outputs with their logits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from testdata_base import as_json, drawn, named

from levit_mobile.contract import Input, Output
from levit_mobile.images.preprocessing import to_planar
from levit_mobile.runners.adapters import adapted, as_logits, in_memory


def scaled(dtype: str, scale: float, zero_point: int) -> dict[str, Any]:
    return {"dtype": dtype, "quantization": {"scale": scale, "zero_point": zero_point}}


TENSORS: dict[str, dict[str, Any]] = {
    "nchw-float32": {},
    "nhwc-float32": {"layout": "NHWC"},
    "nchw-float32-channels-last": {"memory_order": "channels last"},
    "nchw-float32-minus-1-to-1": {"range": [-1.0, 1.0]},
    "nhwc-float32-0-to-255": {"layout": "NHWC", "range": [0.0, 255.0]},
    "nchw-float16": {"dtype": "float16"},
    "nhwc-float16": {"layout": "NHWC", "dtype": "float16", "range": [-2.1, 2.6]},
    "nhwc-int8": {"layout": "NHWC", **scaled("int8", 1 / 255, -128)},
    "nchw-int8": scaled("int8", 0.0123, -81),
    "nhwc-int8-minus-1-to-1": {"layout": "NHWC", "range": [-1.0, 1.0], **scaled("int8", 2 / 255, 0)},
    "nhwc-uint8": {"layout": "NHWC", **scaled("uint8", 1 / 255, 0)},
    "nchw-uint8": {"range": [-1.0, 1.0], **scaled("uint8", 2 / 255, 127)},
}
LEVELS = np.concatenate([np.arange(256), drawn(1, 14 * 19 * 3 - 256)]).astype(np.uint8).reshape(14, 19, 3)


def tensor_input(name: str) -> dict[str, Any]:
    """A contract's `input`; uint8 stands for artifacts that levit-mobile did not make."""
    stated = {"name": "image", "layout": "NCHW", "dtype": "float32", "range": [0.0, 1.0], "color_order": "RGB"}
    stated |= {"memory_order": "contiguous", "quantization": None} | TENSORS[name]
    return stated | {"shape": [1, 3, 14, 19] if stated["layout"] == "NCHW" else [1, 14, 19, 3]}


def tensor(name: str) -> NDArray[np.generic]:
    """The values in their order in memory."""
    stated = tensor_input(name)
    unsigned = stated["dtype"] == "uint8"
    made = adapted(to_planar(LEVELS), Input.model_validate(stated | ({"dtype": "float32"} if unsigned else {})))
    values = made.astype(np.uint8) if unsigned else made
    last = stated["memory_order"] == "channels last"
    return in_memory(values, (0, 2, 3, 1)).transpose(0, 2, 3, 1) if last else values


def tensor_files() -> Iterator[tuple[str, bytes]]:
    """The index, the pixels and the expected tensors, little-endian."""
    yield "tensors/pixels.rgb8", LEVELS.tobytes()
    index = []
    for name in TENSORS:
        expected = tensor(name).tobytes()
        index.append({"name": name, "input": tensor_input(name)} | named(f"tensors/{name}.bin", expected))
        yield f"tensors/{name}.bin", expected
    yield "tensors.json", as_json({"pixels_file": "tensors/pixels.rgb8", "height": 14, "width": 19, "tensors": index})


OUTPUTS: dict[str, dict[str, Any]] = {
    "float32": {"dtype": "float32"},
    "float16": {"dtype": "float16"},
    "int8": scaled("int8", 0.0731, -17),
    "int8-around-0": scaled("int8", 0.25, 0),
}
STORED = np.array([-7.25, 0.0, 3.140625, 1e-6, 126.99, -126.5], np.float32)


def output_files() -> Iterator[tuple[str, bytes]]:
    """The index and what a runtime would hand over, little-endian."""
    index = []
    for name, stated in OUTPUTS.items():
        output = {"shape": [1, len(STORED)], "quantization": None} | stated
        stored = STORED[None].astype(output["dtype"])
        result = Output.model_validate({"name": "logits", "labels_sha256": "0" * 64} | output)
        index.append(
            {"name": name, "output": output, "stored_file": f"outputs/{name}.bin"}
            | {"logits": [float(value) for value in as_logits(stored, result)[0]]}
        )
        yield f"outputs/{name}.bin", stored.tobytes()
    yield "outputs.json", as_json(index)
