"""Records of times as `bench` and apps write them, for tests that time nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from levit_mobile.timing.record import App, Conditions, Device, Parity, Timing, TimingRun

DEVICE = Device(
    platform="host", model="x86_64", soc="A Processor", os="Linux", os_version="6.1", os_build="#1", cores=8
)
PROVEN = Parity(verdict="proven", against="4 golden vectors", pictures=4, sqnr_db=38.1, top1_agreement=1.0)
STEADY = (3.0, 3.02, 2.98, 3.01, 2.99, 3.0, 3.03, 2.97, 3.0, 3.01)


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
    """A run of them on a machine of 8 cores."""
    told: dict[str, Any] = {
        "app": App(name="levit-mobile", version="0.1.0"),
        "started_at": datetime(2026, 1, 31, 12, tzinfo=UTC),
        "device": DEVICE,
        "before": Conditions(load=0.1),
        "after": Conditions(load=0.2),
        "cores": (0,),
        "interleaved": True,
        "command": "levit-mobile bench levit_128s-tflite-int8",
    }
    return TimingRun(schema_version=1, timings=timings or (timing(),), **told | facts)


def slower(by: float) -> tuple[float, ...]:
    """Samples that many times as long."""
    return tuple(by * sample for sample in STEADY)
