"""Output of `conditions.sh` that was cut or garbled: what cannot be read is unknown, and nothing is raised."""

from __future__ import annotations

import random
import string
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from support.replied import DEVICES, Replied
from support.timings import run

from levit_mobile.device.conditions import read, script
from levit_mobile.timing.marks import marks
from levit_mobile.timing.record import Conditions, TimingRun

NOISE = string.printable + "\0\x1b\u2028\ud800é٣²"


@cache
def printed(device: str) -> str:
    with TemporaryDirectory() as folder:
        return Replied(device, Path(folder)).run(script()).stdout.decode()


def require_record(text: str) -> TimingRun:
    """A record of it is valid, can be judged, written and read back."""
    state = read(text)
    now = state.conditions()
    record = run(device=state.device(), before=now, after=Conditions.model_validate(now.model_dump()), cores=())
    assert TimingRun.model_validate_json(record.written()) == record
    assert all(mark.word for mark in marks(record))
    return record


def test_nothing_is_an_unknown_computer() -> None:
    for text in ("", "\n", "== ", "== cpu", "no sections at all", "=" * 1000):
        found = require_record(text)
        assert found.before == Conditions()
        assert (found.device.platform, found.device.model, found.device.soc) == ("host", "unknown", "unknown")
        assert (found.device.cores, found.device.memory_bytes) == (1, None)


@pytest.mark.parametrize("device", DEVICES)
def test_a_cut_output_is_read_as_far_as_it_goes(device: str) -> None:
    whole = printed(device)
    drawn = random.Random(device)
    for end in sorted(drawn.sample(range(len(whole)), 60)):
        require_record(whole[:end])
    assert (
        require_record(whole[: whole.index("== thermalservice")]).before.core_khz == read(whole).conditions().core_khz
    )


@pytest.mark.parametrize("device", DEVICES)
def test_a_garbled_output_is_read_where_it_can_be(device: str) -> None:
    drawn = random.Random(device)
    for _ in range(60):
        signs = list(printed(device))
        for place in drawn.sample(range(len(signs)), 40):
            signs[place] = drawn.choice(NOISE) * drawn.choice((0, 1, 1, 30))
        require_record("".join(signs))


@pytest.mark.parametrize("device", DEVICES)
def test_shuffled_and_repeated_lines_are_read(device: str) -> None:
    drawn = random.Random(device)
    lines = printed(device).splitlines()
    for _ in range(20):
        require_record("\n".join(drawn.choices(lines, k=2 * len(lines))))


@pytest.mark.parametrize("number", ["9" * 5000, "-" + "9" * 20, "1e400", "1e99", "nan", "inf", "٣", "0", "-0", "-"])
def test_numbers_beyond_all_ranges_are_unknown(number: str) -> None:
    text = (
        f"== cpu\n{number} 1 1 1 1\n0 {number} {number} {number} 1\n1 1800000 {number} {number} 1\n"
        f"== loadavg\n{number} 1 1 1/1 1\n== meminfo\nMemTotal: {number} kB\n== getprop\n[ro.hardware]: [qcom]\n"
        f"== headroom\nHeadroom in 0 seconds: {number}\n== battery\n  level: {number}\n  scale: {number}\n"
        f"  temperature: {number}\n== thermalservice\nThermal Status: {number}\nCurrent temperatures from HAL:\n"
        f"\tTemperature{{mValue={number}, mType=3, mName=s, mStatus=0}}\n"
    )
    found = require_record(text)
    assert found.device.core_max_khz[1] == 1_800_000
    assert found.device.memory_bytes is None
    assert found.before.battery_percent is None
    assert found.before.core_khz == ()


def test_long_words_are_shortened_and_control_characters_left_out() -> None:
    found = require_record(f"== getprop\n[ro.product.model]: [\x1b[2J{'x' * 5000}]\n").device
    assert found.model.startswith("[2Jxxx")
    assert len(found.model) <= 200
