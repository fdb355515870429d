"""The agent: holds the lease, answers the controller, starts a child per launch.

It lives exactly as long as its controller: when stdin ends or stays silent for the heartbeat, it
kills the child's process group and ends, which frees the lease.
"""

import dataclasses
import hashlib
import os
import platform
import queue
import resource
import sys
from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple

from benchhub.ondevice import wire
from benchhub.ondevice.agent import command
from benchhub.ondevice.agent.answers import NumberedEvents
from benchhub.ondevice.agent.blobs import Blobs
from benchhub.ondevice.agent.launch import Children, launch, own_cpu_ticks
from benchhub.ondevice.agent.private import UMASK, NotPrivate
from benchhub.ondevice.agent.reader import END, RequestReader
from benchhub.ondevice.agent.receive import explain, receive
from benchhub.ondevice.agent.unpack import unpack
from benchhub.ondevice.cause import cause
from benchhub.ondevice.facts.conditions import snapshot
from benchhub.ondevice.facts.probe import facts
from benchhub.ondevice.provision import environments
from benchhub.ondevice.provision.install import Ended, NotProvisioned, provision, wanted
from benchhub.ondevice.turns import keeping
from benchhub.ondevice.turns.claims import number
from benchhub.ondevice.turns.hall import Busy
from benchhub.ondevice.turns.lease import Lease, end_stale, stale
from benchhub.ondevice.turns.waiting import Demand, QueuePlace

Message = Dict[str, Any]


def main(runner: str) -> int:
    """Serve one controller on stdin and stdout; exit status 0, or 3 when refused."""
    os.umask(UMASK)
    requests: "queue.SimpleQueue[Any]" = queue.SimpleQueue()
    answers = NumberedEvents(os.dup(1))
    os.dup2(2, 1)  # whatever a library prints must not get between the lines
    # Inherited by every child: a crash must leave a row in the report, not a gigabyte on the disk.
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    children = Children()
    reader = RequestReader(0, requests, children, answers)
    reader.start()
    try:
        return _serve(runner, requests, answers, children, reader)
    except BrokenPipeError:
        return 0
    finally:
        children.kill()
        reader.finished.set()


def _serve(
    runner: str,
    requests: "queue.SimpleQueue[Any]",
    answers: NumberedEvents,
    children: Children,
    reader: RequestReader,
) -> int:
    first = requests.get()
    if first is END:
        return 0
    known = ("hello", *keeping.REQUESTS)
    if not isinstance(first, dict) or first.get("do") not in known or "root" not in first:
        text = "expected hello with a root, got %.200s" % (first,)
        answers.send({"event": "refused", "kind": "protocol", "message": text})
        return 3
    answers.begin(first)
    root = os.path.abspath(os.path.expanduser(first["root"]))
    try:
        if first["do"] != "hello":
            answers.send(dict(keeping.answer(root, first), event="keeping"))
            return 0
        lease, evicted = _lease(root, first, answers, reader)
    except Busy as busy:
        reply = {"event": "refused", "kind": "busy", "message": str(busy), "holder": busy.holder}
        answers.send(dict(reply, queue=busy.queue))
        return 3
    except NotPrivate as reason:
        answers.send({"event": "refused", "kind": "root", "message": str(reason)})
        return 3
    except OSError as error:
        answers.send({"event": "refused", "kind": "root", "message": explain(root, error)})
        return 3
    try:
        answers.send(dict(_hello(root, runner, evicted), waiting=lease.waiting()))
        start = unpack(runner, root)
        return Agent(root, start, lease, answers, children).answer_all(requests)
    finally:
        lease.release()


def _lease(
    root: str, first: Message, answers: NumberedEvents, reader: RequestReader
) -> Tuple[Lease, Optional[str]]:
    """Return the lease, once it is ours, and what became of an agent of ours that had it."""
    ours, pid = first.get("holder") or {}, first.get("evict")
    heir = stale(root, ours, pid) is not None
    place = QueuePlace(root, ours, asked(first, heir))
    try:
        evicted = end_stale(root, ours, pid) if heir and isinstance(pid, int) else None
        if heir and evicted is None:
            place.not_an_heir()
    except BaseException:
        place.close()
        raise
    reader.place = place  # from now on pings are answered with the queue

    def waits(queue: Message) -> None:
        answers.send({"event": "waiting", "queue": queue})

    return place.lease(first.get("wait") is True, waits), evicted


