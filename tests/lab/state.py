"""What a lab has made, on disk before it is made, so that any later process can undo it."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from .command import born, end, run

RUN = Path("/run/benchhub-labs")


@dataclass
class State:
    """One lab: its name prefixes everything it makes in the kernel.

    `owner_pid` is None for a lab that is to outlive the process that made it. `pids` are
    [pid, start time] pairs. `litter` are files and folders to remove at the end.
    """

    lab: str
    net: tuple[int, int]
    owner_pid: int | None
    owner_born: int | None
    folder: str
    namespaces: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    pids: list[tuple[int, int | None]] = field(default_factory=list)
    hosts: dict[str, str] = field(default_factory=dict)
    litter: list[str] = field(default_factory=list)

    @property
    def path(self) -> Path:
        """Where it is written down."""
        return RUN / f"{self.lab}.json"

    def save(self) -> None:
        """Write it down, whole or not at all."""
        draft = self.path.with_suffix(".new")
        draft.write_text(json.dumps(asdict(self)))
        draft.replace(self.path)

    def orphaned(self) -> bool:
        """Whether the process that was to take this lab down is gone."""
        return self.owner_pid is not None and born(self.owner_pid) != self.owner_born

    def running(self) -> bool:
        """Whether every one of its hosts still runs."""
        return all(born(pid) == started for pid, started in self.pids)

    def spawn(self, argv: list[str], log: Path, environment: Mapping[str, str]) -> int:
        """Start `argv`, which is to be killed when the lab ends; return its number."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        actions = [
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log), flags, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ]
        # Not subprocess: it may have to outlive this process, without a warning about it.
        pid = os.posix_spawn(argv[0], argv, environment, file_actions=actions, setsid=True)
        self.pids.append((pid, born(pid)))
        self.save()
        return pid

    def clear(self) -> None:
        """Undo everything; harmless when some or all of it is gone already."""
        for pid, started in self.pids:
            end(pid, started)
        for link in self.links:  # its end in the bridge goes with it
            run("ip", "link", "del", link, check=False)
        for namespace in self.namespaces:
            run("ip", "netns", "del", namespace, check=False)
        for item in map(Path, self.litter):
            if item.is_dir() and not item.is_symlink():
                shutil.rmtree(item)
            else:
                item.unlink(missing_ok=True)
        self.path.unlink(missing_ok=True)


@contextlib.contextmanager
def locked() -> Iterator[None]:
    """Keep other processes from choosing names and addresses meanwhile."""
    RUN.mkdir(parents=True, exist_ok=True)
    with (RUN / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def saved() -> list[State]:
    """Return every lab that is written down, running or not."""
    found = []
    for path in sorted(RUN.glob("*.json")):
        with contextlib.suppress(FileNotFoundError):  # its owner has just taken it down
            raw = json.loads(path.read_text())
            raw["net"] = tuple(raw["net"])
            raw["pids"] = [(pid, started) for pid, started in raw["pids"]]
            found.append(State(**raw))
    return found


def sweep() -> list[str]:
    """Take down what labs left whose owner was killed; return their names."""
    with locked():
        dead = [state for state in saved() if state.orphaned()]
        for state in dead:
            state.clear()
    return [state.lab for state in dead]
