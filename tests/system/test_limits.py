"""Memory and cores as control groups bound them, of both versions, in containers and out of them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from levit_mobile.system import limits

PHYSICAL = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
UNLIMITED = "9223372036854771712\n"  # as version 1 writes it
MIB = 1 << 20


@pytest.fixture
def groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where control groups are mounted; this process may use four cores."""
    monkeypatch.setattr(limits, "OWN_GROUPS", tmp_path / "proc-self-cgroup")
    monkeypatch.setattr(limits, "MOUNTS", tmp_path / "cgroup")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2, 3}, raising=False)
    return tmp_path / "cgroup"


def write(groups: Path, own: str, **files: str) -> None:
    """`own` is /proc/self/cgroup; the names of `files` have __ for a slash and _0_ for a dot."""
    limits.OWN_GROUPS.write_text(own)
    for name, text in files.items():
        file = groups / name.replace("__", "/").replace("_0_", ".")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


def test_without_groups_there_is_the_machine(groups: Path) -> None:
    assert not groups.exists()
    assert (limits.memory_bytes(), limits.cores()) == (PHYSICAL, 4)


def test_without_affinity_there_are_the_machines_cores(groups: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on macOS."""
    assert not groups.exists()
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 10)
    assert limits.cores() == 10


def test_this_machine() -> None:
    assert 0 < limits.memory_bytes() <= PHYSICAL
    assert 1 <= limits.cores() <= (os.cpu_count() or 1)


def test_version_2_in_a_container(groups: Path) -> None:
    write(groups, "0::/\n", memory_0_max=f"{512 * MIB}\n", cpu_0_max="150000 100000\n")
    assert (limits.memory_bytes(), limits.cores()) == (512 * MIB, 2)


def test_version_2_without_bounds(groups: Path) -> None:
    write(groups, "0::/user.slice\n", user_0_slice__memory_0_max="max\n", user_0_slice__cpu_0_max="max 100000\n")
    assert (limits.memory_bytes(), limits.cores()) == (PHYSICAL, 4)


def test_the_strictest_of_all_groups_around_holds(groups: Path) -> None:
    write(
        groups,
        "0::/a/b/c\n",
        a__memory_0_max=f"{256 * MIB}\n",
        a__b__memory_0_max=f"{900 * MIB}\n",
        a__b__c__memory_0_max="max\n",
        a__cpu_0_max="300000 100000\n",
        a__b__cpu_0_max="20000 100000\n",
        other__memory_0_max="1\n",
        a__other__cpu_0_max="1000 100000\n",
    )
    assert (limits.memory_bytes(), limits.cores()) == (256 * MIB, 1)


def test_version_1_beside_an_empty_version_2(groups: Path) -> None:
    write(
        groups,
        "12:cpu,cpuacct:/job\n4:memory:/job/one\n3:cpuset:/\n0::/\n",
        memory__memory_0_limit_in_bytes=UNLIMITED,
        memory__job__memory_0_limit_in_bytes=f"{300 * MIB}\n",
        memory__job__one__memory_0_limit_in_bytes=UNLIMITED,
        cpu__job__cpu_0_cfs_quota_us="250000\n",
        cpu__job__cpu_0_cfs_period_us="100000\n",
        cpu__cpu_0_cfs_quota_us="-1\n",
        cpu__cpu_0_cfs_period_us="100000\n",
    )
    assert (limits.memory_bytes(), limits.cores()) == (300 * MIB, 3)


def test_version_1_in_a_container_that_is_told_the_hosts_path(groups: Path) -> None:
    write(
        groups,
        "4:memory:/docker/0123abc\n3:cpu:/docker/0123abc\n",
        memory__memory_0_limit_in_bytes=f"{300 * MIB}\n",
        cpu__cpu_0_cfs_quota_us="100000\n",
        cpu__cpu_0_cfs_period_us="100000\n",
    )
    assert (limits.memory_bytes(), limits.cores()) == (300 * MIB, 1)


@pytest.mark.parametrize("text", ["", "?", "0", "0 0", "-1", "100000"])
def test_what_is_no_bound_is_none(groups: Path, text: str) -> None:
    write(groups, "0::/\n", memory_0_max=text.split(" ")[0].replace("100000", "max"), cpu_0_max=text)
    assert (limits.memory_bytes(), limits.cores()) == (PHYSICAL, 4)


def test_more_than_the_machine_has_is_no_bound(groups: Path) -> None:
    write(groups, "0::/\n", memory_0_max=f"{PHYSICAL * 2}\n", cpu_0_max="6400000 100000\n")
    assert (limits.memory_bytes(), limits.cores()) == (PHYSICAL, 4)
