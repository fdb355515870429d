"""Energy counters that are read on the device itself, before and after the timed calls.

Only counters: a power reading (hwmon `power*_input`, the INA3221 of a Jetson) would have to be
sampled while the calls run, and the sampler would take part in what it measures. Where a device
has nothing but those, energy stays empty.

- RAPL packages: `/sys/class/powercap/intel-rapl:N/{name,energy_uj,max_energy_range_uj}`, which
  AMD's processors have under the same name. Sources: Linux Documentation/power/powercap/
  powercap.rst and Documentation/ABI/testing/sysfs-class-powercap. Zones inside a package and
  `psys`, which contains the packages, are left out, as they count the same energy again.
- hwmon, where there is no RAPL: `hwmonN/energyM_input` in microjoules, named by `energyM_label`.
  Source: Linux Documentation/hwmon/sysfs-interface.rst. Intel's graphics cards have such counters
  too (Documentation/ABI/testing/sysfs-driver-intel-{i915,xe}-hwmon), which tell nothing of a CPU.
- NVML: the GPU that this process computes on, added where CUDA is in use.

What is counted is the whole package or GPU, whoever used it, idle power included.
"""

import contextlib
import os
import re
from typing import Callable, List, NamedTuple, Optional, Tuple

from benchhub.ondevice.facts.kernel_files import read_text

#: A counter must have moved on about this many times before its difference is worth telling.
_STEPS = 10
#: How often the counters move on, at least.
_RAPL_STEP_NS = 1_000_000
_HWMON_STEP_NS = 10_000_000
_NVML_STEP_NS = 50_000_000
_RAPL_ZONE = re.compile(r"intel-rapl:\d+$")
_PACKAGE = re.compile(r"package-\d+(-die-\d+)?$")
_WHOLE_SOCKET = re.compile(r"e?socket\d*$|package|pkg", re.IGNORECASE)

_GRAPHICS = ("i915", "xe")


class Counter(NamedTuple):
    """One counter of microjoules that starts again at 0 past `range_uj` (None: it does not)."""

    name: str
    read: Callable[[], int]
    range_uj: Optional[int]
    step_ns: int


class Used(NamedTuple):
    """Microjoules between two readings and what counted them, or why there are none."""

    energy_uj: Optional[int]
    source: Optional[str]
    unavailable: Optional[str] = None


def moved_uj(before: int, after: int, range_uj: Optional[int]) -> Optional[int]:
    """Return how far a counter moved, at most one turn of its range; None if it went back."""
    if after >= before:
        return after - before
    if range_uj is None or before > range_uj:
        return None
    return after + range_uj - before


def rapl(sys_root: str = "/sys") -> Tuple[List[Counter], Optional[str]]:
    """Return the counters of all packages, or none and the reason."""
    folder = os.path.join(sys_root, "class", "powercap")
    zones = sorted(name for name in _listed(folder) if _RAPL_ZONE.match(name))
    counters = []
    for zone in zones:
        path = os.path.join(folder, zone)
        name = read_text(os.path.join(path, "name"))
        if name is None or not _PACKAGE.match(name):
            continue
        file = os.path.join(path, "energy_uj")
        try:
            _number(file)
            limit: Optional[int] = _number(os.path.join(path, "max_energy_range_uj"))
        except PermissionError:
            fix = "sudo chmod a+r /sys/class/powercap/intel-rapl*/energy_uj"
            return [], "rapl: %s may be read by root only: %s" % (_told(file, sys_root), fix)
        except (OSError, ValueError) as error:
            return [], "rapl: %s cannot be read: %s" % (_told(file, sys_root), _cause(error))
        counters.append(Counter(name, _reader(file), limit, _RAPL_STEP_NS))
    if not counters:
        return [], "rapl: no package under /sys/class/powercap"
    return counters, None


