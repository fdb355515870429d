"""Checks of what a device has left: disk, memory, swap, and cores that nobody else uses."""

from __future__ import annotations

from collections.abc import Iterator

from benchhub.model.device import UNKNOWN, DeviceProfile, Finding
from benchhub.model.facts import Facts
from benchhub.ondevice.wire import Conditions

#: Below this the device cannot hold models and outputs safely.
LEAST_DISK_BYTES = 200 * 1024**2
LEAST_MEMORY_BYTES = 200 * 1024**2
#: A little of what nobody uses lies in swap on healthy devices too.
MOST_SWAP_BYTES = 64 * 1024**2


def checks(profile: DeviceProfile, facts: Facts, conditions: Conditions) -> Iterator[Finding]:
    """Yield what was found of the device's resources."""
    yield _disk(facts)
    yield _memory(conditions)
    yield _swap(facts)
    yield _load(profile, facts, conditions)


def in_memory(conditions: Conditions, largest_bytes: int) -> Iterator[Finding]:
    """Yield a doubt where the largest file of a run is larger than the memory that is free."""
    memory = conditions.memory_available_bytes
    if memory is not None and largest_bytes > memory:
        yield Finding(
            "memory", "warn",
            f"{memory / 2**20:.0f} MiB of memory available, and a file of the run has"
            f" {largest_bytes / 2**20:.0f} MiB",
            "what loads it may be killed, or measures its disk",
            "stop other programs there, or leave that model out",
        )  # fmt: skip


def _disk(facts: Facts) -> Finding:
    free = facts.number("disk_free_bytes")
    if free is None:
        return Finding("disk", UNKNOWN, "free space unavailable")
    if free < LEAST_DISK_BYTES:
        return Finding(
            "disk", "refuse", f"{free / 2**20:.0f} MiB of disk free", "models may not fit",
            "free some space, or set device.root to a larger disk",
        )  # fmt: skip
    return Finding("disk", "ok", f"{free / 2**30:.1f} GiB of disk free")


def _memory(conditions: Conditions) -> Finding:
    memory = conditions.memory_available_bytes
    if memory is None:
        return Finding("memory", UNKNOWN, "unavailable")
    if memory < LEAST_MEMORY_BYTES:
        return Finding(
            "memory", "warn", f"{memory / 2**20:.0f} MiB of memory available",
            "a swapping device measures its disk", "stop other programs",
        )  # fmt: skip
    return Finding("memory", "ok", f"{memory / 2**30:.1f} GiB of memory available")


def _swap(facts: Facts) -> Finding:
    used = facts.number("swap_used_bytes")
    if used is None:
        return Finding("swap", UNKNOWN, "unavailable")
    if used > MOST_SWAP_BYTES:
        return Finding(
            "swap", "warn", f"{used / 2**20:.0f} MiB in swap",
            "a model or its runtime may be read back from disk while it is timed",
            "stop other programs, then run `sudo swapoff -a && sudo swapon -a` on the device",
        )  # fmt: skip
    return Finding("swap", "ok", f"{used / 2**20:.0f} MiB in swap")


def _load(profile: DeviceProfile, facts: Facts, conditions: Conditions) -> Finding:
    load, cores = conditions.load_1m, facts.number("cores_logical") or 1
    if load is None:
        return Finding("load", UNKNOWN, "unavailable")
    if profile.max_load is not None and load > profile.max_load:
        return Finding(
            "load", "refuse", f"load {load:.2f}, limit {profile.max_load:.2f}",
            "other programs share the cores", "stop them, or raise limits.max_load",
        )  # fmt: skip
    if load > 0.5 * cores:
        return Finding(
            "load", "warn", f"load {load:.2f} on {cores} cores",
            "other programs share the cores", "stop them for steadier figures",
        )  # fmt: skip
    return Finding("load", "ok", f"load {load:.2f} on {cores} cores")
