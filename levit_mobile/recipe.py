"""What to build: a target, a precision, and how close the artifact must stay to the trained model."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from difflib import get_close_matches
from enum import StrEnum
from typing import Any, ClassVar

from levit_mobile.errors import RecipeError
from levit_mobile.targets import TARGETS

IOS_VERSIONS = (16, 17, 18)
IO = ("float", "int8")
ARITHMETIC = ("fp32", "fp16")


class Verdict(StrEnum):
    """What is known of an artifact: it computes what the trained model computes, it does not, or nothing could run."""

    PROVEN = "proven"
    """The artifact ran on a runtime that phones have, and every bound holds."""
    BY_REFERENCE = "proven by reference"
    """A reference interpreter executed the artifact as it is written, and every bound holds. No device ran it."""
    BROKEN = "broken"
    """The artifact does not run, or a bound does not hold."""
    NOT_RUN = "not run"
    """No runtime for the artifact exists here, so nothing is known."""

    @classmethod
    def worst(cls, verdicts: Iterable[Verdict]) -> Verdict:
        """Return the first of broken, not run, proven by reference and proven that occurs; not run for none."""
        found = set(verdicts)
        return next(
            (one for one in (cls.BROKEN, cls.NOT_RUN, cls.BY_REFERENCE, cls.PROVEN) if one in found), cls.NOT_RUN
        )

    @classmethod
    def of_one(cls, verdicts: Iterable[Verdict]) -> Verdict:
        """Return the worst of several on one artifact, where a proof by reference gives way to one by a runtime."""
        found = set(verdicts)
        return cls.worst(found - {cls.BY_REFERENCE} if cls.PROVEN in found else found)

    @property
    def is_proof(self) -> bool:
        """Whether every bound holds, on a phone's runtime or by a reference."""
        return self in (Verdict.PROVEN, Verdict.BY_REFERENCE)


class Precision(StrEnum):
    """The number format of weights and activations.

    `int8` stores and computes in int8 with ranges fixed beforehand; `int8-dynamic` stores int8 and finds activations'
    ranges at run time; `-weight` stores integers and computes in float; `palette` stores indices into a table of
    2^6 or 2^4 values.
    """

    FLOAT32 = "fp32"
    FLOAT16 = "fp16"
    INT8 = "int8"
    INT8_DYNAMIC = "int8-dynamic"
    INT8_WEIGHT = "int8-weight"
    INT4_WEIGHT = "int4-weight"
    PALETTE6 = "palette6"
    PALETTE4 = "palette4"


# The oldest iOS whose Core ML programs can hold a precision, where that is not the oldest of IOS_VERSIONS.
NEEDED_IOS: dict[Precision, int] = {
    Precision.INT8: 17,
    Precision.INT4_WEIGHT: 18,
}


@dataclass(frozen=True, slots=True)
class Tolerance:
    """The bounds on the difference between an artifact and the trained model; None sets no bound.

    Raises:
        ValueError: A bound is out of its range.
    """

    __pydantic_config__: ClassVar = {"extra": "forbid", "use_attribute_docstrings": True}  # part of every contract

    min_sqnr_db: float
    """Lowest signal-to-quantization-noise ratio of the logits. Unit: dB."""
    min_top1_agreement: float
    """Lowest share of pictures with the same top class. Unit: share, 0 to 1."""
    min_top5_agreement: float | None = None
    """Lowest share of pictures whose reference class is in the top 5. Unit: share, 0 to 1."""
    min_cosine: float | None = None
    """Lowest mean cosine similarity of the logits, -1 to 1."""
    max_abs_error: float | None = None
    """Largest error of any logit. Unit: logits."""
    max_mean_abs_error: float | None = None
    """Largest mean error over all logits. Unit: logits."""
    max_kl: float | None = None
    """Largest KL divergence of the probabilities from the reference's. Unit: nats."""
    min_top1_accuracy: float | None = None
    """Lowest top-1 accuracy of the artifact; needs labels. Unit: share, 0 to 1."""
    max_accuracy_drop: float | None = None
    """Largest loss of top-1 accuracy against the reference; needs labels. Unit: share, 0 to 1."""

    def __post_init__(self) -> None:
        if not 0 < self.min_sqnr_db < math.inf:
            raise ValueError(f"min_sqnr_db is {self.min_sqnr_db}, expected a finite number above 0")
        for name in ("min_top1_agreement", "min_top5_agreement", "min_top1_accuracy", "max_accuracy_drop"):
            self._require(name, 0, 1)
        self._require("min_cosine", -1, 1)
        for name in ("max_abs_error", "max_mean_abs_error", "max_kl"):
            self._require(name, 0, sys.float_info.max)

    def loosened(self, other: Tolerance) -> Tolerance:
        """Return the looser of each pair of bounds; a bound that either side does not set is not set."""
        pairs = {field.name: (getattr(self, field.name), getattr(other, field.name)) for field in fields(self)}
        easier = {name: min if name.startswith("min_") else max for name in pairs}
        both: dict[str, Any] = {n: None if None in pair else easier[n](pair) for n, pair in pairs.items()}
        return Tolerance(**both)

    def _require(self, name: str, low: float, high: float) -> None:
        value = getattr(self, name)
        if value is not None and not low <= value <= high:
            wanted = f"{low} to {high}" if high <= 1 else "a finite number, 0 or more"
            raise ValueError(f"{name} is {value}, expected {wanted}")


