"""Whole bundles around a few bytes in an artifact's place: `report` opens them, and nothing runs them."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from levit_mobile import contract as c
from levit_mobile.contract import Contract
from levit_mobile.images.spec import ImageSpec
from levit_mobile.parity.report import judge, not_run
from levit_mobile.recipe import RECIPES
from levit_mobile.system.files import digest, digest_bytes
from levit_mobile.targets import TARGETS
from support import validations as made

SIDE, CLASSES = 16, 10
# Recipe -> MB, ms on the host, SQNR in dB, top-1 agreement.
SAMPLES: dict[str, tuple[float, float, float, float]] = {
    "coreml-fp16": (15.0, 1.4, 62.7, 1.0),
    "coreml-palette4": (4.07, 1.5, 24.7, 0.9962),
    "executorch-fp32": (29.81, 7.7, 123.8, 1.0),
    "executorch-int8": (7.77, 3.4, 35.8, 0.999),
    "tflite-fp16": (14.97, 7.6, 67.3, 1.0),
    "tflite-fp32": (29.79, 7.5, 123.7, 1.0),
    "tflite-int4-weight": (4.84, 4.2, 24.5, 0.998),
    "tflite-int8": (8.02, 3.15, 35.8, 0.9988),
}


def name(recipe: str) -> str:
    """Of a bundle's folder."""
    return f"levit_128s-{recipe}"


def bundle(folder: Path, recipe: str, *, verdict: str = "proven", content: bytes = b"weights ") -> Contract:
    """A whole bundle; its artifact is a few bytes, and its contract says the size that it would have."""
    megabytes, _, sqnr_db, agreement = SAMPLES[recipe]
    (folder / "golden").mkdir(parents=True)
    file = "model" + TARGETS[RECIPES[recipe].target].suffix
    _artifact(folder / file, content + recipe.encode())
    (folder / "labels.txt").write_text("".join(f"{label}\n" for label in range(CLASSES)))
    tolerance = RECIPES[recipe].tolerance
    report = made.parity(
        tolerance, candidate=recipe, images=64, sqnr_db=sqnr_db, top1_agreement=agreement, max_abs_error=0.02
    )
    proof = judge(report) if verdict == "proven" else not_run("Core ML runs on macOS only")
    written = Contract(
        schema_version=2,
        tool="0.1.0",
        recipe=recipe,
        model=c.Model(
            family="levit",
            variant="levit_128s",
            classes=CLASSES,
            parameters=7_014_758,
            macs=303_900_512,
            checkpoint_sha256="2d" * 32,
            checkpoint_format="official",
            source="LeViT sample.pth",
        ),
        artifact=c.Artifact(
            file=file,
            sha256=digest(folder / file),
            bytes=int(megabytes * 1e6),
            partitions=1,
            toolchain={"torch": "2.13.0+cpu"},
            arithmetic=_arithmetic(recipe),
        ),
        input=c.Input(name="image", shape=_shape(recipe), layout=_layout(recipe), dtype="float32", range=(0.0, 1.0)),
        output=c.Output(
            name="logits", shape=(1, CLASSES), dtype="float32", labels_sha256=digest(folder / "labels.txt")
        ),
        preprocessing=c.Preprocessing(**asdict(ImageSpec(height=SIDE, width=SIDE, crop_height=SIDE, crop_width=SIDE))),
        tolerance=tolerance,
        golden=(_golden(folder),),
        verdict=proof.verdict,
    )
    written.write(folder)
    proof.write(folder)
    return written


def _artifact(path: Path, content: bytes) -> None:
    if path.suffix == ".mlpackage":
        (path / "Data").mkdir(parents=True)
        (path / "Data" / "model.mlmodel").write_bytes(content)
    else:
        path.write_bytes(content)


def _arithmetic(recipe: str) -> c.Arithmetic | None:
    if RECIPES[recipe].target != "tflite":
        return None
    return "fp16 where the core has it" if RECIPES[recipe].allows_half else "fp32"


def _layout(recipe: str) -> Any:
    return TARGETS[RECIPES[recipe].target].layout


def _shape(recipe: str) -> tuple[int, int, int, int]:
    return (1, 3, SIDE, SIDE) if _layout(recipe) == "NCHW" else (1, SIDE, SIDE, 3)


def _golden(folder: Path) -> c.Golden:
    pixels, logits = bytes(SIDE * SIDE * 3), bytes(CLASSES * 4)
    (folder / "golden" / "a.rgb8").write_bytes(pixels)
    (folder / "golden" / "a.f32").write_bytes(logits)
    return c.Golden(
        name="a",
        rgb8_file="golden/a.rgb8",
        rgb8_sha256=digest_bytes(pixels),
        rgb8_shape=(SIDE, SIDE, 3),
        logits_file="golden/a.f32",
        logits_sha256=digest_bytes(logits),
        logits_shape=(CLASSES,),
    )
