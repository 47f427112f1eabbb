"""`doctor` names the adb that reaches phones, or how to install it; no server is started for that."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.command import ask

from levit_mobile.runtimes import doctor
from levit_mobile.system import android_sdk


@pytest.fixture
def adb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where adb is the first to be found, on a machine without any other and without targets."""
    monkeypatch.setattr(doctor, "TARGETS", {})
    monkeypatch.setattr(android_sdk, "SDK_FOLDERS", ())
    for name in android_sdk.SDK_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path / android_sdk.ADB


def test_an_adb_is_named_and_not_started(adb: Path) -> None:
    adb.write_text(f"#!/bin/sh\n: >{adb}.started\n")
    adb.chmod(0o755)
    assert f"phones: reached by {adb}" in ask("doctor").stdout
    assert json.loads(ask("doctor", "--json").stdout)["adb"] == str(adb)
    assert list(adb.parent.iterdir()) == [adb]


def test_without_an_adb_the_line_has_the_way_out(adb: Path) -> None:
    assert not adb.exists()
    assert "phones: NOT RUN: adb was not found; install Android's platform-tools" in ask("doctor").stdout
    assert json.loads(ask("doctor", "--json").stdout)["adb"] is None
