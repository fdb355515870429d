"""How a device's clocks are set: turbo, the kernel's clock source, throttling, swap in use.

Sources: the kernel's Documentation/admin-guide/pm/intel_pstate (no_turbo) and cpufreq (boost),
Documentation/ABI for clocksource; Raspberry Pi's documentation of vcgencmd get_throttled for the
bits; NVIDIA's Jetson Linux Developer Guide for the over-current counters of soctherm.
"""

import glob
from typing import Any, Dict, List, Optional

from benchhub.ondevice.facts.kernel_files import read_text

#: Bits of get_throttled; 16 higher: the same has occurred.
_THROTTLED = ("under-voltage", "clock capped", "throttled", "soft temperature limit")
RASPBERRY = "/devices/platform/soc*/soc*:firmware/get_throttled"
OVER_CURRENT = "/class/hwmon/hwmon*/oc*_event_cnt"


def settings(proc_root: str = "/proc", sys_root: str = "/sys") -> Dict[str, Any]:
    """Return turbo, clock_source, clock_sources, throttled, boot_id, uptime_s, swap_used_bytes."""
    sources = sys_root + "/devices/system/clocksource/clocksource0/"
    uptime = (read_text(proc_root + "/uptime") or "").split()
    return {
        "turbo": turbo(sys_root),
        "clock_source": read_text(sources + "current_clocksource"),
        "clock_sources": (read_text(sources + "available_clocksource") or "").split() or None,
        "throttled": throttled(sys_root),
        "boot_id": read_text(proc_root + "/sys/kernel/random/boot_id"),
        "uptime_s": round(float(uptime[0])) if uptime else None,
        "swap_used_bytes": swap_used_bytes(proc_root),
    }


def turbo(sys_root: str) -> Optional[bool]:
    """Return whether the processor may go above its nominal clock, None if it cannot be told."""
    forbidden = read_text(sys_root + "/devices/system/cpu/intel_pstate/no_turbo")
    if forbidden in ("0", "1"):
        return forbidden == "0"
    allowed = read_text(sys_root + "/devices/system/cpu/cpufreq/boost")
    return allowed == "1" if allowed in ("0", "1") else None


def throttled(sys_root: str) -> Optional[Dict[str, List[str]]]:
    """Return what slows the device down {now, occurred}, None where nothing counts it."""
    value = throttled_bits(sys_root)
    if value is not None:
        return decode_throttled(value)
    counters = {
        path.rsplit("/", 1)[1].split("_", 1)[0]: read_text(path)
        for path in sorted(glob.glob(sys_root + OVER_CURRENT))
    }
    if not counters:
        return None
    happened = ["%s x%s" % (_OVER_CURRENT.get(n, n), c) for n, c in counters.items() if c != "0"]
    return {"now": [], "occurred": happened}


_OVER_CURRENT = {
    "oc1": "under-voltage", "oc2": "average over-current", "oc3": "instantaneous over-current",
}  # fmt: skip


def throttled_bits(sys_root: str) -> Optional[int]:
    """Return a Raspberry Pi's get_throttled, None on other devices."""
    for path in sorted(glob.glob(sys_root + RASPBERRY)):
        text = read_text(path)
        try:
            return int(text, 16) if text else None
        except ValueError:
            return None
    return None


def decode_throttled(value: int) -> Dict[str, List[str]]:
    """Return the words for the bits of get_throttled."""
    return {
        "now": [name for bit, name in enumerate(_THROTTLED) if value >> bit & 1],
        "occurred": [name for bit, name in enumerate(_THROTTLED) if value >> bit + 16 & 1],
    }


def swap_used_bytes(proc_root: str) -> Optional[int]:
    """Return how much of what runs lies in swap."""
    found = {}
    for line in (read_text(proc_root + "/meminfo") or "").splitlines():
        words = line.split()
        if words[0] in ("SwapTotal:", "SwapFree:"):
            found[words[0]] = int(words[1]) * 1024
    return found["SwapTotal:"] - found["SwapFree:"] if len(found) == 2 else None
