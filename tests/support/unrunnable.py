"""Sound `.pte` files for which a desk's runtime lacks something: a delegate, an op, a data file, a method `forward`."""

from __future__ import annotations

import struct
from pathlib import Path

import torch
from torch import Tensor, nn

from support.foreign import EXAMPLE, Net


class Pair(nn.Module):
    """Takes two images."""

    def __init__(self) -> None:
        super().__init__()
        self.net = Net()

    def forward(self, left: Tensor, right: Tensor) -> Tensor:
        found: Tensor = self.net(left) + self.net(right)
        return found


def of_methods(path: Path, names: tuple[str, ...]) -> None:
    """A program with these methods, which all compute the same."""
    from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
    from executorch.exir import to_edge_transform_and_lower

    exported = torch.export.export(Net().eval(), (EXAMPLE,))
    lowered = to_edge_transform_and_lower(dict.fromkeys(names, exported), partitioner=[XnnpackPartitioner()])
    path.write_bytes(lowered.to_executorch().buffer)


def of_two_inputs(path: Path) -> None:
    from executorch.exir import to_edge_transform_and_lower

    exported = torch.export.export(Pair().eval(), (EXAMPLE, EXAMPLE))
    path.write_bytes(to_edge_transform_and_lower(exported).to_executorch().buffer)


def with_data_file(path: Path) -> Path:
    """Its constants are in a file beside it, which is returned."""
    from executorch.exir import ExecutorchBackendConfig, to_edge_transform_and_lower

    exported = torch.export.export(Net().eval(), (EXAMPLE,))
    made = to_edge_transform_and_lower(exported).to_executorch(ExecutorchBackendConfig(external_constants=True))
    made.write_tensor_data_to_file(str(path.parent))
    path.write_bytes(made.buffer)
    (data,) = path.parent.glob("*.ptd")
    return data


def renamed(path: Path, source: Path, old: str, new: str) -> None:
    """The same program with a string of its flatbuffer replaced by one that is no longer."""
    before, after = (struct.pack("<I", len(name)) + name.encode() for name in (old, new))
    assert len(new) <= len(old)
    path.write_bytes(source.read_bytes().replace(before, after.ljust(len(before), b"\0")))
