"""Is a device fit to measure? Pure checks over its facts and conditions, each with a fix."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from benchhub.model import DeviceProfile, Finding
from benchhub.ondevice.wire import Conditions

#: Below this the device cannot hold models and outputs safely.
LEAST_DISK_BYTES = 200 * 1024**2
LEAST_MEMORY_BYTES = 200 * 1024**2
#: A clock coarser than this cannot time a call of a few microseconds.
COARSEST_CLOCK_NS = 1_000


def findings(
    profile: DeviceProfile,
    facts: Mapping[str, Any],
    conditions: Conditions,
    backends: tuple[str, ...] = (),
) -> tuple[Finding, ...]:
    """Return every check with what was found; `backends` are those a run wants to use."""
    return (
        *_software(facts, backends),
        *_resources(facts, conditions),
        *_clock(facts),
        *_heat(profile, conditions),
        *_load(profile, facts, conditions),
        *_governor(conditions),
    )


def refusal(checks: tuple[Finding, ...]) -> str | None:
    """Return why the device must not measure, in one line, or None."""
    reasons = [f"{f.found}: {f.why}; {f.fix}" for f in checks if f.level == "refuse"]
    return " / ".join(reasons) or None


def _software(facts: Mapping[str, Any], backends: tuple[str, ...]) -> Iterator[Finding]:
    yield Finding("python", "ok", f"Python {facts.get('python')}")
    packages = facts.get("packages") or {}
    for name in ("numpy", "psutil"):
        if packages.get(name):
            yield Finding(name, "ok", f"{name} {packages[name]}")
        elif name == "numpy":
            yield _missing(name, "refuse", "the runner computes with it", facts)
        else:
            yield _missing(name, "warn", "conditions are read from /proc alone", facts)
    installed = facts.get("backends") or {}
    for backend in backends:
        version = (installed.get(backend) or {}).get("version")
        if version:
            yield Finding(f"backend {backend}", "ok", f"{backend} {version}")
        else:
            yield _missing(backend, "warn", "its cells are skipped", facts, f"backend {backend}")


def _missing(
    name: str, level: str, why: str, facts: Mapping[str, Any], check: str | None = None
) -> Finding:
    python = facts.get("executable") or "python3"
    fix = f"run `{python} -m pip install {name}` on the device"
    return Finding(check or name, level, f"{name} is not installed", why, fix)


def _resources(facts: Mapping[str, Any], conditions: Conditions) -> Iterator[Finding]:
    free = facts.get("disk_free_bytes")
    if free is None:
        yield Finding("disk", "ok", "free space unavailable")
    elif free < LEAST_DISK_BYTES:
        yield Finding(
            "disk", "refuse", f"{free / 2**20:.0f} MiB of disk free", "models may not fit",
            "free some space, or set device.root to a larger disk",
        )  # fmt: skip
    else:
        yield Finding("disk", "ok", f"{free / 2**30:.1f} GiB of disk free")
    memory = conditions.memory_available_bytes
    if memory is not None and memory < LEAST_MEMORY_BYTES:
        yield Finding(
            "memory", "warn", f"{memory / 2**20:.0f} MiB of memory available",
            "a swapping device measures its disk", "stop other programs",
        )  # fmt: skip
    elif memory is not None:
        yield Finding("memory", "ok", f"{memory / 2**30:.1f} GiB of memory available")


def _clock(facts: Mapping[str, Any]) -> Iterator[Finding]:
    resolution = facts.get("clock_resolution_ns")
    if resolution is None:
        return
    if resolution > COARSEST_CLOCK_NS:
        yield Finding(
            "clock", "warn", f"clock ticks every {resolution} ns",
            "short calls read as multiples of a tick", "use larger batches on this device",
        )  # fmt: skip
    else:
        yield Finding("clock", "ok", f"clock ticks every {resolution} ns")


def _heat(profile: DeviceProfile, conditions: Conditions) -> Iterator[Finding]:
    limit, now = profile.max_temperature_c, conditions.temperature_c
    if now is None:
        yield Finding("temperature", "ok", "unavailable")
    elif limit is not None and now >= limit:
        yield Finding(
            "temperature", "refuse", f"{now:.0f} C, limit {limit:.0f} C",
            "a hot device throttles", "let it cool or improve its cooling, then run again",
        )  # fmt: skip
    else:
        yield Finding("temperature", "ok", f"{now:.0f} C")


def _load(
    profile: DeviceProfile, facts: Mapping[str, Any], conditions: Conditions
) -> Iterator[Finding]:
    load, cores = conditions.load_1m, facts.get("cores_logical") or 1
    if load is None:
        yield Finding("load", "ok", "unavailable")
    elif profile.max_load is not None and load > profile.max_load:
        yield Finding(
            "load", "refuse", f"load {load:.2f}, limit {profile.max_load:.2f}",
            "other programs share the cores", "stop them, or raise limits.max_load",
        )  # fmt: skip
    elif load > 0.5 * cores:
        yield Finding(
            "load", "warn", f"load {load:.2f} on {cores} cores",
            "other programs share the cores", "stop them for steadier figures",
        )  # fmt: skip
    else:
        yield Finding("load", "ok", f"load {load:.2f} on {cores} cores")


def _governor(conditions: Conditions) -> Iterator[Finding]:
    governor = conditions.governor
    if governor is None:
        yield Finding("governor", "ok", "unavailable")
    elif governor == "performance":
        yield Finding("governor", "ok", governor)
    else:
        yield Finding(
            "governor", "warn", f"CPU governor {governor}",
            "the clock follows the load, so short cells read slower",
            "run `sudo cpupower frequency-set -g performance` on the device",
        )  # fmt: skip
