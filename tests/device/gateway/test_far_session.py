"""Sessions through a gateway, without dask between: what is lost, lies, or comes twice."""

from __future__ import annotations

import itertools
import json
import os
import random
import shutil
import subprocess
import threading
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

import numpy as np
import pytest

from benchhub.device.gateway import calling, far_session
from benchhub.device.gateway.calls import answered
from benchhub.device.gateway.far_session import FarSession
from benchhub.device.gateway.scheduler import CallLost
from benchhub.device.gateway.site import Site
from benchhub.device.session import holder
from benchhub.device.staging.blob import Blob
from benchhub.device.turns.queue import Asking
from benchhub.errors import (
    DeviceBusy,
    DeviceError,
    Interrupted,
    LinkLost,
    ProtocolFault,
    Unreachable,
)
from benchhub.model.device import DeviceProfile, Queueing
from benchhub.ondevice.wire import Job

pytestmark = pytest.mark.usefixtures("processes")


def job(**changes: object) -> Job:
    settings: dict[str, object] = {
        "cell": "0" * 16, "launch": 0, "backend": "null", "scenario": "latency", "model": None,
        "model_format": "null", "inputs": {}, "iterations": 50, "warmup": 5, "output_cases": 0,
        "deadline_s": 60.0,
    }  # fmt: skip
    return Job(**{**settings, **changes})  # type: ignore[arg-type]


class Wire:
    """What a scheduler is to a session: calls reach a site in this process, as `bend` lets them."""

    address = "dask://127.0.0.1:8786"
    caller = "Client-1"

    def __init__(self, site: Site) -> None:
        self.site = site
        self.bend: Callable[[dict[str, object], Callable[[], tuple[bytes, bytes]]], object] = (
            lambda request, answer: answer()
        )
        self.asked: list[str] = []
        self.told: list[str] = []
        self._sending = threading.Lock()

    def devices(self) -> Collection[str]:
        return self.site.devices

    def has(self, gateway: str) -> bool:
        return gateway == self.site.gateway

    def tell(self, resource: str, request: bytes) -> None:
        self.told.append(json.loads(request)["do"])
        self.site.answer(request, b"")

    def sending(self, resource: str, digest: str) -> threading.Lock:
        return self._sending

    def call(
        self, resource: str, request: bytes, data: bytes, wait_s: float, woken: object, over: object
    ) -> tuple[bytes, bytes]:
        asked = json.loads(request)
        self.asked.append(asked["do"])
        found = self.bend(asked, lambda: self.site.answer(request, data))
        assert isinstance(found, tuple)
        return found


@pytest.fixture
def wire(tmp_path: Path) -> Iterator[Wire]:
    here = DeviceProfile(name="here", transport="local", root=str(tmp_path / "root"))
    site = Site("lab-1", [here], tmp_path / "cache")
    yield Wire(site)
    site.close()


def opened(
    wire: Wire, run: str = "run-1", wait_s: float = 0.0, pid: int | None = None
) -> FarSession:
    profile = DeviceProfile(name="here", transport="ssh", host="nowhere.invalid")
    asking = Asking(Queueing(wait_s=wait_s))
    who = {**holder(run), "pid": pid or os.getpid()}
    return FarSession.open(profile, wire, who, asking, lambda text: None)  # type: ignore[arg-type]


def test_a_session_through_a_gateway_does_what_one_at_hand_does(wire: Wire, tmp_path: Path) -> None:
    session = opened(wire)
    assert session.facts().told["hostname"]
    assert session.conditions().at_ns > 0
    model = tmp_path / "model"
    model.write_bytes(random.Random(1).randbytes(300_000))
    blob = Blob.of_file(model)
    moved: list[int] = []
    report = session.stage([blob], moved.append)
    assert (report.moved_blobs, report.moved_bytes) == (1, 300_000)
    assert sum(moved) == 600_000  # to the gateway, and from there
    assert session.stage([blob]).moved_bytes == 0
    assert wire.site.cache.received_bytes == 300_000
    outcome = session.launch(job())
    assert outcome.status == "finished"
    assert len(outcome.samples_ns) == 50
    assert np.all(np.array(outcome.samples_ns) >= 0)
    assert session.expects(10.0) == 0
    assert wire.site.states()["open"] == 1
    session.close()
    session.close()
    assert wire.site.states() == {"idle": 1}


def test_a_failed_launch_is_an_outcome_too(wire: Wire) -> None:
    session = opened(wire)
    outcome = session.launch(job(backend="no_such_backend"))
    assert outcome.status == "failed"
    assert session.launch(job(launch=1)).status == "finished"
    assert wire.site.counts.launches == {("here", "failed"): 1, ("here", "finished"): 1}
    session.close()


