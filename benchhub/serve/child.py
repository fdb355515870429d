"""The process that computes for the server: a line of JSON in, a line of JSON out, one at a time.

It opens the store to read, writes each page into the folder that it was given, and ends when nobody
asked it for a while, or when the server has gone. Run as a program it takes its first line as the
place of the store.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

#: So long nobody asks, and it ends: what it imported is larger than the server.
IDLE_S = 120.0


def main() -> None:
    """Answer questions on stdin until there are none."""
    # Nothing is read ahead of a line: whether there is another one is asked of the system.
    lines, answers = os.fdopen(0, "rb", buffering=0, closefd=False), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    with contextlib.suppress(OSError):
        os.nice(10)
    told = json.loads(lines.readline())
    work = Computing(told["store"], Path(told["folder"]))
    while line := _next(lines):
        answers.write(json.dumps(work.answer(json.loads(line))).encode() + b"\n")
        answers.flush()


def _next(lines: IO[bytes]) -> bytes:
    ready, _, _ = select.select([lines], [], [], IDLE_S)
    return lines.readline() if ready else b""


class Computing:
    """What computes pages, and remembers what it read of runs that ended."""

    def __init__(self, url: str, folder: Path) -> None:
        self._url, self._folder = url, folder
        self._judged: Any = {}
        self._figures: Any = {}

    def answer(self, asked: Mapping[str, Any]) -> dict[str, str]:
        """Return the file of the page that was asked for, or why there is none."""
        from benchhub.errors import BenchhubError
        from benchhub.outside import faults
        from benchhub.store import Store

        try:
            with Store.open(self._url, patience_s=0.0, read_only=True) as store:
                page = self._made(store, asked)
            path = self._folder / asked["name"]
            path.write_text(page, "utf-8")
        except BenchhubError as error:
            return {"error": str(error)}
        except MemoryError:
            return {"error": "there is no memory for it on this machine"}
        except Exception as error:  # noqa: BLE001 - the top frame of this process
            return {"error": faults.told(error)}
        return {"file": str(path)}

    def _made(self, store: Any, asked: Mapping[str, Any]) -> str:
        kind = asked["kind"]
        if kind == "verdicts":
            from benchhub.serve.computed.verdicts import verdicts

            return verdicts(store, asked, self._judged)
        if kind == "history":
            from benchhub.serve.computed.history import history

            return history(store, asked, self._figures)
        from benchhub.serve.computed import whole

        return {"report": whole.report, "compare": whole.compared}[kind](store, asked)


if __name__ == "__main__":
    main()
