"""A device that lies or is broken beside a healthy one: over a hundred ways, and who is harmed."""

from __future__ import annotations

import dataclasses
import json
import threading
import tracemalloc
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import pytest
from builders import make_cell
from lying_device import END, FACTS, Script, call_ns, failed_events, series
from scripted import Diary, work

from benchhub.device.session import DeviceSession
from benchhub.device.staging.blob import Blob
from benchhub.errors import DeviceError, ProtocolFault
from benchhub.model.device import DeviceProfile
from benchhub.model.launch import Launch
from benchhub.run.loop import campaign, engine
from benchhub.run.loop.work import DeviceWork
from benchhub.store.records import launch_from, launch_row

LAUNCHES, CELLS = 3, 2
Lie = Callable[[Mapping[str, Any], int, list[Any]], Iterable[Any]]


def devices_work(name: str, machine: str = "") -> DeviceWork:
    """Two cells of three launches, and a blob to be pushed."""
    cells = tuple(
        make_cell(device=name, variant=variant, launches=LAUNCHES, iterations=5)
        for variant in ("fp32", "int8")[:CELLS]
    )
    made = work(cells, reboot_wait_s=0.02)
    profile = dataclasses.replace(made.device, name=name)
    return dataclasses.replace(made, device=profile, blobs=(Blob.of_bytes(b"model"),))


def of_launch(which: int, change: Callable[[list[Any]], Iterable[Any]]) -> Lie:
    """What a launch says is changed; which: the second one, say."""

    def lie(request: Mapping[str, Any], before: int, said: list[Any]) -> Iterable[Any]:
        return change(said) if (request["do"], before) == ("launch", which) else said

    return lie


def of(do: str, **fields: Any) -> Lie:
    """The answer to a request has other fields."""

    def lie(request: Mapping[str, Any], before: int, said: list[Any]) -> Iterable[Any]:
        return [{**said[0], **fields}] if request["do"] == do else said

    return lie


def says(do: str, *what: Any) -> Lie:
    """The answer to a request is something else altogether."""
    return lambda request, before, said: what if request["do"] == do else said


def event(kind: str, **fields: Any) -> Lie:
    """In the second launch every event of a kind has other fields."""

    def change(said: list[Any]) -> list[Any]:
        return [{**one, **fields} if one["event"] == kind else one for one in said]

    return of_launch(1, change)


def without(kind: str, *names: str) -> Lie:
    """In the second launch an event of a kind lacks fields, or is not there."""

    def change(said: list[Any]) -> list[Any]:
        kept = [one for one in said if names or one["event"] != kind]
        return [
            {key: one[key] for key in one if one["event"] != kind or key not in names}
            for one in kept
        ]

    return of_launch(1, change)


def around(before: Iterable[Any] = (), after: Iterable[Any] = (), at: int = 1) -> Lie:
    """The second launch says more."""
    return of_launch(at, lambda said: [*before, *said, *after])


