"""What the iOS app brings beside its code: Info.plist, icon, colour, privacy manifest and languages."""

from __future__ import annotations

import json
import plistlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from support.xcode_files import CONFIGURATIONS, DEMO, root, settings

APP = DEMO / "LevitDemo"
ASSETS = APP / "Assets.xcassets"
ANDROID = DEMO.parent / "android_demo" / "app"
RES = ANDROID / "src" / "main" / "res"
PORTRAIT, UPSIDE_DOWN, LEFT, RIGHT = (
    f"UIInterfaceOrientation{one}" for one in ("Portrait", "PortraitUpsideDown", "LandscapeLeft", "LandscapeRight")
)
# Calls that Apple wants a reason for, by category; source: Apple's list of required reason APIs.
REASONED = {
    "DiskSpace": r"systemFreeSize|systemSize|volumeAvailableCapacity|volumeTotalCapacity|\bstatv?fs\b",
    "FileTimestamp": r"\.creationDate\b|\.modificationDate\b|contentModificationDateKey|creationDateKey|\bf?stat\(",
    "SystemBootTime": r"systemUptime|mach_absolute_time|mach_continuous_time|uptimeNanoseconds",
    "UserDefaults": r"\bUserDefaults\b|@AppStorage|@SceneStorage",
}


def property_list(name: str) -> dict[str, Any]:
    return plistlib.loads((APP / name).read_bytes())  # type: ignore[no-any-return]


# Info.plist


def test_the_names_are_those_of_the_settings() -> None:
    found = property_list("Info.plist")
    assert {name: found[name] for name in found if name.startswith("CFBundle")} == {
        "CFBundleDevelopmentRegion": "$(DEVELOPMENT_LANGUAGE)",
        "CFBundleDisplayName": "LeViT",
        "CFBundleExecutable": "$(EXECUTABLE_NAME)",
        "CFBundleIdentifier": "$(PRODUCT_BUNDLE_IDENTIFIER)",
        "CFBundleInfoDictionaryVersion": "6.0",
        "CFBundleName": "$(PRODUCT_NAME)",
        "CFBundlePackageType": "$(PRODUCT_BUNDLE_PACKAGE_TYPE)",
        "CFBundleShortVersionString": "$(MARKETING_VERSION)",
        "CFBundleVersion": "$(CURRENT_PROJECT_VERSION)",
    }


@pytest.mark.parametrize("name", ["LevitDemo", "LevitDemoTests"])
@pytest.mark.parametrize("configuration", CONFIGURATIONS)
def test_the_version_is_androids(name: str, configuration: str) -> None:
    gradle = (ANDROID / "build.gradle.kts").read_text(encoding="utf-8")
    found = settings(name, configuration)
    assert [found["MARKETING_VERSION"]] == re.findall(r'versionName = "(.*?)"', gradle)
    assert [found["CURRENT_PROJECT_VERSION"]] == re.findall(r"versionCode = (\d+)", gradle)


def test_the_system_asks_for_the_camera_with_a_reason_and_for_nothing_else() -> None:
    """The picker of photos needs no permission, because it runs outside of the app."""
    usages = {name: text for name, text in property_list("Info.plist").items() if name.endswith("UsageDescription")}
    assert list(usages) == ["NSCameraUsageDescription"]
    assert "not sent" in usages["NSCameraUsageDescription"]


def test_the_app_has_scenes_a_launch_screen_and_every_useful_orientation() -> None:
    found = property_list("Info.plist")
    assert found["UIApplicationSceneManifest"]["UIApplicationSupportsMultipleScenes"] is False
    assert found["UILaunchScreen"] == {}  # without this key the app runs in a small letterbox
    assert found["UISupportedInterfaceOrientations"] == [PORTRAIT, LEFT, RIGHT]
    assert found["UISupportedInterfaceOrientations~ipad"] == [PORTRAIT, UPSIDE_DOWN, LEFT, RIGHT]
    assert found["UIRequiredDeviceCapabilities"] == ["arm64"]


def test_records_can_be_read_in_the_files_app() -> None:
    found = property_list("Info.plist")
    assert (found["UIFileSharingEnabled"], found["LSSupportsOpeningDocumentsInPlace"]) == (True, True)


# Assets


def test_every_file_of_the_assets_exists() -> None:
    lists = sorted(ASSETS.rglob("Contents.json"))
    assert len(lists) >= 3
    for path in lists:
        images = json.loads(path.read_text(encoding="utf-8")).get("images", [])
        assert [one["filename"] for one in images if not (path.parent / one["filename"]).is_file()] == []
    for name in ("ASSETCATALOG_COMPILER_APPICON_NAME", "ASSETCATALOG_COMPILER_GLOBAL_ACCENT_COLOR_NAME"):
        assert list(ASSETS.glob(f"{settings('LevitDemo', 'Debug')[name]}.*set"))


