"""The protocol between the controller and a device: JSON, one object a line, both ways.

The controller starts one *agent* on the device and keeps its stdin open. The agent holds the
device's lease for as long as it lives, and it dies when its stdin ends or falls silent. For every
job the agent starts one fresh *child* process, passes the job to it and forwards the child's
events, then adds an `end` event of its own. A launch without an `end` event was cut short.

Every request has an `id`. Every event has `v` (the protocol), `n` (the agent's lines, numbered
from 0) and `to` (the id of the request that it answers; a launch's is the launch's id), and the
controller takes no other: see benchhub/device/events. No line is longer than an array's piece of
PIECE_BYTES in base64.

Controller to agent, `do` names the request:
  hello       {root, holder, heartbeat_s, evict, wait, priority, needs_s, now, reservation,
               reservations}                 first line; answered by `hello` or `refused`, before
                                             it by `waiting` where `wait` is true and the device
                                             in use; with `evict` an agent that holds the lease
                                             for the same run is ended first. `needs_s`: about how
                                             long; `now`: the store's clock, seconds of UTC;
                                             `reservation`: in whose name; `reservations`: those
                                             that the store knows of, [{id, user, host, from_utc,
                                             until_utc}..]
  reserve     {root, now, reservation: {id, user, host, from_utc, until_utc}, reservations}
                                             instead of hello; answered by `keeping`
  cancel      {root, reservation: {id}}      the same
  ping        {}                             keeps the lease; answered by `pong` at once, also
                                             between the events of a launch, or by `waiting`
  facts       {}                             answered by `facts`
  conditions  {}                             answered by `conditions`
  have        {digests: [sha256..]}          answered by `have`
  adopt       {digests: [sha256..]}          answered by `adopt`: verify, seal, rename into place
  receive     {blobs: [[sha256, bytes, offset]..], follows}   and then `follows` bytes that are
                                             no lines: the blobs from their offsets on, end to
                                             end; answered by `receive` once all are verified
  room        {}                             answered by `room`
  settle      {}                             answered by `settle` once the blobs are on the disk
  environments {}                            answered by `environments`
  provision   {backend, lock, pins, packages: {name: version}, system: [name..], wheels:
               [[sha256, file name]..] or null, deadline_s}    answered by `provision`: see there
  unprovision {backends: [name..] or null}   answered by `unprovision`; null: all
  launch      {job: Job, left_s}             answered by the child's events and one `end`
  bye         {}                             the agent ends

Agent to controller, `event` names the reply:
  hello       {protocol, runner_sha256, python, executable, root, pid, blobs, evicted, waiting}
                                             `evicted` says what became of such an agent, or null;
                                             `waiting`: how many others wait for the device
  refused     {kind, message, holder: {..}, queue}    a kind of REFUSALS
  waiting     {queue: {place, waiting, entries: [{..}], reserved: [{..}]}}    see turns/report.py
  keeping     {outcome, message}             an outcome of KEEPING
  pong        {}                             left out while another line is on its way
  facts       {facts: {..}}
  conditions  {conditions: Conditions}
  have        {blobs: {sha256: {state: whole|partial|missing, bytes}}}
  adopt       {blobs: {sha256: adopted|corrupt|missing}}
  receive     {blobs: the same, trouble: str}    `trouble` where it ended early (a full disk)
  room        {free_bytes}                   on the disk that holds the blobs
  settle      {}
  environments {target: {..}, environments: [{..}]}    see environments.target and .records
  provision   {environment: {..}, built: bool}    or {trouble: {kind, message}}, a kind of TROUBLES
  unprovision {removed: [[name, freed_bytes]..]}
  stage       {stage}                        the child entered a stage (see STAGES)
  ready       {import_ns, load_ns, backend_version, provider, precision, clock, details: {..}}
  first       {first_inference_ns}
  warmup      {samples}                      base64 of little-endian int64 nanoseconds, in order;
                                             a long series comes in several events
  samples     {samples, elapsed_ns}          the same; elapsed_ns is null in all but the last
  track       {name, samples}                a second series of the timed calls (see TRACKS)
  energy      {source, energy_uj, elapsed_ns}    what `source` counted over the timed section
  outputs     {index, count, name, dtype, shape, data}    base64 of C-order little-endian bytes,
                                             or the beginning of them; several events with one
                                             `index` concatenate on axis 0
  more        {data}                         the next bytes of the same
  memory      {imported_rss_bytes, peak_rss_bytes, reset, gpu_bytes, gpu_source, details}
  failed      {stage, kind, message}         the child's own account of a failure
  end         {status: finished|failed, failure, wall_ns, before, after, involuntary_switches,
               waiting}
  error       {message}                      a request the agent could not understand

Files of a device, below its root: `blobs/<sha256>` (0444, verified), `blobs/<sha256>.part`
(being uploaded), `blobs/seals` (what was verified), `runner/runner-<sha256>.pyz`,
`models/<sha256>/` (hard links to the blobs of a model of several files, under their own names),
`environments/<backend>-<key>` (see environments.py), `lease` (flock), `lease.json` (who holds it).
All are this account's alone (see agent/private.py). Who measures and who waits is in a sticky
folder of the system that all accounts read, /var/tmp: `benchhub-queue-<uid>-<number>`, a locked
file for each (see turns/tickets.py), `benchhub-reserved-<uid>-<id>` (see turns/reserved.py), and
`benchhub-lease-<uid>`, by which accounts take turns with earlier versions (see turns/accounts.py),
which is made and never removed.
"""

from array import array
from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Optional, Tuple

from benchhub.ondevice.job import PIECE_BYTES as PIECE_BYTES
from benchhub.ondevice.job import Job as Job
from benchhub.ondevice.job import decode as decode
from benchhub.ondevice.job import decode_job as decode_job
from benchhub.ondevice.job import encode as encode
from benchhub.ondevice.job import encode_job as encode_job

