"""Files that are odd on purpose: each is refused in a sentence before memory is spent on what it claims."""

from __future__ import annotations

import json
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from support.checkpoints import State, assert_refused, saved, saved_safely, transformers_model
from torch import Tensor

from levit_mobile.model import weight_files
from levit_mobile.model.checkpoint import load_checkpoint
from levit_mobile.model.download import BUNDLED

KEY = "blocks.0.m.qkv.c.weight"


def changed(official: State, tmp_path: Path, tensor: Tensor, key: str = KEY) -> Path:
    return saved({"model": official | {key: tensor}}, tmp_path / "w.pth")


# Tensors that are not plain numbers


def nested(weight: Tensor) -> Tensor:
    return torch.nested.nested_tensor([weight[:3], weight[:5]])


ODD: dict[str, Callable[[Tensor], Tensor]] = {
    "sparse": lambda weight: weight.to_sparse(),
    "sparse_csr": lambda weight: weight.to_sparse_csr(),
    "nested": nested,
    "meta": lambda weight: weight.to("meta"),
    "quantized": lambda weight: torch.quantize_per_tensor(weight, 0.1, 0, torch.qint8),
    "float4_e2m1fn_x2": lambda weight: torch.zeros(weight.shape, dtype=torch.uint8).view(torch.float4_e2m1fn_x2),
    "complex64": lambda weight: weight.to(torch.complex64),
    "bool": lambda weight: weight > 0,
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ODD)
@pytest.mark.parametrize("key", [KEY, "head.l.bias"])
def test_a_tensor_without_plain_numbers(kind: str, key: str, tmp_path: Path, official: State) -> None:
    weight = official[key] if official[key].ndim == 2 else official[key][None]
    if kind in ("complex64", "bool", "float4_e2m1fn_x2"):
        weight = official[key]
    assert_refused(changed(official, tmp_path, ODD[kind](weight), key), "checkpoint.dtype", key, kind)


@pytest.mark.parametrize("dtype", [torch.float8_e4m3fn, torch.float8_e5m2, torch.float8_e8m0fnu], ids=str)
def test_8_bits_are_read_as_the_numbers_that_they_are(dtype: torch.dtype, tmp_path: Path, official: State) -> None:
    file = changed(official, tmp_path, official[KEY].to(dtype))
    found = load_checkpoint(file).model.state_dict()["body.stage0.attn0.qkv.linear.weight"]
    assert torch.equal(found, official[KEY].to(dtype).to(torch.float32))


def test_4_bits_in_a_safetensors_file(tmp_path: Path) -> None:
    header = {KEY: {"dtype": "F4", "shape": [4, 4], "data_offsets": [0, 8]}}
    file = with_header(tmp_path / "w.safetensors", json.dumps(header).encode(), bytes(8))
    assert_refused(file, "checkpoint.dtype", "F4", KEY)


@pytest.mark.parametrize("shape", [(), (256,), (0,), (1, 256, 128), (256, 128, 3, 3)], ids=str)
@pytest.mark.parametrize("key", [KEY, "blocks.2.m.qkv.c.weight", "blocks.0.m.attention_biases", "head.l.weight"])
def test_a_tensor_of_another_rank(shape: tuple[int, ...], key: str, tmp_path: Path, official: State) -> None:
    with pytest.raises(Exception) as caught:  # noqa: PT011
        load_checkpoint(changed(official, tmp_path, torch.zeros(shape), key))
    assert caught.value.code in ("checkpoint.shape", "checkpoint.missing-keys", "checkpoint.other-levit")  # type: ignore[attr-defined]
    assert key.rpartition(".")[0] in str(caught.value)


# Claims that are larger than the file


@pytest.mark.parametrize("key", ["head.l.weight", "head.l.bias", KEY])
def test_an_expanded_view(key: str, tmp_path: Path, official: State, monkeypatch: pytest.MonkeyPatch) -> None:
    shape = [10_000_000, *official[key].shape[1:]] if key.startswith("head") else official[key].shape
    file = changed(official, tmp_path, torch.zeros(1).expand(shape), key)
    monkeypatch.setattr(Tensor, "to", None)  # what would copy it is never reached
    assert_refused(file, "checkpoint.damaged", key, "the file holds 4", "contiguous")


def test_a_net_for_enormous_images(tmp_path: Path, official: State) -> None:
    """The index of a table has the square of its size: 10^12 numbers here, from a file of 60 MB."""
    tables = {key: torch.zeros(4, 1_000_000) for key in official if key.endswith("attention_biases")}
    file = saved(official | dict(list(tables.items())[:1]), tmp_path / "w.pth")
    assert_refused(file, "checkpoint.other-levit", "1000000", "1024 px")


