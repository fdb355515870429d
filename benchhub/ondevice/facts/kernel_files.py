"""Files of /proc and /sys, which may be missing, empty or refuse to answer."""

from typing import Optional


def read_text(path: str) -> Optional[str]:
    """Return a file's content without the white space and NULs around it, None if there is none."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read().strip("\x00\n\t ") or None
    except OSError:
        return None
