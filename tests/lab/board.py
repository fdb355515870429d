"""The files in which a translated device's board shows itself: /proc/cpuinfo and a small /sys.

Without them it would show this machine's. Layout: the kernel's Documentation/ABI/testing for
sysfs-devices-system-cpu and sysfs-class-thermal, Documentation/admin-guide/pm/cpufreq.rst.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

CORES = 2
_GOVERNORS = ("performance", "powersave", "schedutil")
_KHZ = {"performance": 1_500_000, "powersave": 600_000, "schedutil": 1_500_000}
_CPU = {
    "arm64": (
        "fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc"
        " dcpop asimddp",
        "8",
        "0xd0b",
    ),
    "armhf": ("half thumb fastmult vfp edsp neon vfpv3 tls vfpv4 idiva idivt lpae", "7", "0xc0f"),
}
#: What QEMU is told to be, so that it has the instructions that cpuinfo names.
QEMU_CPU = {"arm64": "cortex-a76", "armhf": "cortex-a15"}


@dataclass(frozen=True)
class Board:
    """A board whose files lie in `folder`; a device that has them mounted sees every change."""

    folder: Path
    architecture: str

    @property
    def cpuinfo(self) -> Path:
        """What the device sees as /proc/cpuinfo."""
        return self.folder / "cpuinfo"

    @property
    def sys(self) -> Path:
        """What the device sees as /sys."""
        return self.folder / "sys"

    def make(self) -> None:
        """Write a cool board with governor performance."""
        features, version, part = _CPU[self.architecture]
        core = (
            "processor\t: {}\nBogoMIPS\t: 108.00\n"
            f"Features\t: {features}\nCPU implementer\t: 0x41\nCPU architecture: {version}\n"
            f"CPU variant\t: 0x1\nCPU part\t: {part}\nCPU revision\t: 0\n\n"
        )
        self.sys.mkdir(parents=True)
        self.cpuinfo.write_text("".join(core.format(number) for number in range(CORES)))
        cpus = "devices/system/cpu"
        everyone = f"0-{CORES - 1}"
        for name in ("online", "possible", "present"):
            self._put(f"{cpus}/{name}", everyone)
        for number in range(CORES):
            cpu = f"{cpus}/cpu{number}"
            self._put(f"{cpu}/online", 1)
            self._put(f"{cpu}/topology/core_id", number)
            self._put(f"{cpu}/topology/physical_package_id", 0)
            for names, cores in (
                (("core_siblings", "package_cpus"), range(CORES)),
                (("thread_siblings", "core_cpus"), (number,)),
            ):
                for name in names:
                    self._put(f"{cpu}/topology/{name}", f"{sum(1 << core for core in cores):x}")
                    listed = ",".join(map(str, cores))
                    self._put(f"{cpu}/topology/{name}_list", listed)
            # Who this core is by its own register: oneDNN and others ask it.
            midr = 0x41 << 24 | 1 << 20 | 0xF << 16 | int(part, 16) << 4
            self._put(f"{cpu}/regs/identification/midr_el1", f"0x{midr:016x}")
            self._put(f"{cpu}/cpufreq/scaling_available_governors", " ".join(_GOVERNORS))
            for limit, governor in (("min", "powersave"), ("max", "performance")):
                self._put(f"{cpu}/cpufreq/cpuinfo_{limit}_freq", _KHZ[governor])
                self._put(f"{cpu}/cpufreq/scaling_{limit}_freq", _KHZ[governor])
        self.set_governor("performance")
        self._put("class/thermal/thermal_zone0/type", "cpu-thermal")
        self.set_temperature(45.0)
        self._put("class/thermal/cooling_device0/type", "cpufreq-cpu0")
        self._put("class/thermal/cooling_device0/cur_state", 0)
        self._put("class/thermal/cooling_device0/max_state", 4)
        self._put("class/thermal/cooling_device0/stats/total_trans", 0)

    def set_governor(self, name: str) -> None:
        """Set the frequency governor of every core, and the clock that goes with it."""
        if name not in _GOVERNORS:
            raise ValueError(f"no governor {name}; there are {', '.join(_GOVERNORS)}")
        for number in range(CORES):
            cpufreq = f"devices/system/cpu/cpu{number}/cpufreq"
            self._put(f"{cpufreq}/scaling_governor", name)
            self._put(f"{cpufreq}/scaling_cur_freq", _KHZ[name])

    def set_temperature(self, celsius: float) -> None:
        """Set what the CPU's sensor reads."""
        self._put("class/thermal/thermal_zone0/temp", round(celsius * 1000))

    def throttle(self) -> None:
        """Let the CPU be slowed down once more."""
        trips = "class/thermal/cooling_device0/stats/total_trans"
        self._put(trips, int((self.sys / trips).read_text()) + 1)

    def _put(self, name: str, value: object) -> None:
        path = self.sys / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{value}\n")
