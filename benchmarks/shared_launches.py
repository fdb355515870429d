"""Whether launches of latency show the memory and cold start that launches of their own show.

`python -m benchmarks.shared_launches report.json..` reads JSON reports of runs whose suites asked
for `own_launches` (or of versions that made no others), and pairs each memory and cold start row
with the latency row of the same settings.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

_COLUMNS = {
    "memory": ("peak_rss_mib", "model_rss_mib"),
    "cold_start": ("load_ms", "first_inference_ms"),
}
_SETTINGS = ("device", "variant", "backend", "batch", "threads", "precision", "options", "shapes")


@dataclass(frozen=True, slots=True)
class Pair:
    """A figure of launches of its own, and the same of latency's, by their ratio."""

    column: str
    device: str
    ratio: float
    meet: bool


def pairs(report: dict[str, Any]) -> Iterator[Pair]:
    """Yield the figures of a report that were measured both ways."""
    rows = [row for row in report["rows"] if row["status"] == "finished"]
    latency = {_settings(row): row for row in rows if row["scenario"] == "latency"}
    for row in rows:
        other = latency.get(_settings(row))
        if other is None or row["provenance"].get("launches_of"):
            continue
        for column in _COLUMNS.get(row["scenario"], ()):
            if row[column] and other[column]:
                own, shared = (one["intervals"][column] for one in (row, other))
                yield Pair(column, row["device"], other[column] / row[column], _meet(own, shared))


def _settings(row: dict[str, Any]) -> tuple[object, ...]:
    return tuple(row.get(name) for name in _SETTINGS)


def _meet(one: dict[str, Any], other: dict[str, Any]) -> bool:
    if None in (one["low"], one["high"], other["low"], other["high"]):
        return True  # a limit that is not known keeps nothing out
    return bool(one["low"] <= other["high"] and other["low"] <= one["high"])


def main(files: Sequence[str]) -> int:
    """Print a line for each report and column; 2: there is no pair in them."""
    said = False
    for file in files:
        found = list(pairs(json.loads(Path(file).read_text("utf-8"))))
        for column in (name for names in _COLUMNS.values() for name in names):
            mine = [pair for pair in found if pair.column == column]
            if not mine:
                continue
            ratios = sorted(pair.ratio for pair in mine)
            devices = len({pair.device for pair in mine})
            said = True
            print(
                f"{file} {column}: {len(mine)} pairs on {devices} devices, latency's of its own"
                f" {ratios[0]:.3f} to {ratios[-1]:.3f}, median {median(ratios):.3f};"
                f" intervals meet in {sum(pair.meet for pair in mine)}"
            )
    return 0 if said else 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
