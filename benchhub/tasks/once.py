"""A folder in the cache that is written once, whole or not at all."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from benchhub.outside.foreign.reading import reading
from benchhub.outside.written import OTHER_CACHE, explained

FACTS = "phantom.json"


def write_once(target: Path, write: Callable[[Path], Mapping[str, Any]]) -> Path:
    """Return `target`, filled by `write`, whose facts go to `phantom.json`, unless it is there.

    The folder appears under its name only when complete, so a second process or an interrupted
    one does no harm. ConfigError: it cannot be written.
    """
    with explained(target, OTHER_CACHE):
        if not (target / FACTS).is_file():
            _write(target, write)
    return target


def _write(target: Path, write: Callable[[Path], Mapping[str, Any]]) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        facts = write(draft)
        (draft / FACTS).write_text(json.dumps(facts, indent=1) + "\n", encoding="ascii")
        try:
            os.rename(draft, target)
        except OSError:
            if not (target / FACTS).is_file():
                raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def facts_of(folder: Path) -> dict[str, Any]:
    """Return what was written with the folder of a phantom; ConfigError where it is damaged."""
    with reading(folder / FACTS, "damaged", f"remove {folder}, and it is made anew"):
        facts = json.loads((folder / FACTS).read_text(encoding="ascii"))
        if not isinstance(facts, dict):
            raise ValueError("no table")
    return facts
