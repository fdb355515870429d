"""Threads beyond the cores that launches really had."""

from __future__ import annotations

from typing import Any

import pytest
from builders import make_cell, make_launch

from benchhub.model.flag import Flag, FlagKind
from benchhub.model.launch import Launch
from benchhub.model.scenario import Scenario
from benchhub.results.rows.flags import flags


def launch(
    cores: float | None, by: str | None = None, at_once: int | None = None, **cell: Any
) -> Launch:
    details: dict[str, Any] = {}
    if cores is not None:
        details["processors"] = {"cores": cores, "limited_by": by}
    if at_once is not None:
        details["threads_at_once"] = at_once
    return make_launch(make_cell(**cell), details=details)


def raised(*launches: Launch) -> Flag | None:
    return next((f for f in flags(launches) if f.name is FlagKind.OVERSUBSCRIBED), None)


@pytest.mark.parametrize(
    ("made", "evidence"),
    [
        (launch(2, threads=4), "4 threads on 2 cores"),
        (launch(2, "affinity mask", threads=4), "4 threads on 2 cores (affinity mask)"),
        (launch(1, "cpuset", threads=2), "2 threads on 1 core (cpuset)"),
        (launch(1.5, "CPU quota", threads=2), "2 threads on 1.5 cores (CPU quota)"),
        (launch(0.5, "CPU quota", threads=1), "1 thread on 0.5 cores (CPU quota)"),
    ],
    ids=["cores", "mask", "cpuset", "quota", "half"],
)
def test_more_threads_than_cores_are_a_doubt_that_caps(made: Launch, evidence: str) -> None:
    assert raised(made) == Flag(FlagKind.OVERSUBSCRIBED, evidence, caps=True)


def test_as_many_threads_as_cores_are_none() -> None:
    assert raised(launch(4, threads=4)) is None
    assert raised(launch(None, threads=64)) is None  # an older record, or an imported one


def test_calls_at_once_share_a_pool_unless_the_backend_says_more() -> None:
    assert raised(launch(4, threads=2, concurrency=3)) is None
    two_each = raised(launch(4, threads=2, concurrency=3, at_once=6))
    assert two_each is not None
    assert two_each.evidence == "6 threads on 4 cores"
    assert raised(launch(2, threads=8, concurrency=2, at_once=2)) is None  # a GPU's wait


def test_calls_that_only_take_turns_on_all_cores_are_a_remark() -> None:
    flag = raised(launch(2, threads=1, concurrency=4))
    assert flag == Flag(FlagKind.OVERSUBSCRIBED, "4 threads on 2 cores", caps=False)
    masked = raised(launch(2, "affinity mask", threads=1, concurrency=4))
    assert masked is not None
    assert masked.caps


def test_launches_that_differ_are_counted() -> None:
    flag = raised(launch(4, threads=4), launch(2, "affinity mask", threads=4), launch(4, threads=4))
    assert flag is not None
    assert flag.evidence == "4 threads on 2 cores (affinity mask) in 1 of 3 launches"


def test_outputs_do_not_hang_on_cores() -> None:
    assert raised(launch(1, threads=4, scenario=Scenario.QUALITY)) is None