def test_the_icon_is_square_and_opaque() -> None:
    """The App Store refuses one with an alpha channel."""
    with Image.open(ASSETS / "AppIcon.appiconset" / "AppIcon.png") as icon:
        assert (icon.size, icon.mode) == ((1024, 1024), "RGB")


@pytest.fixture
def drawing(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(DEMO / "tools"))
    import draw_icon

    yield draw_icon
    sys.modules.pop("draw_icon", None)


def test_the_icon_is_what_its_script_draws(drawing: Any) -> None:
    with Image.open(drawing.ICON) as icon:
        difference = np.abs(np.asarray(icon, np.int16) - np.asarray(drawing.icon(), np.int16))
    assert difference.max() <= 2  # versions of Pillow may round differently


def test_the_icon_has_androids_shapes_and_colours(drawing: Any) -> None:
    text = (RES / "drawable" / "ic_launcher_foreground.xml").read_text(encoding="utf-8")
    bars = re.findall(r'pathData="M([\d.]+),([\d.]+)h(\d+)"\s+\S+="6"\s+\S+="(#\w+)"', text)
    assert [(float(x), float(y), float(length), colour) for x, y, length, colour in bars] == list(drawing.BARS)
    corners = re.findall(r'pathData="M([\d.]+),([\d.]+)[vh].*?"\s+\S+="4"\s+\S+="(#\w+)"', text)
    assert {colour for _, _, colour in corners} == {drawing.FRAME}
    low, high, arm = drawing.LOW, drawing.HIGH, drawing.ARM
    starts = {(low, low + arm), (high - arm, low), (high, high - arm), (low + arm, high)}
    assert {(float(x), float(y)) for x, y, _ in corners} == starts
    colours = (RES / "values" / "colors.xml").read_text(encoding="utf-8")
    assert f'"launcher_background">{drawing.BACKGROUND}<' in colours


def test_the_accent_colour_is_androids() -> None:
    theme = (ANDROID / "src/main/kotlin/dev/levitmobile/demo/ui/Theme.kt").read_text(encoding="utf-8")
    entries = json.loads((ASSETS / "AccentColor.colorset" / "Contents.json").read_text(encoding="utf-8"))["colors"]
    found = []
    for entry in entries:
        parts = entry["color"]["components"]
        found.append("".join(parts[one].removeprefix("0x") for one in ("red", "green", "blue")))
    assert [bool(entry.get("appearances")) for entry in entries] == [False, True]
    assert found == re.findall(r"\bprimary = Color\(0xFF(\w+)\)", theme)


# Privacy


def swift() -> Iterator[Path]:
    for folder in ("LevitDemo", "LevitMobileKit/Sources", "LevitRuntimes/Sources"):
        yield from sorted((DEMO / folder).rglob("*.swift"))


def test_nothing_is_collected_and_nobody_is_tracked() -> None:
    found = property_list("PrivacyInfo.xcprivacy")
    assert (found["NSPrivacyTracking"], found["NSPrivacyTrackingDomains"]) == (False, [])
    assert found["NSPrivacyCollectedDataTypes"] == []


@pytest.mark.parametrize("category", REASONED)
def test_every_call_that_needs_a_reason_has_one(category: str) -> None:
    declared = {
        one["NSPrivacyAccessedAPIType"]: one["NSPrivacyAccessedAPITypeReasons"]
        for one in property_list("PrivacyInfo.xcprivacy")["NSPrivacyAccessedAPITypes"]
    }
    calls = [path for path in swift() if re.search(REASONED[category], path.read_text(encoding="utf-8"))]
    reasons = declared.get(f"NSPrivacyAccessedAPICategory{category}", [])
    assert not calls or reasons
    assert all(re.fullmatch(r"[0-9A-F]{4}\.1", one) for one in reasons)


# Languages


def test_the_project_knows_every_language_of_the_texts() -> None:
    languages = set()
    for path in APP.rglob("*.xcstrings"):
        content = json.loads(path.read_text(encoding="utf-8"))
        assert content["sourceLanguage"] == root()["developmentRegion"]
        languages |= {one for text in content["strings"].values() for one in text.get("localizations", {})}
    assert languages == set(root()["knownRegions"]) - {"Base"}


def test_the_reason_for_the_camera_is_in_every_language() -> None:
    content = json.loads((APP / "InfoPlist.xcstrings").read_text(encoding="utf-8"))["strings"]
    assert list(content) == ["NSCameraUsageDescription"]
    texts = {
        name: one["stringUnit"]["value"] for name, one in content["NSCameraUsageDescription"]["localizations"].items()
    }
    assert texts.keys() == set(root()["knownRegions"]) - {"Base"}
    assert texts["en"] == property_list("Info.plist")["NSCameraUsageDescription"]
    assert len(set(texts.values())) == len(texts)
