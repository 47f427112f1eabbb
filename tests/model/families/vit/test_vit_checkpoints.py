"""Checkpoints of transformers and timm give the logits of transformers and timm, and what is unclear is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from support.checkpoints import assert_refused, saved, saved_safely
from support.vits import CLASSES, SMALL, logits, of_timm, of_transformers, pictures
from support.vits import saved as folder_of

from levit_mobile.model.checkpoint import load_checkpoint
from levit_mobile.model.families.vit.architecture import VARIANTS, side_of

CONFIG = {
    **SMALL, "model_type": "vit", "image_size": 64, "patch_size": 16, "hidden_act": "gelu", "layer_norm_eps": 1e-12,
}  # fmt: skip


def assert_same(checkpoint: Any, model: Any, x: torch.Tensor | None = None) -> None:
    x = pictures() if x is None else x
    expected, found = logits(model, x), logits(checkpoint.model, x)
    assert expected.std(0).mean() > 0.05  # the logits depend on the picture
    assert (expected - found).abs().max() <= 1e-5 * expected.abs().max()


def beside(folder: Path, config: dict[str, Any]) -> Path:
    (folder / "config.json").write_text(json.dumps(config))
    return folder


# The frameworks' own files


@pytest.mark.parametrize("kind", ["vit", "deit", "deit with teacher"])
@pytest.mark.parametrize("options", [{}, {"hidden_act": "gelu_new"}, {"layer_norm_eps": 0.1}], ids=str)
def test_a_folder_of_transformers(kind: str, options: dict[str, Any], tmp_path: Path) -> None:
    found = load_checkpoint(folder_of(kind, tmp_path, **options))
    assert (found.format, found.variant, found.classes, found.input_size) == ("transformers", "vit", CLASSES, (64, 64))
    assert found.distillation == (kind == "deit with teacher")
    assert found.sizes["tokens"] == (1 if kind == "vit" else 2)
    assert_same(found, of_transformers(kind, **options))


@pytest.mark.parametrize("kind", ["vit", "deit", "deit with teacher"])
def test_the_names_inside_transformers_5(kind: str, tmp_path: Path) -> None:
    model = of_transformers(kind)
    saved(model.state_dict(), tmp_path / "pytorch_model.bin")
    found = load_checkpoint(beside(tmp_path, model.config.to_dict()))
    assert found.format == "transformers-5"
    assert_same(found, model)


@pytest.mark.parametrize("name", ["vit_tiny_patch16_224", "deit_tiny_distilled_patch16_224"])
@pytest.mark.parametrize("act_layer", [None, "gelu_tanh"])
def test_a_folder_of_timm(name: str, act_layer: str | None, tmp_path: Path) -> None:
    model = of_timm(name, act_layer=act_layer)
    saved_safely(model.state_dict(), tmp_path / "model.safetensors")
    options = {"embed_dim": 64, "depth": 3, "num_heads": 2, "mlp_ratio": 2.0, "img_size": 64, "act_layer": act_layer}
    found = load_checkpoint(beside(tmp_path, {"architecture": name, "model_args": options}))
    assert (found.format, found.distillation) == ("timm", "distilled" in name)
    assert_same(found, model)


@pytest.mark.parametrize("name", ["vit_tiny_patch16_224", "vit_small_patch32_224", "deit_tiny_distilled_patch16_224"])
def test_a_state_dict_of_a_named_variant(name: str, tmp_path: Path) -> None:
    architecture = VARIANTS[name]
    model = of_timm(
        name, embed_dim=architecture.width, depth=12, num_heads=architecture.heads, mlp_ratio=4.0, img_size=224,
        patch_size=architecture.patch,
    )  # fmt: skip
    found = load_checkpoint(saved({"model": model.state_dict()}, tmp_path / "w.pth"), variant=name)
    assert (found.variant, found.format) == (name, "timm")
    assert_same(found, model, pictures(2, 224))


def test_weights_in_our_own_names(tmp_path: Path) -> None:
    model = load_checkpoint(folder_of("deit with teacher", tmp_path / "hub")).model
    saved(model.state_dict(), tmp_path / "pytorch_model.bin")
    found = load_checkpoint(beside(tmp_path, {**CONFIG, "model_type": "deit"}))
    assert found.format == "levit-mobile"
    assert_same(found, of_transformers("deit with teacher"))


def test_a_rectangle(tmp_path: Path) -> None:
    model = of_timm("vit_tiny_patch16_224", img_size=(32, 128))
    saved(model.state_dict(), tmp_path / "pytorch_model.bin")
    options = {"num_heads": 2, "img_size": [32, 128]}
    found = load_checkpoint(beside(tmp_path, {"architecture": "vit_tiny_patch16_224", "model_args": options}))
    assert found.input_size == (32, 128)
    assert_same(found, model, torch.randn(3, 3, 32, 128, generator=torch.Generator().manual_seed(0)))


@pytest.mark.parametrize("name", ["head", "fc.1"])
def test_a_head_under_another_name(name: str, tmp_path: Path) -> None:
    model = of_transformers("vit")
    names = {"classifier.weight": f"{name}.weight", "classifier.bias": f"{name}.bias"}
    saved({names.get(key, key): value for key, value in model.state_dict().items()}, tmp_path / "pytorch_model.bin")
    assert_same(load_checkpoint(beside(tmp_path, CONFIG)), model)


# What shapes do not tell


def bare(name: str, folder: Path) -> Path:
    architecture = VARIANTS[name]
    model = of_timm(name, embed_dim=architecture.width, depth=12, num_heads=3, mlp_ratio=4.0, img_size=side_of(name))
    return saved(model.state_dict(), folder / "w.pth")


def test_weights_of_several_variants_are_not_guessed(tmp_path: Path) -> None:
    file = bare("vit_tiny_patch16_224", tmp_path)
    names = "vit_tiny_patch16_224 and deit_tiny_patch16_224"
    assert_refused(file, "checkpoint.ambiguous", names, "--variant", "config.json")
    chosen = {name: load_checkpoint(file, variant=name) for name in names.split(" and ")}
    assert {name: found.variant for name, found in chosen.items()} == {name: name for name in chosen}
    means = {name: found.spec.mean[0] for name, found in chosen.items()}
    assert means == {"vit_tiny_patch16_224": 0.5, "deit_tiny_patch16_224": 0.485}


def test_another_variant_than_the_shapes_show_is_refused(tmp_path: Path) -> None:
    file = bare("vit_tiny_patch16_224", tmp_path)
    assert_refused(file, "checkpoint.variant", "width 192", "vit_base_patch16_224", variant="vit_base_patch16_224")


def test_sizes_without_a_name_want_a_config(tmp_path: Path) -> None:
    file = saved(of_timm("vit_tiny_patch16_224").state_dict(), tmp_path / "w.pth")
    assert_refused(file, "checkpoint.ambiguous", "width 64", "heads", "config.json")


def test_a_distillation_token_tells_a_deit(tmp_path: Path) -> None:
    found = load_checkpoint(bare("deit_tiny_distilled_patch16_224", tmp_path))
    assert found.variant == "deit_tiny_distilled_patch16_224"
    assert "GELU is assumed" in found.doubt


@pytest.mark.parametrize(
    ("change", "code", "facts"),
    [
        ({"hidden_act": "relu"}, "other-net", ("'relu'", "GELU")),
        ({"hidden_act": "quick_gelu"}, "other-net", ("'quick_gelu'",)),
        ({"num_channels": 1}, "other-net", ("num_channels 1", "RGB")),
        ({"num_attention_heads": 5}, "metadata", ("5 heads", "64")),
        ({"num_hidden_layers": 4}, "metadata", ("num_hidden_layers 4", "expected 3", "missing")),
        ({"layer_norm_eps": "small"}, "metadata", ("layer_norm_eps",)),
        ({"model_type": "", "architecture": "vit_base_patch16_siglip_224"}, "other-net", ("siglip", "plain ViT")),
        ({"model_type": "", "architecture": "vit_tiny_patch16_224", "global_pool": "avg"}, "other-net", ("'avg'",)),
        (
            {"model_type": "", "architecture": "vit_tiny_patch16_224", "model_args": {"pre_norm": True}},
            "other-net",
            ("pre_norm True",),
        ),
    ],
    ids=str,
)
def test_a_net_that_cannot_be_converted(
    change: dict[str, Any], code: str, facts: tuple[str, ...], tmp_path: Path
) -> None:
    folder_of("vit", tmp_path)
    assert_refused(beside(tmp_path, {**CONFIG, **change}), f"checkpoint.{code}", *facts)


def test_another_input_side_is_refused(tmp_path: Path) -> None:
    folder_of("vit", tmp_path)
    facts = ("16 patches of 16 px", "64x64 px", "96x96", "resample")
    assert_refused(tmp_path, "checkpoint.variant", *facts, side=96)


def test_a_checkpoint_without_a_head(tmp_path: Path) -> None:
    of_transformers("vit").vit.save_pretrained(tmp_path)
    assert_refused(tmp_path, "checkpoint.missing-keys", "classification head", "classifier.weight")


def test_a_head_of_two_layers_is_refused(tmp_path: Path) -> None:
    state = dict(of_transformers("vit").state_dict())
    state["classifier.0.weight"], state["classifier.2.weight"] = torch.zeros(8, 64), torch.zeros(10, 8)
    for key in ("classifier.weight", "classifier.bias"):
        del state[key]
    saved(state, tmp_path / "pytorch_model.bin")
    assert_refused(beside(tmp_path, CONFIG), "checkpoint.other-net", "classifier", "one linear layer")


def test_missing_and_surplus_tensors_are_named(tmp_path: Path) -> None:
    state = dict(of_transformers("vit").state_dict())
    del state["vit.layers.1.attention.k_proj.bias"]
    saved(state, tmp_path / "pytorch_model.bin")
    beside(tmp_path, CONFIG)
    assert_refused(tmp_path, "checkpoint.missing-keys", "layers.1.attention.k_proj.bias")
    more = {**of_transformers("vit").state_dict(), "vit.layers.1.gamma": torch.ones(64)}
    saved(more, tmp_path / "pytorch_model.bin")
    assert_refused(tmp_path, "checkpoint.surplus-keys", "layers.1.gamma")


# Preparation


def test_transformers_weights_without_a_processor_want_one(tmp_path: Path) -> None:
    found = load_checkpoint(folder_of("vit", tmp_path))
    with pytest.raises(Exception, match=r"preprocessor_config.json.*--resize"):
        _ = found.spec


def test_the_processor_of_the_models_type_is_the_default(tmp_path: Path) -> None:
    folder_of("vit", tmp_path)
    (tmp_path / "preprocessor_config.json").write_text(json.dumps({"size": 64}))
    spec = load_checkpoint(tmp_path).spec
    assert (spec.mode, spec.height, spec.interpolation, spec.mean) == ("squash", 64, "bilinear", (0.5, 0.5, 0.5))
