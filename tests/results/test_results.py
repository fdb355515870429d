"""What reports are made of."""

from __future__ import annotations

from pathlib import Path

import pytest
from builders import make_cell, make_device, make_plan, make_run

from benchhub.model.facts import Provenance
from benchhub.results.load import load_results
from benchhub.results.typed import without_folders
from benchhub.store import Store


def test_emulated_devices_come_after_real_ones(tmp_path: Path) -> None:
    cells = tuple(make_cell(device=name) for name in ("arm-vm", "pi", "server"))
    with Store.open(f"sqlite:///{tmp_path}/runs.db") as store:
        store.create_run(make_run(), make_plan(*cells), None, (), ())
        for name in ("arm-vm", "pi", "server"):
            store.put_device(make_run().id, make_device(name, emulated=name == "arm-vm"))
        loaded = load_results(store, make_run().id)
    assert [device.name for device in loaded.devices] == ["pi", "server", "arm-vm"]


def test_a_published_command_names_no_folder_of_this_machine(tmp_path: Path) -> None:
    command = "benchhub run /home/ann/suites/discs/suite.toml --data /data/ACDC --device pi"
    run = make_run(provenance={"command": command, "benchhub": "1"})
    with Store.open(f"sqlite:///{tmp_path}/runs.db") as store:
        store.create_run(run, make_plan(make_cell()), None, (), ())
        provenance = load_results(store, run.id).run.provenance
        assert store.run(run.id).provenance.get("command") == command
    assert provenance.get("command") == (
        "benchhub run …/discs/suite.toml --data …/data/ACDC --device pi"
    )
    assert provenance.get("benchhub") == "1"


@pytest.mark.parametrize(
    ("typed", "published"),
    [
        ("benchhub bench '/home/ann/my models/a b.onnx'", "benchhub bench …/'my models/a b.onnx'"),
        ("benchhub bench a.onnx --inputs=/home/ann/cases/x.npz",
         "benchhub bench a.onnx --inputs=…/cases/x.npz"),
        ("benchhub bench a.onnx --store sqlite:////home/ann/b/runs.db",
         "benchhub bench a.onnx --store sqlite:///…/b/runs.db"),
        ("benchhub bench '/home/ann/a/cut", "benchhub bench …/a/cut"),
        ("benchhub bench models/a.onnx /a.onnx", "benchhub bench models/a.onnx /a.onnx"),
    ],
    ids=["quoted", "option", "database", "cut", "no-folders"],
)  # fmt: skip
def test_paths_are_told_apart_from_other_words(typed: str, published: str) -> None:
    told = without_folders(Provenance({"command": typed, "benchhub": "1"}))
    assert told.get("command") == published
    assert told.get("benchhub") == "1"
