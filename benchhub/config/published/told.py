"""What a report says, as far as it can be held against another one: types, and what they refuse.

Everything in it was written by somebody else. Nothing becomes a path or a command; names are shown
and compared, and numbers are finite, within bounds and free of contradiction.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from benchhub.model.claim import ClaimOutcome
from benchhub.model.figure import BY_DEFINITION
from benchhub.model.scenario import VerdictOutcome
from benchhub.text import visible

#: Rows, variants, verdicts: more of them no run has.
MOST = 100_000
#: Threads or calls at once: with a million a machine would do what a report tells it to.
MOST_AT_ONCE = 4096
#: Of a name, a version or a setting; and of a sentence.
_NAME_CHARS, _SENTENCE_CHARS = 400, 20_000
#: An effective number of calls or launches is no whole one, so limits compare with some room.
_ROOM = 1e-9


def _seen(value: Any) -> Any:
    return visible(value) if isinstance(value, str) else value


Name = Annotated[str, Field(max_length=_NAME_CHARS), BeforeValidator(_seen)]
Sentence = Annotated[str, Field(max_length=_SENTENCE_CHARS), BeforeValidator(_seen)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
NoSha256 = Literal[""]
Figure = Annotated[float, Field(allow_inf_nan=False, ge=-1e100, le=1e100)]
Positive = Annotated[float, Field(allow_inf_nan=False, ge=0, le=1e100)]
Count = Annotated[int, Field(ge=0, le=10**12)]


class _PublishedTable(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)


class PublishedInterval(_PublishedTable):
    """An interval of a figure; None: a limit that was not known."""

    low: Figure | None = None
    high: Figure | None = None
    method: Name = ""
    confidence: Annotated[float, Field(gt=0, le=1)] | None = None
    against: Name = ""
    groups: Count | None = None

    @model_validator(mode="after")
    def _in_order(self) -> PublishedInterval:
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError(f"its lower limit {self.low:g} is above its upper one {self.high:g}")
        return self


class PublishedFlag(_PublishedTable):
    """A doubt about a row; `caps` keeps its verdicts from being PASS."""

    name: Name
    caps: bool = True


class PublishedRow(_PublishedTable):
    """A row: which cell it is of, and the figures that are compared."""

    run: Name = ""
    device: Name
    backend: Name
    backend_version: Name | None = None
    variant: Name
    model_sha256: Sha256 | NoSha256 = ""
    scenario: Name
    batch: Annotated[int, Field(ge=0, le=10**9)]
    threads: Annotated[int, Field(ge=0, le=MOST_AT_ONCE)]
    precision: Name | None = None
    concurrency: Annotated[int, Field(ge=0, le=MOST_AT_ONCE)] = 1
    rate_per_s: Positive | None = None
    options: Name | None = None
    shapes: Name | None = None
    emulated: bool = False
    launches: Count = 0
    status: Name = "finished"
    reason: Sentence | None = None
    flags: Annotated[tuple[PublishedFlag, ...], Field(max_length=200)] = ()
    cell: Name = ""
    p50_ms: Positive | None = None
    throughput_per_s: Positive | None = None
    peak_rss_mib: Positive | None = None
    load_ms: Positive | None = None
    first_inference_ms: Positive | None = None
    speedup: Positive | None = None
    quality: Figure | None = None
    quality_loss: Figure | None = None
    quality_metric: Name | None = None
    quality_cases: Count | None = None
    p50_low_ms: Figure | None = None
    p50_high_ms: Figure | None = None
    throughput_low_per_s: Figure | None = None
    throughput_high_per_s: Figure | None = None
    speedup_low: Figure | None = None
    speedup_high: Figure | None = None
    quality_low: Figure | None = None
    quality_high: Figure | None = None
    quality_loss_low: Figure | None = None
    quality_loss_high: Figure | None = None
    intervals: Annotated[Mapping[Name, PublishedInterval], Field(max_length=200)] = {}

    @property
    def runs_model(self) -> bool:
        """Whether a model ran: the fixed work and the harness's own calls have no file."""
        return bool(self.model_sha256)

    @property
    def settings(self) -> tuple[object, ...]:
        """What makes rows of several reports of one cell, but for the device and the model."""
        return (
            self.backend, self.scenario, self.batch, self.threads, self.precision,
            self.concurrency, self.rate_per_s, self.options, self.shapes,
        )  # fmt: skip

    def value(self, quantity: str) -> float | None:
        """Return one of the figures; None: it was not measured."""
        found: float | None = getattr(self, quantity)
        return found

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> PublishedRow:
        for why in _contradictions(self):
            raise ValueError(why)
        return self


def _contradictions(row: PublishedRow) -> Iterator[str]:
    for name in COMPARED:
        value, interval = row.value(name), row.intervals.get(name)
        if value is None or interval is None:
            continue
        if interval.method == BY_DEFINITION and value != _DEFINED.get(name):
            yield f"{name} is {value:g}, and nothing makes it that by definition"
        for end, below in ((interval.low, True), (interval.high, False)):
            if end is not None and (end > value if below else end < value):
                if abs(end - value) <= _ROOM * max(abs(end), abs(value)):
                    continue
                yield (
                    f"{name} is {value:g}, and its interval ends at {end:g}"
                    f" {'above' if below else 'below'} that"
                )
        for column, end in zip(ENDS.get(name, ()), (interval.low, interval.high), strict=False):
            told = getattr(row, column)
            if told is not None and told != end:
                yield f"{column} is {told:g}, and the interval of {name} says otherwise"


