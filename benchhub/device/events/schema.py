"""What an agent may say: an event a class, every field with its type and its bounds.

`n` numbers the lines of an agent from 0 on. `to` is the id of the request that the event answers;
that of a launch is the launch's id. The words of `kind`, `stage` and `name` are those of
`ondevice.wire`, written out so that a type checker knows them too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from benchhub.device.events.bounds import MOST_OUTPUTS
from benchhub.device.events.device import ToldConditions, ToldFacts
from benchhub.device.events.told import Count, Digest, Reason, Said, Text, Told, Word
from benchhub.device.turns.queue import Queue, Queued, ReservedTime
from benchhub.ondevice.wire import PIECE_BYTES

Piece = Annotated[bytes, Field(max_length=PIECE_BYTES)]
Stage = Literal["spawn", "import", "load", "first", "warmup", "time", "outputs", "memory"]


class _Event(Said):
    v: Literal[2]
    n: Count
    to: Annotated[str, Field(max_length=64)]


class HelloEvent(_Event):
    """How an agent that holds the lease introduces itself."""

    event: Literal["hello"]
    protocol: Literal[2]
    runner_sha256: Digest
    python: Word
    executable: Word
    root: Word
    pid: Annotated[int, Field(gt=0, lt=2**31)]
    blobs: Word
    evicted: Text | None
    waiting: Count = 0


Span = Annotated[float, Field(allow_inf_nan=False, ge=-1e11, le=1e11)]
Process = Annotated[int, Field(ge=0, lt=2**31)]


class ToldQueued(Said):
    """One who measures or waits: see `ondevice.turns.report`."""

    holds: bool
    mine: bool
    priority: Annotated[int, Field(ge=-9, le=9)]
    why: Literal["", "measures", "first", "reserved"]
    for_s: Span | None
    left_s: Span | None
    account: Text | None
    run: Text | int | None = None
    user: Text | int | None = None
    host: Text | int | None = None
    since: Text | int | None = None
    pid: Process | Text | None = None
    agent: Process | Text | None = None

    def told(self) -> Queued:
        """Return it as the rest of benchhub knows it; what is of another type, as nothing."""
        return Queued(
            user=_word(self.user, "somebody"), host=_word(self.host, "an unknown host"),
            run=_word(self.run, ""), holds=self.holds, priority=self.priority,
            pid=self.pid if isinstance(self.pid, int) else None,
            agent=self.agent if isinstance(self.agent, int) else None,
            account=self.account, for_s=self.for_s, left_s=self.left_s, why=self.why,
            mine=self.mine,
        )  # fmt: skip


class _ToldKept(Said):
    id: Text
    user: Text
    host: Text
    starts_s: Span
    ends_s: Span


class ToldQueue(Said):
    """A device's queue."""

    place: Annotated[int, Field(ge=1, lt=2**31)] | None
    waiting: Annotated[int, Field(ge=0, lt=2**31)]
    entries: Annotated[tuple[ToldQueued, ...], Field(max_length=64)]
    reserved: Annotated[tuple[_ToldKept, ...], Field(max_length=64)]

    def told(self) -> Queue:
        """Return it as the rest of benchhub knows it."""
        kept = (ReservedTime(o.id, o.user, o.host, o.starts_s, o.ends_s) for o in self.reserved)
        standings = tuple(one.told() for one in self.entries)
        return Queue(standings, tuple(kept), self.place, self.waiting)


def _word(value: str | int | None, otherwise: str) -> str:
    return value if isinstance(value, str) and value else otherwise


class WaitingEvent(_Event):
    """It is not our turn yet; the queue as it is."""

    event: Literal["waiting"]
    queue: ToldQueue


class KeepingEvent(_Event):
    """What became of a reservation."""

    event: Literal["keeping"]
    outcome: Literal["kept", "overlap", "refused", "cancelled", "unknown"]
    message: Text


class RefusedEvent(_Event):
    """Why an agent does not serve; `holder` is what who holds the lease said of themselves."""

    event: Literal["refused"]
    kind: Literal["busy", "python", "root", "protocol"]
    message: Reason
    holder: Annotated[Mapping[Text, Text | int | None], Field(max_length=16)] = Field({})
    queue: ToldQueue | None = None


class ErrorEvent(_Event):
    """A request that cannot be answered."""

    event: Literal["error"]
    message: Reason


class PongEvent(_Event):
    """The answer to a ping."""

    event: Literal["pong"]


class FactsEvent(_Event):
    """What the device is."""

    event: Literal["facts"]
    facts: ToldFacts


class ConditionsEvent(_Event):
    """The state that the device is in."""

    event: Literal["conditions"]
    conditions: ToldConditions


class _HeldBlob(Said):
    state: Literal["whole", "partial", "missing"]
    bytes: Count


Arrival = Literal["adopted", "corrupt", "missing"]


class HaveEvent(_Event):
    """What the device has of each blob."""

    event: Literal["have"]
    blobs: dict[Digest, _HeldBlob]


class AdoptEvent(_Event):
    """What became of each uploaded blob."""

    event: Literal["adopt"]
    blobs: dict[Digest, Arrival]


class ReceiveEvent(_Event):
    """What became of each blob of a stream; `trouble`: it ended early."""

    event: Literal["receive"]
    blobs: dict[Digest, Arrival]
    trouble: Text | None = None