PROTOCOL = 2
HEARTBEAT_S = 60.0

#: Where a launch failed. A child passes through them in this order up to `memory`; the last two are
#: the controller's.
STAGES: Mapping[str, str] = {
    "spawn": "starting the process",
    "import": "importing the backend",
    "load": "loading the model, compilation included",
    "first": "the first call",
    "warmup": "the untimed calls",
    "time": "the timed calls",
    "outputs": "sending outputs, and what the controller makes of them",
    "memory": "counting memory",
    "link": "the connection to the device",
    "measure": "checking the samples that came back",
}

#: Further series beside the samples, one value a call.
TRACKS: Mapping[str, str] = {
    "device": "the accelerator's own clock around the computation",
    "copy_in": "its clock around moving inputs to it",
    "copy_out": "its clock around moving outputs back",
    "service": "a paced call from its start; its sample counts from when it was due",
}

#: What kind of end a failed launch met.
KINDS: Mapping[str, str] = {
    "missing": "the backend, or what it cannot do without, is not installed",
    "raised": "an exception",
    "crashed": "the process died by a signal",
    "exited": "the process ended without an end record",
    "deadline": "killed after the suite's `deadline_s`",
    "nonfinite": "NaN or infinite outputs where the baseline's are finite",
    "shape": "other outputs than the model declares",
    "link": "the connection broke while it ran, and did not come back",
    "blob": "a staged file is missing or corrupt",
    "fallback": "another provider or device than the one asked for would have run it",
    "memory": "there is too little memory, the accelerator's or the host's",
    "unsupported": "an operator, a type or a device that the runtime cannot run",
    "clock": "the device's clock went back while calls were timed",
    "protocol": "what the device sent broke the protocol; it is not measured further",
    "implausible": "the device told of figures that cannot be",
    "record": "what the store holds of the launch does not fit its record",
}

#: Why an agent refuses a controller.
REFUSALS: Mapping[str, str] = {
    "busy": "another controller holds the lease",
    "python": "the interpreter is older than 3.8",
    "root": "the folder for models and runner cannot be used",
    "protocol": "the controller speaks another protocol",
}

#: Why somebody waits for a device.
WAITS: Mapping[str, str] = {
    "measures": "somebody measures on it",
    "first": "somebody else comes first",
    "reserved": "it is reserved for somebody else, now or before this one would be done",
}

#: What became of a reservation that was asked for, or was to be cancelled.
KEEPING: Mapping[str, str] = {
    "kept": "the device is reserved",
    "overlap": "somebody has it reserved for a part of that time",
    "refused": "the times cannot be",
    "cancelled": "it is reserved no longer",
    "unknown": "there is no such reservation of this account on the device",
}

#: Why there is no environment where one was to be provisioned.
TROUBLES: Mapping[str, str] = {
    "space": "the disk is full",
    "wheel": "a staged wheel is not whole, or is none",
    "pip": "the device has no pip",
    "install": "what was to be installed cannot be, or it took too long",
    "import": "the runtime was installed, and cannot be imported",
}


@dataclass(frozen=True)
class Failure:
    """Why a launch failed: the stage it was in, what kind of end it met, one line of cause."""

    stage: str
    kind: str
    message: str


@dataclass(frozen=True)
class Conditions:
    """The state of a device at one moment; None where the device cannot tell.

    Counters (`*_ticks`, `*_us`, `*_count`) only mean something as differences between two
    snapshots. `unavailable` gives, per missing field, the reason.
    """

    at_ns: int
    governor: Optional[str] = None
    frequency_mhz: Optional[float] = None
    temperature_c: Optional[float] = None
    throttle_count: Optional[int] = None
    load_1m: Optional[float] = None
    cpu_total_ticks: Optional[int] = None
    cpu_busy_ticks: Optional[int] = None
    cpu_steal_ticks: Optional[int] = None
    own_cpu_ticks: Optional[int] = None
    pressure_cpu_us: Optional[int] = None
    memory_available_bytes: Optional[int] = None
    unavailable: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Array:
    """One output tensor as it crossed the wire: numpy dtype string, shape, C-order bytes.

    `data` is bytes or a view of some.
    """

    name: str
    dtype: str
    shape: Tuple[int, ...]
    data: Any


@dataclass
class Outcome:
    """What one launch brought back; fields stay None where the launch did not get that far."""

    status: str = "failed"
    failure: Optional[Failure] = None
    stage: str = "spawn"
    backend_version: Optional[str] = None
    provider: Optional[str] = None
    precision: Optional[str] = None
    clock: Optional[str] = None
    details: Dict[str, Any] = field(default_factory=dict)
    import_ns: Optional[int] = None
    load_ns: Optional[int] = None
    first_inference_ns: Optional[int] = None
    elapsed_ns: Optional[int] = None
    imported_rss_bytes: Optional[int] = None
    peak_rss_bytes: Optional[int] = None
    memory_reset: Optional[bool] = None
    wall_ns: Optional[int] = None
    involuntary_switches: Optional[int] = None
    before: Optional[Conditions] = None
    after: Optional[Conditions] = None
    warmup_ns: "array[int]" = field(default_factory=lambda: array("q"))
    samples_ns: "array[int]" = field(default_factory=lambda: array("q"))
    outputs: List[Array] = field(default_factory=list)
    tracks_ns: Dict[str, "array[int]"] = field(default_factory=dict)
    energy_uj: Optional[int] = None
    energy_elapsed_ns: Optional[int] = None
    energy_source: Optional[str] = None
    gpu_bytes: Optional[int] = None
    gpu_source: Optional[str] = None
