"""The drill of a validation: the bundle's checkpoint lowered once more, with its blocks exposed, in another process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from levit_mobile import runtimes, workers
from levit_mobile.card import Card
from levit_mobile.cases import Case
from levit_mobile.drill import drill
from levit_mobile.errors import RecipeError
from levit_mobile.findings import Drill
from levit_mobile.images import PictureSet
from levit_mobile.model.checkpoint import Checkpoint
from levit_mobile.recipe import RECIPES, Recipe
from levit_mobile.stored import StoredBundle

PICTURES = 16  # the error of a block is pooled over all of its tokens: a few pictures are thousands of values
RUNTIMES = {"coreml": "mil", "executorch": "executorch", "tflite": "litert"}  # what `drill` runs a target by
TIMEOUT_S = 1800.0  # lowering LeViT-384 takes minutes on a slow machine


def require_own(case: Case) -> Checkpoint:
    """The checkpoint that the bundle was made from.

    Raises RecipeError when it is not the case's reference, and for static int8: equalisation has scaled what flows
    between its blocks, and nothing here knows by how much.
    """
    if case.stored.contract.calibration is not None:
        raise RecipeError(
            f"--drill has no blocks to compare in {case.stored.contract.recipe}, whose channels were equalised before "
            "they were quantized: `levit-mobile plan` measures what its blocks cost"
        )
    if case.reference.checkpoint is None or not case.reference.own:
        raise RecipeError(
            "--drill lowers the bundle's own checkpoint once more, with its blocks exposed, and so wants it as "
            f"reference, not {case.reference.name}"
        )
    return case.reference.checkpoint


def tapped(case: Case) -> Drill:
    """The error of every block over some of the case's pictures.

    Raises ToolchainMissing, ConversionError where it cannot be lowered again, ArtifactError where that cannot be run.
    """
    step = max(1, len(case.pictures) // PICTURES)
    few = replace(case.pictures, names=case.pictures.names[::step][:PICTURES], skipped=())
    load = partial(_loaded, require_own(case), case.stored, few)
    (found,) = workers.spread(load, [case.tolerance.min_sqnr_db], processes=1, timeout_s=TIMEOUT_S)
    return found


def _loaded(checkpoint: Checkpoint, stored: StoredBundle, pictures: PictureSet) -> Callable[[float], Drill]:
    return partial(_drilled, checkpoint, stored, pictures)


def _drilled(checkpoint: Checkpoint, stored: StoredBundle, pictures: PictureSet, min_sqnr_db: float) -> Drill:
    contract = stored.contract
    with TemporaryDirectory(prefix="levit-mobile-") as folder:
        return drill(
            checkpoint,
            _recipe(stored),
            _card(stored),
            spec=stored.spec,
            source=contract.input,
            result=contract.output,
            candidate=runtimes.load(RUNTIMES[stored.target.name], stored.artifact, contract),
            pictures=pictures,
            min_sqnr_db=min_sqnr_db,
            folder=Path(folder),
        )


def _recipe(stored: StoredBundle) -> Recipe:
    return replace(RECIPES[stored.contract.recipe], minimum_ios=stored.contract.artifact.minimum_ios)


def _card(stored: StoredBundle) -> Card:
    """What lowering wants to know; nobody reads what the tapped artifact says of itself."""
    return Card(
        name=stored.contract.model.variant,
        description="block outputs",
        labels=stored.labels,
        side_px=stored.spec.side_px,
        author="levit-mobile",
        licence="",
        version=stored.contract.tool,
        metadata={},
    )
