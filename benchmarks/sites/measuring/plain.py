"""The same call without dask: a thread and a connection a device, a length before each message."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import psutil

from benchmarks.sites.measuring import tasks
from benchmarks.sites.measuring.cluster import ROOT

_LENGTH = struct.Struct("!I")


def measure(calls: int, outstanding: tuple[int, ...]) -> list[dict[str, Any]]:
    """Return what a call costs both processes, by how many are outstanding."""
    return [_asked(calls, count) for count in outstanding]


@contextlib.contextmanager
def _gateway() -> Iterator[tuple[int, psutil.Process]]:
    argv = [sys.executable, "-m", __name__]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline()), psutil.Process(process.pid)
        finally:
            process.terminate()


def _asked(calls: int, outstanding: int) -> dict[str, Any]:
    request, each = bytes(tasks.REQUEST_BYTES), calls // outstanding
    with _gateway() as (port, gateway), contextlib.ExitStack() as stack:
        lines = [
            stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            for _ in range(outstanding)
        ]

        def ask(line: socket.socket) -> None:
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for _ in range(each):
                _send(line, request)
                _received(line)

        threads = [threading.Thread(target=ask, args=(line,)) for line in lines]
        before, began = gateway.cpu_times(), time.perf_counter()
        own = time.process_time()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        own, wall_s, after = (
            time.process_time() - own,
            time.perf_counter() - began,
            (gateway.cpu_times()),
        )
    taken = after.user + after.system - before.user - before.system
    done = each * outstanding
    return {
        "outstanding": outstanding, "answer_bytes": tasks.ANSWER_BYTES, "calls": done,
        "calls_per_s": done / wall_s, "client_ms": 1e3 * own / done,
        "worker_ms": 1e3 * taken / done,
    }  # fmt: skip


def _send(line: socket.socket, data: bytes) -> None:
    line.sendall(_LENGTH.pack(len(data)) + data)


def _received(line: socket.socket) -> bytes:
    """Return a message; ConnectionError: the other end hung up."""
    return _exactly(line, _LENGTH.unpack(_exactly(line, _LENGTH.size))[0])


def _exactly(line: socket.socket, count: int) -> bytes:
    found = bytearray()
    while len(found) < count:
        more = line.recv(count - len(found))
        if not more:
            raise ConnectionError("the other end hung up")
        found += more
    return bytes(found)


def _answer(line: socket.socket) -> None:
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with line, contextlib.suppress(ConnectionError):
        while True:
            _received(line)
            _send(line, tasks.answered(b"", tasks.ANSWER_BYTES))


def main() -> None:
    """Answer every connection in a thread of its own, until ended."""
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as server:
        print(server.getsockname()[1], flush=True)
        while True:
            line, _ = server.accept()
            threading.Thread(target=_answer, args=(line,), daemon=True).start()


if __name__ == "__main__":
    main()
