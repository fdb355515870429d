"""The scenarios: how many devices at how many sites, driven how, and what goes wrong."""

from __future__ import annotations

import itertools
import multiprocessing
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from typing import Any

from benchmarks.sites import service_times
from benchmarks.sites.design import Design, Network, bound_s, calls_of, cycle_s, fits, per_launch
from benchmarks.sites.fleet import Campaign, simulated
from benchmarks.sites.held import held
from benchmarks.sites.result import of_design, told
from benchmarks.sites.service_times import FILE as MEASURED
from benchmarks.sites.service_times import ServiceTimes

FILE = MEASURED.with_name("simulation.json")
#: A suite of 67 cells with 10 launches each, and a small one.
FULL, SMALL = (67, 10), (12, 3)
SIZES, SITES = (100, 1000, 10_000), (1, 5, 20)
SWEEP = (25, 50, 75, 100, 150, 200, 300, 400, 600, 1000)
NETWORK = Network()
#: Each alone, to what is built.
ALONE: dict[str, Design] = {
    "as built": Design(),
    "2 controllers": Design(clients=2),
    "2 controllers, 2 schedulers": Design(clients=2, schedulers=2),
    "answers past the scheduler": Design(direct=True),
    "two calls a launch": Design(calls=2),
    "temperature asked before each launch": Design(asked_before=True),
    "no touches": Design(touched_s=0.0),
    "20 messages of a site in a call": Design(together=20, window_s=0.05),
    "a socket a gateway, no dask": Design(plain=True),
    "100 launches a transaction": Design(commits_together=100),
    "lines read at the gateway": Design(read_at_gateway=True),
    "4 gateway processes a site": Design(gateways=4),
    "answers packed to a quarter": Design(packed=0.25),
}
#: One after another, each with all before it.
STEPS: dict[str, dict[str, Any]] = {
    "as built": {},
    "a socket a gateway, no dask": {"plain": True},
    "100 launches a transaction": {"commits_together": 100},
    "lines read at the gateway": {"read_at_gateway": True},
    "2 gateway processes a site": {"gateways": 2},
    "answers packed to a quarter": {"packed": 0.25},
    "4 controllers": {"clients": 4},
    "8 controllers": {"clients": 8},
    "16 controllers": {"clients": 16},
}
#: With dask: so many controllers, each with a scheduler of its own.
WITH_DASK = (16, 32, 64)


def steps() -> Iterator[tuple[str, Design]]:
    """Yield the steps with the design that each comes to."""
    design = Design()
    for name, changes in STEPS.items():
        design = replace(design, **changes)
        yield name, design


def last() -> Design:
    """Return what all steps come to."""
    return list(steps())[-1][1]


@dataclass(frozen=True, slots=True)
class Job:
    """One simulation, and what it is told with."""

    campaign: Campaign
    design: Design
    told: dict[str, Any]


def run(times: ServiceTimes, only: Iterable[str], before: dict[str, Any]) -> dict[str, Any]:
    """Return the figures of every scenario: those named `only` anew, all where none is.

    `full` is ten minutes of a processor's time, and only made where it is named.
    """
    found = dict(before) | {"schema": 1, "network": asdict(NETWORK), "seed": Campaign(1, 1).seed}
    wanted = list(only) or ["paper", "held", *(name for name in JOBS if name != "full")]
    if "paper" in wanted:
        found["paper"] = _paper(times)
    if "held" in wanted:
        found["held"] = held(times)
    names = [name for name in JOBS if name in wanted]
    made: dict[str, list[dict[str, Any]]] = {}
    jobs = [(name, job) for name in names for job in JOBS[name]()]
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        figures = pool.map(_of, (job for _, job in jobs), itertools.repeat(times))
        for (name, job), figure in zip(jobs, figures, strict=True):
            made.setdefault(name, []).append(figure)
            print(name, job.told or job.campaign.devices, file=sys.stderr, flush=True)
    return found | made


