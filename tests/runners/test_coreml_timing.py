"""What Core ML is given to be timed: a picture, or an array of any type, at the shape that is asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from levit_mobile.interfaces.runner import InputForm, Loaded
from levit_mobile.runners import coreml


class Fake:
    """A model that notes what it is given, and gives a label and two arrays in another order than it describes."""

    def __init__(self, **kind: Any) -> None:
        from coremltools.proto.Model_pb2 import Model

        self.spec = Model()
        self.spec.description.input.add(name="image", type=kind)
        for name in ("first", "label", "second"):
            self.spec.description.output.add(name=name)
        self.given: list[Any] = []

    def get_spec(self) -> Any:
        return self.spec

    def predict(self, given: dict[str, Any]) -> dict[str, Any]:
        self.given.append(given["image"])
        return {"second": np.full((1, 2), 2.0), "label": "cat", "first": np.full((1, 5), 1.0)}


def loaded(monkeypatch: pytest.MonkeyPatch, model: Fake, form: InputForm | None = None) -> Loaded:
    monkeypatch.setattr(coreml, "_model", lambda *_: model)
    return coreml.load_for_timing(Path("x.mlpackage"), form=form)


def test_a_picture_is_given_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    model = Fake(imageType={"width": 4, "height": 2})
    found = loaded(monkeypatch, model)
    assert (found.shape, found.dtype) == ((1, 3, 2, 4), np.float32)
    levels = np.arange(24, dtype=np.float32).reshape(1, 3, 2, 4) * 10
    first, second = found.run(levels)
    assert (first.shape, second.shape) == ((1, 5), (1, 2))  # in the order of the description
    (picture,) = model.given
    assert isinstance(picture, Image.Image)
    np.testing.assert_array_equal(np.asarray(picture), levels[0].transpose(1, 2, 0))


def test_noise_uses_the_whole_range_of_a_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    model = Fake(imageType={"width": 64, "height": 64})
    loaded(monkeypatch, model).call()
    levels = np.asarray(model.given[0])
    assert (levels.min(), levels.max()) == (0, 255)


@pytest.mark.parametrize(("stated", "dtype"), [("FLOAT32", "float32"), ("FLOAT16", "float16"), ("DOUBLE", "float64")])
def test_an_array_is_given_as_it_is(stated: str, dtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model = Fake(multiArrayType={"shape": [1, 3, 2, 4], "dataType": stated})
    found = loaded(monkeypatch, model)
    assert (found.shape, found.dtype) == ((1, 3, 2, 4), np.dtype(dtype))
    found.call()
    assert (model.given[0].shape, model.given[0].dtype) == ((1, 3, 2, 4), np.dtype(dtype))


@pytest.mark.parametrize(
    "kind", [{"imageType": {"width": 4, "height": 2}}, {"multiArrayType": {"shape": [1, 3, 2, 4]}}]
)
def test_the_shape_that_is_asked_for_is_run(kind: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    if "multiArrayType" in kind:
        kind["multiArrayType"]["dataType"] = "FLOAT32"
    model = Fake(**kind)
    found = loaded(monkeypatch, model, InputForm((1, 3, 6, 8)))
    found.call()
    given = model.given[0]
    assert found.shape == (1, 3, 6, 8)
    assert (given.size if isinstance(given, Image.Image) else given.shape) in ((8, 6), (1, 3, 6, 8))
