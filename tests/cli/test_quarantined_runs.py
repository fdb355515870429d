"""A device that fails its checks is not measured again until a doctor passes it."""

from __future__ import annotations

from pathlib import Path

import pytest
from project import Project, make_project

pytestmark = pytest.mark.usefixtures("processes")

RUN = ("run", "tiny", "--variant", "fp32")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = make_project(tmp_path, launches=1)
    made.device("other", root=str(tmp_path / "other"), machine="here")
    overload(made, 0.0)
    return made


def overload(project: Project, limit: float) -> None:
    """Give the device `here` a limit of load; a tiny one is exceeded by any machine that lives."""
    limits = {"max_load": limit, "cooldown_s": 0} if limit else {}
    root = str(project.folder / "device")
    project.device("here", limits=limits, root=root, machine="here")


def refuse(project: Project) -> str:
    """Have `here` fail its checks in a run; return the line that says so."""
    overload(project, 1e-9)
    done = project.run(*RUN, "--device", "here", "--json")
    assert done.code == 3, done.err
    first, _ = [line for line in done.err.splitlines() if line.startswith("benchhub: ")]
    return first


@pytest.mark.skipif(
    float(Path("/proc/loadavg").read_text().split()[0]) == 0, reason="a machine without any load"
)
def test_a_device_that_fails_its_checks_waits_for_a_doctor(project: Project) -> None:
    said = refuse(project)
    assert "here: not fit to measure: still load" in said
    (listed,) = [x for x in project.here("devices", "list", "--json").json if x["name"] == "here"]
    assert "still load" in listed["quarantine"]["reason"]
    assert "quarantined since" in project.here("devices", "list").out.replace("\n", " ")

    overload(project, 0)  # mended, but nobody looked
    done = project.run(*RUN, "--device", "here", "--device", "other", "--json")
    assert done.code == 3, done.err
    line, advice = [text for text in done.err.splitlines() if text.startswith("benchhub: ")]
    assert "here: quarantined since 20" in line
    assert "still load" in line
    assert line.endswith("fix it and run `benchhub devices doctor here`")
    assert "1 device stopped early" in advice
    assert {row["device"] for row in done.json["rows"] if row["status"] == "finished"} == {"other"}
    (lost,) = [device for device in done.json["devices"] if device["name"] == "here"]
    assert "quarantined since" in lost["error"]

    overload(project, 1e-9)
    still = project.run("devices", "doctor", "here")
    assert still.code == 3
    assert "stays in quarantine" in still.err

    overload(project, 0)
    doctor = project.run("devices", "doctor", "here")
    assert doctor.code == 0, doctor.err
    assert "here: out of quarantine" in doctor.err
    resumed = project.run("run", "--resume", "latest", "--json")
    assert resumed.code == 0, resumed.err
    assert {row["status"] for row in resumed.json["rows"]} == {"finished"}
    assert all(device["error"] is None for device in resumed.json["devices"])


def test_looking_at_devices_makes_no_database(project: Project) -> None:
    assert project.here("devices", "list").code == 0
    assert project.run("devices", "doctor", "here").code == 0
    assert not (project.folder / "benchhub.db").exists()
