"""The quarantine of the project's results database, where there is such a database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchhub.cli import project

if TYPE_CHECKING:
    from benchhub.store.devices.quarantine import Quarantined


def quarantined(url: str | None) -> dict[str, Quarantined]:
    """Return the devices in quarantine by name; asking makes no database."""
    if project.store_there(url) is None:
        return {}
    with project.open_store(url) as store:
        return store.quarantine.all()


def lift(url: str | None, device: str) -> bool:
    """Let a device out of quarantine; False if it was not in there."""
    with project.open_store(url) as store:
        return store.quarantine.lift(device)
