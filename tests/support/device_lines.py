"""The lines that the programs on a device print for a prepared run, made up: nothing runs."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from levit_mobile.device.planned import PlannedArtifact, PlannedRun
from levit_mobile.device.planning import Given, Prepared, prepared
from levit_mobile.device.printed import Printed
from levit_mobile.timing import golden
from levit_mobile.timing.bench import BenchOptions
from levit_mobile.timing.candidates import Candidate
from levit_mobile.timing.golden import Golden
from levit_mobile.timing.samples import shares
from support.small_bundles import CLASSES, SIDE, bundle

FEW = BenchOptions(rounds=4, warmup=1, starts=2, picture_px=(64, 48))


def small_run(folder: Path, *recipes: str, options: BenchOptions = FEW, given: Given | None = None) -> Prepared:
    """Small bundles of these recipes, prepared for a device."""
    for recipe in recipes:
        bundle(folder / recipe, recipe)
    paths = [folder / recipe for recipe in recipes]
    return prepared(paths, [], options, given or Given(), command="x", local=False)


def draw_golden(monkeypatch: pytest.MonkeyPatch) -> NDArray[np.uint8]:
    """Drawn pixels [H,W,3] and logits in place of the zeros of small bundles; the pixels."""
    drawn, shared = np.random.default_rng(0), golden.shared_golden
    pixels = drawn.integers(0, 256, (1, SIDE, SIDE, 3), np.uint8)
    logits = drawn.normal(size=(1, CLASSES)).astype(np.float32)

    def filled(candidates: Sequence[Candidate]) -> dict[str, Golden]:
        found = shared(candidates)
        made = {
            id(one): replace(one, pixels=pixels, expected=replace(one.expected, logits=logits))
            for one in found.values()
        }
        return {name: made[id(one)] for name, one in found.items()}  # a borrowed one stays the same one

    monkeypatch.setattr(golden, "shared_golden", filled)
    return pixels[0]


def event(name: str, key: str, process: int, **facts: Any) -> str:
    """One line."""
    return json.dumps({"event": name, "name": key, "process": process, **facts})


def expected(planned: PlannedRun, one: PlannedArtifact) -> NDArray[np.float32]:
    """The logits that the trained model gives for the golden pictures."""
    assert one.expectation is not None
    return planned.expectations[one.expectation].expected().logits


def answers(key: str, logits: NDArray[np.float32]) -> Iterator[str]:
    """One output for each picture."""
    for place, row in enumerate(logits):
        values = base64.b64encode(row.astype("<f4").tobytes()).decode()
        yield event("answer", key, 0, picture=place, output=0, values=values)


def process(planned: PlannedRun, number: int, *, error: float = 0.0) -> Iterator[str]:
    """One process of each artifact: loaded, first run, answers, and its share of the rounds."""
    rounds = shares(planned.rounds, planned.starts)[number]
    for one in planned.artifacts:
        logits = expected(planned, one)
        ports = [{"shape": [1, logits.shape[1]], "dtype": "float32"}]
        memory = {"memory_before_bytes": 1_000_000}
        yield event("loaded", one.key, number, load_ms=10.5, outputs=ports, cores=[4], emulated=False, **memory)
        yield event("first_run", one.key, number, first_run_ms=5.25, peak_memory_bytes=9_000_000)
        yield from (
            answers(one.key, logits + np.float32(error) * np.arange(logits.shape[1], dtype=np.float32))
            if number == 0
            else ()
        )
    for turn in range(rounds):
        for one in planned.artifacts:
            yield event("sample", one.key, number, what="inference", ms=2.0 + turn)
    for turn in range(rounds):
        for one in planned.artifacts:
            yield event("sample", one.key, number, what="end to end", ms=4.0 + turn)
    for one in planned.artifacts:
        yield event("done", one.key, number)


def moment(when: str, *lines: str) -> Iterator[str]:
    """The device's conditions."""
    yield from (f"@conditions {when}", *lines, "@end")


def whole(planned: PlannedRun, **options: Any) -> Iterator[str]:
    """A run without any fault."""
    yield from moment("before")
    for number in range(planned.starts):
        yield from process(planned, number, **options)
        yield from moment(f"process {number + 1}")
    yield from moment("after")


def read(lines: Iterator[str]) -> Printed:
    """All lines, taken."""
    printed = Printed()
    for line in lines:
        printed.feed(f"{line}\n")
    return printed
