"""Where pages are made: their templates, and numbers as text."""

from __future__ import annotations

from collections.abc import Callable

from jinja2 import Environment, PackageLoader, StrictUndefined

from levit_mobile.images.labels import origin
from levit_mobile.reporting import text

FILTERS = (origin, text.cosine, text.db, text.error, text.interval, text.margin, text.p_value, text.share)


def environment(*filters: Callable[..., str | None]) -> Environment:
    """Templates of this package, with everything escaped; `filters` are known by their names, beside FILTERS."""
    loader = PackageLoader("levit_mobile.reporting", "pages")
    made = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    made.filters.update({written.__name__: written for written in (*FILTERS, *filters)})
    return made
