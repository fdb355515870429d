"""Groups of devices, as a user types them: lists, doctor and self-tests of many, and mistakes."""

from __future__ import annotations

import json
import shutil
import tomllib
from pathlib import Path

import pytest
from jsonschema import validate
from project import Project, make_project

from benchhub.device.runner import build_runner
from benchhub.device.session import DeviceSession, holder
from benchhub.model.device import DeviceProfile
from benchhub.store import Store


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make_project(tmp_path, launches=1)


def fleet(project: Project, count: int = 3, more: str = "") -> None:
    """Devices of this machine, each with a lease of its own."""
    (project.folder / "fleet.toml").write_text(
        f'[groups.sim]\nnames = "sim-{{001..{count:03}}}"\n[groups.sim.device]\n'
        f'transport = "local"\nroot = "{project.folder}/roots/{{name}}"\n'
        f'[groups.sim.labels]\nsite = "lab-1"\n{more}',
        "utf-8",
    )


DEAD = '[groups.sim.members.sim-002.device]\npython = "/nonexistent/python3"\n'


def test_a_thousand_are_listed_by_their_number(project: Project) -> None:
    fleet(project, 999)
    with Store.open(f"sqlite:///{project.folder / 'benchhub.db'}") as store:
        store.quarantine.add("sim-500", "too hot")
    done = project.here("devices", "list")
    lines = done.out.splitlines()
    assert "50 of 1,007 devices" in done.out
    assert lines[4].split()[:2] == ["sim-500", "this"]
    assert len(lines) < 65
    assert "label=site:lab-1 999" in done.out
    assert "sim-500: quarantined since" in done.out
    assert len(project.here("devices", "list", "--json").json) == 1007
    some = project.here("devices", "list", "sim-00*", "--exclude", "sim-00[1-7]", "--json").json
    assert [one["name"] for one in some] == ["sim-008", "sim-009"]
    assert some[0]["labels"] == {"site": "lab-1", "group": "sim"}
    assert len(project.here("devices", "list", "sim", "--limit", "0").out.splitlines()) > 999