#: What figures of a base are, as they are held against itself; no other figure is defined.
_DEFINED = {"speedup": 1.0, "quality_loss": 0.0}
#: The figures that are compared, and the columns that repeat the ends of their intervals.
COMPARED = (
    "p50_ms", "throughput_per_s", "peak_rss_mib", "load_ms", "first_inference_ms", "speedup",
    "quality", "quality_loss",
)  # fmt: skip
ENDS: Mapping[str, tuple[str, str]] = {
    "p50_ms": ("p50_low_ms", "p50_high_ms"),
    "throughput_per_s": ("throughput_low_per_s", "throughput_high_per_s"),
    "speedup": ("speedup_low", "speedup_high"),
    "quality": ("quality_low", "quality_high"),
    "quality_loss": ("quality_loss_low", "quality_loss_high"),
}


class PublishedGpu(_PublishedTable):
    """A GPU, as far as it tells kinds of devices apart."""

    name: Name | None = None


class PublishedFacts(_PublishedTable):
    """What tells kinds of devices apart; None: the device did not tell."""

    arch: Name | None = None
    machine: Name | None = None
    cpu_model: Name | None = None
    board: Name | None = None
    cores_logical: Count | None = None
    isa_flags: Annotated[tuple[Name, ...], Field(max_length=1000)] | None = None
    gpus: Annotated[tuple[PublishedGpu, ...], Field(max_length=100)] | None = None


class PublishedDevice(_PublishedTable):
    """A device of a report."""

    run: Name = ""
    name: Name
    emulated: bool = False
    error: Sentence | None = None
    facts: PublishedFacts = PublishedFacts()


class PublishedRecipe(_PublishedTable):
    """How a variant was made, by name."""

    name: Name


class PublishedFile(_PublishedTable):
    """One file of a model that is kept in several."""

    sha256: Sha256
    size_bytes: Count


class PublishedVariant(_PublishedTable):
    """A model of a report; `files`: it is kept in several."""

    run: Name = ""
    name: Name
    sha256: Sha256
    format: Name = ""
    model_bytes: Count = 0
    recipe: PublishedRecipe | None = None
    files: Annotated[tuple[PublishedFile, ...], Field(max_length=10_000)] = ()


class PublishedVerdict(_PublishedTable):
    """A budget's answer for one cell."""

    run: Name = ""
    cell: Name
    device: Name
    variant: Name
    backend: Name
    scenario: Name
    budget: Name
    key: Name
    column: Name = ""
    limit: Figure
    outcome: VerdictOutcome


class PublishedClaim(_PublishedTable):
    """A claim of a suite, and what the run made of it."""

    run: Name = ""
    id: Name
    text: Sentence
    verdict: ClaimOutcome
    asked: Sentence = ""


class PublishedSkip(_PublishedTable):
    """What was not measured, and why."""

    run: Name = ""
    device: Name
    variant: Name
    backend: Name
    scenario: Name
    reason: Sentence


class PublishedRun(_PublishedTable):
    """What a run was of."""

    id: Name
    suite: Name
    task: Name = ""
    baseline: Name = ""
    effort: Name = "standard"
    kind: Name = "suite"
    started_at: Name = ""
    suite_sha256: Name = ""
    provenance: Annotated[Mapping[Name, Sentence | None], Field(max_length=1000)] = {}

    def told(self, name: str) -> str:
        """Return an entry of its provenance; empty: it has none."""
        return self.provenance.get(name) or ""


class PublishedReport(_PublishedTable):
    """A report of one run, or of several until one is chosen."""

    run: PublishedRun
    runs: Annotated[tuple[PublishedRun, ...], Field(max_length=1000)] = ()
    devices: Annotated[tuple[PublishedDevice, ...], Field(max_length=MOST)]
    rows: Annotated[tuple[PublishedRow, ...], Field(max_length=MOST)]
    variants: Annotated[tuple[PublishedVariant, ...], Field(max_length=MOST)] = ()
    verdicts: Annotated[tuple[PublishedVerdict, ...], Field(max_length=10 * MOST)] = ()
    claims: Annotated[tuple[PublishedClaim, ...], Field(max_length=MOST)] = ()
    skips: Annotated[tuple[PublishedSkip, ...], Field(max_length=10 * MOST)] = ()

    @model_validator(mode="after")
    def _no_cell_twice(self) -> PublishedReport:
        seen: set[tuple[object, ...]] = set()
        for place, row in enumerate(self.rows):
            key = (row.run, row.device, row.variant, row.model_sha256, *row.settings)
            if key in seen:
                raise ValueError(
                    f"rows.{place} is a second row of one cell: {row.variant} on {row.backend},"
                    f" {row.scenario}, of {row.device}"
                )
            seen.add(key)
        return self
