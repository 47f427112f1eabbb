"""pm install|path, with app.json as what is installed.

Forms: AOSP, frameworks/base, services/core/java/com/android/server/pm/PackageManagerShellCommand.java. `install` prints
Success, or Failure [CODE: WHY] and exits with 1; `path` prints package:PATH, or nothing and exits with 1.
"""

import os
import shutil
import sys
from pathlib import Path

PHONE = Path(os.environ["PHONE"])
INSTALLED, REFUSAL = PHONE / "app.json", PHONE / "pm-install.txt"
PLACE = "/data/app/~~k3J0q1x==/dev.levitmobile.demo-Zb2cQw==/base.apk"


def install(words):
    """The APK becomes the installed one."""
    if REFUSAL.exists():
        sys.stdout.write(REFUSAL.read_text(encoding="utf-8"))
        return 1
    stored = PHONE / PLACE.lstrip("/")
    stored.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(words[-1], stored)
    if not INSTALLED.exists():
        INSTALLED.write_text("{}", encoding="utf-8")
    sys.stdout.write("Success\n")
    return 0


def path(words):
    """Where the APK is."""
    if not INSTALLED.exists() or words[-1] != "dev.levitmobile.demo":
        return 1
    sys.stdout.write(f"package:{PLACE}\n")
    return 0


with (PHONE / "calls.txt").open("a", encoding="utf-8") as calls:
    calls.write(" ".join(["pm", *sys.argv[1:]]) + "\n")
sys.exit({"install": install, "path": path}.get(sys.argv[1], lambda _: 0)(sys.argv[2:]))
