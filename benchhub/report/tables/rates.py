"""The highest rate of paced calls that still meets a percentile's budget, in sentences."""

from __future__ import annotations

from benchhub.model.device import DeviceInfo
from benchhub.model.row import Results
from benchhub.model.scenario import Scenario
from benchhub.report.tables.settings import compact, rate_text, varying
from benchhub.results.verdicts.rates import RateLimit, highest_rate
from benchhub.text import number


def highest_rates(result: Results, device: DeviceInfo) -> list[str]:
    """Return a sentence for each paced budget: which configuration meets it up to which rate.

    The budgets are those of the paced verdicts. An emulated device has no rate to speak of.
    """
    rows = [r for r in result.rows if r.device == device.name and r.scenario == Scenario.PACED]
    limits = dict.fromkeys(
        (v.column.removesuffix("_ms"), v.limit)
        for v in result.verdicts
        if v.device == device.name and v.scenario == Scenario.PACED and v.column.endswith("_ms")
    )
    if device.emulated or not rows:
        return []
    names = [name for name in varying(rows) if name != "rate_per_s"]
    said = []
    for percentile, limit in limits:
        reached: dict[str, list[str]] = {}
        for found in highest_rate(rows, percentile, limit):
            one = found.rows[0]
            settings = compact(one, names)
            where = f"{one.variant} on {one.backend}{f' ({settings})' if settings else ''}"
            reached.setdefault(_reached(found), []).append(where)
        listed = "; ".join(f"{what}: {', '.join(them)}" for what, them in reached.items())
        said.append(f"Highest rate shown to meet {percentile} <= {number(limit)} ms: {listed}.")
    return said


def _reached(found: RateLimit) -> str:
    if found.highest is None:
        return "none that was tried"
    text = rate_text(found.rate_per_s)
    if found.highest is found.rows[-1]:
        return f"{text} (the highest tried)"
    if found.first_failed is not None:
        return f"{text} (fails at {rate_text(found.first_failed.rate_per_s)})"
    return f"{text} (undecided above)"