def asked(first: Message, heir: bool = False) -> Demand:
    """Return how a hello asks for the device; what it does not say, or wrongly, is usual."""
    priority, needs_s, now = (first.get(name) for name in ("priority", "needs_s", "now"))
    reservation = first.get("reservation")
    return Demand(
        priority if type(priority) is int else 0,
        number(needs_s) or 0.0,
        number(now),
        reservation if isinstance(reservation, str) else "",
        first.get("reservations"),
        heir,
    )


def _hello(root: str, runner: str, evicted: Optional[str]) -> Message:
    with open(runner, "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    return {
        "event": "hello",
        "protocol": wire.PROTOCOL,
        "runner_sha256": digest,
        "python": platform.python_version(),
        "executable": sys.executable,
        "root": root,
        "pid": os.getpid(),
        "blobs": os.path.join(root, "blobs"),
        "evicted": evicted,
    }


class Agent:
    """Answers requests, one after the other, while it holds the lease."""

    def __init__(
        self, root: str, runner: str, lease: Lease, answers: NumberedEvents, children: Children
    ) -> None:
        self._root = root
        self._runner = runner
        self._lease = lease
        self._events = answers
        self._children = children
        self._blobs = Blobs(root)
        self._answers: Dict[str, Callable[[Mapping[str, Any]], Message]] = {
            "facts": lambda request: {"facts": facts(root)},
            "conditions": lambda request: {"conditions": self._conditions()},
            "have": lambda request: {"blobs": self._blobs.have(request["digests"])},
            "adopt": lambda request: {"blobs": self._blobs.adopt(request["digests"])},
            "receive": self._receive,
            "room": lambda request: {"free_bytes": self._blobs.free_bytes()},
            "settle": self._settle,
            "environments": lambda request: {
                "target": environments.target(),
                "environments": environments.records(root),
            },
            "provision": self._provision,
            "unprovision": lambda request: {
                "removed": [list(one) for one in environments.remove(root, request["backends"])]
            },
        }

    def answer_all(self, requests: "queue.SimpleQueue[Any]") -> int:
        """Answer until `bye` or the end of requests; return the exit status."""
        while True:
            request = requests.get()
            if request is END or (isinstance(request, dict) and request.get("do") == "bye"):
                return 0
            try:
                self._answer(request)
            except (KeyError, TypeError, ValueError) as error:
                text = "%s: %s" % (type(error).__name__, error)
                self._events.send({"event": "error", "message": cause(text)})
            finally:
                if isinstance(request, dict) and "payload" in request:
                    request["payload"].close()

    def _answer(self, request: Any) -> None:
        if not isinstance(request, dict):
            raise request if isinstance(request, ValueError) else ValueError(str(request))
        self._events.begin(request)
        do = request.get("do")
        if do == "launch":
            left_s = number(request.get("left_s"))
            if left_s is not None:
                self._lease.expects(max(0.0, left_s))
            self._launch(wire.decode_job(request["job"]))
            return
        answer = self._answers.get(str(do))
        if answer is None:
            raise ValueError("unknown request %.80r" % (do,))
        try:
            self._events.send(dict(answer(request), event=do))
        except BrokenPipeError:
            raise
        except OSError as error:
            text = "%s: %s" % (do, explain(self._root, error))
            self._events.send({"event": "error", "message": text})

    def _receive(self, request: Mapping[str, Any]) -> Message:
        payload = request.get("payload")
        read = payload.read_into if payload is not None else lambda buffer: 0
        return receive(self._blobs, request["blobs"], read)

    def _settle(self, request: Mapping[str, Any]) -> Message:
        self._blobs.settle()
        return {}

    def _provision(self, request: Mapping[str, Any]) -> Message:
        def run(argv: List[str], variables: Mapping[str, str], until: float) -> Ended:
            return command.run(argv, variables, until, self._children, self._lease.fds)

        try:
            return provision(self._root, wanted(request), self._blobs, self._runner, run)
        except NotProvisioned as trouble:
            return {"trouble": {"kind": trouble.kind, "message": str(trouble)}}

    def _launch(self, job: wire.Job) -> None:
        before = self._conditions()
        result = launch(
            job, self._runner, self._blobs, self._lease.fds, self._children, self._events.send_raw
        )
        self._events.send(
            {
                "event": "end",
                "status": "finished" if result.failure is None else "failed",
                "failure": result.failure and dataclasses.asdict(result.failure),
                "wall_ns": result.wall_ns,
                "before": before,
                "after": self._conditions(),
                "involuntary_switches": result.involuntary_switches,
                "waiting": self._lease.waiting(),
            }
        )

    def _conditions(self) -> Message:
        return dataclasses.asdict(snapshot(own_cpu_ticks()))
