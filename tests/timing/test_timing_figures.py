"""What a timing comes to, and which of its times are doubted."""

from __future__ import annotations

from typing import Any

import pytest
from support import overviews as made
from support.timings import HOST
from support.timings import timing as named

from levit_mobile.timing.figures import block_medians, called, compared, doubts, figures, slowed
from levit_mobile.timing.marks import heat
from levit_mobile.timing.ratios import ratio
from levit_mobile.timing.record import Block, Conditions, Platform, Profile, Thermal, TimingRun
from levit_mobile.timing.samples import Summary

STEADY = tuple([1.0, 1.01] * 20)


def words(run: TimingRun) -> list[str]:
    timing = run.timings[0]
    return [doubt.word for doubt in doubts(run, timing, figures(run, timing))]


def test_medians_over_processes() -> None:
    timing = made.timing(
        samples_ms=STEADY,
        end_to_end_samples_ms=(4.0, 2.0, 3.0),
        load_ms=(9.0, 5.0, 7.0),
        first_run_ms=(2.0,),
        memory_before_bytes=(100, 150),
        peak_memory_bytes=(300, 320),
    )
    found = figures(made.run(timing), timing)
    assert found.inference == Summary.of(STEADY)
    assert found.end_to_end
    assert (found.end_to_end.median_ms, found.load_ms, found.first_run_ms) == (3.0, 7.0, 2.0)
    assert (found.peak_bytes, found.added_bytes) == (310, 185)


def test_memory_without_its_start_has_no_growth() -> None:
    timing = made.timing(memory_before_bytes=(), peak_memory_bytes=(300,))
    found = figures(made.run(timing), timing)
    assert (found.peak_bytes, found.added_bytes) == (300, None)


def test_what_was_not_timed_has_no_figures() -> None:
    timing = made.not_timed("tflite-int8", "no kernel")
    run = made.run(timing, before=Conditions(thermal="severe"), device=made.PIXEL)
    found = figures(run, timing)
    assert (found.inference, found.end_to_end, found.load_ms, found.peak_bytes) == (None, None, None, None)
    assert words(run) == []


def test_ratios_are_against_the_named_timings_of_the_run() -> None:
    fast, slow = (made.timing(recipe, process_samples=(30,) * 5) for recipe in ("tflite-int8", "tflite-fp32"))
    run = made.run(fast, slow, against=(slow.name,))
    (found,) = figures(run, fast).against
    assert (found.name, found.ratio) == (slow.name, ratio(fast.by_process, slow.by_process))
    assert found.ratio.processes == (5,)
    assert found.ratio.high is not None
    assert found.ratio.high < 0.5
    assert figures(run, slow).against == ()


@pytest.mark.parametrize(
    ("ours", "other", "bundles", "has"),
    [
        ((1, 224, 224, 3), (1, 3, 224, 224), 1, True),
        ((1, 224, 224, 3), (4, 224, 224, 3), 1, False),
        ((1, 224, 224, 3), (1, 3, 64, 64), 1, False),
        ((1, 224, 224, 3), (1, 3, 64, 64), 2, True),
        ((1, 224, 224, 3), (), 1, True),
    ],
)
def test_only_inputs_of_one_size_have_a_ratio(
    ours: tuple[int, ...], other: tuple[int, ...], bundles: int, has: bool
) -> None:
    """Two bundles may differ, because the contracts say so; an earlier record has no shape."""
    contracts = ["5f" * 32] * bundles + [None] * (2 - bundles)
    one, two = (
        named(name, input_shape=shape, contract_sha256=contract)
        for name, shape, contract in zip(("a", "b"), (ours, other), contracts, strict=True)
    )
    assert [against.name for against in compared(one, [one, two])] == (["b"] if has else [])


def test_a_time_of_zero_has_no_ratio() -> None:
    ours = made.timing("tflite-int8")
    for samples in ((0.0,) * 30, (0.0, *[1.0] * 29)):
        zero = made.timing(samples_ms=samples)
        assert figures(made.run(ours, zero, against=(zero.name,)), ours).against == ()


@pytest.mark.parametrize(
    ("samples", "expected"),
    [((1.0,) * 19, None), ((1.0,) * 20, 1.0), ((1.0,) * 10 + (1.2,) * 10, 1.2), ((0.0,) * 20, None), ((), None)],
)
def test_slowing_is_the_second_half_over_the_first(samples: tuple[float, ...], expected: float | None) -> None:
    told = {"samples_ms": samples} if samples else {"samples_ms": (), "not_run": "no phone"}
    assert slowed(made.timing(**told)) == expected


