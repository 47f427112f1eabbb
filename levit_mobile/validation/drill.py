"""The drill of a validation: the bundle's checkpoint lowered once more, with its blocks exposed, in another process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from levit_mobile.bundle.reader import OpenBundle
from levit_mobile.errors import RecipeError
from levit_mobile.images.image_set import ImageSet
from levit_mobile.interfaces.card import Card
from levit_mobile.model.checkpoint import Checkpoint
from levit_mobile.recipe import RECIPES, Recipe
from levit_mobile.runtimes import registry
from levit_mobile.runtimes.registry import RuntimeId
from levit_mobile.system import workers
from levit_mobile.system.folders import temporary_folder
from levit_mobile.validation import recalibration
from levit_mobile.validation.block_error import drill
from levit_mobile.validation.results import Drill
from levit_mobile.validation.setup import ValidationSetup

# Under the bound of the logits: in a sound integer artifact they lie up to 8.2 dB above its weakest block, because the
# mean over tokens takes much of a block's rounding noise away (all three targets' int8, the bundled checkpoint).
BLOCKS_BELOW_DB = 8.0
PICTURES = 16  # the error of a block is pooled over all of its tokens: a few pictures are thousands of values
# What `drill` runs a target by.
DRILLED_BY = {"coreml": RuntimeId("mil"), "executorch": RuntimeId("executorch"), "tflite": RuntimeId("litert")}
TIMEOUT_S = 1800.0  # lowering LeViT-384 takes minutes on a slow machine


def require_own(case: ValidationSetup) -> Checkpoint:
    """The checkpoint that the bundle was made from.

    Raises RecipeError when it is not the case's reference.
    """
    if case.reference.checkpoint is None or not case.reference.own:
        raise RecipeError(
            f"the reference is {case.reference.name}, expected the bundle's own checkpoint: --drill lowers it again "
            "with its blocks exposed",
            fault="options",
        )
    return case.reference.checkpoint


def tapped(case: ValidationSetup) -> Drill:
    """The error of every block over some of the case's pictures.

    Raises ToolchainMissing, ConversionError where it cannot be lowered again, ArtifactError where that cannot be run,
    and ImageError or RecipeError where static int8 cannot be calibrated again.
    """
    step = max(1, len(case.pictures) // PICTURES)
    few = replace(case.pictures, names=case.pictures.names[::step][:PICTURES], skipped=())
    load = partial(_loaded, require_own(case), case.stored, few, case.calibration)
    (found,) = workers.spread(load, [budget_db(case)], processes=1, timeout_s=TIMEOUT_S)
    return found


def budget_db(case: ValidationSetup) -> float:
    """The least SQNR of a block: the bound of the logits, and of an artifact with integers BLOCKS_BELOW_DB less."""
    integers = RECIPES[case.stored.contract.recipe].has_integers
    return case.tolerance.min_sqnr_db - (BLOCKS_BELOW_DB if integers else 0)


def _loaded(
    checkpoint: Checkpoint, stored: OpenBundle, pictures: ImageSet, calibration: str | Path | None
) -> Callable[[float], Drill]:
    return partial(_drilled, checkpoint, stored, pictures, calibration)


def _drilled(
    checkpoint: Checkpoint,
    stored: OpenBundle,
    pictures: ImageSet,
    calibration: str | Path | None,
    min_sqnr_db: float,
) -> Drill:
    contract = stored.contract
    with temporary_folder() as folder:
        return drill(
            checkpoint,
            _recipe(stored),
            _card(stored),
            spec=stored.spec,
            source=contract.input,
            result=contract.output,
            candidate=registry.load(DRILLED_BY[stored.target.name], stored.artifact, contract),
            pictures=pictures,
            min_sqnr_db=min_sqnr_db,
            folder=folder,
            quantization=recalibration.again(stored, calibration),
        )


def _recipe(stored: OpenBundle) -> Recipe:
    io = "int8" if stored.contract.input.dtype == "int8" else "float"
    return replace(stored.contract.made_by, minimum_ios=stored.contract.artifact.minimum_ios, io=io)


def _card(stored: OpenBundle) -> Card:
    """What lowering wants to know; nobody reads what the tapped artifact says of itself."""
    return Card(
        name=stored.contract.model.variant,
        description="block outputs",
        labels=stored.labels,
        height=stored.spec.crop_height,
        width=stored.spec.crop_width,
        author="levit-mobile",
        licence="",
        version=stored.contract.tool,
        metadata={},
    )