class RoomEvent(_Event):
    """The room on the disk that holds the blobs."""

    event: Literal["room"]
    free_bytes: Count


class SettleEvent(_Event):
    """The blobs are on the disk."""

    event: Literal["settle"]


class ToldTarget(Said):
    """What decides which wheels fit: see `ondevice.provision.environments.target`."""

    implementation_name: Text
    implementation_version: Text
    os_name: Text
    platform_machine: Text
    platform_python_implementation: Text
    platform_release: Text
    platform_system: Text
    platform_version: Text
    python_full_version: Text
    python_version: Text
    sys_platform: Text
    libc: Text | None
    free_threaded: bool


class ToldEnvironment(Said):
    """The record of an environment: see `ondevice.provision.install.provision`."""

    backend: Text
    lock: Text
    key: Text
    version: Text
    packages: dict[Text, Text]
    pins_sha256: Text
    base_python: Text
    python_version: Text
    machine: Text
    wheels: tuple[Text, ...]
    bytes: Count
    built_at: Text
    name: Text
    python: Text
    reason: Text | None


class EnvironmentsEvent(_Event):
    """The device's interpreter, and the environments that are there."""

    event: Literal["environments"]
    target: ToldTarget
    environments: tuple[ToldEnvironment, ...]


class _Trouble(Said):
    kind: Literal["space", "wheel", "pip", "install", "import"]
    message: Reason


class ProvisionEvent(_Event):
    """An environment, or why there is none."""

    event: Literal["provision"]
    environment: ToldEnvironment | None = None
    built: bool | None = None
    trouble: _Trouble | None = None


class UnprovisionEvent(_Event):
    """What was deleted, and the room that this gave back."""

    event: Literal["unprovision"]
    removed: tuple[tuple[Text, Count], ...]


class StageEvent(_Event):
    """The launch entered a stage."""

    event: Literal["stage"]
    stage: Stage


class ReadyEvent(_Event):
    """The model is loaded."""

    event: Literal["ready"]
    import_ns: Count
    load_ns: Count
    backend_version: Text
    provider: Text | None
    precision: Text | None
    clock: Text
    details: Told


class FirstEvent(_Event):
    """The first call was made."""

    event: Literal["first"]
    first_inference_ns: Count


class WarmupEvent(_Event):
    """Untimed calls, int64 nanoseconds each, in order; of a long series a piece."""

    event: Literal["warmup"]
    samples: Piece


class SamplesEvent(_Event):
    """Timed calls, the same; the last piece has what they took together."""

    event: Literal["samples"]
    samples: Piece
    elapsed_ns: Count | None


class TrackEvent(_Event):
    """A further series of the timed calls."""

    event: Literal["track"]
    name: Literal["device", "copy_in", "copy_out", "service"]
    samples: Piece


class EnergyEvent(_Event):
    """What a counter counted over the timed section."""

    event: Literal["energy"]
    source: Word
    energy_uj: Count
    elapsed_ns: Count


class OutputsEvent(_Event):
    """Some cases of one output, or their beginning: `More` brings the rest."""

    event: Literal["outputs"]
    index: Annotated[int, Field(ge=0, lt=MOST_OUTPUTS)]
    count: Annotated[int, Field(gt=0, le=MOST_OUTPUTS)]
    name: Text
    dtype: Annotated[str, Field(pattern=r"^(\|b1|\|[iu]1|<[iu][248]|<f[248])$")]
    shape: Annotated[tuple[Annotated[int, Field(ge=0, lt=2**40)], ...], Field(max_length=32)]
    data: Piece


class MoreEvent(_Event):
    """The next bytes of the output begun last."""

    event: Literal["more"]
    data: Piece


class MemoryEvent(_Event):
    """What the process occupied."""

    event: Literal["memory"]
    imported_rss_bytes: Count | None
    peak_rss_bytes: Count | None
    reset: bool
    details: Told
    gpu_bytes: Count | None = None
    gpu_source: Text | None = None


class ToldFailure(Said):
    """Why a launch failed."""

    stage: Stage
    kind: Literal[
        "missing", "raised", "crashed", "exited", "deadline", "shape", "blob", "fallback",
        "memory", "unsupported", "clock",
    ]  # fmt: skip
    message: Reason


class FailedEvent(_Event, ToldFailure):
    """The launch's own account of its failure."""

    event: Literal["failed"]


class EndEvent(_Event):
    """The launch is over."""

    event: Literal["end"]
    status: Literal["finished", "failed"]
    failure: ToldFailure | None
    wall_ns: Count
    before: ToldConditions
    after: ToldConditions
    involuntary_switches: Count | None
    waiting: Count = 0


LaunchEvent = (
    StageEvent | ReadyEvent | FirstEvent | WarmupEvent | SamplesEvent | TrackEvent | EnergyEvent
    | OutputsEvent | MoreEvent | MemoryEvent | FailedEvent | EndEvent
)  # fmt: skip
Event = (
    HelloEvent | RefusedEvent | ErrorEvent | PongEvent | FactsEvent | ConditionsEvent | HaveEvent
    | AdoptEvent | ReceiveEvent | RoomEvent | SettleEvent | EnvironmentsEvent | ProvisionEvent
    | UnprovisionEvent | WaitingEvent | KeepingEvent | LaunchEvent
)  # fmt: skip
