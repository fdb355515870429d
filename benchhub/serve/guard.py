"""What stands before every page: who may ask for it, and what a browser may do with it."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Awaitable, Callable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any

from benchhub.serve.settings import ServeSettings
from benchhub.serve.tries import TokenHolders, TokenTries

#: What is there for whoever has not shown the token.
_OPEN = ("/login", "/assets/")
#: What changes anything; all else is only read.
_POSTS = ("/login", "/logout", "/actions/")
_MOST_BODY = 4096
_POLICY = (
    "default-src 'none'; script-src {scripts}; style-src 'self' 'unsafe-inline';"
    " img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'"
)
_HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class Guard:
    """An application before another: it answers those itself who may not have the other's answer.

    `scope["state"]["may_act"]` says whether who asks has shown the token.
    """

    def __init__(
        self, app: App, settings: ServeSettings, tries: TokenTries, holders: TokenHolders
    ) -> None:
        self._app, self._settings, self._tries, self._holders = app, settings, tries, holders
        own = {"localhost", settings.host.lower(), socket.gethostname().lower()}
        self._names = own | {name.lower() for name in settings.names}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        address = self._caller(scope, headers)
        state = scope.setdefault("state", {})
        state["address"], state["secure"] = address, self._is_secure(headers)
        refused = self._refused(scope, headers, address, state)
        if refused is not None:
            await _answer(send, *refused)
            return

        async def sent(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *_added(state)]
            await send(message)

        await self._app(scope, receive, sent)

    def _refused(
        self, scope: Scope, headers: dict[str, str], address: str, state: dict[str, Any]
    ) -> tuple[int, str, dict[str, str]] | None:
        """Return status, words and headers of a refusal; None: it may go on."""
        path, method, host = scope["path"], scope["method"], headers.get("host", "")
        if not self._is_ours(host):
            return 421, f"this server is not called so: start it with --name {_plain(host)}", {}
        posted = method == "POST"
        if method not in ("GET", "HEAD") and not (posted and path.startswith(_POSTS)):
            return 405, "pages are only read", {"allow": "GET, HEAD"}
        if posted and (wrong := _wrong_post(headers, host, state["secure"])) is not None:
            return (*wrong, {})
        wait_s = self._tries.wait_s(address)
        state["may_act"] = self._may_act(headers, address)
        if state["may_act"] is None:
            retry = {"retry-after": f"{max(1.0, wait_s):.0f}"}
            return (429 if wait_s else 401), "this is not the token", retry
        if state["may_act"] or path.startswith(_OPEN):
            return None
        return self._asked_for_token(method, headers)

    def _asked_for_token(
        self, method: str, headers: dict[str, str]
    ) -> tuple[int, str, dict[str, str]] | None:
        """Return how a caller without the token is asked for it; None: this takes none."""
        if self._settings.closed:
            if method == "GET" and "text/html" in headers.get("accept", ""):
                return 303, "show the token first", {"location": "/login"}
            return 401, "show the token first", {"www-authenticate": "Bearer"}
        if method == "POST":
            return 401, "actions take the token: /login", {"www-authenticate": "Bearer"}
        return None

    def _may_act(self, headers: dict[str, str], address: str) -> bool | None:
        """Return whether a caller has shown the token; None: another one was shown."""
        if not self._settings.token:
            return False
        if self._holders.admitted(cookie_of(headers.get("cookie", ""), self._settings.cookie)):
            return True
        kind, _, tried = headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer":
            return False
        if self._tries.wait_s(address) > 0:
            return None
        if self._holders.is_token(tried.strip()):
            return True
        self._tries.wrong(address)
        return None

    def _is_ours(self, host: str) -> bool:
        """Return whether a page asks for this server, and not for a name that was turned to it."""
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
        name = name.strip("[]").lower()
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return name in self._names
        return True

    def _caller(self, scope: Scope, headers: dict[str, str]) -> str:
        if self._settings.behind_proxy and (told := headers.get("x-forwarded-for")):
            return told.rpartition(",")[2].strip()[:64]  # the proxy's own word is the last one
        return str((scope.get("client") or ("unknown", 0))[0])

    def _is_secure(self, headers: dict[str, str]) -> bool:
        return self._settings.behind_proxy and headers.get("x-forwarded-proto") == "https"


def cookie_of(header: str, name: str) -> str:
    """Return one of the cookies of a request; empty: it is not there."""
    try:
        found = SimpleCookie(header).get(name)
    except CookieError:
        return ""
    return found.value if found else ""


def _wrong_post(headers: dict[str, str], host: str, secure: bool) -> tuple[int, str] | None:
    """Return why a form is not taken; None: it may be."""
    if not _same_origin(headers, host, secure):
        return 403, "this comes from another site's page"
    length = headers.get("content-length", "")
    if not (length.isascii() and length.isdigit()):
        return 411, "its length is not told"
    return (413, "it is too long") if len(length) > 9 or int(length) > _MOST_BODY else None


def _same_origin(headers: dict[str, str], host: str, secure: bool) -> bool:
    """Return whether a form was on a page of this server; programs that show no origin may, too,
    since what they send is none of a browser's."""
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is not None and site not in ("same-origin", "none"):
        return False
    if origin is not None:
        return origin == f"{'https' if secure else 'http'}://{host}"
    return site is not None or "cookie" not in headers


def _added(state: dict[str, Any]) -> list[tuple[bytes, bytes]]:
    told = _HEADERS | {
        "content-security-policy": _POLICY.format(scripts=state.get("scripts", "'self'"))
    }
    if not state.get("cached"):
        told["cache-control"] = "no-store"
    return [(name.encode(), value.encode()) for name, value in told.items()]


async def _answer(send: Send, status: int, words: str, headers: dict[str, str]) -> None:
    body = f"{words}\n".encode()
    told = {"content-type": "text/plain; charset=utf-8", "content-length": str(len(body))}
    given = [(k.encode(), v.encode("latin-1", "replace")) for k, v in {**told, **headers}.items()]
    await send({"type": "http.response.start", "status": status, "headers": [*given, *_added({})]})
    await send({"type": "http.response.body", "body": body})


def _plain(text: str) -> str:
    return "".join(c for c in text[:80] if c.isascii() and (c.isalnum() or c in ".-:")) or "NAME"
