"""Which phone, which app, and what is left there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from levit_mobile.errors import TimingError

SUFFIX, IOS_SUFFIX = ".apk", ".app"


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


@dataclass(frozen=True, slots=True)
class IosAppOptions:
    """Where ``bench_in_ios_app`` runs the iOS demo app, and how.

    Attributes:
        serial: Identifier or name of the phone, as `xcrun devicectl list devices` shows it, or its UDID. Default: the
            only one that is ready.
        app: Folder `LevitDemo.app` to install first. Default: the app that the phone has.
        team: Identifier of the team that signs. With it the app is built from ``project`` and installed first.
        project: The Xcode project of the app.
        identifier: Bundle identifier of the app.
        keep: Leave the copied bundles and the records on the phone. A later run does not copy the same bundles again,
            and does not remove them. The app itself always stays.

    Raises:
        TimingError: The app is not a folder whose name ends in ``.app``, both an app and a team are given, or there is
            no project at the path (``timing.option``).
    """

    serial: str | None = None
    app: Path | None = None
    team: str | None = None
    project: Path = Path("ios_demo", "LevitDemo.xcodeproj")
    identifier: str = "dev.levitmobile.demo"
    keep: bool = False

    def __post_init__(self) -> None:
        if self.app is not None and self.team is not None:
            raise TimingError(
                "both an app and a team were given: give an app that is built, or the team that builds it",
                fault="option",
            )
        if self.app is not None and not (self.app.suffix == IOS_SUFFIX and self.app.is_dir()):
            raise TimingError(f"{self.app} is not a folder whose name ends in {IOS_SUFFIX}", fault="option")
        if self.team is not None and not self.project.is_dir():
            raise TimingError(f"{self.project} is not an Xcode project; give its path as the project", fault="option")
