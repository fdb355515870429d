"""`python -m tests.campaign`: play scenarios, print what was found, and write the report."""

from __future__ import annotations

import argparse
import datetime
import os
import shlex
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
sys.path.insert(0, str(Path(__file__).parents[1]))

from benchhub.ondevice.facts import cpu
from campaign import driver, report


def main(argv: list[str] | None = None) -> int:
    """Return 0, or 1 where something was found that must not be."""
    parser = argparse.ArgumentParser(prog="python -m tests.campaign", description=__doc__)
    parser.add_argument("--seeds", default="0:40", metavar="FROM:TO", help="without TO itself")
    parser.add_argument("--only", type=int, action="append", metavar="SEED", help="repeatable")
    parser.add_argument("--folder", type=Path, help="keep outcomes, and scenes with findings, here")
    parser.add_argument("--resume", action="store_true", help="play what --folder does not have")
    parser.add_argument("--jobs", type=int, default=2, help="scenarios that are played at once")
    parser.add_argument("--without", action="append", default=[], metavar="WORD",
                        choices=["lab", "machine", "sshd", "mounts", "clock", "postgresql"],
                        help="leave out what needs this; repeatable")  # fmt: skip
    parser.add_argument("-o", "--output", type=Path, help="write README.md and campaign.json here")
    options = parser.parse_args(argv)
    os.environ.pop("SSH_AUTH_SOCK", None)  # keys of the user are no part of this
    if options.resume and not options.folder:
        parser.error("--resume needs the --folder that holds what was played")
    first, _, last = options.seeds.partition(":")
    seeds = options.only or list(range(int(first), int(last)))
    with tempfile.TemporaryDirectory(prefix="benchhub-campaign-") as scratch:
        found = driver.run(
            seeds,
            (options.folder or Path(scratch)).resolve(),
            jobs=options.jobs,
            resume=options.resume,
            without=options.without,
            tell=lambda one: print(report.line(one), file=sys.stderr, flush=True),
        )
    chosen = [word for seed in options.only or () for word in ("--only", str(seed))]
    how = {
        "command": shlex.join(
            ["python", "-m", "tests.campaign", *(chosen or ["--seeds", options.seeds])]
        ),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "machine": f"{cpu.model() or 'an unknown processor'}, {os.cpu_count()} cores",
    }
    page = report.markdown(found, how)
    print(page)
    if options.output:
        options.output.mkdir(parents=True, exist_ok=True)
        (options.output / "README.md").write_text(page, "utf-8")
        (options.output / "campaign.json").write_text(report.as_json(found, how), "utf-8")
    return int(any(one.findings for one in found))


if __name__ == "__main__":
    sys.exit(main())
