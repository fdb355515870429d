"""Cells of the null backend whose calls do work of a known size, whatever the models; pure."""

from __future__ import annotations

import json

from benchhub.model import Cell, Scenario


def fixed_work(
    device: str, name: str, hash_bytes: int, launches: int, iterations: int, max_timed_s: float
) -> Cell:
    """Return a cell whose calls hash so many bytes with SHA-256, or do nothing for 0."""
    return Cell(
        device=device,
        variant=name,
        model_sha256="",
        backend="null",
        scenario=Scenario.LATENCY,
        batch=1,
        threads=1,
        precision="f32",
        launches=launches,
        iterations=iterations,
        max_timed_s=max_timed_s,
        options=json.dumps({"hash_bytes": hash_bytes} if hash_bytes else {}),
    )
