"""Which of several files is faster, in sentences."""

from __future__ import annotations

from collections.abc import Sequence

from benchhub.model.cell import Cell
from benchhub.results.compare.files import Lead, Race
from benchhub.stats.interval import Estimate
from benchhub.text import number


def sentences(races: Sequence[Race]) -> list[str]:
    """Return a sentence a race: what is faster than what by how much, and what ties."""
    settings = {(c.device, c.threads, c.batch, c.shapes) for c in (r.fastest for r in races)}
    said = []
    for race in races:
        told = [lead for lead in race.leads if lead.told]
        ties = [lead for lead in race.leads if not lead.told]
        name = _name(race.fastest, race)
        parts = []
        if told:
            parts.append(f"{name} is " + ", ".join(_as_fast(lead, race) for lead in told))
        if ties:
            others = ", ".join(f"{_name(t.other, race)} ({_times(t.ratio)})" for t in ties)
            parts.append(f"{name} and {others} cannot be told apart")
        where = [f"on {race.backend}"] if race.backend else ["each on its fastest backend"]
        if len(settings) > 1:
            where.append(_setting(race.fastest))
        said.append(f"{'; '.join(parts)} ({', '.join(where)})")
    return said


def _as_fast(lead: Lead, race: Race) -> str:
    return f"{_times(lead.ratio)} as fast as {_name(lead.other, race)}"


def _times(ratio: Estimate) -> str:
    if ratio.low is None or ratio.high is None:
        return f"{ratio.estimate:.3g}x"
    return f"{ratio.estimate:.3g}x [{ratio.low:.3g}, {ratio.high:.3g}]"


def _name(cell: Cell, race: Race) -> str:
    return cell.variant if race.backend else f"{cell.variant} on {cell.backend}"


def _setting(cell: Cell) -> str:
    words = [cell.device, f"{number(cell.threads)} threads", f"batch {cell.batch}", cell.shapes]
    return " ".join(word for word in words if word)
