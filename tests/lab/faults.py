"""What can go wrong with a host, each as a context that undoes itself.

There is no delay or jitter here: that needs the kernel's netem, which many lack.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil

from .command import run
from .host import Host, new_key


@contextlib.contextmanager
def cut(host: Host) -> Iterator[None]:
    """The cable is pulled; on leaving it is plugged in again."""
    port = ("ip", "-n", host.network.control, "link", "set", host.network.port(host.number))
    run(*port, "down")
    try:
        yield
    finally:
        run(*port, "up")


@contextlib.contextmanager
def loss(host: Host, probability: float) -> Iterator[None]:
    """Of the packets to the host, this part is lost."""
    rule = ("INPUT", "-m", "statistic", "--mode", "random", "--probability", str(probability))
    with _rule(host, *rule, "-j", "DROP"):
        yield


@contextlib.contextmanager
def resets(host: Host) -> Iterator[None]:
    """Every TCP connection to the host, new or old, is reset."""
    with _rule(host, "INPUT", "-p", "tcp", "-j", "REJECT", "--reject-with", "tcp-reset"):
        yield


@contextlib.contextmanager
def slow(host: Host, megabits_per_s: float) -> Iterator[None]:
    """The link carries this much in each direction."""
    ends = [(host.namespace, "eth0"), (host.network.control, host.network.port(host.number))]
    shape = ("root", "tbf", "rate", f"{megabits_per_s}mbit", "burst", "32kb", "latency", "100ms")
    try:
        for namespace, link in ends:
            run("tc", "-n", namespace, "qdisc", "add", "dev", link, *shape)
        yield
    finally:
        for namespace, link in ends:
            run("tc", "-n", namespace, "qdisc", "del", "dev", link, "root", check=False)


@contextlib.contextmanager
def no_sshd(host: Host) -> Iterator[None]:
    """The SSH server and its sessions are killed; on leaving there is a new one."""
    host.stop_sshd()
    try:
        yield
    finally:
        host.start_sshd()


@contextlib.contextmanager
def other_host_key(host: Host) -> Iterator[str]:
    """The host shows another key than it did; yields that key."""
    kept = {name: host.folder / name for name in ("host_key", "host_key.pub")}
    saved = {path: path.read_bytes() for path in kept.values()}
    key = new_key(host.folder / "host_key")
    host.stop_sshd()
    host.start_sshd()
    try:
        yield key
    finally:
        for path, data in saved.items():
            path.write_bytes(data)
        host.stop_sshd()
        host.start_sshd()


@contextlib.contextmanager
def key_refused(host: Host) -> Iterator[None]:
    """The host accepts nobody's key."""
    accepted = host.folder / "authorized_keys"
    saved = accepted.read_bytes()
    accepted.write_bytes(b"")
    try:
        yield
    finally:
        accepted.write_bytes(saved)


@contextlib.contextmanager
def full_disk(host: Host, left_bytes: int = 0) -> Iterator[None]:
    """The host's own disk shrinks until this much is free; for hosts made with one only."""
    if not host.disk_mib:
        raise ValueError(f"{host.name} has no disk of its own; make it with disk_mib")
    words = host.run("df", "-B1", "--output=used", str(host.home)).split()
    _resize(host, str(int(words[-1]) + left_bytes))
    try:
        yield
    finally:
        _resize(host, f"{host.disk_mib}m")


@contextlib.contextmanager
def filled_disk(host: Host) -> Iterator[None]:
    """Somebody's file takes all that is free on the host's own disk, whatever is written there."""
    if not host.disk_mib:
        raise ValueError(f"{host.name} has no disk of its own; make it with disk_mib")
    path = host.path(host.home / "filler")
    try:
        with path.open("wb") as file:
            size = 0
            while (left := os.fstatvfs(file.fileno())).f_bavail:
                free = left.f_bavail * left.f_frsize
                with contextlib.suppress(OSError):  # somebody else was quicker: there is less
                    os.posix_fallocate(file.fileno(), size, free)
                    size += free
        yield
    finally:
        path.unlink()


@contextlib.contextmanager
def frozen(host: Host) -> Iterator[None]:
    """Every process of the host stops; its kernel goes on acknowledging packets."""
    stopped: list[psutil.Process] = []
    try:
        while fresh := [p for p in _all(host) if p not in stopped]:
            for process in fresh:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.send_signal(signal.SIGSTOP)
                stopped.append(process)
        yield
    finally:
        for process in reversed(stopped):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGCONT)


def old_python(folder: Path, version: tuple[int, int] = (3, 6)) -> Path:
    """Make an interpreter in `folder` that takes itself for `version`; return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    major, minor = version
    folder.joinpath("sitecustomize.py").write_text(
        "import collections, sys\n"
        "fields = 'major minor micro releaselevel serial'\n"
        "Version = collections.namedtuple('version_info', fields)\n"
        f"sys.version_info = Version({major}, {minor}, 9, 'final', 0)\n"
        f"sys.version = '{major}.{minor}.9 (default)'\n"
        f"sys.hexversion = 0x{major:02x}{minor:02x}09f0\n"
    )
    interpreter = folder / f"python{major}.{minor}"
    # Isolation would keep sitecustomize out: those options are dropped.
    interpreter.write_text(
        "#!/bin/sh\n"
        'while :; do case "$1" in -I|-E|-S|-s|-B) shift ;; *) break ;; esac; done\n'
        f"PYTHONPATH='{folder}' exec '{sys.executable}' \"$@\"\n"
    )
    interpreter.chmod(0o755)
    return interpreter


@contextlib.contextmanager
def _rule(host: Host, *rule: str) -> Iterator[None]:
    tables = ("nsenter", f"--net=/run/netns/{host.namespace}", "iptables", "-w")
    run(*tables, "-A", *rule)
    try:
        yield
    finally:
        run(*tables, "-D", *rule)


def _resize(host: Host, size: str) -> None:
    host.run("mount", "-o", f"remount,size={size}", str(host.home))


def _all(host: Host) -> list[psutil.Process]:
    first = psutil.Process(host.pid)
    return [first, *first.children(recursive=True)]
