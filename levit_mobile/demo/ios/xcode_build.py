"""The iOS demo app, built by `xcodebuild` for a phone."""

from __future__ import annotations

import subprocess
from pathlib import Path

from levit_mobile.demo.options import IosAppOptions
from levit_mobile.errors import TimingError
from levit_mobile.system.printable import printable

SCHEME, CONFIGURATION, PRODUCT = "LevitDemo Release", "Release", "LevitDemo.app"
BUILD_S = 1800.0


def built(options: IosAppOptions, folder: Path) -> Path:
    """Build the app of the project below a folder, signed by the team.

    Returns:
        The folder of the app.

    Raises:
        TimingError: It cannot be built (``timing.option``); the sentence has the first error of `xcodebuild`.
    """
    words = ["xcodebuild", "-project", str(options.project), "-scheme", SCHEME, "-configuration", CONFIGURATION]
    words += ["-destination", "generic/platform=iOS", "-derivedDataPath", str(folder), "-allowProvisioningUpdates"]
    words += [f"DEVELOPMENT_TEAM={options.team}", f"DEMO_BUNDLE_IDENTIFIER={options.identifier}", "build"]
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=BUILD_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise TimingError(f"xcodebuild did not build the app: {error}", fault="option") from error
    made = folder / "Build" / "Products" / f"{CONFIGURATION}-iphoneos" / PRODUCT
    if done.returncode or not made.is_dir():
        lines = (done.stdout + done.stderr).splitlines()
        why = next((line for line in lines if "error:" in line), lines[-1] if lines else "nothing was printed")
        raise TimingError(f"xcodebuild did not build the app: {printable(why)[:300]}", fault="option")
    return made
