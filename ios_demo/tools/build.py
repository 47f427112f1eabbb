#!/usr/bin/env python3
"""Build and test the Swift package of the iOS demo without Xcode: `make test-ios`.

Swift 6 is set up in the cache folder of levit-mobile if the path has none; see toolchain.py. Where that is impossible,
it prints NOT RUN and why; with CI=true in the environment that is a failure.

    build.py              set-up, style, build, test, and Python reads what Swift wrote
    build.py STEP...      only these: setup lint build test read format
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from functools import cache

from toolchain import ROOT, Toolchain, find, missing

KIT = ROOT / "LevitMobileKit"
OUT = ROOT / "build"
WRITTEN = OUT / "written"  # by the tests, for Python
PYTHON = ROOT.parent / ".venv" / "bin" / "python"
READ = """
import sys
from pathlib import Path
from levit_mobile.contract import Contract
from levit_mobile.timing.record import TimingRun
for name, model in (("contract", Contract), ("timing", TimingRun)):
    model.model_validate_json(Path(sys.argv[1], f"{name}.json").read_bytes())
"""
SOURCES = "Package.swift", "Sources", "Tests"


@cache
def toolchain() -> Toolchain:
    """The Swift that all steps use."""
    return find()


def setup() -> None:
    """Find Swift or set it up, and print its version."""
    print(toolchain().run("swift", "--version").stdout.splitlines()[0], flush=True)


def build() -> None:
    """Compile the package; a warning is an error."""
    swift("build", "--build-tests", "-Xswiftc", "-warnings-as-errors")


def test() -> None:
    """Run the tests and print one closing line."""
    log = OUT / "tests.txt"
    log.unlink(missing_ok=True)
    shutil.rmtree(WRITTEN, ignore_errors=True)
    WRITTEN.mkdir(parents=True)
    os.environ["LEVIT_WRITTEN"] = str(WRITTEN)
    printed = swift("test", "--skip-build", "--disable-xctest", accepted=(0, 1))
    log.write_text(printed, encoding="utf-8")
    run = re.search(r"Test run with (\d+) tests? (passed|failed)", printed)
    failed = sorted(set(re.findall(r"Test (.+) failed after", printed)))
    if run is None or failed or run[2] == "failed":
        print(printed)
    cases = len(re.findall(r"Passing \d+ arguments?", printed))
    total = int(run[1]) if run else 0
    print(f"{total - len(failed)} passed, {len(failed)} failed; {cases} cases of vectors; {log}", flush=True)
    if failed or not total or run is None or run[2] == "failed":
        raise SystemExit(1)


def read() -> None:
    """Let levit-mobile read the contract and the record that the tests wrote."""
    if not PYTHON.exists():
        print(f"read: NOT RUN: {PYTHON} does not exist; make test or make convert creates it")
        return
    subprocess.run([PYTHON, "-c", READ, str(WRITTEN)], check=True, cwd=ROOT.parent)
    print("levit-mobile reads the contract and the timing record that Swift wrote", flush=True)


def lint() -> None:
    """Check the style with swift-format."""
    swift_format("lint", "--strict")


def swift(command: str, *options: str, accepted: tuple[int, ...] = (0,)) -> str:
    """Run `swift build` or `swift test` in the package and return what it printed."""
    OUT.mkdir(exist_ok=True)
    places = ("--package-path", str(KIT), "--scratch-path", str(OUT / "swift"), "--cache-path", str(OUT / "cache"))
    return _run("swift", command, *places, *options, accepted=accepted)


def swift_format(*options: str) -> None:
    """Run swift-format on all Swift files."""
    print(_run("swift-format", *options, "--recursive", "--parallel", *SOURCES), end="")


def _run(*command: str, accepted: tuple[int, ...] = (0,)) -> str:
    done = toolchain().run(*command, cwd=KIT)
    if done.returncode not in accepted:
        raise SystemExit(f"{' '.join(command[:2])} failed:\n{done.stdout[-12000:]}")
    return done.stdout


STEPS: dict[str, Callable[[], None]] = {
    "setup": setup,
    "lint": lint,
    "build": build,
    "test": test,
    "read": read,
    "format": lambda: swift_format("format", "--in-place"),
}
USUAL = ("setup", "lint", "build", "test", "read")


def main(asked: Sequence[str]) -> None:
    """Run the steps and print the time of each."""
    if reason := missing():
        print(f"NOT RUN: {reason}")
        raise SystemExit(1 if os.environ.get("CI") == "true" else 0)
    for name in asked or USUAL:
        start = time.monotonic()
        STEPS[name]()
        print(f"{name}: {time.monotonic() - start:.1f} s", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
