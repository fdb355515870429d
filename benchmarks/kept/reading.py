"""What reading a large store takes, as ratios to commit 00c81a1, in one interleaved run.

Processor seconds and peak memory of whole commands: both run under the same load, and a loaded
machine has no seconds of its own to tell. The second of two equal commands finds what the first
one kept. `what` is one of `store_maker.AMOUNTS`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchhub.stats.interval import Estimate
from benchmarks.claim import Claim, compared, paired
from benchmarks.kept import store_maker

PEER = "00c81a1"
ROOT = Path(__file__).parents[2]
#: Of the run's first command, and of those that find what it kept.
FIRST, AGAIN = "first", "again"


@dataclass(frozen=True, slots=True)
class Command:
    """What is timed of a store: the arguments, and what of the peer it is to take at most.

    `again`: the same, of what the first time kept. `memory`: it is the peak that is told.
    """

    name: str
    arguments: tuple[str, ...]
    at_most: float
    again: float | None = None
    megabytes: float | None = None


#: From the fleet's table: wanted / seen.
COMMANDS: dict[str, tuple[Command, ...]] = {
    "cells": (
        Command("report, json", ("report", "latest", "--format", "json"), 60 / 153, 3 / 153),
        Command("gate", ("gate", "latest"), 60 / 165, 3 / 165),
    ),
    "launches": (Command("gate", ("gate", "latest"), 1.0, 5 / 44.6, 300),),
    "runs": (
        Command("runs list", ("runs", "list"), 0.5 / 1.7),
        Command("history", ("history", "fleet"), 1.0, None, 150),
    ),
}


@dataclass(frozen=True, slots=True)
class Used:
    """What a command used: processor seconds, and the most memory at a time in MB."""

    cpu_s: float
    megabytes: float


def measure(whats: Sequence[str] = ("cells", "launches", "runs"), rounds: int = 1) -> list[Claim]:
    """Return the claims; each command of the peer runs between two of today's."""
    claims = []
    with tempfile.TemporaryDirectory() as name, peer(Path(name)) as other:
        for what in whats:
            ours, theirs = Path(name) / f"ours-{what}.db", Path(name) / f"theirs-{what}.db"
            amount = _make(ROOT, ours, what)
            _make(other, theirs, what)
            for command in COMMANDS[what]:
                claims += _claims(command, amount, (ours, theirs), other, rounds)
    return claims


@contextmanager
def peer(folder: Path) -> Iterator[Path]:
    """Check the peer's commit out for the length of a with block."""
    path = folder / "peer"
    subprocess.run(
        ["git", "worktree", "add", "--quiet", "--detach", str(path), PEER], cwd=ROOT, check=True
    )
    try:
        yield path
    finally:
        subprocess.run(["git", "worktree", "remove", "--force", str(path)], cwd=ROOT, check=True)


def _make(code: Path, file: Path, what: str) -> str:
    script = [sys.executable, store_maker.__file__, str(file), what]
    made = subprocess.run(script, env=_env(code, file), check=True, stdout=subprocess.PIPE)
    told = json.loads(made.stdout)
    return ", ".join(f"{count} {name}" for name, count in told.items() if count > 1)


def _claims(
    command: Command, amount: str, stores: tuple[Path, Path], other: Path, rounds: int
) -> Iterator[Claim]:
    first, again, theirs = [], [], []
    for _ in range(rounds):
        _forget(stores[0])
        first.append(used(ROOT, stores[0], command.arguments))
        theirs.append(used(other, stores[1], command.arguments))
        again.append(used(ROOT, stores[0], command.arguments))
    peers = [one.cpu_s for one in theirs]
    for when, mine, at_most in ((FIRST, first, command.at_most), (AGAIN, again, command.again)):
        if at_most is not None:
            seconds = [one.cpu_s for one in mine]
            yield compared(
                f"{command.name}, {when}: {amount}",
                f"{min(seconds):.2f} s of processor time, {mine[0].megabytes:.0f} MB",
                f"{PEER}: {min(peers):.2f} s, {theirs[0].megabytes:.0f} MB",
                paired(seconds, peers),
                at_most=at_most,
            )
    if command.megabytes is not None:
        most = max(one.megabytes for one in (*first, *again))
        yield compared(
            f"{command.name}, memory: {amount}",
            f"{most:.0f} MB",
            f"{command.megabytes:g} MB allowed",
            Estimate(most / command.megabytes, None, None, 1, 0.0, "single"),
            at_most=1.0,
        )


def used(code: Path, store: Path, arguments: Sequence[str]) -> Used:
    """Run a command of the code in a folder on a store, whatever its verdict, and return that."""
    url = ["--store", f"sqlite:///{store}"]
    process = subprocess.Popen(
        [sys.executable, "-m", "benchhub", *arguments, *url], env=_env(code, store),
        cwd=store.parent, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    _, status, told = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 1, 4):
        raise RuntimeError(f"{arguments} ended with {process.returncode}")
    return Used(told.ru_utime + told.ru_stime, told.ru_maxrss / 1024)


def _forget(store: Path) -> None:
    import sqlite3

    with sqlite3.connect(store) as opened:
        opened.execute("DELETE FROM summaries")
    opened.close()


def _env(code: Path, store: Path) -> dict[str, str]:
    cache = str(store.parent / f"cache-{store.stem}")
    return {**os.environ, "PYTHONPATH": str(code), "BENCHHUB_CACHE": cache, "COLUMNS": "120"}
