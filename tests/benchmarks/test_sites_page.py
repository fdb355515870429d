"""The page on ten thousand devices says what its files of figures say."""

from __future__ import annotations

import json
import re

from benchmarks.sites import page, scenarios, service_times
from benchmarks.sites.design import Design, Network, per_launch
from benchmarks.sites.fleet import Campaign, simulated
from benchmarks.sites.result import rounded, told

TEXT = page.PAGE.read_text("utf-8")


def test_every_table_is_there_once_and_is_what_the_files_say() -> None:
    names = re.findall(r"<!-- made: (\w+) -->", TEXT)
    assert sorted(names) == sorted(page.TABLES)
    assert page.with_tables(TEXT) == TEXT


def test_the_figures_are_what_a_simulation_comes_to() -> None:
    """One that is quick: if the model changes, the files have to be made anew."""
    found = json.loads(scenarios.FILE.read_text("utf-8"))
    kept = next(one for one in found["sweep"] if one["devices"] == 50)
    campaign = Campaign(kept["devices"], kept["sites"], kept["cells"], kept["rounds"])
    again = rounded(told(simulated(campaign, Design(), service_times.read())))
    assert {name: kept[name] for name in again} == again


def test_the_arithmetic_on_paper_is_that_of_the_service_times() -> None:
    found = json.loads(scenarios.FILE.read_text("utf-8"))["paper"]["stations"]
    demands = per_launch(service_times.read(), Design(), Network(), 20)
    assert {name: (one["ms"], one["servers"]) for name, one in found.items()} == {
        name: (rounded(1e3 * one.launch_s), one.servers) for name, one in demands.items()
    }


def test_the_simulation_breaks_where_the_paper_says() -> None:
    found = json.loads(scenarios.FILE.read_text("utf-8"))["sweep"]
    for one in found:
        room = min(one["fits"].values())
        if one["devices"] < 0.85 * room:
            assert one["over_ideal"] < 1.1, one["devices"]
        if one["devices"] > 1.25 * room:
            assert one["over_ideal"] > 1.1, one["devices"]
        assert one["bound_s"] <= one["makespan_s"]
    assert found[0]["over_ideal"] < 1.1 < found[-1]["over_ideal"]


def test_service_times_say_on_what_and_when_they_were_measured() -> None:
    measured = json.loads(service_times.FILE.read_text("utf-8"))
    assert measured["machine"]
    assert measured["versions"].keys() >= {"distributed", "simpy", "SQLAlchemy"}
    for part in ("launches", "reading", "commits", "plain", "round_trips", "controller"):
        assert measured[part]
        assert measured["measured"][part].keys() == {"at", "load_before", "load_after"}
