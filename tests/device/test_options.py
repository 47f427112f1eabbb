"""The options of a device: what each means, and a sentence for a value without a meaning."""

from __future__ import annotations

from typing import Any

import pytest
from support.refusals import refused

from levit_mobile.device.options import DeviceOptions
from levit_mobile.errors import TimingError


@pytest.mark.parametrize(
    ("on", "serial", "is_local"),
    [
        ("android", None, False),
        ("android:R5CT", "R5CT", False),
        ("android:127.0.0.1:5555", "127.0.0.1:5555", False),
        ("local", None, True),
    ],
)
def test_a_device_is_a_phone_by_its_serial_number_or_this_machine(on: str, serial: str | None, is_local: bool) -> None:
    options = DeviceOptions(on)
    assert (options.serial, options.is_local) == (serial, is_local)


@pytest.mark.parametrize(
    ("cores", "mask"),
    [(None, None), ("f0", "f0"), ("0xF0", "f0"), ("0F", "f"), ("1" + "0" * 23, "1" + "0" * 23)],
)
def test_a_mask_has_no_prefix_and_no_zeros_before_it(cores: str | None, mask: str | None) -> None:
    assert DeviceOptions(cores=cores).mask == mask


@pytest.mark.parametrize("arithmetic", [None, "fp32", "fp16"])
def test_arithmetic_is_kept(arithmetic: Any) -> None:
    assert DeviceOptions(arithmetic=arithmetic).arithmetic == arithmetic


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"on": "ios:X"}, "'ios:X', expected android, android:SERIAL or local"),
        ({"on": "local:X"}, "'local:X', expected"),
        ({"on": ""}, "'', expected"),
        ({"cores": "0x"}, "'0x', expected a hexadecimal number"),
        ({"cores": "00"}, "'00', expected a hexadecimal number above 0"),
        ({"cores": "-1"}, "'-1', expected"),
        ({"arithmetic": "int8"}, "'int8', expected fp32 or fp16"),
        ({"cool_down_s": -1}, "-1, expected 0 or more"),
    ],
)
def test_a_value_without_a_meaning_is_one_sentence(wrong: dict[str, Any], words: str) -> None:
    with refused(TimingError, "timing.option", words):
        DeviceOptions(**wrong)
