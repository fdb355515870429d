"""Processes of a fleet as users without rights, each of whom sees its own folder and no other's."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..command import LabError, born, mark, tool
from ..state import State

_SCRIPT = Path(__file__).with_name("sealed.sh")
_CODE = Path(__file__).resolve().parents[3]
_PATIENCE_S = 60.0


@dataclass(frozen=True)
class Sealed:
    """A user of a fleet, by number and name, and its folder, which is its home."""

    uid: int
    name: str
    folder: Path

    def make(self) -> None:
        """Make the folder, which nobody else may look into."""
        self.folder.mkdir(parents=True, mode=0o700)
        accounts = Path("/etc/passwd").read_text().rstrip("\n")
        own = f"{self.name}:x:{self.uid}:{self.uid}::{self.folder}:/usr/sbin/nologin"
        self.folder.joinpath("passwd").write_text(f"{accounts}\n{own}\n")
        os.chown(self.folder, self.uid, self.uid)

    @property
    def log(self) -> Path:
        """What its process says."""
        return self.folder / "log"

    def start(self, state: State, namespace: str | None, hidden: Path, *command: str) -> int:
        """Start Python's `-m command` in a network namespace, None: here; return its number.

        Of the folder `hidden` it sees no more than its own.
        """
        kept = dict.fromkeys([str(_CODE), sys.prefix, sys.base_prefix])
        argv = [tool("nsenter"), f"--net=/run/netns/{namespace}"] if namespace else []
        argv += [tool("unshare"), "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
        argv += [shutil.which("bash") or "/bin/bash", str(_SCRIPT), str(self.uid)]
        argv += [str(self.folder), str(hidden), "--", *kept, "--", sys.executable, "-m", *command]
        environment = {
            "PATH": os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin",
            "PYTHONPATH": str(_CODE),
            "BENCHHUB_CACHE": str(self.folder / "cache"),
            **mark(),
        }
        return state.spawn(argv, self.log, environment)

    def wait(self, pid: int, ready: Callable[[], bool]) -> None:
        """Return when it is ready; LabError, with its last words, if it ends or never is."""
        deadline = time.monotonic() + _PATIENCE_S
        while not ready():
            if born(pid) is None or time.monotonic() > deadline:
                said = self.log.read_text(errors="replace").strip()[-1000:]
                raise LabError(f"{self.name} does not come up: {said or 'it said nothing'}")
            time.sleep(0.05)  # looks again
