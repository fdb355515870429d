"""A run that a command makes and measures at once, with a display on stderr."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchhub.cli import project
from benchhub.cli.show.progress import RunProgress

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from benchhub.errors import DeviceError
    from benchhub.model.device import Queueing
    from benchhub.run.execute import Ready
    from benchhub.store import Store


def measured(
    results: Store,
    ready: Ready,
    command: str,
    begun: Callable[[str], None] = lambda run: None,
    waits: Queueing | None = None,
) -> tuple[str, Mapping[str, DeviceError | None]]:
    """Return the id of the new run, and per device why it stopped early, or None.

    `begun` takes the id before anything is measured. ConfigError: a profile is not this machine's
    own; Interrupted.
    """
    from rich.console import Console

    from benchhub.api.signs import executed
    from benchhub.config.catalogue import check_own
    from benchhub.model.device import USUAL_QUEUEING
    from benchhub.run.devices.reserved import check_reservation
    from benchhub.run.execute import new_run, room_for

    queueing = waits or USUAL_QUEUEING
    for profile in ready.resolved.devices:
        check_own(profile.name, profile.host)
    check_reservation(queueing.reservation, results, ready.resolved.devices)
    for line in room_for(results, ready):
        project.problem(line)
    info = new_run(results, ready, command)
    begun(info.id)
    console = Console(stderr=True)
    console.print(f"run {info.id}", highlight=False)
    with RunProgress(console, ready.plan.cells, {}) as progress:
        return info.id, executed(results, info, ready, progress, queueing=queueing)