def _require_known(word: str, known: Iterable[str], *, fault: str) -> None:
    """`fault` is "unknown-target" or of its kind, and says in the sentence what is unknown."""
    words = list(known)
    if word in words:
        return
    close = get_close_matches(word, words, n=1)
    hint = f" (did you mean {close[0]}?)" if close else ""
    raise RecipeError(f"{fault.replace('-', ' ')} {word!r}{hint}, expected one of {_listed(words)}", fault=fault)


def _require_had(target: str, precision: str = "") -> None:
    """Of two known words, is there a recipe of both?"""
    had = [str(row.precision) for row in RECIPES.values() if row.target == target]
    if had and precision in list(Precision) and precision not in had:
        raise RecipeError(
            f"{target} does not have the precision {precision}, expected one of {_listed(had)}", fault="not-available"
        )


def _may_allow_half(target: str, precision: Precision) -> bool:
    """Whether a recipe has float parts that may be computed in float16 while the rest is not."""
    return (target == "tflite" and precision is not Precision.FLOAT32) or (target, precision) == (
        "executorch",
        Precision.INT8,
    )


def _listed(words: Iterable[object]) -> str:
    return ", ".join(map(str, words))


@dataclass(frozen=True, slots=True)
class Recipe:
    """One artifact to build: a target, a precision and the bounds of its proof.

    Attributes:
        target: ``coreml``, ``executorch`` or ``tflite``.
        precision: The number format of weights and activations.
        tolerance: The bounds on the difference from the trained model.
        minimum_ios: Oldest iOS that the artifact runs on, 16, 17 or 18; None for targets other than Core ML.
        io: ``"float"`` for the target's usual input and output, or ``"int8"``: pixels as level - 128, and logits with
            the scale and zero point that the contract names.
        allows_half: A core that computes in float16 does so in the float parts of the artifact. Of TFLite, other cores
            compute them in float32; an ``executorch-int8`` artifact is refused there.

    Raises:
        RecipeError: A part is unknown (``recipe.unknown-target``, ``recipe.unknown-precision``, ``recipe.unknown-io``),
            or the parts do not go together (``recipe.not-available``, ``recipe.minimum-ios``).
    """

    target: str
    precision: Precision
    tolerance: Tolerance
    minimum_ios: int | None = None
    io: str = "float"
    allows_half: bool = False

    def __post_init__(self) -> None:
        _require_known(self.target, TARGETS, fault="unknown-target")
        _require_known(self.precision, Precision, fault="unknown-precision")
        if self.target != "coreml" and self.minimum_ios is not None:
            raise RecipeError(
                f"minimum_ios is {self.minimum_ios}, expected none for {self.target}: only coreml has it",
                fault="minimum-ios",
            )
        if self.target == "coreml" and self.minimum_ios not in IOS_VERSIONS:
            raise RecipeError(
                f"minimum_ios is {self.minimum_ios}, expected one of {_listed(IOS_VERSIONS)}",
                fault="minimum-ios",
            )
        _require_known(self.io, IO, fault="unknown-io")
        if self.io == "int8" and (self.precision is not Precision.INT8 or self.target == "coreml"):
            raise RecipeError(
                f"{self.name} does not have int8 inputs and outputs: use tflite-int8 or executorch-int8",
                fault="not-available",
            )
        if self.allows_half and not _may_allow_half(self.target, self.precision):
            raise RecipeError(
                f"{self.name} has the same float arithmetic on every core: use tflite-fp16 or executorch-int8",
                fault="not-available",
            )
        needed = NEEDED_IOS.get(self.precision)
        if needed and self.minimum_ios and self.minimum_ios < needed:
            raise RecipeError(
                f"minimum_ios is {self.minimum_ios}, expected {needed} or later for {self.name}",
                fault="minimum-ios",
            )

    @property
    def has_arithmetic(self) -> bool:
        """Whether its float parts are computed as `arithmetic` says; elsewhere the precision alone decides."""
        return self.target == "tflite" or _may_allow_half(self.target, self.precision)

    @property
    def has_integers(self) -> bool:
        """Whether the artifact stores integers or palettes."""
        return self.precision not in (Precision.FLOAT32, Precision.FLOAT16)

    @property
    def computes_in_integers(self) -> bool:
        """Whether the artifact multiplies integers; Core ML widens integers that it only stores."""
        run_time = self.precision in (Precision.INT8_DYNAMIC, Precision.INT4_WEIGHT) and self.target != "coreml"
        return run_time or self.precision is Precision.INT8

    @property
    def rounding_db(self) -> float:
        """How far below float32's own SQNR against float64 the artifact's arithmetic may be, in dB.

        A network that amplifies rounding sets its own bound by that: no artifact can be better than the arithmetic.
        """
        half = self.precision is Precision.FLOAT16 or (
            self.target == "coreml" and self.precision is not Precision.FLOAT32
        )
        return HALF_ROUNDING_DB if half else SINGLE_ROUNDING_DB

    def rounding_at(self, least_sqnr_db: float) -> float | None:
        """`rounding_db`, or None for a bound on SQNR above the recipe's own: what was raised is asked as it is."""
        return self.rounding_db if least_sqnr_db <= _own_tolerance(self.name, self.allows_half).min_sqnr_db else None

    @property
    def name(self) -> str:
        """``<target>-<precision>, such as ``tflite-int8``."""
        return f"{self.target}-{self.precision}"

    @classmethod
    def from_name(cls, name: str) -> Recipe:
        """Return the recipe of that name, such as ``"tflite-fp32"``.

        Raises:
            RecipeError: There is no such recipe (``recipe.unknown-recipe``), or the target lacks the precision
                (``recipe.not-available``); the message lists those that exist.
        """
        _require_had(*name.split("-", 1))
        _require_known(name, RECIPES, fault="unknown-recipe")
        return RECIPES[name]


