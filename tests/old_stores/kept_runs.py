"""Stores of earlier versions, packed beside this file, and what today's code makes of them."""

from __future__ import annotations

import io
import json
import lzma
import tarfile
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

from benchhub.cli.judged.history import plain
from benchhub.cli.show.results import print_results
from benchhub.report.compare import formats as compare_formats
from benchhub.report.gate import formats as gate_formats
from benchhub.report.run import FORMATS, render
from benchhub.results.compare.history import screen
from benchhub.results.compare.runs import compare_runs
from benchhub.results.load import Judged, load_judged
from benchhub.results.load_compared import record_of
from benchhub.results.load_history import history
from benchhub.store import Store

FOLDER = Path(__file__).parent
#: Schemas 0001 to 0005, 0007 and 0008, each made by a commit that had it; two of 0006, made at
#: 00c81a1.
NAMES = ("0001", "0002", "0003", "0004", "0005", "x86", "lab", "0007", "0008")


def unpacked(name: str, folder: Path) -> str:
    """Write the store called `name` into `folder` and return its URL."""
    path = folder / f"{name}.db"
    path.write_bytes(lzma.decompress((FOLDER / f"{name}.db.xz").read_bytes()))
    return f"sqlite:///{path}"


def expected(name: str) -> dict[str, str]:
    """Return what was shown of a store's runs when it was kept, by the names of `outputs`."""
    with tarfile.open(FOLDER / "expected.tar.xz") as archive:
        return {
            Path(member.name).name: stream.read().decode()
            for member in archive
            if member.name.startswith(f"{name}/") and (stream := archive.extractfile(member))
        }


def outputs(store: Store) -> Iterator[tuple[str, str]]:
    """Yield the name and the text of everything that is shown of a store's runs."""
    runs = store.runs()
    for number, run in enumerate(runs):
        judged = load_judged(store, run.id)
        for name in FORMATS:
            yield f"run-{number}.{name}", render(name, [judged.results])
        for name in gate_formats.FORMATS:
            yield f"gate-{number}.{name}", gate_formats.render(name, judged)
        yield f"show-{number}.text", _shown(judged)
    for suite in dict.fromkeys(run.suite for run in runs):
        cells = [plain(one) for one in screen(history(store, suite).points)]
        yield f"history-{suite}.json", json.dumps(cells, indent=1)
        mine = [run.id for run in runs if run.suite == suite]
        if len(mine) == 2:
            found = compare_runs(*(record_of(store, run) for run in mine))
            for name in compare_formats.FORMATS:
                yield f"compare-{suite}.{name}", compare_formats.render(name, found)


def _shown(judged: Judged) -> str:
    stream = io.StringIO()
    with mock.patch.dict("os.environ", {"COLUMNS": "100"}), mock.patch("sys.stdout", stream):
        print_results(judged)
    return stream.getvalue()
