"""Every layout becomes the same net; files that are damaged, unsafe or no checkpoint are refused."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from support.checkpoints import (
    CONFIGS,
    State,
    as_convolutions,
    assert_refused,
    mmpretrain_state,
    official_state,
    pictures,
    saved,
    saved_safely,
    timm_state,
    transformers_model,
)
from timm.data import ImageNetInfo

from levit_mobile.model.checkpoint import Checkpoint, load_checkpoint
from levit_mobile.model.download import BUNDLED
from levit_mobile.model.families.levit import OFFICIAL


@torch.no_grad()
def logits_differ_by(model: Any, checkpoint: Checkpoint) -> float:
    """Greatest difference from transformers' logits, after seeing that those depend on the picture."""
    x = pictures(4, checkpoint.input_size[0], seed=7)
    reference = model(x).logits
    assert 0.3 < reference.std() < 10
    assert reference.std(0).mean() > 0.3
    return (checkpoint.model(x) - reference).abs().max().item()


def assert_same_weights(checkpoint: Checkpoint, other: Checkpoint) -> None:
    ours, theirs = checkpoint.model.state_dict(), other.model.state_dict()
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[key], theirs[key]) for key in ours if not key.endswith("num_batches_tracked"))


STATES = {"official": official_state, "timm": timm_state, "mmpretrain": mmpretrain_state}


# Every layout


@pytest.mark.slow
@pytest.mark.parametrize(("variant", "side"), {**dict.fromkeys(CONFIGS, 96), "levit_128s": 224}.items())
def test_all_layouts_of_a_variant_are_the_same_net(variant: str, side: int, tmp_path: Path) -> None:
    model = transformers_model(variant, side=side)
    model.save_pretrained(tmp_path / "hf")
    reference = load_checkpoint(tmp_path / "hf")
    assert logits_differ_by(model, reference) <= 1e-4
    assert (reference.variant, reference.format) == (variant, "transformers")
    assert (reference.classes, reference.input_size[0], reference.distillation) == (5, side, True)
    official = load_checkpoint(saved({"model": official_state(model, variant)}, tmp_path / "official.pth"))
    timm = load_checkpoint(saved_safely(timm_state(model, variant), tmp_path / "timm.safetensors"))
    other = load_checkpoint(saved({"state_dict": mmpretrain_state(model, variant)}, tmp_path / "mmpretrain.pth"))
    own = load_checkpoint(saved(reference.model.state_dict(), tmp_path / "own.pth"))
    assert [found.format for found in (official, timm, other, own)] == [
        "official",
        "timm",
        "mmpretrain",
        "levit-mobile",
    ]
    for found in (official, timm, other, own):
        assert (found.variant, found.classes, found.input_size[0], found.distillation) == (variant, 5, side, True)
        assert_same_weights(found, reference)


def test_the_model_comes_ready_for_inference(tmp_path: Path, official: State) -> None:
    before = torch.get_rng_state()
    found = load_checkpoint(saved(official, tmp_path / "bare.pth"))
    assert not any(module.training for module in found.model.modules())
    assert {tensor.dtype for tensor in found.model.parameters()} == {torch.float32}
    assert all(tensor.device.type == "cpu" for tensor in found.model.state_dict().values())
    assert torch.equal(torch.get_rng_state(), before)
    assert found.source == str(tmp_path / "bare.pth")
    assert found.sha256 == hashlib.sha256((tmp_path / "bare.pth").read_bytes()).hexdigest()


@pytest.mark.parametrize("side", [32, 96, 256])
def test_the_side_is_read_from_the_bias_tables(side: int, tmp_path: Path) -> None:
    model = transformers_model("levit_128s", side=side, classes=3)
    found = load_checkpoint(saved(official_state(model, "levit_128s"), tmp_path / "w.pth"))
    assert (found.input_size[0], found.classes) == (side, 3)
    assert logits_differ_by(model, found) <= 1e-4


@pytest.mark.parametrize("layout", ["official", "timm", "mmpretrain", "transformers"])
def test_one_head(layout: str, tmp_path: Path) -> None:
    model = transformers_model("levit_128s", heads=1)
    if layout == "transformers":
        model.save_pretrained(tmp_path)
        found = load_checkpoint(tmp_path)
    else:
        state = STATES[layout](model, "levit_128s", 1)
        found = load_checkpoint(saved(state, tmp_path / "w.pth"))
    assert (found.format, found.distillation, found.model.head_dist) == (layout, False, None)
    assert logits_differ_by(model, found) <= 1e-4


