"""Java class files, as far as the checks need them: supertypes, fields and methods."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

PUBLIC, PROTECTED, SYNTHETIC = 0x0001, 0x0004, 0x1000
UTF8, LONG, DOUBLE, METHOD_HANDLE = 1, 5, 6, 15
NAMES = {7, 8, 16, 19, 20}  # constants that hold the number of one other constant
SIZES = {LONG: 9, DOUBLE: 9, METHOD_HANDLE: 4, **dict.fromkeys(NAMES, 3)}  # bytes, tag included; the others have 5


@dataclass
class ClassFile:
    """A class by its binary name, for example `android/os/PowerManager$WakeLock`."""

    name: str
    parent: str | None
    interfaces: list[str]
    typed_fields: list[tuple[str, str]] = field(default_factory=list)  # name and descriptor
    methods: list[tuple[str, str]] = field(default_factory=list)  # name and descriptor

    @property
    def fields(self) -> list[str]:
        """Names of the fields."""
        return [name for name, _ in self.typed_fields]


class _Reader:
    """Reads a class file from front to back."""

    def __init__(self, content: bytes) -> None:
        self.content, self.at = content, 8  # after the magic number and the version
        self.constants = self._constants()

    def numbers(self, form: str) -> tuple[int, ...]:
        values = struct.unpack_from(f">{form}", self.content, self.at)
        self.at += struct.calcsize(f">{form}")
        return values

    def number(self) -> int:
        return self.numbers("H")[0]

    def _constants(self) -> dict[int, str | int]:
        found: dict[int, str | int] = {}
        index, count = 1, self.number()
        while index < count:
            tag = self.content[self.at]
            if tag == UTF8:
                size = struct.unpack_from(">H", self.content, self.at + 1)[0]
                found[index] = self.content[self.at + 3 : self.at + 3 + size].decode("utf-8", "replace")
                self.at += 3 + size
            else:
                if tag in NAMES:
                    found[index] = struct.unpack_from(">H", self.content, self.at + 1)[0]
                self.at += SIZES.get(tag, 5)
            index += 2 if tag in (LONG, DOUBLE) else 1
        return found

    def class_name(self, index: int) -> str:
        return str(self.constants[int(self.constants[index])])

    def members(self, *, private: bool) -> list[tuple[str, str]]:
        """Members of the next table, without those that only the compiler made."""
        found = []
        for _ in range(self.number()):
            access, name, descriptor = self.numbers("HHH")
            for _ in range(self.number()):
                _, size = self.numbers("HI")
                self.at += size
            if (private or access & (PUBLIC | PROTECTED)) and not access & SYNTHETIC:
                found.append((str(self.constants[name]), str(self.constants[descriptor])))
        return found


def read(content: bytes, *, private: bool = False) -> ClassFile:
    """Read a class file with its public and protected members, and with the others too if `private`."""
    reader = _Reader(content)
    _, own, parent, count = reader.numbers("HHHH")
    interfaces = [reader.class_name(one) for one in reader.numbers(f"{count}H")]
    found = ClassFile(reader.class_name(own), reader.class_name(parent) if parent else None, interfaces)
    found.typed_fields = reader.members(private=private)
    found.methods = reader.members(private=private)
    return found


def parameters(descriptor: str) -> int:
    """Number of parameters of a method's descriptor: 2 for `(I[Ljava/lang/String;)V`."""
    count, at = 0, 1
    while descriptor[at] != ")":
        while descriptor[at] == "[":
            at += 1
        at = descriptor.index(";", at) + 1 if descriptor[at] == "L" else at + 1
        count += 1
    return count
