"""`levit_mobile.deploy`: what is copied, what the index says, what is replaced, removed and left alone."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest
from support.android_apps import bundle, everything, module, project
from support.refusals import refused

import levit_mobile
from levit_mobile.bundle.reader import open_bundle
from levit_mobile.errors import BundleError

PARTS = {"contract.json", "parity.json", "labels.txt", "model.tflite", "golden/a.rgb8", "golden/a.f32"}


@pytest.fixture
def app(tmp_path: Path) -> Path:
    return project(tmp_path / "demo")


@pytest.fixture
def one(tmp_path: Path) -> Path:
    return bundle(tmp_path / "build" / "one")


@pytest.fixture
def two(tmp_path: Path) -> Path:
    return bundle(tmp_path / "build" / "two", "executorch-fp32", made_by="1.4.0")


def assets(app: Path) -> Path:
    return app / "app" / "src" / "main" / "assets" / "bundles"


def states(done: levit_mobile.Deployment) -> dict[str, str]:
    return {found.name: found.state for found in done.bundles}


def test_the_index_lists_every_file_with_its_size_and_digest(app: Path, one: Path) -> None:
    done = levit_mobile.deploy([one], app)
    assert done.folder == assets(app)
    written = everything(done.folder)
    assert set(written) == {"index.json", *(f"one/{path}" for path in PARTS)}
    index = json.loads(written["index.json"])
    assert list(index) == ["schema_version", "bundles"]
    assert index["schema_version"] == 1
    (entry,) = index["bundles"]
    assert entry["name"] == "one"
    for file in entry["files"]:
        content = written[f"one/{file['path']}"]
        assert (file["bytes"], file["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
    assert [file["path"] for file in entry["files"]] == sorted(PARTS)


def test_a_deployed_bundle_is_a_whole_bundle(app: Path, one: Path) -> None:
    done = levit_mobile.deploy([one], app)
    assert open_bundle(done.folder / "one").contract == open_bundle(one).contract


def test_the_order_of_the_bundles_changes_nothing(app: Path, one: Path, two: Path) -> None:
    levit_mobile.deploy([one, two], app)
    before = everything(assets(app))
    assert states(levit_mobile.deploy([two, one, two], app)) == {"one": "unchanged", "two": "unchanged"}
    assert everything(assets(app)) == before


def test_an_unchanged_bundle_is_not_written_again(app: Path, one: Path) -> None:
    levit_mobile.deploy([one], app)
    before = {path: path.stat().st_ino for path in assets(app).rglob("*")}
    levit_mobile.deploy([one], app)
    assert {path: path.stat().st_ino for path in assets(app).rglob("*")} == before


def test_a_changed_bundle_replaces_the_old_one(app: Path, one: Path, tmp_path: Path) -> None:
    levit_mobile.deploy([one], app)
    newer = bundle(tmp_path / "newer" / "one", content=b"other ")
    assert states(levit_mobile.deploy([newer], app)) == {"one": "replaced"}
    assert levit_mobile.deploy([newer], app, check=True).differences == ()


def test_a_damaged_copy_is_repaired(app: Path, one: Path) -> None:
    levit_mobile.deploy([one], app)
    before = everything(assets(app))
    (assets(app) / "one" / "model.tflite").write_bytes(b"x")
    (assets(app) / "one" / "labels.txt").unlink()
    levit_mobile.deploy([one], app)
    assert everything(assets(app)) == before


def test_a_bundle_that_is_no_longer_named_is_removed(app: Path, one: Path, two: Path) -> None:
    levit_mobile.deploy([one, two], app)
    done = levit_mobile.deploy([one], app)
    assert done.removed == ("two",)
    assert {path.name for path in done.folder.iterdir()} == {"index.json", "one"}


def test_files_that_no_deployment_wrote_stay(app: Path, one: Path, two: Path) -> None:
    levit_mobile.deploy([one, two], app)
    own = [assets(app) / "mine.txt", assets(app) / "own" / "contract.json", assets(app) / "two" / "notes.txt"]
    for path in own:
        path.parent.mkdir(exist_ok=True)
        path.write_text("mine")
    levit_mobile.deploy([one], app)
    assert [path.read_text() for path in own] == ["mine"] * 3
    assert [path.name for path in (assets(app) / "two").iterdir()] == ["notes.txt"]


def test_a_file_that_cannot_be_removed(app: Path, one: Path, two: Path) -> None:
    levit_mobile.deploy([one, two], app)
    stuck = assets(app) / "two" / "labels.txt"
    stuck.unlink()
    stuck.mkdir()
    with refused(BundleError, "bundle.unwritable", stuck):
        levit_mobile.deploy([one], app)
    assert levit_mobile.deploy([one], app, check=True).differences == ()


@pytest.mark.parametrize("where", ["one/notes.txt", "one"])
def test_a_file_in_the_way_is_refused(app: Path, one: Path, where: str, tmp_path: Path) -> None:
    if where != "one":
        levit_mobile.deploy([one], app)
    path = assets(app) / where
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("mine")
    before = everything(assets(app))
    with refused(BundleError, "bundle.exists", path):
        levit_mobile.deploy([bundle(tmp_path / "newer" / "one", content=b"other ")], app)
    assert everything(assets(app)) == before


def test_a_link_out_of_the_app_is_not_followed(app: Path, one: Path, two: Path, tmp_path: Path) -> None:
    levit_mobile.deploy([one, two], app)
    elsewhere = tmp_path / "elsewhere"
    (assets(app) / "two").rename(elsewhere)
    (assets(app) / "two").symlink_to(elsewhere)
    before = everything(elsewhere)
    with refused(BundleError, "bundle.exists", "two"):
        levit_mobile.deploy([two], app)
    levit_mobile.deploy([one], app)
    assert everything(elsewhere) == before


def test_macs_clutter_is_neither_copied_nor_in_the_way(app: Path, one: Path) -> None:
    (one / ".DS_Store").write_bytes(b"x")
    (one / "README.md").write_text("not in the contract")
    done = levit_mobile.deploy([one], app)
    assert {path.name for path in (done.folder / "one").iterdir()} == {path.partition("/")[0] for path in PARTS}
    (done.folder / "one" / ".DS_Store").write_bytes(b"x")
    assert levit_mobile.deploy([one], app, check=True).differences == ()


# Nothing half written


def test_a_damaged_bundle_changes_nothing(app: Path, one: Path, two: Path) -> None:
    levit_mobile.deploy([one], app)
    before = everything(app)
    (two / "model.pte").write_bytes(b"cut")
    with refused(BundleError, "bundle.digest", two):
        levit_mobile.deploy([bundle(one.parent.parent / "new"), two], app)
    assert everything(app) == before


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_copy_that_fails_changes_nothing(
    app: Path, one: Path, two: Path, error: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    levit_mobile.deploy([one], app)
    before = everything(app)
    one.rename(one.with_name("new"))

    real = shutil.copyfile

    def copyfile(source: Path, target: Path) -> None:
        if source.parent == two:
            raise error
        real(source, target)

    monkeypatch.setattr(shutil, "copyfile", copyfile)
    with pytest.raises(BundleError if isinstance(error, OSError) else KeyboardInterrupt):
        levit_mobile.deploy([one.with_name("new"), two], app)
    assert everything(app) == before


def test_a_file_that_changes_while_it_is_copied_is_refused(
    app: Path, one: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "copyfile", lambda _, target: Path(target).write_bytes(b"other"))
    with refused(BundleError, "bundle.digest", one / "contract.json", "deploy again"):
        levit_mobile.deploy([one], app)
    assert everything(assets(app)) == {}


def test_a_folder_that_cannot_be_made(app: Path, one: Path) -> None:
    (app / "app" / "src").write_text("a file")
    with refused(BundleError, "bundle.unwritable", assets(app)):
        levit_mobile.deploy([one], app)


@pytest.mark.parametrize(
    "text",
    [
        "{",
        '{"schema_version": 2, "bundles": []}',
        '{"schema_version": 1, "bundles": [{"name": "../up", "files": []}]}',
        '{"schema_version": 1, "bundles": [{"name": "a", "files": [{"path": "../b", "bytes": 1, "sha256": "%s"}]}]}'
        % ("0" * 64),
        '{"schema_version": 1, "bundles": [{"name": "a", "files": []}, {"name": "a", "files": []}]}',
    ],
)
def test_an_unknown_index_is_refused(app: Path, one: Path, text: str) -> None:
    assets(app).mkdir(parents=True)
    (assets(app) / "index.json").write_text(text)
    before = everything(app)
    for check in (False, True):
        with refused(BundleError, "bundle.schema", "index.json"):
            levit_mobile.deploy([one], app, check=check)
    assert everything(app) == before


# Names


@pytest.mark.parametrize("name", ["_one", ".one", "one~", "CVS", "a\\b", "index.json"])
def test_a_name_that_androids_tools_leave_out_is_refused(app: Path, one: Path, name: str) -> None:
    with refused(BundleError, "bundle.name", repr(name)):
        levit_mobile.deploy([one.rename(one.with_name(name))], app)


@pytest.mark.parametrize("name", ["one", "ONE"])
def test_two_bundles_of_one_name_are_refused(app: Path, one: Path, tmp_path: Path, name: str) -> None:
    other = bundle(tmp_path / "other" / name, content=b"other ")
    with refused(BundleError, "bundle.name", one, other):
        levit_mobile.deploy([one, other], app)


def test_the_folder_that_one_is_in_names_the_bundle(app: Path, one: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(one)
    assert states(levit_mobile.deploy(["."], app)) == {"one": "added"}


def test_a_deployed_bundle_can_be_deployed_again(app: Path, one: Path, tmp_path: Path) -> None:
    first = levit_mobile.deploy([one], app)
    assert states(levit_mobile.deploy([first.folder / "one"], app)) == {"one": "unchanged"}
    other = module(tmp_path / "other", 'id("com.android.library")')
    assert states(levit_mobile.deploy([first.folder / "one"], other)) == {"one": "added"}


def test_an_original_in_the_folder_to_deploy_to_is_not_taken_over(one: Path) -> None:
    build = one.parent
    before = everything(build)
    with refused(BundleError, "bundle.app", one):
        levit_mobile.deploy([one], build)
    assert everything(build) == before


# --check


def test_a_check_writes_nothing(app: Path, one: Path) -> None:
    before = everything(app)
    found = levit_mobile.deploy([one], app, check=True)
    assert states(found) == {"one": "added"}
    assert [sentence for sentence in found.differences if str(assets(app) / "one") in sentence]
    assert everything(app) == before
    assert not assets(app).exists()


@pytest.mark.parametrize(
    ("spoil", "fact"),
    [
        (lambda at: (at / "one" / "model.tflite").write_bytes(b"x"), "one/model.tflite differs"),
        (lambda at: (at / "one" / "golden" / "a.f32").unlink(), "one/golden/a.f32 is missing"),
        (lambda at: (at / "one" / "extra").write_bytes(b"x"), "one/extra is not in the bundle"),
        (lambda at: (at / "index.json").unlink(), "index.json does not list one"),
        (lambda at: (at / "one").rename(at / "three"), "one is missing"),
    ],
)
def test_a_check_finds_the_difference(app: Path, one: Path, spoil: object, fact: str) -> None:
    levit_mobile.deploy([one], app)
    assert levit_mobile.deploy([one], app, check=True).differences == ()
    spoil(assets(app))  # type: ignore[operator]
    (sentence,) = levit_mobile.deploy([one], app, check=True).differences
    assert fact in sentence


def test_a_check_finds_a_bundle_that_is_not_named(app: Path, one: Path, two: Path) -> None:
    levit_mobile.deploy([one, two], app)
    found = levit_mobile.deploy([one], app, check=True)
    assert found.removed == ("two",)
    assert ["two" in sentence for sentence in found.differences] == [True]
    assert (assets(app) / "two").is_dir()
