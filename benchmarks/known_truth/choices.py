"""What is recommended of matrices whose best variant, and whose losses, are known."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from benchhub.model.asked import Budget
from benchhub.model.scenario import VerdictOutcome
from benchhub.results.recommend.answer import Advice, DeviceAnswer
from benchhub.results.recommend.choose import MARGIN, choose
from benchmarks.known_truth import shipped
from benchmarks.known_truth.comparisons import Host
from benchmarks.known_truth.experiment import Experiment, Repeat, Target
from benchmarks.known_truth.generators import TYPICAL_NS
from benchmarks.known_truth.losses import DICE, LIMIT, loss_pair

VARIANTS, BACKENDS, ROUNDS, ITERATIONS, CASES = 4, 2, 10, 100, 400
Rng = np.random.Generator
Floats = NDArray[np.float64]
#: Standard deviations of what `Host` adds to a call's logarithm: launch, drift, iteration.
_SPREAD = math.sqrt(0.015**2 + 0.03**2 + 0.06**2)


@dataclass(frozen=True, slots=True)
class Truth:
    """How long each candidate's median call takes, in typical ones, and what its variant loses.

    `longest` is the limit of the 95th percentile in the same unit.
    """

    times: Floats
    losses: Floats
    longest: float

    def keeps(self, place: int) -> bool:
        """Return whether a candidate keeps both limits."""
        p95 = self.times[place] * math.exp(float(ndtri(0.95)) * _SPREAD)
        return bool(self.losses[place // BACKENDS] <= LIMIT and p95 <= self.longest)


def _spread_out(rng: Rng) -> Truth:
    """Times far apart, losses none or three times what they may be."""
    times = np.exp(rng.uniform(-0.7, 0.7, VARIANTS * BACKENDS))
    return Truth(times, rng.choice([0.0, 3 * LIMIT], VARIANTS), 10.0)


def _close(rng: Rng) -> Truth:
    """The best three within 8 %, losses none or a quarter of what they may be."""
    times = np.exp(rng.uniform(0.1, 0.7, VARIANTS * BACKENDS))
    times[rng.permutation(times.size)[:3]] = np.exp(rng.uniform(-0.04, 0.04, 3))
    return Truth(times, rng.choice([0.0, LIMIT / 4], VARIANTS), 10.0)


def _losing(rng: Rng) -> Truth:
    """Whatever is fast loses a little more than it may: the slowest variant alone does not."""
    times = np.sort(np.exp(rng.uniform(-0.7, 0.7, VARIANTS * BACKENDS)))
    return Truth(times, np.array([1.001 * LIMIT] * (VARIANTS - 1) + [0.0]), 10.0)


def _slow(rng: Rng) -> Truth:
    """All but one take a little longer than they may, and none loses anything."""
    times = 1.001 + np.zeros(VARIANTS * BACKENDS)
    times[int(rng.integers(times.size))] = 0.9
    return Truth(times, np.zeros(VARIANTS), math.exp(float(ndtri(0.95)) * _SPREAD))


def _mixed(rng: Rng) -> Truth:
    """Times as they come, losses from none to three times what they may be, a limit among them."""
    times = np.exp(rng.uniform(-0.4, 0.4, VARIANTS * BACKENDS))
    losses = LIMIT * rng.choice([0.0, 0.25, 1.001, 3.0], VARIANTS)
    longest = float(np.quantile(times, 0.7)) * math.exp(float(ndtri(0.95)) * _SPREAD)
    return Truth(times, losses, longest)


def _repeat(draw: Callable[[Rng], Truth]) -> Repeat:
    def repeat(rng: Rng) -> Mapping[str, float]:
        truth = draw(rng)
        answer = _measured(rng, truth)
        place = {shipped.name_of(number, BACKENDS): number for number in range(truth.times.size)}
        keep = [number for number in place.values() if truth.keeps(number)]
        picked = [] if answer.pick is None else [place[answer.pick.row.cell]]
        tied = [place[one.candidate.row.cell] for one in answer.ties]
        rivals = [place[one.candidate.row.cell] for one in answer.rivals]
        best = min(keep, key=lambda number: truth.times[number], default=None)
        near = best is None or bool(
            {best} & {*picked, *tied, *rivals}
            or (picked and truth.times[picked[0]] <= MARGIN * truth.times[best])
        )
        alone = [
            place[one.row.cell]
            for one in sorted(answer.candidates, key=lambda one: one.value)
            if all(of.verdict.outcome is VerdictOutcome.PASS for of in one.evidence)
        ]
        return {
            "pick breaks a limit": bool(picked and not truth.keeps(picked[0])),
            "a named tie breaks one": not all(map(truth.keeps, [*picked, *tied])),
            "best within 3 %, or named": near,
            "one answer": answer.kind is Advice.SHIP,
            "tie": answer.kind is Advice.TIE,
            "better may be found": answer.kind is Advice.OPEN,
            "undecided": answer.kind is Advice.UNDECIDED,
            "none": answer.kind is Advice.NONE,
            "fastest that passes alone breaks a limit": bool(alone and not truth.keeps(alone[0])),
        }

    return repeat


def _measured(rng: Rng, truth: Truth) -> DeviceAnswer:
    host = Host(rng)
    samples: list[list[NDArray[np.int64]]] = [[] for _ in truth.times]
    for _ in range(ROUNDS):
        for number in rng.permutation(truth.times.size):
            samples[number].append(host.launch(float(truth.times[number]), ITERATIONS))
    metric, baseline, labels, outputs = loss_pair(DICE, rng, CASES, truth.losses)
    budget = Budget(
        "both",
        limits={
            "latency_p95_ms": truth.longest * TYPICAL_NS / 1e6,
            "quality_loss_max": LIMIT,
        },
    )
    rows = shipped.matrix(
        samples, metric, labels, baseline, outputs, BACKENDS, int(rng.integers(2**31)), (budget,)
    )
    return choose(shipped.DEVICE, rows, (budget,), "p50_ms")


EXPERIMENTS = (
    Experiment(
        "recommend",
        f"what is recommended of {VARIANTS} variants on {BACKENDS} backends, {ROUNDS} rounds,"
        f" {CASES} cases",
        {
            "far apart": _repeat(_spread_out),
            "close": _repeat(_close),
            "fast ones lose": _repeat(_losing),
            "all but one too slow": _repeat(_slow),
            "mixed": _repeat(_mixed),
        },
        (
            Target("pick breaks a limit", at_most=0.05),
            Target("a named tie breaks one", at_most=0.05),
            Target("best within 3 %, or named", at_least=0.95),
        ),
    ),
)
