"""What `convert` prints on the labels, before anything is converted."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.command import ask

import levit_mobile
from levit_mobile.errors import ConversionError
from levit_mobile.pipeline.source_model import SourceModel


def converted(source: SourceModel, monkeypatch: pytest.MonkeyPatch, *more: str) -> list[str]:
    """The lines on stderr of a `convert` for all targets that stops after the import."""

    def stop(*_: object, **__: object) -> None:
        raise ConversionError("stopped", fault="toolchain")

    monkeypatch.setattr(levit_mobile, "load_source", lambda *_, **__: source, raising=False)
    monkeypatch.setattr(levit_mobile, "convert", stop, raising=False)
    done = ask("convert", "--target", "all", "--verbose", *more)
    assert done.exit_code == 1
    return list(done.stderr.split("\n"))


@pytest.mark.parametrize("more", [(), ("--json",)], ids=["table", "json"])
def test_labels_that_nobody_gave_are_noted_once(
    more: tuple[str, ...], small: SourceModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    (note,) = [line for line in converted(small, monkeypatch, *more) if line.startswith("NOTE: ")]
    assert "class_0 to class_4" in note
    assert "--labels FILE" in note


@pytest.mark.parametrize("source", ["file", "checkpoint", "published"])
def test_labels_that_somebody_gave_are_not(source: str, small: SourceModel, monkeypatch: pytest.MonkeyPatch) -> None:
    named = replace(small, labels_source=source)  # type: ignore[arg-type]
    assert not [line for line in converted(named, monkeypatch) if "NOTE" in line]
