"""The phone's folder on this machine, and how a command sees it as a phone.

No name space and no privilege is needed: paths of the phone are rewritten in commands and in scripts that `sh` is
given (`. script` is not), and back again in what commands print. ARM64 programs that were pushed are kept aside, and a
script in their place starts the emulator; `sha256sum` and adb see the program that was pushed.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile

from levit_mobile.arm64.cpus import CPUS
from levit_mobile.system.files import digest

HERE = Path(__file__).parent
REPLIES = HERE / "replies"
# What Android's toybox has, and this machine's coreutils do alike.
TOOLS = (
    "awk base64 basename cat chmod cmp cp cut date dd df dirname du echo env expr false find grep gzip head id kill ln",
    "ls md5sum mkdir mktemp mv nice nohup nproc od paste printf ps pwd readlink realpath rm rmdir sed seq setsid sleep",
    "sort stat tail tar taskset tee test timeout touch tr true uniq wc xargs",
)
STORAGE = "/data/local/tmp"
MARK = "# arm64-program"
DF_1_PIE = 0x08000000


class Root:
    """One phone's folder: its replies, its storage, its programs.

    Args:
        path: An empty or new folder, of a plain path.
        replies: A folder in `replies/`, by its name, or a path.
        cpu: The core that ARM64 programs run on, a name of `levit_mobile.arm64.cpus`.
    """

    def __init__(self, path: Path, replies: str | Path, cpu: str) -> None:
        assert re.fullmatch(r"[\w./-]+", str(path)), path
        self.path, self.cpu, self.not_executable = path, cpu, ""
        shutil.copytree(REPLIES / replies, path, dirs_exist_ok=True)
        for folder in (self.here(STORAGE), path / "system" / "bin", path / "programs", path / "proc"):
            folder.mkdir(parents=True, exist_ok=True)
        if not (path / "proc" / "cpuinfo").exists():  # qemu 7.2 would show the host's
            (path / "proc" / "cpuinfo").write_text(CPUS[cpu].cpuinfo(), encoding="utf-8")
        (path / "calls.txt").touch()
        self._make_tools()
        own = [f"/proc/{entry.name}" for entry in (path / "proc").iterdir()]
        self._paths = "|".join(
            re.escape(place) for place in (STORAGE, "/data/app", "/sdcard", "/sys", "/system/bin", *own)
        )
        before = r"""^"?|[^A-Za-z0-9_./}"-]|[^A-Za-z0-9_}]\""""  # "$root"/sys is not a path of the phone's
        once = rf"s#({before})({self._paths})($|[^A-Za-z0-9_-])#\1{path}\2\3#g" + "\n"
        (path / "paths.sed").write_text(once * 2, encoding="utf-8")  # a match takes the character between two paths

    def _make_tools(self) -> None:
        tools = self.path / "system" / "bin"
        for tool in " ".join(TOOLS).split():
            if found := shutil.which(tool):
                (tools / tool).symlink_to(found)
        for source in (HERE / "bin").iterdir():
            interpreter = f"{sys.executable} -IS" if source.suffix == ".py" else "/bin/sh"
            text = f"#!{interpreter}\n{source.read_text(encoding='utf-8')}"
            (tools / source.stem).write_text(text, encoding="utf-8")
            (tools / source.stem).chmod(0o755)

    @property
    def environ(self) -> dict[str, str]:
        """What a command inherits."""
        system = {"ANDROID_DATA": "/data", "ANDROID_ROOT": "/system", "HOME": "/", "USER": "shell"}
        system["CONDITIONS_ROOT"] = str(self.path)  # what conditions.sh reads its files below
        return {**system, "PATH": str(self.path / "system" / "bin"), "PHONE": str(self.path)}

    # Paths

    def here(self, path: str) -> Path:
        """Where a path of the phone is on this machine."""
        return self.path / path.lstrip("/")

    def translated(self, command: str) -> str:
        """A command with this machine's paths in place of the phone's."""
        own = rf"(?<![\w./}}-])(?<![\w}}]\")(?:{self._paths})(?![\w-])"
        return re.sub(own, lambda found: f"{self.path}{found[0]}", command)

    def printed(self, line: bytes) -> bytes:
        """A line of output with the phone's paths in place of this machine's."""
        return line.replace(str(self.path).encode(), b"")

    # Files

    def content(self, path: str) -> Path:
        """The file as it was pushed: for a program, not the script that starts the emulator."""
        file = self.here(path)
        if file.is_file():
            with file.open("rb") as opened:
                lines = opened.read(200).split(b"\n")
            if len(lines) > 1 and lines[1].startswith(MARK.encode()):
                return self.path / "programs" / lines[1].split()[-1].decode()
        return file

    def read(self, path: str) -> bytes:
        """Its bytes. Raises OSError."""
        return self.content(path).read_bytes()

    def stat(self, path: str) -> os.stat_result:
        """What adb is told about it. Raises OSError."""
        return self.content(path).stat()

    def finish(self, path: str, mode: int, changed: int, *, spoiled: bool) -> None:
        """A pushed file is complete."""
        file = self.here(path)
        if spoiled:
            data = file.read_bytes()
            file.write_bytes(bytes([data[0] ^ 1]) + data[1:])
        if _is_program(file):
            self._put_aside(file)
        file.chmod(mode)
        os.utime(file, (changed, changed))

    def _put_aside(self, file: Path) -> None:
        program = self.path / "programs" / digest(file)
        shutil.move(file, program)
        program.chmod(0o755)
        emulator = f"{shutil.which('qemu-aarch64')} -cpu {CPUS[self.cpu].emulated} -L {self.path}"
        start = f'exec {emulator} -0 "$0" {program} "$@"'
        if self.not_executable:
            start = f'echo "/system/bin/sh: $0: {self.not_executable}" >&2; exit 126'
        file.write_text(f"#!/bin/sh\n{MARK} {program.name}\n{start}\n", encoding="utf-8")

    def calls(self) -> list[str]:
        """The commands that change the phone or ask it something: one line each, as `cmd power ...`."""
        return (self.path / "calls.txt").read_text(encoding="utf-8").splitlines()


def _is_program(file: Path) -> bool:
    """Can a kernel start it without a loader: a static ARM64 program, or the loader itself?"""
    try:
        with file.open("rb") as opened:
            elf = ELFFile(opened)
            if elf.get_machine_arch() != "AArch64":
                return False
            dynamic = elf.get_section_by_name(".dynamic")
            flags = [tag.entry.d_val for tag in dynamic.iter_tags("DT_FLAGS_1")] if dynamic else []
            interpreted = any(segment["p_type"] == "PT_INTERP" for segment in elf.iter_segments())
            static = elf["e_type"] == "ET_EXEC" or any(flag & DF_1_PIE for flag in flags)
            return (static and not interpreted) or file.name.startswith("ld-linux")
    except ELFError:
        return False
