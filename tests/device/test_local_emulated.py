"""`--on local` with the real payload, where an emulator stands in for an ARM64 processor: proven, and never timed."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import Bundles
from support.phone.phones import require

from levit_mobile.arm64 import folder, payload
from levit_mobile.arm64.payload import LOADER
from levit_mobile.device import local
from levit_mobile.device.bench import bench_on_device
from levit_mobile.device.options import DeviceOptions
from levit_mobile.device.reading import EMULATED
from levit_mobile.timing.bench import BenchOptions

pytestmark = pytest.mark.slow
CPU = "cortex-a76"


@pytest.fixture
def emulated_payload(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its loader is a script that starts the emulator with the loader, as binfmt_misc would."""
    found, emulator = payload.found(), require("qemu-aarch64")
    copy = tmp_path / "payload"
    shutil.copytree(found.path, copy)
    (copy / LOADER).rename(copy / f"{LOADER}.arm64")
    root = folder.found().prefix(CPU)
    start = f'exec {emulator} -cpu {CPU} -L {root} {copy / LOADER}.arm64 "$@"'
    (copy / LOADER).write_text(f"#!/bin/sh\n{start}\n")
    (copy / LOADER).chmod(0o755)
    monkeypatch.setattr(payload, "found", lambda: replace(found, path=copy))
    monkeypatch.setattr(local, "require_arm64_linux", lambda: None)


@pytest.mark.usefixtures("emulated_payload")
def test_an_emulated_machine_proves_the_golden_images_and_prints_no_milliseconds(narrow_bundles: Bundles) -> None:
    paths = [narrow_bundles(name).path for name in ("tflite-fp32", "executorch-fp32")]
    few = BenchOptions(rounds=2, warmup=1, starts=1, picture_px=(64, 48))
    run = bench_on_device(paths, options=few, device=DeviceOptions("local", cool_down_s=0))
    assert run.incomplete is None
    assert (run.device.platform, run.device.emulated_cores) == ("host", True)
    for timing in run.timings:
        assert (timing.parity.verdict, timing.parity.pictures, timing.not_run) == ("proven", 4, EMULATED)
        assert timing.samples_ms == ()
