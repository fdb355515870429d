"""`benchhub export`: what other programs read."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from builders import make_cell, make_launch, make_launches
from project import Finished, run_here
from recorded import cells, record, undisturbed
from repository import ROOT
from waiting import PATIENCE_S

from benchhub.model.columns import COLUMNS
from benchhub.model.scenario import Scenario
from benchhub.ondevice.wire import Failure
from benchhub.report.interchange.benchmark_json import export
from benchhub.results.load import load_results
from benchhub.store import Store


def benchhub(folder: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in `folder`."""
    root = str(ROOT)
    path = os.pathsep.join(part for part in (env.pop("PYTHONPATH", ""), root) if part)
    environment = {**os.environ, "PYTHONPATH": path, "COLUMNS": "200", **env}
    environment.pop("BENCHHUB_STORE", None)
    return subprocess.run(
        [sys.executable, "-m", "benchhub", *arguments],
        cwd=folder, env=environment, text=True, capture_output=True, timeout=120,
    )  # fmt: skip


def export_here(folder: Path, *arguments: str) -> Finished:
    """Run the command within this process."""
    return run_here(folder, {"COLUMNS": "200"}, "export", "latest", *arguments)


def exported(folder: Path) -> Any:
    """Export the only run of the store in `folder` to out.json and return the document."""
    with Store.open(f"sqlite:///{folder / 'benchhub.db'}") as store:
        (run,) = (one.id for one in store.runs())
        made = export(load_results(store, run), store.launches(run), store.plan(run).cells)
    (folder / "out.json").write_text(json.dumps(made.document, allow_nan=False))
    return json.loads((folder / "out.json").read_text())


