"""`arm64/guest/prepare.c`, compiled and called: in this process, with sanitizers, and for ARM64 in the emulator."""

from __future__ import annotations

import ctypes
import os
import random
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from levit_mobile.arm64.folder import GUEST
from levit_mobile.contract import Input, Quantization
from levit_mobile.images.preprocessing import Pixels, preprocess, to_planar
from levit_mobile.images.spec import CROP_ROUNDINGS, INTERPOLATIONS, MODES, ImageSpec
from levit_mobile.runners.adapters import adapted
from levit_mobile.timing.jobs import CHANNELS_LAST

STRUCT_BYTES, ERROR_BYTES = 4096, 200  # more than `struct prepare` takes
STRICT = ("-std=c11", "-O2", "-Wall", "-Wextra", "-Wconversion", "-Wpedantic", "-Werror")


def compiled(out: Path, *options: str, compiler: str = "gcc") -> Path:
    """`prepare.c` as a library or a program. Skips without the compiler, but never in CI."""
    if shutil.which(compiler) is None and "CI" not in os.environ:
        pytest.skip(f"NOT RUN: {compiler} is not installed")
    subprocess.run([compiler, *options, f"-I{GUEST}", "-o", out, GUEST / "prepare.c", "-lm"], check=True)
    return out


@dataclass(frozen=True, slots=True)
class Library:
    """`prepare.c` as a shared library."""

    path: Path

    def parse(self, words: str) -> tuple[ctypes.Array[ctypes.c_char], str]:
        """The parsed words, and the error; "" for none."""
        parsed, error = ctypes.create_string_buffer(STRUCT_BYTES), ctypes.create_string_buffer(ERROR_BYTES)
        failed = self._opened().prepare_parse(words.encode(), parsed, error, ERROR_BYTES)
        assert failed == (-1 if error.value else 0)
        return parsed, error.value.decode()

    def sizes(self, words: str, width: int, height: int) -> tuple[int, int]:
        """Bytes of the tensor and of the scratch memory."""
        parsed, _ = self.parse(words)
        library = self._opened()
        return library.prepare_bytes(parsed), library.prepare_scratch_bytes(parsed, width, height)

    def tensor(self, words: str, pixels: Pixels) -> bytes:
        """The tensor of a picture [H,W,3]."""
        parsed, error = self.parse(words)
        assert error == ""
        height, width = pixels.shape[:2]
        size, scratch_size = self.sizes(words, width, height)
        made, scratch = ctypes.create_string_buffer(size), ctypes.create_string_buffer(scratch_size)
        rgb = np.ascontiguousarray(pixels).ctypes.data_as(ctypes.c_void_p)
        assert self._opened().prepare_run(parsed, rgb, width, height, made, scratch) == 0
        return made.raw

    def _opened(self) -> ctypes.CDLL:
        library = ctypes.CDLL(str(self.path))
        library.prepare_bytes.restype = library.prepare_scratch_bytes.restype = ctypes.c_size_t
        return library


def expected(pixels: Pixels, spec: ImageSpec, to: Input) -> bytes:
    """What Python makes of the same picture."""
    return tensor_bytes(to_planar(preprocess(Image.fromarray(pixels), spec)), to)


def tensor_bytes(image: NDArray[np.float32], to: Input) -> bytes:
    """One image [3,H,W] in [0,1] as the bytes of an artifact's input tensor, in the order of its memory."""
    values = adapted(image, to)
    return (values.transpose(CHANNELS_LAST) if to.memory_order == "channels last" else values).tobytes()


def source(spec: ImageSpec, **changes: object) -> Input:
    """A float32 NHWC input for what a spec crops."""
    shape = (1, spec.crop_height, spec.crop_width, 3)
    if changes.get("layout") == "NCHW":
        shape = (1, 3, spec.crop_height, spec.crop_width)
    fields = {"name": "image", "shape": shape, "layout": "NHWC", "dtype": "float32", "range": (0.0, 1.0), **changes}
    return Input.model_validate(fields)


def drawn_spec(draw: random.Random) -> ImageSpec:
    """Any preparation: every mode, filter and rounding, crops that are smaller and larger than what is resized."""
    height, width, crop_height, crop_width = (draw.choice([1, 2, 7, 32, 33, draw.randint(1, 96)]) for _ in range(4))
    if draw.random() < 0.4:
        width = height
    return ImageSpec(
        draw.choice(MODES),
        height,
        width,
        crop_height,
        crop_width,
        draw.choice(INTERPOLATIONS),
        crop_rounding=draw.choice(CROP_ROUNDINGS),
    )


def drawn_input(draw: random.Random, spec: ImageSpec) -> Input:
    """Any input of a contract; the levels of some integers end beyond their range."""
    layout, order = draw.choice([("NHWC", "contiguous"), ("NCHW", "contiguous"), ("NCHW", "channels last")])
    low, high = draw.choice([(0.0, 1.0), (-1.0, 1.0), (0.0, 255.0), (-2.1, 2.64), (draw.random(), 1 + draw.random())])
    dtype = draw.choice(["float32", "float16", "int8", "image"])
    scale = (high - low) / draw.randint(100, 300)
    quantization = Quantization(scale=scale, zero_point=draw.randint(-160, 20)) if dtype == "int8" else None
    form = {"layout": layout, "memory_order": order, "dtype": dtype, "range": (low, high)}
    return source(spec, **form, quantization=quantization)


def drawn_pixels(draw: random.Random, longest: int = 400) -> Pixels:
    """Noise, or black and white, of any size and shape; one in five is very elongated."""
    edges = [round(longest ** draw.random()) for _ in range(2)]
    if draw.random() < 0.2:
        edges = [draw.randint(1, 3), draw.randint(200, 8 * longest)]
        draw.shuffle(edges)
    return noise(*edges, seed=draw.randrange(2**32), contrast=draw.random() < 0.3)


def noise(height: int, width: int, *, seed: int = 0, contrast: bool = False) -> Pixels:
    """Noise [H,W,3]; with `contrast` it is black and white, which overshoots most."""
    levels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return np.where(levels > 127, np.uint8(255), np.uint8(0)) if contrast else levels
