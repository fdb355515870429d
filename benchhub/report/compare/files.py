"""Which of several files is faster, or that they tie, in sentences."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence

from benchhub.model.cell import Cell
from benchhub.model.row import Lead, Race, Results
from benchhub.text import plural


def sentences(races: Sequence[Race]) -> list[str]:
    """Return a sentence a race: what is faster than what by how much, and what ties."""
    options = {(race.fastest.backend, race.fastest.options) for race in races if race.backend}
    swept = {backend for backend, _ in options if sum(b == backend for b, _ in options) > 1}
    settings = {_settings(race.fastest) for race in races}
    devices = {race.fastest.device for race in races}
    said = []
    for race in races:
        told = [lead for lead in race.leads if lead.told]
        ties = [lead for lead in race.leads if not lead.told]
        name = _name(race.fastest, race, swept)
        parts = []
        if told:
            parts.append(f"{name} is " + ", ".join(_as_fast(lead, race, swept) for lead in told))
        if ties:
            others = ", ".join(_tied(lead, race, swept) for lead in ties)
            parts.append(f"{name} and {others} cannot be told apart")
        where = ["each on its fastest backend"]
        if race.backend:
            where = [f"on {_place(race.fastest, swept)}"]
        where += [race.fastest.device] if len(devices) > 1 else []
        where += [_settings(race.fastest)] if len(settings) > 1 else []
        said.append(f"{'; '.join(parts)} ({', '.join(where)})")
    return said


def same_files(results: Results) -> list[str]:
    """Return a sentence for files of several names that are one and the same."""
    names: dict[str, list[str]] = {}
    if results.run.kind.without_answers:
        for variant in results.variants:
            names.setdefault(variant.sha256, []).append(variant.name)
    return [
        f"{' and '.join(same)} are the same file: what differs is noise"
        for same in names.values()
        if len(same) > 1
    ]


def would_tell(launches: int | None) -> str:
    """Return what would tell two times apart, if what was seen stays so; None: nothing would."""
    if launches is None:
        return "no number of launches that anybody makes would tell"
    return f"if that stays so, about {launches:,} launches of each would tell"


def _tied(lead: Lead, race: Race, swept: Collection[str]) -> str:
    more = "more launches may tell" if lead.low is None else would_tell(lead.launches)
    return f"{_name(lead.other, race, swept)} ({_times(lead)}; {more})"


def _as_fast(lead: Lead, race: Race, swept: Collection[str]) -> str:
    return f"{_times(lead)} as fast as {_name(lead.other, race, swept)}"


def _times(lead: Lead) -> str:
    if lead.low is None or lead.high is None:
        return f"{lead.ratio:.3g}x"
    return f"{lead.ratio:.3g}x [{lead.low:.3g}, {lead.high:.3g}]"


def _name(cell: Cell, race: Race, swept: Collection[str]) -> str:
    return cell.variant if race.backend else f"{cell.variant} on {_place(cell, swept)}"


def _place(cell: Cell, swept: Collection[str]) -> str:
    """The backend, with its options where several are swept."""
    chosen = json.loads(cell.options) if cell.backend in swept else {}
    return " ".join([cell.backend, *(f"{name}={value}" for name, value in sorted(chosen.items()))])


def _settings(cell: Cell) -> str:
    words = [plural(cell.threads, "thread"), f"batch {cell.batch}", cell.shapes]
    words += [cell.precision] if cell.precision != "f32" else []
    return " ".join(word for word in words if word)
