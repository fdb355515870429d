"""Files of /proc and /sys, which may be missing, empty or refuse to answer."""

from typing import List, Optional


def read_text(path: str) -> Optional[str]:
    """Return a file's content without the white space and NULs around it, None if there is none."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read().strip("\x00\n\t ") or None
    except OSError:
        return None


def parse_list(text: str) -> List[int]:
    """Return the numbers in a list of the kernel, such as 0-3,8."""
    numbers: List[int] = []
    for piece in text.strip().split(","):
        first, _, last = piece.partition("-")
        if first.isdigit():
            numbers.extend(range(int(first), int(last or first) + 1))
    return numbers
