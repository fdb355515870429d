"""The scenarios: how many devices at how many sites, driven how, and what goes wrong."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

from benchmarks.sites.design import Design, Network, bound_s, fits, per_launch
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
    "one call a launch": Design(calls=1),
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
    "2 controllers": {"clients": 2},
    "4 controllers": {"clients": 4},
    "8 controllers": {"clients": 8},
}
#: With dask: so many controllers, each with a scheduler of its own.
WITH_DASK = (8, 16, 32, 64)


def steps() -> Iterator[tuple[str, Design]]:
    """Yield the steps with the design that each comes to."""
    design = Design()
    for name, changes in STEPS.items():
        design = replace(design, **changes)
        yield name, design


def last() -> Design:
    """Return what all steps come to."""
    return list(steps())[-1][1]


def run(times: ServiceTimes, only: Iterable[str], before: dict[str, Any]) -> dict[str, Any]:
    """Return the figures of every scenario: those named `only` anew, all where none is."""
    parts: dict[str, Callable[[], Any]] = {
        "paper": lambda: _paper(times),
        "held": lambda: held(times),
        "sweep": lambda: [_of(Campaign(count, 5, *SMALL), Design(), times) for count in SWEEP],
        "sizes": lambda: list(_sizes(times)),
        "slower": lambda: [
            _of(Campaign(count, 20, *SMALL, slower=3.0), Design(), times) for count in SIZES
        ],
        "alone": lambda: [
            {"step": name, **_of(Campaign(10_000, 20, *SMALL), design, times)}
            for name, design in ALONE.items()
        ],
        "steps": lambda: [
            {"step": name, **_of(Campaign(10_000, 20, *SMALL), design, times)}
            for name, design in steps()
        ],
        "with_dask": lambda: [
            _of(
                Campaign(10_000, 20, *SMALL),
                Design(clients=count, schedulers=count, gateways=4, packed=0.25),
                times,
            )
            for count in WITH_DASK
        ],
        "faults": lambda: list(_faults(times)),
        "models": lambda: list(_models(times)),
        "full": lambda: [_of(Campaign(10_000, 20, *FULL), Design(), times)],
    }
    found = dict(before) | {"schema": 1, "network": _network(), "seed": Campaign(1, 1).seed}
    for name, part in parts.items():
        if (only and name not in only) or (name == "full" and not only):
            continue
        began = time.perf_counter()
        found[name] = part()
        print(f"{name}: {time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)
    return found


def _network() -> dict[str, Any]:
    return {name: getattr(NETWORK, name) for name in NETWORK.__slots__}


def _of(campaign: Campaign, design: Design, times: ServiceTimes) -> dict[str, Any]:
    fleet = simulated(campaign, design, times, NETWORK)
    demands = per_launch(times, design, NETWORK, campaign.sites)
    mean_s = times.mean_launch_s(campaign.kinds) * campaign.slower
    room = fits(times, design, NETWORK, campaign.sites, mean_s)
    return {
        **told(fleet),
        "slower": campaign.slower,
        "design": of_design(design),
        "bound_s": bound_s(demands, fleet.launches),
        "fits": {name: int(count) for name, count in room.items()},
    }


def _paper(times: ServiceTimes) -> dict[str, Any]:
    """Return the arithmetic for what is built: of a launch the work of each station, and how many
    devices it keeps up with at 20 sites."""
    demands = per_launch(times, Design(), NETWORK, 20)
    mean_s = times.mean_launch_s(("x86",))
    room = fits(times, Design(), NETWORK, 20, mean_s)
    return {
        "launch_s": mean_s,
        "per_s": 10_000 / mean_s,
        "stations": {
            name: {
                "ms": 1e3 * seconds, "servers": servers, "most_per_s": servers / seconds,
                "devices": int(room[name]), "wanted": 10_000 / mean_s * seconds / servers,
            }
            for name, (seconds, servers) in demands.items()
        },
    }  # fmt: skip


def _sizes(times: ServiceTimes) -> Iterator[dict[str, Any]]:
    for devices in SIZES:
        for sites in SITES:
            for suite in (SMALL, FULL) if devices < 10_000 else (SMALL,):
                yield _of(Campaign(devices, sites, *suite), Design(), times)


def _faults(times: ServiceTimes) -> Iterator[dict[str, Any]]:
    """Yield a thousand devices at five sites: as they should be, with dead devices and cut
    launches, and with one site's link down for ten minutes."""
    usual = Campaign(1000, 5, 67, 10)
    cases = {
        "nothing": usual,
        "1 % dead, 1 launch in 1,000 cut": replace(usual, dead=0.01, cut=0.001, connecting=True),
        "one site parted for 10 minutes": replace(usual, parted=(60.0, 660.0)),
    }
    for design, built in ((Design(), "as built"), (last(), "all steps")):
        for name, campaign in cases.items():
            fleet = simulated(campaign, design, times, NETWORK)
            found = told(fleet)
            yield {"case": name, "design_is": built, **found}


def _models(times: ServiceTimes) -> Iterator[dict[str, Any]]:
    for cached in (True, False):
        for devices, sites in ((1000, 20), (10_000, 20)):
            campaign = Campaign(
                devices, sites, *SMALL, models=10, model_bytes=200e6, cached=cached
            )
            yield {"cached": cached, **told(simulated(campaign, last(), times, NETWORK))}
