"""Many devices asked at once: what is shown meanwhile, and one table at the end."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from benchhub.cli import project

if TYPE_CHECKING:
    from rich.console import Console

    from benchhub.cli.devices.asked import AskedDevices
    from benchhub.model.device import DeviceProfile
    from benchhub.run.devices.side_by_side import Answer
    from benchhub.run.loop.engine import Sessions

T = TypeVar("T")

#: Rows of a table: of those in trouble, and of the others.
_MOST_TROUBLED, _MOST_FINE = 100, 10
#: How often it is told how far they are, beside each that is in trouble.
_PLAIN_LINES = 20


@dataclass(frozen=True, slots=True)
class DeviceLine:
    """What is told of a device: `word` says how it is, `rank` 0 that it is in trouble."""

    device: str
    rank: int
    word: str
    text: str = ""


def together(
    group: AskedDevices,
    ask: Callable[[DeviceProfile, Sessions], T],
    take: Callable[[Answer[T]], bool],
) -> bool:
    """Have `take` what each device answers as they do; return whether Ctrl-C cut that short.

    `take` returns whether the device is well.
    """
    from rich.console import Console

    from benchhub.run.devices.side_by_side import side_by_side

    count, done, troubled = len(group.devices), 0, 0
    try:
        with (
            _shown(Console(stderr=True), count) as show,
            contextlib.closing(side_by_side(group.devices, ask)) as answers,
        ):
            for answer in answers:
                done += 1
                fine = take(answer)
                troubled += not fine
                if not fine or done % max(1, count // _PLAIN_LINES) == 0:
                    show(answer.device.name, f"{done:,} of {count:,} done, {troubled:,} in trouble")
    except KeyboardInterrupt:
        return True
    return False


def print_rows(rows: Sequence[DeviceLine], step: str = "") -> None:
    """Print a table of devices, those in trouble first, below how many there are of each kind.

    `step` says where all of a device is shown.
    """
    from benchhub.cli.show.say import say, stdout
    from benchhub.cli.show.table import print_table
    from benchhub.report.tables.table import listing

    counts: dict[str, int] = {}
    ordered = sorted(rows, key=lambda row: row.rank)
    for row in ordered:
        counts[row.word] = counts.get(row.word, 0) + 1
    told = ", ".join(f"{count:,} {word}" for word, count in counts.items())
    troubled = [row for row in ordered if row.rank == 0][:_MOST_TROUBLED]
    fine = [row for row in ordered if row.rank][:_MOST_FINE]
    body = [(row.device, row.word, row.text) for row in (*troubled, *fine)]
    console = stdout()
    print_table(
        console,
        listing("devices", f"{len(rows):,} devices: {told}", ("device", "", "what"), body),
        also="`--json`",
    )
    if left := len(rows) - len(body):
        say(console, "dim", f"and {left:,} more; --json has all")
    if step and troubled:
        say(console, "dim", step)


@contextlib.contextmanager
def _shown(console: Console, count: int) -> Iterator[Callable[[str, str], None]]:
    """Yield what takes how far the devices are: a line that changes, or plain ones."""
    from rich.text import Text

    if count == 1:
        yield lambda device, text: None
    elif console.is_terminal:
        with console.status(f"asking {count:,} devices") as status:
            yield lambda device, text: status.update(Text(text))
    else:
        yield lambda device, text: project.note(f"{device}: {text}")
