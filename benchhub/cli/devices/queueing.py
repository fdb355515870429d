"""The options of who waits for a device that is in use."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from benchhub.model.device import Queueing

WAIT_AT_MOST = typer.Option(
    None, "--wait-at-most", metavar="DURATION",
    help="Wait for devices in use: 10m, 2h; 0: not at all (default: each profile's lease_wait_s)",
)  # fmt: skip
PRIORITY = typer.Option(
    0, "--priority", min=-9, max=9, metavar="N",
    help="Go before those who wait with a lower one, from -9 to 9; who measures is let finish",
)  # fmt: skip
RESERVATION = typer.Option(
    None, "--reservation", metavar="ID",
    help="Come in the name of a reservation that another user or host made",
)  # fmt: skip


def queueing(wait_at_most: str | None, priority: int, reservation: str | None) -> Queueing:
    """Return the options as one; ConfigError for a duration that is none."""
    from benchhub.config.durations import duration_s
    from benchhub.model.device import Queueing

    wait_s = None if wait_at_most is None else duration_s(wait_at_most, "--wait-at-most")
    return Queueing(wait_s, priority, reservation or "")
