"""What visits take, as measured: read from `service-times.json`."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from benchmarks.sites.measuring.tasks import ANSWER_BYTES, TAKEN_BYTES

FILE = Path(__file__).resolve().parents[2] / "reports" / "fleet" / "service-times.json"


@dataclass(frozen=True, slots=True)
class Call:
    """Processor milliseconds of one call on its way: client, scheduler and the gateway's worker."""

    client_ms: float
    scheduler_ms: float
    worker_ms: float


@dataclass(frozen=True, slots=True)
class ServiceTimes:
    """Of one visit each; milliseconds of a processor, unless it says wait.

    `launches_ms`: by kind of device, of each cell the launches that were measured, on the wall.
    """

    taken: Call
    answer: Call
    direct_taken: Call
    direct_answer: Call
    plain: Call
    read_ms: float
    loop_ms: float
    agent_ms: float
    connect_ms: float
    commit_client_ms: float
    commit_server_ms: float
    commit_wait_ms: float
    together_client_ms: float
    together_server_ms: float
    between_ms: float
    launches_ms: dict[str, tuple[tuple[float, ...], ...]]

    def mean(self, kinds: Sequence[str], of: Callable[[float], float]) -> float:
        """Return the mean of a function of what launches last, in seconds with what is between.

        Over cells, of devices of these kinds in turn.
        """
        return fmean(
            fmean(
                fmean(of((each_ms + self.between_ms) / 1e3) for each_ms in cell)
                for cell in self.launches_ms[kind]
            )
            for kind in kinds
        )


def read(file: Path = FILE, outstanding: int = 100) -> ServiceTimes:
    """Return the figures of a file that `measuring` wrote.

    Calls cost what they did in the small fleet of 300 devices: among all else that threads do, and
    spread over time, they cost more than back to back, of which the ways are told apart: past the
    scheduler, and without dask.
    """
    found: dict[str, Any] = json.loads(file.read_text("utf-8"))

    def bare(direct: bool, answer_bytes: int) -> Call:
        at = {"direct": direct, "answer_bytes": answer_bytes, "outstanding": outstanding}
        one = _one(found["round_trips"], sites=1, **at)
        return Call(one["client_ms"], one["scheduler_ms"], one["worker_ms"])

    alone, many = (
        _one(found["commits"], store="postgresql", processes=1, together=1, writers=writers)
        for writers in (1, 8)
    )
    file_alone = _one(found["commits"], store="sqlite", processes=1, together=1, writers=1)
    together = _one(found["commits"], store="postgresql", together=100)
    plain = _one(found["plain"], outstanding=outstanding)
    bare_taken = bare(False, TAKEN_BYTES)
    fleet = _one(found["in_earnest"], devices=300)
    its_read_ms = _one(found["reading"], samples=200)["client_ms"]
    in_fleet = Call(
        (fleet["client_ms"] - its_read_ms - many["client_ms"]) / 2,
        fleet["scheduler_ms"] / 2,
        fleet["worker_ms"] / 2,
    )

    def among_others(call: Call) -> Call:
        return Call(
            call.client_ms * in_fleet.client_ms / bare_taken.client_ms,
            call.scheduler_ms * in_fleet.scheduler_ms / bare_taken.scheduler_ms,
            call.worker_ms * in_fleet.worker_ms / bare_taken.worker_ms,
        )

    read_ms = _one(found["reading"], samples=2000)["client_ms"]
    today_ms = _one(found["controller"], devices=100)["a_launch_ms"]
    hosts = found["hosts"]
    return ServiceTimes(
        taken=in_fleet,
        answer=among_others(bare(False, ANSWER_BYTES)),
        direct_taken=among_others(bare(True, TAKEN_BYTES)),
        direct_answer=among_others(bare(True, ANSWER_BYTES)),
        plain=among_others(Call(plain["client_ms"], 0.0, plain["worker_ms"])),
        read_ms=read_ms,
        # What a launch costs today's controller beside reading and storing it.
        loop_ms=max(0.0, today_ms - file_alone["client_ms"] - read_ms),
        # What SSH hosts cost today's controller is the gateway's from now on, which stores none.
        agent_ms=max(0.0, hosts["a_launch_ms"] - file_alone["client_ms"]),
        connect_ms=hosts["connecting_ms"],
        commit_client_ms=many["client_ms"],
        commit_server_ms=many["server_ms"],
        commit_wait_ms=max(0.0, alone["median_ms"] - alone["client_ms"] - alone["server_ms"]),
        together_client_ms=together["client_ms"],
        together_server_ms=together["server_ms"],
        between_ms=found["launches"]["x86"]["between_ms"],
        launches_ms={
            kind: tuple(tuple(cell) for cell in one["cells"])
            for kind, one in found["launches"].items()
        },
    )


def _one(points: Sequence[dict[str, Any]], **wanted: Any) -> dict[str, Any]:
    """Return the one point of these values; StopIteration: there is none."""
    return next(
        point for point in points if all(point[key] == value for key, value in wanted.items())
    )
