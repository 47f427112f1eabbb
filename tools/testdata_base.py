"""What all parts of testdata/ share: drawn bytes, and how files are named and written."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
MASK = 0xFFFFFFFF


def drawn(seed: int, count: int) -> Bytes:
    """Bytes of a linear congruential generator: s = 1664525 s + 1013904223 mod 2^32, and the byte is s / 2^24."""
    states = np.array([1664525 * seed + 1013904223 & MASK], np.uint64)
    factor, term = 1664525, 1013904223  # of as many steps at once as there are states
    while len(states) < count:
        states = np.concatenate([states, states * np.uint64(factor) + np.uint64(term) & np.uint64(MASK)])
        factor, term = factor * factor & MASK, term * (factor + 1) & MASK
    return (states[:count] >> np.uint64(24)).astype(np.uint8)


def named(file: str, expected: bytes) -> dict[str, str]:
    return {"expected_file": file, "expected_sha256": hashlib.sha256(expected).hexdigest()}


def as_json(value: Any) -> bytes:
    return (json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()
