"""What a plain Linux says of itself: Raspberry Pi, Graviton, a virtual machine, a laptop."""

from __future__ import annotations

import re
from collections.abc import Mapping

from levit_mobile.device import values
from levit_mobile.device.dumpsys import Battery

# Arm's cores in computers that a user may time on, by the part number of MIDR_EL1 (Arm's reference manuals).
CORES = {
    "0xd03": "Cortex-A53",
    "0xd08": "Cortex-A72",
    "0xd0b": "Cortex-A76",
    "0xd0c": "Neoverse-N1",
    "0xd40": "Neoverse-V1",
    "0xd49": "Neoverse-N2",
    "0xd4f": "Neoverse-V2",
    "0xd84": "Neoverse-V3",
}
ARM = "0x41"  # implementer
STATUS = {
    "Charging": True,
    "Discharging": False,
    "Not charging": True,
    "Full": True,
}  # plugged in, as `bench` counts it


def named(sections: Mapping[str, str]) -> dict[str, str]:
    """The names of the device: its board and chip where it has a device tree, else its product and core."""
    system, release, build, machine = (*(values.word(line) for line in _lines(sections, "uname")), "", "", "", "")[:4]
    board = values.word(next(iter(_lines(sections, "model")), ""))
    product = " ".join(filter(None, (values.word(line) for line in _lines(sections, "product")[:2])))
    return {
        "model": board or product or machine,
        "soc": _chip(_lines(sections, "compatible")) or _processor(sections.get("cpuinfo", "")) or machine,
        "os": system,
        "os_version": release,
        "os_build": build,
    }


def _lines(sections: Mapping[str, str], name: str) -> list[str]:
    return [line for line in sections.get(name, "").splitlines() if line.strip()]


def _chip(compatible: list[str]) -> str:
    """The last of `raspberrypi,5-model-b` and `brcm,bcm2712`, which go from the board to the chip."""
    names = [values.word(line.partition(",")[2]) for line in compatible]
    return names[-1].upper() if names else ""


def _processor(cpuinfo: str) -> str:
    stated = values.matched(r"(?:model name|Hardware)\s*: (.+)$", cpuinfo)
    if stated:
        return values.word(stated)
    part, implementer = (values.matched(rf"CPU {name}\s*: (\S+)$", cpuinfo) for name in ("part", "implementer"))
    return CORES.get(part or "", "") if implementer == ARM else ""


def processors(cpuinfo: str) -> int:
    """How many it lists."""
    return len(re.findall(r"^processor\s*: ", cpuinfo, re.MULTILINE))


def hottest(zones: str) -> float | None:
    """The highest of the lines `millidegrees type`."""
    found = [values.celsius(line.partition(" ")[0], 1000) for line in zones.splitlines()]
    return max((one for one in found if one is not None), default=None)


def battery(supplies: str) -> Battery:
    """The first of the lines `type percent tenths status` that is a battery's."""
    for line in supplies.splitlines():
        kind, *rest = line.split(maxsplit=3) or [""]
        if kind == "Battery" and len(rest) == 3:
            percent, tenths, status = rest
            return Battery(values.decimal(percent, 0, 100), STATUS.get(status.strip()), values.celsius(tenths, 10))
    return Battery()
