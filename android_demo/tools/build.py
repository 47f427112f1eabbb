#!/usr/bin/env python3
"""Build and test the Android demo without Gradle and without the Android SDK: `make test-android`.

The compiler, the libraries and the test runner come by name through Maven, into the cache folder of levit-mobile, and
every file is compared with its SHA-256 in toolchain.lock. Without a tool that this needs it prints NOT RUN and why;
with CI=true in the environment that is a failure.

    build.py                          everything
    build.py STEP...                  only these and what they need, such as `compile:levit`, or `test` for all tests
    build.py test --only MainTest     the tests of one class
    build.py --list                   the steps
"""

from __future__ import annotations

import argparse
import os
import sys
import time

import steps
import store
from junit import Count
from machine import missing, twins_missing
from scheduler import run_all, with_needed


def main() -> None:
    """Run the steps and print the time of each, and how many tests passed."""
    options = _options()
    if options.list:
        print("\n".join(steps.STEPS))
        return
    if reason := missing():
        print(f"NOT RUN: {reason}")
        raise SystemExit(1 if os.environ.get("CI") == "true" else 0)
    steps.only[:] = [options.only] if options.only else []
    start = time.monotonic()
    failed = run_all(with_needed(_asked(options.steps), steps.STEPS), steps.STEPS)
    store.prune()
    print(f"all: {time.monotonic() - start:.1f} s", file=sys.stderr, flush=True)
    for name, reason in failed.items():
        print(f"{name} failed: {reason}", file=sys.stderr, flush=True)
    if (reason := twins_missing()) and steps.counts:
        print(f"NOT RUN: the tests on the runtimes' twins: {reason}")
        failed |= {"twins": reason} if os.environ.get("CI") == "true" else {}
    if steps.counts:
        total = sum(steps.counts, Count())
        print(total, flush=True)
        failed |= {} if total.passed else {"test": "no test ran"}
    raise SystemExit(1 if failed else 0)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("steps", nargs="*", metavar="STEP", help="a step or a group of steps")
    parser.add_argument("--only", metavar="CLASS", help="run only the tests of the class with this simple name")
    parser.add_argument("--list", action="store_true", help="print the names of the steps")
    return parser.parse_args()


def _asked(names: list[str]) -> list[str]:
    """The steps that were asked for; a group stands for all of its steps."""
    if not names:
        return [name for name, step in steps.STEPS.items() if step.usual]
    found = {asked: [name for name in steps.STEPS if asked in (name, name.partition(":")[0])] for asked in names}
    if unknown := [asked for asked, matching in found.items() if not matching]:
        raise SystemExit(f"unknown steps: {', '.join(unknown)}; `build.py --list` prints them")
    return [name for matching in found.values() for name in matching]


if __name__ == "__main__":
    main()
