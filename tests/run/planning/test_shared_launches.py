"""Memory and cold start out of latency's launches: which cells, and what their rows say."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from builders import MIB, make_cell, make_device, make_launch, make_run, make_variant
from project import make_project

from benchhub.model.asked import ScenarioSpec
from benchhub.model.cell import Cell, Plan
from benchhub.model.flag import FlagKind
from benchhub.model.launch import launches_by_cell
from benchhub.model.scenario import Scenario
from benchhub.results.rows.rows import summarize
from benchhub.run.planning.shared_launches import with_shared_launches
from benchhub.store import Store

LATENCY = make_cell()
MEMORY = dataclasses.replace(LATENCY, scenario=Scenario.MEMORY, launches=5, iterations=10)
COLD = dataclasses.replace(LATENCY, scenario=Scenario.COLD_START, launches=5, iterations=0)
SPECS = tuple(map(ScenarioSpec, (Scenario.LATENCY, Scenario.MEMORY, Scenario.COLD_START)))


def shared(*cells: Cell, specs: tuple[ScenarioSpec, ...] = SPECS) -> list[str]:
    return [cell.launches_of for cell in with_shared_launches(Plan(cells, ()), specs).cells]


def test_both_are_out_of_the_launches_of_latency() -> None:
    made = with_shared_launches(Plan((MEMORY, LATENCY, COLD), ()), SPECS)
    assert [cell.launches_of for cell in made.cells] == [LATENCY.key, "", LATENCY.key]
    assert [cell.launches for cell in made.cells] == [0, LATENCY.launches, 0]
    assert made.launched == (LATENCY,)


@pytest.mark.parametrize(
    "other",
    [
        {"batch": 8}, {"threads": 2}, {"backend": "openvino"}, {"device": "pi"}, {"variant": "x"},
        {"precision": "f16"}, {"options": '{"arena": false}'}, {"shapes": "x=8x3"},
        {"model_sha256": "e" * 64},
    ],
    ids=lambda changed: next(iter(changed)),
)  # fmt: skip
def test_not_out_of_those_with_other_settings(other: dict[str, Any]) -> None:
    assert shared(LATENCY, dataclasses.replace(MEMORY, **other)) == ["", ""]


def test_not_where_more_launches_or_calls_are_asked_for() -> None:
    more = dataclasses.replace(MEMORY, launches=LATENCY.launches + 1)
    longer = dataclasses.replace(MEMORY, iterations=LATENCY.iterations + 1)
    assert shared(LATENCY, more, longer) == ["", "", ""]


def test_not_where_a_suite_asks_for_their_own() -> None:
    specs = (*SPECS[:1], dataclasses.replace(SPECS[1], own_launches=True), SPECS[2])
    assert shared(LATENCY, MEMORY, COLD, specs=specs) == ["", "", LATENCY.key]


def test_other_scenarios_keep_theirs() -> None:
    throughput = dataclasses.replace(LATENCY, scenario=Scenario.THROUGHPUT)
    assert shared(LATENCY, throughput, MEMORY) == ["", "", LATENCY.key]
    assert shared(throughput, MEMORY) == ["", ""]


def rows_of(launches: list[Any]) -> Any:
    cells = with_shared_launches(Plan((LATENCY, MEMORY, COLD), ()), SPECS).cells
    return summarize(make_run(), cells, launches, [make_variant()], [make_device()])


def test_their_rows_show_what_the_launches_show() -> None:
    launches = [
        make_launch(LATENCY, index, peak_rss_bytes=(100 + index) * MIB,
                    imported_rss_bytes=40 * MIB, load_ns=1_000_000 * (index + 1),
                    first_inference_ns=2_000_000)
        for index in range(LATENCY.launches)
    ]  # fmt: skip
    latency, memory, cold = rows_of(launches)
    assert memory["peak_rss_mib"].value == pytest.approx(104.5)
    assert memory["model_rss_mib"].value == pytest.approx(64.5)
    assert cold["load_ms"].value == pytest.approx(5.5)
    assert cold["first_inference_ms"].value == pytest.approx(2.0)
    assert memory["peak_rss_mib"] == latency["peak_rss_mib"]
    assert (memory.launches, memory.status, memory["p50_ms"].value) == (10, "finished", None)
    assert memory.provenance.launches_of == LATENCY.key
    assert memory.provenance.planned_launches == LATENCY.launches
    assert latency.provenance.launches_of == ""
    assert launches_by_cell((), launches) == {LATENCY.key: launches}


def test_what_is_missing_of_latency_is_missing_of_them() -> None:
    flags = {flag.name for flag in rows_of([make_launch(LATENCY, 0)])[1].flags}
    assert FlagKind.INCOMPLETE in flags
    assert [row.status for row in rows_of([])] == ["unmeasured"] * 3


@pytest.mark.usefixtures("processes")
def test_a_run_launches_latency_alone(tmp_path: Path) -> None:
    project = make_project(tmp_path, launches=3)
    project.edit('[[variants]]\nname = "int8"\nfrom = "fp32"\nrecipe = "int8-dynamic"\n', "")
    project.add("[scenarios.memory]\nlaunches = 2\n[scenarios.cold_start]\nown_launches = true\n")
    done = project.run("run", "tiny", "--device", "here", "--effort", "quick", "--json")
    assert done.code == 0, done.err
    assert "7 of 7 launches done" in done.err
    report = project.run("report", "tiny", "--format", "json").json
    rows = {row["scenario"]: row for row in report["rows"]}
    latency, memory, cold = (rows[name] for name in ("latency", "memory", "cold_start"))
    assert memory["peak_rss_mib"] == latency["peak_rss_mib"] > 20
    assert (memory["launches"], memory["p50_ms"]) == (3, None)
    assert cold["launches"] == 3
    assert cold["provenance"].get("launches_of") is None
    with Store.open(f"sqlite:///{tmp_path}/benchhub.db") as store:
        made = [launch.cell.scenario for launch in store.launches(report["run"]["id"])]
    assert sorted(made) == ["cold_start"] * 3 + ["latency"] * 3 + ["quality"]
