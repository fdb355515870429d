"""The tables of docs/explanation/ten-thousand-devices.md, made of the two files of figures."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import astuple
from typing import Any

from benchmarks.sites import scenarios, service_times
from benchmarks.sites.measuring.cluster import ROOT
from benchmarks.sites.measuring.tasks import ANSWER_BYTES
from benchmarks.sites.service_times import Call

PAGE = ROOT / "docs" / "explanation" / "ten-thousand-devices.md"
_BEGIN, _END = "<!-- made: {} -->", "<!-- end -->"
_MADE = re.compile(r"<!-- made: (\w+) -->\n.*?<!-- end -->", re.DOTALL)
#: What the stations are called on the page.
WORDS = {
    "client": "controller", "scheduler": "scheduler", "gateway": "gateway",
    "down": "wide link, to a site", "up": "wide link, from a site", "lan": "network of a site",
    "uplink": "the controller's line", "writers": "the store's writers",
    "store": "the store's server",
}  # fmt: skip

Figures = dict[str, Any]


def write() -> None:
    """Bring the tables up to date; the page's own words stay."""
    if PAGE.exists():
        PAGE.write_text(with_tables(PAGE.read_text("utf-8")), "utf-8")


def with_tables(text: str) -> str:
    """Return a page's text with its tables made anew."""
    measured = json.loads(service_times.FILE.read_text("utf-8"))
    found = json.loads(scenarios.FILE.read_text("utf-8"))

    def made(match: re.Match[str]) -> str:
        name = match[1]
        lines = TABLES[name](found, measured)
        return "\n".join([_BEGIN.format(name), *lines, _END])

    return _MADE.sub(made, text)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    rule = ["---", *["--:"] * (len(head) - 1)]
    return ["| " + " | ".join(row) + " |" for row in (head, rule, *rows)]


def _visits(found: Figures, measured: Figures) -> list[str]:
    times = service_times.read()
    calls = [
        (
            f"dask, {one['outstanding']} outstanding{', past the scheduler' * one['direct']}",
            Call(one["client_ms"], one["scheduler_ms"], one["worker_ms"]),
        )
        for one in measured["round_trips"]
        if one["sites"] == 1 and one["answer_bytes"] == ANSWER_BYTES
    ]
    calls += [
        (
            f"sockets, {one['outstanding']} outstanding",
            Call(one["client_ms"], 0.0, one["worker_ms"]),
        )
        for one in measured["plain"]
    ]
    calls += [
        ("**dask, in a small fleet: what is used**", times.answer),
        ("**sockets, as much more: what is used**", times.plain),
    ]
    lines = _table(
        ("a call, ms of a processor", "controller", "scheduler", "gateway"),
        [(name, *(f"{v:.2f}" if v else "" for v in astuple(call))) for name, call in calls],
    )
    more = [
        ("reading and checking a launch's lines", times.read_ms),
        ("the rest of the controller's loop", times.loop_ms),
        ("a launch into PostgreSQL, at the controller", times.commit_client_ms),
        ("the same, at the server", times.commit_server_ms),
        ("the same, waiting for the disk", times.commit_wait_ms),
        ("a hundred in a transaction, at the controller, each", times.together_client_ms),
        ("SSH and a device's agent, at the gateway", times.agent_ms),
        ("connecting and checking a device, at the gateway", times.connect_ms),
        ("between two launches of a device", times.between_ms),
    ]
    return [*lines, "", *_table(("of a launch", "ms"), [(n, f"{v:.2f}") for n, v in more])]


def _paper(found: Figures, measured: Figures) -> list[str]:
    stations = found["paper"]["stations"]
    rows = [
        (
            WORDS[name], f"{one['ms']:.2f}", f"{one['touch_ms']:.2f}" if one["touch_ms"] else "",
            str(one["servers"]), _count(one["most_per_s"]),
            _count(one["devices"]), f"{one['wanted']:.1f}",
        )
        for name, one in sorted(stations.items(), key=lambda item: item[1]["devices"])
    ]  # fmt: skip
    head = (
        "station", "ms a launch", "ms a touch", "servers", "launches a second at most",
        "devices it keeps up with", "of it wanted by 10,000",
    )  # fmt: skip
    return _table(head, rows)


