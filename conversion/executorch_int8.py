"""A form on int8 grids -> the graph that XNNPACK's partitioner takes whole."""

from __future__ import annotations

from torch import Tensor, nn
from torch.export import ExportedProgram
from torch.fx import Graph, Node

from levit_mobile.errors import ConversionError
from levit_mobile.model.fake_quant import PIXEL_QPARAMS, logits_qparams, replace_with_int8_layers, restored, stored

from .executorch_weights import store_tables


def to_int8(module: nn.Module) -> int:
    """Rewrite `module` in place: layers on their grids hold int8, and so do the attention biases; how many layers.

    Its edges that have grids export themselves as a quantize and a dequantize.
    """
    layers = replace_with_int8_layers(module)
    store_tables(module)
    return layers


class IntegerEnds(nn.Module):
    """A form whose pixels arrive as int8, level - 128, and whose logits leave as int8 on their grid."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module, grid = module, logits_qparams(module)
        if grid is None:
            raise ConversionError(
                "the logits are float, expected int8: the plan must keep the head in int8", fault="ends"
            )
        self.grid = grid

    def forward(self, image: Tensor) -> Tensor | tuple[Tensor, ...]:
        made: Tensor | tuple[Tensor, ...] = self.module(restored(image, PIXEL_QPARAMS))
        if isinstance(made, Tensor):
            return stored(made, self.grid)
        return (stored(made[0], self.grid), *made[1:])


def one_dequantize_a_reader(program: ExportedProgram) -> None:
    """XNNPACK's partitioner reads the dequantize of an activation as a part of the op behind it.

    before   dequantize -> op, other op
    after    dequantize -> op          dequantize -> other op
    """
    graph = program.graph
    for node in [node for node in graph.nodes if str(node.target).endswith("dequantize_per_tensor.default")]:
        for reader in list(node.users)[1:]:
            _give_own(graph, node, reader)
    graph.lint()
    program.graph_module.recompile()


def _give_own(graph: Graph, node: Node, reader: Node) -> None:
    with graph.inserting_before(reader):
        own = graph.node_copy(node)
    reader.replace_input_with(node, own)
