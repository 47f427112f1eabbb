"""What others have built for ARM64: Debian's packages and wheels, fetched and unpacked without root rights."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

from levit_mobile.arm64.folder import native
from levit_mobile.arm64.requirements import require_readers
from levit_mobile.errors import RunnerUnavailable
from levit_mobile.system.environments import reason, run

# Program -> the distribution's package that brings it. qemu-user-static has no plugins.
NEEDED = {
    "qemu-aarch64": "qemu-user",
    "gcc": "gcc",
    "aarch64-linux-gnu-g++": "g++-aarch64-linux-gnu",
    "aarch64-linux-gnu-c++filt": "g++-aarch64-linux-gnu",
}
NEEDED_ON_ARM64 = {"gcc": "gcc", "g++": "g++"}
HEADERS = ("/usr/include/stdlib.h", "libc6-dev")
ALL = "qemu-user gcc libc6-dev g++-aarch64-linux-gnu"
ALL_ON_ARM64 = "gcc g++ libc6-dev"
GUEST = ("python3", "libgomp1", "libstdc++6", "libgcc-s1")  # the others come as their dependencies
# A wheel names the oldest glibc that it runs on, and pip takes these names literally.
TAGS = ("manylinux_2_17_aarch64", "manylinux2014_aarch64", "manylinux_2_27_aarch64", "manylinux_2_28_aarch64")
TARGETS = "$(ORIGIN)|$(COMPONENT)|$(RELEASE)|$(REPO_URI)|$(SIGNED_BY)"
KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg"
CONFIGURATION = """\
APT::Architecture "arm64";
APT::Architectures {{ "arm64"; }};
APT::Install-Recommends "0";
APT::Sandbox::User "{user}";
Acquire::Languages "none";
Dir::State "{folder}/state";
Dir::State::status "{folder}/status";
Dir::Cache "{folder}/cache";
Dir::Etc::sourcelist "{folder}/sources.list";
Dir::Etc::sourceparts "-";
Dir::Etc::preferencesparts "-";
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Post-Invoke;
"""


def require_host() -> None:
    """Raise RunnerUnavailable, with the reason and the way out, where ARM64 cannot be set up."""
    if sys.platform != "linux" or not (native() or platform.machine() == "x86_64"):
        raise RunnerUnavailable(
            f"ARM64 is emulated on Debian on x86_64 only; this machine is {platform.system()} on {platform.machine()}",
            fault="platform",
        )
    known = platform.freedesktop_os_release() if Path("/etc/os-release").exists() else {"ID": "unknown"}
    if known["ID"] != "debian":
        raise RunnerUnavailable(
            f"ARM64 is set up from Debian's packages; this machine runs {known.get('NAME', 'an unknown system')}",
            fault="platform",
        )
    require_readers()
    if lacking := missing():
        raise RunnerUnavailable(
            f"ARM64 needs these Debian packages: {', '.join(lacking)}; apt-get install --no-install-recommends "
            f"{ALL_ON_ARM64 if native() else ALL}",
            fault="not-installed",
        )


def missing() -> list[str]:
    """The distribution's packages of which something is not on PATH, each once."""
    needed = NEEDED_ON_ARM64 if native() else NEEDED
    lacking = [package for program, package in needed.items() if shutil.which(program) is None]
    headers, package = HEADERS
    return list(dict.fromkeys([*lacking, *([] if Path(headers).exists() else [package])]))


def release() -> str:
    """Debian's code name, such as "bookworm"."""
    return platform.freedesktop_os_release().get("VERSION_CODENAME", "stable")


def make_root(root: Path) -> str:
    """Unpack a Debian for ARM64 with Python into `root`; its Python's version, such as "3.11".

    apt works in a folder of its own, with the mirror and the proxy of this machine. Raises RunnerUnavailable.
    """
    state = root.with_name("apt")
    options = _configured(state)
    do(["apt-get", *options, "-qq", "update"])
    do(["apt-get", *options, "-qq", "-y", "--download-only", "install", *GUEST])
    for package in sorted((state / "cache" / "archives").glob("*.deb")):
        do(["dpkg-deb", "-x", str(package), str(root)])
    shutil.rmtree(state)
    return (root / "usr" / "bin" / "python3").readlink().name.removeprefix("python")


def _configured(state: Path) -> list[str]:
    for name in ("state/lists/partial", "cache/archives/partial"):
        (state / name).mkdir(parents=True)
    (state / "status").touch()
    mirror, signed_by = _mirror()
    (state / "sources.list").write_text(f"deb [arch=arm64 signed-by={signed_by}] {mirror} {release()} main\n")
    user = "root" if os.getuid() == 0 else "_apt"
    (state / "apt.conf").write_text(CONFIGURATION.format(folder=state, user=user))
    return ["-c", str(state / "apt.conf")]


def _mirror() -> tuple[str, str]:
    """Where this machine takes Debian's packages from, and the keys of it."""
    listed = run(["apt-get", "indextargets", "--format", TARGETS, "Created-By: Packages"]).stdout.splitlines()
    for line in listed:
        known, _, keys = line.rpartition("|")
        if known.startswith(f"Debian|main|{release()}|"):
            return known.rpartition("|")[2], keys if keys.startswith("/") else KEYS
    raise RunnerUnavailable(f"apt lists no packages of Debian {release()}: run `apt-get update`", fault="set-up-failed")


def install_wheels(site: Path, requirements: Mapping[str, str], *, python: str) -> None:
    """Install wheels for ARM64 into a folder, as pip is configured here. Raises RunnerUnavailable."""
    named = [f"{package}=={version}" for package, version in requirements.items()]
    do([*_pip("install", python), "--no-compile", "--target", str(site), *named])


def unpack_wheel(folder: Path, package: str, version: str, *, python: str, members: tuple[str, ...]) -> None:
    """Fetch one wheel, without what it depends on, and unpack what begins so. Raises RunnerUnavailable."""
    do([*_pip("download", python), "--no-deps", "--dest", str(folder), f"{package}=={version}"])
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder, [name for name in archive.namelist() if name.startswith(members)])
    wheel.unlink()


def _pip(command: str, python: str) -> list[str]:
    tags = [word for tag in TAGS for word in ("--platform", tag)]
    target = ["--only-binary=:all:", "--implementation", "cp", "--python-version", python, *tags]
    return [sys.executable, "-I", "-m", "pip", command, "--no-input", "--quiet", *target]


def do(command: list[str]) -> str:
    """Run a step of the set-up; what it printed. Raises RunnerUnavailable with its own complaint."""
    done = run(command)
    if done.returncode:
        raise RunnerUnavailable(
            f"ARM64 could not be set up: {Path(command[0]).name} failed: {reason(done)}", fault="set-up-failed"
        )
    return done.stdout
