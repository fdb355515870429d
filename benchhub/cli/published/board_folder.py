"""The folder of a board: whose it is, what it holds, and how a new board takes the old one's place.

A board is written beside what it replaces and moved there once all of it is on the disk, so that
whoever reads meanwhile, or a disk that is full, finds the old one.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import secrets
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchhub.errors import ConfigError, told_of
from benchhub.outside.foreign.bounds import SETTINGS, read_bounded, whole
from benchhub.outside.foreign.reading import reading
from benchhub.outside.written import explained

#: What a board is known by, and made of again.
RECORD = "board.json"
_VERSION = 1
_PAGE = re.compile(r"suites/[a-z0-9-]+\.html")
_DRAFTS = ".publishing-"
_OTHER = "name another folder with -o"
_ROOM = "the board is as it was; free some room or get the right to write there, or " + _OTHER


@dataclass(frozen=True, slots=True)
class BoardEntry:
    """A run on a board: its id, and where its json and its report lie, from the board's folder.

    `html` is empty where there is none.
    """

    id: str
    json: str
    html: str


@dataclass(frozen=True, slots=True)
class BoardFolder:
    """A folder that holds a board, or is to; nobody else publishes into it meanwhile."""

    path: Path
    title: str
    entries: tuple[BoardEntry, ...]
    pages: tuple[str, ...]


@contextlib.contextmanager
def board_folder(path: Path) -> Iterator[BoardFolder]:
    """Yield a board's folder, made where there is none.

    ConfigError: it holds other files and no board, or cannot be written to.
    """
    with explained(path, _OTHER):
        made = not path.exists()
        path.mkdir(parents=True, exist_ok=True)
    try:
        with _locked(path):
            _sweep(path)
            yield _read(path)
    finally:
        if made:
            with contextlib.suppress(OSError):  # there is something in it
                path.rmdir()


def replace(
    folder: BoardFolder,
    title: str,
    entries: Iterable[BoardEntry],
    files: Iterable[tuple[str, bytes]],
    downloads: Iterable[str],
) -> None:
    """Write all files of a board, then let them take their places, its record and index last.

    Of `downloads` those go that are not among the files: they are an older board's.
    ConfigError: they cannot be written; the old board is as it was.
    """
    drafts = folder.path / f"{_DRAFTS}{secrets.token_hex(4)}"
    try:
        with explained(folder.path, _ROOM):
            names = []
            for name, content in files:
                names.append(name)
                target = drafts / name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
            pages = [name for name in names if name.startswith("suites/")]
            told = {
                "board": _VERSION, "title": title, "pages": sorted({*pages, *folder.pages}),
                "runs": [{"id": one.id, "json": one.json, "html": one.html} for one in entries],
            }  # fmt: skip
            text = json.dumps(told, indent=1, ensure_ascii=False) + "\n"
            (drafts / RECORD).write_bytes(text.encode("utf-8", "replace"))
            *first, last = names
            for name in (*first, RECORD, last):
                target = folder.path / name
                target.parent.mkdir(parents=True, exist_ok=True)
                (drafts / name).replace(target)
            for name in set(downloads) - set(names):  # of rows that are no longer all of them
                (folder.path / name).unlink(missing_ok=True)
    finally:
        shutil.rmtree(drafts, ignore_errors=True)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold a folder, by a lock that goes with the process; ConfigError: somebody else has it."""
    with explained(path, _OTHER):
        handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with contextlib.suppress(OSError):  # a file system without locks
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise ConfigError(
                    f"{path}: another `benchhub publish` writes there: wait for it to end"
                ) from error
        yield
    finally:
        os.close(handle)


def _sweep(path: Path) -> None:
    """Remove the drafts of who was killed in between."""
    for left in path.glob(f"{_DRAFTS}*"):
        shutil.rmtree(left, ignore_errors=True)


def _read(path: Path) -> BoardFolder:
    record = path / RECORD
    if not record.is_file():
        found = sorted(one.name for one in path.iterdir() if not one.name.startswith(_DRAFTS))
        if found:
            raise ConfigError(
                f"{path}: holds files and no board ({told_of(found, 2)}): a board wants an empty"
                f" folder; {_OTHER}"
            )
        return BoardFolder(path, "", (), ())
    with reading(record, "is no record of a board", _OTHER):
        told: Any = read_bounded(whole(record, SETTINGS // 64))
        if told["board"] != _VERSION:
            raise ConfigError(f"{record}: is of a newer benchhub: pip install --upgrade benchhub")
        return BoardFolder(
            path,
            _text(told["title"]),
            tuple(map(_entry, told["runs"])),
            tuple(map(_page, told["pages"])),
        )


def _entry(told: Any) -> BoardEntry:
    found = BoardEntry(*(_text(told[name]) for name in ("id", "json", "html")))
    if found.json.startswith("/") or found.html.startswith("/"):  # of another place, or machine
        raise ValueError("a run's files lie elsewhere")
    return found


def _page(told: Any) -> str:
    if not _PAGE.fullmatch(_text(told)):
        raise ValueError("a page that no board has")
    return str(told)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"a {type(value).__name__} for a text")
    return value