@pytest.mark.parametrize("seed", range(4))
def test_calls_and_answers_that_are_lost_do_nothing_twice(
    wire: Wire, seed: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    dice = random.Random(seed)
    monkeypatch.setattr(calling, "_AGAIN_S", 0.0)

    def lossy(request: dict[str, object], answer: Callable[[], tuple[bytes, bytes]]) -> object:
        found = answer() if dice.random() < 0.7 else None
        if found is None or dice.random() < 0.4:
            raise CallLost("lost")
        return found

    wire.bend = lossy
    session = opened(wire)
    model = tmp_path / "model"
    model.write_bytes(dice.randbytes(9_000_000))
    assert session.stage([Blob.of_file(model)]).moved_bytes == 9_000_000
    for number in range(3):
        assert session.launch(job(launch=number)).status == "finished"
    assert wire.site.counts.launches == {("here", "finished"): 3}
    assert wire.site.cache.received_bytes == 9_000_000
    session.close()


def test_a_gateway_that_was_started_anew_is_a_lost_link(wire: Wire, tmp_path: Path) -> None:
    session = opened(wire)
    wire.site.close()
    with pytest.raises(LinkLost, match="holds no session with it any more"):
        session.conditions()
    session.close()


def test_silence_is_a_lost_link_after_a_while(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calling, "_AGAIN_S", 0.0)
    monkeypatch.setattr(calling, "PATIENCE_S", 0.2)
    session = opened(wire)

    def silent(request: object, answer: object) -> object:
        raise CallLost("no answer after 20 s")

    wire.bend = silent
    with pytest.raises(LinkLost, match="out of reach: no answer after 20 s"):
        session.conditions()
    session.close()


def test_a_device_that_nobody_offers_is_named(wire: Wire) -> None:
    profile = DeviceProfile(name="there", transport="local")
    with pytest.raises(
        Unreachable, match=r"there: no gateway of dask://127\.0\.0\.1:8786 offers it"
    ):
        FarSession.open(profile, wire, holder("r"), Asking(), lambda text: None)  # type: ignore[arg-type]


def test_another_callers_session_is_waited_for_and_then_had(wire: Wire) -> None:
    first = opened(wire)
    with pytest.raises(DeviceBusy, match=r"in use by .*run run-1"):
        opened(wire, "run-2")
    with pytest.raises(DeviceBusy):  # nor does another process of the same run take it away
        opened(wire, pid=os.getppid())
    first.close()
    second = opened(wire, "run-2", wait_s=30)
    assert second.launch(job()).status == "finished"
    second.close()


@pytest.mark.parametrize("what", ["benchhub", "dask.distributed", "Python"])
def test_other_versions_are_refused_by_name(
    wire: Wire, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from benchhub.device.gateway import messages

    ours = messages.versions()
    monkeypatch.setattr(calling, "versions", lambda: {**ours, what: "0.0.1"})
    said = f"has {what} {ours[what]}, and this is 0.0.1: install the same on both"
    with pytest.raises(DeviceError, match=said):
        opened(wire)


def lying(change: Callable[[bytes], bytes]) -> Callable[..., object]:
    """Change what a gateway passes on of a launch."""

    def bend(request: dict[str, object], answer: Callable[[], tuple[bytes, bytes]]) -> object:
        told, lines = answer()
        if b'"event": "end"' not in lines and b'"event":"end"' not in lines:
            return told, lines
        changed = change(lines)
        found = json.loads(told)
        if found.get("next") is not None:
            found["next"] += len(changed) - len(lines)
        return json.dumps(found).encode(), changed

    return bend


@pytest.mark.parametrize(
    "change",
    [
        lambda lines: lines.replace(b"samples", b"simples"),
        lambda lines: b"\n".join(reversed(lines.strip().split(b"\n"))) + b"\n",
        lambda lines: lines + lines,
        lambda lines: lines[: len(lines) // 2],
        lambda lines: b"{}\n",
        lambda lines: b"",
        lambda lines: b"x" * 3_000_000,
        lambda lines: b"\n".join(lines.split(b"\n")[:-3]) + b"\n",
    ],
)  # fmt: skip
def test_what_a_lying_gateway_passes_on_breaks_the_protocol(
    wire: Wire, change: Callable[[bytes], bytes]
) -> None:
    session = opened(wire)
    wire.bend = lying(change)
    with pytest.raises(ProtocolFault):
        session.launch(job())
    session.close()


@pytest.mark.parametrize(
    "answer",
    [
        b"", b"[]", b"{}x", b'{"v": 2}', b'{"next": -1}', b'{"next": 5}', b'{"more": 1}',
        b'{"moved": "1"}', b'{"over": 0}', b'{"error": {"kind": "", "message": "x"}}',
        b'{"lacking": {"x": 1}}',
    ],
)  # fmt: skip
def test_an_answer_that_is_none_breaks_the_protocol(wire: Wire, answer: bytes) -> None:
    session = opened(wire)
    wire.bend = lambda request, real: (answer, b"")
    with pytest.raises(ProtocolFault) as broken:
        session.conditions()
    assert "\n" not in str(broken.value)
    assert "https://" not in str(broken.value)
    session.close()


def test_what_a_process_that_is_gone_held_is_had_at_once(wire: Wire) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    opened(wire, pid=gone.pid)._calling._beat.stop()
    again = opened(wire)
    lost = opened(wire)  # of this very process: its link broke
    assert lost.launch(job()).status == "finished"
    with pytest.raises(LinkLost):
        again.conditions()
    lost.close()


def test_who_asks_no_more_gives_the_device_back(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    from benchhub.device.gateway import site

    session = opened(wire)
    session._calling._beat.stop()  # as if its process were gone
    monkeypatch.setattr(site, "IDLE_S", -1.0)
    wire.site._reap()
    assert wire.site.states() == {"idle": 1}
    monkeypatch.undo()
    other = opened(wire, "run-2")
    other.close()
    session.close()


def test_whom_the_scheduler_loses_gives_the_device_back_unless_they_come_again(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    from benchhub.device.gateway import site

    session = opened(wire)
    monkeypatch.setattr(site, "_LEFT_S", -1.0)
    wire.site.caller_left("Client-2")
    wire.site._reap()
    wire.site.caller_left("Client-1")
    wire.site.caller_came("Client-1")
    wire.site._reap()
    wire.site.caller_left("Client-1")
    session.conditions()
    wire.site._reap()
    assert wire.site.states()["open"] == 1
    wire.site.caller_left("Client-1")
    wire.site._reap()
    assert wire.site.states() == {"idle": 1}
    session.close()


def test_a_gateway_is_told_that_a_device_is_wanted_where_no_call_says_so(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = opened(wire)
    assert session._calling._touch()
    assert wire.told == []
    monkeypatch.setattr(calling, "_TOUCH_S", 0.0)
    assert session._calling._touch()
    assert wire.told == ["touch"]
    session.close()


def test_of_two_gateways_that_offer_a_device_one_is_asked_throughout(
    wire: Wire, tmp_path: Path
) -> None:
    one, other = wire.site, Site("lab-2", list(wire.site.devices.values()), tmp_path / "cache-2")
    turns = itertools.cycle([one, other])

    class Both(Wire):
        def call(
            self, resource: str, request: bytes, data: bytes, wait_s: float, *more: object
        ) -> tuple[bytes, bytes]:
            named = {f"gateway:{each.gateway}": each for each in (one, other)}
            return named.get(resource, next(turns)).answer(request, data)

    for number in range(2):
        session = opened(Both(one))
        assert session.launch(job(launch=number)).status == "finished"
        session.close()
    other.close()


@pytest.mark.parametrize("told", [0, 9_000_000_000])
def test_a_gateway_that_keeps_nothing_of_a_file_is_not_sent_it_for_ever(
    wire: Wire, tmp_path: Path, told: int
) -> None:
    session = opened(wire)
    wire.bend = lambda request, answer: (
        (json.dumps({"next": told}).encode(), b"") if request["do"] == "put" else answer()
    )
    model = tmp_path / "model"
    model.write_bytes(b"x" * 1000)
    with pytest.raises(ProtocolFault, match="does not keep what is sent to it"):
        session.stage([Blob.of_file(model)])
    session.close()


def test_more_than_was_to_be_pushed_is_no_answer(wire: Wire, tmp_path: Path) -> None:
    session = opened(wire)
    wire.bend = lambda request, answer: (
        (b'{"staged": [9000000000, 1]}', b"") if request["do"] == "stage" else answer()
    )
    model = tmp_path / "model"
    model.write_bytes(b"x" * 1000)
    with pytest.raises(ProtocolFault, match="more models were pushed than there are"):
        session.stage([Blob.of_file(model)])
    session.close()


def test_a_gateway_that_never_connects_to_a_device_is_given_up(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(far_session, "_OPEN_GRACE_S", 0.0)
    wire.bend = lambda request, answer: (
        (b'{"over": false}', b"") if request["do"] in ("open", "hear") else answer()
    )
    with pytest.raises(LinkLost, match="its gateway answers, but it is not connected"):
        opened(wire)


def test_opening_hears_of_a_stop_while_nobody_answers(wire: Wire) -> None:
    def lost(request: object, answer: object) -> object:
        raise CallLost("lost")

    def stopping(text: str) -> None:
        raise Interrupted(text)

    wire.bend = lost
    profile = DeviceProfile(name="here", transport="local")
    with pytest.raises(Interrupted, match="for its gateway, which does not answer"):
        FarSession.open(profile, wire, holder("r"), Asking(), stopping)  # type: ignore[arg-type]


def test_another_programs_worker_is_named(wire: Wire) -> None:
    def other(request: object, answer: object) -> object:
        return answered(b"", b"")

    wire.bend = other
    with pytest.raises(DeviceError, match="is no gateway of benchhub's: it is another program's"):
        opened(wire)


def test_a_cache_that_cannot_be_used_is_told_as_such(wire: Wire, tmp_path: Path) -> None:
    session = opened(wire)
    shutil.rmtree(tmp_path / "cache")
    (tmp_path / "cache").touch()
    model = tmp_path / "model"
    model.write_bytes(b"x" * 1000)
    with pytest.raises(DeviceError, match="where a folder is needed"):
        session.stage([Blob.of_file(model)])
    session.close()
