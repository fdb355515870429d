"""`benchhub runs import`: pytest-benchmark's files as runs, with nothing made up."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from builders import make_budget, make_conditions, make_launches
from recorded import cells, record, undisturbed
from rows import values
from test_export import benchhub, exported
from waiting import PATIENCE_S

from benchhub.errors import ConfigError
from benchhub.model.row import Results, Row
from benchhub.report.interchange.imported import import_files
from benchhub.results.compare.moves import Change
from benchhub.results.compare.runs import RunComparison, compare_runs
from benchhub.results.load import load_results
from benchhub.results.load_compared import record_of
from benchhub.results.verdicts.judge import judge
from benchhub.store import Store

TIMED = (
    "device", "variant", "backend", "scenario", "batch", "threads", "model_sha256", "status",
    "launches", "iterations", "n_eff", "mean_ms", "p50_ms", "p50_low_ms", "p50_high_ms", "p95_ms",
    "p95_low_ms", "p95_high_ms", "load_ms", "throughput_per_s", "throughput_low_per_s",
    "backend_version", "provider", "precision", "speedup", "speedup_low", "model_bytes", "clock",
)  # fmt: skip


def loaded(url: str, run: str) -> Results:
    """The results of a run."""
    with Store.open(url) as store:
        return load_results(store, run)


def imported(url: str, *paths: Path, **arguments: Any) -> Results:
    """Import files and load the run."""
    made = import_files(list(paths), **arguments)
    with Store.open(url) as store:
        made.save(store)
    return loaded(url, made.run.id)


def names(row: Row) -> list[str]:
    """The names of the flags of a row."""
    return [flag.name for flag in row.flags]


def document(**changes: Any) -> dict[str, Any]:
    """A file as pytest-benchmark writes it, of one benchmark with 100 rounds."""
    rounds = [1e-3 + 1e-6 * (i % 17) for i in range(100)]
    benchmark = {
        "group": None, "name": "test_model", "fullname": "test_speed.py::test_model",
        "params": None, "param": None, "extra_info": {}, "options": {"timer": "perf_counter"},
        "stats": {"data": rounds, "iterations": 1, "rounds": 100, "mean": 1e-3},
    }  # fmt: skip
    return {
        "machine_info": {
            "node": "laptop", "machine": "x86_64", "system": "Linux", "python_version": "3.12.1",
            "cpu": {"brand_raw": "Some CPU", "count": 8},
        },
        "commit_info": {"id": "0123abcd", "dirty": False},
        "benchmarks": [benchmark],
        "datetime": "2026-02-03T04:05:06.789012",
        "version": "5.1.0",
    } | changes  # fmt: skip


def write(path: Path, content: Any) -> Path:
    """Write a document."""
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


@pytest.mark.usefixtures("processes")
def test_export_then_import_gives_the_rows_back(tmp_path: Path) -> None:
    planned = cells()
    url, run = record(tmp_path, planned, undisturbed(planned))
    exported(tmp_path)
    done = benchhub(tmp_path, "runs", "import", "out.json")
    assert done.returncode == 0, done.stderr
    again = loaded(url, done.stdout.strip())
    before = loaded(url, run)
    for old, new in zip(before.rows, again.rows, strict=True):
        assert {n: new.column(n) for n in TIMED} == {n: old.column(n) for n in TIMED}
        assert new.cell == old.cell
        assert new.provenance.details.told["imported"] == "pytest-benchmark"
        # What the file has no place for is not made up.
        assert values(new, "peak_rss_mib", "quality", "agreement_max_abs") == (None,) * 3
    assert again.run.suite == before.run.suite
    assert again.run.provenance.get("imported run") == run
    assert again.run.id != run
    report = benchhub(tmp_path, "report", run, again.run.id, "--format", "markdown")
    assert report.returncode == 0, report.stderr
    twice = benchhub(tmp_path, "runs", "import", "out.json")
    assert twice.returncode == 2
    assert again.run.id in twice.stderr


def test_a_cell_whose_device_was_disturbed_stays_doubted(tmp_path: Path) -> None:
    planned = cells()[:1]
    hot = make_conditions(throttle_count=9, at_ns=4_000_000_000, cpu_total_ticks=100_600)
    url, run = record(tmp_path, planned, make_launches(planned[0], 10, after=hot))
    assert "throttled" in names(loaded(url, run).rows[0])
    exported(tmp_path)
    (row,) = imported(url, tmp_path / "out.json").rows
    assert (row.launches, row.iterations) == (1, 2000)
    assert any(flag.name == "single_launch" and flag.caps for flag in row.flags)


@pytest.mark.usefixtures("processes")
def test_a_real_file_of_pytest_benchmark_becomes_a_run(tmp_path: Path) -> None:
    (tmp_path / "test_speed.py").write_text(
        "import pytest\n"
        "@pytest.mark.parametrize('n', [10, 1000])\n"
        "def test_sum(benchmark, n):\n"
        "    benchmark.pedantic(lambda: sum(range(n)), rounds=50)\n"
    )
    # pytest-benchmark measures nothing in a worker of xdist, which this test may run in.
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", "--benchmark-json=real.json"],
        cwd=tmp_path, env=env, text=True, capture_output=True, timeout=PATIENCE_S,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    command = ("runs", "import", "real.json", "--device", "laptop", "--suite", "speed")
    made = benchhub(tmp_path, *command)
    assert made.returncode == 0, made.stderr
    assert "imported 2 cells, 2 launches" in made.stderr
    shown = benchhub(tmp_path, "runs", "show", made.stdout.strip(), "--json")
    told = json.loads(shown.stdout)
    assert (told["run"]["suite"], told["run"]["effort"]) == ("speed", "imported")
    raw = json.loads((tmp_path / "real.json").read_text())["benchmarks"]
    assert [row["variant"] for row in told["rows"]] == [one["fullname"] for one in raw]
    for row, benchmark in zip(told["rows"], raw, strict=True):
        shortest, longest = benchmark["stats"]["min"] * 1e3, benchmark["stats"]["max"] * 1e3
        assert shortest <= row["p50_ms"] <= longest
        assert (row["device"], row["backend"], row["launches"]) == ("laptop", "pytest-benchmark", 1)
        assert "single_launch" in [flag["name"] for flag in row["flags"]]
        for missing in ("load_ms", "peak_rss_mib", "model_bytes", "throughput_per_s", "quality"):
            assert row[missing] is None
    (tmp_path / "limit.toml").write_text("[[budgets]]\nlatency_p50_ms = 1000\n")
    gate = benchhub(tmp_path, "gate", "latest", "--budgets", "limit.toml")
    assert gate.returncode == 4, gate.stdout + gate.stderr
    for format_ in ("html", "markdown"):
        report = benchhub(tmp_path, "report", "latest", "--format", format_, "-o", f"r.{format_}")
        assert report.returncode == 0, report.stderr


def test_one_file_is_one_launch_and_cannot_pass_or_fail(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'benchhub.db'}"
    results = imported(url, write(tmp_path / "a.json", document()))
    (row,) = results.rows
    with Store.open(url) as store:
        (launch,) = store.launches(row.run)
    assert launch.samples_ns.tolist() == [1_000_000 + 1000 * (i % 17) for i in range(100)]
    assert (row.launches, row.arch) == (1, "x86_64")
    assert row["p50_ms"].value == pytest.approx(1.008, rel=1e-3)
    assert "single_launch" in names(row)
    assert row["p50_ms"].interval.method == "within-launch"
    budgets = [make_budget(latency_p50_ms=limit) for limit in (1e-9, 1e9)]
    assert {verdict.outcome for verdict in judge(results.rows, budgets)} == {"INCONCLUSIVE"}
    assert row.clock == "perf_counter"
    assert (row.batch, row.threads, row.precision) == (0, 0, None)
    assert results.run.provenance.get("commit") == "0123abcd"
    assert results.run.started_at == "2026-02-03T04:05:06+00:00"


def test_several_files_of_one_machine_are_as_many_launches(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'benchhub.db'}"
    files = [
        write(tmp_path / f"{day}.json", document(datetime=f"2026-02-0{day}T04:05:06+00:00"))
        for day in (2, 1, 3)
    ]
    (row,) = imported(url, *files).rows
    assert row.launches == 3
    assert "single_launch" not in names(row)
    started_at = ("2026-02-01T04:05:06+00:00", "2026-02-03T04:05:06+00:00")
    assert row.provenance.started_at == started_at
    other = document(datetime="2026-02-04T00:00:00+00:00")
    other["machine_info"]["machine"] = "aarch64"
    with pytest.raises(ConfigError, match=r"different machines .machine: aarch64, x86_64"):
        import_files([*files, write(tmp_path / "other.json", other)])
    with pytest.raises(ConfigError, match="given twice"):
        import_files([files[0], files[0]])


def test_the_same_benchmark_is_the_same_cell_in_every_file(tmp_path: Path) -> None:
    longer = document(datetime="2026-03-01T00:00:00+00:00")
    longer["benchmarks"][0]["stats"]["data"] *= 3
    one = import_files([write(tmp_path / "a.json", document())])
    two = import_files([write(tmp_path / "b.json", longer)])
    assert [cell.key for cell in one.plan.cells] == [cell.key for cell in two.plan.cells]
    assert one.run.id != two.run.id


def test_a_benchmark_may_say_what_it_measures(tmp_path: Path) -> None:
    named = document()
    words = {"variant": "int8", "backend": "onnxruntime", "threads": 2, "model_sha256": "c" * 64}
    named["benchmarks"][0]["extra_info"]["benchhub"] = words
    (cell,) = import_files([write(tmp_path / "a.json", named)]).plan.cells
    assert {name: getattr(cell, name) for name in words} == words
    words["threads"] = "two"  # type: ignore[assignment]
    with pytest.raises(ConfigError, match=r"benchhub.threads = 'two': should be of type int"):
        import_files([write(tmp_path / "b.json", named)])


def test_benchmarks_without_their_rounds_are_skips(tmp_path: Path) -> None:
    mixed = document()
    bare = json.loads(json.dumps(mixed["benchmarks"][0]))
    bare["fullname"] += "2"
    del bare["stats"]["data"]
    mixed["benchmarks"].append(bare)
    made = import_files([write(tmp_path / "a.json", mixed)])
    assert len(made.plan.cells) == 1
    assert ["no times of its rounds" in skip.reason.text for skip in made.plan.skips] == [True]
    with pytest.raises(ConfigError, match="--benchmark-save-data"):
        import_files([write(tmp_path / "b.json", document(benchmarks=[bare]))])


def test_rounds_of_several_calls_pass_no_budget(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'benchhub.db'}"
    files = []
    for day in range(1, 11):
        averaged = document(datetime=f"2026-02-{day:02d}T00:00:00+00:00")
        averaged["benchmarks"][0]["stats"]["iterations"] = 25
        files.append(write(tmp_path / f"{day}.json", averaged))
    results = imported(url, *files)
    (row,) = results.rows
    assert row.launches == 10
    assert row.provenance.details.calls_per_round == 25
    assert [(flag.name, flag.caps) for flag in row.flags if flag.caps] == [("averaged", True)]
    (verdict,) = judge(results.rows, [make_budget(latency_p95_ms=1000.0)])
    assert (verdict.outcome, verdict.reason[:9]) == ("INCONCLUSIVE", "averaged:")


def _rounds(value: object) -> dict[str, Any]:
    changed = document()
    changed["benchmarks"][0]["stats"]["data"][3] = value
    return changed


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("not json", "is of no program that is known; runs can be imported from `pytest"),
        ("[]", "is of no program that is known; runs can be imported from `pytest"),
        ('{"benchmarks": [', "is cut or damaged JSON"),
        ({"benchmarks": []}, "is no pytest-benchmark JSON: machine_info: is missing"),
        (document(datetime="yesterday"), "datetime 'yesterday' is not in ISO 8601"),
        (document(benchmarks=document()["benchmarks"] * 2), "is in the file twice"),
        (document(machine_info={}), "names no machine; add --device NAME"),
        (document(benchmarks=[]), "has no benchmark"),
        (_rounds("1"), r"stats.data.3: should be a number"),
        (_rounds(-1.0), r"stats.data\[3\] is -1.0"),
        (_rounds(float("nan")), r"stats.data\[3\] is nan"),
        (_rounds(1e12), r"stats.data\[3\] is 1000000000000.0: a round lasts .* nor above 1e\+06 s"),
        (document(benchhub={"schema": 1}), "what benchhub wrote does not fit: run"),
    ],
)
def test_a_file_that_is_none_is_one_line(tmp_path: Path, content: Any, said: str) -> None:
    path = write(tmp_path / "bad.json", content)
    with pytest.raises(ConfigError, match=said) as caught:
        import_files([path])
    assert "\n" not in str(caught.value)
    assert "bad.json" in str(caught.value)


@pytest.mark.usefixtures("processes")
def test_a_file_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    done = benchhub(tmp_path, "runs", "import", "nothing.json")
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "benchhub: nothing.json: cannot be read: No such file or directory"
    ]
    assert not (tmp_path / "benchhub.db").exists()


def test_an_export_is_imported_alone_and_its_device_may_be_renamed(tmp_path: Path) -> None:
    planned = cells()
    url, _ = record(tmp_path, planned, undisturbed(planned))
    exported(tmp_path)
    own = tmp_path / "out.json"
    with pytest.raises(ConfigError, match="import it by itself"):
        import_files([own, write(tmp_path / "a.json", document())])
    renamed = imported(url, own, device="elsewhere")
    assert {row.device for row in renamed.rows} == {"elsewhere"}
    assert [device.name for device in renamed.devices] == ["elsewhere"]


def compared(url: str, before: str, after: str) -> RunComparison:
    """Two runs of a store held side by side."""
    with Store.open(url) as store:
        return compare_runs(record_of(store, before), record_of(store, after))


def sessions(folder: Path, name: str, scale: float, **told: Any) -> list[Path]:
    """Ten files of the same benchmark, each session at a level of its own."""
    made = []
    for day in range(1, 11):
        content = document(
            datetime=f"2026-0{1 + (name > 'a')}-{day:02d}T00:00:00+00:00",
            commit_info={"id": f"{name}0123", "dirty": False},
        )
        content["benchmarks"][0]["extra_info"] = {"benchhub": told} if told else {}
        level = scale * (1 + 0.002 * ((day * 7) % 10))
        data = content["benchmarks"][0]["stats"]["data"]
        content["benchmarks"][0]["stats"]["data"] = [level * value for value in data]
        made.append(write(folder / f"{name}{day}.json", content))
    return made


@pytest.mark.parametrize(
    ("scale", "change"), [(1.0, Change.EQUIVALENT), (1.2, Change.REGRESSED), (0.8, Change.IMPROVED)]
)
def test_imported_runs_compare_with_each_other(
    tmp_path: Path, scale: float, change: Change
) -> None:
    url = f"sqlite:///{tmp_path / 'benchhub.db'}"
    runs = [
        imported(url, *sessions(tmp_path, name, level)).run.id
        for name, level in (("a", 1.0), ("b", scale))
    ]
    (cell,) = compared(url, *runs).cells
    assert {move.metric: move.change for move in cell.moves} == {"p50_ms": change, "p95_ms": change}


def test_an_imported_run_compares_with_benchhubs_own(tmp_path: Path) -> None:
    planned = cells()[:1]
    facts = {"arch": "x86_64", "cpu_model": "Some CPU", "kernel": "6.1", "os": "Debian 12",
             "python": "3.12.1"}  # fmt: skip
    url, own = record(tmp_path, planned, undisturbed(planned), facts=facts)
    words = {"variant": "fp32", "backend": "onnxruntime", "threads": 1, "batch": 1}
    files = sessions(tmp_path, "a", 10.0, **words)
    again = imported(url, *files, device="localhost").run.id
    (cell,) = compared(url, own, again).cells
    told = {move.metric: (move.change, move.reason) for move in cell.moves}
    assert {change for change, _ in told.values()} & {Change.REGRESSED, Change.IMPROVED}, told
    slower = imported(
        url, *sessions(tmp_path, "b", 10.0, **words | {"threads": 2}), device="localhost"
    )
    (other,) = compared(url, own, slower.run.id).cells
    assert {move.change for move in other.moves} == {Change.NOT_COMPARABLE}
    assert "threads: 1 → 2" in other.moves[0].reason
