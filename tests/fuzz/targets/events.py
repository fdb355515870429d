"""What devices say: the lines of an agent, and those of a launch put together."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lying_device import CASES, CLASSES, CONDITIONS, FACTS, failed_events, launch_events

from benchhub.device.events.expected import Expected, ExpectedOutput
from benchhub.device.events.folding import Folding
from benchhub.device.events.parse import Broken, parse
from benchhub.device.events.schema import ConditionsEvent, FactsEvent
from benchhub.device.provision.lock import Lock, Pin, pinned
from benchhub.device.provision.target import target
from benchhub.errors import BenchhubError
from benchhub.ondevice.wire import Job, encode_job

from ..target import Target

_JOB = Job(
    "0123456789abcdef", 0, "onnxruntime", "latency", "a" * 64, "onnx", {"x": "b" * 64},
    iterations=20, warmup=5,
)  # fmt: skip
_EXPECTED = Expected(CASES, (ExpectedOutput((CLASSES,), CLASSES * 8),))
_LOCK = Lock("onnxruntime", "own", "a", (Pin("a", "1", "python_version >= '3.8'", ("0" * 64,)),))


def _line(event: dict[str, Any], number: int) -> bytes:
    return json.dumps({"v": 2, "n": number, "to": "1", **event}).encode() + b"\n"


def _launches() -> Iterator[bytes]:
    for events in (launch_events(encode_job(_JOB)), failed_events(encode_job(_JOB))):
        yield b"".join(_line(event, number) for number, event in enumerate(events))


def _launch(path: Path) -> None:
    folding = Folding(_JOB, _EXPECTED)
    try:
        for line in path.read_bytes().splitlines(keepends=True):
            folding.take(parse(line))
    finally:
        folding.close()


def _told(path: Path) -> None:
    for line in path.read_bytes().splitlines(keepends=True):
        event: Any = parse(line)
        if isinstance(event, FactsEvent):
            json.dumps(event.facts.told().told, allow_nan=False)
        elif isinstance(event, ConditionsEvent):
            event.conditions.told()
        elif event.event == "environments":
            device = target("board", event.target)
            found = pinned((_LOCK,), device)
            assert found.pins
            assert device.abi
            assert device.platforms


_TARGET = {
    "implementation_name": "cpython", "implementation_version": "3.11.2", "os_name": "posix",
    "platform_machine": "aarch64", "platform_python_implementation": "CPython",
    "platform_release": "6.1", "platform_system": "Linux", "platform_version": "1",
    "python_full_version": "3.11.2", "python_version": "3.11", "sys_platform": "linux",
    "libc": "glibc 2.36", "free_threaded": False,
}  # fmt: skip
_EVENTS: tuple[dict[str, Any], ...] = (
    {"event": "hello", "protocol": 2, "runner_sha256": "a" * 64, "python": "3.11.2",
     "executable": "/usr/bin/python3", "root": "/root", "pid": 7, "blobs": "/b", "evicted": None},
    {"event": "refused", "kind": "busy", "message": "in use", "holder": {"run": "r", "pid": 7}},
    {"event": "facts", "facts": FACTS},
    {"event": "conditions", "conditions": CONDITIONS},
    {"event": "have", "blobs": {"a" * 64: {"state": "partial", "bytes": 7}}},
    {"event": "environments", "target": _TARGET, "environments": []},
    {"event": "error", "message": "no"},
    {"event": "room", "free_bytes": 9},
)  # fmt: skip


def _all() -> Iterator[bytes]:
    for number, event in enumerate(_EVENTS):
        yield _line(event, number)
    yield b"".join(_line(event, number) for number, event in enumerate(_EVENTS))


def _environments(**changes: Any) -> bytes:
    return _line({"event": "environments", "target": _TARGET | changes, "environments": []}, 0)


_WORDS = (
    b'"event": ', b'"samples"', b'"end"', b'"stage"', b'"facts"', b"NaN", b"1e999", b"\n", b"AAAA",
)  # fmt: skip

TARGETS = (
    Target(
        "launch-events", _launch, _launches, ".jsonl", _WORDS, told=(Broken,),
        hard={
            "a line nested deeply": (lambda: b'{"event": ' + b"[" * 100_000, "no event"),
            "a number of 5000 digits": (lambda: b'{"event": ' + b"9" * 5000 + b"}", "no event"),
            "not UTF-8": (lambda: b'{"event": "\xff"}', "no event"),
            "keys twice": (lambda: b'{"event": "stage", "event": "end"}', ""),
            "nothing": (lambda: b"\n", "no event"),
        },
    ),
    Target(
        "agent-events", _told, _all, ".jsonl", _WORDS, told=(Broken, BenchhubError),
        hard={
            "a libc of no version": (lambda: _environments(libc="glibc two"), "GNU C library"),
            "a Python of no version": (
                lambda: _environments(python_full_version="new", python_version="new"), ""
            ),
            "half a character": (lambda: _line({"event": "error", "message": "\ud800"}, 0), None),
        },
    ),
)  # fmt: skip
