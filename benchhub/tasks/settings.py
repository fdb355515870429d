"""Checks of the free-form table that a task defines: a suite's `[data]`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from benchhub.errors import ConfigError, nearest
from benchhub.model.arrays import Settings
from benchhub.tasks.contract.asked import LABELS, SCORES

#: Keys of `[data]` that every task has: what judges, and how it reads labels and outputs.
EVERYWHERE = {
    "data": {
        "metric": "which of the task's metrics is judged first",
        "labels": "what labels are, where there is more than one way to see them:"
        f" {', '.join(LABELS)}",
        "output": "the name of the output that metrics read; left out: the only one that fits",
        "alphabet": "of a text's scores: a file with the symbol of each column, a line each,"
        " `<blank>` for the blank",
        "detections": "how a detector writes its boxes, as"
        ' `{ form = "xyxy" }`, and which outputs hold what',
        "scores": f"what scores are, where that is not to be seen: {', '.join(SCORES)}",
    }
}


def check_settings(where: str, settings: Settings, known: Iterable[str]) -> None:
    """Raise ConfigError if a key of `settings` is not `known`, nor known everywhere."""
    known = (*known, *EVERYWHERE.get(where, ()))
    for key in settings:
        if key not in known:
            raise ConfigError(f"{where}.{key} is unknown{nearest(key, known)}")


def whole_number(where: str, settings: Settings, key: str, default: int = 1, least: int = 0) -> int:
    """Return an integer setting; ConfigError if it is of another type or below `least`."""
    value = settings.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ConfigError(
            f"{where}.{key} must be a whole number of at least {least}, not {value!r}"
        )
    return value


def users_copy(settings: Settings, base: Path, data: Path | None) -> Path | None:
    """Return the folder of the user's data: `data`, else `path` below `base`, else None."""
    if data is None and "path" in settings:
        return base / str(settings["path"])
    return data
