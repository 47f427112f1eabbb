"""The API database of Lint: levels from declarations, descriptors from class files."""

from __future__ import annotations

import zipfile
from pathlib import Path

import api_versions
import class_file
import declarations
import pytest
from support.class_files import compiled

TEXT = """
declare module android {
    export module os {
        export class PowerManager extends java.lang.Object {
            public static class: java.lang.Class<android.os.PowerManager>;
            /** @since 30 */
            public getThermalHeadroom(forecastSeconds: number): number;
            public reboot(reason: string): void;
            /** @since 31
             *  @deprecated Deprecated in API 33 */
            public reboot(reason: string, when: java.util.Map<string,number>): void;
            /** @since 29 */
            public static THERMAL_STATUS_NONE: 0;
        }
        export module PowerManager {
            /** @since 34 */
            export class LowPowerStandbyPolicy extends java.lang.Object {
                public getIdentifier(): string;
            }
        }
    }
}
"""
LEVELS = declarations.read(TEXT.splitlines())
MANAGER = LEVELS["android.os.PowerManager"]


@pytest.mark.parametrize(
    ("name", "count", "level"),
    [
        ("getThermalHeadroom", 1, 30),
        ("reboot", 1, 1),
        ("reboot", 2, 31),
        ("THERMAL_STATUS_NONE", None, 29),
        ("<init>", 0, 1),
        ("hidden", 0, None),
    ],
)
def test_a_member_has_the_level_of_its_declaration(name: str, count: int | None, level: int | None) -> None:
    assert MANAGER.level(name, count) == level


def test_a_members_level_is_never_below_its_class() -> None:
    policy = LEVELS["android.os.PowerManager.LowPowerStandbyPolicy"]
    assert (policy.since, policy.level("getIdentifier", 0)) == (34, 34)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("): void;", 0),
        ("a: number): void;", 1),
        ("a: java.util.Map<string,number>, b: number): void;", 2),
        ("listener: (a: number, b: number) => void): void;", 1),
        ("...a: number[]): string;", 1),
    ],
)
def test_parameters_are_counted_outside_of_brackets(text: str, count: int) -> None:
    assert declarations.parameters(text) == count


@pytest.mark.parametrize(
    ("descriptor", "count"), [("()V", 0), ("(I)F", 1), ("([[IJLjava/util/List;[Ljava/lang/String;Z)V", 5)]
)
def test_parameters_of_a_descriptor(descriptor: str, count: int) -> None:
    assert class_file.parameters(descriptor) == count


def test_only_public_and_protected_members_are_read() -> None:
    methods = [("a", "()V", 1), ("b", "(I)V", 4), ("c", "()V", 2), ("d", "()V", 0x1001)]
    found = class_file.read(compiled("android/os/Any", methods))
    assert (found.name, found.parent) == ("android/os/Any", "java/lang/Object")
    assert found.methods == [("a", "()V"), ("b", "(I)V")]


def test_the_database_joins_levels_with_descriptors(tmp_path: Path) -> None:
    platform = tmp_path / "android.jar"
    methods = [("getThermalHeadroom", "(I)F", 1), ("hidden", "()V", 1), ("reboot", "(Ljava/lang/String;)V", 1)]
    with zipfile.ZipFile(platform, "w") as jar:
        jar.writestr("android/os/PowerManager.class", compiled("android/os/PowerManager", methods))
    assert list(api_versions.lines(platform, LEVELS)) == [
        '<api version="4">',
        '<class name="android/os/PowerManager" since="1">',
        '<extends name="java/lang/Object"/>',
        '<method name="getThermalHeadroom(I)F" since="30"/>',
        '<method name="reboot(Ljava/lang/String;)V"/>',
        "</class>",
        '<class name="android/os/PowerManager$LowPowerStandbyPolicy" since="34"/>',
        '<class name="java/lang/Object" since="1"/>',
        "</api>",
    ]


def test_the_lock_of_the_declarations_names_a_version_and_a_digest() -> None:
    digest, name = api_versions.LOCK.read_text(encoding="utf-8").split()
    assert len(digest) == 64
    assert name.rpartition("@")[2].count(".") == 2


def test_declarations_with_another_digest_stop_the_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEVIT_MOBILE_CACHE", str(tmp_path))
    version = api_versions.LOCK.read_text(encoding="utf-8").rpartition("@")[2].strip()
    (tmp_path / "npm").mkdir()
    (tmp_path / "npm" / f"nativescript-types-android-{version}.tgz").write_bytes(b"another file")
    with pytest.raises(SystemExit, match=r"differs from npm\.lock"):
        api_versions.package()
