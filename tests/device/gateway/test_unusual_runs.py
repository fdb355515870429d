"""One run through two gateways that has what few have: state, large outputs, a reservation."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from dask_processes import Dask, dask_with
from onnx import TensorProto, helper, numpy_helper
from project import CASES, FEATURES, LABELS, Finished, Project, make_project

from benchhub.model.device import DeviceProfile, Reservation
from benchhub.run.loop.ways import way_of
from benchhub.store import Store

pytestmark = pytest.mark.usefixtures("processes", "servers")

SITES = {"a1": "lab-1", "b1": "lab-2"}
BOTH = ("--device", "a1", "--device", "b1")
#: So wide that all cases together have 1.97 million values.
WIDE = 8192


def write_remembering(path: Path) -> None:
    """Write h' = tanh(x + h / 2), fed back as h; scores of h', and a wide output of it."""
    rng = np.random.default_rng(3)
    arrays = {
        "half": np.float32(0.5),
        "narrow": rng.normal(size=(FEATURES, LABELS)).astype(np.float32),
        "spread": rng.normal(size=(FEATURES, WIDE)).astype(np.float32),
    }
    nodes = [
        ("Mul", ["h", "half"], ["old"]), ("Add", ["x", "old"], ["sum"]), ("Tanh", ["sum"], ["hn"]),
        ("MatMul", ["hn", "narrow"], ["scores"]), ("MatMul", ["hn", "spread"], ["wide"]),
    ]  # fmt: skip
    shapes = {"x": FEATURES, "h": FEATURES, "scores": LABELS, "wide": WIDE, "hn": FEATURES}
    values = {
        name: helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, size])
        for name, size in shapes.items()
    }
    graph = helper.make_graph(
        [helper.make_node(*one) for one in nodes], "remembering",
        [values["x"], values["h"]], [values[name] for name in ("scores", "wide", "hn")],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in arrays.items()],
    )  # fmt: skip
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), str(path))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = make_project(tmp_path, launches=2)
    write_remembering(made.suite.parent / "model.onnx")
    made.edit('[[variants]]\nname = "int8"\nfrom = "fp32"\nrecipe = "int8-dynamic"\n', "")
    made.edit('model = "model.onnx"\n', 'model = "model.onnx"\nstate = { h = "hn" }\n')
    made.edit('metric = "macro_auc"\n', 'metric = "macro_auc"\noutput = "scores"\n')
    made.edit(
        'baseline = "fp32"\n', 'baseline = "fp32"\nreference = "device"\nreference_device = "a1"\n'
    )
    made.edit("batch = 8", "batch = 1")
    for name, site in SITES.items():
        path = made.device(name, root=str(tmp_path / f"root-{name}"))
        path.write_text(f'{path.read_text()}[labels]\nsite = "{site}"\n')
    return made


@pytest.fixture
def dask(project: Project) -> Iterator[Dask]:
    with dask_with(project, list(SITES.values())) as dask:
        yield dask


def store_of(project: Project) -> str:
    return f"sqlite:///{project.folder / 'benchhub.db'}"


def qualities(done: Finished, device: str) -> set[tuple[Any, ...]]:
    rows = [row for row in done.json["rows"] if row["device"] == device and row["quality"]]
    names = ("quality", "quality_cases", "quality_loss", "agreement_max_abs")
    return {tuple(row[name] for name in names) for row in rows}


def test_state_wide_outputs_a_devices_reference_and_a_reservation(
    project: Project, dask: Dask
) -> None:
    now = datetime.now(UTC)
    begins, ends = ((now + timedelta(hours=h)).isoformat(timespec="seconds") for h in (-1, 1))
    with Store.open(store_of(project)) as store:  # other controllers of this machine see nothing
        store.reservations.add(Reservation("2026c62c", "a1", "ann", "desk", begins, ends))
    run = ("run", "tiny", *BOTH, "--engine", dask.url, "--json")
    unknown = project.run(*run, "--reservation", "2026c62d")
    said = "benchhub: no reservation 2026c62d is known to the store or to a1, b1; did you mean"
    assert (unknown.code, unknown.error.startswith(f"{said} 2026c62c?")) == (2, True)
    refused = project.run("run", "tiny", *BOTH[:2], "--engine", dask.url)
    assert refused.code == 3
    assert re.search(r"a1: reserved for ann@desk until .* \(2026c62c\)", refused.err), refused.err
    done = project.run(*run, "--reservation", "2026c62c")
    assert done.code == 0, done.err
    assert {row["status"] for row in done.json["rows"]} == {"finished"}
    assert done.json["run"]["provenance"]["reference"].startswith("fp32 on a1 and onnxruntime")
    (found,) = qualities(done, "a1")
    assert found[1] == CASES
    assert qualities(done, "b1") == {found}
    project.edit('reference_device = "a1"', 'reference_device = "here"')
    here = project.run("run", "tiny", "--device", "here", "--json")
    assert here.code == 0, here.err
    assert qualities(here, "here") == {found}


def test_a_gateway_tells_what_its_device_is_reserved_for(project: Project, dask: Dask) -> None:
    far = datetime.now(UTC) + timedelta(days=random.Random().uniform(20, 80))
    times = ("--from", far.isoformat(timespec="minutes"), "--for", "2m")
    other = ("--store", f"sqlite:///{project.folder / 'other.db'}")
    made = project.run("devices", "reserve", "a1", *times, "--json", *other)
    assert made.code == 0, made.err
    identity = json.loads(made.out)["id"]
    try:
        with way_of(dask.url) as way:
            known = way.reserved(DeviceProfile(name="a1", transport="ssh", host="a1.invalid"))
        assert identity in known
    finally:
        assert project.run("devices", "release", identity, *other).code == 0
