"""Artifacts with damage anywhere: each is refused in a sentence, or runs and is judged by what came of it.

A failure names the mutant, from which `Mutant.of` makes the damage again. `pytest -rP` prints the counts.
"""

from __future__ import annotations

import math
import sys
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from conftest import Bundles
from support.mutations import KINDS, Died, Mutant, Outcome, Victim, outcomes

from levit_mobile.bundle.reader import OpenBundle, open_bundle
from levit_mobile.images.image_set import ImageSet
from levit_mobile.images.preprocessing import to_planar
from levit_mobile.interfaces.runner import Logits
from levit_mobile.parity import compare
from levit_mobile.parity.report import judge
from levit_mobile.recipe import Tolerance

RUNTIMES = {"tflite-fp32": "litert", "executorch-fp32": "executorch", "coreml-fp16": "mil"}
DATA = "Data/com.apple.CoreML"
WEIGHTS = f"{DATA}/weights/weight.bin"
# File of the artifact -> mutants of each kind.
FILE = {"": 18}
FILES = {"tflite-fp32": FILE, "executorch-fp32": FILE}
FILES["coreml-fp16"] = {f"{DATA}/model.mlmodel": 10, WEIGHTS: 5, "Manifest.json": 3}
PICTURES = 2
MOST_DEAD = 0.1
# Random weights in float16 are further from float32 than the recipe allows trained ones to be.
BOUNDS = Tolerance(min_sqnr_db=40, min_top1_agreement=1.0)


@pytest.fixture(scope="module")
def stored(shallow_bundles: Bundles) -> Callable[[str], OpenBundle]:
    """A real bundle of the recipe, of a small model with one block a stage."""
    return cache(lambda name: open_bundle(shallow_bundles(name).path))


def mutants(name: str) -> list[Mutant]:
    """At least 200, each with a seed of its own."""
    kinds = [(kind, file) for file, count in FILES[name].items() for kind in KINDS for _ in range(count)]
    return [Mutant(kind, file, seed) for seed, (kind, file) in enumerate(kinds)]


def victim(stored: OpenBundle, scratch: Path) -> Victim:
    pictures = list(stored.golden().values())[:PICTURES]
    images = np.stack([to_planar(pixels) for pixels, _ in pictures])
    return Victim(RUNTIMES[stored.contract.recipe], stored.artifact, stored.contract, images, scratch)


def reference(stored: OpenBundle) -> compare.Reference:
    """The trained model's logits on the pictures."""
    golden = dict(list(stored.golden().items())[:PICTURES])
    pictures = ImageSet.from_arrays({name: pixels for name, (pixels, _) in golden.items()})
    logits = np.stack([logits for _, logits in golden.values()])
    return compare.Reference("golden", pictures, pictures.digest(), logits, 130.0)


def verdict(expected: compare.Reference, found: Logits) -> str:
    """By the package, and by hand."""
    said = judge(compare.compare(expected, found, name="mutant", tolerance=BOUNDS)).verdict
    assert said == ("proven" if close(expected.logits, found) else "broken")
    return said


def close(expected: Logits, found: Logits) -> bool:
    if found.shape != expected.shape or not np.isfinite(found).all():
        return False
    ours, theirs = (np.float64(logits) - np.float64(logits).mean(1, keepdims=True) for logits in (expected, found))
    noise = float(np.square(ours - theirs).sum())
    sqnr_db = 10 * math.log10(float(np.square(ours).sum()) / noise) if noise else math.inf
    return bool((expected.argmax(1) == found.argmax(1)).all()) and sqnr_db >= BOUNDS.min_sqnr_db


def what(expected: compare.Reference, found: Outcome) -> str:
    """The outcome in a word, and that its sentence is one."""
    if not isinstance(found, str | Died):
        return verdict(expected, found)
    sentence = found if isinstance(found, str) else found.sentence
    assert sentence.splitlines() == [sentence]
    assert "Traceback" not in sentence
    assert "did not answer within" not in sentence
    return "refused" if isinstance(found, str) else "died"


@pytest.mark.parametrize("name", RUNTIMES)
def test_any_damage_is_a_refusal_or_a_verdict(
    stored: Callable[[str], OpenBundle], tmp_path: Path, name: str, record_property: Callable[[str, object], None]
) -> None:
    bundle = stored(name)
    drawn, expected = mutants(name), reference(bundle)
    found = {}
    for mutant, outcome in outcomes(victim(bundle, tmp_path / "scratch"), drawn):
        try:
            found[mutant] = what(expected, outcome)
        except Exception as error:
            raise AssertionError(f"{mutant}: {outcome}") from error
    counts = Counter(found.values())
    record_property("outcomes", {str(outcome): count for outcome, count in counts.items()})
    sys.stdout.write(f"{name}: {dict(counts)}\n")
    assert list(found) == drawn
    assert len(found) >= 200
    assert counts["died"] <= MOST_DEAD * len(found)
    by_kind = {kind: {word for mutant, word in found.items() if mutant.kind == kind} for kind in KINDS}
    assert by_kind["cut"] == {"refused"}
    assert "refused" in by_kind["1 byte of the head"]
    weights = Counter(word for mutant, word in found.items() if mutant.file in ("", WEIGHTS))
    assert min(weights["broken"], weights["proven"]) > 0


@pytest.mark.parametrize("name", RUNTIMES)
def test_the_artifact_itself_is_proven(stored: Callable[[str], OpenBundle], tmp_path: Path, name: str) -> None:
    """Without damage the same way ends in a proof: what is refused above is refused for its damage."""
    bundle, file = stored(name), next(iter(FILES[name]))
    nothing = Mutant("nothing", file, 0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(KINDS, "nothing", lambda data, _: data)
        tried = victim(bundle, tmp_path / "scratch")()(nothing)
    assert what(reference(bundle), tried) == "proven"
