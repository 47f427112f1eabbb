"""OpenVINO: Intel's runtime, whose CPU plugin runs on ARM64 through oneDNN and the Arm Compute Library."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engines.engine import Given, Loaded, Row

NAME, PACKAGE = "OpenVINO", "openvino"
FORM = "tokens"  # on ARM64 its int8 has sdot for matrix products, and none for 1x1 convolutions
ROWS = (
    Row("fp32", "float32", "the ONNX graph; inference precision f32", "float.xml", {"precision": "f32"}),
    Row("fp16", "float16", "the ONNX graph; inference precision f16", "float.xml", {"precision": "f16"}),
    Row(
        "int8", "int8", "NNCF's quantize of the token form, 300 training pictures; float parts in f16 on ARM64",
        "int8.xml", {"precision": "f32", "arm64_precision": "f16"},
    ),
)  # fmt: skip
CALIBRATION = 300  # pictures, NNCF's own default


def make(row: Row, given: Given, path: Path) -> None:
    """See `Engine.make`; the weights lie beside an `.xml` under the same name."""
    import openvino

    model = openvino.convert_model(str(given.onnx(FORM)))
    if row.file == "int8.xml":
        model = _quantized(model, given)
    openvino.save_model(model, str(path), compress_to_fp16=False)


def _quantized(model: Any, given: Given) -> Any:
    import nncf

    pictures = nncf.Dataset(list(given.calibration()[:CALIBRATION, None]))
    return nncf.quantize(model, pictures, subset_size=CALIBRATION)


def load(path: str, options: Mapping[str, Any]) -> Loaded:
    """See `Engine.load`; `precision` is the hint for inference, and `arm64_precision` another one there.

    On x86-64 an int8 file with the hint f16 takes seconds: its float parts run in reference kernels.
    """
    import openvino

    on_arm64 = platform.machine() == "aarch64"
    precision = options.get("arm64_precision", options["precision"]) if on_arm64 else options["precision"]
    settings = {
        "INFERENCE_NUM_THREADS": 1,
        "NUM_STREAMS": 1,
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": precision,
        "ENABLE_CPU_PINNING": False,
    }
    core = openvino.Core()
    request = core.compile_model(core.read_model(path), "CPU", settings).create_infer_request()

    def put(picture: NDArray[np.float32]) -> None:
        request.set_input_tensor(openvino.Tensor(np.ascontiguousarray(picture)))

    return Loaded(put, request.infer, lambda: np.array(request.get_output_tensor().data))
