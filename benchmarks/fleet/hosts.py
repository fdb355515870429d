"""A run over real SSH hosts, each in a network namespace of its own; silent ones named first.

Needs root, as the lab does. What runs on the hosts takes this machine's processors, too.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[2] / "tests"))

from lab.lab import Lab

from benchmarks.fleet import project
from benchmarks.fleet.measured import Point, one

#: More do not fit into the lab's network.
MOST = 200
_CONNECT_S = 10.0


def measured(hosts: int) -> Point:
    """Return what a run of one cell of the null backend on each host took here."""
    with _fleet(hosts) as (folder, names, _):
        return Point(hosts, "hosts", one(folder, devices=names, real=True, effort="quick"))


def beside_silent(hosts: int, silent: int) -> tuple[Point, Point]:
    """Return the same of a few hosts alone, and with silent ones named before them.

    `measured_s` of both is when the last launch of a host was recorded.
    """
    with _fleet(hosts) as (folder, names, key), _silent(folder, silent, key) as deaf:
        alone = one(folder, devices=names, real=True, effort="quick")
        beside = one(folder, devices=[*deaf, *names], real=True, effort="quick")
    return Point(hosts, "alone", alone), Point(hosts, f"beside {silent} silent", beside)


@contextlib.contextmanager
def _fleet(hosts: int) -> Iterator[tuple[Path, list[str], str]]:
    names = [f"h{number}" for number in range(1, hosts + 1)]
    with Lab(dict.fromkeys(names, 0)) as lab, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        project.harness(folder)
        for host in names:
            known = lab.profile(host)
            project.profile(
                folder, host, transport="ssh", host=known.host, user="root", python=known.python,
                host_key=known.host_key or "", identity_file=str(lab.identity_file),
                ssh_config=os.devnull, root="~/fleet", connect_timeout_s=_CONNECT_S,
            )  # fmt: skip
        yield folder, names, known.host_key or ""


@contextlib.contextmanager
def _silent(folder: Path, count: int, key: str) -> Iterator[list[str]]:
    """Listen, and never say a word."""
    with contextlib.ExitStack() as stack:
        names = []
        for number in range(count):
            server: Any = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=64))
            names.append(f"deaf{number}")
            project.profile(
                folder, names[-1], transport="ssh", host="127.0.0.1", user="root",
                port=server.getsockname()[1], ssh_config=os.devnull, host_key=key,
                connect_timeout_s=_CONNECT_S,
            )  # fmt: skip
        yield names
