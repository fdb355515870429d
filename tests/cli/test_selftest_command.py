"""`benchhub devices selftest` on this machine, and suites that require it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from project import make_project

from benchhub.cli.devices import selftest
from benchhub.errors import DeviceError
from benchhub.model.device import Finding, Selftest
from benchhub.store import Store

pytestmark = pytest.mark.usefixtures("processes")

NAMES = ["overhead", "clock", "equal work", "slow-down 3%", "slow-down 5%", "noise", "drift"]


def test_this_machine_is_tested_and_the_answer_kept(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    done = project.run("devices", "selftest", "here", "--json", timeout_s=300)
    (found,) = done.json
    assert done.code == (0 if found["passed"] else 3), done.err
    assert found["passed"] == all(check["level"] != "refuse" for check in found["checks"])
    assert [check["check"] for check in found["checks"]] == NAMES
    assert found["figures"]["clock_step_ns"] >= 1
    with Store.open(f"sqlite:///{tmp_path / 'benchhub.db'}") as store:
        kept = store.selftests.last("here")
        assert kept is not None
        assert (kept.run, kept.passed) == (found["run"], found["passed"])
        launches = list(store.launches(kept.run))
    assert {launch.status for launch in launches} == {"finished"}
    sizes = {launch.cell.options for launch in launches}
    assert sizes == {"{}", *(f'{{"hash_bytes": {n}}}' for n in (2_000_000, 2_060_000, 2_100_000))}


def test_a_suite_may_require_it(tmp_path: Path) -> None:
    project = make_project(tmp_path, launches=1)
    project.edit('task = "npz"\n', 'task = "npz"\nrequires_selftest = true\n')
    refused = project.run("run", "tiny", "--device", "here")
    assert refused.code == 3
    line = (
        "here: tiny requires a self-test passed within 30 days, and there is none:"
        " run `benchhub devices selftest here`"
    )
    assert f"benchhub: {line}" in refused.err.splitlines()
    now = datetime.now(UTC).isoformat(timespec="seconds")
    passed = Selftest("here", now, True, "r", (Finding("equal work", "ok", "+0.0%"),), {})
    with Store.open(f"sqlite:///{tmp_path / 'benchhub.db'}") as store:
        store.selftests.add(passed)
    allowed = project.run("run", "tiny", "--device", "here", "--json")
    assert allowed.code == 0, allowed.err
    assert [one["device"] for one in allowed.json["selftests"]] == ["here"]


def test_a_device_that_is_not_there_is_exit_code_3(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    project.device("gone", transport="ssh", host="127.0.0.1", port=9)
    done = project.run("devices", "selftest", "gone")
    assert done.code == 3
    assert "gone" in done.error


def test_of_many_one_table_has_those_in_trouble_first(capsys: pytest.CaptureFixture[str]) -> None:
    well = (Finding("equal work", "ok", "+0.0%"),)
    bad = (Finding("slow-down 3%", "refuse", "+0.1% in 40 pairs"),)
    noisy = (*well, Finding("noise", "warn", "launches differ by 9 %"))
    found = [
        *(Selftest(f"d{number:03}", "now", True, "r", well) for number in range(200)),
        Selftest("noisy", "now", True, "r", noisy),
        Selftest("blind", "now", False, "r", bad),
    ]
    tested = selftest.Tested(tuple(found), {"gone": DeviceError("gone: does not answer")})
    selftest.show_all(tested)
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines() if line.strip()]
    assert lines[0].startswith("203 devices: 1 not tested, 1 not passed, 1 passed ")
    assert [line.split()[0] for line in lines[3:6]] == ["gone", "blind", "noisy"]
    assert len(lines) < 30
    assert max(map(len, lines)) <= 80
