#!/usr/bin/env python3
"""Build and test the Swift packages of the iOS demo without Xcode: `make test-ios`.

Swift 6 is set up in the cache folder of levit-mobile if the path has none; see toolchain.py. Where that is impossible,
it prints NOT RUN and why; with CI=true in the environment that is a failure.

    build.py              set-up, style, build, test, Python reads what Swift wrote, real artifacts run,
                          and the models of the app
    build.py STEP...      only these: setup lint build test read runtimes desk typecheck format
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
from pathlib import Path

import runtimes as real
import sdk
import typecheck as apple
from toolchain import ROOT, Toolchain, find, missing

KIT = ROOT / "LevitMobileKit"
DESK = ROOT / "desk"  # the models of the app
PACKAGES = KIT, real.PACKAGE, real.TWINS, DESK
FOLDERS = ROOT / "LevitDemo", ROOT / "stubs"  # more Swift that is checked for its style
OUT = ROOT / "build"
WRITTEN = OUT / "written"  # by the tests, for Python
PYTHON = ROOT.parent / ".venv" / "bin" / "python"
READ = """
import sys
from pathlib import Path
from levit_mobile.contract import Contract
from levit_mobile.demo.watching import Line
from levit_mobile.timing.record import TimingRun
for name, model in (("contract", Contract), ("timing", TimingRun)):
    model.model_validate_json(Path(sys.argv[1], f"{name}.json").read_bytes())
lines = [Line.model_validate_json(line) for line in Path(sys.argv[1], "progress.jsonl").read_text("utf-8").splitlines()]
assert {line.event for line in lines} == {"started", "moment", "measured", "finished"}, lines
assert any(line.cooling_ms for line in lines), lines
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
    shutil.rmtree(WRITTEN, ignore_errors=True)
    WRITTEN.mkdir(parents=True)
    os.environ["LEVIT_WRITTEN"] = str(WRITTEN)
    run_tests(KIT, "tests.txt")


def runtimes() -> None:
    """Compile the runners against the twins, run every TFLite and ExecuTorch recipe, and compare Python's logits."""
    if reason := real.missing():
        not_run(f"runtimes: NOT RUN: {reason}")
        return
    os.environ.update(real.environment())
    optimized = ("-c", "release", "-Xswiftc", "-warnings-as-errors")
    swift("build", "--build-tests", *optimized, package=real.PACKAGE)
    run_tests(real.PACKAGE, "runtimes.txt", *optimized)
    count = real.check_members(toolchain(), scratch(real.PACKAGE) / "release" / "Modules")
    print(f"{count} members of the twins are the vendors'", flush=True)


def desk() -> None:
    """Test the models of the app, with real bundles where there are some."""
    if not real.missing():
        os.environ.update(real.environment())
    # Digests of whole artifacts take minutes without optimization.
    options = ("-c", "release", "-Xswiftc", "-enable-testing", "-Xswiftc", "-warnings-as-errors")
    swift("build", "--build-tests", *options, package=DESK)
    run_tests(DESK, "desk.txt", *options)


def run_tests(package: Path, log_name: str, *options: str) -> None:
    """Run the tests of a package that is built, and print one closing line."""
    log = OUT / log_name
    log.unlink(missing_ok=True)
    printed = swift("test", "--skip-build", "--disable-xctest", *options, package=package, accepted=(0, 1))
    log.write_text(printed, encoding="utf-8")
    run = re.search(r"Test run with (\d+) tests? (passed|failed)", printed)
    failed = sorted(set(re.findall(r"Test (.+) failed after", printed)))
    passed = run is not None and run[2] == "passed" and not failed
    if not passed:
        print(printed)
    cases = len(re.findall(r"Passing \d+ arguments?", printed))
    total = int(run[1]) if run else 0
    print(f"{total - len(failed)} passed, {len(failed)} failed; {cases} cases; {log}", flush=True)
    if not passed or not total:
        raise SystemExit(1)


