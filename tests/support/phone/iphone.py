"""An iPhone for tests: a program `xcrun` that answers as Xcode's devicectl does, and a folder as the app's container.

The app in it writes what LevitMobileKit's TimingSession writes: one record per start, of the plan in its arguments.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PHONE: dict[str, Any] = {
    "identifier": "11111111-2222-3333-4444-555555555555",
    "capabilities": [],
    "connectionProperties": {"pairingState": "paired", "tunnelState": "connected", "transportType": "wired"},
    "deviceProperties": {"name": "Ada", "osVersionNumber": "26.1", "developerModeStatus": "enabled"},
    "hardwareProperties": {"platform": "iOS", "productType": "iPhone16,1", "udid": "00008130-0001"},
}
TEMPLATE = Path(__file__).parents[3] / "testdata" / "timing" / "complete.json"

XCRUN = r"""#!{python}
import json, pathlib, shutil, sys
root = pathlib.Path({root!r})
state = json.loads((root / "state.json").read_text())
words = sys.argv[1:]
with (root / "calls.jsonl").open("a") as calls:
    calls.write(json.dumps(words) + "\n")


def option(name):
    return words[words.index(name) + 1]


def answer(result=None, error=None):
    made = {{"info": {{"outcome": "failed" if error else "success", "jsonVersion": 2}}}}
    if result is not None:
        made["result"] = result
    if error:
        made["error"] = {{"userInfo": {{"NSLocalizedDescription": {{"string": error}}}}}}
        print("ERROR: " + error, file=sys.stderr)
    if state.get("writes_json", True):
        pathlib.Path(option("--json-output")).write_text(json.dumps(made))
    print("a table that nobody may read")
    sys.exit(1 if error else 0)


def record(plan, name):
    (step,) = plan["steps"]
    starts = len(list((root / "container" / "Documents" / "levit" / "records").glob("*.json")))
    made = json.loads(pathlib.Path({template!r}).read_text())
    timing = made["timings"][0]
    bundle = root / "container" / "Documents" / "levit" / "bundles" / step["bundle"] / "contract.json"
    known = json.loads(bundle.read_text()) if bundle.exists() else state.get("brings", {{}}).get(step["bundle"])
    label = step["bundle"] + "-" + step["accelerator"] + (str(step["threads"]) if step["accelerator"] == "cpu" else "")
    rounds = plan["rounds"]
    timing |= dict(name=label, sha256=state.get("sha256") or known["artifact"]["sha256"])
    timing |= dict(profile=None, process_samples=[])
    timing |= dict(samples_ms=[float(starts)] * rounds, end_to_end_samples_ms=[9.0] * rounds, load_ms=[float(starts)])
    timing |= dict(threads=step["threads"], compute_units=None, preprocess_samples_ms=[1.0] * rounds)
    timing["parity"] = dict(verdict="proven", reasons=[], against="golden", pictures=4)
    if starts in state.get("untimed", []):
        timing |= dict(samples_ms=[], end_to_end_samples_ms=[], preprocess_samples_ms=[], not_run="no such unit")
        verdict = state.get("verdict", "not run")
        timing["parity"] = dict(verdict=verdict, reasons=["no such unit"], against="", pictures=0)
    made |= dict(incomplete=None, against=[], interleaved=False, timings=[timing], during=[], command="", cores=[])
    made["device"] |= dict(platform="ios", model="iPhone16,1", os="iOS", simulated=False, emulated_cores=False)
    made["app"]["debuggable"] = None
    if starts in state.get("hangs", []):
        made["incomplete"] = {unfinished!r}
    (root / "container" / "Documents" / "levit" / "records").mkdir(parents=True, exist_ok=True)
    (root / "container" / "Documents" / "levit" / "records" / (name + ".json")).write_text(json.dumps(made))


if words[:1] != ["devicectl"]:
    sys.exit("unknown tool")
if state.get("fails") and state["fails"][0] in words:
    answer(error=state["fails"][1])
command = words[1:4]
if command[:2] == ["list", "devices"]:
    answer({{"devices": state["devices"]}})
if command == ["device", "install", "app"]:
    answer({{}})
if command == ["device", "copy", "to"]:
    target = root / "container" / option("--destination")
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(option("--source"), target)
    answer({{}})
if command == ["device", "copy", "from"]:
    source = root / "container" / option("--source")
    if not source.exists():
        answer(error="The file does not exist.")
    shutil.copy(source, option("--destination"))
    answer({{}})
if command == ["device", "process", "launch"]:
    if "--levit-clean" in words:
        shutil.rmtree(root / "container" / "Documents" / "levit", ignore_errors=True)
    elif "--levit-plan" in words and not state.get("deaf"):
        record(json.loads(option("--levit-plan")), option("--levit-record"))
    answer({{"process": {{"processIdentifier": 7}}}})
answer(error="unknown command")
"""


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
    (root / "state.json").write_text(json.dumps({"devices": [PHONE]}))
    text = XCRUN.format(python=sys.executable, root=str(root), template=str(TEMPLATE), unfinished=unfinished)
    program = root / "bin" / "xcrun"
    program.write_text(text)
    program.chmod(0o755)
    return PlayedIphone(root)
