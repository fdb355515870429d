"""What a launch holds of an accelerator's memory: as its runtime counts it, else as NVML does."""

import os
from typing import Any, NamedTuple, Optional

from benchhub.ondevice.counters.nvml import LIBRARY, Nvml, NvmlError


class GpuMemory(NamedTuple):
    """Bytes and who counted them, or why there are none."""

    gpu_bytes: Optional[int]
    source: Optional[str]
    unavailable: Optional[str] = None


def measure(session: Any, backend: str, on_cuda: bool, library: str = LIBRARY) -> GpuMemory:
    """Return what `session` holds, by its own `gpu_bytes()` or, `on_cuda`, by NVML."""
    own = getattr(session, "gpu_bytes", None)
    if own is not None:
        held = own()
        if held is not None:
            return GpuMemory(int(held), "%s's own count" % backend)
    if not on_cuda:
        return GpuMemory(None, None)
    try:
        nvml = Nvml(library)
        try:
            return of_process(nvml, os.getpid())
        finally:
            nvml.close()
    except NvmlError as error:
        return GpuMemory(None, None, str(error))


def of_process(nvml: Nvml, pid: int) -> GpuMemory:
    """Return what NVML counts for `pid` over all GPUs, contexts and their code included."""
    held = 0
    seen = []
    for gpu in range(nvml.count()):
        for process in nvml.processes(gpu):
            if process.pid != pid:
                continue
            if process.used_bytes is None:
                why = "the driver does not say how much process %d holds" % pid
                return GpuMemory(None, None, why)
            held += process.used_bytes
            seen.append(gpu)
    if not seen:
        why = "NVML lists no process %d; in a container it may know it by another number" % pid
        return GpuMemory(None, None, why)
    listed = "+".join(str(gpu) for gpu in sorted(set(seen)))
    return GpuMemory(held, "nvml, process on gpu %s" % listed)
