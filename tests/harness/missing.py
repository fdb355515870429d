"""Modules of tests that cannot be imported for want of a package are skipped whole; never in CI."""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest

#: Large, or not for every machine; `.venv` has none of them.
OPTIONAL = {"ai_edge_quantizer", "nncf", "torch", "torch_pruning"}


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Skip a module; where tests of pure code are asked for, it has none, and nothing is said."""
    report = yield
    pure = collector.config.getoption("pure")
    if (name := _missing(report)) is None or ("CI" in os.environ and not pure):
        return report
    where = (str(collector.path), 0, f"Skipped: {name} is not installed")
    outcome, told = ("passed", None) if pure else ("skipped", where)
    return pytest.CollectReport(collector.nodeid, outcome, told, [])  # type: ignore[arg-type]


def _missing(report: pytest.CollectReport) -> str | None:
    """Return for want of which package a module was not collected, None otherwise."""
    call = getattr(report, "call", None)
    error = call.excinfo.value.__cause__ if report.failed and call and call.excinfo else None
    if not isinstance(error, ModuleNotFoundError) or error.name is None:
        return None
    root = error.name.partition(".")[0]
    return root if root in OPTIONAL else None
