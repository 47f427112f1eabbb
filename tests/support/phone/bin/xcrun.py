"""A played `xcrun devicectl` and a played demo app: `xcrun.py FOLDER WORD...`.

Options count only in front of an app's identifier, as devicectl has it; what follows are the app's own arguments. A
copy onto a folder that is there needs `--remove-existing-content`, and with "true" the whole container goes. The app
writes what LevitMobileKit writes for a computer: lines, and one record per start of the plan in its arguments.

`state.json` in the folder says how they behave: the numbers of the starts that hang, die, die late, fail, are cancelled
or are not timed, and whether the app completes the record of a process that died (`old` does not).
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any, NoReturn

ROOT, WORDS = Path(sys.argv[1]), sys.argv[2:]
STATE: dict[str, Any] = json.loads((ROOT / "state.json").read_text())
CONTAINER = ROOT / "container"
LEVIT = CONTAINER / "Documents" / "levit"
COMMANDS = {
    "list devices": 0,
    "device install app": 1,
    "device copy to": 0,
    "device copy from": 0,
    "device process launch": 1,
    "device info processes": 0,
}
VALUES = (
    "--json-output",
    "--device",
    "--domain-type",
    "--domain-identifier",
    "--source",
    "--destination",
    "--remove-existing-content",
)
FLAGS = ("--terminate-existing",)


def parsed() -> tuple[str, dict[str, str], list[str]]:
    """The command, its options, and what follows the first word that is no option."""
    command = next((one for one in COMMANDS if WORDS[1 : 1 + len(one.split())] == one.split()), None)
    if WORDS[:1] != ["devicectl"] or command is None:
        sys.exit("error: unknown command")
    rest, options = WORDS[1 + len(command.split()) :], {}
    while rest and rest[0].startswith("--"):
        name = rest.pop(0)
        if name not in VALUES + FLAGS:
            sys.exit(f"error: unknown option {name}")
        options[name] = rest.pop(0) if name in VALUES else ""
    if (len(rest) < 1) if COMMANDS[command] else rest:
        sys.exit("error: missing or unexpected argument")
    return command, options, rest


COMMAND, OPTIONS, REST = parsed()


def answer(result: Any = None, error: str = "") -> NoReturn:
    """End as devicectl does: with a file of JSON where one was asked for."""
    made: dict[str, Any] = {"info": {"outcome": "failed" if error else "success", "jsonVersion": 2}}
    if result is not None:
        made["result"] = result
    if error:
        made["error"] = {"userInfo": {"NSLocalizedDescription": {"string": error}}}
        sys.stderr.write(f"ERROR: {error}\n")
    if STATE.get("writes_json", True) and "--json-output" in OPTIONS:
        Path(OPTIONS["--json-output"]).write_text(json.dumps(made))
    sys.stdout.write("a table that nobody may read\n")
    sys.exit(1 if error else 0)


def remembered(**facts: Any) -> dict[str, Any]:
    """What the phone remembers between two calls, after a change."""
    file = ROOT / "memory.json"
    known = json.loads(file.read_text()) if file.exists() else {"running": [], "starts": 0, "marker": None}
    known |= facts
    file.write_text(json.dumps(known))
    return known


def write(name: str, text: str) -> None:
    (LEVIT / "records").mkdir(parents=True, exist_ok=True)
    (LEVIT / "records" / name).write_text(text)


def record(plan: dict[str, Any], start: int) -> dict[str, Any]:
    """A record with the number of the start as its times."""
    (step,) = plan["steps"]
    made = json.loads(Path(STATE["template"]).read_text())
    timing = made["timings"][0]
    contract = LEVIT / "bundles" / step["bundle"] / "contract.json"
    known = json.loads(contract.read_text()) if contract.exists() else STATE["brings"][step["bundle"]]
    threads = str(step["threads"]) if step["accelerator"] == "cpu" else ""
    rounds = plan["rounds"]
    timing |= {
        "name": f"{step['bundle']}-{step['accelerator']}{threads}",
        "sha256": STATE.get("sha256") or known["artifact"]["sha256"],
        "profile": None,
        "process_samples": [],
        "samples_ms": [float(start)] * rounds,
        "end_to_end_samples_ms": [9.0] * rounds,
        "preprocess_samples_ms": [1.0] * rounds,
        "load_ms": [float(start)],
        "threads": step["threads"],
        "compute_units": None,
        "parity": {"verdict": "proven", "reasons": [], "against": "golden", "pictures": 4},
    }
    if start in STATE.get("untimed", []):
        untime(timing, "no such unit", STATE.get("verdict", "not run"))
    made |= {"incomplete": None, "against": [], "interleaved": False, "timings": [timing], "during": []}
    made |= {"command": "", "cores": [], "cooling_s": 0.5, "versions": {f"start-{start}": "1"}}
    made["device"] |= {"platform": "ios", "model": "iPhone16,1", "os": "iOS", "simulated": False}
    made["device"]["emulated_cores"] = False
    made["app"]["debuggable"] = None
    return made


def untime(timing: dict[str, Any], why: str, verdict: str) -> None:
    timing |= {"samples_ms": [], "end_to_end_samples_ms": [], "preprocess_samples_ms": [], "not_run": why}
    timing["parity"] = {"verdict": verdict, "reasons": [why], "against": "", "pictures": 0}


def complete_the_dead() -> None:
    """What a process that died had begun, as the app writes it at its next start."""
    marker = remembered()["marker"]
    remembered(marker=None)
    if marker is None or STATE.get("old"):
        return
    made = record(marker["plan"], marker["start"])
    untime(made["timings"][0], "the process died while loading the artifact", "not run")
    write(f"{marker['record']}.json", json.dumps(made))


def run(plan: dict[str, Any], name: str) -> None:
    """One start of the app with a plan."""
    number = remembered()["starts"]
    remembered(starts=number + 1)
    lines = [
        {"event": "started"},
        {"event": "moment", "phase": "loading the artifact", "step": "the step", "done": 0, "total": 9},
    ]
    dies = [number in STATE.get(how, []) for how in ("hangs", "dies", "dies_late")]
    if number in STATE.get("refuses", []):
        lines = [{"event": "failed", "reason": "the bundle is missing"}]
    elif number in STATE.get("cancels", []):
        lines.append({"event": "cancelled"})
    elif any(dies[:2]):
        remembered(marker={"plan": plan, "record": name, "start": number})
    else:
        made = record(plan, number)
        lines.append({"event": "measured", "record": name, "done": 9, "total": 9})
        made["incomplete"] = STATE["unfinished"] if dies[2] else None
        lines += [] if dies[2] else [{"event": "finished", "record": name}]
        write(f"{name}.json", json.dumps(made))
    remembered(running=[] if any(dies[1:]) else [7 + number])
    write(f"{name}.progress.jsonl", "".join(json.dumps({"run": name} | line) + "\n" for line in lines) + '{"half')


def launch(arguments: list[str]) -> int:
    """The app with its arguments; the number of its process."""
    remembered(running=[7 + remembered()["starts"]])
    complete_the_dead()
    if arguments[:1] == ["--levit-clean"]:
        for path in json.loads(arguments[1]):
            place = LEVIT / path
            shutil.rmtree(place) if place.is_dir() else place.unlink(missing_ok=True)
    elif arguments and not STATE.get("deaf"):
        assert (arguments[0], arguments[2]) == ("--levit-plan", "--levit-record")
        run(json.loads(arguments[1]), arguments[3])
    return 6 + remembered()["starts"]


def copy() -> None:
    """Between this Mac and the container."""
    if COMMAND.endswith("from"):
        source, target = CONTAINER / OPTIONS["--source"], Path(OPTIONS["--destination"])
        if not source.exists():
            answer(error="The file does not exist.")
        if target.exists():
            answer(error="The file exists already.")
        shutil.copy(source, target)
        return
    source, target = Path(OPTIONS["--source"]), CONTAINER / OPTIONS["--destination"]
    removes = OPTIONS.get("--remove-existing-content")
    if removes == "true":
        shutil.rmtree(CONTAINER, ignore_errors=True)
    if target.exists() and removes is None:
        answer(error="The folder exists already.")
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(source, target, dirs_exist_ok=True) if source.is_dir() else shutil.copy(source, target)


def main() -> None:
    with (ROOT / "calls.jsonl").open("a") as calls:
        calls.write(json.dumps(WORDS) + "\n")
    fails = STATE.get("fails")
    if fails and fails[0] in COMMAND:
        answer(error=fails[1])
    if COMMAND == "list devices":
        answer({"devices": STATE["devices"]})
    if COMMAND == "device info processes":
        answer({"runningProcesses": [{"processIdentifier": one} for one in remembered()["running"]]})
    if COMMAND.startswith("device copy"):
        copy()
    if COMMAND == "device process launch":
        number = launch(REST[1:])
        answer({"process": {"processIdentifier": number}} if STATE.get("numbers", True) else {})
    answer({})


if __name__ == "__main__":
    main()
