"""What a run is made of: variants, cells, skips, the plan."""

from __future__ import annotations

import enum
import hashlib
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchhub.model.arrays import Array
from benchhub.model.recipe import Recipe
from benchhub.model.scenario import Scenario


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """One input or output of a model, as the data and the baseline have it; open sizes are None.

    Cases run along its first axis unless it is `whole`: the same for all cases of a call. The file
    has it as `own_name` (empty: the same name), and the file's axis i is axis `order[i]` here
    (empty: the same order). `fed_from` is the file's own output that is fed back into an input
    from call to call. `left_out` is why an output is neither carried nor compared; empty: it is.
    An output is filled up to `rows` entries a case, 0: it has as many for each; one that is `whole`
    is all of one case. `undeclared`: it has another shape than the file declares.
    """

    name: str
    dtype: str
    shape: tuple[int | None, ...]
    own_name: str = ""
    order: tuple[int, ...] = ()
    whole: bool = False
    fed_from: str = ""
    left_out: str = ""
    rows: int = 0
    undeclared: bool = False

    @property
    def in_file(self) -> str:
        """Its name in the file."""
        return self.own_name or self.name

    @property
    def own_shape(self) -> tuple[int | None, ...]:
        """Its shape in the file."""
        return tuple(self.shape[axis] for axis in self.order) if self.order else self.shape


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One file of a model that is kept in several, by its path within the model's folder."""

    name: str
    sha256: str
    size_bytes: int


#: Facts of a recipe that people are told of: what it did, what it left, and a file that grew.
REMARKS = ("told", "left_float", "larger")


@dataclass(frozen=True, slots=True)
class Variant:
    """One artifact, identified by its sha256; `params` counts weights, `macs` one batch-1 pass.

    `files` are those of a model that is kept in several, first the one at `path`, and `sha256`
    stands for all of them; empty: there is one, of that sha256. `gzip_bytes` is None where gzipping
    it would take too long.

    `approximates` is the variant whose answers it is meant to give, by name: itself where it was
    pruned or fitted anew; empty: the baseline's. `uncounted` names the operators for which `macs`
    is not known.
    """

    name: str
    path: Path
    sha256: str
    format: str
    model_bytes: int
    gzip_bytes: int | None
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    recipe: Recipe | None = None
    params: int | None = None
    nonzero_params: int | None = None
    macs: int | None = None
    provenance: Mapping[str, str] = field(default_factory=dict)
    against: str | None = None
    sparse_bytes: int | None = None
    approximates: str = ""
    files: tuple[ModelFile, ...] = ()
    uncounted: tuple[str, ...] = ()

    @property
    def remarks(self) -> tuple[str, ...]:
        """What its recipe did beyond what was asked, left undone, or came to: a line each."""
        found = (self.provenance.get(name) for name in REMARKS)
        return tuple(line for line in found if line)


class CellKind(enum.StrEnum):
    """What runs in a cell.

    A model; nothing, which is what the harness itself costs; or work of a known size: the fixed
    work that every round of a run does, and that of a device's self-test.
    """

    MODEL = "model"
    HARNESS = "harness"
    CANARY = "canary"
    SELFTEST = "selftest"


class _WithKey:
    """Room for a key that was computed: it is asked for once a launch, not once a cell."""

    __slots__ = ("_key",)
    _key: str


@dataclass(frozen=True, slots=True)
class Cell(_WithKey):
    """Device x variant x backend x scenario settings: what one row of the report stands for.

    `options` are the backend's own, as sorted JSON. `rate_per_s` and `arrivals` are of paced cells.
    `shapes` are what inputs with open sizes were given, batch included: `x=1x3x224x224`, several
    apart by spaces; empty where the model or the data says it all. `launches_of` is the key of the
    cell whose launches it takes its figures from; empty: it has its own. It may end after
    `ends_after` launches, 0: not before `launches`.
    """

    device: str
    variant: str
    model_sha256: str
    backend: str
    scenario: Scenario
    batch: int
    threads: int
    precision: str
    launches: int
    iterations: int
    max_timed_s: float
    cases: int | None = None
    options: str = "{}"
    concurrency: int = 1
    rate_per_s: float | None = None
    arrivals: str = ""
    kind: CellKind = CellKind.MODEL
    shapes: str = ""
    launches_of: str = ""
    ends_after: int = 0

    @property
    def runs_model(self) -> bool:
        """Whether a model runs in it, of which budgets and reports speak."""
        return self.kind is CellKind.MODEL

    @property
    def key(self) -> str:
        """A name that is the same in every run of the same cell: 16 hex digits."""
        try:
            return self._key
        except AttributeError:
            key = _cell_key(self)
            object.__setattr__(self, "_key", key)
            return key

    @property
    def identity(self) -> tuple[Any, ...]:
        """What makes cells of several runs the same: all but the model file and the effort."""
        return (
            self.device, self.variant, self.backend, self.scenario, self.batch, self.threads,
            self.precision, self.options, self.concurrency, self.rate_per_s, self.arrivals,
            self.shapes,
        )  # fmt: skip


