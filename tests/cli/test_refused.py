"""Words that no verb takes: one line, exit 2, and which ones would be right, the nearest first."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from project import run_here

REFUSED: list[tuple[str, str]] = [
    ("runn", "benchhub has no verb runn; did you mean run? `benchhub --help` shows all"),
    ("devices lst", "benchhub devices has no verb lst; did you mean list?"),
    ("report latest --format htm", "--format htm: should be html, markdown, "),
    ("gate latest --format xml", "--format xml: should be text, json, junit or markdown; "),
    ("export latest --format parket", "--format parket: should be parquet or pytest-benchmark"),
    ("bench a.onnx --effort quik", "--effort quik: should be quick, standard or rigorous"),
    ("run x --effort=fast", "--effort fast: should be quick, standard or rigorous; `benchhub run"),
    ("compare a b --question modle", "--question modle: should be model, "),
    ("compare a b --margin -1", "--margin -1: should be a number from 0 to 100"),
    ("schema suit", "KIND suit: should be suite, device or fleet; did you mean suite?"),
    ("run x --priority 20", "--priority 20: should be a whole number from -9 to 9"),
    ("runs list --limit many", "--limit many: should be a whole number from 1 on"),
    ("runs list --limit", "--limit needs a value"),
    ("runs list --json=3", "--json takes no value"),
    ("gate", "benchhub gate needs RUN: a run's id, a unique prefix, `latest`, or"),
    ("gate a b", "benchhub gate takes no more words, as b; `benchhub gate --help`"),
    ("gate a --frmat x", "benchhub gate has no option --frmat; did you mean --format?"),
    ("devices reserve jetson", "benchhub devices reserve needs --for: 30m, 2h, 1d; at most 7d"),
    ("ab a b c d --statistic p59", "--statistic p59: should be p95, p50 or p25; did you mean p95?"),
    ("ab a b c d --delta 3", "--delta 3: should be a share, 0.02 for 2 %"),
    ("run quickstart --device locahost", "device locahost is unknown; did you mean localhost?"),
    ("run quickstrat", "did you mean quickstart?"),
    ("run quickstart --backend onnxrumtime", "did you mean onnxruntime?"),
    ("run quickstart --budget latency_p94_ms=3", "did you mean latency_p95_ms?"),
    ("run quickstart --budget load_ms=0", "--budget load_ms = 0.0: should be more than 0"),
]  # fmt: skip


@pytest.mark.parametrize(("typed", "line"), REFUSED, ids=[typed for typed, _ in REFUSED])
def test_what_is_right_is_said_in_one_line(tmp_path: Path, typed: str, line: str) -> None:
    done = run_here(tmp_path, os.environ, *typed.split())
    assert (done.code, done.out) == (2, "")
    assert line in done.error
    assert done.err.count("\n") == 1
    for rough in ("Value error", "Invalid value", "Input should", "not a valid", "No such"):
        assert rough not in done.err


def test_a_secret_in_what_is_refused_stays_one(tmp_path: Path) -> None:
    done = run_here(tmp_path, os.environ, "runs", "lst", "--store", "postgresql://me:hush@h/x")
    assert done.code == 2
    assert "hush" not in done.err
