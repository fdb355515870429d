"""Two model files on one device, interleaved: a run of two cells that goes on until it is decided.

The run is stored like any other, so that raw samples stay and reports can be made of it.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from benchhub.backends import described
from benchhub.compress.build.readable import unreadable
from benchhub.compress.build.reference import check_cases_fit
from benchhub.compress.files.look import check_inputs_match, check_outputs_match, inspect_model
from benchhub.config.fleet.chosen import profiles
from benchhub.config.limits import check_of_launches, typed_budget
from benchhub.config.options import check_precisions
from benchhub.config.request import Resolved, check_backends
from benchhub.errors import ConfigError
from benchhub.model.asked import EFFORTS, Agreement, Budget, ScenarioSpec, Suite, VariantSpec
from benchhub.model.cell import CHECK_CASES, More, SamplesOf, Variant
from benchhub.model.request import ABRequest
from benchhub.model.scenario import Scenario
from benchhub.results.compare.ab import look
from benchhub.run.execute import Ready
from benchhub.run.inputs.asked_shapes import AskedShapes, check_known, shape_sweep
from benchhub.run.inputs.fed import Fed, arranged, given_to, made_for, taken
from benchhub.run.inputs.signature import ModelInput, within_tables
from benchhub.run.inputs.torchscript import with_signature
from benchhub.run.loop.campaign import MOST_ATTEMPTS
from benchhub.run.planning.plan import plan
from benchhub.run.prepare import Prepared, write_npy
from benchhub.stats.paired_ab import LOOKS

#: The task of these runs, which is not one of the table: it has no labels.
TASK = "ab"


def make_ab(request: ABRequest, cache: Path) -> Ready:
    """Return a comparison that is ready to be measured; ConfigError if it cannot be made."""
    backend = request.backends[0]
    names = _names(request)
    sweep = shape_sweep(request.shapes)
    given = Path(request.inputs) if request.inputs else None
    if given and request.shapes:
        raise ConfigError("--inputs brings its own shapes; drop --shape, or --inputs")
    found = [
        inspect_model(name, with_signature(Path(path), sweep, cache / "signed", given))
        for name, path in zip(names, (request.model_a, request.model_b), strict=True)
    ]
    inputs = [taken(variant, sweep, given) for variant in found]
    variants = tuple(arranged(one, of) for one, of in zip(found, inputs, strict=True))
    check_inputs_match(variants[1], variants[0])
    check_outputs_match(variants[1], variants[0])
    fed = _fed(request, variants, sweep, within_tables(*inputs))
    suite = _suite(request, variants, fed.sized.batch)
    check_precisions(suite.precisions)
    check_backends(suite)
    check_of_launches(suite.budgets, TASK)
    effort = EFFORTS[suite.effort]
    (device,) = profiles(request.devices)
    lacking = unreadable(suite, variants, cache)
    made = plan(suite, variants, (device,), [described(backend)], effort, unreadable=lacking)
    if made.skips or len(made.cells) != 2:
        skips = [f"{skip.variant}: {skip.reason.text}" for skip in made.skips]
        raise ConfigError("; ".join(skips) or f"{backend} runs no model; choose another backend")
    cells = (dataclasses.replace(cell, shapes=fed.sized.text) for cell in made.cells)
    made = dataclasses.replace(made, cells=tuple(cells))
    folder = cache / "inputs"
    prepared = Prepared(
        suite=suite,
        variants=variants,
        inputs={name: write_npy(array, folder) for name, array in fed.inputs.items()},
        answer_key=None,
        metric=None,
        provenance={"dataset": fed.said},
    )
    told = json.dumps([[v.sha256 for v in variants], request.told()], sort_keys=True)
    sha256 = hashlib.sha256(told.encode()).hexdigest()
    resolved = Resolved(request, suite, sha256, (device,), effort)
    a, b = made.cells
    return Ready(resolved, prepared, made, until_decided(a.key, b.key, request))


def _fed(
    request: ABRequest,
    models: Sequence[Variant],
    sweep: Sequence[AskedShapes],
    inputs: Sequence[ModelInput],
) -> Fed:
    """Return what both are called with, by what A takes; ConfigError where B does not take it."""
    model, other = models
    if len(sweep) > 1:
        raise ConfigError("--shape: ab compares at one shape; `benchhub bench` takes several")
    check_known(sweep, {one.name for one in inputs}, model.path.name)
    if request.inputs:
        fed = given_to(model, inputs, Path(request.inputs), request.batch)
    else:
        fed = made_for(model, inputs, sweep[0], request.batch, cases=CHECK_CASES)
    try:
        check_cases_fit(other, fed.inputs)
    except ConfigError as error:
        told = str(error).removeprefix(f"variant {other.name}: ")
        raise ConfigError(
            f"{other.path.name} does not take what {model.path.name} is called with: {told}"
        ) from error
    return fed


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
        budgets=_budgets(request, variants[1].name),
        effort=effort.name,
        data={},
        precisions=(request.precision,),
        agreement=Agreement(),
        seed=0,
        options={request.backends[0]: request.options},
    )


def _budgets(request: ABRequest, judged: str) -> tuple[Budget, ...]:
    """Return what was typed, of the model that is judged alone."""
    if not request.limits:
        return ()
    return (dataclasses.replace(typed_budget(request.limits), variants=(judged,)),)


def until_decided(key_a: str, key_b: str, request: ABRequest) -> More:
    """Return what keeps both cells open in every round until the test decides."""

    def more(finished: Mapping[str, int], samples_of: SamplesOf) -> Collection[str]:
        counts = finished.get(key_a, 0), finished.get(key_b, 0)
        if abs(counts[0] - counts[1]) >= MOST_ATTEMPTS:
            return ()  # one of them fails: the other has nothing to be held to
        a, b = samples_of(key_a, counts[0]), samples_of(key_b, counts[1])
        return () if look(a, b, request, final=False)[0].next_look is None else (key_a, key_b)

    return more
