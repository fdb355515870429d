"""Where the warm-up of a cell ends: one cut for all of its launches.

Sources: K. P. White, M. J. Cobb and S. C. Spratt, A comparison of five steady-state truncation
heuristics for simulation, WSC 2000, for MSER-5; P. D. Welch, The statistical analysis of simulation
results (1983), for looking at a curve over replications. A cut of each launch alone would choose
by that launch's own noise and so bias what is left; hence the common one, and hence nothing is
cut that the launches do not agree on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchhub.model.flag import Flag, FlagKind
from benchhub.stats.paired import signed_rank_p
from benchhub.stats.samples import Launches, Samples, checked

BATCH = 5
_LEVEL = 0.01
#: Fewer launches than this cannot agree at that level; then the curve alone decides.
AGREEING = 8
_SLOWDOWN = 1.02
#: Less than this is left in a percentile by a warm-up that is nearly over.
_STEADY = 1.005


@dataclass(frozen=True, slots=True)
class WarmupCut:
    """How many iterations to drop from the start of every launch, and doubts about that."""

    drop: int
    flags: tuple[Flag, ...]

    def steady(self, samples_ns: Samples) -> Launches:
        """Return the launches without their warm-up; one that ends within it is left out."""
        return [launch[self.drop :] for launch in samples_ns if launch.size > self.drop]


def warmup_cut(samples_ns: Samples) -> WarmupCut:
    """Return the iterations to drop, by MSER-5 on the median of the launches at each iteration.

    At most half a launch is dropped. `no_steady_state` is raised by a cut at that edge, and where
    what is left still grows faster; `slowdown` where launches begin faster than they go on by more
    than 2 %, and then nothing is dropped. A difference of 2 % caps verdicts. From eight launches on
    they must agree on a difference (signed-rank test, p < .01), or it is none. Launches of
    different lengths are judged up to the shortest. ValueError: as `checked`.
    """
    launches = checked(samples_ns)
    length = min((launch.size for launch in launches), default=0)
    if length < 2 * BATCH:
        return WarmupCut(0, ())
    table = np.stack([launch[:length] for launch in launches])
    batches = _mser(np.median(table, axis=0))
    drop = BATCH * batches
    start = _slower(table[:, :drop], table[:, length - drop :]) if drop else 1.0
    drop = 0 if start == 1.0 else drop
    half = (length - drop) // 2
    rest = _slower(table[:, drop : drop + half], table[:, length - half :])
    for first, factor in ((drop, start), (drop + half, rest)):
        if factor < 1 / _SLOWDOWN:
            evidence = f"the first {first} of {length} iterations are {1 / factor - 1:.1%} faster"
            return WarmupCut(
                0, (_flag(FlagKind.SLOWDOWN, f"{evidence} than the last", launches, factor),)
            )
    if drop and batches == length // BATCH // 2:
        evidence = f"half of each launch is {start - 1:.1%} slower than the last"
        return WarmupCut(drop, (_flag(FlagKind.NO_STEADY_STATE, evidence, launches, start),))
    if rest > _STEADY:
        evidence = f"iterations {drop} to {drop + half} of {length} are {rest - 1:.1%} slower"
        evidence += " than the last"
        return WarmupCut(drop, (_flag(FlagKind.NO_STEADY_STATE, evidence, launches, rest),))
    return WarmupCut(drop, ())


def _flag(name: FlagKind, evidence: str, launches: Launches, factor: float) -> Flag:
    gross = not 1 / _SLOWDOWN <= factor <= _SLOWDOWN
    return Flag(name, f"{evidence} ({len(launches)} launches)", caps=gross)


def _mser(curve: NDArray[np.float64]) -> int:
    """Return how many leading batches to drop: the least squared standard error of the rest."""
    count = curve.size // BATCH
    means = curve[: count * BATCH].reshape(count, BATCH).mean(axis=1)
    left = np.arange(count, 0, -1.0)
    mean = np.cumsum(means[::-1])[::-1] / left
    squares = np.cumsum((means**2)[::-1])[::-1] - left * mean**2
    return int(np.argmin((squares / left**2)[: count // 2 + 1]))


def _slower(first: NDArray[np.int64], last: NDArray[np.int64]) -> float:
    """Return how many times as long the first iterations take, 1 where launches do not agree.

    Both parts are as long: then their difference is symmetric in a steady launch, whatever its
    distribution, and the test is exact. Means of logs, which a few slow iterations move. Few
    launches have nothing to agree on.
    """
    logs = [np.log(np.maximum(part, 1)).mean(axis=1) for part in (first, last)]
    differences = logs[0] - logs[1]
    if len(differences) >= AGREEING and signed_rank_p(differences) >= _LEVEL:
        return 1.0
    return float(np.exp(np.median(differences)))
