"""One question to many devices at once, a bounded number of them; answers as they come."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from benchhub.device.runner import build_runner
from benchhub.device.session import DeviceSession, holder
from benchhub.device.turns.queue import Asking
from benchhub.errors import ConfigError, DeviceError, Interrupted
from benchhub.model.device import DeviceProfile
from benchhub.outside.faults import of_device
from benchhub.run.loop.engine import Sessions
from benchhub.run.loop.work import OpenSession

#: So many devices are asked at a time. How many connections are begun at once to one server or
#: jump host is limited where they are made.
AT_ONCE = 32

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """What a device answered, or why it did not."""

    device: DeviceProfile
    told: T | None
    error: DeviceError | None = None


def side_by_side(
    devices: Sequence[DeviceProfile],
    ask: Callable[[DeviceProfile, Sessions], T],
    at_once: int = AT_ONCE,
) -> Generator[Answer[T]]:
    """Yield what `ask` returns of each device, as they answer; a device's error is its answer.

    Devices that share a machine, or a folder on it, are asked one after another. `ask` shows the
    sessions that it opens to the `Sessions` it gets: where the caller stops, by Ctrl-C too, these
    are closed, and nobody else is asked.
    """
    lanes = iter(_lanes(devices))
    answers: queue.SimpleQueue[Answer[T] | BaseException] = queue.SimpleQueue()
    sessions, taking = Sessions(), threading.Lock()

    def work() -> None:
        try:
            while not sessions.stopping():
                with taking:
                    lane = next(lanes, ())
                if not lane:
                    return
                for device in lane:
                    if not sessions.stopping():
                        answers.put(_answer(device, ask, sessions))
        except BaseException as error:  # noqa: BLE001  not to be waited for; raised below
            answers.put(error)

    for number in range(min(at_once, len(devices))):
        threading.Thread(target=work, name=f"benchhub-ask-{number}", daemon=True).start()
    try:
        for _ in devices:
            answer = answers.get()
            if isinstance(answer, BaseException):
                raise answer
            yield answer
    finally:
        sessions.stop()


@contextlib.contextmanager
def opened(
    device: DeviceProfile, sessions: Sessions, purpose: str, asking: Asking | None = None
) -> Iterator[DeviceSession]:
    """Yield a session with a device, which `sessions` can close; others see its `purpose`."""
    with (
        DeviceSession.open(device, build_runner(), holder(purpose), asking=asking) as session,
        closed_by(sessions, device.name, session),
    ):
        yield session


@contextlib.contextmanager
def closed_by(sessions: Sessions, device: str, session: OpenSession) -> Iterator[None]:
    """Let `sessions` close a session meanwhile; Interrupted where they were stopped already."""
    sessions.connected(device, session)
    try:
        if sessions.stopping():  # while it was opened, so nobody closed it
            raise Interrupted(f"{device}: stopped")
        yield
    finally:
        sessions.connected(device, None)


def _answer(
    device: DeviceProfile, ask: Callable[[DeviceProfile, Sessions], T], sessions: Sessions
) -> Answer[T]:
    try:
        with of_device(device.name):
            return Answer(device, ask(device, sessions))
    except ConfigError as error:
        return Answer(device, None, DeviceError(f"{device.name}: {error}"))
    except DeviceError as error:
        return Answer(device, None, error)


def _lanes(devices: Sequence[DeviceProfile]) -> list[tuple[DeviceProfile, ...]]:
    """Return devices that take turns together; their order is that of the first of each."""
    lanes: dict[object, list[DeviceProfile]] = {}
    for device in devices:
        key = device.machine or (
            device.transport, device.host, device.port, device.user, device.root,
        )  # fmt: skip
        lanes.setdefault(key, []).append(device)
    return [tuple(lane) for lane in lanes.values()]
