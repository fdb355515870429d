"""What reports are made of."""

from __future__ import annotations

from pathlib import Path

from builders import make_cell, make_device, make_plan, make_run

from benchhub.results.load import load_results
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
    assert provenance.get("command") == "benchhub run discs/suite.toml --data data/ACDC --device pi"
    assert provenance.get("benchhub") == "1"
