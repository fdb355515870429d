"""Reports at http addresses: limits of size, time and of where they lead."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from published_reports import document

from benchhub.config.published.address import fetched, is_address
from benchhub.config.published.read import read_report
from benchhub.errors import ConfigError

Answer = Callable[[BaseHTTPRequestHandler], None]


@contextlib.contextmanager
def serving(answer: Answer) -> Iterator[str]:
    """A server on loopback that answers every request in one way; yield its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            with contextlib.suppress(OSError):
                answer(self)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def sends(body: bytes, code: int = 200, **headers: str) -> Answer:
    """An answer with its length."""

    def answer(to: BaseHTTPRequestHandler) -> None:
        to.send_response(code)
        for name, value in headers.items():
            to.send_header(name, value)
        to.send_header("Content-Length", headers.get("length", str(len(body))))
        to.end_headers()
        to.wfile.write(body)

    return answer


@pytest.mark.usefixtures("servers")
def test_a_report_is_read_from_an_address_and_asked_for_without_secrets() -> None:
    asked: list[dict[str, str]] = []

    def answer(to: BaseHTTPRequestHandler) -> None:
        asked.append(dict(to.headers) | {"path": to.path})
        sends(json.dumps(document()).encode())(to)

    with serving(answer) as address:
        assert len(read_report(f"{address}/a/report.json?x=1#top").rows) == 4
    (one,) = asked
    assert one["path"] == "/a/report.json?x=1"
    assert one["User-Agent"] == "benchhub"
    assert not {"Cookie", "Authorization", "Referer"} & one.keys()


def endless(to: BaseHTTPRequestHandler) -> None:
    """No length, and no end."""
    to.send_response(200)
    to.end_headers()
    while True:
        to.wfile.write(b" " * 65536)


def silent(to: BaseHTTPRequestHandler) -> None:
    """A first line, and then nothing until the client is gone."""
    to.wfile.write(b"HTTP/1.0 200 OK\r\n")
    to.wfile.flush()
    to.rfile.read(1)


def redirects(to: BaseHTTPRequestHandler) -> None:
    sends(b"", 302, Location=f"/again{len(to.path)}{to.path}"[:200])(to)


@pytest.mark.usefixtures("servers")
@pytest.mark.parametrize(("answer", "wanted"), [
    (sends(b"", 404), "the server answers 404; check the address"),
    (sends(b"", 500), "the server answers 500"),
    (sends(b"{}", length="70000000"), r"larger than 1 MB"),
    (endless, "larger than 1 MB"),
    (silent, "sent no whole answer within 1 s"),
    (sends(b"{", length="9"), "ended after 1 of 9 bytes"),
    (sends(b"", 302, Location="file:///etc/hostname"), "302|leads there"),
    (sends(b"", 302, Location="ftp://127.0.0.1/x"), "leads there"),
    (sends(b"", 302, Location="http://me:secret@127.0.0.1/x"), "a password in it"),
    (redirects, "the server answers 302"),
    (lambda to: to.wfile.write(b"hello\r\n\r\n"), "cannot be had"),
], ids=["404", "500", "told large", "endless", "silent", "cut short", "to a file", "to ftp",
        "to a password", "in circles", "no http"])  # fmt: skip
def test_what_does_not_lead_to_a_report(answer: Answer, wanted: str) -> None:
    with serving(answer) as address, pytest.raises(ConfigError, match=wanted) as caught:
        fetched(f"{address}/r", most_bytes=1_000_000, within_s=1)
    assert "secret" not in str(caught.value)


@pytest.mark.usefixtures("servers")
def test_a_page_is_told_from_a_report() -> None:
    page = sends(b"<html><body>Sign in</body></html>")
    with serving(page) as address, pytest.raises(ConfigError, match="is a web page"):
        read_report(f"{address}/report.json")


@pytest.mark.parametrize(("address", "wanted"), [
    ("ftp://host/report.json", "http and https"),
    ("file:///etc/hostname", "http and https"),
    ("data://x", "http and https"),
    ("http://me:secret@host/r", "a password in it"),
    ("http:///r", "names no host"),
    ("http://host:99999/r", "no address"),
    ("http://[::1/r", "no address"),
    ("http://ho st/r", "names no host"),
    ("http://host/\r\nX: y", "names no host"),
])  # fmt: skip
def test_an_address_that_is_asked_for_nothing(address: str, wanted: str) -> None:
    with pytest.raises(ConfigError, match=wanted) as caught:
        fetched(address)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_path_is_no_address() -> None:
    assert not is_address("reports/report.json")
    assert not is_address("C:/report.json")
    assert not is_address("http:report.json")
    assert is_address("HTTPS://host/report.json")
