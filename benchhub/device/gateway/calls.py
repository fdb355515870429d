"""What dask runs at a gateway: one call, answered by the site of that process."""

from __future__ import annotations

from benchhub.device.gateway.site import Site

#: A call comes without any other way to it.
_sites: list[Site] = []


class NoGateway(Exception):
    """Some other worker of dask's has what was asked of a gateway."""


def answer_for(site: Site) -> None:
    """Have this process answer calls for `site` from now on."""
    _sites[:] = [site]


def answered(request: bytes, data: bytes) -> tuple[bytes, bytes]:
    """Answer one call; NoGateway where this is some other worker."""
    if not _sites:
        raise NoGateway("it is another program's worker")
    return _sites[0].answer(request, data)
