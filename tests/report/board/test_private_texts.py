"""What a board does not tell: addresses, users, hosts and folders; and what stays."""

from __future__ import annotations

from dataclasses import replace

import pytest
from rows import make_row
from synthetic import results

from benchhub.model.device import DeviceInfo
from benchhub.model.facts import Facts, Provenance
from benchhub.report.board.private import public, public_text


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("connect to 10.0.0.5 port 22: refused", "connect to … port 22: refused"),
        ("10.0.0.5:2222 did not answer", "… did not answer"),
        ("fe80::1ff:fe23:4567:890a", "…"), ("at ::1 and 2001:db8::7", "at … and …"),
        ("card aa:bb:cc:dd:ee:ff", "card …"),
        ("rpi4.lab: no route", "…: no route"), ("a.b.internal", "…"),
        ("me@db.example.org lost", "… lost"), ("postgresql://me@db.example/bench", "postgresql://…"),
        ("sqlite:////home/x/a.db", "sqlite://…"), ("http://10.0.0.1/x", "http://…"),
        ("https://ci.corp/job/7", "https://…"), ("https://me:pw@example.org/x", "https://…"),
        ("/home/alice/models/x.onnx is gone", "…/x.onnx is gone"),
        ("~/.cache/benchhub/device", "…/device"), ("~bob/x", "…/x"),
        ("--data '/home/bob smith/x'", "--data '…/x'"), ("--store=/a/b/c.db", "--store=…/c.db"),
        ("pi: rack7.example.org:22 refuses connections", "pi: … refuses connections"),
        ("bench-pc:2222 hangs; try `ssh bench-pc`", "… hangs; try `ssh …`"),
        ("benchhub devices enroll bench-pc --name pi", "benchhub devices enroll … --name pi"),
        ("password=hunter22", "password=***"),
    ],
)  # fmt: skip
def test_private_texts_are_left_out(text: str, told: str) -> None:
    assert public_text(text) == told
    assert public_text(told) == told, "twice is as once"


@pytest.mark.parametrize(
    "text",
    [
        "openvino 2026.4.1", "driver 31.0.101.5333", "libc.so.6", "2026-12-01T00:30:56+00:00",
        "00:01:02", "/sys/class/powercap", "3/4 and/or a/b/c", "int8-static", "x=1x3x224x224",
        "https://doi.org/10.1000/182", "5 % slower", "upper limit 0.7852 keeps it",
        "test_speed.py::test_model", "benchhub run quickstart --device pi", "model.onnx",
        "ended at 2026-12-01T00:30", "benchhub devices enroll --help",
    ],
)  # fmt: skip
def test_what_says_nothing_private_stays(text: str) -> None:
    assert public_text(text) is text


def test_everything_that_is_published_is_seen_through() -> None:
    row = make_row(reason="/home/alice/x.so is missing", status="failed")
    facts = {"hostname": "alices-pc", "serial": "C02", "gpus": [{"uuid": "GPU-1", "name": "T4"}],
             "kernel": "6.1", "boot_id": "b00t-1d"}  # fmt: skip
    device = DeviceInfo("pi", "ssh", False, Facts(facts), error="alice@10.0.0.5: refused")
    source = results()
    run = replace(
        source.run,
        provenance=Provenance({"command": "benchhub run q --store postgresql://alice@db/x"}),
    )
    told = repr(public(replace(source, run=run, rows=(row,), devices=(device,))))
    for gone in ("alice", "10.0.0.5", "C02", "GPU-1", "b00t-1d"):
        assert gone not in told
    for kept in ("x.so is missing", "6.1", "T4", "benchhub run q"):
        assert kept in told


def test_what_holds_nothing_private_is_the_same() -> None:
    rows = results(hostile=False).rows
    assert public(rows) is rows


def test_labels_of_a_task_are_no_private_entries() -> None:
    row = make_row(quality=0.9, quality_metric="dice", quality_parts={"root": 0.9, "user": 0.8})
    assert public(row) is row
