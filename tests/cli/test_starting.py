"""Every verb, started where something usual is missing: its exit code, and one line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from builders import make_budget, make_cell
from recorded_runs import launches_of, stored
from repository import ROOT

from benchhub.store import Store

pytestmark = pytest.mark.usefixtures("processes")

#: A process in which everything is imported; for each case it forks one that is `benchhub`.
SERVER = """
import json, os, signal, sys
from benchhub.cli import run_command

def warm(verbs):
    kept, nowhere = (sys.stdout, sys.stderr), open(os.devnull, "w")
    for words in verbs:
        sys.argv = ["benchhub", *words]
        sys.stdout = sys.stderr = nowhere
        run_command()
    sys.stdout, sys.stderr = kept

def begin(case):
    signal.alarm(60)
    for number, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(case[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.environ.clear()
    os.environ.update(case["env"])
    os.chdir(case["cwd"])
    if case["gone"]:
        os.rmdir(case["cwd"])
    if case["uid"] and os.geteuid() == 0:
        os.setgid(case["uid"])
        os.setuid(case["uid"])
    encoding = "ascii" if case["ascii"] else "utf-8"
    sys.stdin = open(0, closefd=False)
    sys.stdout = sys.__stdout__ = open(1, "w", encoding=encoding, closefd=False)
    sys.stderr = sys.__stderr__ = open(2, "w", encoding=encoding, closefd=False)
    for number in case["closed"]:
        os.close(number)
        name = ("stdin", "stdout", "stderr")[number]
        setattr(sys, name, None)
        setattr(sys, f"__{name}__", None)
    sys.argv = ["benchhub", *case["words"]]
    from benchhub.__main__ import main
    main()

for line in sys.stdin:
    case = json.loads(line)
    if "warm" in case:
        warm(case["warm"])
        continue
    child = os.fork()
    if not child:
        try:
            begin(case)
        finally:
            os._exit(99)
    print(json.dumps(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])), flush=True)
