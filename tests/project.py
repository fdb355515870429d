"""A project folder of a user: a small model of their own, cases, and a suite over them."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FEATURES, LABELS, CASES = 16, 3, 240

SUITE = """\
[suite]
name = "tiny"
task = "npz"
baseline = "fp32"
backends = {backends}
deadline_s = {deadline_s}
[data]
inputs = "cases.npz"
metric = "macro_auc"
[[variants]]
name = "fp32"
model = "model.onnx"
[[variants]]
name = "int8"
from = "fp32"
recipe = "int8-dynamic"
[scenarios.latency]
threads = 1
launches = {launches}
iterations = 40
[scenarios.quality]
batch = 8
"""


def write_model(path: Path, features: int = FEATURES, seed: int = 1, hidden: int = 32) -> Path:
    """Write sigmoid(tanh(x W1) W2): (n, features) to (n, LABELS)."""
    rng = np.random.default_rng(seed)
    first = rng.normal(size=(features, hidden)).astype(np.float32)
    second = rng.normal(size=(hidden, LABELS)).astype(np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["x", "first"], ["a"]),
            helper.make_node("Tanh", ["a"], ["b"]),
            helper.make_node("MatMul", ["b", "second"], ["scores"]),
        ],
        "tiny",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", features])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", LABELS])],
        [numpy_helper.from_array(first, "first"), numpy_helper.from_array(second, "second")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, str(path))
    return path


def write_cases(path: Path, cases: int = CASES, **more: Any) -> Path:
    """Write inputs and labels; three cases to a patient."""
    rng = np.random.default_rng(2)
    x = rng.normal(size=(cases, FEATURES)).astype(np.float32)
    labels = (x[:, :LABELS] + rng.normal(size=(cases, LABELS)) > 0).astype(np.int64)
    np.savez(path, x=x, labels=labels, groups=np.arange(cases) // 3, **more)
    return path


@dataclass(frozen=True)
class Finished:
    """A command that ended."""

    code: int
    out: str
    err: str

    @property
    def error(self) -> str:
        """The line that explains an error; fails when there is not exactly one."""
        lines = [line for line in self.err.splitlines() if line.startswith("benchhub: ")]
        assert len(lines) == 1, self.err
        assert "Traceback" not in self.err, self.err
        return lines[0]

    @property
    def json(self) -> Any:
        """What was printed, parsed."""
        return json.loads(self.out)


@dataclass(frozen=True)
class Project:
    """A project folder, and the command line started in it, from the environment of `python`."""

    folder: Path
    env: dict[str, str] = field(default_factory=dict)
    python: str = sys.executable

    @property
    def suite(self) -> Path:
        """The suite file."""
        return self.folder / "suites" / "tiny" / "suite.toml"

    def edit(self, old: str, new: str) -> None:
        """Replace a text of the suite."""
        text = self.suite.read_text()
        assert old in text, old
        self.suite.write_text(text.replace(old, new))

    def add(self, text: str) -> None:
        """Append to the suite."""
        self.suite.write_text(self.suite.read_text() + text)

    def device(self, name: str, limits: Mapping[str, float] | None = None, **keys: Any) -> Path:
        """Write a device profile."""
        path = self.folder / "device_profiles" / f"{name}.toml"
        path.parent.mkdir(exist_ok=True)
        values = {"name": name, "transport": "local", **keys}
        lines = [f"{key} = {json.dumps(value)}" for key, value in values.items()]
        lines += ["[limits]", *(f"{key} = {value}" for key, value in (limits or {}).items())]
        path.write_text("[device]\n" + "\n".join(lines) + "\n")
        return path

    def start(
        self, *arguments: str, preexec: Callable[[], object] | None = None
    ) -> subprocess.Popen[str]:
        """Start benchhub and do not wait; `preexec` is called in its process before."""
        return subprocess.Popen(
            [self.python, "-m", "benchhub", *arguments], cwd=self.folder, env=self.env,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=preexec,
        )  # fmt: skip

    def run(self, *arguments: str, timeout_s: float = 240) -> Finished:
        """Run benchhub to its end."""
        process = self.start(*arguments)
        try:
            out, err = process.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        return Finished(process.returncode, out, err)

    def here(self, *arguments: str) -> Finished:
        """Run benchhub to its end within this process, for commands that start none."""
        return run_here(self.folder, self.env, *arguments)


def run_here(folder: Path, env: Mapping[str, str], *arguments: str) -> Finished:
    """Run benchhub to its end as `python -m benchhub` in `folder` does, within this process."""
    from benchhub.cli import main

    out, err, kept = io.StringIO(), io.StringIO(), (dict(os.environ), sys.argv)
    os.environ.clear()
    os.environ.update(env)
    sys.argv = ["benchhub", *arguments]
    code: object = 0
    try:
        with (
            contextlib.chdir(folder),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            main()
    except SystemExit as end:
        code = end.code or 0
    finally:
        os.environ.clear()
        os.environ.update(kept[0])
        sys.argv = kept[1]
    return Finished(int(str(code)), out.getvalue(), err.getvalue())


def make_project(
    folder: Path,
    backends: tuple[str, ...] = ("onnxruntime",),
    launches: int = 2,
    deadline_s: float = 60,
    python: str = sys.executable,
) -> Project:
    """Write the folder; the device `here` is this machine with a lease of its own."""
    env = {
        **os.environ,
        "BENCHHUB_CACHE": str(folder / "cache"),
        "COLUMNS": "200",
        "PYTHONPATH": str(Path(__file__).parents[1]),
    }
    env.pop("BENCHHUB_STORE", None)
    project = Project(folder, env, python)
    project.suite.parent.mkdir(parents=True)
    write_model(project.suite.parent / "model.onnx")
    write_cases(project.suite.parent / "cases.npz")
    project.suite.write_text(
        SUITE.format(backends=json.dumps(list(backends)), launches=launches, deadline_s=deadline_s)
    )
    project.device("here", root=str(folder / "device"))
    return project
