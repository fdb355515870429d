"""The history of a suite on a device: its cells as `benchhub history` screens them, and one of
them run by run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchhub.errors import BenchhubError, ConfigError
from benchhub.model.cell import Cell, CellKind
from benchhub.model.figure import Figure
from benchhub.model.scenario import Scenario
from benchhub.report.compare.history_words import describe
from benchhub.report.templating import environment
from benchhub.results.compare.history import (
    FEWEST_RUNS,
    HistoryPoint,
    Screened,
    differences,
    screen,
)
from benchhub.results.load import load_results
from benchhub.results.load_history import history as load
from benchhub.serve.computed.chart import Dot, chart
from benchhub.store import Store
from benchhub.text import moment, number, shown

#: Runs of a cell that are shown with their intervals, and cells that are listed.
MOST_RUNS, _MOST_CELLS = 30, 200
_NS = 1e6
#: The figures that tell of a cell, in their unit; of one at full load others than of single calls.
_SINGLE = (("p50_ms", "p95_ms"), "ms")
_FULL_LOAD = (("throughput_per_s",), "per second")
#: What is read of a cell, by its identity.
Figures = dict[tuple[Any, ...], tuple[Figure, ...]]
#: The same of runs that ended, by their id.
Known = dict[str, Figures]


def history(store: Store, asked: Mapping[str, Any], known: Known) -> str:
    """Return the cells of a suite on a device, or the one whose key is asked for."""
    suite, device = asked["suite"], asked["device"]
    found = load(store, suite, [device])
    timed = [one for one in found.points if one.cell.kind is not CellKind.CANARY]
    fixed = [one for one in found.points if one.cell.kind is CellKind.CANARY]
    screened = screen(timed)
    common = {"suite": suite, "device": device, "left_out": found.left_out, "moment": moment,
              "describe": describe, "number": number, "fewest": FEWEST_RUNS}  # fmt: skip
    if not asked["cell"]:
        page = environment().get_template("serve/cells.html.j2")
        return page.render(
            **common, cells=screened[:_MOST_CELLS], left=max(0, len(screened) - _MOST_CELLS)
        )
    one = next((one for one in screened if _has(one, asked["cell"])), None)
    if one is None:
        raise ConfigError(
            f"no timed cell {asked['cell']} of {suite} on {device}: it was never measured there, or"
            " its runs were deleted"
        )
    page = environment().get_template("serve/history.html.j2")
    return page.render(**common, **_one(store, one, screen(fixed), known))


def _has(one: Screened, key: str) -> bool:
    return any(point.cell.key == key for point in one.points)


def _one(store: Store, one: Screened, fixed: Sequence[Screened], known: Known) -> dict[str, Any]:
    from markupsafe import Markup

    points = one.points[-MOST_RUNS:]
    first = len(one.points) - len(points) + 1
    full_load = one.cell.scenario == Scenario.THROUGHPUT
    names, unit = _FULL_LOAD if full_load else _SINGLE
    series: dict[str, list[Dot]] = {_column(name): [] for name in names}
    rows, marks = [], {}
    for at, point in enumerate(points, first):
        before = one.points[at - 2] if at > 1 else None
        figures = _figures(store, point, names, known)
        told = differences(before, point) if before is not None else ()
        change = one.candidate and one.after is point
        if change:
            marks[at] = "change point"
        elif told:
            marks[at] = _short(told)
        for figure, dots in zip(figures, series.values(), strict=True):
            if figure.value is not None:
                dots.append(Dot(at, figure.value, (figure.low, figure.high)))
        rows.append({"at": at, "point": point, "figures": [*map(shown, figures)],
                     "changed": told, "change": change})  # fmt: skip
    runs = {point.run: at for at, point in enumerate(points, first)}
    canaries = _canary(fixed, runs)
    svg = chart(series, marks, unit)
    canary_svg = chart(canaries, {}) if canaries else None
    return {"one": one, "rows": list(reversed(rows)), "earlier": first - 1,
            "columns": list(series), "unit": unit,
            "svg": Markup(svg) if svg else "", "canary_svg": Markup(canary_svg or ""),
            "moved": [c for c in fixed if c.candidate and c.after is not None]}  # fmt: skip


def _column(name: str) -> str:
    return name.removesuffix("_ms").removesuffix("_per_s")


def _figures(
    store: Store, point: HistoryPoint, names: Sequence[str], known: Known
) -> tuple[Figure, ...]:
    """Return figures of a cell in a run, as its report has them."""
    nothing = tuple(Figure() for _ in names)
    if point.run not in known:
        try:
            results = load_results(store, point.run)
        except BenchhubError:  # deleted or damaged since it was listed
            return nothing
        cells = {cell.key: cell for cell in store.plan(point.run).cells}
        found: Figures = {
            cells[row.cell].identity: tuple(row[name] for name in _of(row.scenario))
            for row in results.rows
            if row.cell in cells
        }
        if results.run.status == "running":
            return found.get(point.cell.identity, nothing)
        known[point.run] = found
    return known[point.run].get(point.cell.identity, nothing)


def _of(scenario: str) -> tuple[str, ...]:
    return (_FULL_LOAD if scenario == Scenario.THROUGHPUT else _SINGLE)[0]


def _canary(fixed: Sequence[Screened], runs: Mapping[str, int]) -> dict[str, list[Dot]]:
    """Return what fixed work took in the same runs: the median of launches, and their range."""
    found = {}
    for one in fixed:
        dots = [
            Dot(
                runs[point.run], point.p50_ns / _NS,
                (min(point.p50s_ns) / _NS, max(point.p50s_ns) / _NS),
            )
            for point in one.points
            if point.run in runs
        ]  # fmt: skip
        if dots:
            found[_name(one.cell)] = dots
    return found


def _name(cell: Cell) -> str:
    return "canary" if not cell.variant else cell.variant


def _short(told: Sequence[str]) -> str:
    """Return what changed in a word or two: a chart has no room for more."""
    kinds = [line.partition(":")[0] for line in told]
    more = f" +{len(kinds) - 1}" if len(kinds) > 1 else ""
    return f"{kinds[0]}{more}"
