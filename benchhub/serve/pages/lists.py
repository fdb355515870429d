"""Pages of runs and devices, read from the store as they stand."""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from benchhub.errors import StoreError
from benchhub.serve.pages.device_rows import device_rows
from benchhub.serve.pages.views import View, known_devices, runs_with, view
from benchhub.serve.site import WebPages, page_number, words_of
from benchhub.serve.snapshot import Snapshot

#: Runs that ended and are on the first page.
_LATEST = 8


def site_of(request: Request) -> WebPages:
    """Return whose page is asked for."""
    found: WebPages = request.app.state.site
    return found


async def _viewed(
    request: Request, kind: str, page: int, words: str
) -> tuple[WebPages, Snapshot, View, str]:
    """Return a live part, and the query that goes on telling of it."""
    site = site_of(request)
    snapshot = await site.poller.now()
    found: View = await site.poller.run(view, site, snapshot, kind, page, words)
    query = urlencode({"view": kind, "page": page, "q": words})
    return site, snapshot, found, query


async def home(request: Request) -> Response:
    """Return what goes on now, and what ended last."""
    site, snapshot, found, query = await _viewed(request, "home", 1, "")
    ended = [run for run in snapshot.runs if run.status != "running"][:_LATEST]
    devices = await site.poller.run(known_devices, site, snapshot)
    return site.page(request, "home", snapshot, view=found, query=query, ended=ended,
                     runs=len(snapshot.runs), devices=len(devices),
                     quarantined=len(snapshot.quarantine))  # fmt: skip


async def runs(request: Request) -> Response:
    """Return all runs, page by page."""
    words, page = words_of(request), page_number(request)
    site, snapshot, found, query = await _viewed(request, "runs", page, words)
    return site.page(request, "runs", snapshot, view=found, query=query, q=words,
                     page=min(page, found.pages), every=len(snapshot.runs))  # fmt: skip


async def run(request: Request) -> Response:
    """Return what is known of a run without computing."""
    name = request.path_params["run"]
    site = site_of(request)
    snapshot = await site.poller.now()
    listed = snapshot.by_id.get(name)
    if listed is None:
        return site.missing(request, snapshot, gone(name))
    page = page_number(request)
    _, snapshot, found, query = await _viewed(request, "run", page, name)
    if (listed := snapshot.by_id.get(name)) is None:
        return site.missing(request, snapshot, gone(name))
    others = [one for one in snapshot.runs if one.suite == listed.suite and one.id != name][:30]
    return site.page(request, "run", snapshot, view=found, query=query, run=listed,
                     open=snapshot.open_by_id.get(name), others=others,
                     page=min(page, found.pages))  # fmt: skip


async def devices(request: Request) -> Response:
    """Return all devices that the store tells of, page by page."""
    words, page = words_of(request), page_number(request)
    site, snapshot, found, query = await _viewed(request, "devices", page, words)
    return site.page(request, "devices", snapshot, view=found, query=query, q=words,
                     page=min(page, found.pages))  # fmt: skip


async def device(request: Request) -> Response:
    """Return what the store tells of one device."""
    name = request.path_params["device"]
    site = site_of(request)
    snapshot = await site.poller.now()
    if name not in await site.poller.run(known_devices, site, snapshot):
        return site.missing(
            request,
            snapshot,
            f"nothing in this store tells of a device {name}",
        )
    (row,) = await site.poller.run(device_rows, site, snapshot, [name])
    try:
        _, info = await site.poller.run(site.poller.reader.device, name)
    except StoreError:
        info = None  # its row says why
    lanes = runs_with(snapshot, name)
    tested = None
    if (last := snapshot.selftests.get(name)) is not None:
        try:
            tested = await site.poller.run(site.poller.reader.store.selftests.last, name)
        except StoreError:
            tested = None
    suites = dict.fromkeys(run.suite for run in snapshot.runs)
    return site.page(request, "device", snapshot, row=row, info=info, lanes=lanes, last=last,
                     tested=tested, suites=list(suites)[:100])  # fmt: skip


def gone(run: str) -> str:
    """Return that there is no such run."""
    return f"there is no run {run} in this store: it was deleted, or never there"
