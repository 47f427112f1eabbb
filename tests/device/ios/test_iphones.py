"""Which iPhone is meant, and what devicectl answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.phone.iphone import CORE, PHONE, PlayedIphone, plan
from support.refusals import refused

from levit_mobile.demo.ios.run import bench_in_ios_app
from levit_mobile.demo.options import IosAppOptions
from levit_mobile.errors import DeviceError

DEVICES: list[tuple[list[dict[str, Any]], str, str]] = [
    ([], "device.none", "is none"),
    ([PHONE, PHONE | {"identifier": "2"}], "device.several", "--serial"),
    ([PHONE | {"connectionProperties": {"pairingState": "unpaired"}}], "device.unauthorised", "Trust"),
    ([PHONE | {"connectionProperties": {"tunnelState": "unavailable"}}], "device.offline", "not connected"),
    ([PHONE | {"deviceProperties": {"developerModeStatus": "disabled"}}], "device.unauthorised", "developer mode"),
    ([PHONE | {"deviceProperties": {"osVersionNumber": "16.4"}}], "device.state", "iOS 16.4"),
    ([PHONE | {"hardwareProperties": {"platform": "watchOS"}}], "device.none", "is none"),
    ([{}], "device.none", "is none"),
    ([PHONE | {"hardwareProperties": {"platform": "iOS", "reality": "simulated"}}], "device.none", "is none"),
]


@pytest.mark.parametrize(("devices", "code", "fact"), DEVICES)
def test_what_cannot_be_used_is_named(
    phone: PlayedIphone, paths: list[Path], devices: list[dict[str, Any]], code: str, fact: str
) -> None:
    phone.behave(devices=devices)
    with refused(DeviceError, code, fact):
        bench_in_ios_app(paths, plan=plan(CORE))


@pytest.mark.parametrize(
    "device",
    [
        {"identifier": "1"},
        {"identifier": "1", "hardwareProperties": {}, "deviceProperties": {}},
        {"hardwareProperties": {"udid": "1"}},
    ],
)
def test_a_phone_without_facts_is_tried(phone: PlayedIphone, paths: list[Path], device: dict[str, Any]) -> None:
    phone.behave(devices=[device])
    assert bench_in_ios_app(paths, plan=plan(CORE)).timings


def test_one_of_several_is_chosen_by_its_name(phone: PlayedIphone, paths: list[Path]) -> None:
    other = PHONE | {"identifier": "2", "deviceProperties": {"name": "Bob"}}
    phone.behave(devices=[PHONE, other])
    bench_in_ios_app(paths, plan=plan(CORE), app=IosAppOptions(serial="Bob"))
    assert all(words[words.index("--device") + 1] == "2" for words in phone.calls() if "--device" in words)
    with refused(DeviceError, "device.unknown-serial", "Eve", "Ada (ready), Bob (ready)"):
        bench_in_ios_app(paths, plan=plan(CORE), app=IosAppOptions(serial="Eve"))


def test_a_phone_is_chosen_by_its_udid_and_not_by_a_name_that_two_have(phone: PlayedIphone, paths: list[Path]) -> None:
    twin = PHONE | {"identifier": "2", "hardwareProperties": {"platform": "iOS", "udid": "00008130-0002"}}
    phone.behave(devices=[PHONE, twin])
    bench_in_ios_app(paths, plan=plan(CORE), app=IosAppOptions(serial="00008130-0002"))
    assert {words[words.index("--device") + 1] for words in phone.calls() if "--device" in words} == {"2"}
    with refused(DeviceError, "device.several", "called Ada", f"{PHONE['identifier']}, 2"):
        bench_in_ios_app(paths, plan=plan(CORE), app=IosAppOptions(serial="Ada"))


UNKNOWN = 'Application "dev.levitmobile.demo" is unknown to FrontBoard.'
FAILURES = [
    ("launch", "The device is locked.", "device.state", "unlock"),
    ("launch", "the device was not, or could not be, unlocked.", "device.state", "unlock"),
    ("launch", "The request was blocked.", "device.failed", "was blocked"),
    ("launch", "The application is not installed.", "device.no-app", "--team"),
    ("launch", UNKNOWN, "device.no-app", "not installed"),
    ("to", "ContainerLookupErrorDomain error 2.", "device.no-app", "not installed"),
    ("install", "A valid provisioning profile was not found.", "device.install", "provisioning"),
    ("to", "There is not enough space.", "device.failed", "not enough space"),
]


@pytest.mark.parametrize(("word", "told", "code", "fact"), FAILURES)
def test_devicectls_own_words_are_passed_on(
    phone: PlayedIphone, paths: list[Path], tmp_path: Path, word: str, told: str, code: str, fact: str
) -> None:
    phone.behave(fails=[word, told])
    app = tmp_path / "LevitDemo.app"
    app.mkdir()
    with refused(DeviceError, code, fact):
        bench_in_ios_app(paths, plan=plan(CORE), app=IosAppOptions(app=app))


def test_without_json_the_last_line_is_the_reason(phone: PlayedIphone, paths: list[Path]) -> None:
    phone.behave(fails=["launch", "no route to the phone"], writes_json=False, devices=[PHONE])
    with refused(DeviceError, "device.none", "is none"):  # the list came without its file
        bench_in_ios_app(paths, plan=plan(CORE))
