"""Every field of every event changed: each mutant is refused, or does no harm to the record."""

from __future__ import annotations

import base64
import binascii
import copy
import dataclasses
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from builders import make_cell
from lying_device import (
    CASES,
    CLASSES,
    RUNNER,
    Script,
    ScriptedProcess,
    ScriptedTransport,
    failed_events,
    honest,
    launch_events,
)
from scripted import work

from benchhub.device.agent import RemoteAgent
from benchhub.device.events import schema
from benchhub.device.events.expected import Expected, ExpectedOutput
from benchhub.device.provision.install import Trouble
from benchhub.device.provision.lock import Pinned, parse, pinned
from benchhub.device.provision.target import Environment, Target
from benchhub.device.provision.wheels import download_arguments
from benchhub.device.session import DeviceSession
from benchhub.device.staging.blob import Blob
from benchhub.errors import BackendError, DeviceError, ProtocolFault
from benchhub.model.facts import Facts
from benchhub.model.launch import Launch
from benchhub.ondevice import failed, wire
from benchhub.ondevice.wire import Job, Outcome, encode_job
from benchhub.run.loop.campaign import _record
from benchhub.store.records import launch_from, launch_row

JOB = Job(
    "0123456789abcdef", 0, "onnxruntime", "latency", "a" * 64, "onnx", {"x": "b" * 64},
    iterations=20, warmup=5,
)  # fmt: skip
EXPECTED = Expected(CASES, (ExpectedOutput((CLASSES,), CLASSES * 8),))
CELL = make_cell(device="board", launches=1, iterations=20)
BLOB = Blob.of_bytes(b"content")
LOCK = parse(
    "tiny", "tiny", "tiny-rt",
    f"tiny-rt==1.0 ; python_version >= '3.8' --hash=sha256:{'0' * 64}\n"
    f"more==2.0 ; platform_machine == 'aarch64' --hash=sha256:{'1' * 64}\n",
)  # fmt: skip
PINNED = Pinned(LOCK, LOCK.pins, ("numpy",))
PROFILE = work().device

Mutant = tuple[str, list[Any]]


