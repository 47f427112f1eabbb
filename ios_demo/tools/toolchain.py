"""Swift for Linux, set up without root rights from Debian's packages: into the cache folder of levit-mobile, once.

A Swift that is on the path is taken if it is new enough, such as Xcode's. Otherwise the compiler, its libraries and a C
library come from Debian 13. They are unpacked, not installed. patchelf writes the folder into the programs, so that
they find their own loader and libraries there: neither a chroot nor a container is needed.

The compiler's packages are compared with toolchain.lock. The few others are whatever Debian 13 has now; apt compares
them with Debian's signed index.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "toolchain.lock"
SUITE = "trixie"
OLDEST = (6, 0)
KEYS = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
# Headers and start files to link with, then the libraries that the programs load.
PACKAGES = (
    "libc6 libc6-dev linux-libc-dev libgcc-14-dev libgcc-s1 libstdc++6 libstdc++-14-dev "
    "libedit2 libbsd0 libmd0 libncurses6 libtinfo6 libsqlite3-0 libuuid1 libxml2 liblzma5 libzstd1 zlib1g patchelf"
)
# The debugger, the language servers and static and embedded libraries are half of the package.
LEFT_OUT = (
    "*/swift_static/*",
    "*/embedded/*",
    "*lldb*",
    "*sourcekit*",
    "*/clangd*",
    "*/docc",
    "*/FrameworkABIBaseline/*",
    "*/libLTO*",
    "./usr/share/*",
)
SWIFT, LIBRARIES, LOADER = "usr/libexec/swift", "usr/lib/x86_64-linux-gnu", "usr/lib64/ld-linux-x86-64.so.2"
SDK = '{"CanonicalName": "linux", "Version": "1.0", "VersionMap": {"macOS_iOSMac": {}, "iOSMac_macOS": {}}}\n'
APT = """\
APT::Architecture "amd64";
APT::Architectures {{ "amd64"; }};
APT::Sandbox::User "{user}";
Acquire::Languages "none";
Dir::State "{folder}/state";
Dir::State::status "{folder}/status";
Dir::Cache "{folder}/cache";
Dir::Etc::sourcelist "{folder}/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Post-Invoke;
"""


@dataclass(frozen=True)
class Toolchain:
    """A Swift that runs here.

    Attributes:
        root: Folder of the set-up; None for a Swift that is on the path.
    """

    root: Path | None = None

    def environment(self) -> dict[str, str]:
        """Variables that its programs need."""
        if self.root is None:
            return dict(os.environ)
        path = os.pathsep.join([str(self.root / SWIFT / "bin"), os.environ.get("PATH", "")])
        return {**os.environ, "PATH": path, "SDKROOT": str(self.root)}

    def run(self, *command: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run one of its programs and return what it printed, both streams together."""
        program = shutil.which(command[0], path=self.environment()["PATH"]) or command[0]
        return subprocess.run(
            [program, *command[1:]],
            cwd=cwd,
            env=self.environment(),
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )


def missing() -> str:
    """Why no Swift can run here; empty if one can."""
    if _on_path():
        return ""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        return f"no Swift {_oldest()} on the path, and it is set up on Linux on x86_64 only"
    lacking = [name for name in ("apt-get", "dpkg-deb", "tar") if shutil.which(name) is None]
    if lacking or not KEYS.exists():
        lacking += [] if KEYS.exists() else [str(KEYS)]
        return f"no Swift {_oldest()} on the path, and to set it up these are missing: {', '.join(lacking)}"
    return ""


def find() -> Toolchain:
    """The Swift that is on the path, or the one in the cache folder, which is set up if it is not there."""
    if _on_path():
        return Toolchain()
    folder = cache() / f"swift-{_key()}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _alone(folder.with_suffix(".lock")):
        if not folder.is_dir():
            _make(folder)
    return Toolchain(folder)


def cache() -> Path:
    """The cache folder of levit-mobile."""
    if named := os.environ.get("LEVIT_MOBILE_CACHE"):
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "levit-mobile"


def locked() -> dict[str, str]:
    """SHA-256 of each package of the lock, by `name=version`."""
    lines = (line.split() for line in LOCK.read_text(encoding="utf-8").splitlines())
    return {name: digest for digest, name in lines}


def _on_path() -> bool:
    if shutil.which("swift") is None:
        return False
    done = subprocess.run(["swift", "--version"], capture_output=True, text=True, check=False)
    match = re.search(r"Swift version (\d+)\.(\d+)", done.stdout)
    return match is not None and (int(match[1]), int(match[2])) >= OLDEST


