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
    from levit_mobile.bundle import Bundle
    from levit_mobile.contract import Contract
    from levit_mobile.errors import LevitMobileError
    from levit_mobile.images import ImageSpec
    from levit_mobile.model.checkpoint import Checkpoint, load_checkpoint
    from levit_mobile.model.levit import LeViT
    from levit_mobile.parity import ParityReport, Proof
    from levit_mobile.pipeline import convert
    from levit_mobile.recipe import RECIPES, Recipe

_HOMES = {
    "Bundle": "levit_mobile.bundle",
    "Checkpoint": "levit_mobile.model.checkpoint",
    "Contract": "levit_mobile.contract",
    "ImageSpec": "levit_mobile.images",
    "LeViT": "levit_mobile.model.levit",
    "LevitMobileError": "levit_mobile.errors",
    "ParityReport": "levit_mobile.parity",
    "Proof": "levit_mobile.parity",
    "RECIPES": "levit_mobile.recipe",
    "Recipe": "levit_mobile.recipe",
    "convert": "levit_mobile.pipeline",
    "load_checkpoint": "levit_mobile.model.checkpoint",
}

__all__ = [
    "RECIPES",
    "Bundle",
    "Checkpoint",
    "Contract",
    "ImageSpec",
    "LeViT",
    "LevitMobileError",
    "ParityReport",
    "Proof",
    "Recipe",
    "convert",
    "load_checkpoint",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
