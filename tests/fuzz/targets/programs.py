"""What `benchhub runs import` takes: results of other programs, and of benchhub's own export."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from repository import TESTS

from benchhub.report.interchange.benchmark_json import export
from benchhub.report.interchange.imported import import_files
from benchhub.report.run import render
from benchhub.results.load import load_judged, load_results
from benchhub.store import Store

from ..target import Target, lasting
from . import stores

#: Of LoadGen's log what is read of it.
_READ = (b'"result_', b'"effective_', b"version", b"datetime", b"sut_")
_REAL = TESTS / "report" / "interchange" / "sessions"
_PRINTED = b"""Setting intra_op_num_threads to 4
Session creation time cost: 0.217932 s
First inference time cost: 196 ms
Total inference requests: 5
Average inference time cost total: 98.961997 ms
using CPUExecutionProvider
P50 Latency: 0.0995086 s
P90 Latency: 0.101519 s
P95 Latency: 0.101519 s
P99 Latency: 0.101519 s
P999 Latency: 0.101519 s
"""
_OLDER = b"""\tTotal iterations:1000
\tAverage time cost:58.8053 ms
\tP50 Latency is 0.0587108sec
\tP99 Latency is 0.0619517sec
"""
_WRITTEN = b"".join(b"resnet,0.0%d,271122432,11,%d\n" % (90 + at % 9, at) for at in range(30))


@lasting
def _store() -> Store:
    folder = tempfile.mkdtemp(prefix="fuzz-store-")
    return Store.open(f"sqlite:///{folder}/benchhub.db")


def _imported(device: str | None) -> Callable[[Path], None]:
    """Import a file as a command does, and read what came of it."""

    def read(path: Path) -> None:
        made = import_files([path], device)
        store: Store = _store()
        made.save(store)
        try:
            render("json", [load_judged(store, made.run.id).results])
        finally:
            store.delete_run(made.run.id)

    return read


def _benchmarks() -> Iterator[bytes]:
    benchmark = {
        "group": None, "name": "test_model", "fullname": "test_speed.py::test_model",
        "params": None, "param": None, "options": {"timer": "perf_counter"},
        "extra_info": {"benchhub": {"variant": "int8", "batch": 8, "threads": 2, "backend": "own"}},
        "stats": {"data": [1e-3 + 1e-6 * (at % 17) for at in range(40)], "iterations": 1},
    }  # fmt: skip
    document = {
        "machine_info": {
            "node": "laptop", "machine": "x86_64", "system": "Linux", "python_version": "3.12.1",
            "cpu": {"brand_raw": "Some CPU", "count": 8}, "release": "6.1",
        },
        "commit_info": {"id": "0123abcd", "dirty": False},
        "benchmarks": [benchmark, {**benchmark, "fullname": "b", "extra_info": {}}],
        "datetime": "2026-02-03T04:05:06.789012", "version": "5.1.0",
    }  # fmt: skip
    yield json.dumps(document).encode()


@lasting
def _exported() -> list[bytes]:
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/benchhub.db"
        run = stores.write(url)
        with Store.open(url) as store:
            made = export(load_results(store, run), store.launches(run), store.plan(run).cells)
        return [json.dumps(made.document).encode()]


def _calls() -> list[dict[str, Any]]:
    return [
        {"startEnqMs": 2.0 * at, "h2dMs": 0.125, "computeMs": 1.0 + 0.001 * at, "d2hMs": 0.125,
         "latencyMs": 1.25 + 0.001 * at}
        for at in range(30)
    ]  # fmt: skip


def _traces() -> Iterator[bytes]:
    yield json.dumps(_calls()).encode()
    renamed = {"h2dMs": "inMs", "d2hMs": "outMs"}
    older = [{renamed.get(key, key): ms for key, ms in call.items()} for call in _calls()]
    yield json.dumps(older).encode()


def _reports() -> Iterator[bytes]:
    for path in sorted(_REAL.glob("benchmark_app-*.json")):
        yield path.read_bytes()


def _logs() -> Iterator[bytes]:
    for path in sorted(_REAL.glob("loadgen-*.txt")):
        lines = path.read_bytes().splitlines(keepends=True)
        said = [one for one in lines if b"MLLOG" not in one or any(key in one for key in _READ)]
        yield b"".join(said)


def _line(key: str, value: Any) -> bytes:
    return f":::MLLOG {json.dumps({'key': key, 'value': value})}\n".encode()


def _log(**changes: Any) -> bytes:
    told: dict[str, Any] = {
        "test_datetime": "2026-11-29T20:51:39Z", "sut_name": "PySUT",
        "effective_scenario": "SingleStream", "effective_test_mode": "PerformanceOnly",
        "effective_samples_per_query": 1, "result_validity": "VALID",
        "result_mean_latency_ns": 1e6,
        **{f"result_{of}_percentile_latency_ns": 1e6
           for of in ("50.00", "90.00", "95.00", "99.00", "99.90")},
    }  # fmt: skip
    return b"".join(_line(key, value) for key, value in (told | changes).items())


def _with(change: Callable[[Any], None], of: Callable[[], Any]) -> bytes:
    document = json.loads(next(iter(of())))
    change(document)
    return json.dumps(document).encode()


def _machine(**changes: Any) -> bytes:
    return _with(lambda told: told["machine_info"].update(changes), _benchmarks)


def _stats(**changes: Any) -> bytes:
    return _with(lambda told: told["benchmarks"][0]["stats"].update(changes), _benchmarks)


def _info(**changes: Any) -> bytes:
    own = "extra_info"
    return _with(lambda told: told["benchmarks"][0][own]["benchhub"].update(changes), _benchmarks)


def _launch(**changes: Any) -> bytes:
    def change(told: Any) -> None:
        told["benchmarks"][0]["extra_info"]["benchhub"]["launches"][0].update(changes)

    return _with(change, _exported)


def _cell(**changes: Any) -> bytes:
    def change(told: Any) -> None:
        told["benchmarks"][0]["extra_info"]["benchhub"]["cell"].update(changes)

    return _with(change, _exported)


_NO_JSON = "is cut or damaged JSON"
_DEEP = (lambda: b"[" * 100_000, _NO_JSON)
_DEEP_INSIDE = (lambda: b'{"benchmarks":' + b"[" * 3000 + b"]" * 3000 + b"}", "")
_LONG = (lambda: b'{"benchmarks": ' + b"9" * 5000 + b"}", _NO_JSON)

TARGETS = (
    Target(
        "pytest-benchmark", _imported(None), _benchmarks, ".json",
        (b'"benchhub"', b'"stats"', b'"data"', b'"machine_info"', b"NaN", b"Infinity"),
        hard={
            "nested deeply": _DEEP, "nested deeply inside": _DEEP_INSIDE, "a long number": _LONG,
            "keys twice": (
                lambda: b'{"benchmarks":[],"benchmarks":{"a":1}}', "pytest-benchmark JSON"
            ),
            "NaN": (lambda: _stats(data=[float("nan")]), "a round lasts a finite time"),
            "rounds of a year": (lambda: _stats(data=[1e8]), "a round lasts a finite time"),
            "very many calls a round": (lambda: _stats(iterations=10**30), "iterations"),
            "batches that are huge": (lambda: _info(batch=10**30), "should be of type int"),
            "batches below 0": (lambda: _info(batch=-5), "should be of type int"),
            "a node that is a list": (lambda: _machine(node=["a", {"b": 1}]), None),
            "cores that are text": (
                lambda: _machine(cpu={"count": "eight", "brand_raw": [1]}), None
            ),
            "cores beyond 64 bits": (lambda: _machine(cpu={"count": 10**30}), None),
            "half a character": (lambda: _machine(node="\ud800"), None),
            "a time before all": (
                lambda: _with(lambda told: told.update(datetime="0001-01-01T00:00:00+14:00"),
                              _benchmarks), None,
            ),
            "not UTF-8": (lambda: b"\xff\xfe{", "is no text"),
            "NULs": (lambda: b"{\0}", _NO_JSON),
        },
    ),
    Target(
        "own-export", _imported(None), _exported, ".json", (b'"launches"', b'"cell"', b'"run"'),
        hard={
            "an index beyond 64 bits": (lambda: _launch(index=2**64), "does not fit"),
            "rounds below 0": (lambda: _launch(rounds=-30), "does not fit"),
            "the same launch twice": (lambda: _launch(index=1), "two controllers"),
            "a batch beyond 64 bits": (lambda: _cell(batch=10**30), "64 bits"),
            "a time that is none": (lambda: _cell(max_timed_s=float("nan")), None),
            "options that are no JSON": (lambda: _cell(options="\\{"), ""),
        },
    ),
    Target(
        "trtexec", _imported("box"), _traces, ".json", (b'"latencyMs"', b'"computeMs"', b'"h2dMs"'),
        hard={
            "nested deeply": _DEEP, "a long number": _LONG,
            "a number of 400 digits": (
                lambda: json.dumps(_calls()).replace("1.25,", "9" * 400 + ",", 1)
                .replace("1.25}", "9" * 400 + "}", 1).encode(), "which no call lasts"
            ),
            "no calls": (lambda: b"[{}]", "is of no program"),
        },
    ),
    Target(
        "benchmark_app", _imported("box"), _reports, ".json", (b'"batch size"', b'"throughput"'),
        hard={
            "nested deeply": _DEEP,
            "a batch of 300 digits": (
                lambda: _with(lambda told: told["configuration_setup"].update(
                    {"batch size": "1e300"}), _reports), "more than anybody counts to",
            ),
            "nested too deeply to be shown": (
                lambda: _with(lambda told: told["cmd_options"].update(
                    {"-hint": json.loads("[" * 400 + "]" * 400)}), _reports), "nested more than",
            ),
        },
    ),
    Target(
        "perf_test", _imported("box"), lambda: [_PRINTED, _OLDER, _WRITTEN], ".txt",
        (b"P50 Latency: ", b"P99 Latency is ", b" s", b"Average time cost:", b",", b"\n"),
        hard={
            "a call of 5000 digits": (lambda: b"m,0.1,5,5," + b"9" * 5000, ""),
            "blanks without end": (lambda: b"\n" * 200_000 + _PRINTED, None),
            "spaces without end": (lambda: b" " * 200_000 + b"x\n" + _PRINTED, None),
            "threads without end": (
                lambda: _PRINTED.replace(b"threads to 4", b"threads to 1e300"), "more than anybody"
            ),
            "commas without end": (lambda: b"," * 200_000, ""),
            "NULs": (lambda: _PRINTED.replace(b" ", b"\0"), ""),
        },
    ),
    Target(
        "loadgen", _imported("box"), _logs, ".txt",
        (b":::MLLOG ", b'"key": ', b'"value": ', b"MLPerf Results Summary", b"Scenario : "),
        hard={
            "a scenario that is a list": (
                lambda: _log(effective_scenario=["Server"]), "no scenario"
            ),
            "a scenario that is a table": (lambda: _log(effective_scenario={}), "no scenario"),
            "a batch of 300 digits": (
                lambda: _log(effective_samples_per_query=1e300), "more than anybody counts to"
            ),
            "a time before all": (
                lambda: _log(test_datetime="0001-01-01T00:00:00+14:00"), "its test_datetime is"
            ),
            "a line nested deeply": (lambda: b":::MLLOG " + b"[" * 100_000, "cut or damaged"),
            "blanks in a summary": (
                lambda: b"MLPerf Results Summary\nScenario : " + b"a " * 50_000 + b"b\n"
                + b"Mode :" + b" " * 100_000 + b"x\n", "",
            ),
        },
    ),
)  # fmt: skip
