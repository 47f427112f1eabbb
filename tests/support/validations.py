"""Validations as `validate` finds them, made by hand: proven, broken, not run, without numbers, with hostile names."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from levit_mobile.parity.report import ParityReport
from levit_mobile.recipe import FP16, FP32, Tolerance
from levit_mobile.runtimes.registry import RUNTIMES, Runtime
from levit_mobile.validation.results import Accuracy, Block, Drill, Picture, Prediction, Validation

PICTURES = 500
SCRIPT = "<script>document.title='pwned'</script>"
MARKUP = f"{SCRIPT}<img src=x onerror=\"document.title='pwned'\"> & \"quotes\" 'n' [bold]brackets[/bold] | `code` 100%"
CONTROL = "bell\x07 escape\x1b[31m null\x00 half\ud83d nonchar\uffff"
HOSTILE = f"{MARKUP} {CONTROL}"

ALL_BOUNDS = Tolerance(
    min_sqnr_db=50.0,
    min_top1_agreement=0.99,
    min_top5_agreement=1.0,
    min_cosine=0.9999,
    max_abs_error=0.05,
    max_mean_abs_error=0.01,
    max_kl=1e-4,
    min_top1_accuracy=0.95,
    max_accuracy_drop=0.005,
)


def runtime(name: str, version: str) -> Runtime:
    """As reports call it, of a version whatever is installed."""
    return Runtime(name=name, title=RUNTIMES[name].title, version=version, real=RUNTIMES[name].real)


LITERT, EXECUTORCH, MIL = runtime("litert", "2.3.0"), runtime("executorch", "1.4.1"), runtime("mil", "0.1.0")
BY_TARGET = {"coreml": MIL, "executorch": EXECUTORCH, "tflite": LITERT}
VERSIONS = {"torch": "2.13.0+cpu", "litert-torch": "0.10.0", "ai-edge-litert": "2.3.0"}

STAGES = {0: (2, 196, 128), 1: (3, 49, 256), 2: (4, 16, 384)}  # blocks, tokens, channels of levit_128s


def parity(tolerance: Tolerance = FP32, **changes: object) -> ParityReport:
    """A report that passes FP32, unless changed."""
    report = ParityReport(
        reference="levit_128s_digits.safetensors, float32",
        candidate="tflite-fp32",
        images=PICTURES,
        images_digest="5f" * 32,
        max_abs_error=8.3e-06,
        mean_abs_error=9.4e-07,
        sqnr_db=124.6,
        floor_sqnr_db=133.1,
        cosine=1.0,
        kl=3.1e-13,
        top1_agreement=1.0,
        top5_agreement=1.0,
        tolerance=tolerance,
    )
    return report.model_copy(update=changes)


def errors(typical: float, count: int = PICTURES) -> tuple[float, ...]:
    """Log-normal around a typical error."""
    drawn = np.random.default_rng(7).lognormal(math.log(typical), 0.5, count)
    return tuple(drawn.tolist())


def guesses(*labels: str, best: float = 0.5) -> tuple[Prediction, ...]:
    """The first gets `best`, each further one half of what is left."""
    shares = [best, (1 - best) / 2, (1 - best) / 4]
    return tuple(Prediction(label=label, probability=share) for label, share in zip(labels, shares, strict=False))


def picture(index: int, error: float, *, flip: bool = False) -> Picture:
    """A held-out digit; with `flip` its two best classes changed places in the candidate."""
    label, other, third = str(index % 10), str((index + 3) % 10), str((index + 5) % 10)
    return Picture(
        name=f"digit-{index:04d}",
        truth=label,
        max_abs_error=error,
        reference=guesses(label, other, third, best=0.49 + index % 7 * 0.01),
        candidate=guesses(*((other, label) if flip else (label, other)), third, best=0.51),
        reference_margin=0.02 + 0.001 * index,
        candidate_margin=0.03,
    )


def block_names() -> dict[str, tuple[int, ...]]:
    """levit_128s' blocks in their order, and their shapes."""
    names: dict[str, tuple[int, ...]] = {"stem": (128, 14, 14)}
    for stage, (depth, tokens, channels) in STAGES.items():
        if stage:
            names |= {f"shrink{stage - 1}.attn": (tokens, channels), f"shrink{stage - 1}.mlp": (tokens, channels)}
        for i in range(depth):
            names |= {f"stage{stage}.attn{i}": (tokens, channels), f"stage{stage}.mlp{i}": (tokens, channels)}
    return {**names, "head": (10,)}


