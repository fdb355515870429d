"""A stub of libnvidia-ml, built here: it shows that calls and layouts fit, not what a GPU does.

The declarations follow the NVML API reference; GPU 1 is the one that computes. Environment:
STUB_PID is the process it lists, STUB_GPUS how many GPUs there are, STUB_STATUS what the energy
call returns, STUB_OTHERS how many other processes are listed first.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

SOURCE = r"""
#include <stdlib.h>
typedef int nvmlReturn_t;
typedef struct nvmlDevice_st *nvmlDevice_t;
typedef struct { unsigned int pid; unsigned long long usedGpuMemory; } nvmlProcessInfo_v1_t;
typedef struct { unsigned int pid; unsigned long long usedGpuMemory;
                 unsigned int gpuInstanceId; unsigned int computeInstanceId; } nvmlProcessInfo_v2_t;

static long setting(const char *name, long usual) {
    const char *text = getenv(name);
    return text ? atol(text) : usual;
}
static int opened;
static unsigned long long used_mj = 5000;
static long handles[16];

nvmlReturn_t nvmlInit_v2(void) { opened++; return (nvmlReturn_t)setting("STUB_INIT", 0); }
nvmlReturn_t nvmlShutdown(void) { opened--; return opened < 0 ? 1 : 0; }
nvmlReturn_t nvmlDeviceGetCount_v2(unsigned int *count) {
    *count = (unsigned int)setting("STUB_GPUS", 2);
    return opened ? 0 : 1;
}
nvmlReturn_t nvmlDeviceGetHandleByIndex_v2(unsigned int index, nvmlDevice_t *device) {
    if (index >= setting("STUB_GPUS", 2)) return 2;
    handles[index] = index;
    *device = (nvmlDevice_t)&handles[index];
    return 0;
}
nvmlReturn_t nvmlDeviceGetTotalEnergyConsumption(nvmlDevice_t device, unsigned long long *mj) {
    *mj = (used_mj += 250);
    return (nvmlReturn_t)setting("STUB_STATUS", 0);
}
nvmlReturn_t CALL(nvmlDevice_t device, unsigned int *count, INFO *infos) {
    unsigned int others = (unsigned int)setting("STUB_OTHERS", 1), room = *count, index;
    long mine = *(long *)device == setting("STUB_GPUS", 2) - 1 ? setting("STUB_PID", 0) : 0;
    *count = others + (mine != 0);
    if (*count > room) return 7;
    for (index = 0; index < others; index++) {
        infos[index].pid = 4000000 + index;
        infos[index].usedGpuMemory = 1;
    }
    if (mine) {
        infos[others].pid = (unsigned int)mine;
        infos[others].usedGpuMemory = (unsigned long long)setting("STUB_BYTES", 1234567890123);
    }
    return 0;
}
"""

#: Driver generation: what the call is named there, and the struct it fills.
GENERATIONS = {
    "v1": ("nvmlDeviceGetComputeRunningProcesses", "nvmlProcessInfo_v1_t"),
    "v2": ("nvmlDeviceGetComputeRunningProcesses_v2", "nvmlProcessInfo_v2_t"),
    "v3": ("nvmlDeviceGetComputeRunningProcesses_v3", "nvmlProcessInfo_v2_t"),
}


def build(folder: Path, generation: str) -> str:
    """Return the path of a stub of one driver generation; skips where there is no compiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler")
    call, info = GENERATIONS[generation]
    source, library = folder / f"stub-{generation}.c", folder / f"libnvidia-ml-{generation}.so"
    source.write_text(SOURCE)
    subprocess.run(
        [compiler, "-shared", "-fPIC", f"-DCALL={call}", f"-DINFO={info}", "-o", library, source],
        check=True,
    )
    return str(library)
