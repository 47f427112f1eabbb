"""Signing with a debug key, and what the verifier of the Android build tools makes of it."""

from __future__ import annotations

import re
from pathlib import Path

from machine import java_home
from processes import Argument, run

ALIAS, PASSWORD = "androiddebugkey", "android"  # those of Android Studio's debug key; no secret


def debug_key(path: Path) -> None:
    """Make a key store for debug signatures."""
    subject = ["-alias", ALIAS, "-dname", "CN=Android Debug, O=Android, C=US", "-validity", "10000"]
    kind = ["-keyalg", "RSA", "-keysize", "2048", "-storepass", PASSWORD, "-keypass", PASSWORD]
    run([f"{java_home()}/bin/keytool", "-genkeypair", "-keystore", path, *subject, *kind])


def sign(apk: Path, out: Path, key: Path, min_api: str) -> None:
    """Sign an APK; v1 is left out where every supported version reads v2."""
    words: list[Argument] = ["--ks", key, "--ks-pass", f"pass:{PASSWORD}", "--min-sdk-version", min_api]
    schemes = ["--v2-signing-enabled", "true", "--v3-signing-enabled", "true", "--v4-signing-enabled", "false"]
    run(["apksigner", "sign", *words, *schemes, "--out", out, apk])


def verified(apk: Path, min_api: str) -> dict[str, bool]:
    """The result for each scheme: `{"v1": False, "v2": True, "v3": True}`; an invalid APK stops the build."""
    printed = run(["apksigner", "verify", "--verbose", "--min-sdk-version", min_api, apk])
    return {scheme: found == "true" for scheme, found in re.findall(r"using (v\d) scheme [^:]*: (true|false)", printed)}
