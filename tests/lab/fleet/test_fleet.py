"""Two sites on this machine, measured through their gateways into a server, as the command does."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from project import Project, make_project
from repository import ROOT

from lab.command import kill, run, why_not
from lab.fleet import database
from lab.fleet.fleet import Fleet, found
from lab.fleet.fleet import metrics as metrics_of
from lab.plugin import give_up
from lab.state import State

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("fleet")]
SITES = {"lab-1": 2, "lab-2": 2}
WAYS = ("received", "pushed")


@pytest.fixture(scope="module")
def fleet(
    processes: None, servers: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Fleet]:
    """Two sites of two devices; skipped where there is no root or no server to be had."""
    need_all()
    with Fleet(tmp_path_factory.mktemp("fleet"), SITES) as fleet:
        yield fleet


def need_all() -> None:
    from postgresql.cluster import why_not as no_server

    if (reason := why_not() or no_server()) is not None:
        give_up(reason, in_ci=bool(os.environ.get("CI")))


@pytest.fixture(scope="module")
def project(fleet: Fleet) -> Project:
    """A client's project: its results are on the server, and nothing in it leads to a device."""
    made = make_project(fleet.folder, launches=1)
    made.edit('[[variants]]\nname = "int8"\nfrom = "fp32"\nrecipe = "int8-dynamic"\n', "")
    made.edit("[scenarios.quality]\nbatch = 8\n", "")
    made.add("[[budgets]]\nmodel_bytes = 100000\n")
    made.env["BENCHHUB_STORE"] = fleet.store
    return made


