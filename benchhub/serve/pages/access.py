"""Who shows the token, and what they may do then: let a device out of quarantine, stop a run."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from benchhub.errors import StoreError
from benchhub.serve.guard import cookie_of
from benchhub.serve.pages.lists import gone, site_of
from benchhub.serve.site import WebPages
from benchhub.store import Store
from benchhub.store.watched.signs import StopRequest


async def login(request: Request) -> Response:
    """Take the token, and give a cookie for it; or show where it is typed."""
    site = site_of(request)
    snapshot = site.poller.snapshot
    if request.method != "POST":
        return site.page(request, "login", snapshot, words="")
    state = request.scope["state"]
    wait_s = site.tries.wait_s(state["address"])
    if wait_s > 0:
        words = f"too many wrong tokens were tried: again in {wait_s:.0f} s"
        response = site.page(request, "login", snapshot, 429, words=words)
        response.headers["retry-after"] = f"{max(1.0, wait_s):.0f}"
        return response
    if not site.holders.is_token((await _form(request)).get("token", "").strip()):
        site.tries.wrong(state["address"])
        return site.page(request, "login", snapshot, 401, words="this is not the token")
    answer = RedirectResponse("/", 303)
    answer.set_cookie(
        site.settings.cookie, site.holders.admit(), httponly=True, samesite="strict",
        secure=state["secure"],
    )  # fmt: skip
    return answer


async def logout(request: Request) -> Response:
    """Let the cookie of a browser mean nothing any more."""
    site = site_of(request)
    site.holders.forget(cookie_of(request.headers.get("cookie", ""), site.settings.cookie))
    answer = RedirectResponse("/", 303)
    answer.delete_cookie(site.settings.cookie)
    return answer


async def lift(request: Request) -> Response:
    """Let a device out of quarantine."""
    site = site_of(request)
    device = (await _form(request)).get("device", "")
    if (refused := await _may(request, site)) is not None:
        return refused
    snapshot = await site.poller.now()
    if device not in snapshot.quarantine:
        words = f"{device} is not in quarantine (any more)"
        return site.page(request, "said", snapshot, 409, title="Nothing was done", words=words)
    of = snapshot.quarantine[device]

    def done() -> str:
        with Store.open(site.settings.store, patience_s=0.0) as store:
            store.quarantine.lift(device)
        return f"quarantine lifted: {device}, in it since {of.since}: {of.reason}"

    return await _done(request, site, done, f"/devices/{quote(device, safe='')}")


async def stop(request: Request) -> Response:
    """Ask whoever measures a run to stop; they read it with their next sign of life."""
    site = site_of(request)
    run = (await _form(request)).get("run", "")
    if (refused := await _may(request, site)) is not None:
        return refused
    snapshot = await site.poller.now()
    if run not in snapshot.by_id:
        return site.missing(request, snapshot, gone(run))
    one = snapshot.open_by_id.get(run)
    if one is None or not one.told.goes_on:
        words = one.told.words if one else "it has ended"
        words = f"nobody who would hear it is known to measure run {run}: {words}"
        return site.page(request, "said", snapshot, 409, title="Nothing was done", words=words)
    address = request.scope["state"]["address"]
    asked = StopRequest(
        at=datetime.now(UTC).isoformat(timespec="milliseconds"), by=f"benchhub serve for {address}"
    )

    def done() -> str:
        with Store.open(site.settings.store, patience_s=0.0) as store:
            if not store.signs.ask_to_stop(run, asked):
                raise StoreError("the store cannot be written now: try again")
        return f"run asked to stop: {run}"

    return await _done(request, site, done, f"/runs/{quote(run, safe='')}")


async def _may(request: Request, site: WebPages) -> Response | None:
    """Return a refusal where nothing may be done here."""
    if site.settings.actions and request.scope["state"].get("may_act"):
        return None
    words = "this server was started without --allow-actions: pages are only read"
    return site.page(
        request, "said", site.poller.snapshot, 403, title="Nothing was done", words=words
    )


async def _done(request: Request, site: WebPages, work: object, back: str) -> Response:
    """Do what was asked for, write down that it was, and lead back."""
    assert callable(work)
    address = request.scope["state"]["address"]
    try:
        said = await site.poller.run(work)
        await site.poller.run(_record, site.settings.record, said, address)
    except StoreError as error:
        return site.page(
            request, "said", site.poller.snapshot, 503, title="Nothing was done", words=str(error)
        )
    return RedirectResponse(back, 303)


def _record(path: Path, said: str, address: str) -> None:
    """Add a line to the record of actions; StoreError: it cannot be, though it was done."""
    at = datetime.now(UTC).isoformat(timespec="seconds")
    line = json.dumps({"at": at, "by": address, "done": said}) + "\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            os.write(file, line.encode())
        finally:
            os.close(file)
    except OSError as error:
        raise StoreError(f"it was done, and could not be written to {path}: {error}") from error


async def _form(request: Request) -> dict[str, str]:
    body = (await request.body()).decode("utf-8", "replace")
    return {name: values[0] for name, values in parse_qs(body, max_num_fields=20).items()}
