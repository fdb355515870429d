"""Clear cases: how soon they are told, and what ten launches that look alike cannot tell."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from benchhub.model.asked import Budget
from benchhub.model.scenario import VerdictOutcome
from benchmarks.known_truth import shipped
from benchmarks.known_truth.experiment import Experiment, Repeat, Target

Rng = np.random.Generator
Drawn = Callable[[Rng, int], NDArray[np.int64]]
ITERATIONS = 200
_MS = 1e6
_BUDGET_MS = 5.0
_RARE = 0.05


def _calls(rng: Rng, launches: int, level_ms: float = 0.30) -> NDArray[np.int64]:
    noise = np.exp(0.01 * rng.standard_normal((launches, ITERATIONS)))
    return np.asarray(level_ms * _MS * noise, dtype=np.int64)


def _bimodal(rng: Rng, launches: int) -> NDArray[np.int64]:
    """Three launches of ten have six calls of ten that take .39 ms in place of .30 ms."""
    slow = (rng.random((launches, 1)) < 0.3) & (rng.random((launches, ITERATIONS)) < 0.6)
    return np.where(slow, _calls(rng, launches, 0.39), _calls(rng, launches))


def _with_slow(of: Drawn, share: float) -> Drawn:
    """A share of launches take 6 ms a call, which breaks the budget where it is over 5 %."""

    def drawn(rng: Rng, launches: int) -> NDArray[np.int64]:
        slow = rng.random((launches, 1)) < share
        return np.where(slow, _calls(rng, launches, 6.0), of(rng, launches))

    return drawn


def _gate(drawn: Drawn, rare: float | None = None, budget_ms: float = _BUDGET_MS) -> Repeat:
    budget = Budget("p95", limits={"latency_p95_ms": budget_ms}, rare_launches=rare)

    def repeat(rng: Rng) -> Mapping[str, float]:
        row = shipped.until_told(lambda k: drawn(rng, k), budget)
        verdict = shipped.verdict(row, budget)
        return {
            "PASS": verdict is VerdictOutcome.PASS,
            "FAIL": verdict is VerdictOutcome.FAIL,
            "iterations": row.launches * ITERATIONS,
        }

    return repeat


EXPERIMENTS = (
    Experiment(
        "clear cases",
        "what gates say, and after how many calls, where no call comes near the budget",
        {
            "far below, one speed": _gate(_calls),
            "far below, two speeds": _gate(_bimodal),
            "100 times over": _gate(_calls, budget_ms=0.003),
            "twice over, two speeds": _gate(_bimodal, budget_ms=0.15),
        },
        (
            Target("PASS", at_least=0.98, cases=("far below, one speed", "far below, two speeds")),
            Target("FAIL", at_least=0.98, cases=("100 times over", "twice over, two speeds")),
            Target("iterations", at_most=700, cases=("100 times over",)),
            Target("iterations", at_most=2100, cases=("far below, two speeds",)),
        ),
    ),
    Experiment(
        "rare slow launches",
        "what gates say where 6 % of launches take 6 ms a call, against a budget of 5 ms",
        {
            "one speed": _gate(_with_slow(_calls, 0.06)),
            "two speeds": _gate(_with_slow(_bimodal, 0.06)),
            "one speed, rare_launches .05": _gate(_with_slow(_calls, 0.06), _RARE),
            "two speeds, rare_launches .05": _gate(_with_slow(_bimodal, 0.06), _RARE),
        },
        (
            Target("PASS", at_most=0.05,
                   cases=("one speed, rare_launches .05", "two speeds, rare_launches .05")),
        ),
    ),
    Experiment(
        "rare_launches of good cells",
        "what gates say of cells without slow launches that are asked for at most 5 % of them",
        {"one speed": _gate(_calls, _RARE), "two speeds": _gate(_bimodal, _RARE)},
        (Target("PASS", at_least=0.98, cases=("one speed", "two speeds")),),
    ),
)  # fmt: skip
