"""nn.Module -> .mlpackage: an ML program with image input, class label, probabilities and raw logits."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from levit_mobile.errors import ToolchainMissing
from levit_mobile.interfaces.card import Card
from levit_mobile.model.fake_quant import fake_quantized_layers
from levit_mobile.recipe import Precision, Recipe

from . import coreml_int8, coreml_stem, coreml_weights, int4

NAMESPACE = uuid.UUID("6f0c5a0e-6d5f-5b0a-9c39-0d6f3b1f2a77")  # of the identifiers in a package's manifest
VOLATILE = "com.github.apple.coremltools.conversion_date"


class WithProbabilities(nn.Module):
    """Logits, their softmax, then whatever else the module gives.

    Core ML's classifier output would otherwise hold raw logits under the name of probabilities.
    """

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        # Tracing names a tensor after the first variable here that holds it, and so the ops in the package.
        logits, *taps = _several(self.module(image))
        return logits, logits.softmax(-1), *taps


def convert(module: nn.Module, recipe: Recipe, *, card: Card, path: Path, taps: tuple[str, ...] = ()) -> int:
    """Write `module` to `path`: RGB picture side x side -> classLabel, classLabel_probs, logits float32 [1,classes].

    The module takes pixels in 0..255, [1,3,side,side]; with `taps` it gives (logits, *taps), and those are outputs
    too, under these names (identifiers), in its own precision. The saved package is the same, byte for byte, for the
    same input. Returns how many convolutions must run in int8. Raises ToolchainMissing, and ConversionError when a
    large weight was not stored as the recipe says.
    """
    try:
        import coremltools
    except ImportError as error:
        raise ToolchainMissing("coremltools", "coreml") from error
    int4.require_groups(module, recipe, nn.Conv2d, coreml_weights.LARGE)
    module = coreml_stem.with_rounded_stem(module, recipe)
    uses = coreml_weights.uses_of(module)
    with TemporaryDirectory(dir=path.parent) as folder:  # which is removed with the artifact if the run is killed
        with coreml_int8.ops_known(recipe):
            program = _program(coremltools, coreml_int8.prepared(module, recipe), recipe, card, taps)
            coreml_weights.compress(coremltools, program, recipe, uses)
            model = _classifier(coremltools, program, recipe, card, Path(folder))
        coreml_weights.require_compressed(program, recipe, uses)
        _describe(model, card)
        _save(coremltools, model, path)
    return len(fake_quantized_layers(module))


def _several(made: Tensor | tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return (made,) if isinstance(made, Tensor) else made


def _program(coremltools: Any, module: nn.Module, recipe: Recipe, card: Card, taps: tuple[str, ...]) -> Any:
    """The MIL program with its tensor outputs: logits, probabilities, taps."""
    shape = (1, 3, card.height, card.width)
    traced = torch.jit.trace(WithProbabilities(module).eval(), torch.zeros(shape), check_trace=False)
    image = coremltools.ImageType(name="image", shape=shape, color_layout=coremltools.colorlayout.RGB)
    others = [coremltools.TensorType(name=name) for name in ("probabilities", *taps)]
    outputs = [coremltools.TensorType(name="logits", dtype=np.float32), *others]
    program = coremltools.convert(
        traced, inputs=[image], outputs=outputs, convert_to="milinternal", **_options(coremltools, recipe)
    )
    # coremltools 9.0 indexes these types by output, and the classifier adds outputs that they do not list.
    program.functions["main"].output_types = None
    return program


def _classifier(coremltools: Any, program: Any, recipe: Recipe, card: Card, folder: Path) -> Any:
    """The program as a Core ML classifier over the card's labels.

    The model keeps its weights in `folder` until it is saved. Left alone, coremltools makes a folder of its own and
    removes it at the end of the process, so a process that converts many models fills the disk.
    """
    classes = coremltools.ClassifierConfig(list(card.labels), predicted_probabilities_output="probabilities")
    package = str(folder / "model.mlpackage")
    return coremltools.convert(
        program,
        convert_to="mlprogram",
        classifier_config=classes,
        package_dir=package,
        **_options(coremltools, recipe),
    )


def _options(coremltools: Any, recipe: Recipe) -> dict[str, Any]:
    single = recipe.precision is Precision.FLOAT32
    return {
        "minimum_deployment_target": getattr(coremltools.target, f"iOS{recipe.minimum_ios}"),
        "compute_precision": coremltools.precision.FLOAT32 if single else coremltools.precision.FLOAT16,
        "skip_model_load": True,
        **coreml_int8.passes(coremltools, recipe),
    }


def _describe(model: Any, card: Card) -> None:
    """Authorship, descriptions and metadata, as Xcode shows them."""
    model.author, model.license, model.version = card.author, card.licence, card.version
    model.short_description = card.description
    model.input_description["image"] = f"RGB picture, {card.width} x {card.height}; normalisation is in the model"
    model.output_description["classLabel"] = "The most likely class"
    model.output_description["classLabel_probs"] = "Probability of each class, 0 to 1"
    model.output_description["logits"] = "Raw scores before the softmax, in the order of the labels"
    model.user_defined_metadata.update({f"levit_mobile.{key}": value for key, value in card.metadata.items()})


def _save(coremltools: Any, model: Any, path: Path) -> None:
    """Save, then rewrite what differs from run to run: map order, date, random identifiers, stray files, modes."""
    model.save(str(path))
    for stray in path.glob("executorch_debug_handle_mapping.json"):
        stray.unlink()
    program = path / "Data" / "com.apple.CoreML" / "model.mlmodel"
    spec = coremltools.utils.load_spec(str(path))
    spec.description.metadata.userDefined.pop(VOLATILE, None)
    program.write_bytes(spec.SerializeToString(deterministic=True))
    _rewrite_manifest(path / "Manifest.json")
    for item in [path, *path.rglob("*")]:
        item.chmod(0o755 if item.is_dir() else 0o644)


def _rewrite_manifest(manifest: Path) -> None:
    """Replace the manifest's random identifiers by ones derived from what they name."""
    content = json.loads(manifest.read_text())
    entries, root = content["itemInfoEntries"], content["rootModelIdentifier"]
    names = {key: str(uuid.uuid5(NAMESPACE, entry["path"])).upper() for key, entry in entries.items()}
    content["itemInfoEntries"] = {names[key]: entries[key] for key in sorted(entries, key=names.__getitem__)}
    content["rootModelIdentifier"] = names[root]
    manifest.write_text(json.dumps(content, indent=4, sort_keys=True) + "\n")
