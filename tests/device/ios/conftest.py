"""An iPhone that is played, and two bundles for iOS."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.phone.iphone import PlayedIphone, played
from support.small_bundles import bundle

from levit_mobile.demo import watching
from levit_mobile.demo.ios import devicectl
from levit_mobile.demo.ios.starts import NOT_FINISHED


@pytest.fixture
def phone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PlayedIphone:
    """The one iPhone of a feigned Mac."""
    made = played(tmp_path / "phone", NOT_FINISHED)
    monkeypatch.setenv("PATH", f"{made.root / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(devicectl, "is_mac", lambda: True)
    monkeypatch.setattr(watching, "EVERY_S", 0.01)
    return made


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    for recipe in ("coreml-fp16", "executorch-fp32"):
        bundle(tmp_path / "build" / recipe, recipe)
    return [tmp_path / "build" / recipe for recipe in ("coreml-fp16", "executorch-fp32")]
