"""How pictures are prepared comes from the checkpoint's own files, and is what the frameworks' own processors do."""

from __future__ import annotations

import json
import pickle
from argparse import Namespace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from support import prepared
from support.photographs import noise
from support.refusals import refused

from levit_mobile.errors import CheckpointError, RecipeError
from levit_mobile.images import overrides
from levit_mobile.images.overrides import Overrides
from levit_mobile.images.preprocessing import preprocess, to_planar
from levit_mobile.images.spec import ImageSpec
from levit_mobile.model import checkpoint_config
from levit_mobile.model.checkpoint import load_checkpoint
from levit_mobile.model.families.levit import LEVIT
from levit_mobile.runners import eager

read_config = partial(checkpoint_config.read, family=LEVIT)

SQUARE = (224, 224)
HALVES = (0.5, 0.5, 0.5)
TIMM_ARGS = {"img_size": None, "crop_pct": None, "mean": None, "std": None, "interpolation": "", "model": "levit_128s"}
SIZES = [(256, 256), (320, 240), (97, 131), (301, 299), (225, 227)]


def normalised(picture: Image.Image, spec: ImageSpec) -> NDArray[np.float64]:
    """What the net sees, [3,H,W]."""
    mean, std = (np.array(values)[:, None, None] for values in (spec.unit_mean, spec.unit_std))
    return (to_planar(preprocess(picture, spec)).astype(np.float64) - mean) / std


def require_same(found: NDArray[np.float64], expected: NDArray[np.floating], std: float) -> None:
    """No pixel is off by a level, which is 1/255/std."""
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() < 0.05 / 255 / std


def config_of(folder: Path, **files: object) -> Path:
    """A folder with these JSON files."""
    for name, content in files.items():
        (folder / f"{name}.json").write_text(json.dumps(content))
    return folder


def spec_of(
    folder: Path | None,
    size: tuple[int, int] = SQUARE,
    asked: Overrides | None = None,
    arguments: dict[str, Any] | None = None,
) -> ImageSpec:
    return read_config(folder, arguments).spec(size, asked, unstated=LEVIT.prepared("levit_128s", "timm"))


# Accuracy: the frameworks' own models and processors on trained weights


def require_accuracy(source: Path, expected: NDArray[np.float32], paper: float) -> None:
    """The product's logits are those of the framework, and those of the paper's preparation would not be."""
    checkpoint = load_checkpoint(source)
    pictures, _ = prepared.held_out()

    def logits(spec: ImageSpec) -> NDArray[np.float32]:
        run = eager.load(checkpoint.model, spec)
        return run(np.stack([to_planar(preprocess(picture, spec)) for picture in pictures]))

    np.testing.assert_allclose(logits(checkpoint.spec), expected, rtol=0, atol=1e-3)
    assert prepared.accuracy(expected) >= 99
    assert prepared.accuracy(logits(ImageSpec.for_side(224))) <= paper


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "statistics", "paper"),
    [
        ({"image_mean": [0.5] * 3, "image_std": [0.5] * 3}, (0.5, 0.5), 97),
        ({"do_normalize": False}, (0.0, 1.0), 50),
        ({"do_normalize": False, "do_rescale": False}, (0.0, 1.0, 1.0), 20),
        ({"rescale_factor": 1 / 127.5, "image_mean": [1.0] * 3, "image_std": [1.0] * 3}, (1.0, 1.0, 1 / 127.5), 97),
    ],
)
def test_a_transformers_folder_is_prepared_as_its_processor_does(
    options: dict[str, Any], statistics: tuple[float, ...], paper: float, tmp_path: Path
) -> None:
    from transformers.models.levit.image_processing_pil_levit import LevitImageProcessorPil

    processor = LevitImageProcessorPil(**options)
    model = prepared.transformers_folder(tmp_path, processor, prepared.retrained(*statistics))
    pictures = processor(prepared.held_out()[0], return_tensors="pt")["pixel_values"].float()
    require_accuracy(tmp_path, prepared.logits_of(model, pictures), paper)
    assert load_checkpoint(tmp_path).spec.source == "preprocessor_config.json"