@pytest.mark.usefixtures("processes")
def test_a_run_is_read_by_pytest_benchmark_compare(tmp_path: Path) -> None:
    planned = cells()
    record(tmp_path, planned, undisturbed(planned))
    made = benchhub(tmp_path, "export", "latest", "--format", "pytest-benchmark", "-o", "out.json")
    assert made.returncode == 0, made.stderr
    command = Path(sys.executable).parent / "pytest-benchmark"
    done = subprocess.run(
        [str(command), "compare", "out.json", "--csv=table.csv"],
        cwd=tmp_path, text=True, capture_output=True, timeout=PATIENCE_S,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "benchmark 'localhost latency t1 b1': 2 tests" in done.stdout
    assert "int8[onnxruntime]" in done.stdout
    table = (tmp_path / "table.csv").read_text().splitlines()
    assert len(table) == 4
    assert "Failed to load" not in done.stderr + done.stdout


def test_a_benchmark_carries_interval_effective_sample_flags_and_provenance(
    tmp_path: Path,
) -> None:
    planned = cells()
    _, run = record(tmp_path, planned, undisturbed(planned))
    document = exported(tmp_path)
    assert document["commit_info"]["id"] == "unversioned"
    assert document["machine_info"]["node"] == "localhost"
    first = document["benchmarks"][0]
    assert first["fullname"] == "quickstart::localhost latency t1 b1::fp32[onnxruntime]"
    assert first["params"]["threads"] == 1
    stats, told = first["stats"], first["extra_info"]["benchhub"]
    assert stats["rounds"] == len(stats["data"]) == 2000
    assert stats["median"] * 1e3 == pytest.approx(told["p50_ms"], rel=0.01)
    assert told["p50_low_ms"] < told["p50_ms"] < told["p50_high_ms"]
    assert told["n_eff"] > 0
    assert told["run"] == run
    assert told["intervals"]["p50_ms"]["method"] == "launches"
    assert told["provenance"]["planned_launches"] == 10
    assert [launch["rounds"] for launch in told["launches"]] == [200] * 10
    assert isinstance(told["flags"], list)


def test_what_dashboards_read_is_there(tmp_path: Path) -> None:
    planned = cells()
    record(tmp_path, planned, undisturbed(planned))
    benchmarks = exported(tmp_path)["benchmarks"]
    for benchmark in benchmarks:
        # github-action-benchmark: name, unit from these, range, and iterations a second
        assert isinstance(benchmark["fullname"], str)
        for name in ("mean", "stddev", "rounds", "ops"):
            assert benchmark["stats"][name] > 0
    assert len({one["fullname"] for one in benchmarks}) == 3


def test_only_timed_cells_that_finished_on_real_devices_are_exported(tmp_path: Path) -> None:
    good, bad = make_cell(), make_cell(variant="int8", model_sha256="b" * 64)
    others = [
        make_cell(scenario=Scenario.MEMORY),
        make_cell(backend="null", model_sha256="", variant="none"),
        make_cell(threads=2),
    ]
    crash = Failure("time", "crashed", "died by SIGSEGV")
    launches = [
        *make_launches(good, 10),
        *make_launches(bad, 3),
        make_launch(bad, 3, status="failed", failure=crash),
        *(make_launch(cell) for cell in others[:2]),
    ]
    record(tmp_path, [good, bad, *others], launches)
    done = export_here(tmp_path, "--format", "pytest-benchmark", "-o", "out.json")
    document = json.loads((tmp_path / "out.json").read_text())
    assert [one["params"]["variant"] for one in document["benchmarks"]] == ["fp32"]
    assert done.out == ""
    assert (
        "cells left out: 1 are failed; 1 are unmeasured; 1 do not time calls; 1 run no model"
        in done.err
    )


def test_an_emulated_device_has_no_times_to_export(tmp_path: Path) -> None:
    planned = cells()
    record(tmp_path, planned, undisturbed(planned), emulated=True)
    done = export_here(tmp_path, "--format", "pytest-benchmark")
    assert done.code == 2
    assert done.err.startswith("benchhub: run 20260101-120000-abcd has no timed cell to export")
    assert "3 are of emulated devices" in done.err
    assert not list(tmp_path.glob("*.json"))


@pytest.mark.usefixtures("processes")
def test_parquet_holds_the_rows_and_their_gaps(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    import pandas as pd

    planned = cells()
    record(tmp_path, planned, undisturbed(planned))
    done = benchhub(
        tmp_path,
        "export",
        "latest",
        "--format",
        "parquet",
        "-o",
        "deep/rows.parquet",
        PYTHONPATH=str(Path(pyarrow.__file__).parents[1]),
    )
    assert done.returncode == 0, done.stderr
    frame = pd.read_parquet(tmp_path / "deep" / "rows.parquet")
    assert tuple(frame.columns) == COLUMNS
    assert len(frame) == 3
    assert frame["quality"].isna().all()
    assert frame["p50_ms"].notna().tolist() == [True, True, False]
    assert frame["threads"].tolist() == [1, 1, 1]


@pytest.mark.usefixtures("processes")
def test_parquet_without_pyarrow_is_one_line(tmp_path: Path) -> None:
    planned = cells()
    record(tmp_path, planned, undisturbed(planned)[:1])
    blocked = tmp_path / "blocked" / "pyarrow"
    blocked.mkdir(parents=True)
    (blocked / "__init__.py").write_text("raise ImportError('not installed')\n")
    done = benchhub(
        tmp_path, "export", "latest", "--format", "parquet", PYTHONPATH=str(blocked.parent)
    )
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "benchhub: parquet needs pyarrow, which is not installed; pip install 'benchhub[parquet]'"
    ]
    assert not list(tmp_path.glob("*.parquet"))


@pytest.mark.parametrize("output", ["file/out.json", "folder"])
def test_a_file_that_cannot_be_written_is_one_line(tmp_path: Path, output: str) -> None:
    planned = cells()
    record(tmp_path, planned, undisturbed(planned))
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    done = export_here(tmp_path, "--format", "pytest-benchmark", "-o", output)
    assert done.code == 2
    assert "cannot be written" in done.err
    assert "Traceback" not in done.err


def test_the_same_run_gives_the_same_bytes(tmp_path: Path) -> None:
    planned = cells()
    record(tmp_path, planned, undisturbed(planned))
    exported(tmp_path)
    first = (tmp_path / "out.json").read_bytes()
    exported(tmp_path)
    assert (tmp_path / "out.json").read_bytes() == first
