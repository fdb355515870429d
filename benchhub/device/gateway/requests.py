"""What a gateway is asked, as it crosses the link: plain values, read again on the other side."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from benchhub.device.events.expected import Expected, ExpectedOutput
from benchhub.device.events.told import Count, Digest
from benchhub.device.turns.queue import Asking
from benchhub.model.device import Queueing, Reservation

Do = Literal[
    "open", "facts", "conditions", "stage", "launch", "hear", "lacking", "put", "touch", "cycle",
    "close", "whose", "reserved",
]  # fmt: skip
Sizes = dict[Digest, Count]


class Request(BaseModel):
    """One call: `session` is the caller's own word for its session with `device`.

    What takes long is begun by its number `n`, and heard of by `hear` with the same; a number that
    came before begins nothing again, so that a call may arrive twice. `after` is where its lines go
    on, `wait_s` for how long they are waited for. `caller` is who asks, by dask's name.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    versions: dict[str, str]
    session: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    device: str
    do: Do
    caller: Annotated[str, Field(max_length=200)] = ""
    n: int = 0
    after: int = 0
    wait_s: float = 0.0
    holder: dict[str, Any] = {}
    asking: dict[str, Any] = {}
    job: dict[str, Any] = {}
    expected: dict[str, Any] = {}
    left_s: float | None = None
    blobs: Sizes = {}
    offset: int = 0


def asking_sent(asking: Asking) -> dict[str, Any]:
    """Return how a device is asked for, as plain values."""
    queueing = asking.queueing
    return {
        "wait_s": queueing.wait_s,
        "priority": queueing.priority,
        "reservation": queueing.reservation,
        "needs_s": asking.needs_s,
        "now": asking.now.isoformat(),
        "reservations": [
            [one.id, one.device, one.user, one.host, one.starts_at, one.ends_at, one.why]
            for one in asking.reservations
        ],
    }


def asking_from(sent: dict[str, Any]) -> Asking:
    """Return how a device is asked for, from plain values."""
    return Asking(
        Queueing(sent["wait_s"], sent["priority"], sent["reservation"]),
        sent["needs_s"],
        tuple(Reservation(*one) for one in sent["reservations"]),
        datetime.fromisoformat(sent["now"]),
    )


def expected_sent(expected: Expected) -> dict[str, Any]:
    """Return what a launch may bring, as plain values."""
    outputs = expected.outputs
    return {
        "cases": expected.cases,
        "outputs": None
        if outputs is None
        else [[one.case_shape, one.most_bytes, one.left_out, one.dtype] for one in outputs],
    }


def expected_from(sent: dict[str, Any]) -> Expected:
    """Return what a launch may bring, from plain values."""
    outputs = sent["outputs"]
    if outputs is None:
        return Expected(sent["cases"])
    return Expected(
        sent["cases"],
        tuple(
            ExpectedOutput(None if shape is None else tuple(shape), most, left_out, dtype)
            for shape, most, left_out, dtype in outputs
        ),
    )