@pytest.mark.slow
def test_a_timm_folder_is_prepared_as_its_transform_does(tmp_path: Path) -> None:
    from timm.data import create_transform, resolve_data_config

    cfg = {"mean": HALVES, "std": HALVES, "crop_pct": 0.95, "interpolation": "bilinear"}
    model = prepared.timm_folder(tmp_path, prepared.retrained(0.5, 0.5), **cfg)
    transform = create_transform(**resolve_data_config({}, model=model))
    pictures = torch.stack([transform(picture) for picture in prepared.held_out()[0]])
    require_accuracy(tmp_path, prepared.logits_of(model, pictures), 97)
    found = load_checkpoint(tmp_path).spec
    assert (found.source, found.width, found.interpolation) == ("pretrained_cfg in config.json", 235, "bilinear")


@pytest.mark.slow
def test_a_training_checkpoint_is_prepared_as_timm_evaluated_it(tmp_path: Path) -> None:
    import timm
    from timm.data import create_transform, resolve_data_config

    arguments = Namespace(**{**TIMM_ARGS, "mean": [0.5], "std": [0.5], "crop_pct": 0.95, "interpolation": "bilinear"})
    state = prepared.renamed(prepared.retrained(0.5, 0.5), "timm")
    model = timm.create_model("levit_128s", pretrained=False, num_classes=10).eval()
    model.load_state_dict(state, strict=True)
    transform = create_transform(**resolve_data_config(vars(arguments), model=model))
    pictures = torch.stack([transform(picture) for picture in prepared.held_out()[0]])
    file = tmp_path / "checkpoint.pth.tar"
    torch.save({"epoch": 9, "arch": "levit_128s", "state_dict": state, "args": arguments}, file)
    require_accuracy(file, prepared.logits_of(model, pictures), 97)
    assert load_checkpoint(file).spec.source == "args in the checkpoint"


# Pixels: every kind of processor and transform


@pytest.fixture
def across_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """The order of the passes that Pillow had up to version 12, and that artifacts have: in 13 it depends on sizes."""
    at_once = Image.Image.resize

    def resize(self: Image.Image, size: tuple[int, int], *given: Any, **options: Any) -> Image.Image:
        across = at_once(self, (size[0], self.height), *given, **options)
        return at_once(across, tuple(size), *given, **options)

    monkeypatch.setattr(Image.Image, "resize", resize)


PROCESSORS: dict[str, tuple[str, dict[str, Any]]] = {
    "levit": ("levit", {}),
    "levit of 192": ("levit", {"size": {"shortest_edge": 196}}),
    "levit squashed": ("levit", {"size": {"height": 224, "width": 224}, "do_center_crop": False}),
    "levit not resized": ("levit", {"do_resize": False}),
    "levit smaller than its crop": ("levit", {"size": {"shortest_edge": 120}, "resample": 2}),
    "levit by an integer": ("levit", {"size": 200, "crop_size": 224}),
    "levit not normalised": ("levit", {"do_normalize": False}),
    "levit on levels": ("levit", {"do_rescale": False, "image_mean": [127.5] * 3, "image_std": [127.5] * 3}),
    "levit on one number": ("levit", {"image_mean": 0.4, "image_std": 0.3}),
    "vit": ("vit", {}),
    "vit with a crop": ("vit", {"size": 256, "do_center_crop": True, "crop_size": {"height": 224, "width": 224}}),
    "deit": ("deit", {}),
    "bit": ("bit", {}),
    "clip": ("clip", {}),
    "clip of 256": ("clip", {"size": {"shortest_edge": 256}}),
    "siglip": ("siglip", {}),
}


@pytest.mark.usefixtures("across_first")
@pytest.mark.parametrize("name", PROCESSORS)
def test_pixels_are_those_of_transformers_own_processors(name: str, tmp_path: Path) -> None:
    import transformers

    kind, options = PROCESSORS[name]
    classes = {"levit": "Levit", "vit": "ViT", "deit": "DeiT", "bit": "Bit", "clip": "CLIP", "siglip": "Siglip"}
    processor = getattr(transformers, f"{classes[kind]}ImageProcessorPil")(**options)
    processor.save_pretrained(tmp_path)
    spec = spec_of(tmp_path)
    for size in SIZES:
        picture = noise(*size)
        expected = processor(picture, return_tensors="np")["pixel_values"][0]
        require_same(normalised(picture, spec), expected, max(spec.unit_std))


