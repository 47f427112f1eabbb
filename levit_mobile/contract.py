"""What an app must know of an artifact, and the bundle on disk: one folder an artifact.

`convert` writes a contract once; Python, Kotlin and Swift read it and hold no constants of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from levit_mobile.errors import BundleError
from levit_mobile.recipe import Recipe, Tolerance, Verdict, recipe
from levit_mobile.system.files import Sha256, model_json, read_json

SCHEMA_VERSION: Literal[2] = 2
READABLE = "1 or 2"  # schema versions; a contract of schema 1 is read as what it stands for in schema 2
CONTRACT_FILE, LABELS_FILE, PARITY_FILE, GOLDEN_FOLDER = "contract.json", "labels.txt", "parity.json", "golden"
PLAN_FILE = "plan.json"
MOST_GOLDEN = 1000  # entries; `convert` writes 4
Arithmetic = Literal["fp32", "fp16 where the core has it", "fp16"]
TensorType = Literal["float32", "float16", "int8"]
Colour = tuple[float, float, float]  # one number each for red, green and blue

# What schema 1 left unsaid, because every LeViT that it could describe has it.
SCHEMA_1_FAMILY = "levit"
SCHEMA_1_PREPROCESSING: dict[str, Any] = {
    "mode": "short side",
    "crop_rounding": "half even",
    "mean": (0.485, 0.456, 0.406),
    "std": (0.229, 0.224, 0.225),
    "rescale": 1 / 255,
    "source": "schema 1",
}
SINCE_SCHEMA_2: dict[str, set[str]] = {
    "model": {"family", "sizes", "weights"},
    "artifact": {"arithmetic"},
    "input": {"memory_order"},
    "output": {"head", "labels_source"},
    "preprocessing": {"height", "width", "crop_height", "crop_width", *SCHEMA_1_PREPROCESSING},
}


class ContractPart(BaseModel):
    """Base of everything in a contract: frozen, and strict about names."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)


class Model(ContractPart):
    """The trained model. `macs` are multiply-accumulates of one picture, without norms, biases and activations."""

    family: str
    """Architecture that the model is of, such as `levit`."""
    variant: str
    """Which net of the family it is, such as `levit_128s`; the family's name for one without a name of its own."""
    sizes: dict[str, int | float | tuple[int, ...] | tuple[float, ...]] | None = None
    """Widths, depths, heads and so on, by the family's names for them; null in a contract of schema 1."""
    classes: int
    """Number of classes."""
    parameters: int
    """Number of trained parameters."""
    macs: int
    """Cost of one inference without norms, biases and activations. Unit: multiply-accumulates."""
    checkpoint_sha256: Sha256
    """SHA-256 of the bytes of the checkpoint's weight files, all shards in order."""
    checkpoint_format: str
    """Layout of the checkpoint's keys, such as `timm`."""
    weights: Literal["ema", "raw"] | None = None
    """Which weights were taken from a checkpoint that holds both averaged and raw ones; null for one that does not."""
    source: str
    """Where the checkpoint came from: a hub id, an official name, or the name of a file."""


class Artifact(ContractPart):
    """The file that a phone runs. `sha256` of a folder is `digest`'s; `toolchain` is distribution -> version."""

    file: str
    """Name of the artifact inside the bundle."""
    sha256: Sha256
    """SHA-256 of the file; for a folder, of the lines that `sha256sum` prints for its files, by path, without
    `.DS_Store` and `._*`."""
    bytes: int
    """Size of the file, or of all these files in the folder. Unit: bytes."""
    partitions: int | None
    """Number of delegate partitions; null where the device decides."""
    toolchain: dict[str, str]
    """Version of each package that made the artifact, by name."""
    minimum_ios: int | None = None
    """Oldest iOS that runs the artifact; null for targets other than Core ML."""
    arithmetic: Arithmetic | None = None
    """What a core computes the float parts in, where the artifact states it; null where it does not. A core without
    float16 refuses `fp16`."""


class Quantization(ContractPart):
    """real = (stored - zero_point) * scale."""

    scale: float
    """Real value of one integer step."""
    zero_point: int
    """Integer that stands for the real value 0."""


