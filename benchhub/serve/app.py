"""Which address is answered by which page."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from benchhub.errors import BenchhubError
from benchhub.outside import faults
from benchhub.report.templating import source
from benchhub.serve.guard import Guard
from benchhub.serve.pages import access, events, lists, made, search
from benchhub.serve.site import WebPages

_ASSETS = {
    "page.css": (("style.css", "serve/page.css"), "text/css"),
    "watch.js": (("serve/watch.js",), "text/javascript"),
}


def application(site: WebPages) -> Guard:
    """Return the whole server's application, guarded."""
    app = Starlette(
        routes=[
            Route("/", lists.home),
            Route("/runs", lists.runs),
            Route("/runs/{run}", lists.run),
            Route("/runs/{run}/report", made.report),
            Route("/devices", lists.devices),
            Route("/devices/{device:path}", lists.device),
            Route("/verdicts", made.verdicts),
            Route("/history", made.history),
            Route("/compare", made.compare),
            Route("/search", search.search),
            Route("/events", events.events),
            Route("/login", access.login, methods=["GET", "POST"]),
            Route("/logout", access.logout, methods=["POST"]),
            Route("/actions/lift", access.lift, methods=["POST"]),
            Route("/actions/stop", access.stop, methods=["POST"]),
            Route("/assets/{name}", _asset),
        ],
        exception_handlers={
            HTTPException: _refused,
            BenchhubError: _unreadable,
            Exception: _fault,
        },
        lifespan=_lifespan,
    )
    app.state.site = site
    app.router.redirect_slashes = False
    return Guard(app, site.settings, site.tries, site.holders)


@contextlib.asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    """Look at the store as long as the server runs."""
    site: WebPages = app.state.site
    looking = asyncio.create_task(site.poller.poll())
    try:
        yield
    finally:
        looking.cancel()
        await site.poller.end()
        await site.beside.end()


async def _asset(request: Request) -> Response:
    names, kind = _ASSETS.get(request.path_params["name"], ((), ""))
    if not names:
        raise HTTPException(404)
    request.scope["state"]["cached"] = True
    text = "".join(map(source, names))
    return Response(text, media_type=kind, headers={"cache-control": "max-age=60"})


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    site = lists.site_of(request)
    words = "there is no such page" if error.status_code == 404 else str(error.detail)
    return site.page(
        request, "said", site.poller.snapshot, error.status_code, title="Not there", words=words
    )


async def _fault(request: Request, error: Exception) -> Response:
    """Return a page with the line of a fault, whose traceback is in a log of its own."""
    site, told = lists.site_of(request), faults.told(error)
    return site.page(
        request, "said", site.poller.snapshot, 500, title="A fault of benchhub's own", words=told
    )


async def _unreadable(request: Request, error: Exception) -> Response:
    site = lists.site_of(request)
    return site.page(
        request, "said", site.poller.snapshot, 503, title="The store cannot be read",
        words=str(error),
    )  # fmt: skip