def counted(fleet: Fleet, site: str) -> dict[str, float]:
    """Return what a gateway tells Prometheus."""
    with urllib.request.urlopen(fleet.metrics(site), timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    pairs = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    return {name: float(value) for name, value in pairs}


def below(state: State) -> list[psutil.Process]:
    """Return all processes that a lab started, but for the first of each."""
    return [
        process for pid, _ in state.pids for process in psutil.Process(pid).children(recursive=True)
    ]


def test_a_run_over_both_sites_is_judged_by_another_process(fleet: Fleet, project: Project) -> None:
    chosen = ("--device", "lab-1", "--device", "label=site:lab-2")
    done = project.run("run", "tiny", "--json", *chosen, "--engine", fleet.engine)
    assert done.code == 0, done.err
    devices = {f"{site}-{number:02}" for site, count in SITES.items() for number in (1, count)}
    assert {row["device"] for row in done.json["rows"]} == devices
    assert {row["status"] for row in done.json["rows"]} == {"finished"}
    moved = [
        tuple(counted(fleet, site)[f'benchhub_gateway_bytes_total{{way="{way}"}}'] for way in WAYS)
        for site in SITES
    ]
    # Each file crossed the wide link once a site, and went to each of its devices.
    assert moved == [(moved[0][0], 2 * moved[0][0])] * 2
    assert moved[0][0] > (project.suite.parent / "model.onnx").stat().st_size
    gate = project.run("gate", "latest")
    assert gate.code == 0, gate.out + gate.err
    report = project.run("report", "latest", "--format", "markdown", "-o", "report.md")
    assert report.code == 0, report.err
    text = (project.folder / "report.md").read_text()
    assert all(device in text for device in devices)


def test_devices_are_reached_by_their_own_gateway_alone(fleet: Fleet, project: Project) -> None:
    (first, _), (second, _) = (list(lab.hosts.values()) for lab in fleet.sites.values())
    strict = (
        "-oBatchMode=yes",
        "-oStrictHostKeyChecking=no",
        "-oConnectTimeout=3",
        "-oLogLevel=ERROR",
    )
    login = (
        "-F",
        os.devnull,
        *strict,
        f"-oUserKnownHostsFile={os.devnull}",
        "-l",
        "root",
        "-oLogLevel=ERROR",
    )

    def said(gateway: str | None, key: str, address: str) -> str:
        inside = (
            ["nsenter", f"--net=/run/netns/{fleet.state.lab}-gateway-{gateway}"] if gateway else []
        )
        argv = [*inside, "ssh", *login, "-i", str(fleet.gateway(key).folder / "ssh_key")]
        done = subprocess.run([*argv, address, "echo in"], capture_output=True, text=True)
        return done.stdout + done.stderr

    assert said("lab-1", "lab-1", first.address) == "in\n"
    assert "Permission denied" in said("lab-2", "lab-1", second.address)
    away = re.compile("unreachable|timed out|No route")
    assert away.search(said("lab-1", "lab-2", second.address))
    assert away.search(said(None, "lab-1", first.address))
    _, _, told = (fleet.folder / "fleet.toml").read_text().partition("\n")
    assert not re.search("key|10[.]", told)


#: What anybody with a certificate can do: dask runs it.
_STRANGER = """\
import os, sys
from pathlib import Path
from distributed import Client
from benchhub.device.gateway.address import parse_address
def look(folder):
    return os.geteuid(), sorted(os.listdir(folder)), os.access("/root/.ssh", os.F_OK)
at = parse_address(sys.argv[1])
with Client(at.contact, security=at.security()) as client:
    print(client.submit(look, sys.argv[2], resources={"device:lab-1-01": 1}).result(30))
"""


def test_code_of_others_runs_at_a_gateway_without_rights(fleet: Fleet, project: Project) -> None:
    gateways = str(fleet.folder / "gateways")
    done = subprocess.run(
        [sys.executable, "-c", _STRANGER, fleet.engine, gateways],
        capture_output=True, text=True, cwd=fleet.folder, env=project.env, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"({fleet.gateway('lab-1').uid}, ['lab-1'], False)\n"


def test_a_gateway_sees_no_other_folder(fleet: Fleet) -> None:
    outer = fleet.gateway_pid("lab-1")
    inside = ("nsenter", "-t", outer, "-m", "-p", "--")
    user = ("setpriv", "--reuid", str(fleet.gateway("lab-1").uid), "--clear-groups")
    folder = str(fleet.folder / "gateways")
    assert run(*inside, *user, "ls", folder).split() == ["lab-1"]
    assert run(*inside, *user, "ls", str(fleet.folder)).split() == ["gateways"]
    status = Path(f"/proc/{outer}/status").read_text()
    assert re.search(r"^CapEff:\s+0+$", status, re.MULTILINE)
    assert re.search(r"^CapBnd:\s+0+$", status, re.MULTILINE)


@pytest.mark.usefixtures("processes", "servers")
def test_the_command_mends_what_died_and_leaves_nothing(tmp_path: Path) -> None:
    need_all()
    folder = tmp_path / "fleet"

    def command(verb: str) -> subprocess.CompletedProcess[str]:
        argv = [sys.executable, "-m", "tests.lab.fleet", verb, "--dir", str(folder)]
        argv += ["--devices", "1"]
        return subprocess.run(argv, capture_output=True, text=True, cwd=ROOT, timeout=120)

    assert command("status").returncode == 1
    try:
        first = command("up")
        assert first.returncode == 0, first.stderr
        assert command("status").returncode == 0
        hub, *_ = found(folder)
        assert metrics_of(hub, "lab-2") in first.stdout
        kill(*hub.pids[-1])
        broken = command("status")
        assert broken.returncode == 1
        assert "broken" in broken.stdout
        store = (folder / "env").read_text().splitlines()[0]
        assert command("up").returncode == 0
        assert (folder / "env").read_text().splitlines()[0] == store  # with what was measured
        folder.joinpath("report.html").write_text("a person's report")
        labs = [state.lab for state in found(folder)]
        started = [process for state in found(folder) for process in below(state)]
        names = {process.name() for process in started}
        assert {"postgres", "sshd"} <= names
    finally:
        last = command("down")
    assert last.returncode == 0, last.stderr
    assert [path.name for path in folder.iterdir()] == ["report.html"]
    assert not database.located(folder).exists()
    gone = (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)  # whose parent has not looked yet
    assert not [one for one in started if one.is_running() and one.status() not in gone]
    assert not found(folder)
    namespaces = run("ip", "netns", "list")
    assert len(labs) == 3
    assert not [lab for lab in labs if lab in namespaces]
