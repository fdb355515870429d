"""What dask runs at a gateway: one call, answered by the site of that process."""

from __future__ import annotations

from benchhub.device.gateway.site import Site

#: A call comes without any other way to it.
_sites: list[Site] = []


def answer_for(site: Site) -> None:
    """Have this process answer calls for `site` from now on."""
    _sites[:] = [site]


def answered(request: bytes, data: bytes) -> tuple[bytes, bytes]:
    """Answer one call; RuntimeError where this is some other worker of dask's."""
    if not _sites:
        raise RuntimeError("this worker is no gateway of benchhub's")
    return _sites[0].answer(request, data)
