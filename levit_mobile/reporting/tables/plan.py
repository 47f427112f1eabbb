"""A plan as tables and lines: what `plan` prints."""

from __future__ import annotations

from rich.table import Table

from levit_mobile.quantization.plan import Plan
from levit_mobile.reporting.text import MISSING, db, error, share

SHOWN = 10  # groups
PICKED = "[green]chosen[/]"


def damage_table(plan: Plan, limit: int = SHOWN) -> Table:
    """The most damaging groups, a row each: KL (nats) and SQNR with the group alone in int8, the KL that float gains.

    `saves` is the share of the time that int8 saves there; the caption says how many groups are left out.
    """
    table = Table("group", "KL alone", "SQNR", "KL gain", "time saved", title="Error of each group in int8")
    table.columns[0].no_wrap = True
    for one in plan.evidence[:limit]:
        table.add_row(one.group, error(one.kl), db(one.sqnr_db), error(one.gain), share(one.saved))
    table.caption = f"and {left} more" if (left := len(plan.evidence) - limit) > 0 else None
    return table


def front_table(plan: Plan) -> Table:
    """From everything in int8, a group more in float a row; `cost` is a share of the time of a model all in float."""
    table = Table("moved to float", "cost", "KL", "SQNR", "top-1", "", title="From int8 to float, step by step")
    for index, step in enumerate(plan.front):
        figures = error(step.kl), db(step.sqnr_db), share(step.top1_agreement)
        mark = PICKED if index == plan.picked else ""
        table.add_row(step.group or MISSING, share(step.cost), *figures, mark)
    return table


def rules_line(plan: Plan) -> str:
    """By which rules everything is quantized, and how much stays float."""
    strength = "no equalisation" if plan.equalize is None else f"equalisation {plan.equalize}"
    biases = "corrected" if plan.correct_biases else "unchanged"
    kept = f"{len(plan.float_edges)} tensors in float" if plan.float_edges else "everything in int8"
    return f"{plan.variant} on {plan.target}: {kept}, observer {plan.observer}, {strength}, biases {biases}"


def shortfall(plan: Plan) -> str | None:
    """One sentence where no step was good enough, and the plan is only the nearest."""
    if plan.origin is None or plan.picked is None or plan.front[plan.picked].within(plan.origin.max_kl):
        return None
    step = plan.front[plan.picked]
    return (
        f"no step reaches a KL of {error(plan.origin.max_kl)} with every top class equal: the plan has the lowest KL, "
        f"{error(step.kl)}, where {share(step.top1_agreement)} of the top classes are equal"
    )
