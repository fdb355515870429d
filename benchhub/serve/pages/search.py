"""What the store has of some words: runs, devices, variants."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response

from benchhub.serve.pages.lists import site_of
from benchhub.serve.pages.views import known_devices, matches
from benchhub.serve.site import words_of
from benchhub.store.watched.listing import FoundVariant, ListedRun

_MOST = 50


async def search(request: Request) -> Response:
    """Return what is found; nothing where nothing is looked for."""
    site, words = site_of(request), words_of(request)
    snapshot = await site.poller.now()
    runs: list[ListedRun] = []
    devices: list[str] = []
    suites: list[str] = []
    variants: Sequence[FoundVariant] = ()
    if words:
        low = words.lower()
        runs = [run for run in snapshot.runs if matches(run, words)]
        suites = [s for s in dict.fromkeys(run.suite for run in snapshot.runs) if low in s.lower()]
        names = await site.poller.run(known_devices, site, snapshot)
        devices = [name for name in names if low in name.lower()]
        variants = await site.poller.run(site.poller.reader.store.listing.variants, words)
    return site.page(request, "search", snapshot, q=words, runs=runs[:_MOST], found=len(runs),
                     devices=devices[:_MOST], found_devices=len(devices), variants=variants,
                     suites=suites[:_MOST])  # fmt: skip
