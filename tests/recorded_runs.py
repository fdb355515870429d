"""Runs made of the builders' launches, as a store or as a comparison's record, for tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from builders import make_device, make_launch, make_plan, make_run, make_variant

from benchhub.model.asked import Budget
from benchhub.model.cell import Cell
from benchhub.model.device import DeviceInfo
from benchhub.model.launch import Launch
from benchhub.model.quality import AnswerKey, Metric
from benchhub.model.row import Results
from benchhub.results.compare.runs import ComparedRun
from benchhub.results.rows.rows import summarize
from benchhub.results.verdicts.judge import judge
from benchhub.store import Store


def launches_of(
    cell: Cell, run: str, count: int = 10, scale: float = 1.0, noise: float = 0.01, **changes: Any
) -> list[Launch]:
    """Launches of about 10 ms times `scale`, each with a level of its own; own to each run."""
    made = []
    rng = np.random.default_rng([int(cell.key, 16) % 2**32, sum(map(ord, run))])
    for index in range(count):
        level = 1e7 * scale * np.exp(noise * rng.standard_normal())
        samples = (level * np.exp(0.02 * rng.standard_normal(60))).astype(np.int64)
        more: dict[str, Any] = {"samples_ns": samples, "elapsed_ns": int(samples.sum()), "run": run}
        made.append(make_launch(cell, index, **(more | changes)))
    return made


def record(
    run: str,
    launches: Sequence[Launch],
    device: DeviceInfo | None = None,
    answer_key: AnswerKey | None = None,
    metric: Metric | None = None,
    budgets: Sequence[Budget] = (),
    cells: Sequence[Cell] = (),
    sha256: str = "a" * 64,
    **changes: Any,
) -> ComparedRun:
    """A run of these launches, summarised as the command line would; `cells` had no launch."""
    info = make_run(id=run, status="done", finished_at="2026-01-01T12:30:00Z", **changes)
    finished: dict[str, list[Launch]] = {cell.key: [] for cell in cells}
    for launch in launches:
        kept = finished.setdefault(launch.cell.key, [])
        kept += [launch] if launch.status == "finished" else []
    by_key = {launch.cell.key: launch.cell for launch in launches} | {c.key: c for c in cells}
    names = dict.fromkeys(cell.variant for cell in by_key.values())
    variants = tuple(make_variant(name, sha256=sha256) for name in names)
    devices = tuple(
        [device] if device else map(make_device, dict.fromkeys(c.device for c in by_key.values()))
    )
    rows = summarize(
        info,
        tuple(by_key.values()),
        launches,
        variants,
        devices,
        answer_key=answer_key,
        metric=metric,
    )
    return ComparedRun(
        results=Results(info, devices, rows, judge(rows, budgets), (), variants),
        cells=by_key,
        launches={key: tuple(of) for key, of in finished.items()},
        answer_key=answer_key,
        metric=metric,
    )


def stored(
    store: Store,
    run: str,
    launches: Sequence[Launch],
    budgets: Sequence[Budget] = (),
    device: DeviceInfo | None = None,
    **changes: Any,
) -> None:
    """Write a finished run of these launches to a store."""
    cells = tuple({launch.cell.key: launch.cell for launch in launches}.values())
    info = make_run(id=run, **changes)
    variants = [make_variant(name) for name in dict.fromkeys(cell.variant for cell in cells)]
    store.create_run(info, make_plan(*cells), None, variants, tuple(budgets))
    for name in dict.fromkeys(cell.device for cell in cells):
        store.put_device(run, device or make_device(name))
    for launch in launches:
        store.add(launch)
    store.set_status(run, "done", "2026-01-01T12:30:00Z")