@pytest.mark.parametrize("layout", ["official", "timm"])
def test_convolutions_of_one_pixel_are_matrices(layout: str, tmp_path: Path, official: State, timm: State) -> None:
    state = as_convolutions({"official": official, "timm": timm}[layout])
    assert sum(tensor.shape[2:] == (1, 1) for tensor in state.values()) == 46
    found = load_checkpoint(saved(state, tmp_path / "w.bin"))
    assert (found.format, found.variant) == (layout, "levit_128s")
    assert logits_differ_by(transformers_model("levit_128s"), found) <= 1e-4


def test_a_training_checkpoint_with_everything_beside_the_weights(tmp_path: Path, official: State) -> None:
    everything = {
        "model": official,
        "optimizer": {"state": {0: {"step": 3, "exp_avg": torch.ones(2)}}, "param_groups": [{"lr": 1e-3}]},
        "lr_scheduler": {"base_values": [5e-4]},
        "epoch": 999,
        "model_ema": {key: tensor * 0 for key, tensor in official.items()},
        "scaler": {"scale": 65536.0},
        "args": argparse.Namespace(model="LeViT_128S", lr=5e-4, opt_betas=None, output_dir=""),
    }
    found = load_checkpoint(saved(everything, tmp_path / "checkpoint.pth"))
    assert logits_differ_by(transformers_model("levit_128s"), found) <= 1e-4


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "module._orig_mod.", "_orig_mod.module."])
def test_wrappers_are_taken_off(prefix: str, tmp_path: Path, timm: State) -> None:
    state = {"state_dict": {f"{prefix}{key}": tensor for key, tensor in timm.items()}, "arch": "levit_128s"}
    assert load_checkpoint(saved(state, tmp_path / "model_best.pth.tar")).format == "timm"


@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float16, 0.05), (torch.bfloat16, 0.5), (torch.float64, 1e-6)], ids=str
)
def test_other_float_types_become_float32(dtype: torch.dtype, tolerance: float, tmp_path: Path, timm: State) -> None:
    state = {key: tensor.to(dtype) if tensor.is_floating_point() else tensor for key, tensor in timm.items()}
    found = load_checkpoint(saved_safely(state, tmp_path / "w.safetensors"))
    assert {tensor.dtype for tensor in found.model.parameters()} == {torch.float32}
    assert logits_differ_by(transformers_model("levit_128s"), found) <= tolerance


def test_weights_saved_on_a_gpu(tmp_path: Path, official: State, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(torch.serialization, "location_tag", lambda storage: "cuda:0")  # noqa: ARG005
        saved(official, tmp_path / "w.pth")
    assert b"cuda:0" in (tmp_path / "w.pth").read_bytes()
    found = load_checkpoint(tmp_path / "w.pth")
    assert {tensor.device.type for tensor in found.model.state_dict().values()} == {"cpu"}


def test_the_model_does_not_change_with_the_file(tmp_path: Path, timm: State) -> None:
    file = saved_safely(timm, tmp_path / "w.safetensors")
    found = load_checkpoint(file)
    before = found.model.head.linear.weight.clone()
    with file.open("r+b") as stream:
        stream.write(bytes(file.stat().st_size))
    assert torch.equal(found.model.head.linear.weight, before)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "levit.pth", "anything.safetensors"])
def test_a_folder_with_one_file(name: str, tmp_path: Path, timm: State) -> None:
    (saved_safely if name.endswith("safetensors") else saved)(timm, tmp_path / name)
    (tmp_path / "config.json").write_text('{"architecture": "levit_128s"}')
    assert load_checkpoint(tmp_path).variant == "levit_128s"


def test_shards(tmp_path: Path) -> None:
    model = transformers_model("levit_128s")
    model.save_pretrained(tmp_path, max_shard_size="10MB")
    shards = sorted(tmp_path.glob("model-*.safetensors"))
    assert len(shards) > 1
    found = load_checkpoint(tmp_path)
    assert found.sha256 == hashlib.sha256(b"".join(file.read_bytes() for file in shards)).hexdigest()
    assert logits_differ_by(model, found) <= 1e-4
    shards[0].unlink()
    assert_refused(tmp_path, "checkpoint.no-weights", shards[0].name, len(shards))


# What the file says about itself