SINGLE_ROUNDING_DB = 10.0  # folded weights are rounded once more, and sums have another order: up to 7 dB were seen
HALF_ROUNDING_DB = 20 * math.log10(2**13)  # one rounding an op with 13 bits less

FP32 = Tolerance(min_sqnr_db=100, min_top1_agreement=1.0)
FP16 = Tolerance(min_sqnr_db=50, min_top1_agreement=1.0)
HALF = Tolerance(min_sqnr_db=42, min_top1_agreement=1.0)  # sums in float16: 44.3 to 48.6 dB on a Cortex-A76
DYNAMIC8 = Tolerance(min_sqnr_db=25, min_top1_agreement=0.95)
INT8 = Tolerance(min_sqnr_db=25, min_top1_agreement=0.98)
WEIGHT8 = Tolerance(min_sqnr_db=35, min_top1_agreement=0.98)
WEIGHT6 = Tolerance(min_sqnr_db=30, min_top1_agreement=0.98)
WEIGHT4 = Tolerance(min_sqnr_db=18, min_top1_agreement=0.95)

RECIPES: dict[str, Recipe] = {
    "coreml-fp32": Recipe("coreml", Precision.FLOAT32, FP32, minimum_ios=16),
    "coreml-fp16": Recipe("coreml", Precision.FLOAT16, FP16, minimum_ios=16),
    "coreml-int8": Recipe("coreml", Precision.INT8, INT8, minimum_ios=17),
    "coreml-int8-weight": Recipe("coreml", Precision.INT8_WEIGHT, WEIGHT8, minimum_ios=16),
    "coreml-palette6": Recipe("coreml", Precision.PALETTE6, WEIGHT6, minimum_ios=16),
    "coreml-palette4": Recipe("coreml", Precision.PALETTE4, WEIGHT4, minimum_ios=16),
    "coreml-int4-weight": Recipe("coreml", Precision.INT4_WEIGHT, WEIGHT4, minimum_ios=18),
    "executorch-fp32": Recipe("executorch", Precision.FLOAT32, FP32),
    "executorch-fp16": Recipe("executorch", Precision.FLOAT16, HALF),
    "executorch-int8": Recipe("executorch", Precision.INT8, INT8),
    "executorch-int8-dynamic": Recipe("executorch", Precision.INT8_DYNAMIC, DYNAMIC8),
    "executorch-int4-weight": Recipe("executorch", Precision.INT4_WEIGHT, WEIGHT4),
    "tflite-fp32": Recipe("tflite", Precision.FLOAT32, FP32),
    "tflite-fp16": Recipe("tflite", Precision.FLOAT16, HALF, allows_half=True),
    "tflite-int8": Recipe("tflite", Precision.INT8, INT8, allows_half=True),
    "tflite-int8-dynamic": Recipe("tflite", Precision.INT8_DYNAMIC, DYNAMIC8, allows_half=True),
    "tflite-int8-weight": Recipe("tflite", Precision.INT8_WEIGHT, WEIGHT8),
    "tflite-int4-weight": Recipe("tflite", Precision.INT4_WEIGHT, WEIGHT4, allows_half=True),
}
"""Every recipe by its name, ``<target>-<precision>``, with the bounds of its proof."""

