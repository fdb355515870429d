"""`python -m benchmarks.known_truth`: every rule against sources whose truth is known."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from rich.console import Console

from benchmarks.known_truth import shown
from benchmarks.known_truth.experiment import Figure
from benchmarks.known_truth.experiments import EXPERIMENTS
from benchmarks.known_truth.spread import run

REPEATS, QUICK_REPEATS, SEED = 2000, 100, 20260101


def main() -> int:
    """Return 0, or 1 when a target was surely missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.known_truth", description=__doc__)
    names = [one.name for one in EXPERIMENTS]
    listed = ", ".join(names).replace("%", "%%")  # argparse formats it
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_REPEATS} repeats")
    parser.add_argument("--repeats", type=int, metavar="R", help=f"default {REPEATS}")
    parser.add_argument("--only", action="append", choices=names, metavar="NAME",
                        help=f"one of: {listed}; repeatable")  # fmt: skip
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures here")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="and the tables here")
    options = parser.parse_args()
    repeats = options.repeats or (QUICK_REPEATS if options.quick else REPEATS)
    chosen = [one for one in EXPERIMENTS if not options.only or one.name in options.only]
    console = Console() if sys.stdout.isatty() else Console(width=160)
    figures: list[Figure] = []
    answers: list[shown.Answer] = []
    by_experiment = []
    for experiment, of in run(chosen, repeats, options.seed, options.processes):
        shown.show(experiment, of, console)
        figures += of
        by_experiment.append((experiment, of))
        answers += shown.answers(experiment, of)
    shown.show_answers(answers, console)
    if options.json:
        options.json.write_text(shown.as_json(figures, answers, options.seed, repeats), "utf-8")
    if options.markdown:
        text = shown.as_markdown(by_experiment, answers, options.seed)
        options.markdown.write_text(text, "utf-8")
    return int(any(not one.met and one.sure for one in answers))


if __name__ == "__main__":
    sys.exit(main())
