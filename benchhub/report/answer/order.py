"""One order of devices for all parts of a report: real ones first, each as the run has them."""

from __future__ import annotations

import dataclasses

from benchhub.model.row import Results


def in_order(result: Results) -> Results:
    """Return results with devices, rows, verdicts and skips in the one order of devices.

    Real devices come before emulated ones; what is of one device keeps its own order.
    """
    devices = tuple(sorted(result.devices, key=lambda device: device.emulated))
    place = {device.name: at for at, device in enumerate(devices)}
    last = len(place)

    def at(name: str) -> int:
        return place.get(name, last)

    return dataclasses.replace(
        result,
        devices=devices,
        rows=tuple(sorted(result.rows, key=lambda row: at(row.device))),
        verdicts=tuple(sorted(result.verdicts, key=lambda one: at(one.device))),
        skips=tuple(sorted(result.skips, key=lambda skip: at(skip.device))),
    )
