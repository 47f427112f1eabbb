"""Interfaces for the classes that R8 merged away but still names in class files."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
import stand_ins


def test_only_types_of_concatenations_that_nobody_has_are_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    platform, minified = tmp_path / "platform.jar", tmp_path / "minified.jar"
    with zipfile.ZipFile(platform, "w") as jar:
        jar.writestr("android/net/Uri.class", b"")
    with zipfile.ZipFile(minified, "w") as jar:
        concatenation = b"(Lr/here;Lgone/Paragraph;ILandroid/net/Uri;Ljava/lang/Object;)Ljava/lang/String;"
        jar.writestr("r/here.class", b"\x01\x00\x20" + concatenation + b"\x01\x00\x10(Lgone/Other;)V")
    monkeypatch.setattr(stand_ins, "libraries", lambda _name: [platform])

    assert stand_ins.missing(minified) == ["gone/Paragraph"]
