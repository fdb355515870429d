"""`python -m tests.fuzz`: tries parsers, and prints what was found; see the package's docstring."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from .campaign import Campaign, Row
from .targets import lacking, listed


def main(argv: list[str] | None = None) -> int:
    """Sit once; 0: nothing was found so far, 1: something was, 2: it cannot be done as asked."""
    targets = listed()
    parser = argparse.ArgumentParser(prog="fuzz", description="Parsers under mutation")
    parser.add_argument("--for", dest="seconds", type=float, default=600.0, metavar="S",
                        help="what each target gets in all, over all sittings (600)")  # fmt: skip
    parser.add_argument("--sitting", type=float, default=None, metavar="S",
                        help="what each target gets this time, at most")  # fmt: skip
    parser.add_argument("--only", action="append", choices=[one.name for one in targets],
                        metavar="NAME", help="this target; again for another")  # fmt: skip
    parser.add_argument("--folder", type=Path, default=Path(".fuzz"), help="where all is kept")
    parser.add_argument("--resume", action="store_true", help="go on in a folder that is there")
    parser.add_argument("--engine", choices=("auto", "atheris", "mutation"), default="auto")
    parser.add_argument("-o", "--output", type=Path, help="a file for the table, as Markdown")
    parser.add_argument("--list", action="store_true", help="name the targets, and do no more")
    given = parser.parse_args(argv)
    chosen = [one for one in targets if not given.only or one.name in given.only]
    if given.list:
        print("\n".join(one.name for one in chosen))
        return 0
    if (given.folder / "ledger.json").exists() and not given.resume:
        print(f"fuzz: {given.folder} is there: add --resume, or name another", file=sys.stderr)
        return 2
    campaign = Campaign(given.folder, given.engine)
    for target in chosen:
        if (missing := lacking(target)) is not None:
            print(f"fuzz: {target.name}: left out, {missing} is not installed", file=sys.stderr)
            continue
        known = campaign.ledger.of.get(target.name)
        left = given.seconds - (known.seconds if known else 0.0)
        if given.sitting is not None:
            left = min(left, given.sitting)
        if left > 0:
            began = time.monotonic()
            campaign.sit(target, left)
            print(f"fuzz: {target.name}: {time.monotonic() - began:.0f} s", file=sys.stderr)
    rows = campaign.rows(targets)
    print(table(rows))
    if given.output is not None:
        given.output.write_text(page(rows), "utf-8")
    return 1 if any(row.kinds for row in rows) else 0


def table(rows: list[Row]) -> str:
    """Return rows as text: a target a line, and below it what was found."""
    lines = [f"{'target':24}{'seconds':>9}{'tries':>12}{'findings':>10}"]
    for row in rows:
        lines.append(f"{row.name:24}{row.seconds:9.0f}{row.tries:12,}{len(row.kinds):10}")
        lines += [f"    {kind}" for kind in row.kinds]
    total = sum(row.tries for row in rows)
    seconds = sum(row.seconds for row in rows)
    kinds = sum(len(row.kinds) for row in rows)
    return "\n".join([*lines, f"{'all':24}{seconds:9.0f}{total:12,}{kinds:10}"])


def page(rows: list[Row]) -> str:
    """Return rows as a table of Markdown; findings by their kinds."""
    lines = ["| target | seconds | tries | findings |", "|---|--:|--:|---|"]
    for row in rows:
        kinds = "; ".join(row.kinds) or "none"
        lines.append(f"| {row.name} | {row.seconds:.0f} | {row.tries:,} | {kinds} |")
    seconds, tries = sum(row.seconds for row in rows), sum(row.tries for row in rows)
    count = sum(len(row.kinds) for row in rows)
    return "\n".join([*lines, f"| all | {seconds:.0f} | {tries:,} | {count} |", ""])


if __name__ == "__main__":
    sys.exit(main())
