"""Phones of the test suite, and the adb server that they are plugged into."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from support.phone.faults import Faults
from support.phone.phones import AdbServer, Phone, require, started_server
from support.small_bundles import bundle

from levit_mobile.demo import watching
from levit_mobile.demo.android import app as demo_app
from levit_mobile.device.adb import Adb

SOURCE = """
#include <stdio.h>
#include <string.h>
#include <unistd.h>
int main(int count, char **words) {
    for (int i = 1; i < count; i++) {
        printf("%s\\n", words[i]);
        fflush(stdout);
        if (!strcmp(words[i], "wait")) for (;;) pause();
    }
    return count > 1 && !strcmp(words[count - 1], "fail") ? 3 : 0;
}
"""
STARTER = """
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>
int main(void) {
    int status;
    for (int i = 0; i < 2; i++)
        if (!fork()) {
            char *last = i ? "fail" : "well";
            execl("./ld-linux-aarch64.so.1", "ld", "--library-path", ".", "./inner", "from starter", last, 0);
            _exit(99);
        } else {
            wait(&status);
            printf("%d\\n", WEXITSTATUS(status));
            fflush(stdout);
        }
    return 0;
}
"""
LIBRARIES = Path("/usr/aarch64-linux-gnu/lib")  # of Debian's cross compiler


@pytest.fixture(scope="session")
def adb_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AdbServer]:
    with started_server(tmp_path_factory.mktemp("adb")) as started:
        yield started


@pytest.fixture
def plugged(adb_server: AdbServer, tmp_path: Path) -> Iterator[Callable[..., Phone]]:
    """Makes a phone that is plugged in until the test ends; the arguments are `Phone`'s after its folder."""
    with ExitStack() as stack:
        made: list[Phone] = []

        def make(*replies: str, **options: Any) -> Phone:
            phone = stack.enter_context(Phone(tmp_path / f"phone-{len(made)}", *replies, **options))
            stack.callback(adb_server.forget, phone)
            made.append(phone)
            adb_server.connect(phone)
            return phone

        yield make


@pytest.fixture
def adb(adb_server: AdbServer) -> Adb:
    return Adb.found(environ=adb_server.environ)


def compiled(folder: Path, source: str, *options: str) -> Path:
    """An ARM64 program. Where the compiler is missing, the test is skipped, and fails in CI."""
    compiler = require("aarch64-linux-gnu-gcc")
    (folder / "program.c").write_text(source, encoding="utf-8")
    subprocess.run([compiler, "-O1", *options, "-o", str(folder / "program"), str(folder / "program.c")], check=True)
    return folder / "program"


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A static ARM64 program that prints its words, one line each; `wait` never ends, a last `fail` is exit code 3."""
    return compiled(tmp_path_factory.mktemp("program"), SOURCE, "-static")


@pytest.fixture(scope="session")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the same program, that a loader beside it starts: loader, libc and program."""
    folder = tmp_path_factory.mktemp("loaded")
    compiled(folder, SOURCE).rename(folder / "inner")
    compiled(folder, STARTER, "-static").rename(folder / "starter")
    (folder / "program.c").unlink()
    for name in ("ld-linux-aarch64.so.1", "libc.so.6"):
        shutil.copy(LIBRARIES / name, folder / name)
    return folder


@pytest.fixture
def users_adb(adb_server: AdbServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The adb of this process is the test's own."""
    for name, value in adb_server.environ.items():
        if "ADB" in name:
            monkeypatch.setenv(name, value)
    for name in ("ANDROID_SERIAL", "ANDROID_HOME", "ANDROID_SDK_ROOT"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def with_app(plugged: Callable[..., Phone], monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Phone]]:
    """Makes a phone with the demo app, which behaves as the arguments ask for."""
    monkeypatch.setattr(watching, "EVERY_S", 0.05)
    monkeypatch.setattr(demo_app, "FOLDER_S", 1)
    made: list[Phone] = []

    def make(*, installed: bool = True, faults: Faults | None = None, **behaviour: Any) -> Phone:
        phone = plugged("pixel-8", faults=faults)
        made.append(phone)
        phone.reply("dumpsys-package.txt", "  Packages:\n    versionCode=3 minSdk=26\n    versionName=0.9\n")
        if installed:
            phone.reply("app.json", json.dumps(behaviour))
        return phone

    yield make
    for pid in [phone.root.here("app.pid") for phone in made]:
        if pid.exists():
            os.killpg(int(pid.read_text()), signal.SIGKILL)


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    for recipe in ("tflite-fp32", "executorch-fp32"):
        bundle(tmp_path / "build" / recipe, recipe)
    return [tmp_path / "build" / recipe for recipe in ("tflite-fp32", "executorch-fp32")]
