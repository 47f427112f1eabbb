"""A validation of made-up logits: no model is loaded, and every picture is a grey that says which one it is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from levit_mobile.bundle.reader import open_bundle
from levit_mobile.images.image_set import ImageSet
from levit_mobile.images.source import ImageOrigin, ImageSource
from levit_mobile.interfaces.runner import Runner
from levit_mobile.recipe import Tolerance
from levit_mobile.runtimes import registry
from levit_mobile.runtimes.registry import RuntimeId
from levit_mobile.validation.references import ReferenceModel
from levit_mobile.validation.setup import ValidationSetup
from support import small_bundles

Logits = NDArray[np.float64]
COUNT, CLASSES = 8, small_bundles.CLASSES
HERE, THERE = RuntimeId("litert"), RuntimeId("litert", "cortex-a76")
# Every bound is asked, and nothing breaks any.
LOOSE = Tolerance(
    min_sqnr_db=1e-9,
    min_top1_agreement=0.0,
    min_top5_agreement=0.0,
    min_cosine=-1.0,
    max_abs_error=1e9,
    max_mean_abs_error=1e9,
    max_kl=1e9,
    min_top1_accuracy=0.0,
    max_accuracy_drop=1.0,
)
LOOSE_WITHOUT_LABELS = Tolerance(min_sqnr_db=1e-9, min_top1_agreement=0.0)


def reference_logits() -> Logits:
    """[COUNT,CLASSES]: picture i shows class i, by a margin of 2; the classes after it follow in their order."""
    ranked = np.array([12.0, 10.0, *np.linspace(4, 0, CLASSES - 2)])
    return np.stack([np.roll(ranked, index) for index in range(COUNT)])


def swapped(logits: Logits, picture: int) -> Logits:
    """The picture's best two classes have changed places."""
    changed = logits.copy()
    best, second = np.argsort(-logits[picture])[:2]
    changed[picture, [best, second]] = logits[picture, [second, best]]
    return changed


def truth() -> Mapping[str, int]:
    """What the pictures show: the reference is right on all but the last."""
    return {f"p{index}": index if index < COUNT - 1 else 0 for index in range(COUNT)}


def runner(logits: Logits) -> Runner:
    """It knows a picture by its grey."""
    return lambda images: logits[np.rint(images[:, 0, 0, 0] * 255).astype(int)]  # type: ignore[return-value]


def made(
    folder: Path,
    *,
    recipe: str = "tflite-fp32",
    tolerance: Tolerance = LOOSE_WITHOUT_LABELS,
    labels: Mapping[str, int] | None = None,
    reference: Logits | None = None,
    emulated: bool = False,
) -> ValidationSetup:
    """What is compared, on LiteRT; with `emulated` on a core, and on this machine besides."""
    if not folder.exists():
        small_bundles.bundle(folder, recipe)
    side, expected = small_bundles.SIDE, reference_logits() if reference is None else reference
    greys = {f"p{level}": np.full((side, side, 3), level, np.uint8) for level in range(COUNT)}
    return ValidationSetup(
        stored=open_bundle(folder),
        runtime=THERE if emulated else HERE,
        reference=ReferenceModel("made up", lambda: runner(expected)),
        pictures=ImageSet.from_arrays(greys),
        pictures_from=ImageSource(ImageOrigin.HELD_OUT),
        truth=labels,
        truth_from="made up",
        tolerance=tolerance,
        host=HERE if emulated else None,
    )


def gives(monkeypatch: pytest.MonkeyPatch, by_runtime: Mapping[RuntimeId, Logits | Exception]) -> None:
    """From now on a runtime computes these logits, or raises when it loads."""

    def load(runtime: RuntimeId, *_: object) -> Runner:
        found = by_runtime[runtime]
        if isinstance(found, Exception):
            raise found
        return runner(found)

    monkeypatch.setattr(registry, "load", load)
    monkeypatch.setattr(registry, "require", lambda _: None)
