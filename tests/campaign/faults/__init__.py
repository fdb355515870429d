"""The faults, a module a family."""

from __future__ import annotations

from campaign.fault import Fault
from campaign.faults import clocks, disks, links, processes, resources, restarts, rivals, stores

#: In this order, which the draw knows them by: new ones come last.
ALL: tuple[type[Fault], ...] = (
    processes.ControllerKilled,
    processes.AgentKilled,
    processes.LaunchKilled,
    processes.AgentStopped,
    links.Cut,
    links.HalfOpen,
    links.Reset,
    links.Slow,
    links.Lossy,
    restarts.Restarted,
    disks.FullThere,
    disks.FullHere,
    disks.BlobCorrupted,
    disks.BlobDeleted,
    disks.CacheDeleted,
    clocks.Stepped,
    stores.Locked,
    stores.Killed,
    rivals.TwoControllers,
    rivals.HolderGone,
    resources.Memory,
    resources.Descriptors,
)
