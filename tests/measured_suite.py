"""A suite over models made by hand: planned as for any run, measured in this process, no agent."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from told_events import Gathering

from benchhub.config.request import RunRequest, located, resolve
from benchhub.model.cell import Cell
from benchhub.model.scenario import Scenario
from benchhub.ondevice import wire
from benchhub.ondevice.measure.importing import import_backend
from benchhub.ondevice.measure.stages import Measurement
from benchhub.run.execute import Ready, make_ready, new_run
from benchhub.run.loop.campaign import _job
from benchhub.run.loop.expected import most_of
from benchhub.run.loop.works import common_work, works_of
from benchhub.store import Store

CASES = 9
FLOAT = TensorProto.FLOAT
Arrays = dict[str, Any]
value = helper.make_tensor_value_info
node = helper.make_node

SUITE = """\
[suite]
name = "kinds"
task = "npz"
baseline = "base"
effort = "quick"
backends = [{backends}]
[data]
inputs = "cases.npz"
{judged}
{data}
{variants}
[scenarios.latency]
batch = {batches}
iterations = 5
[scenarios.quality]
batch = {quality}
"""


class Suite:
    """A suite in a folder, its jobs run one by one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.told: list[str] = []

    def save(self, name: str, nodes: Any, ins: Any, outs: Any, weights: Arrays) -> None:
        """Write a model."""
        tensors = [numpy_helper.from_array(array, key) for key, array in weights.items()]
        graph = helper.make_graph(nodes, "graph", ins, outs, tensors)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        onnx.checker.check_model(model)
        onnx.save(model, self.folder / name)

    def ready(
        self,
        arrays: Arrays,
        variants: str,
        *,
        backends: tuple[str, ...] = ("onnxruntime",),
        batches: str = "[1, 4]",
        quality: str = "4",
        data: str = "",
        judged: str = 'metric = "accuracy"\nlabels = "class"',
        make: bool = True,
    ) -> Ready:
        """Write the suite and make it ready."""
        np.savez(self.folder / "cases.npz", **{"labels": np.arange(CASES) % 2, **arrays})
        listed = ", ".join(f'"{name}"' for name in backends)
        suite = self.folder / "suite.toml"
        suite.write_text(
            SUITE.format(
                backends=listed,
                variants=variants,
                batches=batches,
                quality=quality,
                data=data,
                judged=judged,
            )
        )
        profile = self.folder / "here.toml"
        profile.write_text('[device]\nname = "here"\ntransport = "local"\n')
        request = located(RunRequest(str(suite), (str(profile),)), self.folder)
        return make_ready(resolve(request), self.folder / "cache", self.told.append, make)

    def measure(self, ready: Ready) -> dict[Cell, list[Any]]:
        """Return the outputs of every cell, None in place of one that has no cases."""
        root = self.folder / "root"
        with Store.open(f"sqlite:///{self.folder}/{time.monotonic_ns()}.db") as store:
            run = new_run(store, ready, "benchhub run kinds")
            (work,) = works_of(
                common_work(run.id, ready.resolved, ready.prepared), ready.resolved.devices,
                ready.plan.cells, ready.prepared, store.reached(run.id), frozenset(),
            )  # fmt: skip
        (root / "blobs").mkdir(parents=True, exist_ok=True)
        for blob in work.blobs:
            with blob.open() as file:
                (root / "blobs" / blob.sha256).write_bytes(file.read())

        class Links:
            def python(self, backend: str) -> None:
                return None

        found = {}
        for cell in ready.plan.cells:
            if not cell.runs_model:
                continue
            job = wire.decode_job(wire.decode(wire.encode(wire.encode_job(
                _job(work, cell, 0, Links()))))  # type: ignore[arg-type]
            )  # fmt: skip
            gathering = Gathering(job, most_of(work, cell, job))
            imported = import_backend(job.backend)
            Measurement(job, str(root), imported, gathering.take).run()
            outcome = gathering.outcome()
            assert outcome.failure is None, (cell.variant, cell.backend, outcome.failure)
            found[cell] = [
                np.frombuffer(one.data, one.dtype).reshape(one.shape) if one.shape[0] else None
                for one in outcome.outputs
            ]
            if cell.scenario is Scenario.LATENCY:
                assert len(outcome.samples_ns) == 5
        return found


def same(found: dict[Cell, list[Any]], *wanted: Any, cells: int, atol: float = 1e-5) -> None:
    """Hold every cell's outputs against the first cases of what is wanted; None: has no cases."""
    assert len(found) == cells
    for cell, outputs in found.items():
        assert len(outputs) == len(wanted)
        for output, expected in zip(outputs, wanted, strict=True):
            if expected is None:
                assert output is None
                continue
            count = CASES if cell.scenario is Scenario.QUALITY else 4
            assert output.shape == (count, *expected.shape[1:])
            np.testing.assert_allclose(output, expected[:count], rtol=1e-4, atol=atol)


def variant(name: str = "base", model: str = "base.onnx", **keys: str) -> str:
    """A table of the suite."""
    lines = [f"{key} = {text}" for key, text in keys.items()]
    return "\n".join(["[[variants]]", f'name = "{name}"', f'model = "{model}"', *lines, ""])
