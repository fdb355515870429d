"""PyTorch: TorchScript and exported programs, eager, compiled or as a CUDA graph.

Modes are eager (the module as saved), compile (torch.compile with Inductor, one shape; exported
programs only) and cuda-graphs (captured once, replayed; CUDA only). The threads of a launch are
those of one callable: n at once use n times as many.
"""

import contextlib
import os
import warnings
from typing import Any, Dict, Mapping, Optional, Union

import torch

from benchhub.ondevice.backends import LoadOptions, check_model, installed_version, option
from benchhub.ondevice.backends.torch import BACKEND
from benchhub.ondevice.backends.torch.compute import (
    DTYPES,
    Compute,
    attributed,
    check_compiler,
    in_force,
    prepared,
)
from benchhub.ondevice.backends.torch.cpu import CpuSession
from benchhub.ondevice.backends.torch.cuda import (
    CudaSession,
    check_device,
    device_details,
    set_flags,
)
from benchhub.ondevice.backends.torch.model import open_model
from benchhub.ondevice.failed import Failed


def version() -> str:
    """Return the version of torch, with its build: 2.13.0+cpu."""
    return installed_version(BACKEND) or str(torch.__version__)


def load(path: Optional[str], options: LoadOptions) -> Union[CpuSession, CudaSession]:
    """Open a model file on the device asked for; never on another."""
    path = check_model(BACKEND, path, options)
    device: str = option(BACKEND, "device", options)
    mode: str = option(BACKEND, "mode", options)
    channels_last: bool = option(BACKEND, "channels_last", options)
    interop_threads: int = option(BACKEND, "interop_threads", options)
    _check(device, mode, options)
    if device == "cuda":
        check_device()
        set_flags(tf32=options.precision == "tf32")
    if mode == "compile":
        check_compiler(device)
        _keep_kernels_below(path)
    _set_threads(options.threads, interop_threads)
    with warnings.catch_warnings(), attributed(device):
        warnings.simplefilter("ignore")  # TorchScript is deprecated, and still what many ship
        opened = open_model(path, options.format, device)
        module = prepared(opened.module, options.precision, channels_last)
    precision = in_force(module, options.precision, options.precision == "tf32")
    if mode == "compile":
        module = torch.compile(module, dynamic=False)
    compute = Compute(module, options.precision, channels_last)
    details = _details(device, mode, channels_last, options)
    if device == "cpu":
        return CpuSession(compute, opened.inputs, opened.outputs, precision, details)
    details.update(device_details())
    graphs = mode == "cuda-graphs"
    return CudaSession(compute, opened.inputs, opened.outputs, precision, details, graphs)


def _check(device: str, mode: str, options: LoadOptions) -> None:
    if device == "cpu" and mode == "cuda-graphs":
        raise ValueError("mode cuda-graphs needs device = cuda; a CPU has no CUDA graphs")
    if device == "cpu" and options.precision == "tf32":
        raise ValueError("precision tf32 needs device = cuda; a CPU has no TF32")
    if mode == "compile" and options.format == "torchscript":
        raise ValueError(
            "torch.compile takes no TorchScript; give mode compile an exported program"
        )


def _set_threads(threads: int, interop_threads: int) -> None:
    torch.set_num_threads(threads)
    if torch.get_num_interop_threads() != interop_threads:
        # possible only before a process's first parallel work; `details` tells the number
        with contextlib.suppress(RuntimeError):
            torch.set_num_interop_threads(interop_threads)
    found = torch.get_num_interop_threads()
    if interop_threads != 1 and found != interop_threads:
        text = "torch keeps %d interop_threads in this process, not %d; leave that option out"
        raise Failed("fallback", text % (found, interop_threads))


def _keep_kernels_below(path: str) -> None:
    """Keep compiled kernels in the device's own folder, where removing it removes them."""
    blobs = os.path.dirname(os.path.abspath(path))
    if os.path.basename(blobs) == "blobs":
        folder = os.path.join(os.path.dirname(blobs), "inductor")
        os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", folder)


def _details(device: str, mode: str, channels_last: bool, options: LoadOptions) -> Dict[str, Any]:
    details: Dict[str, Any] = {
        "device": device,
        "mode": mode,
        "channels_last": channels_last,
        "artifact": options.format,
        "threads": torch.get_num_threads(),
        "interop_threads": torch.get_num_interop_threads(),
        "threads_at_once": options.concurrency * (options.threads if device == "cpu" else 1),
        "float32_matmul_precision": torch.get_float32_matmul_precision(),
        "build": str(torch.__version__),
    }
    if options.precision in DTYPES:
        details["casts"] = "in the call, on the device; inputs and outputs are float32"
    if mode == "compile":
        details["compiler"] = "inductor, dynamic=False, in the first inference"
        details["kernel_cache"] = os.environ.get("TORCHINDUCTOR_CACHE_DIR", "default")
    if options.concurrency > 1:
        how = "streams" if device == "cuda" else "threads, one module"
        details["concurrency"] = "%d %s" % (options.concurrency, how)
    details.update(_capability(device))
    return details


def _capability(device: str) -> Mapping[str, Any]:
    if device == "cpu" and hasattr(torch.backends, "cpu"):
        return {"cpu_capability": torch.backends.cpu.get_cpu_capability()}
    return {}
