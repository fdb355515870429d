"""`benchhub report`: files and streams as a user asks for them."""

from __future__ import annotations

import csv
import io
import json
import sys
from pathlib import Path

import pytest
from project import Project, make_project

from benchhub.model.columns import COLUMNS


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory, processes: None) -> Project:
    project = make_project(tmp_path_factory.mktemp("measured"), launches=2)
    assert project.run("run", "tiny", "--device", "here").code == 0
    return project


def test_csv_and_json_and_markdown_go_to_stdout(measured: Project) -> None:
    table = measured.here("report", "latest", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(table.out)))
    assert tuple(rows[0]) == COLUMNS
    document = json.loads(measured.here("report", "latest", "--format", "json").out)
    assert len(document["rows"]) == len(rows) == 4
    assert measured.run("report", "latest", "--format", "markdown").out.startswith("#")


def test_all_writes_every_format_and_the_charts(measured: Project) -> None:
    done = measured.run("report", "latest", "--format", "all", "-o", "out")
    assert done.code == 0, done.err
    written = {str(p.relative_to(measured.folder / "out")) for p in _files(measured.folder / "out")}
    assert written >= {
        "report.html",
        "report.md",
        "report.csv",
        "report.json",
        "charts/size.svg",
    }


def test_several_runs_make_one_report(measured: Project) -> None:
    assert measured.run("run", "tiny", "--device", "here").code == 0
    runs = [run["id"] for run in measured.here("runs", "list", "--json").json]
    document = measured.here("report", *runs, "--format", "json").json
    assert [run["id"] for run in document["runs"]] == runs
    assert len(document["rows"]) == 8


def test_a_place_that_cannot_be_written(measured: Project) -> None:
    done = measured.run("report", "latest", "-o", "/proc/report.html")
    assert done.code == 2
    assert "/proc/report.html: cannot be written" in done.error


def test_an_unknown_run_lists_the_known(measured: Project) -> None:
    done = measured.here("report", "19990101")
    assert done.code == 2
    assert "19990101" in done.error


def test_data_that_is_no_dataset_is_one_line(measured: Project, tmp_path: Path) -> None:
    done = measured.run("run", "quickstart", "--data", str(tmp_path))
    assert done.code == 2
    assert "train_val_list.txt: no such file" in done.error


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_no_folder_or_host_name_of_the_machine_gets_into_a_report(measured: Project) -> None:
    assert measured.run("report", "latest", "--format", "html", "-o", "private.html").code == 0
    told = [measured.here("report", "latest", "--format", name) for name in ("json", "markdown")]
    for out in ((measured.folder / "private.html").read_text(), *(one.out for one in told)):
        assert out
        assert str(measured.folder) not in out
        assert sys.prefix not in out
        assert "hostname" not in out
