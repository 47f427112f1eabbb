"""`prepare.c` gives the bytes of `preprocess` and `adapted`, for every size, mode, filter, layout and type."""

from __future__ import annotations

import random
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from support.arm64s import RUNS_HERE
from support.preparations import (
    STRICT,
    Library,
    compiled,
    drawn_input,
    drawn_pixels,
    drawn_spec,
    expected,
    noise,
    source,
)

from levit_mobile.contract import Quantization
from levit_mobile.device.preparing import words
from levit_mobile.images.spec import INTERPOLATIONS, MODES, ImageSpec

MAIN = str(Path(__file__).parents[1] / "support" / "prepare_main.c")
SANITIZERS = ("-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
# Spelled out so that the source itself must forbid fused products and sums, whatever the build asks for.
ARM64_BUILD = ("-static", "-std=gnu11", "-O3", "-ffp-contract=fast")
SMALL = ImageSpec(height=40, width=40, crop_height=32, crop_width=32)
GOOD = (
    "resize=shortest:40 crop=32 rounding=half-even interpolation=bicubic layout=NHWC dtype=int8 range=0:1 "
    "scale=0.0039 zero_point=-128"
)


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    """Compiled without a warning."""
    return Library(compiled(tmp_path_factory.mktemp("prepare") / "prepare.so", *STRICT, "-shared", "-fPIC"))


# Bytes


@pytest.mark.parametrize(
    ("height", "width"),
    [
        (1, 1), (1, 2), (2, 1), (3, 5), (32, 32), (40, 40), (41, 39), (31, 33), (480, 640), (641, 479), (97, 1024),
        (1, 64), (64, 1), (1, 65), (65, 1), (2, 129), (1, 3000), (3000, 1), (3, 2999), (20000, 1), (7, 2048),
    ],
)  # fmt: skip
@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
@pytest.mark.parametrize("mode", MODES)
def test_every_size_is_resized_as_pillow_resizes(
    library: Library, mode: str, interpolation: str, height: int, width: int
) -> None:
    spec = ImageSpec(mode, 40, 40, 32, 32, interpolation)
    pixels = noise(height, width, contrast=height % 2 == 0)
    assert library.tensor(words(spec, source(spec)), pixels) == expected(pixels, spec, source(spec))


@pytest.mark.parametrize("spec", [ImageSpec(), ImageSpec.for_side(288), ImageSpec.for_size(192, 320)])
@pytest.mark.parametrize(("height", "width"), [(480, 640), (1080, 1920), (100, 75), (224, 224)])
def test_the_papers_preparation_of_common_sizes(library: Library, spec: ImageSpec, height: int, width: int) -> None:
    pixels = noise(height, width)
    assert library.tensor(words(spec, source(spec)), pixels) == expected(pixels, spec, source(spec))


@pytest.mark.parametrize("seed", range(8))
def test_any_picture_any_preparation_and_any_input(library: Library, seed: int) -> None:
    draw = random.Random(seed)
    for _ in range(50):
        spec, pixels = drawn_spec(draw), drawn_pixels(draw)
        to = drawn_input(draw, spec)
        assert library.tensor(words(spec, to), pixels) == expected(pixels, spec, to), (spec, to, pixels.shape)


@pytest.mark.parametrize("rounding", ["half even", "down"])
@pytest.mark.parametrize("crop", [29, 30, 31, 32, 41, 47])
@pytest.mark.parametrize("edge", [40, 41])
def test_the_crop_begins_where_the_spec_rounds(library: Library, edge: int, crop: int, rounding: str) -> None:
    spec = ImageSpec("none", 1, 1, crop, crop, crop_rounding=rounding)
    pixels = noise(edge, edge + 3)
    assert library.tensor(words(spec, source(spec)), pixels) == expected(pixels, spec, source(spec))


@pytest.mark.parametrize("scale", [1 / 255, 0.003921569, 0.0078, 0.01865845, 1.0])
@pytest.mark.parametrize(("low", "high", "zero_point"), [(0.0, 1.0, -128), (0.0, 0.5, 0), (-0.25, 0.25, 3)])
def test_integers_are_rounded_as_numpy_rounds(
    library: Library, low: float, high: float, zero_point: int, scale: float
) -> None:
    to = source(SMALL, dtype="int8", range=(low, high), quantization=Quantization(scale=scale, zero_point=zero_point))
    pixels = noise(50, 60)
    assert library.tensor(words(SMALL, to), pixels) == expected(pixels, SMALL, to)


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (0.0, 65535.0), (-70000.0, 0.1), (0.0, 6e-5), (-1e-7, 1e-7)])
def test_half_precision_is_rounded_as_numpy_rounds(library: Library, low: float, high: float) -> None:
    to = source(SMALL, dtype="float16", range=(low, high))
    pixels = noise(50, 60)
    with np.errstate(over="ignore"):
        assert library.tensor(words(SMALL, to), pixels) == expected(pixels, SMALL, to)


