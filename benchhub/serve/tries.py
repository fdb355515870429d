"""Who may try a token again, and when: few wrong ones an address, and not many of all."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
import time
from collections import OrderedDict, deque
from collections.abc import Callable

#: Wrong tries of an address and of all together, within so long.
OF_ADDRESS, OF_ALL, WITHIN_S = 5, 60, 60.0
#: Addresses that are remembered, and who has shown the token.
_MOST_ADDRESSES, _MOST_HOLDERS = 2000, 1000
_HOLDS_S = 12 * 3600.0


class TokenTries:
    """Wrong tries that were made lately."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._all: deque[float] = deque(maxlen=OF_ALL)
        self._of: OrderedDict[str, deque[float]] = OrderedDict()

    def wait_s(self, address: str) -> float:
        """Return how long an address has to wait before its token is looked at; 0: it has not."""
        now_s = self._clock()
        made = self._of.get(_network(address), deque())
        full = [times for times, most in ((made, OF_ADDRESS), (self._all, OF_ALL))
                if len(times) >= most]  # fmt: skip
        return max((times[0] + WITHIN_S - now_s for times in full), default=0.0)

    def wrong(self, address: str) -> None:
        """Note a wrong try."""
        now_s, network = self._clock(), _network(address)
        made = self._of.setdefault(network, deque(maxlen=OF_ADDRESS))
        self._of.move_to_end(network)
        made.append(now_s)
        self._all.append(now_s)
        while len(self._of) > _MOST_ADDRESSES:
            self._of.popitem(last=False)


class TokenHolders:
    """Browsers that have shown the token: each has a cookie, and none has the token in it."""

    def __init__(self, token: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._token, self._clock = hashlib.sha256(token.encode()).digest(), clock
        self._until: OrderedDict[bytes, float] = OrderedDict()

    def is_token(self, tried: str) -> bool:
        """Return whether it is the token, after the same time whatever it is."""
        made = hashlib.sha256(tried.encode("utf-8", "surrogatepass")).digest()
        return hmac.compare_digest(made, self._token)

    def admit(self) -> str:
        """Return the cookie of a browser that has shown the token."""
        cookie = secrets.token_urlsafe(32)
        self._until[_digest(cookie)] = self._clock() + _HOLDS_S
        while len(self._until) > _MOST_HOLDERS:
            self._until.popitem(last=False)
        return cookie

    def admitted(self, cookie: str) -> bool:
        """Return whether a cookie was given out, and is not too old."""
        return bool(cookie) and self._until.get(_digest(cookie), 0.0) > self._clock()

    def forget(self, cookie: str) -> None:
        """Let a cookie mean nothing any more."""
        self._until.pop(_digest(cookie), None)


def _digest(cookie: str) -> bytes:
    return hashlib.sha256(cookie.encode("utf-8", "surrogatepass")).digest()


def _network(address: str) -> str:
    """Return what one caller has any number of addresses of."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]
    if found.version == 6 and found.ipv4_mapped is None:
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)
