"""Kinds of cores: which there are, how many of each, and how fast they may run.

Sources: the Linux kernel's Documentation/ABI/testing/sysfs-devices-system-cpu for cpufreq and
cpu_capacity; sysfs-bus-event_source-devices for `cpu_core` and `cpu_atom` of Intel's hybrids.
"""

from typing import Any, Dict, List, Optional, Tuple

from benchhub.ondevice.facts import cpu
from benchhub.ondevice.facts.kernel_files import parse_list, read_text

_INTEL_HYBRID = (("cpu_core", "performance"), ("cpu_atom", "efficiency"))


def kinds(proc_root: str = "/proc", sys_root: str = "/sys") -> List[Dict[str, Any]]:
    """Return the kinds of cores, the fastest first: {name, kind, count, max_mhz, capacity}.

    `kind` is performance or efficiency where the cores differ and the kernel says which are
    which; `capacity` is the kernel's own measure of a core's speed, 1024 for the fastest.
    """
    hybrid = _hybrid(sys_root)
    counts: Dict[Tuple[Any, ...], int] = {}
    for core in cpu.cores(proc_root):
        number = int(core["processor"])
        folder = "%s/devices/system/cpu/cpu%d" % (sys_root, number)
        khz = _number(folder + "/cpufreq/cpuinfo_max_freq")
        kind = (
            cpu.name_of(core),
            hybrid.get(number),
            None if khz is None else khz // 1000,
            _number(folder + "/cpu_capacity"),
        )
        counts[kind] = counts.get(kind, 0) + 1
    found = [
        {"name": name, "kind": kind, "count": count, "max_mhz": mhz, "capacity": capacity}
        for (name, kind, mhz, capacity), count in counts.items()
    ]
    found.sort(key=lambda one: (-(one["capacity"] or 0), -(one["max_mhz"] or 0), str(one["kind"])))
    capacities = {one["capacity"] for one in found}
    if len(capacities) > 1 and None not in capacities:
        for one in found:
            fastest = one["capacity"] == max(capacities)
            one["kind"] = one["kind"] or ("performance" if fastest else "efficiency")
    return found


def _hybrid(sys_root: str) -> Dict[int, str]:
    found = {}
    for device, kind in _INTEL_HYBRID:
        text = read_text("%s/devices/%s/cpus" % (sys_root, device))
        found.update(dict.fromkeys(parse_list(text or ""), kind))
    return found


def _number(path: str) -> Optional[int]:
    text = read_text(path)
    return int(text) if text and text.isdigit() else None
