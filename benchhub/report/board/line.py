"""A row as a board shows it: its figures with their intervals, and why one has none; pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchhub.model.device import DeviceInfo
from benchhub.model.launch import RunInfo
from benchhub.model.quantities import QUANTITIES, Grain
from benchhub.model.row import Row
from benchhub.model.scenario import Scenario
from benchhub.report.answer.heat_cell import SIGNS
from benchhub.report.board.command import beside, command
from benchhub.report.board.names import row_id
from benchhub.report.page.facets import NO_VERDICT
from benchhub.report.page.opened import closed
from benchhub.report.tables.emulated import emulation_words
from benchhub.report.tables.points import flags_that_matter
from benchhub.report.tables.settings import SETTINGS, spoken, usual_left_out
from benchhub.text import megabytes, moment, number, shown

#: The figures of a board's table: the heading, the quantity, and its digits.
FIGURES = (
    ("p50 ms", "p50_ms", 3), ("p95 ms", "p95_ms", 3), ("Rate 1/s", "throughput_per_s", 3),
    ("Speed-up", "speedup", 3), ("Loss", "quality_loss", 2), ("Peak MiB", "peak_rss_mib", 3),
)  # fmt: skip
SIZE = "Size MB"
#: What its own table has no column for is told in the cell of the settings.
_IN_COLUMNS = (Scenario.LATENCY, Scenario.PACED, Scenario.THROUGHPUT, Scenario.MEMORY)


@dataclass(frozen=True, slots=True)
class BoardFigure:
    """A figure of the table: the value, its interval or what stands for that, and its order."""

    head: str
    text: str = ""
    interval: str = ""
    sort: float | None = None


@dataclass(frozen=True, slots=True)
class BoardLine:
    """A row of a board; `current`: no newer run of its suite has its device.

    `lacking` says of each figure without an interval why it has none.
    """

    id: str
    suite: str
    row: Row
    run: RunInfo
    emulation: str
    setting: str
    main: str
    figures: tuple[BoardFigure, ...]
    verdict: str
    flags: tuple[str, ...]
    lacking: tuple[str, ...]
    day: str
    command: str
    beside: str
    current: bool
    json: str
    html: str

    @property
    def sign(self) -> str:
        """The sign of its verdict; empty: no budget is about it."""
        return SIGNS.get(self.verdict, "")

    def facet(self, name: str) -> str:
        """Return what it is chosen by: an attribute of the row, or the suite or verdict."""
        if name in ("suite", "verdict"):
            return str(getattr(self, name))
        return str(getattr(self.row, name) or "not told")


def line(
    row: Row, run: RunInfo, info: DeviceInfo, verdict: str, current: bool, json: str, html: str
) -> BoardLine:
    """Return a row's line; `json` and `html` are where its run's report lies."""
    flags = dict.fromkeys(str(flag.name) for flag in flags_that_matter(row))
    main = closed(row, verdict or NO_VERDICT).figure
    return BoardLine(
        row_id(row.run, row.cell),
        run.suite,
        row,
        run,
        emulation_words(info) if row.emulated else "",
        spoken(row, usual_left_out(row, SETTINGS)),
        "" if row.scenario in _IN_COLUMNS else main,
        (*(_figure(row, *one) for one in FIGURES), _size(row)),
        verdict or NO_VERDICT,
        tuple(flags),
        tuple(_lacking(row)),
        moment(run.started_at)[:10],
        command(row, run),
        beside(row, run),
        current,
        json,
        html,
    )


def _figure(row: Row, head: str, name: str, digits: int) -> BoardFigure:
    figure = row[name]
    if row.status != "finished":
        return BoardFigure(head)
    if figure.value is None:
        return BoardFigure(head, "", "withheld" if figure.withheld else "")
    if figure.by_definition:
        return BoardFigure(head, number(figure.value, 1), "baseline", figure.value)
    text, _, interval = shown(figure, digits).partition(" ")
    return BoardFigure(head, text, interval or "no interval", figure.value)


def _size(row: Row) -> BoardFigure:
    size = row["model_bytes"].value
    return BoardFigure(SIZE, megabytes(None if size is None else int(size)), "", size)


def _lacking(row: Row) -> Iterator[str]:
    """Yield why the row has no figures, or which of those shown have no interval, and why."""
    if row.status != "finished":
        yield f"{row.status}: {row.reason or 'no reason recorded'}"
        return
    for head, name, _ in FIGURES:
        figure = row[name]
        if figure.value is None:
            if figure.withheld and QUANTITIES[name].grain is not Grain.FILE:
                yield f"{head} withheld: {figure.withheld}"
        elif not figure.by_definition and (figure.low is None or figure.high is None):
            yield f"{head} without an interval: {_why(row, figure.low, figure.high)}"


def _why(row: Row, low: float | None, high: float | None) -> str:
    if row.launches < 2:
        return f"{row.launches} launch cannot bound it"
    ends = [name for name, end in (("lower", low), ("upper", high)) if end is None]
    return f"its samples do not bound the {' and the '.join(ends)} end"


def day_range(lines: Sequence[BoardLine]) -> tuple[str, str]:
    """Return the first and the last day of some lines' runs; empty: there are none."""
    days = sorted(one.day for one in lines)
    return (days[0], days[-1]) if days else ("", "")
