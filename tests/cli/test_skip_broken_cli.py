"""`--skip-broken` reaches the calibration of the commands that have one."""

from __future__ import annotations

from typing import Any

import pytest
from support.command import ask

import levit_mobile
from levit_mobile.errors import ConversionError


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What `convert` and `plan` are called with; both then fail, so that nothing is printed."""
    taken: dict[str, Any] = {}

    def failing(*_: object, **options: Any) -> None:
        taken.update(options)
        raise ConversionError("enough", fault="toolchain")

    for name in ("convert", "plan"):
        monkeypatch.setattr(levit_mobile, name, failing, raising=False)
    return taken


@pytest.mark.parametrize("arguments", [("--skip-broken",), ()])
def test_a_plan_is_searched_without_broken_images(given: dict[str, Any], arguments: tuple[str, ...]) -> None:
    assert ask("plan", "-t", "tflite", "--calibration", "synthetic", *arguments).exit_code == 1
    assert given["skip_broken"] == bool(arguments)


@pytest.mark.usefixtures("one_block")
@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--calibration", "synthetic", "--skip-broken"), True),
        (("--calibration", "synthetic"), False),
        (("--skip-broken",), False),  # there is nothing to skip among the bundled digits
    ],
)
def test_a_conversion_is_calibrated_without_broken_images(
    given: dict[str, Any], shallow_checkpoint: Any, tmp_path: Any, arguments: tuple[str, ...], expected: bool
) -> None:
    basics = ("convert", "-t", "tflite", "-p", "int8", "-c", str(shallow_checkpoint), "-o", str(tmp_path))
    assert ask(*basics, *arguments).exit_code == 1
    assert given["skip_broken"] is expected
