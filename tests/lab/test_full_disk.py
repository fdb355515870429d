"""A device whose disk fills in the middle of provisioning."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from waiting import until

from lab import arm, faults
from lab.command import why_not
from lab.lab import Lab
from lab.plugin import give_up
from lab.runs import WHEELS, add_host, doctor, end, harness_project

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("processes", "servers")]
ARMHF = "lab-armhf"
#: Room for a small runtime, and for what a doctor wants free.
DISK_MIB = 256


def test_a_disk_that_fills_while_a_runtime_is_installed(tmp_path: Path) -> None:
    if (reason := why_not() or arm.why_not(ARMHF)) is not None:
        give_up(reason, in_ci=bool(os.environ.get("CI")))
    project = harness_project(tmp_path / "project")
    project.env["BENCHHUB_CACHE"] = str(WHEELS.parent)
    command = ("devices", "provision", ARMHF, "--backend", "tflite", "--offline")
    with Lab({ARMHF: DISK_MIB}) as lab:
        host = lab[ARMHF]
        add_host(project, lab, ARMHF)
        root = host.path(host.home) / project.folder.parent.name / project.folder.name
        there = root / "environments"
        process = project.start(*command)
        begun = "*.part/lib/*/site-packages/*"
        until(lambda: next(there.glob(begun), None), "the first files of a runtime", 120)
        with faults.filled_disk(host):
            done = end(process, 60)
            assert list(there.iterdir()) == []
        assert done.code == 3, done.err
        assert done.error.startswith(f"benchhub: {ARMHF}: tflite was not provisioned: ")
        assert "no space left on the device" in done.error
        assert done.error.endswith("free some, or set another root")
        code, found = doctor(project, ARMHF)
        assert (code, found["backend tflite"]["found"]) == (3, "tflite is not installed")
        again = project.run(*command, "--json")
        assert again.code == 0, again.err
        (made,) = again.json
        assert (made["built"], made["moved_bytes"], made["reason"]) == (True, 0, None)
        assert [path.name for path in there.iterdir()] == [made["name"]]