def _held(found: Figures, measured: Figures) -> list[str]:
    rows = [
        (
            {"controller": "today's controller", "dask": "behind dask, PostgreSQL"}[one["what"]],
            str(one["devices"]), _count(one["launches"]), f"{one['launch_s']:g}",
            f"{one['measured_s']:.1f}", f"{one['simulated_s']:.1f}", f"{one['ratio']:.2f}",
            f"{one['simulated_busy_s']:.1f}", f"{one['ratio_busy']:.2f}", f"{one['client_ms']:.1f}",
        )
        for one in found["held"]
    ]  # fmt: skip
    head = (
        "run", "devices", "launches", "s each", "measured s", "simulated s", "ratio",
        "simulated on the busy machine", "ratio", "controller ms a launch",
    )  # fmt: skip
    return _table(head, rows)


def _result(one: Figures) -> tuple[str, ...]:
    busiest = one["busiest"]
    second = sorted(one["stations"], key=lambda kind: -one["stations"][kind]["utilization"])[1]
    share = one["stations"]
    return (
        _time(one["makespan_s"]), f"{one['over_ideal']:.2f}", _count(one["launches_per_s"]),
        f"{WORDS[busiest]} {share[busiest]['utilization']:.0%}",
        f"{WORDS[second]} {share[second]['utilization']:.0%}",
    )  # fmt: skip


_RESULT = ("takes", "over the ideal", "launches a second", "busiest", "next")


def _sweep(found: Figures, measured: Figures) -> list[str]:
    rows = [(_count(one["devices"]), *_result(one)) for one in found["sweep"]]
    return _table(("devices at 5 sites", *_RESULT), rows)


def _sizes(found: Figures, measured: Figures) -> list[str]:
    rows = [
        (
            f"{_count(one['devices'])} at {one['sites']}",
            f"{one['cells']} x {one['rounds']}", *_result(one),
        )
        for one in [*found["sizes"], *found.get("full", ())]
    ]  # fmt: skip
    return _table(("devices at sites", "cells x launches", *_RESULT), rows)


def _slower(found: Figures, measured: Figures) -> list[str]:
    rows = [(_count(one["devices"]), *_result(one)) for one in found["slower"]]
    return _table(("devices at 20 sites", *_RESULT), rows)


def _alone(found: Figures, measured: Figures) -> list[str]:
    return _table(("alone", *_RESULT), [(one["step"], *_result(one)) for one in found["alone"]])


def _steps(found: Figures, measured: Figures) -> list[str]:
    rows = [
        (("and " if number > 1 else "") + one["step"], *_result(one))
        for number, one in enumerate(found["steps"])
    ]
    return _table(("one after another", *_RESULT), rows)


def _with_dask(found: Figures, measured: Figures) -> list[str]:
    rows = [(str(one["design"]["clients"]), *_result(one)) for one in found["with_dask"]]
    return _table(("controllers, each with a scheduler", *_RESULT), rows)


def _faults(found: Figures, measured: Figures) -> list[str]:
    rows = [
        (f"{_count(one['devices'])}, {one['built']}: {one['case']}", *_result(one))
        for one in found["faults"]
    ]
    return _table(("devices at 5 sites", *_RESULT), rows)


def _models(found: Figures, measured: Figures) -> list[str]:
    rows = [
        (
            f"{_count(one['devices'])}, {'once a site' if one['cached'] else 'once a device'}",
            _time(one["first_launch_s"]), _time(one["last_began_s"]), *_result(one),
        )
        for one in found["models"]
    ]  # fmt: skip
    head = ("devices at 20 sites", "first launch", "last device begins", *_RESULT)
    return _table(head, rows)


def _measured_on(found: Figures, measured: Figures) -> list[str]:
    when = sorted(one["at"] for one in measured["measured"].values())
    loads = [
        v for one in measured["measured"].values() for v in (one["load_before"], one["load_after"])
    ]
    versions = ", ".join(f"{name} {number}" for name, number in measured["versions"].items())
    machine = measured["machine"].rpartition(", load")[0]
    return [
        f"Measured on {machine}, at a load of {min(loads):.0f} to {max(loads):.0f},",
        f"{when[0][:16]} to {when[-1][11:16]} UTC; PostgreSQL {measured['postgresql']},",
        f"{versions}.",
    ]


def _count(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}"


def _time(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


#: What makes each table of the page.
TABLES: dict[str, Callable[[Figures, Figures], list[str]]] = {
    "visits": _visits, "paper": _paper, "held": _held, "sweep": _sweep, "sizes": _sizes,
    "slower": _slower, "alone": _alone, "steps": _steps, "with_dask": _with_dask,
    "faults": _faults, "models": _models, "measured_on": _measured_on,
}  # fmt: skip
