"""What `conditions.sh` printed, on Android or on plain Linux, as the device and its conditions in a timing record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from levit_mobile.device import dumpsys, plain_linux, values
from levit_mobile.timing.record import Conditions, Device

FOLDER = Path(__file__).with_name("phone")
KIBIBYTE = 1024
FIRST_YEAR = 2020  # a clock before it was never set
MOST_CORES = 1024
MOST_KHZ = 100_000_000
# Hardware of Android's emulators; the last is Cuttlefish's, which ends in _cvm.
EMULATORS = ("ranchu", "goldfish", "cutf")
# Names of a chip in the order of what they say: since Android 12, Samsung's and Qualcomm's, and what all have.
CHIPS = ("ro.hardware.chipname", "ro.board.platform", "ro.hardware")
MODELS = ("ro.product.model", "ro.product.system.model", "ro.product.vendor.model", "ro.product.device")
BUILDS = ("ro.build.fingerprint", "ro.product.build.fingerprint", "ro.build.display.id", "ro.build.id")


def script() -> Path:
    """The script whose output `read` understands."""
    return FOLDER / "conditions.sh"


def functions() -> tuple[Path, ...]:
    """The files of shell functions that `run.sh` reads: `cool.sh` and `performance.sh`."""
    return FOLDER / "cool.sh", FOLDER / "performance.sh"


@dataclass(frozen=True, slots=True)
class Core:
    """One core's clocks in kHz; None for an unknown one, or for all but the maximum of an offline core."""

    max_khz: int | None
    limit_khz: int | None
    now_khz: int | None


@dataclass(frozen=True, slots=True)
class State:
    """A device at one moment, as its sections say it."""

    sections: Mapping[str, str]
    properties: Mapping[str, str]
    cores: Mapping[int, Core]

    @property
    def platform(self) -> Literal["android", "host"]:
        """Android has properties."""
        return "android" if self.properties else "host"

    @property
    def moment(self) -> datetime | None:
        """When it was, by the device's own clock in UTC; None where that could not be read."""
        try:
            found = datetime.fromisoformat(self._section("date").strip())
        except ValueError:
            return None
        return found if found.tzinfo is not None and found.year >= FIRST_YEAR else None

    def device(self, *, emulated_cores: bool = False) -> Device:
        """Return the device.

        Args:
            emulated_cores: Whether a program found there that an emulator executes it.

        Returns:
            The device. A name that could not be read is "unknown", and without any readable core there is one.
        """
        named = self._android() if self.properties else plain_linux.named(self.sections)
        return Device(
            platform=self.platform,
            **{name: value or values.UNKNOWN for name, value in named.items()},
            cores=self._count or 1,
            memory_bytes=self._memory_bytes,
            simulated=self._simulated,
            emulated_cores=emulated_cores,
            core_max_khz=self._khz("max_khz"),
        )

    def conditions(self) -> Conditions:
        """Return its conditions, None or empty where they could not be read."""
        here = self._on_android() if self.properties else self._on_linux()
        return here.model_copy(
            update={
                "load": self._load,
                "core_khz": self._khz("now_khz"),
                "core_limit_khz": self._khz("limit_khz"),
                "fixed_performance_mode": values.truth(self._section("fixed performance")),
            }
        )

    def _section(self, name: str) -> str:
        return self.sections.get(name, "")

    def _android(self) -> dict[str, str]:
        maker, chip = (self.properties.get(f"ro.soc.{name}", "") for name in ("manufacturer", "model"))
        whole = chip if chip.lower().startswith(maker.lower()) else f"{maker} {chip}"
        return {
            "model": values.first(self.properties, MODELS),
            "soc": whole if chip else values.first(self.properties, CHIPS),
            "os": "Android",
            "os_version": values.first(self.properties, ("ro.build.version.release",)),
            "os_build": values.first(self.properties, BUILDS),
        }

    @property
    def _simulated(self) -> bool:
        flags = (self.properties.get(name) for name in ("ro.kernel.qemu", "ro.boot.qemu"))
        hardware = [self.properties.get(name, "") for name in ("ro.hardware", "ro.boot.hardware")]
        return "1" in flags or any(one.startswith(EMULATORS) for one in hardware)

    @property
    def _count(self) -> int:
        return len(self.cores) or plain_linux.processors(self._section("cpuinfo"))

    @property
    def _memory_bytes(self) -> int | None:
        found = values.whole(values.matched(r"MemTotal:\s+([0-9]+) kB", self._section("meminfo")), 1)
        return None if found is None else found * KIBIBYTE

    @property
    def _load(self) -> float | None:
        minute = values.decimal(self._section("loadavg").partition(" ")[0])
        return None if minute is None or not self._count else minute / self._count

    def _khz(self, what: Literal["max_khz", "limit_khz", "now_khz"]) -> tuple[int | None, ...]:
        """Of each core by its number; empty where none is known."""
        numbers = range(max(self.cores, default=-1) + 1)
        found = tuple(getattr(self.cores[n], what) if n in self.cores else None for n in numbers)
        return found if any(found) else ()

    def _on_android(self) -> Conditions:
        heat = dumpsys.heat(self._section("thermalservice"), self._section("headroom"))
        battery, power = dumpsys.battery(self._section("battery")), self._section("power")
        return Conditions(
            thermal=heat.status,
            battery_percent=battery.percent,
            charging=battery.charging,
            low_power_mode=dumpsys.low_power(self._section("low power"), power),
            thermal_headroom=heat.headroom,
            hottest_celsius=heat.hottest_celsius,
            battery_celsius=battery.celsius,
            screen_on=dumpsys.screen_on(power),
        )

    def _on_linux(self) -> Conditions:
        battery = plain_linux.battery(self._section("supplies"))
        return Conditions(
            battery_percent=battery.percent,
            charging=battery.charging,
            hottest_celsius=plain_linux.hottest(self._section("zones")),
            battery_celsius=battery.celsius,
        )


def read(text: str) -> State:
    """Understand the output of `conditions.sh`, of which any part may be missing, cut or garbled."""
    found = values.sections(text)
    return State(found, values.properties(found.get("getprop", "")), _cores(found.get("cpu", "")))


def _cores(section: str) -> dict[int, Core]:
    """The lines `number maximum limit current online`."""
    found: dict[int, Core] = {}
    for line in section.splitlines():
        number, *rest = line.split()[:5] or [""]
        core = values.whole(number, 0, MOST_CORES - 1)
        if core is not None and len(rest) == 4:
            most, limit, now = (values.whole(clock, 1, MOST_KHZ) for clock in rest[:3])
            found[core] = Core(most, *(None, None) if rest[3] == "0" else (limit, now))
    return found
