"""What `benchhub publish` takes from others: the json of a report."""

from __future__ import annotations

import gzip
import json
import tempfile
from collections.abc import Callable, Iterator
from typing import Any

from benchhub.cli.published.board_runs import linked
from benchhub.report.run import render
from benchhub.results.load import load_results
from benchhub.store import Store

from ..target import Target, lasting
from . import stores


@lasting
def _report() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/benchhub.db"
        run = stores.write(url)
        with Store.open(url) as store:
            return render("json", [load_results(store, run)]).encode()


def _reports() -> Iterator[bytes]:
    yield _report()
    yield gzip.compress(_report(), mtime=0)


def _with(change: Callable[[Any], object]) -> bytes:
    document = json.loads(_report())
    change(document)
    return json.dumps(document).encode()


def _row(**changes: Any) -> bytes:
    return _with(lambda told: told["rows"][0].update(changes))


def _run(**changes: Any) -> bytes:
    return _with(lambda told: told["run"].update(changes))


_NO_REPORT = "is no (whole )?report"

TARGETS = (
    Target(
        "report-json", lambda path: linked(path, path.parent), _reports, ".json",
        (b'"rows"', b'"run"', b'"intervals"', b'"provenance"', b'"budgets"', b"NaN", b"Infinity"),
        hard={
            "nested deeply": (lambda: b"[" * 100_000, _NO_REPORT),
            "half a gzip": (lambda: gzip.compress(_report())[:500], _NO_REPORT),
            "another program's": (lambda: b'{"rows": [], "schema": "x"}', "schema 'x'"),
            "a scenario that is none": (lambda: _row(scenario="dream"), _NO_REPORT),
            "a figure that is text": (lambda: _row(p50_ms="1"), _NO_REPORT),
            "figures that are not finite": (
                lambda: _row(p50_ms=float("nan"), p95_ms=float("inf"), speedup=float("-inf")), None
            ),
            "sizes that are parts": (lambda: _row(model_bytes=0.5, batch=-1), None),
            "launches that are not": (lambda: _row(launches=-(10**18)), None),
            "half a character": (lambda: _row(variant="\ud800", device="\u202e"), None),
            "a moment that is none": (lambda: _run(started_at="yesterday", finished_at=""), None),
            "an id that is a path": (lambda: _run(id="../.."), _NO_REPORT),
            "limits of a later version": (
                lambda: _with(lambda told: told["budgets"][0].update(limits={"joy_min": 1.0})),
                _NO_REPORT,
            ),
            "limits that are infinite": (
                lambda: _with(lambda t: t["budgets"][0].update(limits={"latency_p95_ms": 1e999})),
                None,
            ),
            "a verdict on nothing": (
                lambda: _with(lambda told: told["verdicts"][0].update(key="joy", column="joy")),
                None,
            ),
            "rows twice": (
                lambda: _with(lambda told: told["rows"].extend(told["rows"])), _NO_REPORT
            ),
        },
    ),
)  # fmt: skip
