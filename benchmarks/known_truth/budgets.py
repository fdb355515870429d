"""Percentiles: how often intervals hold the truth, and what gates say of budgets near it."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from benchhub.model.asked import Budget
from benchhub.model.scenario import VerdictOutcome
from benchmarks.known_truth import peers, shipped
from benchmarks.known_truth.experiment import Experiment, Repeat, Target
from benchmarks.known_truth.generators import LISTED, SOURCES, Source

Q = 0.95
ITERATIONS = 200
LAUNCHES = 20
#: LoadGen is run again until it passes, so often at most.
RERUNS = 5


def _coverage(source: Source) -> Repeat:
    truth = source.quantile_ns(Q)

    def repeat(rng: np.random.Generator) -> Mapping[str, float]:
        samples = source.samples_ns(rng, LAUNCHES, ITERATIONS)
        stream = source.samples_ns(rng, 1, LAUNCHES * ITERATIONS)
        ours = shipped.row_of(samples)["p95_ms"]
        least, most = (math.inf if end is None else 1e6 * end for end in (ours.low, ours.high))
        low, high = peers.bootstrap_limits(samples, Q)
        first, last = peers.bootstrap_limits(stream, Q)
        return {
            "benchhub": least <= truth <= most,
            "benchhub half width": (most - least) / 2 / truth,
            "bootstrap": low <= truth <= high,
            "LoadGen (of 99 %)": peers.loadgen_bound(samples, Q) >= truth,
            "LoadGen, one launch": peers.loadgen_bound(stream, Q) >= truth,
            "criterion": first <= truth <= last,
        }

    return repeat


def _gate(source: Source, factor: float) -> Repeat:
    """A budget that the truth is `factor` times of."""
    limit = source.quantile_ns(Q) / factor
    budget = Budget("p95", limits={"latency_p95_ms": limit / 1e6})

    def repeat(rng: np.random.Generator) -> Mapping[str, float]:
        row = shipped.until_told(lambda k: source.samples_ns(rng, k, ITERATIONS), budget)
        verdict = shipped.verdict(row, budget)
        fixed = source.samples_ns(rng, 10, ITERATIONS)
        runs = [
            peers.loadgen_bound(source.samples_ns(rng, 1, 10 * ITERATIONS), Q)
            for _ in range(RERUNS)
        ]
        return {
            "PASS": verdict is VerdictOutcome.PASS,
            "FAIL": verdict is VerdictOutcome.FAIL,
            "iterations": row.launches * ITERATIONS,
            "point estimate passes": float(np.quantile(fixed, Q)) <= limit,
            "LoadGen passes": runs[0] <= limit,
            "LoadGen, run again, passes": min(runs) <= limit,
        }

    return repeat


def _at(name: str, question: str, factor: float, *targets: Target) -> Experiment:
    cases = {case: _gate(source, factor) for case, source in SOURCES.items()}
    return Experiment(name, question, cases, targets)


_LISTED = tuple(LISTED)

EXPERIMENTS = (
    Experiment(
        "coverage",
        f"how often the 95 % interval of p95 holds the truth, {LAUNCHES} x {ITERATIONS}",
        {case: _coverage(source) for case, source in SOURCES.items()},
        (Target("benchhub", at_least=0.94, cases=_LISTED),),
    ),
    _at("gate at the limit", "what gates say of a p95 that equals its budget", 1.0,
        Target("PASS", at_most=0.05, cases=_LISTED), Target("FAIL", at_most=0.02, cases=_LISTED)),
    _at("gate at -5 %", "what gates say of a p95 that is 5 % below its budget", 0.95,
        Target("PASS", at_least=0.98, cases=_LISTED),
        Target("iterations", at_most=4100, cases=_LISTED, pooled=True)),
    _at("gate at -3 %", "what gates say of a p95 that is 3 % below its budget", 0.97),
    _at("gate at +3 %", "what gates say of a p95 that is 3 % above its budget", 1.03),
    _at("gate at +5 %", "what gates say of a p95 that is 5 % above its budget", 1.05,
        Target("FAIL", at_least=0.90, cases=_LISTED)),
)  # fmt: skip
