"""The tables of `--dry-run`: cells and skips."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from rich import box
from rich.markup import escape
from rich.table import Table

from benchhub.model import Cell, Skip
from benchhub.report.settings import SETTINGS, compact, usual_left_out


def plan_table(cells: Sequence[Cell]) -> Table:
    """Return the cells of a plan: a line for what is measured alike on several devices.

    A line lists its variants and every value of each setting; `cells` counts those of one device.
    """
    groups: dict[tuple[str, str, str, int], list[Cell]] = {}
    for cell in cells:
        key = (cell.device, cell.backend, cell.scenario, cell.launches)
        groups.setdefault(key, []).append(cell)
    lines: dict[tuple[str, str, str, str, str, str], list[str]] = {}
    for (device, backend, scenario, launches), mine in groups.items():
        names = ", ".join(dict.fromkeys(cell.variant for cell in mine))
        line = (backend, scenario, _swept(mine), names, str(len(mine)), str(launches))
        lines.setdefault(line, []).append(device)
    table = Table(title="Cells", title_justify="left", box=box.SIMPLE_HEAD)
    for head in ("devices", "backend", "scenario", "settings", "variants"):
        table.add_column(head, overflow="fold", no_wrap=head in ("backend", "scenario"))
    for head in ("cells", "launches"):
        table.add_column(head, justify="right")
    for line, devices in lines.items():
        table.add_row(*map(escape, (", ".join(devices), *line)))
    return table


def _swept(cells: Sequence[Cell]) -> str:
    """Every value of every setting: `t1,t2 b1,b8`."""
    planned = [_Planned.of(cell) for cell in cells]
    words = []
    for name in SETTINGS:
        values = list(dict.fromkeys(compact(one, (name,)) for one in planned))
        if len(values) > 1 or usual_left_out(planned[0], (name,)):
            words.append(",".join(value for value in values if value))
    return " ".join(word for word in words if word)


@dataclass(frozen=True, slots=True)
class _Planned:
    """A cell's settings as a row would have them."""

    backend: str
    batch: int
    threads: int
    precision: str | None
    concurrency: int
    rate_per_s: float | None
    options: str | None

    @classmethod
    def of(cls, cell: Cell) -> _Planned:
        chosen = sorted(json.loads(cell.options).items())
        return cls(
            cell.backend, cell.batch, cell.threads,
            cell.precision if cell.model_sha256 else None, cell.concurrency, cell.rate_per_s,
            " ".join(f"{name}={value}" for name, value in chosen) or None,
        )  # fmt: skip


def skip_table(skips: Sequence[Skip]) -> Table:
    """Return the skips of a plan, those that share a reason in one line."""
    groups: dict[tuple[str, str, str], tuple[dict[str, None], dict[str, None]]] = {}
    for skip in skips:
        variants, scenarios = groups.setdefault((skip.backend, skip.reason, skip.device), ({}, {}))
        variants[skip.variant] = scenarios[skip.scenario] = None
    shared: dict[tuple[str, str, str, str], list[str]] = {}
    for (backend, reason, device), (variants, scenarios) in groups.items():
        key = (backend, ", ".join(variants), "; ".join(scenarios), reason)
        shared.setdefault(key, []).append(device)
    table = Table(title="Skipped", title_justify="left", box=box.SIMPLE_HEAD)
    for name in ("devices", "backend", "variants", "scenarios", "reason"):
        table.add_column(name, overflow="fold")
    for (backend, names, scenarios_text, reason), devices in shared.items():
        table.add_row(*map(escape, (", ".join(devices), backend, names, scenarios_text, reason)))
    return table
