"""What became of one scenario, as it is kept."""

from __future__ import annotations

import dataclasses
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from campaign.checks import Counts


@dataclass(frozen=True, slots=True)
class Outcome:
    """A seed, what it drew, and what was found; `left_out` is why it was not played.

    `counts` are those before anything was mended, `at_last` how many launches had finished in the
    end. `of` names the tree that was played.
    """

    seed: int
    version: int
    of: str
    faults: tuple[str, ...]
    told: tuple[str, ...]
    devices: tuple[str, ...]
    #: Of the faults those that struck before the run was over.
    struck: tuple[str, ...] = ()
    left_out: str = ""
    counts: Counts = dataclasses.field(default_factory=Counts)
    at_last: int = 0
    controllers: int = 0
    running: int = 0
    locked: int = 0
    findings: tuple[str, ...] = ()
    took_s: float = 0.0


def write(outcome: Outcome, path: Path) -> None:
    """Keep an outcome, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(f".{os.getpid()}.new")
    draft.write_text(json.dumps(dataclasses.asdict(outcome), indent=1) + "\n", "utf-8")
    draft.replace(path)


def read(path: Path) -> Outcome | None:
    """Return an outcome that was kept; None where there is none."""
    try:
        known: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return None
    known["counts"] = Counts(**known["counts"])
    listed = {name: tuple(one) for name, one in known.items() if isinstance(one, list)}
    return Outcome(**{**known, **listed})
