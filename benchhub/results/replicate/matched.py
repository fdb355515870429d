"""Which row here stands for a row of the report, and why there is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from benchhub.config.published.told import PublishedReport, PublishedRow
from benchhub.results.replicate.oneself import base_name, models

#: So many digits tell two models apart in a line.
_DIGITS = 12


@dataclass
class Counterparts:
    """The rows here by what they are of; `remade`: a variant of one name is taken for the same.

    `lacking` says of models, by their names there, why they were not measured here.
    """

    theirs: PublishedReport
    ours: PublishedReport | None
    remade: bool = False
    lacking: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        rows = self.ours.rows if self.ours else ()
        self._by_model: dict[tuple[object, ...], dict[str, PublishedRow]] = {}
        self._by_name: dict[tuple[object, ...], PublishedRow] = {}
        for row in rows:
            if row.runs_model:
                mine = self._by_model.setdefault((row.model_sha256, *row.settings), {})
                mine[row.variant] = row
                self._by_name[row.variant, *row.settings] = row
        self._names = models(self.ours) if self.ours else {}
        self._known = set(self._names.values())
        self._models = models(self.theirs)
        self._skips = {
            (skip.variant, skip.backend, skip.scenario.partition(" ")[0]): skip.reason
            for skip in (self.ours.skips if self.ours else ())
        }

    def of(self, row: PublishedRow) -> PublishedRow | None:
        """Return the row here of the same model and settings; None: there is none."""
        found = self._by_model.get((row.model_sha256, *row.settings), {})
        if found:
            return found.get(row.variant) or next(iter(found.values()))
        return self._by_name.get((row.variant, *row.settings)) if self.remade else None

    def why_none(self, row: PublishedRow) -> str:
        """Return why nothing here stands for a row."""
        if row.variant in self.lacking:
            return self.lacking[row.variant]
        if self.ours is None:
            return "nothing was measured here"
        taken = row.model_sha256 in self._known or (self.remade and row.variant in self._names)
        if not taken:
            mine = self._names.get(row.variant)
            if mine is not None:
                return (
                    f"another model: {row.variant} is {row.model_sha256[:_DIGITS]} there,"
                    f" {mine[:_DIGITS]} here; give the file with --models DIR, or --accept-remade"
                )
            return (
                f"run {self.ours.run.id} has no model {row.model_sha256[:_DIGITS]}"
                f" ({row.variant}); give it with --models DIR"
            )
        if skipped := self._skips.get((row.variant, row.backend, row.scenario)):
            return f"not measured here: {skipped}"
        return f"run {self.ours.run.id} has no such settings"

    def other_base(self, theirs: PublishedRow, ours: PublishedRow) -> str:
        """Return in what the models differ that two speed-ups refer to; empty: they are one."""
        assert self.ours is not None
        return self._other(base_name(theirs, self.theirs), base_name(ours, self.ours))

    def other_baseline(self) -> str:
        """Return in what the models differ that losses refer to; empty: they are one."""
        assert self.ours is not None
        return self._other(self.theirs.run.baseline, self.ours.run.baseline)

    def _other(self, there: str, here: str) -> str:
        one, other = self._models.get(there, ""), self._names.get(here, "")
        if (one and one == other) or (self.remade and there == here):
            return ""
        return (
            f"it refers to another model: {there} {one[:_DIGITS]} there, {here} {other[:_DIGITS]}"
            " here"
        )
