"""Pages that take long to compute: by a process beside the server, one at a time, kept a while."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import signal
import sys
import time
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: So long a page may take, whoever asks waits for it, and what was made of a run that goes on is
#: shown.
LIMIT_S, WAIT_S, FRESH_S = 180.0, 4.0, 20.0
#: Pages that are kept, and that may be waited for.
_MOST_KEPT, _MOST_WAITING = 48, 12


@dataclass(frozen=True, slots=True)
class MadePage:
    """A page that was computed, or why there is none; `since_s`: it is being made for so long."""

    path: Path | None = None
    error: str = ""
    since_s: float | None = None


@dataclass(slots=True)
class _Order:
    state: str
    task: asyncio.Task[MadePage]
    asked_s: float
    made_s: float = 0.0
    told: bool = False

    def is_old(self, state: str, lasting: bool) -> bool:
        """Return whether it is made and has to be made again: what went wrong, once it was told."""
        if not self.task.done():
            return False
        aged = not lasting and time.monotonic() - self.made_s > FRESH_S
        return self.state != state or aged or (self.told and self.task.result().path is None)


class Beside:
    """Has pages computed; `folder` is its own."""

    def __init__(self, store: str, folder: Path) -> None:
        self._store, self._folder = store, folder
        self._orders: OrderedDict[str, _Order] = OrderedDict()
        self._turn = asyncio.Lock()
        self._process: asyncio.subprocess.Process | None = None

    async def page(self, kind: str, state: str, lasting: bool, **asked: Any) -> MadePage:
        """Return a page of what is in a `state`; it is made again where that is another, and of
        what is not `lasting` after a while."""
        name = json.dumps([kind, asked], sort_keys=True)
        order = self._orders.get(name)
        if order is not None and order.is_old(state, lasting):
            _remove(self._orders.pop(name))
            order = None
        if order is None:
            if sum(not one.task.done() for one in self._orders.values()) >= _MOST_WAITING:
                return MadePage(error="too much is asked for at once: try again in a minute")
            task = asyncio.create_task(self._made(name, {"kind": kind, **asked}))
            order = self._orders[name] = _Order(state, task, time.monotonic())
            self._forget_some()
        self._orders.move_to_end(name)
        done, _ = await asyncio.wait([order.task], timeout=WAIT_S)
        if not done:
            return MadePage(since_s=time.monotonic() - order.asked_s)
        found = order.task.result()
        order.told = True
        return found

    async def end(self) -> None:
        """End the process, and what waits for it."""
        for order in self._orders.values():
            order.task.cancel()
        await self._kill()

    async def _made(self, name: str, asked: dict[str, Any]) -> MadePage:
        async with self._turn:
            asked["name"] = secrets.token_hex(8)
            try:
                async with asyncio.timeout(LIMIT_S):
                    told = await self._asked(asked)
            except TimeoutError:
                await self._kill()
                told = {"error": f"it took longer than {LIMIT_S:.0f} s: use the command line"}
            except (OSError, ValueError, EOFError) as error:
                await self._kill()
                why = f" ({error})" if str(error) else ""
                told = {"error": f"the process that computes it ended early{why}: try again"}
            except asyncio.CancelledError:
                await self._kill()
                raise
        if (order := self._orders.get(name)) is not None:
            order.made_s = time.monotonic()
        return MadePage(Path(told["file"]) if "file" in told else None, str(told.get("error", "")))

    async def _asked(self, asked: dict[str, Any]) -> dict[str, Any]:
        line = json.dumps(asked).encode() + b"\n"
        for again in (False, True):  # it may have ended since, for nobody asked
            process = await self._there()
            assert process.stdin is not None
            assert process.stdout is not None
            try:
                process.stdin.write(line)
                await process.stdin.drain()
                if answer := await process.stdout.readline():
                    found: dict[str, Any] = json.loads(answer)
                    return found
            except ConnectionError:
                pass
            await self._kill()
            if again:
                raise EOFError
        raise AssertionError

    async def _there(self) -> asyncio.subprocess.Process:
        if self._process is not None and self._process.returncode is None:
            return self._process
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "benchhub.serve.child",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        assert self._process.stdin is not None
        told = {"store": self._store, "folder": str(self._folder)}
        self._process.stdin.write(json.dumps(told).encode() + b"\n")
        return self._process

    async def _kill(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.returncode is None:  # its own kill() takes the exit status from who waits for it
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
        await process.wait()

    def _forget_some(self) -> None:
        while len(self._orders) > _MOST_KEPT:
            _, oldest = self._orders.popitem(last=False)
            _remove(oldest)


def _remove(order: _Order) -> None:
    if order.task.done() and (path := order.task.result().path) is not None:
        path.unlink(missing_ok=True)
