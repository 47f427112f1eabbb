"""What all families do with the classification head of a checkpoint: find its tensors, or say that it has none."""

from __future__ import annotations

from torch import Tensor

from levit_mobile.errors import CheckpointError
from levit_mobile.model.stored_tensors import few


def below(state: dict[str, Tensor], name: str) -> dict[str, Tensor]:
    """The tensors of a module, by their names in it."""
    return {key[len(name) + 1 :]: tensor for key, tensor in state.items() if key.startswith(f"{name}.")}


def no_head(expected: str, beside: dict[str, Tensor], *, fault: str = "missing-keys") -> CheckpointError:
    """The error for weights without a head, with what else is there."""
    there = f"; beside the other layers there are: {few(sorted(beside))}" if beside else ""
    return CheckpointError(f"the weights have no classification head, expected {expected}{there}", fault=fault)
