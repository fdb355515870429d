"""Schedulers that are none, or say nothing: each is one line, and nobody waits for ever."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from benchhub.device.gateway import scheduler
from benchhub.device.gateway.address import parse_address
from benchhub.device.gateway.scheduler import Scheduler
from benchhub.errors import ConfigError

pytestmark = pytest.mark.usefixtures("processes", "servers")


@contextlib.contextmanager
def listener(greet: Callable[[socket.socket], object]) -> Iterator[str]:
    """Yield the address of something that takes connections and is no scheduler."""
    taken = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def take() -> None:
            with contextlib.suppress(OSError):
                while True:
                    taken.append(server.accept()[0])
                    greet(taken[-1])

        threading.Thread(target=take, daemon=True).start()
        yield f"dask://127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
    for one in taken:
        one.close()


@pytest.mark.parametrize(
    ("greet", "said"),
    [
        (lambda link: None, "says nothing: is it a dask scheduler"),
        (lambda link: link.close(), "does not answer as a dask scheduler"),
        (lambda link: link.sendall(b"SSH-2.0-OpenSSH_9.6\r\n"), "not answer as a dask scheduler"),
    ],
    ids=["silent", "closes", "ssh"],
)
def test_what_listens_and_is_no_scheduler_is_one_line(
    greet: Callable[[socket.socket], object], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduler, "_CONNECT_S", 1.0)
    with listener(greet) as url, pytest.raises(ConfigError) as refused:
        Scheduler.connected(parse_address(url))
    assert str(refused.value).startswith(f"{url}: what listens there ")
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)
