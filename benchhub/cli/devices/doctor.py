"""`benchhub devices doctor`: whether devices can measure, and what to do where they cannot."""

from __future__ import annotations

import dataclasses
import json as jsonlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import typer

from benchhub.cli import project
from benchhub.cli.devices.asked import RERUN_FAILED

if TYPE_CHECKING:
    from benchhub.cli.devices.together import DeviceLine
    from benchhub.model.device import DeviceProfile, Finding
    from benchhub.model.facts import Facts
    from benchhub.ondevice.wire import Conditions
    from benchhub.run.devices.side_by_side import Answer
    from benchhub.run.loop.engine import Sessions

_ORDER = ("refuse", "warn", "unknown", "ok")

#: The checks of a device, and whether it is unfit.
Examined = tuple[tuple["Finding", ...], bool]


def doctor(
    device: list[str] = project.DEVICES,
    exclude: list[str] = project.EXCLUDE,
    rerun_failed: bool = RERUN_FAILED,
    store: str = project.STORE,
    json: bool = project.JSON,
) -> None:
    """Check devices; exit 3 if one of them cannot measure. A pass lifts a quarantine."""
    from benchhub.cli.devices.asked import asked
    from benchhub.cli.devices.quarantine import lift, quarantined
    from benchhub.cli.devices.together import print_rows, together

    group = asked("doctor", device, exclude, rerun_failed)
    kept = quarantined(store)
    found: dict[str, Examined] = {}

    def ask(profile: DeviceProfile, sessions: Sessions) -> Examined:
        return examine(profile, lambda: question(profile, sessions, group.say))

    def take(answer: Answer[Examined]) -> bool:
        name = answer.device.name
        checks, unfit = answer.told or ((_unanswered(answer.device, answer.error),), True)
        found[name] = (checks, unfit)
        if one := kept.get(name):
            if unfit:
                project.note(f"{name}: stays in quarantine since {one.since}")
            elif lift(store, name):
                project.note(f"{name}: out of quarantine, where it was since {one.since}")
        return not unfit

    together(group, ask, take)
    names = [one.name for one in group.devices]
    report = {name: found[name] for name in names if name in found}
    if json:
        plain = {name: list(map(dataclasses.asdict, of[0])) for name, of in report.items()}
        typer.echo(jsonlib.dumps(plain, indent=2))
    elif len(names) == 1:
        for name, (checks, unfit) in report.items():
            print_device(name, checks, unfit)
    else:
        step = "`benchhub devices doctor NAME` shows every check of one"
        print_rows([_row(name, *of) for name, of in report.items()], step)
    bad = [name for name, (_, unfit) in report.items() if unfit]
    step = "`benchhub devices doctor --rerun-failed` takes just those"
    group.end(bad, [name for name in names if name not in found], "cannot measure", step)


def question(
    profile: DeviceProfile, sessions: Sessions, say: Callable[[str], None] = project.note
) -> tuple[Facts, Conditions]:
    """Connect to a device and return what it is, and its conditions; DeviceError if it cannot.

    `say` hears why it is tried again.
    """
    from benchhub.device.again import again
    from benchhub.run.devices.side_by_side import opened

    def ask() -> tuple[Facts, Conditions]:
        with opened(profile, sessions, "a question") as session:
            return session.facts(), session.conditions()

    return again(ask, say)


def _row(name: str, checks: Sequence[Finding], unfit: bool) -> DeviceLine:
    from benchhub.cli.devices.together import DeviceLine
    from benchhub.model.device import UNKNOWN

    worst = [check for check in checks if check.level == ("refuse" if unfit else "warn")]
    if not worst:
        unknown = ", ".join(check.check for check in checks if check.level == UNKNOWN)
        return DeviceLine(name, 2, "can measure", f"unknown: {unknown}" if unknown else "")
    one = worst[0]
    more = f" (and {len(worst) - 1} more)" if len(worst) > 1 else ""
    fix = f"; {one.fix}" if one.fix and unfit else ""
    text = f"{one.check}: {one.found}{fix}{more}"
    return (
        DeviceLine(name, 0, "cannot measure", text)
        if unfit
        else DeviceLine(name, 1, "can measure (doubts)", text)
    )


def examine(
    profile: DeviceProfile, ask: Callable[[], tuple[Facts, Conditions]]
) -> tuple[tuple[Finding, ...], bool]:
    """Return every check of a device, and whether it is unfit to measure.

    `ask` connects and returns facts and conditions; where it cannot, that is the finding.
    """
    from benchhub.backends import every
    from benchhub.device.health.findings import findings, needs_a_backend, refusal
    from benchhub.errors import DeviceError
    from benchhub.outside.faults import of_device

    backends, broken = every()
    asked = [one for one in backends if one.distributions]  # the others need no runtime
    try:
        with of_device(profile.name):
            facts, conditions = ask()
            checks = findings(profile, facts, conditions, asked)
            checks = needs_a_backend(profile, facts, checks, asked)
    except DeviceError as error:
        return (_unanswered(profile, error),), True
    return (*checks, *_broken(broken)), refusal(checks) is not None


def _unanswered(profile: DeviceProfile, error: Exception | None) -> Finding:
    from benchhub.errors import PythonUnusable
    from benchhub.model.device import Finding
    from benchhub.outside.masked import masked

    said = masked(str(error)).removeprefix(f"{profile.name}: ")
    found, _, fix = said.rpartition("; ")
    check, why = "connect", "nothing can be asked or measured"
    if isinstance(error, PythonUnusable):
        check, why = "python", "the runner needs Python 3.8 or newer"
    return Finding(check, "refuse", found or said, why, fix if found else "")


def _broken(backends: Mapping[str, str]) -> Iterator[Finding]:
    from benchhub.model.device import Finding

    for name, said in backends.items():
        found, _, fix = said.rpartition("; ")
        yield Finding(f"backend {name}", "warn", found, "no suite can use it", fix)


def print_device(name: str, checks: Sequence[Finding], unfit: bool) -> None:
    """Print what was found: what forbids measuring, doubts, the unknown, what is well."""
    from benchhub.cli.devices.checks import print_answer, print_checks
    from benchhub.cli.show.say import stdout

    console = stdout()
    print_answer(console, name, "cannot measure" if unfit else "can measure", not unfit)
    print_checks(console, sorted(checks, key=lambda one: _ORDER.index(one.level)))
    console.print()
