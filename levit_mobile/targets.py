"""What a target is: where its code lives and what its artifact is called. Names only, imported on use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Target:
    """One row. `converter`, `runner`, `load_for_timing`, `inspector`, `surveyor`, `runtime`, `tables` and
    `block_splitter` are "module:function", for `interfaces.toolchain`: what makes, runs, loads (to be timed) and reads
    an artifact, what reads anybody's, what only imports its runtime, what its recipes make of an attention bias, and
    what cuts an artifact into its blocks, None where nothing does.

    `form` is the baked form that the target's kernels like best: 1x1 convolutions on [N,C,1,T], or linear layers on
    [N,T,C]. `layout` and `pixel_range` are the graph's input: axis order, and the value of a full pixel (an image
    input of Core ML arrives as 0..255). `accelerator` is what computes where
    nothing else is asked. `packages` are the distributions whose versions go into the contract.
    """

    name: str
    converter: str
    runner: str
    inspector: str
    surveyor: str
    tables: str
    load_for_timing: str
    runtime: str
    accelerator: str
    block_splitter: str | None
    suffix: str
    extra: str
    packages: tuple[str, ...]
    form: Literal["channels_first", "token_major"]
    layout: Literal["NCHW", "NHWC"]
    pixel_range: int


TARGETS: dict[str, Target] = {
    "coreml": Target(
        name="coreml",
        converter="levit_mobile.conversion.coreml:convert",
        runner="levit_mobile.runners.coreml:load",
        inspector="levit_mobile.inspection.coreml:inspect",
        surveyor="levit_mobile.inspection.coreml:survey",
        tables="levit_mobile.conversion.coreml_weights:table_as_stored",
        load_for_timing="levit_mobile.runners.coreml:load_for_timing",
        runtime="levit_mobile.runners.coreml:runtime",
        accelerator="coreml",
        block_splitter=None,
        suffix=".mlpackage",
        extra="coreml",
        packages=("torch", "coremltools"),
        form="channels_first",
        layout="NCHW",
        pixel_range=255,
    ),
    "executorch": Target(
        name="executorch",
        converter="levit_mobile.conversion.executorch:convert",
        runner="levit_mobile.runners.executorch:load",
        inspector="levit_mobile.inspection.executorch:inspect",
        surveyor="levit_mobile.inspection.executorch:survey",
        tables="levit_mobile.conversion.executorch_weights:table_as_stored",
        load_for_timing="levit_mobile.runners.executorch:load_for_timing",
        runtime="levit_mobile.runners.executorch:runtime",
        accelerator="xnnpack",
        block_splitter=None,
        suffix=".pte",
        extra="executorch",
        packages=("torch", "executorch", "torchao"),
        form="token_major",
        layout="NCHW",
        pixel_range=1,
    ),
    "tflite": Target(
        name="tflite",
        converter="levit_mobile.conversion.tflite:convert",
        runner="levit_mobile.runners.tflite:load",
        inspector="levit_mobile.inspection.tflite:inspect",
        surveyor="levit_mobile.inspection.tflite:survey",
        tables="levit_mobile.conversion.tflite_weights:table_as_stored",
        load_for_timing="levit_mobile.runners.tflite:load_for_timing",
        runtime="levit_mobile.runners.tflite:runtime",
        accelerator="xnnpack",
        block_splitter="levit_mobile.conversion.tflite_blocks:blocks",
        suffix=".tflite",
        extra="tflite",
        packages=("torch", "litert-torch", "ai-edge-quantizer", "ai-edge-litert"),
        form="token_major",
        layout="NHWC",
        pixel_range=1,
    ),
}


def resolve(path: str) -> Callable[..., Any]:
    """The function that "module:function" names; its module is imported now.

    Raises ValueError when `path` does not have that form, or the module has no such function.
    """
    module, separator, name = path.partition(":")
    if not (module and separator and name):
        raise ValueError(f"{path!r} does not name a function, expected 'module:function'")
    function = getattr(import_module(module), name, None)
    if not callable(function):
        raise ValueError(f"the module {module} has no function {name}")
    return function  # type: ignore[no-any-return]
