"""What is planted in files of users, in a device's facts and in the environment gets nowhere.

Real files: an ONNX model, a suite, a profile, imports; a real device; every command and format.
"""

from __future__ import annotations

import json
import re
import sqlite3
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from project import FEATURES, LABELS, Finished, Project, make_project, write_cases

pytestmark = pytest.mark.usefixtures("processes")

#: What a terminal or a page obeys: its title, colours, the direction of writing, lines of its own.
OBEYED = "\x1b]0;own\x07\x1b[31m\x9b2J\u202egnp.\u2066x\u2028\x7f"
RAW = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
#: By where each is planted.
SECRETS = {
    "url": "hunter2hunter2", "token": "ghp_0123456789abcdefghijABCDEFGHIJ",
    "environment": "swordfish-17", "named": "correct-horse-battery",
}  # fmt: skip
TOLD = (
    f"from https://ann:{SECRETS['url']}@models.lab/x with {SECRETS['token']}"
    f" as {SECRETS['environment']} {OBEYED}"
)
#: Stands for the device's Python: the real agent, in whose facts something is planted.
AGENT = """\
#!{python}
import json, os, subprocess, sys
if "agent" not in sys.argv:
    os.execv({python!r}, [{python!r}, *sys.argv[1:]])
agent = subprocess.Popen([{python!r}, *sys.argv[1:]], stdout=subprocess.PIPE)
for line in agent.stdout:
    if b'"event":"facts"' in line.replace(b" ", b""):
        told = json.loads(line)
        for name in ("hostname", "cpu_model", "os", "kernel"):
            told["facts"][name] = {told!r}
        line = json.dumps(told).encode() + b"\\n"
    sys.stdout.buffer.write(line)
    sys.stdout.buffer.flush()
os._exit(agent.wait())
"""


def write_planted_model(path: Path) -> Path:
    """A model in whose every text something is planted, and that runs all the same."""
    rng = np.random.default_rng(1)
    x, scores = f"x{OBEYED}", f"scores{OBEYED}"
    weights = rng.normal(size=(FEATURES, LABELS)).astype(np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", [x, "weights"], ["a"], name=TOLD, doc_string=TOLD),
            helper.make_node("Sigmoid", ["a"], [scores], name=OBEYED),
        ],
        f"graph {OBEYED}",
        [helper.make_tensor_value_info(x, TensorProto.FLOAT, ["n", FEATURES], doc_string=TOLD)],
        [helper.make_tensor_value_info(scores, TensorProto.FLOAT, ["n", LABELS])],
        [numpy_helper.from_array(weights, "weights")],
        doc_string=TOLD,
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8,
        producer_name=TOLD, producer_version=TOLD, doc_string=TOLD,
    )  # fmt: skip
    helper.set_model_props(model, {"source": TOLD, "api_key": SECRETS["named"], OBEYED: OBEYED})
    onnx.save(model, str(path))
    return path


def write_import(path: Path) -> Path:
    """A file of pytest-benchmark's with the same in its names."""
    stats = {"data": [0.01, 0.011, 0.012], "iterations": 1}
    entry = {
        "name": f"test {TOLD}", "fullname": f"tests {TOLD}", "group": TOLD,
        "extra_info": {"note": TOLD, "api_key": SECRETS["named"]}, "options": {}, "stats": stats,
    }  # fmt: skip
    told = {"node": f"pi {TOLD}", "machine": "x86_64", "cpu": {"brand_raw": TOLD}}
    document = {
        "machine_info": told, "commit_info": {"branch": TOLD}, "benchmarks": [entry],
        "datetime": "2026-01-01T12:00:00+00:00", "version": "5.1",
    }  # fmt: skip
    path.write_text(json.dumps(document))
    return path


