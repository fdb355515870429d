"""The right to measure on a device: a kernel lock that lives exactly as long as its holders.

The lock is a `flock` on `<root>/lease`. Every child inherits the open descriptor, so the device
stays taken until the last process of a run is gone, even when the agent was killed outright.
"""

import fcntl
import json
import os
import signal
import time
from typing import Any, Dict, Mapping, Optional

#: How long what an ended agent had started may take to be gone, too.
_END_S = 5.0


class Busy(Exception):
    """Somebody else holds the lease; `holder` is what they said of themselves."""

    def __init__(self, holder: Mapping[str, Any]) -> None:
        super().__init__(_describe(holder))
        self.holder = dict(holder)


class Lease:
    """A held lease; `fd` is the locked descriptor to hand to children."""

    def __init__(self, root: str, fd: int) -> None:
        self.root = root
        self.fd = fd

    def release(self) -> None:
        """Forget the holder and drop this process's share of the lock."""
        try:
            os.unlink(os.path.join(self.root, "lease.json"))
        except FileNotFoundError:
            pass
        finally:
            os.close(self.fd)


def end_stale(root: str, ours: Mapping[str, Any]) -> Optional[str]:
    """End the agent of the run and controller `ours` that holds the lease; say what it was.

    None where there is no such agent, or another one. Its link broke, or it would be asked itself.
    """
    holder = _read_holder(root)
    pid = holder.get("agent")
    if not isinstance(pid, int) or pid in (0, 1, os.getpid()):
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
        fd = os.open(os.path.join(root, "lease"), os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(fd)
    return False


def acquire(root: str, holder: Mapping[str, Any]) -> Lease:
    """Take the lease below `root` without waiting; Busy if it is held, OSError for a bad root."""
    for name in ("blobs", "runner"):
        os.makedirs(os.path.join(root, name), exist_ok=True)
    fd = os.open(os.path.join(root, "lease"), os.O_RDWR | os.O_CREAT, 0o666)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        raise Busy(_read_holder(root)) from None
    try:
        _write_holder(root, holder)
    except OSError:
        os.close(fd)
        raise
    return Lease(root, fd)


def _write_holder(root: str, holder: Mapping[str, Any]) -> None:
    record = dict(holder)
    record["agent"] = os.getpid()
    record.setdefault("since", time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()))
    path = os.path.join(root, "lease.json")
    part = path + ".part"
    try:
        with open(part, "w", encoding="utf-8") as file:
            json.dump(record, file)
        os.replace(part, path)
    except OSError:
        if os.path.exists(part):
            os.unlink(part)
        raise


def _read_holder(root: str) -> Dict[str, Any]:
    try:
        with open(os.path.join(root, "lease.json"), encoding="utf-8") as file:
            holder = json.load(file)
    except (OSError, ValueError):
        return {}
    return holder if isinstance(holder, dict) else {}


def _describe(holder: Mapping[str, Any]) -> str:
    if not holder:
        return "the device is in use; its holder left no name"
    text = "the device is in use by %s@%s" % (holder.get("user", "?"), holder.get("host", "?"))
    if holder.get("run"):
        text += ", run %s" % holder["run"]
    if holder.get("pid"):
        text += ", pid %s" % holder["pid"]
    return text + ", since %s" % holder.get("since", "?")
