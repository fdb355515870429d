"""What OpenVINO's own messages mean: an operator it lacks, too little memory, no ONNX file."""

import re
from typing import Optional

from benchhub.ondevice.failed import Failed

#: The frontend's report of operators (src/frontends/common_translators), and the CPU plugin's.
_UNSUPPORTED = (
    re.compile(r"No conversion rule found for operations: (?P<what>[^\n]+)"),
    re.compile(r"Unsupported operation of type: (?P<what>\S+)"),
    re.compile(r"(?P<what>[^\n]* contains unsupported IR version[^\n]*)"),
)
#: The GPU plugin's allocations (src/plugins/intel_gpu/src/runtime/ocl/ocl_engine.cpp): "[GPU]
#: Exceeded max size of memory object allocation: requested N bytes, but max alloc size ...".
_EXCEEDED = re.compile(
    r"Exceeded max size of memory (?:object )?allocation: (?i:requested|required) (?P<bytes>\d+)"
)
_OUT_OF_MEMORY = (
    "Exceeded max size of memory",
    "CL_OUT_OF_RESOURCES",
    "CL_OUT_OF_HOST_MEMORY",
    "CL_MEM_OBJECT_ALLOCATION_FAILURE",
    "bad_alloc",
)
_NOT_A_MODEL = "Unable to read the model"
#: Lines that say where in OpenVINO's source it went wrong, not what.
_PLACE = re.compile(r"^(Exception from src/|Check '.*' failed at src/|FrontEnd API failed)")


def cause(text: str) -> str:
    """Return what an OpenVINO message says, on one line, without its places in the source."""
    lines = [line.strip() for line in text.splitlines()]
    kept = [line for line in lines if line and not _PLACE.match(line)]
    return " ".join(kept or lines).strip()


def unsupported(text: str) -> Optional[str]:
    """Return the operators that a message says are lacking, None if it does not say that."""
    for pattern in _UNSUPPORTED:
        match = pattern.search(text)
        if match:
            return match.group("what").strip()
    return None


def memory_asked_bytes(text: str) -> Optional[int]:
    """Return the size of an allocation that failed, None if the message does not tell."""
    match = _EXCEEDED.search(text)
    return int(match.group("bytes")) if match else None


def attributed(error: Exception, device: str, version: str) -> Exception:
    """Return `error` as a Failed of the kind that its message tells, or as it is."""
    text = str(error)
    what = unsupported(text)
    if what is not None:
        text = "openvino %s on %s: no %s; export the model without it, or for another backend"
        return Failed("unsupported", text % (version, device, what))
    if isinstance(error, MemoryError) or any(sign in text for sign in _OUT_OF_MEMORY):
        asked = memory_asked_bytes(text)
        told = (
            "size not told: %s" % (cause(text) or "no message")
            if asked is None
            else "%d bytes (%.1f MiB) were asked for; try a smaller batch" % (asked, asked / 2**20)
        )
        return Failed("memory", "openvino on %s: out of memory, %s" % (device, told))
    if _NOT_A_MODEL in text:
        return ValueError("this is not an ONNX model: %s" % cause(text))
    return error
