"""Where one variant is made: one process at a time, and what is interrupted can go on.

A folder `<variant>.partial` beside the variant's own holds a lock, the draft and the scratch with
checkpoints. It goes away when the variant is whole, or cannot be made.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import IO

from benchhub.errors import Interrupted


def is_whole(folder: Path) -> bool:
    """Return whether `folder` holds a variant whose file is the one that was recorded."""
    try:
        facts = json.loads((folder / "variant.json").read_text(encoding="utf-8"))
        found = hashlib.sha256((folder / facts["file"]).read_bytes()).hexdigest()
        return bool(facts["sha256"] == found)
    except (OSError, ValueError, KeyError, TypeError):
        return False


class Workshop:
    """A context in which this process alone makes the variant of `folder`.

    Waits for another process that is making it. `draft` is empty at the start; `install` moves it
    to `folder`. `scratch` is as an interrupted process left it.
    """

    def __init__(self, folder: Path, progress: Callable[[str], None]) -> None:
        self._folder, self._progress = folder, progress
        self._partial = folder.with_name(f"{folder.name}.partial")
        self.draft, self.scratch = self._partial / "draft", self._partial / "scratch"
        self._lock: IO[bytes] | None = None

    def __enter__(self) -> Workshop:
        self._lock = self._locked()
        shutil.rmtree(self.draft, ignore_errors=True)
        self.draft.mkdir()
        self.scratch.mkdir(exist_ok=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._lock is not None
        stopped = kind is not None and (
            issubclass(kind, Interrupted) or not issubclass(kind, Exception)
        )
        shutil.rmtree(self.draft, ignore_errors=True)
        if not stopped or not any(self.scratch.iterdir()):
            shutil.rmtree(self.scratch, ignore_errors=True)
            # from here on another process may have the place: only what is empty may go
            with contextlib.suppress(OSError):
                (self._partial / "lock").unlink()
                self._partial.rmdir()
        self._lock.close()

    def install(self) -> None:
        """Move the draft into place; a spoilt variant there is removed first."""
        if self._folder.exists():
            # renamed before it is deleted, so that nobody ever sees half a folder
            spoilt = Path(tempfile.mkdtemp(prefix=".spoilt-", dir=self._folder.parent))
            with contextlib.suppress(FileNotFoundError):
                os.rename(self._folder, spoilt / "was")
            shutil.rmtree(spoilt, ignore_errors=True)
        os.rename(self.draft, self._folder)

    def _locked(self) -> IO[bytes]:
        import fcntl

        waited = False
        while True:
            with contextlib.suppress(FileExistsError):  # it was there, and is gone again
                self._partial.mkdir(parents=True, exist_ok=True)
            try:
                lock = (self._partial / "lock").open("ab")
            except FileNotFoundError:  # whoever held it has just removed the folder
                if not self._partial.parent.is_dir():  # a link that leads nowhere
                    raise
                continue
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | (0 if waited else fcntl.LOCK_NB))
                if os.path.samestat(os.fstat(lock.fileno()), os.stat(lock.name)):
                    return lock
            except BlockingIOError:
                waited = True
                self._progress("waiting for another process that is making it")
            except FileNotFoundError:
                pass
            lock.close()
