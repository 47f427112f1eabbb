"""Names of image files: which ones count."""

from __future__ import annotations

PICTURE_SUFFIXES = (".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")


def is_picture(name: str) -> bool:
    """Does a file of this name count as an image?"""
    return name.lower().endswith(PICTURE_SUFFIXES)


def is_visible(name: str) -> bool:
    """Are neither the file nor the folders that it is in hidden? macOS leaves `._name.jpg` beside images."""
    return not any(part.startswith(".") for part in name.split("/"))