def hwmon(sys_root: str = "/sys") -> Tuple[List[Counter], Optional[str]]:
    """Return the one counter, or the counters of whole sockets, of the first chip that has them."""
    folder = os.path.join(sys_root, "class", "hwmon")
    reason = "hwmon: no energy counter under /sys/class/hwmon"
    for chip in sorted(_listed(folder), key=lambda name: (len(name), name)):
        path = os.path.join(folder, chip)
        files = sorted(f for f in _listed(path) if re.match(r"energy\d+_input$", f))
        labels = {
            f: read_text(os.path.join(path, f.replace("_input", "_label"))) or "" for f in files
        }
        if len(files) > 1:
            files = [f for f in files if _WHOLE_SOCKET.match(labels[f])]
        name = read_text(os.path.join(path, "name")) or chip
        if files and name in _GRAPHICS:
            reason = "hwmon: only a graphics card counts its energy (%s)" % name
            continue
        counters = []
        for file in files:
            whole = os.path.join(path, file)
            try:
                _number(whole)
            except (OSError, ValueError) as error:
                reason = "hwmon: %s cannot be read: %s" % (_told(whole, sys_root), _cause(error))
                break
            title = " ".join(part for part in (name, labels[file]) if part)
            counters.append(Counter(title, _reader(whole), None, _HWMON_STEP_NS))
        else:
            if counters:
                return counters, None
    return [], reason


class Meter:
    """The counters of this device; `start` right before the timed calls, `stop` right after.

    `on_cuda` says that the process has the CUDA driver in use, so that a GPU is counted too.
    """

    def __init__(
        self, on_cuda: bool, sys_root: str = "/sys", library: Optional[str] = None
    ) -> None:
        self._reasons: List[str] = []
        self._close: Callable[[], None] = _nothing
        self._parts: List[str] = []
        self._counters: List[Counter] = []
        self._before: List[int] = []
        for kind, find in (("rapl", rapl), ("hwmon", hwmon)):
            counters, reason = find(sys_root)
            if counters:
                self._add(kind, counters)
                break
            self._reasons.append(str(reason))
        if on_cuda:
            self._add_gpu(library)

    def _add(self, kind: str, counters: List[Counter]) -> None:
        self._counters += counters
        self._parts.append("%s %s" % (kind, "+".join(counter.name for counter in counters)))

    def _add_gpu(self, library: Optional[str]) -> None:
        from benchhub.ondevice.counters import nvml as management

        try:
            nvml = management.Nvml(library or management.LIBRARY)
            self._close = nvml.close
            gpu = management.gpu_of(nvml, os.getpid())
            nvml.energy_mj(gpu)
        except management.NvmlError as error:
            self._reasons.append("nvml: %s" % error)
            return
        counter = Counter("gpu %d" % gpu, lambda: nvml.energy_mj(gpu) * 1000, None, _NVML_STEP_NS)
        self._add("nvml", [counter])

    def start(self) -> None:
        """Read every counter; one that fails now is told by `stop`."""
        try:
            self._before = [counter.read() for counter in self._counters]
        except (OSError, ValueError) as error:
            self._reasons, self._counters = [_cause(error)], []

    def stop(self, elapsed_ns: int) -> Used:
        """Return what was used since `start`, which was `elapsed_ns` ago."""
        try:
            return self._used(elapsed_ns)
        except (OSError, ValueError) as error:
            return Used(None, None, _cause(error))
        finally:
            with contextlib.suppress(OSError):  # it has been read: what was counted stands
                self._close()

    def _used(self, elapsed_ns: int) -> Used:
        after = [counter.read() for counter in self._counters]
        if not after:
            return Used(None, None, "; ".join(self._reasons))
        slowest = max(counter.step_ns for counter in self._counters)
        source = " + ".join(self._parts)
        if elapsed_ns < _STEPS * slowest:
            short = "%s: %.3g ms are too short for a counter that moves every %g ms"
            return Used(None, None, short % (source, elapsed_ns / 1e6, slowest / 1e6))
        total = 0
        for counter, first, last in zip(self._counters, self._before, after):
            moved = moved_uj(first, last, counter.range_uj)
            if moved is None:
                return Used(None, None, "%s went back" % counter.name)
            if moved == 0:
                return Used(
                    None, None, "%s did not move in %.3g ms" % (counter.name, elapsed_ns / 1e6)
                )
            total += moved
        reasons = [reason for reason in self._reasons if reason.startswith("nvml")]
        return Used(total, source + ", in-band", "; ".join(reasons) or None)


def _nothing() -> None:
    return


def _listed(folder: str) -> List[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _number(file: str) -> int:
    with open(file, encoding="ascii") as opened:
        return int(opened.read())


def _reader(file: str) -> Callable[[], int]:
    return lambda: _number(file)


def _told(file: str, sys_root: str) -> str:
    """Return a path as it is called on a device, below whatever root it was read."""
    return "/sys" + file[len(sys_root.rstrip("/")) :]


def _cause(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error) or type(error).__name__
