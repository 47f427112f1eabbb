"""Machines that a test makes of network namespaces, each with an address, joined by a bridge. Needs Linux and root."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import uuid4


@dataclass(frozen=True)
class Machine:
    """A namespace; `inside` are the words in front of a command that runs there."""

    name: str
    address: str
    link: str

    @property
    def inside(self) -> tuple[str, ...]:
        return ("ip", "netns", "exec", self.name)

    def cut_off(self) -> None:
        """From now on no packet reaches it or leaves it."""
        _ip("-n", self.name, "link", "set", self.link, "down")


def impossible() -> str | None:
    """Why this machine cannot have them; None where it can."""
    if sys.platform != "linux" or shutil.which("ip") is None:
        return "NOT RUN: network namespaces need Linux and the program ip"
    if os.geteuid() != 0:
        return "NOT RUN: only root makes network namespaces"
    tried = subprocess.run(["unshare", "--net", "true"], capture_output=True, text=True, check=False)
    return f"NOT RUN: network namespaces are refused here: {tried.stderr.strip()}" if tried.returncode else None


@contextmanager
def network(count: int) -> Iterator[tuple[Machine, ...]]:
    """Machines that reach one another; the first one holds the bridge. They are gone after the block."""
    mark = uuid4().hex[:6]
    names = [f"lm{mark}-{number}" for number in range(count)]
    try:
        yield tuple(_machine(names, number, mark) for number in range(count))
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "delete", name], capture_output=True, check=False)


def _machine(names: list[str], number: int, mark: str) -> Machine:
    name, hub, address = names[number], names[0], f"10.213.7.{number + 1}"
    _ip("netns", "add", name)
    _ip("-n", name, "link", "set", "lo", "up")
    link = "bridge" if number == 0 else "eth"
    if number == 0:
        _ip("-n", name, "link", "add", link, "type", "bridge")
    else:
        there = f"v{mark}{number}"
        _ip("-n", hub, "link", "add", there, "type", "veth", "peer", "name", link, "netns", name)
        _ip("-n", hub, "link", "set", there, "master", "bridge", "up")
    _ip("-n", name, "address", "add", f"{address}/24", "dev", link)
    _ip("-n", name, "link", "set", link, "up")
    return Machine(name, address, link)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], capture_output=True, text=True, check=True)
