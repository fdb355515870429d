"""Tries targets in processes of their own, and keeps what ends or stops one."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from . import TESTS, findings
from .ledger import Ledger
from .target import Target

#: One mutant takes no longer; what is imported and tried before the first one may.
HANG_S, START_S = 20.0, 300.0
#: What one file may take unpacked here, in MB: a bomb is found small as well as large.
UNPACK_MB = 64
_LOOK_S = 0.1
#: A sitting in which so many processes died has found enough to be mended first.
_MOST_DEATHS = 30


@dataclass(frozen=True)
class Row:
    """What came of a target over all sittings."""

    name: str
    seconds: float
    tries: int
    kinds: tuple[str, ...]


class Campaign:
    """A folder with what was found, and how long was looked; `hang_s` ends one mutant."""

    def __init__(self, folder: Path, engine: str = "auto", hang_s: float = HANG_S) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder.resolve()
        self.ledger = Ledger(self.folder)
        self._engine = engine
        self._hang_s = hang_s

    def sit(self, target: Target, most_s: float) -> None:
        """Try a target for so many seconds, in as many processes as that takes."""
        left, died = most_s, 0
        while left > 0 and died < _MOST_DEATHS:
            tries, ended, seconds = self._one_process(target, left)
            self.ledger.add(target.name, seconds, tries)
            left -= seconds
            died += not ended
            if not tries:
                return  # it does not begin: where that is a fault, it was kept why

    def rows(self, targets: Sequence[Target]) -> list[Row]:
        """Return what came of targets."""
        found = []
        for target in targets:
            known = self.ledger.of.get(target.name)
            kinds = tuple(sorted(findings.kinds(self.folder, target.name)))
            if known is not None or kinds:
                seconds, tries = (known.seconds, known.tries) if known else (0.0, 0)
                found.append(Row(target.name, seconds, tries, kinds))
        return found

    def _one_process(self, target: Target, left_s: float) -> tuple[int, bool, float]:
        """Return how many mutants a process tried, whether it came to its end, and its seconds.

        What is imported and read before the first mutant is not among the seconds.
        """
        known = self.ledger.of.get(target.name)
        begin = known.tries if known else 0
        place = self.folder / "work" / f"{target.name}-{os.getpid()}"
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        words = [target.name, str(place), str(begin), f"{left_s:.3f}"]
        module = f"{__package__}.{'guided' if self._is_guided(target) else 'child'}"
        with (place / "stderr").open("wb") as said:
            process = subprocess.Popen(
                [sys.executable, "-m", module, *words],
                env=self._env(place),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=said,
                start_new_session=True,
                cwd=TESTS.parent,
            )
            reason, seconds = self._watched(process, place)
        noted = _journal(place)
        at = noted[0] if noted else None
        ended = not reason and process.returncode == 0
        if not ended:
            reason = reason or _ended(process.returncode)
            self._keep(target, place, reason, begin if at is None else at)
        shutil.rmtree(place, ignore_errors=True)
        if at is None or at < 0:
            return 0, ended, 0.0
        return at - begin + (not ended), ended, seconds

    def _watched(self, process: subprocess.Popen[bytes], place: Path) -> tuple[str, float]:
        """Wait for a process; return why it was ended (empty: it ended by itself), its seconds."""
        seen, since = _journal(place), time.monotonic()
        first = since
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_LOOK_S)
                return "", time.monotonic() - first
            now = _journal(place)
            if now != seen:
                seen, since = now, time.monotonic()
            begins = now is None or now[0] < 0  # what is imported where it is used comes with seeds
            if begins:
                first = time.monotonic()
            patience = START_S if begins or (now and now[1]) else self._hang_s
            if time.monotonic() - since > patience:
                _kill(process)
                return f"no end within {patience:.0f} s", time.monotonic() - first

    def _keep(self, target: Target, place: Path, reason: str, number: int) -> None:
        paths = sorted((place / "under-way").glob("input*"))
        content = paths[0].read_bytes() if paths and paths[0].is_file() else b""
        said = (place / "stderr").read_bytes()[-4000:].decode("utf-8", "replace")
        text = f"mutant {number}\n{said}"
        findings.keep(self.folder, target.name, reason, content, text)

    def _is_guided(self, target: Target) -> bool:
        if self._engine == "mutation" or target.native:
            return False
        return self._engine == "atheris" or importlib.util.find_spec("atheris") is not None

    def _env(self, place: Path) -> dict[str, str]:
        paths = [str(TESTS.parent), str(TESTS), os.environ.get("PYTHONPATH", "")]
        return {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, paths)),
            "BENCHHUB_UNPACK": str(UNPACK_MB),
            "BENCHHUB_CACHE": str(place / "cache"),
            "XDG_STATE_HOME": str(place / "state"),
            "TMPDIR": str(place),
            "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONFAULTHANDLER": "1",
        }  # fmt: skip


def _journal(place: Path) -> tuple[int, bool] | None:
    """Return the number of the mutant under way, and whether it is being made still.

    Below 0 it is a seed. None: there is none yet.
    """
    try:
        content = (place / "journal").read_bytes()
    except OSError:
        return None
    if len(content) != 16:
        return None
    number, between = struct.unpack("<qq", content)
    return number, bool(between)


def _ended(status: int) -> str:
    if status >= 0:
        return f"ended with status {status}"
    with contextlib.suppress(ValueError):
        return f"ended with {signal.Signals(-status).name}"
    return f"ended with signal {-status}"


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End a process and what it started: they are a group of their own."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