def drill(best_db: float, loss_db: float, budget: float, *, fall: tuple[str, float] | None = None) -> Drill:
    """SQNR that falls by `loss_db` a block from `best_db` on, and once by what `fall` says, from that block on."""
    blocks, level = [], best_db
    for number, (name, shape) in enumerate(block_names().items()):
        level -= loss_db * (1 + 0.3 * math.sin(2.1 * number)) + (fall[1] if fall and name == fall[0] else 0)
        size = 10 ** (-level / 20)
        figures = {"max_abs_error": 8 * size, "sqnr_db": level, "cosine": 1 - size**2 / 2}
        blocks.append(Block(name=name, shape=shape, within=level >= budget, **figures))
    first = next((block.name for block in blocks if not block.within), None)
    return Drill(
        pictures=16,
        min_sqnr_db=budget,
        tapped="every block's output made an output of the artifact",
        same_logits=fall is None,
        logits_max_abs_difference=0.0 if fall is None else 4.8e-07,
        blocks=tuple(blocks),
        first_over=first,
    )


def _of(recipe: str, **facts: Any) -> Validation:
    """Of a levit_128s bundle, on held-out digits, against the checkpoint that it was made from."""
    return Validation(
        bundle=f"levit_128s-{recipe}",
        variant="levit_128s",
        recipe=recipe,
        reference="levit_128s_digits.safetensors, float32",
        pictures_from="held-out digits",
        **facts,
    )


def proven(**changes: object) -> Validation:
    """tflite-fp32 on LiteRT, well within its bounds, drilled."""
    found = _of(
        "tflite-fp32",
        artifact_sha256="3c" * 32,
        runtime=LITERT,
        verdict="proven",
        reasons=(),
        report=parity(),
        top1_interval=(0.99238, 1.0),
        top5_interval=(0.99238, 1.0),
        errors=errors(2.5e-06),
        worst=tuple(picture(index, 8.3e-06 - 1e-08 * index) for index in (12, 45, 301)),
        drill=drill(140.0, 0.6, 100.0),
        seconds=41.27,
        processes=2,
        versions=VERSIONS,
    )
    return found.model_copy(update=changes)


def broken(flips: int = 60, **changes: object) -> Validation:
    """executorch-fp16 that lost its way in stage 1: flips, labels, a drill, every bound asked and most broken."""
    report = parity(
        ALL_BOUNDS,
        candidate="executorch-fp16",
        max_abs_error=3.21,
        mean_abs_error=0.42,
        sqnr_db=17.6,
        cosine=0.98312,
        kl=0.0713,
        top1_agreement=1 - flips / PICTURES,
        top5_agreement=0.998,
    )
    accuracy = Accuracy(
        pictures=PICTURES,
        labels_from="the digits' own labels",
        reference=0.968,
        reference_interval=(0.9487, 0.9802),
        candidate=0.872,
        candidate_interval=(0.8399, 0.8985),
        only_reference_right=53,
        only_candidate_right=5,
        mcnemar_p=3.5e-11,
    )
    found = _of(
        "executorch-fp16",
        artifact_sha256="a9" * 32,
        skipped=("digit-0017: cannot be read as a picture",),
        runtime=EXECUTORCH,
        verdict="broken",
        reasons=(
            *report.failures,
            "top-1 accuracy is 87.20%, expected at least 95.00%",
            "top-1 accuracy is 87.20%, expected at most 0.50% below the reference's 96.80%",
        ),
        notes=("the error starts at shrink0.attn: its softmax overflows float16",),
        report=report,
        top1_interval=(0.8486, 0.9056),
        top5_interval=(0.9888, 0.9996),
        errors=errors(0.4),
        flips=tuple(picture(index, 0.9, flip=True) for index in range(3, 3 + flips)),
        worst=tuple(picture(index, 3.21 - 0.2 * index, flip=index != 2) for index in range(1, 7)),
        accuracy=accuracy,
        drill=drill(78.0, 0.5, 50.0, fall=("shrink0.attn", 36.0)),
        seconds=63.9,
        versions={"torch": "2.13.0+cpu", "executorch": "1.4.1"},
    )
    return found.model_copy(update=changes)