@pytest.mark.usefixtures("across_first")
@pytest.mark.parametrize("size", [SQUARE, (160, 224), (64, 256)])
@pytest.mark.parametrize(
    "cfg",
    [
        {},
        {"crop_pct": 0.95, "interpolation": "bilinear", "mean": (0.4, 0.5, 0.6), "std": (0.3, 0.2, 0.1)},
        {"crop_pct": 1.0, "crop_mode": "squash"},
        {"crop_pct": 0.9, "crop_mode": "squash", "interpolation": "bicubic"},
        {"crop_pct": 0.9, "crop_mode": "center"},
    ],
    ids=str,
)
def test_pixels_are_those_of_timms_own_transform(cfg: dict[str, Any], size: tuple[int, int], tmp_path: Path) -> None:
    from timm.data import create_transform, resolve_data_config

    stated = {"input_size": (3, *size), **cfg}
    transform = create_transform(**resolve_data_config({}, pretrained_cfg=stated))
    spec = spec_of(config_of(tmp_path, config={"architecture": "levit_128s", "pretrained_cfg": stated}), size)
    for width, height in SIZES:
        picture = noise(width, height)
        require_same(normalised(picture, spec), np.asarray(transform(picture)), max(spec.std))


def test_without_any_file_it_is_the_papers(tmp_path: Path) -> None:
    assert spec_of(tmp_path) == ImageSpec.for_side(224)
    assert spec_of(tmp_path).source == "the paper"
    assert spec_of(None, (288, 288)) == ImageSpec.for_side(288)


# Arguments of training scripts


def test_arguments_of_timms_script_go_over_its_own_levit(tmp_path: Path) -> None:
    import timm
    from timm.data import resolve_data_config

    for given in ({}, {"mean": [0.5], "std": [0.25]}, {"crop_pct": 0.95, "interpolation": "bilinear"}):
        arguments = vars(Namespace(**{**TIMM_ARGS, **given}))
        expected = resolve_data_config(arguments, model=timm.create_model("levit_128s", pretrained=False))
        found = spec_of(tmp_path, SQUARE, arguments=arguments)
        assert (found.mean, found.std) == (tuple(expected["mean"]), tuple(expected["std"]))
        assert found.interpolation == expected["interpolation"]
        assert found.width == int(224 / expected["crop_pct"])
        assert found.source == "args in the checkpoint"


def test_arguments_of_the_official_script_are_the_papers() -> None:
    arguments = {"input_size": 256, "teacher_model": "regnety_160", "distillation_type": "hard"}
    found = spec_of(None, (256, 256), arguments=arguments)
    assert (found, found.source) == (ImageSpec.for_side(256), "args in the checkpoint")
    with refused(CheckpointError, "checkpoint.preprocessing", "input_size 256", "224x224", "--resize"):
        spec_of(None, SQUARE, arguments=arguments)


def test_arguments_of_any_other_script_mean_nothing() -> None:
    found = spec_of(None, SQUARE, arguments={"mean": [0.1], "lr": 3e-4})
    assert (found, found.source) == (ImageSpec.for_side(224), "the paper")


# Which file counts


@pytest.mark.parametrize(
    ("files", "arguments"),
    [
        ({"preprocessor_config": {"size": {"height": 224, "width": 224}}}, None),
        ({"config": {"pretrained_cfg": {"crop_pct": 0.95}}}, None),
        ({}, {"input_size": 224, "teacher_model": "regnety_160"}),
    ],
    ids=["transformers", "timm", "official"],
)
def test_what_is_stated_can_be_sent_to_another_process(
    files: dict[str, Any], arguments: dict[str, Any] | None, tmp_path: Path
) -> None:
    found = read_config(config_of(tmp_path, **files), arguments)
    assert found.stated is not None
    unstated = LEVIT.prepared("levit_128s", "timm")
    assert pickle.loads(pickle.dumps(found)).spec(SQUARE, unstated=unstated) == found.spec(SQUARE, unstated=unstated)


