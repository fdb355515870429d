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
#: A kernel that no provider has; operators that are not registered; a graph too new to read.
_UNSUPPORTED = (
    (
        re.compile(r"Could not find an implementation for (\S+ node with name '[^']*')"),
        "no %s of these types",
    ),
    (re.compile(r"([\w.]*:?\w+)\(-?\d+\) is not a registered function/op"), "no operator %s"),
    (re.compile(r"No Op registered for (\S+ with domain_version of \d+)"), "no operator %s"),
)
#: Files that are newer than the release: what it reads, and what they are of.
_OPSET = re.compile(
    r"Opset (?P<has>\d+) is under development.*? for domain (?P<domain>\S+) is till opset"
    r" (?P<most>\d+)",
    re.DOTALL,
)
_IR = re.compile(
    r"Unsupported model IR version: (?P<has>\d+), max supported IR version: (?P<most>\d+)"
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
    """Return which operator the runtime lacks and what to do, None if it is not that."""
    for pattern, words in _UNSUPPORTED:
        match = pattern.search(text)
        if match:
            what = words % match.group(1)
            return "%s; export the model without it, or for another backend" % what
    return None


def newer(text: str) -> Optional[str]:
    """Return which version of the format is too new and what to do, None if it is not that."""
    match = _OPSET.search(text)
    if match:
        return (
            "it reads opsets of %s up to %s, and the model is of %s; export it for an older one"
            " (onnx.version_converter), or name another backend"
            % (match.group("domain"), match.group("most"), match.group("has"))
        )
    match = _IR.search(text)
    if match:
        return (
            "it reads IR versions up to %s, and the model is of %s; save it with a lower"
            " ir_version, or name another backend" % (match.group("most"), match.group("has"))
        )
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
    lacking = unsupported(text) or newer(text)
    if lacking is not None:
        return Failed("unsupported", "onnxruntime %s on %s: %s" % (version, provider, lacking))
    if type(error).__name__ == "InvalidProtobuf":
        return ValueError("this is not an ONNX model: %s" % _PREFIX.sub("", text))
    return error
