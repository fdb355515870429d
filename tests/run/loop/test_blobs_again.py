"""A staged file that is gone or damaged on the device is pushed again; its launch is made again."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from builders import make_cell
from lying_device import END, Script, launch_events
from scripted import Diary, work

from benchhub.device.staging.blob import Blob
from benchhub.errors import NoSpace
from benchhub.model.launch import Launch
from benchhub.run.loop.campaign import MOST_ATTEMPTS, measure

GONE = {
    "stage": "spawn", "kind": "blob",
    "message": "model 0123456789ab is not whole on the device; stage it again",
}  # fmt: skip


def run(script: Script, into: list[Launch] | None = None) -> list[Launch]:
    """Measure two launches of each of two cells on a device that follows the script."""
    cells = [make_cell(device="board", batch=batch, launches=2, iterations=5) for batch in (1, 2)]
    asked = dataclasses.replace(work(cells), blobs=(Blob.of_bytes(b"model"),))
    measured: list[Launch] = [] if into is None else into
    for launch in measure(asked, script.session, Diary(), (0.0, 0.001)):
        measured.append(launch)
    return measured


def lacking(launches: Iterable[int], otherwise: Mapping[tuple[str, int], Any] | None = None) -> Any:
    """Some launches, counted over all agents, find the model gone.

    `otherwise` has what else is answered, each once: to the so manieth request of a kind.
    """
    where, left, made = set(launches), dict(otherwise or {}), itertools.count()

    def lie(request: Mapping[str, Any], before: int, said: list[Any]) -> Iterable[Any]:
        if request["do"] == "launch" and next(made) in where:
            return [{**launch_events(request["job"])[-1], "status": "failed", "failure": GONE}]
        return left.pop((request["do"], before), said)

    return lie


def asked(script: Script) -> list[str]:
    return [request["do"] for request in script.heard]


def test_it_is_pushed_again_and_the_launch_is_not_failed() -> None:
    script = Script(lacking([1]))
    launches = run(script)
    assert [one.status for one in launches].count("finished") == 4
    (cut,) = (one for one in launches if one.status != "finished")
    assert (cut.status, cut.attempt) == ("interrupted", 0)
    assert cut.failure is not None
    assert (cut.failure.kind, cut.failure.message) == ("blob", GONE["message"])
    (again,) = (o for o in launches if (o.cell, o.index) == (cut.cell, cut.index) and o is not cut)
    assert again.attempt == 1
    assert asked(script).count("receive") == 2
    second_launch = [at for at, what in enumerate(asked(script)) if what == "launch"][1]
    assert asked(script)[second_launch + 1 : second_launch + 3] == ["have", "receive"]


def test_one_that_is_gone_each_time_is_given_up_and_the_other_cells_go_on() -> None:
    launches = run(Script(lacking(range(MOST_ATTEMPTS * 2))))
    failed = [one for one in launches if one.status == "failed"]
    assert {one.cell.batch for one in failed} == {1, 2}
    assert all(one.attempt == MOST_ATTEMPTS - 1 for one in failed)
    assert len(launches) == 2 * MOST_ATTEMPTS
    # The last attempt at a cell is its failure: nothing is pushed for a launch that nobody makes.
    script = Script(lacking(range(MOST_ATTEMPTS * 2)))
    run(script)
    assert asked(script).count("receive") == 1 + 2 * (MOST_ATTEMPTS - 1)


def test_a_link_that_breaks_while_it_is_pushed_again_is_mended() -> None:
    script = Script(lacking([1], {("have", 1): [END]}))
    launches = run(script)
    assert script.processes == 2
    assert [one.status for one in launches].count("finished") == 4


def test_no_room_for_it_any_more_is_the_end_of_the_device() -> None:
    full = {"event": "receive", "blobs": {}, "trouble": "no space left on the device"}
    otherwise = {("receive", 1): [full], ("room", 0): [{"event": "room", "free_bytes": 0}]}
    measured: list[Launch] = []
    with pytest.raises(NoSpace, match="board: no room"):
        run(Script(lacking([1], otherwise)), measured)
    assert [one.status for one in measured] == ["finished", "interrupted"]
