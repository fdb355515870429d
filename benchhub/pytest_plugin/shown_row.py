"""A row as tests ask for it: by the names of `benchhub report --format json`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from benchhub.errors import nearest
from benchhub.model.row import Row
from benchhub.report.run.row_json import row_json


@dataclass(frozen=True)
class ShownRow:
    """A row whose columns are attributes: `row.p95_ms`, `row.speedup_low`, `row.intervals`.

    AttributeError: there is no such column.
    """

    row: Row

    @cached_property
    def _told(self) -> Mapping[str, Any]:
        return row_json(self.row)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in self._told:
            hint = "" if name.startswith("_") else nearest(name, self._told)
            raise AttributeError(f"a row has no column {name}{hint}")
        return self._told[name]
