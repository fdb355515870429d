"""The state of a device at one moment, from /proc and /sys; psutil fills in what they lack.

Sources: proc(5) for /proc/stat, loadavg, meminfo and pressure; the kernel's
Documentation/ABI/testing for cpufreq, thermal zones, cooling devices and thermal_throttle; the
Raspberry Pi firmware's get_throttled. Every reader takes the root it reads below, so recorded
trees can be parsed anywhere.
"""

import glob
import importlib
import os
import time
from typing import Any, Callable, Dict, List, Optional, Tuple

from benchhub.ondevice.facts import settings
from benchhub.ondevice.facts.kernel_files import read_text
from benchhub.ondevice.wire import Conditions

#: Sensors of the processor, by the beginning of their names; `tj` is a Jetson's hottest junction.
_CPU_ZONES = ("cpu", "x86_pkg", "coretemp", "k10temp", "zenpower", "soc", "core", "tj")
_REASONS = {
    "governor": "no cpufreq in /sys",
    "frequency_mhz": "no cpufreq in /sys, no clock in /proc/cpuinfo",
    "temperature_c": "no thermal zone and no hwmon sensor",
    "throttle_count": "no throttle counter in /sys",
    "load_1m": "no /proc/loadavg",
    "cpu_total_ticks": "no /proc/stat",
    "cpu_busy_ticks": "no /proc/stat",
    "cpu_steal_ticks": "no /proc/stat",
    "own_cpu_ticks": "not asked for",
    "pressure_cpu_us": "no /proc/pressure/cpu (kernel without PSI)",
    "memory_available_bytes": "no MemAvailable in /proc/meminfo",
}


def snapshot(
    own_cpu_ticks: Optional[int] = None,
    proc_root: str = "/proc",
    sys_root: str = "/sys",
    with_psutil: bool = True,
) -> Conditions:
    """Return what can be read now, and for every other field why it cannot.

    `own_cpu_ticks` is the CPU time that the caller and its children have used so far.
    `with_psutil` asks psutil, about this machine, for what the two trees do not say.
    """
    found: Dict[str, Any] = {
        "governor": governor(sys_root),
        "frequency_mhz": frequency_mhz(sys_root, proc_root),
        "temperature_c": temperature_c(sys_root),
        "throttle_count": throttle_count(sys_root),
        "load_1m": load_1m(proc_root),
        "own_cpu_ticks": own_cpu_ticks,
        "pressure_cpu_us": pressure_cpu_us(proc_root),
        "memory_available_bytes": memory_available_bytes(proc_root),
    }
    total, busy, steal = cpu_ticks(proc_root)
    found.update(cpu_total_ticks=total, cpu_busy_ticks=busy, cpu_steal_ticks=steal)
    suffix = _fill_from_psutil(found) if with_psutil and None in found.values() else ""
    missing = {
        name: _REASONS[name] + (suffix if name in _PSUTIL else "")
        for name, value in found.items()
        if value is None
    }
    return Conditions(at_ns=time.time_ns(), unavailable=missing, **found)


def governor(sys_root: str) -> Optional[str]:
    """Return the frequency governors in use, comma-separated."""
    pattern = "/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_governor"
    return ",".join(sorted(set(_texts(sys_root + pattern)))) or None


def frequency_mhz(sys_root: str, proc_root: str) -> Optional[float]:
    """Return the mean present clock of the cores."""
    pattern = "/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_cur_freq"
    clocks = [value / 1e3 for value in _numbers(sys_root + pattern)]
    if not clocks:
        for line in (read_text(proc_root + "/cpuinfo") or "").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "cpu MHz":
                clocks.append(float(value))
    return sum(clocks) / len(clocks) if clocks else None


def temperature_c(sys_root: str) -> Optional[float]:
    """Return the hottest CPU sensor, or the hottest of all where none is named after a CPU."""
    readings: List[Tuple[str, float]] = []
    for folder in glob.glob(sys_root + "/class/thermal/thermal_zone*"):
        name = read_text(folder + "/type") or ""
        readings += [(name, value / 1e3) for value in _numbers(folder + "/temp")]
    for folder in glob.glob(sys_root + "/class/hwmon/hwmon*"):
        name = read_text(folder + "/name") or ""
        readings += [(name, value / 1e3) for value in _numbers(folder + "/temp*_input")]
    readings = [(name, value) for name, value in readings if 0 < value < 200]
    cpu = [value for name, value in readings if name.lower().startswith(_CPU_ZONES)]
    return max(cpu or [value for _, value in readings], default=None)