def test_a_fleet_file_that_cannot_be_used_does_not_hide_the_profiles(project: Project) -> None:
    fleet(project, 3, "[groups.sim.members.sim-009]\n")
    done = project.here("devices", "list")
    assert done.code == 2
    assert "fleet.toml: groups.sim.members.sim-009: the group has no such device" in done.error
    assert "here" in done.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("run", "tiny", "--device", "sim-009"), "device sim-009 is unknown; did you mean sim-00"),
        (("run", "tiny", "--device", "rack*"), "no device matches rack*; 11 devices: `b"),
        (("run", "tiny", "--device", "label=sit:lab-1"), "did you mean site:lab-1?"),
        (("bench", "model.onnx", "--device", "sim-9*"), "no device matches sim-9*"),
        (("ab", "sim", "onnxruntime", "a.onnx", "b.onnx"), "sim is 3 devices; name one, as sim"),
        (("devices", "doctor", "sim-9*"), "no device matches sim-9*"),
        (("devices", "provision", "label=site:lab-2"), "did you mean site:lab-1?"),
        (("devices", "selftest", "sim", "--exclude", "sim-*"), "no device is left: --exclude sim"),
        (("devices", "show", "sim"), "sim is 3 devices; name one, as sim-001"),
        (("devices", "list", "sim-9*"), "no device matches sim-9*"),
        (("devices", "doctor", "--rerun-failed"), "was not done in this folder yet: name"),
        (("devices", "doctor", "sim", "--rerun-failed"), "takes the devices that failed"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line_and_exit_2(
    words: tuple[str, ...], said: str, project: Project
) -> None:
    fleet(project)
    done = project.here(*words)
    assert done.code == 2
    assert said in done.error


def test_the_example_is_valid_and_has_a_schema(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    shutil.rmtree(tmp_path / "suites")
    assert project.here("init", "fresh").code == 0
    text = (tmp_path / "fresh" / "fleet.toml").read_text("utf-8")
    validate(tomllib.loads(text), project.here("schema", "fleet").json)
    fresh = Project(tmp_path / "fresh", project.env)
    found = {one["name"]: one for one in fresh.here("devices", "list", "rack1", "--json").json}
    assert list(found) == ["rack1-01", "rack1-02", "rack1-03", "rack1-04"]
    assert found["rack1-04"]["host"] == "10.0.1.104"
    # What is only proposed is valid, too.
    (tmp_path / "fresh" / "fleet.toml").write_text(
        "\n".join(
            line.removeprefix("# ") if "=" in line or line.startswith("# [") else line
            for line in text.splitlines()
        ),
        "utf-8",
    )
    found = {one["name"]: one for one in fresh.here("devices", "list", "rack1", "--json").json}
    assert found["rack1-03"]["host"] == "10.0.1.203"
    assert found["rack1-01"]["user"] == "bench"


@pytest.mark.usefixtures("processes")
def test_doctor_of_a_group_is_one_table_and_takes_the_failed_ones_again(project: Project) -> None:
    fleet(project, 3, DEAD)
    project.env["COLUMNS"] = "80"
    done = project.run("devices", "doctor", "sim")
    assert done.code == 3, done.err
    lines = [line.rstrip() for line in done.out.splitlines() if line.strip()]
    assert lines[0].startswith("3 devices: 1 cannot measure, ")
    assert max(map(len, lines)) <= 80
    assert lines[3].startswith("sim-002")
    assert "python: " in lines[3]
    assert done.error == (
        "benchhub: 1 of 3 devices cannot measure: sim-002; `benchhub devices doctor --rerun-failed`"
        " takes just those"
    )
    again = project.run("devices", "doctor", "--rerun-failed", "--json")
    assert again.code == 3
    assert list(again.json) == ["sim-002"]
    fleet(project, 3)
    assert project.run("devices", "doctor", "--rerun-failed").code == 0
    last = project.here("devices", "doctor", "--rerun-failed")
    assert (last.code, "failed for no device the last time" in last.error) == (2, True)


@pytest.mark.usefixtures("processes")
def test_a_group_is_measured_and_gone_on_with(project: Project) -> None:
    fleet(project, 4)
    project.add('[[budgets]]\nname = "lab"\ndevices = ["label=site:lab-1"]\nload_ms = 60000\n')
    project.add('[[budgets]]\nname = "four"\ndevices = ["sim-*4"]\nload_ms = 60000\n')
    words = ("run", "tiny", "--effort", "quick", "--json")
    done = project.run(*words, "--device", "sim", "--exclude", "sim-00[12]")
    assert done.code == 0, done.err
    assert {row["device"] for row in done.json["rows"]} == {"sim-003", "sim-004"}
    run = done.json["run"]
    request = run["request"]
    assert (request["asked"], request["exclude"]) == (["sim"], ["sim-00[12]"])
    with Store.open(f"sqlite:///{project.folder / 'benchhub.db'}") as store:
        kept = store.run(run["id"]).request
    assert [place.rpartition("/")[2] for place in kept.devices] == [
        "fleet.toml#sim-003", "fleet.toml#sim-004",
    ]  # fmt: skip
    gate = project.here("gate", "latest", "--json").json
    judged = {
        name: {entry["device"] for entry in gate["verdicts"] if entry["budget"] == name}
        for name in ("lab", "four")
    }
    assert judged == {"lab": {"sim-003", "sim-004"}, "four": {"sim-004"}}
    others = project.folder / "others.toml"
    for devices, said in (
        ("sim-00?", ""), ("label=site:lab-1,*3", ""), ("sim", ""),
        ("sim-9*", "names device sim-9*, which is not in this run"),
        ("label=sit:lab-1", "names device label=sit:lab-1, which is not in this run"),
        ("label=site", "others.toml: budgets[0].devices: label=site: a label is label="),
    ):  # fmt: skip
        others.write_text(f'[[budgets]]\ndevices = ["{devices}"]\nload_ms = 60000\n', "utf-8")
        held = project.here("gate", "latest", "--budgets", "others.toml")
        assert (held.code == 2) == bool(said), held.err  # launched once, it is INCONCLUSIVE
        assert said in held.err
    fleet(project, 9)  # others that came since are not of that run
    gone_on = project.run("run", "--resume", "latest", "--json")
    assert gone_on.code == 0, gone_on.err
    assert {row["device"] for row in gone_on.json["rows"]} == {"sim-003", "sim-004"}
    assert json.loads(gone_on.out)["run"]["id"] == run["id"]


@pytest.mark.usefixtures("processes")
def test_at_most_so_many_healthy_ones_are_measured_and_gone_on_with(project: Project) -> None:
    """Of five: one in quarantine, one without a Python, one in use."""
    fleet(project, 5, DEAD)
    with Store.open(f"sqlite:///{project.folder / 'benchhub.db'}") as store:
        store.quarantine.add("sim-001", "too hot")
    words = ("run", "tiny", "--effort", "quick", "--json", "--device", "sim-*", "--at-most", "2")
    dry = project.run(*words, "--dry-run")
    assert {cell["device"] for cell in dry.json["cells"]} == {"sim-002", "sim-003"}
    busy = DeviceProfile("sim-003", "local", root=str(project.folder / "roots" / "sim-003"))
    with DeviceSession.open(busy, build_runner(), holder("another run")):
        done = project.run(*words)
    assert done.code == 0, done.err
    assert {row["device"] for row in done.json["rows"]} == {"sim-004", "sim-005"}
    request = done.json["run"]["request"]
    assert (request["asked"], request["at_most"]) == (["sim-*"], 2)
    over = request["passed_over"]
    assert set(over) == {"sim-001", "sim-002", "sim-003"}
    assert over["sim-001"].endswith(": too hot")
    assert "/nonexistent/python3" in over["sim-002"]
    assert "in use by" in over["sim-003"]
    assert f"sim-002 is passed over: {over['sim-002']}" in done.err
    report = project.folder / f"benchhub-{done.json['run']['id']}.html"
    assert "request.passed_over.sim-003" in report.read_text("utf-8")
    # What was passed over then may be well now: the run keeps to its devices.
    gone_on = project.run("run", "--resume", "latest", "--json")
    assert gone_on.code == 0, gone_on.err
    assert {row["device"] for row in gone_on.json["rows"]} == {"sim-004", "sim-005"}


@pytest.mark.usefixtures("processes")
def test_of_no_healthy_device_none_is_measured(project: Project) -> None:
    fleet(project, 1, DEAD.replace("sim-002", "sim-001"))
    done = project.run("bench", "suites/tiny/model.onnx", "--device", "sim", "--at-most", "1")
    assert done.code == 3
    assert "none of 1 devices can be measured now: sim-001: " in done.error
