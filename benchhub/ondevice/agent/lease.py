"""The right to measure on a device: a kernel lock that lives exactly as long as its holders.

The lock is a `flock` on `<root>/lease`, and one that other accounts see (see `turns`). Every child
inherits the open descriptors, so the device stays taken until the last process of a run is gone,
even when the agent was killed outright.
"""

import fcntl
import json
import os
import signal
import time
from typing import Any, Dict, Mapping, Optional, Sequence, Tuple

from benchhub.ondevice.agent.private import NotPrivate, fresh, opened, prepare
from benchhub.ondevice.agent.turns import FOLDERS, Busy, take

#: How long what an ended agent had started may take to be gone, too.
_END_S = 5.0
_MOST_BYTES = 1 << 16


class Lease:
    """A held lease; `fds` are the locked descriptors to hand to children."""

    def __init__(self, root: str, fds: Tuple[int, ...]) -> None:
        self.root = root
        self.fds = fds

    def release(self) -> None:
        """Forget the holder and drop this process's share of the lock."""
        try:
            os.unlink(os.path.join(self.root, "lease.json"))
        except FileNotFoundError:
            pass
        finally:
            for fd in self.fds:
                os.close(fd)


def end_stale(root: str, ours: Mapping[str, Any], pid: int) -> Optional[str]:
    """End the agent `pid` of the run and controller `ours` if it holds the lease; say what it was.

    None where there is no such agent, or another one by now. Its link broke, or it would be asked
    itself.
    """
    holder = _read_holder(root)
    if holder.get("agent") != pid or pid in (0, 1, os.getpid()):
        return None
    if any(holder.get(name) != ours.get(name) for name in ("run", "host")):
        return None
    state = _state(pid)
    if state is None:
        return None
    try:
        os.kill(pid, signal.SIGKILL)
    except OSError:
        return None
    until = time.monotonic() + _END_S
    while _is_held(root) and time.monotonic() < until:
        time.sleep(0.02)
    return "process %d, which %s" % (pid, "was stopped" if state in "Tt" else "still waited")


def _state(pid: int) -> Optional[str]:
    """Return the state of a process, a letter of proc(5); None unless it is an agent of ours."""
    folder = "/proc/%d/" % pid
    try:
        with open(folder + "cmdline", "rb") as file:
            words = file.read().rstrip(b"\0").split(b"\0")
        with open(folder + "stat", "rb") as file:
            state = file.read().rpartition(b") ")[2][:1].decode("ascii")
        owner = os.stat(folder).st_uid
    except (OSError, ValueError):
        return None
    an_agent = len(words) >= 2 and words[-1] == b"agent" and words[-2].endswith(b".pyz")
    return state if an_agent and owner == os.getuid() else None


def _is_held(root: str) -> bool:
    try:
        fd = opened(os.path.join(root, "lease"), os.O_RDWR)
    except (OSError, NotPrivate):
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(fd)
    return False


def acquire(root: str, holder: Mapping[str, Any], shared: Sequence[str] = FOLDERS) -> Lease:
    """Take the lease below `root`, and the turn of this account in `shared`, without waiting.

    Busy if one is held, NotPrivate if others can write to the root, OSError for a bad one.
    """
    prepare(root)
    path = os.path.join(root, "lease")
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        fd = opened(path, os.O_RDWR)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        raise Busy(_read_holder(root)) from None
    fds: Tuple[int, ...] = (fd,)
    try:
        turn = take(holder, shared)
        fds += () if turn is None else (turn,)
        _write_holder(root, holder)
    except BaseException:
        for held in fds:
            os.close(held)
        raise
    return Lease(root, fds)


def _write_holder(root: str, holder: Mapping[str, Any]) -> None:
    record = dict(holder)
    record["agent"] = os.getpid()
    record.setdefault("since", time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()))
    path = os.path.join(root, "lease.json")
    part = path + ".part"
    try:
        with open(fresh(part), "w", encoding="utf-8") as file:
            json.dump(record, file)
        os.replace(part, path)
    except OSError:
        if os.path.lexists(part):
            os.unlink(part)
        raise


def _read_holder(root: str) -> Dict[str, Any]:
    try:
        with open(opened(os.path.join(root, "lease.json"), os.O_RDONLY), "rb") as file:
            holder = json.loads(file.read(_MOST_BYTES).decode("utf-8"))
    except (OSError, ValueError, NotPrivate):
        return {}
    return holder if isinstance(holder, dict) else {}
