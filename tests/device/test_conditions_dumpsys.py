"""What Android's services print in other states and versions than the seven devices have."""

from __future__ import annotations

import pytest
from support.replied import REPLIES

from levit_mobile.device import dumpsys
from levit_mobile.device.conditions import read
from levit_mobile.timing.record import Thermal

PIXEL = (REPLIES / "pixel-8" / "dumpsys-thermalservice.txt").read_text(encoding="utf-8")
BATTERY = (REPLIES / "pixel-8" / "dumpsys-battery.txt").read_text(encoding="utf-8")


def changed(text: str, old: str, new: str) -> str:
    assert old in text
    return text.replace(old, new)


@pytest.mark.parametrize(
    ("number", "expected"),
    [("0", "none"), ("1", "light"), ("2", "moderate"), ("3", "severe"), ("4", "critical"), ("5", "emergency"),
     ("6", "shutdown"), ("7", None), ("-1", None), ("", None), ("0x", None)],
)  # fmt: skip
def test_a_thermal_status_is_androids_word(number: str, expected: Thermal | None) -> None:
    assert dumpsys.heat(changed(PIXEL, "Thermal Status: 0", f"Thermal Status: {number}"), "").status == expected


def test_a_status_that_was_set_by_hand_is_not_the_devices() -> None:
    found = dumpsys.heat(changed(PIXEL, "IsStatusOverride: false", "IsStatusOverride: true"), "")
    assert (found.status, found.hottest_celsius) == (None, 47.0)


@pytest.mark.parametrize(
    "text",
    ["", "Can't find service: thermalservice", "Error dumping service info: (Unknown error -2147483646) thermalservice",
     "Permission Denial: can't dump ThermalManagerService from pid=1, uid=2000"],
)  # fmt: skip
def test_without_the_service_nothing_is_known(text: str) -> None:
    assert dumpsys.heat(text, text) == dumpsys.Heat(None, None, None)


def test_current_temperatures_come_before_cached_ones() -> None:
    assert dumpsys.heat(PIXEL, "").hottest_celsius == 47.0
    without = PIXEL.partition("HAL Ready")[0] + "HAL Ready: false\n"
    assert dumpsys.heat(without, "").hottest_celsius == 41.0


@pytest.mark.parametrize("value", ["NaN", "-274.0", "4208.0", "Infinity", "", "47.0.1"])
def test_what_is_no_temperature_does_not_count(value: str) -> None:
    text = changed(PIXEL, "mValue=47.0, mType=0, mName=BIG", f"mValue={value}, mType=0, mName=BIG")
    assert dumpsys.heat(text, "").hottest_celsius == 45.0


@pytest.mark.parametrize("kind", [6, 7, 8])
def test_voltage_current_and_charge_are_no_temperatures(kind: int) -> None:
    text = changed(PIXEL, "mValue=47.0, mType=0, mName=BIG", f"mValue=99.0, mType={kind}, mName=vbat")
    assert dumpsys.heat(text, "").hottest_celsius == 45.0


def test_a_name_may_hold_anything() -> None:
    text = changed(
        PIXEL, "mName=BIG, mStatus=0}\n\tTemperature{mValue=45.0", "mName=B,I}G, mStatus=0}\n\tTemperature{mValue=45.0"
    )
    assert dumpsys.heat(text, "").hottest_celsius == 47.0


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        ("Headroom in 0 seconds: 0.5", 0.5),
        ("Headroom in 0 seconds: 1.25", 1.25),
        ("Headroom in 0 seconds: NaN", 0.6571),  # asked too often: computed instead
        ("Unknown command: headroom", 0.6571),
        ("", 0.6571),
    ],
)
def test_headroom_is_androids_or_else_computed(printed: str, expected: float) -> None:
    assert dumpsys.heat(PIXEL, printed).headroom == expected


@pytest.mark.parametrize(("degrees", "expected"), [("45.0", 1.0), ("48.0", 1.1), ("15.0", 0.0), ("-3.0", 0.0)])
def test_headroom_is_one_at_the_severe_threshold_and_zero_thirty_degrees_below(degrees: str, expected: float) -> None:
    text = changed(PIXEL, "mValue=34.712002", f"mValue={degrees}")
    assert dumpsys.heat(text, "").headroom == pytest.approx(expected)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("43.0, 45.0, 46.5", "43.0, NaN, 46.5"),
        ("[NaN, 39.0, 43.0, 45.0, 46.5, 52.0, 55.0]", "[NaN, 39.0]"),
        ("mType=3, mName=VIRTUAL-SKIN, mHot", "mType=0, mName=VIRTUAL-SKIN, mHot"),
        ("mName=VIRTUAL-SKIN, mHot", "mName=OTHER, mHot"),
    ],
    ids=["no severe threshold", "cut", "of no skin", "of another sensor"],
)
def test_without_the_skins_threshold_there_is_no_headroom(old: str, new: str) -> None:
    assert dumpsys.heat(changed(PIXEL, old, new), "").headroom is None


@pytest.mark.parametrize(
    ("status", "usb", "expected"),
    [("2", "true", True), ("2", "false", True), ("3", "true", False), ("4", "true", False), ("5", "true", False),
     ("1", "true", True), ("1", "false", False), ("", "true", True), ("99", "false", False)],
)  # fmt: skip
def test_charging_is_the_batterys_status_and_else_its_sources(status: str, usb: str, expected: bool) -> None:
    text = changed(changed(BATTERY, "  status: 2", f"  status: {status}"), "USB powered: true", f"USB powered: {usb}")
    assert dumpsys.battery(text).charging is expected


