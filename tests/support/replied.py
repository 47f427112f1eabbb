"""Shell scripts run by dash against stub programs that answer as the replies of one device have it.

The replies are in `tests/support/phone/replies/`, whose README describes the files.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

REPLIES = Path(__file__).parent / "phone" / "replies"
PHONES = ("pixel-8", "fairphone-4", "xiaomi-11t", "galaxy-s9", "mi-a1")
DEVICES = (*PHONES, "emulator", "raspberry-pi-5")
SHELL = shutil.which("dash") or "/bin/sh"
_STUBS = {
    "dumpsys": 'cat "$REPLIES/dumpsys-$1.txt" 2>/dev/null || { echo "Can\'t find service: $1"; exit 1; }',
    "getprop": 'cat "$REPLIES/getprop.txt"',
    "settings": """while read -r space key value; do
    [ "$space $key" = "$2 $3" ] && { echo "$value"; exit 0; }
done < "$REPLIES/settings.txt"
echo null""",
    "cmd": """echo "cmd $*" >> "$CALLS"
while IFS= read -r line; do
    case $line in "$* => "*)
        rest=${line#"$* => "}
        code=${rest%% *}
        [ "$rest" = "$code" ] || printf '%b\\n' "${rest#"$code "}"
        exit "$code" ;;
    esac
done < "$REPLIES/cmd.txt"
echo "cmd: Can't find service: $1"
exit 20""",
    "uname": """case $1 in -s) number=1 ;; -r) number=2 ;; -v) number=3 ;; *) number=4 ;; esac
sed -n ${number}p "$REPLIES/uname.txt\"""",
    "sleep": 'echo "sleep $1" >> "$CALLS"',
}
ON_LINUX = ("uname", "sleep")


class Replied:
    """One device: its replies, which a test may change, and the calls of `cmd` and `sleep` in order."""

    def __init__(self, device: str, folder: Path) -> None:
        self.replies = folder / "replies"
        shutil.copytree(REPLIES / device, self.replies)
        self.programs, self._calls = folder / "programs", folder / "calls"
        self.programs.mkdir()
        android = (self.replies / "getprop.txt").is_file()
        for name, body in _STUBS.items():
            if android or name in ON_LINUX:
                self.stub(name, body)

    def stub(self, name: str, body: str) -> None:
        """Put a program on the path."""
        (self.programs / name).write_text(f"#!{SHELL}\n{body}\n", encoding="utf-8")
        (self.programs / name).chmod(0o755)

    @property
    def environment(self) -> Mapping[str, str]:
        """The stubs come first on the path; `CONDITIONS_ROOT` stands for /."""
        path = f"{self.programs}{os.pathsep}/usr/bin{os.pathsep}/bin"
        mine = {"REPLIES": self.replies, "CONDITIONS_ROOT": self.replies, "CALLS": self._calls}
        return {"PATH": path, **{name: str(value) for name, value in mine.items()}}

    def run(self, *words: str | Path) -> subprocess.CompletedProcess[bytes]:
        """Run dash with these words."""
        return subprocess.run([SHELL, *words], env=self.environment, capture_output=True, timeout=60, check=False)

    @property
    def calls(self) -> list[str]:
        """What was called so far."""
        return self._calls.read_text(encoding="utf-8").splitlines() if self._calls.exists() else []
