"""What lies at an http address, within limits of size, time and of where it may lead."""

from __future__ import annotations

import http.client
import re
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import IO, Any
from urllib.parse import urljoin, urlsplit

from benchhub.errors import ConfigError
from benchhub.text import abridged, visible

#: What an address begins with; of a path before its first slash none has a colon like that.
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_SCHEMES = ("http", "https")
MOST_BYTES = 64_000_000
WITHIN_S = 60.0
_SILENT_S = 15.0
_REDIRECTS = 5
_PIECE_BYTES = 1 << 16
_SHOWN = 200
_DOWNLOAD = "download it and give its path"


def is_address(text: str) -> bool:
    """Return whether a text is an address and not a path."""
    return _SCHEME.match(text) is not None


def fetched(address: str, most_bytes: int = MOST_BYTES, within_s: float = WITHIN_S) -> bytes:
    """Return what lies at an http or https address; ConfigError, with the next step, if it cannot.

    It is asked for once, with no password and no cookie, and may lead on to other http addresses a
    few times, but from https to https alone.
    """
    shown = abridged(visible(address), _SHOWN)
    _check(address, shown)
    ends = time.monotonic() + within_s
    found: list[bytes | Exception] = []

    def fetch() -> None:
        try:
            found.append(_fetched(address, shown, most_bytes, ends))
        except Exception as error:  # noqa: BLE001 - raised again by who waits
            found.append(error)

    # A server that sends its headers a byte at a time keeps any socket busy for hours.
    thread = threading.Thread(target=fetch, name="fetch", daemon=True)
    thread.start()
    thread.join(within_s + 1)
    if not found:
        raise _slow(shown, within_s)
    if isinstance(found[0], bytes):
        return found[0]
    if isinstance(found[0], TimeoutError):
        raise _slow(shown, within_s) from found[0]
    raise found[0]


def _slow(shown: str, within_s: float) -> ConfigError:
    return ConfigError(f"{shown}: sent no whole answer within {within_s:g} s; {_DOWNLOAD}")


def _check(address: str, shown: str) -> None:
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError as error:
        raise ConfigError(f"{shown}: no address: {error}; write https://host/report.json") from None
    if parts.scheme.lower() not in _SCHEMES:
        raise ConfigError(
            f"{shown}: reports are read from http and https addresses and from files; {_DOWNLOAD}"
        )
    if parts.username is not None or parts.password is not None:
        host = visible(parts.hostname or "")
        raise ConfigError(
            f"{parts.scheme}://..@{host}: an address with a name or a password in it is not asked"
            f" for; {_DOWNLOAD}"
        )
    if not parts.hostname or port == 0 or re.search(r"[\x00-\x20\x7f]", address):
        raise ConfigError(f"{shown}: no address: it names no host; write https://host/report.json")


def _fetched(address: str, shown: str, most_bytes: int, ends: float) -> bytes:
    opener = urllib.request.OpenerDirector()  # of http alone: no file:, no ftp:, no data:
    handlers: tuple[Any, ...] = (
        urllib.request.ProxyHandler, urllib.request.HTTPHandler, urllib.request.HTTPSHandler,
        urllib.request.HTTPDefaultErrorHandler, urllib.request.HTTPErrorProcessor,
    )  # fmt: skip
    for handler in handlers:
        opener.add_handler(handler())
    opener.add_handler(_Redirects())
    headers = {
        "Accept": "application/json",
        "User-Agent": "benchhub",
        "Accept-Encoding": "identity",
    }
    request = urllib.request.Request(address.partition("#")[0], headers=headers)
    try:
        with opener.open(request, timeout=_SILENT_S) as answer:
            return _whole(
                answer.read1, answer.headers.get("Content-Length"), shown, most_bytes, ends
            )
    except urllib.error.HTTPError as error:
        error.close()
        step = "check the address" if error.code in (404, 410) else _DOWNLOAD
        raise ConfigError(f"{shown}: the server answers {error.code}; {step}") from None
    except TimeoutError:
        raise
    except urllib.error.URLError as error:
        if isinstance(error.reason, TimeoutError):
            raise TimeoutError from None
        raise ConfigError(f"{shown}: cannot be had: {_why(error.reason)}; {_DOWNLOAD}") from None
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise ConfigError(f"{shown}: cannot be had: {_why(error)}; {_DOWNLOAD}") from None


def _whole(
    read: Callable[[int], bytes], length: str | None, shown: str, most_bytes: int, ends: float
) -> bytes:
    larger = ConfigError(
        f"{shown}: is larger than {most_bytes / 1e6:g} MB, and no more is fetched; {_DOWNLOAD}"
    )
    told = int(length) if length is not None and length.isascii() and length.isdecimal() else None
    if told is not None and told > most_bytes:
        raise larger
    got = bytearray()
    while piece := read(_PIECE_BYTES):
        got += piece
        if len(got) > most_bytes:
            raise larger
        if time.monotonic() > ends:
            raise TimeoutError
    if told is not None and len(got) < told:
        raise ConfigError(f"{shown}: ended after {len(got)} of {told} bytes; try again")
    return bytes(got)


def _why(reason: object) -> str:
    said = getattr(reason, "strerror", None) or str(reason) or type(reason).__name__
    return abridged(" ".join(visible(str(said)).split()), _SHOWN)


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Leads on to http addresses alone, a few times, and never from https to http."""

    max_redirections = max_repeats = _REDIRECTS

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: Any,
        newurl: str,
    ) -> urllib.request.Request | None:
        target = urljoin(req.full_url, newurl)
        try:
            self._check_target(req.full_url, target)
        except ConfigError:
            fp.close()
            raise
        return super().redirect_request(req, fp, code, msg, headers, newurl)

    def _check_target(self, come_from: str, target: str) -> None:
        shown = abridged(visible(target), _SHOWN)
        scheme = urlsplit(target).scheme.lower()
        down = (urlsplit(come_from).scheme.lower(), scheme) == ("https", "http")
        if scheme not in _SCHEMES or down:
            raise ConfigError(f"{shown}: an address that was given leads there; {_DOWNLOAD}")
        _check(target, shown)
