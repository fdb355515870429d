"""Forty scenarios of the campaign, from the command line, as anybody starts it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from repository import ROOT

pytestmark = pytest.mark.usefixtures("processes", "servers")
SEEDS = range(40)
#: Results are kept by a server, which is killed while devices measure, and soon is there again.
OF_A_SERVER = 787


def test_forty_scenarios_find_nothing(tmp_path: Path) -> None:
    argv = [
        sys.executable, "-m", "tests.campaign", "--seeds", f"{SEEDS[0]}:{SEEDS[-1] + 1}",
        # Hosts of the lab take longer to start than all the rest; the whole campaign has them.
        "--without", "lab", "--without", "machine", "--jobs", "4",
        "--folder", str(tmp_path / "kept"), "-o", str(tmp_path / "report"),
    ]  # fmt: skip
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, f"{done.stderr}\n{done.stdout}"
    found = json.loads((tmp_path / "report" / "campaign.json").read_text())["outcomes"]
    assert [one["seed"] for one in found] == list(SEEDS)
    played = [one for one in found if not one["left_out"]]
    assert len(played) >= 25, [one["left_out"] for one in found if one["left_out"]]
    assert [one for one in played if not one["at_last"] == one["counts"]["planned"] > 0] == []
    assert len({fault for one in played for fault in one["faults"]}) >= 12
    assert "\n## Findings\n\nNone.\n" in (tmp_path / "report" / "README.md").read_text()
    assert list((tmp_path / "kept" / "scenes").iterdir()) == []


def test_a_scenario_whose_results_are_kept_by_a_server_finds_nothing(tmp_path: Path) -> None:
    argv = [
        sys.executable, "-m", "tests.campaign", "--only", str(OF_A_SERVER),
        "--folder", str(tmp_path / "kept"), "-o", str(tmp_path / "report"),
    ]  # fmt: skip
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=280)
    (found,) = json.loads((tmp_path / "report" / "campaign.json").read_text())["outcomes"]
    if found["left_out"]:
        pytest.skip(found["left_out"])
    assert done.returncode == 0, f"{done.stderr}\n{done.stdout}"
    assert found["struck"] == ["store killed"]
    assert found["at_last"] == found["counts"]["planned"] > 0
