"""Turn a trained LeViT into Core ML, ExecuTorch and TFLite bundles that hold their own proof.

    >>> import levit_mobile
    >>> bundle = levit_mobile.convert("LeViT-256.pth", "tflite-fp32", out="build")
    >>> bundle.proof.verdict
    'proven'

Public names are imported on first use, so that `import levit_mobile` needs neither torch nor a vendor.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from levit_mobile.contract import Contract
    from levit_mobile.errors import LevitMobileError
    from levit_mobile.images.image_set import ImageSpec
    from levit_mobile.model.checkpoint import load_checkpoint
    from levit_mobile.model.levit import LeViT
    from levit_mobile.parity.compare import Proof
    from levit_mobile.pipeline.convert import convert
    from levit_mobile.pipeline.writing import Bundle
    from levit_mobile.recipe import RECIPES, Recipe
    from levit_mobile.timing.bench import bench
    from levit_mobile.validation.results import Validation
    from levit_mobile.validation.validate import validate

_HOMES = {
    "Bundle": "levit_mobile.pipeline.writing",
    "Contract": "levit_mobile.contract",
    "ImageSpec": "levit_mobile.images.image_set",
    "LeViT": "levit_mobile.model.levit",
    "LevitMobileError": "levit_mobile.errors",
    "Proof": "levit_mobile.parity.compare",
    "RECIPES": "levit_mobile.recipe",
    "Recipe": "levit_mobile.recipe",
    "Validation": "levit_mobile.validation.results",
    "bench": "levit_mobile.timing.bench",
    "convert": "levit_mobile.pipeline.convert",
    "load_checkpoint": "levit_mobile.model.checkpoint",
    "validate": "levit_mobile.validation.validate",
}

__all__ = [
    "RECIPES",
    "Bundle",
    "Contract",
    "ImageSpec",
    "LeViT",
    "LevitMobileError",
    "Proof",
    "Recipe",
    "Validation",
    "bench",
    "convert",
    "load_checkpoint",
    "validate",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
