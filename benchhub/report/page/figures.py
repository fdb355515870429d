"""The charts of a page: the trade-off of each device, and those of all devices."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from benchhub.model.quantities import BUDGET_KEYS
from benchhub.model.row import Results
from benchhub.model.scenario import Scenario
from benchhub.report.answer.said import ReportAnswer
from benchhub.report.charts import drawn
from benchhub.report.charts.tradeoff import of_device
from benchhub.report.tables.emulated import emulation_words
from benchhub.report.tables.points import no_latency
from benchhub.text import plural

_XMLNS = re.compile(r' xmlns(:xlink)?="[^"]*"')
#: Of more devices the trade-offs of the first are drawn.
MOST_TRADEOFFS = 20
_DRAWN = (Scenario.LATENCY, Scenario.QUALITY)

TRADEOFF = "The loss is against the base variant, whose own is 0 by definition."
#: Chart name -> heading, what to read from it, what to say when there is none.
_CAPTIONS = {
    "latency": (
        "Latency",
        "Median (p50) time of one call, with its 95 % interval, by variant and backend. "
        "Shorter is better. Intervals that overlap cannot be told apart. Where a device has more "
        "settings than fit, the one is drawn that most configurations were measured at. "
        "Every device has its own axis.",
        "No latency was measured.",
    ),
    "compression": (
        "What compression buys and costs",
        "Speed-up and quality loss against the compression ratio, with 95 % intervals; a line "
        "joins variants whose names differ in a number only. A flat speed-up is work that no "
        "backend saves. Drawn at one setting of each device, that of most configurations.",
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


def tradeoffs(of: ReportAnswer, interactive: bool, suffix: str = "") -> list[ChartFigure]:
    """Return the trade-off of each device of a run, in the one order; none without answers."""
    result = of.result
    if result.run.kind.without_answers:
        return []
    picks = {one.device: one.pick.row.cell for one in of.recommendation.devices if one.pick}
    made = []
    for at, device in enumerate(result.devices[:MOST_TRADEOFFS]):
        rows = [row for row in result.rows if row.device == device.name]
        words = {device.name: emulation_words(device)}
        limits = _limits(result, device.name)
        chart = of_device(rows, device.name, words, picks.get(device.name, ""), limits)
        if chart is not None:
            heading = ", ".join(filter(None, (device.name, emulation_words(device))))
            name = f"tradeoff-{at}{suffix}"
            made.append(_figure(name, heading, TRADEOFF, chart, interactive))
    return made


def _limits(result: Results, device: str) -> dict[str, float]:
    """Return the strictest limits on a device, by column, of those that are about all variants."""
    found: dict[str, float] = {}
    for budget in result.budgets:
        if budget.variants or budget.backends or device not in (budget.devices or (device,)):
            continue
        for key, limit in budget.limits.items():
            column = BUDGET_KEYS[key][1].name
            of_latency = BUDGET_KEYS[key][0].scenario in (None, *_DRAWN)
            if of_latency and not (column == "quality_loss" and budget.quality_loss_relative):
                found[column] = min(limit, found.get(column, limit))
    return found


def of_all(results: Sequence[Results], interactive: bool) -> list[ChartFigure]:
    """Return the charts of all devices, or for each what is said where there is none."""
    return list(_of_all(results, interactive))


def _of_all(results: Sequence[Results], interactive: bool) -> Iterator[ChartFigure]:
    made = drawn.specs(results, without=("tradeoff",))
    for name, (heading, caption, absent) in _CAPTIONS.items():
        chart = made.get(name)
        if chart is not None:
            yield _figure(name, heading, caption, chart, interactive)
        elif absent:
            if name == "latency":
                absent = f"{no_latency([row for of in results for row in of.rows])}."
            yield ChartFigure(name, heading, caption, "", "", absent)


def _figure(name: str, heading: str, caption: str, chart: Any, interactive: bool) -> ChartFigure:
    from markupsafe import Markup

    svg = Markup(_inline(drawn.to_svg(chart), name, heading, caption))
    spec = Markup(_in_script(chart.to_dict())) if interactive else ""
    return ChartFigure(name, heading, caption, svg, spec, "")


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


def left_out(result: Results) -> str:
    """Return that not every device has a trade-off; empty where each has."""
    left = len(result.devices) - MOST_TRADEOFFS
    return f"{plural(left, 'more device')} without a chart of their own." if left > 0 else ""
