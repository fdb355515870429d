"""Said once of each artifact: that its answers depend on the batch, or vary from call to call."""

from __future__ import annotations

from collections.abc import Sequence

from benchhub.model.flag import OF_ANSWERS, FlagKind
from benchhub.model.row import Row
from benchhub.report.tables.settings import spoken

#: Of so many artifacts it is told by name.
_MOST = 3


def unlike_answers(rows: Sequence[Row]) -> list[str]:
    """Return a sentence for each of the first artifacts of a device whose answers are not alike."""
    found: dict[tuple[object, ...], list[Row]] = {}
    for row in rows:
        if row.runs_model and any(flag.name in OF_ANSWERS for flag in row.flags):
            key = (row.variant, row.backend, row.precision, row.options)
            found.setdefault(key, []).append(row)
    said = [_sentence(of) for of in found.values()]
    left = len(said) - _MOST
    more = [f"So it is with {left} more; see Flags."] if left > 0 else []
    return [*said[:_MOST], *more]


def _sentence(rows: Sequence[Row]) -> str:
    """Return the evidence of the largest batch, which lies furthest off as a rule."""
    row = max(rows, key=lambda row: row.batch)
    named = {flag.name: flag for flag in row.flags if flag.name in OF_ANSWERS}
    who = f"{row.variant} on {row.backend}"
    if row.options:
        who += f" ({spoken(row, ('options',))})"
    if varying := named.get(FlagKind.VARYING_OUTPUTS):
        return f"Answers vary, {who}: {varying.evidence}."
    return f"Answers depend on the batch, {who}: {named[FlagKind.BATCH_DEPENDENT].evidence}."
