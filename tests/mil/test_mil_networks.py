"""ViT and ResNet in the MIL reference, as coremltools converts, optimises and compresses them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import Once
from support.installed import needs
from support.mil_programs import Array, numbers
from torch import Tensor, nn

from levit_mobile.mil.program import Mode, read
from levit_mobile.parity import metrics

needs("coremltools")
needs("transformers")

pytestmark = pytest.mark.slow

SIDE, CLASSES = 32, 10
PICTURES = [numbers(1, 3, SIDE, SIDE, low=0, high=1, seed=seed) for seed in range(6)]
Packages = Callable[[str, int, str], Path]  # model, iOS, precision -> its package


class Logits(nn.Module):
    """transformers' models give an object."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.model(x).logits
        return logits


class Attention(nn.Module):
    """PyTorch's own attention with its own scale, which is what iOS 18 has an op for."""

    def __init__(self) -> None:
        super().__init__()
        self.patches, self.norm = nn.Conv2d(3, 48, 8, stride=8), nn.LayerNorm(48)
        self.qkv, self.head = nn.Linear(48, 144), nn.Linear(48, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.norm(self.patches(x).flatten(2).transpose(1, 2))  # N T C
        q, k, v = self.qkv(tokens).unflatten(-1, (3, 4, 12)).permute(2, 0, 3, 1, 4).unbind(0)  # N h T d
        mixed = nn.functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
        logits: Tensor = self.head(mixed.mean(1))
        return logits


@cache
def network(name: str) -> nn.Module:
    from transformers import ResNetConfig, ResNetForImageClassification, ViTConfig, ViTForImageClassification

    torch.manual_seed(2)
    if name == "attention":
        return Attention().eval().requires_grad_(False)
    if name == "resnet":
        sizes: dict[str, Any] = {"embedding_size": 16, "hidden_sizes": [32, 48, 64, 96], "depths": [1, 2, 1, 1]}
        model: Any = ResNetForImageClassification(ResNetConfig(**sizes, num_labels=CLASSES))
    else:
        act = "gelu" if name == "vit" else "gelu_new"
        sizes = {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 128}
        config = ViTConfig(**sizes, image_size=SIDE, patch_size=8, num_labels=CLASSES, hidden_act=act)
        model = ViTForImageClassification(config)
    for norm in (m for m in model.modules() if isinstance(m, nn.BatchNorm2d | nn.LayerNorm)):
        nn.init.uniform_(norm.weight, 0.7, 1.3)
        nn.init.normal_(norm.bias, std=0.2)
        if isinstance(norm, nn.BatchNorm2d):
            nn.init.uniform_(norm.running_var, 0.7, 1.3)
            nn.init.normal_(norm.running_mean, std=0.2)
    return Logits(model).eval().requires_grad_(False)


@pytest.fixture(scope="module")
def packages(once: Once, tmp_path_factory: pytest.TempPathFactory) -> Packages:
    @cache
    def package(name: str, ios: int, precision: str) -> Path:
        path = tmp_path_factory.mktemp("packages") / f"{name}-{ios}-{precision}.mlpackage"
        once(partial(write, name, ios, precision), path)
        return path

    return package


def write(name: str, ios: int, precision: str, path: Path) -> None:
    import coremltools as ct

    half = precision == "fp16"
    model = ct.convert(
        torch.jit.trace(network(name), torch.from_numpy(PICTURES[0]), check_trace=False),
        inputs=[ct.TensorType("x", PICTURES[0].shape)],
        outputs=[ct.TensorType("logits", dtype=np.float32)],
        minimum_deployment_target=getattr(ct.target, f"iOS{ios}"),
        compute_precision=ct.precision.FLOAT16 if half else ct.precision.FLOAT32,
        skip_model_load=True,
    )
    model.save(str(path))


def logits_of(path: Path, mode: Mode = "declared") -> Array:
    program = read(path, mode=mode)
    return np.concatenate([program.run({"x": picture})["logits"] for picture in PICTURES])


@pytest.mark.parametrize("ios", [16, 18])
@pytest.mark.parametrize("name", ["vit", "vit_tanh", "resnet", "attention"])
def test_other_networks_compute_what_pytorch_computes(packages: Packages, name: str, ios: int) -> None:
    wanted = torch.cat([network(name)(torch.from_numpy(picture)) for picture in PICTURES]).numpy()
    assert metrics.sqnr_db(wanted, logits_of(packages(name, ios, "fp32"))) >= 100
    assert metrics.sqnr_db(wanted, logits_of(packages(name, ios, "fp16"))) >= 40
    assert metrics.sqnr_db(wanted, logits_of(packages(name, ios, "fp16"), "float32")) >= 50


def test_attention_stays_whole_in_ios_18(packages: Packages) -> None:
    steps = [step.op for step in read(packages("attention", 18, "fp16")).steps]
    assert steps.count("scaled_dot_product_attention") == 1
    assert "softmax" in {step.op for step in read(packages("attention", 16, "fp16")).steps}


# Compressed by coremltools, against what coremltools makes of its own file


def linear(**options: Any) -> Callable[[Any, Any], Any]:
    def compress(cto: Any, model: Any) -> Any:
        config = cto.OpLinearQuantizerConfig(weight_threshold=512, **options)
        return cto.linear_quantize_weights(model, cto.OptimizationConfig(global_config=config))

    return compress


def palettes(**options: Any) -> Callable[[Any, Any], Any]:
    def compress(cto: Any, model: Any) -> Any:
        config = cto.OpPalettizerConfig(weight_threshold=512, mode="uniform", **options)
        return cto.palettize_weights(model, cto.OptimizationConfig(global_config=config))

    return compress


def jointly(first: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """What `first` makes, its tables or elements quantized to int8 on top."""

    def compress(cto: Any, model: Any) -> Any:
        config = cto.OpLinearQuantizerConfig(weight_threshold=512, granularity="per_tensor")
        options = cto.OptimizationConfig(global_config=config)
        return cto.linear_quantize_weights(first(cto, model), options, joint_compression=True)

    return compress


def pruned_palettes(cto: Any, model: Any) -> Any:
    config = cto.OpPalettizerConfig(weight_threshold=512, mode="uniform", nbits=4)
    return cto.palettize_weights(
        pruned(cto, model), cto.OptimizationConfig(global_config=config), joint_compression=True
    )


def pruned(cto: Any, model: Any) -> Any:
    config = cto.OpMagnitudePrunerConfig(target_sparsity=0.5, weight_threshold=512)
    return cto.prune_weights(model, cto.OptimizationConfig(global_config=config))


BLOCKS: dict[str, Any] = {"granularity": "per_block", "block_size": 32}
COMPRESSED: dict[str, tuple[int, Callable[[Any, Any], Any], str]] = {
    "int8_channel_16": (16, linear(mode="linear_symmetric"), "constexpr_affine_dequantize"),
    "uint8_channel_16": (16, linear(mode="linear"), "constexpr_affine_dequantize"),
    "int8_channel_18": (18, linear(mode="linear_symmetric"), "constexpr_blockwise_shift_scale"),
    "int8_block": (18, linear(mode="linear_symmetric", **BLOCKS), "constexpr_blockwise_shift_scale"),
    "uint8_block": (18, linear(mode="linear", dtype="uint8", **BLOCKS), "constexpr_blockwise_shift_scale"),
    "int4_block": (18, linear(mode="linear_symmetric", dtype="int4", **BLOCKS), "constexpr_blockwise_shift_scale"),
    "uint4_block": (18, linear(mode="linear", dtype="uint4", **BLOCKS), "constexpr_blockwise_shift_scale"),
    "palette_6_16": (16, palettes(nbits=6), "constexpr_lut_to_dense"),
    "palette_4_16": (16, palettes(nbits=4), "constexpr_lut_to_dense"),
    "palette_6_18": (18, palettes(nbits=6), "constexpr_lut_to_dense"),
    "palette_4_groups": (
        18,
        palettes(nbits=4, granularity="per_grouped_channel", group_size=16),
        "constexpr_lut_to_dense",
    ),
    "palette_3_18": (18, palettes(nbits=3), "constexpr_lut_to_dense"),
    "int8_tables": (18, jointly(palettes(nbits=4)), "constexpr_lut_to_dense"),
    "pruned_tables": (18, pruned_palettes, "constexpr_lut_to_sparse"),
    "pruned_int8": (18, lambda cto, model: jointly(pruned)(cto, model), "constexpr_sparse_blockwise_shift_scale"),
    "pruned_16": (16, pruned, "constexpr_sparse_to_dense"),
    "pruned_18": (18, pruned, "constexpr_sparse_to_dense"),
}


@pytest.mark.parametrize("kind", COMPRESSED)
def test_compressed_weights_are_what_coremltools_makes_of_them(packages: Packages, tmp_path: Path, kind: str) -> None:
    import coremltools as ct
    import coremltools.optimize.coreml as cto

    ios, compress, op = COMPRESSED[kind]
    whole = packages("vit", ios, "fp16")
    model = compress(cto, ct.models.MLModel(str(whole), skip_model_load=True))
    small, dense = tmp_path / "small.mlpackage", tmp_path / "dense.mlpackage"
    model.save(str(small))
    cto.decompress_weights(model).save(str(dense))
    assert sum(o.type == op for o in operations(model)) >= 8
    assert not any(o.type == op for o in operations(ct.models.MLModel(str(dense), skip_model_load=True)))
    found = logits_of(small)
    assert np.array_equal(found, logits_of(dense))
    assert not np.array_equal(found, logits_of(whole))


def operations(model: Any) -> list[Any]:
    (block,) = model.get_spec().mlProgram.functions["main"].block_specializations.values()
    return list(block.operations)