def read() -> None:
    """Let levit-mobile read what the tests wrote, and compare the pixel buffers with the MIL reference's input."""
    if not PYTHON.exists():
        print(f"read: NOT RUN: {PYTHON} does not exist; make test or make convert creates it")
        return
    subprocess.run([PYTHON, "-c", READ, str(WRITTEN)], check=True, cwd=ROOT.parent)
    print("levit-mobile reads the contract, the timing record and the progress that Swift wrote", flush=True)
    subprocess.run([PYTHON, ROOT / "tools" / "pixel_buffers.py", str(WRITTEN)], check=True, cwd=ROOT.parent)


def not_run(sentence: str) -> None:
    """Print what could not be run and why; in CI that is a failure."""
    print(sentence, flush=True)
    if os.environ.get("CI") == "true":
        raise SystemExit(1)


def lint() -> None:
    """Check the style with swift-format."""
    swift_format("lint", "--strict")


def swift(command: str, *options: str, package: Path = KIT, accepted: tuple[int, ...] = (0,)) -> str:
    """Run `swift build` or `swift test` in a package and return what it printed."""
    OUT.mkdir(exist_ok=True)
    places = ("--package-path", str(package), "--scratch-path", str(scratch(package)))
    return _run("swift", command, *places, "--cache-path", str(OUT / "cache"), *options, accepted=accepted)


def scratch(package: Path) -> Path:
    """Where what is built of a package is kept."""
    return OUT / ("swift" if package == KIT else package.name)


def swift_format(*options: str) -> None:
    """Run swift-format on all Swift files."""
    sources = [str(package / name) for package in PACKAGES for name in SOURCES if (package / name).exists()]
    sources += [str(folder) for folder in FOLDERS if folder.exists()]
    print(_run("swift-format", *options, "--recursive", "--parallel", *sources), end="")


def _run(*command: str, accepted: tuple[int, ...] = (0,)) -> str:
    done = toolchain().run(*command, cwd=KIT)
    if done.returncode not in accepted:
        raise SystemExit(f"{' '.join(command[:2])} failed:\n{done.stdout[-12000:]}")
    return done.stdout


def typecheck() -> None:
    """Compile what needs Apple's modules against the stubs, and compare the stubs with the SDK's declarations."""
    swift("build", package=real.TWINS)
    place = OUT / "stubs"
    checked = apple.check(toolchain(), place, scratch(real.TWINS) / "debug" / "Modules")
    print(f"{', '.join(checked)}: type-checked against {len(apple.stubs())} stubs of Apple's modules", flush=True)
    if reason := sdk.missing():
        not_run(f"stubs: NOT COMPARED: {reason}")
        return
    stubs = [stub for file in apple.descriptors(place) for stub in sdk.read_stub(file)]
    found, others, wrong = sdk.compare(stubs, sdk.declarations(apple.names()))
    wrong += apple.unguarded(sdk.newer(stubs, apple.KIT_LEVEL), sdk.newer(stubs, apple.APP_LEVEL))
    if wrong:
        raise SystemExit("\n".join(wrong))
    print(f"{found} members of the stubs are the SDK's; {len(others)} are Swift's or C's, not compared", flush=True)


STEPS: dict[str, Callable[[], None]] = {
    "setup": setup,
    "lint": lint,
    "build": build,
    "test": test,
    "read": read,
    "runtimes": runtimes,
    "desk": desk,
    "typecheck": typecheck,
    "format": lambda: swift_format("format", "--in-place"),
}
USUAL = ("setup", "lint", "build", "test", "read", "runtimes", "desk", "typecheck")


def main(asked: Sequence[str]) -> None:
    """Run the steps and print the time of each."""
    if reason := missing():
        not_run(f"NOT RUN: {reason}")
        return
    for name in asked or USUAL:
        start = time.monotonic()
        STEPS[name]()
        print(f"{name}: {time.monotonic() - start:.1f} s", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
