"""From a connection to an agent that holds the lease: start, push if needed, wait if busy."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Mapping
from typing import Any

from benchhub.device import bootstrap
from benchhub.device.agent import AgentEnded, RemoteAgent
from benchhub.device.bootstrap import RunnerFile
from benchhub.device.events.schema import HelloEvent, RefusedEvent
from benchhub.device.transport import Transport
from benchhub.errors import DeviceBusy, DeviceError, NoSpace, PythonUnusable
from benchhub.model.device import DeviceProfile

#: How long an agent of ours whose link broke may take to notice, and to let go of the lease.
_OWN_LEASE_S = 90.0


class Opening:
    """The way from a connection to an agent that holds the lease."""

    def __init__(
        self,
        transport: Transport,
        profile: DeviceProfile,
        runner: RunnerFile,
        holder: Mapping[str, Any],
        heartbeat_s: float,
    ) -> None:
        self._transport = transport
        self._profile = profile
        self._runner = runner
        self._holder = holder
        self._heartbeat_s = heartbeat_s
        self._pushed = False
        self._another_python = False

    def with_lease(
        self, own_run: str | None, on_wait: Callable[[str], None]
    ) -> tuple[RemoteAgent, HelloEvent]:
        """Return the agent that holds the lease and its hello; see `DeviceSession.open`."""
        started = time.monotonic()
        evict = 0
        while True:
            agent, event = self._agent(evict)
            if isinstance(event, HelloEvent):
                if event.evicted:
                    on_wait(f"{self._profile.name}: ended its own agent of before: {event.evicted}")
                return agent, event
            agent.close()
            if self._python_too_old(event):
                self._another_python = True
                continue
            if event.kind != "busy":
                raise self._refused(event)
            theirs = event.holder
            patience_s = self._profile.lease_wait_s
            ours = own_run is not None and self._is_ours(theirs, own_run)
            # Its link broke, or this would be its own session: nobody can let it go any more.
            evict = _process(theirs) if ours else 0
            if ours:
                patience_s = max(patience_s, _OWN_LEASE_S)
            message = f"{self._profile.name}: in use by {_describe(theirs)}"
            waited_s = time.monotonic() - started
            if waited_s >= patience_s and ours:
                raise DeviceBusy(
                    f"{self._profile.name}: an agent of this very run does not let go after"
                    f" {waited_s:.0f} s; end process {theirs.get('agent', 'unknown')} on it"
                )
            if waited_s >= patience_s:
                after = f" after waiting {waited_s:.0f} s" if patience_s else ""
                raise DeviceBusy(f"{message}{after}; try again later, or set a longer lease_wait_s")
            on_wait(message)
            time.sleep(min(random.uniform(0.5, 1.5), max(0.05, patience_s - waited_s)))

    def _python_too_old(self, event: RefusedEvent) -> bool:
        """Tell whether another interpreter may be looked for; there is one try."""
        named = bootstrap.python_of(self._profile) != bootstrap.ANY_PYTHON
        return event.kind == "python" and not named and not self._another_python

    def _is_ours(self, theirs: Mapping[str, Any], own_run: str) -> bool:
        if "account" in theirs:
            return False  # another account's agent says whatever it likes
        if theirs.get("run") != own_run or theirs.get("host") != self._holder.get("host"):
            return False
        pid = theirs.get("pid")
        # A controller that was killed can no longer let go; its agent will notice, as ours would.
        return pid == self._holder.get("pid") or (isinstance(pid, int) and not _is_alive(pid))

    def _agent(self, evict: int) -> tuple[RemoteAgent, HelloEvent | RefusedEvent]:
        """Start an agent, pushing the runner if it is missing or is not what it should be."""
        while True:
            process = bootstrap.start_agent(
                self._transport, self._profile, self._runner, self._another_python
            )
            agent = RemoteAgent(process, self._profile.name)
            try:
                event = agent.hello(self._profile.root, self._holder, self._heartbeat_s, evict)
                if isinstance(event, RefusedEvent) or event.runner_sha256 == self._runner.sha256:
                    return agent, event
                if self._pushed:
                    raise agent.fault("its agent is not the runner that was pushed to it")
                agent.close()
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


def _process(theirs: Mapping[str, Any]) -> int:
    """Return the process of the agent that holds a lease, as it says; 0: it does not."""
    pid = theirs.get("agent")
    return pid if isinstance(pid, int) else 0


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # it lives, as another user
    return True


def _describe(theirs: Mapping[str, Any]) -> str:
    if not theirs:
        return "another controller"
    who = f"{theirs.get('user', 'somebody')}@{theirs.get('host', 'an unknown host')}"
    account = f"account {theirs['account']}, " if "account" in theirs else ""
    return (
        f"{who} ({account}run {theirs.get('run', 'unknown')}, "
        f"process {theirs.get('pid', 'unknown')}, since {theirs.get('since', 'an unknown time')})"
    )
