"""`python -m benchmarks`: measure every claim against its peers and print one table."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from benchmarks import (
    analysis,
    bench_command,
    call_overhead,
    cell_wall,
    large_model,
    latency,
    live_page,
    pacing,
    push,
    quality_batches,
    results_store,
    runtimes,
    startup,
    table,
    wire_checks,
)
from benchmarks.claim import Claim
from benchmarks.kept import reading

BENCHMARKS: dict[str, Callable[[], list[Claim]]] = {
    "overhead": call_overhead.measure,
    "pacing": pacing.measure,
    "latency": latency.measure,
    "runtimes": runtimes.measure,
    "wall": cell_wall.measure,
    "bench": bench_command.measure,
    "push": push.measure,
    "large": large_model.measure,
    "startup": startup.measure,
    "wire": wire_checks.measure,
    "store": results_store.measure,
    "kept": reading.measure,
    "serve": live_page.measure,
    "analysis": analysis.measure,
    "quality": quality_batches.measure,
}


def main() -> int:
    """Return 0, or 1 when a claim was surely not met."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", action="append", choices=list(BENCHMARKS), metavar="NAME",
                        help=f"one of: {', '.join(BENCHMARKS)}; repeatable")  # fmt: skip
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures here")
    options = parser.parse_args()
    claims: list[Claim] = []
    messages = Console(stderr=True)
    for name in options.only or BENCHMARKS:
        with messages.status(f"measuring {name}"):
            claims += BENCHMARKS[name]()
    output = Console()
    table.show(claims, output if output.is_terminal else Console(width=160))
    if options.json:
        options.json.write_text(table.as_json(claims), "utf-8")
    return int(any(claim.met is False and claim.sure for claim in claims))


if __name__ == "__main__":
    sys.exit(main())