@dataclass(frozen=True)
class Planted:
    """The project, and all that its commands printed."""

    project: Project
    done: list[Finished]
    #: What was written by the test itself.
    given: frozenset[Path]

    def files(self) -> Iterator[Path]:
        """What benchhub wrote."""
        device = self.project.folder / "device"
        for path in self.project.folder.rglob("*"):
            own = device in path.parents or "blobs" in path.parts
            if path.is_file() and path not in self.given and not own:
                yield path


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Planted:
    folder = tmp_path_factory.mktemp("planted")
    project = make_project(folder, launches=1)
    project.env.update(
        {"LAB_API_KEY": SECRETS["environment"], "XDG_STATE_HOME": str(folder / "state")}
    )
    write_planted_model(project.suite.parent / "model.onnx")
    cases = project.suite.parent / "cases.npz"
    write_cases(cases)
    with np.load(cases) as archive:
        arrays = dict(archive)
    arrays[f"x{OBEYED}"] = arrays.pop("x")
    np.savez(cases, **arrays)
    text = json.dumps(TOLD)  # as TOML has it, too
    project.add(
        '[[budgets]]\nname = "edge"\nlatency_p50_ms = 1000\n'
        f'[[claims]]\nid = "small"\ntext = {text}\nsource = {text}\n'
        'variants = ["int8"]\nask = [{ quantity = "compression_params", at_least = 0.1 }]\n'
    )
    python = folder / "python"
    python.write_text(AGENT.format(python=sys.executable, told=TOLD))
    python.chmod(0o755)
    profile = project.device("here", root=str(folder / "device"), python=str(python))
    labels = f'[labels]\nsite = {text}\npassword = "{SECRETS["named"]}"\n'
    profile.write_text(profile.read_text() + labels)
    imported = write_import(folder / "import.json")
    given = frozenset(path for path in folder.rglob("*") if path.is_file())
    done = [project.run(*words) for words in (
        ("run", "tiny", "--device", "here", "--dry-run"),
        ("run", "tiny", "--device", "here", "--effort", "quick"),
        ("devices", "show", "here"),
        ("devices", "show", "here", "--json"),
        ("devices", "doctor", "here"),
    )]  # fmt: skip
    done += [project.here(*words) for words in (
        ("runs", "import", str(imported)),
        ("devices", "list"),
        ("devices", "list", "--json"),
        ("runs", "list"),
        ("runs", "list", "--json"),
        ("runs", "show", "tiny"),
        ("report", "tiny", "--format", "markdown"),
        ("report", "tiny", "--format", "csv"),
        ("report", "tiny", "--format", "json"),
        ("gate", "tiny"),
        ("gate", "tiny", "--format", "junit"),
        ("gate", "tiny", "--format", "markdown"),
        ("gate", "tiny", "--json"),
        ("compare", "tiny", "latest"),
        ("export", "tiny", "--format", "pytest-benchmark", "-o", str(folder / "tiny-bench.json")),
        ("report", "latest", "--format", "markdown"),
    )]  # fmt: skip
    done.append(project.run("report", "tiny", "latest", "--format", "all", "-o", "all"))
    bench = ("bench", str(project.suite.parent / "model.onnx"), "--device", "here")
    done.append(project.run(*bench, "--effort", "quick", "--shape", "y=1x3"))
    return Planted(project, done, given)


def test_the_model_runs_whatever_its_names_are(planted: Planted) -> None:
    codes = [one.code for one in planted.done]
    assert 70 not in codes, [one.err for one in planted.done]
    assert codes[:2] == [0, 0], [one.err for one in planted.done[:2]]
    run = next(one.json for one in planted.done if one.out.startswith("{") and '"rows"' in one.out)
    rows = [row for row in run["rows"] if row["scenario"] == "quality"]
    assert rows
    assert all(row["status"] == "finished" and row["quality"] is not None for row in rows)


def test_no_secret_is_stored_logged_or_shown(planted: Planted) -> None:
    for one in planted.done:
        for where, secret in SECRETS.items():
            assert secret not in one.out + one.err, (where, one.out, one.err)
    found = list(planted.files())
    assert {".db", ".html", ".csv", ".json", ".md", ".svg"} <= {path.suffix for path in found}
    for path in found:
        if path.suffix in (".onnx", ".npy"):
            continue  # variants of the user's own model hold what that holds
        for where, secret in SECRETS.items():
            assert secret.encode() not in path.read_bytes(), (where, path)


def test_nothing_is_obeyed(planted: Planted) -> None:
    for one in planted.done:
        for line in (one.out + one.err).replace("\r\n", "\n").split("\n"):
            assert not RAW.search(line), ascii(line)
        if one.out.startswith(("{", "[")):
            assert not list(obeyed(json.loads(one.out)))
    for path in planted.files():
        if path.suffix in (".html", ".csv", ".json", ".md", ".svg", ".log", ".xml"):
            text = path.read_bytes().decode("utf-8").replace("\r\n", "\n").replace("\n", " ")
            found = RAW.search(text.replace("\t", " "))
            assert found is None, (path, found and ascii(text[found.start() - 80 : found.end()]))


def test_the_store_keeps_no_text_that_would_be_obeyed(planted: Planted) -> None:
    path = planted.project.folder / "benchhub.db"
    with sqlite3.connect(path) as connection:
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master")]
        for table in tables:
            if table.startswith("sqlite_"):
                continue
            try:
                rows = connection.execute(f'SELECT * FROM "{table}"').fetchall()
            except sqlite3.OperationalError:  # an index
                continue
            for value in (one for row in rows for one in row if isinstance(one, str)):
                assert not RAW.search(value.replace("\n", " ")), (table, ascii(value)[:300])
    connection.close()


def obeyed(told: Any) -> Iterator[str]:
    if isinstance(told, str) and RAW.search(told):
        yield told
    elif isinstance(told, dict):
        for key, value in told.items():
            yield from (*obeyed(key), *obeyed(value))
    elif isinstance(told, list):
        for value in told:
            yield from obeyed(value)
