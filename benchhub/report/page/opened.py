"""What a cell of a page says when it is closed, and what it opens."""

from __future__ import annotations

from dataclasses import dataclass

from benchhub.model.quantities import QUANTITIES
from benchhub.model.row import Row
from benchhub.model.scenario import Scenario
from benchhub.report.answer.heat_cell import SIGNS
from benchhub.report.gate.entries import cell_words
from benchhub.report.tables.points import flags_that_matter
from benchhub.report.tables.table import WITHHELD
from benchhub.text import shown

#: The figure that stands for a cell of a scenario.
_MAIN = {
    Scenario.LATENCY: "p50_ms", Scenario.PACED: "p50_ms", Scenario.THROUGHPUT: "throughput_per_s",
    Scenario.MEMORY: "peak_rss_mib", Scenario.COLD_START: "load_ms", Scenario.QUALITY: "quality",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ClosedCell:
    """A cell in one line: what it is, its figure, its verdict, and what is in doubt."""

    row: Row
    what: str
    figure: str
    verdict: str
    doubts: str

    @property
    def sign(self) -> str:
        """The sign of its verdict; empty: no budget is about it."""
        return SIGNS.get(self.verdict, "")


def closed(row: Row, verdict: str) -> ClosedCell:
    """Return a cell's line; `verdict` is the worst on it."""
    doubts = [row.status] if row.status != "finished" else []
    doubts += dict.fromkeys(flag.name for flag in flags_that_matter(row))
    return ClosedCell(row, cell_words(row), _figure(row), verdict, ", ".join(doubts))


def _figure(row: Row) -> str:
    name = _MAIN.get(Scenario(row.scenario), "")
    if not name or row.status != "finished":
        return ""
    figure = row[name]
    if figure.value is None:
        return f"{name} {WITHHELD}" if figure.withheld else ""
    unit = "" if name.endswith(("_ms", "_mib", "_per_s")) else f" {QUANTITIES[name].unit}"
    return f"{name} {shown(figure)}{unit}".rstrip()
