"""`benchhub run` of a task that predicts and has several metrics, with everything that reads it."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest
from in_process import Reading
from project import Project
from segmenting import CASES, make_segmenting

from benchhub.results.load import load_results
from benchhub.store import Store

RUN = ("run", "tiny", "--device", "here")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, processes: None) -> Project:
    """A project with two runs of its suite."""
    made = make_segmenting(tmp_path_factory.mktemp("segmenting"))
    for _ in range(2):
        done = made.run(*RUN)
        assert done.code == 0, done.err
        assert "Quality by metric" in done.out
    return made


@pytest.fixture
def reading(project: Project, monkeypatch: pytest.MonkeyPatch) -> Reading:
    """Commands that read its store, started within the test."""
    monkeypatch.setenv("BENCHHUB_CACHE", project.env["BENCHHUB_CACHE"])
    return Reading(project.folder)


def test_predictions_are_stored_and_judged(project: Project, reading: Reading) -> None:
    with Store.open(reading.url) as store:
        run = store.resolve("latest")
        launches = [one for one in store.launches(run) if one.predictions is not None]
        loaded = load_results(store, run)
    assert {launch.cell.variant for launch in launches} == {"fp32", "coarse"}
    for launch in launches:
        assert launch.predictions is not None
        assert (launch.predictions.shape[0], launch.predictions.dtype) == (CASES, np.uint8)
        assert len(launch.outputs[0]) == 4
        assert launch.postprocess_ns.size == CASES
    fp32, coarse = (row for row in loaded.rows if row.scenario == "quality")
    assert fp32.quality is not None
    assert coarse.quality is not None
    assert fp32.quality.value > coarse.quality.value + 0.1
    assert fp32.quality_also["dice_worst5"].value <= fp32.quality.value
    assert coarse.quality_also["dice_worst5"].loss.estimate > 0.1
    assert fp32.quality.parts
    assert coarse["postprocess_p50_ms"].value is not None
    assert coarse.agreement_relative is not None
    assert coarse.agreement_relative > 0.1


def test_every_format_shows_them(reading: Reading) -> None:
    json = reading.run("report", "latest", "--format", "json").json
    quality = [row for row in json["rows"] if row["scenario"] == "quality"]
    assert all(set(row["quality_also"]) == {"dice_worst5"} for row in quality)
    assert all(row["intervals"]["postprocess_p50_ms"]["low"] > 0 for row in quality)
    table = reading.run("report", "latest", "--format", "csv").out
    lines = list(csv.DictReader(io.StringIO(table)))
    assert [bool(line["postprocess_p50_ms"]) for line in lines] == [
        line["scenario"] == "quality" for line in lines
    ]
    assert "## Quality by metric" in reading.run("report", "latest", "--format", "markdown").out


def test_where_calls_spend_their_time_is_told_and_not_timed(reading: Reading, native: None) -> None:
    rows = reading.run("report", "latest", "--format", "json").json["rows"]
    profiles = [row for row in rows if row["scenario"] == "profile"]
    assert [row["variant"] for row in profiles] == ["fp32", "coarse"]
    for row in profiles:
        told = row["provenance"]["details"]["profile"]
        assert "Conv" in "".join(told["operators_ns"])
        assert (row["launches"], row["p50_ms"], row["peak_rss_mib"]) == (1, None, None)
        assert row["agreement_max_abs"] is not None
    page = reading.folder / "report.html"
    reading.run("report", "latest", "--format", "html", "-o", str(page))
    markdown = reading.run("report", "latest", "--format", "markdown").out
    for text in (markdown, page.read_text(encoding="utf-8")):
        assert "Where a call" in text
        assert "between operators" in text


def test_runs_of_it_are_compared_by_their_predictions(reading: Reading) -> None:
    runs = [run["id"] for run in reading.run("runs", "list", "--json").json]
    told = reading.run("compare", *runs, "--json")
    moves = [
        move for cell in told.json["cells"] for move in cell["moves"]
        if move["metric"] == "quality"
    ]  # fmt: skip
    assert moves
    assert all(move["effect"] == 0 for move in moves)
    assert {move["change"] for move in moves} == {"unchanged"}
