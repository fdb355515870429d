"""What the user asked a run to do, by its kind."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from benchhub.model.arrays import Settings


class RunKind(enum.StrEnum):
    """What a run is: a suite's, two models side by side, model files without a suite, a device's
    self-test, or imported."""

    SUITE = "suite"
    AB = "ab"
    BENCH = "bench"
    SELFTEST = "selftest"
    IMPORT = "import"

    @property
    def resumable(self) -> bool:
        """Whether a run that was cut short can go on: the others are not planned from files."""
        return self in (RunKind.SUITE, RunKind.BENCH)

    @property
    def without_answers(self) -> bool:
        """Whether nothing says what the right outputs are, so that no quality can be shown."""
        return self is RunKind.BENCH


#: Told only where they are set: how devices were chosen, and model files in place of recipes.
_CHOOSING = ("asked", "exclude", "at_most", "passed_over", "given")


@dataclass(frozen=True, slots=True)
class RunRequest:
    """The arguments of `benchhub run`; paths are absolute so that any folder can resume it.

    `limits` were typed, by the keys of budgets, and hold beside those of the suite. Where devices
    were not all named one by one, `asked` has the words by which they were chosen, `exclude` those
    that left some out, and with `at_most` so many were taken: `passed_over` says by name which were
    not, and why. `given` are files by the names of variants, measured in place of what the suite
    makes or names.
    """

    suite: str
    devices: tuple[str, ...]
    backends: tuple[str, ...] = ()
    variants: tuple[str, ...] = ()
    effort: str | None = None
    data: str | None = None
    scenarios: tuple[str, ...] = ()
    kind: RunKind = RunKind.SUITE
    limits: Mapping[str, float] = field(default_factory=dict, hash=False)
    asked: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    at_most: int | None = None
    passed_over: Mapping[str, str] = field(default_factory=dict, hash=False)
    given: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def backends_by_default(self) -> bool:
        """Whether neither it nor a suite names the backends."""
        return self.kind is RunKind.BENCH and not self.backends

    def told(self) -> dict[str, Any]:
        """Return the arguments as JSON types."""
        found = dataclasses.asdict(self)
        del found["kind"]
        return {key: value for key, value in found.items() if value or key not in _CHOOSING}


@dataclass(frozen=True, slots=True)
class ABRequest(RunRequest):
    """The arguments of a comparison; `devices` holds one profile's path, `backends` one name.

    `delta` is the share within which two times count as the same. `names` are shown for the two
    models; `iterations` None: those of the effort.
    """

    model_a: str = ""
    model_b: str = ""
    names: tuple[str, ...] = ()
    inputs: str | None = None
    batch: int | None = None
    threads: int = 1
    precision: str = "f32"
    options: Settings = field(default_factory=dict)
    iterations: int | None = None
    delta: float = 0.02
    statistic: str = "p50"
    shapes: tuple[str, ...] = ()
    kind: RunKind = RunKind.AB


@dataclass(frozen=True, slots=True)
class BenchRequest(RunRequest):
    """The arguments of `benchhub bench`; no `backends`: all that read the files.

    `shapes` are as they were typed, `NAME=1x3x224x224`, and so are `options`, `NAME=VALUE`;
    `inputs` is the path of an `.npz` file; no `batches`: what the shapes or the models say, or 1.
    """

    models: tuple[str, ...] = ()
    shapes: tuple[str, ...] = ()
    inputs: str | None = None
    threads: tuple[int, ...] = (1,)
    batches: tuple[int, ...] = ()
    precisions: tuple[str, ...] = ("f32",)
    options: tuple[str, ...] = ()
    kind: RunKind = RunKind.BENCH
