"""A gateway's own end: the devices of its site, and the sessions that it holds for callers."""

from __future__ import annotations

import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from pydantic import ValidationError

from benchhub.device.gateway.counts import Counts
from benchhub.device.gateway.held import HeldSession
from benchhub.device.gateway.messages import IDLE_S, Reply, ToldSession, told, versions
from benchhub.device.gateway.requests import Request
from benchhub.device.staging.site_cache import SiteCache
from benchhub.errors import BenchhubError, DeviceError, LinkLost
from benchhub.model.device import DeviceProfile
from benchhub.outside.faults import of_device
from benchhub.outside.heartbeat import every

_REAP_S = 2.0
#: Whose link to the scheduler broke is there again within this, if they live.
_LEFT_S = 15.0
#: What begins a session: with a device, its power switch, or who looks at its queue.
_BEGINS = ("open", "cycle", "reserved")


class Site:
    """The devices that a gateway offers, by its own profiles, keys and cache."""

    def __init__(self, name: str, devices: Sequence[DeviceProfile], cache: Path) -> None:
        self.name = name
        #: What tells this process from any other gateway, before and after it.
        self.gateway = f"{name}-{secrets.token_hex(4)}"
        self.devices: Mapping[str, DeviceProfile] = {one.name: one for one in devices}
        self.counts = Counts()
        self.cache = SiteCache(cache)
        self._sessions: dict[str, HeldSession] = {}
        self._lock = threading.Lock()
        self._versions = versions()
        #: Hears what is done that nobody asked for.
        self.say: Callable[[str], None] = lambda line: None
        self._beat = every(_REAP_S, self._reap)

    def answer(self, request: bytes, data: bytes) -> tuple[bytes, bytes]:
        """Answer one call, as JSON with bytes beside it; what goes wrong is in the answer."""
        try:
            asked = Request.model_validate_json(request)
            with of_device(asked.device):
                answer, lines = self._answer(asked, data)
        except (BenchhubError, ValidationError) as error:
            answer, lines = Reply(error=told(error)), b""
        return answer.model_dump_json(exclude_defaults=True).encode(), lines

    def states(self) -> Counter[str]:
        """Return how many devices are idle, and how many are in each state of a session."""
        with self._lock:
            busy = {one.profile.name: one.state for one in self._sessions.values()}
        found = Counter(state for state in busy.values() if state != "closed")
        found["idle"] = len(self.devices) - found.total()
        return found

    def caller_left(self, caller: str) -> None:
        """Note that the scheduler has lost who calls so: they are gone, unless they come back."""
        self._note(caller, time.monotonic())

    def caller_came(self, caller: str) -> None:
        """Note that who calls so is there again."""
        self._note(caller, None)

    def _note(self, caller: str, left_at: float | None) -> None:
        with self._lock:
            for session in self._sessions.values():
                if session.caller == caller:
                    session.left_at = left_at

    def close(self) -> None:
        """Give every device back."""
        self._beat.stop()
        with self._lock:
            sessions, self._sessions = list(self._sessions.values()), {}
        for session in sessions:
            session.close()
        self.cache.close()

    def _answer(self, request: Request, data: bytes) -> tuple[Reply, bytes]:
        for what, theirs in request.versions.items():
            if (ours := self._versions.get(what)) != theirs:
                raise DeviceError(
                    f"{request.device}: gateway {self.gateway} has {what} {ours}, and this is"
                    f" {theirs}: install the same on both"
                )
        if request.device not in self.devices:
            raise DeviceError(f"{request.device}: gateway {self.gateway} does not know it")
        if request.do == "close":
            self._close(request.session)
            return Reply(), b""
        if request.do == "whose":
            sessions = self._sessions_with(request.device)
            return Reply(gateway=self.gateway, sessions=sessions), b""
        session = self._open(request) if request.do in _BEGINS else self._of(request)
        return session.answer(request, data)

    def _of(self, request: Request) -> HeldSession:
        with self._lock:
            found = self._sessions.get(request.session)
        if found is None:
            raise LinkLost(
                f"{request.device}: gateway {self.gateway} holds no session with it any more: it"
                " was started anew, or heard nothing for too long"
            )
        return found

    def _open(self, request: Request) -> HeldSession:
        with self._lock:
            if request.session not in self._sessions:
                self._sessions[request.session] = HeldSession(
                    self.devices[request.device], self.cache, self.counts,
                    self.gateway, request.holder,
                    lambda: self._is_taken(request),
                )  # fmt: skip
            return self._sessions[request.session]

    def _is_taken(self, request: Request) -> bool:
        """Whether another caller has the same device by this gateway, for the same run."""
        run = request.holder.get("run", "")
        with self._lock:
            return any(
                key != request.session
                and one.profile.name == request.device
                and one.holder.get("run", "") == run
                for key, one in self._sessions.items()
            )

    def _sessions_with(self, device: str) -> tuple[ToldSession, ...]:
        with self._lock:
            found = [(key, one) for key, one in self._sessions.items()
                     if one.profile.name == device]  # fmt: skip
        sessions = []
        for key, one in found:
            run, host, pid = (one.holder.get(name) for name in ("run", "host", "pid"))
            process = pid if isinstance(pid, int) else 0
            sessions.append(ToldSession(session=key, run=str(run), host=str(host), pid=process))
        return tuple(sessions)

    def _close(self, session: str) -> None:
        with self._lock:
            found = self._sessions.pop(session, None)
        if found is not None:
            found.close()

    def _reap(self) -> bool:
        """Close what nobody asks for any more: its caller is gone, and the device is free."""
        now = time.monotonic()
        with self._lock:
            gone = [
                (key, one) for key, one in self._sessions.items()
                if one.touched < now - IDLE_S
                or (one.left_at is not None and one.left_at < now - _LEFT_S)
            ]  # fmt: skip
        for key, one in gone:
            why = "falls silent" if one.left_at is None else "left the scheduler"
            self.say(f"{self.name}: {one.profile.name} is given back: its caller {why}")
            self._close(key)
        return True