@pytest.mark.parametrize(("dtype", "low", "high"), [("int8", -128, 127), ("uint8", 0, 255)])
@pytest.mark.parametrize("zero_point", [-128, 0, 100])
def test_integers_stop_at_the_ends_of_their_range(
    library: Library, dtype: str, low: int, high: int, zero_point: int
) -> None:
    spec = ImageSpec("none", 1, 1, 16, 16)
    line = words(spec, source(spec)).replace("dtype=float32 range=0.0:1.0", f"dtype={dtype} range=-1:1")
    pixels = np.arange(256 * 3, dtype=np.uint8).reshape(16, 16, 3)
    real = pixels.astype(np.float32) / np.float32(255) * np.float32(2) - np.float32(1)
    levels = np.clip(np.rint(real / np.float32(0.01)) + zero_point, low, high).astype(dtype)
    assert library.tensor(f"{line} scale=0.01 zero_point={zero_point}", pixels) == levels.tobytes()


# Sizes


@pytest.mark.parametrize(("dtype", "size"), [("float32", 4), ("float16", 2), ("image", 4)])
def test_the_tensor_has_the_inputs_size(library: Library, dtype: str, size: int) -> None:
    spec = ImageSpec.for_size(192, 320)
    assert library.sizes(words(spec, source(spec, dtype=dtype)), 640, 480)[0] == 192 * 320 * 3 * size


def test_scratch_memory_holds_the_needed_rows_only(library: Library) -> None:
    """A photograph of 12 million pixels takes a few MB, and an elongated one is not resized whole."""
    line = words(ImageSpec(), source(ImageSpec()))
    assert 2_000_000 < library.sizes(line, 4000, 3000)[1] < 4_000_000
    assert library.sizes(line, 1, 1_000_000)[1] < 1_000_000


@pytest.mark.parametrize(("width", "height"), [(0, 5), (5, 0), (-1, 5), (5, 2**24 + 1)])
def test_a_size_that_no_picture_has_takes_no_scratch_memory_and_is_refused(
    library: Library, width: int, height: int
) -> None:
    parsed, _ = library.parse(GOOD)
    assert library.sizes(GOOD, width, height)[1] == 0
    assert library._opened().prepare_run(parsed, None, width, height, None, None) == -1


# Words


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        ("resize=shortest:40", "resize=longest:40", "resize=longest:40 cannot be read"),
        ("resize=shortest:40", "resize=squash:", "resize=squash: cannot be read"),
        ("resize=shortest:40", "resize=squash:0x4", "resize=squash:0x4 cannot be read"),
        ("crop=32", "crop=32x", "crop=32x cannot be read"),
        ("crop=32", "crop=-3", "crop=-3 cannot be read"),
        ("crop=32", "crop=999999", "crop=999999 cannot be read"),
        ("rounding=half-even", "rounding=up", "expected half-even or down"),
        ("bicubic", "lanczos", "expected bicubic or bilinear"),
        ("NHWC", "HWC", "expected NCHW or NHWC"),
        ("int8", "int16", "expected float32, float16, int8 or uint8"),
        ("range=0:1", "range=0", "expected LOW:HIGH"),
        ("range=0:1", "range=0:inf", "expected LOW:HIGH"),
        ("scale=0.0039", "scale=0", "expected a finite number above 0"),
        ("scale=0.0039", "scale=nan", "expected a finite number above 0"),
        ("zero_point=-128", "zero_point=1.5", "expected an integer"),
        ("crop=32", "crop=32 crop=32", "crop is given twice"),
        ("crop=32", "crop", "crop is not a word of a preparation"),
        ("crop=32", "antialias=1", "antialias is not a word of a preparation"),
        ("crop=32 ", "", "crop is not given"),
        (" zero_point=-128", "", "zero_point is not given"),
        ("int8", "float32", "scale is for int8 and uint8 only"),
        ("crop=32", "crop=" + "3" * 200, "is too long"),
    ],
)
def test_wrong_words_give_one_sentence(library: Library, old: str, new: str, error: str) -> None:
    assert library.parse(GOOD)[1] == ""
    assert error in library.parse(GOOD.replace(old, new))[1]


def test_words_may_come_in_any_order(library: Library) -> None:
    pixels = noise(50, 60)
    turned = "  ".join(reversed(GOOD.split()))
    assert library.tensor(f" {turned} ", pixels) == library.tensor(GOOD, pixels)


# Other builds


def _same_as_here(command: list[str], seed: int, cases: int) -> None:
    draw = random.Random(seed)
    for _ in range(cases):
        spec, pixels = drawn_spec(draw), drawn_pixels(draw, 200)
        to = drawn_input(draw, spec)
        height, width = pixels.shape[:2]
        order = [*command, words(spec, to), str(width), str(height)]
        done = subprocess.run(order, input=pixels.tobytes(), capture_output=True, check=False)
        assert (done.returncode, done.stderr) == (0, b"")
        assert done.stdout == expected(pixels, spec, to), (spec, to, pixels.shape)


@pytest.mark.slow
def test_the_sanitizers_of_gcc_find_nothing(tmp_path: Path) -> None:
    program = compiled(tmp_path / "sanitized", *SANITIZERS, MAIN)
    _same_as_here([str(program)], seed=20, cases=20)


@pytest.mark.slow
@RUNS_HERE
def test_arm64_gives_the_same_bytes_although_it_could_fuse_products_and_sums(tmp_path: Path) -> None:
    program = compiled(tmp_path / "arm64", *ARM64_BUILD, MAIN, compiler="aarch64-linux-gnu-gcc")
    assert shutil.which("qemu-aarch64")
    _same_as_here(["qemu-aarch64", str(program)], seed=30, cases=12)
