"""Who may connect when: what is silent at one server delays nobody at another."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from waiting import until

from benchhub.device.ssh import connect
from benchhub.device.ssh.endpoint import Endpoint, Login, Trusted
from benchhub.device.ssh.turns import AtServers, Turns
from benchhub.errors import DeviceError


class Crowd:
    """Counts who has a turn."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.now = self.most = self.had = 0

    def __enter__(self) -> None:
        with self._lock:
            self.now += 1
            self.had += 1
            self.most = max(self.most, self.now)

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self.now -= 1


def test_no_more_than_so_many_at_a_server_and_others_do_not_wait() -> None:
    servers, there, elsewhere, go = AtServers(3), Crowd(), Crowd(), threading.Event()

    def visit(server: str, crowd: Crowd) -> None:
        with servers.at(server, 60.0), crowd:
            go.wait(60)

    with ThreadPoolExecutor(20) as pool:
        visits = [pool.submit(visit, "one:22", there) for _ in range(10)]
        until(lambda: there.now == 3, "three at the first server")
        visits += [pool.submit(visit, "other:22", elsewhere) for _ in range(3)]
        until(lambda: elsewhere.now == 3, "three at the other, while the first is full")
        go.set()
        for one in visits:
            one.result(60)
    assert (there.most, there.had) == (3, 10)


def test_a_turn_that_lasts_counts_no_longer() -> None:
    turns, crowd, go = Turns(2, 0.05), Crowd(), threading.Event()

    def have() -> None:
        with turns.turn(), crowd:
            go.wait(60)

    with ThreadPoolExecutor(6) as pool:
        had = [pool.submit(have) for _ in range(6)]
        until(lambda: crowd.now == 6, "all six, though none has ended")
        go.set()
        for one in had:
            one.result(60)


@pytest.fixture
def deaf(servers: None) -> Iterator[list[int]]:
    """Ports of servers that take connections, and never say a word."""
    listening = [socket.create_server(("127.0.0.1", 0), backlog=64) for _ in range(16)]
    yield [one.getsockname()[1] for one in listening]
    for one in listening:
        one.close()


def endpoint(port: int, timeout_s: float) -> Endpoint:
    return Endpoint(
        alias="127.0.0.1", host="127.0.0.1", port=port, user="nobody", login=Login(),
        trusted=Trusted((f"[127.0.0.1]:{port}",)), connect_timeout_s=timeout_s,
    )  # fmt: skip


def test_silent_servers_delay_nobody_and_end_within_their_own_time(deaf: list[int]) -> None:
    """Twice as many as there are turns at a server; then one that speaks, an SSH of long ago."""
    old = socket.create_server(("127.0.0.1", 0), backlog=64)
    dialled: list[int] = []

    def answer() -> None:
        sock, _ = old.accept()
        with sock:
            sock.sendall(b"SSH-1.0-old\r\n")
            sock.recv(100)

    def dialling(endpoint: Endpoint) -> socket.socket:
        dialled.append(endpoint.port)
        return socket.create_connection((endpoint.host, endpoint.port), timeout=8.0)

    def dial(port: int) -> str:
        with pytest.raises(DeviceError) as refusal:
            connect.connect(endpoint(port, 8.0), "board", (), (), dialling)
        return str(refusal.value)

    with old, ThreadPoolExecutor(20) as pool:
        pool.submit(answer)
        silent = [pool.submit(dial, port) for port in deaf]
        until(lambda: len(dialled) == len(deaf), "all of them at once")
        assert "docs/how-to/ssh.md" in pool.submit(dial, old.getsockname()[1]).result(60)
        assert not any(one.done() for one in silent)
        for one in silent:
            assert "says nothing within 8 s" in one.result(60)


def test_devices_behind_one_proxy_command_share_a_server() -> None:
    through = [
        Endpoint(
            alias=name, host=name, port=22, user="u", login=Login(), trusted=Trusted((name,)),
            proxy_command=f"ssh -W {name}:22 gate", proxy_pattern="ssh -W %h:%p gate",
        )
        for name in ("a", "b")
    ]  # fmt: skip
    assert len({one.server for one in through}) == 1
    assert endpoint(22, 1.0).server != endpoint(2222, 1.0).server