def throttle_count(sys_root: str) -> Optional[int]:
    """Return how often the CPU was slowed down since boot, as the platform counts it.

    x86: thermal_throttle events. ARM: state changes of CPU cooling devices. Jetson: over-current
    events too. Raspberry Pi: how many bits of get_throttled are set, so that one more is a rise.
    """
    events = _numbers(sys_root + "/devices/system/cpu/cpu[0-9]*/thermal_throttle/*_throttle_count")
    for folder in [] if events else glob.glob(sys_root + "/class/thermal/cooling_device*"):
        name = (read_text(folder + "/type") or "").lower()
        if "cpu" in name or "processor" in name:
            events += _numbers(folder + "/stats/total_trans")
    events += _numbers(sys_root + settings.OVER_CURRENT)
    if events:
        return int(sum(events))
    bits = settings.throttled_bits(sys_root)
    return None if bits is None else bin(bits & 0xF000F).count("1")


def load_1m(proc_root: str) -> Optional[float]:
    """Return the load average of the last minute."""
    text = read_text(proc_root + "/loadavg")
    return None if text is None else float(text.split()[0])


def cpu_ticks(proc_root: str) -> Tuple[Optional[int], Optional[int], Optional[int]]:
    """Return (total, busy, stolen) ticks of all cores; busy is neither idle, waiting nor stolen."""
    text = read_text(proc_root + "/stat")
    if text is None or not text.startswith("cpu "):
        return None, None, None
    # user nice system idle iowait irq softirq steal; guest time is part of user time.
    ticks = ([int(word) for word in text.splitlines()[0].split()[1:9]] + [0] * 8)[:8]
    total = sum(ticks)
    return total, total - ticks[3] - ticks[4] - ticks[7], ticks[7]


def pressure_cpu_us(proc_root: str) -> Optional[int]:
    """Return for how long some task has waited for a CPU."""
    for line in (read_text(proc_root + "/pressure/cpu") or "").splitlines():
        if line.startswith("some "):
            return int(line.rsplit("total=", 1)[1])
    return None


def memory_available_bytes(proc_root: str) -> Optional[int]:
    """Return what a new process could use without swapping."""
    for line in (read_text(proc_root + "/meminfo") or "").splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return None


def _ask_frequency(psutil: Any) -> Optional[float]:
    clock = psutil.cpu_freq() if hasattr(psutil, "cpu_freq") else None
    return clock.current or None if clock else None


def _ask_temperature(psutil: Any) -> Optional[float]:
    sensors = psutil.sensors_temperatures() if hasattr(psutil, "sensors_temperatures") else {}
    readings = [entry.current for entries in sensors.values() for entry in entries]
    return max((value for value in readings if 0 < value < 200), default=None)


def _ask_load(psutil: Any) -> Optional[float]:
    load: float = psutil.getloadavg()[0]
    return load


def _ask_memory(psutil: Any) -> Optional[int]:
    available: int = psutil.virtual_memory().available
    return available


_PSUTIL: Dict[str, Callable[[Any], Optional[float]]] = {
    "frequency_mhz": _ask_frequency,
    "temperature_c": _ask_temperature,
    "load_1m": _ask_load,
    "memory_available_bytes": _ask_memory,
}


def _fill_from_psutil(found: Dict[str, Any]) -> str:
    """Fill missing fields in place; return what to add to the reasons of those that stay so."""
    wanted = [name for name in _PSUTIL if found[name] is None]
    if not wanted:
        return ""
    try:
        psutil = importlib.import_module("psutil")
    except ImportError:
        return "; psutil is not installed"
    for name in wanted:
        try:
            found[name] = _PSUTIL[name](psutil)
        except (OSError, NotImplementedError, psutil.Error):
            continue
    return "; psutil does not know either"


def _texts(pattern: str) -> List[str]:
    paths = sorted(glob.glob(pattern), key=os.path.realpath)
    return [text for text in map(read_text, paths) if text]


def _numbers(pattern: str) -> List[float]:
    return [float(text) for text in _texts(pattern) if text.lstrip("-").replace(".", "").isdigit()]
