"""One pass over a bundle, whatever other passes its verdict wants."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from levit_mobile.bundle.reader import open_bundle
from levit_mobile.validation.results import Validation
from levit_mobile.validation.setup import prepare
from levit_mobile.validation.validate import examine


def validate(bundle: str | Path, *, drill: bool = False, processes: int | None = None, **options: Any) -> Validation:
    """Options as `setup.prepare` takes them."""
    return examine(prepare(open_bundle(bundle), **options), drill=drill, processes=processes)
