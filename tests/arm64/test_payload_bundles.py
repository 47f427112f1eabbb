"""The bundled model by the payload's programs: the same values, bit for bit, as by the emulated runtimes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from conftest import Bundles
from support.arm64s import RUNS_HERE, ready
from support.payloads import bare, named, stored, values

from levit_mobile.arm64.cpus import CPUS
from levit_mobile.arm64.emulator import Emulated

pytestmark = RUNS_HERE
RECIPES = ("tflite-fp32", "tflite-int8", "executorch-fp32", "executorch-int8")
PROGRAMS = {".tflite": "litert", ".pte": "executorch"}


@pytest.mark.parametrize("recipe", RECIPES)
def test_it_computes_what_the_emulated_runtime_computes(bundles: Bundles, tmp_path: Path, recipe: str) -> None:
    bundle = bundles(recipe)
    artifact = bundle.path / bundle.contract.artifact.file
    images = np.random.default_rng(5).random((1, 3, 224, 224), np.float32)
    (given,) = stored(tmp_path, bundle.contract, images)
    words = ("--name", recipe, "--model", artifact, "--input", given, "--warmup", 0, "--rounds", 0)
    found = bare(tmp_path).events(PROGRAMS[artifact.suffix], *words)
    (answer,) = named(found, "answer")
    emulated = Emulated(artifact, CPUS["cortex-a76"], ready())
    wanted = emulated.infer(np.frombuffer(given.read_bytes(), emulated.dtype).reshape(emulated.shape))
    emulated.end()
    assert np.array_equal(values(answer), wanted.ravel())
