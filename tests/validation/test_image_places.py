"""A validation, and predictions, on images that are not in a local folder: the same figures to the last bit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import Bundles
from support import image_places as places
from support.one_pass import validate
from support.refusals import refused

import levit_mobile
from levit_mobile.errors import ImageError
from levit_mobile.reporting.junit import junit_xml
from levit_mobile.reporting.pages.validation import page
from levit_mobile.validation.results import Validation


@pytest.fixture(scope="module")
def classes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty-six held-out digits as PNG files, a folder a class, each with its class index beside it."""
    root = places.digits_by_class(tmp_path_factory.mktemp("pictures"), 36)
    for path in list(root.rglob("*.png")):
        path.with_suffix(".cls").write_text(path.parent.name)
    return root


def figures(found: Validation) -> dict[str, Any]:
    """All but the time and the names of the place and of the labels."""
    return json.loads(
        found.model_copy(
            update={
                "seconds": 0.0,
                "processes": 1,
                "pictures_from": "",
                "accuracy": found.accuracy and found.accuracy.model_copy(update={"labels_from": ""}),
            }
        ).model_dump_json()
    )


@pytest.mark.usefixtures("in_this_process")
@pytest.mark.parametrize("kind", ["zip", "memory", "http", "http zip", "ranges tar", "tar glob"])
def test_the_figures_are_those_of_a_local_folder(kind: str, bundles: Bundles, classes: Path, tmp_path: Path) -> None:
    path, options = bundles("tflite-fp32").path, {"count": 20, "truth": "folders"}
    local = validate(path, images=classes, **options)
    with places.place(kind, classes, tmp_path) as place:
        found = validate(path, images=place, **options)
        assert found.pictures_from == (place if "://" in place else Path(place).name)
    assert figures(found) == figures(local)
    assert found.report is not None
    assert found.report.images == 20


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["zip", "memory zip", "ranges", "http tar"])
def test_worker_processes_read_the_same_images(kind: str, bundles: Bundles, classes: Path, tmp_path: Path) -> None:
    path = bundles("tflite-fp32").path
    local = validate(path, images=classes, processes=1, truth="folders")
    with places.place(kind, classes, tmp_path) as place:
        truth = "shards" if "tar" in kind else "folders"
        found = validate(path, images=place, processes=2, truth=truth)
    assert found.processes == 2
    assert figures(found) == figures(local)


@pytest.mark.usefixtures("in_this_process")
def test_predictions_are_those_of_a_local_folder(bundles: Bundles, classes: Path, tmp_path: Path) -> None:
    path = bundles("tflite-fp32").path
    local = levit_mobile.predict(path, classes / "3")
    with places.served(classes) as (url, _):
        found = levit_mobile.predict(path, f"{url}/3/")
        alone = levit_mobile.predict(path, [f"{url}/3/3.png?sig=55", classes / "3" / "3.png"])
    archive = places.zipped(tmp_path / "x.zip", places.contents(classes / "3"))
    packed = levit_mobile.predict(path, archive)
    assert [one.classes for one in found.pictures] == [one.classes for one in local.pictures]
    assert [one.classes for one in packed.pictures] == [one.classes for one in local.pictures]
    assert [one.name for one in found.pictures] == [f"{url}/3/{Path(one.name).name}" for one in local.pictures]
    assert packed.pictures[0].name == f"{archive}: {Path(local.pictures[0].name).name}"
    assert [one.name for one in alone.pictures] == [f"{url}/3/3.png?***", str(classes / "3" / "3.png")]
    assert alone.pictures[0].classes == alone.pictures[1].classes


@pytest.mark.usefixtures("in_this_process")
def test_reports_show_the_url_and_no_secret(bundles: Bundles, classes: Path) -> None:
    with places.served(classes) as (url, _):
        address = url.replace("http://", "http://anna:pa55word@")
        run = levit_mobile.validate(bundles("tflite-fp32").path, images=address, truth="folders", count=4)
        thumbnails = run.thumbnails()
    (found,) = run.validations
    shown = url.replace("http://", "http://***@")
    assert found.pictures_from == shown
    for text in (found.model_dump_json(), junit_xml([found]), page([found], thumbnails)):
        assert "pa55word" not in text
        assert shown in text


@pytest.mark.usefixtures("in_this_process")
def test_a_server_that_refuses_is_not_run_and_named(bundles: Bundles, classes: Path) -> None:
    with places.served(classes) as (url, _), refused(ImageError, "image.access", f"{url}/secret/", "403"):
        levit_mobile.validate(bundles("tflite-fp32").path, images=f"{url}/secret/")
