"""What commands print, by name, for a width: the subjects of the golden files beside this."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime

from builders import make_budget, make_cell, make_variant
from gate_cases import BROKEN, FAILS, KEPT, OPEN, WITHHELD, latency, make_judged
from recorded_runs import launches_of, stored
from rows import changed
from synthetic import results

from benchhub.device.turns.queue import Queue, Queued, ReservedTime
from benchhub.model.cell import Cell
from benchhub.model.device import Finding
from benchhub.model.row import Results, Row
from benchhub.ondevice.wire import Failure
from benchhub.results.load_ab import ABComparison, Side
from benchhub.stats.interval import Estimate
from benchhub.stats.paired_ab import ABChange, ABDecision, Effect
from benchhub.store import Store

#: A terminal's columns, and a pipe.
WIDTHS: Mapping[str, str | None] = {"80": "80", "100": "100", "140": "140", "pipe": None}
LONG = "resnet50-quantized-int8-static-per-channel-calibrated-64-cases"
SHELVES = tuple(f"rack{number // 10 + 1}-{number % 10:02}" for number in range(20))


@contextlib.contextmanager
def columns(width: str | None) -> Iterator[None]:
    """Be so wide, as COLUMNS says it; None: a pipe."""
    kept = os.environ.pop("COLUMNS", None)
    try:
        if width is not None:
            os.environ["COLUMNS"] = width
        yield
    finally:
        os.environ.pop("COLUMNS", None)
        if kept is not None:
            os.environ["COLUMNS"] = kept


def printed(show: Callable[[], object], width: str | None) -> str:
    """Return what a function prints to stdout at a width."""
    told = io.StringIO()
    with columns(width), contextlib.redirect_stdout(told):
        show()
    return told.getvalue()


def fill(store: Store) -> None:
    """Write runs: `before`, `after`, which is slower, and `shelves`, of twenty devices."""
    edge = (make_budget("edge", latency_p95_ms=12.0),)
    failure = Failure("load", "raised", "no such operator")
    names = ("fp32", LONG, "int8")
    for run, scale in (("before", 1.0), ("after", 1.3)):
        launches = [
            launch
            for place, name in enumerate(names)
            for launch in launches_of(make_cell(variant=name), run, scale=scale / (1 + place))
        ]
        broken = make_cell(variant="fp16")
        launches += launches_of(broken, run, 1, status="failed", failure=failure)
        stored(store, run, launches, edge, suite="edge")
    for day in range(9):
        run = f"day-{day}"
        cells = [(make_cell(), 2.0 if day > 4 else 1.0), (make_cell(variant=LONG), 1.0)]
        launches = [
            launch for cell, scale in cells for launch in launches_of(cell, run, 3, scale=scale)
        ]
        stored(store, run, launches, suite="daily", started_at=f"2026-02-0{day + 1}T12:00:00Z")
    launches = [
        launch
        for place, device in enumerate(SHELVES)
        for name, factor in (("fp32", 1.0), ("int8", 0.5 if place % 3 else 0.99))
        for launch in launches_of(
            make_cell(device=device, variant=name),
            "shelves",
            scale=factor * (1 + place),
            noise=0.03,
        )
    ]
    stored(store, "shelves", launches, edge, suite="shelves")


#: What commands of their own print of that store.
COMMANDS: Mapping[str, tuple[str, ...]] = {
    "runs-list": ("runs", "list"),
    "runs-show": ("runs", "show", "after"),
    "gate-of-a-run": ("gate", "after"),
    "compare": ("compare", "before", "after"),
    "recommend": ("recommend", "after"),
    "recommend-20-devices": ("recommend", "shelves"),
    "history": ("history", "daily"),
}


def wide_numbers() -> Results:
    """Rows of 12 digits, long names and wide intervals."""
    whole = results(hostile=False)

    def large(row: Row) -> Row:
        named = changed(row, variant=LONG) if row.variant == "int8-static" else row
        if row["p50_ms"].value is None or row.backend == "openvino":
            return named
        figures = {
            f"{name}_ms{end}": factor * 123_456_789_012.0
            for name in ("p50", "p95")
            for end, factor in (("", 1.0), ("_low", 0.01), ("_high", 7.0))
        }
        figures = {
            key.replace("_ms_", "_") + "_ms" * ("_ms_" in key): v for key, v in figures.items()
        }
        return changed(named, **figures)

    return dataclasses.replace(whole, rows=tuple(map(large, whole.rows)))


def ab() -> ABComparison:
    """Two files, of which one is slower in the tail."""
    changes = (ABChange.EQUIVALENT, ABChange.EQUIVALENT, ABChange.REGRESSED)
    effects = tuple(
        Effect(name, Estimate(ratio, low, high, 12, 0.95, "hl"), 0.001, change)
        for name, ratio, low, high, change in zip(
            ("p25", "p50", "p95"), (1.001, 1.004, 1.31), (0.992, 0.993, 1.11), (1.01, 1.02, 1.62),
            changes, strict=True,
        )
    )  # fmt: skip
    reason = "p50 of B is +0.40%, within 2 % either way"
    typical = {"p25": 12.345678, "p50": 12.9, "p95": 123456.7}
    cell: Cell = make_cell()
    a = Side(cell, make_variant("old"), (), typical, None)
    b = Side(cell, make_variant(LONG, sha256="b" * 64), (), typical, None)
    decision = ABDecision(ABChange.EQUIVALENT, reason, 12, 200, effects, None)
    return ABComparison("20260101-120000-abcd", a, b, decision, (), 0.0012, 10, False)


def _timed() -> None:
    from benchhub.cli.show.say import stdout
    from benchhub.cli.show.timed import print_timed

    print_timed(stdout(), results(hostile=False))


def _wide_numbers() -> None:
    from benchhub.cli.show.say import stdout
    from benchhub.cli.show.timed import print_timed

    print_timed(stdout(), wide_numbers())


def _gate() -> None:
    from benchhub.cli.show.results import print_gate
    from benchhub.cli.show.say import stdout

    far = latency(LONG, 1_000_000_000.25, 123_456_789_012.5, 987_654_321_098.75)
    print_gate(stdout(), make_judged(KEPT, OPEN, BROKEN, FAILS, WITHHELD, far))


def _ab() -> None:
    from benchhub.cli.show.ab import show

    show(ab(), 0.02)


def _queue() -> None:
    from benchhub.cli.devices.queue import _show

    first = Queued(
        "ann", "laptop-of-ann", "20260101-120000-abcd", True, 3, for_s=754.0, left_s=61.0
    )
    second = Queued("ci", "runner-17.lab.example", "20260101-121500-ffff", False, for_s=30.0,
                    left_s=4000.0, account="bench", why="busy")  # fmt: skip
    kept = ReservedTime("2026c62c", "bob", "desk", 7200.0, 14400.0)
    found = {"jetson-orin-nano-8gb": Queue((first, second), (kept,)), "pi4": Queue()}
    _show(found, datetime(2026, 1, 31, 12, 0, tzinfo=UTC))


def _doctor_rows() -> None:
    from benchhub.cli.devices.doctor import _row
    from benchhub.cli.devices.together import print_rows

    bad = Finding("temperature", "refuse", "93.5 C, at or above 80 C", "it throttles",
                  "let it cool down, or raise limits.max_temperature_c")  # fmt: skip
    doubt = Finding("governor", "warn", "powersave, 600 to 1,500 MHz", "clocks change", "set it")
    unknown = Finding("turbo", "unknown", "unavailable: not permitted")
    lines = [_row(name, (Finding("python", "ok", "3.11"),), False) for name in SHELVES]
    lines[3] = _row(SHELVES[3], (bad, doubt), True)
    lines[7] = _row(SHELVES[7], (doubt, unknown), False)
    lines[9] = _row(SHELVES[9], (unknown,), False)
    print_rows(lines, "`benchhub devices doctor NAME` shows every check of one")


def _doctor_one() -> None:
    from benchhub.cli.devices.doctor import print_device

    checks = (
        Finding("python", "ok", "3.11.2 (/usr/bin/python3)"),
        Finding("governor", "warn", "powersave on 4 of 4 processors, 600 to 1,500 MHz",
                "clocks change between launches, so that intervals are up to 3 times as wide",
                "`sudo cpupower frequency-set --governor performance`"),
        Finding("turbo", "unknown",
                "unavailable: /sys/devices/system/cpu/cpufreq/boost: no such file"),
    )  # fmt: skip
    print_device("raspberry-pi-4", checks, False)


def _devices_list() -> None:
    from benchhub.cli.devices.listing import _show
    from benchhub.model.device import DeviceProfile

    names = [DeviceProfile(f"{name}-{LONG}" if name == SHELVES[0] else name, transport="ssh",
                           host=f"{name}.lab.example", host_key="ssh-ed25519 AAAA",
                           labels={"site": "lab-1"}) for name in SHELVES]  # fmt: skip
    _show(names, {}, 50)


def _recipes() -> None:
    from benchhub.cli.show.compress import show_list

    known = list(sys.path)
    # Other tests make a plugin known, whose recipe would be listed, too.
    sys.path[:] = [place for place in known if not place.endswith("compress/plugin")]
    try:
        show_list()
    finally:
        sys.path[:] = known


def _plan() -> None:
    from benchhub.cli.show.plan import plan_table
    from benchhub.cli.show.say import stdout
    from benchhub.cli.show.table import print_table

    cells = [
        make_cell(device=device, variant=name, backend=backend, threads=threads)
        for device in SHELVES
        for backend in ("onnxruntime", "openvino")
        for name in ("fp32", LONG, "int8-dynamic")
        for threads in (1, 2)
        if device != SHELVES[0] or backend == "openvino"
    ]
    print_table(stdout(), plan_table(cells), also="`--json`")


#: What functions of commands print of what is made up here.
SHOWN: Mapping[str, Callable[[], None]] = {
    "run-tables": _timed,
    "run-tables-large": _wide_numbers,
    "gate": _gate,
    "ab": _ab,
    "devices-queue": _queue,
    "devices-doctor": _doctor_rows,
    "devices-doctor-one": _doctor_one,
    "devices-list": _devices_list,
    "compress-list": _recipes,
    "run-dry-run": _plan,
}
