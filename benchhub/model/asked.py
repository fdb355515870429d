"""What a suite asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchhub.model.arrays import Settings
from benchhub.model.claim import Claim
from benchhub.model.quantities import BUDGET_KEYS
from benchhub.model.recipe import Recipe
from benchhub.model.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Arrangement:
    """What a suite says of one model file; everything is empty where it is as the data are.

    `inputs` and `outputs`: the name in the data, or of the baseline's output, to the file's own.
    `layout`: by the former, `NCHW->NHWC` from the data's axes to the file's for an input, and from
    the file's to the baseline's for an output. `batch_axis`: by the former, the file's axis that
    runs over cases, None where none does. `rows`: by an output's name, to how many rows a case it
    is filled up, where a file gives as many as it finds. `state`: the file's own input to the
    file's own output that is fed back into it from call to call.
    """

    inputs: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)
    layout: Mapping[str, str] = field(default_factory=dict)
    batch_axis: Mapping[str, int | None] = field(default_factory=dict)
    state: Mapping[str, str] = field(default_factory=dict)
    rows: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class VariantSpec:
    """A variant as a suite asks for it: a model file, or another variant and a recipe.

    `backends` are those it is meant for; empty: all of the suite's. `against` is the variant that
    its speed-up and compression refer to; None: the suite's baseline. `approximates`: the model
    file is meant to answer as the baseline does, not one that was fitted anew; of what a recipe
    makes, the recipe tells. `arrangement` is that of the model file; what recipes make has it too.
    """

    name: str
    model: Path | None = None
    source: str | None = None
    recipe: Recipe | None = None
    backends: tuple[str, ...] = ()
    against: str | None = None
    approximates: bool = True
    arrangement: Arrangement = field(default_factory=Arrangement)


@dataclass(frozen=True, slots=True)
class ScenarioSpec:
    """One scenario with the settings it sweeps; `cases` only for quality (None: all).

    Quality is judged at each of its `batches`, for the rows of that batch.

    `concurrency` is swept by throughput; `rates_per_s` by paced, whose calls arrive at `arrivals`
    (fixed or poisson) times and may wait for one of `concurrency` others.
    `own_launches`: it is launched also where launches of latency show the same.
    """

    scenario: Scenario
    batches: tuple[int, ...] = (1,)
    threads: tuple[int, ...] = (1,)
    cases: int | None = None
    launches: int | None = None
    iterations: int | None = None
    max_timed_s: float | None = None
    concurrency: tuple[int, ...] = (1,)
    rates_per_s: tuple[float, ...] = ()
    arrivals: str = "poisson"
    shapes: tuple[str, ...] = ()
    own_launches: bool = False


@dataclass(frozen=True, slots=True)
class Budget:
    """Limits that cells must keep; empty selectors match everything.

    `limits` are by the keys of `quantities.BUDGET_KEYS`. `paced_min_rate_per_s` asks for those of
    paced cells to be met at that rate or a higher one, not at every rate. `quality_loss_relative`
    reads the limit of a loss as a share of the baseline's quality. Where a PASS is not to take it
    that launches unlike all that were made are none, `rare_launches` is the share of them that may
    miss a limit of a percentile.
    """

    name: str
    devices: tuple[str, ...] = ()
    variants: tuple[str, ...] = ()
    backends: tuple[str, ...] = ()
    threads: tuple[int, ...] = ()
    limits: Mapping[str, float] = field(default_factory=dict)
    paced_min_rate_per_s: float | None = None
    quality_loss_relative: bool = False
    quality_min_cases: int = 200
    rare_launches: float | None = None

    def percentiles(self, scenario: Scenario) -> dict[str, float]:
        """Return the limits of percentiles in cells of a scenario, by quantity, in ms."""
        return {
            quantity.name: self.limits[key.key]
            for key, quantity in map(BUDGET_KEYS.__getitem__, self.limits)
            if quantity.quantile is not None and key.scenario is scenario
        }


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far a variant's outputs may lie from its reference before they count as garbage.

    The measure is the root mean square difference over the root mean square spread of the
    reference outputs about their mean (0: identical; 1: no better than a constant answer).
    """

    max_relative: float = 0.5


@dataclass(frozen=True, slots=True)
class Effort:
    """How much measuring a cell gets: launches, timed iterations a launch, seconds a launch.

    A cell that a budget leaves open after its launches goes on, look by look, up to
    `most_launches`, and no further once its timed calls took `max_cell_s` altogether.
    """

    name: str
    launches: int
    iterations: int
    max_timed_s: float
    most_launches: int = 0
    max_cell_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Suite:
    """A suite file, parsed.

    `reference_device` is the device whose answers of the baseline are the reference, "" where
    the controller computes it; None: a run's only device. `ends_early`: cells may end once their
    budgets of time are clearly broken.
    """

    name: str
    path: Path
    task: str
    baseline: str
    backends: tuple[str, ...]
    variants: tuple[VariantSpec, ...]
    scenarios: tuple[ScenarioSpec, ...]
    budgets: tuple[Budget, ...]
    effort: str
    data: Settings
    precisions: tuple[str, ...]
    agreement: Agreement
    seed: int
    deadline_s: float = 120.0
    options: Mapping[str, Settings] = field(default_factory=dict)
    requires_selftest: bool = False
    baseline_below_chance: bool = False
    claims: tuple[Claim, ...] = ()
    reference_device: str | None = ""
    ends_early: bool = True


#: How much measuring an effort level buys. A latency gate needs at least ten launches
#: (docs/decisions.md, 5), so `quick` cannot pass one. The most are looks of the gate.
EFFORTS = {
    "quick": Effort("quick", 3, 60, max_timed_s=2.0),
    "standard": Effort("standard", 10, 200, 5.0, most_launches=16, max_cell_s=60.0),
    "rigorous": Effort("rigorous", 25, 200, 20.0, most_launches=40, max_cell_s=600.0),
}
