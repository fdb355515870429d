"""The few calls of NVIDIA's driver that running an engine takes, through ctypes on libcuda.

libcuda comes with the driver, on servers and on Jetsons, and its calls keep their names and
signatures over versions; libcudart does neither. The device's primary context is used, which the
CUDA runtime inside other libraries shares, so streams and addresses can be handed to them.
"""

import ctypes
import threading
from typing import Any, Optional, Sequence

import numpy as np

from benchhub.ondevice.failed import Failed

LIBRARY = "libcuda.so.1"

_OUT_OF_MEMORY = 2
_NO_DEVICE = 100
_CAPABILITY_MAJOR, _CAPABILITY_MINOR = 75, 76
_NON_BLOCKING = 1  # a stream that does not wait for the default one
_pointer = ctypes.c_void_p
_size = ctypes.c_size_t


class CudaError(RuntimeError):
    """A call of the driver that failed, with the driver's name for it."""


class CudaDriver:
    """One device, its primary context current in every thread that calls `enter`."""

    def __init__(self, device_id: int = 0, library: str = LIBRARY) -> None:
        try:
            self._library = ctypes.CDLL(library)
        except OSError as error:
            text = "no NVIDIA driver: %s; install it, and let nvidia-smi answer"
            raise Failed("missing", text % error) from error
        status = int(self._library.cuInit(0))
        if status == _NO_DEVICE:
            raise Failed("missing", "the NVIDIA driver finds no GPU; run nvidia-smi")
        self._check("cuInit", status)
        count = ctypes.c_int()
        self._call("cuDeviceGetCount", ctypes.byref(count))
        if not 0 <= device_id < count.value:
            text = "there is no GPU %d, but %d from 0 on; set device_id"
            raise ValueError(text % (device_id, count.value))
        self._device = ctypes.c_int()
        self._call("cuDeviceGet", ctypes.byref(self._device), ctypes.c_int(device_id))
        self._context = _pointer()
        self._call("cuDevicePrimaryCtxRetain", ctypes.byref(self._context), self._device)
        self._entered = threading.local()
        self.enter()

    def enter(self) -> None:
        """Make the context current in this thread."""
        if not getattr(self._entered, "done", False):
            self._call("cuCtxSetCurrent", self._context)
            self._entered.done = True

    def name(self) -> str:
        """Return the GPU's name."""
        text = ctypes.create_string_buffer(256)
        self._call("cuDeviceGetName", text, ctypes.c_int(len(text)), self._device)
        return text.value.decode("utf-8", "replace")

    def compute_capability(self) -> str:
        """Return the GPU's compute capability: 9.0."""
        return "%d.%d" % (self._attribute(_CAPABILITY_MAJOR), self._attribute(_CAPABILITY_MINOR))

    def version(self) -> str:
        """Return the newest CUDA version that the driver serves: 12.4."""
        found = ctypes.c_int()
        self._call("cuDriverGetVersion", ctypes.byref(found))
        return "%d.%d" % (found.value // 1000, found.value % 1000 // 10)

    def allocate(self, size: int) -> int:
        """Return the address of device memory; Failed of kind memory, with the size asked."""
        return self._allocated("cuMemAlloc_v2", size, "of GPU memory")

    def allocate_host(self, size: int) -> int:
        """Return the address of page-locked host memory."""
        return self._allocated("cuMemAllocHost_v2", size, "of page-locked memory")

    def free(self, address: int) -> None:
        """Give back what `allocate` gave."""
        self._call("cuMemFree_v2", _pointer(address))

    def free_host(self, address: int) -> None:
        """Give back what `allocate_host` gave."""
        self._call("cuMemFreeHost", _pointer(address))

    def copy_in(self, device: int, host: int, size: int, stream: int) -> None:
        """Start copying to the device."""
        self._call(
            "cuMemcpyHtoDAsync_v2", _pointer(device), _pointer(host), _size(size), _pointer(stream)
        )

    def copy_out(self, host: int, device: int, size: int, stream: int) -> None:
        """Start copying to the host."""
        self._call(
            "cuMemcpyDtoHAsync_v2", _pointer(host), _pointer(device), _size(size), _pointer(stream)
        )

    def stream(self) -> int:
        """Return a new stream."""
        found = _pointer()
        self._call("cuStreamCreate", ctypes.byref(found), ctypes.c_uint(_NON_BLOCKING))
        return int(found.value or 0)

    def synchronize(self, stream: int) -> None:
        """Wait for what was put on a stream."""
        self._call("cuStreamSynchronize", _pointer(stream))

    def event(self) -> int:
        """Return a new event that takes the time."""
        found = _pointer()
        self._call("cuEventCreate", ctypes.byref(found), ctypes.c_uint(0))
        return int(found.value or 0)

    def record(self, event: int, stream: int) -> None:
        """Put an event on a stream."""
        self._call("cuEventRecord", _pointer(event), _pointer(stream))

    def elapsed_ms(self, first: int, last: int) -> float:
        """Return the milliseconds between two events that have happened."""
        found = ctypes.c_float()
        self._call("cuEventElapsedTime", ctypes.byref(found), _pointer(first), _pointer(last))
        return float(found.value)

    def _attribute(self, which: int) -> int:
        found = ctypes.c_int()
        self._call("cuDeviceGetAttribute", ctypes.byref(found), ctypes.c_int(which), self._device)
        return found.value

    def _allocated(self, function: str, size: int, what: str) -> int:
        found = _pointer()
        asked = _size(max(size, 1))
        status = int(getattr(self._library, function)(ctypes.byref(found), asked))
        if status == _OUT_OF_MEMORY:
            text = "%s bytes %s do not suffice on %s; lower the batch or the concurrency"
            raise Failed("memory", text % (size, what, self.name()))
        self._check(function, status)
        return int(found.value or 0)

    def _call(self, function: str, *arguments: Any) -> None:
        self._check(function, int(getattr(self._library, function)(*arguments)))

    def _check(self, function: str, status: int) -> None:
        if status == 0:
            return
        name = ctypes.c_char_p()
        self._library.cuGetErrorName(status, ctypes.byref(name))
        raise CudaError("%s: %s (%d)" % (function, (name.value or b"?").decode(), status))


class Buffer:
    """The same tensor on both sides: page-locked host memory, seen as `array`, and the device's."""

    def __init__(self, cuda: CudaDriver, shape: Sequence[int], dtype: str) -> None:
        self._cuda = cuda
        self._host: Optional[int] = None
        self.device: Optional[int] = None
        kind = np.dtype(dtype)
        self.size = int(np.prod(shape, dtype=np.int64)) * kind.itemsize
        self.device = cuda.allocate(self.size)
        self._host = cuda.allocate_host(self.size)
        memory: Any = (ctypes.c_byte * self.size).from_address(self._host)
        self.array = np.frombuffer(memory, dtype=kind).reshape(tuple(shape))

    def copy_in(self, stream: int) -> None:
        """Start copying the host's side to the device's."""
        self._cuda.copy_in(self.device or 0, self._host or 0, self.size, stream)

    def copy_out(self, stream: int) -> None:
        """Start copying the device's side to the host's."""
        self._cuda.copy_out(self._host or 0, self.device or 0, self.size, stream)

    def close(self) -> None:
        """Give both sides back; `array` must not be used again."""
        if self.device is not None:
            self._cuda.free(self.device)
        if self._host is not None:
            self._cuda.free_host(self._host)
        self.device = self._host = None
