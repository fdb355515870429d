"""The GPUs of a device, with driver and memory: from NVML, the kernel and the device tree.

Sources: NVIDIA's NVML API reference; /proc/driver/nvidia as the NVIDIA driver's README describes
it; the kernel's Documentation/ABI for /sys/class/drm; /etc/nv_tegra_release as the Jetson Linux
Developer Guide describes it. Nothing is run, and no CUDA context is made.
"""

import ctypes
import glob
import os
import re
from typing import Any, Callable, Dict, List, Optional

from benchhub.ondevice.counters.nvml import LIBRARY, Nvml, NvmlError
from benchhub.ondevice.facts.kernel_files import read_text

_VENDORS = {"0x10de": "NVIDIA", "0x1002": "AMD", "0x8086": "Intel", "0x5143": "Qualcomm"}
#: Compatible strings of the GPUs inside Jetson modules.
_TEGRA = {
    "nvidia,gp10b": "Jetson TX2 GPU (gp10b)",
    "nvidia,gv11b": "Jetson Xavier GPU (gv11b)",
    "nvidia,ga10b": "Jetson Orin GPU (ga10b)",
}

Gpu = Dict[str, Any]


def gpus(
    proc_root: str = "/proc",
    sys_root: str = "/sys",
    etc_root: str = "/etc",
    ask_nvml: Optional[Callable[[], List[Gpu]]] = None,
) -> List[Gpu]:
    """Return the GPUs as {name, vendor, driver, memory_bytes, compute, source}.

    `ask_nvml` stands for the NVIDIA management library; where it knows none, the files are read.
    """
    nvidia = (ask_nvml or nvml)() or tegra(proc_root, etc_root) or proc_nvidia(proc_root)
    others = [gpu for gpu in drm(sys_root) if not (nvidia and gpu["vendor"] == "NVIDIA")]
    return nvidia + others


def proc_nvidia(proc_root: str) -> List[Gpu]:
    """Return what the NVIDIA kernel driver lists below /proc/driver/nvidia."""
    version = read_text(proc_root + "/driver/nvidia/version") or ""
    # NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.104.05  Sat Aug 19 01:15:15 UTC 2023
    number = re.search(r"Kernel Module(?: for \S+)?\s+(\d[\d.]*)", version)
    found = []
    for path in sorted(glob.glob(proc_root + "/driver/nvidia/gpus/*/information")):
        lines = (line.partition(":") for line in (read_text(path) or "").splitlines())
        about = {name.strip(): value.strip() for name, _, value in lines}
        found.append(
            _gpu(about.get("Model"), "NVIDIA", number and number.group(1), "/proc/driver/nvidia")
        )
    return found


def tegra(proc_root: str, etc_root: str) -> List[Gpu]:
    """Return the GPU of a Jetson, whose driver is part of its L4T release."""
    release = read_text(etc_root + "/nv_tegra_release") or ""
    # "# R36 (release), REVISION: 3.0, GCID: ..., BOARD: ..."
    match = re.search(r"R(\d+) \(release\), REVISION: ([\d.]+)", release)
    for pattern in ("/device-tree/gpu@*/compatible", "/device-tree/*/gpu@*/compatible"):
        for path in sorted(glob.glob(proc_root + pattern)):
            for name in (read_text(path) or "").split("\x00"):
                if name in _TEGRA:
                    driver = match and "L4T %s.%s" % match.groups()
                    return [_gpu(_TEGRA[name], "NVIDIA", driver, "device tree")]
    return []


def drm(sys_root: str) -> List[Gpu]:
    """Return the graphics devices that the kernel has a driver for."""
    found: Dict[str, Gpu] = {}
    for folder in sorted(glob.glob(sys_root + "/class/drm/*/device")):
        card = os.path.basename(os.path.dirname(folder))
        if not re.match(r"(card|renderD)\d+$", card):
            continue
        uevent = (
            line.partition("=") for line in (read_text(folder + "/uevent") or "").splitlines()
        )
        about = {name: value for name, _, value in uevent}
        vendor, device = read_text(folder + "/vendor"), read_text(folder + "/device")
        compatible = about.get("OF_COMPATIBLE_0")
        name = compatible or "PCI %s:%s" % (vendor, device)
        if vendor or compatible:
            key = about.get("PCI_SLOT_NAME") or about.get("OF_FULLNAME") or name
            known = _VENDORS.get(vendor or "") or (compatible or "").partition(",")[0] or vendor
            found.setdefault(key, _gpu(name, known, about.get("DRIVER"), "/sys/class/drm"))
    return list(found.values())


def nvml(library: str = LIBRARY) -> List[Gpu]:
    """Return what the NVIDIA management library lists; nothing where it is not installed."""
    try:
        cards = _Cards(library)
    except NvmlError:
        return []
    try:
        driver = cards.text("nvmlSystemGetDriverVersion")
        return [cards.card(index, driver) for index in range(cards.count())]
    except NvmlError:
        return []
    finally:
        cards.close()


class _Memory(ctypes.Structure):
    """`nvmlMemory_t`."""

    _fields_ = [(name, ctypes.c_ulonglong) for name in ("total", "free", "used")]


class _Cards(Nvml):
    """What a GPU is, where `Nvml` asks what it does."""

    def text(self, name: str, *arguments: Any) -> Optional[str]:
        buffer = ctypes.create_string_buffer(96)
        self._call(name, *arguments, buffer, ctypes.c_uint(96))
        return buffer.value.decode("utf-8", "replace") or None

    def card(self, index: int, driver: Optional[str]) -> Gpu:
        handle = self._handle(index)
        gpu = _gpu(self.text("nvmlDeviceGetName", handle), "NVIDIA", driver, "NVML")
        memory, major, minor = _Memory(), ctypes.c_int(), ctypes.c_int()
        try:
            self._call("nvmlDeviceGetMemoryInfo", handle, ctypes.byref(memory))
            gpu["memory_bytes"] = int(memory.total)
        except NvmlError:
            pass  # a Jetson's GPU has no memory of its own
        asked = (ctypes.byref(major), ctypes.byref(minor))
        self._call("nvmlDeviceGetCudaComputeCapability", handle, *asked)
        gpu["compute"] = "%d.%d" % (major.value, minor.value)
        return gpu


def _gpu(name: Optional[str], vendor: Optional[str], driver: Optional[str], source: str) -> Gpu:
    return {
        "name": name, "vendor": vendor, "driver": driver,
        "memory_bytes": None, "compute": None, "source": source,
    }  # fmt: skip
