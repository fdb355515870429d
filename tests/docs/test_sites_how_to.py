"""What docs/how-to/sites.md says of metrics, and the files in deploy/ that it hands out."""

from __future__ import annotations

import re
import shutil
import subprocess
from configparser import RawConfigParser
from pathlib import Path
from typing import Any

import pytest
import yaml
from repository import ROOT

from benchhub.device.gateway.metrics import STATES, Collected
from benchhub.device.gateway.site import Site

PAGE = (ROOT / "docs" / "how-to" / "sites.md").read_text("utf-8")
DEPLOY = ROOT / "deploy"
UNITS = sorted(DEPLOY.glob("*.service"))


def served(tmp_path: Path) -> set[str]:
    """Return the names of the metrics that a gateway serves."""
    pytest.importorskip("prometheus_client")
    pytest.importorskip("distributed")
    site = Site("lab-1", [], tmp_path)
    try:
        endings = {"counter": "_total", "info": "_info", "gauge": ""}
        return {family.name + endings[family.type] for family in Collected(site).collect()}
    finally:
        site.close()


def test_the_page_names_the_metrics_that_there_are_and_no_other(tmp_path: Path) -> None:
    there = served(tmp_path)
    assert there == set(re.findall(r"\bbenchhub_gateway_\w+", PAGE))
    (devices,) = re.findall(r"^\| `benchhub_gateway_devices` \|.*$", PAGE, re.MULTILINE)
    said = re.findall(r"`(\w+)`", devices.split("|")[3])
    assert said == list(STATES)


class Unit(RawConfigParser):
    """A unit of systemd, whose keys have capital letters and may come again."""

    def __init__(self, path: Path) -> None:
        super().__init__(strict=False, interpolation=None)
        self.optionxform = str  # type: ignore[assignment, method-assign]
        self.read_string(path.read_text("utf-8"))


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_units_give_away_no_rights(path: Path) -> None:
    service = Unit(path)["Service"]
    wanted = {
        "NoNewPrivileges": "yes", "ProtectSystem": "strict", "ProtectHome": "yes",
        "PrivateTmp": "yes", "CapabilityBoundingSet": "", "AmbientCapabilities": "",
    }  # fmt: skip
    assert {key: service.get(key) for key in wanted} == wanted
    assert service["User"] not in ("", "root")
    assert f"deploy/{path.name}" in PAGE


def test_the_gateways_unit_takes_its_end_for_one() -> None:
    service = Unit(DEPLOY / "benchhub-gateway@.service")["Service"]
    assert service["SuccessExitStatus"] == "130"
    assert service["RestartPreventExitStatus"] == "2"
    assert "--allow-root" not in service["ExecStart"]


@pytest.mark.usefixtures("processes")
@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_systemd_accepts_the_units(path: Path, tmp_path: Path) -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is not installed")
    # It looks for the program, which is not here.
    text = re.sub(r"/opt/benchhub/bin/\w+", "/bin/true", path.read_text("utf-8"))
    copy = tmp_path / path.name.replace("@.", "@lab-1.")
    copy.write_text(text)
    done = subprocess.run([program, "verify", str(copy)], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_parser_reads_the_compose_file() -> None:
    """And no more: nobody has run it, as the page says."""
    read: Any = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
    services = read["services"]
    assert set(services) == {"postgresql", "scheduler"}
    assert {"--protocol=tls", "--no-dashboard"} <= set(services["scheduler"]["command"])
    assert services["postgresql"]["ports"] == ["127.0.0.1:5432:5432"]
    assert "**Nobody has run it**" in PAGE


def test_the_pages_first_steps_are_ten_commands() -> None:
    section = PAGE.partition("## Two sites on one machine")[2]
    block = section.split("```")[1].strip().splitlines()
    assert len(block) == 10
    assert block[0] == "make lab-fleet"
    assert block[-1].endswith("lab-fleet-down")
