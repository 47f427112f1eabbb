"""This machine as records of times describe it: processor, system, and how busy it is."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from levit_mobile.system.limits import cores
from levit_mobile.timing.record import Conditions, Device

CPUINFO, BATTERIES = Path("/proc/cpuinfo"), Path("/sys/class/power_supply")
STATUS, RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")
KIBIBYTE = 1024


def device() -> Device:
    """This machine."""
    return Device(
        platform="host",
        model=platform.machine(),
        soc=_processor(),
        os=platform.system(),
        os_version=platform.release(),
        os_build=platform.version(),
        cores=os.cpu_count() or 1,
        memory_bytes=_memory_bytes(),
    )


def conditions() -> Conditions:
    """Now; a machine without a battery has none of its figures."""
    load = os.getloadavg()[0] / (os.cpu_count() or 1)
    battery = next(iter(sorted(BATTERIES.glob("BAT*"))), None)
    if battery is None:
        return Conditions(load=load)
    with suppress(OSError, ValueError):
        percent = float((battery / "capacity").read_text())
        charging = (battery / "status").read_text().strip() != "Discharging"
        return Conditions(load=load, battery_percent=min(percent, 100.0), charging=charging)
    return Conditions(load=load)


def _processor() -> str:
    with suppress(OSError):
        lines = CPUINFO.read_text().splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    if sys.platform == "darwin":
        asked = ["sysctl", "-n", "machdep.cpu.brand_string"]
        return subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()
    return platform.processor() or platform.machine()


def _memory_bytes() -> int:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


@contextmanager
def pinned(count: int) -> Iterator[tuple[int, ...]]:
    """Keep this process, and those it starts, on the first `count` cores that it may use; () where no system call can.

    A thread that moves between cores is timed with its cold caches.
    """
    if not hasattr(os, "sched_setaffinity") or count > cores():
        yield ()
        return
    before = os.sched_getaffinity(0)
    chosen = tuple(sorted(before))[:count]
    os.sched_setaffinity(0, chosen)
    try:
        yield chosen
    finally:
        os.sched_setaffinity(0, before)


def forget_peak() -> int | None:
    """Bytes that this process has in memory now, from which its peak counts on; None where the system has no such."""
    with suppress(OSError):
        RESET.write_text("5")
        return _status("VmRSS")
    return None


def peak_bytes() -> int | None:
    """Most bytes that this process had in memory since `forget_peak`."""
    with suppress(OSError):
        return _status("VmHWM")
    return None


def _status(key: str) -> int:
    lines: Sequence[str] = STATUS.read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{key}:")) * KIBIBYTE
