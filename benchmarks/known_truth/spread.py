"""Experiments with their repeats spread over processes."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor

import numpy as np

from benchmarks.known_truth.experiment import Experiment, Figure, figures
from benchmarks.known_truth.experiments import EXPERIMENTS


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
    repeat = next(one for one in EXPERIMENTS if one.name == name).cases[case]
    stream = zlib.crc32(f"{name}/{case}".encode())
    return [repeat(np.random.default_rng((seed, stream, index))) for index in range(first, last)]
