"""Two model files on one device, interleaved: a run of two cells that goes on until it is decided.

The run is stored like any other, so that raw samples stay and reports can be made of it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from benchhub.backends import described
from benchhub.compress.build.readable import unreadable
from benchhub.compress.files.look import check_inputs_match, check_outputs_match, inspect_model
from benchhub.config.request import Resolved, check_backends
from benchhub.config.suite import load_profile
from benchhub.errors import ConfigError
from benchhub.model.arrays import Array
from benchhub.model.asked import EFFORTS, Agreement, ScenarioSpec, Suite, VariantSpec
from benchhub.model.cell import CHECK_CASES, More, Variant
from benchhub.model.request import ABRequest
from benchhub.model.scenario import Scenario
from benchhub.results.compare.ab import look
from benchhub.run.execute import Ready
from benchhub.run.inputs.asked_shapes import check_known, shape_sweep
from benchhub.run.inputs.given import given_inputs
from benchhub.run.inputs.made import made_inputs
from benchhub.run.inputs.signature import signature
from benchhub.run.inputs.sizes import sized
from benchhub.run.loop.campaign import MOST_ATTEMPTS
from benchhub.run.plan import plan
from benchhub.run.prepare import Prepared, write_npy
from benchhub.stats.paired_ab import LOOKS

#: The task of these runs, which is not one of the table: it has no labels.
TASK = "ab"


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
    batch, inputs, said = _inputs(request, variants[0])
    suite = _suite(request, variants, batch)
    check_backends(suite)
    effort = EFFORTS[suite.effort]
    device = load_profile(Path(request.devices[0]))
    lacking = unreadable(suite, variants, cache)
    made = plan(suite, variants, (device,), [described(backend)], effort, unreadable=lacking)
    if made.skips or len(made.cells) != 2:
        skips = [f"{skip.variant}: {skip.reason.text}" for skip in made.skips]
        raise ConfigError("; ".join(skips) or f"{backend} runs no model; choose another backend")
    folder = cache / "inputs"
    folder.mkdir(parents=True, exist_ok=True)
    prepared = Prepared(
        suite=suite,
        variants=variants,
        inputs={name: write_npy(array, folder) for name, array in inputs.items()},
        answer_key=None,
        metric=None,
        provenance={"dataset": said},
    )
    told = json.dumps([[v.sha256 for v in variants], request.told()], sort_keys=True)
    sha256 = hashlib.sha256(told.encode()).hexdigest()
    resolved = Resolved(request, suite, sha256, (device,), effort)
    a, b = made.cells
    return Ready(resolved, prepared, made, until_decided(a.key, b.key, request))


def _inputs(request: ABRequest, model: Variant) -> tuple[int, Mapping[str, Array], str]:
    """Return the batch, the cases of every input by name, and in words what they are."""
    if request.inputs:
        fixed = (spec.shape[0] for spec in model.inputs if spec.shape and spec.shape[0])
        batch = request.batch or next(fixed, 1)
        return batch, given_inputs(Path(request.inputs), model), request.inputs
    asked = shape_sweep(request.shapes)
    inputs = signature(model)
    check_known(asked, {one.name for one in inputs}, model.path.name)
    if len(asked) > 1:
        raise ConfigError("--shape: ab compares at one shape; `benchhub bench` takes several")
    found = sized(model.path.name, inputs, asked[0], request.batch)
    arrays, said = made_inputs(model.path.name, inputs, found, cases=CHECK_CASES)
    return found.batch, arrays, said


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
