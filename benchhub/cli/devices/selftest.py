"""`benchhub devices selftest`: is a device fit as an instrument."""

from __future__ import annotations

import json as jsonlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from benchhub.cli import project
from benchhub.cli.devices.asked import RERUN_FAILED
from benchhub.cli.devices.queueing import PRIORITY, RESERVATION, WAIT_AT_MOST

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchhub.cli.devices.asked import AskedDevices
    from benchhub.errors import DeviceError
    from benchhub.model.device import Queueing, Selftest
    from benchhub.model.launch import Launch
    from benchhub.store import Store


def selftest(
    device: list[str] = project.DEVICES,
    exclude: list[str] = project.EXCLUDE,
    rerun_failed: bool = RERUN_FAILED,
    wait_at_most: str = WAIT_AT_MOST,
    priority: int = PRIORITY,
    reservation: str = RESERVATION,
    store: str = project.STORE,
    json: bool = project.JSON,
) -> None:
    """See whether devices tell equal work from 3 and 5 % more; exit 3 if one does not."""
    from benchhub.cli.devices.asked import asked
    from benchhub.cli.devices.queueing import queueing

    waits = queueing(wait_at_most, priority, reservation)
    group = asked("selftest", device, exclude, rerun_failed)
    with project.open_store(store) as results:
        tested = _measured(results, group, waits)
    alone = len(group.devices) == 1
    if json:
        from benchhub.report.plain import plain

        typer.echo(jsonlib.dumps([plain(one) for one in tested.found], indent=1))
    elif alone:
        for one in tested.found:
            _show(one)
    else:
        show_all(tested)
    if alone or json:
        for error in tested.lost.values():
            project.problem(str(error))
    names = [one.name for one in group.devices]
    passed = {one.device for one in tested.found if one.passed}
    failed = {*tested.lost, *(one.device for one in tested.found)} - passed
    step = "`benchhub devices selftest --rerun-failed` takes just those"
    untried = [name for name in names if name not in {*passed, *failed}]
    group.end([name for name in names if name in failed], untried, "did not pass", step)


@dataclass(frozen=True, slots=True)
class Tested:
    """The self-tests that were made, and why devices could not be tested, by name."""

    found: tuple[Selftest, ...]
    lost: Mapping[str, DeviceError]


def _measured(results: Store, group: AskedDevices, waits: Queueing) -> Tested:
    """Return the self-tests, stored. What Ctrl-C cuts short has those that were over by then."""
    from datetime import UTC, datetime

    from benchhub.cli.run import command_line
    from benchhub.cli.show import measuring
    from benchhub.errors import Interrupted
    from benchhub.run.devices.selftest import examine, is_over, make_selftest

    runs: list[str] = []
    lost: dict[str, DeviceError] = {}
    stopped = False
    try:
        ready = make_selftest(list(group.places.values()), project.cache())
        _, errors = measuring.measured(results, ready, command_line(), runs.append, waits)
        lost = {name: error for name, error in errors.items() if error is not None}
    except Interrupted:
        stopped = True
    launches: dict[str, list[Launch]] = {}
    for launch in results.launches(runs[0]) if runs else ():
        launches.setdefault(launch.cell.device, []).append(launch)
    found = []
    for device in group.devices:
        mine = launches.get(device.name, [])
        if device.name not in lost and (is_over(mine) or not stopped):
            at = datetime.now(UTC).isoformat(timespec="seconds")
            found.append(examine(runs[0], device.name, at, mine))
            results.selftests.add(found[-1])
    return Tested(tuple(found), lost)


def show_all(tested: Tested) -> None:
    """Print a table of devices, those in trouble first."""
    from benchhub.cli.devices.together import DeviceLine, print_rows

    lines = [
        DeviceLine(name, 0, "not tested", str(error).removeprefix(f"{name}: "))
        for name, error in tested.lost.items()
    ]
    for one in tested.found:
        level = "warn" if one.passed else "refuse"
        worst = [f"{check.check}: {check.found}" for check in one.checks if check.level == level]
        rank, word = (2, "passed") if one.passed else (0, "not passed")
        if one.passed and worst:
            rank, word = 1, "passed (doubts)"
        lines.append(DeviceLine(one.device, rank, word, "; ".join(worst)))
    print_rows(lines, "`benchhub devices selftest NAME` shows every check of one")


def _show(one: Selftest) -> None:
    from benchhub.cli.devices.checks import print_answer, print_checks
    from benchhub.cli.show.say import stdout

    console = stdout()
    answer = "self-test passed" if one.passed else "self-test not passed"
    print_answer(console, one.device, answer, one.passed)
    print_checks(console, one.checks, {"refuse": "fail"})
