"""A model larger than what the controller may hold: from its files to the report."""

from __future__ import annotations

import math
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.claim import Claim

_MB = 10**6
_TARGET_MIB = 400
#: The command line, which writes down at its end what the kernel counted of its process.
_RUN = """
from benchhub.cli import main
try:
    main()
finally:
    open({told!r}, "w").write(open("/proc/self/status").read())
"""


def measure(tables: int = 24, table_bytes: int = 128 * _MB) -> list[Claim]:
    """Return the claim: the controller's own peak memory for a model of so many tables."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_model(folder / "large.onnx", tables, table_bytes)
        profile = folder / "here.toml"
        profile.write_text(
            f'[device]\nname = "here"\ntransport = "local"\nroot = "{folder}/root"\n'
        )
        told = folder / "status"
        command = [
            sys.executable, "-c", _RUN.format(told=str(told)), "bench", "large.onnx",
            "--device", str(profile), "--backend", "onnxruntime", "--effort", "quick",
            "--store", f"sqlite:///{folder}/results.db",
        ]  # fmt: skip
        here = str(Path(__file__).parents[1])
        env = {**os.environ, "PYTHONPATH": here, "BENCHHUB_CACHE": str(folder / "cache")}
        started = time.perf_counter()
        done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True)
        took_s = time.perf_counter() - started
        if done.returncode:
            raise RuntimeError(f"benchhub bench: status {done.returncode}: {done.stderr[-2000:]}")
        peak_mib = _peak_mib(told.read_text())
        report = next(folder.glob("*.html")).stat().st_size
    size = tables * table_bytes / 1e9
    return [
        Claim(
            name=f"bench of a model of {size:.1f} GB: the controller's own peak memory",
            ours=f"{peak_mib:.0f} MiB, {took_s:.0f} s, report of {report / 1e6:.1f} MB",
            peer=f"the model: {size * 1e9 / 2**20:.0f} MiB",
            ratio=peak_mib / (size * 1e9 / 2**20),
            target=f"< {_TARGET_MIB} MiB",
            met=peak_mib < _TARGET_MIB,
        )
    ]


def write_model(path: Path, tables: int, table_bytes: int) -> None:
    """Write a model that looks rows up in tables, which lie in one file beside it.

    The content is random by a cheap rule, so that nothing can be stored or sent as a hole.
    """
    from onnx import ModelProto, TensorProto, helper

    rows, width = table_bytes // (4 * 64), 64
    weights = []
    block = np.random.default_rng(0).standard_normal(table_bytes // 4, np.float32)
    with path.with_suffix(".onnx.data").open("wb") as file:
        for index in range(tables):
            block[:rows] += np.float32(index + 1)
            offset = file.tell()
            file.write(block[: rows * width].tobytes())
            weight = TensorProto(name=f"t{index}", data_type=TensorProto.FLOAT, dims=[rows, width])
            weight.data_location = TensorProto.EXTERNAL
            entries = {"location": file.name.rpartition("/")[2], "offset": offset}
            for key, value in {**entries, "length": rows * width * 4}.items():
                weight.external_data.add(key=key, value=str(value))
            weights.append(weight)
    nodes = [helper.make_node("Gather", [f"t{i}", "rows"], [f"g{i}"]) for i in range(tables)]
    nodes.append(helper.make_node("Sum", [f"g{i}" for i in range(tables)], ["y"]))
    graph = helper.make_graph(
        nodes,
        "tables",
        [helper.make_tensor_value_info("rows", TensorProto.INT64, ["n", 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 8, width])],
        weights,
    )
    model: ModelProto = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8
    )
    path.write_bytes(model.SerializeToString())


def _peak_mib(status: str) -> float:
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found[1]) / 1024 if found else math.nan