def test_labels_of_a_transformers_folder(tmp_path: Path) -> None:
    transformers_model("levit_128s").save_pretrained(tmp_path)
    assert load_checkpoint(tmp_path).labels is None  # LABEL_0 and so on
    config = json.loads((tmp_path / "config.json").read_text())
    names = {"4": "e", "0": "tench, Tinca tinca", "1": "b", "2": "c", "3": "d"}
    (tmp_path / "config.json").write_text(json.dumps(config | {"id2label": names}))
    expected = ("tench, Tinca tinca", "b", "c", "d", "e")
    assert load_checkpoint(tmp_path).labels == expected
    assert load_checkpoint(tmp_path / "model.safetensors").labels == expected
    (tmp_path / "config.json").write_text(json.dumps({"id2label": {"0": "a", "1": "b"}}))
    assert_refused(tmp_path, "checkpoint.metadata", "2 labels", "expected 5", "id2label")
    (tmp_path / "config.json").write_text(json.dumps({"id2label": {"1": "a", "2": "b"}}))
    assert_refused(tmp_path, "checkpoint.metadata", "id2label", "config.json")
    (tmp_path / "config.json").write_text("{")
    assert_refused(tmp_path, "checkpoint.damaged", "JSON", tmp_path / "config.json")


def test_labels_beside_the_weights_of_a_training(tmp_path: Path, official: State) -> None:
    class_to_idx = {"emu": 4, "cat": 0, "dog": 1, "ox": 3, "hen": 2}
    found = load_checkpoint(saved({"model": official, "class_to_idx": class_to_idx}, tmp_path / "checkpoint.pth"))
    assert (found.labels, found.labels_source) == (("cat", "dog", "hen", "ox", "emu"), "checkpoint")


def test_labels_of_a_timm_folder(tmp_path: Path, timm: State) -> None:
    saved_safely(timm, tmp_path / "model.safetensors")
    config = {"architecture": "levit_128s", "num_classes": 5, "label_names": ["n1", "n2", "n3", "n4", "n5"]}
    (tmp_path / "config.json").write_text(json.dumps(config | {"label_descriptions": {"n1": "a cat"}}))
    for place in (tmp_path, tmp_path / "model.safetensors"):
        assert load_checkpoint(place).labels == ("n1", "n2", "n3", "n4", "n5")


def test_a_thousand_classes_have_imagenets_names_only_where_they_are_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = official_state(transformers_model("levit_128s", classes=1000), "levit_128s")
    path = saved(state, tmp_path / "w.pth")
    own = load_checkpoint(path)
    assert (own.labels, own.labels_source) == (None, None)
    monkeypatch.setattr("levit_mobile.model.checkpoint.resolve", lambda *_, **__: path)
    found = load_checkpoint("facebook/levit-128S")
    assert found.labels == tuple(ImageNetInfo("imagenet-1k").label_descriptions())
    assert found.labels_source == "published"
    assert load_checkpoint("somebody/levit-128S").labels is None


OWN = {
    "format": "levit-mobile",
    "variant": "levit_128s",
    "classes": "5",
    "side": "64",
    "distillation": "true",
    "labels": "0,1,2,3,4",
    "source": "trained for a test",
    "licence": "Apache-2.0",
}


def own_file(tmp_path: Path, **metadata: str) -> Path:
    weights = official_state(transformers_model("levit_128s"), "levit_128s")
    model = load_checkpoint(saved(weights, tmp_path / "w.pth")).model
    state = {key: tensor.half() for key, tensor in model.state_dict().items() if "num_batches" not in key}
    return saved_safely(state, tmp_path / "own.safetensors", OWN | metadata)


def test_our_own_file(tmp_path: Path) -> None:
    found = load_checkpoint(own_file(tmp_path))
    assert (found.format, found.labels, found.metadata) == ("levit-mobile", ("0", "1", "2", "3", "4"), OWN)
    assert logits_differ_by(transformers_model("levit_128s"), found) <= 0.05
    listed = load_checkpoint(own_file(tmp_path, labels='["a, b", "c", "d", "e", "f"]'))
    assert listed.labels == ("a, b", "c", "d", "e", "f")


@pytest.mark.parametrize(
    ("name", "value"),
    [("variant", "levit_128"), ("classes", "10"), ("side", "224"), ("distillation", "false"), ("labels", "a,b")],
)
def test_our_own_file_that_contradicts_its_weights(name: str, value: str, tmp_path: Path) -> None:
    assert_refused(own_file(tmp_path, **{name: value}), "checkpoint.metadata", name)


def test_the_bundled_file_loads() -> None:
    found = load_checkpoint(BUNDLED)
    assert (found.variant, found.classes, found.input_size[0], found.distillation) == ("levit_128s", 10, 224, True)
    assert found.labels == tuple("0123456789")


# Files


