"""Why Android refuses to install an app, by the code that `pm install` prints.

Source: AOSP, frameworks/base/core/java/android/content/pm/PackageManager.java, the INSTALL_FAILED constants.
"""

from __future__ import annotations

import re

from levit_mobile.errors import DeviceError
from levit_mobile.system.printable import printable

CODE = re.compile(r"(?:Failure|Error)[^\[]*\[(?P<code>[A-Z0-9_]+)(?:: (?P<why>[^\n]*))?\]")
UNINSTALL = "remove it with `adb uninstall dev.levitmobile.demo`, and run the command again"
WHY = {
    "INSTALL_FAILED_UPDATE_INCOMPATIBLE": f"the installed one is signed with a different key: {UNINSTALL}",
    "INSTALL_FAILED_VERSION_DOWNGRADE": f"the installed one is newer: leave out --apk, or {UNINSTALL}",
    "INSTALL_FAILED_OLDER_SDK": "its Android is too old; the app needs Android 8.0",
    "INSTALL_FAILED_NO_MATCHING_ABIS": "the APK has no native libraries for its processor",
    "INSTALL_FAILED_USER_RESTRICTED": "its user must allow it: confirm on its screen, and on some makers' phones "
    "switch on 'Install via USB' in the developer options",
    "INSTALL_FAILED_VERIFICATION_FAILURE": "its check of apps from USB refused it: switch 'Verify apps over USB' off",
    "INSTALL_FAILED_ABORTED": "the installation was aborted on its screen",
    "INSTALL_FAILED_TEST_ONLY": "the APK is a test build: build the release variant",
    "INSTALL_PARSE_FAILED_NO_CERTIFICATES": "the APK is not signed",
    "INSTALL_PARSE_FAILED_NOT_APK": "the file is not an APK, or is damaged",
}
FULL = "INSTALL_FAILED_INSUFFICIENT_STORAGE"


def refusal(name: str, apk: str, printed: str) -> DeviceError:
    """The error that `pm install` printed.

    Args:
        name: The phone, as sentences call it.
        apk: Name of the APK's file.
        printed: All that was printed.

    Returns:
        ``device.full`` for a full storage, else ``device.install``.
    """
    found = CODE.search(printed)
    if found and found["code"] == FULL:
        return DeviceError(
            f"the storage of {name} is full: free some space on it and run the command again", fault="full"
        )
    lines = [line for line in printed.splitlines() if line.strip()]
    code = found["code"] if found else printable(lines[-1] if lines else "nothing was printed")[:200]
    why = WHY.get(code) or (printable(found["why"] or "")[:200] if found else "")
    return DeviceError(f"{name} refuses to install {apk}: {why or 'no reason was given'} ({code})", fault="install")
