"""`python -m benchhub` is `benchhub`."""

from __future__ import annotations

import gc
import sys

#: As many containers more than were freed start a search for garbage, where Python has 700.
_ALLOCATIONS = 200_000


def main() -> None:
    """Run the command line; Ctrl-C while it is still being imported is exit code 130, too."""
    # What is imported stays: to look through it for garbage takes a tenth of a short command.
    gc.set_threshold(_ALLOCATIONS, 10, 10)
    try:
        from benchhub.cli import main as command_line

        command_line()
    except KeyboardInterrupt:
        sys.stderr.write("benchhub: stopped\n")
        sys.exit(130)


if __name__ == "__main__":
    main()
