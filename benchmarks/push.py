"""Staging over SSH against scp: one large file, many small ones, and nothing to do."""

from __future__ import annotations

import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchhub.device import session
from benchhub.device.runner import build_runner
from benchhub.device.session import DeviceSession, holder
from benchhub.device.staging.blob import Blob
from benchhub.device.transport import RemoteProcess
from benchhub.model.device import DeviceProfile
from benchmarks.claim import Claim, compared, paired
from benchmarks.loopback import Sshd, running_sshd


@dataclass(frozen=True, slots=True)
class Size:
    """How much is pushed."""

    large_bytes: int = 200 * 10**6
    files: int = 500
    file_bytes: int = 40 * 1024
    rounds: int = 5


@dataclass(frozen=True, slots=True)
class Took:
    """Seconds of one push: connect and take the lease, name the files, move and verify them."""

    open_s: float
    name_s: float
    stage_s: float


def measure(size: Size | None = None) -> list[Claim]:
    """Return the claims; ratios are speeds, benchhub's over scp's, round by round."""
    size = size or Size()
    with tempfile.TemporaryDirectory() as name, running_sshd(Path(name) / "sshd") as server:
        folder = Path(name)
        large = folder / "large"
        large.mkdir()
        (large / "file").write_bytes(os.urandom(size.large_bytes))
        small = folder / "small"
        small.mkdir()
        for index in range(size.files):
            (small / f"file-{index}").write_bytes(os.urandom(size.file_bytes))
        return [
            *_pushes(server, large, f"{size.large_bytes / 1e6:g} MB", 1.3, size.rounds),
            *_pushes(server, small, f"{size.files} files of {size.file_bytes // 1024} KiB", 1.5,
                     size.rounds),
            _unchanged(server, small, folder / "kept"),
        ]  # fmt: skip


def _pushes(server: Sshd, source: Path, what: str, target: float, rounds: int) -> list[Claim]:
    took: list[Took] = []
    peer: list[float] = []
    for index in range(rounds + 1):
        ours = lambda: took.append(_push(server, source))
        theirs = lambda: peer.append(_scp(server, source))
        for side in (ours, theirs) if index % 2 else (theirs, ours):
            side()
    del took[0], peer[0]  # the first of each warms caches
    size = sum(path.stat().st_size for path in source.iterdir())

    def claim(name: str, seconds: list[float], at_least: float = -math.inf) -> Claim:
        return compared(
            f"push {what}, {name}",
            _rate(size, seconds),
            f"scp {'-r ' if what.endswith('KiB') else ''}{_rate(size, peer)}",
            paired(peer, seconds),
            at_least=at_least,
        )

    return [
        # A run names its files once, while it prepares, however many devices it pushes them to.
        claim("moved and verified there", [one.stage_s for one in took], target),
        claim("and hashed here first", [one.name_s + one.stage_s for one in took]),
        claim("and connected", [one.open_s + one.name_s + one.stage_s for one in took]),
    ]


def _rate(size: int, seconds: Sequence[float]) -> str:
    middle = statistics.median(seconds)
    return f"{middle:.2f} s ({size / middle / 1e6:.0f} MB/s)"


def _push(server: Sshd, source: Path) -> Took:
    """Push into an empty root."""
    with tempfile.TemporaryDirectory() as root:
        profile = server.profile(root, python=sys.executable)
        _warm(profile)
        started = time.perf_counter()
        with DeviceSession.open(profile, build_runner(), holder("benchmark")) as device:
            opened = time.perf_counter()
            blobs = [Blob.of_file(path) for path in sorted(source.iterdir())]
            named = time.perf_counter()
            device.stage(blobs)
            staged = time.perf_counter()
    return Took(opened - started, named - opened, staged - named)


def _warm(profile: DeviceProfile) -> None:
    """Put the runner in place, as it is after the first contact with a device."""
    DeviceSession.open(profile, build_runner(), holder("benchmark")).close()


def _scp(server: Sshd, source: Path) -> float:
    with tempfile.TemporaryDirectory() as target:
        options = [
            "-q", "-B", "-F", "/dev/null", "-P", str(server.port), "-i", str(server.identity),
            "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
            "-o", "LogLevel=ERROR",
        ]  # fmt: skip
        started = time.perf_counter()
        subprocess.run(["scp", *options, "-r", str(source), f"127.0.0.1:{target}/"], check=True)
        return time.perf_counter() - started


class _Counting:
    """A transport that counts what is started on the device and what is uploaded."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.execs = 0
        self.bytes = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def start(self, argv: list[str]) -> RemoteProcess:
        self.execs += 1
        return self._inner.start(argv)

    def run(self, *arguments: Any, **options: Any) -> Any:
        self.execs += 1
        return self._inner.run(*arguments, **options)

    def upload(self, *arguments: Any) -> None:
        self.execs += 1
        self._inner.upload(*arguments)


def _unchanged(server: Sshd, source: Path, root: Path) -> Claim:
    """Stage the same blobs again in a second session and count what that took."""
    profile = server.profile(root, python=sys.executable)
    blobs = [Blob.of_file(path) for path in sorted(source.iterdir())]
    with DeviceSession.open(profile, build_runner(), holder("benchmark")) as device:
        first = device.stage(blobs)
    transports: list[_Counting] = []

    def connect(wanted: DeviceProfile) -> Any:
        transports.append(_Counting(session.connect(wanted)))
        return transports[-1]

    with DeviceSession.open(profile, build_runner(), holder("again"), connect=connect) as device:
        opened = time.perf_counter()
        second = device.stage(blobs)
        decided_s = time.perf_counter() - opened
    execs = sum(transport.execs for transport in transports)
    return Claim(
        name=f"second run, {len(blobs)} unchanged blobs: execs on the device",
        ours=f"{execs} exec, {second.moved_bytes} bytes moved, decided in {decided_s * 1e3:.0f} ms",
        peer=f"first run {first.moved_bytes} bytes",
        ratio=float(execs),
        target="1 exec, 0 bytes",
        met=execs == 1 and second.moved_bytes == 0,
    )
