"""Quality: what gates say of a variant that loses just as much as it may, or less."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, stdtrit

from benchhub.model.asked import Budget
from benchhub.model.quality import Metric
from benchhub.model.scenario import VerdictOutcome
from benchhub.tasks.case_tables import mean_metric
from benchhub.tasks.metrics import METRICS
from benchhub.tasks.metrics.ranking import MACRO_AUC
from benchmarks.known_truth import shipped
from benchmarks.known_truth.experiment import Experiment, Repeat, Target

LIMIT = 0.01
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
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


#: Outputs that are the Dice of each case themselves.
_MEAN_DICE = mean_metric("dice", lambda outputs, labels: outputs[:, None])


def _dice_pair(rng: Rng, loss: Floats) -> tuple[Floats, Floats, Ints]:
    """Return the baseline's outputs, the variant's that lose so much of it, and the labels."""
    baseline = rng.uniform(0.6, 1.0, loss.size)
    return baseline, baseline - loss, np.zeros(loss.size, np.int64)


def _flip_pair(rng: Rng, loss: Floats) -> tuple[Floats, Floats, Ints]:
    """As `_dice_pair`: scores of two classes; where neither flips, nine in ten are right."""
    both = rng.random(loss.size) < 0.9
    labels = rng.integers(0, 2, loss.size)
    made = []
    for right in (np.where(loss == 0, both, loss > 0), np.where(loss == 0, both, loss < 0)):
        scores = 0.1 * rng.standard_normal((loss.size, 2))
        scores[np.arange(loss.size), np.where(right, labels, 1 - labels)] += 1
        made.append(scores)
    return made[0], made[1], labels


#: A kind of loss: how losses are drawn, the metric, and what is made of them.
DICE = _dice, _MEAN_DICE, _dice_pair
_FLIPS = _flips, METRICS["accuracy"], _flip_pair
_Lossy = tuple[
    Callable[[Rng, int, float], Floats],
    Metric,
    Callable[[Rng, Floats], tuple[Floats, Floats, Ints]],
]


def loss_pair(
    kind: _Lossy, rng: Rng, cases: int, means: Floats
) -> tuple[Metric, Floats, Ints, list[Floats]]:
    """Return metric, a baseline's outputs, labels, and outputs of variants that lose as much."""
    draw, metric, pair = kind
    baseline, _, labels = pair(rng, np.zeros(cases))
    return metric, baseline, labels, [baseline - draw(rng, cases, mean) for mean in means]


def _budget(limit: float) -> Budget:
    return Budget("loss", limits={"quality_loss_max": limit})


def _gate(kind: _Lossy, cases: int, mean: float) -> Repeat:
    draw, metric, pair = kind
    budget = _budget(LIMIT)

    def repeat(rng: Rng) -> Mapping[str, float]:
        loss = draw(rng, cases, mean)
        half = float(stdtrit(cases - 1, 0.95)) * float(loss.std(ddof=1)) / math.sqrt(cases)
        seed = _seed(rng)
        drawn = rng.integers(0, cases, (1000, cases))
        baseline, outputs, labels = pair(rng, loss)
        row = shipped.judged(metric, labels, baseline, outputs, seed)
        verdict = shipped.verdict(row, budget)
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
    budget = _budget(factor * truth)

    def repeat(rng: Rng) -> Mapping[str, float]:
        label = (rng.random(cases) < 0.3)[:, None]
        score = rng.standard_normal((cases, 1)) + apart * label
        other = score + noise * rng.standard_normal((cases, 1))
        row = shipped.judged(MACRO_AUC, label, score, other, _seed(rng))
        verdict = shipped.verdict(row, budget)
        return {
            "PASS": verdict is VerdictOutcome.PASS,
            "FAIL": verdict is VerdictOutcome.FAIL,
            "point estimate passes": (row["quality_loss"].value or 0.0) <= factor * truth,
        }

    return repeat


EXPERIMENTS = (
    Experiment(
        "quality at the limit",
        f"what gates say of a variant that loses {LIMIT} points, all that it may",
        {"Dice, 200 cases": _gate(DICE, 200, LIMIT), "Dice, 400 cases": _gate(DICE, 400, LIMIT),
         "flips, 400 cases": _gate(_FLIPS, 400, LIMIT), "AUC, 400 cases": _auc(400, 1.0)},
        (Target("PASS", at_most=0.05), Target("FAIL", at_most=0.05)),
        share=0.5,
    ),
    Experiment(
        "quality within the limit",
        "what gates say of a variant that loses a quarter of what it may",
        {"Dice, 200 cases": _gate(DICE, 200, LIMIT / 4),
         "Dice, 400 cases": _gate(DICE, 400, LIMIT / 4),
         "flips, 400 cases": _gate(_FLIPS, 400, LIMIT / 4), "AUC, 400 cases": _auc(400, 4.0)},
        share=0.25,
    ),
    Experiment(
        "quality beyond the limit",
        "what gates say of a variant that loses three times what it may",
        {"Dice, 400 cases": _gate(DICE, 400, 3 * LIMIT),
         "flips, 400 cases": _gate(_FLIPS, 400, 3 * LIMIT)},
        share=0.25,
    ),
)  # fmt: skip
