"""Two model files on one device, interleaved: a run of two cells that goes on until it is decided.

The run is stored like any other, so that raw samples stay and reports can be made of it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchhub.ab_inputs import fixed_batch, given_inputs, random_inputs
from benchhub.campaign import MOST_ATTEMPTS
from benchhub.compress.files.look import check_inputs_match, check_outputs_match, inspect_model
from benchhub.config import load_profile
from benchhub.errors import ConfigError
from benchhub.execute import Ready
from benchhub.model import (
    Agreement,
    Array,
    Scenario,
    ScenarioSpec,
    Suite,
    Variant,
    VariantSpec,
)
from benchhub.order import More
from benchhub.plan import EFFORTS, plan
from benchhub.prepare import CHECK_CASES, Prepared, write_npy
from benchhub.request import Request, Resolved, check_backends
from benchhub.stats.paired_ab import LOOKS, ABDecision, paired_ab_look
from benchhub.stats.samples import Launches
from benchhub.stats.warmup import warmup_cut

#: The task of these runs, which is not one of the table: it has no labels.
TASK = "ab"


@dataclass(frozen=True, slots=True)
class ABRequest(Request):
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
    options: Mapping[str, Any] = field(default_factory=dict)
    iterations: int | None = None
    delta: float = 0.02
    statistic: str = "p50"


def make_ab(request: ABRequest, cache: Path) -> Ready:
    """Return a comparison that is ready to be measured; ConfigError if it cannot be made."""
    backend = request.backends[0]
    names = _names(request)
    variants = tuple(
        inspect_model(name, Path(path))
        for name, path in zip(names, (request.model_a, request.model_b), strict=True)
    )
    check_inputs_match(variants[1], variants[0])
    check_outputs_match(variants[1], variants[0])
    batch = request.batch or fixed_batch(variants[0]) or fixed_batch(variants[1]) or 1
    cases = max(CHECK_CASES, batch)
    inputs = (
        given_inputs(Path(request.inputs), variants[0])
        if request.inputs
        else random_inputs(variants[0], cases)
    )
    suite = _suite(request, variants, batch)
    check_backends(suite)
    effort = EFFORTS[suite.effort]
    device = load_profile(Path(request.devices[0]))
    from benchhub.ondevice import backends

    formats = {backend: backends.formats(backend)}
    made = plan(
        suite, variants, (device,), formats, effort, backends.COMPUTES, backends.COMPUTES_WITH
    )
    if made.skips or len(made.cells) != 2:
        skips = [f"{skip.variant}: {skip.reason}" for skip in made.skips]
        raise ConfigError("; ".join(skips) or f"{backend} runs no model; choose another backend")
    folder = cache / "inputs"
    folder.mkdir(parents=True, exist_ok=True)
    prepared = Prepared(
        suite=suite,
        variants=variants,
        inputs={name: write_npy(array, folder) for name, array in inputs.items()},
        truth=None,
        metric=None,
        provenance={"dataset": request.inputs or "random inputs of the models' shapes"},
    )
    told = json.dumps([[v.sha256 for v in variants], request.stored()], sort_keys=True)
    sha256 = hashlib.sha256(told.encode()).hexdigest()
    resolved = Resolved(request, suite, sha256, (device,), effort)
    a, b = made.cells
    return Ready(resolved, prepared, made, until_decided(a.key, b.key, request))


def _names(request: ABRequest) -> tuple[str, str]:
    if request.names:
        one, other = request.names
        return one, other
    one, other = Path(request.model_a).stem, Path(request.model_b).stem
    return (one, other) if one != other else (f"{one} (A)", f"{other} (B)")


def _suite(request: ABRequest, variants: Sequence[Variant], batch: int) -> Suite:
    effort = EFFORTS[request.effort or "standard"]
    latency = ScenarioSpec(
        Scenario.LATENCY,
        batches=(batch,),
        threads=(request.threads,),
        launches=LOOKS[0],
        iterations=request.iterations or effort.iterations,
        max_timed_s=effort.max_timed_s,
    )
    return Suite(
        name=TASK,
        path=Path(TASK),
        task=TASK,
        baseline=variants[0].name,
        backends=request.backends,
        variants=tuple(VariantSpec(v.name, model=v.path) for v in variants),
        scenarios=(latency,),
        budgets=(),
        effort=effort.name,
        data={},
        precisions=(request.precision,),
        agreement=Agreement(),
        seed=0,
        options={request.backends[0]: request.options},
    )


def until_decided(key_a: str, key_b: str, request: ABRequest) -> More:
    """Return what keeps both cells open in every round until the test decides."""

    def more(samples_ns: Mapping[str, Sequence[Array]]) -> Collection[str]:
        a, b = samples_ns.get(key_a, ()), samples_ns.get(key_b, ())
        if abs(len(a) - len(b)) >= MOST_ATTEMPTS:
            return ()  # one of them fails: the other has nothing to be held to
        return () if look(a, b, request, final=False)[0].next_look is None else (key_a, key_b)

    return more


def look(
    a_ns: Sequence[Array], b_ns: Sequence[Array], request: ABRequest, final: bool
) -> tuple[ABDecision, int]:
    """Return what the pairs so far decide, and how many iterations were dropped as warm-up.

    The same cut holds for both sides and all launches. `final`: no more pairs come.
    """
    pairs = min(len(a_ns), len(b_ns))
    a, b = list(a_ns[:pairs]), list(b_ns[:pairs])
    drop = max((warmup_cut(side).drop for side in (a, b) if side), default=0)
    if any(launch.size <= drop for launch in (*a, *b)):
        drop = 0
    decision = paired_ab_look(
        _without(a, drop),
        _without(b, drop),
        delta_min=request.delta / 2,
        delta=request.delta,
        primary=request.statistic,
        final=final,
    )
    return decision, drop


def _without(launches: Launches, drop: int) -> Launches:
    return [launch[drop:] for launch in launches]
