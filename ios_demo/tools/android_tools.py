"""The tools of the Android demo that the iOS demo's tools call: one copy makes and keeps what the tests of both use."""

from __future__ import annotations

import sys

from toolchain import ROOT

sys.path.append(str(ROOT.parent / "android_demo" / "tools"))

import bundles
import machine
import native
import npm

__all__ = ["bundles", "machine", "native", "npm"]
