"""The build without Gradle is a folder of scripts; its modules are imported from there."""

from __future__ import annotations

import sys
from pathlib import Path

TOOLS = Path(__file__).parents[2] / "android_demo" / "tools"

if str(TOOLS) not in sys.path:
    sys.path.insert(0, str(TOOLS))
