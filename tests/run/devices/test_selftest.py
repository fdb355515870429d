"""What a self-test makes of launches, and which devices a suite then may measure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from builders import make_device, make_launch, make_run
from scripted import Record

from benchhub.errors import ConfigError
from benchhub.model.device import Finding, Selftest
from benchhub.model.launch import Launch
from benchhub.model.row import Results
from benchhub.ondevice.backends import LoadOptions, null
from benchhub.report.run import render
from benchhub.report.tables import notes
from benchhub.run.devices.selftest import (
    BASE,
    COMPARED,
    EMPTY,
    cells,
    examine,
    is_over,
    until_decided,
)
from benchhub.run.devices.selftest_needed import MAX_AGE_DAYS, unmet
from benchhub.store import Store

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def launches(
    count: int = 40,
    noise: float = 0.003,
    step_ns: int = 1,
    ratios: Sequence[float] = (1.0, 1.03, 1.05),
    drifting: float = 0.0,
    seed: int = 1,
) -> list[Launch]:
    """Launches of all cells, of a device with so much noise that sees work in `ratios`."""
    rng = np.random.default_rng(seed)
    of = {EMPTY: 0.0, BASE: 1.0, **dict(zip(COMPARED, ratios, strict=True))}
    made = []
    for index in range(count):
        level = np.exp(noise * rng.standard_normal() + drifting * index / count)
        for cell in cells("pi"):
            size = of[cell.variant]
            centre = 4e6 * size * level * np.exp(noise * rng.standard_normal()) if size else 80.0
            samples = centre * np.exp(0.01 * np.abs(rng.standard_normal(cell.iterations)))
            ticks = np.maximum((samples / step_ns).astype(np.int64), 0) * step_ns
            made.append(make_launch(cell, index, samples_ns=ticks))
    return made


def levels(selftest: Selftest) -> dict[str, str]:
    return {check.check: check.level for check in selftest.checks}


def test_a_steady_device_passes() -> None:
    found = examine("run", "pi", NOW.isoformat(), launches())
    assert found.passed
    assert levels(found) == {
        "overhead": "ok", "clock": "ok", "equal work": "ok", "slow-down 3%": "ok",
        "slow-down 5%": "ok", "noise": "ok", "drift": "ok",
    }  # fmt: skip
    assert found.figures["seen_of_3_percent"] == pytest.approx(0.03, abs=0.005)
    assert found.figures["seen_of_5_percent"] == pytest.approx(0.05, abs=0.005)
    assert found.figures["overhead_ns"] == pytest.approx(80, abs=3)
    assert found.figures["clock_step_ns"] == 1


def test_a_self_test_is_over_once_all_is_told_apart() -> None:
    made = launches()
    rounds = max(launch.cell.launches for launch in made)
    assert is_over(made)
    assert not is_over([])
    assert not is_over([launch for launch in made if launch.index < rounds - 1])
    assert not is_over([launch for launch in made if launch.cell.variant != BASE])
    undecided = launches(count=rounds, ratios=(1.0, 1.0, 1.05), noise=0.02)
    assert not is_over(undecided)


def test_a_device_that_hides_a_slow_down_does_not_pass() -> None:
    found = examine("run", "pi", NOW.isoformat(), launches(ratios=(1.0, 1.0, 1.05)))
    assert not found.passed
    assert levels(found)["slow-down 3%"] == "refuse"
    assert levels(found)["slow-down 5%"] == "ok"


def test_a_noisy_device_does_not_pass_and_says_what_to_do() -> None:
    found = examine("run", "pi", NOW.isoformat(), launches(noise=0.25))
    assert not found.passed
    told = {check.check: check for check in found.checks}
    assert told["noise"].level == "warn"
    assert told["slow-down 3%"].level == "refuse"
    assert "stop other programs" in told["slow-down 3%"].fix


def test_equal_work_that_looks_different_is_a_false_alarm_and_does_not_pass() -> None:
    found = examine("run", "pi", NOW.isoformat(), launches(ratios=(1.02, 1.03, 1.05)))
    assert levels(found)["equal work"] == "refuse"
    assert not found.passed


def test_drift_is_told_and_does_not_hide_the_work_for_rounds_share_it() -> None:
    found = examine("run", "pi", NOW.isoformat(), launches(drifting=0.3))
    assert levels(found)["drift"] == "warn"
    assert found.passed


def test_a_coarse_clock_is_told() -> None:
    found = examine("run", "pi", NOW.isoformat(), launches(step_ns=15_000))
    assert levels(found)["clock"] == "warn"
    stopped = [
        make_launch(one.cell, one.index, samples_ns=one.samples_ns * 0) for one in launches()
    ]
    found = examine("run", "pi", NOW.isoformat(), stopped)
    assert not found.passed
    assert levels(found)["equal work"] == "refuse"


def test_what_was_not_measured_was_not_passed() -> None:
    assert not examine("run", "pi", NOW.isoformat(), []).passed
    some = [one for one in launches() if one.cell.variant != "2.10 MB"]
    assert levels(examine("run", "pi", NOW.isoformat(), some))["slow-down 5%"] == "refuse"


def test_cells_stay_open_with_the_base_until_each_is_decided() -> None:
    planned = cells("pi")
    keys = {cell.variant: cell.key for cell in planned}

    def asked(made: list[Launch]) -> set[str]:
        finished = Counter(one.cell.key for one in made)
        return set(until_decided(planned)(finished, Record(made).samples_of))

    assert asked(launches(10)) == set()
    assert asked(launches(10, noise=0.25)) == {keys[name] for name in (BASE, *COMPARED)}
    assert asked(launches(40, noise=0.25)) == set()


@pytest.mark.parametrize("size", [0, 1, 2_000_000])
def test_the_work_of_the_null_backend_is_what_was_asked_for(size: int) -> None:
    import hashlib

    session = null.load(None, LoadOptions(format="none", options={"hash_bytes": size}))
    answer = session.bind({})()
    assert answer == (hashlib.sha256(bytes(size)).digest() if size else ())


@pytest.mark.parametrize("size", [-1, "2 MB", 1.5])
def test_work_of_no_size_is_refused(size: object) -> None:
    with pytest.raises(ValueError, match="hash_bytes should be"):
        null.load(None, LoadOptions(format="none", options={"hash_bytes": size}))


# --- as a precondition ------------------------------------------------------------------------


def selftest(days_ago: int = 1, passed: bool = True, run: str = "r") -> Selftest:
    at = (NOW - timedelta(days=days_ago)).isoformat(timespec="seconds")
    check = Finding("slow-down 3%", "ok" if passed else "refuse", "+3.0% in 10 pairs")
    return Selftest("pi", at, passed, run, (check,), {"overhead_ns": 80.0, "drift_p_value": None})


def test_a_suite_that_requires_a_selftest_says_what_is_missing() -> None:
    assert unmet("pi", "tiny", selftest(), NOW) is None
    assert unmet("pi", "tiny", selftest(MAX_AGE_DAYS), NOW) is None
    how = "run `benchhub devices selftest pi`"
    rule = f"tiny requires a self-test passed within {MAX_AGE_DAYS} days, and "
    assert unmet("pi", "tiny", None, NOW) == f"{rule}there is none: {how}"
    old = unmet("pi", "tiny", selftest(MAX_AGE_DAYS + 3), NOW)
    assert old == f"{rule}the last is {MAX_AGE_DAYS + 3} days old: {how}"
    failed = unmet("pi", "tiny", selftest(passed=False), NOW)
    assert failed == (
        f"{rule}that of 2026-02-28 was not passed (slow-down 3%: +3.0% in 10 pairs): {how}"
    )


def test_the_store_keeps_all_and_finds_the_last(tmp_path: Path) -> None:
    with Store.open(f"sqlite:///{tmp_path}/results.db") as store:
        assert store.selftests.last("pi") is None
        for one in (selftest(9), selftest(5, passed=False), selftest(2)):
            store.selftests.add(one)
        assert store.selftests.last("pi") == selftest(2)
        assert store.selftests.last("pi", until=selftest(4).at) == selftest(5, passed=False)
        assert store.selftests.last("pi", until=selftest(10).at) is None
        assert store.selftests.last("orin") is None
        assert store.selftests.of("r") == (selftest(9), selftest(5, passed=False), selftest(2))
        assert store.selftests.of("other") == ()


def test_reports_show_it() -> None:
    results = Results(make_run(), (make_device("pi"),), (), (), (), (), (selftest(),))
    (row,) = notes.selftests([results, results]).rows
    assert [cell.text for cell in row][:4] == ["pi", selftest().at, "slow-down 3%", "passed"]
    for name in ("html", "markdown"):
        assert "Self-tests of the devices" in render(name, [results])
    assert '"seen_of' not in render("json", [results])
    assert '"overhead_ns": 80.0' in render("json", [results])


def test_a_suite_says_yes_or_no_to_it(tmp_path: Path) -> None:
    from project import make_project

    from benchhub.config.suite import load_suite

    project = make_project(tmp_path)
    assert load_suite(project.suite).requires_selftest is False
    project.edit('task = "npz"\n', 'task = "npz"\nrequires_selftest = true\n')
    assert load_suite(project.suite).requires_selftest is True
    project.edit("requires_selftest = true", 'requires_selftest = "30 days"')
    with pytest.raises(
        ConfigError, match=r"requires_selftest = '30 days': should be true or false"
    ):
        load_suite(project.suite)
