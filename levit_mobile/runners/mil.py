"""Runs a `.mlpackage` with the MIL reference, on any machine: what the file says, not what a device makes of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from levit_mobile.contract import Input, Output
from levit_mobile.errors import ArtifactError
from levit_mobile.interfaces.runner import Images, Outputs, Runner
from levit_mobile.mil.program import Mode, Program, read
from levit_mobile.runners.adapters import adapted, one_by_one, refusing


def load(path: Path, *, source: Input, result: Output, threads: int = 1, mode: Mode = "declared") -> Runner:
    """Raises ArtifactError when the MIL reference cannot read the package, or it is not what the contract says.

    `mode` is "declared", every tensor rounded as the program declares, or "float32", none rounded.
    """
    run = outputs(path, source=source, names=(result.name,), threads=threads, mode=mode)
    return one_by_one(lambda image: run(image)[result.name])


def load_float32(path: Path, *, source: Input, result: Output, threads: int = 1) -> Runner:
    """As `load`, in the mode "float32"."""
    return load(path, source=source, result=result, threads=threads, mode="float32")


def outputs(path: Path, *, source: Input, names: tuple[str, ...], threads: int = 1, mode: Mode = "declared") -> Outputs:
    """The outputs of these names, floats as float32. Raises as `load` does."""
    with refusing(f"{path} cannot be read by the MIL reference:"):
        program = read(path, mode=mode)
        _require_contract(program, path, source, names)

    def run(image: Images) -> dict[str, NDArray[np.generic]]:
        with _threads(threads):
            made = program.run({source.name: pixels(image, source)})
        return {name: made[name] for name in names}

    return run


def pixels(image: Images, source: Input) -> NDArray[np.generic]:
    """One picture [3,H,W] as the program takes it; of an image input Core ML only ever sees whole levels, 0 to 255."""
    values = adapted(image, source)
    return np.rint(values) if source.dtype == "image" else values


@contextmanager
def _threads(count: int) -> Iterator[None]:
    """torch computes the products and windows; its thread count is the process's own, so it is put back."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _require_contract(program: Program, path: Path, source: Input, names: tuple[str, ...]) -> None:
    shapes = {entry.name: entry.shape for entry in program.inputs}
    if shapes != {source.name: source.shape}:
        raise ArtifactError(
            f"{path} has the inputs {shapes}, expected the contract's {source.name} {list(source.shape)}",
            fault="mismatch",
        )
    colours = program.images.get(source.name)
    if (source.dtype == "image") != (colours is not None) or colours not in (None, source.color_order):
        raise ArtifactError(
            f"{path} takes {source.name} as {colours or 'a tensor'}, expected the contract's {source.dtype} in "
            f"{source.color_order} order",
            fault="mismatch",
        )
    if absent := [name for name in names if name not in program.outputs]:
        raise ArtifactError(
            f"{path} has the outputs {', '.join(program.outputs)}, expected {', '.join(absent)} too", fault="mismatch"
        )
