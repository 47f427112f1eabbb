"""Files as frameworks write them: each holds the same net, whatever is around it, with the frameworks' own loaders and
models as witnesses."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.checkpoints import State, assert_refused, pictures, randomise, saved, saved_safely, transformers_model
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from levit_mobile.model.checkpoint import Checkpoint, load_checkpoint

SIDE, CLASSES = 64, 5
OPTIMIZER = {"state": {0: {"exp_avg": torch.ones(3), "step": 7}}, "param_groups": [{"lr": 1e-3, "params": [0, 1]}]}


@torch.no_grad()
def logits(model: Any) -> Tensor:
    x = pictures(3, SIDE, seed=7)
    found = model(x)
    result: Tensor = getattr(found, "logits", found)
    assert result.std(0).mean() > 0.1
    return result


def assert_same_logits(found: Checkpoint, model: Any) -> None:
    assert (logits(found.model) - logits(model)).abs().max() <= 1e-4


def shifted(state: State) -> State:
    """Other weights of the same net, as an average over a training would be: every head bias is one more."""
    return {key: tensor + 1 if key.endswith(("l.bias", "linear.bias")) else tensor for key, tensor in state.items()}


def prefixed(state: State, prefix: str) -> State:
    return {f"{prefix}{key}": tensor for key, tensor in state.items()}


# Containers and prefixes of any name


@pytest.mark.parametrize("names", ["model_state_dict", "state_dict_ema", "model_ema", "ema", "net", "generator"])
def test_a_container_of_any_name(names: str, tmp_path: Path, timm: State) -> None:
    found = load_checkpoint(saved({names: timm, "optimizer": OPTIMIZER, "epoch": 3}, tmp_path / "w.pth"))
    assert (found.weights, found.format, found.choice) == (names, "timm", "")
    assert_same_logits(found, transformers_model("levit_128s"))


def test_containers_inside_containers(tmp_path: Path, official: State) -> None:
    deep = {"checkpoint": {"trainer": {"best": {"model": official, "optimizer": OPTIMIZER}}}, "history": [[1, 2], [3]]}
    assert load_checkpoint(saved(deep, tmp_path / "last.ckpt")).weights == "checkpoint.trainer.best.model"


def test_a_container_that_holds_itself(tmp_path: Path, official: State) -> None:
    content: dict[str, Any] = {"model": official}
    content |= {"again": content, "list": [content, content]}
    assert load_checkpoint(saved(content, tmp_path / "w.pth")).weights == "model"


@pytest.mark.parametrize(
    ("prefix", "layout"),
    [
        ("base_model.", "official"),
        ("levit.", "transformers"),
        ("levit.", "official"),
        ("timm_model.", "timm"),
        ("module.model.", "transformers"),
        ("0.", "official"),
        ("a.b.c.d.", "timm"),
    ],
)
def test_a_prefix_of_any_name(prefix: str, layout: str, tmp_path: Path, official: State, timm: State) -> None:
    hub = transformers_model("levit_128s").state_dict()
    state = prefixed({"official": official, "timm": timm, "transformers": hub}[layout], prefix)
    found = load_checkpoint(saved(state, tmp_path / "w.pth"))
    assert (found.weights, found.format) == (prefix.removesuffix("."), layout)
    assert load_checkpoint(saved_safely(state, tmp_path / "w.safetensors")).weights == prefix.removesuffix(".")
    assert_same_logits(found, transformers_model("levit_128s"))


def test_wrappers_in_the_middle_of_keys(tmp_path: Path, timm: State) -> None:
    """As FSDP and activation checkpointing of single blocks, and torch.compile of a stage, name them."""
    wrapped = {
        "_fsdp_wrapped_module."
        + key.replace("blocks.0.", "blocks.0._checkpoint_wrapped_module.").replace(
            "stages.1.", "stages.1._orig_mod."
        ): tensor
        for key, tensor in timm.items()
    }
    assert_same_logits(load_checkpoint(saved(wrapped, tmp_path / "w.pth")), transformers_model("levit_128s"))
    clash = {"_orig_mod.head.bn.bias": torch.zeros(384), **timm}
    assert_refused(saved(clash, tmp_path / "v.pth"), "checkpoint.surplus-keys", "head.bn.bias", "same key")


def test_a_file_of_lightning(tmp_path: Path, timm: State) -> None:
    content = {
        "epoch": 3,
        "global_step": 99,
        "pytorch-lightning_version": "2.5.0",
        "state_dict": prefixed(timm, "model.") | {"criterion.weight": torch.ones(5), "val_acc.tp": torch.zeros(5)},
        "loops": {"fit_loop": {"state_dict": {}}},
        "callbacks": {"EarlyStopping{'monitor': 'val'}": {"best_score": torch.tensor(0.5)}},
        "optimizer_states": [OPTIMIZER],
        "lr_schedulers": [],
        "hparams_name": "kwargs",
        "hyper_parameters": {"lr": 1e-3, "root": Path("data"), "started": datetime(2024, 1, 1)},
    }
    found = load_checkpoint(saved(content, tmp_path / "epoch=3.ckpt"))
    assert found.weights == "state_dict.model"
    assert_same_logits(found, transformers_model("levit_128s"))


def test_numbers_paths_and_arguments_beside_the_weights(tmp_path: Path, official: State) -> None:
    arguments = Namespace(output=tmp_path, lr=np.float32(1e-3), seed=np.int64(1), started=datetime(2024, 1, 1))
    content = {"model": official, "best": np.float64(0.9), "args": arguments, "history": np.arange(3)}
    found = load_checkpoint(saved(content, tmp_path / "w.pth"))
    assert_same_logits(found, transformers_model("levit_128s"))


# Averaged and trained weights beside each other


def biases(found: Checkpoint) -> Tensor:
    return found.model.head.linear.bias


@pytest.mark.parametrize(
    ("raw", "ema", "default"),
    [
        ("state_dict", "state_dict_ema", "ema"),
        ("model", "state_dict_ema", "ema"),
        ("model", "model_ema", "ema"),
        ("net", "ema", "ema"),
        ("model_state_dict", "ema_state_dict", "ema"),
        ("state_dict", "swa_model", "ema"),
    ],
)
def test_the_averaged_weights_are_taken_unless_the_others_are_asked_for(
    raw: str, ema: str, default: str, tmp_path: Path, timm: State
) -> None:
    file = saved({raw: timm, ema: shifted(timm)}, tmp_path / "w.pth")
    found = {asked: load_checkpoint(file, weights=asked) for asked in (None, "ema", "raw")}
    assert (found["ema"].weights, found["raw"].weights, found[None].weights) == (ema, raw, {"ema": ema}[default])
    assert (found["ema"].averaged, found["raw"].averaged) == (True, False)
    assert torch.equal(biases(found["ema"]), timm["head.linear.bias"] + 1)
    assert torch.equal(biases(found["raw"]), timm["head.linear.bias"])
    assert found[None].choice == f"took the averaged weights ({ema}); --weights raw takes the others ({raw})"
    assert found["raw"].choice == f"took the raw weights ({raw}); --weights ema takes the others ({ema})"


def test_the_official_script_evaluates_its_model_and_not_the_average(tmp_path: Path, official: State) -> None:
    file = saved({"model": official, "model_ema": shifted(official)}, tmp_path / "checkpoint.pth")
    assert (load_checkpoint(file).weights, load_checkpoint(file, weights="ema").weights) == ("model", "model_ema")
    assert torch.equal(biases(load_checkpoint(file)), official["head.l.bias"])


def test_weights_that_the_file_does_not_hold(tmp_path: Path, timm: State) -> None:
    file = saved({"model": timm}, tmp_path / "w.pth")
    assert_refused(file, "checkpoint.weights", "no averaged weights", "model", weights="ema")
    assert_refused(saved(timm, tmp_path / "v.pth"), "checkpoint.weights", "bare state dict", weights="ema")
    ema = saved({"state_dict_ema": timm}, tmp_path / "u.pth")
    assert_refused(ema, "checkpoint.weights", "not averaged", "state_dict_ema", weights="raw")
    assert_refused(file, "checkpoint.weights", "'best'", "ema or raw", weights="best")
    assert load_checkpoint(ema, weights="ema").weights == load_checkpoint(ema).weights == "state_dict_ema"


def test_averaged_weights_without_statistics_name_the_others(tmp_path: Path, timm: State) -> None:
    average = {key: tensor for key, tensor in timm.items() if "running" not in key}
    file = saved({"state_dict": timm, "state_dict_ema": average}, tmp_path / "w.pth")
    assert_refused(file, "checkpoint.missing-keys", "running_mean", "--weights raw takes the others (state_dict)")
    assert load_checkpoint(file, weights="raw").weights == "state_dict"


def test_lightnings_average_stands_in_the_place_of_the_trained_weights(tmp_path: Path, timm: State) -> None:
    content = {
        "state_dict": prefixed(shifted(timm), "model."),
        "current_model_state": prefixed(timm, "model."),
        "averaging_state": {"n_averaged": torch.tensor(4)},
    }
    file = saved(content, tmp_path / "w.ckpt")
    assert (load_checkpoint(file).weights, load_checkpoint(file).averaged) == ("state_dict.model", True)
    assert load_checkpoint(file, weights="raw").weights == "current_model_state.model"


def test_both_in_one_state_dict(tmp_path: Path, timm: State) -> None:
    """As a LightningModule with the attributes `net` and `ema` saves them."""
    average = prefixed(shifted(timm), "ema.module.") | {"ema.n_averaged": torch.tensor(3)}
    file = saved({"state_dict": prefixed(timm, "net.") | average}, tmp_path / "w.ckpt")
    assert load_checkpoint(file).weights == "state_dict.ema.module"
    assert load_checkpoint(file, weights="raw").weights == "state_dict.net"
    assert torch.equal(biases(load_checkpoint(file)), timm["head.linear.bias"] + 1)


@pytest.mark.parametrize("layout", ["own", "transformers"])
def test_torchs_averaged_model(layout: str, tmp_path: Path, timm: State) -> None:
    plain = load_checkpoint(saved(timm, tmp_path / "w.pth")).model
    model = plain if layout == "own" else transformers_model("levit_128s")
    average = AveragedModel(model)
    average.update_parameters(model)
    found = load_checkpoint(saved(average.state_dict(), tmp_path / "swa.pth"))
    assert (found.weights, found.averaged, found.choice) == ("module", True, "")
    assert_same_logits(found, average.module)
    assert_refused(tmp_path / "swa.pth", "checkpoint.weights", "module", weights="raw")


def test_several_nets(tmp_path: Path, timm: State) -> None:
    two = {"first": timm, "second": shifted(timm)}
    assert_refused(saved(two, tmp_path / "w.pth"), "checkpoint.weights", "several nets", "first, second")
    both = prefixed(timm, "student.") | prefixed(shifted(timm), "peer.")
    assert_refused(saved(both, tmp_path / "v.pth"), "checkpoint.weights", "student, peer")
    teacher = prefixed(timm, "student.") | prefixed(shifted(timm), "teacher.")
    assert load_checkpoint(saved(teacher, tmp_path / "u.pth")).weights == "student"
    twice = prefixed(timm, "model.") | prefixed(timm, "net.")
    assert load_checkpoint(saved(twice, tmp_path / "t.pth")).weights == "model"


# Tensors beside the net


def test_what_may_belong_to_the_model_is_listed(tmp_path: Path, timm: State) -> None:
    more = prefixed(timm, "model.") | {"mean": torch.zeros(3), "temperature": torch.ones(1)}
    facts = ("2 tensors", "mean, temperature", "'model.'")
    assert_refused(saved(more, tmp_path / "w.pth"), "checkpoint.surplus-keys", *facts)


@pytest.mark.parametrize(
    "key", ["criterion.weight", "loss_fn.weight", "train_acc.total", "metrics.f1.tp", "teacher.fc.weight"]
)
@pytest.mark.parametrize("prefix", ["", "model."])
def test_what_plainly_does_not_belong_to_the_model_is_left_out(
    prefix: str, key: str, tmp_path: Path, timm: State
) -> None:
    state = prefixed(timm, prefix) | {key: torch.zeros(5)}
    assert load_checkpoint(saved(state, tmp_path / "w.pth")).weights == prefix.removesuffix(".")


def test_tensors_without_a_net(tmp_path: Path) -> None:
    file = saved({"optimizer": {"state": {"a": torch.ones(1)}}}, tmp_path / "w.pth")
    assert_refused(file, "checkpoint.no-state-dict", "only in optimizer.state")
    heads = saved({"head.l.weight": torch.ones(2, 2)}, tmp_path / "v.pth")
    assert_refused(heads, "checkpoint.missing-keys", "head.l.weight")
    other = saved({"model_state_dict": {"conv.weight": torch.ones(1)}}, tmp_path / "u.pth")
    assert_refused(other, "checkpoint.not-levit", "conv.weight")


# timm's own files, loader and models


@pytest.fixture(scope="module")
def timm_model() -> Callable[..., Any]:
    timm = pytest.importorskip("timm")

    def make(name: str = "levit_128s", seed: int = 1, **options: Any) -> Any:
        model = timm.create_model(name, img_size=SIDE, num_classes=CLASSES, **options)
        torch.manual_seed(seed)
        randomise(model, pictures(12, SIDE, seed))
        return model.eval()

    return make


@pytest.mark.parametrize("name", ["levit_128s", "levit_conv_128s"])
def test_what_timms_saver_writes_is_read_as_timms_loader_does(
    name: str, tmp_path: Path, timm_model: Callable[..., Any]
) -> None:
    from timm.models import load_checkpoint as load_by_timm
    from timm.utils import CheckpointSaver, ModelEmaV3

    model, average = timm_model(name), timm_model(name, seed=2)
    ema = ModelEmaV3(average)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    saver = CheckpointSaver(model, optimizer, Namespace(model=name), ema, checkpoint_dir=str(tmp_path))
    saver.save_checkpoint(3, 0.9)
    file = tmp_path / "checkpoint-3.pth.tar"
    for weights, use_ema, expected in ((None, True, average), ("ema", True, average), ("raw", False, model)):
        witness = timm_model(name, seed=3)
        load_by_timm(witness, str(file), use_ema=use_ema)
        assert torch.equal(logits(witness), logits(expected))
        assert_same_logits(load_checkpoint(file, weights=weights), witness.eval())


HEADS: dict[str, Callable[[int], nn.Module]] = {
    "a linear layer": lambda width: nn.Linear(width, CLASSES),
    "a linear layer without bias": lambda width: nn.Linear(width, CLASSES, bias=False),
    "behind dropout": lambda width: nn.Sequential(nn.Dropout(0.5), nn.Linear(width, CLASSES)),
    "a norm and a linear layer": lambda width: nn.Sequential(nn.BatchNorm1d(width), nn.Linear(width, CLASSES)),
}


@pytest.mark.parametrize(
    ("kind", "distilled", "suffix"),
    [(kind, index % 2 == 1, suffix) for index, kind in enumerate(HEADS) for suffix in ("pth", "safetensors")]
    + [("a linear layer", True, "pth"), ("a norm and a linear layer", False, "pth")],
)
def test_a_head_that_was_replaced(
    kind: str, distilled: bool, suffix: str, tmp_path: Path, timm_model: Callable[..., Any]
) -> None:
    from timm.models.levit import Levit

    model = timm_model(distilled=distilled) if distilled else timm_model()
    for name in ("head", "head_dist"):
        if distilled or name == "head":
            setattr(model, name, HEADS[kind](384))
    if not distilled:
        model.__class__ = Levit
        del model.head_dist
    randomise(model, pictures(12, SIDE))
    write = saved if suffix == "pth" else saved_safely
    found = load_checkpoint(write(model.state_dict(), tmp_path / f"w.{suffix}"))
    assert (found.distillation, found.model.head_norm) == (distilled, "norm" in kind)
    assert_same_logits(found, model.eval())


def test_a_pruned_head(tmp_path: Path, timm_model: Callable[..., Any]) -> None:
    from torch.nn.utils import prune

    model = timm_model()
    prune.l1_unstructured(model.head.linear, "weight", 0.5)
    prune.random_structured(model.stages[0].blocks[0].attn.qkv.linear, "weight", 0.25, dim=0)
    state = model.state_dict()
    assert {"head.linear.weight_orig", "head.linear.weight_mask"} <= state.keys()
    assert_same_logits(load_checkpoint(saved(state, tmp_path / "w.pth")), model)


def test_a_head_in_a_module_around_the_trunk(tmp_path: Path) -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.backbone, self.fc = transformers_model("levit_128s").levit, nn.Linear(384, CLASSES)

        def forward(self, x: Tensor) -> Tensor:
            result: Tensor = self.fc(self.backbone(x).pooler_output)
            return result

    model = Net().eval()
    nn.init.normal_(model.fc.weight)
    found = load_checkpoint(saved(model.state_dict(), tmp_path / "w.pth"))
    assert (found.weights, found.format, found.model.head_norm) == ("backbone", "transformers", False)
    assert_same_logits(found, model)


@pytest.mark.parametrize("name", ["fc", "classifier", "head"])
@pytest.mark.parametrize("depth", ["", "module."])
def test_a_head_beside_the_trunk(name: str, depth: str, tmp_path: Path, timm: State) -> None:
    trunk = {key: tensor for key, tensor in timm.items() if not key.startswith("head")}
    head = {f"{depth}{name}.weight": torch.ones(4, 384), f"{depth}{name}.bias": torch.arange(4.0)}
    found = load_checkpoint(saved(prefixed(trunk, f"{depth}backbone.") | head, tmp_path / "w.pth"))
    assert (found.classes, found.distillation, found.model.head_norm) == (4, False, False)
    assert torch.equal(found.model.head.bias, torch.arange(4.0))


def replaced(state: State, head: State) -> State:
    return {key: tensor for key, tensor in state.items() if not key.startswith("head")} | head


def test_heads_that_a_state_dict_does_not_describe(tmp_path: Path, timm: State) -> None:
    two = {"head.0.weight": torch.ones(64, 384), "head.2.weight": torch.ones(5, 64)}
    file = saved(replaced(timm, two), tmp_path / "w.pth")
    assert_refused(file, "checkpoint.other-levit", "2 layers with weights", "head.0, head.2")
    norm = {"head.0.weight": torch.ones(384), "head.0.bias": torch.ones(384), "head.1.weight": torch.ones(5, 384)}
    assert_refused(saved(replaced(timm, norm), tmp_path / "v.pth"), "checkpoint.other-levit", "head.0, head.1")
    after = {f"head.1.{leaf}": torch.ones(5) for leaf in ("weight", "bias", "running_mean", "running_var")}
    after["head.0.weight"] = torch.ones(5, 384)
    assert_refused(saved(replaced(timm, after), tmp_path / "u.pth"), "checkpoint.other-levit", "head.1, head.0")


def test_a_trunk_without_any_head(tmp_path: Path, timm: State) -> None:
    trunk = replaced(timm, {})
    file = saved(prefixed(trunk, "net."), tmp_path / "w.pth")
    facts = ("no classification head", "net.head.linear.weight", "net.head.weight")
    assert_refused(file, "checkpoint.missing-keys", *facts)
    beside = saved(prefixed(trunk, "net.") | {"scores.weight": torch.ones(2, 384)}, tmp_path / "v.pth")
    assert_refused(beside, "checkpoint.missing-keys", *facts, "scores.weight")


def test_heads_that_do_not_fit_each_other(tmp_path: Path, timm: State) -> None:
    one = {key: tensor for key, tensor in timm.items() if not key.startswith("head.")}
    plain = one | {"head.weight": torch.ones(5, 384), "head.bias": torch.ones(5)}
    assert_refused(saved(plain, tmp_path / "w.pth"), "checkpoint.other-levit", "head.weight", "head_dist.linear.weight")
    other = one | {"head.weight": torch.ones(3, 384), "head.bias": torch.ones(3)}
    assert_refused(saved(other, tmp_path / "v.pth"), "checkpoint.shape", "3 and 5 classes", "head_dist")


# Nets that take no colours


def of_transformers(tmp_path: Path, **options: Any) -> Path:
    from transformers import LevitConfig, LevitForImageClassification

    sizes = {"hidden_sizes": [128, 256, 384], "num_attention_heads": [4, 6, 8], "depths": [2, 3, 4]}
    LevitForImageClassification(LevitConfig(image_size=32, **sizes | options)).save_pretrained(tmp_path)
    return tmp_path


@pytest.mark.parametrize("colours", [1, 4])
def test_other_colours_than_red_green_and_blue(colours: int, tmp_path: Path) -> None:
    other = of_transformers(tmp_path, num_channels=colours)
    assert_refused(other, "checkpoint.other-levit", f"num_channels {colours}", "expected 3")
    (tmp_path / "config.json").unlink()
    channels = {1: "1 channel (", 4: "4 channels ("}[colours]
    assert_refused(other, "checkpoint.shape", f"images of {channels}", "expected 3")


@pytest.mark.parametrize("heads", [1, 2])
def test_a_head_without_a_norm_is_baked_exactly(heads: int, tmp_path: Path, timm: State) -> None:
    from levit_mobile.model.families import family_of

    plain = {"head": torch.randn(5, 384) / 20, "head_dist": torch.randn(5, 384) / 20}
    state = {key: tensor for key, tensor in timm.items() if not key.startswith("head")}
    for name, weight in list(plain.items())[:heads]:
        state |= {f"{name}.weight": weight, f"{name}.bias": torch.arange(5.0)}
    model = load_checkpoint(saved(state, tmp_path / "w.pth")).model
    baked = family_of(model).bake(model, mean=(0.0,) * 3, std=(1.0,) * 3)
    assert (logits(baked) - logits(model)).abs().max() <= 1e-4
