"""What a cell's row says beside its launches, a line each: figures, outputs, conditions, origin."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from benchhub.model.flag import OF_ANSWERS, WRONG_OUTPUTS
from benchhub.model.quantities import PERCENTILES, QUANTITIES, Grain
from benchhub.model.row import Distribution, Range, Row
from benchhub.model.scenario import Scenario
from benchhub.report.tables.settings import SETTINGS, spoken, usual_left_out
from benchhub.text import abridged, estimate, moment, number, plural, shown

#: What a backend tells is anybody's, and may be long.
_LONGEST, _LONGEST_ALL = 100, 500
#: Told of launches elsewhere among a cell's details.
_ELSEWHERE = frozenset({"repeated", "paced", "profile", "sums", "sums_as"})
_SHORT = {"speedup": "speed-up"}
_UNKNOWN = {
    "governor": "governor", "temperature_c": "temperature", "frequency_mhz": "clock",
    "load_1m": "load", "throttle_count": "throttling",
}  # fmt: skip


def unfinished(row: Row) -> list[str]:
    """Return why a cell has no figures; empty where it has."""
    return [] if row.status == "finished" else [f"{row.status}: {row.reason or 'no reason given'}"]


def measured(row: Row) -> list[str]:
    """Return the figures of a cell with their intervals, or why they are withheld."""
    known = [
        name for name, one in QUANTITIES.items() if one.grain is Grain.ROW and name in row.figures
    ]
    known.sort(key=lambda name: not _is_asked(row, name))
    return [f"{_name(name)} {said}" for name in known if (said := _said(row, name))]


def _is_asked(row: Row, quantity: str) -> bool:
    """Return whether a quantity is what the cell was measured for, and not beside that."""
    if row.scenario == Scenario.PACED and quantity in PERCENTILES:
        return True
    return QUANTITIES[quantity].scenario == row.scenario and quantity != "speedup"


def _name(quantity: str) -> str:
    if quantity in PERCENTILES:
        return quantity.removesuffix("_ms").replace("_", ".")
    return _SHORT.get(quantity, QUANTITIES[quantity].words)


def _said(row: Row, name: str) -> str:
    figure, unit = row[name], QUANTITIES[name].unit
    if figure.value is None:
        rare = QUANTITIES[name].rare or not figure.withheld
        return "" if rare else f"withheld: {figure.withheld}"
    against = figure.interval.against if figure.interval else ""
    by = " by definition" if figure.by_definition else ""
    source = f", by {row.energy_source}" if name == "energy_mj" and row.energy_source else ""
    return f"{shown(figure)} {unit}{by}{f', against {against}' if against else ''}{source}".rstrip()


def calls(row: Row, of: Distribution) -> list[str]:
    """Return what a drawn distribution is of, and where its slowest call is."""
    dropped = row.provenance.warmup_dropped
    first = f", the first {dropped} of each left out as warm-up" if dropped else ""
    count = f"{of.calls:,} call{'' if of.calls == 1 else 's'}"
    lines = [f"{count} of {plural(of.launches, 'launch')}{first}"]
    if of.launches > 1:
        lines[0] += "; each launch by itself lies in the band"
    if row.n_eff is not None:
        lines.append(f"they say as much of p95 as {row.n_eff:,.0f} independent calls")
    slow = number(of.pooled_ms[-1])
    lines.append(f"slowest: {slow} ms, call {of.slowest_call} of launch {of.slowest_in}")
    return lines


def quality(row: Row) -> list[str]:
    """Return what every metric says, or why one says nothing; empty where none was asked for."""
    known = [one for one in (row.quality, *row.quality_also.values()) if one is not None]
    lines = []
    for one in known:
        loss = one.loss
        value = estimate(one.value, one.low, one.high)
        lost = ", the baseline's own" if one.by_definition else ""
        if not lost:
            lost = f", loss {estimate(loss.estimate, loss.low, loss.high)}"
        lines.append(f"{one.metric} {value}{lost}; {plural(one.cases, 'case')}")
    lines += [
        f"{name}{': ' if name else ''}{why}" for name, why in row.unjudged.items() if why
    ]  # fmt: skip
    if lines and row.provenance.quality is not None:
        lines.append(f"against {row.provenance.quality.against}")
    return lines


def outputs(row: Row) -> list[str]:
    """Return how far the outputs lie from the reference's, and what is wrong with them."""
    lines = []
    if (largest := row["agreement_max_abs"].value) is not None:
        lines.append(f"largest difference from the reference {largest:.3g}")
    if row.agreement_relative is not None:
        lines.append(f"{row.agreement_relative:.3g} of the reference's spread, root mean square")
    wrong = [str(flag.name) for flag in row.flags if flag.name in WRONG_OUTPUTS | OF_ANSWERS]
    lines += [f"in doubt: {', '.join(wrong)}"] if wrong else []
    return lines or (["not held against a reference"] if row.status == "finished" else [])


