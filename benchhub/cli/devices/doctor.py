"""What `benchhub devices doctor` finds out about one device, and how it shows it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchhub.model.device import DeviceProfile, Finding
    from benchhub.model.facts import Facts
    from benchhub.ondevice.wire import Conditions

_COLOURS = {"ok": "green", "warn": "yellow", "refuse": "red"}
_ORDER = ("refuse", "warn", "ok")


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


def _unanswered(profile: DeviceProfile, error: Exception) -> Finding:
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


def print_checks(name: str, checks: Sequence[Finding], unfit: bool) -> None:
    """Print what was found: first what forbids measuring, then doubts, then what is well."""
    from rich.console import Console
    from rich.markup import escape

    console = Console()

    def line(text: str) -> None:
        # Not broken here, so that what is to be run can be copied in one piece.
        console.print(text, highlight=False, soft_wrap=True)

    can = "[bold red]cannot measure[/]" if unfit else "[bold green]can measure[/]"
    line(f"[bold]{escape(name)}[/]: {can}")
    width = max(len(check.check) for check in checks)
    for check in sorted(checks, key=lambda one: _ORDER.index(one.level)):
        level = f"[{_COLOURS[check.level]}]{check.level:6}[/]"
        line(f"  {level}  {escape(check.check):{width}}  {escape(check.found)}")
        for word, part in (("why", check.why), ("fix", check.fix)):
            if part and check.level != "ok":
                line(f"          [dim]{word}:[/] {escape(part)}")
    console.print()
