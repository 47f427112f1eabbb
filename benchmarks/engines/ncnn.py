"""ncnn: Tencent's runtime for phones. pnnx writes its files, and `ncnn_int8` its int8: those tools are in no wheel."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engines import ncnn_int8
from engines.engine import Given, Loaded, Row
from engines.ncnn_int8 import Layer

NAME, PACKAGE = "ncnn", "ncnn"
FORM = "channels"  # convolutions have int8 kernels with measured ranges
IN_FLOAT32 = {"fp16": False}
ROWS = (
    Row("fp32", "float32", "pnnx; half precision switched off", "float.param", IN_FLOAT32),
    Row("fp16", "float16", "pnnx; the default options, which compute in float16 where the core can", "float.param"),
    Row(
        "int8", "int8", "static int8 convolutions, ranges of least squared error on 128 training pictures; float16 "
        "where the core can", "int8.param",
    ),
    Row("int8 KL", "int8", "the same with ncnn2table's own method \"kl\"", "kl.param"),
)  # fmt: skip
CALIBRATION = 128  # pictures
Clip = Callable[[NDArray[np.int64], float], float]  # histogram and largest |x| -> where to clip
SOURCE, RESULT = "in0", "out0"


def make(row: Row, given: Given, path: Path) -> None:
    """See `Engine.make`; the weights lie beside a `.param` under the same name."""
    if row.file == "float.param":
        _float(given, path)
        return
    param, weights = path.with_name("float.param"), path.with_name("float.bin")
    if not param.exists():
        _float(given, param)
    layers = ncnn_int8.read(param.read_text(), weights.read_bytes())
    clip = ncnn_int8.threshold if row.file == "kl.param" else ncnn_int8.least_error
    scales = dict(_scales(param, layers, given.calibration()[:CALIBRATION], clip))
    path.with_suffix(".table").write_text(ncnn_int8.table(layers, scales))
    text, content = ncnn_int8.quantized(param.read_text(), layers, scales)
    path.with_suffix(".bin").write_bytes(content)
    path.write_text(text)


def _float(given: Given, path: Path) -> None:
    import pnnx

    work = path.with_name("pnnx")
    work.mkdir(exist_ok=True)
    model = Path(shutil.copy(given.torchscript(FORM), work))
    program = Path(pnnx.__file__).with_name("pnnx")
    subprocess.run([program, model, "inputshape=[1,3,224,224]", "fp16=0"], cwd=work, check=True)
    shutil.copy(work / f"{FORM}.ncnn.bin", path.with_suffix(".bin"))
    shutil.copy(work / f"{FORM}.ncnn.param", path)


def _scales(
    param: Path, layers: tuple[Layer, ...], pictures: NDArray[np.float32], clip: Clip
) -> Iterator[tuple[str, float]]:
    """Name of each convolution -> the scale of its input; two passes over the pictures, as ncnn2table makes."""
    net = _net(param, fp16=False)
    blobs = {layer.name: layer.bottoms[0] for layer in ncnn_int8.convolutions(layers)}
    largest = dict.fromkeys(blobs, 0.0)
    for name, values in _values(net, blobs, pictures):
        largest[name] = max(largest[name], float(np.abs(values).max()))
    counts = {name: np.zeros(ncnn_int8.BINS, np.int64) for name in blobs}
    for name, values in _values(net, blobs, pictures):
        counts[name] += ncnn_int8.histogram(values, largest[name])
    for name in blobs:
        yield name, 127 / clip(counts[name], largest[name])


def _values(
    net: Any, blobs: Mapping[str, str], pictures: NDArray[np.float32]
) -> Iterator[tuple[str, NDArray[np.float32]]]:
    import ncnn

    for picture in pictures:
        extractor = net.create_extractor()
        extractor.input(SOURCE, ncnn.Mat(picture))
        for name, blob in blobs.items():
            _, found = extractor.extract(blob)
            yield name, np.array(found)


def _net(param: Path, *, fp16: bool) -> Any:
    import ncnn

    net = ncnn.Net()
    net.opt.num_threads = 1
    net.opt.use_vulkan_compute = False
    if not fp16:
        net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = False
    if net.load_param(str(param)) or net.load_model(str(param.with_suffix(".bin"))):
        raise RuntimeError(f"ncnn cannot load {param.name} or its weights")
    return net


def load(path: str, options: Mapping[str, Any]) -> Loaded:
    """See `Engine.load`; `fp16` switches float16 off where it is false."""
    import ncnn

    net = _net(Path(path), fp16=options.get("fp16", True))
    found: dict[str, Any] = {}

    def run() -> None:
        extractor = net.create_extractor()
        extractor.input(SOURCE, found["image"])
        status, found["logits"] = extractor.extract(RESULT)
        if status:
            raise RuntimeError(f"ncnn's extract ended with status {status}")

    def put(picture: NDArray[np.float32]) -> None:
        found["image"] = ncnn.Mat(np.ascontiguousarray(picture[0])).clone()

    return Loaded(put, run, lambda: np.array(found["logits"]))
