"""A store in which an earlier version kept what devices sent, whatever it was, opens."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from builders import make_cell, make_conditions, make_launch, make_run
from in_process import Reading

from benchhub.model.cell import Plan
from benchhub.model.device import DeviceInfo
from benchhub.model.facts import Facts
from benchhub.store import Store

CELLS = [make_cell(launches=2, variant=name) for name in ("fp32", "int8")]

POISON: dict[str, Any] = {
    "details": ("a list", json.dumps([1, 2])),
    "details of pacing": ("details", json.dumps({"paced": 7, "profile": [1], "processors": "x"})),
    "status": ("status", "great"),
    "load_ns": ("load_ns", "much"),
    "elapsed_ns": ("elapsed_ns", -5),
    "wall_ns": ("wall_ns", 1.5),
    "before": ("before", json.dumps({"at_ns": "noon"})),
    "after": ("after", json.dumps([])),
    "tracks": ("tracks", json.dumps({"device": 7})),
    "samples": ("samples", b"no zstd at all"),
    "warmup": ("warmup", b""),
}


def store(folder: Path) -> Reading:
    """A run of two cells on one device, two launches each."""
    reading = Reading(folder)
    run = make_run()
    with Store.open(reading.url) as opened:
        opened.create_run(run, Plan(tuple(CELLS), ()), None, (), ())
        opened.put_device(run.id, DeviceInfo("localhost", "local", False, Facts({"arch": "arm"})))
        for cell in CELLS:
            for index in range(2):
                opened.add(
                    make_launch(cell, index, before=make_conditions(), after=make_conditions())
                )
        opened.set_status(run.id, "done", "2026-01-01T13:00:00Z")
    return reading


def write(reading: Reading, statement: str, **values: Any) -> None:
    engine = sa.create_engine(reading.url)
    with engine.begin() as connection:
        connection.execute(sa.text(statement), values)
    engine.dispose()


@pytest.mark.parametrize("name", POISON)
def test_a_poisoned_launch_is_shown_as_failed_and_the_others_as_they_are(
    tmp_path: Path, name: str
) -> None:
    reading = store(tmp_path)
    column, value = POISON[name]
    column = name if column == "a list" else column
    write(
        reading,
        f"UPDATE launches SET {column} = :value WHERE id = (SELECT min(id) FROM launches)",
        value=value,
    )
    with Store.open(reading.url) as opened:
        launches = list(opened.launches(make_run().id))
    assert len(launches) == 4
    poisoned = [one for one in launches if one.failure is not None]
    if name == "details of pacing":  # it can be read, and says nothing that counts
        assert not poisoned
    else:
        (one,) = poisoned
        assert one.status == "failed"
        assert one.failure is not None
        assert one.failure.kind == "record"
        assert "start a new run" in one.failure.message
    for command in (
        ("report", "latest", "--format", "json", "-o", str(tmp_path / "report.json")),
        ("report", "latest", "--format", "markdown", "-o", str(tmp_path / "report.md")),
        ("runs", "show", "latest"),
        ("gate", "latest"),
    ):
        done = reading.run(*command)
        assert done.code in (0, 2, 3, 4), (command, done.err)
    rows = json.loads((tmp_path / "report.json").read_text())["rows"]
    assert len(rows) == 2
    assert sum(row["status"] == "finished" for row in rows) >= 1


@pytest.mark.parametrize(
    "info",
    [
        [1, 2],
        {"name": "localhost", "transport": "local", "emulated": False, "facts": [1]},
        {"name": 7, "transport": None},
        {"name": "localhost", "transport": "local", "emulated": False,
         "facts": {"backends": [1], "gpus": 7, "packages": "x", "throttled": [1], "arch": {}}},
    ],
)  # fmt: skip
def test_a_poisoned_device_is_shown_with_what_is_wrong(tmp_path: Path, info: Any) -> None:
    reading = store(tmp_path)
    write(reading, "UPDATE devices SET info = :value", value=json.dumps(info))
    with Store.open(reading.url) as opened:
        (device,) = opened.devices(make_run().id)
    assert device.name == "localhost"
    assert device.facts.backends == {}
    assert dataclasses.asdict(device)
    done = reading.run(
        "report", "latest", "--format", "markdown", "-o", str(tmp_path / "report.md")
    )
    assert done.code == 0, done.err
