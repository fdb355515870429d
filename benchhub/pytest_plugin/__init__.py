"""The pytest plugin: runs as fixtures, budgets as test items, INCONCLUSIVE as its own outcome.

`pytest --benchhub-suite SUITE` adds one item per budget entry and cell; the fixture
`benchhub_run` gives a run to a test's own assertions. Nothing of benchhub but this package is
imported before one of them is used. See docs/how-to/pytest.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from benchhub.pytest_plugin.options import add_options, asked

if TYPE_CHECKING:
    from benchhub.pytest_plugin.measured import MeasuredRun, One


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options, and the ini entry of each."""
    add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line(
        "markers",
        "benchhub(suite=None, run=None, **arguments): make the test one for each budget entry and"
        " cell, given to it as benchhub_verdict; the arguments are those of benchhub_run",
    )


@pytest.fixture(scope="session")
def benchhub_run(pytestconfig: pytest.Config) -> Callable[..., MeasuredRun]:
    """Return a function that measures a suite or loads a run, once a session for its arguments.

    `benchhub_run("quickstart", devices=["localhost"], effort="quick")` measures,
    `benchhub_run(run="latest")` loads, `benchhub_run()` does what the command line asks for. What
    it returns has `rows`, `verdicts`, `row(variant="int8")` and `assert_budgets()`.
    """
    from benchhub.pytest_plugin.runs import runs_of

    return runs_of(pytestconfig).get


@pytest.fixture
def benchhub_verdict(request: pytest.FixtureRequest, pytestconfig: pytest.Config) -> One:
    """Return the verdict that the marker `benchhub` made this test for; `check()` asserts it."""
    from benchhub.pytest_plugin.runs import runs_of

    if not hasattr(request, "param"):
        pytest.fail("benchhub_verdict needs @pytest.mark.benchhub(SUITE) on its test", False)
    wanted, slot = request.param
    one = runs_of(pytestconfig).of(wanted).one(slot)
    request.node.user_properties.extend(one.properties())
    return one


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make one test for each verdict of a test that asks for `benchhub_verdict`."""
    marker = metafunc.definition.get_closest_marker("benchhub")
    if marker is None or "benchhub_verdict" not in metafunc.fixturenames:
        return
    from benchhub.pytest_plugin.runs import runs_of

    with _explained(pytest.Collector.CollectError):
        runs = runs_of(metafunc.config)
        wanted = runs.wanted(*marker.args, **marker.kwargs)
        slots = runs.slots(wanted)
    metafunc.parametrize(
        "benchhub_verdict",
        [(wanted, slot) for slot in slots],
        indirect=True,
        ids=[slot.name for slot in slots],
    )


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(
    session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Add the items of the suite or run that was asked for, before -k and -m choose."""
    if not (asked(config, "suite") or asked(config, "run")):
        return
    from benchhub.pytest_plugin.items import collect

    with _explained(pytest.UsageError):
        items.extend(collect(session, config))


@pytest.hookimpl(tryfirst=True)
def pytest_report_teststatus(report: Any) -> Any:
    """Call what could not be told INCONCLUSIVE, whatever pytest counts it as."""
    told = dict(getattr(report, "user_properties", ()))
    if told.get("benchhub_outcome") != "INCONCLUSIVE" or report.outcome != "skipped":
        return None
    category = "xfailed" if hasattr(report, "wasxfail") else "skipped"
    return category, "i", ("INCONCLUSIVE", {"yellow": True})


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Name the runs, count their verdicts, and tell where to see more."""
    counts: dict[tuple[str, str], dict[str, int]] = {}
    for report in (one for reports in terminalreporter.stats.values() for one in reports):
        told = dict(getattr(report, "user_properties", ()))
        if "benchhub_run" in told and getattr(report, "when", None) == "call":
            found = counts.setdefault((told["benchhub_run"], told["benchhub_suite"]), {})
            outcome = told["benchhub_outcome"]
            found[outcome] = found.get(outcome, 0) + 1
    if counts:
        terminalreporter.section("benchhub", sep="-")
    for (run, suite), found in counts.items():
        numbers = ", ".join(f"{found[name]} {name}" for name in sorted(found))
        terminalreporter.write_line(
            f"run {run}, suite {suite}: {numbers}; see `benchhub report {run}`"
        )


@contextmanager
def _explained(kind: type[Exception]) -> Iterator[None]:
    """Turn what benchhub explains in one line into an error that pytest prints as one."""
    from benchhub.errors import BenchhubError

    try:
        yield
    except BenchhubError as error:
        raise kind(f"benchhub: {error}") from error
