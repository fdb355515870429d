"""The guard as whoever asks meets it; the application behind it answers 200 to all."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from benchhub.serve.guard import Guard
from benchhub.serve.settings import ServeSettings
from benchhub.serve.tries import OF_ADDRESS, TokenHolders, TokenTries

TOKEN = "a-token-of-the-tests-own"


def guard(host: str = "127.0.0.1", token: str = "", proxied: bool = False) -> Guard:
    settings = ServeSettings(
        "sqlite:///x.db", host, 1, token, ("bench.lab",), True, proxied, Path("record")
    )

    async def behind(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": scope["state"]["address"].encode()})

    return Guard(behind, settings, TokenTries(), TokenHolders(token))


def ask(
    of: Guard, path: str = "/", method: str = "GET", host: str = "127.0.0.1:1", **headers: str
) -> tuple[int, dict[str, str], bytes]:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.request", "body": b""}

    told = {"host": host, **{name.replace("_", "-"): value for name, value in headers.items()}}
    scope = {
        "type": "http", "path": path, "method": method, "client": ("192.0.2.7", 1),
        "headers": [(name.encode(), value.encode()) for name, value in told.items()],
    }  # fmt: skip
    asyncio.run(of(scope, receive, send))
    found = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], found, sent[1]["body"]


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:1", 200), ("localhost:1", 200), ("[::1]:1", 200), ("192.0.2.9", 200),
        ("BENCH.lab", 200), ("evil.example", 421), ("evil.example:1", 421), ("", 421),
        ("127.0.0.1.evil.example", 421),
    ],
)  # fmt: skip
def test_a_name_that_was_turned_to_this_server_is_refused(host: str, status: int) -> None:
    assert ask(guard(), host=host)[0] == status


def test_a_refusal_repeats_nothing_that_a_page_would_obey() -> None:
    _, headers, body = ask(guard(), host="<script>alert(1)</script>")
    assert b"<" not in body
    assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_pages_are_only_read(method: str) -> None:
    assert ask(guard(token=TOKEN), "/runs", method)[0] == 405


def test_every_answer_says_what_a_browser_may_do_with_it() -> None:
    for status, headers, _ in (ask(guard()), ask(guard(), host="evil.example")):
        policy = headers["content-security-policy"]
        assert "script-src 'self';" in policy, status
        assert "frame-ancestors 'none'" in policy
        assert "default-src 'none'" in policy
        assert headers["referrer-policy"] == "same-origin"
        assert headers["cache-control"] == "no-store"


def test_beyond_this_machine_all_but_the_way_in_takes_the_token() -> None:
    of = guard("0.0.0.0", TOKEN)
    assert ask(of)[0] == 401
    status, headers, _ = ask(of, accept="text/html")
    assert (status, headers["location"]) == (303, "/login")
    assert ask(of, "/events")[0] == 401
    assert ask(of, "/login")[0] == 200
    assert ask(of, "/assets/page.css")[0] == 200
    assert ask(of, authorization=f"Bearer {TOKEN}")[0] == 200
    assert ask(guard("127.0.0.1", TOKEN))[0] == 200
    assert ask(guard("127.0.0.1", TOKEN, proxied=True))[0] == 401


def test_wrong_tokens_are_told_so_and_then_not_looked_at() -> None:
    of = guard("0.0.0.0", TOKEN)
    for _ in range(OF_ADDRESS):
        assert ask(of, authorization="Bearer wrong")[0] == 401
    status, headers, _ = ask(of, authorization=f"Bearer {TOKEN}")
    assert status == 429
    assert int(headers["retry-after"]) > 0


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": "http://127.0.0.1:1"}, 200),
        ({"sec_fetch_site": "same-origin"}, 200),
        ({}, 200),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "https://127.0.0.1:1"}, 403),
        ({"origin": "null"}, 403),
        ({"sec_fetch_site": "cross-site"}, 403),
        ({"sec_fetch_site": "same-site"}, 403),
        ({"cookie": "other=x"}, 403),
    ],
)
def test_a_form_has_to_be_on_a_page_of_this_server(headers: dict[str, str], status: int) -> None:
    told = {"content_length": "9", "authorization": f"Bearer {TOKEN}", **headers}
    assert ask(guard(token=TOKEN), "/actions/stop", "POST", **told)[0] == status


def test_actions_take_the_token_here_too_and_short_forms() -> None:
    of, same = guard(token=TOKEN), {"sec_fetch_site": "same-origin"}
    assert ask(of, "/actions/stop", "POST", content_length="9", **same)[0] == 401
    told = {"authorization": f"Bearer {TOKEN}", **same}
    assert ask(of, "/actions/stop", "POST", content_length="9999", **told)[0] == 413
    assert ask(of, "/actions/stop", "POST", content_length="9" * 5000, **told)[0] == 413
    assert ask(of, "/actions/stop", "POST", **told)[0] == 411


def test_what_a_proxy_says_is_believed_only_where_there_is_one() -> None:
    told = {"x_forwarded_for": "198.51.100.1, 203.0.113.5", "authorization": f"Bearer {TOKEN}"}
    assert ask(guard(token=TOKEN), **told)[2] == b"192.0.2.7"
    assert ask(guard(token=TOKEN, proxied=True), **told)[2] == b"203.0.113.5"
