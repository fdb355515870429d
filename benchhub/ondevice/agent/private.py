"""Whose files are: what is measured, and what measures, must be changeable by nobody else.

The root and its folders belong to the account and are not writable by others, and nobody else can
put another folder in place of one that leads there. New files are made without following links.
"""

import contextlib
import errno
import grp
import os
import pwd
import stat
from typing import Iterator, Tuple

#: What of all that the agent makes is left for others: nothing.
UMASK = 0o077
#: The folders below a root; who made it may have other things in it.
FOLDERS = ("blobs", "runner", "models", "environments", "engines")

_WRITABLE = stat.S_IWGRP | stat.S_IWOTH
_MOST_LINKS = 40
#: System accounts have lower numbers; many share a group with root.
_FIRST_PERSON = 1000


class NotPrivate(Exception):
    """Others can change what the message names; it says how to mend that."""


def prepare(root: str) -> None:
    """Make the root and its folders for this account alone; NotPrivate or OSError."""
    _check_way(root)
    os.makedirs(root, UMASK ^ 0o777, exist_ok=True)
    _check(root, os.stat(root))
    for name in FOLDERS:
        path = os.path.join(root, name)
        if name in ("blobs", "runner"):
            os.makedirs(path, UMASK ^ 0o777, exist_ok=True)
        try:
            facts = os.lstat(path)
        except FileNotFoundError:
            continue
        if not stat.S_ISDIR(facts.st_mode):
            text = "%s is a link or a file, and has to be a folder: remove it, or set `root` to"
            raise NotPrivate(text % path + " where it leads")
        _check(path, facts)
        if facts.st_mode & UMASK:
            os.chmod(path, UMASK ^ 0o777)  # files in it may be as open as an earlier umask was


def ours(path: str) -> bool:
    """Return whether this is a file of this account, no link; FileNotFoundError."""
    facts = os.lstat(path)
    return stat.S_ISREG(facts.st_mode) and facts.st_uid == os.geteuid()


def is_closed(folder: str) -> bool:
    """Return whether all of a folder is this account's, without links or what others may write."""
    for at, names, files in os.walk(folder):
        for path in [at] + [os.path.join(at, name) for name in names + files]:
            facts = os.lstat(path)
            if stat.S_ISLNK(facts.st_mode) or facts.st_uid != os.geteuid():
                return False
            if facts.st_mode & _WRITABLE:
                return False
    return True


def fresh(path: str) -> int:
    """Return a descriptor to write a new file; whatever had its name, a link too, is removed."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)


def opened(path: str, flags: int, dir_fd: "int | None" = None) -> int:
    """Return a descriptor of a plain file that exists; NotPrivate for a link or anything else."""
    try:
        fd = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=dir_fd)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.EMLINK, errno.ENXIO):
            raise NotPrivate("%s is a link, or no plain file: remove it" % path) from error
        raise
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise NotPrivate("%s is no plain file: remove it" % path)
    return fd


def account(uid: int) -> str:
    """Return the name of an account, or its number where it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return "uid %d" % uid


def _check(path: str, facts: os.stat_result) -> None:
    if facts.st_uid != os.geteuid():
        text = "%s belongs to %s, and not to %s: set `root` to a folder of that account's own"
        raise NotPrivate(text % (path, account(facts.st_uid), account(os.geteuid())))
    if facts.st_mode & _WRITABLE:
        text = (
            "others may write to %s (mode %o): run `chmod go-w %s` on the device, or remove it "
            "where they may have, and it is made anew"
        )
        raise NotPrivate(text % (path, stat.S_IMODE(facts.st_mode), path))


def _check_way(root: str) -> None:
    """NotPrivate where somebody else can put another folder in the place of one on the way."""
    trusted = (0, os.geteuid())
    for folder, path, owner in _steps(root):
        facts = os.stat(folder)
        if not _is_shared(facts):
            continue
        if not facts.st_mode & stat.S_ISVTX or facts.st_uid not in trusted:
            text = "others may write to %s (mode %o), which leads to %s: run `chmod go-w %s`, or"
            raise NotPrivate(
                text % (folder, stat.S_IMODE(facts.st_mode), root, folder)
                + " set `root` to a folder elsewhere"
            )
        if owner not in trusted:
            text = "%s belongs to %s, and lies where everybody may write: set `root` to another"
            raise NotPrivate(text % (path, account(owner)) + " folder")


def _steps(path: str) -> Iterator[Tuple[str, str, int]]:
    """Yield (folder, what is looked for in it, whose that is) on the way, through all links."""
    left = path.split("/")[::-1]
    at, links = "/", 0
    while left:
        name = left.pop()
        if name in ("", "."):
            continue
        if name == "..":
            at = os.path.dirname(at)
            continue
        here = os.path.join(at, name)
        try:
            facts = os.lstat(here)
        except FileNotFoundError:
            yield at, here, os.geteuid()  # to be made by us
            return
        yield at, here, facts.st_uid
        if stat.S_ISLNK(facts.st_mode):
            links += 1
            if links > _MOST_LINKS:
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
            target = os.readlink(here)
            at = "/" if target.startswith("/") else at
            left += target.split("/")[::-1]
        else:
            at = here


def _is_shared(facts: os.stat_result) -> bool:
    if facts.st_mode & stat.S_IWOTH:
        return True
    return bool(facts.st_mode & stat.S_IWGRP) and _has_others(facts.st_gid)


def _has_others(gid: int) -> bool:
    """Return whether a group has anybody but us and system accounts: many have one of their own."""
    me = os.geteuid()
    try:
        members = set(grp.getgrgid(gid).gr_mem)
    except KeyError:
        members = set()
    if members - {"root", account(me)}:
        return True
    people = (one for one in pwd.getpwall() if one.pw_uid >= _FIRST_PERSON)
    return any(one.pw_gid == gid and one.pw_uid != me for one in people)