DEFAULT_PRECISION: dict[str, Precision] = {
    "coreml": Precision.FLOAT16,  # the Neural Engine computes in nothing else
    "executorch": Precision.FLOAT32,
    "tflite": Precision.FLOAT32,
}


def recipe(
    target: str,
    precision: str | None = None,
    *,
    minimum_ios: int | None = None,
    io: str = "float",
    arithmetic: str | None = None,
) -> Recipe:
    """Return the recipe for a target and a precision.

    Args:
        target: ``coreml``, ``executorch`` or ``tflite``.
        precision: A value of ``Precision``. Default: the target's own in ``DEFAULT_PRECISION``.
        minimum_ios: Oldest iOS of a Core ML artifact, 16, 17 or 18. Default: that of the recipe in ``RECIPES``.
        io: ``"float"`` or ``"int8"``, see ``Recipe``.
        arithmetic: TFLite and ``executorch-int8`` only: ``"fp32"`` computes float parts in float32 on every core,
            ``"fp16"`` in float16 on cores that can; see ``Recipe.allows_half``. Default: that of the recipe in
            ``RECIPES``.

    Returns:
        The recipe in ``RECIPES``, with these options.

    Raises:
        RecipeError: The target, the precision or an option is unknown, or the target lacks it; the codes are those of
            ``Recipe`` and ``Recipe.from_name``.
    """
    _require_known(target, TARGETS, fault="unknown-target")
    chosen = DEFAULT_PRECISION[target] if precision is None else precision
    _require_known(chosen, Precision, fault="unknown-precision")
    found = Recipe.from_name(f"{target}-{chosen}")
    chosen_ios = found.minimum_ios if minimum_ios is None else minimum_ios
    return replace(_by_arithmetic(found, arithmetic), minimum_ios=chosen_ios, io=io)


def _by_arithmetic(found: Recipe, arithmetic: str | None) -> Recipe:
    """A recipe of the table, with this arithmetic instead of its own."""
    if arithmetic is None:
        return found
    _require_known(arithmetic, ARITHMETIC, fault="unknown-arithmetic")
    if not found.has_arithmetic:
        raise RecipeError(
            f"arithmetic is {arithmetic}, expected none for {found.name}: only tflite and executorch-int8 have it",
            fault="not-available",
        )
    half = arithmetic == "fp16"
    return replace(found, allows_half=half, tolerance=_own_tolerance(found.name, half))


def _own_tolerance(name: str, allows_half: bool) -> Tolerance:
    """The bounds of a recipe in the table: float16 that is only stored is held to more than float16 in the sums."""
    return FP16 if name == "tflite-fp16" and not allows_half else RECIPES[name].tolerance
