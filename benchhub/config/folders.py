"""Where results and caches are, unless somebody says otherwise."""

from __future__ import annotations

import os
from pathlib import Path

from benchhub.outside import Variable


def cache() -> Path:
    """Return the controller's cache: $BENCHHUB_CACHE, or benchhub in the user's cache folder."""
    given = os.environ.get(Variable.CACHE)
    if given:
        return Path(given).expanduser()
    base = os.environ.get(Variable.XDG_CACHE) or "~/.cache"
    return Path(base).expanduser() / "benchhub"


def store_url(folder: Path) -> str:
    """Return the results database of the project in `folder`: $BENCHHUB_STORE, or its own."""
    return os.environ.get(Variable.STORE) or f"sqlite:///{folder / 'benchhub.db'}"