def not_run(**changes: object) -> Validation:
    """A Core ML bundle on a machine that cannot run it."""
    found = _of(
        "coreml-fp16",
        artifact_sha256="07" * 32,
        runtime=None,
        verdict="not run",
        reasons=("Core ML runs on macOS only; convert here and prove on a Mac",),
    )
    return found.model_copy(update=changes)


def not_a_number(**changes: object) -> Validation:
    """Logits that are NaN on some pictures: a report that holds no number."""
    nan = math.nan
    defect = f"the artifact gave NaN or infinite logits on 31 of {PICTURES} images"
    figures = ("max_abs_error", "mean_abs_error", "sqnr_db", "cosine", "kl", "top1_agreement", "top5_agreement")
    report = parity(FP16, defect=defect, candidate="coreml-fp16", **dict.fromkeys(figures, nan))
    blocks = list(drill(80.0, 0.5, 50.0).blocks)
    blocks[0] = blocks[0].model_copy(update={"sqnr_db": math.inf, "max_abs_error": 0.0, "cosine": 1.0})
    for i in range(9, len(blocks)):
        figures_of_block = {"sqnr_db": nan, "max_abs_error": math.inf, "cosine": nan, "within": False}
        blocks[i] = blocks[i].model_copy(update=figures_of_block)
    found = _of(
        "coreml-fp16",
        artifact_sha256="08" * 32,
        runtime=MIL,
        verdict="broken",
        reasons=report.failures,
        notes=("the MIL reference is no runtime of a phone",),
        report=report,
        errors=(*errors(0.002, PICTURES - 31 - 4), *[0.0] * 4, *[nan] * 30, math.inf),
        drill=drill(80.0, 0.5, 50.0).model_copy(update={"blocks": tuple(blocks), "first_over": blocks[9].name}),
        seconds=212.5,
    )
    return found.model_copy(update=changes)


def hostile() -> Validation:
    """`broken` with HOSTILE wherever text comes from outside: files, labels, runtimes, reasons."""
    guess = tuple(Prediction(label=f"{HOSTILE} {place}", probability=0.3) for place in range(3))
    shown = picture(1, 0.9, flip=True).model_copy(
        update={"name": f"{HOSTILE}.png", "truth": HOSTILE, "reference": guess, "candidate": guess}
    )
    found = broken()
    assert found.report is not None
    assert found.drill is not None
    assert found.accuracy is not None
    blocks = (found.drill.blocks[0].model_copy(update={"name": HOSTILE}), *found.drill.blocks[1:])
    return found.model_copy(
        update={
            "bundle": f"{HOSTILE} bundle",
            "reference": HOSTILE,
            "pictures_from": HOSTILE,
            "skipped": (HOSTILE,),
            "runtime": EXECUTORCH.model_copy(update={"title": HOSTILE, "version": HOSTILE}),
            "reasons": (f"{HOSTILE}\nsecond line",),
            "notes": (HOSTILE,),
            "flips": (shown,),
            "worst": (shown,),
            "accuracy": found.accuracy.model_copy(update={"labels_from": HOSTILE}),
            "drill": found.drill.model_copy(update={"blocks": blocks, "tapped": HOSTILE, "first_over": HOSTILE}),
            "versions": {HOSTILE: HOSTILE},
        }
    )


def everything() -> list[Validation]:
    """One of each."""
    return [proven(), broken(), not_run(), not_a_number(), hostile()]
