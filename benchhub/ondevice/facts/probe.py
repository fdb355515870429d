"""What a device is: hardware, system, Python and the runtimes it has. Unknown is None."""

import glob
import importlib.metadata
import os
import platform
import shutil
import socket
import sys
import time
from typing import Any, Dict, Optional

from benchhub.ondevice import backends
from benchhub.ondevice.facts import cores, cpu, emulation, gpus, settings, virtual
from benchhub.ondevice.provision import environments


def facts(root: str, proc_root: str = "/proc", sys_root: str = "/sys") -> Dict[str, Any]:
    """Return the facts as plain JSON types; no runtime is imported to find out, and nothing run.

    `disk_free_bytes` is of the disk that holds `root`. `backends` maps names to {version,
    reason}: reason is None where the runtime is installed, and `python` the interpreter where it
    is so in an environment of its own. `emulation` is the proof that
    instructions are translated, None without any (see emulation.py).
    """
    memory = _meminfo(proc_root)
    return {
        "hostname": socket.gethostname(),
        "arch": _ARCH.get(platform.machine().lower(), platform.machine().lower()) or None,
        "machine": platform.machine() or None,
        "board": virtual.board(proc_root, sys_root),
        "cpu_model": cpu.model(proc_root),
        "isa_flags": cpu.isa_flags(proc_root),
        "cores_logical": _usable_cores(),
        "cores_physical": cpu.physical_cores(proc_root),
        "cores": cores.kinds(proc_root, sys_root),
        "gpus": gpus.gpus(proc_root, sys_root),
        "memory_bytes": memory.get("MemTotal"),
        "swap_bytes": memory.get("SwapTotal"),
        "kernel": platform.release() or None,
        "os": _os_name(),
        "glibc": " ".join(platform.libc_ver()).strip() or None,
        "musl": bool(glob.glob("/lib/ld-musl-*.so.1")),
        "virtualization": virtual.hypervisor(proc_root, sys_root),
        "container": virtual.container(proc_root),
        "emulation": emulation.evidence(platform.machine(), proc_root),
        "python": platform.python_version(),
        "executable": sys.executable or None,
        "packages": {name: _distribution(name) for name in ("numpy", "psutil")},
        "backends": _backends(root),
        "disk_free_bytes": shutil.disk_usage(root).free,
        "clock_resolution_ns": round(time.get_clock_info("perf_counter").resolution * 1e9),
        **settings.settings(proc_root, sys_root),
    }


_ARCH = {"amd64": "x86_64", "arm64": "aarch64"}


def _usable_cores() -> Optional[int]:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count()


def _backends(root: str) -> Dict[str, Dict[str, Optional[str]]]:
    found = {name: _backend(name) for name in backends.names()}
    for one in environments.records(root):
        if one["backend"] in found and found[one["backend"]]["version"] is None:
            found[one["backend"]]["reason"] = one["reason"]  # it was there once
    for name, one in environments.ready(root).items():
        found[name] = {"version": one["version"], "reason": None, "python": one["python"]}
    return found


def _backend(name: str) -> Dict[str, Optional[str]]:
    try:
        version = backends.installed_version(backends.described(name))
    except backends.BadDescription as error:  # a third party's
        return {"version": None, "reason": str(error)}
    if version is None:
        return {"version": None, "reason": "not installed for %s" % sys.executable}
    return {"version": version, "reason": None}


def _distribution(name: str) -> Optional[str]:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _os_name() -> Optional[str]:
    try:
        with open("/etc/os-release", encoding="utf-8") as file:
            for line in file:
                if line.startswith("PRETTY_NAME="):
                    return line.split("=", 1)[1].strip().strip("\"'")
    except OSError:
        return platform.platform() or None
    return platform.system() or None


def _meminfo(proc_root: str) -> Dict[str, int]:
    found = {}
    try:
        with open(proc_root + "/meminfo", encoding="ascii") as file:
            for line in file:
                words = line.split()
                if len(words) == 3 and words[2] == "kB":
                    found[words[0].rstrip(":")] = int(words[1]) * 1024
    except OSError:
        return {}
    return found
