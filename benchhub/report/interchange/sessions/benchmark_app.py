"""benchmark_app's -json_stats: one table of sums, times in ms with two digits.

Source: openvino/tools/benchmark (main.py, utils/statistics_report.py), whose report this is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from benchhub.model.quantities import PERCENTILES
from benchhub.model.scenario import Scenario
from benchhub.report.interchange.sessions.session import (
    Session,
    damaged,
    in_ns,
    number,
    whole,
)

PROGRAM = "benchmark_app"
_TABLES = ("cmd_options", "configuration_setup", "execution_results")
_LATENCY = re.compile(r"latency(?: \((?P<percent>\d+) percentile\))? \(ms\)")
_PRECISIONS = {"f32": "f32", "f16": "f16", "bf16": "bf16"}


def recognizes(document: Any) -> bool:
    """Return whether parsed JSON is of this program."""
    return isinstance(document, dict) and {"configuration_setup", "execution_results"} <= set(
        document
    )


def sessions(name: str, document: Any) -> list[Session]:
    """Return the one session in a document that was recognized; ConfigError where it is damaged."""
    tables = [document.get(table, {}) for table in _TABLES]
    for title, table in zip(_TABLES, tables, strict=True):
        if not isinstance(table, dict):
            raise damaged(name, PROGRAM, f"{title} is no table")
    asked, setup, results = tables
    percentiles = _percentiles(name, results)
    if not percentiles:
        raise damaged(name, PROGRAM, "it tells no latency (was it one of -d MULTI?)")
    requests = _whole(name, setup, "number of parallel infer requests")
    alone = requests == 1
    mean = number(name, PROGRAM, "avg latency", results.get("avg latency"))
    rate = number(name, PROGRAM, "throughput", results.get("throughput"))
    told = {"mean_ms": mean, **({} if alone else {"throughput_per_s": rate})}
    if alone:
        told |= percentiles
    return [
        Session(
            program=PROGRAM,
            backend="openvino",
            variant=PurePosixPath(str(asked.get("-m", "")).replace("\\", "/")).stem,
            scenario=Scenario.LATENCY if alone else Scenario.THROUGHPUT,
            told=told,
            as_told="as benchmark_app tells them, to 0.01 ms",
            batch=_whole(name, setup, "batch size"),
            threads=_whole(name, asked, "-nthreads"),
            concurrency=max(1, requests),
            precision=_PRECISIONS.get(str(asked.get("-infer_precision", "")), ""),
            provider=str(setup["target device"]) if "target device" in setup else None,
            load_ns=_ns(name, results, "compile model time (ms)"),
            first_inference_ns=_ns(name, results, "first inference time (ms)"),
            further={
                "calls": results.get("total number of iterations"),
                "asked": {key: value for key, value in asked.items() if key != "-report_folder"},
                "told": {**results, **percentiles},
            },
        )
    ]


def _percentiles(name: str, results: Mapping[str, Any]) -> dict[str, float]:
    found: dict[str, float] = {}
    for key, value in results.items():
        match = _LATENCY.fullmatch(key)
        column = f"p{match.group('percent') or 50}_ms" if match else ""
        if match and (column in PERCENTILES or not found):
            found[column] = number(name, PROGRAM, key, value)
    return found


def _whole(name: str, table: Mapping[str, Any], key: str) -> int:
    return whole(name, PROGRAM, key, table[key]) if key in table else 0


def _ns(name: str, table: Mapping[str, Any], key: str) -> int | None:
    return (
        in_ns(name, PROGRAM, key, number(name, PROGRAM, key, table[key])) if key in table else None
    )
