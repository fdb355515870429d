"""What a device is asked to do in a run, and who follows it at work."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from benchhub.device.events.expected import Expected
from benchhub.device.staging.blob import Blob, StageReport
from benchhub.device.transport import Progress
from benchhub.model.arrays import Array
from benchhub.model.cell import Cell, More, SamplesOf, Variant, no_more, no_samples
from benchhub.model.device import DeviceInfo, DeviceProfile
from benchhub.model.facts import Facts
from benchhub.model.launch import Launch
from benchhub.ondevice.backends import Description
from benchhub.ondevice.wire import Conditions, Job, Outcome
from benchhub.run.loop.power import PowerSwitch
from benchhub.tasks.predictions import Predictor


class OpenSession(Protocol):
    """What a campaign asks of a device; `device.session.DeviceSession` is one.

    Every call may raise Unreachable, after which the session is of no more use, and Interrupted
    when it was closed meanwhile.
    """

    def facts(self) -> Facts:
        """Return what the device is."""

    def conditions(self) -> Conditions:
        """Return the state the device is in now."""

    def stage(self, blobs: Sequence[Blob], progress: Progress) -> StageReport:
        """Make the device hold every one of `blobs`."""

    def launch(self, job: Job, *, expected: Expected) -> Outcome:
        """Run `job` on the device and return what it brought back, at most what is expected.

        ProtocolFault where the device sent what the protocol does not allow.
        """

    def expects(self, left_s: float) -> int:
        """Take about how long the device is still needed, for those who wait for it.

        Return how many waited when the device was last heard.
        """

    def close(self) -> None:
        """Hang up; safe from any thread, and twice."""


Connect = Callable[[DeviceProfile], OpenSession]


@dataclass(frozen=True, slots=True)
class DeviceWork:
    """What one device has to do in a run, less what is already in the store.

    `finished` counts finished launches by cell key, `attempts` the launches that did not finish
    by (cell key, index), `closed` names cells that failed and stay so; all of them are of this
    device's cells alone. `samples_of` has the samples of what was recorded, of which `more` and
    `enough`, what needs no further launch, may ask. `predict`
    is what the task makes of the outputs of quality cells, see `benchhub.tasks.predictions`, and
    `scoring` what metrics of the user's own make of each case.
    `inputs_of` has the inputs of cells that take others than `inputs`, by key.
    `by_default`: nobody named the backends, so that one that the device lacks is not missed.
    `formats` are the models', by sha256, and `variants` are by name. `state` is what inputs with
    state start with, by variant and name in the data. `awaits_reference`: outputs are asked for
    though there is no `reference` yet. `power` is what may switch the device off and on.
    """

    run: str
    device: DeviceProfile
    cells: tuple[Cell, ...]
    blobs: tuple[Blob, ...]
    inputs: Mapping[str, str]
    formats: Mapping[str, str]
    reference: tuple[Array, ...]
    finished: Mapping[str, int]
    attempts: Mapping[tuple[str, int], int]
    closed: frozenset[str]
    deadline_s: float = 120.0
    backends: tuple[Description, ...] = ()
    by_default: bool = False
    first_round: int = 0
    more: More = no_more
    enough: More = no_more
    samples_of: SamplesOf = no_samples
    predict: Predictor | None = None
    scoring: Callable[[Sequence[Array]], Array] | None = None
    inputs_of: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    variants: Mapping[str, Variant] = field(default_factory=dict)
    state: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    awaits_reference: bool = False
    power: PowerSwitch | None = None


class Watcher(Protocol):
    """Who follows a device at work: the progress display, and the way to stop it."""

    def stopping(self) -> bool:
        """Return whether the device should stop before its next launch."""

    def stop(self) -> None:
        """Ask every device to stop; launches under way are cut short."""

    def connected(self, device: str, session: OpenSession | None) -> None:
        """Take the session that is now in use, or None when there is none."""

    def status(self, device: str, text: str) -> None:
        """Take a line on what the device is doing."""

    def pushed(self, device: str, count: int) -> None:
        """Take how many more bytes were pushed."""

    def launched(self, launch: Launch) -> None:
        """Take a launch that was recorded."""

    def spared(self, device: str, cells: Collection[str]) -> None:
        """Take the cells, by key and maybe none, whose launches that are left will not be made."""

    def known(self, info: DeviceInfo, missing: Mapping[str, str]) -> None:
        """Take the device's facts, and the backends it lacks with the reason."""
