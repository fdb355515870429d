"""What was found, in a folder: the bytes named by their sha256, and a text beside them."""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path

#: Of one kind so many are kept: the next ones tell nothing new.
_OF_A_KIND = 3


def keep(folder: Path, name: str, kind: str, content: bytes, text: str) -> Path | None:
    """Keep bytes that a target stumbled over; return where, None where the kind is known well."""
    shelf = folder / "findings" / name
    if kinds(folder, name)[kind] >= _OF_A_KIND:
        return None
    shelf.mkdir(parents=True, exist_ok=True)
    path = shelf / hashlib.sha256(content).hexdigest()[:20]
    path.write_bytes(content)
    path.with_suffix(".txt").write_text(f"{kind}\n\n{text}\n", "utf-8", "backslashreplace")
    return path


def kinds(folder: Path, name: str) -> Counter[str]:
    """Return what kinds were found of a target, and how many are kept of each."""
    told = sorted((folder / "findings" / name).glob("*.txt"))
    return Counter(path.read_text("utf-8", "replace").partition("\n")[0] for path in told)