def test_a_processor_goes_before_timms_cfg_and_that_before_arguments(tmp_path: Path) -> None:
    config_of(tmp_path, config={"pretrained_cfg": {"mean": HALVES, "std": HALVES}})
    arguments = {**TIMM_ARGS, "mean": (0.1, 0.2, 0.3)}
    assert spec_of(tmp_path, SQUARE, arguments=arguments).mean == HALVES
    config_of(tmp_path, preprocessor_config={"image_mean": [0.4, 0.4, 0.4]})
    assert spec_of(tmp_path, SQUARE, arguments=arguments).mean == (0.4, 0.4, 0.4)
    config_of(tmp_path, preprocessor_config={"image_processor_type": "TimmWrapperImageProcessor"})
    assert spec_of(tmp_path, SQUARE, arguments=arguments).mean == HALVES


@pytest.mark.parametrize(
    ("config", "counts"),
    [
        ({"model_type": "levit"}, True),
        ({"architecture": "levit_192"}, True),
        ({"model_type": "bert"}, False),
        ({}, False),
    ],
)
def test_a_single_file_is_described_by_its_folder_only_if_that_holds_a_levit(
    config: dict[str, str], counts: bool, tmp_path: Path
) -> None:
    config_of(tmp_path, config=config)
    (tmp_path / "mine.pth").touch()
    assert checkpoint_config.folder_of(tmp_path / "mine.pth", LEVIT) == (tmp_path if counts else None)
    assert checkpoint_config.folder_of(tmp_path, LEVIT) == tmp_path


