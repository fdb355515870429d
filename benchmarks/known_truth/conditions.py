"""Warm-up and drift: what the cut leaves behind, and how often flags are raised for nothing."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchhub.stats.drift import drift
from benchhub.stats.warmup import warmup_cut
from benchmarks.known_truth.experiment import Experiment, Repeat, Target
from benchmarks.known_truth.generators import LISTED, SOURCES, TYPICAL_NS, Source

Q, LAUNCHES, ITERATIONS = 0.95, 20, 200
Rng = np.random.Generator
Floats = NDArray[Any]
_AT = np.arange(ITERATIONS)


def _begin(rng: Rng, longest: int) -> NDArray[np.int64]:
    return rng.integers(longest // 2, longest + 1, (LAUNCHES, 1))


#: What each launch's iterations take longer by, in logs; the warm-up is over where it is 0.
_STARTS: dict[str, Callable[[Rng], Floats]] = {
    "none": lambda rng: np.zeros((LAUNCHES, ITERATIONS)),
    "decay from x1.5": lambda rng: np.broadcast_to(math.log(1.5) * np.exp(-_AT / 8),
                                                   (LAUNCHES, ITERATIONS)),
    "step x1.3 of 25": lambda rng: np.broadcast_to(math.log(1.3) * (_AT < 25),
                                                   (LAUNCHES, ITERATIONS)),
    "step x1.3 of 20 to 40": lambda rng: math.log(1.3) * (_begin(rng, 40) > _AT),
    "first call x3": lambda rng: np.broadcast_to(math.log(3) * (_AT < 1), (LAUNCHES, ITERATIONS)),
    "late step x1.4 of 150": lambda rng: np.broadcast_to(math.log(1.4) * (_AT < 150),
                                                         (LAUNCHES, ITERATIONS)),
    "throttles by 8 % after 60": lambda rng: np.broadcast_to(math.log(1.08) * (_AT >= 60),
                                                             (LAUNCHES, ITERATIONS)),
}  # fmt: skip


def _warmup(start: Callable[[Rng], Floats], source: Source) -> Repeat:
    truth = source.quantile_ns(Q)

    def repeat(rng: Rng) -> Mapping[str, float]:
        logs = source.logs(rng, LAUNCHES, ITERATIONS) + start(rng)
        samples = np.asarray(TYPICAL_NS * np.exp(logs), dtype=np.int64)
        cut = warmup_cut(samples)
        alone = np.concatenate([one[warmup_cut([one]).drop :] for one in samples])
        bias = _bias(np.concatenate(cut.steady(samples)), truth)
        return {
            "bias, unless flagged": math.nan if cut.flags else bias,
            "flagged": bool(cut.flags),
            "dropped": cut.drop,
            "bias cutting each launch": _bias(alone, truth),
            "bias of pyperf": _bias(samples[:, ITERATIONS // 4 :], truth),
            "bias uncut": _bias(samples, truth),
        }

    return repeat


def _bias(samples: NDArray[np.int64], truth: float) -> float:
    return float(np.quantile(samples, Q)) / truth - 1


def _flags(source: Source) -> Repeat:
    def repeat(rng: Rng) -> Mapping[str, float]:
        samples = source.samples_ns(rng, LAUNCHES, ITERATIONS)
        return {
            "drift": bool(drift(samples).flags),
            "warm-up": bool(warmup_cut(samples).flags),
            "dropped": warmup_cut(samples).drop,
        }

    return repeat


def _moving(shift: Callable[[Rng], Floats]) -> Repeat:
    def repeat(rng: Rng) -> Mapping[str, float]:
        level = 0.015 * rng.standard_normal(LAUNCHES) + shift(rng)
        logs = level[:, None] + 0.06 * rng.standard_normal((LAUNCHES, ITERATIONS))
        found = drift(np.asarray(TYPICAL_NS * np.exp(logs), dtype=np.int64))
        return {"drift": bool(found.flags)}

    return repeat


_LAUNCH = np.arange(LAUNCHES)

EXPERIMENTS = (
    Experiment(
        "warm-up",
        f"the bias of p95 by what launches begin with, {LAUNCHES} x {ITERATIONS}",
        {f"{name}, {case}": _warmup(start, LISTED[case])
         for name, start in _STARTS.items() for case in ("A", "F")},
        (Target("bias, unless flagged", at_least=-0.003, at_most=0.003, unless_rare=0.05),),
    ),
    Experiment(
        "flags for nothing",
        f"how often flags are raised where nothing drifts, {LAUNCHES} launches",
        {name: _flags(source) for name, source in SOURCES.items()},
        (Target("drift", at_most=0.015, cases=tuple(LISTED)),
         Target("warm-up", at_most=0.015, cases=tuple(LISTED))),
    ),
    Experiment(
        "flags for something",
        "how often drift is seen, launch sd 1.5 %",
        {"step of 4 % midway": _moving(lambda rng: 0.04 * (_LAUNCH >= LAUNCHES // 2)),
         "5 % over the run": _moving(lambda rng: 0.05 * _LAUNCH / LAUNCHES)},
    ),
)  # fmt: skip