class Input(ContractPart):
    """One picture. `range` is what a black and a full pixel are in the graph's own input, for int8 as real values."""

    name: str
    """Name of the input in the artifact."""
    shape: tuple[int, int, int, int]
    """Size of each dimension, in the order of `layout`. Unit: elements."""
    layout: Literal["NCHW", "NHWC"]
    """Order of the dimensions: batch N, channels C, height H, width W."""
    dtype: Literal["float32", "float16", "int8", "image"]
    """Type of the values that the app hands over; `image` is a picture object of the platform."""
    range: tuple[float, float]
    """Values of a black and of a full pixel, as real numbers also where the input is int8."""
    color_order: Literal["RGB"] = "RGB"
    """Order of the colour channels."""
    memory_order: Literal["contiguous", "channels last"] = "contiguous"
    """Order of the values in memory: as `shape` lists the dimensions, or, for NCHW, with the channels innermost."""
    quantization: Quantization | None = None
    """Scale and zero point of an int8 input; null for other types."""


class Output(ContractPart):
    """Logits: scores before the softmax, in the order of the labels file."""

    name: str
    """Name of the output in the artifact."""
    shape: tuple[int, int]
    """Batch and number of classes. Unit: elements."""
    dtype: TensorType
    """Type of the values that the app gets."""
    meaning: Literal["logits"] = "logits"
    """The values are logits: scores before the softmax."""
    quantization: Quantization | None = None
    """Scale and zero point of an int8 output; null for other types."""
    head: Literal["softmax", "sigmoid", "none"] = "softmax"
    """What makes probabilities of the logits: `softmax` for one class per picture, `sigmoid` for any number of them."""
    labels_source: Literal["file", "checkpoint", "published", "placeholder"] | None = None
    """Where the labels came from: a file of the user's, the checkpoint, the list of a published data set, or made up
    (`class_0`); null in a contract of schema 1."""
    labels_file: str = LABELS_FILE
    """File in the bundle with one label per line, in class order."""
    labels_sha256: Sha256
    """SHA-256 of the labels file."""


class Preprocessing(ContractPart):
    """From a picture of any size to the input's: resized by `mode`, then a rectangle from the centre.

    The graph normalises by itself: `mean`, `std` and `rescale` say how, and an app does not apply them.
    """

    mode: Literal["short side", "squash", "none"]
    """`short side` keeps the shape and just covers `height` x `width`, `squash` does not keep it, `none` leaves all."""
    height: int
    """Height that the picture is resized to, as `mode` says. Unit: px."""
    width: int
    """Width that the picture is resized to, as `mode` says. Unit: px."""
    crop_height: int
    """Height of the rectangle that is cropped from the centre. Unit: px."""
    crop_width: int
    """Width of the rectangle that is cropped from the centre. Unit: px."""
    interpolation: Literal["bicubic", "bilinear"]
    """Filter of the resize."""
    antialias: bool
    """Whether the filter widens when it makes a picture smaller, as Pillow's does."""
    crop_rounding: Literal["half even", "down"]
    """Where the rectangle begins if half a pixel is left over: rounded to an even number, or rounded down."""
    mean: Colour
    """What the graph subtracts from red, green and blue levels, times `rescale`."""
    std: Colour
    """What the graph divides by after that."""
    rescale: float
    """What the net expects a level in 0..255 to be multiplied by before `mean` is subtracted."""
    source: str
    """Where all this was read, such as `preprocessor_config.json`."""


class Golden(ContractPart):
    """A preprocessed picture, uint8 [H,W,3], and the trained model's logits, float32 little-endian; C order."""

    name: str
    """Name of the picture."""
    rgb8_file: str
    """File with the preprocessed pixels, one byte per value."""
    rgb8_sha256: Sha256
    """SHA-256 of the file of pixels."""
    rgb8_shape: tuple[int, int, int]
    """Height, width and channels of the pixels. Unit: elements."""
    logits_file: str
    """File with the trained model's logits, as little-endian float32."""
    logits_sha256: Sha256
    """SHA-256 of the file of logits."""
    logits_shape: tuple[int]
    """Number of logits. Unit: elements."""


