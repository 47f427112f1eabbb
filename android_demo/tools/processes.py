"""Starts programs, and stops the build with what they printed where they fail."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

from catalogue import ROOT
from machine import java_home, java_version

Argument = str | Path
SHOWN = 12_000  # characters of a failed program's output
UNOPTIMIZED = "-XX:TieredStopAtLevel=1"  # for a life too short for the optimizing compiler
QUICK = "-XX:+UseSerialGC", UNOPTIMIZED  # two cores, and other steps at the same time
QUIET = ("--enable-native-access=ALL-UNNAMED",)
QUIET_23 = ("--sun-misc-unsafe-memory-access=allow",)  # older versions do not know it, and do not warn either


def run(
    command: Sequence[Argument], *, accepted: tuple[int, ...] = (0,), cwd: Path = ROOT, given: str | None = None
) -> str:
    """Run a program, with `given` as its input, and return what it printed."""
    words = [str(part) for part in command]
    done = subprocess.run(words, capture_output=True, text=True, cwd=cwd, check=False, input=given)
    if done.returncode not in accepted:
        printed = (done.stdout + done.stderr)[-SHOWN:]
        raise SystemExit(f"{Path(command[0]).name} failed with {done.returncode}:\n{printed}")
    return done.stdout


def java(
    class_path: Iterable[Path],
    main: str,
    *arguments: Argument,
    options: Sequence[str] = (),
    accepted: tuple[int, ...] = (0,),
    cwd: Path = ROOT,
) -> str:
    """Run a Java program in android_demo/ and return what it printed."""
    return run(java_command(class_path, main, *arguments, options=options), accepted=accepted, cwd=cwd)


def java_command(class_path: Iterable[Path], main: str, *arguments: Argument, options: Sequence[str] = ()) -> list[str]:
    """The words that start a Java program."""
    known = QUIET_23 if java_version() >= 23 else ()
    command = [*QUIET, *known, *options, "-cp", joined(class_path), main, *arguments]
    return [f"{java_home()}/bin/java", *map(str, command)]


def joined(paths: Iterable[Path]) -> str:
    """A class path as Java takes it."""
    return os.pathsep.join(map(str, paths))
