"""One HTML file that needs nothing else: no network, no fonts, no JavaScript."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

from benchhub.model.row import Results
from benchhub.report.charts import drawn
from benchhub.report.tables import by_device, cells, notes
from benchhub.report.tables import claims as claimed
from benchhub.report.tables.by_metric import by_metric
from benchhub.report.tables.conclude import conclusions, counts, overall, rests_on
from benchhub.report.tables.emulated import emulation_words
from benchhub.report.tables.glossary import TIMED_REGION, glossary
from benchhub.report.tables.matrix import Matrix, matrix
from benchhub.report.tables.points import no_latency
from benchhub.report.tables.table import Table
from benchhub.report.tables.verdicts import split, verdicts
from benchhub.text import moment

SUFFIX = ".html"

_XMLNS = re.compile(r' xmlns(:xlink)?="[^"]*"')

#: Longer tables of verdicts are parted, and what passed folds away.
MOST_VERDICTS = 40

#: Chart name -> heading, what to read from it, what to say when there is none.
_CAPTIONS = {
    "latency": (
        "Latency",
        "Median (p50) time of one call, with its 95 % interval, by variant and backend. "
        "Shorter is better. Intervals that overlap cannot be told apart. Where a device has more "
        "configurations than fit, each variant and backend is drawn at its smallest settings. "
        "Every device has its own axis.",
        "No latency was measured.",
    ),
    "tradeoff": (
        "Quality loss against speed-up",
        "Lower and further right is better; 0 loss and a speed-up of 1 are the baseline's. Ringed "
        "and joined: the Pareto front of each backend, what nothing is shown to beat. Speed-ups "
        "refer to the base variant on the same device and backend with the same settings.",
        "No latency has both a speed-up and the quality of its own batch.",
    ),
    "compression": (
        "What compression buys and costs",
        "Speed-up and quality loss against the compression ratio, with 95 % intervals; a line "
        "joins variants whose names differ in a number only. A flat speed-up is work that no "
        "backend saves. Drawn at the smallest settings of each device.",
        "",
    ),
    "paced": (
        "Paced calls",
        "p95 of the time from a call's scheduled arrival to its end, by their rate; lower "
        "is better. Where a line turns up, calls wait for one another.",
        "",
    ),
    "memory": (
        "Peak memory",
        "Highest resident memory of the fresh process that ran the variant, in MiB: Python and "
        "the backend's libraries are in it, so compare variants of one backend.",
        "Peak memory was not measured.",
    ),
    "size": (
        "Model size",
        "Bytes of the model file as stored, and what gzip makes of it, in MB (10^6 bytes).",
        "The size of the models is not known.",
    ),
}


@dataclass(frozen=True, slots=True)
class ChartFigure:
    """A chart ready to be placed, or the sentence in its place (`svg` empty)."""

    name: str
    heading: str
    caption: str
    svg: str
    spec: str
    absent: str


def render(results: Sequence[Results], interactive: bool = False) -> str:
    """The report as one file, complete without JavaScript, which only makes tables sortable.

    `interactive` adds the Vega runtime (about 0.9 MB) and turns the SVG charts into live ones.
    """
    from jinja2 import Environment, FunctionLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=FunctionLoader(_template),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        style=Markup(_template("style.css")),
        script=Markup(_template("sort.js")),
        live=Markup(_template("live.js")) if interactive else "",
        vega=Markup(_vega()) if interactive else "",
    )
    return environment.get_template("report.html.j2").render(**_view(results, interactive))


def _view(results: Sequence[Results], interactive: bool) -> dict[str, Any]:
    several = len(results) > 1
    qualities = [_named(by_metric(r), r, several) for r in results]
    words = glossary(several_metrics=any(table.rows for table in qualities))
    return {
        "results": results,
        "several": several,
        "with_answers": not all(r.run.kind.without_answers for r in results),
        "overall": overall(results),
        "counts": counts(results),
        "cell_counts": [sum(row.runs_model for row in r.rows) for r in results],
        "notes": [rests_on(r) for r in results],
        "moment": moment,
        "withheld": notes.withheld(results),
        "flagged": notes.flagged_cells(results),
        "failed": sum(r.status != "finished" for x in results for r in x.rows),
        "lost": sum(bool(device.error) for x in results for device in x.devices),
        "conclusions": [
            (result, conclusion, device)
            for result in results
            for conclusion, device in zip(conclusions(result), result.devices, strict=True)
        ],
        "matrices": [_named_matrix(r, several) for r in results],
        "emulation_words": emulation_words,
        "figures": _figures(results, interactive),
        "verdicts": _verdicts(verdicts(results)),
        "cells": cells.cells(results),
        "by_device": [
            _named(build(r, device), r, several)
            for r in results
            for device in r.devices
            for build in (by_device.latency, *by_device.BESIDE_LATENCY)
        ],
        "by_metric": [table for table in qualities if table.rows],
        "parts": cells.quality_parts(results),
        "lists": _lists(results),
        "findings": notes.findings(results),
        "selftests": notes.selftests(results),
        "facts": [_named(notes.device_facts(d), r, several) for r in results for d in r.devices],
        "variants": cells.variants(results),
        "provenance": [notes.provenance(result) for result in results],
        "clocks": sorted({row.clock for r in results for row in r.rows if row.clock}),
        "timed_region": TIMED_REGION,
        "glossary": words,
        "interactive": interactive,
        "claims": claimed.claims(results),
        "claims_because": claimed.because(results),
        "claims_heading": claimed.BECAUSE,
        "claims_tally": claimed.tally(results),
    }


def _verdicts(found: Table) -> tuple[Table, ...]:
    """One table, or where it would be long the verdicts that ask for action and the others."""
    return (found,) if len(found.rows) <= MOST_VERDICTS else split(found)


def _lists(results: Sequence[Results]) -> list[tuple[Table, str]]:
    return [
        (notes.failures(results), "Nothing failed."),
        (notes.skips(results), "Nothing was skipped."),
        (notes.flags(results), "No flag was raised."),
        *([(told, "")] if (told := notes.made(results)).rows else []),
    ]


def _named(table: Table, result: Results, several: bool) -> Table:
    if not several:
        return table
    run = result.run.id
    return Table(f"{table.name}-{run}", f"{table.caption}, run {run}", table.columns, table.rows)


def _named_matrix(result: Results, several: bool) -> Matrix:
    made = matrix(result)
    return Matrix(_named(made.table, result, several), made.notes)


def _figures(results: Sequence[Results], interactive: bool) -> list[ChartFigure]:
    from markupsafe import Markup

    made = drawn.specs(results)
    figures = []
    for name, (heading, caption, absent) in _CAPTIONS.items():
        chart = made.get(name)
        unasked = name == "tradeoff" and all(r.run.kind.without_answers for r in results)
        if chart is None and (not absent or unasked):
            continue
        if name == "latency" and chart is None:
            absent = f"{no_latency([row for result in results for row in result.rows])}."
        svg = Markup(_inline(drawn.to_svg(chart), name, heading, caption)) if chart else ""
        spec = Markup(_in_script(chart.to_dict())) if chart and interactive else ""
        figures.append(ChartFigure(name, heading, caption, svg, spec, absent))
    return figures


def _inline(svg: str, name: str, heading: str, caption: str) -> str:
    """SVG as part of the page: titled, and without the XML namespaces HTML does not need."""
    from markupsafe import escape

    start, _, rest = _XMLNS.sub("", svg).partition(">")
    label = f'role="img" aria-labelledby="chart-{name}-title chart-{name}-text"'
    titles = (
        f'<title id="chart-{name}-title">{escape(heading)}</title>'
        f'<desc id="chart-{name}-text">{escape(caption)} The table of cells has the numbers.</desc>'
    )
    return f"{start} {label}>{titles}{rest}"


def _in_script(value: Any) -> str:
    """JSON that cannot end the script element it stands in."""
    return json.dumps(value, sort_keys=True).replace("<", "\\u003c").replace(">", "\\u003e")


def _vega() -> str:
    """The Vega, Vega-Lite and vega-embed runtimes as one script that sets `vegaEmbed`."""
    import vl_convert

    bundle = str(vl_convert.javascript_bundle())  # type: ignore[call-arg]  # as its stub has it
    return bundle.replace("</script", "<\\/script")


def _template(name: str) -> str:
    return resources.files("benchhub.report").joinpath("templates", name).read_text("utf-8")
