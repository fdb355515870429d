"""What a simulated campaign came to: its length over the ideal, and how busy each station was."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from benchmarks.sites.design import Design
from benchmarks.sites.fleet import Fleet

#: The ideal is all of it that a user would see: beyond this, something holds it up.
HELD_UP = 1.1


def told(fleet: Fleet) -> dict[str, Any]:
    """Return the figures as they are written: seconds, shares of time, launches."""
    first_s, makespan_s = min(fleet.began_s), max(fleet.ended_s)
    over_s = makespan_s - first_s
    stations = {
        kind: {
            # Touches may be served after the last launch.
            "utilization": min(1.0, max(one.utilization(makespan_s) for one in some)),
            "waited_ms": 1e3 * sum(one.waited_s for one in some) / sum(one.visits for one in some),
        }
        for kind, some in fleet.stations().items()
    }
    return {
        "devices": fleet.campaign.devices, "sites": fleet.campaign.sites,
        "cells": fleet.campaign.cells, "rounds": fleet.campaign.rounds,
        "launches": fleet.launches, "touches": fleet.touches,
        "makespan_s": makespan_s, "ideal_s": fleet.ideal_s,
        "over_ideal": makespan_s / fleet.ideal_s,
        "launches_per_s": fleet.launches / over_s,
        "first_launch_s": first_s, "last_began_s": max(fleet.began_s),
        "busiest": max(stations, key=lambda kind: stations[kind]["utilization"]),
        "stations": stations,
    }  # fmt: skip


def of_design(design: Design) -> dict[str, Any]:
    """Return in what a design differs from that of one controller."""
    usual = asdict(Design())
    return {key: value for key, value in asdict(design).items() if value != usual[key]}


def rounded(value: Any) -> Any:
    """Return figures with as many digits as are read."""
    if isinstance(value, float):
        return float(f"{value:.5g}")
    if isinstance(value, dict):
        return {key: rounded(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(one) for one in value]
    return value
