"""Costs as tables and JSON: what `cost` prints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.table import Table

from levit_mobile.arm64.cost import OWN, Cost
from levit_mobile.arm64.counting import TITLES
from levit_mobile.reporting.strict_json import to_json
from levit_mobile.reporting.text import MISSING, number, share, shown, table_title

if TYPE_CHECKING:
    from levit_mobile.reporting.outputs import CostOutput

IS_NOT = (
    "Number of ARM64 instructions that one inference executes, counted in an emulator. They are not milliseconds: an "
    "fmla and a branch count the same, and caches, stalls and clock rates are not modelled."
)


def cost_table(costs: Sequence[Cost], against: Sequence[Cost] = ()) -> Table:
    """One column per cost, in millions: three of them fit a terminal of 80 characters.

    A class that nothing has is left out. The last rows are the ratios to those of `against` on the same core.
    """
    table = Table(show_header=False)
    table.add_column(style="bold", no_wrap=True)
    for _ in costs:
        table.add_column(overflow="fold", justify="right")
    table.add_row("artifact", *(shown(cost.artifact) for cost in costs))
    table.add_row("runtime", *(cost.runtime for cost in costs))
    table.add_row("CPU", *(cost.cpu for cost in costs))
    table.add_row("instructions, M", *(millions(cost.instructions) for cost in costs))
    for title in TITLES.values():
        if any(cost.classes[title] for cost in costs):
            table.add_row(f"  {title}", *(millions(cost.classes[title]) for cost in costs))
    table.add_row("outside XNNPACK", *(share(cost.outside_share) for cost in costs))
    table.add_row("  measured by", *(cost.outside_by for cost in costs))
    for name in dict.fromkeys(other.artifact for other in against):
        table.add_row(f"vs {shown(name)}", *(_ratio(cost, name, against) for cost in costs))
    return table


def function_table(cost: Cost, limit: int) -> Table:
    """The functions in which most instructions ran, `limit` of them."""
    table = Table("M", "share", "function", title=table_title(f"{cost.artifact} on {cost.cpu}"))
    table.columns[2].overflow = "fold"
    for function in cost.functions[:limit]:
        part = share(function.instructions / cost.instructions)
        named = (
            function.name
            if function.name.startswith(OWN)
            else f"{function.name or '-'} in {function.file or 'an unknown file'}"
        )
        table.add_row(millions(function.instructions), part, shown(named))
    return table


def costs_json(costs: Sequence[Cost], against: Sequence[Cost], broken: Sequence[str]) -> str:
    """All costs as they are, what they are not, and a sentence for each that has grown."""
    written: CostOutput = {
        "schema_version": 1,
        "is_not": IS_NOT,
        "costs": [cost.model_dump(mode="json") for cost in costs],
        "against": [cost.model_dump(mode="json") for cost in against],
        "broken": list(broken),
    }
    return to_json(written)


def millions(instructions: int) -> str:
    """43.08; three digits below one."""
    return number(instructions / 1e6, ".2f" if instructions >= 1e6 or instructions == 0 else ".3f")


def _ratio(cost: Cost, name: str, against: Sequence[Cost]) -> str:
    other = next((other for other in against if (other.artifact, other.cpu) == (name, cost.cpu)), None)
    return number(cost.instructions / other.instructions, ".3f") if other else MISSING
