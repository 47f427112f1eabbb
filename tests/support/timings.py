"""Records of times as `bench` and apps write them, for tests that time nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from levit_mobile.timing.record import SCHEMA_VERSION, App, Conditions, Device, Parity, Timing, TimingRun

OF_SCHEMA_1 = Path(__file__).parent / "records" / "timing-1.json"  # as levit-mobile 0.1.0 and the apps write it
STARTED = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
HOST = Device(
    platform="host",
    model="x86_64",
    soc="Sample EPYC",
    os="Linux",
    os_version="6.1",
    os_build="6.1.0-sample",
    cores=2,
    memory_bytes=8 * 10**9,
)
PIXEL = Device(
    platform="android",
    model="Sample Pixel",
    soc="Sample Tensor",
    os="Android",
    os_version="15",
    os_build="SAMPLE.1",
    cores=9,
    memory_bytes=12 * 10**9,
)
IPHONE = Device(
    platform="ios", model="Sample iPhone", soc="Sample A17", os="iOS", os_version="18.2", os_build="SAMPLE2", cores=6
)
PROVEN = Parity(verdict="proven", against="4 golden vectors", pictures=4, sqnr_db=38.1, top1_agreement=1.0)
STEADY = (3.0, 3.02, 2.98, 3.01, 2.99, 3.0, 3.03, 2.97, 3.0, 3.01)


def samples(typical: float, count: int = 150, *, noise: float = 0.02, climb: float = 0.0) -> tuple[float, ...]:
    """Times around a typical one with a tail, which grow by `climb` of it from the first to the last."""
    drawn = np.random.default_rng(int(typical * 1000) + count)
    spikes = 1 + (drawn.random(count) > 0.97) * drawn.random(count)
    grown = 1 + climb * np.linspace(0, 1, count) ** 2
    times = typical * drawn.lognormal(0, noise, count) * spikes * grown
    return tuple(np.round(times, 4).tolist())


def timing(name: str = "levit_128s-tflite-int8", **facts: Any) -> Timing:
    """One artifact that takes about 3 ms."""
    told: dict[str, Any] = {
        "file": "model.tflite",
        "sha256": "5f" * 32,
        "bytes": 8_020_000,
        "target": "tflite",
        "runtime": "LiteRT",
        "runtime_version": "2.3.0",
        "accelerator": "xnnpack",
        "threads": 1,
        "parity": PROVEN,
        "load_ms": (20.0, 21.0, 22.0),
        "first_run_ms": (3.5, 3.6, 3.4),
        "memory_before_bytes": (50_000_000,) * 3,
        "peak_memory_bytes": (80_000_000,) * 3,
        "warmup_runs": 5,
        "samples_ms": STEADY,
        "end_to_end_samples_ms": tuple(sample + 3 for sample in STEADY),
        "picture_px": (640, 480),
    }
    return Timing(name=name, **told | facts)


def run(*timings: Timing, **facts: Any) -> TimingRun:
    """A run of them on the host, in turn."""
    told: dict[str, Any] = {
        "app": App(name="levit-mobile", version="0.1.0"),
        "started_at": STARTED,
        "device": HOST,
        "before": Conditions(battery_percent=80, load=0.1),
        "after": Conditions(battery_percent=78, load=0.6),
        "cores": (0,),
        "interleaved": True,
        "command": "levit-mobile bench build/* --out timing.json",
        "versions": {"ai-edge-litert": "2.3.0", "numpy": "2.3.0"},
    }
    return TimingRun(schema_version=SCHEMA_VERSION, timings=timings or (timing(),), **told | facts)


def slower(by: float) -> tuple[float, ...]:
    """Samples that many times as long."""
    return tuple(by * sample for sample in STEADY)


def idle(why: str) -> dict[str, Any]:
    """What a timing holds that a device could not take."""
    measured = ("samples_ms", "end_to_end_samples_ms", "load_ms", "first_run_ms")
    memory = ("memory_before_bytes", "peak_memory_bytes")
    return {"not_run": why, "parity": Parity(verdict="not run", reasons=(why,)), **dict.fromkeys(measured + memory, ())}
