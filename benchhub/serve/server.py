"""A server from its settings to its end."""

from __future__ import annotations

import contextlib
import errno
import gc
import logging
import socket
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from benchhub.errors import ConfigError, MissingExtra
from benchhub.serve.settings import ServeSettings
from benchhub.store import Store

#: Connections at once, those that only watch included.
_MOST_CONNECTIONS = 400


def need_web() -> None:
    """MissingExtra where what serves pages is not installed."""
    try:
        import starlette  # noqa: F401
        import uvicorn  # noqa: F401
    except ModuleNotFoundError as error:
        raise MissingExtra(
            f"benchhub serve needs the package {error.name}, which is not installed here:"
            " pip install 'benchhub[serve]'",
            f"{error.name} is not installed",
        ) from error


@contextlib.contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """Give a socket that is bound; ConfigError: the port is in use, or the address is not ours."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise ConfigError(f"--host {host}: {error.strerror or error}") from error
    family, kind, protocol, _, address = found[0]
    with socket.socket(family, kind, protocol) as bound:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            bound.bind(address)
            bound.listen(128)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise ConfigError(
                    f"port {port} of {host} is in use: stop who has it, or name another with"
                    " --port (0: any that is free)"
                ) from error
            raise ConfigError(f"{host} port {port}: {error.strerror or error}") from error
        yield bound


def serve(settings: ServeSettings, say: Callable[[str], None]) -> None:
    """Serve pages until Ctrl-C; `say` takes the address once it answers there.

    ConfigError: the port cannot be had. StoreError: the store cannot be read.
    """
    need_web()
    # What a command of a second need not do: a server has to give back what it no longer uses.
    gc.set_threshold(2000, 10, 10)
    with (
        listening(settings.host, settings.port) as bound,
        Store.open(settings.store, patience_s=0.0, read_only=True) as store,
        tempfile.TemporaryDirectory(prefix="benchhub-serve-") as folder,
    ):
        address = _address(settings.host, bound.getsockname()[1])
        _serve(settings, store, Path(folder), bound, lambda: say(address))


def _serve(
    settings: ServeSettings,
    store: Store,
    folder: Path,
    bound: socket.socket,
    ready: Callable[[], None],
) -> None:
    import uvicorn

    from benchhub.serve.app import application
    from benchhub.serve.beside import Beside
    from benchhub.serve.poller import Poller
    from benchhub.serve.site import WebPages
    from benchhub.serve.snapshot import SnapshotReader
    from benchhub.serve.tries import TokenHolders, TokenTries

    class Told(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            gc.collect()
            gc.freeze()
            ready()

        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            await site.poller.end()  # who watches would be waited for
            await super().shutdown(sockets)

    logging.getLogger("uvicorn.error").addFilter(_not_usual)
    site = WebPages(
        settings, Poller(SnapshotReader(store)), Beside(settings.store, folder),
        TokenHolders(settings.token), TokenTries(),
    )  # fmt: skip
    config = uvicorn.Config(
        application(site), http="h11", ws="none", lifespan="on", access_log=False,
        log_level="warning", server_header=False, proxy_headers=False, timeout_keep_alive=10,
        limit_concurrency=_MOST_CONNECTIONS, timeout_graceful_shutdown=2, loop="asyncio",
    )  # fmt: skip
    Told(config).run(sockets=[bound])


def _not_usual(record: logging.LogRecord) -> bool:
    """Leave out what is said of streams that are cut when the server ends, and of faults, which
    have a log."""
    said = record.getMessage()
    return "graceful shutdown exceeded" not in said and "in ASGI application" not in said


def _address(host: str, port: int) -> str:
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{port}/"
