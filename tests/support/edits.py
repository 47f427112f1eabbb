"""JSON with one value changed, for tests of what is refused."""

from __future__ import annotations

import copy
import json
from typing import Any


def changed(content: Any, *keys: str | int, to: Any) -> str:
    """`content` as JSON with one value replaced or added, or with it left out when `to` is None."""
    whole = copy.deepcopy(content)
    inner = whole
    for key in keys[:-1]:
        inner = inner[key]
    if to is None:
        del inner[keys[-1]]
    else:
        inner[keys[-1]] = to
    return json.dumps(whole)
