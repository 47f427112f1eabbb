"""The payload: what it holds, that it is whole, and where it can be made."""

from __future__ import annotations

import hashlib
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.arm64s import RUNS_HERE, ready
from support.refusals import refused

from levit_mobile.arm64 import build, elf, folder, packages, payload, setup
from levit_mobile.arm64.payload import LOADER, MANIFEST, PAGE_BYTES, Payload
from levit_mobile.errors import RunnerUnavailable

PROGRAMS = {"litert", "executorch", "turns"}


@pytest.fixture(scope="module")
def made() -> Payload:
    return payload.read(ready().path / payload.FOLDER)


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A small folder of the same form."""
    (tmp_path / "litert").write_bytes(b"program")
    (tmp_path / LOADER).write_bytes(b"loader")
    files = {name: hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() for name in (LOADER, "litert")}
    manifest = payload.Manifest(versions={}, digest=payload.content_digest(files), page_bytes=65536, files=files)
    (tmp_path / MANIFEST).write_text(manifest.model_dump_json())
    return tmp_path


# What it holds


@RUNS_HERE
def test_it_holds_everything_that_its_programs_need(made: Payload) -> None:
    assert {*PROGRAMS, LOADER, "libLiteRt.so", "libc.so.6", "libtorch_cpu.so"} <= set(made.files)
    assert {file.name for file in made.path.iterdir()} == {*made.files, MANIFEST}
    for name in made.files:
        with elf.opened(made.path / name) as file:
            assert file["e_machine"] == "EM_AARCH64"
            needed = {tag.needed for tag in file.get_section_by_name(".dynamic").iter_tags("DT_NEEDED")}
        assert needed <= set(made.files), name


@RUNS_HERE
def test_kernels_with_pages_of_16_kb_can_load_every_file(made: Payload) -> None:
    assert {name: elf.page_bytes(made.path / name) for name in made.files} == dict.fromkeys(made.files, 65536)
    assert made.page_bytes == 65536 >= PAGE_BYTES


@RUNS_HERE
def test_programs_carry_no_symbols_and_no_writable_code(made: Payload) -> None:
    for name in PROGRAMS:
        with elf.opened(made.path / name) as file:
            assert file.get_section_by_name(".symtab") is None
            assert all(part["p_flags"] & 3 != 3 for part in file.iter_segments("PT_LOAD"))


@RUNS_HERE
def test_found_is_what_was_set_up(made: Payload) -> None:
    found = payload.found()
    assert found == made
    assert found.versions == {name: version for name, version in folder.wanted().items() if name != "numpy"}
    size = sum((found.path / name).stat().st_size for name in found.files)
    assert 20e6 < size < 25e6


@RUNS_HERE
def test_the_digest_is_what_a_phone_computes(made: Payload) -> None:
    sums = subprocess.run(["sha256sum", *sorted(made.files)], cwd=made.path, capture_output=True, check=True).stdout
    assert hashlib.sha256(sums).hexdigest() == made.digest


# How it is made


@pytest.fixture
def parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What a set-up has before the payload is made; nothing is compiled."""
    places = {name: payload.PLACES[name == "libstdc++.so.6"] for name in payload.SYSTEM}
    files = [f"root/{place}/{name}" for name, place in places.items()]
    for name in [*files, "site/ai_edge_litert/libLiteRt.so", "program/libc10.so", "program/pools.c"]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    monkeypatch.setattr(build, "make_payload", lambda path, **_: (path / "turns").write_text("program"))
    return tmp_path


