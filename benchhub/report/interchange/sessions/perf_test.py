"""onnxruntime_perf_test: what it prints, and the result file it appends every call to.

Source: onnxruntime/test/perftest (performance_runner.cc; performance_result.h, DumpToFile). Calls
are in seconds. A result file that was appended to holds a session for each time its calls count
from 0.
"""

from __future__ import annotations

import re

import numpy as np

from benchhub.report.interchange.sessions.session import (
    Session,
    damaged,
    in_ns,
    number,
    whole,
)

PROGRAM = "onnxruntime_perf_test"
_NUMBER = r"(?P<value>[-+.\w]+)"
#: What it prints, by column; `is .. sec` before 1.8 or so.
_PRINTED = {
    name: re.compile(rf"^[ \t]*{words} Latency(?: is|:) {_NUMBER} ?s", re.M)
    for name, words in {
        "p50_ms": "P50", "p90_ms": "P90", "p95_ms": "P95", "p99_ms": "P99", "p99_9_ms": "P999",
    }.items()
}  # fmt: skip
_MEAN = re.compile(rf"^[ \t]*Average (?:inference )?time cost(?: total)?: ?{_NUMBER} ms", re.M)
_LOADED = re.compile(rf"^[ \t]*Session creation time cost: {_NUMBER} s", re.M)
_FIRST = re.compile(rf"^[ \t]*First inference time cost: {_NUMBER} ms", re.M)
_CALLS = re.compile(rf"^[ \t]*(?:Total inference requests|Total iterations): ?{_NUMBER}", re.M)
_THREADS = re.compile(rf"^[ \t]*Setting intra_op_num_threads to {_NUMBER}", re.M)
_PROVIDER = re.compile(r"^[ \t]*using (?P<value>\w+ExecutionProvider)", re.M)
#: A call of the result file: model, seconds, peak of memory, per cent of CPU, its number.
_LINE = re.compile(
    r"(?P<model>[^\n]*),(?P<seconds>[-+.\w]+),(?P<peak>[0-9]+),(?P<cpu>-?[0-9]+),(?P<number>[0-9]+)"
)


def recognizes(text: str) -> bool:
    """Return whether a text is of this program, printed or written."""
    return _LINE.fullmatch(text.split("\n", 1)[0].strip()) is not None or (
        _MEAN.search(text) is not None and "Latency" in text
    )


def sessions(name: str, text: str) -> list[Session]:
    """Return the sessions of a text that was recognized; ConfigError where it is damaged."""
    if _LINE.fullmatch(text.split("\n", 1)[0].strip()):
        return _written(name, text)
    return [_printed(name, text)]


def _printed(name: str, text: str) -> Session:
    told = {"mean_ms": _value(name, text, _MEAN, "the average")}
    for column, pattern in _PRINTED.items():
        if pattern.search(text):
            told[column] = 1e3 * _value(name, text, pattern, column.removesuffix("_ms"))
    if "p50_ms" not in told:
        raise damaged(name, PROGRAM, "it has no P50 Latency (it ends too early)")
    provider = _PROVIDER.search(text)
    return Session(
        program=PROGRAM,
        backend="onnxruntime",
        told=told,
        as_told="as onnxruntime_perf_test prints them, six digits",
        threads=_count(name, text, _THREADS, "threads") or 0,
        provider=provider.group("value") if provider else None,
        load_ns=_ns(name, text, _LOADED, 1e3),
        first_inference_ns=_ns(name, text, _FIRST, 1.0),
        further={} if (calls := _count(name, text, _CALLS, "calls")) is None else {"calls": calls},
    )


def _written(name: str, text: str) -> list[Session]:
    found: list[Session] = []
    calls: list[int] = []
    model = ""
    for line in [*map(str.strip, text.splitlines()), ""]:
        match = _LINE.fullmatch(line)
        if calls and (match is None or match.group("number") == "0"):
            found.append(_session(model, calls))
            calls = []
        if match is None:
            if line and " Latency is " not in line:
                raise damaged(name, PROGRAM, f"a line is neither a call nor a sum: {line[:60]!r}")
            continue
        if match.group("number") != str(len(calls)):
            raise damaged(name, PROGRAM, f"call {len(calls)} is missing before {line[:60]!r}")
        model = match.group("model")
        seconds = number(name, PROGRAM, f"call {len(calls)}", match.group("seconds"))
        calls.append(in_ns(name, PROGRAM, f"call {len(calls)}", seconds * 1e3))
    return found


def _session(model: str, calls: list[int]) -> Session:
    samples = np.array(calls, dtype=np.int64)
    return Session(
        program=PROGRAM, backend="onnxruntime", variant=model.strip(), samples_ns=samples
    )


def _value(name: str, text: str, pattern: re.Pattern[str], what: str) -> float:
    match = pattern.search(text)
    return number(name, PROGRAM, what, match.group("value") if match else "missing")


def _count(name: str, text: str, pattern: re.Pattern[str], what: str) -> int | None:
    match = pattern.search(text)
    return whole(name, PROGRAM, what, match.group("value")) if match else None


def _ns(name: str, text: str, pattern: re.Pattern[str], in_ms: float) -> int | None:
    if not pattern.search(text):
        return None
    return in_ns(name, PROGRAM, pattern.pattern, in_ms * _value(name, text, pattern, "a time"))
