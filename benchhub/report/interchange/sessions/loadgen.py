"""MLPerf LoadGen's mlperf_log_detail.txt, and the mlperf_log_summary.txt beside it.

Source: mlcommons/inference, loadgen (results.cc, logging.cc). It keeps sums only; those of queries.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from benchhub.model.scenario import Scenario
from benchhub.outside.foreign.bounds import check_depth
from benchhub.report.interchange.sessions.session import Session, damaged, number, whole
from benchhub.text import all_visible

PROGRAM = "LoadGen"
_MARK = ":::MLLOG "
_TITLE = "MLPerf Results Summary"
_PERCENTILES = {
    "p50_ms": "50.00", "p90_ms": "90.00", "p95_ms": "95.00", "p99_ms": "99.00",
    "p99_9_ms": "99.90",
}  # fmt: skip
#: What it calls a kind of load, and what that is here.
_SCENARIOS: Mapping[str, Scenario] = {
    "SingleStream": Scenario.LATENCY, "MultiStream": Scenario.LATENCY,
    "Server": Scenario.PACED, "Offline": Scenario.THROUGHPUT,
}  # fmt: skip
_BATCH = "effective_samples_per_query"
#: Lines of the summary, by what the detailed log calls them.
_SUMMARY = {
    "sut_name": "SUT name", "effective_scenario": "Scenario", "effective_test_mode": "Mode",
    "result_validity": "Result is", "result_mean_latency_ns": "Mean latency (ns)",
    "result_samples_per_second": "Samples per second",
    "effective_samples_per_query": "samples_per_query", "effective_target_qps": "target_qps",
    **{f"result_{of}_percentile_latency_ns": f"{of} percentile latency (ns)"
       for of in _PERCENTILES.values()},
}  # fmt: skip


def recognizes(text: str) -> bool:
    """Return whether a text is of this program."""
    return text.startswith(_MARK) or _TITLE in text[:200]


def sessions(name: str, text: str) -> list[Session]:
    """Return the one session of a text that was recognized; ConfigError where it is damaged."""
    known = _detailed(name, text) if text.startswith(_MARK) else _summed_up(text)
    kind = known.get("effective_scenario")
    if not isinstance(kind, str) or kind not in _SCENARIOS:
        raise damaged(name, PROGRAM, f"it tells no scenario of {', '.join(_SCENARIOS)}")
    if known.get("effective_test_mode") != "PerformanceOnly":
        why = f"of mode {known.get('effective_test_mode')}, which times nothing"
        raise damaged(name, PROGRAM, why)
    if "result_validity" not in known:
        raise damaged(name, PROGRAM, "without a result: it ended too early")
    scenario = _SCENARIOS[kind]
    _of(name, known, _BATCH)
    told = _told(name, known, scenario)
    valid = str(known["result_validity"])
    doubt = "" if valid == "VALID" else f"; LoadGen itself calls the result {valid}"
    paced = scenario is Scenario.PACED
    return [
        Session(
            program=PROGRAM,
            backend="loadgen",
            variant=str(known.get("sut_name") or ""),
            scenario=scenario,
            told=told,
            as_told=f"as LoadGen tells them of {kind}{doubt}",
            batch=whole(name, PROGRAM, "samples_per_query", known[_BATCH]),
            rate_per_s=_of(name, known, "effective_target_qps") if paced else None,
            version=str(known.get("loadgen_version") or "") or None,
            at=_at(name, known.get("test_datetime")),
            further={
                "loadgen": {
                    key: value
                    for key, value in known.items()
                    if key.startswith(("result_", "effective_", "early_stopping"))
                }
            },
        )
    ]


def _told(name: str, known: Mapping[str, Any], scenario: Scenario) -> dict[str, float]:
    if scenario is Scenario.THROUGHPUT:  # its latency is that of all samples together
        return {"throughput_per_s": _of(name, known, "result_samples_per_second")}
    told = {"mean_ms": _of(name, known, "result_mean_latency_ns") / 1e6}
    for column, percent in _PERCENTILES.items():
        told[column] = _of(name, known, f"result_{percent}_percentile_latency_ns") / 1e6
    return told


def _of(name: str, known: Mapping[str, Any], key: str) -> float:
    if key not in known:
        raise damaged(name, PROGRAM, f"without {_SUMMARY.get(key, key)}: it ended too early")
    return number(name, PROGRAM, key, known[key])


def _detailed(name: str, text: str) -> dict[str, Any]:
    found = {}
    for count, line in enumerate(text.splitlines(), 1):
        if not line.startswith(_MARK):
            continue
        try:
            entry = json.loads(line[len(_MARK) :])
            check_depth(entry)
            entry = all_visible(entry)
            found[str(entry["key"])] = entry["value"]
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise damaged(name, PROGRAM, f"line {count} is cut or damaged") from error
    return found


def _summed_up(text: str) -> dict[str, Any]:
    found = {}
    for key, words in _SUMMARY.items():
        match = re.search(rf"^[ \t]*{re.escape(words)}[ \t]*:(.*)$", text, re.M)
        if match and match.group(1).strip():
            found[key] = match.group(1).strip()
    return found


def _at(name: str, told: object) -> datetime | None:
    if told is None:
        return None
    try:
        at = datetime.fromisoformat(str(told))
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):  # the zone may lead out of the calendar
        raise damaged(name, PROGRAM, f"its test_datetime is {str(told)[:40]!r}") from None
