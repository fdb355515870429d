"""Fixed work in every round tells a device that changed from models that did."""

from __future__ import annotations

import dataclasses
from collections import Counter

import numpy as np
from builders import make_cell, make_launch, make_launches, make_run, make_variant
from scripted import Board, Diary, work

from benchhub.model.asked import EFFORTS
from benchhub.model.cell import CANARY, CellKind, Plan
from benchhub.model.flag import FlagKind
from benchhub.model.launch import Launch
from benchhub.model.scenario import Scenario
from benchhub.results.rows.fixed_work import findings
from benchhub.results.rows.rows import summarize
from benchhub.run.loop.campaign import measure
from benchhub.run.planning.fixed_cells import beside, with_canaries

MODEL = make_cell(device="board", launches=10)


def planned(*cells, effort="standard"):
    return with_canaries(Plan(tuple(cells), ()), EFFORTS[effort]).cells


def launches(medians_ms) -> list[Launch]:
    cell = planned(MODEL)[-1]
    noise = np.random.default_rng(5).normal(0, 0.002, (len(medians_ms), 20))
    return [
        make_launch(
            cell=cell, index=index, samples_ns=(1e6 * middle * np.exp(noise[index])).astype(int)
        )
        for index, middle in enumerate(medians_ms)
    ]


def doubts(medians_ms) -> dict[tuple[str, str], list[tuple[str, bool]]]:
    """The flags of rows beside fixed work that took so long, by device and scenario."""
    places = (("board", Scenario.LATENCY), ("board", Scenario.MEMORY), ("other", Scenario.LATENCY))
    cells = [make_cell(device=device, scenario=scenario) for device, scenario in places]
    made = [one for cell in cells for one in make_launches(cell)] + launches(medians_ms)
    rows = summarize(make_run(), [*cells, made[-1].cell], made, [make_variant()], [])
    return {
        (row.device, row.scenario): [(flag.name, flag.caps) for flag in row.flags] for row in rows
    }


def test_every_device_with_cells_to_time_gets_fixed_work():
    other = make_cell(device="other", launches=3)
    few = make_cell(device="fourth", launches=2)
    untimed = make_cell(device="third", scenario=Scenario.QUALITY)
    cells = planned(MODEL, other, few, untimed)
    assert {c.device: c.launches for c in cells if c.kind is CellKind.CANARY} == {
        "board": 10,
        "other": 3,
    }
    assert all(cell.runs_model for cell in planned(MODEL, effort="quick"))


def test_fixed_work_goes_on_with_the_cells_that_do():
    cells = tuple(dataclasses.replace(cell, launches=2) for cell in planned(MODEL))
    key = cells[0].key

    def more(finished, samples_of):
        return {key} if finished.get(key, 0) < 4 else set()

    whole = dataclasses.replace(work(cells), more=beside(more, cells))
    found = Counter(one.cell.variant for one in measure(whole, Board().connect, Diary()))
    assert found == {MODEL.variant: 4, CANARY: 4}


def test_a_device_that_keeps_its_pace_raises_nothing():
    found = findings(launches([1.0] * 10))
    assert (found["board"].check, found["board"].level) == (CANARY, "ok")
    assert not any(doubts([1.0] * 10).values())


def test_a_device_that_slows_down_is_a_doubt_about_all_it_timed():
    found = findings(launches([1.0] * 5 + [1.1] * 5))
    assert found["board"].level == "warn"
    assert "moved by +10.1% after launch 5" in found["board"].found
    assert doubts([1.0] * 5 + [1.1] * 5) == {
        ("board", "latency"): [(FlagKind.CANARY, True)],
        ("board", "memory"): [],
        ("other", "latency"): [],
    }


def test_a_change_too_small_to_matter_is_none():
    found = findings(launches([1.0] * 5 + [1.01] * 5))
    assert found["board"].level == "ok"
