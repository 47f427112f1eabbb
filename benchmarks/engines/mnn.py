"""MNN: Alibaba's runtime for phones.

`MNN.tools` is never imported: it runs pip, and its commands send usage logs. `_tools` holds what they call.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engines.engine import Given, Loaded, Row, Unavailable

NAME, PACKAGE = "MNN", "mnn"
FORM = "channels"
# Numbers of MNN's BackendConfig: precision 0 normal, 1 high, 2 low; memory 0 normal, 2 low. The runtime manager takes
# the words for precision, and ignores "low" for memory without a word.
HIGH, LOW, LOW_MEMORY = {"precision": "high"}, {"precision": "low"}, 2
ROWS = (
    Row("fp32", "float32", "mnnconvert; precision high", "float.mnn", HIGH),
    Row("fp16", "float16", "mnnconvert; precision low, which is float16 where the core can", "float.mnn", LOW),
    Row(
        "int8 dynamic", "int8", "8-bit weights per channel, inputs quantized at run time; precision and memory low",
        "weights.mnn", {**LOW, "memory": LOW_MEMORY},
    ),
    Row("int8 static", "int8", "mnnquant with EMA ranges of 128 training pictures; precision low", "static.mnn", LOW),
)  # fmt: skip
CALIBRATION = 128  # pictures
WEIGHT_BITS = ["--weightQuantBits", "8", "--weightQuantAsymmetric"]


def make(row: Row, given: Given, path: Path) -> None:
    """See `Engine.make`."""
    if row.file == "static.mnn":
        source = path.with_name("float.mnn")
        if not source.exists():
            _convert(given, source)
        _quantize(source, given, path)
    else:
        _convert(given, path, *(WEIGHT_BITS if row.file == "weights.mnn" else []))


def _convert(given: Given, path: Path, *words: str) -> None:
    import _tools

    model = ["-f", "ONNX", "--modelFile", str(given.onnx(FORM)), "--MNNModel", str(path), "--bizCode", "none"]
    _tools.mnnconvert(["mnnconvert", *model, *words])
    if not path.exists():
        raise Unavailable("mnnconvert ended without a file")


def _quantize(source: Path, given: Given, path: Path) -> None:
    import _tools
    from PIL import Image

    pictures = path.with_name("pictures")
    pictures.mkdir(exist_ok=True)
    for index, picture in enumerate(given.calibration()[:CALIBRATION]):
        pixels = np.rint(picture.transpose(1, 2, 0) * 255).astype(np.uint8)
        Image.fromarray(pixels).save(pictures / f"{index:04}.png")
    settings = path.with_suffix(".json")
    settings.write_text(json.dumps(quantization(pictures, pixels.shape[0], pixels.shape[1])))
    _tools.mnnquant(["mnnquant", str(source), str(path), str(settings)])  # one list, or it aborts
    if not path.exists():
        raise Unavailable("mnnquant ended without a file")


def quantization(pictures: Path, height: int, width: int) -> dict[str, Any]:
    """What mnnquant is told: pixels x -> (x - mean) * normal, here 0..255 -> [0,1]."""
    return {
        "format": "RGB",
        "mean": [0.0, 0.0, 0.0],
        "normal": [1 / 255, 1 / 255, 1 / 255],
        "width": width,
        "height": height,
        "path": f"{pictures}/",
        "used_image_num": CALIBRATION,
        "feature_quantize_method": "EMA",  # "KL" keeps 4 dB of this net, and "ADMM" ends without a file
        "batch_size": 1,  # the graph has room for one picture
        "weight_quantize_method": "MAX_ABS",
    }


def load(path: str, options: Mapping[str, Any]) -> Loaded:
    """See `Engine.load`; the options are those of MNN's runtime manager."""
    import MNN

    manager = MNN.nn.create_runtime_manager(({"backend": "CPU", "numThread": 1, **options},))
    net = MNN.nn.load_module_from_file(path, ["image"], ["logits"], runtime_manager=manager)
    found: dict[str, Any] = {}

    def put(picture: NDArray[np.float32]) -> None:
        image = MNN.expr.placeholder(list(picture.shape), MNN.expr.NCHW)
        image.write(np.ascontiguousarray(picture))
        found["image"] = image

    def run() -> None:
        found["logits"] = net.forward([found["image"]])[0]
        found["array"] = found["logits"].read()

    return Loaded(put, run, lambda: np.array(found["array"]))
