"""The terminal's tables of times: latency, throughput, paced calls, host and device clock."""

from __future__ import annotations

from rich.console import Console

from benchhub.cli.show.say import say
from benchhub.cli.show.table import print_table
from benchhub.model.row import Results
from benchhub.model.scenario import Scenario
from benchhub.report.tables import by_device
from benchhub.report.tables.rates import highest_rates
from benchhub.text import number

#: A longer table is cut to one line a variant and backend.
MOST_ROWS = 24
_TABLES = {
    Scenario.LATENCY: by_device.latency,
    Scenario.THROUGHPUT: by_device.throughput,
    Scenario.PACED: by_device.paced,
}


def print_timed(console: Console, results: Results) -> None:
    """Print a table for each device and timed scenario, emulated devices last and said to be so."""
    timed = [row for row in results.rows if row.runs_model]
    also = f"`benchhub report {results.run.id} --format csv`"
    for info in sorted(results.devices, key=lambda info: info.emulated):
        for scenario, build in _TABLES.items():
            rows = [r for r in timed if r.device == info.name and r.scenario == scenario]
            table = build(results, info, MOST_ROWS)
            print_table(console, table, also=also)
            if len(table.rows) < len(rows):
                ranked = scenario is Scenario.THROUGHPUT and not info.emulated
                which = "fastest (by the estimates)" if ranked else "smallest"
                left = len(rows) - len(table.rows)
                say(console, "dim", f"the {which} settings of each; {left} more in the report")
            if scenario is Scenario.PACED:
                for sentence in highest_rates(results, info):
                    say(console, "", sentence)
        print_table(console, by_device.gpu(results, info), also=also)
    if not any(row.scenario == Scenario.LATENCY for row in timed):
        console.print("no latency was measured")
    for row in results.rows:
        median_ms = row["p50_ms"].value
        if row.calls_nothing and median_ms is not None:
            text = f"{row.device}: the harness itself costs {number(1000 * median_ms)} us a call"
            say(console, "dim", f"{text} (median of the {row.backend} backend)")
