"""One test item for each entry of a budget and each cell of a run."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from benchhub.pytest_plugin.runs import WantedRun, runs_of
from benchhub.pytest_plugin.slots import Slot

#: The item that fails where cells without a budget failed, or devices stopped early.
REST = "everything-else-was-measured"


def collect(session: pytest.Session, config: pytest.Config) -> list[pytest.Item]:
    """Return the items of the suite or run the session was started with; nothing is measured yet.

    ConfigError: it cannot be read, or has no budgets.
    """
    runs = runs_of(config)
    wanted = runs.wanted()
    name = Path(wanted.request.suite).parent.name if wanted.request else str(wanted.run)
    parent = Budgets.from_parent(session, name=name, nodeid=f"benchhub:{name}", wanted=wanted)
    runs.slots(wanted)  # a mistake shows here, in one line
    # By way of the hooks, so that pytest counts what it collects.
    report = config.hook.pytest_make_collect_report(collector=parent)
    config.hook.pytest_collectreport(report=report)
    return list(report.result)


class Budgets(pytest.Collector):
    """The budgets of one suite or run."""

    def __init__(self, *, wanted: WantedRun, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._wanted = wanted

    def collect(self) -> Iterable[pytest.Item]:
        """Return an item for each slot, and one for all that has no budget."""
        slots = runs_of(self.config).slots(self._wanted)
        named = [(slot.name, slot) for slot in slots]
        return [
            BudgetItem.from_parent(self, name=name, wanted=self._wanted, slot=slot)
            for name, slot in [*named, (REST, None)]
        ]


class BudgetItem(pytest.Item):
    """One entry of a budget on one cell; the first item of a suite measures all of it.

    Without a slot it is the item of what has no budget.
    """

    def __init__(self, *, wanted: WantedRun, slot: Slot | None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._wanted, self._slot = wanted, slot

    def runtest(self) -> None:
        """Judge the cell; pytest's fail, xfail or skip say what is not a PASS."""
        run = runs_of(self.config).of(self._wanted)
        if self._slot is None:
            run.check_rest()
            return
        one = run.one(self._slot)
        self.user_properties.extend(one.properties())
        one.check()

    def reportinfo(self) -> tuple[Path, None, str]:
        """Return where the item comes from, as pytest prints it."""
        return self.path, None, self.name
