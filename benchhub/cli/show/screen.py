"""The rows of a run on a terminal: as many as fit, each of one line, however large it is."""

from __future__ import annotations

import time
from collections.abc import Iterator

from rich.cells import cell_len, set_cell_size
from rich.console import Console, ConsoleOptions, RenderResult
from rich.segment import Segment
from rich.style import Style

from benchhub.api.tally import DeviceState, DeviceTally, Tally, lasting
from benchhub.outside.masked import masked
from benchhub.text import visible

_BOLD, _DIM = Style(bold=True), Style(dim=True)
_BAR, _REST = Style(color="green"), Style(color="bright_black")
_STYLES = {
    DeviceState.LOST: Style(color="yellow"), DeviceState.COOLING: Style(color="yellow"),
    DeviceState.STOPPED: Style(color="red"), DeviceState.DONE: Style(color="green"),
}  # fmt: skip
#: Rows beside the summary and those of devices: one for what is printed above, and the cursor's.
_OTHER_ROWS = 2
_NAME, _BAR_WIDTH = (8, 24), (8, 24)
#: Stands for what had no room, in letters that every terminal has.
_CUT = ".."
#: What a device does has at least so much room, before bars get any.
_DOING = 34


class Screen:
    """What is drawn of a tally; sizes are asked for each time, since terminals are resized."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._began_s = time.monotonic()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = max(1, options.max_width - 1)  # a full last column makes some terminals wrap
        several = len(self._tally.devices) > 1
        summary = self._summary(time.monotonic(), width) if several else []
        rows = max(1, options.size.height - _OTHER_ROWS - len(summary))
        shown, hidden = self._tally.shown(rows if several else 1)
        if hidden and rows > 1:  # the line that says so takes a row
            shown, hidden = shown[:-1], hidden + 1
        elif hidden:
            hidden = 0
        for line in (*summary, *self._lines(shown, hidden, width)):
            yield from Segment.adjust_line_length(list(_within(line, width)), width)
            yield Segment.line()

    def _lines(self, shown: list[DeviceTally], hidden: int, width: int) -> Iterator[list[Segment]]:
        now_s = time.monotonic()
        names = max((cell_len(one.name) for one in shown), default=0)
        least, most = _NAME
        name_width = min(max(least, names), max(most, width // 4))
        counts = max((len(f"{one.done}/{one.planned}") for one in shown), default=0)
        cells = max((len(f"{one.cells_done}/{one.cells}") for one in shown), default=0)
        fixed = name_width + 1 + counts + 10 + cells + 7 + 8 + 2
        bar_width = min(_BAR_WIDTH[1], width - fixed - _DOING)
        bar_width = bar_width if bar_width >= _BAR_WIDTH[0] else 0
        for one in shown:
            name = set_cell_size(_shortened(_clean(one.name), name_width), name_width)
            yield [
                Segment(f"{name} ", _BOLD),
                *_bar(one, bar_width),
                Segment(f"{f'{one.done}/{one.planned}':>{counts}} launches  "),
                Segment(f"{f'{one.cells_done}/{one.cells}':>{cells}} cells "),
                Segment(f"{_left(one, now_s):>7}  ", _DIM),
                Segment(_clean(_doing(one, now_s)), _STYLES.get(one.state, _DIM)),
            ]
        if hidden:
            yield [Segment(f"and {hidden} more devices, which need no look now", _DIM)]

    def _summary(self, now_s: float, width: int) -> list[list[Segment]]:
        counted = self._tally.counted()
        line = [Segment(f"{counted.done}/{counted.planned} launches", _BOLD)]
        line.append(Segment(f"  {lasting(now_s - self._began_s)}"))
        if counted.left_s is not None and counted.done < counted.planned:
            line.append(Segment(f", {lasting(counted.left_s)} left"))
        states = []
        for place, (state, count) in enumerate(counted.states.items()):
            states.append(Segment(", " if place else "  "))
            states.append(Segment(f"{count} {state}", _STYLES.get(state)))
        if sum(part.cell_length for part in (*line, *states)) <= width:
            return [[*line, *states]]
        return [line, states]


def _within(line: list[Segment], width: int) -> Iterator[Segment]:
    """Yield as much of a line as fits: what does not is left out from a space on, with a mark."""
    room = width
    for part in line:
        if part.cell_length > room:
            kept = set_cell_size(part.text, room)
            whole = kept if part.text[len(kept) : len(kept) + 1] == " " else kept.rpartition(" ")[0]
            mark = _CUT if cell_len(whole) + len(_CUT) <= room else ""
            yield Segment(f"{whole}{mark}", part.style)
            return
        room -= part.cell_length
        yield part


def _shortened(name: str, width: int) -> str:
    """Return a name of at most so many cells by its ends, which tell devices of a kind apart."""
    if cell_len(name) <= width:
        return name
    half = (width - len(_CUT)) // 2
    return f"{set_cell_size(name, width - len(_CUT) - half)}{_CUT}{name[-half:]}"


def _bar(one: DeviceTally, width: int) -> list[Segment]:
    if not width:
        return []
    full = min(width, width * one.done // one.planned) if one.planned else width
    return [Segment("━" * full, _BAR), Segment("━" * (width - full) + " ", _REST)]


def _left(one: DeviceTally, now_s: float) -> str:
    left_s = one.left_s(now_s)
    return "" if left_s is None or one.done >= one.planned else lasting(left_s)


def _doing(one: DeviceTally, now_s: float) -> str:
    doing = one.doing.replace(f"{one.name}: ", "")  # which the row begins with
    if one.state in (DeviceState.LOST, DeviceState.WAITING, DeviceState.COOLING) and doing:
        return f"{doing} ({lasting(now_s - one.since_s)})"
    return doing or one.state


def _clean(text: str) -> str:
    return masked(visible(text))
