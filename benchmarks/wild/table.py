"""What was found, as markdown and as JSON."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from benchmarks.wild.manifest import Model
from benchmarks.wild.measure import Cell

#: In the lines of recipes whose source is what they would make of it.
_ALREADY = " already ("
_HEAD = (
    "model", "backend", "variant", "p50 ms", "to the bare loop", "quality", "oracle", "bytes",
    "MACs", "or why not",
)  # fmt: skip


def markdown(models: Sequence[Model], cells: Sequence[Cell], how: Mapping[str, str]) -> str:
    """Return the page: what was run, the sums, the models with their licences, every cell."""
    lines = [
        "# Public models\n",
        "Model files that nobody here made, out of packages on the index: each measured on every"
        " backend that reads its format, as it is and by three recipes, and held against a bare"
        " loop in Python with the metric computed by itself. Labels are the untouched file's"
        " answers in that loop, so quality is how far a cell moves them. p50 is of three launches;"
        " to the bare loop, of launches that took turns with it. OpenVINO's loop hands its inputs"
        " over in each call, which benchhub does once before: short calls show it. Written by"
        f" `{how['command']}`, {how['date']}, {how['machine']}; {how['versions']}.\n",
        *(f"- {line}" for line in sums(cells)),
        "",
        "| model | package | licence | what it is |",
        "| --- | --- | --- | --- |",
        *(
            f"| {one.name} | {one.package.name} {one.package.version} | {one.package.licence}"
            f" | {one.what} |"
            for one in models
        ),
        "",
        f"| {' | '.join(_HEAD)} |",
        f"|{' --- |' * len(_HEAD)}",
        *(_line(cell) for cell in cells),
    ]
    return "\n".join(lines) + "\n"


def sums(cells: Sequence[Cell]) -> list[str]:
    """Return how many cells were measured, wrong, and within reach of the bare loop."""
    measured = [cell for cell in cells if cell.measured]
    checked = [cell for cell in measured if cell.oracle_quality is not None]
    timed = [cell for cell in cells if cell.ratio is not None]
    near = [cell for cell in timed if within(cell)]
    ruled_out = [cell for cell in timed if surely_apart(cell)]
    made = [cell for cell in cells if _ALREADY not in cell.why]
    return [
        f"{len(measured)} of {len(cells)} cells measured; {len(cells) - len(made)} of the others"
        " would make a model quantized or float16 that is so already, and without them it is"
        f" {len(measured)} of {len(made)}",
        f"{sum(cell.wrong for cell in cells)} of {len(checked)} qualities differ from the oracle's",
        f"{len(near)} of {len(timed)} medians within 3 % or 20 us of the bare loop's, and of"
        f" {len(ruled_out)} of the others the interval is, too, beyond that",
    ]


def within(cell: Cell) -> bool:
    """Return whether a median lies within 3 % or 20 us of the bare loop's."""
    if cell.ratio is None or cell.bare_p50_ms is None:
        return False
    apart = abs(cell.ratio.estimate - 1)
    return apart <= 0.03 or apart * cell.bare_p50_ms <= 0.02


def surely_apart(cell: Cell) -> bool:
    """Return whether the whole interval of a ratio lies beyond 3 % and 20 us."""
    if cell.ratio is None or cell.bare_p50_ms is None:
        return False
    room = max(0.03, 0.02 / cell.bare_p50_ms)
    low, high = cell.ratio.low, cell.ratio.high
    return (low is not None and low > 1 + room) or (high is not None and high < 1 - room)


def as_json(cells: Iterable[Cell], how: Mapping[str, str]) -> str:
    """Return every cell and how it came about."""
    known: dict[str, Any] = {"how": dict(how), "cells": [dataclasses.asdict(c) for c in cells]}
    return json.dumps(known, indent=1) + "\n"


def _line(cell: Cell) -> str:
    ratio = ""
    if cell.ratio is not None:
        low, high = cell.ratio.low, cell.ratio.high
        limits = f" [{low:.2f}, {high:.2f}]" if low is not None and high is not None else ""
        ratio = f"{cell.ratio.estimate:.3f}{limits}"
    shown = (
        cell.model, cell.backend, cell.variant, _number(cell.p50_ms), ratio,
        _number(cell.quality) + (" (wrong)" if cell.wrong else ""), _number(cell.oracle_quality),
        f"{cell.model_bytes:,}" if cell.model_bytes else "",
        f"{cell.macs:,}" if cell.macs is not None else "",
        _remarks(cell).replace("|", "/"),
    )  # fmt: skip
    return f"| {' | '.join(shown)} |"


def _remarks(cell: Cell) -> str:
    unjudged = f"the bare loop failed: {cell.oracle_why}" if cell.oracle_why else ""
    open_p50 = "3 launches leave p50 open" if cell.measured and cell.p50_ms is None else ""
    return "; ".join(filter(None, (cell.why, unjudged, open_p50, ", ".join(cell.flags))))


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"
