"""What an app must know of an artifact, and the bundle on disk: one folder an artifact.

`convert` writes a contract once; Python, Kotlin and Swift read it and hold no constants of their own.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from levit_mobile.errors import BundleError
from levit_mobile.recipe import Tolerance, Verdict
from levit_mobile.system.files import Sha256, read_json

SCHEMA_VERSION: Literal[1] = 1
CONTRACT_FILE, LABELS_FILE, PARITY_FILE, GOLDEN_FOLDER = "contract.json", "labels.txt", "parity.json", "golden"
PLAN_FILE = "plan.json"
TensorType = Literal["float32", "float16", "int8"]


class ContractPart(BaseModel):
    """Base of everything in a contract: frozen, and strict about names."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Model(ContractPart):
    """The trained model. `macs` are multiply-accumulates of one picture, without norms, biases and activations."""

    variant: str
    classes: int
    parameters: int
    macs: int
    checkpoint_sha256: Sha256
    checkpoint_format: str
    source: str


class Artifact(ContractPart):
    """The file that a phone runs. `sha256` of a folder is `digest`'s; `toolchain` is distribution -> version."""

    file: str
    sha256: Sha256
    bytes: int
    partitions: int | None
    toolchain: dict[str, str]
    minimum_ios: int | None = None


class Quantization(ContractPart):
    """real = (stored - zero_point) * scale."""

    scale: float
    zero_point: int


class Input(ContractPart):
    """One picture. `range` is what a black and a full pixel are in the graph's own input, for int8 as real values."""

    name: str
    shape: tuple[int, int, int, int]
    layout: Literal["NCHW", "NHWC"]
    dtype: Literal["float32", "float16", "int8", "image"]
    range: tuple[float, float]
    color_order: Literal["RGB"] = "RGB"
    quantization: Quantization | None = None


class Output(ContractPart):
    """Logits: scores before the softmax, in the order of the labels file."""

    name: str
    shape: tuple[int, int]
    dtype: TensorType
    meaning: Literal["logits"] = "logits"
    quantization: Quantization | None = None
    labels_file: str = LABELS_FILE
    labels_sha256: Sha256


class Preprocessing(ContractPart):
    """From a picture of any size to the input's: short side to `resize_px`, then the centre `crop_px` square."""

    resize_px: int
    crop_px: int
    interpolation: Literal["bicubic"]
    antialias: bool


class Golden(ContractPart):
    """A preprocessed picture, uint8 [H,W,3], and the trained model's logits, float32 little-endian; C order."""

    name: str
    rgb8_file: str
    rgb8_sha256: Sha256
    rgb8_shape: tuple[int, int, int]
    logits_file: str
    logits_sha256: Sha256
    logits_shape: tuple[int]


class Calibration(ContractPart):
    """What int8 ranges were measured on, and by which plan. `concerns` are reasons to doubt them, a sentence each.

    `source` is the name of a folder or of a built-in set; with `pictures`, `seed` and the plan it makes them again.
    """

    source: str
    pictures: int
    pictures_sha256: Sha256
    seed: int
    observer: str
    plan_file: str = PLAN_FILE
    plan_sha256: Sha256
    for_release: bool
    concerns: tuple[str, ...]


class Contract(ContractPart):
    """`contract.json`. Readers refuse an unknown `schema_version`."""

    schema_version: Literal[1]
    tool: str = Field(description="the version of levit-mobile that wrote this")
    recipe: str
    model: Model
    artifact: Artifact
    input: Input
    output: Output
    preprocessing: Preprocessing
    calibration: Calibration | None = None
    tolerance: Tolerance
    golden: tuple[Golden, ...]
    verdict: Verdict

    def write(self, folder: Path) -> None:
        """Write `contract.json` into a bundle's folder."""
        (folder / CONTRACT_FILE).write_text(self.model_dump_json(indent=2) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read a bundle's contract; raises BundleError when it is missing, damaged or of another schema."""
        where = f"{folder} is not a bundle: {CONTRACT_FILE}"
        return read_json(cls, folder / CONTRACT_FILE, BundleError, "a contract", where=where)
