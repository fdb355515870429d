"""What is stored reads back as it was meant, whatever version wrote it; nothing is guessed."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from builders import make_cell, make_conditions

from benchhub.model.asked import Budget
from benchhub.model.cell import (
    Cell,
    CellKind,
    ModelFile,
    Skip,
    SkipKind,
    SkipReason,
    TensorSpec,
    Variant,
)
from benchhub.model.claim import Ask, Claim, ClaimPart, Selector
from benchhub.model.device import DeviceInfo, Finding, Selftest
from benchhub.model.facts import Facts, Provenance
from benchhub.model.launch import RunInfo
from benchhub.model.quantities import BUDGET_KEYS
from benchhub.model.recipe import Recipe
from benchhub.model.request import ABRequest, BenchRequest, RunKind, RunRequest
from benchhub.model.scenario import Scenario
from benchhub.store.stored.budget import read_budget, write_budget
from benchhub.store.stored.cell import read_cell, write_cell
from benchhub.store.stored.claim import read_claim, write_claim
from benchhub.store.stored.conditions import read_conditions, write_conditions
from benchhub.store.stored.device import read_device, read_selftest, write_device, write_selftest
from benchhub.store.stored.record import Misfit
from benchhub.store.stored.request import read_request, write_request
from benchhub.store.stored.run import read_run, write_run
from benchhub.store.stored.skip import read_skip, write_skip
from benchhub.store.stored.variant import read_variant, write_variant

PACED = Cell(
    device="pi", variant="int8", model_sha256="b" * 64, backend="openvino",
    scenario=Scenario.PACED, batch=8, threads=4, precision="bf16", launches=16, iterations=99,
    max_timed_s=2.5, cases=400, options='{"hint": "latency"}', concurrency=3, rate_per_s=12.5,
    arrivals="poisson",
)  # fmt: skip
TENSOR = TensorSpec("image", "float32", (None, 3, 8, 8))
VARIANT = Variant(
    name="int8", path=Path("/models/int8.onnx"), sha256="b" * 64, format="onnx", model_bytes=10,
    gzip_bytes=9, inputs=(TENSOR,), outputs=(TensorSpec("logits", "float32", (None, 2)),),
    recipe=Recipe("int8-static", {"calibration_cases": 64}), params=8, nonzero_params=7, macs=6,
    provenance={"onnx": "1.2"}, against="slim", sparse_bytes=5, approximates="slim",
    files=(ModelFile("int8.onnx", "c" * 64, 2), ModelFile("int8.onnx.data", "d" * 64, 8)),
    uncounted=("Loop",),
)  # fmt: skip
FINDING = Finding("backend tflite", "warn", "none", "its cells are skipped", "fix", "tflite")
DEVICE = DeviceInfo(
    "pi", "ssh", True, Facts({"arch": "aarch64", "gpus": []}), (FINDING,), "lost",
    {"moved_bytes": 3}, {"site": "lab"},
)  # fmt: skip
BUDGET = Budget(
    "edge", ("pi",), ("int8",), ("openvino",), (4,),
    {key: float(number) for number, key in enumerate(BUDGET_KEYS, 1)}, 12.5, True, 50, 0.05,
)  # fmt: skip
SELECTOR = Selector(
    ("int8-*",), ("pi",), ("openvino",), ("aarch64",), (4,), (8,), ("bf16",), False, True
)
ASK = Ask("quality_loss", 0.1, 0.2, "dice", SELECTOR, SELECTOR)
CLAIM = Claim("c", "text", "source", (ClaimPart(SELECTOR, (ASK,), (ASK,), True, "paced", 20),), "x")
AB = ABRequest(
    "ab", ("/pi.toml",), ("openvino",), (), "quick", None, (), model_a="/a.onnx",
    model_b="/b.onnx", names=("old", "new"), inputs="/cases.npz", batch=8, threads=4,
    precision="bf16", options={"hint": "latency"}, iterations=7, delta=0.03, statistic="p95",
)  # fmt: skip
REQUEST = RunRequest(
    "/suite.toml",
    ("/pi.toml",),
    ("openvino",),
    ("int8",),
    "quick",
    "/data",
    ("latency",),
    limits={"load_ms": 5.0},
    asked=("rack1-*",),
    exclude=("rack1-07",),
    at_most=3,
    passed_over={"rack1-01": "in use"},
)
RUN = RunInfo(
    "r", "suite", "5" * 64, "task", "fp32", "quick", "2026-01-01", "2026-01-02", "done", REQUEST,
    Provenance({"seed": "3"}),
)  # fmt: skip
SKIP = Skip(
    "pi", "int8", "tflite", "paced", SkipReason(SkipKind.FORMAT, "reads"), batch=8, precision="bf16"
)
SELFTEST = Selftest("pi", "2026-01-01", False, "r", (FINDING,), {"overhead_ns": 70.0, "none": None})

BENCH = BenchRequest(
    "bench", ("pi",), ("openvino",), effort="quick", models=("/m/a.onnx", "/m/b.tflite"),
    shapes=("x=1x3",), inputs="/m/x.npz", threads=(1, 2), batches=(4,),
    limits={"latency_p95_ms": 20.0},
)  # fmt: skip
KINDS: Mapping[str, tuple[Any, Callable[[Any], Any], Callable[[Any], Any]]] = {
    "cell": (
        dataclasses.replace(
            PACED, kind=CellKind.SELFTEST, shapes="x=8x3", launches_of="f" * 16, ends_after=3
        ),
        write_cell, read_cell,
    ),
    "variant": (VARIANT, write_variant, read_variant),
    "device": (DEVICE, write_device, read_device),
    "self-test": (SELFTEST, write_selftest, read_selftest),
    "budget": (BUDGET, write_budget, read_budget),
    "claim": (CLAIM, write_claim, read_claim),
    "request": (REQUEST, write_request, read_request),
    "request of an import": (
        RunRequest("s", ("pi",), kind=RunKind.IMPORT), write_request, read_request,
    ),
    "comparison": (AB, write_request, read_request),
    "bench": (BENCH, write_request, read_request),
    "run": (RUN, write_run, read_run),
    "skip": (SKIP, write_skip, read_skip),
    "conditions": (make_conditions(unavailable={"x": "y"}), write_conditions, read_conditions),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_written_reads_back(kind: str) -> None:
    value, write, read = KINDS[kind]
    usual = {
        field.name: field.default for field in dataclasses.fields(value)
        if field.default is not dataclasses.MISSING and field.name != "kind"
    }  # fmt: skip
    same = [name for name, default in usual.items() if getattr(value, name) == default]
    assert same == [] or kind in ("request of an import", "comparison", "bench"), (
        "says nothing of these"
    )
    assert read(write(value)) == value


#: What releases up to schema 0006 kept, and what they meant by it.
OLD: list[tuple[Callable[[Any], Any], Mapping[str, Any], Any]] = [
    (
        read_budget,
        {
            "name": "edge", "devices": ["pi"], "variants": [], "backends": [], "threads": [4],
            "latency_ms": {"p50": 1.0, "p99": 2.0}, "paced_ms": {"p95": 3.0},
            "paced_min_rate_per_s": 12.5, "throughput_min_per_s": 4.0, "peak_rss_mib": 5.0,
            "load_ms": 6.0, "model_bytes": 7, "quality_loss_max": 8.0,
            "quality_loss_relative": True, "quality_min_cases": 50,
        },
        Budget(
            "edge", ("pi",), threads=(4,),
            limits={
                "latency_p50_ms": 1.0, "latency_p99_ms": 2.0, "paced_p95_ms": 3.0,
                "throughput_min_per_s": 4.0, "peak_rss_mib": 5.0, "load_ms": 6.0,
                "model_bytes": 7, "quality_loss_max": 8.0,
            },
            paced_min_rate_per_s=12.5, quality_loss_relative=True, quality_min_cases=50,
        ),
    ),
    (
        read_skip,
        {
            "device": "pi", "variant": "int8", "backend": "tflite",
            "scenario": "throughput batch 8 bf16", "reason": "tflite reads tflite, not onnx",
        },
        Skip(
            "pi", "int8", "tflite", "throughput",
            SkipReason(SkipKind.FORMAT, "tflite reads tflite, not onnx"), 8, "bf16",
        ),
    ),
    (
        read_device,
        {
            "name": "pi", "transport": "ssh", "emulated": True,
            "facts": {"arch": "aarch64", "gpus": []},
            "findings": [{
                "check": "backend tflite", "level": "warn", "found": "none",
                "why": "its cells are skipped", "fix": "fix",
            }],
            "error": "lost", "staged": {"moved_bytes": 3}, "labels": {"site": "lab"},
        },
        DEVICE,
    ),
    (
        read_request,
        {"suite": "/s.toml", "devices": ["/pi.toml"], "backends": [], "variants": ["int8"],
         "effort": None, "data": None},
        RunRequest("/s.toml", ("/pi.toml",), variants=("int8",)),
    ),
    (
        read_request,
        {"suite": "selftest", "devices": ["/pi.toml"], "backends": ["null"], "variants": [],
         "effort": None, "data": None, "scenarios": []},
        RunRequest("selftest", ("/pi.toml",), ("null",), kind=RunKind.SELFTEST),
    ),
    (
        read_request,
        {"suite": "pytest-benchmark", "devices": ["laptop"], "imported": True},
        RunRequest("pytest-benchmark", ("laptop",), kind=RunKind.IMPORT),
    ),
    (
        read_request,
        {
            "suite": "ab", "devices": ["/pi.toml"], "backends": ["openvino"], "variants": [],
            "effort": "quick", "data": None, "scenarios": [], "model_a": "/a.onnx",
            "model_b": "/b.onnx", "names": ["old", "new"], "inputs": "/cases.npz", "batch": 8,
            "threads": 4, "precision": "bf16", "options": {"hint": "latency"}, "iterations": 7,
            "delta": 0.03, "statistic": "p95",
        },
        AB,
    ),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(OLD)))
def test_what_an_earlier_release_wrote_means_what_it_meant(number: int) -> None:
    read, raw, meant = OLD[number]
    assert read(raw) == meant


OLD_CELL = {
    name: value
    for name, value in dataclasses.asdict(PACED).items()
    if name not in ("kind", "shapes", "launches_of", "ends_after")
} | {"scenario": "paced"}  # fmt: skip


@pytest.mark.parametrize(
    ("variant", "sha256", "kind"),
    [
        ("canary", "b" * 64, CellKind.MODEL),  # a user's own name says nothing
        ("canary", "", CellKind.CANARY),
        ("none", "", CellKind.HARNESS),
        ("2.06 MB", "", CellKind.SELFTEST),
    ],
)
def test_an_old_cell_gets_its_kind(variant: str, sha256: str, kind: CellKind) -> None:
    raw = OLD_CELL | {"variant": variant, "model_sha256": sha256}
    meant = dataclasses.replace(PACED, variant=variant, model_sha256=sha256, kind=kind)
    assert read_cell(raw) == meant


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("the suite means it for tflite", SkipKind.NOT_MEANT),
        ("input x is fixed at batch 1; export the model with an open batch axis to measure others",
         SkipKind.FIXED_BATCH),
        ("onnxruntime reads onnx, not tflite", SkipKind.FORMAT),
        ("onnxruntime computes in f32, not bf16; convert the model instead", SkipKind.PRECISION),
        ("torch computes in bf16 only with device = cuda", SkipKind.PRECISION),
        ("tflite does not tell what its operators take", SkipKind.NO_PROFILE),
        ("the file has no times of its rounds; export the run again", SkipKind.NO_TIMES),
        ("nncf is not installed; pip install 'benchhub[compress]'", SkipKind.UNBUILT),
    ],
)  # fmt: skip
def test_an_old_skip_gets_the_kind_of_its_reason(reason: str, kind: SkipKind) -> None:
    raw = {"device": "a", "variant": "b", "backend": "c", "scenario": "memory", "reason": reason}
    found = read_skip(raw)
    assert (found.reason, found.what) == (SkipReason(kind, reason), "memory")


@pytest.mark.parametrize("kind", KINDS)
def test_what_does_not_fit_is_refused_and_never_dropped(kind: str) -> None:
    value, write, read = KINDS[kind]
    raw = write(value)
    with pytest.raises(Misfit, match=r"is of version 99, .*pip install --upgrade benchhub"):
        read(raw | {"v": 99})
    with pytest.raises(Misfit, match=r"cannot be read, surprise: .*restore a copy"):
        read(raw | {"surprise": 1})
    first = next(name for name in raw if name not in ("v", "kind"))
    with pytest.raises(Misfit, match=f"cannot be read, {first}: "):
        read({name: told for name, told in raw.items() if name != first})


def test_cells_are_known_by_keys_that_never_change() -> None:
    plain = make_cell()
    assert plain.key == "6fae9c2c57e358d5"
    assert PACED.key == "3d03281fe098828a"
    assert make_cell(options='{"provider": "cuda"}', concurrency=4).key == "b44fdeff9b069117"
    assert make_cell(cases=400, scenario=Scenario.QUALITY).key == "7e65ac2050a1dc59"
    assert make_cell(backend="null").key == "414c7e972fe0bc3a"
    assert dataclasses.replace(plain, kind=CellKind.CANARY).key == plain.key
