"""The state of a device at one moment, as the store keeps it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from benchhub.ondevice.wire import Conditions
from benchhub.store.stored.record import Record, parsed, written


class ConditionsV1(Record):
    """Since schema 0001."""

    at_ns: int
    governor: str | None = None
    frequency_mhz: int | float | None = None
    temperature_c: int | float | None = None
    throttle_count: int | None = None
    load_1m: int | float | None = None
    cpu_total_ticks: int | None = None
    cpu_busy_ticks: int | None = None
    cpu_steal_ticks: int | None = None
    own_cpu_ticks: int | None = None
    pressure_cpu_us: int | None = None
    memory_available_bytes: int | None = None
    unavailable: Mapping[str, str] = {}


_NAMES = tuple(field.name for field in dataclasses.fields(Conditions))


def write_conditions(conditions: Conditions) -> dict[str, Any]:
    """Return conditions as JSON types."""
    return written(ConditionsV1(**{name: getattr(conditions, name) for name in _NAMES}))


def read_conditions(raw: Mapping[str, Any]) -> Conditions:
    """Invert `write_conditions`, or raise Misfit."""
    return Conditions(**parsed("condition", raw, ConditionsV1).model_dump(exclude={"v"}))
