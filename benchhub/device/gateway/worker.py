"""The process of a gateway: a dask worker that answers calls about its site's devices."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchhub.device.gateway.address import SchedulerAddress, need_dask
from benchhub.device.gateway.calls import answer_for
from benchhub.device.gateway.client import why_not
from benchhub.device.gateway.messages import DEVICE, GATEWAY
from benchhub.device.gateway.site import Site

#: A call that waits for an agent's lines has a thread meanwhile; a few a device, and some over.
_CALLS_A_DEVICE, _OTHER_CALLS = 4, 16
_AGAIN_S = 2.0
#: More calls than this are never under way to one gateway at once.
_AMOUNT = 100_000
_CONNECT_S = 10.0


async def serve(
    site: Site,
    address: SchedulerAddress,
    folder: Path,
    say: Callable[[str], None],
    listen: tuple[str, int] | None = None,
) -> None:
    """Offer the devices of a site to a scheduler, again whenever it is lost, until cancelled.

    `listen` is where the scheduler connects to, None: a port of the system's choice.
    """
    need_dask()
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    answer_for(site)
    site.say = say
    security, lost = address.security(), ""
    say(f"{site.name}: connecting to {address}")
    while True:
        worker, watching = _worker(site, address, folder, security, listen), None
        try:
            await _listened(address)
            await worker
            watching = await _watching(site, address, security)
            say(f"{site.name}: {len(site.devices)} devices are offered to {address}")
            lost = ""
            await worker.finished()
            say(f"{site.name}: {address} is lost; trying again")
        except Exception as error:  # noqa: BLE001 - whatever it is, the scheduler may come back
            reason = why_not(error)
            if reason != lost:
                say(f"{site.name}: {address} does not take us: {reason}; trying again")
            lost = reason
        finally:
            await _ended(worker, watching)
        await asyncio.sleep(_AGAIN_S)


async def _listened(address: SchedulerAddress) -> None:
    """Raise at once where nobody listens: dask would try for half a minute, and say nothing."""
    connecting = asyncio.open_connection(address.host, address.port)
    _, writer = await asyncio.wait_for(connecting, _CONNECT_S)
    writer.close()


def _worker(
    site: Site,
    address: SchedulerAddress,
    folder: Path,
    security: Any,
    listen: tuple[str, int] | None,
) -> Any:
    from distributed import Worker

    host, port = listen or (None, None)

    offers = {f"{DEVICE}{name}": _AMOUNT for name in site.devices}
    return Worker(
        address.contact,
        name=site.gateway,
        nthreads=_CALLS_A_DEVICE * len(site.devices) + _OTHER_CALLS,
        resources={**offers, f"{GATEWAY}{site.gateway}": _AMOUNT},
        security=security,
        host=host,
        port=port,
        memory_limit=0,
        local_directory=str(folder),
        dashboard_address="127.0.0.1:0",
        heartbeat_interval="2s",
        death_timeout=30,
        validate=False,
    )


async def _watching(site: Site, address: SchedulerAddress, security: Any) -> Any:
    """Return what lets `site` know of callers that the scheduler loses, or has again."""
    from distributed import Client

    client = await Client(
        address.contact, timeout=_CONNECT_S, security=security, set_as_default=False,
        name="benchhub-gateway", asynchronous=True, direct_to_workers=False,
    )  # fmt: skip
    notes = {"remove-client": site.caller_left, "add-client": site.caller_came}

    def heard(event: Any) -> None:
        with contextlib.suppress(KeyError, TypeError, ValueError):  # of another kind
            _, said = event
            notes[said["action"]](said["client"])

    client.subscribe_topic("all", heard)
    return client


async def _ended(worker: Any, watching: Any) -> None:
    if watching is not None:
        with contextlib.suppress(Exception):
            await asyncio.wait_for(watching.close(timeout=2), 5)
    with contextlib.suppress(Exception):  # it is gone either way, and another one follows
        await asyncio.wait_for(worker.close(timeout=2, nanny=False), 5)
