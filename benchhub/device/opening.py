"""From a connection to an agent that holds the lease: start, push if needed, wait if busy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from benchhub.device import bootstrap
from benchhub.device.agent import AgentEnded, RemoteAgent
from benchhub.device.bootstrap import RunnerFile
from benchhub.device.events.schema import HelloEvent, KeepingEvent, RefusedEvent
from benchhub.device.transport import Transport
from benchhub.device.turns.queue import Asking, Queue
from benchhub.device.turns.turn import StaleAgent, Turn
from benchhub.errors import DeviceError, NoSpace, PythonUnusable
from benchhub.model.device import DeviceProfile

T = TypeVar("T")


class Opening:
    """The way from a connection to an agent that holds the lease."""

    def __init__(
        self,
        transport: Transport,
        profile: DeviceProfile,
        runner: RunnerFile,
        holder: Mapping[str, Any],
        heartbeat_s: float,
        asking: Asking,
    ) -> None:
        self._transport = transport
        self._profile = profile
        self._runner = runner
        self._holder = holder
        self._heartbeat_s = heartbeat_s
        self._asking = asking
        self._pushed = False
        self._another_python = False

    def with_lease(
        self, own_run: str | None, on_wait: Callable[[str], None]
    ) -> tuple[RemoteAgent, HelloEvent]:
        """Return the agent that holds the lease and its hello; see `DeviceSession.open`."""
        turn = Turn(self._profile, self._asking, self._holder, own_run, on_wait)
        while True:
            try:
                agent, event = self._agent(turn)
            except StaleAgent:
                continue  # the next one ends it
            if isinstance(event, HelloEvent):
                if event.evicted:
                    on_wait(f"{self._profile.name}: ended its own agent of before: {event.evicted}")
                return agent, event
            agent.close()
            if self._python_too_old(event):
                self._another_python = True
            elif event.kind != "busy":
                raise self._refused(event)
            else:
                turn.refused(event.queue.told() if event.queue else Queue())

    def _python_too_old(self, event: RefusedEvent) -> bool:
        """Tell whether another interpreter may be looked for; there is one try."""
        named = bootstrap.python_of(self._profile) != bootstrap.ANY_PYTHON
        return event.kind == "python" and not named and not self._another_python

    def _agent(self, turn: Turn) -> tuple[RemoteAgent, HelloEvent | RefusedEvent]:
        """Start an agent, pushing the runner if it is missing or is not what it should be."""

        def ask(agent: RemoteAgent) -> HelloEvent | RefusedEvent:
            root, heartbeat_s = self._profile.root, self._heartbeat_s
            event = agent.hello(root, self._holder, heartbeat_s, turn.asks(), turn.hear)
            if isinstance(event, HelloEvent) and event.runner_sha256 != self._runner.sha256:
                if self._pushed:
                    raise agent.fault("its agent is not the runner that was pushed to it")
                raise AgentEnded(0, "another runner", in_shell=True)
            return event

        return self._started(ask)

    def _started(self, ask: Callable[[RemoteAgent], T]) -> tuple[RemoteAgent, T]:
        """Return an agent and what it answered to `ask`; AgentEnded means that it has to be pushed.

        It does so once.
        """
        while True:
            process = bootstrap.start_agent(
                self._transport, self._profile, self._runner, self._another_python
            )
            agent = RemoteAgent(process, self._profile.name)
            try:
                return agent, ask(agent)
            except AgentEnded as ended:
                agent.close()
                reason = self._why(ended)
                if reason is not None:
                    raise reason from ended
            except BaseException:
                agent.close()
                raise
            bootstrap.push_runner(
                self._transport, self._profile, self._runner, self._another_python
            )
            self._pushed = True

    def without_lease(self, request: Mapping[str, Any]) -> KeepingEvent:
        """Return the answer to a request for which the device need not be had."""
        root = self._profile.root
        while True:
            agent, event = self._started(lambda agent: agent.only({**request, "root": root}))
            agent.close()
            if isinstance(event, KeepingEvent):
                return event
            if not self._python_too_old(event):
                raise self._refused(event)
            self._another_python = True

    def _why(self, ended: AgentEnded) -> DeviceError | None:
        """Return why there is no agent; None where the runner has to be pushed first."""
        if not ended.in_shell:
            return bootstrap.no_shell(self._profile, ended.status, ended.said)
        if ended.status == bootstrap.NO_PYTHON:
            return bootstrap.no_python(self._profile)
        if ended.status == bootstrap.NO_HOME:
            return bootstrap.no_home(self._profile)
        if ended.status in (bootstrap.OPEN_TO_OTHERS, bootstrap.OF_ANOTHER):
            return bootstrap.not_private(self._profile, ended.status, ended.said)
        return self._broken(ended) if self._pushed else None

    def _broken(self, ended: AgentEnded) -> DeviceError:
        said = " ".join(ended.said.split())[-300:] or "it said nothing"
        return DeviceError(
            f"{self._profile.name}: the agent ended at once with status {ended.status}: {said}; "
            f"does {self._profile.python!r} work there?"
        )

    def _refused(self, event: RefusedEvent) -> DeviceError:
        name, message = self._profile.name, event.message
        if event.kind == "python":
            return PythonUnusable(
                f"{name}: {message}; install Python 3.8 or later, or name it as `python` in its "
                "profile"
            )
        if event.kind == "root":
            if "No space" in message:
                return NoSpace(f"{name}: {message}; free some, or set `root` to another disk")
            return DeviceError(f"{name}: root {self._profile.root} cannot be used: {message}")
        return DeviceError(f"{name}: the agent refuses: {message}")
