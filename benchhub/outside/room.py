"""What this process may take of the machine: open files and memory, raised where it may be."""

from __future__ import annotations

import os
import resource
import shutil
from dataclasses import dataclass
from pathlib import Path

#: What the command line holds open by itself.
OWN_FILES = 128
#: Addresses that libraries take, most of which never become memory: to start, by core for the
#: threads of two OpenBLAS, and to work with pandas and onnxruntime.
LEAST_ADDRESSES, ADDRESSES_A_CORE, OWN_ADDRESSES = 512 * 2**20, 32 * 2**20, 2 * 2**30


#: Of Linux: the group of processes that this one is in, as a container sees it.
_GROUP = Path("/sys/fs/cgroup")


@dataclass(frozen=True, slots=True)
class _Limit:
    kind: int
    what: str
    flag: str
    unit: int

    def raised(self, wanted: int) -> list[str]:
        """Raise the limit to `wanted` as far as may be; return what to say of it."""
        soft, hard = resource.getrlimit(self.kind)
        if soft == resource.RLIM_INFINITY or soft >= wanted:
            return []
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        said = []
        if most > soft:
            try:
                resource.setrlimit(self.kind, (most, hard))
            except (OSError, ValueError):
                most = soft
            else:
                said.append(f"the limit of {self.what} was {self._shown(soft)}: raised to "
                            f"{self._shown(most)}")  # fmt: skip
        if most < wanted:
            said.append(
                f"no more than {self._shown(most)} {self.what} are allowed, and"
                f" {self._shown(wanted)} may be needed: raise `ulimit -H{self.flag}` if something"
                " fails for it"
            )
        return said

    def _shown(self, value: int) -> str:
        return f"{value // self.unit:,}"


_FILES = _Limit(resource.RLIMIT_NOFILE, "open files", "n", 1)
_THREADS = _Limit(resource.RLIMIT_NPROC, "processes and threads", "u", 1)
_MOST_THREADS = (Path("/proc/sys/kernel/threads-max"), Path("/proc/sys/kernel/pid_max"))
_ADDRESSES = _Limit(resource.RLIMIT_AS, "kB of addresses", "v", 1024)


def make() -> list[str]:
    """Raise the limits that a command may meet; return what was done, or cannot be."""
    return [*make_files(OWN_FILES), *_ADDRESSES.raised(OWN_ADDRESSES)]


def make_files(wanted: int) -> list[str]:
    """Raise the limit of open files to `wanted`; return what was done, or cannot be."""
    return _FILES.raised(wanted)


def allowed_files() -> int | None:
    """Return how many files may be open; None: any number."""
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return None if soft == resource.RLIM_INFINITY else soft


def make_threads(wanted: int) -> list[str]:
    """Raise the limit of threads so that `wanted` more may be; return what was done, or cannot."""
    if os.geteuid() == 0:
        return []  # whom it does not hold
    return _THREADS.raised(_own_threads() + wanted)


def free_threads() -> int | None:
    """Return how many more threads this process may have; None: not known."""
    left: list[int] = []
    soft = resource.getrlimit(_THREADS.kind)[0]
    if soft != resource.RLIM_INFINITY and os.geteuid() != 0:
        left.append(soft - _own_threads())
    try:
        running = int(Path("/proc/loadavg").read_text().split()[3].partition("/")[2])
        most = min(int(path.read_text()) for path in _MOST_THREADS)
        left.append(most - running)
    except (OSError, ValueError, IndexError):
        pass  # not Linux
    for group in _groups():
        try:
            most = int((group / "pids.max").read_text())
            left.append(most - int((group / "pids.current").read_text()))
        except (OSError, ValueError):
            continue  # none there, or one without a limit
    return max(0, min(left)) if left else None


def _groups() -> list[Path]:
    """Return the groups that this process is in, from its own up to the one of all."""
    try:
        said = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return []
    own = next((line[4:] for line in said if line.startswith("0::/")), "")
    place = _GROUP / own
    return [place, *(folder for folder in place.parents if folder.is_relative_to(_GROUP))]


def _own_threads() -> int:
    """Return how many threads this account has, in all of its processes."""
    count, user = 0, os.getuid()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if os.stat(folder).st_uid == user:
                count += len(os.listdir(folder / "task"))
        except OSError:
            continue  # it has ended
    return count


def free_bytes(path: Path) -> int | None:
    """Return the room on the disk that a path is, or would be, on; None: not known."""
    for place in (path, *path.absolute().parents):
        try:
            return shutil.disk_usage(place).free
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError:
            return None
    return None


def free_memory() -> int | None:
    """Return the memory that this process may still take; None: not known."""
    try:
        import psutil

        free: int = psutil.virtual_memory().available
    except Exception:  # noqa: BLE001 - a system that does not tell is no reason not to measure
        return None
    try:
        most = int((_GROUP / "memory.max").read_text())
        return min(free, max(0, most - int((_GROUP / "memory.current").read_text())))
    except (OSError, ValueError):  # no group, or none with a limit
        return free


def too_little() -> str | None:
    """Return why nothing can be started here, None where it can: OpenBLAS would hang, or exit."""
    least = LEAST_ADDRESSES + ADDRESSES_A_CORE * (os.cpu_count() or 1)
    allowed = resource.getrlimit(_ADDRESSES.kind)[1]
    if allowed == resource.RLIM_INFINITY or allowed >= least:
        return None
    return (
        f"only {allowed >> 10:,} kB of addresses are allowed, and {least >> 10:,} are needed to"
        " start: raise `ulimit -v`"
    )
