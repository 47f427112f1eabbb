"""Where an artifact leaves the trained model: the error at the output of every block.

A delegate shows only its ends, so the checkpoint is lowered once more by the same recipe with the blocks' outputs
exposed, and its logits are held against the artifact's own, bit for bit: equal logits make the blocks the artifact's.
Static int8 is calibrated anew for that, and what equalisation took from a block's channels is given back before they
are compared.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import nn

from levit_mobile import contract
from levit_mobile.errors import ArtifactError
from levit_mobile.images.image_set import ImageSet
from levit_mobile.images.spec import ImageSpec
from levit_mobile.interfaces.card import Card
from levit_mobile.interfaces.runner import Images, Runner
from levit_mobile.interfaces.toolchain import OutputsLoader
from levit_mobile.model.checkpoint import Checkpoint
from levit_mobile.model.parts.intermediate_outputs import LOGITS, POOLED, Tapped, as_tokens, block_paths
from levit_mobile.parity.metrics import SignalNoise
from levit_mobile.pipeline.lowering import lower, with_scales
from levit_mobile.quantization.equalize import Scales
from levit_mobile.quantization.prepare import Quantization
from levit_mobile.recipe import Recipe
from levit_mobile.runners import eager, executorch, mil, tflite
from levit_mobile.runners.adapters import as_logits, running
from levit_mobile.targets import TARGETS
from levit_mobile.validation.results import Block, Drill

Values = NDArray[np.floating]
Tapping = Callable[[Images], Mapping[str, Values]]  # one picture [3,H,W] -> logits and every block's [T,C], by name

# Target -> what runs an artifact with several outputs, and its name in a sentence.
OUTPUTS_BY: dict[str, tuple[OutputsLoader, str]] = {
    "coreml": (mil.outputs, "the MIL reference, rounded as declared"),
    "executorch": (executorch.outputs, "ExecuTorch"),
    "tflite": (tflite.outputs, "LiteRT"),
}


def drill(
    checkpoint: Checkpoint,
    recipe: Recipe,
    card: Card,
    *,
    spec: ImageSpec,
    source: contract.Input,
    result: contract.Output,
    candidate: Runner,
    pictures: ImageSet,
    min_sqnr_db: float,
    folder: Path,
    quantization: Quantization | None = None,
) -> Drill:
    """The error of every block over all pictures, against the trained model in float32.

    `recipe`, `card`, `source`, `result` and, for static int8, `quantization` are the shipped artifact's own;
    `candidate` runs it by the target's runtime in OUTPUTS_BY, on one thread (another runtime's logits differ, and
    `same_logits` says so). A block is within the budget when its SQNR is `min_sqnr_db` or more; NaN is not. What is
    lowered goes into `folder`, which stays the caller's.

    Raises ConversionError, ToolchainMissing, ArtifactError; ValueError for no pictures.
    """
    if not len(pictures):
        raise ValueError("no images were given for the drill-down, expected at least one")
    made = with_scales(checkpoint.model, spec, TARGETS[recipe.target], quantization)
    form = Tapped(made.form)
    tapped = _lowered(form, recipe, card, source=source, result=result, folder=folder)
    tapped = _rescaled(tapped, scales_of_taps(form, made.scales))
    sums, logits = {name: BlockStats() for name in (*form.names[1:], LOGITS)}, Agreement()
    _add_all(pictures, sums, logits, trained=_trained(checkpoint.model, spec), tapped=tapped, shipped=candidate)
    blocks = tuple(block.finding(name, min_sqnr_db) for name, block in sums.items())
    return Drill(
        pictures=len(pictures),
        min_sqnr_db=min_sqnr_db,
        tapped=f"the checkpoint, lowered again by {recipe.name} with {len(form.names) - 1} additional outputs, "
        f"run by {OUTPUTS_BY[recipe.target][1]}",
        same_logits=logits.same,
        logits_max_abs_difference=logits.max_abs_difference,
        blocks=blocks,
        first_over=next((block.name for block in blocks if not block.within), None),
    )


@dataclass(slots=True)
class BlockStats:
    """One block over all pictures and tokens so far: what its SQNR, max abs error and cosine are made of."""

    shape: tuple[int, ...] = ()
    squares: SignalNoise = field(default_factory=SignalNoise)
    power: float = 0.0
    product: float = 0.0
    max_abs_error: float = 0.0

    def add(self, reference: Values, candidate: Values) -> None:
        """One picture more, both [T,C] in float64, of one shape. NaN and infinity stay in the sums."""
        self.shape = reference.shape
        with np.errstate(over="ignore", invalid="ignore"):
            self.squares += SignalNoise.of(reference, candidate)
            self.power += float(np.square(candidate).sum())
            self.product += float((reference * candidate).sum())
            worst = np.abs(reference - candidate).max()
            self.max_abs_error = float(np.maximum(self.max_abs_error, worst))  # max() would lose a NaN

    def finding(self, name: str, min_sqnr_db: float) -> Block:
        """The block against its budget."""
        sqnr_db = self.squares.sqnr_db
        return Block(
            name=name,
            shape=self.shape,
            max_abs_error=self.max_abs_error,
            sqnr_db=sqnr_db,
            cosine=self._cosine(),
            within=sqnr_db >= min_sqnr_db,
        )

    def _cosine(self) -> float:
        """r.c / (|r| |c|) of all values as one vector, -1 to 1; 0 where one side alone is all zeros."""
        if self.squares.noise == 0:
            return 1.0
        lengths = math.sqrt(self.squares.signal) * math.sqrt(self.power)
        return float(np.clip(self.product / lengths, -1, 1)) if lengths else 0.0


@dataclass(slots=True)
class Agreement:
    """Two artifacts' logits so far: whether they are the same, bit for bit, and how far apart at most."""

    same: bool = True
    max_abs_difference: float = 0.0

    def add(self, shipped: Values, tapped: Values) -> None:
        """One picture more, both [1,classes]. Raises ArtifactError when the shapes differ."""
        _require_shape(LOGITS, shipped, tapped)
        one, other = np.asarray(shipped, np.float32), np.asarray(tapped, np.float32)
        if one.tobytes() == other.tobytes():
            return
        with np.errstate(invalid="ignore"):
            difference = np.abs(one - other).max()
        self.same, self.max_abs_difference = False, float(np.maximum(self.max_abs_difference, difference))


