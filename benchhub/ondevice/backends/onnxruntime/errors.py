"""What ONNX Runtime's own messages mean: too little memory, an operator it lacks, no ONNX file."""

import re
from typing import Optional

from benchhub.ondevice.failed import Failed

#: Both from BFCArena::AllocateRawInternal (onnxruntime/core/framework/bfc_arena.cc), which the
#: CPU and the CUDA provider allocate through; seen with CUDA in microsoft/onnxruntime issues
#: 16307 and 20038, with a limited arena in 23121.
_ASKED = (
    re.compile(r"Failed to allocate memory for requested buffer of size (\d+)"),
    re.compile(r"is smaller than requested bytes of (\d+)"),
)
#: onnxruntime/core/providers/cuda/cuda_call.cc, for what is not allocated through the arena
#: (streams, cuDNN's workspace); the last is TensorRT's, microsoft/onnxruntime issue 10770.
_OUT_OF_MEMORY = (
    "CUDA failure 2: out of memory",
    "CUDNN_STATUS_ALLOC_FAILED",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "Cuda Error in allocate: 2 (out of memory)",
)
#: A kernel that no provider has; an operator that is not registered; a graph too new to read.
_UNSUPPORTED = (
    re.compile(r"Could not find an implementation for (?P<what>\S+ node with name '[^']*')"),
    re.compile(r"(?P<what>[\w.]*:?\w+\(-?\d+\)) is not a registered function/op"),
    re.compile(r"(?P<what>Unsupported model IR version: \d+)"),
)
_PREFIX = re.compile(r"^\[ONNXRuntimeError\] : \d+ : \w+ : ")


def memory_asked_bytes(text: str) -> Optional[int]:
    """Return how many bytes an allocation that failed had asked for, None for other messages."""
    for pattern in _ASKED:
        match = pattern.search(text)
        if match:
            return int(match.group(1))
    return None


def unsupported(text: str) -> Optional[str]:
    """Return the operator or the format version that the runtime lacks, None if it is not that."""
    for pattern in _UNSUPPORTED:
        match = pattern.search(text)
        if match:
            return match.group("what")
    return None


def attributed(error: Exception, provider: str, version: str) -> Exception:
    """Return `error` as a Failed of the kind that its message tells, or as it is."""
    text = str(error)
    asked = memory_asked_bytes(text)
    if asked is not None:
        size = "%d bytes (%.1f MiB) were asked for" % (asked, asked / 2**20)
        return Failed("memory", "%s: out of memory, %s; try a smaller batch" % (provider, size))
    if any(sign in text for sign in _OUT_OF_MEMORY):
        cause = _PREFIX.sub("", text)
        return Failed("memory", "%s: out of memory, size not told: %s" % (provider, cause))
    what = unsupported(text)
    if what is not None:
        text = "onnxruntime %s on %s: no %s; export the model without it, or for another backend"
        return Failed("unsupported", text % (version, provider, what))
    if type(error).__name__ == "InvalidProtobuf":
        return ValueError("this is not an ONNX model: %s" % _PREFIX.sub("", text))
    return error