def conditions(row: Row) -> list[str]:
    """Return the state of the device before and after the launches."""
    of = row.provenance
    lines = [f"governor {of.governor}"] if of.governor else []
    ranges = {
        "clock": (of.frequency_mhz, "MHz"), "temperature": (of.temperature_c, "°C"),
        "load": (of.load_1m, "processes over a minute"),
    }  # fmt: skip
    lines += [f"{name} {_range(told)} {unit}" for name, (told, unit) in ranges.items() if told]
    if of.paced is not None:
        lines.append(
            f"{of.paced.completed:,} of {of.paced.offered:,} arrivals served,"
            f" {of.paced.late_starts:,} begun late"
        )
    if of.gpu_memory_source:
        lines.append(f"accelerator memory by {of.gpu_memory_source}")
    if row.emulated:
        lines.append("emulated: its times are ranked against no other device's")
    reasons: dict[str, list[str]] = {}
    for name, why in of.unavailable.items():
        reasons.setdefault(why, []).append(_UNKNOWN.get(name, name))
    lines += [f"{', '.join(names)} not known: {why}" for why, names in reasons.items()]
    return lines or (["not known"] if of.statuses else [])


def _range(told: Range) -> str:
    low, high = (number(one) for one in told)
    return low if low == high else f"{low} to {high}"


def provenance(row: Row) -> list[str]:
    """Return what was run and how, so that it can be run again."""
    of = row.provenance
    runtime = " ".join(filter(None, (row.backend, row.backend_version)))
    names = usual_left_out(row, SETTINGS)
    lines = [f"model sha256 {row.model_sha256}"] if row.model_sha256 else []
    lines.append(", ".join(filter(None, (runtime, row.provider, spoken(row, names)))))
    if row.clock:
        dropped = of.warmup_dropped
        warm = f"the first {dropped} calls of each launch" if dropped else "no call"
        lines.append(f"clock {row.clock}; warm-up left out: {warm}")
    if of.started_at is not None:
        first, last = map(moment, of.started_at)
        lines.append(f"launched {first}" + (f" to {last}" if last != first else ""))
    if of.launches:
        lines.append(f"figures of launches {_ids(of.launches)}")
    told = abridged("; ".join(_told(of.details.told)), _LONGEST_ALL)
    return [*lines, *([f"the backend says {told}"] if told else []), f"run {row.run}"]


def links(row: Row) -> list[tuple[str, str]]:
    """Return the other cells that a cell has something from: what, and the cell's key."""
    of = row.provenance
    found = [("launches of", of.launches_of)] if of.launches_of else []
    if of.quality is not None and of.quality.cell not in ("", row.cell):
        found.append(("quality of", of.quality.cell))
    return found


def _ids(launches: tuple[str, ...]) -> str:
    """Return the ids of launches; of more than two on end the first and the last."""
    runs: list[list[str]] = []
    for one in launches:
        if runs and one == _next(runs[-1][-1]):
            runs[-1].append(one)
        else:
            runs.append([one])
    said = (f"{run[0]} to {run[-1]}" if len(run) > 2 else ", ".join(run) for run in runs)
    return ", ".join(said)


def _next(launch: str) -> str:
    index, _, attempt = launch.partition(".")
    return f"{int(index) + 1}.{attempt}" if index.isdecimal() else ""


def _told(details: Mapping[str, Any]) -> Iterator[str]:
    for name, value in details.items():
        if name not in _ELSEWHERE and (said := _words(value)):
            yield f"{name} {abridged(said, _LONGEST)}"


def _words(value: Any) -> str:
    """Return what a backend tells as text, names before what they are of."""
    if value is None or value is False:
        return ""
    if isinstance(value, Mapping):
        told = ((name, _words(one)) for name, one in value.items())
        return ", ".join(f"{name} {one}" for name, one in told if one)
    if isinstance(value, list | tuple):
        return ", ".join(filter(None, map(_words, value)))
    return "yes" if value is True else str(value)
