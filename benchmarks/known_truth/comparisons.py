"""A/B: what rules say of two things measured on a host that drifts, and of many at once."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from benchhub.results.compare.moves import ALPHA, Change, Margins, Move, decided, moves
from benchhub.stats.paired_ab import ABChange
from benchmarks.known_truth import peers, shipped
from benchmarks.known_truth.experiment import Experiment, Repeat, Target
from benchmarks.known_truth.generators import TYPICAL_NS

ITERATIONS = 30
_SD, _LAUNCH, _DRIFT = 0.06, 0.015, 0.03
#: Launches after which the host's drift has forgotten itself to a share of 1/e.
_MEMORY = 20.0
Floats = NDArray[np.float64]


class Host:
    """One host in time: every launch moves its drift on by a step (Ornstein-Uhlenbeck)."""

    def __init__(self, rng: np.random.Generator, drift: float = _DRIFT) -> None:
        self._rng, self._drift = rng, drift
        self._level = float(rng.standard_normal())
        self._kept = math.exp(-1 / _MEMORY)

    def launch(self, factor: float, iterations: int = ITERATIONS) -> NDArray[np.int64]:
        """Return the durations of a launch of something that takes `factor` times as long."""
        step = math.sqrt(1 - self._kept**2) * float(self._rng.standard_normal())
        self._level = self._kept * self._level + step
        shift = self._drift * self._level + _LAUNCH * float(self._rng.standard_normal())
        logs = math.log(factor) + shift + _SD * self._rng.standard_normal(iterations)
        return np.asarray(TYPICAL_NS * np.exp(logs), dtype=np.int64)

    def rounds(self, factor: float, count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return `count` launches of A and of B, a pair a round, in a random order each."""
        pairs = []
        for first in self._rng.random(count) < 0.5:
            made = [self.launch(1.0 if of_a else factor) for of_a in (first, not first)]
            pairs.append(made if first else made[::-1])
        both = np.array(pairs)
        return both[:, 0], both[:, 1]


def _ab(factor: float) -> Repeat:
    def repeat(rng: np.random.Generator) -> Mapping[str, float]:
        host = Host(rng)
        found, iterations = shipped.side_by_side(lambda count: host.rounds(factor, count))
        changed = found.change in (ABChange.REGRESSED, ABChange.IMPROVED)
        ours = {
            "benchhub": changed,
            "benchhub equivalent": found.change is ABChange.EQUIVALENT,
            "benchhub iterations": iterations,
        }
        return {**ours, **{name: rule(Host(rng), factor) for name, rule in _PEERS.items()}}

    return repeat


def _means(host: Host, factor: float, launches: int, values: int, iterations: int) -> Floats:
    """Return the means of `values` stretches of each launch, shape (launches, values)."""
    drawn = [host.launch(factor, values * iterations) for _ in range(launches)]
    found: Floats = np.array(drawn).reshape(launches, values, iterations).mean(axis=2)
    return found


def _blocks(
    rule: Callable[[Floats, Floats], bool], launches: int, values: int, iterations: int
) -> Callable[[Host, float], float]:
    """First all of A, then all of B."""

    def decide(host: Host, factor: float) -> float:
        a = _means(host, 1.0, launches, values, iterations)
        return rule(a.ravel(), _means(host, factor, launches, values, iterations).ravel())

    return decide


def _asv(host: Host, factor: float) -> float:
    parts = [(_means(host, 1.0, 1, 10, 6), _means(host, factor, 1, 10, 6)) for _ in range(2)]
    a, b = (np.concatenate([one[side] for one in parts]) for side in (0, 1))
    return peers.asv(a, b)


_PEERS: dict[str, Callable[[Host, float], float]] = {
    "hyperfine": _blocks(peers.hyperfine, 20, 1, 30),
    "Google Benchmark": _blocks(peers.google_benchmark, 1, 10, 60),
    "pyperf": _blocks(peers.pyperf, 20, 3, 10),
    "criterion": _blocks(peers.criterion, 1, 100, 6),
    "asv": _asv,
    "JMH": _blocks(peers.jmh, 5, 5, 24),
    "pytest-benchmark": _blocks(peers.pytest_benchmark, 1, 100, 6),
    "smallest, 2 %": _blocks(peers.smallest, 1, 600, 1),
}

CELLS, CHANGED, LAUNCHES = 60, 12, 20
_CELLS = f"{CELLS} cells of which {CHANGED} regressed by 3 %"
#: What may be made of a move between two runs.
_RULES: dict[str, Callable[[Move], bool]] = {
    "Benjamini-Hochberg": lambda move: move.named,
    "Holm": lambda move: move.holm is not None and move.holm <= ALPHA,
    "blocks": lambda move: move.change is Change.REGRESSED,
    "no correction": lambda move: move.p_value is not None and move.p_value <= ALPHA,
}


def _matrix(drift: float) -> Repeat:
    """Two runs of the same cells, some of which take 3 % longer in the second one."""

    def repeat(rng: np.random.Generator) -> Mapping[str, float]:
        found: list[Move] = []
        truth: list[bool] = []
        for index in range(CELLS):
            changed = index < CHANGED
            before, after = (
                shipped.compared([host.launch(factor) for _ in range(LAUNCHES)])
                for host, factor in (
                    (Host(rng, drift), 1.0),
                    (Host(rng, drift), 1.03 if changed else 1.0),
                )
            )
            told = moves(before, after, (), (), ())
            found += told
            truth += [changed] * len(told)
        return _scores(decided(found, Margins()), np.array(truth))

    return repeat


def _scores(found: Sequence[Move], truth: NDArray[np.bool_]) -> dict[str, float]:
    outcome: dict[str, float] = {}
    for name, rule in _RULES.items():
        chosen = np.array([rule(move) for move in found])
        wrong = int((chosen & ~truth).sum())
        outcome[f"{name}: share wrong"] = wrong / max(1, int(chosen.sum()))
        outcome[f"{name}: any wrong"] = wrong > 0
        outcome[f"{name}: found"] = float((chosen & truth).sum()) / int(truth.sum())
    return outcome


EXPERIMENTS = (
    Experiment(
        "A/B of equals",
        "how often rules see a change where there is none, launch sd 1.5 %, drift 3 %",
        {"+0 %": _ab(1.0)},
        (Target("benchhub", at_most=0.035),),
    ),
    Experiment(
        "A/B of +3 %",
        "how often rules see a change of 3 %, launch sd 1.5 %, drift 3 %",
        {"+3 %": _ab(1.03)},
        (Target("benchhub", at_least=0.95), Target("benchhub iterations", at_most=1200)),
    ),
    Experiment(
        "matrix",
        f"what two runs of {LAUNCHES} launches show of {_CELLS}, launch sd 1.5 %",
        {"steady": _matrix(0.0)},
        (
            Target("Benjamini-Hochberg: share wrong", at_most=0.10),
            Target("Holm: any wrong", at_most=0.05),
            Target("blocks: any wrong", at_most=0.05),
        ),
        share=0.2,
    ),
    Experiment(
        "matrix that drifts",
        f"what they show of {_CELLS}, launch sd 1.5 %, drift 3 %",
        {"drifting": _matrix(_DRIFT)},
        share=0.05,
    ),
)
