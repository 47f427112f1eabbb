"""Every family of cases, and how its program is held against what is expected of it."""

from __future__ import annotations

from dataclasses import dataclass

from support.mil_cases import elementwise, linear, normalize, quantize, shapes, windows
from support.mil_programs import Case


@dataclass(frozen=True, slots=True)
class Family:
    """Cases of one program, for the opset of an iOS; `folds` where coremltools folds its ops over constants."""

    cases: list[Case]
    ios: int = 17
    folds: bool = True


FAMILIES = {
    "elementwise": Family(elementwise.CASES),
    "linear": Family(linear.CASES),
    "attention": Family(linear.ATTENTION, ios=18),
    "normalize": Family(normalize.CASES),
    "quantize": Family(quantize.CASES, folds=False),
    "shapes": Family(shapes.CASES),
    "windows": Family(windows.CASES, folds=False),
}
