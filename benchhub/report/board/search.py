"""All rows of a board whose rows are on pages of their own, to be searched on its index; pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from benchhub.report.board.choices import Choices
from benchhub.report.board.line import BoardLine
from benchhub.report.page.packed import packed


def searched(
    lines: Sequence[BoardLine], choices: Choices, page_of: Mapping[str, str]
) -> str:  # fmt: skip
    """Return the rows as a packed list, each as it is shown where it is found: its address, its
    places among the choices, its kind, and its texts."""
    paths = list(dict.fromkeys(page_of.values()))
    rows = [
        [paths.index(page_of[one.id]), one.id, choices.of(one), _kind(one), *_texts(one)]
        for one in lines
    ]
    told = {"paths": paths, "rows": rows}
    return packed(json.dumps(told, separators=(",", ":"), ensure_ascii=False))


def _kind(of: BoardLine) -> int:
    """Return 1 for the newest of its suite and device, and 2 more for an emulated one."""
    return of.current + 2 * of.row.emulated


def _texts(of: BoardLine) -> list[str]:
    """Return device, backend, variant, what was measured, figures, verdict and run."""
    row = of.row
    figures = [f"{one.text} {one.interval}".strip() for one in of.figures[:5]]
    return [
        f"{row.device}{f' ({of.emulation})' if of.emulation else ''}",
        " ".join(filter(None, (row.backend, row.backend_version))),
        row.variant,
        ", ".join(filter(None, (row.scenario, of.setting, of.main))),
        *figures,
        f"{of.sign} {of.verdict}" if of.sign else "",
        f"{of.day} {row.run}",
    ]
