"""What NVIDIA's management library counts, through ctypes: a device needs no package for it.

Layouts and versions follow the NVML API reference: `nvmlProcessInfo_t` has four members since
`nvmlDeviceGetComputeRunningProcesses_v2`, two before; `nvmlDeviceGetTotalEnergyConsumption` gives
millijoules since the driver was loaded (Volta and later).
"""

import ctypes
from typing import Any, List, NamedTuple, Optional, Tuple

LIBRARY = "libnvidia-ml.so.1"
_TOO_SMALL = 7
#: A process in this many contexts of one GPU is not to be expected; the array grows if it is.
_PROCESSES = 64
_UNKNOWN_BYTES = (1 << 64) - 1
_ERRORS = {
    1: "not initialised", 2: "an invalid argument", 3: "not supported by this GPU",
    4: "no permission", 6: "not found", 9: "the driver is not loaded",
    18: "library and driver are of different versions", 999: "an unknown error",
}  # fmt: skip


class NvmlError(OSError):
    """NVML is not there, or refused a request; one line that says which."""


class ProcessInfo1(ctypes.Structure):
    """`nvmlProcessInfo_v1_t`."""

    _fields_ = [("pid", ctypes.c_uint), ("used_bytes", ctypes.c_ulonglong)]


class ProcessInfo2(ctypes.Structure):
    """`nvmlProcessInfo_v2_t`, which `_v3` of the call fills as well."""

    _fields_ = [
        ("pid", ctypes.c_uint),
        ("used_bytes", ctypes.c_ulonglong),
        ("gpu_instance", ctypes.c_uint),
        ("compute_instance", ctypes.c_uint),
    ]


class NvmlProcess(NamedTuple):
    """A process that computes on a GPU; `used_bytes` is None where the driver does not say."""

    pid: int
    used_bytes: Optional[int]


class Nvml:
    """The library, initialised; `close` it. NvmlError where it is not there or will not start."""

    def __init__(self, library: str = LIBRARY) -> None:
        try:
            self._library = ctypes.CDLL(library)
        except OSError as error:
            raise NvmlError("NVML is not there: %s" % error) from error
        self._call("nvmlInit_v2")

    def close(self) -> None:
        """Let go of the library; nothing else may be called after it."""
        self._call("nvmlShutdown")

    def count(self) -> int:
        """Return how many GPUs this process may see."""
        number = ctypes.c_uint()
        self._call("nvmlDeviceGetCount_v2", ctypes.byref(number))
        return number.value

    def energy_mj(self, gpu: int) -> int:
        """Return the millijoules that GPU `gpu` used since its driver was loaded."""
        total = ctypes.c_ulonglong()
        name = "nvmlDeviceGetTotalEnergyConsumption"
        self._call(name, self._handle(gpu), ctypes.byref(total))
        return total.value

    def processes(self, gpu: int) -> List[NvmlProcess]:
        """Return the processes that compute on GPU `gpu`."""
        name, kind = self._processes_call()
        room = _PROCESSES
        while True:
            number, array = ctypes.c_uint(room), (kind * room)()
            function = getattr(self._library, name)
            status = function(self._handle(gpu), ctypes.byref(number), array)
            if status != _TOO_SMALL:
                break
            room = max(2 * room, number.value)
        self._check(name, status)
        found = (array[index] for index in range(number.value))
        return [
            NvmlProcess(one.pid, None if one.used_bytes == _UNKNOWN_BYTES else one.used_bytes)
            for one in found
        ]

    def _processes_call(self) -> Tuple[str, Any]:
        base = "nvmlDeviceGetComputeRunningProcesses"
        for name, kind in ((base + "_v3", ProcessInfo2), (base + "_v2", ProcessInfo2)):
            if hasattr(self._library, name):
                return name, kind
        return base, ProcessInfo1

    def _handle(self, gpu: int) -> ctypes.c_void_p:
        handle = ctypes.c_void_p()
        self._call("nvmlDeviceGetHandleByIndex_v2", ctypes.c_uint(gpu), ctypes.byref(handle))
        return handle

    def _call(self, name: str, *arguments: Any) -> None:
        function = getattr(self._library, name, None)
        if function is None:
            raise NvmlError("NVML of this driver has no %s" % name)
        self._check(name, function(*arguments))

    def _check(self, name: str, status: int) -> None:
        if status:
            raise NvmlError("%s: %s" % (name, _ERRORS.get(status, "error %d" % status)))


def gpu_of(nvml: Nvml, pid: int) -> int:
    """Return the GPU that process `pid` computes on; NvmlError where that cannot be told.

    Inside a container NVML may list no process, or by numbers of the host; with a single GPU the
    answer is clear nevertheless.
    """
    count = nvml.count()
    used = [gpu for gpu in range(count) if any(one.pid == pid for one in nvml.processes(gpu))]
    if len(used) == 1:
        return used[0]
    if count == 1:
        return 0
    raise NvmlError("process %d is listed on %d of %d GPUs" % (pid, len(used), count))