"""
#: Keeps a folder from being written to, by root too, for the process that follows.
READ_ONLY = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"'

#: What is typed, and what it exits with where nothing is missing.
VERBS: Mapping[str, tuple[tuple[str, ...], int]] = {
    "init": (("init", "{out}/made"), 0),
    "bench": (("bench", "nosuch.onnx"), 2),
    "run": (("run", "nosuch"), 2),
    "run resume": (("run", "--resume", "good"), 2),  # of a suite that is not here
    "ab": (("ab", "localhost", "onnxruntime", "nosuch.onnx", "nosuch2.onnx"), 2),
    "compress list": (("compress", "--list"), 0),
    "compress": (("compress", "nosuch", "--variant", "x", "-o", "{out}"), 2),
    "report": (("report", "good", "--format", "markdown"), 0),
    "report file": (("report", "good", "--format", "csv", "-o", "{out}/report.csv"), 0),
    "gate": (("gate", "good", "--budget", "latency_p50_ms=7"), 1),
    "compare": (("compare", "good", "later"), 0),
    "export": (("export", "good", "--format", "pytest-benchmark", "-o", "{out}/good.json"), 0),
    "history": (("history", "tiny"), 0),
    "schema": (("schema", "suite"), 0),
    "devices list": (("devices", "list"), 0),
    "devices show": (("devices", "show", "nosuch"), 2),
    "devices doctor": (("devices", "doctor", "nosuch"), 2),
    "devices enroll": (("devices", "enroll", "host", "--name", "a/b"), 2),
    "devices provision": (("devices", "provision", "nosuch"), 2),
    "devices selftest": (("devices", "selftest", "nosuch"), 2),
    "runs list": (("runs", "list"), 0),
    "runs show": (("runs", "show", "good"), 0),
    "runs delete": (("runs", "delete", "nosuch"), 2),
    "runs import": (("runs", "import", "nosuch.json"), 2),
}
#: What is missing; `codes` are those that are others for it.
SITUATIONS: Mapping[str, Mapping[str, Any]] = {
    "nothing": {},
    "read-only store": {"store": "kept"},
    "HOME unset": {"without": ["HOME", "BENCHHUB_CACHE"]},
    "HOME gone": {"env": {"HOME": "/dev/null/home"}, "without": ["BENCHHUB_CACHE"]},
    "account without a home": {
        "uid": 54321, "without": ["HOME", "BENCHHUB_CACHE", "XDG_STATE_HOME"],
        "codes": {"init": 2, "report file": 2, "export": 2},
    },
    "TMPDIR gone": {"env": {"TMPDIR": "/nonexistent/tmp"}},
    "LANG=C": {"ascii": True, "env": {"LANG": "C", "LC_ALL": "C"}},
    "stdin closed": {"closed": [0]},
    "stdout closed": {"closed": [1]},
    "stderr closed": {"closed": [2]},
    "all closed": {"closed": [0, 1, 2]},
    "current folder gone": {"gone": True, "codes": dict.fromkeys(VERBS, 2)},
}  # fmt: skip


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A store with a run, twice; folders that other accounts get to, as those of tests are not."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        for place in (folder, folder / "project", folder / "kept", folder / "told"):
            place.mkdir(exist_ok=True)
            place.chmod(0o755)
        for place in ("project", "kept"):
            with Store.open(f"sqlite:///{folder / place / 'benchhub.db'}") as store:
                budgets = (make_budget("edge", latency_p50_ms=20.0),)
                for run in ("good", "later"):
                    launches = launches_of(make_cell(variant="größer≤"), run)
                    stored(store, run, launches, budgets, suite="tiny")
        yield folder


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[subprocess.Popen[str]]:
    argv = [sys.executable, "-c", SERVER]
    if os.geteuid() == 0:
        argv = ["unshare", "--mount", "sh", "-c", READ_ONLY, str(folder / "kept"), *argv]
    else:
        (folder / "kept" / "benchhub.db").chmod(0o444)
        (folder / "kept").chmod(0o555)
    env = {**os.environ, "PYTHONPATH": str(ROOT), "BENCHHUB_CACHE": str(folder / "cache")}
    process = subprocess.Popen(
        argv, cwd=folder / "project", env=env, text=True, stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdin is not None
    words = [[word.format(out=folder / "warm") for word in one] for one, _ in VERBS.values()]
    process.stdin.write(json.dumps({"warm": words}) + "\n")
    yield process
    process.stdin.close()
    assert process.wait(60) == 0
    assert process.stdout is not None
    process.stdout.close()
    (folder / "kept").chmod(0o755)


@pytest.mark.parametrize("name", SITUATIONS)
def test_every_verb_ends_in_its_code_and_at_most_one_line(
    server: subprocess.Popen[str], folder: Path, tmp_path: Path, name: str
) -> None:
    told = SITUATIONS[name]
    if told.get("uid") and os.geteuid() != 0:
        pytest.skip("only root can become another account")
    env = {
        "PATH": os.environ["PATH"], "HOME": str(tmp_path), "COLUMNS": "100",
        "BENCHHUB_CACHE": str(tmp_path / "cache"), "XDG_STATE_HOME": str(tmp_path / "state"),
    }  # fmt: skip
    env |= told.get("env", {})
    if store := told.get("store"):
        env["BENCHHUB_STORE"] = f"sqlite:///{folder / store / 'benchhub.db'}"
    for variable in told.get("without", ()):
        env.pop(variable, None)
    wrong = {}
    for verb, (words, code) in VERBS.items():
        cwd = folder / "project"
        if told.get("gone"):
            cwd = folder / "told" / "gone"
            cwd.mkdir(exist_ok=True)
        out, err = folder / "told" / "out", folder / "told" / "err"
        case = {
            "words": [word.format(out=tmp_path) for word in words], "env": env, "cwd": str(cwd),
            "out": str(out), "err": str(err), "closed": told.get("closed", []),
            "gone": bool(told.get("gone")), "ascii": bool(told.get("ascii")),
            "uid": told.get("uid", 0),
        }  # fmt: skip
        assert server.stdin is not None
        assert server.stdout is not None
        server.stdin.write(json.dumps(case) + "\n")
        server.stdin.flush()
        found = json.loads(server.stdout.readline())
        said = err.read_text("utf-8")
        expected = told.get("codes", {}).get(verb, code)
        lines = [line for line in said.splitlines() if line.startswith("benchhub: ")]
        explained = len(lines) == (expected == 2) or 2 in told.get("closed", [])
        if found != expected or "Traceback" in said or not explained:
            wrong[verb] = (found, expected, said[-500:])
        silent = verb in ("report file", "export") or told.get("closed") or found in (2, 3)
        if not silent and not out.read_bytes():
            wrong[verb] = (found, expected, "it printed nothing")
    assert not wrong
