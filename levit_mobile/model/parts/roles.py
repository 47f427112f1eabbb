"""What a form declares about its layers and constants, so that converters need not guess it from shapes.

Layers have a role: `stem` and `head` are the ends, which lose most by few bits; `projection` is any layer between;
`norm` is a layer that computes a norm's mean, and stays in float. A table is a constant that is added to attention
scores, and may be stored in integers. A layer that reads pixels says around which colour they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, TypeVar

from torch import Tensor, nn

Role = Literal["stem", "projection", "norm", "head"]
AnyLayer = TypeVar("AnyLayer", bound=nn.Module)
ROLE, TABLES, COLOUR = "role", "tables", "colour"


def with_role(layer: AnyLayer, role: Role) -> AnyLayer:
    """The layer itself, which has the role from now on."""
    vars(layer)[ROLE] = role
    return layer


def role_of(layer: nn.Module) -> Role:
    """Its declared role; a layer without one is a projection."""
    role: Role = vars(layer).get(ROLE, "projection")
    return role


def around(layer: AnyLayer, colour: Tensor) -> AnyLayer:
    """The layer itself, which reads pixels around a colour [1,3,1,1] from now on."""
    vars(layer)[COLOUR] = colour.detach().clone()
    return layer


def colour_of(layer: nn.Module) -> Tensor | None:
    """The colour [1,3,1,1] around which the pixels are that it reads; None for a layer that reads something else."""
    colour: Tensor | None = vars(layer).get(COLOUR)
    return colour


def add_table(module: nn.Module, name: str, values: Tensor) -> None:
    """Register a buffer [h,Tq,Tk] or [1,h,Tq,Tk] that is added to attention scores."""
    module.register_buffer(name, values)
    vars(module)[TABLES] = (*vars(module).get(TABLES, ()), name)


def tables_of(form: nn.Module) -> Iterator[tuple[nn.Module, str]]:
    """The module and the name of every table."""
    for module in form.modules():
        for name in vars(module).get(TABLES, ()):
            yield module, name
