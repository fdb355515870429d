"""Quality: what gates say of a variant that loses just as much as it may, or less."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, stdtrit

from benchhub.model.scenario import VerdictOutcome
from benchhub.stats.quality_gate import quality_gate
from benchmarks.known_truth.experiment import Experiment, Repeat, Target

LIMIT = 0.01
Floats = NDArray[np.float64]
Rng = np.random.Generator


def _dice(rng: Rng, cases: int, mean: float) -> Floats:
    """Return losses of Dice: small everywhere, and large in one case of twenty."""
    small = 0.004 * rng.standard_normal(cases)
    large = rng.exponential(mean / 0.05, cases) * (rng.random(cases) < 0.05)
    return small + large


def _flips(rng: Rng, cases: int, mean: float) -> Floats:
    """Return 1 where only the baseline is right, and -1 where only the variant is."""
    drawn = rng.random(cases)
    return np.where(drawn < mean + 0.005, 1.0, np.where(drawn > 1 - 0.005, -1.0, 0.0))


def _seed(rng: Rng) -> int:
    return int(rng.integers(2**31))


def _gate(draw: Callable[[Rng, int, float], Floats], cases: int, mean: float) -> Repeat:
    def repeat(rng: Rng) -> Mapping[str, float]:
        loss = draw(rng, cases, mean)
        verdict = quality_gate(loss, LIMIT, resamples=2000, seed=_seed(rng)).verdict
        half = float(stdtrit(cases - 1, 0.95)) * float(loss.std(ddof=1)) / math.sqrt(cases)
        drawn = rng.integers(0, cases, (1000, cases))
        return {
            "PASS": verdict is VerdictOutcome.PASS,
            "FAIL": verdict is VerdictOutcome.FAIL,
            "point estimate passes": float(loss.mean()) <= LIMIT,
            "t interval passes": float(loss.mean()) + half <= LIMIT,
            "bootstrap passes": float(np.quantile(loss[drawn].mean(axis=1), 0.95)) <= LIMIT,
        }

    return repeat


def _auc(cases: int, factor: float) -> Repeat:
    """An AUC of .92 whose variant adds noise to the scores; the limit is `factor` of its loss."""
    apart, noise = 2.0, 0.6
    truth = float(ndtr(apart / math.sqrt(2)) - ndtr(apart / math.sqrt(2 * (1 + noise**2))))

    def repeat(rng: Rng) -> Mapping[str, float]:
        label = rng.random(cases) < 0.3
        score = rng.standard_normal(cases) + apart * label
        other = score + noise * rng.standard_normal(cases)

        def loss(weights: Floats) -> Floats:
            return weighted_auc(score, label, weights) - weighted_auc(other, label, weights)

        limit = factor * truth
        verdict = quality_gate(loss, limit, cases=cases, resamples=1000, seed=_seed(rng)).verdict
        return {
            "PASS": verdict is VerdictOutcome.PASS,
            "FAIL": verdict is VerdictOutcome.FAIL,
            "point estimate passes": float(loss(np.ones((1, cases)))[0]) <= limit,
        }

    return repeat


def weighted_auc(score: Floats, label: NDArray[np.bool_], weights: Floats) -> Floats:
    """Return the area under the curve for each row of weights; scores without ties."""
    order = np.argsort(score)
    positive = weights[:, order] * label[order]
    negative = weights[:, order] - positive
    below = np.cumsum(negative, axis=1)
    area: Floats = (positive * below).sum(axis=1) / (positive.sum(axis=1) * below[:, -1])
    return area


EXPERIMENTS = (
    Experiment(
        "quality at the limit",
        f"what gates say of a variant that loses {LIMIT} points, all that it may",
        {"Dice, 200 cases": _gate(_dice, 200, LIMIT), "Dice, 400 cases": _gate(_dice, 400, LIMIT),
         "flips, 400 cases": _gate(_flips, 400, LIMIT), "AUC, 400 cases": _auc(400, 1.0)},
        (Target("PASS", at_most=0.05), Target("FAIL", at_most=0.05)),
        share=0.5,
    ),
    Experiment(
        "quality within the limit",
        "what gates say of a variant that loses a quarter of what it may",
        {"Dice, 200 cases": _gate(_dice, 200, LIMIT / 4),
         "Dice, 400 cases": _gate(_dice, 400, LIMIT / 4),
         "flips, 400 cases": _gate(_flips, 400, LIMIT / 4), "AUC, 400 cases": _auc(400, 4.0)},
        share=0.25,
    ),
    Experiment(
        "quality beyond the limit",
        "what gates say of a variant that loses three times what it may",
        {"Dice, 400 cases": _gate(_dice, 400, 3 * LIMIT),
         "flips, 400 cases": _gate(_flips, 400, 3 * LIMIT)},
        share=0.25,
    ),
)  # fmt: skip
