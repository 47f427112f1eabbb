"""Which phone, which app, and what is left there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from levit_mobile.errors import TimingError

SUFFIX = ".apk"


@dataclass(frozen=True, slots=True)
class AppOptions:
    """Where ``bench_in_app`` runs the Android demo app, and how.

    Attributes:
        serial: Serial number of the phone. Default: the only one that is ready.
        apk: The app to install first. Default: the app that the phone has.
        adb: The ``adb`` program. Default: from ``PATH``, ``ANDROID_HOME`` or the Android SDK's usual folder.
        keep: Leave the bundles and the record on the phone. The app itself always stays.

    Raises:
        TimingError: The APK is not a file whose name ends in ``.apk`` (``timing.option``).
    """

    serial: str | None = None
    apk: Path | None = None
    adb: Path | None = None
    keep: bool = False

    def __post_init__(self) -> None:
        if self.apk is not None and not (self.apk.suffix == SUFFIX and self.apk.is_file()):
            raise TimingError(f"{self.apk} is not a file whose name ends in {SUFFIX}", fault="option")
