"""The demo app on a phone: whether it is there, how it is installed, started and stopped, and where it keeps files.

Source of what Android prints: AOSP, frameworks/base, PackageManagerShellCommand.java, ActivityManagerShellCommand.java.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from levit_mobile.demo.android import installing
from levit_mobile.device.phone import ROOT, Phone
from levit_mobile.errors import DeviceError
from levit_mobile.system.printable import printable
from levit_mobile.system.progress import Progress, called

PACKAGE = "dev.levitmobile.demo"
ACTIVITY = f"{PACKAGE}/dev.levitmobile.demo.MainActivity"
# Written by adb's user and read by the app on a release build, too; /data/local/tmp is closed to apps.
FILES = f"/sdcard/Android/data/{PACKAGE}/files"
LINES = f"{FILES}/timings/progress.jsonl"
APK = f"{ROOT}/demo.apk"
INSTALLING_S = 300.0
FOLDER_S = 20  # until a fresh app has made its folder
AWAKE = "input keyevent KEYCODE_WAKEUP; wm dismiss-keyguard"  # without effect on a phone with a PIN
_VERSION = re.compile(r"^\s*versionName=(.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class DemoApp:
    """The app on one phone."""

    phone: Phone

    @property
    def name(self) -> str:
        """Name of the phone."""
        return self.phone.name

    def install(self, apk: Path, progress: Progress) -> None:
        """Install or update it. Raises DeviceError (``device.install``), and those of a push."""
        try:
            self.phone.push(apk, APK, called(progress, "pushing the app"), executable=False)
            done = self.phone.shell(f"pm install -r -t {APK}", timeout_s=INSTALLING_S)
        finally:
            self.remove(APK)
        if not done.text.strip().endswith("Success"):  # old versions exit with 0
            raise installing.refusal(self.phone.name, apk.name, done.text + done.stderr.decode(errors="replace"))

    def path(self) -> str | None:
        """Path of its APK on the phone; None where it is not installed."""
        lines = self.phone.shell(f"pm path {PACKAGE}").text.splitlines()
        found = [line.removeprefix("package:").strip() for line in lines if line.startswith("package:")]
        return next((one for one in found if one.endswith("base.apk")), found[0] if found else None)

    def version(self) -> str:
        """Its version, or "unknown"."""
        found = _VERSION.search(self.phone.shell(f"dumpsys package {PACKAGE}").text)
        return printable(found[1].strip()) if found else "unknown"

    def require(self) -> str:
        """The path of its APK. Raises DeviceError (``device.no-app``) where it is not installed."""
        if (path := self.path()) is None:
            raise DeviceError(
                f"the demo app {PACKAGE} is not installed on {self.phone.name}: give its APK with --apk, or run it "
                "once from Android Studio",
                fault="no-app",
            )
        return path

    def start(self, *extras: str) -> None:
        """Bring it to the front; extras are words of `am start`. Raises DeviceError."""
        self.phone.shell(AWAKE)
        words = " ".join(shlex.quote(word) for word in ("am", "start", "-n", ACTIVITY, *extras))
        done = self.phone.shell(words)
        printed = done.text + done.stderr.decode(errors="replace")
        error = next((line for line in printed.splitlines() if line.startswith(("Error", "Exception", "Security"))), "")
        if "does not exist" in printed:
            raise self.too_old("it has no screen that takes a plan")
        if error or done.code:
            raise DeviceError(
                f"the demo app did not start on {self.phone.name}: {printable(error or printed)[:200]}", fault="failed"
            )

    def too_old(self, why: str) -> DeviceError:
        """The error of an app that does not know what it is asked."""
        return DeviceError(
            f"the demo app on {self.phone.name} (version {self.version()}) cannot be used: {why}; install the one of "
            "this version of levit-mobile with --apk",
            fault="no-app",
        )

    def require_folder(self) -> None:
        """Wait until the app has made its folder, so that it is the app's. Raises DeviceError."""
        command = (
            f"i=0; while [ ! -d {FILES} ] && [ $i -lt {FOLDER_S} ]; do sleep 1; i=$((i + 1)); done; [ -d {FILES} ]"
        )
        if self.phone.shell(command).code:
            raise DeviceError(
                f"the app's folder {FILES} on {self.phone.name} did not appear within {FOLDER_S} s, or adb may not see "
                "it: unlock the phone, open the app once, and run the command again",
                fault="read-only",
            )

    def is_running(self) -> bool:
        """Whether its main process lives."""
        return bool(self.phone.shell(f"pidof {PACKAGE}").text.split())

    def stop(self) -> None:
        """End all its processes. Raises DeviceError."""
        self.phone.shell(f"am force-stop {PACKAGE}")

    def remove(self, *paths: str) -> None:
        """Delete files and folders of ours. Raises DeviceError."""
        self.phone.shell(f"rm -rf {_words(paths)}")

    def lines(self) -> str:
        """The lines that a run has written down; empty before the first."""
        return self.phone.shell(f"cat {shlex.quote(LINES)} 2>/dev/null").text

    def log_tail(self) -> tuple[str, ...]:
        """The last lines of the phone's log."""
        return self.phone.logcat_tail()


def _words(paths: Sequence[str]) -> str:
    return " ".join(shlex.quote(path) for path in paths)
