"""A server to play with: `python -m tests.postgresql` prints its URL, and ends with Ctrl-C."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from postgresql.cluster import PASSWORD, Cluster, why_not


def main() -> None:
    """Start it, say where it is, and wait."""
    if reason := why_not():
        sys.exit(f"no server: {reason}")
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(0))
    with Cluster() as cluster:
        with cluster.connected() as connection:
            connection.execute("CREATE DATABASE results")
        print(cluster.url("results", password=PASSWORD), flush=True)
        try:
            signal.pause()
        except KeyboardInterrupt:
            print("ended", file=sys.stderr)


if __name__ == "__main__":
    main()
