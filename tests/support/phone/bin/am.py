"""am start|force-stop for the demo app, which this file plays in a process of its own as app.json asks for.

Forms: AOSP, frameworks/base, services/core/java/com/android/server/am/ActivityManagerShellCommand.java. `start` prints
`Starting: Intent { cmp=... }`, and `Error type 3` with the reason where the activity does not exist.

Keys of app.json: `activity` (false: there is none), `takes` (false: plans are ignored), `refuses` (a reason),
`dies_after` and `silent_after` (a number of processes), `spoils` (digest, record), `broken` and `unavailable` (names of
bundles), and `bundles` (digests by name, of the APK).
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

PHONE = Path(os.environ["PHONE"])
FILES = PHONE / "sdcard/Android/data/dev.levitmobile.demo/files"
TIMINGS = FILES / "timings"
PROCESS = PHONE / "app.pid"
HERE = "/storage/emulated/0/Android/data/dev.levitmobile.demo/files/timings"
SOUND = {
    "app": {"name": "dev.levitmobile.demo", "version": "1.0", "debuggable": False},
    "started_at": "2026-01-31T12:00:00Z",
    "device": {"platform": "android", "model": "Pixel 8", "soc": "Google Tensor G3", "os": "Android",
               "os_version": "15", "os_build": "google/shiba", "cores": 9},
    "before": {"thermal": "none", "battery_percent": 80}, "after": {"thermal": "none", "battery_percent": 79},
    "cooling_s": 0.0, "interleaved": False, "command": "am start",
}  # fmt: skip


def option(words, name):
    """The value behind --es NAME."""
    places = [place for place in range(len(words) - 2) if words[place] == "--es" and words[place + 1] == name]
    return words[places[0] + 2] if places else None


def start(words):
    """The app comes to the front; one that has a plan runs it."""
    component = words[words.index("-n") + 1]
    sys.stdout.write(f"Starting: Intent {{ cmp={component} }}\n")
    asked = json.loads((PHONE / "app.json").read_text(encoding="utf-8"))
    if asked.get("activity") is False:
        sys.stdout.write(f"Error type 3\nError: Activity class {{{component}}} does not exist.\n")
        return 1
    if asked.get("folder") is not False:
        TIMINGS.mkdir(parents=True, exist_ok=True)
    play = [sys.executable, "-IS", __file__, "play", *words]
    stop()
    nothing = subprocess.DEVNULL
    process = subprocess.Popen(play, stdin=nothing, stdout=nothing, stderr=nothing, start_new_session=True)
    PROCESS.write_text(str(process.pid), encoding="utf-8")
    return 0


def stop(*_):
    """No process of the app is left."""
    if PROCESS.exists():
        with contextlib.suppress(ProcessLookupError):
            os.killpg(int(PROCESS.read_text(encoding="utf-8")), signal.SIGKILL)
        PROCESS.unlink()
    return 0


def play(words):
    """The app itself."""
    plan, name = option(words, "plan"), option(words, "record")
    if option(words, "plan-file"):
        plan = Path(option(words, "plan-file")).read_text(encoding="utf-8")
    asked = json.loads((PHONE / "app.json").read_text(encoding="utf-8"))
    if plan is None or asked.get("takes") is False:
        return wait()
    Run(json.loads(plan), name, asked).run()
    return wait()


def wait():
    """Until the app is stopped."""
    while True:
        time.sleep(60)


class Run:
    """One run of a plan."""

    def __init__(self, plan, name, asked):
        self.plan, self.name, self.asked = plan, name, asked
        self.total = plan["rounds"] * len(plan["steps"])
        (TIMINGS / "progress.jsonl").write_text("", encoding="utf-8")

    def tell(self, event, **facts):
        line = {"event": event, "run": self.name, "total": self.total, **facts}
        with (TIMINGS / "progress.jsonl").open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(line) + "\n")

    def run(self):
        self.tell("started")
        if self.asked.get("refuses"):
            self.tell("failed", reason=self.asked["refuses"])
            return
        if self.asked.get("cools"):
            self.tell("moment", step=step_name(self.plan["steps"][0]), phase="starting", cooling_ms=10000)
        for number, step in enumerate(self.plan["steps"]):
            if number == self.asked.get("silent_after"):
                wait()
            self.tell("moment", step=step_name(step), phase="loading the artifact", done=number * self.plan["rounds"])
            if number == self.asked.get("dies_after"):
                os._exit(139)
            self.write(number + 1, "not finished" if number + 1 < len(self.plan["steps"]) else None)
            self.tell("measured", record=f"{HERE}/{self.name}.json", done=(number + 1) * self.plan["rounds"])
        self.tell("finished", record=f"{HERE}/{self.name}.json", done=self.total)

    def write(self, done, incomplete):
        timings = [self.timing(step, number < done) for number, step in enumerate(self.plan["steps"])]
        record = {"schema_version": 2, **SOUND, "timings": timings, "incomplete": incomplete}
        text = json.dumps(record)
        if self.asked.get("spoils") == "record":
            text = text[: len(text) // 2]
        (TIMINGS / f"{self.name}.json").write_text(text, encoding="utf-8")

    def timing(self, step, done):
        rounds = self.plan["rounds"]
        known = self.asked.get("bundles", {}).get(step["bundle"]) or pushed(step["bundle"])
        sha256 = "0" * 64 if self.asked.get("spoils") == "digest" else known
        broken = step["bundle"] in self.asked.get("broken", ())
        absent = step["bundle"] in self.asked.get("unavailable", ())
        timed = done and not broken and not absent
        times = {"samples_ms": [1.0] * rounds, "threads": step["threads"], "load_ms": [5.0], "first_run_ms": [3.0]}
        verdict = {"verdict": "proven" if timed else "broken" if broken else "not run"}
        return {
            "name": step_name(step), "file": "model.tflite", "sha256": sha256, "bytes": 1, "target": "tflite",
            "runtime": "LiteRT", "runtime_version": "2.3.0",
            "accelerator": "gpu" if step["accelerator"] == "gpu" else "xnnpack", "parity": verdict,
            **(times if timed else {"not_run": "the self-check failed" if broken else "it was not reached"}),
        }  # fmt: skip


def pushed(name):
    """Digest of a pushed bundle's artifact; the index lists what must be there."""
    index = json.loads((FILES / "bundles/index.json").read_text(encoding="utf-8"))
    (bundle,) = [one for one in index["bundles"] if one["name"] == name]
    for file in bundle["files"]:
        assert (FILES / "bundles" / name / file["path"]).stat().st_size == file["bytes"]
    return json.loads((FILES / "bundles" / name / "contract.json").read_text(encoding="utf-8"))["artifact"]["sha256"]


def step_name(step):
    """As TimingStep names it."""
    return step["bundle"] + ("-gpu" if step["accelerator"] == "gpu" else f"-cpu{step['threads']}")


if sys.argv[1] != "play":
    with (PHONE / "calls.txt").open("a", encoding="utf-8") as calls:
        calls.write(" ".join(["am", *sys.argv[1:]]) + "\n")
sys.exit({"start": start, "force-stop": stop, "play": play}.get(sys.argv[1], lambda _: 0)(sys.argv[2:]))
