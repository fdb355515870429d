"""Names of files and of rows, made of what people and files call things; pure."""

from __future__ import annotations

import hashlib
import re

#: Names that are one on every file system, and mean nothing to a shell, a page or an address.
_PLAIN = re.compile(r"[a-z0-9][a-z0-9-]{0,59}")
_OTHERS = re.compile(r"[^a-z0-9]+")


def file_name(*parts: str) -> str:
    """Return a name for a file: parts that are plain as they are, others with their digest.

    Different parts have different names, also where letters do not differ by case.
    """
    return "--".join(map(_plain, parts))


def row_id(run: str, cell: str) -> str:
    """Return what a row is called in addresses: the same whenever a board is made."""
    return f"r-{file_name(run, cell)}"


def _plain(text: str) -> str:
    if _PLAIN.fullmatch(text) and "--" not in text:
        return text
    shown = _OTHERS.sub("-", text.lower()).strip("-")[:40].strip("-")
    digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:8]
    return f"{shown}-{digest}" if shown else digest
