"""What an app must know of an artifact, and the bundle on disk: one folder an artifact.

`convert` writes a contract once; Python, Kotlin and Swift read it and hold no constants of their own.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict

from levit_mobile.errors import BundleError
from levit_mobile.recipe import Tolerance, Verdict
from levit_mobile.system.files import Sha256, read_json

SCHEMA_VERSION: Literal[1] = 1
CONTRACT_FILE, LABELS_FILE, PARITY_FILE, GOLDEN_FOLDER = "contract.json", "labels.txt", "parity.json", "golden"
PLAN_FILE = "plan.json"
TensorType = Literal["float32", "float16", "int8"]


class ContractPart(BaseModel):
    """Base of everything in a contract: frozen, and strict about names."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Model(ContractPart):
    """The trained model. `macs` are multiply-accumulates of one picture, without norms, biases and activations."""

    variant: str
    """Which LeViT it is, such as `levit_128s`."""
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
    source: str
    """Where the checkpoint came from: a hub id, an official name, or the name of a file."""


class Artifact(ContractPart):
    """The file that a phone runs. `sha256` of a folder is `digest`'s; `toolchain` is distribution -> version."""

    file: str
    """Name of the artifact inside the bundle."""
    sha256: Sha256
    """SHA-256 of the file; for a folder, of the lines that `sha256sum` prints for its files, by path."""
    bytes: int
    """Size of the file, or of all files in the folder. Unit: bytes."""
    partitions: int | None
    """Number of delegate partitions; null where the device decides."""
    toolchain: dict[str, str]
    """Version of each package that made the artifact, by name."""
    minimum_ios: int | None = None
    """Oldest iOS that runs the artifact; null for targets other than Core ML."""


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
    labels_file: str = LABELS_FILE
    """File in the bundle with one label per line, in class order."""
    labels_sha256: Sha256
    """SHA-256 of the labels file."""


class Preprocessing(ContractPart):
    """From a picture of any size to the input's: short side to `resize_px`, then the centre `crop_px` square."""

    resize_px: int
    """Length of the short side after resizing. Unit: px."""
    crop_px: int
    """Side of the square that is cropped from the centre. Unit: px."""
    interpolation: Literal["bicubic"]
    """Filter of the resize."""
    antialias: bool
    """Whether the filter widens when it makes a picture smaller, as Pillow's does."""


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

    `source` is the name of a folder or of a built-in set; with `pictures`, `seed` and the plan it makes them again.
    """

    source: str
    """Name of the folder or of the built-in set of pictures."""
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

    schema_version: Literal[1]
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
    golden: tuple[Golden, ...]
    """Pictures with their expected logits, to check the artifact on the device."""
    verdict: Verdict
    """Result of the proof that `convert` made."""

    def write(self, folder: Path) -> None:
        """Write ``contract.json`` into a bundle's folder."""
        (folder / CONTRACT_FILE).write_text(self.model_dump_json(indent=2) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read ``contract.json`` from a bundle's folder.

        Raises:
            BundleError: It is missing (``bundle.unreadable``), damaged or of another schema (``bundle.schema``).
        """
        where = f"{folder} is not a bundle: {CONTRACT_FILE}"
        return read_json(cls, folder / CONTRACT_FILE, BundleError, "a contract", where=where)