#: What a cell's key is made of, in this order. Never changed: stored runs are known by it.
_KEYED = (
    "device", "variant", "model_sha256", "backend", "scenario", "batch", "threads", "precision",
    "launches", "iterations", "max_timed_s", "cases", "options",
)  # fmt: skip
#: Settings that came later count only where they are set: older runs keep their keys.
_KEYED_LATER: Mapping[str, object] = {
    "concurrency": 1, "rate_per_s": None, "arrivals": "", "shapes": "",
}  # fmt: skip


def _cell_key(cell: Cell) -> str:
    facts = [str(getattr(cell, name)) for name in _KEYED]
    facts += [
        f"{name}={getattr(cell, name)}"
        for name, usual in _KEYED_LATER.items()
        if getattr(cell, name) != usual
    ]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]


class SkipKind(enum.StrEnum):
    """Why a combination is not measured."""

    NOT_MEANT = "not meant"
    FIXED_BATCH = "fixed batch"
    FORMAT = "format"
    PRECISION = "precision"
    IDLE_OPTION = "idle option"
    NO_PROFILE = "no profile"
    UNBUILT = "unbuilt"
    RECIPE_FAILED = "recipe failed"
    UNREADABLE = "unreadable"
    NO_BACKEND = "no backend"
    NO_TIMES = "no times"
    STATE = "state"


SKIPS: Mapping[SkipKind, str] = {
    SkipKind.NOT_MEANT: "the suite means the variant for other backends",
    SkipKind.FIXED_BATCH: "the model has another batch",
    SkipKind.FORMAT: "the backend does not read such files",
    SkipKind.PRECISION: "the backend does not compute in it, or not with these options",
    SkipKind.IDLE_OPTION: "an option changes nothing without another one",
    SkipKind.NO_PROFILE: "the backend does not tell what operators take",
    SkipKind.UNBUILT: "something is not installed that makes the variant",
    SkipKind.RECIPE_FAILED: "the variant could not be made, or the backend cannot run what was",
    SkipKind.UNREADABLE: "the model is of an opset, or has an operator, that the runtime lacks",
    SkipKind.NO_BACKEND: "the device lacks the backend",
    SkipKind.NO_TIMES: "an imported benchmark has no times of its rounds",
    SkipKind.STATE: "what is fed back goes from one call to the next, not to several at once",
}

#: Those of variants that were to be measured: the run failed in part.
FAILED_SKIPS = frozenset({SkipKind.RECIPE_FAILED, SkipKind.UNREADABLE})


@dataclass(frozen=True, slots=True)
class SkipReason:
    """Why a combination is not measured: the kind, and one line for people."""

    kind: SkipKind
    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Skip:
    """A combination that will not be measured, and why.

    Without a `batch` it is about all settings of the scenario; `precision` is told where several
    are swept.
    """

    device: str
    variant: str
    backend: str
    scenario: str
    reason: SkipReason
    batch: int | None = None
    precision: str = ""

    @property
    def what(self) -> str:
        """The scenario with its settings, in words."""
        batch = f" batch {self.batch}" if self.batch is not None else ""
        return f"{self.scenario}{batch}{f' {self.precision}' if self.precision else ''}"


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything a run will do."""

    cells: tuple[Cell, ...]
    skips: tuple[Skip, ...]

    @property
    def launched(self) -> tuple[Cell, ...]:
        """The cells that have launches of their own."""
        return tuple(cell for cell in self.cells if not cell.launches_of)


def without(
    plan: Plan,
    device: str,
    backend: str,
    reason: SkipReason | None,
    measured: Collection[str] = (),
) -> Plan:
    """Return `plan` with the cells of one backend on one device turned into skips.

    Without a `reason` they are left out. Cells whose key is in `measured` stay: their launches were
    made while the backend was there.
    """
    kept = tuple(
        c for c in plan.cells if (c.device, c.backend) != (device, backend) or c.key in measured
    )
    if reason is None:
        return Plan(kept, plan.skips)
    gone = [c for c in plan.cells if c not in kept]
    skips = {
        (c.variant, c.scenario): Skip(device, c.variant, backend, c.scenario, reason) for c in gone
    }
    return Plan(kept, (*plan.skips, *skips.values()))


#: The samples of the first so many finished launches of a cell, by its key and in order of index.
SamplesOf = Callable[[str, int], Sequence[Array]]
#: From how many launches of one device's cells finished so far, by key, and what has their samples,
#: the keys of the cells that are to go on past the launches planned for them. Asked before each
#: round, so that it looks at no other device's cells.
More = Callable[[Mapping[str, int], SamplesOf], Collection[str]]


def no_more(finished: Mapping[str, int], samples_of: SamplesOf) -> Collection[str]:
    """Leave every cell at the launches planned for it."""
    return ()


def no_samples(key: str, count: int) -> Sequence[Array]:
    """Have none: of what never goes on."""
    return ()


#: Cases whose outputs every launch returns, and the count read when no quality is measured.
CHECK_CASES = 4


#: The variant that stands for the fixed work of every round.
CANARY = "canary"
