"""`benchhub run --dry-run`: cells, skips with reasons, and what the run would cost."""

from __future__ import annotations

import dataclasses
import json as jsonlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from benchhub.errors import told_of
from benchhub.model.cell import Cell, CellKind
from benchhub.outside.masked import all_masked
from benchhub.run.execute import Ready

if TYPE_CHECKING:
    from rich.console import Console


#: Seconds a launch takes beside its timed section, where no earlier run tells better: process
#: start, imports, loading. Slow boards take several times as long.
ASSUMED_START_S = 0.7
#: Share of the timed section's limit that a small model uses up.
ASSUMED_TIMED_SHARE = 0.1


def show_plan(ready: Ready, cache: Path, store: str | None, as_json: bool) -> None:
    """Print the plan to stdout; connects to no device."""
    seconds, known = _estimate(ready, store)
    pushed = _bytes_to_push(ready)
    cells = [cell for cell in ready.plan.cells if cell.kind is not CellKind.CANARY]
    launches = sum(cell.launches for cell in cells)
    fixed = sum(cell.launches for cell in ready.plan.cells) - launches
    if as_json:
        typer.echo(
            jsonlib.dumps(
                all_masked(
                    {
                        "cells": [dataclasses.asdict(cell) for cell in cells],
                        "skips": [dataclasses.asdict(s) for s in ready.plan.skips],
                        "launches": launches,
                        "launches_of_fixed_work": fixed,
                        "launches_more_at_most": ready.more_at_most,
                        "estimated_seconds": round(max(seconds.values()), 1),
                        "bytes_to_push_at_most": pushed,
                        "reference": [dataclasses.asdict(cell) for cell in ready.reference],
                        "to_make": [
                            {
                                "variant": spec.name,
                                "from": spec.source,
                                "recipe": spec.recipe.name if spec.recipe else None,
                            }
                            for spec in ready.prepared.to_make
                        ],
                    }
                ),
                indent=2,
            )
        )
        return

    from benchhub.cli.show.plan import plan_table, skip_lines
    from benchhub.cli.show.say import say, stdout
    from benchhub.cli.show.table import print_table

    console = stdout()
    source = "from earlier runs" if known else "a guess: nothing like it was measured before"
    say(
        console, "",
        f"{len(cells)} cells, {launches} launches, {len(ready.plan.skips)} skips;"
        f" about {max(seconds.values()) / 60:.1f} min ({source}), devices side by side",
    )  # fmt: skip
    print_table(console, plan_table(cells), also="`--json`")
    for line in skip_lines(ready.plan.skips, scenarios=True):
        say(console, "yellow", line)
    _say_of_variants(console, ready)
    for spec in ready.prepared.to_make:
        recipe = spec.recipe.name if spec.recipe else ""
        origin = f" from {spec.source}" if spec.source else ""
        say(console, "yellow", f"to be made{origin} by {recipe}: {spec.name}; not in the cache yet")
    if ready.reference:
        say(console, "dim", _reference_line(ready.reference))
    for line in _readings(ready):
        say(console, "dim", line)
    if fixed:
        say(console, "", f"and {fixed} launches of fixed work (canary), one in every round")
    if ready.more_at_most:
        say(console, "", f"budgets that are not decided by then add {ready.more_at_most} at most")
    alike: dict[int, list[str]] = {}
    for device, size in pushed.items():
        alike.setdefault(size, []).append(device)
    for size, devices in alike.items():
        each = f"{told_of(devices, 8)}: {'each ' if len(devices) > 1 else ''}"
        made = ", and what is to be made" if ready.prepared.to_make else ""
        say(
            console, "",
            f"{each}at most {size / 2**20:.1f} MiB to push; nothing that it already holds{made}",
        )  # fmt: skip


def _reference_line(cells: Sequence[Cell]) -> str:
    """Return who gives the reference, and what cannot be said before it is there."""
    first, *others = cells
    then = f" (or {', '.join(cell.backend for cell in others)}, if it lacks that)" if others else ""
    return (
        f"reference: what {first.variant} answers on {first.device} and {first.backend} at batch"
        f" {first.batch}{then}, measured first; whether labels fit it is checked then"
    )


def _readings(ready: Ready) -> list[str]:
    """Return how metrics read outputs and labels, and what the baseline has; empty: none judges."""
    from benchhub.model.scenario import Scenario
    from benchhub.results.load import metrics_of
    from benchhub.results.rows.quality.reading_words import baseline_told

    key = ready.prepared.answer_key
    judges = any(cell.scenario is Scenario.QUALITY for cell in ready.plan.cells)
    if key is None or not judges:
        return []
    first, also = metrics_of(key)
    return list(baseline_told(key, [*([first] if first else []), *also]))


def _say_of_variants(console: Console, ready: Ready) -> None:
    """Say what cannot be counted of those that are there, and what their recipes have to tell."""
    from benchhub.cli.show.compress import uncounted
    from benchhub.cli.show.say import say

    for variant in ready.prepared.variants:
        if variant.uncounted:
            say(console, "dim", f"{variant.name}: macs not told: {uncounted(variant)}")
        for line in variant.remarks:
            say(console, "yellow", f"{variant.name}: {line}")


def _bytes_to_push(ready: Ready) -> dict[str, int]:
    inputs = sum(file.size for file in ready.prepared.inputs.values())
    sizes = {v.sha256: v.model_bytes for v in ready.prepared.variants}
    models: dict[str, set[str]] = {device.name: set() for device in ready.resolved.devices}
    for cell in ready.plan.cells:
        models[cell.device].add(cell.model_sha256)
    return {
        device: inputs + sum(sizes.get(model, 0) for model in mine)
        for device, mine in models.items()
    }


def _estimate(ready: Ready, store: str | None) -> tuple[dict[str, float], bool]:
    """Return seconds by device, and whether every cell was measured before."""
    walls = _walls(ready.plan.launched, store)
    seconds: dict[str, float] = {}
    for cell in ready.plan.launched:
        guess = ASSUMED_START_S + ASSUMED_TIMED_SHARE * cell.max_timed_s
        wall = walls.get(cell.key, guess)
        seconds[cell.device] = seconds.get(cell.device, 0.0) + cell.launches * wall
    return seconds, all(cell.key in walls for cell in ready.plan.launched)


def _walls(cells: tuple[Cell, ...], store: str | None) -> dict[str, float]:
    from benchhub.cli import project

    with project.open_store(store) as results:
        return {key: ns / 1e9 for key, ns in results.median_wall_ns(c.key for c in cells).items()}