@pytest.mark.parametrize("source", dumpsys.SOURCES)
def test_any_source_charges(source: str) -> None:
    text = "Current Battery Service state:\n" + "".join(
        f"  {one}: {str(one == source).lower()}\n" for one in dumpsys.SOURCES
    )
    assert dumpsys.battery(text).charging is True


def test_a_battery_whose_values_were_replaced_is_unknown() -> None:
    heading = "Current Battery Service state:\n"
    stopped = changed(BATTERY, heading, f"{heading}  (UPDATES STOPPED -- use 'reset' to restart)\n")
    assert dumpsys.battery(stopped) == dumpsys.Battery(None, None, None)


def test_a_board_without_a_battery_has_none() -> None:
    assert dumpsys.battery(changed(BATTERY, "present: true", "present: false")) == dumpsys.Battery()


@pytest.mark.parametrize(
    ("level", "scale", "expected"),
    [
        ("87", "100", 87.0),
        ("150", "200", 75.0),
        ("0", "100", 0.0),
        ("101", "100", None),
        ("87", "0", None),
        ("-1", "100", None),
        ("87", "", None),
    ],
)
def test_the_charge_is_level_over_scale(level: str, scale: str, expected: float | None) -> None:
    text = changed(changed(BATTERY, "level: 87", f"level: {level}"), "scale: 100", f"scale: {scale}")
    assert dumpsys.battery(text).percent == expected


@pytest.mark.parametrize(("tenths", "expected"), [("309", 30.9), ("-52", -5.2), ("2147483647", None), ("x", None)])
def test_the_batterys_temperature_is_in_tenths(tenths: str, expected: float | None) -> None:
    assert dumpsys.battery(changed(BATTERY, "temperature: 309", f"temperature: {tenths}")).celsius == expected


@pytest.mark.parametrize(
    ("power", "expected"),
    [
        ("  mWakefulness=Awake", True),
        ("  mWakefulness=Dreaming", True),
        ("  mWakefulness=Asleep", False),
        ("  mWakefulness=Dozing", False),
        ("  mWakefulness=Awake\nDisplay Power: state=OFF", False),
        ("  mWakefulness=Asleep\nDisplay Power: state=ON", True),
        ("  mWakefulness=Awake\nDisplay Power: state=UNKNOWN", True),
        ("  mWakefulnessChanging=false", None),
        ("", None),
    ],
)
def test_the_screen_is_the_display_or_else_wakefulness(power: str, expected: bool | None) -> None:
    assert dumpsys.screen_on(power) is expected


@pytest.mark.parametrize(
    ("setting", "power", "expected"),
    [("0", "", False), ("1", "", True), ("null", "", False), ("", "", None), ("Exception occurred", "", None),
     ("", "mLowPowerModeEnabled=true", True), ("1", "mLowPowerModeEnabled=false", True)],
)  # fmt: skip
def test_low_power_is_the_setting_or_else_what_power_reports(setting: str, power: str, expected: bool | None) -> None:
    assert dumpsys.low_power(setting, power) is expected


# Properties


def soc(*lines: str) -> str:
    return read("== getprop\n" + "\n".join(lines)).device().soc


def test_a_chip_is_named_by_the_best_property_there_is() -> None:
    lines = ["[ro.hardware]: [qcom]", "[ro.board.platform]: [sdm845]", "[ro.hardware.chipname]: [SDM845]"]
    assert [soc(*lines[:count]) for count in (1, 2, 3)] == ["qcom", "sdm845", "SDM845"]
    assert soc(*lines, "[ro.soc.manufacturer]: [Qualcomm]", "[ro.soc.model]: [SDM845]") == "Qualcomm SDM845"
    assert soc(*lines, "[ro.soc.manufacturer]: [Qualcomm]", "[ro.soc.model]: []") == "SDM845"
    assert soc(*lines, "[ro.soc.manufacturer]: [unknown]", "[ro.soc.model]: [unknown]") == "SDM845"
    assert soc("[ro.soc.manufacturer]: [Exynos]", "[ro.soc.model]: [Exynos 2400]") == "Exynos 2400"
    assert soc("[ro.product.model]: [Pixel]") == "unknown"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("[ro.kernel.qemu]: [1]", True),
        ("[ro.boot.qemu]: [1]", True),
        ("[ro.hardware]: [ranchu]", True),
        ("[ro.hardware]: [goldfish]", True),
        ("[ro.hardware]: [cutf_cvm]", True),
        ("[ro.kernel.qemu]: [0]", False),
        ("[ro.hardware]: [qcom]", False),
        ("[ro.build.fingerprint]: [Android/aosp_arm64_ab/generic_arm64_ab:9/x:user/release-keys]", False),
    ],
)
def test_an_emulator_is_known_by_its_hardware(line: str, expected: bool) -> None:
    """A phone with a generic system image is none."""
    assert read(f"== getprop\n{line}").device().simulated is expected


def test_windows_line_ends_and_brackets_are_read() -> None:
    found = read("== getprop\r\n[ro.product.model]: [A [5G] phone]\r\n[ro.build.id]: [X\r\n").device()
    assert (found.model, found.os_build) == ("A [5G] phone", "X")
