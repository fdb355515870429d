"""Where a dask scheduler listens, as people write it; encrypted wherever it crosses a network."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from benchhub.errors import ConfigError, MissingExtra, nearest
from benchhub.outside.loopback import is_loopback

USUAL_PORT = 8786
_FILES = ("ca", "cert", "key")
_EXAMPLE = "tls://scheduler.lab:8786?ca=ca.pem&cert=me.pem&key=me-key.pem"


@dataclass(frozen=True, slots=True)
class SchedulerAddress:
    """A scheduler and the files by which it and we know each other; None: dask's own settings."""

    encrypted: bool
    host: str
    port: int
    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'tls' if self.encrypted else 'dask'}://{host}:{self.port}"

    @property
    def contact(self) -> str:
        """The address as dask has it."""
        return str(self).replace("dask://", "tcp://")

    def security(self) -> Any:
        """Return dask's `Security`; ConfigError where files are lacking or cannot be used."""
        from distributed.security import Security

        if not self.encrypted:
            return Security(require_encryption=False)
        given = {"tls_ca_file": self.ca, "tls_client_cert": self.cert, "tls_client_key": self.key,
                 "tls_worker_cert": self.cert, "tls_worker_key": self.key}  # fmt: skip
        named = {name: str(path) for name, path in given.items() if path is not None}
        try:
            made = Security(require_encryption=True, **named)
            lacking = [
                name
                for name in ("tls_ca_file", "tls_client_cert", "tls_worker_cert")
                if getattr(made, name) is None
            ]
            if not lacking:
                made.get_connection_args("client")
                made.get_listen_args("worker")
        except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
            raise ConfigError(
                f"{self}: its certificates cannot be used: {error}; they are PEM files, ca of who"
                " signed, cert and key of this side"
            ) from error
        if lacking:
            raise ConfigError(f"{self}: has no certificates: name them, as in {_EXAMPLE}")
        return made


def need_dask() -> None:
    """Raise MissingExtra where dask is not installed."""
    try:
        import distributed  # noqa: F401
    except ImportError as error:
        raise MissingExtra(
            "devices behind gateways need dask: pip install 'benchhub[gateway]'",
            "dask.distributed is not installed",
        ) from error


def parse_address(text: str, option: str = "--engine") -> SchedulerAddress:
    """Return the address that `text` names; ConfigError for one that cannot be, or is not safe.

    `option` is what it was given by. Whoever reads or alters what goes to a scheduler can run code
    at both ends, so that without encryption it may not leave this machine.
    """
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise ConfigError(f"{option} {text!r} is no address: {error}; try {_EXAMPLE}") from error
    if parts.scheme not in ("dask", "tls") or not host or parts.path.strip("/") or parts.username:
        local = "local, " if option == "--engine" else ""
        raise ConfigError(
            f"{option} {text!r} is unknown; {local}dask://127.0.0.1:8786 or {_EXAMPLE}"
        )
    files = _files(f"{option} {text}", parts.query)
    if parts.scheme == "tls":
        return SchedulerAddress(True, host, port or USUAL_PORT, **files)
    if not is_loopback(host):
        raise ConfigError(
            f"{option} {text}: {host} is another machine, and dask:// is not encrypted: use tls://,"
            f" as in {_EXAMPLE}"
        )
    if files:
        raise ConfigError(f"{option} {text}: dask:// takes no certificates; use tls://")
    return SchedulerAddress(False, host, port or USUAL_PORT)


def parse_listen(
    text: str, option: str = "--listen", example: str = "10.0.0.7:8790", usual_host: str = ""
) -> tuple[str, int]:
    """Return host and port to listen at; ConfigError for none.

    With a `usual_host` a port alone will do, and 0 is any that is free.
    """
    host, _, port = text.rpartition(":")
    host = host.strip("[]") or usual_host
    least = 0 if usual_host else 1
    if not host or not (port.isascii() and port.isdecimal()) or not least <= int(port) < 1 << 16:
        raise ConfigError(f"{option} {text!r} is no address: give HOST:PORT, as {example}")
    return host, int(port)


def _files(asked: str, query: str) -> dict[str, Path]:
    files = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name not in _FILES:
            raise ConfigError(f"{asked}: {name} is unknown{nearest(name, _FILES)}")
        path = Path(value).expanduser()
        if not path.is_file():
            raise ConfigError(f"{asked}: {name}: there is no file {value!r}")
        files[name] = path
    return files
