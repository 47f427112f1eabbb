"""Runs of `predict` around bundles that nothing runs: for tests of what is printed."""

from __future__ import annotations

from pathlib import Path

from levit_mobile.bundle.reader import OpenBundle, open_bundle
from levit_mobile.contract import CONTRACT_FILE
from levit_mobile.images.image_set import Skipped
from levit_mobile.prediction.predict import ClassifiedPicture, ClassScore, PredictionRun
from support import small_bundles
from support import validations as made
from support.stored_bundles import edited


def opened(folder: Path, *, head: str = "softmax", recipe: str = "tflite-fp32") -> OpenBundle:
    """A bundle of ten digits, 16 px, with this head."""
    small_bundles.bundle(folder, recipe)
    edited(folder / CONTRACT_FILE, "output", "head", to=head)
    return open_bundle(folder)


def run(
    folder: Path, *, head: str = "softmax", names: tuple[str, ...] = ("a.jpg",), skipped: tuple[Skipped, ...] = ()
) -> PredictionRun:
    """Two classes for each picture."""
    shares = (None, None) if head == "none" else (0.9375, 0.04)
    classes = tuple(
        ClassScore(index, str(index), logit, share)
        for (index, logit), share in zip(((7, 4.25), (1, -0.5)), shares, strict=True)
    )
    pictures = tuple(ClassifiedPicture(name, classes) for name in names)
    return PredictionRun(opened(folder, head=head), made.LITERT, pictures, skipped)
