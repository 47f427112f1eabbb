"""What `conditions.sh` prints on seven devices, and what a timing record says of them."""

from __future__ import annotations

import fnmatch
import tomllib
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from support.markdown import ROOT
from support.replied import DEVICES, PHONES, REPLIES, Replied
from support.timings import run

from levit_mobile.device.conditions import FOLDER, State, functions, read, script
from levit_mobile.timing.marks import marks


@cache
def printed(device: str) -> str:
    """The script's output on a device."""
    with TemporaryDirectory() as folder:
        done = Replied(device, Path(folder)).run(script())
    assert (done.returncode, done.stderr) == (0, b"")
    return done.stdout.decode()


def state(device: str) -> State:
    return read(printed(device))


NAMES = {
    "pixel-8": ("Pixel 8", "Google Tensor G3", "15", 9, 7_671_932),
    "fairphone-4": ("FP4", "QTI SM7225", "12", 8, 5_690_668),
    "xiaomi-11t": ("21081111RG", "Mediatek MT6893Z_B/CZA", "13", 8, 7_794_512),
    "galaxy-s9": ("SM-G960F", "exynos9810", "10", 8, 3_652_312),
    "mi-a1": ("Mi A1", "msm8953", "8.1.0", 8, 3_865_204),
    "emulator": ("sdk_gphone64_arm64", "AOSP ranchu", "14", 4, 2_017_040),
}


@pytest.mark.parametrize("device", NAMES)
def test_a_phone_has_its_names_cores_and_memory(device: str) -> None:
    found = state(device).device()
    model, soc, version, cores, kibibytes = NAMES[device]
    assert (found.platform, found.os, found.simulated, found.emulated_cores) == (
        "android", "Android", device == "emulator", False
    )  # fmt: skip
    assert (found.model, found.soc, found.os_version, found.cores) == (model, soc, version, cores)
    assert found.memory_bytes == kibibytes * 1024
    assert found.os_build.endswith(":user/release-keys")


def test_the_build_is_the_fingerprint() -> None:
    assert state("pixel-8").device().os_build == "google/shiba/shiba:15/AP4A.241205.013/12621605:user/release-keys"


CONDITIONS: dict[str, dict[str, Any]] = {
    "pixel-8": {
        "thermal": "none", "battery_percent": 87, "charging": True, "low_power_mode": False, "load": 3.84 / 9,
        "thermal_headroom": 0.6570667, "hottest_celsius": 47.0, "battery_celsius": 30.9, "screen_on": True,
    },
    "fairphone-4": {
        "thermal": "none", "battery_percent": 63, "charging": True, "low_power_mode": False, "load": 7.31 / 8,
        "thermal_headroom": 0.57, "hottest_celsius": 54.600002, "battery_celsius": 33.0, "screen_on": True,
    },
    "xiaomi-11t": {
        "thermal": "light", "battery_percent": None, "charging": None, "low_power_mode": True, "load": 6.02 / 8,
        "thermal_headroom": 0.675, "hottest_celsius": 57.9, "battery_celsius": None, "screen_on": True,
    },
    "galaxy-s9": {
        "thermal": "moderate", "battery_percent": 42, "charging": False, "low_power_mode": False, "load": 11.27 / 8,
        "thermal_headroom": None, "hottest_celsius": 62.3, "battery_celsius": 38.5, "screen_on": False,
    },
    "mi-a1": {
        "thermal": None, "battery_percent": 100, "charging": False, "low_power_mode": False, "load": 4.45 / 8,
        "thermal_headroom": None, "hottest_celsius": None, "battery_celsius": 28.7, "screen_on": True,
    },
    "emulator": {
        "thermal": "none", "battery_percent": 100, "charging": False, "low_power_mode": False, "load": 0.52 / 4,
        "thermal_headroom": 0.9267, "hottest_celsius": 30.8, "battery_celsius": 25.0, "screen_on": True,
    },
    "raspberry-pi-5": {
        "thermal": None, "battery_percent": None, "charging": None, "low_power_mode": None, "load": 0.21 / 4,
        "thermal_headroom": None, "hottest_celsius": 51.8, "battery_celsius": None, "screen_on": None,
    },
}  # fmt: skip


