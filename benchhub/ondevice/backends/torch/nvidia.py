"""What NVIDIA's driver and allocators say: the kernel driver's version, the size that was asked."""

import re
from typing import Optional

_DRIVER = re.compile(r"Kernel Module\s.*?\s(\d+(?:\.\d+)+)\s")
#: "Tried to allocate 2.00 GiB" (torch.cuda), "you tried to allocate 16 bytes" (torch on a CPU),
#: "Requested amount of GPU memory (15485030400 bytes)" (TensorRT).
_ASKED = re.compile(
    r"(?:[Tt]ried to allocate|[Rr]equested amount of (?:GPU )?memory \(|error allocating)"
    r"\s*(\d+(?:\.\d+)?)[ -](byte|[KMGT]iB)"
)
_EXHAUSTED = (
    "out of memory", "outofmemory", "out_of_memory", "can't allocate memory", "bad_alloc",
    "memory could not be allocated", "bytes) could not be allocated", "insufficient memory",
)  # fmt: skip


def driver_version(proc: str = "/proc/driver/nvidia/version") -> Optional[str]:
    """Return the kernel driver's version; None where there is no such driver (a Jetson's too)."""
    try:
        with open(proc, encoding="ascii", errors="replace") as file:
            return parse_driver(file.read())
    except OSError:
        return None


def parse_driver(text: str) -> Optional[str]:
    """Return the version in /proc/driver/nvidia/version."""
    found = _DRIVER.search(text)
    return found.group(1) if found else None


def is_exhausted(message: str) -> bool:
    """Return whether an error's text is about memory that ran out."""
    lowered = message.lower()
    return any(mark in lowered for mark in _EXHAUSTED)


def asked_size(message: str) -> Optional[str]:
    """Return the size that could not be allocated, as the message writes it: `2.00 GiB`."""
    found = _ASKED.search(message)
    if found is None:
        return None
    number, unit = found.groups()
    return "%s %s" % (number, "bytes" if unit == "byte" else unit)


def exhausted_text(message: str, what: str) -> str:
    """Return one line for a failure of kind memory: the size asked for, and what to do."""
    asked = asked_size(message)
    first = next((line.strip() for line in message.splitlines() if line.strip()), message)
    size = "asked for %s" % asked if asked else "size not stated"
    return "%s: out of memory, %s; lower the batch or the concurrency (%s)" % (what, size, first)
