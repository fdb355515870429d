"""How long each target was tried, over all sittings."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass
class Tried:
    """The sum of one target; mutant number `tries` is the next one."""

    seconds: float = 0.0
    tries: int = 0


class Ledger:
    """The sums of all targets, in `ledger.json` of a folder."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "ledger.json"
        self.of: dict[str, Tried] = {}
        if self._path.exists():
            told = json.loads(self._path.read_text("utf-8"))
            self.of = {name: Tried(**one) for name, one in told.items()}

    def add(self, name: str, seconds: float, tries: int) -> None:
        """Add what one process did, and write it down."""
        known = self.of.setdefault(name, Tried())
        known.seconds += seconds
        known.tries += tries
        draft = self._path.with_suffix(".part")
        told = {name: asdict(one) for name, one in sorted(self.of.items())}
        draft.write_text(json.dumps(told, indent=1) + "\n", "utf-8")
        os.replace(draft, self._path)
