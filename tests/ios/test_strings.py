"""The texts of the iOS app: complete in every language, used, and Android's where both apps say the same."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
APP = ROOT / "ios_demo" / "LevitDemo"
KIT = ROOT / "ios_demo" / "LevitMobileKit" / "Sources" / "LevitMobileKit"
CATALOG: dict[str, Any] = json.loads((APP / "Localizable.xcstrings").read_text(encoding="utf-8"))["strings"]
ANDROID = ROOT / "android_demo" / "app" / "src" / "main" / "res"
FOLDERS = {"en": "values", "de": "values-de", "ar": "values-ar"}
PLURALS = {
    "en": {"one", "other"},
    "de": {"one", "other"},
    "ar": {"zero", "one", "two", "few", "many", "other"},
}
# Texts that name what only one of the systems has: its processes, its settings, sharing, 32-bit phones.
OWN = {
    "photo_empty",
    "benchmark_intro",
    "phase_starting",
    "failed_camera_denied_for_good",
    "failed_unsupported_device_title",
    "failed_unsupported_device",
}
# A view takes its text's key as the first argument.
SHOWN = r'(?:Text|Label|Button|Section|Picker|\.alert|\.navigationTitle)\(\s*"([^"\\]*)"|(?:title|name): "([^"\\]*)"'


def swift() -> str:
    """All Swift of the app."""
    return "\n".join(file.read_text(encoding="utf-8") for file in sorted(APP.rglob("*.swift")))


def used() -> set[str]:
    """Keys that the app's Swift names, in full or by their beginning."""
    words = set(re.findall(r'"([a-z][a-z0-9_]*)"', swift()))
    cases = "\n".join(
        file.read_text(encoding="utf-8") for file in (ROOT / "ios_demo" / "LevitMobileKit").rglob("ScreenState.swift")
    )
    codes = [*re.findall(r'case \w+ = "([a-z-]+)"', cases), "unexpected"]
    failures = {f"failed_{code.replace('-', '_')}{end}" for code in codes for end in ("", "_title")}
    moments = KIT / "Timing" / "DeviceFacts.swift"
    phases = {"starting", *re.findall(r"^        case (\w+)$", moments.read_text("utf-8"), re.M)}
    return words | failures | {f"phase_{phase}" for phase in phases} | {"phase_warming_up", "retry"}


def texts(entry: dict[str, Any], language: str) -> dict[str, str]:
    """The texts of an entry by their plural; the key is empty for a text without plurals."""
    found = entry["localizations"][language]
    plural = found.get("variations", {}).get("plural")
    if "substitutions" in found:
        plural = found["substitutions"]["total"]["variations"]["plural"]
        start = found["stringUnit"]["value"]
        return {name: start.replace("%#@total@", form["stringUnit"]["value"]) for name, form in plural.items()}
    if plural:
        return {name: form["stringUnit"]["value"] for name, form in plural.items()}
    return {"": found["stringUnit"]["value"]}


def android(language: str) -> dict[str, dict[str, str]]:
    """Android's texts in the form of `texts`, with iOS's places for values."""
    found: dict[str, dict[str, str]] = {}
    for element in ET.parse(ANDROID / FOLDERS[language] / "strings.xml").getroot():
        forms = {item.get("quantity", ""): item.text or "" for item in element} or {"": "".join(element.itertext())}
        found[element.get("name", "")] = {name: _ios(text) for name, text in forms.items()}
    return found


def _ios(text: str) -> str:
    text = text.replace("\\'", "'").replace('\\"', '"')
    return re.sub(r"%(\d)\$s", r"%\1$@", text)


def _plain(text: str) -> str:
    """A text with one form of places for numbers."""
    return text.replace("%1$lld", "%1$d").replace("%lld", "%1$d").replace("%arg", "%2$d")


def test_every_text_that_a_view_shows_is_in_the_catalog() -> None:
    shown = {first or second for first, second in re.findall(SHOWN, swift())} - {""}
    assert len(shown) > 60
    assert sorted(shown - CATALOG.keys()) == []


def test_every_text_of_the_catalog_is_used() -> None:
    assert sorted(CATALOG.keys() - used()) == []


@pytest.mark.parametrize("language", FOLDERS)
def test_every_language_is_complete(language: str) -> None:
    for key, entry in CATALOG.items():
        assert entry["localizations"].keys() == FOLDERS.keys(), key
        forms = texts(entry, language)
        assert all(text.strip() for text in forms.values()), key
        assert set(forms) in ({""}, PLURALS[language]), key
        assert (set(forms) == {""}) == (set(texts(entry, "en")) == {""}), key


@pytest.mark.parametrize("language", ["de", "ar"])
def test_a_translation_has_the_places_of_the_english_text(language: str) -> None:
    for key, entry in CATALOG.items():
        expected = set(re.findall(r"%\d\$@", texts(entry, "en").get("", "")))
        assert set(re.findall(r"%\d\$@", texts(entry, language).get("", ""))) == expected, key


@pytest.mark.parametrize("language", FOLDERS)
def test_both_apps_say_the_same(language: str) -> None:
    theirs = {**android("en"), **android(language)}
    same = CATALOG.keys() & theirs.keys() - OWN
    assert len(same) > 140
    for key in sorted(same):
        mine = {name: _plain(text) for name, text in texts(CATALOG[key], language).items()}
        assert mine == theirs[key], key


def test_the_texts_of_ios_alone_differ_from_android_s() -> None:
    theirs = android("en")
    assert [key for key in sorted(OWN) if texts(CATALOG[key], "en") == theirs[key]] == []
    assert not re.search(r"Android", json.dumps(CATALOG))
