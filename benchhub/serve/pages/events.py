"""Server-sent events: to each who watches, the pieces of a page that are otherwise than before."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from benchhub.serve.pages.lists import site_of
from benchhub.serve.pages.views import VIEWS, View, view
from benchhub.serve.site import WebPages, page_number, words_of

#: More watch at once no longer: each has a connection.
MOST_WATCHERS = 200
#: A line at least so often tells either side that the other has gone.
_ALIVE_S = 15.0


async def events(request: Request) -> Response:
    """Return what goes on telling of a live part of a page."""
    site, kind = site_of(request), words_of(request, "view")
    if kind not in VIEWS:
        return PlainTextResponse("there is no such view\n", 404)
    if site.poller.watchers >= MOST_WATCHERS:
        return PlainTextResponse("too many watch\n", 503, {"retry-after": "30"})
    told = _told(site, kind, page_number(request), words_of(request))
    headers = {"x-accel-buffering": "no"}  # a proxy passes each event on at once
    return StreamingResponse(told, media_type="text/event-stream", headers=headers)


async def _told(site: WebPages, kind: str, page: int, words: str) -> AsyncIterator[str]:
    """Yield an event whenever something is otherwise; who is slow gets fewer, never older ones."""
    seen: dict[str, int] = {}
    told_problem, number = None, -1
    async with site.poller.watching():
        yield "retry: 3000\n\n"
        snapshot = await site.poller.now()
        while not site.poller.over:
            if snapshot.number == number:
                yield ": \n\n"
            else:
                number = snapshot.number
                found: View = await site.poller.run(view, site, snapshot, kind, page, words)
                hashes = {name: hash(html) for name, html in found.pieces.items()}
                new = {n: html for n, html in found.pieces.items() if seen.get(n) != hashes[n]}
                moved = list(seen) != list(hashes)
                if new or moved or told_problem != snapshot.problem:
                    message = {
                        "pieces": new,
                        "order": list(hashes) if moved or not seen else None,
                        "count": found.count,
                        "at": snapshot.at,
                        "problem": snapshot.problem,
                    }
                    yield f"data: {json.dumps(message)}\n\n"
                seen, told_problem = hashes, snapshot.problem
            snapshot = await site.poller.after(number, _ALIVE_S)
