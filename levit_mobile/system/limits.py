"""How much of this machine is for us: its own memory and cores, or less where a control group bounds them.

A container and a service are such groups. Linux has them in two versions, and both may be mounted; macOS has none.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

OWN_GROUPS, MOUNTS = Path("/proc/self/cgroup"), Path("/sys/fs/cgroup")
UNIFIED = ("", "unified")  # where version 2 is mounted: alone, or beside version 1


def memory_bytes() -> int:
    """Bytes that all processes of this group may have in memory together; the machine's own at most."""
    bounds = (_number(group / file) for group, file in _files("memory", "memory.max", "memory.limit_in_bytes"))
    physical = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return int(min([physical, *(bound for bound in bounds if bound is not None and bound > 0)]))


def cores() -> int:
    """How many this process may use: by its affinity, and by the group's share of time, rounded up."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    shares = (_share(group / file) for group, file in _files("cpu", "cpu.max", "cpu.cfs_quota_us"))
    return min([allowed, *(math.ceil(share) for share in shares if share is not None and share > 0)])


def _files(controller: str, unified: str, legacy: str) -> Iterator[tuple[Path, str]]:
    """Every group that this process is in, with what its bound is called there: a bound of an outer group holds too.

    Inside of a container the path may be the host's, of which only the last folder, the mount itself, is there.
    """
    for line in _text(OWN_GROUPS).splitlines():
        _, controllers, path = line.split(":", 2)
        inner = Path(path.lstrip("/"))
        for mount in UNIFIED if not controllers else (controller,) if controller in controllers.split(",") else ():
            for group in (inner, *inner.parents):
                yield MOUNTS / mount / group, unified if not controllers else legacy


def _share(file: Path) -> float | None:
    """Cores' worth of time: `150000 100000` in one file, or the same in two."""
    period = file.with_name("cpu.cfs_period_us")
    quota, _, own_period = _text(file).strip().partition(" ")
    with suppress(ValueError, ZeroDivisionError):
        return int(quota) / int(own_period or _text(period))
    return None


def _number(file: Path) -> int | None:
    """None where there is no bound, which is written `max`, or no such file."""
    with suppress(ValueError):
        return int(_text(file))
    return None


def _text(file: Path) -> str:
    with suppress(OSError):
        return file.read_text()
    return ""
