"""The JSON that commands print, as types: the schemas in `levit_mobile/schemas/` are made from these.

A command whose output is a record that is read back (`bench`, `plan`) prints that record and needs no type here.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from typing_extensions import TypedDict  # typing's own gives pydantic too little before Python 3.12

from levit_mobile.arm64.cost import Cost
from levit_mobile.contract import Contract, Input, Model, Output
from levit_mobile.interfaces.inspection import Fallback, Port
from levit_mobile.parity.report import Proof
from levit_mobile.recipe import Tolerance, Verdict
from levit_mobile.system.files import Sha256
from levit_mobile.validation.results import Validation

Version = Literal[1]
NotFinite = Literal["Infinity", "-Infinity", "NaN"]


class Dumped:
    """Marks a dict that is a dumped value of `kind`: its schema is that of `kind`."""

    def __init__(self, kind: Any) -> None:
        self.kind = kind

    def __get_pydantic_core_schema__(self, _: Any, handler: Any) -> Any:
        return handler.generate_schema(self.kind)


Dumps = dict[str, Any]


# convert


class BiasTables(TypedDict):
    """How attention biases are stored, and what that costs with everything else in float."""

    stored: str
    pictures: int
    sqnr_db: float | NotFinite


class Speed(TypedDict):
    """The artifact timed beside the float32 artifact of the same form: shared processes, one thread, in turn."""

    median_ms: float
    float32_median_ms: float
    ratio: float
    ratio_interval: list[float | None]
    processes: int
    process_samples: tuple[int, ...]
    warmup_rounds: int
    threads: int
    samples_ms: list[float]
    float32_samples_ms: list[float]


class Integers(TypedDict):
    """What an artifact with integers is beside its proof."""

    float_by_plan: list[str] | None
    bias_tables: BiasTables
    speed: Speed | None
    not_timed: str | None


class HalfCore(TypedDict):
    """An artifact that a core may compute in float16, on one emulated core."""

    cpu: str
    images: int
    sqnr_db: float | None
    host_sqnr_db: float | None
    reasons: list[str]


class Half(TypedDict):
    """The proof on emulated cores."""

    cores: list[HalfCore]
    not_run: str | None


class ConvertedBundle(TypedDict):
    """One bundle that was written."""

    path: str
    contract: Annotated[Dumps, Dumped(Contract)]
    proof: Annotated[Dumps, Dumped(Proof)]
    ops: dict[str, int]
    products: int
    integer_products: int
    fallback_ops: dict[str, int]
    weight_bytes: dict[str, int]
    integers: Integers | None
    half: Half | None


class ConvertOutput(TypedDict):
    """What `levit-mobile convert --json` prints."""

    schema_version: Version
    bundles: list[ConvertedBundle]
    errors: dict[str, str]
    error_codes: dict[str, str]


class PlannedBundle(TypedDict):
    """A bundle that a conversion would write."""

    recipe: str
    path: str | None
    replaces: bool


class DryRunOutput(TypedDict):
    """What `levit-mobile convert --dry-run --json` prints."""

    schema_version: Version
    planned: list[PlannedBundle]
    errors: dict[str, str]
    error_codes: dict[str, str]


# validate


class ValidateOutput(TypedDict):
    """What `levit-mobile validate --json` prints."""

    schema_version: Version
    verdict: Verdict
    validations: list[Annotated[Dumps, Dumped(Validation)]]


# inspect


class InspectedBundle(TypedDict):
    """What the contract of an inspected bundle states."""

    recipe: str
    verdict: Verdict
    model: Annotated[Dumps, Dumped(Model)]
    toolchain: dict[str, str]
    input: Annotated[Dumps, Dumped(Input)]
    output: Annotated[Dumps, Dumped(Output)]
    contradictions: list[str]


class InspectedArtifact(TypedDict):
    """What is inside one artifact."""

    path: str
    target: str
    bytes: int
    sha256: Sha256
    ops: dict[str, int]
    partitions: int | None
    fallbacks: list[Annotated[Dumps, Dumped(Fallback)]]
    max_rank: int
    weight_bytes: dict[str, int]
    products: int
    integer_products: int
    format: str
    inputs: list[Annotated[Dumps, Dumped(Port)]]
    outputs: list[Annotated[Dumps, Dumped(Port)]]
    class_labels: int | None
    delegates: dict[str, int]
    kind_bytes: dict[str, int]
    activations: dict[str, int]
    macs: int | None
    minimum: str
    arithmetic: str | None
    metadata: dict[str, str]
    notes: list[str]
    bundle: InspectedBundle | None


class InspectOutput(TypedDict):
    """What `levit-mobile inspect --json` prints."""

    schema_version: Version
    artifacts: list[InspectedArtifact]
    broken: list[str]
    error_codes: dict[str, str]


class Side(TypedDict):
    """One of two compared artifacts."""

    path: str
    sha256: Sha256


class DifferentRow(TypedDict):
    """One fact that differs between two artifacts."""

    group: str
    name: str
    a: str | int | None
    b: str | int | None


class DiffOutput(TypedDict):
    """What `levit-mobile inspect --diff --json` prints."""

    schema_version: Version
    a: Side
    b: Side
    equal: bool
    differences: list[DifferentRow]


# cost


class CostOutput(TypedDict):
    """What `levit-mobile cost --json` prints."""

    schema_version: Version
    is_not: str
    costs: list[Annotated[Dumps, Dumped(Cost)]]
    against: list[Annotated[Dumps, Dumped(Cost)]]
    broken: list[str]


# report


class ExaminedTarget(TypedDict):
    """One target on this machine."""

    target: str
    converts: bool
    runs: bool
    versions: dict[str, str | None]
    advice: list[str]
    unknown: list[str]


class ExaminedArm64(TypedDict):
    """Whether ARM64 kernels run on this machine."""

    runs: bool
    says: str


class DoctorOutput(TypedDict):
    """What `levit-mobile doctor --json` prints."""

    schema_version: Version
    targets: list[ExaminedTarget]
    arm64: ExaminedArm64
    adb: str | None


# recipes


class MeasuredOn(TypedDict):
    """The model that sizes were measured on."""

    variant: str
    classes: int
    input_px: int


class ListedRecipe(TypedDict):
    """One recipe."""

    name: str
    target: str
    precision: str
    default: bool
    suffix: str
    stores: str
    computes: str
    input: str
    needs: str | None
    minimum_ios: int | None
    bytes: int
    tolerance: Annotated[Dumps, Dumped(Tolerance)]


class RecipesOutput(TypedDict):
    """What `levit-mobile recipes --json` prints."""

    schema_version: Version
    measured_on: MeasuredOn
    recipes: list[ListedRecipe]


# deploy


class DeployedOutput(TypedDict):
    """One bundle in the app."""

    name: str
    source: str
    target: str
    recipe: str
    files: int
    bytes: int
    state: Literal["added", "replaced", "unchanged"]


class RuntimeOutput(TypedDict):
    """A runtime of the app."""

    name: str
    version: str
    source: str


class DeployOutput(TypedDict):
    """What `levit-mobile deploy --json` prints."""

    schema_version: Version
    checked: bool
    folder: str
    reason: str
    platform: Literal["android", "ios"]
    bundles: list[DeployedOutput]
    removed: list[str]
    differences: list[str]
    runtimes: list[RuntimeOutput]
    no_compress: str | None
    no_compress_file: str | None
    notes: list[str]


# Every command


class FailureDetails(TypedDict):
    """The failure."""

    code: str
    message: str


class FailureOutput(TypedDict):
    """What a command prints under `--json` when it fails before it has results. The exit code is 1."""

    error: FailureDetails
