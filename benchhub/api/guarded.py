"""What Python calls ends as the command line does: in its value, or in one error that explains."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator

from benchhub.errors import BenchhubError, ConfigError, Fault
from benchhub.outside import room
from benchhub.outside.faults import told, used_up
from benchhub.outside.masked import masked
from benchhub.text import visible


@contextlib.contextmanager
def guarded() -> Iterator[None]:
    """Let nothing out of the block but errors of benchhub's own, on one line and without secrets.

    ConfigError for what is used up on this machine. Fault, which names its log, for what nobody
    explained, `sys.exit` in a library among it; KeyboardInterrupt passes. Limits are raised as for
    a command, and what is short is a warning.
    """
    if (reason := room.too_little()) is not None:
        raise ConfigError(reason)
    for line in room.make():
        warn(line)
    try:
        yield
    except BenchhubError as error:
        error.args = (_shown(error), *error.args[1:])
        raise error from None  # what it comes from may hold what was masked
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a fault, told and logged as one
        if (reason := used_up(error)) is not None:
            raise ConfigError(reason) from None
        raise Fault(told(error)) from None


def warn(line: str) -> None:
    """Warn whoever called of what is short, and may run out."""
    warnings.warn(masked(visible(line)), RuntimeWarning, stacklevel=3)


def _shown(error: BenchhubError) -> str:
    return masked(visible(str(error)))
