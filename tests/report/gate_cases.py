"""Judged runs for the gate's formats: one cell that fails, one open, one kept, one broken."""

from __future__ import annotations

from typing import Any

from builders import make_budget, make_device, make_run
from rows import make_row

from benchhub.model.asked import Budget
from benchhub.model.device import DeviceInfo
from benchhub.model.row import Results, Row
from benchhub.results.load import Judged
from benchhub.results.verdicts.judge import exit_code, judge, unjudged

HOSTILE = 'a|b <script>"x"</script> \x00\x1b[31m & --> \ud800'


def row_of(variant: str = "int8", scenario: str = "latency", **changes: Any) -> Row:
    """A finished row on `rpi`."""
    values: dict[str, Any] = {
        "run": make_run().id, "device": "rpi", "backend": "onnxruntime", "variant": variant,
        "model_sha256": "a", "scenario": scenario, "batch": 1, "threads": 2, "launches": 10,
        "cell": f"{variant}-{scenario}", "model_bytes": 1000, "backend_version": "1.23.0",
    }  # fmt: skip
    return make_row(**(values | changes))


def latency(variant: str, low: float, p95: float, high: float | None, **changes: Any) -> Row:
    """A latency row with its interval."""
    intervals = {"p95_ms": {"low": low, "high": high}}
    return row_of(variant, p95_ms=p95, intervals=intervals, **changes)


FAILS = latency("fp32", 58.9, 61.2, 63.0)
OPEN = latency("int8", 48.0, 49.5, 51.1)
KEPT = latency("int8-static", 30.0, 31.0, 32.5)
BROKEN = row_of("fp16", status="failed", reason="load: raised: no such operator", launches=0)
WITHHELD = row_of("fp32", withheld={"p95_ms": "needs n_eff >= 102 (has 19)"})
EDGE = make_budget("edge", latency_p95_ms=50.0)


def make_judged(
    *rows: Row,
    budgets: tuple[Budget, ...] = (EDGE,),
    devices: tuple[DeviceInfo, ...] = (),
    cells: tuple[Any, ...] = (),
    **run: Any,
) -> Judged:
    """Hold rows against budgets as the command does."""
    devices = devices or tuple(make_device(name) for name in dict.fromkeys(r.device for r in rows))
    info = make_run(status="done", started_at="2026-01-01T13:00:00.5+01:00", **run)
    verdicts = judge(rows, budgets)
    results = Results(info, devices, tuple(rows), verdicts, (), (), budgets=budgets)
    failed = sum(row.status == "failed" for row in rows) + sum(bool(d.error) for d in devices)
    left = unjudged(budgets, verdicts, cells)
    return Judged(results, budgets, verdicts, left, exit_code(verdicts, failed, len(left)))
