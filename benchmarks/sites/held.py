"""The simulation held against runs that were made in earnest, with the same service times."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from typing import Any

from benchmarks.sites import service_times
from benchmarks.sites.design import Design, Network
from benchmarks.sites.fleet import Campaign, simulated
from benchmarks.sites.service_times import Call, ServiceTimes

_NOTHING = Call(0.0, 0.0, 0.0)
_LOOPBACK = Network(1e12, 0.0, 1e12, 1e12, 2)


def held(times: ServiceTimes) -> list[dict[str, Any]]:
    """Return each run's length, and the simulated one, with the processor time of that run.

    Of that alone, and with what the kernel said that the run's threads waited for processors. And
    what a launch cost the controller there, beside the sum of what was measured part by part.
    """
    measured: dict[str, Any] = json.loads(service_times.FILE.read_text("utf-8"))
    found = []
    for what, of_run in (("controller", _today(measured, times)), ("dask", _dask(measured, times))):
        for run, wall_s, campaign, design, alone, stretched in of_run:
            sims = [
                max(simulated(campaign, design, some, _LOOPBACK).ended_s)
                for some in (alone, stretched)
            ]
            found.append({
                "what": what, "devices": run["devices"],
                "launches": campaign.devices * campaign.cells * campaign.rounds,
                "launch_s": run["launch_s"], "measured_s": wall_s, "simulated_s": sims[0],
                "simulated_busy_s": sims[1], "ratio": wall_s / sims[0],
                "ratio_busy": wall_s / sims[1],
                "client_ms": run.get("client_ms", run.get("a_launch_ms")),
            })  # fmt: skip
    return found


_Run = tuple[dict[str, Any], float, Campaign, Design, ServiceTimes, ServiceTimes]


def _today(measured: dict[str, Any], times: ServiceTimes) -> Iterator[_Run]:
    """Yield runs of today's controller: one processor does all but the launches."""
    for run in measured["controller"]:
        a_launch_ms = run["a_launch_ms"] + run["devices_ms"]
        stretch = run["stretch"]
        of_run = [
            dataclasses.replace(
                _fixed(run["launch_s"]),
                loop_ms=a_launch_ms * factor,
                connect_ms=max(0.0, run["connecting_ms"]) * factor,
            )
            for factor in (1.0, stretch)
        ]
        rounds = run["launches"] // run["devices"]
        campaign = Campaign(run["devices"], 1, 1, rounds, ("fixed",), connecting=True)
        yield run, run["measured_s"], campaign, Design(in_one=True, touched_s=0.0), *of_run


def _dask(measured: dict[str, Any], times: ServiceTimes) -> Iterator[_Run]:
    """Yield the small fleets behind dask, of two calls a launch and no touches."""
    read_ms = next(p["client_ms"] for p in measured["reading"] if p["samples"] == 200)
    for run in measured["in_earnest"]:
        # What is not reading and storing is calls.
        call = Call(
            max(0.0, run["client_ms"] - read_ms - times.commit_client_ms) / 2,
            run["scheduler_ms"] / 2,
            run["worker_ms"] / 2,
        )
        of_run = [
            dataclasses.replace(
                _fixed(run["launch_s"]),
                taken=_slower(call, factor),
                answer=_slower(call, factor),
                read_ms=read_ms * factor[0],
                commit_client_ms=times.commit_client_ms * factor[0],
                commit_server_ms=times.commit_server_ms * factor[2],
                commit_wait_ms=times.commit_wait_ms,
            )
            for factor in (
                (1.0, 1.0, 1.0),
                (run["client_stretch"], run["scheduler_stretch"], run["worker_stretch"]),
            )
        ]
        campaign = Campaign(run["devices"], run["sites"], 1, run["launches"], ("fixed",))
        yield run, run["wall_s"], campaign, Design(calls=2, touched_s=0.0), *of_run


def _fixed(launch_s: float) -> ServiceTimes:
    """Return launches that all last the same, and nothing else."""
    return ServiceTimes(
        taken=_NOTHING, answer=_NOTHING, direct_taken=_NOTHING, direct_answer=_NOTHING,
        plain=_NOTHING, read_ms=0.0, loop_ms=0.0, agent_ms=0.0, connect_ms=0.0,
        commit_client_ms=0.0, commit_server_ms=0.0, commit_wait_ms=0.0, together_client_ms=0.0,
        together_server_ms=0.0, between_ms=0.0, launches_ms={"fixed": ((1e3 * launch_s,),)},
    )  # fmt: skip


def _slower(call: Call, factors: tuple[float, ...]) -> Call:
    client, scheduler, worker = factors
    return Call(call.client_ms * client, call.scheduler_ms * scheduler, call.worker_ms * worker)
