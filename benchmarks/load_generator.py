"""MLPerf's LoadGen as a peer, where it is installed (mlcommons-loadgen, of the bench extra)."""

from __future__ import annotations

import importlib.util
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

_P50 = re.compile(r"^50\.00 percentile latency \(ns\)\s*:\s*(\d+)", re.MULTILINE)
_WITH = re.compile(r"^QPS w/ loadgen overhead\s*:\s*([\d.]+)", re.MULTILINE)


def available() -> bool:
    """Tell whether LoadGen can be imported."""
    return importlib.util.find_spec("mlperf_loadgen") is not None


def null_query_ns(queries: int) -> float:
    """Return nanoseconds a query of a SUT that completes at once, LoadGen's own cost included."""
    return 1e9 / float(_field(_WITH, _single_stream(lambda: None, queries)))


def p50_ns(call: Callable[[], Any], queries: int) -> float:
    """Return the median latency that LoadGen reports for `call` in SingleStream."""
    return float(_field(_P50, _single_stream(call, queries)))


def _field(pattern: re.Pattern[str], summary: str) -> str:
    found = pattern.search(summary)
    if found is None:
        raise ValueError(f"no {pattern.pattern!r} in LoadGen's summary:\n{summary}")
    return found[1]


def _single_stream(call: Callable[[], Any], queries: int) -> str:
    import mlperf_loadgen as loadgen

    def issue(samples: Any) -> None:
        call()
        loadgen.QuerySamplesComplete(
            [loadgen.QuerySampleResponse(sample.id, 0, 0) for sample in samples]
        )

    settings = loadgen.TestSettings()
    settings.scenario = loadgen.TestScenario.SingleStream
    settings.mode = loadgen.TestMode.PerformanceOnly
    settings.min_duration_ms = 0
    settings.min_query_count = settings.max_query_count = queries
    logs = loadgen.LogSettings()
    logs.enable_trace = False
    sut = loadgen.ConstructSUT(issue, lambda: None)
    library = loadgen.ConstructQSL(1, 1, lambda samples: None, lambda samples: None)
    try:
        with tempfile.TemporaryDirectory() as folder:
            logs.log_output.outdir = folder
            logs.log_output.copy_summary_to_stdout = False
            loadgen.StartTestWithLogSettings(sut, library, settings, logs)
            return (Path(folder) / "mlperf_log_summary.txt").read_text("utf-8")
    finally:
        loadgen.DestroyQSL(library)
        loadgen.DestroySUT(sut)