def test_it_is_made_of_the_libraries_alone(parts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(elf, "page_bytes", lambda _: PAGE_BYTES)
    payload.make(parts / "payload", parts, {"numpy": "2", "executorch": "1"})
    found = payload.read(parts / "payload")
    assert set(found.files) == {*payload.SYSTEM, "libLiteRt.so", "libc10.so", "turns"}
    assert (found.versions, found.page_bytes) == ({"executorch": "1"}, PAGE_BYTES)


def test_a_library_that_large_pages_refuse_is_an_error(parts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(elf, "page_bytes", lambda path: 4096 if path.name == "libLiteRt.so" else 65536)
    with refused(RunnerUnavailable, "runner.set-up-failed", "libLiteRt.so", "4096", "16384"):
        payload.make(parts / "payload", parts, {})


# Whether it is whole


def test_a_copy_is_read_where_it_lies(copied: Path) -> None:
    found = payload.read(copied)
    assert (found.path, set(found.files), found.page_bytes) == (copied, {LOADER, "litert"}, 65536)


def test_a_changed_file_is_named(copied: Path) -> None:
    (copied / "litert").write_bytes(b"virus")
    with refused(RunnerUnavailable, "runner.damaged", copied, "litert", "levit-mobile setup arm64 --force"):
        payload.read(copied)


@pytest.mark.parametrize("name", ["litert", MANIFEST])
def test_a_missing_file_is_damage(copied: Path, name: str) -> None:
    (copied / name).unlink()
    with refused(RunnerUnavailable, "runner.damaged", copied, MANIFEST):
        payload.read(copied)


def test_a_digest_of_other_files_is_damage(copied: Path) -> None:
    text = (copied / MANIFEST).read_text()
    found = payload.read(copied)
    (copied / MANIFEST).write_text(text.replace(found.digest, "0" * 64))
    with refused(RunnerUnavailable, "runner.damaged", copied, MANIFEST):
        payload.read(copied)


def test_the_digest_depends_on_names_and_contents() -> None:
    one = payload.content_digest({"a": "1", "b": "2"})
    assert one == payload.content_digest({"b": "2", "a": "1"})
    assert one != payload.content_digest({"a": "2", "b": "1"})


def test_without_a_set_up_there_is_the_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LEVIT_MOBILE_CACHE", str(tmp_path))
    monkeypatch.setattr(sys, "platform", "linux")
    with refused(RunnerUnavailable, "runner.not-set-up", "levit-mobile setup arm64"):
        payload.found()


def test_other_sources_are_another_set_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A set-up of an earlier version, which has no payload, is never read."""
    before = folder.folder()
    guest = shutil.copytree(folder.GUEST, tmp_path / "guest")
    for name in folder.RECIPE:
        shutil.copy(folder.GUEST.with_name(name), tmp_path)
    monkeypatch.setattr(folder, "GUEST", guest)
    assert folder.folder() == before
    (guest / "bench" / "turns.c").write_text("int main(void) { return 0; }")
    assert folder.folder() != before


# On ARM64 itself


@pytest.fixture
def on_arm64(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    monkeypatch.setattr(platform, "freedesktop_os_release", lambda: {"ID": "debian", "VERSION_CODENAME": "bookworm"})


@pytest.mark.usefixtures("on_arm64")
def test_on_arm64_the_compilers_are_the_machines_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert (build.compiler("gcc"), build.compiler("g++")) == ("gcc", "g++")
    monkeypatch.setattr(packages, "HEADERS", (str(tmp_path / "stdlib.h"), "libc6-dev"))
    monkeypatch.setenv("PATH", str(tmp_path))
    line = "apt-get install --no-install-recommends gcc g++ libc6-dev"
    with refused(RunnerUnavailable, "runner.not-installed", "gcc, g++, libc6-dev", line):
        packages.require_host()


@pytest.mark.usefixtures("on_arm64")
def test_on_arm64_another_distribution_is_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "freedesktop_os_release", lambda: {"ID": "amzn", "NAME": "Amazon Linux"})
    with refused(RunnerUnavailable, "runner.platform", "Debian", "Amazon Linux"):
        packages.require_host()


def test_elsewhere_the_compilers_are_for_arm64(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    assert build.compiler("gcc") == "aarch64-linux-gnu-gcc"


@pytest.mark.usefixtures("on_arm64")
def test_on_arm64_only_the_payload_is_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The steps that download and compile are replaced: they cannot run here."""

    def make_program(path: Path, _wheel: Path) -> None:
        path.mkdir()

    def make_root(path: Path) -> str:
        path.mkdir()
        return "3.11"

    def make(path: Path, partial: Path, versions: dict[str, str]) -> None:
        assert {"root", "site", "program", "executorch"} <= {part.name for part in partial.iterdir()}
        path.mkdir()
        (path / "litert").write_text("program")
        files = {"litert": hashlib.sha256(b"program").hexdigest()}
        manifest = payload.Manifest(
            versions=versions, digest=payload.content_digest(files), page_bytes=65536, files=files
        )
        (path / MANIFEST).write_text(manifest.model_dump_json())

    monkeypatch.setenv("LEVIT_MOBILE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(packages, "require_host", lambda: None)
    monkeypatch.setattr(packages, "make_root", make_root)
    monkeypatch.setattr(packages, "install_wheels", lambda site, *_, **__: site.mkdir())
    monkeypatch.setattr(packages, "unpack_wheel", lambda *_, **__: None)
    monkeypatch.setattr(build, "make_program", make_program)
    monkeypatch.setattr(payload, "make", make)
    made = setup.setup_arm64()
    assert {file.name for file in made.path.iterdir()} - {".in-use"} == {payload.FOLDER, folder.MANIFEST}
    assert set(made.manifest.digests) == {"payload/litert", "payload/manifest.json"}
    assert set(payload.found().files) == {"litert"}
    with refused(RunnerUnavailable, "runner.platform", "emulator", "x86_64"):
        folder.found()
    (made.path / payload.FOLDER / "litert").write_text("virus")
    with refused(RunnerUnavailable, "runner.damaged", "litert"):
        payload.found()
