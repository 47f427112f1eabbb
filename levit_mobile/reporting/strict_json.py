"""JSON as commands print it: what any reader takes, without NaN, Infinity and halves of surrogate pairs."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

from levit_mobile.system.files import as_text

NOT_FINITE = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}  # as pydantic writes and reads them


def to_json(whole: Any) -> str:
    """A value of dicts and lists as JSON, with two spaces per level."""
    return json.dumps(strict(whole), indent=2, allow_nan=False)


def strict(value: Any, *, text: Callable[[str], str] = as_text) -> Any:
    """The same value with words for numbers that are none, and with names as `text` writes them."""
    if isinstance(value, dict):
        return {text(key): strict(inner, text=text) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [strict(inner, text=text) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return NOT_FINITE[str(value)]
    return text(value) if isinstance(value, str) else value
