"""What a run shows while it measures: launches, cells, time left, and what devices do."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Mapping, Sequence
from types import TracebackType

from rich.console import Console
from rich.live import Live

from benchhub.api.firsts import Firsts
from benchhub.api.tally import TROUBLED, DeviceState, Tally, told
from benchhub.cli.show.plan import planned_settings
from benchhub.cli.show.say import say
from benchhub.cli.show.screen import Screen
from benchhub.model.cell import Cell
from benchhub.model.device import LEFT_OUT, DeviceInfo
from benchhub.model.launch import Launch
from benchhub.outside.masked import masked
from benchhub.run.loop.engine import Sessions
from benchhub.text import visible

#: Without a terminal there is nothing that moves; a line this often shows that the run is alive.
PLAIN_LINE_EVERY_S = 15.0
#: On a terminal no more often than so, whatever happens, and at least so often for the clock.
DRAWN_EVERY_S, CLOCK_EVERY_S = 0.4, 1.0


class RunProgress(Sessions):
    """Follows a run: rows that change on a terminal, plain lines elsewhere. Thread-safe.

    What it costs is bounded by time, not by launches or devices: both are drawn by a thread.
    """

    def __init__(
        self, console: Console, cells: Sequence[Cell], finished: Mapping[str, int]
    ) -> None:
        super().__init__()
        self._console, self._terminal = console, console.is_terminal
        self._tally = Tally(cells, finished)
        self._firsts = Firsts(len(self._tally.devices))
        self._said: dict[str, str] = {}
        self._over = threading.Event()
        self._writing = threading.Lock()
        self._drawn = 0
        self._live = Live(
            Screen(self._tally), console=console, auto_refresh=False, vertical_overflow="crop"
        )
        self._drawer = threading.Thread(target=self._draw, name="progress", daemon=True)

    def __enter__(self) -> RunProgress:
        if self._terminal:
            self._live.start(refresh=True)
        self._drawer.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._over.set()
        self._drawer.join()
        self._say_more()
        if self._terminal:
            self._live.refresh()
            self._live.stop()
        elif self._tally.beyond and kind is None:
            self._print(told(self._tally.counted()))

    def status(self, device: str, text: str) -> None:
        """Show what a device is doing."""
        state = self._tally.status(device, text)
        if self._terminal or state is DeviceState.MEASURING:
            return
        with self._writing:
            if self._said.get(device) == text:
                return
            self._said[device] = text
        # How many are at what is counted in the line that comes now and then.
        if self._firsts.in_full(device, text, counted=state in TROUBLED):
            self._print(f"{device}: {text}")

    def pushed(self, device: str, count: int) -> None:
        """Show how much was pushed."""
        self._tally.pushed(device, count)

    def spared(self, device: str, cells: Collection[str]) -> None:
        """Count what will not be launched no longer."""
        self._tally.spare(device, cells)

    def known(self, info: DeviceInfo, missing: Mapping[str, str]) -> None:
        """Print what preflight warned of, and drop cells whose backend is missing."""
        for finding in info.findings:
            if finding.level == "warn":
                text = f"{info.name}: {finding.found}: {finding.why}; {finding.fix}"
                self._say(info.name, "yellow", text)
        if could := [f.backend for f in info.findings if f.level == LEFT_OUT and f.fix]:
            text = f"{info.name}: left out, because not installed: {', '.join(could)}"
            self._say(info.name, "dim", text)
        self._tally.drop(info.name, missing)

    def launched(self, launch: Launch) -> None:
        """Count a launch that is in the store."""
        last = self._tally.launched(launch)
        if launch.status == "failed":
            device, failure = launch.cell.device, launch.failure
            cause = f"{failure.stage}: {failure.message}" if failure else "no reason given"
            self._say(
                device, "red",
                f"{device}: {launch.cell.backend} {launch.cell.variant}"
                f" {launch.cell.scenario} {planned_settings(launch.cell)} failed in {cause}",
            )  # fmt: skip
        if last and not self._terminal:
            self._print(self._launches())

    def _launches(self) -> str:
        counted = self._tally.counted()
        return f"{counted.done} of {counted.planned} launches done"

    def _say(self, device: str, style: str, text: str) -> None:
        if self._firsts.in_full(device, text):
            with self._writing:
                say(self._console, style, text)

    def _say_more(self) -> None:
        for line in self._firsts.more():
            with self._writing:
                say(self._console, "dim", line)

    def _print(self, text: str) -> None:
        with self._writing:
            self._console.print(
                masked(visible(text)), markup=False, highlight=False, soft_wrap=True
            )

    def _draw(self) -> None:
        last_s = said_s = time.monotonic()
        while not self._over.wait(DRAWN_EVERY_S):
            now_s = time.monotonic()
            if now_s - said_s >= PLAIN_LINE_EVERY_S:
                said_s = now_s
                self._say_more()
                if not self._terminal:
                    self._print(told(self._tally.counted()))
            if self._terminal and (
                self._tally.changes != self._drawn or now_s - last_s >= CLOCK_EVERY_S
            ):
                self._drawn, last_s = self._tally.changes, now_s
                with self._writing:
                    self._live.refresh()
