"""dask's client, which never waits longer for a scheduler than it is told to."""

from __future__ import annotations

import contextlib
import ssl
from typing import Any

from benchhub.device.gateway.address import SchedulerAddress


def connected_client(address: SchedulerAddress, security: Any, timeout_s: float) -> Any:
    """Return a client of the scheduler at `address`; whatever it raises, `why_not` reads."""
    from distributed import Client

    class Bounded(Client):  # type: ignore[misc]
        def start(self, **values: Any) -> None:
            # dask's own limit is not for who takes a connection and then says nothing.
            try:
                super().start(callback_timeout=timeout_s + 1, **values)
            except BaseException:
                with contextlib.suppress(Exception):
                    self.close(timeout=1)
                raise

    return Bounded(
        address.contact, timeout=timeout_s, security=security, set_as_default=False,
        name="benchhub", direct_to_workers=False,
    )  # fmt: skip


def why_not(error: BaseException) -> str:
    """Return why there is no client, by what lies below what dask says."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return f"the scheduler and we do not accept each other's certificates: {cause}"
        if isinstance(cause, ConnectionRefusedError):
            return "no scheduler answers there: Connection refused"
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, TimeoutError):
        return "what listens there says nothing: is it a dask scheduler, and does it go on?"
    # What dask says of bytes that are no message helps nobody.
    return "what listens there does not answer as a dask scheduler: is it one, and of this scheme?"
