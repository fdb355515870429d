"""The launches of a cell, in order, as lines of text under one heading."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import datetime

from benchhub.model.flag import Flag
from benchhub.model.quantities import PERCENTILES
from benchhub.model.row import CellDetails, LaunchTold, Row
from benchhub.text import instant, number, plural

#: So many launches are listed; more fold away.
MOST = 40
#: Above the values of a launch; of any other quantity its name.
_HEADS = {
    "throughput_per_s": "cases/s", "peak_rss_mib": "peak MiB", "model_rss_mib": "model MiB",
    "gpu_mem_mib": "GPU MiB", "load_ms": "load ms", "first_inference_ms": "1st call ms",
}  # fmt: skip


@dataclasses.dataclass(frozen=True, slots=True)
class Folded:
    """Launches that are not shown at once: what is said of them, and their lines."""

    summary: str
    text: str


def head_of(measure: str) -> str:
    """Return the short name of a quantity, with its unit."""
    if measure in PERCENTILES:
        return f"{measure.removesuffix('_ms').replace('_', '.')} ms"
    return _HEADS.get(measure, measure)


def states(row: Row, told: CellDetails) -> str:
    """Return in one sentence how many launches there are, and how they ended."""
    planned = row.provenance.planned_launches
    counts = row.provenance.statuses
    if not counts and not told.launches:
        return "No launch was made."
    ends = ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))
    took = row.provenance.launches_of
    whose = ", made for another cell" if took else ""
    return f"{ends or plural(len(told.launches), 'launch')} of {planned} planned{whose}."


def launches_text(told: CellDetails) -> tuple[str, Folded | None]:
    """Return the lines of the first launches, and those of the others where there are many."""
    if not told.launches:
        return "", None
    lines = _lines(told)
    head, body = lines[0], lines[1:]
    if len(body) <= MOST:
        return "\n".join(lines), None
    rest = told.launches[MOST:]
    bad = sum(launch.status != "finished" for launch in rest)
    summary = f"{len(rest)} further launches"
    summary += f", {bad} of them not finished" if bad else ""
    return "\n".join([head, *body[:MOST]]), Folded(summary, "\n".join([head, *body[MOST:]]))


def _lines(told: CellDetails) -> list[str]:
    launches = told.launches
    columns = [
        ["launch", *(one.id for one in launches)],
        ["round", *(str(one.round) for one in launches)],
        _starts([one.started_at for one in launches]),
        *(_values(told, place) for place in range(len(told.measures))),
        *_varying("°C", [one.temperature_c for one in launches]),
        *_varying("MHz", [one.frequency_mhz for one in launches]),
        *_varying("load", [one.load_1m for one in launches]),
    ]
    widths = [max(map(len, column)) for column in columns]
    notes = ["", *map(_note, launches)]
    return [
        "  ".join([*(text.rjust(width) for text, width in zip(row, widths, strict=True)), note])
        .rstrip()
        for *row, note in zip(*columns, notes, strict=True)
    ]  # fmt: skip


def _values(told: CellDetails, place: int) -> list[str]:
    found = [one.values[place] if one.values else None for one in told.launches]
    return [head_of(told.measures[place]), *map(number, found)]


def _varying(head: str, values: Sequence[float | None]) -> list[list[str]]:
    """Return a column, or none where all launches say the same or nothing: that is said once."""
    known = {value for value in values if value is not None}
    return [[head, *map(number, values)]] if len(known) > 1 else []


def _starts(told: Sequence[str]) -> list[str]:
    """Return when each began, in UTC; with the date where it is not the same day all along."""
    times = [instant(one) for one in told]
    if any(one.year == datetime.min.year for one in times):
        return ["start", *told]
    if len({one.date() for one in times}) == 1:
        return [f"{times[0]:%m-%d} UTC", *(f"{one:%H:%M:%S}" for one in times)]
    return ["start UTC", *(f"{one:%m-%d %H:%M:%S}" for one in times)]


def _note(launch: LaunchTold) -> str:
    said = [] if launch.status == "finished" else [launch.status]
    said += [launch.failure] if launch.failure else []
    return ", ".join([*said, *map(_short, launch.flags)])


def _short(flag: Flag) -> str:
    """Return a doubt with its share where that is what it is about, else with its evidence."""
    share = flag.evidence.split(" ", 1)[0]
    return f"{flag.name} {share}" if share.endswith("%") else f"{flag.name}: {flag.evidence}"