def test_a_broken_config_beside_a_single_file_is_not_its_own(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{")
    (tmp_path / "mine.pth").touch()
    assert checkpoint_config.folder_of(tmp_path / "mine.pth", LEVIT) is None
    with refused(CheckpointError, "checkpoint.damaged", "config.json"):
        read_config(tmp_path)


@pytest.mark.parametrize(
    ("kind", "head"),
    [(None, "softmax"), ("single_label_classification", "softmax"), ("multi_label_classification", "sigmoid")],
)
def test_the_head_is_that_of_the_problem(kind: str | None, head: str, tmp_path: Path) -> None:
    assert read_config(config_of(tmp_path, config={"problem_type": kind})).head == head


# What cannot be followed


@pytest.mark.parametrize(
    ("processor", "facts"),
    [
        ({"resample": 1}, ("resample 1", "--interpolation")),
        ({"resample": True}, ("resample True", "--interpolation")),
        ({"crop_size": 192}, ("192x192", "224x224", "--crop")),
        ({"do_center_crop": False}, ("short side", "--crop")),
        ({"size": {"longest_edge": 256}}, ("longest_edge", "--resize")),
        ({"size": {"height": 0, "width": 224}}, ("'height': 0", "--resize")),
        ({"size": [256]}, ("[256]", "--resize")),
        ({"do_flip_channel_order": True}, ("do_flip_channel_order", "--resize")),
        ({"do_resize": "yes"}, ("do_resize 'yes'", "--resize")),
        ({"image_processor_type": "ConvNextImageProcessor"}, ("convnext", "levit, vit, deit", "--resize")),
        ({"image_mean": [0.5, 0.5]}, ("image_mean [0.5, 0.5]", "--mean")),
        ({"image_std": [0.5, 0.0, 0.5]}, ("std is (0.5, 0.0, 0.5)",)),
        ({"image_std": [0.5, float("inf"), 0.5]}, ("image_std", "--std")),
        ({"rescale_factor": -1}, ("rescale_factor -1", "--mean")),
    ],
    ids=str,
)
def test_a_processor_that_cannot_be_followed_is_one_sentence(
    processor: dict[str, Any], facts: tuple[str, ...], tmp_path: Path
) -> None:
    config_of(tmp_path, preprocessor_config=processor)
    with refused(CheckpointError, "checkpoint.preprocessing", "preprocessor_config.json", *facts):
        spec_of(tmp_path)


@pytest.mark.parametrize(
    ("cfg", "facts"),
    [
        ({"interpolation": "lanczos"}, ("lanczos", "--interpolation")),
        ({"crop_mode": "border"}, ("border", "--resize")),
        ({"crop_pct": 1.5}, ("crop_pct 1.5", "--resize")),
        ({"mean": (0.5, 0.5)}, ("mean", "--mean")),
    ],
    ids=str,
)
def test_a_cfg_that_cannot_be_followed_is_one_sentence(
    cfg: dict[str, Any], facts: tuple[str, ...], tmp_path: Path
) -> None:
    config_of(tmp_path, config={"pretrained_cfg": {"input_size": [3, 224, 224], **cfg}})
    with refused(CheckpointError, "checkpoint.preprocessing", "pretrained_cfg in config.json", *facts):
        spec_of(tmp_path)


# Options on top


def test_options_go_over_what_is_stated_and_are_noted(tmp_path: Path) -> None:
    config_of(tmp_path, preprocessor_config={"image_mean": list(HALVES), "image_std": [0.25] * 3, "resample": 2})
    asked = overrides.read(mean="0.1,0.2,0.3", resize="240", interpolation="bicubic")
    found = spec_of(tmp_path, asked=asked)
    assert found == ImageSpec(height=240, width=240, mean=(0.1, 0.2, 0.3), std=(0.25, 0.25, 0.25), crop_rounding="down")
    assert found.source == "preprocessor_config.json; --mean --resize --interpolation"


def test_an_option_stands_in_for_what_cannot_be_followed(tmp_path: Path) -> None:
    config_of(tmp_path, preprocessor_config={"resample": 1, "size": {"longest_edge": 9}, "image_mean": [1]})
    asked = overrides.read(mean=0.5, std=0.5, resize="none", interpolation="bilinear")
    found = spec_of(tmp_path, asked=asked)
    assert (found.mode, found.interpolation, found.mean) == ("none", "bilinear", HALVES)


def test_a_mean_alone_keeps_the_stated_deviation_for_pixels_in_0_to_1(tmp_path: Path) -> None:
    config_of(tmp_path, preprocessor_config={"do_rescale": False, "image_mean": [127.5] * 3, "image_std": [51.0] * 3})
    found = spec_of(tmp_path, asked=overrides.read(mean=0.25))
    np.testing.assert_allclose((found.unit_mean, found.unit_std), ([0.25] * 3, [0.2] * 3), rtol=1e-12)
    assert found.rescale == 1 / 255


def test_a_share_crops_as_timms_crop_pct() -> None:
    paper = partial(spec_of, None)
    found = paper((160, 224), overrides.read(crop="0.875"))
    assert (found.mode, found.height, found.width) == ("short side", 182, 256)
    assert (found.crop_height, found.crop_width) == (160, 224)
    both = paper(SQUARE, overrides.read(crop=0.5, resize=(300, 200)))
    assert (both.mode, both.height, both.width, both.crop_width) == ("squash", 300, 200, 224)


def test_a_crop_of_another_size_than_the_nets_is_refused() -> None:
    paper = partial(spec_of, None)
    assert paper(SQUARE, overrides.read(crop="224")).crop_height == 224
    with refused(CheckpointError, "checkpoint.preprocessing", "crop is 192x192", "expected 224x224"):
        paper(SQUARE, overrides.read(crop="192"))


@pytest.mark.parametrize(
    "wrong",
    [
        {"mean": "a"},
        {"mean": "0.5,0.5"},
        {"mean": "nan"},
        {"std": 0},
        {"std": "0.5,-1,0.5"},
        {"resize": "0"},
        {"resize": "256x"},
        {"resize": (1, 2, 3)},
        {"resize": True},
        {"crop": "1.5"},
        {"crop": "nan"},
        {"crop": 0.0},
        {"crop": "0x224"},
        {"interpolation": "nearest"},
    ],
    ids=str,
)
def test_an_option_without_meaning_is_refused_by_name(wrong: dict[str, Any]) -> None:
    (name,) = wrong
    with refused(RecipeError, "recipe.preprocessing", f"{name} is {wrong[name]!r}", "expected"):
        overrides.read(**wrong)
