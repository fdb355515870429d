"""A run as tests see it: rows, verdicts, and what to say when a budget is not kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import pytest

from benchhub.model.row import Results, Verdict
from benchhub.pytest_plugin.shown_row import ShownRow
from benchhub.pytest_plugin.slots import Slot, taken
from benchhub.report.gate.entries import (
    WORST_FIRST,
    GateEntry,
    cell_words,
    entries,
    not_judged,
)
from benchhub.results.load import Judged
from benchhub.results.verdicts.judge import NO_BUDGETS

_MOST = 10


@dataclass(frozen=True, slots=True)
class One:
    """What became of one entry of a budget: one verdict, or the worst of several."""

    run: MeasuredRun
    entry: GateEntry

    @property
    def verdict(self) -> Verdict | None:
        """The verdict; None where nothing that the budget selects could be measured."""
        return self.entry.verdict

    @property
    def outcome(self) -> str:
        """PASS, FAIL, INCONCLUSIVE, or ERROR where the cell or its device failed."""
        return self.entry.outcome

    @property
    def row(self) -> ShownRow | None:
        """The row of the cell."""
        cell = self.entry.verdict.cell if self.entry.verdict else None
        return next((row for row in self.run.rows if row.cell == cell), None)

    def check(self, inconclusive: str | None = None) -> None:
        """Fail, or on INCONCLUSIVE do what was asked for, with a few lines that say why."""
        self.run.conclude([self.entry], inconclusive)

    def properties(self) -> list[tuple[str, str]]:
        """Return what goes into a JUnit file beside the test, as texts."""
        verdict, run = self.entry.verdict, self.run.results.run
        told: dict[str, Any] = {"run": run.id, "suite": run.suite, "outcome": self.entry.outcome}
        if verdict is not None:
            names = ("cell", "limit", "value", "low", "high", "launches")
            told |= {name: getattr(verdict, name) for name in names}
        return [(f"benchhub_{name}", str(value)) for name, value in told.items() if value != ""]


@dataclass(frozen=True, slots=True)
class MeasuredRun:
    """A run with its budgets applied. `inconclusive` is xfail, fail or skip."""

    judged: Judged
    slots: tuple[Slot, ...]
    inconclusive: str

    @property
    def results(self) -> Results:
        """The run, its devices, variants and skips."""
        return self.judged.results

    @property
    def id(self) -> str:
        """The run's id in the store."""
        return self.results.run.id

    @property
    def rows(self) -> tuple[ShownRow, ...]:
        """A row for every planned cell."""
        return tuple(map(ShownRow, self.results.rows))

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """A verdict for every budget entry and cell."""
        return self.judged.verdicts

    def select(self, **columns: Any) -> tuple[ShownRow, ...]:
        """Return the rows with these values: `select(variant="int8", threads=1)`."""
        return tuple(
            row
            for row in self.rows
            if all(getattr(row, name) == value for name, value in columns.items())
        )

    def row(self, **columns: Any) -> ShownRow:
        """Return the only row with these values; LookupError, with what there is, otherwise."""
        found = self.select(**columns)
        if len(found) == 1:
            return found[0]
        asked = " ".join(f"{name}={value!r}" for name, value in columns.items())
        there = "; ".join(
            f"{one.device}: {cell_words(one.row)}" for one in (found or self.rows)[:5]
        )
        raise LookupError(f"{len(found)} rows of run {self.id} have {asked}; among them: {there}")

    def assert_budgets(self, inconclusive: str | None = None) -> None:
        """Fail where a budget is broken or a cell or device failed, worst first.

        Where nothing is broken but something could not be told, do what `inconclusive` says:
        xfail, fail or skip; None: what the session was started with. A run without budgets fails,
        and one that none of them applies to, or to the baseline's own loss alone.
        """
        if not self.judged.budgets:
            pytest.fail(
                f"benchhub: run {self.id} has no budgets; add [[budgets]] to suite"
                f" {self.results.run.suite}, or give budgets=FILE",
                pytrace=False,
            )
        self.conclude(entries(self.judged), inconclusive)
        if self.judged.overall == NO_BUDGETS:
            pytest.fail(f"benchhub: {not_judged(self.judged)}", pytrace=False)

    def one(self, slot: Slot) -> One:
        """Return what became of a slot of this run."""
        mine = {id(verdict) for verdict in taken(slot, self.slots, self.verdicts)}
        found = [entry for entry in entries(self.judged) if id(entry.verdict) in mine]
        return One(self, found[0] if found else self._nothing(slot))

    def check_rest(self) -> None:
        """Conclude from what no budget entry of a cell tells: failed cells, devices, budgets."""
        self.conclude([one for one in entries(self.judged) if one.verdict is None], None)

    def conclude(self, found: Sequence[GateEntry], inconclusive: str | None) -> None:
        """Raise what the worst of `found` calls for; return when all passed."""
        policy = inconclusive or self.inconclusive
        worst = {entry.outcome for entry in found}
        if "FAIL" in worst or "ERROR" in worst:
            pytest.fail(self._text(found), pytrace=False)
        if "INCONCLUSIVE" in worst:
            _undecided(self._text(found), policy)

    def _nothing(self, slot: Slot) -> GateEntry:
        device, backend, variant, budget, column = slot.group
        skips = [
            skip.reason.text
            for skip in self.results.skips
            if (skip.device, skip.backend) == (device, backend)
        ]
        return GateEntry(
            "INCONCLUSIVE", device, f"{variant} on {backend}",
            f"{column} was not measured" + (f": {skips[0]}" if skips else ""),
            f"see what was skipped: `benchhub report {self.id} --format markdown`",
            budget=budget,
        )  # fmt: skip

    def _text(self, found: Sequence[GateEntry]) -> str:
        open_ones = [entry for entry in found if entry.outcome != "PASS"]
        counts = [(name, sum(entry.outcome == name for entry in found)) for name in WORST_FIRST]
        said = ", ".join(f"{count} {name}" for name, count in counts if count)
        lines = [f"benchhub run {self.id} of suite {self.results.run.suite}: {said}"]
        if len(found) == 1:
            return "\n".join([*_lines(found[0]), f"  run    {self.id}"])
        for entry in open_ones[:_MOST]:
            lines += _lines(entry)
        if len(open_ones) > _MOST:
            lines.append(f"and {len(open_ones) - _MOST} more: `benchhub gate {self.id}`")
        return "\n".join(lines)


def _lines(entry: GateEntry) -> Iterator[str]:
    where = ": ".join(part for part in (entry.device, entry.what) if part)
    yield f"{entry.outcome} {where}{' (emulated)' if entry.emulated else ''}"
    if entry.budget:
        yield "  budget " + ": ".join(part for part in (entry.budget, entry.asked) if part)
    if entry.verdict is not None:
        yield f"  value  {entry.seen}, {entry.launches}"
    yield f"  why    {entry.reason}"
    if entry.step:
        yield f"  next   {entry.step}"


def _undecided(text: str, policy: str) -> NoReturn:
    if policy == "fail":
        pytest.fail(text, pytrace=False)
    if policy == "skip":
        pytest.skip(text)
    pytest.xfail(text)
    pytest.fail(text, pytrace=False)  # under --runxfail the line above does nothing
