"""What a run shows while it measures: launches, cells, time left, and what each device does."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Mapping, Sequence
from types import TracebackType

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from benchhub.cli.show.plan import planned_settings
from benchhub.cli.show.say import say
from benchhub.model.cell import Cell
from benchhub.model.device import LEFT_OUT, DeviceInfo
from benchhub.model.launch import Launch
from benchhub.outside.masked import masked
from benchhub.run.loop.engine import Sessions
from benchhub.text import visible

#: Without a terminal there is no bar; a line this often shows that the run is alive.
PLAIN_LINE_EVERY_S = 15.0
#: What a device may be doing that is worth a line of its own there.
_MILESTONES = (
    "connecting", "waiting", "pushing models", "link", "cooling", "restarted", "stopped", "done",
)  # fmt: skip


class RunProgress(Sessions):
    """Follows a run: a live bar on a terminal, plain lines elsewhere. Thread-safe."""

    def __init__(
        self, console: Console, cells: Sequence[Cell], finished: Mapping[str, int]
    ) -> None:
        super().__init__()
        self._console = console
        self._left = {c.key: c.launches - finished.get(c.key, 0) for c in cells}
        self._cells = tuple(cells)
        self._dropped: set[str] = set()
        self._device_of = {c.key: c.device for c in cells}
        self._tasks: dict[str, TaskID] = {}
        self._moved: dict[str, int] = {}
        self._said: dict[str, str] = {}
        self._writing = threading.Lock()
        self._beyond = False
        self._last_line_s = time.monotonic()
        total = sum(c.launches for c in cells)
        self._bar = Progress(
            TextColumn("{task.fields[name]}", "bold", markup=False),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("launches  {task.fields[cells]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(elapsed_when_finished=False),
            TextColumn("{task.fields[doing]}", "dim", markup=False),
            console=console,
            disable=not console.is_terminal,
        )
        for device in dict.fromkeys(c.device for c in cells):
            mine = [c for c in cells if c.device == device]
            self._tasks[device] = self._bar.add_task(
                "",
                name=device,
                total=sum(c.launches for c in mine),
                completed=sum(c.launches - self._left[c.key] for c in mine),
                cells=self._cells_text(device),
                doing="",
            )
        self._total = total

    def __enter__(self) -> RunProgress:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._bar.stop()
        if self._beyond and kind is None:
            self._line(self._count(), force=True)

    def status(self, device: str, text: str) -> None:
        """Show what a device is doing."""
        text = masked(visible(text))
        self._bar.update(self._tasks[device], doing=text)
        with self._writing:
            milestone = text.startswith(_MILESTONES) and self._said.get(device) != text
            self._said[device] = text
            if milestone:
                self._line(f"{device}: {text}", force=True)

    def pushed(self, device: str, count: int) -> None:
        """Show how much was pushed."""
        with self._writing:
            self._moved[device] = self._moved.get(device, 0) + count
            text = f"pushed {self._moved[device] / 2**20:.1f} MiB"
        self._bar.update(self._tasks[device], doing=text)

    def known(self, info: DeviceInfo, missing: Mapping[str, str]) -> None:
        """Print what preflight warned of, and drop cells whose backend is missing."""
        for finding in info.findings:
            if finding.level == "warn":
                text = f"{info.name}: {finding.found}: {finding.why}; {finding.fix}"
                say(self._console, "yellow", text)
        if could := [f.backend for f in info.findings if f.level == LEFT_OUT and f.fix]:
            text = f"{info.name}: left out, because not installed: {', '.join(could)}"
            say(self._console, "dim", text)
        self._drop(info.name, missing)

    def _drop(self, device: str, missing: Collection[str]) -> None:
        """Count launches of missing backends no longer."""
        with self._writing:
            gone = [c.key for c in self._cells if c.device == device and c.backend in missing]
            less = sum(max(0, self._left[key]) for key in gone)
            self._dropped.update(gone)
            self._left |= dict.fromkeys(gone, 0)
            self._total -= less
            task = self._tasks[device]
            planned = next(one.total for one in self._bar.tasks if one.id == task) or 0
            self._bar.update(task, total=planned - less, cells=self._cells_text(device))

    def launched(self, launch: Launch) -> None:
        """Count a launch that is in the store."""
        with self._writing:
            device, key = launch.cell.device, launch.cell.key
            step = 1 if launch.status == "finished" else 0
            if launch.status == "failed":
                step = self._left[key]
                failure = launch.failure
                cause = f"{failure.stage}: {failure.message}" if failure else "no reason given"
                say(
                    self._console, "red",
                    f"{device}: {launch.cell.backend} {launch.cell.variant}"
                    f" {launch.cell.scenario} {planned_settings(launch.cell)} failed in {cause}",
                )  # fmt: skip
            goes_on = step > self._left[key]
            self._beyond |= goes_on
            if goes_on:  # past what was planned
                self._total += step
                self._left[key] += step
                task = self._tasks[device]
                planned = next(one.total for one in self._bar.tasks if one.id == task) or 0
                self._bar.update(task, total=planned + step)
            self._left[key] -= step
            self._bar.update(self._tasks[device], advance=step, cells=self._cells_text(device))
            left = sum(self._left.values())
            self._line(self._count(), force=not left and not goes_on)

    def _count(self) -> str:
        left = sum(self._left.values())
        return f"{self._total - left} of {self._total} launches done"

    def _cells_text(self, device: str) -> str:
        keys = [key for key, of in self._device_of.items() if of == device]
        mine = [self._left[key] for key in keys if key not in self._dropped]
        return f"{sum(1 for left in mine if left <= 0)}/{len(mine)} cells"

    def _line(self, text: str, force: bool = False) -> None:
        if self._console.is_terminal:
            return
        now = time.monotonic()
        if force or now - self._last_line_s >= PLAIN_LINE_EVERY_S:
            self._last_line_s = now
            self._console.print(text, markup=False, highlight=False, soft_wrap=True)
