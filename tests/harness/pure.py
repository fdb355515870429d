"""The choice of tests of pure code, which `make check` runs, and how many there are at least."""

from __future__ import annotations

from typing import Any

import pytest

from .needs import is_pure


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the choice between tests of pure code and the others."""
    group = parser.getgroup("benchhub's own tests")
    group.addoption("--pure", action="store_true", help="only tests of pure code")
    group.addoption("--not-pure", action="store_true", help="all tests but those of pure code")
    parser.addini("pure_at_least", "How many tests of pure code there are at least.", "string", "0")


def pytest_configure(config: pytest.Config) -> None:
    """Count where all of them are asked for."""
    if config.getoption("pure") and not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Count(config), "harness.pure.count")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what was not asked for."""
    for option, wanted in (("pure", True), ("not_pure", False)):
        if config.getoption(option):
            out = [item for item in items if is_pure(item) != wanted]
            items[:] = [item for item in items if is_pure(item) == wanted]
            config.hook.pytest_deselected(items=out)


class _Count:
    """Counts the tests of pure code that passed; too few of them fail a run of all."""

    def __init__(self, config: pytest.Config) -> None:
        self._wanted = int(config.getini("pure_at_least"))
        self._all = config.args_source is not pytest.Config.ArgsSource.ARGS and not (
            config.option.keyword or config.option.markexpr
        )
        self._passed = 0

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count one."""
        self._passed += report.when == "call" and report.passed

    @property
    def _short(self) -> bool:
        return self._all and self._passed < self._wanted

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Fail a run that had too few."""
        if self._short and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Say how many there were."""
        kept = f"pure_at_least = {self._wanted} in pyproject.toml"
        line = f"{self._passed} tests of pure code passed; {kept}"
        if self._short:
            terminalreporter.write_line(f"{line}: some were lost, or now reach further", red=True)
        else:
            terminalreporter.write_line(line if self._all else f"{self._passed} passed")
