"""Whether a run that is gone on with would measure the same again."""

from __future__ import annotations

import numpy as np

from benchhub.config.request import Resolved
from benchhub.errors import ConfigError
from benchhub.model.launch import RunInfo
from benchhub.model.quality import AnswerKey
from benchhub.results.rows.agreement import agreement
from benchhub.results.rows.quality.outputs_read import compared
from benchhub.run.execute import Ready
from benchhub.store import Store
from benchhub.tasks.own.code import changed

#: What releases of onnxruntime may differ by in reference outputs of the same inputs.
_SAME_REFERENCE = 1e-3


def check_same(store: Store, run: RunInfo, ready: Ready) -> None:
    """ConfigError when the suite, a model, the effort or the cases changed since `run` began."""
    before = {cell.key for cell in store.plan(run.id).cells}
    if before != {cell.key for cell in ready.plan.cells}:
        raise ConfigError(
            f"run {run.id} cannot be resumed: {ready.resolved.suite.path} or a model it names"
            " has changed since; start a new run"
        )
    then, awaited = store.answer_key(run.id), ready.prepared.awaited
    same = then is None or _same_cases(then, ready.prepared.answer_key)
    if awaited is not None:
        same = run.provenance.get("cases_sha256") == awaited.sha256
    if not same:
        raise ConfigError(
            f"run {run.id} cannot be resumed: the cases of its task {run.task} have changed since,"
            " and its outputs answer the old ones; give back the data, or start a new run"
        )


def check_code(run: RunInfo, resolved: Resolved) -> None:
    """ConfigError when a file of the user's own code changed since `run` began: none is run."""
    suite = resolved.suite
    if file := changed(run.provenance.told, suite.data, suite.path.parent):
        raise ConfigError(
            f"run {run.id} cannot be resumed: {suite.path.parent / file} is not the file that it"
            " began with; give that back, or start a new run"
        )


def _same_cases(then: AnswerKey, now: AnswerKey | None) -> bool:
    """Return whether both are of the same cases: their inputs show in the baseline's outputs."""
    if now is None or (then.ids, then.groups) != (now.ids, now.groups):
        return False
    if then.predict != now.predict or not np.array_equal(then.labels, now.labels):
        return False
    if then.varying or now.varying:
        return True  # the answers tell nothing of the cases
    mine, theirs = (compared(one, then) for one in (now.reference, then.reference))
    apart = [agreement(mine, theirs, compared(then.spreads, then))]
    if then.sketch is not None and now.sketch is not None:
        apart.append(agreement((now.sketch,), (then.sketch,)))
    return all(relative <= _SAME_REFERENCE for _, relative in apart)
