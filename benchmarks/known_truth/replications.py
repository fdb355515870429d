"""What is said of reports that are run again, where it is known whether they are true."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from benchhub.config.published.told import (
    PublishedDevice,
    PublishedFacts,
    PublishedReport,
    PublishedRow,
    PublishedRun,
)
from benchhub.model.asked import EFFORTS
from benchhub.model.row import Row
from benchhub.report.plain import plain
from benchhub.report.run.row_json import row_json
from benchhub.results.replicate.answer import Replicated, Replication
from benchhub.results.replicate.replicate import replicate
from benchmarks.known_truth import shipped
from benchmarks.known_truth.comparisons import Host
from benchmarks.known_truth.experiment import Experiment, Repeat, Target
from benchmarks.known_truth.generators import SOURCES, TYPICAL_NS

Rng = np.random.Generator
Ints = NDArray[np.int64]
#: Of a report somebody sends, and of who runs it again.
LAUNCHES, ITERATIONS = EFFORTS["standard"].launches, EFFORTS["standard"].iterations
MORE_LAUNCHES = EFFORTS["rigorous"].launches
#: The difference that is to be found, either way.
APART = 1.10
ROWS, CHANGED = 60, 6
_CALL_SD = 0.02
_HERE = PublishedDevice(
    name=shipped.DEVICE.name, facts=PublishedFacts(arch="x86_64", cpu_model="simulated")
)


def report_of(rows: Sequence[Row]) -> PublishedReport:
    """Return rows as the report that a run of them writes, read again."""
    told = [{name: plain(one) for name, one in row_json(row).items()} for row in rows]
    return PublishedReport(
        run=PublishedRun(id="known-truth", suite="known-truth", baseline="fp32"),
        devices=(_HERE,),
        rows=tuple(PublishedRow.model_validate(one) for one in told),
    )


def _said(theirs: Sequence[Row], ours: Sequence[Row]) -> Replication:
    return replicate(report_of(theirs), report_of(ours), _HERE)


def _outcome(of: Replication, quantity: str) -> dict[str, float]:
    """Return what was said of the only figure of a quantity."""
    (outcome,) = (one.outcome for row in of.rows for one in row.figures if one.quantity == quantity)
    return {name.value: outcome is name for name in Replicated}


def _median(name: str, factor: float, launches: int = LAUNCHES) -> Repeat:
    """A median of a source, and `factor` times as much or as little of the same source."""

    def repeat(rng: Rng) -> Mapping[str, float]:
        by = factor if rng.random() < 0.5 else 1 / factor
        theirs, ours = (SOURCES[name].samples_ns(rng, launches, ITERATIONS) for _ in range(2))
        found = _said([shipped.row_of(theirs)], [shipped.row_of(_times(ours, by))])
        return _outcome(found, "p50_ms")

    return repeat


def _spread(sd: float, factor: float, launches: int, day: float = 0.0) -> Repeat:
    """A median of launches that differ by `sd`, in runs that differ by `day`."""

    def repeat(rng: Rng) -> Mapping[str, float]:
        by = factor if rng.random() < 0.5 else 1 / factor
        rows = [
            shipped.row_of(_launches(rng, sd, count, day, times))
            for times, count in ((1.0, LAUNCHES), (by, launches))
        ]
        return _outcome(_said(rows[:1], rows[1:]), "p50_ms")

    return repeat


def _launches(rng: Rng, sd: float, count: int, day: float, factor: float) -> Ints:
    level = math.log(factor) + day * rng.standard_normal()
    logs = level + sd * rng.standard_normal((count, 1))
    logs = logs + _CALL_SD * rng.standard_normal((count, ITERATIONS))
    return np.rint(TYPICAL_NS * np.exp(logs)).astype(np.int64)


def _speedup(factor: float) -> Repeat:
    """A variant twice as fast as its baseline on a host that drifts; on another, `factor` off."""

    def repeat(rng: Rng) -> Mapping[str, float]:
        by = factor if rng.random() < 0.5 else 1 / factor
        rows = []
        for times in (1.0, by):
            base, variant = Host(rng).rounds(0.5 * times, LAUNCHES)
            rows.append(shipped.beside_baseline(base, variant))
        return _outcome(_said(*rows), "speedup")

    return repeat


def _times(samples_ns: Ints, factor: float) -> Ints:
    return np.rint(factor * samples_ns).astype(np.int64)


def _report(changed: int) -> Repeat:
    """A report of many rows, of which some take 10 % longer here."""

    def repeat(rng: Rng) -> Mapping[str, float]:
        sides: list[list[Row]] = []
        for factor in (1.0, APART):
            drawn = []
            for number in range(ROWS):
                times = factor if number < changed else 1.0
                base = float(np.exp(0.02 * number)) * times
                drawn.append(_launches(rng, 0.02, LAUNCHES, 0.0, base))
            sides.append(shipped.many(drawn))
        told = [one.figures[0].outcome for one in _said(*sides).rows]
        true = Counter(told[changed:])
        return {
            "any true row not replicated": true[Replicated.NOT] > 0,
            "true rows replicated": true[Replicated.REPLICATED] / (ROWS - changed),
            "true rows cannot be told": true[Replicated.UNTOLD] / (ROWS - changed),
            "false rows not replicated": (
                Counter(told[:changed])[Replicated.NOT] / changed if changed else math.nan
            ),
        }

    return repeat


def _cases(factor: float) -> dict[str, Repeat]:
    return {
        **{f"median, {name}": _median(name, factor) for name in ("A", "B", "D", "E", "F")},
        "speed-up, drift 3 %": _speedup(factor),
        **{
            f"median, {_TWO_CLOCKS}, {count} launches": _median(_TWO_CLOCKS, factor, count)
            for count in (LAUNCHES, MORE_LAUNCHES)
        },
    }


#: A clock that is slow for a fifth of the time leaves the median less sure than all else does:
#: of that nothing is promised.
_TWO_CLOCKS = "C"
_PROMISED = ("median, A", "median, B", "median, D", "median, E", "median, F", "speed-up, drift 3 %")


_SPREADS = {f"launches differ by {sd:.0%}": sd for sd in (0.01, 0.02, 0.04, 0.06, 0.08, 0.12)}
EXPERIMENTS = (
    Experiment(
        "replicate a true report",
        f"what is said of figures that are equal, {LAUNCHES} x {ITERATIONS} there and here",
        _cases(1.0),
        (Target(Replicated.NOT.value, at_most=0.05),),
    ),
    Experiment(
        "replicate a report 10 % off",
        f"what is said of figures 10 % apart, {LAUNCHES} x {ITERATIONS} there and here",
        _cases(APART),
        (Target(Replicated.NOT.value, at_least=0.95, cases=_PROMISED),
         Target(Replicated.REPLICATED.value, at_most=0.05)),
    ),
    Experiment(
        "replicate by spread, true",
        f"what is said of medians that are equal, {LAUNCHES} launches there",
        {
            f"{name}, {count} here": _spread(sd, 1.0, count)
            for name, sd in _SPREADS.items()
            for count in (LAUNCHES, MORE_LAUNCHES)
        },
        share=0.5,
    ),
    Experiment(
        "replicate by spread, 10 % off",
        f"what is said of medians 10 % apart, {LAUNCHES} launches there",
        {
            f"{name}, {count} here": _spread(sd, APART, count)
            for name, sd in _SPREADS.items()
            for count in (LAUNCHES, MORE_LAUNCHES)
        },
        share=0.5,
    ),
    Experiment(
        "replicate on another day",
        "what is said of medians that are equal but for the day of each run, launch sd 2 %",
        {f"days differ by {day:.0%}": _spread(0.02, 1.0, LAUNCHES, day)
         for day in (0.01, 0.03, 0.05)},
        share=0.5,
    ),
    Experiment(
        "replicate many rows",
        f"what is said of {ROWS} rows, launch sd 2 %",
        {"all true": _report(0), f"{CHANGED} of them 10 % off": _report(CHANGED)},
        (Target("any true row not replicated", at_most=0.05),
         Target("false rows not replicated", at_least=0.95)),
        share=0.1,
    ),
)  # fmt: skip
