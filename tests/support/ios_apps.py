"""Xcode projects of iOS apps, as far as `deploy` reads them."""

from __future__ import annotations

from pathlib import Path

VENDOR = 'url: "https://github.com/pytorch/executorch"'
PINNED = f'.package({VENDOR}, revision: "1e16db53f2"),  // swiftpm-1.4.1'
FOLLOWED = f'.package({VENDOR}, branch: "swiftpm-1.4.1"),'


def xcode_project(folder: Path, *, package: str = PINNED, oldest: str = "17.0", name: str = "Demo") -> Path:
    """A folder with an Xcode project, and a Swift package beside it that depends on ExecuTorch."""
    (folder / f"{name}.xcodeproj").mkdir(parents=True)
    (folder / f"{name}.xcodeproj" / "project.pbxproj").write_text(
        f"// !$*UTF8*$!\n{{ IPHONEOS_DEPLOYMENT_TARGET = {oldest}; }}\n"
    )
    swift_package(folder / "Kit", package)
    return folder


def swift_package(folder: Path, text: str = PINNED) -> Path:
    """A folder with a Swift package of this text."""
    folder.mkdir(parents=True)
    (folder / "Package.swift").write_text(text)
    return folder
