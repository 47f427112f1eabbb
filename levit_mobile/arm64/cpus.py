"""The ARM64 cores that an emulator can be: what it is told, and what a guest reads in /proc/cpuinfo."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from levit_mobile.errors import RecipeError


@dataclass(frozen=True, slots=True)
class Cpu:
    """One core. `emulated` is qemu's name of it; the numbers and features are those of its MIDR_EL1 and its hwcaps.

    `features` decide which kernels XNNPACK chooses, with `part` of the cores that it knows.
    """

    name: str
    emulated: str
    implementer: int
    variant: int
    part: int
    revision: int
    features: str
    says: str

    @property
    def computes_in_half(self) -> bool:
        """Whether it has float16 arithmetic for vectors, which XNNPACK asks before it computes in float16."""
        return "asimdhp" in self.features.split()

    def cpuinfo(self) -> str:
        """/proc/cpuinfo of two such cores, as Linux writes it: qemu 7.2 would show the host's."""
        lines = (
            f"BogoMIPS\t: 100.00\nFeatures\t: {self.features}\nCPU implementer\t: {self.implementer:#04x}\n"
            f"CPU architecture: 8\nCPU variant\t: {self.variant:#x}\nCPU part\t: {self.part:#05x}\n"
            f"CPU revision\t: {self.revision}\n"
        )
        return "".join(f"processor\t: {number}\n{lines}\n" for number in range(2))


_V8_0 = "fp asimd aes pmull sha1 sha2 crc32 cpuid"
_V8_2 = f"{_V8_0} atomics fphp asimdhp asimdrdm lrcpc dcpop asimddp"
ARM, NOBODY = 0x41, 0x00  # implementers
CPUS: dict[str, Cpu] = {
    "cortex-a53": Cpu("cortex-a53", "cortex-a53", ARM, 0, 0xD03, 4, _V8_0, "in order, ARMv8.0: no integer dot product"),
    "cortex-a76": Cpu("cortex-a76", "cortex-a76", ARM, 4, 0xD0B, 1, _V8_2, "ARMv8.2: sdot, float16"),
    # qemu 7.2 computes SME's integers wrongly, and no phone in the field has SVE of more than 128 bits.
    "i8mm": Cpu(
        "i8mm", "max,sve=off,sme=off", NOBODY, 0, 0x51, 0, f"{_V8_2} i8mm bf16", "ARMv8.6: smmla; no core in particular"
    ),
}
DEFAULT = ("cortex-a53", "cortex-a76")


def chosen(names: str | Iterable[str]) -> tuple[Cpu, ...]:
    """The cores of these names, or of a comma list of them, each once. Raises RecipeError, which lists the known."""
    words = names.split(",") if isinstance(names, str) else list(names)
    wanted = dict.fromkeys(word.strip() for word in words if word.strip())
    if unknown := [word for word in wanted if word not in CPUS]:
        raise RecipeError(f"unknown CPU {unknown[0]!r}, expected one or more of {', '.join(CPUS)}", fault="unknown-cpu")
    if not wanted:
        raise RecipeError(f"no CPU was given, expected one or more of {', '.join(CPUS)}", fault="unknown-cpu")
    return tuple(CPUS[word] for word in wanted)
