"""What each block of a model gives, beside its logits: from the trained model and its deployable forms alike.

A model and its forms declare `blocks`, the path of each block by name in the order they run, and `read`, the path of
the module that reads what the last block gives: the head.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

POOLED, LOGITS = "pooled", "logits"
COMPARED = "compared"


def compared_as(model: nn.Module, change: Callable[[Tensor], Tensor] | None) -> None:
    """Declare how a trained model's blocks' outputs become what its forms keep, where a rewrite changed both sides."""
    vars(model)[COMPARED] = change


def block_paths(model: nn.Module) -> dict[str, str]:
    """Block -> its module's path, in the order they run.

    Without the last: of that, forms give only what the head reads.
    """
    return dict(list(blocks_of(model).items())[:-1])


def blocks_of(model: nn.Module) -> dict[str, str]:
    """The declared blocks, all of them."""
    blocks: dict[str, str] = vars(model)["blocks"]
    return blocks


class Tapped(nn.Module):
    """A model, trained or laid out, that gives (logits, *outputs of its blocks).

    before   image -> model -> logits
    after    image -> model -> logits, and the blocks' outputs as they are: no op is added, nothing is copied or moved

    `names` has one per output: `logits`, the blocks in their order except the last, then `pooled`, what the head reads.
    Each output keeps the layout that it has inside; `as_tokens` makes them comparable. Those of a trained model are
    changed as it declares by `compared_as`.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.names = (LOGITS, *block_paths(model), POOLED)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        seen: dict[str, Tensor] = {}
        hooks = [_tap(self.model, name, path, seen) for name, path in block_paths(self.model).items()]
        reader = self.model.get_submodule(vars(self.model)["read"])
        hooks.append(reader.register_forward_pre_hook(partial(_keep_input, seen)))
        try:
            logits: Tensor = self.model(x)
        finally:
            for hook in hooks:
                hook.remove()
        change = vars(self.model).get(COMPARED)
        return (logits, *(change(seen[name]) if change else seen[name] for name in self.names[1:]))


def as_tokens(output: NDArray[np.generic]) -> NDArray[np.float64]:
    """A block's output for one picture as [T,C], in any layout that a form has.

    [1,C,H,W] and [1,C,1,T] -> [T,C] in the order of rows; [1,T,C] -> [T,C]; [1,C] stays. Raises ValueError otherwise.
    """
    values = np.asarray(output, np.float64)
    if values.ndim not in (2, 3, 4) or values.shape[0] != 1:
        raise ValueError(f"a block's output has the shape {list(values.shape)}, expected [1,C,H,W], [1,T,C] or [1,C]")
    if values.ndim == 4:
        return values.reshape(values.shape[1], -1).T
    return values.reshape(-1, values.shape[-1])


def _tap(model: nn.Module, name: str, path: str, seen: dict[str, Tensor]) -> RemovableHandle:
    return model.get_submodule(path).register_forward_hook(partial(_keep_output, name, seen))


def _keep_output(name: str, seen: dict[str, Tensor], _module: nn.Module, _inputs: object, output: Tensor) -> None:
    seen[name] = output


def _keep_input(seen: dict[str, Tensor], _module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
    (seen[POOLED],) = inputs
