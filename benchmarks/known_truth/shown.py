"""The figures as tables and as JSON, beside what was promised."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from rich.console import Console
from rich.table import Table

from benchmarks.known_truth.experiment import Experiment, Figure, Target
from benchmarks.table import machine


@dataclass(frozen=True, slots=True)
class Answer:
    """A target with the case that is furthest from it; `sure` False: within two errors of it."""

    experiment: str
    target: str
    figure: Figure
    met: bool
    sure: bool


def answers(experiment: Experiment, figures: Sequence[Figure]) -> list[Answer]:
    """Return one answer for each target: its worst case, or the mean of its cases."""
    found = []
    repeats = max(one.repeats for one in figures)
    for target in experiment.targets:
        of = [
            one for one in figures
            if one.rule == target.rule and (not target.cases or one.case in target.cases)
            and one.repeats >= target.unless_rare * repeats
        ]  # fmt: skip
        if target.pooled:
            of = [_mean(of)]
        if not of:
            continue
        worst = max(of, key=lambda one: _excess(target, one.value))
        excess = _excess(target, worst.value)
        sure = abs(excess) > 2 * worst.error
        text = f"{target.rule} {target.text()}"
        found.append(Answer(experiment.name, text, worst, excess <= 0, sure))
    return found


def _mean(figures: Sequence[Figure]) -> Figure:
    count = len(figures)
    value = sum(one.value for one in figures) / count
    error = sum(one.error**2 for one in figures) ** 0.5 / count
    first = figures[0]
    return Figure(first.experiment, "mean", first.rule, value, error, first.repeats)


def _excess(target: Target, value: float) -> float:
    """Return by how much a value is on the wrong side; negative: on the right one."""
    return max(target.at_least - value, value - target.at_most)


def show(experiment: Experiment, figures: Sequence[Figure], console: Console) -> None:
    """Print one experiment: a row a case, a column a rule, in per cent but for counts."""
    rules = list(dict.fromkeys(one.rule for one in figures))
    repeats = max(one.repeats for one in figures)
    table = Table(title=f"{experiment.name}: {experiment.question}", caption=f"R = {repeats}")
    table.add_column("case")
    for rule in rules:
        table.add_column(rule, justify="right", overflow="fold")
    by = {(one.case, one.rule): one for one in figures}
    for case in dict.fromkeys(one.case for one in figures):
        known = (by.get((case, rule)) for rule in rules)
        table.add_row(case, *("-" if one is None else text(one) for one in known))
    console.print(table)


def text(figure: Figure) -> str:
    """Return a share in per cent, or a count, with its Monte-Carlo error."""
    if any(word in figure.rule for word in ("iterations", "dropped")):
        return f"{figure.value:.0f} ± {figure.error:.0f}"
    return f"{100 * figure.value:.2f} ± {100 * figure.error:.2f} %"


def show_answers(found: Sequence[Answer], console: Console) -> None:
    """Print what was promised and whether it was kept."""
    table = Table(title="promised", caption=machine())
    for column in ("experiment", "target", "worst case", "figure", "met"):
        table.add_column(column, overflow="fold")
    for one in found:
        met = ("yes" if one.met else "NO") if one.sure else ("yes?" if one.met else "no?")
        table.add_row(one.experiment, one.target, one.figure.case, text(one.figure), met)
    console.print(table)


def as_markdown(
    by_experiment: Sequence[tuple[Experiment, Sequence[Figure]]], found: Sequence[Answer], seed: int
) -> str:
    """Return every figure and answer as Markdown tables."""
    lines = [f"Seed {seed}; {machine()}. Figures are shown with their Monte-Carlo error.", ""]
    lines += ["## What was promised", ""]
    lines += _rows(
        ("experiment", "target", "worst case", "figure", "met"),
        [
            (
                one.experiment, one.target, one.figure.case,
                f"{text(one.figure)} (R = {one.figure.repeats})",
                ("yes" if one.met else "**no**") + ("" if one.sure else ", within two errors"),
            )
            for one in found
        ],
    )  # fmt: skip
    for experiment, figures in by_experiment:
        rules = list(dict.fromkeys(one.rule for one in figures))
        known = {(one.case, one.rule): text(one) for one in figures}
        repeats = max(one.repeats for one in figures)
        lines += ["", f"## {experiment.name}", "", f"{experiment.question}; R = {repeats}.", ""]
        lines += _rows(
            ("case", *rules),
            [
                (case, *(known.get((case, rule), "-") for rule in rules))
                for case in dict.fromkeys(one.case for one in figures)
            ],
        )
    return "\n".join(lines) + "\n"


def _rows(heads: Sequence[str], body: Sequence[Sequence[str]]) -> list[str]:
    rows = [heads, ["---"] * len(heads), *body]
    return ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]


def as_json(figures: Sequence[Figure], found: Sequence[Answer], seed: int, repeats: int) -> str:
    """Return figures and answers as JSON."""
    document = {
        "schema": 1,
        "machine": machine(),
        "seed": seed,
        "repeats": repeats,
        "targets": [asdict(one) for one in found],
        "figures": [asdict(one) for one in figures],
    }
    return json.dumps(document, indent=2) + "\n"
