"""The runtimes of the iOS demo: their versions, the twins' lists, and what is printed where nothing can run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

DEMO = Path(__file__).parents[2] / "ios_demo"
PACKAGE = DEMO / "LevitRuntimes"
LISTS = sorted((DEMO / "twins" / "members").glob("*.txt"))


def asked(script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a few lines among the demo's tools."""
    kept = {name: value for name, value in os.environ.items() if name != "CI"}
    command = [sys.executable, "-c", script]
    where = DEMO / "tools"
    return subprocess.run(command, cwd=where, env=kept | environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("ci", [True, False])
def test_without_wheels_the_reason_is_printed_and_ci_fails(ci: bool) -> None:
    script = "import build; build.real.machine.twins_missing = lambda: 'no wheels'; build.runtimes()"
    done = asked(script, **({"CI": "true"} if ci else {}))
    assert done.stdout == "runtimes: NOT RUN: no wheels\n"
    assert done.returncode == int(ci)


def test_without_bundles_the_reason_is_printed() -> None:
    script = (
        "import build; build.real.machine.twins_missing = lambda: ''; build.real.bundles.folder = lambda: None; "
        "build.runtimes()"
    )
    assert "NOT RUN: there are no test bundles" in asked(script).stdout


@pytest.mark.parametrize(
    ("found", "printed"),
    [
        ("lines | {'Module: func train()'}", "the list lacks:\nModule: func train()"),
        ("lines - {'-: class Module'}", "the twin lacks:\n-: class Module"),
    ],
)
def test_a_member_of_a_twin_alone_or_of_the_list_alone_is_named(found: str, printed: str) -> None:
    script = (
        "import runtimes; lines = runtimes._listed(runtimes.TWINS / 'members' / 'executorch.txt'); "
        f"runtimes.members = lambda *_: {found}; runtimes.check_members(None, None)"
    )
    done = asked(script)
    assert done.returncode == 1
    assert printed in done.stderr


def test_the_lists_name_a_version_and_its_sources() -> None:
    assert [path.stem for path in LISTS] == ["executorch", "litert"]
    for path in LISTS:
        lines = path.read_text(encoding="utf-8").splitlines()
        comments = "\n".join(line for line in lines if line.startswith("#"))
        assert re.search(r"version \d+\.\d+\.\d+, tag v", comments)
        assert "# source " in comments
        assert len(set(lines)) == len(lines) > 50


def test_the_apps_runtimes_are_those_of_the_converter() -> None:
    pinned = dict(
        re.findall(r"^([a-z-]+)==(\S+)$", (DEMO.parent / "constraints.txt").read_text(encoding="utf-8"), re.M)
    )
    for name, file in (
        ("executorch", "LevitExecuTorch/ExecuTorchLoader"),
        ("ai-edge-litert", "LevitLiteRT/LiteRTLoader"),
    ):
        source = (PACKAGE / "Sources" / f"{file}.swift").read_text(encoding="utf-8")
        assert re.findall(r'version(?:: String)? = "([\d.]+)"', source) == [pinned[name]]
    manifest = (PACKAGE / "Package.swift").read_text(encoding="utf-8")
    assert f"swiftpm-{pinned['executorch']}" in manifest
    assert re.search(r'"https://github.com/pytorch/executorch", revision: "[0-9a-f]{40}"', manifest)


def test_the_package_of_the_kit_depends_on_no_vendor() -> None:
    manifest = (DEMO / "LevitMobileKit" / "Package.swift").read_text(encoding="utf-8")
    assert "dependencies: [.package" not in manifest
    assert "executorch" not in manifest.lower()
