"""Checks of a device's clocks: the one that times, and the one that is timed."""

from __future__ import annotations

from collections.abc import Iterator

from benchhub.model.device import UNKNOWN, DeviceProfile, Finding
from benchhub.model.facts import Facts
from benchhub.ondevice.wire import Conditions

#: A clock coarser than this cannot time a call of a few microseconds.
COARSEST_CLOCK_NS = 1_000
#: Reading one of these costs about a microsecond or more, or it only ticks every few milliseconds.
SLOW_CLOCK_SOURCES = ("hpet", "acpi_pm", "jiffies", "refined-jiffies", "pit")


def checks(profile: DeviceProfile, facts: Facts, conditions: Conditions) -> Iterator[Finding]:
    """Yield what was found of the device's clocks and of what slows them down."""
    yield from _resolution(facts)
    yield from _source(facts)
    yield _governor(facts, conditions)
    yield _turbo(facts)
    yield _temperature(profile, conditions)
    yield _throttling(facts)


def _resolution(facts: Facts) -> Iterator[Finding]:
    resolution = facts.number("clock_resolution_ns")
    if resolution is None:
        yield Finding("clock", UNKNOWN, "resolution unavailable")
    elif resolution > COARSEST_CLOCK_NS:
        yield Finding(
            "clock", "warn", f"clock ticks every {resolution} ns",
            "short calls read as multiples of a tick", "use larger batches on this device",
        )  # fmt: skip
    else:
        yield Finding("clock", "ok", f"clock ticks every {resolution} ns")


def _source(facts: Facts) -> Iterator[Finding]:
    source = facts.text("clock_source")
    if source is None:
        yield Finding("clock source", UNKNOWN, "unavailable")
        return
    if source not in SLOW_CLOCK_SOURCES:
        yield Finding("clock source", "ok", source)
        return
    better = [n for n in facts.words("clock_sources") or () if n not in SLOW_CLOCK_SOURCES]
    path = "/sys/devices/system/clocksource/clocksource0/current_clocksource"
    fix = f"run `echo {better[0]} | sudo tee {path}` on the device" if better else (
        "start the kernel with `tsc=reliable` if the processor has a steady counter"
    )  # fmt: skip
    yield Finding(
        "clock source", "warn", f"the kernel reads {source}",
        "every look at the clock is slow, and counts in short calls", fix,
    )  # fmt: skip


def _governor(facts: Facts, conditions: Conditions) -> Finding:
    governor = conditions.governor
    if governor is None:
        return Finding("governor", UNKNOWN, _unavailable(conditions, "governor"))
    if governor == "performance":
        return Finding("governor", "ok", governor)
    fix = "run `sudo cpupower frequency-set -g performance` on the device"
    if _is_arm(facts):  # cpupower is rarely installed on boards
        files = "/sys/devices/system/cpu/cpu*/cpufreq/scaling_governor"
        fix = f"run `echo performance | sudo tee {files}` on the device"
    if any("Jetson" in str(gpu.name) for gpu in facts.gpus):
        fix = "run `sudo nvpmodel -m 0 && sudo jetson_clocks` on the device"
    return Finding(
        "governor", "warn", f"CPU governor {governor}",
        "the clock follows the load, so short cells read slower", fix,
    )  # fmt: skip


def _unavailable(conditions: Conditions, field: str) -> str:
    reason = conditions.unavailable.get(field)
    return f"unavailable: {reason}" if reason else "unavailable"


def _is_arm(facts: Facts) -> bool:
    return (facts.arch or "").startswith(("arm", "aarch64"))


def _turbo(facts: Facts) -> Finding:
    turbo = facts.told.get("turbo")
    if turbo is None:
        return Finding("turbo", UNKNOWN, "unavailable: no such switch in /sys")
    if not turbo:
        return Finding("turbo", "ok", "off")
    fix = "run `echo 0 | sudo tee /sys/devices/system/cpu/cpufreq/boost` on the device"
    if "Intel" in (facts.text("cpu_model") or ""):
        fix = "run `echo 1 | sudo tee /sys/devices/system/cpu/intel_pstate/no_turbo` on the device"
    return Finding(
        "turbo", "warn", "on", "the clock falls once the processor is warm or more cores work", fix
    )


def _temperature(profile: DeviceProfile, conditions: Conditions) -> Finding:
    limit, now = profile.max_temperature_c, conditions.temperature_c
    if now is None and limit is not None:
        return Finding(
            "temperature", "warn", "unavailable", f"the limit of {limit:.0f} C cannot be kept",
            "drop limits.max_temperature_c, or load the driver of its sensor",
        )  # fmt: skip
    if now is None:
        return Finding("temperature", UNKNOWN, _unavailable(conditions, "temperature_c"))
    if limit is not None and now >= limit:
        return Finding(
            "temperature", "refuse", f"{now:.0f} C, limit {limit:.0f} C",
            "a hot device throttles", "let it cool (a run waits for that), or improve its cooling",
        )  # fmt: skip
    return Finding("temperature", "ok", f"{now:.0f} C")


def _throttling(facts: Facts) -> Finding:
    throttled = facts.throttled
    if throttled is None:
        return Finding("throttling", UNKNOWN, "unavailable: nothing in /sys tells")
    now, occurred = throttled.now, throttled.occurred
    if not now and not occurred:
        return Finding("throttling", "ok", "none since the device was started")
    found = [f"now: {', '.join(now)}"] if now else []
    found += [f"since start: {', '.join(occurred)}"] if occurred else []
    words = " ".join((*now, *occurred))
    power = "under-voltage" in words or "over-current" in words
    fix = "improve its cooling, then restart it to clear this"
    if power:
        fix = "use a stronger power supply and a short cable, then restart it to clear this"
    return Finding("throttling", "warn", "; ".join(found), "the clock is held down meanwhile", fix)
