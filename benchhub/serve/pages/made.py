"""Pages that are computed beside the server: reports, comparisons, verdicts, histories."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response

from benchhub.report.templating import PAGE_SCRIPTS, source
from benchhub.serve.pages.lists import gone, site_of
from benchhub.serve.site import WebPages, words_of
from benchhub.serve.snapshot import Snapshot
from benchhub.store.watched.listing import ListedRun

_QUESTIONS = ("model", "backend", "system", "stack")
#: Suites on the page of verdicts, the newest first, and runs of each that may be looked through.
_MOST_SUITES, _MOST_RUNS = 40, 26


async def report(request: Request) -> Response:
    """Return the report of a run, as `benchhub report` makes it."""
    site, name = site_of(request), request.path_params["run"]
    snapshot = await site.poller.now()
    run = snapshot.by_id.get(name)
    if run is None:
        return site.missing(request, snapshot, gone(name))
    made = await site.beside.page("report", _state(run), _lasting(run), run=name)
    if made.path is None:
        return site.waiting(request, snapshot, made, f"Report of run {name}")
    # Its script is our own, known by its hash; whatever else would be one in it, is none.
    request.scope["state"]["scripts"] = f"'sha256-{_script_hash()}'"
    return FileResponse(made.path, media_type="text/html; charset=utf-8")


async def compare(request: Request) -> Response:
    """Return two runs held against each other, or a form to pick them by."""
    site = site_of(request)
    snapshot = await site.poller.now()
    before, after = words_of(request, "before"), words_of(request, "after")
    question = words_of(request, "question") or _QUESTIONS[0]
    picked: dict[str, Any] = {
        "before": before, "after": after, "question": question, "questions": _QUESTIONS,
        "runs": snapshot.runs[:200],
    }  # fmt: skip
    if not before or not after:
        return site.page(request, "compare", snapshot, **picked, inner="", words="")
    for name in (before, after):
        if name not in snapshot.by_id:
            return site.missing(request, snapshot, gone(name))
    if before == after or question not in _QUESTIONS:
        words = "pick two runs, and one of the questions"
        return site.page(request, "compare", snapshot, 400, **picked, inner="", words=words)
    pair = [snapshot.by_id[name] for name in (before, after)]
    made = await site.beside.page(
        "compare", " ".join(map(_state, pair)), all(map(_lasting, pair)),
        before=before, after=after, question=question,
    )  # fmt: skip
    title = f"Run {after} held against {before}"
    return await site.computed(request, snapshot, made, title, about="compare")


async def verdicts(request: Request) -> Response:
    """Return the newest verdict of each suite on each device."""
    site = site_of(request)
    snapshot = await site.poller.now()
    words = words_of(request)
    suites: dict[str, list[ListedRun]] = {}
    for run in snapshot.runs:  # what a run that goes on decides is not known yet
        suites.setdefault(run.suite, []).extend([run] if _lasting(run) else [])
    wanted = [suite for suite in suites if suites[suite] and words.lower() in suite.lower()]
    shown = {name: suites[name][:_MOST_RUNS] for name in wanted[:_MOST_SUITES]}
    asked = {
        name: [(run.id, _state(run), run.started_at) for run in runs]
        for name, runs in shown.items()
    }
    every = [run for runs in shown.values() for run in runs]
    state = hashlib.sha256(repr([_state(run) for run in every]).encode()).hexdigest()
    # What a look leaves unseen is seen by the next one: it is not the last word.
    made = await site.beside.page(
        "verdicts", state, False, suites=asked, left=max(0, len(wanted) - _MOST_SUITES)
    )
    return await site.computed(request, snapshot, made, "Verdicts", about="verdicts", q=words)


async def history(request: Request) -> Response:
    """Return the cells of a suite on a device over its runs, or one of them."""
    site = site_of(request)
    snapshot = await site.poller.now()
    suite, device, cell = (words_of(request, name) for name in ("suite", "device", "cell"))
    mine = [run for run in snapshot.runs if run.suite == suite]
    if not suite or not device:
        return await _choice(request, site, snapshot, suite)
    if not mine:
        words = f"there is no run of a suite {suite} in this store"
        return site.missing(request, snapshot, words)
    state = hashlib.sha256(repr([_state(run) for run in mine]).encode()).hexdigest()
    made = await site.beside.page(
        "history", state, all(map(_lasting, mine)), suite=suite, device=device, cell=cell
    )
    title = f"History of {suite} on {device}"
    return await site.computed(
        request, snapshot, made, title, about="history", suite=suite, device=device, cell=cell
    )


async def _choice(request: Request, site: WebPages, snapshot: Snapshot, suite: str) -> Response:
    """Return the suites, or the devices of one, to choose a history by."""
    suites = list(dict.fromkeys(run.suite for run in snapshot.runs))
    devices: Sequence[str] = ()
    if suite:
        runs = {run.id for run in snapshot.runs if run.suite == suite}
        found = await site.poller.run(site.poller.reader.store.listing.devices)
        devices = [name for name, of in found.items() if runs & set(of)]
        if len(devices) == 1:
            from urllib.parse import urlencode

            query = urlencode({"suite": suite, "device": devices[0]})
            return RedirectResponse(f"/history?{query}", 303)
    return site.page(
        request, "histories", snapshot, suites=suites[:500], suite=suite, devices=devices[:2000]
    )


def _state(run: ListedRun) -> str:
    return f"{run.status} {run.finished_at}"


def _lasting(run: ListedRun) -> bool:
    return run.status != "running"


def _script_hash() -> str:
    script = "\n".join(map(source, PAGE_SCRIPTS))
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
