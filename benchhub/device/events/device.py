"""What a device tells of itself: its facts, and the state that it is in."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from benchhub.device.events.told import Count, Figure, Said, Text
from benchhub.model import facts as model
from benchhub.ondevice import wire
from benchhub.outside.masked import all_masked

_Listed = Annotated[tuple[Text, ...], Field(max_length=1024)]


class _Cores(Said):
    name: Text | None
    kind: Text | None
    count: Count
    max_mhz: Count | None
    capacity: Count | None


class _Gpu(Said):
    name: Text | None
    vendor: Text | None
    driver: Text | None
    memory_bytes: Count | None
    compute: Text | None
    source: Text


class _Backend(Said):
    version: Text | None
    reason: Text | None
    python: Text | None = None


class _Throttled(Said):
    now: _Listed
    occurred: _Listed


class ToldFacts(Said):
    """The facts that `ondevice.facts.probe.facts` collects; None: the device cannot tell."""

    hostname: Text
    arch: Text | None
    machine: Text | None
    board: Text | None
    cpu_model: Text | None
    isa_flags: _Listed | None
    cores_logical: Count | None
    cores_physical: Count | None
    cores: Annotated[tuple[_Cores, ...], Field(max_length=64)]
    gpus: Annotated[tuple[_Gpu, ...], Field(max_length=256)]
    memory_bytes: Count | None
    swap_bytes: Count | None
    kernel: Text | None
    os: Text | None
    glibc: Text | None
    musl: bool
    virtualization: Text | None
    container: Text | None
    emulation: Text | None
    python: Text
    executable: Text | None
    packages: Annotated[dict[Text, Text | None], Field(max_length=64)]
    backends: Annotated[dict[Text, _Backend], Field(max_length=256)]
    disk_free_bytes: Count
    clock_resolution_ns: Count
    turbo: bool | None
    clock_source: Text | None
    clock_sources: _Listed | None
    throttled: _Throttled | None
    boot_id: Text | None
    uptime_s: Count | None
    swap_used_bytes: Count | None

    def told(self) -> model.Facts:
        """Return them as the record keeps them."""
        return model.Facts(all_masked(self.model_dump(mode="json", exclude_unset=True)))


class ToldConditions(Said):
    """The state of a device at one moment: see `wire.Conditions`."""

    at_ns: Count
    governor: Text | None
    frequency_mhz: Figure | None
    temperature_c: Figure | None
    throttle_count: Count | None
    load_1m: Annotated[Figure, Field(ge=0)] | None
    cpu_total_ticks: Count | None
    cpu_busy_ticks: Count | None
    cpu_steal_ticks: Count | None
    own_cpu_ticks: Count | None
    pressure_cpu_us: Count | None
    memory_available_bytes: Count | None
    unavailable: Annotated[dict[Text, Text], Field(max_length=32)]

    def told(self) -> wire.Conditions:
        """Return them as the record keeps them."""
        known: dict[str, Any] = {name: getattr(self, name) for name in ToldConditions.model_fields}
        return wire.Conditions(**known)
