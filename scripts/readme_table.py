#!/usr/bin/env python3
"""Prints the README's table from the published run: `scripts/readme_table.py [REPORT.json]`.

A test holds the README to it. Nothing of the project is imported.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

REPORT = Path(__file__).resolve().parents[1] / "reports" / "quickstart" / "report.json"
_HEAD = ("backend", "variant", "p50 ms", "p95 ms", "speed-up", "AUC loss", "peak MiB", "MB")
_DEVICE = "localhost"

Row = Mapping[str, Any]


def table(report: Path = REPORT) -> str:
    """Return the latency cells of one thread as Markdown, and the run that they are of."""
    told = json.loads(report.read_text("utf-8"))
    lines = [_line(_HEAD), _line(["---"] * 2 + ["--:"] * 6)]
    lines += [_line(cells) for cells in _cells(told["rows"])]
    run = told["run"]
    lines += ["", f"Run `{run['id']}`, {run['effort']} effort: `{run['provenance']['command']}`."]
    return "\n".join(lines)


def _cells(rows: list[Row]) -> Iterator[list[str]]:
    here = [row for row in rows if row["device"] == _DEVICE and row["threads"] == 1]
    for row in here:
        if row["scenario"] != "latency" or row["backend"] == "null":
            continue
        yield [
            row["backend"],
            row["variant"],
            _figure(row, "p50", "_ms"),
            _figure(row, "p95", "_ms"),
            _figure(row, "speedup"),
            _figure(_beside(row, here, "quality"), "quality_loss", digits=4),
            f"{_beside(row, here, 'memory')['peak_rss_mib']:.0f}",
            f"{row['model_bytes'] / 1e6:.2f}",
        ]


def _beside(row: Row, rows: list[Row], scenario: str) -> Row:
    """Return the row of another scenario for the same variant on the same backend."""
    return next(
        one
        for one in rows
        if one["scenario"] == scenario
        and (one["backend"], one["variant"]) == (row["backend"], row["variant"])
    )


def _figure(row: Row, name: str, unit: str = "", digits: int = 2) -> str:
    value, low, high = (row[f"{name}{limit}{unit}"] for limit in ("", "_low", "_high"))
    if low is None:
        return f"{value:.0f} (baseline)"
    # Adding nothing to -0.0 makes it 0.0.
    shown = [f"{round(number, digits) + 0.0:.{digits}f}" for number in (value, low, high)]
    return "{} [{}, {}]".format(*shown)


def _line(cells: list[str] | tuple[str, ...]) -> str:
    return "| " + " | ".join(cells) + " |"


if __name__ == "__main__":
    print(table(Path(sys.argv[1]) if len(sys.argv) > 1 else REPORT))
