"""Tensors as files hold them: which can be read as weights, and how names and numbers of them are shown."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from levit_mobile.errors import CheckpointError

FLOATS = {  # what converts to float32 exactly, or by rounding; float4 does not convert at all
    torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.float8_e4m3fn, torch.float8_e4m3fnuz,
    torch.float8_e5m2, torch.float8_e5m2fnuz, torch.float8_e8m0fnu,
}  # fmt: skip
PRUNED, MASK = "_orig", "_mask"  # torch.nn.utils.prune saves both beside each other
SHOWN = 80  # characters of a name in a sentence


def require_plain(key: str, tensor: Tensor) -> None:
    """Refuse a tensor without values of its own in memory: sparse, nested, quantized, meta, or an expanded view."""
    if (what := _strange(tensor)) is not None:
        raise CheckpointError(
            f"{shown(key)} is {what}, expected plain numbers: save dense weights from the CPU that are not quantized",
            fault="dtype",
        )
    logical, stored = tensor.numel() * tensor.element_size(), tensor.untyped_storage().nbytes()
    if logical > stored:
        raise CheckpointError(
            f"{shown(key)} needs {logical} bytes for its shape {list(tensor.shape)}, and the file holds {stored} of "
            "them: save it with tensor.contiguous()",
            fault="damaged",
        )


def _strange(tensor: Tensor) -> str | None:
    if tensor.is_nested:
        return "a nested tensor"
    if tensor.is_quantized:
        return f"quantized ({tensor.dtype})"
    if tensor.layout != torch.strided:
        return f"a sparse tensor ({tensor.layout})"
    if tensor.device.type != "cpu":
        return f"on the device {tensor.device.type}, so it has no values"
    return None


def has_storage(tensor: Tensor) -> bool:
    """Is it dense, on the CPU and not quantized?"""
    return _strange(tensor) is None


def require_backed(tensors: Iterable[Tensor], size_bytes: int, what: str) -> None:
    """Refuse tensors that claim more memory than the file has bytes, before one of them is copied."""
    storages = {
        storage.data_ptr(): storage.nbytes()
        for storage in (tensor.untyped_storage() for tensor in tensors if has_storage(tensor))
    }
    if (claimed := sum(storages.values())) > size_bytes:
        raise CheckpointError(
            f"{what} claims tensors of {claimed} bytes but has {size_bytes}: download or save it again",
            fault="damaged",
        )


def unmasked(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Replace what torch.nn.utils.prune saves by the weight that the pruned module computes with.

    before   head.l.weight_orig, head.l.weight_mask
    after    head.l.weight = weight_orig * weight_mask
    """
    pruned = [key.removesuffix(PRUNED) for key in state if key.endswith(PRUNED)]
    pruned = [name for name in pruned if _one_shape(state.get(name + PRUNED), state.get(name + MASK))]
    parts = {name + end for name in pruned for end in (PRUNED, MASK)}
    whole = {key: tensor for key, tensor in state.items() if key not in parts}
    return whole | {name: _product(state[name + PRUNED], state[name + MASK]) for name in pruned if name not in whole}


def _one_shape(weight: Tensor | None, mask: Tensor | None) -> bool:
    return weight is not None and mask is not None and weight.shape == mask.shape and weight.dtype in FLOATS


def _product(weight: Tensor, mask: Tensor) -> Tensor:
    dtype = weight.dtype if weight.dtype.itemsize > 1 else torch.float32  # float8 has no product
    return weight.to(dtype) * mask.to(dtype)


def few(names: list[str]) -> str:
    """Up to three names, and how many there are more."""
    first = ", ".join(map(shown, names[:3])) or "none"
    return first if len(names) <= 3 else f"{first} and {len(names) - 3} more"


def counted_keys(keys: list[str], how: str) -> str:
    """How many keys are `how`, and the first few of them: `2 keys are missing (a, b)`."""
    return f"{len(keys)} {'key is' if len(keys) == 1 else 'keys are'} {how} ({few(keys)})"


def shown(name: str) -> str:
    """A name from a file, as a line that can be printed: control characters and lone surrogates are escaped."""
    short = name if len(name) <= SHOWN else f"{name[: SHOWN // 2]}...{name[-SHOWN // 2 :]}"
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "backslashreplace").decode() for c in short)
