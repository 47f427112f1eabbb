"""What a mixed-precision artifact keeps in float, and by which rules the rest is quantized: a readable JSON file."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict

from levit_mobile.errors import RecipeError
from levit_mobile.quantization.observers import Observer
from levit_mobile.system.atomic_write import write_text
from levit_mobile.system.files import digest_bytes, read_json

PLANS = Path(str(resources.files("levit_mobile.conversion"))) / "plans"


class PlanPart(BaseModel):
    """Frozen, and strict about names."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")


class Score(PlanPart):
    """Logits held against the float form's: mean divergence in nats, error in dB, share of equal top classes."""

    kl: float
    sqnr_db: float
    top1_agreement: float


class GroupSensitivity(PlanPart):
    """One group of the search, measured both ways.

    `kl` (nats) and `sqnr_db` are of the logits with this group alone in int8; `gain` is by how many nats the divergence
    of the model in int8 falls when this group alone goes to float; `saved` is the share of the model's estimated time
    that int8 saves there.
    """

    group: str
    kl: float
    sqnr_db: float
    gain: float
    saved: float

    @property
    def damage(self) -> float:
        """The larger of both divergences, in nats: where much is broken at once, one group's return gains nothing."""
        return max(self.kl, self.gain)


class ParetoStep(Score):
    """The model with this group and those of all steps before it in float; the first has none (`group` is None).

    `cost` is what float costs so far, as a share of the estimated time of a model all in float.
    """

    group: str | None
    cost: float

    def within(self, max_kl: float) -> bool:
        """Is the divergence at most `max_kl` nats, and every top class the float form's?"""
        return self.kl <= max_kl and self.top1_agreement == 1


class Origin(PlanPart):
    """What a plan was searched on. `compared` calibration pictures judged it, `max_kl` (nats) was to be reached."""

    checkpoint_sha256: str
    calibration: str
    pictures: int
    pictures_sha256: str
    seed: int
    compared: int
    max_kl: float


class Plan(PlanPart):
    """How `int8` is made for one variant on one target.

    `float_edges` are paths of edges that keep their activations in float; a layer that touches one stays float too.
    `equalize` is the strength of the residual stream's equalisation, None for no equalisation at all. A search leaves
    what it rests on: every group, the most damaging first, and the steps it took, of which `picked` is the plan.
    """

    schema_version: Literal[1] = 1
    variant: str
    target: str
    observer: Observer = Observer.OUTPUT
    equalize: float | None = 0.5
    correct_biases: bool = True
    float_edges: tuple[str, ...] = ()
    origin: Origin | None = None
    evidence: tuple[GroupSensitivity, ...] = ()
    front: tuple[ParetoStep, ...] = ()
    picked: int | None = None

    @property
    def sha256(self) -> str:
        """The digest of the file that `write` makes, for contracts."""
        return digest_bytes(self._text.encode())

    @property
    def _text(self) -> str:
        return self.model_dump_json(indent=2) + "\n"

    def write(self, path: Path, *, force: bool = True) -> None:
        """Write the plan as JSON. Raises BundleError when it cannot be written, or exists without `force`."""
        write_text(path, self._text, force=force)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Raises RecipeError when the file cannot be read, or is no plan."""
        return read_json(cls, path, RecipeError, "a plan")


def find(path: str | Path | None, *, variant: str, target: str) -> Plan:
    """Return the plan in a file, else the committed one, else the plan with everything in int8.

    Args:
        path: A plan's JSON file, or None.
        variant: Variant for which the plan must be.
        target: Target for which the plan must be.

    Returns:
        The plan.

    Raises:
        RecipeError: The file cannot be read (``recipe.unreadable``), is not a plan (``recipe.schema``), or is a plan
            for another variant or target (``recipe.other-plan``).
    """
    committed = PLANS / f"{variant}-{target}-int8.json"
    source = Path(path) if path is not None else committed
    if path is None and not committed.exists():
        return Plan(variant=variant, target=target)
    plan = Plan.read(source)
    if (plan.variant, plan.target) != (variant, target):
        raise RecipeError(
            f"{source} is a plan for {plan.variant} on {plan.target}, expected one for {variant} on {target}",
            fault="other-plan",
        )
    return plan
