"""Reports of strangers, as `benchhub replicate` reads them, and holds them against themselves."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchhub.config.published.read import read_report
from benchhub.report.compare.replicated import lines
from benchhub.report.compare.replicated_json import render
from benchhub.results.replicate.replicate import replicate

from ..target import Target

_WORDS = (
    b'"schema"', b'"rows"', b'"intervals"', b'"low"', b'"high"', b"NaN", b"Infinity", b"1e999",
    b"-1", b"null", b'"by definition"', b'"latency"', b'"quality"', b'"finished"', b'"failed"',
    b'"PASS"', b'"holds"', b"[[[[", b"\\u202e", b'"a"', b"99999999999999999999",
)  # fmt: skip
_INTERVAL = {"low": 9.0, "high": 11.0, "confidence": 0.95, "method": "launches"}
_ROW: dict[str, Any] = {
    "run": "r", "device": "pi", "backend": "onnxruntime", "backend_version": "1", "variant": "fp32",
    "model_sha256": "a" * 64, "scenario": "latency", "batch": 1, "threads": 1, "precision": "f32",
    "launches": 10, "status": "finished", "flags": [{"name": "drift", "caps": True}], "cell": "c1",
    "p50_ms": 10.0, "p50_low_ms": 9.0, "p50_high_ms": 11.0, "speedup": 1.0,
    "intervals": {"p50_ms": _INTERVAL, "speedup": {"low": None, "high": None}},
}  # fmt: skip
_FASTER = _ROW | {
    "variant": "int8", "model_sha256": "b" * 64, "cell": "c2", "p50_ms": 5.0, "speedup": 2.0,
    "p50_low_ms": None, "p50_high_ms": None,
    "intervals": {"speedup": {"low": 1.9, "high": 2.1, "against": "fp32"}},
}  # fmt: skip
_QUALITY = _ROW | {
    "scenario": "quality", "cell": "c3", "quality": 0.9, "quality_metric": "macro_auc",
    "quality_cases": 400, "intervals": {"quality": {"low": 0.8, "high": 0.95}},
}  # fmt: skip
_REPORT: dict[str, Any] = {
    "schema": 1,
    "run": {"id": "r", "suite": "s", "baseline": "fp32", "kind": "suite", "provenance": {}},
    "devices": [{"name": "pi", "facts": {"arch": "x86_64", "cpu_model": "Xeon"}}],
    "rows": [_ROW, _FASTER, _QUALITY],
    "verdicts": [{
        "cell": "c1", "device": "pi", "variant": "fp32", "backend": "onnxruntime",
        "scenario": "latency", "budget": "b", "key": "latency_p95_ms", "limit": 20,
        "outcome": "PASS",
    }],
    "claims": [{"id": "c", "text": "int8 is faster", "verdict": "holds"}],
    "skips": [{"device": "pi", "variant": "x", "backend": "b", "scenario": "s", "reason": "r"}],
    "variants": [{"name": "fp32", "sha256": "a" * 64}, {"name": "int8", "sha256": "b" * 64}],
}  # fmt: skip


def _read(path: Path) -> None:
    report = read_report(str(path))
    for here in report.devices[:1]:
        found = replicate(report, report, here)
        list(lines(found, 80))
        render(found)


def _seeds() -> Iterator[bytes]:
    yield json.dumps(_REPORT).encode()
    yield json.dumps(_REPORT | {"runs": [_REPORT["run"]]}, indent=1).encode()


def _with(*place: Any, value: Any) -> Callable[[], bytes]:
    """A report in which one value is another."""
    *way, last = place

    def made() -> bytes:
        told = copy.deepcopy(_REPORT)
        inner: Any = told
        for key in way:
            inner = inner[key]
        inner[last] = value
        return json.dumps(told).encode()

    return made


_HARD = {
    "nothing": (lambda: b"", "is empty"),
    "a page": (lambda: b"<!doctype html>", "is a web page"),
    "an archive": (lambda: b"PK\x03\x04", "is packed"),
    "cut short": (lambda: json.dumps(_REPORT).encode()[:-9], "cut short"),
    "nested": (lambda: b"[" * 10**6, "nested too deeply"),
    "nested within": (_with("x", value=json.loads("[" * 90 + "]" * 90)), "64 deep"),
    "a newer one": (_with("schema", value=2), "update benchhub"),
    "a large number": (_with("rows", 0, "batch", value=10**30), "64 bits"),
    "no number": (_with("rows", 0, "p50_ms", value=float("nan")), "finite"),
    "upside down": (
        _with("rows", 0, "intervals", "p50_ms", value={"low": 11, "high": 9}), "lower limit"
    ),
    "beside its interval": (_with("rows", 0, "p50_ms", value=99.0), "its interval ends at"),
    "twice": (_with("rows", value=[_ROW, _ROW]), "second row of one cell"),
    "no sha256": (_with("rows", 0, "model_sha256", value="../x"), "model_sha256"),
    "no confidence": (
        _with("rows", 0, "intervals", "p50_ms", value=_INTERVAL | {"confidence": 1.0}), None
    ),
    "of no time": (_with("rows", 0, "intervals", value={"p50_ms": {"low": 0, "high": 11}}), None),
    "tiny and huge": (
        _with("rows", 0, "intervals", value={"p50_ms": {"low": 1e-300, "high": 1e100}}), None
    ),
    "huge losses": (
        _with("rows", 2, "intervals", value={"quality": {"low": -1e100, "high": 1e100}}), None
    ),
    "no rows": (_with("rows", value=[]), None),
    "no devices": (_with("devices", value=[]), None),
    "no launches": (_with("rows", 0, "launches", value=0), None),
}  # fmt: skip

TARGETS = (Target("published-report", _read, _seeds, ".json", _WORDS, hard=_HARD),)
