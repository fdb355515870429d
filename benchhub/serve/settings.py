"""How a server was asked to serve."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from pathlib import Path

from benchhub.errors import ConfigError
from benchhub.outside.loopback import is_loopback

DEFAULT_PORT = 8377
#: A token that people made up is tried by others; shorter ones are found.
FEWEST_CHARS = 16


@dataclass(frozen=True, slots=True)
class ServeSettings:
    """What is served and to whom. `token` empty: whoever reaches the port may read.

    `names` are further names that the server is called by; `actions` may be done by those with the
    token. `behind_proxy`: what is said of callers in `X-Forwarded-` headers is believed. `record`
    is the file that actions are written to.
    """

    store: str
    host: str
    port: int
    token: str
    names: tuple[str, ...]
    actions: bool
    behind_proxy: bool
    record: Path

    @property
    def cookie(self) -> str:
        """The name of its cookie: browsers have one jar for all ports of a host."""
        told = f"{self.host} {self.port} {self.store}"
        return f"benchhub-{hashlib.sha256(told.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"

    @property
    def closed(self) -> bool:
        """Whether reading takes the token, too."""
        return bool(self.token) and (not is_loopback(self.host) or self.behind_proxy)


def new_token() -> str:
    """Return a token that nobody guesses."""
    return secrets.token_urlsafe(24)


def checked_token(token: str, source: str) -> str:
    """Return a token as it was given; ConfigError: it is too short, or no plain text."""
    token = token.strip()
    if len(token) < FEWEST_CHARS or not token.isascii() or not token.isprintable():
        raise ConfigError(
            f"{source}: a token has at least {FEWEST_CHARS} plain characters; make one with"
            " `openssl rand -hex 24`"
        )
    return token


def read_token(path: Path) -> str:
    """Return the token in a file's first line; ConfigError: it cannot be read, or others may."""
    try:
        with path.open("rb") as file:
            open_to = path.stat().st_mode & 0o077
            line = file.readline(1000)
        token = line.decode("ascii")
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: no token can be read from it ({error})") from error
    if open_to:
        raise ConfigError(f"{path}: others may read it: chmod 600 {path}")
    return checked_token(token, str(path))