def _of(job: Job, times: ServiceTimes) -> dict[str, Any]:
    campaign, design = job.campaign, job.design
    fleet = simulated(campaign, design, times, NETWORK)
    demands = per_launch(times, design, NETWORK, campaign.sites)
    slower = campaign.slower
    mean_s = slower * times.mean(campaign.kinds, lambda each_s: each_s)
    calls = times.mean(campaign.kinds, lambda each_s: calls_of(slower * each_s, design))
    room = fits(times, design, NETWORK, campaign.sites, mean_s, calls)
    return {
        **job.told,
        **told(fleet),
        "design": of_design(design),
        "bound_s": bound_s(demands, fleet.launches),
        "fits": {name: int(count) for name, count in room.items()},
    }


def _paper(times: ServiceTimes) -> dict[str, Any]:
    """Return the arithmetic for what is built: of a launch the work of each station, and how many
    devices it keeps up with at 20 sites."""
    design = Design()
    demands = per_launch(times, design, NETWORK, 20)
    mean_s = times.mean(("x86",), lambda each_s: each_s)
    each_s = cycle_s(demands, design, NETWORK, mean_s)
    return {
        "launch_s": mean_s,
        "cycle_s": each_s,
        "stations": {
            name: {
                "ms": 1e3 * one.launch_s, "touch_ms": 1e3 * one.touches * design.touched_s,
                "servers": one.servers, "devices": int(one.devices(each_s)),
                "most_per_s": one.devices(each_s) / each_s,
                "wanted": 10_000 / one.devices(each_s),
            }
            for name, one in demands.items()
        },
    }  # fmt: skip


def _sweep() -> Iterator[Job]:
    for devices in SWEEP:
        yield Job(Campaign(devices, 5, *SMALL), Design(), {})


def _sizes() -> Iterator[Job]:
    gateway = per_launch(service_times.read(), Design(), NETWORK, 1)["gateway"]
    for devices in SIZES:
        for sites in SITES:
            if devices * gateway.touches > sites:
                continue  # whose touches alone a gateway does not keep up with: no run ends
            for suite in (SMALL, FULL) if devices < 10_000 else (SMALL,):
                yield Job(Campaign(devices, sites, *suite), Design(), {})


def _slower() -> Iterator[Job]:
    for devices in SIZES:
        yield Job(Campaign(devices, 20, *SMALL, slower=3.0), Design(), {"slower": 3.0})


def _alone() -> Iterator[Job]:
    for name, design in ALONE.items():
        yield Job(Campaign(1000, 5, *SMALL), design, {"step": name})


def _steps() -> Iterator[Job]:
    for name, design in steps():
        yield Job(Campaign(10_000, 20, *SMALL), design, {"step": name})


def _with_dask() -> Iterator[Job]:
    for count in WITH_DASK:
        design = Design(clients=count, schedulers=count, gateways=4, packed=0.25)
        yield Job(Campaign(10_000, 20, *SMALL), design, {})


def _faults() -> Iterator[Job]:
    """Yield devices at five sites: as they should be, with dead devices and cut launches, and with
    one site's link down for ten minutes."""
    for devices, design, built in ((100, Design(), "as built"), (1000, last(), "all steps")):
        usual = Campaign(devices, 5, *FULL)
        cases = {
            "nothing goes wrong": usual,
            "1 % dead, 1 launch in 1,000 cut": replace(usual, dead=0.01, cut=0.001),
            "a site parted for 10 minutes": replace(usual, parted=(60.0, 660.0)),
        }
        for name, campaign in cases.items():
            yield Job(campaign, design, {"built": built, "case": name})


def _models() -> Iterator[Job]:
    for devices in (1000, 10_000):
        for cached in (True, False):
            brought = Campaign(devices, 20, *SMALL, models=10, model_bytes=200e6, cached=cached)
            yield Job(brought, last(), {"cached": cached})


def _full() -> Iterator[Job]:
    yield Job(Campaign(10_000, 20, *FULL), Design(), {})


#: What each part of the figures is simulated from.
JOBS: dict[str, Callable[[], Iterator[Job]]] = {
    "sweep": _sweep, "sizes": _sizes, "slower": _slower, "alone": _alone, "steps": _steps,
    "with_dask": _with_dask, "faults": _faults, "models": _models, "full": _full,
}  # fmt: skip
