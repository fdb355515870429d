"""What devices and backends tell is read by name, and shown as it is, whatever they tell."""

from __future__ import annotations

import pytest

from benchhub.model.facts import BackendFact, Facts, GpuFact, Provenance, Throttled
from benchhub.model.launch import Details, OperatorTimes, Pacing

BOARD = Facts(
    {
        "arch": "aarch64", "machine": "armv8", "cores_logical": 4, "turbo": True, "container": "",
        "isa_flags": ["neon", "asimd"], "packages": {"numpy": "2.3", "psutil": None},
        "backends": {
            "tflite": {"version": "2.1", "python": "/root/env/bin/python", "reason": None},
            "openvino": {"version": None, "reason": "no such wheel in /root/wheels"},
        },
        "gpus": [{"name": "Orin", "vendor": "NVIDIA", "driver": "36.4"}],
        "throttled": {"now": ["under-voltage"], "occurred": []},
        "hostname": "pi", "boot_id": "1", "root": "/root", "executable": "/usr/bin/python3",
    }
)  # fmt: skip


def test_facts_by_name() -> None:
    assert (BOARD.arch, BOARD.number("cores_logical")) == ("aarch64", 4)
    assert BOARD.words("isa_flags") == ("neon", "asimd")
    assert BOARD.packages == {"numpy": "2.3"}
    assert BOARD.gpus == (GpuFact("Orin", "NVIDIA", "36.4"),)
    assert BOARD.throttled == Throttled(("under-voltage",), ())
    assert BOARD.backends["tflite"] == BackendFact("2.1", None, "/root/env/bin/python")
    assert Facts({"machine": "armv8"}).arch == "armv8"


def test_what_is_not_told_is_none() -> None:
    nothing = Facts()
    assert (nothing.arch, nothing.text("board"), nothing.number("cores")) == (None, None, None)
    assert (nothing.words("isa_flags"), nothing.throttled) == (None, None)
    assert (nothing.gpus, dict(nothing.backends), dict(nothing.packages)) == ((), {}, {})
    assert BOARD.text("container") is None
    assert BOARD.number("turbo") is None, "a switch is no number"


def test_reports_name_no_folder_and_no_machine() -> None:
    public = BOARD.public().told
    assert public["backends"] == {
        "tflite": {"version": "2.1", "provisioned": True},
        "openvino": {"version": None, "provisioned": False},
    }
    assert "root" not in str(public)
    assert {"hostname", "boot_id", "executable"}.isdisjoint(public)
    assert Facts({"arch": "x86_64"}).public() == Facts({"arch": "x86_64"})


@pytest.mark.parametrize(("told", "seed"), [({"seed": "14"}, 14), ({"seed": "x"}, 0), ({}, 0)])
def test_the_seed_of_a_run(told: dict[str, str], seed: int) -> None:
    assert Provenance(told).seed == seed


def test_the_limit_of_garbage() -> None:
    assert Provenance({"max_relative_disagreement": "0.25"}).max_relative_disagreement == 0.25
    assert Provenance({}).max_relative_disagreement is None


def test_details_by_name() -> None:
    told = Details(
        {
            "calls_per_round": 25, "engine": "built again: another driver",
            "paced": {"offered": 5, "completed": 4, "late_starts": 1},
            "profile": {"calls": 3, "call_ns": 100, "operators_ns": {"Conv": 70}},
        }
    )  # fmt: skip
    assert (told.calls_per_round, told.engine_rebuilt) == (25, "built again: another driver")
    assert told.pacing == Pacing(5, 4, 1, None)
    assert told.operators == OperatorTimes(100, {"Conv": 70})
    earlier = {"calls_ns": [90, 100, 500], "operators_ns": {"Conv": [60, 70, 80]}}
    assert Details({"profile": earlier}).operators == OperatorTimes(100, {"Conv": 70})
    nothing = Details({"engine": "built", "profile": {}})
    assert (nothing.calls_per_round, nothing.engine_rebuilt) == (1, None)
    assert (nothing.pacing, nothing.operators) == (None, None)
