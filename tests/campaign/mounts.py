"""Small disks of one process and what it starts: file systems in memory, gone with its end."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

from lab.command import LabError, run

_NEW_MOUNTS = 0x00020000  # CLONE_NEWNS of sched.h
#: What a doctor wants free, and more; only what is written takes memory.
PLENTY = "512m"


def apart() -> None:
    """Let this process, and what it starts from now on, have mounts of its own."""
    if ctypes.CDLL(None, use_errno=True).unshare(_NEW_MOUNTS) != 0:
        raise OSError(ctypes.get_errno(), "mounts of its own")
    run("mount", "--make-rprivate", "/")


def disk(folder: Path) -> None:
    """Mount one at a folder, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    run("mount", "-t", "tmpfs", "-o", f"size={PLENTY},mode=700", "campaign", str(folder))


def shrink(folder: Path, left_bytes: int) -> None:
    """Leave about so many bytes free on it."""
    for last in (False, False, True):
        facts = os.statvfs(folder)
        used = (facts.f_blocks - facts.f_bfree) * facts.f_frsize
        size = max(used + left_bytes, facts.f_frsize)  # 0 would be without an end
        try:
            run("mount", "-o", f"remount,size={size}", str(folder))
            return
        except LabError:  # somebody has just written more
            if last:
                raise


def grow(folder: Path) -> None:
    """Give it its room again."""
    run("mount", "-o", f"remount,size={PLENTY}", str(folder))
