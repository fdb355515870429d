"""A comparison of two runs for programs."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from benchhub.report.compare import words
from benchhub.report.plain import json_text, plain
from benchhub.results.compare.moves import Move
from benchhub.results.compare.runs import CellComparison, RunComparison

SUFFIX = ".json"
SCHEMA = 1
_CELL = (
    "device", "emulated", "variant", "backend", "scenario", "batch", "threads", "concurrency",
    "rate_per_s", "precision", "options", "cell",
)  # fmt: skip


def render(comparison: RunComparison) -> str:
    """Strict JSON: differences, cells worst first, and the moves of each; null where unknown."""
    document = {
        "schema": SCHEMA,
        "outcome": words.overall(comparison),
        "exit_code": comparison.exit_code,
        "next": words.closing(comparison),
        "before": plain(comparison.before.run),
        "after": plain(comparison.after.run),
        "question": comparison.question.value,
        "margins": plain(comparison.margins),
        "method": words.METHOD,
        "notes": list(comparison.notes),
        "differences": [
            plain(one) | {"forbids": forbids} for one, forbids in words.changes(comparison)
        ],
        "cells": [_cell(cell) for cell in comparison.cells],
    }
    return json_text(document)


def _cell(cell: CellComparison) -> dict[str, Any]:
    known = {name: plain(getattr(cell.row, name)) for name in _CELL}
    return known | {
        "state": cell.state.value,
        "reason": cell.reason,
        "differences": plain(cell.differences),
        "moves": [_move(move) for move in cell.moves],
    }


def _move(move: Move) -> dict[str, Any]:
    known = {field.name: plain(getattr(move, field.name)) for field in fields(move)}
    return known | {"effect_is": "difference" if move.difference else "ratio", "named": move.named}