def _others(value: Any, inside: bool) -> Iterator[tuple[str, Any]]:
    """Yield what may stand in the place of a value: other types, signs and sizes.

    The largest stand in the places of whole fields only.
    """
    if not inside:
        yield from (
            ("10**400", 10**400), ("deep", _deep(40)), ("deeper", _deep(300)),
            ("many", list(range(30_000))),
        )  # fmt: skip
    for name, other in (
        ("null", None), ("true", True), ("zero", 0), ("minus one", -1), ("2**31", 2**31),
        ("2**63", 2**63), ("minus 2**63 and one", -(2**63) - 1),
        ("a half", 0.5), ("NaN", float("nan")), ("infinity", float("inf")), ("1e300", 1e300),
        ("no text", ""), ("a word", "word"), ("a long text", "x" * 5000),
        ("an escape", "\x1b]0;title\x07\u202e"), ("NUL", "a\0b"), ("half a character", "\ud800"),
        ("no list", []), ("a list", [1, "two", None]), ("no object", {}),
        ("an object", {"a": 1}),
    ):  # fmt: skip
        if other != value or type(other) is not type(value):
            yield name, other
    if isinstance(value, bool):
        yield "the other", not value
    elif isinstance(value, int | float):
        for name, other in (("negative", -value - 1), ("times a million", value * 10**6)):
            yield name, other
        yield "as text", str(value)
        yield "as a float", value + 0.25
    elif isinstance(value, str) and value:
        yield "a character less", value[:-1]
        yield "a character more", value + "A"
        yield "twice", value + value
        yield "half", value[: len(value) // 8 * 4]
        yield "in a list", [value]
    elif isinstance(value, list) and value:
        yield "an item less", value[:-1]
        yield "the last twice", [*value, value[-1]]
        yield "in reverse", value[::-1] if value[::-1] != value else [*value, *value]


def _deep(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    if isinstance(value, dict):
        for key in value:
            yield from _places(value[key], (*path, key))
    elif isinstance(value, list):
        for index in range(min(2, len(value))):
            yield from _places(value[index], (*path, index))


def _at(value: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        value = value[key]
    return value


def _with(event: dict[str, Any], path: tuple[Any, ...], change: Callable[[Any, Any], None]) -> Any:
    changed = copy.deepcopy(event)
    change(_at(changed, path[:-1]), path[-1])
    return changed


def field_mutants(events: list[dict[str, Any]], index: int) -> Iterator[Mutant]:
    """Yield the events with each field of one of them changed, absent or joined by another."""
    whole = {"v": 2, "n": None, "to": None, **events[index]}
    event = {
        key: value for key, value in whole.items() if value is not None or key in events[index]
    }

    def made(name: str, changed: Any) -> Mutant:
        return name, [*events[:index], changed, *events[index + 1 :]]

    for path in _places(event):
        name = ".".join(map(str, path))
        for word, other in _others(_at(event, path), len(path) > 1):
            yield made(
                f"{name} is {word}",
                _with(event, path, lambda at, key, other=other: at.__setitem__(key, other)),
            )
        if isinstance(_at(event, path[:-1]), dict) and path != ("event",):
            yield made(f"{name} is absent", _with(event, path, lambda at, key: at.pop(key)))
        if isinstance(_at(event, path), dict):
            more = {**_at(event, path), "further": 1}
            yield made(
                f"{name} has more",
                _with(event, path, lambda at, key, more=more: at.__setitem__(key, more)),
            )
    yield made("it has more", {**event, "further": 1})
    for word, head in (
        ("of another launch", {"to": "deadbeef-1"}), ("of none", {"to": ""}),
        ("too early", {"n": 1}), ("too late", {"n": 1000}), ("numbered backwards", {"n": -1}),
        ("of an older protocol", {"v": 1}), ("of a newer one", {"v": 3}),
    ):  # fmt: skip
        yield made(word, {**event, **head})


def stream_mutants(events: list[dict[str, Any]]) -> Iterator[Mutant]:
    """Yield the events with one absent, twice, elsewhere, or with lines between them."""
    for index, event in enumerate(events):
        before, after, name = events[:index], events[index + 1 :], f"{index} {event['event']}"
        yield f"{name} absent", [*before, *after]
        yield f"{name} twice", [*before, event, event, *after]
        yield f"{name} a thousand times", [*before, *[event] * 1000, *after]
        yield f"{name} first", [event, *before, *after]
        if after:
            yield f"{name} after the next", [*before, after[0], event, *after[1:]]
        yield f"{name} cut", [*before, json.dumps(event).encode()[:-3] + b"\n", *after]
        yield f"{name} not ended", [*before, json.dumps(event).encode()]
        for line in (b"\n", b"{}\n", b"[1]\n", b"Segmentation fault\n", b"\xff\xfe\n", b"null\n"):
            yield f"{name} behind {line!r}", [*before, line, event, *after]
        for kind in ("pong", "hello", "facts", "error", "done"):
            yield f"{name} behind a {kind}", [*before, {"event": kind}, event, *after]


def session(script: Script) -> DeviceSession:
    """A session behind its hello, without a thread of its own."""
    process = ScriptedProcess(script)
    agent = RemoteAgent(process, "board")
    said = agent.hello("/root", {}, 60.0, {})
    assert said.event == "hello"
    return DeviceSession(PROFILE, ScriptedTransport("board", script), agent, said)


def told(said: list[Any]) -> Outcome | DeviceError:
    """What a launch comes to where the device says this."""
    script = Script(lambda request, before, honest: said if request["do"] == "launch" else honest)
    try:
        return session(script).launch(JOB, expected=EXPECTED)
    except DeviceError as error:
        return error


def as_kept(outcome: Outcome) -> Launch:
    """The launch as it comes back from the store."""
    place = (0, 0, 0)
    made = _record(work((CELL,)), CELL, place, "2026-01-01T00:00:00.000+00:00", outcome)
    row, outputs = launch_row(made)
    assert isinstance(row["failure_message"], str | None)
    for name in ("details", "before", "after", "tracks"):
        row[name] = json.loads(json.dumps(row[name], allow_nan=False))
    return launch_from(row, CELL, outputs)  # type: ignore[arg-type]


def harmless(name: str, outcome: Outcome) -> None:
    """Fail unless the outcome is recorded, read back, and as sound as it says."""
    kept = as_kept(outcome)
    assert kept.failure is None or kept.failure.kind != "record", (name, kept.failure)
    about = kept.details
    asked = (about.pacing, about.processors, about.operators, about.sums, about.calls_per_round)
    assert len([*asked, about.threads_at_once, about.engine_rebuilt]) == 7
    message = kept.failure.message if kept.failure else ""
    raw = json.dumps([kept.details.told, outcome.provider, message], ensure_ascii=False)
    assert raw.isprintable(), name
    if kept.status != "finished":
        assert kept.failure is not None, name
        return
    assert kept.samples_ns.size == JOB.iterations, name
    assert kept.samples_ns.min() >= 0, name
    assert kept.elapsed_ns is not None, name
    assert kept.wall_ns is not None, name
    assert int(kept.samples_ns.sum()) <= kept.elapsed_ns <= kept.wall_ns, name
    (output,) = kept.outputs
    assert output.shape == (CASES, CLASSES), name
    assert output.dtype.kind in "biuf", name


def judged(mutants: Iterator[Mutant]) -> Counter[str]:
    """Count what became of mutants, after each was looked at."""
    found: Counter[str] = Counter()
    for name, said in mutants:
        result = told(said)
        if isinstance(result, DeviceError):
            assert str(result).startswith("board: "), (name, result)
            assert len(str(result)) < 6000, name
            assert "\x1b" not in str(result), name
            found["protocol" if isinstance(result, ProtocolFault) else "device"] += 1
        else:
            harmless(name, result)
            found[result.status] += 1
    return found


HONEST = launch_events(encode_job(JOB))
FAILED = failed_events(encode_job(JOB))


def test_the_honest_launches_are_taken_as_they_are() -> None:
    outcome = told(HONEST)
    assert isinstance(outcome, Outcome)
    assert (outcome.status, outcome.failure) == ("finished", None)
    harmless("honest", outcome)
    (output,) = as_kept(outcome).outputs
    assert np.array_equal(output, np.arange(12, dtype=np.float32).reshape(4, 3))
    assert list(outcome.tracks_ns["device"]) == [value - 1 for value in outcome.samples_ns]
    broken = told(FAILED)
    assert isinstance(broken, Outcome)
    assert broken.status == "failed"
    assert broken.failure is not None
    assert broken.failure.message == "no such operator"


@pytest.mark.parametrize("index", range(len(HONEST)), ids=lambda i: f"{i}-{HONEST[i]['event']}")
def test_a_changed_field_of_a_launch_is_refused_or_harmless(index: int) -> None:
    found = judged(field_mutants(HONEST, index))
    assert found["protocol"] > 40
    assert found["protocol"] + found["failed"] + found["device"] > found["finished"]


@pytest.mark.parametrize("index", [2, 3])
def test_a_changed_field_of_a_failure_is_refused_or_harmless(index: int) -> None:
    found = judged(field_mutants(FAILED, index))
    assert found["protocol"] > 100
    assert not found["finished"]


def test_events_absent_twice_or_out_of_order_are_refused_or_harmless() -> None:
    found = judged(stream_mutants(HONEST))
    assert found["protocol"] > 200
    assert found["finished"] < 20  # what may be absent, such as energy and tracks


def test_there_are_as_many_mutants_as_promised() -> None:
    fields = sum(1 for index in range(len(HONEST)) for _ in field_mutants(HONEST, index))
    assert fields + sum(1 for _ in stream_mutants(HONEST)) >= 2000


ASKED: dict[str, Callable[[DeviceSession], Any]] = {
    "facts": lambda session: session.facts(),
    "conditions": lambda session: session.conditions(),
    "have": lambda session: session.have([BLOB.sha256]),
    "adopt": lambda session: session.adopt([BLOB.sha256]),
    "receive": lambda session: session.receive([BLOB], {}, lambda count: None),
    "room": lambda session: session.free_bytes(),
    "environments": lambda session: fitting(*session.environments()),
    "provision": lambda session: made(session.build(PINNED, None, 60.0)),
    "unprovision": lambda session: session.unprovision(),
}


def fitting(device: Target, there: tuple[Environment, ...]) -> Any:
    """What a lock comes to on the device, and where its wheels are looked for."""
    fits = [pin.name for pin in pinned((LOCK,), device).pins]
    options = download_arguments(device)
    assert all(len(option) < 100 and "/" not in option and " " not in option for option in options)
    return [fits, options, [dataclasses.asdict(one) for one in there]]


def made(answer: tuple[Environment, bool] | Trouble) -> Any:
    if isinstance(answer, Trouble):
        return answer
    environment, built = answer
    assert (environment.backend, environment.reason) == ("tiny", None)
    assert environment.pins_sha256 == PINNED.sha256
    return [dataclasses.asdict(environment), built]


@pytest.mark.parametrize("do", ASKED)
def test_a_changed_field_of_an_answer_is_refused_or_harmless(do: str) -> None:
    request = {"do": do, "digests": [BLOB.sha256], "pins": PINNED.text}
    found: Counter[str] = Counter()
    for name, said in (*field_mutants(honest(request), 0), *stream_mutants(honest(request))):
        script = Script(
            lambda asked, before, answer, said=said: said if asked["do"] == do else answer
        )
        refusal: Exception | None = None
        try:
            answer = ASKED[do](session(script))
        except (DeviceError, OSError) as error:
            refusal = error
        if refusal is not None:
            assert str(refusal).startswith("board: ") or isinstance(refusal, OSError), name
            found["refused"] += 1
        else:
            raw = json.dumps(answer, default=_plain, ensure_ascii=False)
            assert raw.isprintable(), name
            assert len(raw) < 300_000
            found["taken"] += 1
    assert found["refused"] > 40


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("platform_machine", "x/../../../../home/user"), ("platform_machine", "x86_64 --pre"),
        ("platform_machine", "x" * 4000), ("platform_machine", ""),
        ("python_full_version", "3.11.2/../../elsewhere"), ("python_full_version", "3.11 -r x"),
    ],
)  # fmt: skip
def test_words_of_a_device_that_name_files_here_are_plain(word: str, value: str) -> None:
    def lie(request: Any, before: int, said: list[Any]) -> list[Any]:
        return (
            [{**one, "target": {**one["target"], word: value}} for one in said]
            if request["do"] == "environments"
            else said
        )

    with pytest.raises(BackendError, match=f"board: its Python tells .* as {word}, which is none"):
        session(Script(lie)).environments()


@pytest.mark.parametrize("field", ["backend", "pins_sha256"])
def test_another_environment_than_the_one_asked_for_is_a_fault(field: str) -> None:
    def lie(request: Any, before: int, said: list[Any]) -> list[Any]:
        return (
            [{**one, "environment": {**one["environment"], field: "e" * 64}} for one in said]
            if request["do"] == "provision"
            else said
        )

    with pytest.raises(ProtocolFault, match="answered with another environment"):
        session(Script(lie)).build(PINNED, None, 60.0)


def _plain(one: Any) -> Any:
    if isinstance(one, Facts):
        return dict(one.told)
    return dataclasses.asdict(one)


def test_a_changed_field_of_a_hello_is_refused_or_harmless() -> None:
    found: Counter[str] = Counter()
    for name, said in field_mutants(honest({"do": "hello"}), 0):
        script = Script(lambda asked, before, answer, said=said: said)
        refusal = ""
        try:
            with DeviceSession.open(
                PROFILE, RUNNER, {"run": "r"}, connect=script.connect, heartbeat_s=1e6
            ) as opened:
                assert opened.hello.runner_sha256 == RUNNER.sha256, name
        except DeviceError as error:
            refusal = str(error)
        assert refusal.startswith("board: ") or not refusal, name
        found["refused" if refusal else "taken"] += 1
    assert found["refused"] > 100


READINGS = {
    "no memory": (-2, {"peak_rss_bytes": 0}), "all memory": (-2, {"peak_rss_bytes": 2**63 - 1}),
    "none at first": (-2, {"imported_rss_bytes": 0}),
    "all of a GPU": (-2, {"gpu_bytes": 2**63 - 1}),
    "energy in no time": (8, {"elapsed_ns": 0}), "energy of a city": (8, {"energy_uj": 2**62}),
}  # fmt: skip


@pytest.mark.parametrize("name", READINGS)
def test_readings_that_no_process_has_are_implausible(name: str) -> None:
    index, fields = READINGS[name]
    said = copy.deepcopy(HONEST)
    said[index] |= fields
    outcome = told(said)
    assert isinstance(outcome, Outcome)
    assert outcome.status == "failed"
    assert outcome.failure is not None
    assert outcome.failure.kind == "implausible"


@pytest.mark.parametrize("empty", ["", " \t"])
def test_a_device_that_gives_no_reason_is_said_to_give_none(empty: str) -> None:
    failure = {"stage": "load", "kind": "raised", "message": empty}
    outcome = told([*HONEST[:2], {**HONEST[-1], "status": "failed", "failure": failure}])
    assert isinstance(outcome, Outcome)
    assert outcome.failure is not None
    assert outcome.failure.message == "(it does not say why)"


@pytest.mark.parametrize(
    ("greeting", "words"),
    [
        ({"event": "refused", "kind": "root", "message": ""}, "cannot be used: (it does not say"),
        ({"event": "refused", "kind": "busy", "message": "", "holder": {"user": "", "host": " "}},
         "in use, nobody says by whom"),
        ({**honest({"do": "hello"})[0], "python": ""}, "python is wrong: an empty"),
    ],
)  # fmt: skip
def test_empty_words_of_a_greeting_are_not_shown(greeting: dict[str, Any], words: str) -> None:
    script = Script(lambda asked, before, said: [greeting])
    with pytest.raises(DeviceError, match=re.escape(words)):
        script.session(PROFILE)


def test_a_shape_that_no_array_can_have_breaks_the_protocol() -> None:
    said = copy.deepcopy(HONEST)
    said[12] |= {"shape": [CASES, 0, 2**39, 2**39], "data": ""}
    result = told([*said[:13], *said[14:]])
    assert isinstance(result, ProtocolFault)
    assert "of a shape that no memory holds" in str(result)


def test_base64_that_decodes_to_other_bytes_is_no_other_series() -> None:
    for text in ("AAAA", "AAAAAAAAAAA", "=" * 12, "AAAA AAAA AAA=", "\u00e9" * 12):
        said = copy.deepcopy(HONEST)
        said[9]["samples"] = text
        result = told(said)
        assert isinstance(result, ProtocolFault) or result.status == "failed", text
        with pytest.raises((binascii.Error, ValueError, AssertionError)):
            assert len(base64.b64decode(text, validate=True)) == 8 * JOB.iterations


def test_the_words_of_the_schema_are_those_of_the_wire() -> None:
    told = schema.FailedEvent.model_fields
    kinds, stages = set(get_args(told["kind"].annotation)), set(get_args(told["stage"].annotation))
    ours = {"link", "nonfinite", "protocol", "implausible", "record"}  # the controller's
    assert kinds == set(wire.KINDS) - ours
    assert set(failed.OWN_KINDS) <= kinds
    assert stages == set(wire.STAGES) - {"link", "measure"}
    refused = get_args(schema.RefusedEvent.model_fields["kind"].annotation)
    assert set(refused) == set(wire.REFUSALS)
    tracks = get_args(schema.TrackEvent.model_fields["name"].annotation)
    assert set(tracks) == set(wire.TRACKS) == set(failed.OWN_TRACKS)
    trouble = schema._Trouble.model_fields["kind"].annotation
    assert set(get_args(trouble)) == set(wire.TROUBLES)
    assert get_args(schema.PongEvent.model_fields["v"].annotation) == (wire.PROTOCOL,)
    bootstrap = Path(wire.__file__).parent / "agent" / "bootstrap.py"
    assert f'"v":{wire.PROTOCOL},"n":0' in bootstrap.read_text()
