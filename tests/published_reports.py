"""Reports as JSON, made by hand, for tests of what is read of them."""

from __future__ import annotations

import copy
from typing import Any

from benchhub.config.published.read import of_document
from benchhub.config.published.told import ENDS, PublishedReport

Document = dict[str, Any]
FACTS = {"arch": "x86_64", "cpu_model": "Xeon", "cores_logical": 2, "isa_flags": ["avx2", "fma"]}


def interval(value: float, half: float = 0.02, **more: Any) -> Document:
    """An interval of a share about a value."""
    return {"low": value * (1 - half), "high": value * (1 + half), "confidence": 0.95, **more}


def row(variant: str = "fp32", scenario: str = "latency", **changes: Any) -> Document:
    """A row of one cell; of latency with a median of 10 ms, of quality with one of 0.9."""
    sha256 = {"fp32": "a" * 64, "int8": "b" * 64}.get(variant, "c" * 64)
    made: Document = {
        "run": "r1", "device": "pi", "backend": "onnxruntime", "backend_version": "1.0",
        "variant": variant, "model_sha256": sha256, "scenario": scenario, "batch": 1, "threads": 1,
        "precision": "f32", "launches": 10, "status": "finished", "flags": [],
        "cell": f"{variant}-{scenario}", "intervals": {},
    }  # fmt: skip
    if scenario == "latency":
        p50 = 10.0 if variant == "fp32" else 5.0
        made |= {"p50_ms": p50}
        made["intervals"] = {"p50_ms": interval(p50)}
        if variant == "fp32":
            made |= {"speedup": 1.0}
            made["intervals"]["speedup"] = {"low": None, "high": None, "method": "by definition"}
        else:
            made |= {"speedup": 2.0}
            made["intervals"]["speedup"] = interval(2.0, against="fp32", method="signed-rank")
    if scenario == "quality":
        made |= {"quality": 0.9, "quality_metric": "macro_auc", "quality_cases": 400}
        made["intervals"]["quality"] = {"low": 0.88, "high": 0.92, "method": "bootstrap-t"}
    return made | changes


def document(*rows: Document, **changes: Any) -> Document:
    """A report of these rows; of none, of a baseline and a variant twice as fast."""
    told = list(rows) or [row(), row("int8"), row("fp32", "quality"), row("int8", "quality")]
    names = dict.fromkeys((one["variant"], one["model_sha256"]) for one in told)
    return {
        "schema": 1,
        "run": {
            "id": "r1", "suite": "tiny", "task": "npz", "baseline": "fp32", "effort": "standard",
            "kind": "suite", "started_at": "2026-01-01T12:00:00+00:00", "suite_sha256": "s",
            "provenance": {"benchhub": "1", "sha256": "d" * 64, "dataset": "cases"},
        },
        "devices": [
            {"name": name, "emulated": False, "facts": FACTS}
            for name in dict.fromkeys(one["device"] for one in told)
        ],
        "rows": told,
        "variants": [
            {"name": name, "sha256": sha256, "format": "onnx", "model_bytes": 9}
            for name, sha256 in names
        ],
        "verdicts": [], "skips": [], "claims": [],
        **copy.deepcopy(changes),
    }  # fmt: skip


def report(*rows: Document, **changes: Any) -> PublishedReport:
    """The same, read."""
    return of_document(document(*rows, **changes), "report.json")


def scaled(of: Document, quantity: str, factor: float) -> Document:
    """A row of which a figure is so many times as large, with its interval."""
    made = copy.deepcopy(of)
    made[quantity] *= factor
    limits = made["intervals"][quantity]
    made["intervals"][quantity] = limits | {end: limits[end] * factor for end in ("low", "high")}
    for column in ENDS.get(quantity, ()):
        if made.get(column) is not None:
            made[column] *= factor
    return made
