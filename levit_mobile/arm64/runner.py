"""Runs a `.tflite` or a `.pte` with its own runtime for ARM64, on an emulated core."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from levit_mobile.arm64 import folder
from levit_mobile.arm64.cpus import CPUS
from levit_mobile.arm64.emulator import Emulated
from levit_mobile.contract import Input, Output
from levit_mobile.interfaces.runner import Images, Logits
from levit_mobile.runners.adapters import adapted, as_logits, one_by_one, running, stated_form


class Arm64Runner:
    """A runner that knows which instructions it ran. Its process lives as long as it does."""

    def __init__(self, emulated: Emulated, source: Input, result: Output, dim_order: tuple[int, ...] = ()) -> None:
        def run(image: Images) -> NDArray[np.generic]:
            values = adapted(image, source)
            in_order = np.ascontiguousarray(values.transpose(dim_order)) if dim_order else values
            return as_logits(emulated.infer(in_order), result)

        self._emulated, self._run = emulated, one_by_one(run)

    def __call__(self, images: Images) -> Logits:
        """[N,3,H,W] -> [N,classes]. Raises ArtifactError when the runtime fails, dies or is silent."""
        return self._run(images)

    def executed(self) -> dict[str, int]:
        """Instructions of all inferences since this was last asked, by class. Raises ArtifactError likewise."""
        with running():
            return self._emulated.counts().by_class()


def load(path: Path, *, source: Input, result: Output, cpu: str) -> Arm64Runner:
    """`cpu` is a name of CPUS.

    Raises RunnerUnavailable where ARM64 is not set up, ArtifactError when the runtime cannot load the file.
    """
    emulated = Emulated(path, CPUS[cpu], folder.found(), source=source.name, result=result.name)
    order = stated_form(path, "executorch").dim_order if path.suffix == ".pte" else ()
    return Arm64Runner(emulated, source, result, order)
