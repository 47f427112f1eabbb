"""An iPhone for tests: `bin/xcrun.py` answers as Xcode's devicectl does, and a folder is the app's container."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from levit_mobile.demo.plan import PlanStep, TimingPlan

PHONE: dict[str, Any] = {
    "identifier": "11111111-2222-3333-4444-555555555555",
    "capabilities": [],
    "connectionProperties": {"pairingState": "paired", "tunnelState": "connected", "transportType": "wired"},
    "deviceProperties": {"name": "Ada", "osVersionNumber": "26.1", "developerModeStatus": "enabled"},
    "hardwareProperties": {"platform": "iOS", "productType": "iPhone16,1", "udid": "00008130-0001"},
}
TEMPLATE = Path(__file__).parents[3] / "testdata" / "timing" / "complete.json"

CORE, NEURAL = PlanStep(bundle="coreml-fp16"), PlanStep(bundle="coreml-fp16", accelerator="neural-engine")
PROGRAM = Path(__file__).with_name("bin") / "xcrun.py"


@dataclass(frozen=True, slots=True)
class PlayedIphone:
    """A folder with `bin/xcrun`, the app's container and all calls."""

    root: Path

    def behave(self, **state: Any) -> None:
        """Change what it does."""
        file = self.root / "state.json"
        file.write_text(json.dumps(json.loads(file.read_text()) | state))

    def calls(self) -> list[list[str]]:
        """The words of each call, in order."""
        file = self.root / "calls.jsonl"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def left(self) -> list[str]:
        """Files in the app's container."""
        there = self.root / "container"
        return sorted(path.relative_to(there).as_posix() for path in there.rglob("*") if path.is_file())


def played(root: Path, unfinished: str) -> PlayedIphone:
    """Make one; `unfinished` is the reason in records of a run that goes on."""
    (root / "bin").mkdir(parents=True)
    state = {"devices": [PHONE], "unfinished": unfinished, "template": str(TEMPLATE)}
    (root / "state.json").write_text(json.dumps(state))
    program = root / "bin" / "xcrun"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -I -S "{PROGRAM}" "{root}" "$@"\n')
    program.chmod(0o755)
    return PlayedIphone(root)


def plan(*steps: PlanStep, rounds: int = 5, starts: int = 2) -> TimingPlan:
    """Five rounds in two starts are three and two."""
    return TimingPlan(steps=steps, rounds=rounds, starts=starts)
