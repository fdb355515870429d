"""The terminal's table of a run that has several metrics."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from benchhub.cli.show.figures import interval, number, say
from benchhub.model.row import Results
from benchhub.report.tables.by_metric import metrics_of, rows_of
from benchhub.report.tables.settings import compact, varying

#: So wide is a figure with its limits.
_WIDE = 22
#: So wide is one without, and so far apart are columns.
_NARROW, _APART = 6, 3


def print_quality(console: Console, results: Results) -> None:
    """Print every metric by variant and backend, device by device; nothing where there is one."""
    found = rows_of(results)
    names = list(dict.fromkeys(name for row in found for name in metrics_of(row)))
    timed = any(row.postprocess_p50_ms is not None for row in found)
    packed = [name for name in varying(found) if name not in ("threads", "batch")]
    limits = console.width >= 30 + _WIDE * len(names)
    label = max((len(row.variant) for row in found), default=0) + (20 if packed else 4)
    shown = (
        names
        if limits
        else _fitting(names, console.width - label - (_NARROW + _APART if timed else 0))
    )
    left_out = ", ".join(name.replace("_", " ") for name in names if name not in shown)
    for device in dict.fromkeys(row.device for row in found):
        table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
        table.add_column("variant", no_wrap=True)
        for head in [] if not packed else ["settings"]:
            table.add_column(head)
        for head in (*shown, *(["post ms"] if timed else [])):
            width = _narrowest(head)  # to be broken at words
            table.add_column(head.replace("_", " "), justify="right", min_width=width)
        mine = [row for row in found if row.device == device]
        for backend in dict.fromkeys(row.backend for row in mine):
            table.add_row(f"[bold]{escape(backend)}[/]")
            for row in (row for row in mine if row.backend == backend):
                entries = metrics_of(row)
                table.add_row(
                    f"  {escape(row.variant)}",
                    *([escape(compact(row, packed))] if packed else []),
                    *(
                        interval(entry["value"], entry["low"], entry["high"], limits)
                        if (entry := entries.get(name))
                        else "n/a"
                        for name in shown
                    ),
                    *([number(row.postprocess_p50_ms)] if timed else []),
                )
        console.print()
        said = ", 95 % intervals over patients" if limits else "; the report has intervals and loss"
        say(console, "bold", f"{device}: quality by metric{said}")
        console.print(table)
        if left_out:
            say(console, "dim", f"a wider terminal, or the report, also shows {left_out}")


def _narrowest(head: str) -> int:
    """Return the least width of a column: of a figure, and of the longest word of its head."""
    return max(_NARROW, *(len(word) for word in head.split("_")))


def _fitting(names: list[str], width: int) -> list[str]:
    """Return the first names whose columns fit, one at least."""
    count, used = 0, 0
    while count < len(names) and used + _narrowest(names[count]) + _APART <= width:
        used += _narrowest(names[count]) + _APART
        count += 1
    return names[: max(1, count)]
