"""Where calls spend their time by operator type, of rows of scenario profile; pure."""

from __future__ import annotations

from benchhub.model.row import Row
from benchhub.model.scenario import Scenario

#: What a call takes beside its operators: the runtime's own work, and that of counting.
BETWEEN = "between operators"
_NS_PER_MS = 1e6


def operator_times(row: Row) -> dict[str, float]:
    """Return the mean milliseconds a call of each operator type, the longest first.

    `BETWEEN` is the rest of the mean call. Counting adds to it, so the sum is no latency. Empty
    where the row has no profile.
    """
    told = row.provenance.details.operators
    if row.scenario != Scenario.PROFILE or told is None:
        return {}
    found = {name: ns / _NS_PER_MS for name, ns in told.operators_ns.items()}
    rest = told.call_ns / _NS_PER_MS - sum(found.values())
    times = {**found, BETWEEN: max(rest, 0.0)}
    return dict(sorted(times.items(), key=lambda item: -item[1]))


def operators_text(row: Row, most: int = 4) -> str:
    """Return the shares of the longest operator types in words; empty: there is no profile."""
    times = operator_times(row)
    whole = sum(times.values())
    if not whole:
        return ""
    shown = [f"{name} {time / whole:.0%}" for name, time in list(times.items())[:most]]
    rest = sum(list(times.values())[most:]) / whole
    return ", ".join([*shown, f"others {rest:.0%}"] if rest >= 0.005 else shown)
