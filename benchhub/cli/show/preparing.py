"""What is shown while variants are made: a status line, or plain lines without a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


@contextmanager
def preparing(console: Console) -> Iterator[Callable[[str], None]]:
    """Yield what takes progress lines; Ctrl-C is Interrupted, with how to go on."""
    from rich.text import Text

    from benchhub.errors import Interrupted
    from benchhub.outside.masked import masked
    from benchhub.text import visible

    with console.status("preparing") as status:

        def progress(line: str) -> None:
            line = masked(visible(line))
            if console.is_terminal:
                status.update(Text(line))
            else:
                console.print(line, markup=False, highlight=False, soft_wrap=True)

        try:
            yield progress
        except KeyboardInterrupt:
            raise Interrupted(
                "stopped; give the same command again, and a training goes on where it was"
            ) from None
