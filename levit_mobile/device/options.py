"""Which device, how it is reached, and how artifacts run there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from levit_mobile.errors import TimingError

ANDROID, LOCAL = "android", "local"
MASK = re.compile(r"(0x)?[0-9a-f]{1,256}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class DeviceOptions:
    """Where ``bench_on_device`` runs artifacts, and how.

    Attributes:
        on: ``android`` for the one phone that is connected, ``android:SERIAL`` for one of several, or ``local`` for
            this machine if it is an ARM64 machine with Linux.
        adb: The ``adb`` program. Default: from ``PATH``, ``ANDROID_HOME`` or the Android SDK's usual folder.
        keep: Leave the programs and artifacts on the phone.
        cores: Hexadecimal mask of the CPU cores to run on, such as ``f0`` for cores 4 to 7. Default: all.
        arithmetic: Arithmetic of the float parts, where the runtime leaves a choice. Default: the artifact's.
        fixed_performance: Switch on Android's fixed performance mode for the run.
        cool_down_s: Longest time in seconds to wait for a hot device before each process; 0 does not wait.

    Raises:
        TimingError: A value has no meaning (``timing.option``).
    """

    on: str = ANDROID
    adb: Path | None = None
    keep: bool = False
    cores: str | None = None
    arithmetic: Literal["fp32", "fp16"] | None = None
    fixed_performance: bool = False
    cool_down_s: int = 120

    def __post_init__(self) -> None:
        if self.on not in (ANDROID, LOCAL) and not self.serial:
            raise TimingError(f"the device is {self.on!r}, expected android, android:SERIAL or local", fault="option")
        if self.cores is not None and not (MASK.fullmatch(self.cores) and int(self.cores, 16)):
            raise TimingError(
                f"the mask of cores is {self.cores!r}, expected a hexadecimal number above 0 such as f0", fault="option"
            )
        if self.arithmetic not in (None, "fp32", "fp16"):
            raise TimingError(f"the arithmetic is {self.arithmetic!r}, expected fp32 or fp16", fault="option")
        if self.cool_down_s < 0:
            raise TimingError(f"cool_down_s is {self.cool_down_s}, expected 0 or more", fault="option")

    @property
    def is_local(self) -> bool:
        """Whether this machine is the device."""
        return self.on == LOCAL

    @property
    def serial(self) -> str | None:
        """The serial number of the chosen phone."""
        kind, _, serial = self.on.partition(":")
        return serial or None if kind == ANDROID else None

    @property
    def mask(self) -> str | None:
        """The mask of cores without a prefix."""
        return f"{int(self.cores, 16):x}" if self.cores is not None else None