def rewritten(file: Path, change: Callable[[str, bytes], bytes], packed: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(file) as opened:
        members = {info.filename: opened.read(info) for info in opened.infolist()}
    with zipfile.ZipFile(file, "w", packed) as opened:
        for name, data in members.items():
            opened.writestr(name, change(name, data))
    return file


def test_an_archive_that_unpacks_to_far_more(tmp_path: Path) -> None:
    file = saved({KEY: torch.zeros(4_000_000)}, tmp_path / "w.pth")
    rewritten(file, lambda _, data: data, zipfile.ZIP_DEFLATED)
    assert file.stat().st_size < 100_000
    assert_refused(file, "checkpoint.damaged", "unpacks to 16", file.stat().st_size)


def test_an_archive_that_is_packed_as_usual(tmp_path: Path, official: State) -> None:
    file = rewritten(saved(official, tmp_path / "w.pth"), lambda _, data: data, zipfile.ZIP_DEFLATED)
    assert load_checkpoint(file).variant == "levit_128s"


def test_an_old_file_that_claims_a_storage_that_it_does_not_hold(tmp_path: Path) -> None:
    """Its list of storages is empty, so torch leaves them as they were allocated."""
    file = tmp_path / "w.pth"
    torch.save({"blocks.0.m.qkv.c.weight": torch.zeros(256, 128)}, file, _use_new_zipfile_serialization=False)
    content = file.read_bytes()
    listed = content.rindex(b"\x80\x02]q")
    file.write_bytes(content[:listed] + b"\x80\x02].")
    assert_refused(file, "checkpoint.damaged", file)


# JSON and names


DEEP = "[" * 100_000 + "]" * 100_000


def with_header(file: Path, header: bytes, body: bytes = b"") -> Path:
    file.write_bytes(struct.pack("<Q", len(header)) + header + body)
    return file


def own(tmp_path: Path, labels: str) -> Path:
    """The bundled weights with labels of one's own."""
    content = BUNDLED.read_bytes()
    size = struct.unpack("<Q", content[:8])[0]
    header = json.loads(content[8 : 8 + size])
    header["__metadata__"]["labels"] = labels
    return with_header(tmp_path / "w.safetensors", json.dumps(header).encode(), content[8 + size :])


@pytest.mark.parametrize(
    "labels", [DEEP, "[1, 2", json.dumps([["a"]] * 10), json.dumps([None] * 10), '["\\ud800", "b"]', '[{"a": ' * 9999]
)
def test_labels_that_are_not_a_list_of_texts(labels: str, tmp_path: Path) -> None:
    assert_refused(own(tmp_path, labels), "checkpoint.metadata", "label")


@pytest.mark.parametrize("content", [DEEP, f'{{"id2label": {DEEP}}}', "\ud800", "1" * 5000, "{"], ids=lambda c: c[:20])
def test_a_config_that_no_reader_survives(content: str, tmp_path: Path) -> None:
    transformers_model("levit_128s").save_pretrained(tmp_path)
    (tmp_path / "config.json").write_bytes(content.encode("utf-8", "surrogatepass"))
    assert_refused(tmp_path, "checkpoint.damaged", "config.json", "JSON")


@pytest.mark.parametrize("label", ["\\ud800", "a\\udfff"])
def test_a_label_with_a_lone_surrogate(label: str, tmp_path: Path) -> None:
    transformers_model("levit_128s").save_pretrained(tmp_path)
    names = ", ".join(f'"{i}": "{label}"' for i in range(5))
    (tmp_path / "config.json").write_text(f'{{"id2label": {{{names}}}}}')
    assert_refused(tmp_path, "checkpoint.metadata", "label", "config.json", label)


def test_a_config_that_is_too_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weight_files, "MOST_JSON", 100)
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": "b" * 100}}))
    assert_refused(tmp_path, "checkpoint.damaged", "model.safetensors.index.json", "more than 100 bytes")


@pytest.mark.parametrize("name", ["\ud800.safetensors", "../w.pth", "a\x00.pth", "", "/etc/passwd", "no\nfile.pth"])
def test_an_index_of_shards_that_cannot_exist(name: str, tmp_path: Path) -> None:
    (tmp_path / "pytorch_model.bin.index.json").write_text(json.dumps({"weight_map": {"a": name}}))
    assert_refused(tmp_path, "checkpoint.no-weights", "1 files", "not beside it")


