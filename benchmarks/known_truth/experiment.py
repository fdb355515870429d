"""What an experiment is, and how its repeats are spread over processes."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass

import numpy as np

#: One repeat: what each rule did, as a number (1 or 0 for yes or no; NaN: nothing to count).
Repeat = Callable[[np.random.Generator], Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class Target:
    """What a figure must reach; in every case of `cases`, or in their mean where `pooled`.

    A case in which fewer than the share `unless_rare` of the repeats counted is left out.
    """

    rule: str
    at_least: float = -math.inf
    at_most: float = math.inf
    cases: tuple[str, ...] = ()
    pooled: bool = False
    unless_rare: float = 0.0

    def text(self) -> str:
        limits = []
        if math.isfinite(self.at_least):
            limits.append(f">= {self.at_least:g}")
        if math.isfinite(self.at_most):
            limits.append(f"<= {self.at_most:g}")
        return " and ".join(limits)


@dataclass(frozen=True, slots=True)
class Experiment:
    """A question, its cases, and what is promised. `share` scales its number of repeats."""

    name: str
    question: str
    cases: Mapping[str, Repeat]
    targets: tuple[Target, ...] = ()
    share: float = 1.0


@dataclass(frozen=True, slots=True)
class Figure:
    """The mean over the repeats of what a rule did in a case, with its Monte-Carlo error."""

    experiment: str
    case: str
    rule: str
    value: float
    error: float
    repeats: int


def run(
    experiments: Sequence[Experiment], repeats: int, seed: int, processes: int
) -> Iterator[tuple[Experiment, list[Figure]]]:
    """Yield each experiment with its figures as it is done, in order.

    Every repeat has a seed of its own, so that they come out alike however they are spread.
    """
    chunk = max(10, min(100, repeats // (2 * processes)))
    with ProcessPoolExecutor(processes) as pool:
        waiting = [
            (experiment, _submitted(pool, experiment, max(10, round(repeats * experiment.share)),
                                    chunk, seed))
            for experiment in experiments
        ]  # fmt: skip
        for experiment, by_case in waiting:
            yield (
                experiment,
                [
                    figure
                    for case, chunks in by_case.items()
                    for figure in figures(
                        experiment.name, case, [one for part in chunks for one in part.result()]
                    )
                ],
            )


def _submitted(
    pool: ProcessPoolExecutor, experiment: Experiment, count: int, chunk: int, seed: int
) -> dict[str, list[Future[list[Mapping[str, float]]]]]:
    return {
        case: [
            pool.submit(_chunk, experiment.name, case, seed, at, min(at + chunk, count))
            for at in range(0, count, chunk)
        ]
        for case in experiment.cases
    }


def _chunk(name: str, case: str, seed: int, first: int, last: int) -> list[Mapping[str, float]]:
    from benchmarks.known_truth.experiments import EXPERIMENTS

    repeat = next(one for one in EXPERIMENTS if one.name == name).cases[case]
    stream = zlib.crc32(f"{name}/{case}".encode())
    return [repeat(np.random.default_rng((seed, stream, index))) for index in range(first, last)]


def figures(name: str, case: str, found: Sequence[Mapping[str, float]]) -> list[Figure]:
    """Return a figure for each rule of the repeats `found`, leaving out those that do not count."""
    made = []
    for rule in found[0]:
        values = np.array([one[rule] for one in found], dtype=np.float64)
        values = values[np.isfinite(values)]
        if values.size == 0:
            continue
        value = float(values.mean())
        error = float(values.std() / math.sqrt(values.size))
        if value in (0.0, 1.0):
            error = 1 / values.size  # none of so many is not none at all
        made.append(Figure(name, case, rule, value, error, int(values.size)))
    return made
