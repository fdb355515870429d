"""What the template of the HTML report is filled with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from benchhub.model.row import Results
from benchhub.report.answer.heat import HeatMap, heat_map
from benchhub.report.answer.said import ReportAnswer, answered
from benchhub.report.answer.verdicts import ReportVerdicts, verdicts_of
from benchhub.report.page import figures
from benchhub.report.page.device_cells import device_cells
from benchhub.report.page.facets import Facets
from benchhub.report.page.figures import ChartFigure
from benchhub.report.tables import cells, notes
from benchhub.report.tables import claims as claimed
from benchhub.report.tables.by_metric import by_metric
from benchhub.report.tables.conclude import conclusions, counts, overall, rests_on
from benchhub.report.tables.glossary import TIMED_REGION, glossary
from benchhub.report.tables.table import Table


@dataclass(frozen=True, slots=True)
class RunView:
    """One run of a page, from its answer to its verdicts; `suffix` tells its names from others'."""

    result: Results
    suffix: str
    answer: ReportAnswer
    rests_on: str
    cells: int
    tradeoffs: tuple[ChartFigure, ...]
    tradeoffs_left: str
    heat: HeatMap
    verdicts: ReportVerdicts
    provenance: Table


def view(results: Sequence[Results], of: Facets, interactive: bool) -> dict[str, Any]:
    """Return the template's variables."""
    several = len(results) > 1
    qualities = [_named(by_metric(r), r, several) for r in results]
    runs = [_run(r, f"-{at}" if several else "", interactive) for at, r in enumerate(results)]
    return {
        "runs": runs,
        "several": several,
        "with_answers": not all(r.run.kind.without_answers for r in results),
        "overall": overall(results),
        "counts": counts(results),
        "facets": of,
        "figures": figures.of_all(results, interactive),
        "failures": notes.failures(results),
        "skips": notes.skips(results),
        "conclusions": [
            (result, conclusion) for result in results for conclusion in conclusions(result)
        ],
        "devices": device_cells(results, of),
        "cells": cells.cells(results),
        "by_metric": [table for table in qualities if table.rows],
        "parts": cells.quality_parts(results),
        "made": notes.made(results),
        "flags": notes.flags(results),
        "flagged": notes.flagged_cells(results),
        "withheld": notes.withheld(results),
        "findings": notes.findings(results),
        "selftests": notes.selftests(results),
        "facts": [_named(notes.device_facts(d), r, several) for r in results for d in r.devices],
        "variants": cells.variants(results),
        "clocks": sorted({row.clock for r in results for row in r.rows if row.clock}),
        "timed_region": TIMED_REGION,
        "glossary": glossary(several_metrics=any(table.rows for table in qualities)),
        "claims": claimed.claims(results),
        "claims_because": claimed.because(results),
        "claims_heading": claimed.BECAUSE,
        "claims_tally": claimed.tally(results),
        "interactive": interactive,
    }


def _run(result: Results, suffix: str, interactive: bool) -> RunView:
    answer = answered(result)
    return RunView(
        result,
        suffix,
        answer,
        rests_on(result),
        sum(row.runs_model for row in result.rows),
        tuple(figures.tradeoffs(answer, interactive, suffix)),
        figures.left_out(result),
        heat_map(result),
        verdicts_of(result, suffix),
        notes.provenance(result),
    )


def _named(table: Table, result: Results, several: bool) -> Table:
    if not several:
        return table
    run = result.run.id
    return replace(table, name=f"{table.name}-{run}", caption=f"{table.caption}, run {run}")
