"""What `convert --dry-run` prints: the bundles that it would write, and the toolchains that it would miss."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from levit_mobile.errors import ToolchainMissing
from levit_mobile.model.download import BUNDLED
from levit_mobile.recipe import Recipe
from levit_mobile.reporting.strict_json import to_json
from levit_mobile.targets import TARGETS, Target

if TYPE_CHECKING:
    from levit_mobile.reporting import outputs


@dataclass(frozen=True, slots=True)
class Planned:
    """A bundle that a conversion would write; `path` is None where the variant is unknown."""

    recipe: str
    path: Path | None
    replaces: bool


def on_this_machine(checkpoint: str | None) -> Path | None:
    """The path of the weights, the bundled ones by default; None where they would have to be downloaded."""
    path = Path(checkpoint or BUNDLED).expanduser()
    return path if path.exists() else None


def planned(recipes: Sequence[Recipe], out: Path, variant: str | None) -> list[Planned]:
    """One for each recipe."""
    paths = [None if variant is None else out / f"{variant}-{recipe.name}" for recipe in recipes]
    return [
        Planned(recipe.name, path, path is not None and path.exists())
        for recipe, path in zip(recipes, paths, strict=True)
    ]


def missing(recipes: Sequence[Recipe]) -> dict[str, ToolchainMissing]:
    """The error of each recipe whose toolchain is not installed here."""
    found = {recipe.name: _missing(TARGETS[recipe.target]) for recipe in recipes}
    return {name: error for name, error in found.items() if error is not None}


def _missing(target: Target) -> ToolchainMissing | None:
    for package in target.packages:
        try:
            version(package)
        except PackageNotFoundError:
            return ToolchainMissing(package, target.extra)
    return None


def line(one: Planned) -> str:
    """`would write build/levit_128s-tflite-int8`."""
    if one.path is None:
        return f"would write a bundle for {one.recipe}"
    return f"would {'replace' if one.replaces else 'write'} {one.path}"


def dry_run_json(found: Sequence[Planned], errors: Mapping[str, ToolchainMissing]) -> str:
    """The bundles, and the sentence and code of each recipe that cannot be converted here."""
    bundles: list[outputs.PlannedBundle] = [
        {"recipe": one.recipe, "path": str(one.path) if one.path else None, "replaces": one.replaces} for one in found
    ]
    written: outputs.DryRunOutput = {
        "schema_version": 1,
        "planned": bundles,
        "errors": {name: str(error) for name, error in errors.items()},
        "error_codes": {name: error.code for name, error in errors.items()},
    }
    return to_json(written)
