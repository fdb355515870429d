"""The A/B on this machine: SHA-256 of 2.00 against 2.06 MB, idle and beside a busy process.

`python -m benchmarks.known_truth.physical`: the truth is the ratio of the sizes, the noise is real.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from benchhub.stats.paired_ab import ABChange
from benchmarks.known_truth import peers, shipped, shown
from benchmarks.known_truth.experiment import Experiment, Figure, Target, figures

BYTES, MORE_BYTES, ITERATIONS = 2_000_000, 2_060_000, 30
_LAUNCH = """
import hashlib, sys, time
data, count = bytes(int(sys.argv[1])), int(sys.argv[2])
for _ in range(5):
    hashlib.sha256(data).digest()
for _ in range(count):
    begun = time.perf_counter_ns()
    hashlib.sha256(data).digest()
    print(time.perf_counter_ns() - begun)
"""
_SPIN = "while True: pass"

EXPERIMENTS = (
    Experiment(
        "hashes of equals",
        f"how often rules see a change between {BYTES} bytes and as many",
        {},
        (Target("benchhub", at_most=0.05),),
    ),
    Experiment(
        "hashes of +3 %",
        f"how often rules see {BYTES} and {MORE_BYTES} bytes differ",
        {},
        (Target("benchhub", at_least=0.95),),
    ),
)


def launch(size: int, iterations: int = ITERATIONS) -> NDArray[np.int64]:
    """Return how long a fresh process took for each hash of `size` bytes, in ns."""
    argv = [sys.executable, "-I", "-S", "-c", _LAUNCH, str(size), str(iterations)]
    done = subprocess.run(argv, check=True, capture_output=True, text=True)
    return np.array(done.stdout.split(), dtype=np.int64)


def repeat(rng: np.random.Generator, size: int) -> dict[str, float]:
    """Return what rules say of BYTES against `size`.

    Peers are given all that was measured here, in rounds; in blocks, which is how they measure,
    they do worse.
    """
    made: list[NDArray[np.int64]] = []

    def rounds(count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        pairs = []
        for first in rng.random(count) < 0.5:
            both = [launch(BYTES if of_a else size) for of_a in (first, not first)]
            pairs.append(both if first else both[::-1])
        made.append(np.array(pairs))
        return made[-1][:, 0], made[-1][:, 1]

    found, iterations = shipped.side_by_side(rounds)
    all_pairs = np.concatenate(made)
    a, b = all_pairs[:, 0], all_pairs[:, 1]
    return {
        "benchhub": found.change in (ABChange.REGRESSED, ABChange.IMPROVED),
        "benchhub iterations": iterations,
        "U test": peers.google_benchmark(a.ravel(), b.ravel()),
        "hyperfine": peers.hyperfine(a.mean(axis=1), b.mean(axis=1)),
        "smallest, 2 %": peers.smallest(a, b),
    }


@contextmanager
def busy(processes: int) -> Iterator[None]:
    """Keep so many processors busy meanwhile."""
    spinning = [subprocess.Popen([sys.executable, "-I", "-S", "-c", _SPIN])
                for _ in range(processes)]  # fmt: skip
    try:
        yield
    finally:
        for one in spinning:
            one.kill()
            one.wait()


def measure(repeats: int, seed: int) -> Iterator[Figure]:
    """Yield the figures of every experiment, idle and beside one busy process."""
    for case, processes in (("idle", 0), ("beside a busy process", 1)):
        for experiment, size in zip(EXPERIMENTS, (BYTES, MORE_BYTES), strict=True):
            rng = np.random.default_rng((seed, processes, size))
            with busy(processes):
                made = [repeat(rng, size) for _ in range(repeats)]
            yield from figures(experiment.name, case, made)


def main() -> int:
    """Return 0, or 1 when a target was surely missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=200, metavar="R")
    parser.add_argument("--seed", type=int, default=20260101)
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures here")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="and the tables here")
    options = parser.parse_args()
    console = Console() if sys.stdout.isatty() else Console(width=160)
    made = list(measure(options.repeats, options.seed))
    answers, by_experiment = [], []
    for experiment in EXPERIMENTS:
        of = [one for one in made if one.experiment == experiment.name]
        shown.show(experiment, of, console)
        by_experiment.append((experiment, of))
        answers += shown.answers(experiment, of)
    shown.show_answers(answers, console)
    if options.json:
        text = shown.as_json(made, answers, options.seed, options.repeats)
        options.json.write_text(text, "utf-8")
    if options.markdown:
        text = shown.as_markdown(by_experiment, answers, options.seed)
        options.markdown.write_text(text, "utf-8")
    return int(any(not one.met and one.sure for one in answers))


if __name__ == "__main__":
    sys.exit(main())
