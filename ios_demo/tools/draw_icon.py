#!/usr/bin/env python3
"""Draw the app's icon, which is Android's launcher icon with the same shapes and colours.

draw_icon.py          write AppIcon.png; needs Pillow
"""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageDraw

ICON = Path(__file__).parents[1] / "LevitDemo" / "Assets.xcassets" / "AppIcon.appiconset" / "AppIcon.png"
SIDE = 1024
SCALE = 4  # drawn larger and made smaller, which smooths the edges
BACKGROUND, FRAME, FIRST, OTHERS = "#0B3F3A", "#CBE7E2", "#FFD58A", "#86D3C8"
# In units of Android's drawing, whose visible part is 72 units wide and begins at 18.
ORIGIN, VISIBLE = 18.0, 72.0
LOW, HIGH, ARM, RADIUS = 33.0, 75.0, 11.0, 6.0
BARS = ((43.0, 46.0, 22.0, FIRST), (43.0, 55.5, 14.0, OTHERS), (43.0, 65.0, 7.0, OTHERS))  # x, y, length, colour
FRAME_WIDTH, BAR_WIDTH = 4.0, 6.0


def icon() -> Image.Image:
    """The icon: four corners of a frame around three bars. RGB, without transparency, as the App Store wants."""
    drawn = Image.new("RGB", (SIDE * SCALE, SIDE * SCALE), BACKGROUND)
    pen = ImageDraw.Draw(drawn)
    for x, to_right in ((LOW, 1), (HIGH, -1)):
        for y, to_bottom in ((LOW, 1), (HIGH, -1)):
            _corner(pen, x, y, to_right, to_bottom)
    for x, y, length, colour in BARS:
        _line(pen, (x, y), (x + length, y), BAR_WIDTH, colour)
    return drawn.resize((SIDE, SIDE), Image.Resampling.LANCZOS)


def _corner(pen: ImageDraw.ImageDraw, x: float, y: float, to_right: int, to_bottom: int) -> None:
    _line(pen, (x, y + to_bottom * ARM), (x, y + to_bottom * RADIUS), FRAME_WIDTH, FRAME)
    _line(pen, (x + to_right * RADIUS, y), (x + to_right * ARM, y), FRAME_WIDTH, FRAME)
    centre = (x + to_right * RADIUS, y + to_bottom * RADIUS)
    start = {(1, 1): 180, (-1, 1): 270, (-1, -1): 0, (1, -1): 90}[to_right, to_bottom]
    reach = RADIUS + FRAME_WIDTH / 2
    box = [*_pixel(centre[0] - reach, centre[1] - reach), *_pixel(centre[0] + reach, centre[1] + reach)]
    pen.arc(box, start, start + 90, FRAME, round(FRAME_WIDTH * _unit()))


def _line(
    pen: ImageDraw.ImageDraw, start: tuple[float, float], end: tuple[float, float], width: float, colour: str
) -> None:
    pen.line([_pixel(*start), _pixel(*end)], colour, round(width * _unit()))
    for x, y in (start, end):
        pen.ellipse([*_pixel(x - width / 2, y - width / 2), *_pixel(x + width / 2, y + width / 2)], colour)


def _pixel(x: float, y: float) -> tuple[float, float]:
    return (x - ORIGIN) * _unit(), (y - ORIGIN) * _unit()


def _unit() -> float:
    return SIDE * SCALE / VISIBLE


if __name__ == "__main__":
    icon().save(ICON, optimize=True)
