"""What all pages share: the store as it is, what computes, and how a page is filled."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from benchhub.report.templating import environment
from benchhub.serve.beside import Beside, MadePage
from benchhub.serve.parting import part_id
from benchhub.serve.poller import Poller
from benchhub.serve.settings import ServeSettings
from benchhub.serve.snapshot import Snapshot
from benchhub.serve.tries import TokenHolders, TokenTries
from benchhub.text import moment, number


@dataclass
class WebPages:
    """One server's pages."""

    settings: ServeSettings
    poller: Poller
    beside: Beside
    holders: TokenHolders
    tries: TokenTries
    #: Parts of pages as they are in one snapshot, by what is shown.
    drawn: dict[tuple[Any, ...], Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._templates = environment()
        self._templates.globals.update(
            moment=moment, number=number, part_id=part_id, store=self._store(),
            acts=self.settings.actions, guarded=bool(self.settings.token),
        )  # fmt: skip
        self.macros: Any = self._templates.get_template("serve/parts.html.j2").module

    def _store(self) -> str:
        """Return what the store is called, without who or what leads to it."""
        url = self.poller.reader.store.engine.url
        if url.drivername.startswith("sqlite"):
            return str(url.database)
        return f"{url.host or 'here'}/{url.database}"

    def page(
        self, request: Request, name: str, snapshot: Snapshot, status: int = 200, **given: Any
    ) -> Response:
        """Return a page from its template."""
        state = request.scope["state"]
        text = self._templates.get_template(f"serve/{name}.html.j2").render(
            at=snapshot.at, problem=snapshot.problem, may_act=bool(state.get("may_act")),
            path=request.url.path, **given,
        )  # fmt: skip
        return HTMLResponse(text, status)

    def missing(self, request: Request, snapshot: Snapshot, words: str) -> Response:
        """Return a page that says that what it was asked for is not there."""
        return self.page(request, "said", snapshot, 404, title="Not there", words=words)

    async def computed(
        self, request: Request, snapshot: Snapshot, made: MadePage, title: str, **given: Any
    ) -> Response:
        """Return a page around what was computed, or one that says why there is nothing yet."""
        from markupsafe import Markup

        if made.path is None:
            return self.waiting(request, snapshot, made, title)
        inner = Markup(made.path.read_text("utf-8"))
        return self.page(request, "around", snapshot, title=title, inner=inner, **given)

    def waiting(self, request: Request, snapshot: Snapshot, made: MadePage, title: str) -> Response:
        """Return a page that asks again by itself, or tells what went wrong."""
        status = 503 if made.error else 202
        since = None if made.error else round(made.since_s or 0.0)
        return self.page(
            request, "said", snapshot, status, title=title, words=made.error, since_s=since
        )


def page_number(request: Request) -> int:
    """Return which page of a list is asked for, from 1."""
    text = request.query_params.get("page", "1")
    return max(1, int(text)) if text.isascii() and text.isdigit() and len(text) < 7 else 1


def words_of(request: Request, name: str = "q") -> str:
    """Return what is looked for, cut, without zero bytes: no database takes them."""
    return request.query_params.get(name, "").replace("\0", "").strip()[:200]