@pytest.mark.parametrize("key", ["\ud800", "a\nb", "\x1b[31mred", "x" * 100_000, "\u202e"])
def test_names_that_cannot_be_printed(key: str, tmp_path: Path, official: State) -> None:
    for content in ({key: torch.ones(1)}, official | {key: torch.ones(1)}):
        with pytest.raises(Exception) as caught:  # noqa: PT011
            load_checkpoint(saved(content, tmp_path / "w.pth"))
        sentence = str(caught.value)
        assert caught.value.code in ("checkpoint.not-levit", "checkpoint.surplus-keys")  # type: ignore[attr-defined]
        assert sentence.isprintable()
        assert len(sentence.encode()) < 1000


# Files of another kind


def exported(file: Path) -> None:
    torch.export.save(torch.export.export(torch.nn.ReLU(), (torch.ones(1),)), file)


def scripted(file: Path) -> None:
    torch.jit.save(torch.jit.trace(torch.nn.ReLU(), torch.ones(1)), file)


def archived(name: str) -> Callable[[Path], None]:
    def write(file: Path) -> None:
        with zipfile.ZipFile(file, "w") as opened:
            opened.writestr(name, b"1")

    return write


def starting(content: bytes) -> Callable[[Path], None]:
    return lambda file: void(file.write_bytes(content + bytes(600)))


def void(_: object) -> None:
    return None


FOREIGN: dict[str, Callable[[Path], None]] = {
    "TorchScript": scripted,
    "torch.export": exported,
    "NumPy archive": archived("a.npy"),
    "Keras": archived("model.weights.h5"),
    "a zip archive": archived("model.pth"),
    "HDF5": starting(b"\x89HDF\r\n\x1a\n"),
    "NumPy array": starting(b"\x93NUMPY"),
    "GGUF": starting(b"GGUF"),
    "gzip": starting(b"\x1f\x8b"),
    "Zstandard": starting(b"\x28\xb5\x2f\xfd"),
    "7-Zip": starting(b"7z\xbc\xaf"),
    "HTML": starting(b"<!DOCTYPE html>"),
    "TFLite": starting(b"\x1c\0\0\0TFL3"),
    "ExecuTorch": starting(b"\x1c\0\0\0ET12"),
    "tar archive": starting(bytes(257) + b"ustar"),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("what", FOREIGN)
def test_a_file_of_another_kind_is_named(what: str, tmp_path: Path) -> None:
    FOREIGN[what](tmp_path / "w.pt2")
    for name, code in {"w.pth": "damaged", "w.safetensors": "damaged", "w.model": "no-weights"}.items():
        (tmp_path / name).write_bytes((tmp_path / "w.pt2").read_bytes())
        assert_refused(tmp_path / name, f"checkpoint.{code}", name, what)
    assert "cut short" not in refusal(tmp_path / "w.pth")


@pytest.mark.parametrize(("name", "what"), {"a.onnx": "ONNX", "a.msgpack": "Flax", "a.mlmodel": "Core ML"}.items())
def test_a_format_without_a_mark_is_named_by_its_suffix(name: str, what: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"\x08\x07")
    assert_refused(tmp_path / name, "checkpoint.no-weights", name, what)


def refusal(file: Path) -> str:
    with pytest.raises(Exception) as caught:  # noqa: PT011
        load_checkpoint(file)
    return str(caught.value)


@pytest.mark.parametrize("name", ["w.pth", "w.bin", "w.ckpt", "w.model", "weights"])
def test_safetensors_under_any_name(name: str, tmp_path: Path, timm: State) -> None:
    assert load_checkpoint(saved_safely(timm, tmp_path / name)).format == "timm"


@pytest.mark.parametrize("name", ["w.safetensors", "w.ckpt", "w.pkl", "weights"])
@pytest.mark.parametrize("archive", [True, False])
def test_torchs_formats_under_any_name(name: str, archive: bool, tmp_path: Path, timm: State) -> None:
    torch.save(timm, tmp_path / name, _use_new_zipfile_serialization=archive)
    assert load_checkpoint(tmp_path / name).format == "timm"


def test_a_whole_model(tmp_path: Path) -> None:
    model: Any = transformers_model("levit_128s")
    file = saved(model, tmp_path / "w.pth")
    assert_refused(file, "checkpoint.unsafe", "LevitForImageClassification", "nothing in it was run")
