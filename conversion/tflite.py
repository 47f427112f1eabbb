"""nn.Module -> .tflite, by litert-torch; narrower weights by tflite_weights.py."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from levit_mobile.errors import ToolchainMissing
from levit_mobile.interfaces.card import Card
from levit_mobile.model.fake_quant import fake_quantized_layers, without_fake_quant
from levit_mobile.recipe import Precision, Recipe

from . import int4, tflite_int8, tflite_weights
from .tflite_model import Model, allow_half, opened, write

WRAPPERS = 2  # modules around the form: NamedTensors, and litert-torch's own name for what it holds
CLASS = re.compile(r"(?:\w+\.)+[A-Z][A-Za-z0-9]*_")  # before a module's name in a step of its path

# How a precision opens the bytes of the float32 model.
OPENED: Mapping[Precision, Callable[[bytes], Model]] = {
    Precision.FLOAT32: opened,
    Precision.FLOAT16: tflite_weights.float16,
    Precision.INT8_DYNAMIC: tflite_weights.int8_dynamic,
    Precision.INT8_WEIGHT: tflite_weights.int8_weight,
    Precision.INT4_WEIGHT: tflite_weights.int4_weight,
}


class NamedTensors(nn.Module):
    """Gives the graph's input and outputs the names that the contract and the apps use."""

    __module__ = "conversion.tflite"  # in a tensor's name, so that artifacts do not change with the package

    def __init__(self, module: nn.Module, taps: tuple[str, ...]) -> None:
        super().__init__()
        self.module, self.names = module, ("logits", *taps)

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        made: Tensor | tuple[Tensor, ...] = self.module(image)
        return dict(zip(self.names, (made,) if isinstance(made, Tensor) else made, strict=True))


def convert(module: nn.Module, recipe: Recipe, *, card: Card, path: Path, taps: tuple[str, ...] = ()) -> int:
    """Write `module` to `path`: image float32 [1,side,side,3] in [0,1] -> logits float32 [1,classes].

    Input and output are float32 whatever the precision, but where the recipe's `io` asks for int8;
    tflite_int8.py and tflite_weights.py say what each stores and computes in.
    With `taps` the module gives (logits, *taps), and those are outputs too, under these names. Returns how many
    convolutions and linears must run in int8. Raises ToolchainMissing, and ConversionError when a large weight was not
    stored as the recipe says.
    """
    lower = _vendor()
    int4.require_groups(module, recipe)
    named = NamedTensors(module, taps).eval()
    with without_fake_quant(named):
        content = lower(named, (card.height, card.width))
    is_int8 = recipe.precision is Precision.INT8
    model = tflite_int8.quantized(content, named) if is_int8 else OPENED[recipe.precision](content)
    if recipe.has_integers and not is_int8:
        tflite_weights.narrow_tables(model, named)
    if recipe.io == "int8":
        tflite_int8.take_integers(model, named.names[0])
    if recipe.allows_half:
        allow_half(model)
    shorten_names(model)
    write(model, path)  # litert-torch and the quantizer write in ways that end the process when the disk is full
    return len(fake_quantized_layers(module))


def _vendor() -> Callable[[nn.Module, tuple[int, int]], bytes]:
    """`float_model`, if the vendor's package is installed."""
    try:
        import litert_torch  # noqa: F401
    except ImportError as error:
        raise ToolchainMissing("litert-torch", "tflite") from error
    return float_model


def float_model(module: nn.Module, size: tuple[int, int]) -> bytes:
    """The module in float32, as litert-torch writes it: the same for every precision of the weights."""
    import litert_torch

    content: bytes = litert_torch.convert(module, sample_kwargs={"image": torch.zeros(1, *size, 3)}).model_content()
    return content


def shorten_names(model: Model) -> None:
    """Name the tensors of the model by their places in the form: a tenth of a MB, and profiles can be read.

    before   conversion.tflite.NamedTensors/levit_mobile...TokenMajor_module/...Sequential_body/...;3
    after    body/stage0/attn0/q;3
    """
    graph = model.subgraphs[0]
    kept = {*graph.inputs, *graph.outputs}
    taken = {graph.tensors[index].name for index in kept}
    for index, tensor in enumerate(graph.tensors):
        if index not in kept:
            tensor.name = _unlike(taken, short_name(tensor.name.decode()).encode())
            taken.add(tensor.name)


def short_name(name: str) -> str:
    """A tensor's name with the first of its places only, and of each step there the module's name."""
    place, *number = name.split(";")
    steps = [CLASS.sub("", step, count=1) for step in place.split("/")]
    return ";".join(["/".join(steps[WRAPPERS:] or steps), *filter(None, number[-1:])])


def _unlike(taken: set[bytes], name: bytes) -> bytes:
    return next(each for each in (name, *(b"%s;%d" % (name, i) for i in range(len(taken) + 1))) if each not in taken)
