"""Deployed bundles as a table and JSON: what `deploy` prints."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.table import Table

from levit_mobile.deployment.deploy import Deployment
from levit_mobile.reporting.strict_json import to_json
from levit_mobile.reporting.text import MEGA, shown

if TYPE_CHECKING:
    from levit_mobile.reporting import outputs

STATES = {"added": "missing", "replaced": "different", "unchanged": "same"}  # in the words of a check


def place_line(done: Deployment) -> str:
    """Where the bundles are, and why there."""
    return f"bundles of the app: {done.folder} ({done.reason})"


def deployment_table(done: Deployment, *, checked: bool) -> Table:
    """One row per bundle."""
    table = Table("bundle", "target", "files", "MB", "state")
    for name in ("files", "MB"):
        next(column for column in table.columns if column.header == name).justify = "right"
    for one in done.bundles:
        state = STATES[one.state] if checked else one.state
        table.add_row(shown(one.name), one.target, str(one.files), f"{one.bytes / MEGA:.2f}", state)
    return table


def lines_after(done: Deployment, *, checked: bool) -> Iterator[str]:
    """What was removed, what was not checked, and the line that a Gradle file lacks."""
    if done.removed:
        yield f"{'not named' if checked else 'removed'}: {', '.join(done.removed)}"
    for target in sorted({one.target for one in done.bundles} & done.runtimes.keys()):
        runtime = done.runtimes[target]
        yield f"{runtime.runtime.title} {runtime.version}, as stated by {runtime.source}"
    yield from (f"note: {sentence}" for sentence in done.notes)
    if done.no_compress:
        where = done.no_compress_file or "the app's Gradle file"
        yield f"so that the APK stores these files without compression, the android block of {where} needs this line:"
        yield f"    {done.no_compress}"


def deployment_json(done: Deployment, *, checked: bool) -> str:
    """All facts about the deployment."""
    whole: outputs.DeployOutput = {
        "schema_version": 1,
        "checked": checked,
        "folder": str(done.folder),
        "reason": done.reason,
        "platform": done.platform,
        "bundles": [
            {
                "name": one.name,
                "source": str(one.source),
                "target": one.target,
                "recipe": one.recipe,
                "files": one.files,
                "bytes": one.bytes,
                "state": one.state,
            }
            for one in done.bundles
        ],
        "removed": list(done.removed),
        "differences": list(done.differences),
        "runtimes": [
            {"name": one.runtime.name, "version": one.version, "source": one.source} for one in done.runtimes.values()
        ],
        "no_compress": done.no_compress,
        "no_compress_file": str(done.no_compress_file) if done.no_compress_file else None,
        "notes": list(done.notes),
    }
    return to_json(whole)
