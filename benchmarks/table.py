"""The claims as one table, and as JSON."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict

from rich.console import Console
from rich.table import Table

from benchhub.ondevice.facts.cpu import model
from benchmarks.claim import Claim

_ANSWERS = {None: "-", True: "yes", False: "NO"}
_UNSURE = {None: "-", True: "yes?", False: "no?"}


def machine() -> str:
    """Return what was measured on, and how busy it was."""
    load = os.getloadavg()[0]
    return (
        f"{model()}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}, load {load:.1f}"
    )


def show(claims: Sequence[Claim], console: Console) -> None:
    """Print the table."""
    table = Table(title="benchhub against its peers", caption=machine())
    for column in ("what", "benchhub", "peer", "ratio", "target", "met"):
        table.add_column(column, overflow="fold")
    for claim in claims:
        answer = (_ANSWERS if claim.sure else _UNSURE)[claim.met]
        table.add_row(
            claim.name, claim.ours, claim.peer, ratio_text(claim), claim.target or "-", answer
        )
    console.print(table)


def ratio_text(claim: Claim) -> str:
    """Return the ratio with its interval."""
    if claim.low is None or claim.high is None:
        return f"{claim.ratio:.3f}"
    return f"{claim.ratio:.3f} ({claim.low:.3f} to {claim.high:.3f})"


def as_json(claims: Sequence[Claim]) -> str:
    """Return the claims and the machine as JSON."""
    found = {"schema": 1, "machine": machine(), "claims": [asdict(claim) for claim in claims]}
    return json.dumps(found, indent=2) + "\n"
