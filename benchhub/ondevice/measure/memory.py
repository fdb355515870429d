"""A process's own memory, as the kernel counts it.

`ru_maxrss` of a child starts at its parent's size, and a sampling thread is starved by the
interpreter lock, so the process resets its own high-water mark (proc(5), clear_refs) and reads it
back from /proc/self/status.
"""

from typing import NamedTuple, Optional

#: A mark this far above the resident size right after a reset was not reset at all.
_SLACK = 1.05


class Usage(NamedTuple):
    """Resident size and its high-water mark, in bytes; None where the kernel does not say."""

    rss_bytes: Optional[int]
    peak_bytes: Optional[int]


def usage(proc_root: str = "/proc") -> Usage:
    """Return what this process occupies now and occupied at most since the last reset."""
    try:
        with open(proc_root + "/self/status", encoding="ascii", errors="replace") as file:
            return parse_status(file.read())
    except OSError:
        return Usage(None, None)


def parse_status(text: str) -> Usage:
    """Return VmRSS and VmHWM of a /proc/PID/status."""
    found = {}
    for line in text.splitlines():
        name, _, rest = line.partition(":")
        words = rest.split()
        if name in ("VmRSS", "VmHWM") and len(words) == 2 and words[1] == "kB":
            found[name] = int(words[0]) * 1024
    return Usage(found.get("VmRSS"), found.get("VmHWM"))


def reset_peak(proc_root: str = "/proc") -> bool:
    """Set the high-water mark to the present size; False where the kernel cannot."""
    try:
        with open(proc_root + "/self/clear_refs", "w", encoding="ascii") as file:
            file.write("5")
    except OSError:
        return False
    now = usage(proc_root)
    if now.rss_bytes is None or now.peak_bytes is None:
        return False
    return now.peak_bytes <= now.rss_bytes * _SLACK