def _add_all(
    pictures: ImageSet,
    sums: Mapping[str, BlockStats],
    logits: Agreement,
    *,
    trained: Tapping,
    tapped: Tapping,
    shipped: Runner,
) -> None:
    """All pictures, one at a time, into every block's sums and the logits' agreement."""
    for images in pictures.batches(1):
        expected, found = trained(images[0]), tapped(images[0])
        logits.add(shipped(images), found[LOGITS])
        for name, block in sums.items():
            _require_shape(name, expected[name], found[name])
            block.add(expected[name], found[name])


def _lowered(
    form: Tapped, recipe: Recipe, card: Card, *, source: contract.Input, result: contract.Output, folder: Path
) -> Tapping:
    """The form as an artifact, ready to run."""
    artifact = folder / f"tapped{TARGETS[recipe.target].suffix}"
    called = {name: name.replace(".", "_") for name in form.names} | {LOGITS: result.name}
    lower(form, recipe, card, artifact, taps=tuple(called.values())[1:])
    run = OUTPUTS_BY[recipe.target][0](artifact, source=source, names=tuple(called.values()))

    def tapped(image: Images) -> Mapping[str, Values]:
        with running():
            made = run(image)
            values = {name: as_tokens(made[output]) for name, output in called.items()}
            return values | {LOGITS: as_tokens(as_logits(made[result.name], result))}

    return tapped


def scales_of_taps(form: Tapped, scales: Scales) -> dict[str, Values]:
    """What each tap's channels are multiplied by, float64 [C], from the scales of the blocks' paths.

    The last block's hold for `pooled` too: a mean over tokens keeps channels apart.
    """
    found = {name: scales[path].numpy() for name, path in block_paths(form.model).items() if path in scales}
    *_, last, _ = form.names
    return found | ({POOLED: found[last]} if last in found else {})


def _rescaled(tapped: Tapping, scales: Mapping[str, Values]) -> Tapping:
    return lambda image: {name: values * scales.get(name, 1) for name, values in tapped(image).items()}


def _trained(model: nn.Module, spec: ImageSpec) -> Tapping:
    run = eager.outputs(model, spec)
    return lambda image: {name: as_tokens(value) for name, value in run(image).items()}


def _require_shape(name: str, expected: Values, found: Values) -> None:
    if expected.shape != found.shape:
        raise ArtifactError(
            f"{name} has the shape {list(found.shape)}, expected the trained model's {list(expected.shape)}",
            fault="mismatch",
        )
