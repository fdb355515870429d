"""`benchhub runs import` of what other programs write: one session each, as what it is."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import make_budget
from test_import import document, imported, names, write

from benchhub.errors import ConfigError
from benchhub.model.row import Row
from benchhub.report.interchange.imported import import_files
from benchhub.results.load import load_results
from benchhub.results.verdicts.judge import judge
from benchhub.store import Store

REAL = Path(__file__).parent / "sessions"
PRINTED = """\
Setting intra_op_num_threads to 4
Session creation time cost: 0.217932 s
First inference time cost: 196 ms
Total inference time cost: 0.49481 s
Total inference requests: 5
Average inference time cost total: 98.961997 ms
Total inference run time: 0.494854 s
Number of inferences per second: 10.104
Avg CPU usage: 11 %
Peak working set size: 271122432 bytes
Avg CPU usage:11
Peak working set size:271122432
Runs:5
Min Latency: 0.0958204 s
Max Latency: 0.101519 s
P50 Latency: 0.0995086 s
P90 Latency: 0.101519 s
P95 Latency: 0.101519 s
P99 Latency: 0.101519 s
P999 Latency: 0.101519 s
"""
BEFORE_1_8 = """\
\tTotal time cost:58.8053
\tTotal iterations:1000
\tAverage time cost:58.8053 ms
\tTotal run time:58.8102 s
\tMin Latency is 0.0559777sec
\tP50 Latency is 0.0587108sec
\tP99 Latency is 0.0619517sec
"""


def calls_of_trtexec(**changes: Any) -> list[dict[str, Any]]:
    """100 calls as sampleReporting.cpp writes them: 1 ms and more to compute, .25 to copy."""
    return [
        {
            "startEnqMs": 2.0 * i, "endEnqMs": 2.0 * i + 0.1, "startH2dMs": 2.0 * i,
            "endH2dMs": 2.0 * i + 0.125, "startComputeMs": 2.0 * i + 0.125,
            "endComputeMs": 2.0 * i + 1.125, "startD2hMs": 2.0 * i + 1.125,
            "endD2hMs": 2.0 * i + 1.25, "h2dMs": 0.125, "computeMs": 1.0 + 0.001 * (i % 10),
            "d2hMs": 0.125, "latencyMs": 1.25 + 0.001 * (i % 10),
        } | changes
        for i in range(100)
    ]  # fmt: skip


def row_of(folder: Path, *paths: Path, **arguments: Any) -> Row:
    """The one row of imported files."""
    (row,) = imported(f"sqlite:///{folder}/s.db", *paths, device="box", **arguments).rows
    return row


def outcome(row: Row, **budget: float) -> tuple[str, str]:
    (verdict,) = judge([row], [make_budget(**budget)])
    return verdict.outcome, verdict.next_step


def test_trtexecs_calls_are_the_samples_of_one_launch(tmp_path: Path) -> None:
    row = row_of(tmp_path, write(tmp_path / "resnet.json", calls_of_trtexec()))
    assert (row.backend, row.variant, row.scenario) == ("tensorrt", "resnet", "latency")
    assert (row.launches, row.iterations) == (1, 100)
    latencies = [1.25 + 0.001 * (i % 10) for i in range(100)]
    assert row["p50_ms"].value == pytest.approx(np.quantile(latencies, 0.5), abs=2e-3)
    assert row["mean_ms"].value == pytest.approx(np.mean(latencies), abs=1e-6)
    assert row["device_p50_ms"].value == pytest.approx(1.0045, abs=1e-3)
    assert row["copy_in_p50_ms"].value == row["copy_out_p50_ms"].value == 0.125
    assert "single_launch" in names(row)
    assert outcome(row, latency_p50_ms=1000.0)[0] == "INCONCLUSIVE"


def test_the_names_of_earlier_releases_of_trtexec(tmp_path: Path) -> None:
    renamed = {"h2dMs": "inMs", "d2hMs": "outMs"}
    old = [{renamed.get(k, k): v for k, v in call.items()} for call in calls_of_trtexec()]
    row = row_of(tmp_path, write(tmp_path / "old.json", old), variant="resnet50")
    assert (row.variant, row["copy_in_p50_ms"].value) == ("resnet50", 0.125)


def test_benchmark_app_alone_is_latency_as_told(tmp_path: Path) -> None:
    row = row_of(tmp_path, REAL / "benchmark_app-sync.json")
    told = json.loads((REAL / "benchmark_app-sync.json").read_text())["execution_results"]
    assert (row.backend, row.variant, row.scenario) == ("openvino", "tiny", "latency")
    assert (row.batch, row.threads, row.concurrency, row.provider) == (1, 1, 1, "CPU")
    assert row["p50_ms"].value == float(told["latency (ms)"])
    assert row["mean_ms"].value == float(told["avg latency"])
    assert row["load_ms"].value == float(told["compile model time (ms)"])
    assert row["first_inference_ms"].value == float(told["first inference time (ms)"])
    assert row["p50_ms"].interval is None
    assert row["p95_ms"].value is None
    (flag,) = (flag for flag in row.flags if flag.name == "as_told")
    assert flag.evidence == "as benchmark_app tells them, to 0.01 ms: no interval can be given"
    assert row.launches == 1
    for limit in (1000.0, 1e-6):
        verdict, step = outcome(row, latency_p50_ms=limit)
        assert verdict == "INCONCLUSIVE"
        assert step.startswith("import the times of single calls")


def test_benchmark_app_with_several_requests_is_throughput(tmp_path: Path) -> None:
    row = row_of(tmp_path, REAL / "benchmark_app-throughput.json")
    told = json.loads((REAL / "benchmark_app-throughput.json").read_text())["execution_results"]
    assert (row.scenario, row.batch, row.concurrency) == ("throughput", 4, 2)
    assert row["throughput_per_s"].value == float(told["throughput"])
    assert (row["throughput_per_s"].interval, row["p95_ms"].value) == (None, None)
    assert outcome(row, throughput_min_per_s=1.0)[0] == "INCONCLUSIVE"


def test_what_onnxruntime_perf_test_prints(tmp_path: Path) -> None:
    row = row_of(tmp_path, write(tmp_path / "squeezenet.txt", PRINTED))
    assert (row.backend, row.variant, row.threads) == ("onnxruntime", "squeezenet", 4)
    assert [row[name].value for name in ("mean_ms", "p50_ms", "p90_ms", "p99_9_ms")] == [
        pytest.approx(ms) for ms in (98.961997, 99.5086, 101.519, 101.519)
    ]
    assert (row["load_ms"].value, row["first_inference_ms"].value) == (217.932, 196.0)
    assert row.provenance.details.told["calls"] == 5
    old = row_of(tmp_path, write(tmp_path / "old.txt", BEFORE_1_8))
    assert old["p50_ms"].value == pytest.approx(58.7108)
    assert old["p95_ms"].value is None


def test_each_session_in_a_result_file_of_perf_test_is_a_launch(tmp_path: Path) -> None:
    """The program appends, and counts the calls of each process from 0."""
    rng = np.random.default_rng(5)
    runs = [0.01 * (1 + rng.random(40)) for _ in range(3)]
    lines = [
        f"squeezenet,{seconds:.9f},36696064,96,{index}"
        for run in runs
        for index, seconds in enumerate(run)
    ]
    sums = "\nMin Latency is 0.01 sec\nP50 Latency is 0.015 sec\n"
    row = row_of(tmp_path, write(tmp_path / "result.csv", "\n".join(lines) + "\n" + sums))
    assert (row.variant, row.launches, row.iterations) == ("squeezenet", 3, 120)
    assert row["mean_ms"].value == pytest.approx(1e3 * np.concatenate(runs).mean(), rel=1e-6)
    assert not {"single_launch", "as_told"} & set(names(row))
    assert outcome(row, latency_p50_ms=1000.0)[0] == "INCONCLUSIVE"  # three launches are too few


@pytest.mark.parametrize(
    ("kind", "scenario", "batch"),
    [("singlestream", "latency", 1), ("multistream", "latency", 4), ("server", "paced", 1)],
)
def test_both_files_of_loadgen_tell_the_same(
    tmp_path: Path, kind: str, scenario: str, batch: int
) -> None:
    detail = row_of(tmp_path, REAL / f"loadgen-{kind}-detail.txt")
    summary = row_of(tmp_path, REAL / f"loadgen-{kind}-summary.txt")
    columns = ("mean_ms", "p50_ms", "p90_ms", "p95_ms", "p99_ms", "p99_9_ms")
    assert [detail[name].value for name in columns] == [summary[name].value for name in columns]
    text = (REAL / f"loadgen-{kind}-summary.txt").read_text()
    for percent, column in (("50.00", "p50_ms"), ("99.00", "p99_ms")):
        line = next(line for line in text.splitlines() if line.startswith(f"{percent} percentile"))
        assert detail[column].value == int(line.rpartition(": ")[2]) / 1e6
    assert (detail.scenario, detail.batch, detail.variant) == (scenario, batch, "PySUT")
    assert detail.rate_per_s == (200.0 if kind == "server" else None)
    assert detail.cell == summary.cell
    assert str(detail.backend_version).startswith("6.0.17")
    evidence = next(flag.evidence for flag in detail.flags if flag.name == "as_told")
    assert ("calls the result INVALID" in evidence) == (kind != "singlestream")


def test_loadgens_offline_is_a_rate_without_a_latency(tmp_path: Path) -> None:
    row = row_of(tmp_path, REAL / "loadgen-offline-summary.txt")
    assert row.scenario == "throughput"
    assert row["throughput_per_s"].value == 1406.94
    assert (row["mean_ms"].value, row["p50_ms"].value) == (None, None)


def test_one_session_of_loadgen_does_not_count_twice() -> None:
    both = [REAL / f"loadgen-server-{which}.txt" for which in ("detail", "summary")]
    with pytest.raises(ConfigError, match=r"tells the same session as .*; import one of them"):
        import_files(both, device="box")


def test_sums_of_several_sessions_are_their_median_and_pass_nothing(tmp_path: Path) -> None:
    paths = []
    for index in range(12):
        path = write(tmp_path / f"{index}.txt", PRINTED.replace("0.0995086", f"0.{index + 10}"))
        os.utime(path, (1.7e9 + 60 * index,) * 2)
        paths.append(path)
    row = row_of(tmp_path, *paths, variant="squeezenet")
    assert (row.launches, row["p50_ms"].value) == (12, pytest.approx(155.0))
    verdict, step = outcome(row, latency_p50_ms=1000.0)
    assert verdict == "INCONCLUSIVE"
    assert step.startswith("import the times of single calls")


def test_a_machine_has_to_be_named_and_programs_do_not_mix(tmp_path: Path) -> None:
    printed = write(tmp_path / "a.txt", PRINTED)
    with pytest.raises(ConfigError, match="onnxruntime_perf_test names no machine; add --device"):
        import_files([printed])
    benchmarks = write(tmp_path / "b.json", document())
    with pytest.raises(ConfigError, match=r"b\.json of pytest-benchmark; import them one by one"):
        import_files([printed, benchmarks], device="box")
    with pytest.raises(ConfigError, match="--variant is of sessions"):
        import_files([benchmarks], device="box", variant="x")


DETAIL = (REAL / "loadgen-singlestream-detail.txt").read_text()
APP = json.loads((REAL / "benchmark_app-sync.json").read_text())


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (calls_of_trtexec(latencyMs="fast"), "trtexec, but call 0 has no time latencyMs"),
        (calls_of_trtexec(computeMs=-1.0), "trtexec, but computeMs of call 0 is -1 ms"),
        (calls_of_trtexec(h2dMs=float("inf")), "h2dMs of call 0 is inf ms"),
        ([*calls_of_trtexec(), {}], "trtexec, but call 100 has no time latencyMs"),
        (json.dumps(calls_of_trtexec())[:-40], "is cut or damaged JSON"),
        (APP | {"execution_results": []}, "benchmark_app, but execution_results is no table"),
        (APP | {"execution_results": {"throughput": "3"}}, "benchmark_app, but it tells no lat"),
        (
            APP | {"execution_results": APP["execution_results"] | {"throughput": "nan"}},
            "benchmark_app, but throughput is nan",
        ),
        (
            APP | {"configuration_setup": {"batch size": "many"}},
            "benchmark_app, but batch size is 'many' and no number",
        ),
        (PRINTED.split("P50")[0], "onnxruntime_perf_test, but it has no P50 Latency"),
        (PRINTED.replace("0.0995086", "soon"), "p50 is 'soon' and no number"),
        ("m,0.1,5,5,0\nm,0.1,5,5,2\n", "onnxruntime_perf_test, but call 1 is missing"),
        ("m,185000000000,5,5,0\n", "call 0 is 1.85e\\+14 ms, which no call lasts"),
        ("m,0.1,5,5,0\nm;0.1\n", "a line is neither a call nor a sum: 'm;0.1'"),
        (DETAIL[: len(DETAIL) // 2], "LoadGen, but line .* is cut or damaged"),
        (
            "".join(x for x in DETAIL.splitlines(True) if "result_" not in x),
            "LoadGen, but without a result: it ended too early",
        ),
        (DETAIL.replace("PerformanceOnly", "AccuracyOnly"), "of mode AccuracyOnly, which times"),
        (DETAIL.replace("SingleStream", "Interactive"), "it tells no scenario of SingleStream"),
        ("latency was fine\n", "is of no program that is known; runs can be imported from"),
        ("", "is of no program that is known"),
    ],
    ids=lambda value: "" if not isinstance(value, str) else None,
)  # fmt: skip
def test_damaged_and_foreign_files_are_one_line(tmp_path: Path, content: Any, said: str) -> None:
    path = write(tmp_path / "bad.txt", content)
    with pytest.raises(ConfigError, match=said) as caught:
        import_files([path], device="box")
    assert "bad.txt" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_is_no_text_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(b"\x08\x08\x12\x07pytorch\xff\xfe")
    with pytest.raises(ConfigError, match=r"m\.onnx: is no text; runs can be imported from"):
        import_files([tmp_path / "m.onnx"], device="box")


def test_the_same_files_are_the_same_run(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", PRINTED)
    url = f"sqlite:///{tmp_path}/s.db"
    run = import_files([path], device="box")
    with Store.open(url) as store:
        run.save(store)
        with pytest.raises(ConfigError, match=f"were imported as run {run.run.id}"):
            import_files([path], device="box").save(store)
        assert load_results(store, run.run.id).run.provenance.get("imported") == (
            "onnxruntime_perf_test"
        )