@pytest.mark.parametrize("device", DEVICES)
def test_a_device_has_its_conditions(device: str) -> None:
    found = state(device).conditions().model_dump(exclude={"core_khz", "core_limit_khz"})
    assert found == CONDITIONS[device] | {"fixed_performance_mode": None}


def test_each_core_has_its_three_clocks() -> None:
    found = state("galaxy-s9")
    assert found.device().core_max_khz == (1_794_000,) * 4 + (2_704_000,) * 4
    assert found.conditions().core_limit_khz == (1_794_000,) * 4 + (1_469_000,) * 4
    assert found.conditions().core_khz == (1_794_000,) * 4 + (1_469_000,) * 4


def test_an_offline_core_is_counted_and_has_no_clock() -> None:
    found = state("mi-a1")
    assert found.device().core_max_khz == (2_016_000,) * 6 + (None,) * 2
    assert found.conditions().core_khz == (652_800,) * 6 + (None,) * 2
    lines = "== cpu\n0 1800000 1800000 900000 -\n1 1800000 1800000 900000 0\n"
    assert read(lines).conditions().core_khz == (900_000, None)
    assert read(lines).device().core_max_khz == (1_800_000, 1_800_000)


def test_a_device_without_clocks_has_none() -> None:
    found = state("emulator")
    assert (found.device().core_max_khz, found.conditions().core_khz, found.conditions().core_limit_khz) == ((), (), ())


def test_a_raspberry_pi_is_a_computer() -> None:
    found = state("raspberry-pi-5").device(emulated_cores=True)
    assert (found.platform, found.model, found.soc) == ("host", "Raspberry Pi 5 Model B Rev 1.0", "BCM2712")
    assert (found.os, found.os_version, found.cores) == ("Linux", "6.6.51+rpt-rpi-2712", 4)
    assert (found.core_max_khz, found.simulated, found.emulated_cores) == ((2_400_000,) * 4, False, True)


def test_a_cloud_machine_has_its_product_and_its_core() -> None:
    text = (
        "== cpuinfo\nprocessor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd40\nprocessor\t: 1\n"
        "CPU implementer\t: 0x41\nCPU part\t: 0xd40\n== model\n\n== compatible\n\n== product\nAmazon EC2\nc7g.large\n"
        "== loadavg\n0.10 0.1 0.1 1/99 1\n== uname\nLinux\n6.1.0-aws\n#1 SMP\naarch64\n"
    )
    found = read(text).device()
    assert (found.model, found.soc, found.cores) == ("Amazon EC2 c7g.large", "Neoverse-V1", 2)
    assert read(text).conditions().load == 0.05


@pytest.mark.parametrize(
    ("device", "expected"),
    [
        ("pixel-8", ["CHARGING"]),
        ("fairphone-4", ["CHARGING"]),
        ("xiaomi-11t", ["WARM", "LOW POWER"]),
        ("galaxy-s9", ["WARM", "CAPPED", "SCREEN OFF", "BUSY"]),
        ("mi-a1", []),
        ("emulator", ["SIMULATED"]),
        ("raspberry-pi-5", []),
    ],
)
def test_a_run_on_a_device_has_its_marks(device: str, expected: list[str]) -> None:
    found, now = state(device).device(), state(device).conditions()
    record = run(device=found, before=now, after=now, cores=())
    assert [mark.word for mark in marks(record)] == expected
    assert type(record).model_validate_json(record.written()) == record


def test_the_script_prints_no_serial_number_and_no_app() -> None:
    for device in PHONES:
        assert "SERIAL0000000" in (REPLIES / device / "getprop.txt").read_text(encoding="utf-8")
        assert "org.example.app" in (REPLIES / device / "dumpsys-power.txt").read_text(encoding="utf-8")
        assert "SERIAL0000000" not in printed(device)
        assert "org.example.app" not in printed(device)
    assert "Serial" not in printed("raspberry-pi-5")


def test_the_clocks_are_read_first() -> None:
    """While the cores are still at work."""
    assert printed("pixel-8").startswith("== cpu\n0 1704000 1704000 324000 1\n")


def test_the_shells_files_are_in_the_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    patterns = project["tool"]["setuptools"]["package-data"]["levit_mobile"]
    assert {script(), *functions()} == set(FOLDER.iterdir())
    for file in FOLDER.iterdir():
        name = file.relative_to(FOLDER.parents[1]).as_posix()
        assert any(fnmatch.fnmatch(name, pattern) for pattern in patterns), name