class Calibration(ContractPart):
    """What int8 ranges were measured on, and by which plan. `concerns` are reasons to doubt them, a sentence each.

    `source` is the name of a folder, an archive or a built-in set, or a URL without its user, password and query; with
    `pictures`, `seed` and the plan it makes them again.
    """

    source: str
    """Name of the folder, archive or built-in set of pictures, or their URL without secrets."""
    pictures: int
    """Number of pictures."""
    pictures_sha256: Sha256
    """SHA-256 of all prepared pictures, in order."""
    seed: int
    """Seed that drew the pictures from the source."""
    observer: str
    """Method that chose the ranges, such as `percentile`."""
    plan_file: str = PLAN_FILE
    """File in the bundle that lists what stays float."""
    plan_sha256: Sha256
    """SHA-256 of the plan."""
    for_release: bool
    """False when the pictures were noise."""
    concerns: tuple[str, ...]
    """Reasons to doubt the ranges, one sentence each."""


class Contract(ContractPart):
    """`contract.json`. Readers refuse an unknown `schema_version`."""

    schema_version: Literal[2]
    """Version of this format; readers refuse an unknown one."""
    tool: str
    """Version of levit-mobile that wrote the contract."""
    recipe: str
    """Name of the recipe, such as `tflite-int8`."""
    model: Model
    """The trained model."""
    artifact: Artifact
    """The file or folder that the phone runs."""
    input: Input
    """What the app hands to the artifact."""
    output: Output
    """What the app gets from the artifact."""
    preprocessing: Preprocessing
    """How the app prepares a picture of any size."""
    calibration: Calibration | None = None
    """What the int8 ranges were measured on; null for recipes without ranges."""
    tolerance: Tolerance
    """How close the artifact must stay to the trained model."""
    golden: Annotated[tuple[Golden, ...], Field(max_length=MOST_GOLDEN)]
    """Pictures with their expected logits, to check the artifact on the device."""
    verdict: Verdict
    """Result of the proof that `convert` made."""

    @model_validator(mode="before")
    @classmethod
    def _of_schema_1_too(cls, data: Any) -> Any:
        return _upgraded(data) if isinstance(data, Mapping) and data.get("schema_version") == 1 else data

    @property
    def made_by(self) -> Recipe:
        """The recipe of that name with the artifact's float arithmetic, and with the bounds that go with it.

        A contract that states no arithmetic is of a time when every `.tflite` computed in float32.

        Raises:
            RecipeError: There is no such recipe (``recipe.unknown-recipe``), or it lacks that arithmetic
                (``recipe.not-available``).
        """
        named = Recipe.from_name(self.recipe)
        if not named.has_arithmetic:
            return named
        arithmetic = self.artifact.arithmetic or "fp32"
        return recipe(named.target, named.precision, arithmetic=arithmetic[:4])

    def write(self, folder: Path) -> None:
        """Write ``contract.json`` into a bundle's folder."""
        (folder / CONTRACT_FILE).write_text(model_json(self) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read ``contract.json`` of schema 1 or 2 from a bundle's folder.

        Raises:
            BundleError: It is missing (``bundle.unreadable``), damaged or of another schema (``bundle.schema``).
        """
        where = f"{folder} is not a bundle: {CONTRACT_FILE}"
        return read_json(cls, folder / CONTRACT_FILE, BundleError, "a contract", where=where, schema=READABLE)


def _upgraded(data: Mapping[str, Any]) -> dict[str, Any]:
    """What a contract of schema 1 says, in schema 2; whatever does not belong into it stays, and is refused there."""
    parts = {name: data[name] for name in SINCE_SCHEMA_2 if isinstance(data.get(name), Mapping)}
    if any(part.keys() & SINCE_SCHEMA_2[name] for name, part in parts.items()):
        return dict(data)  # of no schema
    made = {**data, "schema_version": SCHEMA_VERSION}
    model, old = made.get("model"), made.get("preprocessing")
    if isinstance(model, Mapping):
        made["model"] = {"family": SCHEMA_1_FAMILY, **model}
    if isinstance(old, Mapping) and {"resize_px", "crop_px"} <= old.keys():
        kept = {name: value for name, value in old.items() if name not in ("resize_px", "crop_px")}
        sizes = {"height": old["resize_px"], "width": old["resize_px"]}
        sizes |= {"crop_height": old["crop_px"], "crop_width": old["crop_px"]}
        made["preprocessing"] = SCHEMA_1_PREPROCESSING | sizes | kept
    return made
