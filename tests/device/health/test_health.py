"""What doctor and preflight say of a device."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from facts.trees import unpack

from benchhub.backends import described
from benchhub.device.health.findings import (
    findings,
    is_emulated,
    left_out,
    missing_backends,
    needs_a_backend,
    refusal,
)
from benchhub.model.device import LEFT_OUT, UNKNOWN, DeviceProfile, Finding
from benchhub.model.facts import Facts
from benchhub.ondevice.facts import conditions as taking
from benchhub.ondevice.facts.probe import facts as probe
from benchhub.ondevice.wire import Conditions

PROFILE = DeviceProfile("board", "ssh")
QUIET = Conditions(
    at_ns=1, governor="performance", temperature_c=45.0, load_1m=0.1,
    memory_available_bytes=4 << 30,
)  # fmt: skip
FACTS: dict[str, Any] = {
    "python": "3.11.2",
    "executable": "/usr/bin/python3",
    "packages": {"numpy": "2.4.6", "psutil": "7.2.2"},
    "backends": {"onnxruntime": {"version": "1.31.1", "reason": None}},
    "disk_free_bytes": 10 << 30,
    "clock_resolution_ns": 1,
    "cores_logical": 4,
    "clock_source": "tsc",
    "turbo": False,
    "throttled": {"now": [], "occurred": []},
    "swap_used_bytes": 0,
    "gpus": [],
}


def checks(
    changes: dict[str, Any] | None = None,
    conditions: Conditions = QUIET,
    backends: tuple[str, ...] = ("onnxruntime",),
    **profile: Any,
) -> dict[str, Finding]:
    about = dataclasses.replace(PROFILE, **profile)
    asked = [described(name) for name in backends]
    found = findings(about, Facts({**FACTS, **(changes or {})}), conditions, asked)
    assert len({one.check for one in found}) == len(found)
    return {one.check: one for one in found}


def test_a_device_in_order_has_nothing_to_fix() -> None:
    found = checks()
    assert {one.level for one in found.values()} == {"ok"}
    assert refusal(tuple(found.values())) is None
    assert set(found) >= {
        "python", "numpy", "psutil", "backend onnxruntime", "emulation", "disk", "memory", "swap",
        "load", "clock", "clock source", "governor", "turbo", "temperature", "throttling",
    }  # fmt: skip


WRONG: dict[str, tuple[dict[str, Any], Conditions, str, str, str]] = {
    "numpy": ({"packages": {"psutil": "7"}}, QUIET, "refuse", "not installed", "pip install numpy"),
    "psutil": ({"packages": {"numpy": "2"}}, QUIET, "warn", "not installed", "pip install psutil"),
    "backend onnxruntime": (
        {"backends": {}}, QUIET, "warn", "not installed",
        "benchhub devices provision board --backend onnxruntime"),
    "disk": ({"disk_free_bytes": 5 << 20}, QUIET, "refuse", "5 MiB", "device.root"),
    "memory": ({}, dataclasses.replace(QUIET, memory_available_bytes=9 << 20), "warn", "9 MiB",
               "stop other"),
    "swap": ({"swap_used_bytes": 900 << 20}, QUIET, "warn", "900 MiB", "swapoff"),
    "load": ({}, dataclasses.replace(QUIET, load_1m=3.0), "warn", "load 3.00 on 4", "stop"),
    "clock": ({"clock_resolution_ns": 4_000_000}, QUIET, "warn", "4000000 ns", "batches"),
    "clock source": (
        {"clock_source": "hpet", "clock_sources": ["tsc", "hpet"]}, QUIET, "warn", "hpet",
        "echo tsc | sudo tee /sys/devices/system/clocksource"),
    "governor": ({}, dataclasses.replace(QUIET, governor="powersave"), "warn", "powersave",
                 "cpupower frequency-set -g performance"),
    "turbo": ({"turbo": True, "cpu_model": "Intel(R) Xeon"}, QUIET, "warn", "on", "no_turbo"),
    "throttling": (
        {"throttled": {"now": ["under-voltage"], "occurred": ["throttled"]}}, QUIET, "warn",
        "now: under-voltage; since start: throttled", "power supply"),
    "gpu": ({"gpus": [{"name": "X", "vendor": "NVIDIA", "driver": None}]}, QUIET, "warn",
            "without a driver", "install its driver"),
    "emulation": ({"emulation": "run by qemu"}, QUIET, "warn", "run by qemu", "emulated = true"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_says_why_it_matters_and_how_to_fix_it(name: str) -> None:
    changes, conditions, level, found, fix = WRONG[name]
    all_checks = checks(changes, conditions)
    check = all_checks[name]
    assert check.level == level
    assert found in check.found
    assert fix in check.fix
    assert check.why
    others = {one.check for one in all_checks.values() if one.level != "ok"} - {name}
    assert not others
    assert (refusal(tuple(all_checks.values())) is not None) == (level == "refuse")


@pytest.mark.parametrize(
    ("name", "changes", "conditions"),
    [
        ("clock", {"clock_resolution_ns": None}, {}),
        ("clock source", {"clock_source": None}, {}),
        ("turbo", {"turbo": None}, {}),
        ("throttling", {"throttled": None}, {}),
        ("disk", {"disk_free_bytes": None}, {}),
        ("swap", {"swap_used_bytes": None}, {}),
        ("governor", {}, {"governor": None, "unavailable": {"governor": "not permitted"}}),
        ("temperature", {}, {"temperature_c": None}),
        ("memory", {}, {"memory_available_bytes": None}),
        ("load", {}, {"load_1m": None}),
    ],
)
def test_what_cannot_be_found_out_is_unknown_and_not_ok(name, changes, conditions) -> None:
    found = checks(changes, dataclasses.replace(QUIET, **conditions))
    assert {one.check: one.level for one in found.values() if one.level != "ok"} == {name: UNKNOWN}
    assert "unavailable" in found[name].found
    assert ("not permitted" in found[name].found) == (name == "governor")
    assert refusal(tuple(found.values())) is None


def test_limits_of_the_profile_are_kept() -> None:
    hot = dataclasses.replace(QUIET, temperature_c=83.0)
    assert checks(conditions=hot, max_temperature_c=80.0)["temperature"].level == "refuse"
    assert checks(conditions=hot)["temperature"].level == "ok"
    unknown = dataclasses.replace(QUIET, temperature_c=None)
    assert checks(conditions=unknown, max_temperature_c=80.0)["temperature"].level == "warn"
    busy = dataclasses.replace(QUIET, load_1m=1.5)
    assert checks(conditions=busy, max_load=1.0)["load"].level == "refuse"


def test_turbo_of_another_processor_has_another_switch() -> None:
    assert "cpufreq/boost" in checks({"turbo": True, "cpu_model": "AMD EPYC"})["turbo"].fix


def test_provisioned_environments_bring_their_own_numpy() -> None:
    own = {"onnxruntime": {"version": "1.31.1", "reason": None, "python": "/env/bin/python"}}
    found = checks({"packages": {"psutil": "7"}, "backends": own})
    assert found["numpy"].level == "ok"
    assert "environment of its own" in found["backend onnxruntime"].found


def test_an_environment_that_went_wrong_is_told() -> None:
    broken = {"onnxruntime": {"version": None, "reason": "its environment is half-finished"}}
    assert "half-finished" in checks({"backends": broken})["backend onnxruntime"].found


def test_one_backend_is_enough() -> None:
    names = ("onnxruntime", "tensorrt", "torch")
    known = [described(name) for name in names]
    found = tuple(checks(backends=names).values())
    judged = {one.check: one for one in needs_a_backend(PROFILE, Facts(FACTS), found, known)}
    assert judged["backend torch"].level == "warn"
    assert judged["backend tensorrt"].level == "ok"  # there is no GPU to use it on
    assert "backends" not in judged
    gpu = Facts({**FACTS, "gpus": [{"name": "H200", "vendor": "NVIDIA", "driver": "580"}]})
    judged = {one.check: one for one in needs_a_backend(PROFILE, gpu, found, known)}
    assert judged["backend tensorrt"].level == "warn"


def test_of_backends_that_nobody_named_those_that_cannot_run_are_left_out() -> None:
    known = [described(name) for name in ("onnxruntime", "tensorrt", "torch")]
    there = {"onnxruntime": {"version": "1.31.1"}, "tensorrt": {"version": "10.1"}}
    found = tuple(checks({"backends": there}, backends=tuple(b.name for b in known)).values())
    by = {one.backend: one for one in left_out(Facts(FACTS), found, known) if one.backend}
    assert {name: one.level for name, one in by.items()} == {
        "onnxruntime": "ok", "tensorrt": LEFT_OUT, "torch": LEFT_OUT,
    }  # fmt: skip
    assert not by["tensorrt"].fix  # nothing to install helps
    assert "devices provision board --backend torch" in by["torch"].fix
    gpu = Facts({**FACTS, "gpus": [{"name": "H200", "vendor": "NVIDIA", "driver": "580"}]})
    by = {one.backend: one for one in left_out(gpu, found, known) if one.backend}
    assert by["tensorrt"].level == "ok"


def test_no_backend_at_all_is_unfit() -> None:
    names = ("onnxruntime", "torch")
    found = tuple(checks({"backends": {}}, backends=names).values())
    assert set(missing_backends(found, "board")) == {"onnxruntime", "torch"}
    judged = needs_a_backend(PROFILE, Facts(FACTS), found, [described(name) for name in names])
    assert "none of onnxruntime, torch" in str(refusal(judged))
    assert "devices provision board" in str(refusal(judged))


def test_proof_of_emulation_outweighs_the_profile() -> None:
    assert is_emulated(PROFILE, Facts({"emulation": "run by qemu"}))
    assert is_emulated(dataclasses.replace(PROFILE, emulated=True), Facts({"emulation": None}))
    assert not is_emulated(PROFILE, Facts(FACTS))


@pytest.mark.parametrize(
    ("board", "doubts", "governor_fix"),
    [
        ("raspberry-pi-4", {"governor", "throttling"}, "scaling_governor"),
        ("raspberry-pi-5", {"swap", "throttling"}, None),
        ("jetson-orin", {"governor", "throttling"}, "jetson_clocks"),
        ("intel-hybrid", {"clock source", "governor", "turbo"}, "cpupower"),
    ],
)
def test_documented_boards(
    tmp_path: Path, board: str, doubts: set[str], governor_fix: str | None
) -> None:
    root = unpack(board, tmp_path)
    proc, sys_root = f"{root}/proc", f"{root}/sys"
    arch = "x86_64" if board == "intel-hybrid" else "aarch64"
    from benchhub.ondevice.facts import gpus

    known = gpus.gpus(proc, sys_root, f"{root}/etc", list)
    # Of the machine that runs this test, and not of the board: uname, Python, disk.
    facts = {**probe(str(tmp_path), proc, sys_root), "arch": arch, "gpus": known, "emulation": None}
    facts |= {name: FACTS[name] for name in ("packages", "backends", "disk_free_bytes")}
    state = taking.snapshot(None, proc, sys_root, with_psutil=False)
    found = {
        one.check: one for one in findings(PROFILE, Facts(facts), state, [described("onnxruntime")])
    }
    assert {name for name, one in found.items() if one.level not in ("ok", UNKNOWN)} == doubts
    assert governor_fix is None or governor_fix in found["governor"].fix


def test_a_runtime_that_no_registry_has_is_not_provisioned() -> None:
    found = checks(backends=("tensorrt",))["backend tensorrt"]
    assert "provision" not in found.fix
    assert "JetPack" in found.fix