def endless(piece: bytes, limit: int = 1 << 30) -> Iterator[bytes]:
    """A megabyte and more, again and again; a controller that takes a gigabyte has lost."""
    for _ in range(limit // len(piece)):
        yield piece
    raise AssertionError("all of it was taken")


def flood(event: Mapping[str, Any]) -> Iterator[Any]:
    """One event, for ever."""
    for _ in range(10_000_000):
        yield dict(event)
    raise AssertionError("all of them were taken")


def told_facts(**fields: Any) -> Lie:
    return of("facts", facts={**FACTS, **fields})


def conditions(**fields: Any) -> Lie:
    def lie(request: Mapping[str, Any], before: int, said: list[Any]) -> Iterable[Any]:
        if request["do"] != "conditions":
            return said
        return [{**said[0], "conditions": {**said[0]["conditions"], **fields}}]

    return lie


def end_of(**fields: Any) -> Lie:
    return event("end", **fields)


MB = b"x" * (1 << 20)
BROKEN: dict[str, Lie] = {
    # launches: wrong types and sizes
    "samples are no base64": event("samples", samples="!!!!"),
    "samples of three bytes": event("samples", samples="AAAA"),
    "a sample less": event("samples", samples=series([1] * 4)),
    "a sample more": event("samples", samples=series([1] * 6)),
    "a million samples": event("samples", samples=series([1] * 100_000)),
    "no samples": event("samples", samples=""),
    "samples that are a list": event("samples", samples=[1, 2]),
    "samples that are null": event("samples", samples=None),
    "samples that are not there": without("samples"),
    "samples without elapsed": without("samples", "elapsed_ns"),
    "elapsed is text": event("samples", elapsed_ns="1"),
    "elapsed is negative": event("samples", elapsed_ns=-1),
    "elapsed is too little": event("samples", elapsed_ns=3),
    "elapsed is null": event("samples", elapsed_ns=None),
    "elapsed is beyond 64 bits": event("samples", elapsed_ns=2**63),
    "elapsed is NaN": event("samples", elapsed_ns=float("nan")),
    "negative samples": event("samples", samples=series([-5] * 5)),
    "huge samples": event("samples", samples=series([2**62] * 5)),
    "load is negative": event("ready", load_ns=-1),
    "load is beyond 64 bits": event("ready", load_ns=2**63),
    "load is longer than the launch": event("ready", load_ns=2**50),
    "import is a list": event("ready", import_ns=[]),
    "the provider is a number": event("ready", provider=5),
    "the version is an object": event("ready", backend_version={}),
    "details are a list": event("ready", details=[]),
    "details are text": event("ready", details="x"),
    "details hold NaN": event("ready", details={"a": float("nan")}),
    "details are deep": event("ready", details={"a": json.loads("[" * 60 + "]" * 60)}),
    "details have a text of a megabyte": event("ready", details={"a": "x" * (1 << 20)}),
    "details have 100,000 values": event("ready", details={"a": [0] * 100_000}),
    "ready twice": of_launch(1, lambda said: [*said[:3], said[2], *said[3:]]),
    "no ready": without("ready"),
    "first is negative": event("first", first_inference_ns=-3),
    "no first": without("first"),
    "an unknown track": event("track", name="other"),
    "a track that is short": event("track", samples=series([1])),
    "a track that is long": event("track", samples=series([1] * 50)),
    "energy is negative": event("energy", energy_uj=-1),
    "energy is text": event("energy", energy_uj="much"),
    "memory is negative": event("memory", peak_rss_bytes=-1),
    "memory is text": event("memory", peak_rss_bytes="much"),
    "reset is a number": event("memory", reset=1),
    "no memory": without("memory"),
    "an unknown stage": event("stage", stage="lunch"),
    "stages backwards": of_launch(1, lambda said: [said[1], said[0], *said[2:]]),
    "outputs nobody asked for": around(
        [{"event": "stage", "stage": "import"},
         {"event": "outputs", "index": 0, "count": 1, "name": "y", "dtype": "<f4", "shape": [1],
          "data": "AAAAAA=="}]
    ),
    # launches: their end
    "an unknown status": end_of(status="great"),
    "a status that is null": end_of(status=None),
    "failed without a reason": end_of(status="failed"),
    "finished with a failure": end_of(
        failure={"stage": "load", "kind": "raised", "message": "no"}
    ),
    "a failure that is text": end_of(status="failed", failure="no"),
    "a failure of an unknown kind": end_of(
        status="failed", failure={"stage": "load", "kind": "bored", "message": "no"}
    ),
    "a message of a megabyte": end_of(
        status="failed", failure={"stage": "load", "kind": "raised", "message": "m" * (1 << 20)}
    ),
    "wall is negative": end_of(wall_ns=-1),
    "wall is null": end_of(wall_ns=None),
    "wall is a century": end_of(wall_ns=2**62),
    "wall is less than its parts": end_of(wall_ns=1),
    "before is a list": end_of(before=[]),
    "after is null": end_of(after=None),
    "switches are negative": end_of(involuntary_switches=-1),
    "the end of another launch": of_launch(1, lambda said: [*said[:-1], {**said[-1], "to": "x-1"}]),
    "two ends": around(after=[{"event": "end"}]),
    "a whole end behind the end": of_launch(1, lambda said: [*said, dict(said[-1])]),
    "an end before all else": of_launch(1, lambda said: [said[-1], *said[:-1]]),
    "a launch twice": of_launch(1, lambda said: [*said, *said]),
    "a failed launch that goes on": of_launch(
        1, lambda said: [*said[:2], {"event": "failed", "stage": "load", "kind": "raised",
                                     "message": "no"}, *said[2:]]
    ),
    # numbers and ids
    "a line is numbered twice": event("first", n=1),
    "a line is lost": event("first", n=1_000_000),
    "lines of no number": event("first", n=None),
    "another protocol": event("first", v=1),
    "no protocol": event("first", v=None),
    "an event of an earlier launch": event("first", to="00000000-3"),
    "an id that is a number": event("first", to=7),
    "an unknown event": event("first", event="firstly"),
    "an event of another kind of request": around([{"event": "facts", "facts": dict(FACTS)}]),
    "an event without its name": event("first", event=None),
    "a further field": event("first", further=1),
    "a pong nobody asked for": around([{"event": "pong"}]),
    # lines
    "a line that is no JSON": around([b"Segmentation fault\n"]),
    "a line that is a list": around([b"[1, 2]\n"]),
    "a line that is a number": around([b"7\n"]),
    "an empty line": around([b"\n"]),
    "a line of deep JSON": around([b"[" * 100_000 + b"\n"]),
    "a number of 5,000 digits": around([b'{"v":2,"n":' + b"9" * 5000 + b"}\n"]),
    "bytes that are no text": around([b"\xff\xfe\x00\n"]),
    "a line without an end": of_launch(1, lambda said: endless(MB)),
    "a line of two megabytes": around([b'"' + MB + MB + b'"\n']),
    "half a line, then the end": of_launch(1, lambda said: [*said[:3], b'{"v":2', END]),
    "events for ever": of_launch(1, lambda said: flood({"event": "stage", "stage": "import"})),
    "pongs for ever": of_launch(1, lambda said: flood({"event": "pong"})),
    "warm-up calls for ever": of_launch(
        1, lambda said: [*said[:6], *([{"event": "warmup", "samples": ""}] * 10_000)]
    ),
    # what it is
    "facts that are a list": of("facts", facts=[]),
    "facts that are null": of("facts", facts=None),
    "facts that are empty": of("facts", facts={}),
    "facts of 200 MB": lambda request, before, said: (
        endless(b'{"v":2,"facts":"' + MB) if request["do"] == "facts" else said
    ),
    "backends are a list": told_facts(backends=[]),
    "a backend is text": told_facts(backends={"onnxruntime": "1.20"}),
    "gpus are an object": told_facts(gpus={}),
    "packages are a number": told_facts(packages=3),
    "cores are text": told_facts(cores_logical="four"),
    "the disk is negative": told_facts(disk_free_bytes=-1),
    "the clock is NaN": told_facts(clock_resolution_ns=float("nan")),
    "the board's name is a list": told_facts(board=["x"]),
    "a host name of a megabyte": told_facts(hostname="h" * (1 << 20)),
    "throttled is a number": told_facts(throttled=1),
    "further facts": told_facts(further=1),
    "the temperature is text": conditions(temperature_c="hot"),
    "the temperature is infinite": conditions(temperature_c=float("inf")),
    "the load is negative": conditions(load_1m=-1.0),
    "the time is negative": conditions(at_ns=-1),
    "unavailable is a list": conditions(unavailable=[]),
    "no conditions": of("conditions", conditions=None),
    # pushing
    "another blob is there": of("have", blobs={"0" * 64: {"state": "whole", "bytes": 1}}),
    "no blob is there": of("have", blobs={}),
    "a blob in an unknown state": of(
        "have", blobs={Blob.of_bytes(b"model").sha256: {"state": "fine", "bytes": 1}}
    ),
    "a blob of negative bytes": of(
        "have", blobs={Blob.of_bytes(b"model").sha256: {"state": "partial", "bytes": -5}}
    ),
    "blobs are a list": of("have", blobs=[]),
    "nothing arrived": of("receive", blobs={}),
    "trouble is a number": of("receive", trouble=7),
    "always corrupt": lambda request, before, said: (
        [{**said[0], "blobs": dict.fromkeys(said[0]["blobs"], "corrupt")}]
        if request["do"] in ("receive", "adopt") else said
    ),
    # the first words
    "hello of another protocol": of("hello", protocol=1),
    "hello of another runner": of("hello", runner_sha256="0" * 64),
    "hello without a root": of("hello", root=None),
    "hello with a negative pid": of("hello", pid=-1),
    "refused for an unknown reason": says("hello", {"event": "refused", "kind": "mood",
                                                    "message": "no"}),
    "refused by a list": says("hello", {"event": "refused", "kind": "busy", "message": "",
                                        "holder": []}),
    "held by somebody with a long name": says(
        "hello", {"event": "refused", "kind": "busy", "message": "in use",
                  "holder": {"user": "u" * 5000}}
    ),
    "noise for ever": says("hello", *[b"Welcome to the board\n"] * 5000),
    "it ends and says nothing": says("hello", END),
    "noise without an end": lambda request, before, said: endless(MB),
    "an answer to something else": says("facts", {"event": "room", "free_bytes": 1}),
    "an error for everything": says("facts", {"event": "error", "message": "\x1b[2Jno"}),
}  # fmt: skip
#: It does not lie: nothing comes, or no more; that is tried again, a few times.
LOST: dict[str, Lie] = {
    "a silent hello": says("hello"),
    "a silent launch": of_launch(1, lambda said: said[:4]),
    "silent from the first launch on": lambda request, before, said: (
        [] if request["do"] == "launch" else said
    ),
    "silent facts": says("facts"),
    "ends in a launch": of_launch(1, lambda said: [*said[:4], END]),
    "ends in every launch": lambda request, before, said: (
        [END] if request["do"] == "launch" else said
    ),
    "ends after its facts": lambda request, before, said: (
        [*said, END] if request["do"] == "facts" else said
    ),
}


def run(
    lie: Lie, pauses_s: tuple[float, ...] | None = None
) -> tuple[dict[str, DeviceError | None], list[Launch], Script, Script]:
    """Run both devices to their end, side by side; with other pauses one after the other."""
    scripts = {"healthy": Script(), "lying": Script(lie)}
    recorded: list[Launch] = []
    lock = threading.Lock()

    def record(launch: Launch) -> None:
        row, outputs = launch_row(launch)
        for name in ("details", "before", "after", "tracks"):
            row[name] = json.loads(json.dumps(row[name], allow_nan=False))
        with lock:
            recorded.append(launch_from(row, launch.cell, outputs))  # type: ignore[arg-type]

    def connect(profile: DeviceProfile) -> DeviceSession:
        return scripts[profile.name].session(profile)

    works = [devices_work("healthy"), devices_work("lying")]
    if pauses_s is None:
        errors = engine.run_devices(works, connect, record, Diary())
    else:
        errors = {one.device.name: _alone(one, connect, record, pauses_s) for one in works}
    return errors, recorded, scripts["healthy"], scripts["lying"]


def _alone(
    one: DeviceWork, connect: Any, record: Any, pauses_s: tuple[float, ...]
) -> DeviceError | None:
    try:
        for launch in campaign.measure(one, connect, Diary(), pauses_s):
            record(launch)
    except DeviceError as error:
        return error
    return None


def keyed(launches: Iterable[Launch], device: str) -> list[Launch]:
    return [launch for launch in launches if launch.cell.device == device]


def hold_to_the_truth(launches: list[Launch]) -> None:
    """No launch is doubled, unreadable or under a wrong cell; the healthy device lost none."""
    healthy = keyed(launches, "healthy")
    assert [one.status for one in healthy] == ["finished"] * LAUNCHES * CELLS
    assert len({(one.cell.key, one.index, one.attempt) for one in launches}) == len(launches)
    for one in launches:
        assert one.failure is None or one.failure.kind != "record", one.failure
        if one.status == "finished":
            assert one.samples_ns.tolist() == [call_ns({"cell": one.cell.key})] * 5
        else:
            assert one.failure is not None


@pytest.mark.parametrize("name", BROKEN)
def test_a_device_that_lies_harms_nobody_but_itself(name: str) -> None:
    errors, launches, _, lying = run(BROKEN[name])
    hold_to_the_truth(launches)
    assert errors["healthy"] is None
    mine = keyed(launches, "lying")
    failed = [one for one in mine if one.status != "finished"]
    error = errors["lying"]
    assert error is not None or failed, "nothing was noticed"
    assert len(lying.heard) < 60
    if error is not None:
        text = str(error)
        assert text.startswith("lying: ")
        assert text.isprintable()
        assert len(text) < 6000
    if isinstance(error, ProtocolFault):
        assert "devices doctor lying" in str(error)
        asked = [one["do"] for one in lying.heard]
        assert lying.processes <= 2  # it is not tried again, but for a runner that is not ours
        assert asked.count("launch") <= 3  # what comes behind an end is noticed in the next one
        assert all(one.failure and one.failure.kind == "protocol" for one in failed)
        assert len(failed) == (asked.count("launch") > 1)


@pytest.mark.parametrize("name", LOST)
def test_a_device_that_falls_silent_is_tried_again_and_then_given_up(name: str) -> None:
    errors, launches, _, lying = run(LOST[name], (0.0, 0.001))
    hold_to_the_truth(launches)
    assert errors["healthy"] is None
    mine = keyed(launches, "lying")
    interrupted = [one for one in mine if one.status != "finished"]
    error = errors["lying"]
    assert lying.processes > 1
    assert not isinstance(error, ProtocolFault)
    if error is None:  # it came back
        assert (
            len(mine)
            - len(interrupted)
            + len({one.cell.key for one in interrupted if one.status == "failed"})
            >= CELLS
        )
    else:
        assert str(error).startswith("lying: ")
    per_place = [(one.cell.key, one.index) for one in interrupted]
    assert all(per_place.count(place) <= campaign.MOST_ATTEMPTS for place in per_place)


def gone_back(launches: range) -> Lie:
    """The time of day goes back in some launches."""

    def lie(request: Mapping[str, Any], before: int, said: list[Any]) -> Iterable[Any]:
        if request["do"] != "launch" or before not in launches:
            return said
        return [*said[:-1], {**said[-1], "after": {**said[-1]["after"], "at_ns": 5}}]

    return lie


def test_a_time_of_day_that_went_back_once_is_tried_again() -> None:
    errors, launches, _, _ = run(gone_back(range(1, 2)))
    hold_to_the_truth(launches)
    assert errors == {"healthy": None, "lying": None}
    mine = keyed(launches, "lying")
    assert [one.status for one in mine].count("finished") == LAUNCHES * CELLS
    (again,) = (one for one in mine if one.status != "finished")
    assert again.status == "interrupted"
    assert again.failure is not None
    assert again.failure.kind == "clock"


def test_a_time_of_day_that_always_goes_back_is_given_up() -> None:
    errors, launches, _, _ = run(gone_back(range(1000)))
    hold_to_the_truth(launches)
    assert errors == {"healthy": None, "lying": None}
    mine = keyed(launches, "lying")
    assert [one.status for one in mine].count("failed") == CELLS
    assert len(mine) == CELLS * campaign.MOST_ATTEMPTS


def test_over_a_hundred_ways_are_tried() -> None:
    assert len(BROKEN) + len(LOST) >= 115


@pytest.mark.parametrize("name", ["a line without an end", "facts of 200 MB", "events for ever"])
def test_what_floods_takes_no_memory(name: str) -> None:
    script = Script(BROKEN[name])
    tracemalloc.start()
    try:
        with pytest.raises(ProtocolFault):
            list(campaign.measure(devices_work("lying"), script.session, Diary()))
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()


def test_a_launch_that_fails_honestly_closes_its_cell_alone() -> None:
    def lie(request: Mapping[str, Any], before: int, said: list[Any]) -> Iterable[Any]:
        if request["do"] == "launch" and before == 0:
            return failed_events(request["job"])
        return said

    errors, launches, _, _ = run(lie)
    hold_to_the_truth(launches)
    assert errors == {"healthy": None, "lying": None}
    mine = keyed(launches, "lying")
    assert [one.status for one in mine].count("failed") == 1
    assert len(mine) == 1 + LAUNCHES