class Bomb:
    """A pickle that makes a file when it is loaded by a reader that trusts it."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.system, (f"touch {self.mark}",)


@pytest.mark.parametrize("place", ["alone", "beside the weights", "in a Namespace", "old format", "plain pickle"])
def test_a_pickle_that_runs_code_is_refused_and_does_not_run(place: str, tmp_path: Path, official: State) -> None:
    mark, file = tmp_path / "ran", tmp_path / "w.pth"
    bomb = Bomb(mark)
    content = {
        "beside the weights": {"model": official, "epoch": bomb},
        "in a Namespace": {"model": official, "args": argparse.Namespace(lr=bomb)},
    }.get(place, bomb)
    if place == "plain pickle":
        file.write_bytes(pickle.dumps(content, protocol=2))
    else:
        torch.save(content, file, _use_new_zipfile_serialization=place != "old format")
    assert_refused(file, "checkpoint.unsafe", file, "posix.system", "safetensors")
    assert not mark.exists()


@pytest.mark.parametrize("protocol", range(6))
def test_no_protocol_of_pickle_runs_code(protocol: int, tmp_path: Path) -> None:
    (tmp_path / "w.pth").write_bytes(pickle.dumps({"model": Bomb(tmp_path / "ran")}, protocol))
    fault = "unsafe" if protocol in (1, 2, 3) else "damaged"  # torch reads none of the other protocols
    assert_refused(tmp_path / "w.pth", f"checkpoint.{fault}", "w.pth")
    assert not (tmp_path / "ran").exists()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_torchscript_is_no_checkpoint(tmp_path: Path) -> None:
    torch.jit.save(torch.jit.trace(torch.nn.ReLU(), torch.ones(1)), tmp_path / "w.pt")
    assert_refused(tmp_path / "w.pt", "checkpoint.damaged", "w.pt", "PyTorch")


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("kept", [0.0, 0.0001, 0.01, 0.5, 0.999])
def test_a_file_cut_short(suffix: str, kept: float, tmp_path: Path, timm: State) -> None:
    whole = (saved if suffix == ".pth" else saved_safely)(timm, tmp_path / f"whole{suffix}").read_bytes()
    file = tmp_path / f"w{suffix}"
    file.write_bytes(whole[: int(kept * len(whole))])
    assert_refused(file, "checkpoint.damaged", file, "0 bytes" if kept == 0 else "cut short")


@pytest.mark.parametrize("name", ["w.pth", "w.bin", "w.safetensors"])
@pytest.mark.parametrize("content", [b"<html>404</html>", b"\x80\x02.", bytes(4096), b"\xff" * 4096], ids=repr)
def test_a_file_that_is_no_checkpoint(name: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    assert_refused(tmp_path / name, "checkpoint.damaged", tmp_path / name)


def test_a_git_lfs_pointer(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n")
    assert_refused(tmp_path, "checkpoint.no-weights", "model.safetensors", "git lfs pull")


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ([1, 2], "no-state-dict"),
        ({}, "no-state-dict"),
        (torch.ones(2), "no-state-dict"),
        ({"model": 3}, "no-state-dict"),
        ({"epoch": 1}, "no-state-dict"),
        ({"model": {"a": 1}}, "no-state-dict"),
        ({"model": {"a": 1, "b": torch.ones(2)}}, "not-levit"),
        ({7: torch.ones(2)}, "no-state-dict"),
    ],
    ids=str,
)
def test_a_pickle_without_a_state_dict(content: object, fault: str, tmp_path: Path) -> None:
    assert_refused(saved(content, tmp_path / "w.pth"), f"checkpoint.{fault}", "b" if fault == "not-levit" else "w.pth")


def test_a_file_of_another_kind(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"1")
    assert_refused(tmp_path / "model.onnx", "checkpoint.no-weights", "model.onnx", "*.safetensors, *.pth")


def test_folders_without_weights_or_with_several(tmp_path: Path, timm: State) -> None:
    assert_refused(tmp_path, "checkpoint.no-weights", tmp_path, "no weight files", "model.safetensors")
    saved(timm, tmp_path / "a.pth")
    saved(timm, tmp_path / "b.pth")
    assert_refused(tmp_path, "checkpoint.no-weights", tmp_path, "a.pth, b.pth")


@pytest.mark.parametrize("name", ["nowhere", "no/where/at/all", "runs/checkpoint.pth", "../levit", "/no/levit.pth"])
def test_a_path_that_does_not_exist(name: str) -> None:
    official = [url.rpartition("/")[2].rpartition("-")[0] for url in OFFICIAL.values()]
    assert_refused(name, "checkpoint.not-found", name, "owner/name", *official)
