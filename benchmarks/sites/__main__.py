"""`python -m benchmarks.sites measure|simulate|page`: ten thousand devices, on paper and simulated.

measure   service times of this machine -> reports/fleet/service-times.json; --launches-of as
          `KIND=STORE_URL,RUN,DEVICE` takes launch times out of a store
simulate  the scenarios -> reports/fleet/simulation.json; some minutes
page      the tables of docs/explanation/ten-thousand-devices.md, from both files
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from benchmarks.sites import page, scenarios, service_times
from benchmarks.sites.result import rounded


def main() -> int:
    """Return 0 once the file is written."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.sites",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("verb", choices=("measure", "simulate", "page"))
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="repeatable")
    parser.add_argument("--launches-of", action="append", default=[], metavar="KIND=URL,RUN,DEVICE")
    options = parser.parse_args()
    if options.verb == "measure":
        from benchmarks.sites.measuring.all import Source, measure

        sources = []
        for text in options.launches_of:
            kind, _, where = text.partition("=")
            sources.append(Source(*where.rsplit(",", 2), kind))
        found = measure(sources, options.only, _read(service_times.FILE))
        _write(service_times.FILE, found)
    elif options.verb == "simulate":
        found = scenarios.run(service_times.read(), options.only, _read(scenarios.FILE))
        _write(scenarios.FILE, found)
    page.write()
    return 0


def _read(file: Path) -> dict[str, Any]:
    return json.loads(file.read_text("utf-8")) if file.exists() else {}


def _write(file: Path, found: dict[str, Any]) -> None:
    file.write_text(_lines(rounded(found)) + "\n", "utf-8")


def _lines(found: dict[str, Any]) -> str:
    """Return JSON with a line a point, which can be read and compared."""
    parts = []
    for key, value in found.items():
        if isinstance(value, list):
            inside = ",\n    ".join(json.dumps(one) for one in value)
            parts.append(f'  "{key}": [\n    {inside}\n  ]')
        else:
            parts.append(f'  "{key}": {json.dumps(value)}')
    return "{\n" + ",\n".join(parts) + "\n}"


if __name__ == "__main__":
    sys.exit(main())