def _oldest() -> str:
    return ".".join(map(str, OLDEST))


def _key() -> str:
    return hashlib.sha256(LOCK.read_bytes() + Path(__file__).read_bytes()).hexdigest()[:16]


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _make(folder: Path) -> None:
    """Set everything up beside the folder, and rename it at the end."""
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as beside:
        part = Path(beside) / "root"
        part.mkdir()
        for package in _download(Path(beside) / "apt"):
            _unpack(package, part)
        for name in ("lib", "lib64"):
            (part / name).symlink_to(f"usr/{name}")
        (part / "SDKSettings.json").write_text(SDK, encoding="utf-8")
        (part / SWIFT / "bin" / "clang.cfg").write_text(_linking(folder), encoding="utf-8")
        _write_place(part, folder)
        part.rename(folder)


def _download(state: Path) -> list[Path]:
    options, packages = _configured(state), state / "packages"
    packages.mkdir()
    _do(["apt-get", *options, "-qq", "update"], packages)
    _do(["apt-get", *options, "-qq", "download", *locked(), *PACKAGES.split()], packages)
    for name, digest in locked().items():
        (package,) = packages.glob(f"{name.replace('=', '_')}_*.deb")
        with package.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != digest:
                raise SystemExit(f"the package {name} differs from {LOCK.name}")
    return sorted(packages.glob("*.deb"))


def _configured(state: Path) -> list[str]:
    for name in ("state/lists/partial", "cache/archives/partial"):
        (state / name).mkdir(parents=True)
    (state / "status").touch()
    source = f"deb [arch=amd64 signed-by={KEYS}] {_mirror()} {SUITE} main\n"
    (state / "sources.list").write_text(source, encoding="utf-8")
    user = "root" if os.getuid() == 0 else "_apt"
    (state / "apt.conf").write_text(APT.format(folder=state, user=user), encoding="utf-8")
    return ["-c", str(state / "apt.conf")]


def _mirror() -> str:
    """Where this machine takes Debian's packages from."""
    listed = _do(["apt-get", "indextargets", "--format", "$(ORIGIN)|$(COMPONENT)|$(RELEASE)|$(REPO_URI)"])
    for line in listed.splitlines():
        origin, component, release, uri = line.split("|")
        if (origin, component) == ("Debian", "main") and "-" not in release:
            return uri
    raise SystemExit("apt on this machine has no source of Debian's packages, which Swift is taken from")


def _unpack(package: Path, root: Path) -> None:
    left_out = [f"--exclude={pattern}" for pattern in LEFT_OUT]
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(package)], stdout=subprocess.PIPE) as archive:
        done = subprocess.run(["tar", "-x", "-C", str(root), *left_out], stdin=archive.stdout, check=False)
    if done.returncode or archive.returncode:
        raise SystemExit(f"{package.name} could not be unpacked")


def _linking(folder: Path) -> str:
    """Options of every link, for clang's configuration file: what is built here runs with this C library too."""
    root = str(folder).replace(" ", "\\ ")
    options = (f"--dynamic-linker={root}/{LOADER}", f"-rpath={root}/{LIBRARIES}", "--disable-new-dtags")
    return "\n".join([f"--sysroot={root}", "-fuse-ld=lld", *(f"-Wl,{option}" for option in options)]) + "\n"


def _write_place(part: Path, folder: Path) -> None:
    """Write the folder's later place into all programs and libraries of Swift."""
    tool = [str(part / LOADER), "--library-path", str(part / LIBRARIES), str(part / "usr/bin/patchelf")]
    for file in sorted((part / SWIFT).rglob("*")):
        program = file.parent.name == "bin"
        if file.is_symlink() or not file.is_file() or not (program or ".so" in file.name):
            continue
        with file.open("rb") as start:
            if start.read(4) != b"\x7fELF":
                continue
        own = _do([*tool, "--print-rpath", str(file)]).strip()
        path = ":".join([*([own] if own else []), f"{folder}/{LIBRARIES}"])
        _do([*tool, "--force-rpath", "--set-rpath", path, str(file)])
        if program:
            _do([*tool, "--set-interpreter", f"{folder}/{LOADER}", str(file)])


def _do(command: Sequence[str], cwd: Path | None = None) -> str:
    done = subprocess.run(command, capture_output=True, text=True, cwd=cwd, check=False)
    if done.returncode:
        raise SystemExit(f"Swift could not be set up: {Path(command[0]).name} failed: {done.stderr.strip()[-1000:]}")
    return done.stdout