def test_another_process_is_no_slowing() -> None:
    """Where memory lies makes one slower than the other from its first sample on."""
    samples = (1.0,) * 20 + (1.2,) * 20
    assert slowed(made.timing(samples_ms=samples)) == 1.2
    assert slowed(made.timing(samples_ms=samples, process_samples=(20, 20))) == 1.0


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, []),
        ({"device": made.PIXEL.model_copy(update={"simulated": True})}, ["SIMULATED"]),
        ({"device": made.PIXEL, "before": {"thermal": "light"}, "after": {"thermal": "light"}}, ["WARM"]),
        ({"device": made.PIXEL, "before": {"thermal": "none"}, "after": {"thermal": "moderate"}}, ["HOTTER"]),
        ({"device": made.PIXEL, "before": {"thermal": "severe"}, "after": {"thermal": "critical"}}, ["WARM", "HOTTER"]),
        ({"device": made.IPHONE, "before": {"thermal": "fair"}, "after": {"thermal": "nominal"}}, ["WARM"]),
        ({"device": made.IPHONE, "before": {"thermal": "nominal"}, "after": {}}, []),
        ({"device": made.IPHONE, "before": {"low_power_mode": True}}, ["LOW POWER"]),
    ],
)
def test_conditions_are_doubted(changes: dict[str, Any], expected: list[str]) -> None:
    given = {name: Conditions(**value) if isinstance(value, dict) else value for name, value in changes.items()}
    assert words(made.run(made.timing(samples_ms=STEADY), **given)) == expected


def test_noise_and_slowing_are_doubted() -> None:
    noisy = made.timing(samples_ms=tuple([1.0, 1.5] * 20))
    assert words(made.run(noisy)) == ["NOISY"]
    assert words(made.run(made.timing(samples_ms=(1.0,) * 20 + (1.06,) * 20))) == ["SLOWED"]


def test_what_gets_a_twentieth_slower_has_not_slowed_down_yet() -> None:
    assert words(made.run(made.timing(samples_ms=(1.0,) * 10 + (1.05,) * 10))) == []
    assert words(made.run(made.timing(samples_ms=(1.0,) * 10 + (1.051,) * 10))) == ["SLOWED"]


def test_low_power_mode_at_the_end_alone_is_doubted() -> None:
    run = made.run(made.timing(samples_ms=STEADY), device=made.IPHONE, after=Conditions(low_power_mode=True))
    assert words(run) == ["LOW POWER"]


def test_a_computer_is_called_by_its_processor_and_a_phone_by_its_model() -> None:
    assert [called(device) for device in (HOST, made.PIXEL, made.IPHONE)] == [
        "Sample EPYC",
        "Sample Pixel",
        "Sample iPhone",
    ]


@pytest.mark.parametrize(
    ("platform", "thermal", "expected"),
    [
        ("host", "nominal", 0),
        ("ios", "critical", 3),
        ("ios", "none", None),
        ("android", "none", 0),
        ("android", "light", 1),
        ("android", "shutdown", 6),
        ("android", "fair", None),
        ("ios", None, None),
    ],
)
def test_heat_counts_from_cool_in_the_words_of_the_system(
    platform: Platform, thermal: Thermal | None, expected: int | None
) -> None:
    assert heat(platform, Conditions(thermal=thermal)) == expected


def test_blocks_have_the_medians_of_their_samples_and_those_without_are_left_out() -> None:
    blocks = [Block(name=name, samples_ms=taken) for name, taken in (("a", (3.0, 1.0, 2.0)), ("b", ()), ("c", (-1.0,)))]
    assert block_medians(Profile(how="by hand", blocks=tuple(blocks))) == [(blocks[0], 2.0), (blocks[2], -1.0)]


def test_only_two_timings_with_samples_have_a_ratio() -> None:
    timed, idle = made.timing("tflite-int8"), made.not_timed("tflite-fp32", "no kernel")
    assert list(compared(idle, [timed])) == list(compared(timed, [idle, timed])) == []
    assert [found.name for found in compared(timed, [made.timing("tflite-fp32")])] == ["levit_128s-tflite-fp32"]
