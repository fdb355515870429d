"""Prints what a device shows of itself, as a file for this folder; see README.md beside this.

    ssh BOARD python3 - <record.py >BOARD.txt

Python 3.8 is enough, and nothing is needed beside it. Serial numbers and UUIDs are blanked out;
identifiers of one start, and names of hosts and containers, are not asked for.
"""

import glob
import os
import re
import sys

#: What the parsers of facts and conditions read, below the root folder.
FILES = [
    "proc/cpuinfo",
    "proc/meminfo",
    "proc/uptime",
    "proc/loadavg",
    "proc/stat",
    "proc/pressure/cpu",
    "proc/sys/kernel/arch",
    "proc/device-tree/model",
    "proc/device-tree/gpu@*/compatible",
    "proc/device-tree/*/gpu@*/compatible",
    "proc/driver/nvidia/version",
    "proc/driver/nvidia/gpus/*/information",
    "sys/class/dmi/id/sys_vendor",
    "sys/class/dmi/id/product_name",
    "sys/class/dmi/id/board_vendor",
    "sys/hypervisor/type",
    "sys/devices/cpu_core/cpus",
    "sys/devices/cpu_atom/cpus",
    "sys/devices/system/cpu/cpu[0-9]*/cpu_capacity",
    "sys/devices/system/cpu/cpu[0-9]*/cpufreq/cpuinfo_max_freq",
    "sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_cur_freq",
    "sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_governor",
    "sys/devices/system/cpu/cpu[0-9]*/thermal_throttle/*_throttle_count",
    "sys/devices/system/cpu/cpufreq/boost",
    "sys/devices/system/cpu/intel_pstate/no_turbo",
    "sys/devices/system/clocksource/clocksource0/available_clocksource",
    "sys/devices/system/clocksource/clocksource0/current_clocksource",
    "sys/devices/platform/soc*/soc*:firmware/get_throttled",
    "sys/class/thermal/thermal_zone*/type",
    "sys/class/thermal/thermal_zone*/temp",
    "sys/class/thermal/cooling_device*/type",
    "sys/class/thermal/cooling_device*/stats/total_trans",
    "sys/class/hwmon/hwmon*/name",
    "sys/class/hwmon/hwmon*/temp*_input",
    "sys/class/hwmon/hwmon*/oc*_event_cnt",
    "sys/class/drm/*/device/uevent",
    "sys/class/drm/*/device/vendor",
    "sys/class/drm/*/device/device",
    "etc/nv_tegra_release",
]
#: Of a line that begins so, the rest is blanked out.
_PRIVATE = re.compile(r"(?mi)^((?:serial|gpu uuid|device serial)[^:\n]*:).*$")
#: Counters of interrupts name no hardware and are long.
_INTERRUPTS = re.compile(r"(?m)^(?:intr|softirq) .*\n?")


def record(root: str = "/") -> str:
    """Return the files below `root` that can be read, one after the other."""
    pieces = []
    for pattern in FILES:
        for path in sorted(glob.glob(os.path.join(glob.escape(root), pattern))):
            try:
                with open(path, encoding="utf-8", errors="replace") as file:
                    text = file.read()
            except OSError:  # a sensor of a unit that is switched off, or a file for root only
                continue
            text = _INTERRUPTS.sub("", _PRIVATE.sub(r"\1", text)).replace("\0", "\\0")
            pieces.append(f"==> {os.path.relpath(path, root)} <==\n{text}")
    return "\n".join(pieces)


if __name__ == "__main__":
    sys.stdout.write(record())
