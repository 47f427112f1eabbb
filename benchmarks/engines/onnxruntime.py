"""ONNX Runtime: its CPU provider, with MLAS's kernels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engines.engine import Given, Loaded, Row

NAME, PACKAGE = "ONNX Runtime", "onnxruntime"
FORM = "tokens"
ROWS = (
    Row("fp32", "float32", "the ONNX graph as torch exports it", "fp32.onnx"),
    Row(
        "fp16", "float16", "onnxruntime.transformers' convert_float_to_float16 of the whole graph, float32 logits kept",
        "fp16.onnx",
    ),
    Row(
        "int8 QDQ", "int8", "quantize_static of products to S8S8, weights per channel, ranges of 128 training pictures",
        "qdq.onnx",
    ),
    Row("int8 dynamic", "int8", "quantize_dynamic with per-channel int8 weights", "dynamic.onnx"),
)  # fmt: skip
CALIBRATION = 128  # pictures


def make(row: Row, given: Given, path: Path) -> None:
    """See `Engine.make`."""
    MAKERS[row.file](given, path)


def _fp32(given: Given, path: Path) -> None:
    path.write_bytes(given.onnx(FORM).read_bytes())


def _fp16(given: Given, path: Path) -> None:
    import onnx
    from onnxruntime.transformers.float16 import convert_float_to_float16

    model = onnx.load(given.onnx(FORM))
    onnx.save(convert_float_to_float16(model, keep_io_types=True), path)


def _qdq(given: Given, path: Path) -> None:
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static

    quantize_static(
        _prepared(given, path),
        path,
        _Reader(given.calibration()[:CALIBRATION]),
        quant_format=QuantFormat.QDQ,
        op_types_to_quantize=["Conv", "MatMul", "Gemm"],  # with sums and Softmax too it is slower and less accurate
        per_channel=True,
        activation_type=QuantType.QInt8,
        weight_type=QuantType.QInt8,
        calibrate_method=CalibrationMethod.MinMax,
    )


def _dynamic(given: Given, path: Path) -> None:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    quantize_dynamic(_prepared(given, path), path, per_channel=True, weight_type=QuantType.QInt8)


MAKERS = {"fp32.onnx": _fp32, "fp16.onnx": _fp16, "qdq.onnx": _qdq, "dynamic.onnx": _dynamic}


def _prepared(given: Given, path: Path) -> Path:
    """The graph after the pre-processing that the quantizer's documentation asks for."""
    from onnxruntime.quantization.shape_inference import quant_pre_process

    prepared = path.with_name("prepared.onnx")
    quant_pre_process(given.onnx(FORM), prepared, skip_symbolic_shape=True)
    return prepared


class _Reader:
    """Calibration pictures, as the quantizer asks for them."""

    def __init__(self, pictures: NDArray[np.float32]) -> None:
        self._pictures: Iterator[NDArray[np.float32]] = iter(pictures[:, None])

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        picture = next(self._pictures, None)
        return None if picture is None else {"image": picture}


def load(path: str, options: Mapping[str, Any]) -> Loaded:
    """See `Engine.load`; there are no options."""
    import onnxruntime

    del options
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = settings.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, settings, providers=["CPUExecutionProvider"])
    found: dict[str, Any] = {}
    (source,) = (one.name for one in session.get_inputs())

    def run() -> None:
        found["logits"] = session.run(None, {source: found["image"]})[0]

    return Loaded(lambda picture: found.update(image=picture), run, lambda: found["logits"])
