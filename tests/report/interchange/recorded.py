"""A run in a store, made of launches whose samples are known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from builders import (
    make_cell,
    make_device,
    make_launches,
    make_plan,
    make_run,
    make_skip,
    make_variant,
)

from benchhub.model.cell import Cell, Plan, SkipKind
from benchhub.model.launch import Launch
from benchhub.model.scenario import Scenario
from benchhub.store import Store

VARIANTS = (make_variant("fp32"), make_variant("int8", sha256="b" * 64, model_bytes=1000))


def cells(**changes: Any) -> list[Cell]:
    """A latency cell of each variant, and a throughput cell."""
    return [
        make_cell(**changes),
        make_cell(variant="int8", model_sha256="b" * 64, **changes),
        make_cell(scenario=Scenario.THROUGHPUT, batch=8, launches=5, iterations=30),
    ]


def record(
    folder: Path, planned: list[Cell], launches: list[Launch], **device: Any
) -> tuple[str, str]:
    """Write a run to a store in `folder`; return the store's URL and the run's id."""
    url = f"sqlite:///{folder / 'benchhub.db'}"
    run = make_run(status="done", finished_at="2026-01-01T12:30:00+00:00")
    skip = make_skip("reads no onnx", backend="tflite", kind=SkipKind.FORMAT)
    with Store.open(url) as store:
        plan = Plan(make_plan(*planned).cells, (skip,))
        store.create_run(run, plan, None, VARIANTS, ())
        store.put_device(run.id, make_device(**device))
        for launch in launches:
            store.add(launch)
    return url, run.id


def undisturbed(planned: list[Cell]) -> list[Launch]:
    """Every planned launch of `planned`, on a quiet device."""
    return [launch for cell in planned for launch in make_launches(cell, cell.launches)]
