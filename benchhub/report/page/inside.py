"""What a cell opens; stands in for the fragment of a cell until that is there."""

from __future__ import annotations

from markupsafe import Markup

from benchhub.model.row import Row
from benchhub.report.tables.points import flags_that_matter


def inside(row: Row) -> Markup:
    """Return the inside of a cell's line."""
    said = [f"{flag.name}: {flag.evidence}" for flag in flags_that_matter(row)]
    said += [f"{row.launches} launches"]
    return Markup("<ul>{}</ul>").format(
        Markup("").join(Markup("<li>{}</li>").format(one) for one in said)
    )
