"""`python -m benchhub` is `benchhub`."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; Ctrl-C while it is still being imported is exit code 130, too."""
    try:
        from benchhub.cli import main as command_line

        command_line()
    except KeyboardInterrupt:
        sys.stderr.write("benchhub: stopped\n")
        sys.exit(130)


if __name__ == "__main__":
    main()
