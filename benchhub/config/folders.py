"""Where results and caches are, unless somebody says otherwise."""

from __future__ import annotations

import os
from pathlib import Path


def cache() -> Path:
    """Return the controller's cache: $BENCHHUB_CACHE, or benchhub in the user's cache folder."""
    given = os.environ.get("BENCHHUB_CACHE")
    if given:
        return Path(given).expanduser()
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "benchhub"


def store_url(folder: Path) -> str:
    """Return the results database of the project in `folder`: $BENCHHUB_STORE, or its own."""
    return os.environ.get("BENCHHUB_STORE") or f"sqlite:///{folder / 'benchhub.db'}"
